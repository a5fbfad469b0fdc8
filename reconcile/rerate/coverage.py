"""Whether each day and each usage event of a subscription was billed exactly once, by Lago's own register.

    lapses_of(snapshot, events)  ->  what was billed twice, or never, with what it is worth

An invoice that was never made differs from nothing, and a window that was billed twice is right each time: no
comparison of invoices can see either. The calendar says when Lago should have billed; the stored windows say what it
did; what is not covered is re-rated as the invoice that nobody made, which tells its amount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from mappings.contracts import timezone_of
from mappings.dependents import readable_subscriptions
from mappings.headers import NOTHING_BILLED
from mappings.period import Window
from mappings.records import BillingPeriod, Invoice, Plan, Snapshot, Subscription
from reconcile.billed import BilledInvoice
from reconcile.rating.rules import rules_for
from reconcile.rerate.billing import Billed, usage_window
from reconcile.rerate.customer_parts import CustomerParts
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.invoices import rerate_invoices
from reconcile.rerate.lago_calendar import expected_boundaries, overlapped_once
from reconcile.rerate.lapses import (
    BILLED_TWICE,
    PERIOD_NEVER,
    USAGE_NEVER,
    Lapse,
    last_plan,
    local_day,
    name_of_customer,
)
from reconcile.rerate.lapses_of_events import fees_of_events, lapses_of_events
from reconcile.rerate.lapses_of_fees import Credited, credited_by_people, lapses_of_fees, standing
from reconcile.rerate.lapses_of_late_usage import lapses_of_late_usage
from reconcile.rerate.lapses_of_thresholds import lapses_of_thresholds
from reconcile.rerate.lost_ends import lost_ends
from reconcile.rerate.lost_starts import lost_starts, taken_for_billed
from reconcile.rerate.missed_runs import is_end_due, missed_runs, missed_start
from reconcile.rerate.occasions import has_charges, occasion_of
from reconcile.rerate.suspicions import Suspicion, base_billings, period_of
from reconcile.sides.lago import ALL, in_month, lago_invoices

SUPPOSED = "supposed"  # id and number of the invoice that nobody made
_SECOND = timedelta(seconds=1)
_ZONES_APART = timedelta(hours=26)  # a customer that moved since has days that began, and end, at another moment


def coverage(inputs: RerateInputs, period: str = ALL, customers: frozenset[str] | None = None) -> tuple[Lapse, ...]:
    """The lapses of a month (or all), oldest first. ``customers`` (external ids): only theirs."""
    history = inputs.history
    subscriptions = [s for s in readable_subscriptions(history.snapshot, customers) if s.started_at is not None]
    credited = credited_by_people(history.snapshot)
    suspicions = [each for subscription in subscriptions for each in _suspicions(inputs, subscription, credited)]
    whole = list(_periods_twice(history, subscriptions, credited))
    told = {lapse.invoices for lapse in whole if lapse.with_usage}
    untold = [each for each in suspicions if each.kind != BILLED_TWICE or each.invoices not in told]
    lapses = [*_worth(inputs, [each for each in untold if in_month(_day(history, each), period)])]
    lapses += [lapse for lapse in whole if in_month(lapse.day, period)]
    of_events = fees_of_events(history, credited)
    for subscription in subscriptions:
        lapses += lapses_of_events(inputs, subscription, of_events, credited, period)
        lapses += lapses_of_thresholds(history, subscription, credited, period)
    claims = [each for subscription in subscriptions for each in standing(_billings(history, subscription), credited)]
    lapses += lapses_of_late_usage(inputs, claims, period)
    return tuple(sorted(lapses, key=lambda lapse: (lapse.day, lapse.subscription, lapse.kind, lapse.window.start)))


def _periods_twice(history: History, subscriptions: Sequence[Subscription], credited: Credited) -> Iterator[Lapse]:
    for subscription in subscriptions:
        billings = standing(_billings(history, subscription), credited)
        yield from lapses_of_fees(history, subscription, billings, credited)


def _billings(history: History, subscription: Subscription) -> list[Billed]:
    """Those of a subscription's periods; what was billed in between is left out."""
    billings = history.billed.get(subscription.lago_id, ())
    return [billing for billing in billings if billing.is_of_period]


