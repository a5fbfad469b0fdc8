"""Many requests, one after the other, and what is said of them: no HTML, no 5xx, no hang, nothing in the log."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.odoo.api_fuzz import nasty
from tests.odoo.api_fuzz.requests import Request, World, request
from tests.odoo.small import Small, day_of_last_month

SLOW = 2.0  # seconds of an answer
TICKS = os.sysconf("SC_CLK_TCK")
APART = ("untouched", "waiting", "warm")  # subscriptions that no request names
UNTOUCHED = 43.15  # 30.00, three calls at 0.05, 10 bytes at 1 and 2 at 0.50 with 2.00 for the tier


@dataclass(frozen=True)
class Answer:
    """``cpu``: what the server's process used meanwhile; on a machine that others share only that says "hang"."""

    request: Request
    status: int
    content_type: str
    body: bytes
    seconds: float
    cpu: float

    def faults(self) -> Iterator[str]:
        """What must not be."""
        if self.status >= 500:
            yield "5xx"
        if self.status in (301, 302, 303, 307, 308) or self.body.lstrip()[:1] == b"<" or "html" in self.content_type:
            yield "HTML"
        elif self.body and not self.is_text() and not self.is_json():
            yield "no JSON"
        if self.seconds > SLOW and self.cpu > SLOW / 2:
            yield "slow"

    def is_json(self) -> bool:
        try:
            json.loads(self.body, parse_constant=_refuse)
        except ValueError:
            return False
        return self.content_type.startswith("application/json")

    def is_text(self) -> bool:
        """The one address that answers in bare text."""
        return self.request.path.startswith("webhooks/public_key") and self.status == 200


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass
class Asking:
    """The requests of a run, in the world that they change."""

    company: Small
    pid: int
    world: World
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def ask(self, seed: str) -> Answer:
        asked = request(seed, self.world, self.company.key)
        place = urlsplit(self.company.place.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=180)
        started, used = time.monotonic(), cpu_seconds(self.pid)
        try:
            headers = {"X-Odoo-Database": self.company.place.database, **asked.headers}
            connection.request(asked.method, f"/api/v1/{asked.path}", asked.body, headers)
            got = connection.getresponse()
            body = got.read()
        finally:
            connection.close()
        seconds, cpu = time.monotonic() - started, cpu_seconds(self.pid) - used
        answer = Answer(asked, got.status, got.getheader("Content-Type") or "", body, seconds, cpu)
        self.note(answer)
        return answer

    def note(self, answer: Answer) -> None:
        asked, faults = answer.request, list(answer.faults())
        self.tally[asked.kind, str(answer.status)] += 1
        self.routes[asked.route] += 1
        self.slowest = max(self.slowest, answer.seconds)
        for fault in faults:
            self.tally[asked.kind, fault] += 1
        if faults:
            shown = f"{asked.method} {asked.path[:200]} {(asked.body or b'')[:300]!r}: {answer.body[:200]!r}"
            self.failures.append(f"{', '.join(faults)} {answer.status}: seed {asked.seed}: {shown}")
        if answer.status == 200 and answer.is_json():
            self.learn(json.loads(answer.body))

    def learn(self, told: dict[str, Any]) -> None:
        """What an answer names can be asked for."""
        names = (("customer", "external_id"), ("subscription", "external_id"), ("event", "transaction_id"),
                 ("wallet", "lago_id"), ("invoice", "lago_id"))  # fmt: skip
        for kind, name in names:
            listed = told.get(f"{kind}s")
            shown = [told[kind]] if isinstance(told.get(kind), dict) else listed if isinstance(listed, list) else []
            known = self.world.found["transaction" if kind == "event" else kind]
            apart = {self.company.name(of) for of in APART}
            named = [str(item[name]) for item in shown if item.get(name) and not apart & owners(item)]
            known += [value for value in dict.fromkeys(named) if value not in known]
            del known[:-40]

    def table(self) -> str:
        """What was sent against what came back."""
        kinds, results = sorted({kind for kind, _ in self.tally}), sorted({result for _, result in self.tally})
        lines = [f"{'sent':14}" + "".join(f"{result:>9}" for result in results)]
        lines += [f"{kind:14}" + "".join(f"{self.tally[kind, result]:9}" for result in results) for kind in kinds]
        return "\n".join([*lines, f"slowest answer: {self.slowest:.1f} s"])


def owners(shown: Mapping[str, Any]) -> set[Any]:
    """The ids by which an object of an answer says whose it is."""
    names = ("external_id", "external_customer_id", "external_subscription_id")
    return {shown.get(name) for name in names} | {(shown.get("customer") or {}).get("external_id")}


def prepared(company: Small, pid: int) -> Asking:
    """The world before the first request: a plan, a coupon, two subscriptions that no request names."""
    currency = company.rows("res.company", [], "currency_id")[0]["currency_id"][0]
    coupon = company.name("coupon")
    company.make(
        "fusion.billing.coupon", name="Coupon", code=coupon, coupon_type="fixed_amount", amount="5",
        currency_id=currency, frequency="once", reusable=True, fusion_lago_id=company.name("coupon"),
    )  # fmt: skip
    with company.http() as client:
        for of in APART:
            subscription = company.subscribe(client, of)
            company.use(client, subscription, 3)
            company.use(client, subscription, 1, "bytes", properties={"bytes": "12"})
        client.delete(f"subscriptions/{company.name('warm')}")  # the first invoice of a process takes seconds
    due(company, company.name("waiting"), "2030-01-01 00:00:00")
    kinds = ("customer", "subscription", "transaction", "wallet", "invoice")
    charges = tuple(company.charge(code) for code in ("calls", "bytes", "bought"))
    return Asking(company, pid, World(company.prefix, company.plan, coupon, charges, {kind: [] for kind in kinds}))


def due(company: Small, subscription: str, since: str) -> None:
    """Nothing of the subscription was billed since then."""
    orders = company.call("sale.order", "search", domain=[["fusion_external_id", "=", subscription]])
    company.call("sale.order", "write", orders, vals={"fusion_billed_until": since})


def run(asking: Asking, seeds: Iterable[str], jobs_every: int) -> None:
    """Ask them all; the scheduled jobs run in between, and at the end bill what nobody touched."""
    company = asking.company
    for number, seed in enumerate(seeds, 1):
        asking.ask(seed)
        if number % jobs_every == 0:
            company.run()
    due(company, company.name("waiting"), day_of_last_month(2))
    company.run()
    for of in ("untouched", "waiting"):
        billed = company.invoices(company.name(of))
        if billed != [UNTOUCHED]:
            asking.failures.append(f"{of}: billed {billed}, not {UNTOUCHED}")
    orders = company.call("sale.order", "search", domain=[["fusion_service_id", "=", company.service]])
    told = [["res_model", "=", "sale.order"], ["res_id", "in", orders]]
    robot = company.rows("mail.activity", [["user_id", "=", 1], *told], "summary")
    asking.failures += [f"told to nobody: {row['summary']}" for row in robot]


def said(log: str, database: str) -> list[str]:
    """Lines of the server's log that quote what was sent, or tell of an error; requests' own lines aside."""
    lines = [line for line in log.split("\n") if " werkzeug: " not in line]
    own = [line for line in lines if f" {database} " in line and " ERROR " in line]
    return own + [line for line in lines if nasty.CANARY in line or "bad query" in line or "Traceback" in line]
