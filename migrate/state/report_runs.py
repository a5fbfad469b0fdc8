"""How far the history of a folder of reports came, in the state: a history that is cut says nothing of it itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from migrate.state.row_checks import TableRow, require_fit
from migrate.state.seals import seal_table
from migrate.state.store import Store
from migrate.state.tables import REPORT_RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRuns:
    """``runs`` lines; ``head``: the hash of the last one; ``compared_at``: its moment."""

    runs: int
    head: str
    compared_at: datetime


def report_runs(store: Store, folder: str) -> ReportRuns | None:
    """What is known of a folder. Raises StoreError."""
    with store.begin() as db:
        rows = db.execute(sa.select(REPORT_RUNS).where(REPORT_RUNS.c.folder == folder)).all()
    return next(_of(rows), None)


def note_report_runs(store: Store, folder: str, known: ReportRuns) -> None:
    """Remember it in place of what was known before."""
    values = {"runs": known.runs, "head": known.head, "compared_at": known.compared_at.isoformat()}
    with store.begin() as db:
        db.execute(REPORT_RUNS.delete().where(REPORT_RUNS.c.folder == folder))
        db.execute(REPORT_RUNS.insert().values(folder=folder, **values))
        seal_table(db, REPORT_RUNS)


def _of(rows: Iterable[TableRow]) -> Iterator[ReportRuns]:
    for row in rows:
        require_fit(REPORT_RUNS.name, row._asdict())
        yield ReportRuns(runs=row.runs, head=row.head, compared_at=datetime.fromisoformat(row.compared_at))
