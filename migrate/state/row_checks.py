"""Rows of the state held against what this version writes: every reader takes them from here. Pure.

A row that is damaged is an error with its name and the way out, never a traceback and never a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mappings.target import Phase
from migrate.errors import StoreError
from migrate.state.entries import APPLIED, SENT, WRITING, ZEROED, Entry, StoredRow, entry_from_row
from migrate.state.records import Page, Raw, Run

TableRow = sa.Row[Any]  # of whichever table
READ_AGAIN = "run 'lago2odoo extract' again"
RESTORE = (
    "restore a copy of the state, or take a new one ([store] url) and run 'lago2odoo extract' and 'lago2odoo adopt'"
)
STATES = frozenset({SENT, WRITING, APPLIED, ZEROED})


def raws_of(rows: Iterable[TableRow], before: str = "") -> Iterator[Raw]:
    """Records in the order of their keys; ``before``: the key of the last one. Raises StoreError."""
    for row in rows:
        if row.key == before:
            raise damaged(f"record {row.resource} {row.key}", "it is there twice", READ_AGAIN)
        before = row.key
        yield raw_of(row)


def raw_of(row: TableRow) -> Raw:
    """A record of Lago's, as it was read: its text must have the hash that was noted with it. Raises StoreError."""
    raw = Raw(row.resource, row.key, row.payload, row.parent)
    if raw.sha256 != row.sha256:
        raise damaged(f"record {row.resource} {row.key}", "another hash than was noted", READ_AGAIN)
    return raw


def run_of(row: TableRow) -> Run:
    """An extract. Raises StoreError."""
    try:
        taken_at = datetime.fromisoformat(row.taken_at)
    except (ValueError, TypeError):
        raise damaged(f"extract {row.id}", f"its moment is {row.taken_at!r}", RESTORE) from None
    return Run(
        id=row.id, source=row.source, lago_version=row.lago_version, taken_at=taken_at, finished=bool(row.finished)
    )


def page_of(row: TableRow) -> Page:
    """How far a list was read; ``text`` is its keys as they stand in the table. Raises StoreError."""
    keys = _json(row.text)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise damaged(f"page {row.page} of {row.resource}", "its keys are no list of texts", RESTORE)
    return Page(row.reading, row.page, tuple(keys), bool(row.last))


def entry_of(row: StoredRow) -> Entry:
    """A row of the ledger. Raises StoreError."""
    name = f"row {row._asdict().get('xid')} of the ledger"
    try:
        entry = entry_from_row(row)
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(name, f"its values cannot be read: {error}", RESTORE) from None
    if entry.state not in STATES:
        raise damaged(name, f"its state is {entry.state!r}", RESTORE)
    if entry.phase not in set(Phase):
        raise damaged(name, f"its phase is {entry.phase!r}", RESTORE)
    return entry


def ends_of_plan(text: str | None) -> list[tuple[datetime | None, datetime | None]]:
    """The ends of the windows in which events are read, as an extract noted them. Raises StoreError."""
    try:
        return [(_end(since), _end(until)) for since, until in json.loads(text or "")]
    except (ValueError, TypeError):
        raise damaged("the plan of the events", "its windows cannot be read", RESTORE) from None


def _end(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def phase_of(text: str) -> Phase:
    """Of the table of progress. Raises StoreError."""
    try:
        return Phase(text)
    except ValueError:
        raise damaged("the progress of the phases", f"there is no phase {text!r}", RESTORE) from None


def damaged(what: str, why: str, remedy: str) -> StoreError:
    """One line: what of the state is not as it was written, and the way out."""
    return StoreError(f"state: {what} is damaged ({why}): {remedy}")


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, TypeError):
        return None
    return value
