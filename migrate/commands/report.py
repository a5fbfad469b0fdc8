"""``report``: a reconciled month as one offline HTML file."""

from __future__ import annotations

from pathlib import Path

from migrate.commands.context import Context, Outcome
from migrate.errors import Blocked, StoreError
from reports import html, stored
from reports.data import ReportData


def run(context: Context, *, period: str | None, out: Path | None) -> Outcome:
    """Write the report of ``period`` (default: the one reconciled last) beside its data."""
    folder = context.reports(out)
    source = folder / f"{period}.json" if period else _latest(folder)
    try:
        data = stored.read(source)
    except stored.StoredReportError as error:
        raise Blocked(str(error)) from None
    path = _write(data, source.with_suffix(".html"), context.config.report.language)
    return Outcome({"html": str(path), "json": str(source)}, f"report: {path}")


def _latest(folder: Path) -> Path:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Blocked(f"{folder}: nothing is reconciled yet; run 'lago2odoo reconcile --period MONTH' first")
    return found[-1]


def _write(data: ReportData, path: Path, language: str) -> Path:
    partial = path.with_suffix(".partial")
    try:
        html.write(data, partial, language)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: the report cannot be written: {error.strerror}") from error
    return path
