"""A line to Odoo that spoils one read in twenty: the commands give what they give over a good one, in one run."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from lago2odoo.sandbox import lago as embedded_lago
from lago2odoo.sandbox import odoo as embedded_odoo
from tests.cli.conftest import ODOO_KEY, Project, new_project
from tests.cli.test_journey import everything

READS = ("read", "search", "search_read", "search_count", "fields_get", "has_access", "context_get", "fusion_rerun")
FAULTS = ("502", "page", "null", "cut", "silence")
PAGE = b"<html><body><h1>Just a moment...</h1></body></html>"


class Line:
    """A proxy that spoils answers to reads, seeded. ``spoilt``: how often, by kind."""

    def __init__(self, upstream: str, rate: float, seed: int) -> None:
        self.upstream, self.rate = upstream, rate
        self.random = random.Random(seed)
        self.spoilt: Counter[str] = Counter()

    def fault(self, path: str) -> str | None:
        if path.rpartition("/")[2] not in READS or self.random.random() >= self.rate:
            return None
        kind = self.random.choice(FAULTS)
        self.spoilt[kind] += 1
        return kind


def handler(line: Line) -> type[BaseHTTPRequestHandler]:
    client = httpx.Client(base_url=line.upstream, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.pass_on("GET", b"")

        def do_POST(self) -> None:
            self.pass_on("POST", self.rfile.read(int(self.headers["Content-Length"] or 0)))

        def pass_on(self, verb: str, body: bytes) -> None:
            fault = line.fault(self.path)
            if fault == "502":
                self.answer(502, "text/html", b"<h1>Bad Gateway</h1>")
            elif fault == "page":
                self.answer(200, "text/html", PAGE)
            elif fault == "null":
                self.answer(200, "application/json", b"null")
            elif fault == "silence":
                self.close_connection = True
            else:
                kept = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "content-length")}
                found = client.request(verb, self.path, content=body, headers=kept)
                self.answer(found.status_code, found.headers["Content-Type"], found.content, cut=fault == "cut")

        def answer(self, status: int, kind: str, body: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) + (7 if cut else 0)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = self.close_connection or cut

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def served(line: Line) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(line))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole_way(folder: Path, lago_url: str, rate: float) -> tuple[dict[str, Any], Counter[str]]:
    """What a whole migration and its month give over such a line: answers, Odoo's rows, the report."""
    folder.mkdir()
    fixed = datetime(2026, 8, 21, 12, tzinfo=UTC)
    odoo = embedded_odoo.serve(folder / "odoo.db", api_key=ODOO_KEY, clock=lambda: fixed)
    line = Line(odoo.url, rate, seed=7)
    try:
        with served(line) as url:
            answers = commands(new_project(folder, lago_url, url))
    finally:
        odoo.close()
    report = json.loads((folder / "report" / "2026-07.json").read_text("utf-8"))
    report["run"].pop("compared_at", None)
    return {"answers": answers, "rows": everything(folder / "odoo.db"), "report": report}, line.spoilt


def commands(project: Project) -> list[Any]:
    project.run("extract")
    told: list[Any] = []
    for command in (("doctor",), ("apply",), ("preview",), ("reconcile", "--period", "2026-07"), ("status",)):
        result = project.run(*command, "--format", "json")
        assert result.code in (0, 1 if command == ("doctor",) else 2), (command, result.err)
        data = json.loads(result.out)
        told.append((command[0], result.code, {n: steady(n, v) for n, v in data.items() if n in STEADY}))
    return told


def steady(name: str, value: Any) -> Any:
    """Without what doctor says of Lago's clock: it bears the minute in which it was asked."""
    return [finding for finding in value if not finding["what"].startswith(CLOCK)] if name == "findings" else value


CLOCK = "Lago's clock says "
STEADY = ("findings", "counts", "written", "calls", "failures", "altered", "drift", "summary", "ties")


@pytest.mark.whole
def test_a_line_that_spoils_one_read_in_twenty_changes_nothing(tmp_path: Path, lago: embedded_lago.LagoServer) -> None:
    undisturbed, none = whole_way(tmp_path / "good", lago.url, 0.0)
    disturbed, spoilt = whole_way(tmp_path / "bad", lago.url, 0.05)
    assert not none
    assert set(spoilt) == set(FAULTS), f"each kind happened: {spoilt}"
    assert disturbed["answers"] == undisturbed["answers"]
    assert disturbed["report"] == undisturbed["report"]
    assert disturbed["rows"] == undisturbed["rows"]
