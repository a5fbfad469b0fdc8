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

from mappings.dependents import readable_subscriptions
from mappings.headers import NOTHING_BILLED
from mappings.period import Window, boundaries, day_start, local_date, utc_date
from mappings.records import Invoice, Plan, Snapshot, Subscription
from reconcile.billed import BilledInvoice
from reconcile.rating.rules import rules_for
from reconcile.rerate.billing import IN_ADVANCE, Billed, timezone_of, usage_window
from reconcile.rerate.customer_parts import CustomerParts
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.invoices import rerate_invoices
from reconcile.rerate.lago_calendar import end_boundaries, expected_boundaries, overlapped_once
from reconcile.rerate.lapses import (
    BILLED_TWICE,
    PERIOD_NEVER,
    USAGE_NEVER,
    Lapse,
    last_plan,
    name_of_customer,
    timezone_of_customer,
)
from reconcile.rerate.lapses_of_events import fees_of_events, lapses_of_events
from reconcile.rerate.lapses_of_fees import Credited, credited_by_people, lapses_of_fees, standing
from reconcile.rerate.suspicions import Suspicion, is_base_covered, is_covered, period_of, unbilled
from reconcile.sides.lago import ALL, in_month, lago_invoices

SUPPOSED = "supposed"  # id and number of the invoice that nobody made
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_LATE_RUN = timedelta(days=2)  # a run that came this much later still stands for its billing day
_AFTER_MIDNIGHT = timedelta(hours=1)
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
    billed = fees_of_events(history)
    for subscription in subscriptions:
        lapses += lapses_of_events(inputs, subscription, billed, period)
    return tuple(sorted(lapses, key=lambda lapse: (lapse.day, lapse.subscription, lapse.kind, lapse.window.start)))


def _periods_twice(history: History, subscriptions: Sequence[Subscription], credited: Credited) -> Iterator[Lapse]:
    for subscription in subscriptions:
        billings = standing(_billings(history, subscription), credited)
        yield from lapses_of_fees(history, subscription, billings, credited)


def _billings(history: History, subscription: Subscription) -> list[Billed]:
    """Those of a subscription's periods; what single events or more units cost in between is left out."""
    billings = history.billed.get(subscription.lago_id, ())
    return [billing for billing in billings if billing.period.invoicing_reason != IN_ADVANCE]


def _suspicions(inputs: RerateInputs, subscription: Subscription, credited: Credited) -> Iterator[Suspicion]:
    history = inputs.history
    plan = last_plan(history, subscription)
    if plan is None:
        return
    billings = _billings(history, subscription)
    missed = list(_missed(inputs, subscription, plan, billings))
    yield from missed
    yield from _missed_start(inputs, subscription, plan, billings)
    if any(not charge.pay_in_advance for charge in plan.charges):
        twice = list(_twice(subscription, plan, standing(billings, credited)))
        again = frozenset(each.invoices[-1] for each in twice)
        yield from twice
        for gap in _gaps(inputs, subscription, plan, billings, [each.window for each in missed]):
            yield replace(gap, unknown=again)


# --- runs that never came ---


def _missed(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed]
) -> Iterator[Suspicion]:
    """Periodic runs and the end. On a billing day the end bills in place of that day's run."""
    runs = list(_missed_runs(inputs, subscription, plan, billings))
    ended_at, before = subscription.terminated_at, runs
    if ended_at is not None:
        last_day = _local_day(inputs.history, subscription, ended_at)
        before = [run for run in runs if _day(inputs.history, run) != last_day]
    end = list(_missed_end(inputs, subscription, plan, billings, [run.window for run in before]))
    yield from [*before, *end] if end else runs


