"""What pytest prints at the end of a run: the tables of Lago's vectors, of its client's calls, of the fuzz."""

from __future__ import annotations

import pytest

HEAD = ("area", "cases", "equal", "refused")
LIVES = ("area", "invoices", "equal", "refused")


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
