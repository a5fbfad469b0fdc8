"""The files of a report: one offline page, and its siblings for tools."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.files import hold_folder, write_whole
from migrate.lago.snapshot import load_snapshot
from reports import csv, html, json, junit, markdown, pseudonym_key, pseudonyms, stored, xlsx
from reports.data import ReportData
from reports.evidence import ageing

WRITERS = {
    ".html": html.write,
    ".xlsx": xlsx.write,
    ".csv": csv.write,
    ".registers.csv": csv.write_registers,
    ".lapses.csv": csv.write_lapses,
    ".receivables.csv": csv.write_receivables,
    ".md": markdown.write,
    ".xml": junit.write,  # one test case per customer and month, for CI
}


def write(context: CommandContext, period: str | None, out: Path | None, key_file: Path | None) -> tuple[Path, ...]:
    """Write the report of ``period`` (default: the one reconciled last) in all formats, beside its data.

    With a key file it goes to a folder of its own, ``shared``, under pseudonyms, its data included. The page comes
    first, the data last.
    """
    folder, language = context.reports(out), context.config.report.language
    source = folder / f"{period}.json" if period else stored.latest(folder)
    data = stored.read(source)
    stored.require_own_month(data, source)
    ageing.require_as_noted(folder, source)
    if key_file is not None:
        data = _pseudonymise(context, data, key_file)
    with hold_folder(folder):
        if key_file is not None:
            source = write_whole(source.parent / pseudonyms.FOLDER / source.name, partial(json.write, data), "report")
        written = [
            write_whole(source.with_suffix(suffix), partial(writer, data, locale=language), "report")
            for suffix, writer in WRITERS.items()
        ]
    return (*written, source)


def _pseudonymise(context: CommandContext, data: ReportData, key_file: Path) -> ReportData:
    key = pseudonym_key.load_key(key_file)
    with context.store() as store:
        return pseudonyms.pseudonymise(data, key, pseudonyms.originals(load_snapshot(store)))