def _missed_runs(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed]
) -> Iterator[Suspicion]:
    """Billing days of the calendar on which Lago billed nothing, although it did or should have before or after."""
    history = inputs.history
    timezone = timezone_of_customer(history, subscription)
    billed_at = [billing.invoice.created_at for billing in billings]
    for day in _billing_days(history, subscription, plan, timezone):
        midnight = day_start(day, timezone)
        if any(midnight <= moment < midnight + _LATE_RUN for moment in billed_at):
            continue
        contract = history.contract(subscription, plan, timezone, midnight)
        if not inputs.rules.tiling_anniversaries and overlapped_once(contract):
            continue
        expected = boundaries(contract, midnight + _AFTER_MIDNIGHT)
        if not is_covered(billings, expected):
            yield Suspicion(
                kind=PERIOD_NEVER,
                subscription=subscription,
                plan=plan,
                window=expected.charges or expected.subscription,
                at=midnight + _AFTER_MIDNIGHT,
                period=period_of(subscription, plan, expected.subscription, expected.charges, expected.fixed_charges),
            )


def _missed_start(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed]
) -> Iterator[Suspicion]:
    """The first period of a plan that is paid in advance, if nothing billed it when the subscription started.

    One that was entered with a start in the past begins with the next period, by Lago's rule; a trial ends by a run of
    its own.
    """
    history, started_at = inputs.history, subscription.started_at
    assert started_at is not None  # noqa: S101 - the caller looked
    until = min(subscription.terminated_at or history.snapshot.taken_at, history.snapshot.taken_at)
    in_past = utc_date(started_at) < utc_date(subscription.created_at)
    if not plan.pay_in_advance or plan.trial_period or in_past or until - started_at < _LATE_RUN:
        return
    contract = history.contract(subscription, plan, timezone_of_customer(history, subscription), started_at)
    expected = boundaries(contract, started_at)
    in_time = (abs(billing.invoice.created_at - started_at) < _LATE_RUN for billing in billings)
    if not any(in_time) and not is_base_covered(billings, expected):
        period = period_of(subscription, plan, expected.subscription, None, expected.fixed_charges)
        yield Suspicion(
            kind=PERIOD_NEVER,
            subscription=subscription,
            plan=plan,
            window=expected.subscription,
            at=started_at,
            period=replace(period, invoicing_reason="subscription_starting"),
        )


def _missed_end(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], missed: Sequence[Window]
) -> Iterator[Suspicion]:
    """What is billed once when a subscription ends: from the last boundary on, if no invoice was made since.

    ``missed``: windows of runs that are told already.
    """
    history, ended_at = inputs.history, subscription.terminated_at
    if ended_at is None or not _is_end_due(history, subscription):
        return
    if any(billing.invoice.created_at >= ended_at - _SECOND for billing in billings):
        return
    contract = history.contract(subscription, plan, timezone_of_customer(history, subscription), ended_at)
    if not inputs.rules.tiling_anniversaries and overlapped_once(contract):
        return
    used = [*(usage_window(billing.period) for billing in billings), *missed]
    expected = end_boundaries(contract, ended_at, used)
    usage = unbilled(expected.charges, used, ended_at)
    base = None if is_base_covered(billings, expected) else expected.subscription
    if plan.pay_in_advance:  # it is paid, and on the last invoice the window tells the rest of the period
        base = boundaries(contract, ended_at).subscription
    if usage is None and (base is None or plan.pay_in_advance):
        return
    period = period_of(subscription, plan, base, usage, expected.fixed_charges)
    yield Suspicion(
        kind=PERIOD_NEVER,
        subscription=subscription,
        plan=plan,
        window=usage or expected.subscription,
        at=ended_at,
        period=replace(period, invoicing_reason="subscription_terminating"),
    )


def _is_end_due(history: History, subscription: Subscription) -> bool:
    """Whether the end should have been billed by now. One without an invoice (``skip``) is somebody's decision."""
    ended_at = subscription.terminated_at
    passed = ended_at is not None and history.snapshot.taken_at - ended_at >= _LATE_RUN
    return passed and subscription.on_termination_invoice != "skip"


