"""How fast the addon meters on a real Odoo, side by side with plain ORM calls, in one run on one worker.

    python -m bench.addon [--rows 1000000] [--explain]        make bench-addon

Starts the project's own server (tests/odoo/server) with a fresh database and fills it with usage: nine tenths over 100
subscriptions and four months, one tenth in the running month of one of them. Then events over HTTP as an app sends them
(a connection each, like the Lago client), the same rows by ``create`` inside Odoo, and the usage of the running period.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.odoo import SCRIPT

INSIDE = Path(__file__).with_name("addon_inside.py")
SINGLE_GOAL, BATCH_GOAL, CURRENT_GOAL = 100.0, 2000.0, 200.0
BATCH = 100
TYPICAL, HEAVY = "bench_sub_7", "bench_sub_0"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``ceiling``: the same thing by plain ORM calls."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    ceiling: float | None = None
    remark: str = ""

    @property
    def reached(self) -> bool:
        return self.goal is None or (self.value <= self.goal if self.unit == "ms" else self.value >= self.goal)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of usage in the database")
    parser.add_argument("--explain", action="store_true", help="print the plans of the queries on usage")
    asked = parser.parse_args(arguments)
    if os.environ.get("ODOO_URL"):
        sys.exit("bench.addon looks inside Odoo: unset ODOO_URL, it starts a server of its own")
    with database() as odoo:
        sys.stderr.write(f"filling with {asked.rows:,} rows\n")
        key = odoo.inside("fill", asked.rows)[0]["key"]
        with odoo.serving():
            over_http = measure_http(Api(odoo.port, key))
        inside = odoo.inside("measure", asked.rows)
    rows = [*with_ceilings(over_http, inside), *(current_inside(said) for said in inside if "current" in said)]
    report(rows, asked.rows)
    plans = [said for said in inside if "plan" in said]
    print("\nEvery query on usage goes by fusion_billing_usage__window_idx:", "yes" if indexed(plans) else "NO")
    for said in plans if asked.explain else ():
        print(f"\n{said['plan']}\n{said['text']}")
    return 0 if all(row.reached for row in rows) and indexed(plans) else 2


# --- the server ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int

    def script(self, *arguments: str, **more: Any) -> str:
        env = {**os.environ, "ODOO_PORT": str(self.port), **more.pop("env", {})}
        done = subprocess.run([SCRIPT, *arguments], check=False, env=env, stdout=subprocess.PIPE, text=True, **more)
        if done.returncode:
            sys.exit(f"tests/odoo/server {' '.join(arguments)} failed")
        return done.stdout

    def inside(self, step: str, rows: int) -> list[dict[str, Any]]:
        """What ``addon_inside`` says."""
        env = {"BENCH_STEP": step, "BENCH_ROWS": str(rows)}
        quiet = ("--no-http", "--log-level", "error")
        said = self.script("odoo", "shell", "-d", self.name, *quiet, env=env, input=INSIDE.read_text())
        return [json.loads(line) for line in re.findall(r"BENCH (\{.*\})", said)]

    @contextmanager
    def serving(self) -> Iterator[None]:
        self.script("up", self.name)
        try:
            yield
        finally:
            self.script("down")


@contextmanager
def database() -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(f"bench_addon_{os.getpid()}", free.getsockname()[1])
    server.script("ready", "enterprise")
    server.script("reset", server.name)
    try:
        yield server
    finally:
        server.script("drop", server.name)


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Api:
    port: int
    key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said)


def event() -> dict[str, Any]:
    return {
        "transaction_id": str(uuid.uuid4()),
        "external_subscription_id": "bench_sub_5",
        "code": "bench_calls",
        "timestamp": time.time(),
        "properties": {"gb": "1.5", "user": "u1"},
    }


def measure_http(api: Api) -> list[Row]:
    api.call("GET", "plans")  # the first call loads what the worker keeps
    single = timed(lambda: api.call("POST", "events", {"event": event()}), 500)
    batch = timed(lambda: api.call("POST", "events/batch", {"events": [event() for _ in range(BATCH)]}), 40)
    rows = [
        Row("single events over HTTP", len(single) / sum(single), "/s", SINGLE_GOAL),
        Row("events in batches of 100 over HTTP", BATCH * len(batch) / sum(batch), "/s", BATCH_GOAL),
    ]
    for name, goal in ((TYPICAL, CURRENT_GOAL), (HEAVY, None)):
        path = f"customers/{name.replace('_sub', '')}/current_usage?external_subscription_id={name}"
        taken = sorted(timed(lambda path=path: api.call("GET", path), 15))  # type: ignore[misc]
        remark = f"slowest of {len(taken)}: {taken[-1] * 1000:.0f} ms"
        rows.append(Row(f"current_usage over HTTP, {name}", taken[len(taken) // 2] * 1000, "ms", goal, remark=remark))
    return rows


def timed(act: Callable[[], Any], times: int) -> list[float]:
    act()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        found.append(time.perf_counter() - started)
    return found


def with_ceilings(rows: Sequence[Row], inside: Sequence[dict[str, Any]]) -> list[Row]:
    """The events' rows with what plain ``create`` inside Odoo does of the same."""
    orm = {name: value for said in inside for name, value in said.items() if name.startswith("orm_")}
    single, batch, *others = rows
    return [
        Row(single.what, single.value, single.unit, single.goal, orm["orm_single"]),
        Row(batch.what, batch.value, batch.unit, batch.goal, orm["orm_batch"]),
        *others,
    ]


def current_inside(said: dict[str, Any]) -> Row:
    goal = CURRENT_GOAL if said["current"] == TYPICAL else None
    remark = f"{said['events']:,} events in the period"
    return Row(f"current_usage inside Odoo, {said['current']}", said["milliseconds"], "ms", goal, remark=remark)


def indexed(plans: Sequence[dict[str, Any]]) -> bool:
    """Does every query go by the index, none through the whole table?"""
    texts = [text for said in plans for text in said["text"].split("\n\n")]
    return bool(texts) and all("_window_idx" in text and "Seq Scan" not in text for text in texts)


def report(rows: Sequence[Row], number: int) -> None:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{number:,} rows of usage; {os.cpu_count()} cores, load {load}; one worker, one client")
    print(f"{'what':<42} {'value':>12} {'goal':>10} {'plain create':>14} {'ratio':>7}")
    for row in rows:
        goal = (
            ""
            if row.goal is None
            else f"{'≤' if row.unit == 'ms' else '≥'} {row.goal:,.0f}{'' if row.reached else ' !'}"
        )
        ceiling = "" if row.ceiling is None else f"{row.ceiling:,.0f}/s"
        ratio = "" if row.ceiling is None else f"{row.value / row.ceiling:.0%}"
        line = f"{row.what:<42} {row.value:>9,.1f} {row.unit:<2} {goal:>10} {ceiling:>14} {ratio:>7}  {row.remark}"
        print(line.rstrip())


if __name__ == "__main__":
    sys.exit(main())
