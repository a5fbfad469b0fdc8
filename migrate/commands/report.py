"""``report``: a reconciled month as one offline HTML file, and in the formats that tools read."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from migrate.commands import shared
from migrate.commands.context import Context, Outcome
from migrate.commands.files import write_whole
from migrate.errors import Blocked
from migrate.extract import load_snapshot
from reports import csv, html, json, junit, markdown, stored, xlsx
from reports.data import ReportData

WRITERS = {
    ".html": html.write,
    ".xlsx": xlsx.write,
    ".csv": csv.write,
    ".md": markdown.write,
    ".xml": junit.write,  # one test case per customer and month, for CI
}


def run(context: Context, *, period: str | None, out: Path | None, pseudonymise: Path | None = None) -> Outcome:
    """Write the report of ``period`` (default: the one reconciled last) in all formats, beside its data.

    With ``pseudonymise`` (a key file) it goes to a folder of its own, ``shared``, its data included.
    """
    folder = context.reports(out)
    source = folder / f"{period}.json" if period else _latest(folder)
    try:
        data = stored.read(source)
    except stored.StoredReportError as error:
        raise Blocked(str(error)) from None
    if pseudonymise is not None:
        data = _shared(context, data, pseudonymise)
        source = write_whole(source.parent / shared.FOLDER / source.name, partial(json.write, data), "report")
    language = context.config.report.language
    written = [
        write_whole(source.with_suffix(suffix), partial(writer, data, locale=language), "report")
        for suffix, writer in WRITERS.items()
    ]
    files = {path.suffix.removeprefix("."): str(path) for path in (*written, source)}
    others = ", ".join(path.name for path in (*written[1:], source))
    return Outcome(files, f"report: {written[0]}\nbeside it: {others}")


def _shared(context: Context, data: ReportData, key_file: Path) -> ReportData:
    key = shared.key_of(key_file)
    with context.store() as store:
        return shared.under_pseudonyms(data, key, load_snapshot(store))


def _latest(folder: Path) -> Path:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Blocked(f"{folder}: nothing is reconciled yet; run 'lago2odoo reconcile --period MONTH' first")
    return found[-1]
