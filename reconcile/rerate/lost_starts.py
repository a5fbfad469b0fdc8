"""Base fees in advance that Lago loses when a subscription starts.

Made again after it began (its fault L5): what starts before the day on which it is entered is billed from the next
period on. That is right for what was billed elsewhere until then; what is made again under its external id has no
elsewhere, only what an earlier subscription paid for, and was not credited.

Started in the last hours before a period: the run of that period finds a base fee of the same day in UTC, takes it for
its own, and bills none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mappings.period import Window, boundaries, day_start, utc_date
from mappings.records import Plan, Subscription
from reconcile.rerate.billing import Billed, is_of_termination, subscription_window
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lago_calendar import walk
from reconcile.rerate.lapses import PERIOD_NEVER, timezone_of_customer
from reconcile.rerate.occasions import has_base_fee, occasion_of, owes_base_fee
from reconcile.rerate.suspicions import Suspicion, base_billings, base_windows, period_of

_DAY = timedelta(days=1)


def lost_starts(inputs: RerateInputs, subscription: Subscription, plan: Plan) -> Iterator[Suspicion]:
    """The periods in advance that ran when a subscription was made again, and that no invoice bills the base fee of."""
    history, started_at = inputs.history, subscription.started_at
    if started_at is None or not (plan.pay_in_advance and is_in_past(subscription)):
        return
    if not _is_made_again(history, subscription):
        return
    paid = list(_paid(history, subscription))
    on_time = replace(subscription, created_at=started_at)  # as it would have been billed
    for period in _begun_before(history, subscription, plan):
        if not any(_holds(window, period) for window in paid):
            yield Suspicion(
                kind=PERIOD_NEVER,
                subscription=on_time,
                plan=plan,
                window=period,
                at=period.start,
                period=replace(
                    period_of(subscription, plan, period, None, None), invoicing_reason="subscription_starting"
                ),
            )


def taken_for_billed(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], based: Sequence[Billed]
) -> Iterator[Suspicion]:
    """Periods in advance whose run billed no base fee, because it found one of the same day that covers another.

    ``based``: those of the billings that bill one.
    """
    paid = base_windows(based)
    for billed in billings if plan.pay_in_advance else ():
        occasion, window = occasion_of(inputs.history, billed), subscription_window(billed.period)
        doubtful = window is not None and owes_base_fee(occasion) and not has_base_fee(occasion)
        if window and doubtful and not any(_holds(each, window) for each in paid):
            period = period_of(subscription, plan, window, None, None)
            yield Suspicion(
                kind=PERIOD_NEVER,
                subscription=subscription,
                plan=plan,
                window=window,
                at=billed.invoice.created_at + _DAY,  # when no fee is of the same day any more
                period=replace(period, invoicing_reason="subscription_starting"),
            )


def is_in_past(subscription: Subscription, due: datetime | None = None) -> bool:
    """Whether it was entered on a later day than it began, or than its first fee was due (``due``)."""
    begun = due or subscription.started_at
    return begun is not None and utc_date(begun) < utc_date(subscription.created_at)


def _is_made_again(history: History, subscription: Subscription) -> bool:
    """Whether another one of its external id ended before it was entered; a change of plan is no new one."""
    if history.previous(subscription) is not None:
        return False
    return any(_ended_before(other, subscription.created_at) for other in history.chain(subscription))


def _ended_before(other: Subscription, moment: datetime) -> bool:
    return other.terminated_at is not None and other.terminated_at <= moment


def _paid(history: History, subscription: Subscription) -> Iterator[Window]:
    """What base fees of the whole chain cover; of one that was credited at its end, what came before that."""
    for subscribed in (subscription, *history.chain(subscription)):
        credited = _credited_invoices(history, subscribed)
        for billed in base_billings(history, history.billed.get(subscribed.lago_id, ())):
            window = subscription_window(billed.period)
            if window and subscribed.terminated_at and billed.invoice.lago_id in credited:
                window = Window(window.start, min(window.end, subscribed.terminated_at))
            if window:
                yield window


def _credited_invoices(history: History, subscription: Subscription) -> frozenset[str]:
    """Invoices of which Lago gave a part back when the subscription ended."""
    return frozenset(
        note.lago_invoice_id
        for note in history.snapshot.credit_notes
        if is_of_termination(note) and note.credit_status != "voided"
        for item in note.items
        if item.fee and item.fee.lago_subscription_id == subscription.lago_id
    )


def _begun_before(history: History, subscription: Subscription, plan: Plan) -> Iterator[Window]:
    """Its periods from the first on that began before the day on which it was entered."""
    assert subscription.started_at is not None  # noqa: S101 - is_in_past looked
    begins, timezone = subscription.started_at, timezone_of_customer(history, subscription)
    entered = utc_date(min(subscription.created_at, subscription.terminated_at or subscription.created_at))

    def window_at(moment: datetime) -> Window:
        return boundaries(history.contract(subscription, plan, timezone, moment), moment).subscription

    for window in walk(begins, day_start(entered, "UTC"), timezone, window_at):
        yield Window(max(window.start, begins), window.end)


def _holds(window: Window, period: Window) -> bool:
    """To the day: a period may begin in the middle of one."""
    return window.start - _DAY < period.start and period.end < window.end + _DAY
