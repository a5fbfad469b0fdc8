"""Set the end of each subscription in Lago, read it back, note it. One that fails never stops the others.

    state: setting -> PUT ending_at -> GET -> state: ending

Killed anywhere, the same command goes on: what Lago has already is read, and not written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from mappings.endings import Ending
from migrate.errors import LagoError
from migrate.lago.ends import Shown, shown_subscription
from migrate.lago.filters import moment
from migrate.lago.source import LagoRefusal, LagoSource
from migrate.state.columns import CutoverStage
from migrate.state.cutover_stages import StageNote, note_stage, stage_notes
from migrate.state.store import Store


class EndingLago(LagoSource, Protocol):
    """A Lago in which ends may be set."""

    def set_end(self, external_id: str, ending_at: datetime | None) -> None:
        """None: take it back. Raises LagoError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnd:
    """What became of one subscription. ``written``: Lago did not have it before; ``problem``: why it is not set."""

    subscription: str
    customer: str
    ending_at: datetime
    written: bool = False
    problem: str = ""


def set_ends(store: Store, lago: EndingLago, cohort: str, ends: Iterable[Ending]) -> Iterator[SetEnd]:
    """Each subscription in turn. Raises StoreError alone: without a state nobody may go on."""
    for ending in ends:
        note = StageNote(
            lago_id=ending.lago_id,
            subscription=ending.subscription,
            customer=ending.customer,
            cohort=cohort,
            stage=CutoverStage.SETTING,
            ending_at=ending.ending_at,
            noted_at=datetime.now(UTC),
        )
        tried = SetEnd(subscription=note.subscription, customer=note.customer, ending_at=note.ending_at)
        try:
            yield replace(tried, written=_set_end(store, lago, note))
        except LagoError as error:
            yield replace(tried, problem=str(error))


def _set_end(store: Store, lago: EndingLago, note: StageNote) -> bool:
    """Whether it had to be written. Raises LagoError for what Lago does not let be, or does not show afterwards."""
    lacks = not _stands(_fitting(lago, note), note)
    known = stage_notes(store).get(note.lago_id)
    if not lacks and (known is None or known.stage is CutoverStage.BACK):
        raise LagoError(
            "is to end at that very moment in Lago already, which was not set here: its customer may have given it up",
            "if it goes on in Odoo, take that end away in Lago, extract, and run it again",
        )
    if lacks:
        note_stage(store, note)
        _write_end(store, lago, note)
        if not _stands(_fitting(lago, note), note):
            raise LagoError("Lago took the end, and does not show it", "look at it there, then run the command again")
    if known is None or (known.stage, known.ending_at) != (CutoverStage.ENDING, note.ending_at):
        note_stage(store, reached(note, CutoverStage.ENDING))
    return lacks


def _write_end(store: Store, lago: EndingLago, note: StageNote) -> None:
    """What Lago refuses was not done: nobody has to wonder later whether it was."""
    try:
        lago.set_end(note.subscription, note.ending_at)
    except LagoRefusal:
        note_stage(store, reached(note, CutoverStage.BACK))
        raise


def reached(note: StageNote, stage: CutoverStage) -> StageNote:
    """The same subscription a stage further, as of now."""
    return replace(note, stage=stage, noted_at=datetime.now(UTC))


def _fitting(lago: LagoSource, note: StageNote) -> Shown:
    """The subscription as Lago shows it, if it is the one that was planned. Raises LagoError."""
    shown = shown_subscription(lago, note.subscription)
    again = "run 'lago2odoo extract', then look at the plan again"
    if shown is None:
        raise LagoError("Lago has no active subscription under this external id", again)
    if shown["lago_id"] != note.lago_id:
        raise LagoError("Lago has another subscription under this external id by now", again)
    if shown.get("on_termination_invoice") == "skip":
        raise LagoError(
            "Lago would bill no last invoice (on_termination_invoice is skip)", "set it to generate in Lago first"
        )
    stands = ending_of(shown)
    if stands is not None and stands != note.ending_at:
        raise LagoError(f"is to end in Lago at {stands:%Y-%m-%dT%H:%M:%SZ} by now", "decide which of the two")
    return shown


def _stands(shown: Shown, note: StageNote) -> bool:
    return ending_of(shown) == note.ending_at


def ending_of(shown: Shown) -> datetime | None:
    """When Lago is to end a subscription."""
    text = shown.get("ending_at")
    return moment(text).astimezone(UTC) if text else None
