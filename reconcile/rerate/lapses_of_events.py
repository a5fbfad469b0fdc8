"""Events of charges paid in advance that Lago made no fee for, or two."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from mappings.period import Contract, Window, boundaries, day_start, local_date
from mappings.records import Plan, Subscription
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lapses import BILLED_TWICE, USAGE_NEVER, Lapse, last_plan, name_of_customer, timezone_of_customer
from reconcile.sides.lago import ALL, in_month

_SECOND = timedelta(seconds=1)


# (subscription, charge) -> transaction -> how many fees Lago made for it
FeesOfEvents = Mapping[tuple[str | None, str | None], Mapping[str, int]]


def lapses_of_events(
    inputs: RerateInputs, subscription: Subscription, made: FeesOfEvents, period: str = ALL
) -> Iterator[Lapse]:
    """Of a subscription, for each of its usage periods that ended in the month (or all)."""
    history = inputs.history
    plan = last_plan(history, subscription)
    timezone = timezone_of_customer(history, subscription)
    for charge in plan.charges if plan else ():
        metric = history.metrics.get(charge.lago_billable_metric_id)
        if plan is None or metric is None or not charge.pay_in_advance:
            continue
        billed = made.get((subscription.lago_id, charge.lago_id), {})
        for window in _event_windows(history, subscription, plan):
            if not in_month(local_date(window.end, timezone), period):
                continue
            demand = Demand(window=_charge_window(history, subscription, plan, window), charge=charge, metric=metric)
            yield from _event_lapses(inputs, subscription, demand, billed)


def fees_of_events(history: History) -> FeesOfEvents:
    """The fees that Lago made for single events, counted in one pass."""
    made: defaultdict[tuple[str | None, str | None], Counter[str]] = defaultdict(Counter)
    for fee in history.snapshot.fees:
        counted = made[fee.lago_subscription_id, fee.lago_charge_id]
        counted[fee.event_transaction_id or ""] += not fee.lago_true_up_parent_fee_id
    return made


def _event_windows(history: History, subscription: Subscription, plan: Plan) -> Iterator[Window]:
    """The usage periods of the subscription's life, the running one included."""
    assert subscription.started_at is not None  # noqa: S101 - the caller looked
    timezone = timezone_of_customer(history, subscription)
    moment, until = subscription.started_at, subscription.terminated_at or history.snapshot.taken_at
    while moment < until:
        window = boundaries(_contract(history, subscription, plan, moment), moment, current_usage=True).charges
        if window is None or window.end <= moment:
            return
        yield Window(max(window.start, subscription.started_at), min(window.end, until))
        moment = day_start(local_date(window.end + _SECOND, timezone), timezone)


def _contract(history: History, subscription: Subscription, plan: Plan, at: datetime) -> Contract:
    return history.contract(subscription, plan, timezone_of_customer(history, subscription), at)


def _charge_window(history: History, subscription: Subscription, plan: Plan, window: Window) -> ChargeWindow:
    contract = _contract(history, subscription, plan, window.start)
    return ChargeWindow(
        external_subscription_id=subscription.external_id,
        charges_from=window.start,
        charges_to=window.end,
        charges_duration=boundaries(contract, window.start, current_usage=True).charges_days,
        currency=plan.amount_currency,
        timezone=contract.timezone,
    )


def _event_lapses(
    inputs: RerateInputs, subscription: Subscription, demand: Demand, billed: Mapping[str, int]
) -> Iterator[Lapse]:
    try:
        fees = pay_in_advance_fees(inputs.source, demand, rules=inputs.rules, premium=inputs.premium)
    except RerateRefused:
        return  # named by the re-rate of the invoices themselves
    never = [fee for fee in fees if fee.amount_cents and (fee.transaction_id or "") not in billed]
    twice = [fee for fee in fees if fee.amount_cents and billed.get(fee.transaction_id or "", 0) > 1]
    for kind, some in ((USAGE_NEVER, never), (BILLED_TWICE, twice)):
        if some:
            window = Window(demand.window.charges_from, demand.window.charges_to)
            yield Lapse(
                kind=kind,
                customer=subscription.external_customer_id,
                customer_name=name_of_customer(inputs.history, subscription),
                subscription=subscription.external_id,
                window=window,
                day=local_date(window.end, demand.window.timezone),
                currency=demand.window.currency,
                cents=sum(fee.amount_cents for fee in some),
                events=len(some),
            )
