"""Billings of a subscription that never came: periodic runs, the start of what is paid in advance, the end.

The calendar says when Lago should have billed; what it did bill stands in its register. What each is worth is known
when it is rated (``coverage``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from mappings.period import Window, boundaries, day_start, local_date, trial_end
from mappings.records import Plan, Subscription
from reconcile.rerate.billing import Billed, subscription_window, usage_window
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lago_calendar import billing_days, end_boundaries, overlapped_once
from reconcile.rerate.lapses import PERIOD_NEVER, local_day, timezone_of_customer
from reconcile.rerate.lost_starts import is_in_past
from reconcile.rerate.suspicions import Suspicion, is_base_covered, is_covered, period_of, unbilled

_SECOND = timedelta(seconds=1)
_LATE_RUN = timedelta(days=2)  # a run that came this much later still stands for its billing day
AFTER_MIDNIGHT = timedelta(hours=1)  # when the runs of a day come


def missed_runs(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], based: Sequence[Billed]
) -> Iterator[Suspicion]:
    """Periodic runs and the end. On a billing day the end bills in place of that day's run.

    ``based``: those of the billings that bill a base fee (``base_billings``).
    """
    runs = list(_missed_runs(inputs, subscription, plan, billings, based))
    ended_at, before = subscription.terminated_at, runs
    if ended_at is not None:
        last_day = local_day(inputs.history, subscription, ended_at)
        before = [run for run in runs if local_day(inputs.history, run.subscription, run.at) != last_day]
    end = list(_missed_end(inputs, subscription, plan, billings, based, [run.window for run in before]))
    yield from [*before, *end] if end else runs


def _missed_runs(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, billings: Sequence[Billed], based: Sequence[Billed]
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
        expected = boundaries(contract, midnight + AFTER_MIDNIGHT)
        if not is_covered(billings, based, expected):
            yield Suspicion(
                kind=PERIOD_NEVER,
                subscription=subscription,
                plan=plan,
                window=expected.charges or expected.subscription,
                at=midnight + AFTER_MIDNIGHT,
                period=period_of(subscription, plan, expected.subscription, expected.charges, expected.fixed_charges),
            )


def missed_start(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, based: Sequence[Billed]
) -> Iterator[Suspicion]:
    """The first base fee of a plan that is paid in advance, if nothing billed it at the start, or when a trial ended.

    What was entered after that begins with the next period, by Lago's rule (``lost_starts`` for what was made again).
    Runs for parts that are billed monthly store the window of the base fee, and bill none.
    """
    history, timezone = inputs.history, timezone_of_customer(inputs.history, subscription)
    at = _first_due(history, subscription, plan)
    until = min(subscription.terminated_at or history.snapshot.taken_at, history.snapshot.taken_at)
    if not plan.pay_in_advance or is_in_past(subscription, at) or until - at < _LATE_RUN:
        return
    contract, day = history.contract(subscription, plan, timezone, at), local_date(at, timezone)
    if at != subscription.started_at and contract.cycle().start(day) == day:
        return  # the periodic run of the day on which the trial ends bills it
    expected = boundaries(contract, at)
    near = [billing for billing in based if abs(billing.invoice.created_at - at) < _LATE_RUN]
    if not is_base_covered(based, expected) and not any(_is_within(billing, expected.subscription) for billing in near):
        period = period_of(subscription, plan, expected.subscription, None, expected.fixed_charges)
        yield Suspicion(
            kind=PERIOD_NEVER,
            subscription=subscription,
            plan=plan,
            window=expected.subscription,
            at=at,
            period=replace(period, invoicing_reason="subscription_starting"),
        )


def _first_due(history: History, subscription: Subscription, plan: Plan) -> datetime:
    """When the first base fee is due in advance: at the start; after a trial when that ended, or was entered ended."""
    started_at = subscription.started_at
    assert started_at is not None  # noqa: S101 - the caller looked
    if not plan.trial_period:
        return started_at
    ended_at = trial_end(history.initial_started_at(subscription), plan.trial_period)
    return max(started_at, ended_at, subscription.created_at)


def _is_within(billing: Billed, period: Window) -> bool:
    """Whether a base fee is that of the period, not of the next one, which may begin a day later."""
    window = subscription_window(billing.period)
    return window is None or window.start <= period.end


def _missed_end(
    inputs: RerateInputs,
    subscription: Subscription,
    plan: Plan,
    billings: Sequence[Billed],
    based: Sequence[Billed],
    missed: Sequence[Window],
) -> Iterator[Suspicion]:
    """What is billed once when a subscription ends: from the last boundary on, if no invoice was made since.

    ``missed``: windows of runs that are told already.
    """
    history, ended_at = inputs.history, subscription.terminated_at
    if ended_at is None or not is_end_due(history, subscription):
        return
    if any(billing.invoice.created_at >= ended_at - _SECOND for billing in billings):
        return
    contract = history.contract(subscription, plan, timezone_of_customer(history, subscription), ended_at)
    if not inputs.rules.tiling_anniversaries and overlapped_once(contract):
        return
    used = [*(usage_window(billing.period) for billing in billings), *missed]
    expected = end_boundaries(contract, ended_at, used)
    usage = unbilled(expected.charges, used, ended_at)
    base = None if is_base_covered(based, expected) else expected.subscription
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


def is_end_due(history: History, subscription: Subscription) -> bool:
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
    for day in billing_days(contract, local_date(begins, timezone)):
        if day_start(day, timezone) + AFTER_MIDNIGHT >= until:
            return
        yield day
