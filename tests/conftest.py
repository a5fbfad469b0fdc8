"""NexaSystems, read once for all tests, and what pytest prints at the end: tables of vectors, of calls, of the fuzz."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from mappings.records import Snapshot
from migrate.lago.recording import bundled
from tests.recorded import snapshot_of_recording

# The folders whose tests reach the places that `make test` counts the branches of (COVERED in the Makefile), but for
# files that reach nothing more: counting makes a test half as slow again.
COUNTED = ("rating", "reconciling", "applying", "extracting", "mapping")
REACH_NO_MORE = {"test_faults", "test_coverage", "test_lacking_fields", "test_remedies", "test_left_open"}
REACH_NO_MORE |= {"test_wrong_shapes", "test_misplaced", "test_killed"}

# Each worker keeps companies of many small objects, and looking through them all takes a tenth of the time.
gc.set_threshold(200_000, 20, 50)

HEAD = ("area", "cases", "equal", "refused")
LIVES = ("area", "invoices", "equal", "refused")


@pytest.fixture(scope="session")
def nexasystems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Path]:
    """The snapshot, and the folder of its events. Both are read only: every folder's tests share them."""
    return snapshot_of_recording(bundled(), tmp_path_factory.mktemp("nexasystems"))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in COUNTED and item.path.stem not in REACH_NO_MORE:
            item.add_marker("counted")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    _table(terminalreporter, "vectors", "Lago's vectors", HEAD)
    _table(terminalreporter, "timelines", "Lives that a running Lago billed", LIVES)
    _calls(terminalreporter)
    _fuzz(terminalreporter)


def _fuzz(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                for kind, number in value if name == "fuzz" and report.when == "call" else ():
                    counts[kind] = counts.get(kind, 0) + number
    if counts:
        terminalreporter.section("One broken field")
        for kind, number in [*counts.items(), ("all", sum(counts.values()))]:
            terminalreporter.write_line(f"{kind:16} | {number:>7,}")


def _calls(terminalreporter: pytest.TerminalReporter) -> None:
    found = sorted(
        (*value, "ok" if report.outcome == "passed" else report.outcome.upper())
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "conformance" and report.when == "call"
    )
    rows = [(call, verdict) for _, call, verdict in found]
    if rows:
        terminalreporter.section("Lago's client, unmodified")
        for call, verdict in [("call", "ok"), *rows]:
            terminalreporter.write_line(f"{call:38} | {verdict}")
        terminalreporter.write_line(f"{sum(verdict == 'ok' for _, verdict in rows)} of {len(rows)} calls ok")


def _table(terminalreporter: pytest.TerminalReporter, name: str, title: str, head: tuple[str, ...]) -> None:
    """A line an area, and their sum; ``name`` of the property that the tests recorded."""
    rows = sorted(
        tuple(value)  # a worker process sends it as a list
        for reports in terminalreporter.stats.values()
        for report in reports
        for key, value in getattr(report, "user_properties", ())
        if key == name and report.when == "call"
    )
    if not rows:
        return
    terminalreporter.section(title)
    totals = ["all", *(sum(row[column] for row in rows) for column in (1, 2, 3))]
    for row in (head, *rows, totals):
        terminalreporter.write_line(f"{row[0]!s:32}" + "".join(f" | {cell!s:>8}" for cell in row[1:]))
