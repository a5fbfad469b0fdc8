"""The rows of the ledger among themselves: one name and one number each, lines with their records, runs that are there.

Whoever reads the ledger asks here first, and ``doctor --state`` too: a row that nobody would read, or that hangs on
nothing, is no row that is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from mappings.target import Phase
from migrate.errors import StoreError
from migrate.odoo.resolve import LINE_FIELDS
from migrate.state.columns import COLUMNS, RESTORE, Misfit
from migrate.state.row_checks import damaged
from migrate.state.seals import require_ledger
from migrate.state.tables import APPLIED_RECORDS, APPLY_RUNS

_SOME = 21  # rows of one kind that are told
_ROW, _RECORD = APPLIED_RECORDS.alias("line"), APPLIED_RECORDS.alias("record")


def require_whole(db: sa.Connection) -> None:
    """And no row is gone, or is another. Raises StoreError: the first problem."""
    for problem in ledger_problems(db):
        raise problem
    require_ledger(db)


def ledger_problems(db: sa.Connection) -> Iterator[StoreError]:
    """What is wrong between rows, as far as a database can tell it by itself."""
    for check in (_twice, _of_no_phase, _lines_of_nothing, _lines_of_another_kind, _of_no_run):
        yield from check(db)


def _twice(db: sa.Connection) -> Iterator[StoreError]:
    for name, what in (("xid", "an external id"), ("seq", "a number")):
        column = APPLIED_RECORDS.c[name]
        query = sa.select(column).group_by(column).having(sa.func.count() > 1)
        for value in db.scalars(query.limit(_SOME)):
            yield damaged("applied_records", f"{what} stands there twice: {name} {value}", RESTORE)


def _of_no_phase(db: sa.Connection) -> Iterator[StoreError]:
    """A run of one phase would never meet them."""
    table, phases = APPLIED_RECORDS.c, [phase.value for phase in Phase]
    query = sa.select(table.xid, table.phase).where(table.phase.is_(None) | table.phase.not_in(phases))
    for row in db.execute(query.limit(_SOME)):
        misfit = Misfit("phase", row.phase, COLUMNS["applied_records"]["phase"].should)
        yield damaged(f"row {row.xid} of applied_records", str(misfit), RESTORE)


def _lines_of_nothing(db: sa.Connection) -> Iterator[StoreError]:
    hung = _ROW.outerjoin(_RECORD, (_RECORD.c.xid == _ROW.c.parent) & (_RECORD.c.parent == ""))
    lost = (_ROW.c.parent.is_(None) | (_ROW.c.parent != "")) & _RECORD.c.xid.is_(None)
    query = sa.select(_ROW.c.xid, _ROW.c.parent).select_from(hung).where(lost)
    for row in db.execute(query.limit(_SOME)):
        why = f"parent is {row.parent!r}, and no record of that name is there"
        yield damaged(f"row {row.xid} of applied_records", why, RESTORE)


def _lines_of_another_kind(db: sa.Connection) -> Iterator[StoreError]:
    hung = _ROW.join(_RECORD, _RECORD.c.xid == _ROW.c.parent)
    pair = (_ROW.c.model, _RECORD.c.model)
    columns = (pair[0].label("line"), pair[1].label("record"), sa.func.min(_ROW.c.xid).label("xid"))
    for row in db.execute(sa.select(*columns).select_from(hung).group_by(*pair)).all():
        if (row.record, row.line) not in LINE_FIELDS:
            why = f"model is {row.line!r}, that of its record is {row.record!r}: no such line belongs to it"
            yield damaged(f"row {row.xid} of applied_records", why, RESTORE)


def _of_no_run(db: sa.Connection) -> Iterator[StoreError]:
    """0 is a ledger that was never told of a run."""
    table = APPLIED_RECORDS.c
    known = sa.select(APPLY_RUNS.c.id)
    query = sa.select(table.run, sa.func.min(table.xid).label("xid")).where(table.run != 0, table.run.not_in(known))
    for row in db.execute(query.group_by(table.run).limit(_SOME)):
        why = f"run is {row.run!r}, and apply_runs has no such row"
        yield damaged(f"row {row.xid} of applied_records", why, RESTORE)
