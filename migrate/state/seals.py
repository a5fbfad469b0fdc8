"""What each table of the state held when it was last written: how many rows, and a sum over the hashes of them.

A value that was exchanged for another possible one shows by it, and a row that is gone with all that belongs to it. The
sum does not ask for an order: the ledger, of many rows, takes off what goes and adds what comes.

records, extracts, how far they came, files of events    when an extract is finished; nobody can tell while one goes on
the ledger, phases, runs, stages, the history of reports with every write

Whoever reads a table asks here: ``require_extract`` once all of an extract is read, ``require_small`` before every
command, ``require_ledger`` with the other checks of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

import sqlalchemy as sa

from migrate.errors import StoreError
from migrate.state.columns import READ_AGAIN, RESTORE
from migrate.state.entries import seal_of
from migrate.state.row_checks import damaged, require_fit
from migrate.state.tables import (
    APPLIED_RECORDS,
    APPLY_RUNS,
    CUTOVERS,
    DONE,
    EVENT_FILES,
    PHASES,
    RECORDS,
    REPORT_RUNS,
    RUNS,
    SEALS,
    UNKNOWN,
    as_stored,
)

_DIGITS = 64  # of a sum, in hexadecimal
_ROWS = 5000  # at a time in memory
Query = Callable[[int], sa.Executable]  # the latest finished extract -> the rows that it stands on
Sum = Callable[[sa.Connection], tuple[int, int]]  # rows, and the sum of their hashes

_NAMED: Sequence[sa.Column[object]] = [c for c in RECORDS.columns if c.name != "payload"]  # its hash is there
_OF_EXTRACT: Mapping[str, Query] = {
    RUNS.name: lambda run: as_stored(RUNS).where(RUNS.c.id <= run),
    DONE.name: lambda run: as_stored(DONE).where(DONE.c.run == run),
    UNKNOWN.name: lambda run: as_stored(UNKNOWN).where(UNKNOWN.c.run == run),
    EVENT_FILES.name: lambda run: as_stored(EVENT_FILES),
    RECORDS.name: lambda run: sa.select(*_NAMED).where(RECORDS.c.seen_run == run),
}
_WHOLE = (PHASES, APPLY_RUNS, REPORT_RUNS, CUTOVERS)
_SEALED = frozenset({*_OF_EXTRACT, *(table.name for table in _WHOLE), APPLIED_RECORDS.name})
_READ_AGAIN = frozenset(_OF_EXTRACT) - {RUNS.name}  # the next extract writes all of it anew


def _wait_for_others(db: sa.Connection) -> None:
    """Until whoever else writes to a sealed table is done: the sum is to hold their rows, too.

    PostgreSQL lets two write at once (two people reconcile on one state); of SQLite there is one writer at a time.
    """
    if db.dialect.name == "postgresql":
        db.execute(sa.text(f"lock table {SEALS.name} in share row exclusive mode"))


def seal_extract(db: sa.Connection, run: int) -> None:
    """An extract is finished: all that it stands on, as it is."""
    _wait_for_others(db)
    for name, query in _OF_EXTRACT.items():
        _note(db, name, *_summed(db, query(run)))


def seal_table(db: sa.Connection, table: sa.Table) -> None:
    """A table of few rows, as it is."""
    _wait_for_others(db)
    _note(db, table.name, *_summed(db, as_stored(table)))


def seal_everything(db: sa.Connection, phases: sa.Table = PHASES) -> None:
    """A state that has no seals yet, as it is. ``phases``: that table with the columns that it has by now."""
    for table in (phases, APPLY_RUNS, REPORT_RUNS):
        seal_table(db, table)
    _note(db, APPLIED_RECORDS.name, *_of_ledger(db))
    if (run := _finished(db)) is not None:
        seal_extract(db, run)


def is_sealed(db: sa.Connection, table: sa.Table) -> bool:
    """Whether a table of few rows is as it was written."""
    return _known(db, table.name) == _noted(_summed(db, as_stored(table)))


def reseal_ledger(db: sa.Connection, gone: Iterable[str], come: Iterable[str]) -> None:
    """Rows of the ledger with these seals went, and others came."""
    _wait_for_others(db)
    query = sa.select(SEALS).where(SEALS.c.name == APPLIED_RECORDS.name)
    row = db.execute(query).first()
    if row is not None:
        require_fit(SEALS.name, row._asdict())
    number, total = (row.rows, _number(row.hash)) if row else (0, 0)
    for seals, sign in ((gone, -1), (come, 1)):
        for seal in seals:
            number, total = number + sign, total + sign * _number(seal)
    _note(db, APPLIED_RECORDS.name, number, total)


def require_extract(db: sa.Connection, run: int) -> None:
    """All that this finished extract saw is as it was when it was finished. Raises StoreError."""
    _require(db, _of_extract(run))


def require_small(db: sa.Connection) -> None:
    """Phases, runs and the history of reports are as they were written, and so are the extracts. Raises StoreError."""
    for _, problem in _strange_seals(db):
        raise problem
    run = _finished(db)
    _require(db, _of_whole() if run is None else {**_of_whole(), RUNS.name: _of_extract(run)[RUNS.name]})


def require_ledger(db: sa.Connection) -> None:
    """So is the ledger, by the seals that its rows bear. Raises StoreError."""
    _require(db, {APPLIED_RECORDS.name: _of_ledger})


def broken_seals(db: sa.Connection) -> Iterator[tuple[str, StoreError]]:
    """Tables that are not as they were written, by name; and what is sealed that is no table of this version's."""
    yield from _strange_seals(db)
    sums = {**_of_whole(), APPLIED_RECORDS.name: _of_ledger}
    if (run := _finished(db)) is not None:
        sums |= _of_extract(run)
    for name, summed in sums.items():
        if (problem := _broken(db, name, summed)) is not None:
            yield name, problem


