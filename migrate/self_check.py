"""The state held against itself, all of it: what ``doctor --state`` tells. Reads only.

The same checks of rows (``row_checks``) and of files (``event_files``) that every reader makes on its way; here none of
them ends the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from migrate.errors import StoreError
from migrate.lago.list_pages import NO_ID
from migrate.lago.read_events import SET_ASIDE
from migrate.lago.resources import RESOURCES, Shape
from migrate.state.columns import READ_AGAIN, RESTORE, find_misfit
from migrate.state.event_files import check_event_files
from migrate.state.ledger_checks import ledger_problems
from migrate.state.records import A_DAY, Raw
from migrate.state.row_checks import TableRow, damaged, damaged_row, entry_of, raw_of, require_fit
from migrate.state.seals import broken_seals
from migrate.state.small_tables import SMALL, Check, each, rows_of, told
from migrate.state.store import Store
from migrate.state.tables import APPLIED_RECORDS, RECORDS, RUNS, SEALS, as_stored

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
        problems += _some(told(check, store))
    problems += told(partial(_seals, named=" ".join(problems)), store)
    run = next(iter(_whole(store)), None)
    if run is not None:
        problems += told(partial(_files, events=events), store)
    return StateCheck(
        problems=tuple(problems),
        records=_count(store, RECORDS),
        rows=_count(store, APPLIED_RECORDS),
        files=len(store.event_files()) if run is not None else 0,
    )


def _some(problems: list[str]) -> list[str]:
    more = len(problems) - _SHOWN
    return [*problems[:_SHOWN], f"state: and {more:,} more of that kind"] if more > 0 else problems


def _database(store: Store) -> Iterator[str]:
    """SQLite's own check: pages, indexes, primary keys. PostgreSQL checks its pages itself."""
    if store.engine.dialect.name == "sqlite":
        for row in rows_of(store, sa.text("pragma integrity_check(20)")):
            if row[0] != "ok":
                yield str(damaged("the database", row[0], RESTORE))


def _whole(store: Store) -> list[TableRow]:
    """The latest extract, if it is finished."""
    query = sa.select(RUNS.c.id, RUNS.c.source, RUNS.c.finished).where(~RUNS.c.dropped).order_by(RUNS.c.id.desc())
    return [row for row in rows_of(store, query.limit(1)) if row.finished and isinstance(row.id, int)]


_LISTED = frozenset(r.name for r in RESOURCES if r.shape is Shape.LIST and r.name != "features")
_UNDER = {r.name: r.under for r in RESOURCES if r.under is not None}
_KNOWN = frozenset({SET_ASIDE, *(r.name for r in RESOURCES)})


def _records(store: Store) -> Iterator[str]:
    """Those that the latest extract saw, or that no extract is known to have seen: the others are read by nobody."""
    latest = next(iter(_whole(store)), None)
    query = as_stored(RECORDS)
    yield from each(
        rows_of(store, query if latest is None else query.where(RECORDS.c.seen_run >= latest.id)), _require_readable
    )
    twice = sa.select(RECORDS.c.resource, RECORDS.c.key).group_by(RECORDS.c.resource, RECORDS.c.key)
    for row in rows_of(store, twice.having(sa.func.count() > 1)):
        yield str(damaged_row("lago_records", row._asdict(), "it is there twice", READ_AGAIN))
    if latest is not None:
        organizations = RECORDS.c.resource == "organizations", RECORDS.c.seen_run == latest.id
        if latest.source not in [row.key for row in rows_of(store, sa.select(RECORDS.c.key).where(*organizations))]:
            why = f"source is {latest.source!r}, and it saw no organization of that id"
            yield str(damaged_row("extract_runs", latest._asdict(), why, RESTORE))


def _require_readable(row: TableRow) -> None:
    """Its text is JSON, and its name is one that an extract would give it. Raises StoreError."""
    raw = raw_of(row)
    try:
        json.loads(raw.payload)
    except (ValueError, RecursionError):
        raise damaged_row("lago_records", row._asdict(), "payload is no JSON", READ_AGAIN) from None
    if why := _misnamed(raw):
        raise damaged_row("lago_records", row._asdict(), why, READ_AGAIN)


def _misnamed(raw: Raw) -> str:
    if raw.resource not in _KNOWN:
        return f"resource is {raw.resource!r}, which this version does not read"
    if (
        raw.resource in _LISTED
        and not raw.key.startswith(NO_ID)
        and f'"{raw.key.partition("#")[0]}"' not in raw.payload
    ):
        return f"key is {raw.key!r}, and payload has another id"
    if raw.parent and raw.resource not in _UNDER:
        return f"parent is {raw.parent!r}, and such a record has none"
    return ""


def _orphans(store: Store) -> Iterator[str]:
    """Records that hang on one that is not there."""
    latest = next(iter(_whole(store)), None)
    if latest is None:
        return
    below, above = RECORDS.alias("below"), RECORDS.alias("above")
    for resource, under in _UNDER.items():
        hung = below.outerjoin(above, (above.c.resource == under) & (above.c.key == below.c.parent))
        seen = (below.c.resource == resource) & (below.c.seen_run == latest.id)
        query = sa.select(below.c.resource, below.c.key, below.c.parent).select_from(hung)
        for row in rows_of(store, query.where(seen, above.c.key.is_(None)).limit(_SHOWN + 1)):
            why = f"parent is {row.parent!r}, and {under} has no such key"
            yield str(damaged_row("lago_records", row._asdict(), why, READ_AGAIN))


def _ledger(store: Store) -> Iterator[str]:
    """The rows among themselves, then each by itself."""
    with store.begin() as db:
        yield from [str(problem) for problem in ledger_problems(db)]
    yield from each(rows_of(store, as_stored(APPLIED_RECORDS)), entry_of)


def _seals(store: Store, named: str) -> Iterator[str]:
    """Tables against what they held when they were written; those that are ``named`` already are not named again."""
    yield from each(rows_of(store, as_stored(SEALS)), lambda row: require_fit(SEALS.name, row._asdict()))
    with store.begin() as db:
        yield from [str(problem) for table, problem in broken_seals(db) if table not in named]


def _clock(store: Store) -> Iterator[str]:
    """Lago's clock when an extract began, held against ours: what is known until then decides what is billed."""
    now = datetime.now(UTC)
    for row in rows_of(store, as_stored(RUNS)):
        values = row._asdict()
        if find_misfit(RUNS.name, values) is None and datetime.fromisoformat(values["taken_at"]) > now + A_DAY:
            why = f"taken_at is {row.taken_at}, and this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
            yield str(damaged_row(RUNS.name, values, why, f"set the clock right that is wrong, then {READ_AGAIN}"))


def _files(store: Store, events: Path) -> Iterator[str]:
    """Files of events are held against their hashes in the state."""
    check_event_files(store.event_files(), events)
    yield from ()


CHECKS: tuple[Check, ...] = (_database, *SMALL, _records, _orphans, _ledger, _clock)


def _count(store: Store, table: sa.Table) -> int:
    try:
        with store.begin() as db:
            return int(db.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    except StoreError:
        return 0
