"""What pytest prints at the end of a run: the tables of Lago's vectors and of its client's calls, if they ran."""

from __future__ import annotations

import pytest

HEAD = ("area", "cases", "equal", "refused")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    _vectors(terminalreporter)
    _calls(terminalreporter)


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


def _vectors(terminalreporter: pytest.TerminalReporter) -> None:
    rows = sorted(
        tuple(value)  # a worker process sends it as a list
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "vectors" and report.when == "call"
    )
    if not rows:
        return
    terminalreporter.section("Lago's vectors")
    totals = ["all", *(sum(row[column] for row in rows) for column in (1, 2, 3))]
    for row in (HEAD, *rows, totals):
        terminalreporter.write_line(f"{row[0]!s:32}" + "".join(f" | {cell!s:>7}" for cell in row[1:]))