def _suspicions(inputs: RerateInputs, subscription: Subscription, credited: Credited) -> Iterator[Suspicion]:
    history = inputs.history
    plan = last_plan(history, subscription)
    if plan is None:
        return
    billings = _billings(history, subscription)
    based = base_billings(history, billings)
    missed = list(missed_runs(inputs, subscription, plan, billings, based))
    yield from missed
    yield from missed_start(inputs, subscription, plan, based)
    yield from lost_starts(inputs, subscription, plan)
    yield from taken_for_billed(inputs, subscription, plan, billings, based)
    yield from lost_ends(inputs, subscription, plan, based)
    if any(not charge.pay_in_advance for charge in plan.charges):
        used = [billed for billed in billings if has_charges(occasion_of(history, billed))]
        twice = list(_twice(subscription, plan, standing(used, credited)))
        again = frozenset(each.invoices[-1] for each in twice)
        yield from twice
        for gap in _gaps(inputs, subscription, plan, used, [each.window for each in missed]):
            yield replace(gap, unknown=again)


# --- windows of usage that overlap, or leave a gap ---


def _twice(subscription: Subscription, plan: Plan, billings: Sequence[Billed]) -> Iterator[Suspicion]:
    windows = sorted(_windows(billings), key=lambda pair: (pair[0].start, pair[1].invoice.created_at))
    for (first, earlier), (second, later) in pairwise(windows):
        overlap = Window(max(first.start, second.start), min(first.end, second.end))
        if overlap.end - overlap.start > _SECOND:
            yield Suspicion(
                kind=BILLED_TWICE,
                subscription=subscription,
                plan=plan,
                window=overlap,
                at=max(earlier.invoice.created_at, later.invoice.created_at),
                period=period_of(subscription, plan, None, overlap, None),
                invoices=(earlier.invoice.number, later.invoice.number),
                most=min(_usage_cents(earlier), _usage_cents(later)),  # what came late, the first did not bill
                unknown=frozenset({earlier.invoice.number, later.invoice.number}),
            )


def _usage_cents(billed: Billed) -> int:
    return sum(fee.amount_cents for fee in billed.fees() if fee.item.type == "charge")


def _gaps(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], missed: Sequence[Window]
) -> Iterator[Suspicion]:
    """Stretches between windows, and up to the end of a subscription that ended, that no invoice bills the usage of.

    ``billings``: those that bill usage.

    What a person voided was billed once: whether it is billed again is their decision.
    """
    windows = sorted((window for window, _ in _windows(billings)), key=lambda window: window.start)
    ended_at = subscription.terminated_at
    stretches = [(window.end, following.start) for window, following in pairwise(windows)]
    if windows and ended_at is not None and is_end_due(inputs.history, subscription):
        stretches.append((max(window.end for window in windows), _used_until(inputs.history, subscription, ended_at)))
    stretches += _behind(inputs, billings, windows)
    for left, right in stretches:
        gap = Window(left + timedelta(microseconds=1), right)
        known = any(window.start <= gap.end and gap.start <= window.end for window in missed)
        if gap.end - gap.start > _SECOND and not known:
            yield Suspicion(
                kind=USAGE_NEVER,
                subscription=subscription,
                plan=plan,
                window=gap,
                at=_following_billing(billings, gap) or ended_at or inputs.history.snapshot.taken_at,
                period=period_of(subscription, plan, None, gap, None),
            )


def _used_until(history: History, subscription: Subscription, ended_at: datetime) -> datetime:
    """When it was to end: Lago ends it at the first run of that local day, and bills no later usage (its fault L3)."""
    planned = subscription.ending_at or ended_at
    if local_day(history, subscription, planned) != local_day(history, subscription, ended_at):
        return ended_at
    again = [other.started_at for other in history.chain(subscription) if other.started_at]
    return max(ended_at, min([planned, *(moment for moment in again if moment > ended_at)]))


def _behind(
    inputs: RerateInputs, billings: Sequence[Billed], windows: Sequence[Window]
) -> Iterator[tuple[datetime, datetime]]:
    """From the end of what was billed to the end of what the last periodic run had to bill, if it billed earlier usage.

    The next run bills the next period: nothing that is still to come makes up for it.
    """
    history = inputs.history
    periodic = [b for b in billings if b.period.invoicing_reason == "subscription_periodic"]
    if not (periodic and windows) or periodic[-1].subscription.terminated_at is not None:
        return
    last = periodic[-1]
    timezone = timezone_of(history.customer(last.invoice))
    contract = history.contract(last.subscription, last.plan, timezone, last.invoice.created_at)
    due = expected_boundaries(contract, last, history).charges
    billed_until = max(window.end for window in windows)
    doubtful = not inputs.rules.tiling_anniversaries and overlapped_once(contract)
    if due is not None and not doubtful and due.end - billed_until > _ZONES_APART:
        yield billed_until, due.end


