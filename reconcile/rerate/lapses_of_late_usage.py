"""Usage that came when the invoice of its time was made: by Lago's rule no invoice bills it any more.

Both sides leave it out, and so does the re-rate: invoices that are equal do not tell it. When an event came is what
Lago's API shows as its ``created_at``. One without it is taken for known: if Lago billed without it, the invoice itself
differs from its re-rate. Lago's own lines go first: what they hold was counted, whenever it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mappings.contracts import timezone_of
from mappings.period import Window
from reconcile.billed import BilledInvoice, BilledLine, LineKey
from reconcile.rating.demand import ChargeWindow
from reconcile.rerate.billing import Billed, made_order, usage_window
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.invoices import rerate_invoices
from reconcile.rerate.lapses import USAGE_LATE, Lapse, name_of_customer
from reconcile.sides.lago import ALL, in_period, lago_invoices


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touched:
    """A billing that late usage may move. ``own``: of its own window; else of an earlier one, which carries over."""

    billed: Billed
    window: Window
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """An invoice as Lago billed it, re-rated by what was known then, and by what is known now."""

    lago: BilledInvoice
    then: BilledInvoice
    now: BilledInvoice


def lapses_of_late_usage(inputs: RerateInputs, billings: Sequence[Billed], period: str = ALL) -> Iterator[Lapse]:
    """Of each invoice of the month (or all) among these ``billings`` of periods, and each subscription on it."""
    concerned = list(_concerned(billings, period))
    touched = [each for each in _touched(inputs, concerned) if in_period(each.billed.invoice, period)]
    sides = _sides(inputs, touched)
    for each in touched:
        yield from _lapse(inputs.history, each, sides[each.billed.invoice.lago_id])


# --- where usage came late ---


def _concerned(billings: Sequence[Billed], period: str) -> Iterator[Billed]:
    """Those of the month, and those before them of the same external id: late usage of theirs carries over."""
    last: dict[str, tuple[datetime, str]] = {}
    for billed in billings:
        if in_period(billed.invoice, period):
            name, made = billed.subscription.external_id, made_order(billed.invoice)
            last[name] = max(last.get(name, made), made)
    for billed in billings:
        name = billed.subscription.external_id
        if name in last and made_order(billed.invoice) <= last[name]:
            yield billed


def _touched(inputs: RerateInputs, billings: Sequence[Billed]) -> Iterator[_Touched]:
    """From the first billing of a subscription's external id on whose usage came late: all that usage knows."""
    placed = [(billed, window) for billed in billings if (window := usage_window(billed.period))]
    came = inputs.source.came_later([_asked(inputs.history, *each) for each in placed])
    begun: set[str] = set()
    for number, (billed, window) in sorted(enumerate(placed), key=lambda pair: made_order(pair[1][0].invoice)):
        late = bool(came.get(number, frozenset()) & _codes(inputs.history, billed))
        if late:
            begun.add(billed.subscription.external_id)
        if billed.subscription.external_id in begun:
            yield _Touched(billed=billed, window=window, own=late)


def _asked(history: History, billed: Billed, window: Window) -> ChargeWindow:
    return ChargeWindow(
        external_subscription_id=billed.subscription.external_id,
        charges_from=window.start,
        charges_to=window.end,
        charges_duration=0,
        currency=billed.invoice.currency,
        timezone=timezone_of(history.customer(billed.invoice)),
        known_until=history.known_until(billed.invoice),
    )


def _codes(history: History, billed: Billed) -> set[str]:
    """The metrics that are billed at the end of a period; single events have their own fees (``lapses_of_events``)."""
    return {c.billable_metric_code for c in history.charges(billed) if not c.pay_in_advance}


# --- what it is worth ---


def _sides(inputs: RerateInputs, touched: Sequence[_Touched]) -> Mapping[str, _Sides]:
    invoices = {each.billed.invoice.lago_id: each.billed.invoice for each in touched}
    lago = lago_invoices(replace(inputs.history.snapshot, invoices=tuple(invoices.values())))
    then = rerate_invoices(inputs, lago)
    known = replace(inputs, history=History(inputs.history.snapshot, late=True)) if touched else inputs
    now = rerate_invoices(known, lago)
    rated = zip(lago, then, now, strict=True)
    return {billed.lago_id: _Sides(lago=billed, then=was, now=new) for billed, was, new in rated}


def _lapse(history: History, touched: _Touched, sides: _Sides) -> Iterator[Lapse]:
    """Worth nothing where it moves no amount (within free units, a minimum): then nobody lost anything."""
    billed, subscription = touched.billed, touched.billed.subscription
    refused = bool(sides.then.refusals or sides.now.refusals)
    moved = [] if refused else list(_moved(sides, subscription.lago_id))
    cents = sum(now - then for then, now, _ in moved)
    if cents or (refused and touched.own):
        yield Lapse(
            kind=USAGE_LATE,
            customer=subscription.external_customer_id,
            customer_name=name_of_customer(history, subscription),
            subscription=subscription.external_id,
            window=touched.window,
            day=billed.invoice.issuing_date,
            currency=billed.invoice.currency,
            cents=None if refused else cents,
            events=sum(events for _, _, events in moved),
            invoices=(billed.invoice.number,),
        )


def _moved(sides: _Sides, subscription: str) -> Iterator[tuple[int, int, int]]:
    """Lines of a subscription that late usage moves: cents by what was known then, and is now; events that came."""
    lago, then, now = (_by_key(side, subscription) for side in (sides.lago, sides.then, sides.now))
    for key in {**then, **now}:
        was, is_now = then.get(key), now.get(key)
        counted = _cents(lago.get(key)) == _cents(is_now) and _events(lago.get(key)) == _events(is_now)
        if not counted:
            yield _cents(was), _cents(is_now), max(_events(is_now) - _events(was), 0)


def _by_key(side: BilledInvoice, subscription: str) -> Mapping[LineKey, BilledLine]:
    return {line.key: line for line in side.lines if line.key.subscription == subscription}


def _cents(line: BilledLine | None) -> int:
    return line.amount_cents if line else 0


def _events(line: BilledLine | None) -> int:
    return (line.events or 0) if line else 0