def _strange_seals(db: sa.Connection) -> Iterator[tuple[str, StoreError]]:
    """What somebody wrote among the seals, or a version that keeps more: nobody here checks what it stands for."""
    for name in db.scalars(sa.select(SEALS.c.name).order_by(SEALS.c.name)):
        if name not in _SEALED:
            remedy = f"use the version of lago2odoo that wrote it, or else {RESTORE}"
            yield str(name), damaged(f"row {name!r} of {SEALS.name}", "this version has no table of that name", remedy)


def _require(db: sa.Connection, sums: Mapping[str, Sum]) -> None:
    for name, summed in sums.items():
        if (problem := _broken(db, name, summed)) is not None:
            raise problem


def _broken(db: sa.Connection, name: str, summed: Sum) -> StoreError | None:
    """What is wrong with the table. Another command may write between two looks: then both are taken again."""
    known, there = _known(db, name), _noted(summed(db))
    while known != there and known != (now := _known(db, name)):
        known, there = now, _noted(summed(db))
    if known == there:
        return None
    remedy = READ_AGAIN if name in _READ_AGAIN else RESTORE
    if known is None:
        return damaged(name, "state_seals tells nothing of it", remedy)
    if known[0] != there[0]:
        return damaged(name, f"it has {there[0]} rows, and {known[0]} were written (state_seals)", remedy)
    return damaged(name, "a value in it was changed since it was written (state_seals has another hash)", remedy)


def _known(db: sa.Connection, name: str) -> tuple[int, str] | None:
    row = db.execute(sa.select(SEALS.c.rows, SEALS.c.hash).where(SEALS.c.name == name)).first()
    return (row.rows, row.hash) if row else None


def _noted(summed: tuple[int, int]) -> tuple[int, str]:
    return summed[0], _text(summed[1])


def _of_whole() -> dict[str, Sum]:
    return {table.name: partial(_summed, query=as_stored(table)) for table in _WHOLE}


def _of_extract(run: int) -> dict[str, Sum]:
    return {name: partial(_summed, query=query(run)) for name, query in _OF_EXTRACT.items()}


def _finished(db: sa.Connection) -> int | None:
    """The latest extract, if it is finished."""
    query = sa.select(RUNS.c.id, RUNS.c.finished).where(~RUNS.c.dropped).order_by(RUNS.c.id.desc())
    row = db.execute(query.limit(1)).first()
    return row.id if row and row.finished else None


def _summed(db: sa.Connection, query: sa.Executable) -> tuple[int, int]:
    """(rows, the sum of their hashes)."""
    number = total = 0
    rows = iter(db.execute(query))
    while some := list(islice(rows, _ROWS)):
        number, total = number + len(some), total + sum(_number(seal_of(row._asdict())) for row in some)
    return number, total


def _of_ledger(db: sa.Connection) -> tuple[int, int]:
    """The same by the seals that its rows bear."""
    number = total = 0
    for seal in db.scalars(sa.select(APPLIED_RECORDS.c.seal)):
        number, total = number + 1, total + _number(seal)
    return number, total


def _note(db: sa.Connection, name: str, number: int, total: int) -> None:
    db.execute(SEALS.delete().where(SEALS.c.name == name))
    db.execute(SEALS.insert().values(name=name, rows=number, hash=_text(total)))


def _number(seal: object) -> int:
    """Of a hash; 0 of what is none."""
    try:
        return int(str(seal), 16)
    except ValueError:
        return 0


def _text(total: int) -> str:
    return f"{total % 16**_DIGITS:0{_DIGITS}x}"