def _billing_days(history: History, subscription: Subscription, plan: Plan, timezone: str) -> Iterator[date]:
    """Local days on which Lago's calendar bills a running subscription: after its start, and before it ended."""
    assert subscription.started_at is not None  # noqa: S101 - the caller looked
    begins = max(subscription.started_at, subscription.created_at)  # what was entered later was not billed before
    until = min(subscription.terminated_at or history.snapshot.taken_at, history.snapshot.taken_at - _LATE_RUN)
    contract = history.contract(subscription, plan, timezone, begins)
    monthly = contract.splits and (contract.charges_monthly or contract.fixed_charges_monthly)
    cycle = contract.monthly_cycle() if monthly else contract.cycle()
    day, last = local_date(begins, timezone) + _DAY, local_date(until, timezone)
    while day <= last:
        if cycle.start(day) == day and day_start(day, timezone) + _AFTER_MIDNIGHT < until:
            yield day
        day += _DAY


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
                unknown=frozenset({earlier.invoice.number, later.invoice.number}),
            )


def _gaps(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], missed: Sequence[Window]
) -> Iterator[Suspicion]:
    """Stretches between windows, and up to the end of a subscription that ended, that no invoice bills the usage of.

    What a person voided was billed once: whether it is billed again is their decision.
    """
    windows = sorted((window for window, _ in _windows(billings)), key=lambda window: window.start)
    ended_at = subscription.terminated_at
    stretches = [(window.end, following.start) for window, following in pairwise(windows)]
    if windows and ended_at is not None and _is_end_due(inputs.history, subscription):
        stretches.append((max(window.end for window in windows), ended_at))
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
    return _local_day(history, suspicion.subscription, suspicion.at)


def _local_day(history: History, subscription: Subscription, moment: datetime) -> date:
    return local_date(moment, timezone_of_customer(history, subscription))


def _worth(inputs: RerateInputs, suspicions: Sequence[Suspicion]) -> Iterator[Lapse]:
    """The lapses among the suspicions: those that are worth something, by the invoice that nobody made."""
    parts = CustomerParts(inputs.history.snapshot)
    for suspicion in suspicions:
        part = parts.of(suspicion.subscription.lago_customer_id)
        rated = _rate(inputs, suspicion, part)
        cents = None if rated.refusals else _cents(rated, suspicion.kind)
        lapse = _lapse(inputs, suspicion, rated, cents)
        if cents is None or (cents and (lapse.events or lapse.kind == PERIOD_NEVER)):
            yield lapse


def _rate(inputs: RerateInputs, suspicion: Suspicion, part: Snapshot) -> BilledInvoice:
    """The invoice that nobody made, rated in its customer's part of the snapshot (``part``).

    Without the invoices that bill it twice: what usage carries over would be carried over twice.
    """
    invoice = _invoice(inputs.history, suspicion)
    others = tuple(other for other in part.invoices if other.number not in suspicion.unknown)
    history = History(replace(part, invoices=(*others, invoice)), late=True)
    (rated,) = rerate_invoices(replace(inputs, history=history), lago_invoices(replace(part, invoices=(invoice,))))
    return rated


def _cents(rated: BilledInvoice, kind: str) -> int:
    """Of a period all lines; of a window of usage its charges."""
    usage = ("charge", "true_up")
    return sum(line.amount_cents for line in rated.lines if kind == PERIOD_NEVER or line.key.kind in usage)


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


def _invoice(history: History, suspicion: Suspicion) -> Invoice:
    """The invoice that Lago would have made of it, before anything is rated."""
    subscription = suspicion.subscription
    return Invoice(
        lago_id=SUPPOSED,
        number=SUPPOSED,
        invoice_type="subscription",
        status="finalized",
        payment_status="pending",
        currency=suspicion.plan.amount_currency,
        issuing_date=_day(history, suspicion),
        created_at=suspicion.at,
        customer=history.customers.get(subscription.lago_customer_id),
        billing_periods=(suspicion.period,),
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
