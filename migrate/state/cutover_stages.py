"""How far each subscription is on its way out of Lago, in the state.

    setting     its end is being written to Lago: after a kill nobody knows whether it was
    ending      Lago has it, read back
    ended       it ended there as it should, read back
    back        its end was taken away again, read back

A row is written before what it tells of is done in Lago (``setting``), and after it was read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from migrate.state.columns import CutoverStage
from migrate.state.row_checks import TableRow, require_fit
from migrate.state.seals import seal_table
from migrate.state.store import Store
from migrate.state.tables import CUTOVERS

OURS = (CutoverStage.SETTING, CutoverStage.ENDING, CutoverStage.ENDED)  # ends that were set here, or may have been


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNote:
    """One subscription. ``ending_at``: its midnight that Odoo bills from, in UTC."""

    lago_id: str
    subscription: str  # external id
    customer: str  # external id
    cohort: str
    stage: CutoverStage
    ending_at: datetime
    noted_at: datetime


def stage_notes(store: Store) -> dict[str, StageNote]:
    """By Lago's id of the subscription. Raises StoreError."""
    with store.begin() as db:
        rows = db.execute(sa.select(CUTOVERS).order_by(CUTOVERS.c.lago_id)).all()
    return {note.lago_id: note for note in _of(rows)}


def leaving(notes: Iterable[StageNote]) -> dict[str, datetime]:
    """Subscription (Lago id) -> the boundary at which it leaves; of ends that were set here, or may have been."""
    return {note.lago_id: note.ending_at for note in notes if note.stage in OURS}


def note_stage(store: Store, note: StageNote) -> None:
    """Remember it in place of what was known before."""
    values = {
        "lago_id": note.lago_id,
        "subscription": note.subscription,
        "customer": note.customer,
        "cohort": note.cohort,
        "stage": note.stage.value,
        "ending_at": note.ending_at.isoformat(),
        "noted_at": note.noted_at.isoformat(),
    }
    with store.begin() as db:
        db.execute(CUTOVERS.delete().where(CUTOVERS.c.lago_id == note.lago_id))
        db.execute(CUTOVERS.insert().values(**values))
        seal_table(db, CUTOVERS)


def _of(rows: Iterable[TableRow]) -> Iterator[StageNote]:
    for row in rows:
        values = row._asdict()
        require_fit(CUTOVERS.name, values)
        moments = {name: datetime.fromisoformat(values[name]) for name in ("ending_at", "noted_at")}
        yield StageNote(**{**values, **moments, "stage": CutoverStage(values["stage"])})
