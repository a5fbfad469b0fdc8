"""Events of charges paid in advance that Lago made no fee for, or two."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.period import Contract, Window, boundaries, local_date
from mappings.records import Fee, Plan, Subscription
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.billing import fee_window
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lago_calendar import walk
from reconcile.rerate.lapses import (
    BILLED_TWICE,
    USAGE_NEVER,
    Lapse,
    last_plan,
    local_day,
    name_of_customer,
    timezone_of_customer,
)
from reconcile.rerate.lapses_of_fees import Credited
from reconcile.sides.lago import ALL, in_month

_SECOND = timedelta(seconds=1)
_Charge = tuple[str | None, str | None]  # a subscription's


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesOfEvents:
    """The fees that Lago made for single events: (subscription, charge) -> transaction -> its fees, the first first.

    ``standing``: without what is no claim any more: on a voided invoice, paid back, or credited whole by a person.
    """

    made: Mapping[_Charge, Mapping[str, Sequence[Fee]]]
    standing: Mapping[_Charge, Mapping[str, Sequence[Fee]]]


def lapses_of_events(
    inputs: RerateInputs, subscription: Subscription, fees: FeesOfEvents, credited: Credited, period: str = ALL
) -> Iterator[Lapse]:
    """Of a subscription, for each of its usage periods that ended in the month (or all)."""
    history = inputs.history
    plan = last_plan(history, subscription)
    timezone = timezone_of_customer(history, subscription)
    events: Counter[tuple[str, str]] = Counter()
    for charge in plan.charges if plan else ():
        metric = history.metrics.get(charge.lago_billable_metric_id)
        if plan is None or metric is None or not charge.pay_in_advance:
            continue
        billed = fees.made.get((subscription.lago_id, charge.lago_id), {})
        for window in event_windows(history, subscription, plan):
            if not in_month(local_date(window.end, timezone), period):
                continue
            demand = Demand(window=charge_window(history, subscription, plan, window), charge=charge, metric=metric)
            rated = _rated(inputs, demand)
            events.update((charge.lago_id, fee.transaction_id or "") for fee in rated)
            yield from _never(
                inputs, subscription, demand, [f for f in rated if (f.transaction_id or "") not in billed]
            )
    for lapse in _twice(history, subscription, fees, credited, events):
        if in_month(lapse.day, period):
            yield lapse


def fees_of_events(history: History, credited: Credited) -> FeesOfEvents:
    """The fees that Lago made for single events, in one pass: those of its list, and of the invoices' own pages."""
    shown = {fee.lago_id: fee for invoice in history.invoices.values() for fee in invoice.fees}
    made: defaultdict[_Charge, defaultdict[str, list[Fee]]] = defaultdict(lambda: defaultdict(list))
    standing: defaultdict[_Charge, defaultdict[str, list[Fee]]] = defaultdict(lambda: defaultdict(list))
    for fee in sorted((shown | dict(history.fees)).values(), key=lambda fee: (fee.created_at, fee.lago_id)):
        if fee.event_transaction_id and not fee.lago_true_up_parent_fee_id:
            charge = fee.lago_subscription_id, fee.lago_charge_id
            made[charge][fee.event_transaction_id].append(fee)
            if _is_standing(history, fee, credited):
                standing[charge][fee.event_transaction_id].append(fee)
    return FeesOfEvents(made=made, standing=standing)


def _is_standing(history: History, fee: Fee, credited: Credited) -> bool:
    invoice = history.invoices.get(fee.lago_invoice_id or "")
    gone = (invoice is not None and invoice.status == "voided") or fee.payment_status == "refunded"
    return not gone and fee.amount_cents > credited.get(fee.lago_id, 0)


