"""All of the state but Lago's records and the ledger: few rows, looked at by every command before it begins.

extracts, how far they came, fields that are unknown, files of events, phases, runs of apply, stages of the cut-over
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import sqlalchemy as sa

from migrate.errors import StoreError
from migrate.state.columns import RESTORE
from migrate.state.row_checks import (
    TableRow,
    counts_of,
    damaged,
    damaged_row,
    file_of,
    note_of,
    page_of,
    phase_of,
    require_fit,
    run_of,
)
from migrate.state.seals import require_small
from migrate.state.store import Store
from migrate.state.tables import (
    APPLY_RUNS,
    CUTOVERS,
    DONE,
    EVENT_FILES,
    PAGES,
    PHASES,
    RECORDS,
    REPORT_RUNS,
    RUNS,
    UNKNOWN,
    VERSION,
    as_stored,
)

Check = Callable[[Store], Iterable[str]]
_SOME = 21  # rows of one kind that are told
TOLERANCE = timedelta(minutes=5)  # clocks are set, by less than this


def require_sound(store: Store) -> None:
    """Raises StoreError: the first problem, and how many more there are."""
    problems = [problem for check in SMALL for problem in told(check, store)]
    if problems:
        more = f"; and {len(problems) - 1} more: 'lago2odoo doctor --state' names them" if problems[1:] else ""
        raise StoreError(problems[0] + more)
    with store.begin() as db:
        require_small(db)


def told(check: Check, store: Store) -> list[str]:
    """What a check found; that it could not be made to its end is one of the problems."""
    problems: list[str] = []
    try:
        problems.extend(check(store))
    except StoreError as error:
        problems.append(str(error))
    return problems


def each(rows: Iterable[TableRow], read: Callable[[TableRow], object]) -> Iterator[str]:
    """What is wrong with which row, each by itself."""
    for row in rows:
        try:
            read(row)
        except StoreError as error:
            yield str(error)


def rows_of(store: Store, query: sa.Executable, size: int = 1000) -> Iterator[TableRow]:
    """The rows, some at a time in memory."""
    with store.begin() as db:
        rows = iter(db.execute(query))
        while some := list(islice(rows, size)):
            yield from some


def _version(store: Store) -> Iterator[str]:
    rows = list(rows_of(store, sa.select(VERSION)))
    if len(rows) != 1:
        yield str(damaged("lago2odoo_state", f"it has {len(rows)} rows, must have one", RESTORE))


def _runs(store: Store) -> Iterator[str]:
    yield from each(rows_of(store, as_stored(RUNS)), run_of)
    yield from _twice(store, RUNS.c.id)
    last = next(rows_of(store, sa.select(sa.func.max(RUNS.c.id).label("id")))).id or 0
    table = RECORDS.c  # one that no extract saw would look like one that Lago has no more
    unseen = table.seen_run.is_(None) | (table.seen_run < 0) | (table.seen_run > last)
    for row in rows_of(store, sa.select(table.resource, table.key, table.seen_run).where(unseen).limit(_SOME)):
        why = f"seen_run is {row.seen_run!r}, and extract_runs is not there with that id"
        yield str(damaged_row("lago_records", row._asdict(), why, RESTORE))


def _progress(store: Store) -> Iterator[str]:
    yield from each(rows_of(store, as_stored(PAGES)), page_of)
    yield from each(rows_of(store, as_stored(DONE)), note_of)
    yield from _fit(store, UNKNOWN)
    for table in (PAGES, DONE, UNKNOWN):
        query = sa.select(table.c.run).where(table.c.run.not_in(sa.select(RUNS.c.id))).distinct()
        for row in rows_of(store, query):
            yield str(damaged(table.name, f"run is {row.run!r}, and extract_runs has no such row", RESTORE))


def _files(store: Store) -> Iterator[str]:
    yield from each(rows_of(store, as_stored(EVENT_FILES)), file_of)
    yield from _twice(store, EVENT_FILES.c.path)


def _phases(store: Store, now: datetime | None = None) -> Iterator[str]:
    yield from each(rows_of(store, as_stored(PHASES)), phase_of)
    yield from _twice(store, PHASES.c.phase, PHASES.c.cohort)
    yield from each(rows_of(store, sa.select(APPLY_RUNS)), counts_of)
    yield from _twice(store, APPLY_RUNS.c.id)
    for table, column in ((PHASES, "updated_at"), (APPLY_RUNS, "started_at"), (APPLY_RUNS, "finished_at")):
        check = partial(_require_past, table, column, now or datetime.now(UTC))
        yield from each(rows_of(store, as_stored(table)), check)


def _require_past(table: sa.Table, column: str, now: datetime, row: TableRow) -> None:
    """What this machine's clock gave: a moment that is still to come would hide what was left unfinished since."""
    values = row._asdict()
    try:
        moment = datetime.fromisoformat(values[column] or "")
        is_past = moment <= now + TOLERANCE
    except (ValueError, TypeError):  # no moment: told as that
        return
    if not is_past:
        why = (
            f"{column} is {values[column]}, which is still to come: this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
        )
        raise damaged_row(table.name, values, why, f"set the clock right, or {RESTORE}")


def _fit(store: Store, table: sa.Table) -> Iterator[str]:
    yield from each(rows_of(store, as_stored(table)), lambda row: require_fit(table.name, row._asdict()))


def _twice(store: Store, *key: sa.Column[str] | sa.Column[int]) -> Iterator[str]:
    """Rows of one name, as a restore that was run twice leaves them."""
    for row in rows_of(store, sa.select(*key).group_by(*key).having(sa.func.count() > 1)):
        yield str(damaged_row(key[0].table.name, row._asdict(), "it is there twice", RESTORE))


def _reports(store: Store) -> Iterator[str]:
    yield from _fit(store, REPORT_RUNS)
    yield from _twice(store, REPORT_RUNS.c.folder)


def _cutovers(store: Store, now: datetime | None = None) -> Iterator[str]:
    yield from _fit(store, CUTOVERS)
    yield from _twice(store, CUTOVERS.c.lago_id)
    check = partial(_require_past, CUTOVERS, "noted_at", now or datetime.now(UTC))
    yield from each(rows_of(store, as_stored(CUTOVERS)), check)


SMALL: tuple[Check, ...] = (_version, _runs, _progress, _files, _phases, _reports, _cutovers)
