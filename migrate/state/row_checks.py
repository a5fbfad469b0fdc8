"""Rows of the state held against what this version writes: every reader takes them from here.

A row that is damaged is an error with its table, name, column and the way out, never a traceback and never a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mappings.target import Phase
from migrate.errors import StoreError
from migrate.state.columns import READ_AGAIN, RESTORE, find_misfit
from migrate.state.entries import Entry, StoredRow, entry_from_row, seal_of
from migrate.state.records import EventFile, Page, Raw, Run

TableRow = sa.Row[Any]  # of whichever table
PLAN = "events-plan"  # the unit of work under which the windows of the events are kept
# What names a row to people.
NAMES: Mapping[str, tuple[str, ...]] = {
    "lago_records": ("resource", "key"),
    "extract_pages": ("resource", "reading", "page"),
    "extract_done": ("run", "unit"),
    "lago_unknown_fields": ("run", "resource", "path"),
    "event_files": ("path",),
    "applied_records": ("xid",),
    "phase_progress": ("phase", "cohort"),
    "extract_runs": ("id",),
    "apply_runs": ("id",),
    "report_runs": ("folder",),
    "cutover_stages": ("lago_id",),
    "state_seals": ("name",),
}
_OF_RUNS = ("first_run", "changed_run", "seen_run")  # another extract leaves them as they are


def require_fit(table: str, values: Mapping[str, object]) -> None:
    """Every column of the row holds what it may hold. Raises StoreError."""
    misfit = find_misfit(table, values)
    if misfit is not None:
        again = table == "lago_records" and misfit.column not in _OF_RUNS
        raise damaged_row(table, values, str(misfit), READ_AGAIN if again else RESTORE)


def raws_of(rows: Iterable[TableRow], before: str = "") -> Iterator[Raw]:
    """Records in the order of their keys; ``before``: the key of the last one. Raises StoreError."""
    for row in rows:
        if row.key == before:
            raise damaged_row("lago_records", row._asdict(), "it is there twice", READ_AGAIN)
        before = row.key
        yield raw_of(row)


def raw_of(row: TableRow) -> Raw:
    """A record of Lago's, as it was read: its text must have the hash that was noted with it. Raises StoreError."""
    values = row._asdict()
    require_fit("lago_records", values)
    raw = Raw(row.resource, row.key, row.payload, row.parent)
    if raw.sha256 != row.sha256:
        raise damaged_row("lago_records", values, "payload has another hash than was noted in sha256", READ_AGAIN)
    if not row.first_run <= row.changed_run or 0 < row.seen_run < row.changed_run:
        runs = ", ".join(f"{name} {values[name]}" for name in _OF_RUNS)
        raise damaged_row("lago_records", values, f"its extracts contradict each other: {runs}", RESTORE)
    return raw


def run_of(row: TableRow) -> Run:
    """An extract. Raises StoreError."""
    values = row._asdict()
    require_fit("extract_runs", values)
    if row.finished and row.dropped:
        raise damaged_row("extract_runs", values, "dropped is 1, and so is finished", RESTORE)
    return Run(
        id=row.id,
        source=row.source,
        lago_version=row.lago_version,
        taken_at=datetime.fromisoformat(row.taken_at),
        finished=bool(row.finished),
    )


def page_of(row: TableRow) -> Page:
    """How far a list was read. Raises StoreError."""
    values = row._asdict()
    require_fit("extract_pages", values)
    return Page(row.reading, row.page, tuple(json.loads(values["keys"])), bool(row.last))


def file_of(row: TableRow) -> EventFile:
    """A file of events, as it was noted. Raises StoreError."""
    require_fit("event_files", row._asdict())
    return EventFile(path=row.path, events=row.events, sha256=row.sha256)


def note_of(row: TableRow) -> tuple[str, str | None]:
    """A unit of work that an extract has done, and what is known about it. Raises StoreError."""
    require_fit("extract_done", row._asdict())
    if row.unit == PLAN:
        ends_of_plan(row.note)
    return row.unit, row.note


def entry_of(row: StoredRow) -> Entry:
    """A row of the ledger, with the seal that was made of all of it. Raises StoreError.

    Where the seal fits, so does every column: a ledger has many rows, and is read as a whole.
    """
    values = row._asdict()
    if values["seal"] != seal_of(values):
        require_fit("applied_records", values)
        raise damaged_row("applied_records", values, "one of its columns was changed since: seal is another", RESTORE)
    return entry_from_row(values)


def ends_of_plan(text: str | None) -> list[tuple[datetime | None, datetime | None]]:
    """The ends of the windows in which events are read, as an extract noted them. Raises StoreError."""
    try:
        return [(_end(since), _end(until)) for since, until in json.loads(text or "")]
    except (ValueError, TypeError, RecursionError):
        why = "note holds no windows of time; it is the plan of the events"
        raise damaged(f"row {PLAN} of extract_done", why, RESTORE) from None


def _end(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError(text)
    return moment


def phase_of(row: TableRow) -> Phase:
    """Of the table of progress. Raises StoreError."""
    require_fit("phase_progress", row._asdict())
    return Phase(row.phase)


def counts_of(row: TableRow) -> dict[str, dict[str, int]]:
    """Of a run of apply, rollback or adopt: what it counted. Raises StoreError."""
    values = row._asdict()
    require_fit("apply_runs", values)
    counts: dict[str, dict[str, int]] = json.loads(values["counts"])
    return counts


def damaged_row(table: str, values: Mapping[str, object], why: str, remedy: str) -> StoreError:
    """``state: row invoices 17 of lago_records is damaged (payload is ...): remedy``."""
    name = " ".join(str(values.get(column)) for column in NAMES[table]).strip()
    return damaged(f"row {name} of {table}", why, remedy)


def damaged(what: str, why: str, remedy: str) -> StoreError:
    """One line: what of the state is not as it was written, and the way out."""
    return StoreError(f"state: {what} is damaged ({why}): {remedy}")
