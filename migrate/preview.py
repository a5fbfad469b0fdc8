"""What apply would do, worked out and shown; and what moved in Odoo since it was done. Reads only.

preview(odoo, ledger, mapped, phases=..., cohort=..., snapshot_digest=..., progress=...) -> ChangeSet
since_apply(odoo, ledger, progress=...) -> SinceApply             for ``status``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from mappings.target import Desired, Mapped, Phase, Skipped
from mappings.usage import MODEL as USAGE
from migrate.change_set.changes import (
    WITHHELD,
    Action,
    Change,
    ChangeScope,
    ChangeSet,
    FieldDiff,
    Known,
    Observed,
    Seen,
    each_line,
)
from migrate.change_set.compare import diff, is_next_step, never_noted, unlike_after_apply
from migrate.change_set.watched import MOVING
from migrate.errors import OdooError
from migrate.odoo.discover import identity
from migrate.odoo.door import Door
from migrate.odoo.observe import look_known, observe
from migrate.odoo.resolve import OdooReader, references
from migrate.phases import EVERYONE, MIGRATED, ORDER, Cohort
from migrate.progress import Progress, quiet
from migrate.state.ledger import Ledger
from migrate.values import related_id

KeepUsage = Callable[[Mapping[str, Known]], frozenset[str]]  # usage records that nobody wants -> those that stay


def keep_nothing(_vanished: Mapping[str, Known]) -> frozenset[str]:
    """Without a look into the events every record that nobody wants any more would go."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Drift:
    """An applied record that changed in Odoo since. ``deleted``: it is not there any more."""

    xid: str
    source: str
    model: str
    phase: str
    deleted: bool
    diffs: tuple[FieldDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class SinceApply:
    """``drift``: what somebody has to look at. ``booked``: open balances that were posted, as they are meant to be.

    ``unwatched``: ``model: field`` -> records of which nobody noted what stood there, until the next apply does.
    """

    drift: tuple[Drift, ...] = ()
    booked: tuple[Drift, ...] = ()
    unwatched: Mapping[str, int] = field(default_factory=dict)


def preview(
    odoo: Door,
    ledger: Ledger,
    mapped: Sequence[Mapped],
    *,
    phases: Sequence[Phase] = MIGRATED,
    cohort: Cohort = EVERYONE,
    snapshot_digest: str = "",
    keep_usage: KeepUsage = keep_nothing,
    waived: Collection[str] = (),
    removing: bool = True,
    progress: Progress = quiet,
) -> ChangeSet:
    """What apply would do. Reads only. Raises Blocked if a reference leads nowhere or a module is missing.

    ``keep_usage``: which of the usage records that nobody wants any more stay (``migrate.state.kept_usage``).
    ``waived``: names of what may be left out. ``removing``: whether what nobody wants any more is to go.
    """
    ledger.require_same(identity(odoo))
    reader = OdooReader(odoo, progress)
    return compare(reader, ledger, mapped, phases, cohort, snapshot_digest, keep_usage, waived, removing)[0]


def since_apply(odoo: Door, ledger: Ledger, progress: Progress = quiet) -> SinceApply:
    """What became of the applied records in Odoo."""
    known = {x: k for x, k in ledger.known().items() if not k.writing}
    reader = OdooReader(odoo, progress)
    seen = look_known(reader, known)
    billed, spent = _billed(odoo, seen), _spent(odoo, seen)
    gone = [_gone(x, k, reader) for x, k in known.items() if x not in seen]
    changed: list[Drift] = []
    posted: list[Drift] = []
    for x, s in seen.items():
        differing = [d for d in unlike_after_apply(s, known[x]) if not _moved_on(d, billed.get(x))]
        diffs = [d for d in differing if not _is_spent(d, spent.get(x, ()))]
        for kind, usual in ((changed, False), (posted, True)):
            if some := tuple(d for d in diffs if is_next_step(s.model, d) is usual):
                kind.append(Drift(x, known[x].source, s.model, known[x].phase, False, some))
    unwatched = Counter(f"{s.model}: {name}" for x, s in seen.items() for name in never_noted(s, known[x]))
    return SinceApply((*gone, *changed), tuple(posted), dict(sorted(unwatched.items())))


def _gone(xid: str, known: Known, reader: OdooReader) -> Drift:
    """A record that is not shown: it was deleted, or it may not be read: somebody gave it to another company."""
    why = reader.withheld([xid]).get(xid, "")
    if not why:
        return Drift(xid, known.source, known.model, known.phase, True)
    kept = FieldDiff("company_id", "may not be read: another company's", "the company that migrates", Action.CONFLICT)
    if xid in reader.misplaced:
        kept = FieldDiff("id", why, f"{known.model} {known.res_id}", Action.CONFLICT)
    elif why != WITHHELD:
        kept = FieldDiff("answer", why, "what its fields can hold", Action.CONFLICT)
    return Drift(xid, known.source, known.model, known.phase, False, (kept,))


PERIODS = {"weekly": 7, "monthly": 31, "quarterly": 92, "semiannual": 184, "yearly": 366}  # days, at the most
LATER = 4  # days that native invoicing may look later than the calendar: a change that is due comes first


def _moved_on(diff: FieldDiff, window: tuple[date, date] | None) -> bool:
    """Whether it is a next date that a bill has moved: to within one period after what was billed last."""
    if window is None or diff.field not in MOVING:
        return False
    return not diff.before or window[0] <= date.fromisoformat(str(diff.before)[:10]) <= window[1]


def _spent(odoo: Door, seen: Mapping[str, Seen]) -> dict[str, tuple[Decimal, ...]]:
    """Card of prepaid credits -> what orders put on it and took off, the latest first; not what a person did."""
    cards = {s.res_id: x for x, s in seen.items() if s.model == "loyalty.card"}
    names, moves = ["card_id", "issued", "used", "order_id"], dict[str, tuple[Decimal, ...]]()
    rows = odoo.search_among("loyalty.history", "card_id", sorted(cards), names) if cards else []
    for row in sorted(rows, key=lambda row: -int(row["id"])):
        if row["order_id"]:
            card = cards[related_id(row["card_id"])]
            moves[card] = (*moves.get(card, ()), Decimal(str(row["issued"])) - Decimal(str(row["used"])))
    return moves


def _is_spent(diff: FieldDiff, moves: Sequence[Decimal]) -> bool:
    """Whether a balance is what it was after apply, and what orders made of it since."""
    if diff.field != "points" or not moves:
        return False
    by = Decimal(str(diff.before or 0)) - Decimal(str(diff.after or 0))
    return by in accumulate(moves)


def _billed(odoo: Door, seen: Mapping[str, Seen]) -> dict[str, tuple[date, date]]:
    """Subscriptions of which Odoo has billed something -> between which days its next date must lie."""
    if not odoo.count("ir.model", [["model", "=", "fusion.billing.period"]]):
        return {}
    last: dict[int, str] = {}
    for row in odoo.search_read("fusion.billing.period", [], ["order_id", "at"]):
        order = related_id(row["order_id"])
        last[order] = max(last.get(order, ""), str(row["at"]))
    orders = {x: s for x, s in seen.items() if s.model == "sale.order" and s.res_id in last}
    windows = {x: _window(date.fromisoformat(last[s.res_id][:10]), s) for x, s in orders.items()}
    return windows | {f"{x}_oca": window for x, window in windows.items()}  # OCA's subscription beside its order


def _window(billed: date, order: Seen) -> tuple[date, date]:
    """A day before what was billed last (in the customer's zone), to a whole period after it."""
    days = PERIODS.get(str(order.values.get("fusion_interval")), PERIODS["yearly"])
    parts = any(order.values.get(f"fusion_bill_{name}_monthly") for name in ("charges", "fixed_charges"))
    longest = PERIODS["monthly"] if parts else days
    return billed - timedelta(days=1), billed + timedelta(days=min(days, longest) + LATER)


def compare(
    reader: OdooReader,
    ledger: Ledger,
    mapped: Sequence[Mapped],
    phases: Sequence[Phase],
    cohort: Cohort,
    snapshot_digest: str,
    keep_usage: KeepUsage,
    waived: Collection[str] = (),
    removing: bool = True,
) -> tuple[ChangeSet, Observed]:
    """The changes, and what they were compared with."""
    within = [m for m in mapped if m.phase in phases and cohort.takes(m.customer)]
    desired = in_order([m for m in within if isinstance(m, Desired)])
    skipped = [m for m in within if isinstance(m, Skipped)]
    everything = frozenset(m.xid for m in mapped if isinstance(m, Desired))
    known = ledger.known(phases, cohort.customers)
    if cohort.customers is not None:  # records shared by all are compared, but not removed, in a cohort's run
        shared = {m.xid for m in desired if m.customer is None}
        known |= {x: k for x, k in ledger.known(phases).items() if x in shared}
    coming = everything | {line.xid for m in mapped if isinstance(m, Desired) for _, line in each_line(m)}
    vanished = {x: k for x, k in known.items() if x not in everything} if removing else {}
    kept = keep_usage({x: k for x, k in vanished.items() if k.model == USAGE})
    waiting = held_back([m for m in mapped if isinstance(m, Skipped)], vanished, waived)
    going = {x: k for x, k in vanished.items() if x not in kept | waiting}
    observed = observe(reader, desired, going, coming, known)
    scope = ChangeScope(tuple(phases), cohort.name)
    staying = everything | kept | waiting | (frozenset() if removing else known.keys())
    changes = diff([*desired, *skipped], observed, known, snapshot_digest=snapshot_digest, scope=scope, staying=staying)
    return replace(changes, kept_usage=len(kept)), observed


def waiting_for_withheld(changes: ChangeSet) -> tuple[Change, ...]:
    """What is to be written and refers, near or far, to a record that Odoo does not show: apply does not write it."""
    lacking = {xid for c in changes.of(Action.WITHHELD) for xid in _names_of(c)}
    waiting: list[Change] = []
    for change in changes.of(Action.CREATE, Action.UPDATE) if lacking else ():
        if change.desired and not lacking.isdisjoint(references([change.desired])[0]):
            waiting.append(change)
            lacking |= _names_of(change)
    return tuple(waiting)


def _names_of(change: Change) -> set[str]:
    return {change.xid} | {line.xid for _, line in (each_line(change.desired) if change.desired else ())}


def held_back(
    skipped: Sequence[Skipped], vanished: Mapping[str, Known], waived: Collection[str] = ()
) -> frozenset[str]:
    """What nobody wants any more, but perhaps only because something of Lago's is left out: it stays as it is.

    What cannot be read, accepted or not; what cannot be expressed, until somebody accepts that it is left out.
    All of a customer to whom that belongs; of what customers share, all of its phase.
    """
    unread = [item for item in skipped if item.because or not item.is_waived(waived)]
    customers = {item.customer for item in unread if item.customer}
    ids = tuple({name for item in unread for name in (item.source.lago_id, item.because) if name})
    phases = {item.phase.value for item in unread}
    return frozenset(
        x
        for x, known in vanished.items()
        if known.customer in customers or (known.customer is None and known.phase in phases) or any(i in x for i in ids)
    )


def in_order(desired: Sequence[Desired]) -> list[Desired]:
    """So that what is referred to comes first, phase by phase; else as the mappers gave it, models together.

    Raises OdooError for records that refer to each other in a circle.
    """
    place = {line.xid: d.xid for d in desired for _, line in each_line(d)} | {d.xid: d.xid for d in desired}
    needs = {d.xid: {place[r] for r in references([d])[0] if r in place} - {d.xid} for d in desired}
    level = _levels(needs)
    kinds = {k: i for i, k in enumerate(dict.fromkeys(shape_of(d) for d in desired))}
    models = {m: i for i, m in enumerate(dict.fromkeys(d.model for d in desired))}
    return sorted(desired, key=lambda d: (ORDER.index(d.phase), level[d.xid], models[d.model], kinds[shape_of(d)]))


def shape_of(desired: Desired) -> tuple[str, frozenset[str]]:
    """What goes into one call: an empty cell would override a default, so columns must be the same."""
    return desired.model, frozenset(desired.values)


def _levels(needs: Mapping[str, set[str]]) -> dict[str, int]:
    """How many steps of references lie below each record."""
    level: dict[str, int] = {}
    waiting = dict(needs)
    while waiting:
        ready = [xid for xid, below in waiting.items() if all(n in level for n in below)]
        if not ready:
            circle = ", ".join(sorted(waiting)[:3])
            raise OdooError(f"these records refer to each other in a circle: {circle}; a mapper is wrong")
        ready_levels = {xid: 1 + max((level[n] for n in waiting[xid]), default=-1) for xid in ready}
        level.update(ready_levels)
        for xid in ready:
            del waiting[xid]
    return level
