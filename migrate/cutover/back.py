"""Back: take the end away again before its day, which leaves no trace; after it say what Lago can still do.

before its day    state: setting -> PUT ending_at null -> GET -> state: back
after it          nothing is done: what a person can do, and what is lost by it (facts/lago-cutover §5)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migrate.cutover.end import EndingLago, ending_of, reached
from migrate.errors import LagoError
from migrate.lago.ends import shown_subscription
from migrate.state.columns import CutoverStage
from migrate.state.cutover_stages import StageNote, note_stage
from migrate.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What became of one subscription. ``left``: what a person can still do; ``problem``: why it is not back."""

    note: StageNote
    written: bool = False
    left: tuple[str, ...] = ()
    problem: str = ""


def take_back(store: Store, lago: EndingLago, notes: Iterable[StageNote], now: datetime) -> Iterator[TakenBack]:
    """Each subscription whose end is ours, in turn; ``now``: Lago's time. One that fails never stops the others."""
    for note in notes:
        taken = TakenBack(note=note)
        try:
            shown = shown_subscription(lago, note.subscription)
            if shown is None or (shown["lago_id"] != note.lago_id and ending_of(shown) != note.ending_at):
                yield replace(taken, left=tuple(_after_the_end(note, now)))
                continue  # but an upgrade takes an end along: that one is ours, under another id
            yield replace(taken, written=_take_back(store, lago, note, ending_of(shown)))
        except LagoError as error:
            yield replace(taken, problem=str(error))


def _take_back(store: Store, lago: EndingLago, note: StageNote, stands: datetime | None) -> bool:
    """Whether it had to be written. Raises LagoError for an end that is not ours, or stays."""
    if stands not in (None, note.ending_at):
        raise LagoError(f"is to end in Lago at {stands:%Y-%m-%dT%H:%M:%SZ} by now, which is not ours: left as it is")
    if stands is not None:
        note_stage(store, reached(note, CutoverStage.SETTING))
        lago.set_end(note.subscription, None)
        shown = shown_subscription(lago, note.subscription)
        if shown is None or ending_of(shown) is not None:
            raise LagoError("Lago took the end back, and shows it still", "look at it there, then run it again")
    note_stage(store, reached(note, CutoverStage.BACK))
    return stands is not None


def _after_the_end(note: StageNote, now: datetime) -> Iterator[str]:
    """What Lago can do for one that has ended; each line one thing, done by a person."""
    boundary = f"{note.ending_at:%Y-%m-%dT%H:%M:%SZ}"
    if now < note.ending_at:
        yield f"ended before its day, {boundary}, or was made anew without our end: somebody did so in Lago"
        return
    yield (
        f"it cannot be revived: POST /subscriptions with external_id {note.subscription} and subscription_at "
        f"{boundary} makes a new one, which bills from there on, with the usage of that external id since"
    )
    if now < note.ending_at + timedelta(days=1):
        yield "today that loses nothing: a plan in advance is billed its base fee as it is made"
    else:
        yield (
            "a plan in advance is billed no base fee of the running period any more: bill it as a one-off invoice "
            "(POST /invoices); a plan in arrears loses nothing"
        )
    yield "before that: nothing of the period since may be billed in Odoo; cancel its draft, or credit the invoice"
    yield "never backdate it before the end: its last period is on the last invoice already"