def _twice(
    history: History,
    subscription: Subscription,
    fees: FeesOfEvents,
    credited: Credited,
    events: Mapping[tuple[str, str], int],
) -> Iterator[Lapse]:
    """What the fees after the first of an event come to, by charge, period of usage, and invoices.

    ``events``: how many events a transaction names: a store of events keeps those of other moments beside each other.
    """
    together: defaultdict[tuple[str, Window, tuple[str, ...]], list[Sequence[Fee]]] = defaultdict(list)
    for (lago_id, charge), of_charge in fees.standing.items():
        for transaction, several in of_charge.items() if lago_id == subscription.lago_id else ():
            again = several[max(events.get((charge or "", transaction), 0), 1) :]
            if again:
                numbers = (history.invoices.get(fee.lago_invoice_id or "") for fee in several)
                invoices = tuple(dict.fromkeys(invoice.number for invoice in numbers if invoice))
                together[charge or "", _period_of(again[-1]), invoices].append(again)
    for (_, window, invoices), groups in together.items():
        yield _lapse(
            history,
            subscription,
            kind=BILLED_TWICE,
            window=window,
            currency=groups[0][0].amount_currency,
            cents=sum(fee.amount_cents - credited.get(fee.lago_id, 0) for again in groups for fee in again),
            events=len(groups),
            invoices=invoices,
        )


def _period_of(fee: Fee) -> Window:
    """The period of usage that a fee belongs to; Lago stores it with the fee."""
    return fee_window(fee) or Window(fee.created_at, fee.created_at)


def event_windows(history: History, subscription: Subscription, plan: Plan) -> Iterator[Window]:
    """The usage periods of the subscription's life, the running one included."""
    assert subscription.started_at is not None  # noqa: S101 - the caller looked
    begins, until = subscription.started_at, subscription.terminated_at or history.snapshot.taken_at

    def window_at(moment: datetime) -> Window | None:
        return boundaries(_contract(history, subscription, plan, moment), moment, current_usage=True).charges

    for window in walk(begins, until, timezone_of_customer(history, subscription), window_at):
        yield Window(max(window.start, begins), min(window.end, until))


def _contract(history: History, subscription: Subscription, plan: Plan, at: datetime) -> Contract:
    return history.contract(subscription, plan, timezone_of_customer(history, subscription), at)


def charge_window(history: History, subscription: Subscription, plan: Plan, window: Window) -> ChargeWindow:
    """How the events of such a period are asked for, whenever they came."""
    contract = _contract(history, subscription, plan, window.start)
    return ChargeWindow(
        external_subscription_id=subscription.external_id,
        charges_from=window.start,
        charges_to=window.end,
        charges_duration=boundaries(contract, window.start, current_usage=True).charges_days,
        currency=plan.amount_currency,
        timezone=contract.timezone,
    )


def _rated(inputs: RerateInputs, demand: Demand) -> Sequence[ChargeFee]:
    """What the events of a period come to; nothing where they cannot be rated, which the invoices themselves tell."""
    try:
        fees = pay_in_advance_fees(inputs.source, demand, rules=inputs.rules, premium=inputs.premium)
    except RerateRefused:
        return ()
    return [fee for fee in fees if fee.amount_cents]


def _never(
    inputs: RerateInputs, subscription: Subscription, demand: Demand, lacking: Sequence[ChargeFee]
) -> Iterator[Lapse]:
    if lacking:
        yield _lapse(
            inputs.history,
            subscription,
            kind=USAGE_NEVER,
            window=Window(demand.window.charges_from, demand.window.charges_to),
            currency=demand.window.currency,
            cents=sum(fee.amount_cents for fee in lacking),
            events=len(lacking),
        )


def _lapse(
    history: History,
    subscription: Subscription,
    *,
    kind: str,
    window: Window,
    currency: str,
    cents: int,
    events: int,
    invoices: tuple[str, ...] = (),
) -> Lapse:
    return Lapse(
        kind=kind,
        customer=subscription.external_customer_id,
        customer_name=name_of_customer(history, subscription),
        subscription=subscription.external_id,
        window=window,
        day=local_day(history, subscription, window.end),
        currency=currency,
        cents=cents,
        events=events,
        invoices=invoices,
    )