def _windows(billings: Sequence[Billed]) -> Iterator[tuple[Window, Billed]]:
    for billing in billings:
        window = usage_window(billing.period)
        if window is not None and window.end > window.start:
            yield window, billing


def _following_billing(billings: Sequence[Billed], gap: Window) -> datetime | None:
    """When the next invoice came, which should have billed the gap."""
    return min((b.invoice.created_at for b in billings if b.invoice.created_at >= gap.end - _SECOND), default=None)


# --- what they are worth ---


def _day(history: History, suspicion: Suspicion) -> date:
    """The customer's day on which it came about, or would have."""
    return local_day(history, suspicion.subscription, suspicion.at)


def _worth(inputs: RerateInputs, suspicions: Sequence[Suspicion]) -> Iterator[Lapse]:
    """The lapses among the suspicions: those that are worth something, by the invoice that nobody made."""
    parts = CustomerParts(inputs.history.snapshot)
    for suspicion in suspicions:
        part = parts.of(suspicion.subscription.lago_customer_id)
        rated = _rate(inputs, suspicion, part)
        cents = None if rated.refusals else _cents(rated, suspicion)
        lapse = _lapse(inputs, suspicion, rated, cents)
        if cents is None or (cents and (lapse.events or lapse.kind == PERIOD_NEVER)):
            yield lapse


def _rate(inputs: RerateInputs, suspicion: Suspicion, part: Snapshot) -> BilledInvoice:
    """The invoice that nobody made, rated in its customer's part of the snapshot (``part``).

    Without the invoices that bill it twice: what usage carries over would be carried over twice.
    """
    invoice = supposed_invoice(
        inputs.history, suspicion.subscription, suspicion.plan, period=suspicion.period, at=suspicion.at
    )
    others = tuple(other for other in part.invoices if other.number not in suspicion.unknown)
    supposed = tuple(suspicion.subscription if _is_same(suspicion, each) else each for each in part.subscriptions)
    history = History(replace(part, subscriptions=supposed, invoices=(*others, invoice)), late=True)
    (rated,) = rerate_invoices(replace(inputs, history=history), lago_invoices(replace(part, invoices=(invoice,))))
    return rated


def _is_same(suspicion: Suspicion, subscription: Subscription) -> bool:
    return subscription.lago_id == suspicion.subscription.lago_id


def _cents(rated: BilledInvoice, suspicion: Suspicion) -> int:
    """Of a period all lines; of a window of usage its charges."""
    whole, usage = suspicion.kind == PERIOD_NEVER, ("charge", "true_up")
    cents = sum(line.amount_cents for line in rated.lines if whole or line.key.kind in usage)
    return cents if suspicion.most is None else min(cents, suspicion.most)


def _lapse(inputs: RerateInputs, suspicion: Suspicion, rated: BilledInvoice, cents: int | None) -> Lapse:
    subscription = suspicion.subscription
    return Lapse(
        kind=suspicion.kind,
        customer=subscription.external_customer_id,
        customer_name=name_of_customer(inputs.history, subscription),
        subscription=subscription.external_id,
        window=suspicion.window,
        day=_day(inputs.history, suspicion),
        currency=rated.currency,
        cents=cents,
        events=sum(line.events or 0 for line in rated.lines if line.key.kind == "charge"),
        invoices=suspicion.invoices,
    )


def supposed_invoice(
    history: History, subscription: Subscription, plan: Plan, *, period: BillingPeriod, at: datetime
) -> Invoice:
    """The invoice that Lago would make of a period at a moment, before anything is rated."""
    return Invoice(
        lago_id=SUPPOSED,
        number=SUPPOSED,
        invoice_type="subscription",
        status="finalized",
        payment_status="pending",
        currency=plan.amount_currency,
        issuing_date=local_day(history, subscription, at),
        created_at=at,
        customer=history.customers.get(subscription.lago_customer_id),
        billing_periods=(period,),
        **NOTHING_BILLED,
    )


def lapses_of(
    snapshot: Snapshot, events: Path | EventSource, *, period: str = ALL, customers: frozenset[str] | None = None
) -> tuple[Lapse, ...]:
    """The lapses of a month (or all). Raises RerateRefused for unreadable events."""
    if not isinstance(events, EventSource):
        with EventSource.from_parquet(events) as source:
            return lapses_of(snapshot, source, period=period, customers=customers)
    history = History(snapshot)
    rules = rules_for(snapshot.lago_version)
    inputs = RerateInputs(history=history, source=events, rules=rules, premium=history.premium)
    return coverage(inputs, period, customers)
