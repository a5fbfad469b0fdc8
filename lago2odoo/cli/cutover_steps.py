"""The steps of a cut-over that touch Lago: end, confirm, take back. Each told subscription by subscription."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.cutover_plan import CutoverPlan, checked
from lago2odoo.cli.outcome import CommandOutcome
from mappings.period import local_date
from migrate.cutover.back import TakenBack, take_back
from migrate.cutover.confirm import Confirmation, confirm
from migrate.cutover.end import SetEnd, reached, set_ends
from migrate.errors import ConfigError
from migrate.gate import is_open
from migrate.lago.ends import listed, timezones
from migrate.lago.resources import ALL_STATES
from migrate.lago.source import LagoSource
from migrate.state.columns import CutoverStage
from migrate.state.cutover_stages import OURS, StageNote, note_stage, stage_notes
from migrate.state.store import Store
from reconcile.sides.odoo_next import NextDay, next_days
from reports.columns import table

# --- end


def end_cohort(context: CommandContext, store: Store, plan: CutoverPlan) -> CommandOutcome:
    """Set the ends of a plan whose gate is open. Exit code 2 where it is closed, 1 where one could not be set.

    Each is read in Lago, also where it was set before: somebody may have taken it away.
    """
    if not is_open(plan.checks):
        return checked(plan)
    with context.lago_ends() as lago:
        return _ended(plan.cohort, tuple(set_ends(store, lago, plan.cohort, plan.endings)))


def _ended(cohort: str, ends: Sequence[SetEnd]) -> CommandOutcome:
    failed = [end for end in ends if end.problem]
    if not failed and not any(end.written for end in ends):
        told = f"nothing to do: all {len(ends):,} subscriptions of cohort {cohort} are to end in Lago, read back"
        return CommandOutcome({"cohort": cohort, "ends": []}, f"{told}; {_apply(cohort)}")
    rows = [
        (e.customer, e.subscription, _told(e.ending_at), e.problem or ("set" if e.written else "stood")) for e in ends
    ]
    lines = [table(("customer", "subscription", "ending_at in Lago", ""), rows), ""]
    if failed:
        lines.append(f"{len(failed)} of {len(ends)} could not be set, the others are: mend them, then run it again")
    else:
        lines.append(f"{len(ends)} subscriptions are to end in Lago, read back; {_apply(cohort)}")
    data = {"cohort": cohort, "ends": [_of_end(end) for end in ends]}
    return CommandOutcome(data, "\n".join(lines), 1 if failed else 0)


def _of_end(end: SetEnd) -> dict[str, object]:
    return {
        "customer": end.customer,
        "subscription": end.subscription,
        "ending_at": _told(end.ending_at),
        "written": end.written,
        "problem": end.problem,
    }


# --- confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """What Lago says of an end, and what is wrong with the order that goes on in Odoo."""

    lago: Confirmation
    odoo: str = ""

    @property
    def told(self) -> str:
        ended = f"ended, last invoice {self.lago.invoice}" if self.lago.is_ended else ""
        return "; ".join(filter(None, (self.lago.waits or ended, *self.lago.problems, self.odoo)))


def confirm_ends(context: CommandContext, store: Store, cohort: str) -> CommandOutcome:
    """Read both sides. Exit code 1 where something is wrong, else 2 where something is still to come."""
    context.config.cohort(cohort)
    with store.lock(), context.source(None) as lago, context.odoo() as odoo:
        notes = _ours(store, cohort)
        if not notes:
            raise ConfigError(f"nothing of cohort {cohort} was ended: lago2odoo cutover --cohort {cohort} --check")
        now = datetime.fromisoformat(lago.clock())
        zones = timezones(lago)
        orders = next_days(odoo, [note.lago_id for note in notes])
        sides = []
        for note in notes:
            zone = zones.get(note.customer, "UTC")
            confirmed = confirm(lago, note, zone, now)
            both = BothSides(lago=confirmed, odoo=_of_odoo(orders.get(note.lago_id), note, zone))
            if confirmed.is_ended and not both.odoo and note.stage is not CutoverStage.ENDED:
                note_stage(store, reached(note, CutoverStage.ENDED))
            sides.append(both)
        running = tuple(_running_still(lago, notes))
    return _confirmed(cohort, sides, running)


def _of_odoo(order: NextDay | None, note: StageNote, zone: str) -> str:
    """What Odoo's order lacks: it runs, nothing was billed of it before, and what it bills begins where Lago ends.

    Once both sides were seen to be right, Odoo bills it.
    """
    if order is None:
        return "Odoo has no running order of it"
    if note.stage is CutoverStage.ENDED:
        return ""
    if order.is_billed:
        return f"Odoo has billed its order {order.name} already"
    if order.since is None:
        return f"Odoo's order {order.name} does not say from when on it bills"
    if order.since == note.ending_at:
        return ""
    since, day = local_date(order.since, zone), local_date(note.ending_at, zone)
    return f"Odoo's order {order.name} bills from {since}, and Lago until {day}: {_apply(note.cohort)}"


def _running_still(lago: LagoSource, notes: Sequence[StageNote]) -> Iterator[str]:
    """What else Lago bills of the customers that leave: made, or moved to this cohort, since the ends were set."""
    ended = {note.lago_id for note in notes}
    for customer in sorted({note.customer for note in notes}):
        for raw in listed(lago, "subscriptions", [("external_customer_id", customer), *ALL_STATES]):
            if raw["status"] in ("active", "pending") and raw["lago_id"] not in ended:
                yield f"{customer} {raw['external_id']}: is {raw['status']} in Lago, and no end of it was set here"


def _confirmed(cohort: str, sides: Sequence[BothSides], running: Sequence[str]) -> CommandOutcome:
    wrong = [both for both in sides if both.lago.problems or both.odoo]
    waiting = [both for both in sides if both.lago.waits and both not in wrong]
    rows = [(b.lago.note.customer, b.lago.note.subscription, _told(b.lago.note.ending_at), b.told) for b in sides]
    ended = len(sides) - len(wrong) - len(waiting)
    lines = [table(("customer", "subscription", "ending_at in Lago", ""), rows), ""]
    lines.append(
        f"cohort {cohort}: {ended} ended as they should, {len(waiting)} still to come, {len(wrong)} to look at"
    )
    lines += running
    data = {
        "cohort": cohort,
        "ended": ended,
        "subscriptions": [_of_both(both) for both in sides],
        "running": list(running),
    }
    return CommandOutcome(data, "\n".join(lines), 1 if wrong else 2 if waiting or running else 0)


def _of_both(both: BothSides) -> dict[str, object]:
    note = both.lago.note
    return {
        "customer": note.customer,
        "subscription": note.subscription,
        "ending_at": _told(note.ending_at),
        "ended": both.lago.is_ended,
        "waits": both.lago.waits,
        "problems": list(both.lago.problems),
        "odoo": both.odoo,
        "invoice": both.lago.invoice,
    }


# --- back


def take_cohort_back(context: CommandContext, store: Store, cohort: str) -> CommandOutcome:
    """Exit code 1 where one could not be taken back, else 2 where one has ended and is a person's to decide."""
    context.config.cohort(cohort)
    if not _ours(store, cohort):
        told = f"nothing to do: cohort {cohort} has no end that was set here, or all are taken back"
        return CommandOutcome({"cohort": cohort, "back": []}, told)
    with store.lock(), context.lago_ends() as lago:
        taken = tuple(take_back(store, lago, _ours(store, cohort), datetime.fromisoformat(lago.clock())))
    rows = [(t.note.customer, t.note.subscription, _what(t)) for t in taken]
    lines = [table(("customer", "subscription", ""), rows), ""]
    for each in taken:
        lines += [f"{each.note.subscription}: {line}" for line in each.left]
    failed, left = [t for t in taken if t.problem], [t for t in taken if t.left]
    lines.append(f"cohort {cohort}: {len(taken) - len(failed) - len(left)} stay in Lago, {len(left)} have ended there")
    data = {"cohort": cohort, "back": [{"subscription": t.note.subscription, "what": _what(t)} for t in taken]}
    return CommandOutcome(data, "\n".join(lines), 1 if failed else 2 if left else 0)


def _what(taken: TakenBack) -> str:
    if taken.problem or taken.left:
        return taken.problem or "has ended: nothing was done"
    return "its end is taken back" if taken.written else "Lago had no end of it any more"


# --- all of them


def _ours(store: Store, cohort: str) -> tuple[StageNote, ...]:
    """What was ended of a cohort, by customer."""
    notes = [n for n in stage_notes(store).values() if n.cohort == cohort and n.stage in OURS]
    return tuple(sorted(notes, key=lambda note: (note.customer, note.subscription)))


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _apply(cohort: str) -> str:
    """Odoo has to be told from when on it bills, before it bills."""
    return f"next: lago2odoo extract, then apply --cohort {cohort}, then cutover --cohort {cohort} --confirm"
