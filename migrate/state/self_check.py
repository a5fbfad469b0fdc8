"""The state held against itself, all of it: what ``doctor --state`` tells. Reads only.

The same checks of rows (``row_checks``) and of files (``event_files``) that every reader makes on its way; here none of
them ends the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from migrate.errors import StoreError
from migrate.lago.read_events import PLAN
from migrate.state.entries import Entry
from migrate.state.event_files import check_event_files
from migrate.state.row_checks import (
    READ_AGAIN,
    RESTORE,
    TableRow,
    damaged,
    ends_of_plan,
    entry_of,
    page_of,
    phase_of,
    raw_of,
    run_of,
)
from migrate.state.store import PAGES_AS_TEXT, Store
from migrate.state.tables import APPLIED_RECORDS, APPLY_RUNS, DONE, PHASES, RECORDS, RUNS

Check = Callable[[Store], Iterable[str]]
_SHOWN = 20  # problems of one kind that are told one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCheck:
    """``problems``: one line each, with the way out; what was looked at, in numbers."""

    problems: tuple[str, ...]
    records: int = 0
    rows: int = 0  # of the ledger
    files: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was ever extracted or applied, or all of it is gone."""
        return not (self.problems or self.records or self.rows)


def check_state(store: Store, events: Path) -> StateCheck:
    """Look at every row and every file. A database that cannot be read to its end is one of the problems."""
    problems: list[str] = []
    for check in CHECKS:
        problems += _some(_told(check, store))
    run = next(iter(_whole(store)), None)
    if run is not None:
        problems += _told(partial(_files, events=events), store)
    return StateCheck(
        problems=tuple(problems),
        records=_count(store, RECORDS),
        rows=_count(store, APPLIED_RECORDS),
        files=len(store.event_files()) if run is not None else 0,
    )


def _told(check: Check, store: Store) -> list[str]:
    problems: list[str] = []
    try:
        problems.extend(check(store))
    except StoreError as error:
        problems.append(str(error))
    return problems


def _some(problems: list[str]) -> list[str]:
    more = len(problems) - _SHOWN
    return [*problems[:_SHOWN], f"state: and {more:,} more of that kind"] if more > 0 else problems


def _each(rows: Iterable[TableRow], read: Callable[[TableRow], object]) -> Iterator[str]:
    for row in rows:
        try:
            read(row)
        except StoreError as error:
            yield str(error)


def _rows(store: Store, query: sa.Executable, size: int = 1000) -> Iterator[TableRow]:
    with store.begin() as db:
        rows = iter(db.execute(query))
        while some := list(islice(rows, size)):
            yield from some


def _database(store: Store) -> Iterator[str]:
    """SQLite's own check: pages, indexes, primary keys. PostgreSQL checks its pages itself."""
    if store.engine.dialect.name == "sqlite":
        for row in _rows(store, sa.text("pragma integrity_check(20)")):
            if row[0] != "ok":
                yield str(damaged("the database", row[0], RESTORE))


def _runs(store: Store) -> Iterator[str]:
    yield from _each(_rows(store, sa.select(RUNS)), run_of)


def _whole(store: Store) -> list[TableRow]:
    """The latest extract, if it is finished."""
    query = sa.select(RUNS.c.id, RUNS.c.finished).where(~RUNS.c.dropped).order_by(RUNS.c.id.desc()).limit(1)
    return [row for row in _rows(store, query) if row.finished]


def _records(store: Store) -> Iterator[str]:
    def read(row: TableRow) -> None:
        raw = raw_of(row)
        try:
            json.loads(raw.payload)
        except (ValueError, RecursionError):
            raise damaged(f"record {raw.resource} {raw.key}", "it is no JSON", READ_AGAIN) from None

    yield from _each(_rows(store, sa.select(RECORDS)), read)
    twice = sa.select(RECORDS.c.resource, RECORDS.c.key).group_by(RECORDS.c.resource, RECORDS.c.key)
    for row in _rows(store, twice.having(sa.func.count() > 1)):
        yield str(damaged(f"record {row.resource} {row.key}", "it is there twice", READ_AGAIN))


def _progress(store: Store) -> Iterator[str]:
    yield from _each(_rows(store, PAGES_AS_TEXT), page_of)
    plans = _rows(store, sa.select(DONE).where(DONE.c.unit == PLAN))
    yield from _each(plans, lambda row: ends_of_plan(row.note))


def _ledger(store: Store) -> Iterator[str]:
    """Each row by itself, then among themselves: lines with their records, one number and one name a row."""
    entries: list[Entry] = []
    rows = _rows(store, sa.select(APPLIED_RECORDS))
    yield from _each(rows, lambda row: entries.append(entry_of(row)))
    names = [entry.xid for entry in entries]
    numbers = [entry.seq for entry in entries]
    for what, values in (("an external id", names), ("a number", numbers)):
        if len(set(values)) != len(values):
            yield str(damaged("the ledger", f"{what} stands there twice", RESTORE))
    known = set(names)
    for entry in entries:
        if entry.parent and entry.parent not in known:
            yield str(damaged(f"row {entry.xid} of the ledger", f"its record {entry.parent} is not there", RESTORE))


def _phases(store: Store) -> Iterator[str]:
    yield from _each(_rows(store, sa.select(PHASES)), lambda row: phase_of(row.phase))
    for row in _rows(store, sa.select(APPLY_RUNS)):
        if not isinstance(_decoded(row.counts), dict):
            yield str(damaged(f"run {row.id} of apply", "its counts are no object", RESTORE))


def _decoded(text: str | None) -> object:
    try:
        value: object = json.loads(text or "")
    except ValueError:
        return None
    return value


def _files(store: Store, events: Path) -> Iterator[str]:
    """Files of events are held against their hashes in the state."""
    check_event_files(store.event_files(), events)
    yield from ()


CHECKS: tuple[Check, ...] = (_database, _runs, _records, _progress, _ledger, _phases)


def _count(store: Store, table: sa.Table) -> int:
    try:
        with store.begin() as db:
            return int(db.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    except StoreError:
        return 0
