"""What invoices ask from usage. Collected from all of them first, so that one pass over the events answers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import duckdb

from mappings.period import Window
from mappings.phrases import Told
from mappings.records import BillableMetric, Charge, Fee, Invoice
from reconcile.billed import BilledInvoice
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee, fees_of, is_billed
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.aggregating import advance_fees, aggregate
from reconcile.rerate.billing import IN_ADVANCE, Billed, fee_window, usage_window
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.occasions import has_charges, occasion_of, stored_boundaries
from reconcile.rerate.within_a_second import fees_within, is_cut

POSTGRES = "postgres"  # a store of events
Fees = tuple[ChargeFee, ...]
EventsKey = tuple[ChargeWindow, str, str]  # window, and the ids of the charge and its metric


def events_key(demand: Demand) -> EventsKey:
    """Demands of one key ask for the same events."""
    return demand.window, demand.charge.lago_id, demand.metric.lago_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingDraft:
    """One subscription on an invoice, before its usage is known.

    ``demands``: its charges in arrears. ``events``: Lago's fee (id) of an event paid in advance -> the demand that
    answers it, or why there is none.
    """

    billed: Billed
    demands: tuple[Demand, ...] = ()
    events: Mapping[str, Demand | RerateRefused] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """An invoice before its usage is known. ``shown``: as Lago billed it; ``refused``: why it goes no further."""

    shown: BilledInvoice
    invoice: Invoice
    billings: tuple[BillingDraft, ...] = ()
    refused: RerateRefused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAnswers:
    """The answers; a refused one is its refusal.

    ``charges``: by the ``id()`` of the demand. ``events``: the fees of events, by their transaction ids; many fees ask
    the same demand (all events of a charge in a period), which is rated once.
    """

    charges: Mapping[int, Fees | RerateRefused]
    events: Mapping[EventsKey, Mapping[str, ChargeFee] | RerateRefused]


# --- questions ---


def draft_of(inputs: RerateInputs, shown: BilledInvoice) -> InvoiceDraft:
    """An invoice with its billings and what they ask of the usage."""
    invoice = inputs.history.invoices[shown.lago_id]
    try:
        billings = tuple(_draft_billing(inputs, billed) for billed in inputs.history.billings(invoice))
    except OF_DATA as error:
        return InvoiceDraft(shown=shown, invoice=invoice, refused=unforeseen(error))
    return InvoiceDraft(shown=shown, invoice=invoice, billings=billings)


def _draft_billing(inputs: RerateInputs, billed: Billed) -> BillingDraft:
    if billed.period.invoicing_reason == IN_ADVANCE:
        return BillingDraft(billed=billed, events=dict(_event_demands(inputs, billed)))
    return BillingDraft(billed=billed, demands=tuple(_demands(inputs, billed)))


def _demands(inputs: RerateInputs, billed: Billed) -> Iterator[Demand]:
    if not has_charges(occasion_of(inputs.history, billed)):
        return
    for charge in inputs.history.charges(billed):
        metric = inputs.history.metrics.get(charge.lago_billable_metric_id)
        if metric is not None:
            window = _charge_window(inputs, billed, charge, metric)
            # a minimum waits for the end of the period
            asked = replace(charge, min_amount_cents=0) if billed.is_progressive else charge
            demand = Demand(window=window, charge=asked, metric=metric)
            if is_billed(demand) and not (billed.is_progressive and charge.pay_in_advance):
                yield demand


def _charge_window(inputs: RerateInputs, billed: Billed, charge: Charge, metric: BillableMetric) -> ChargeWindow:
    history = inputs.history
    contract, usage = occasion_of(history, billed).contract, usage_window(billed.period)
    assert usage is not None  # noqa: S101 - has_charges said so
    following = history.following(billed.subscription) if contract.terminated_at else None
    next_charges = following.plan.charges if following and following.plan else ()
    carries = metric.recurring and metric.aggregation_type == "weighted_sum_agg"
    return ChargeWindow(
        external_subscription_id=billed.subscription.external_id,
        charges_from=usage.start,
        charges_to=usage.end,
        charges_duration=stored_boundaries(history, billed).charges_days,
        currency=billed.invoice.currency,
        timezone=contract.timezone,
        terminated=contract.terminated_at is not None,
        terminated_by_upgrade=contract.terminated_at is not None and contract.upgraded,
        next_metrics=frozenset(charge.billable_metric_code for charge in next_charges),
        known_until=history.known_until(billed.invoice),
        carry=history.carry(billed, charge) if carries else None,
    )


def _event_demands(inputs: RerateInputs, billed: Billed) -> Iterator[tuple[str, Demand | RerateRefused]]:
    """The fees of events on the invoice of a pay-in-advance charge; those of fixed charges ask no usage."""
    for fee in billed.fees():
        if fee.item.type != "fixed_charge":
            yield fee.lago_id, _event_demand(inputs, billed, fee)


def _event_demand(inputs: RerateInputs, billed: Billed, fee: Fee) -> Demand | RerateRefused:
    window = fee_window(fee)
    if window is None:
        return RerateRefused("fee_without_period", Told.NO_PERIOD.of())
    charge = next((charge for charge in billed.plan.charges if charge.lago_id == fee.lago_charge_id), None)
    metric = inputs.history.metrics.get(charge.lago_billable_metric_id) if charge else None
    if charge is None or metric is None:
        return RerateRefused("charge_deleted", Told.CHARGE_GONE.of())
    event = Demand(window=_event_window(inputs, billed, window), charge=charge, metric=metric)
    return _unevaluated(inputs, metric) or event


def _unevaluated(inputs: RerateInputs, metric: BillableMetric) -> RerateRefused | None:
    """That events may not hold what the metric's expression gives: nobody here evaluates it.

    With PostgreSQL Lago does so as an event arrives, and keeps it there; of ClickHouse, where another program takes the
    events, what the API shows is not known.
    """
    store = inputs.history.snapshot.organization.events_store
    if not (metric.expression and metric.field_name) or store in (None, POSTGRES):
        return None
    return RerateRefused("expression_not_evaluated", Told.NOT_EVALUATED.of(metric.code, store))


def _event_window(inputs: RerateInputs, billed: Billed, window: Window) -> ChargeWindow:
    period = replace(billed.period, charges_from_datetime=window.start, charges_to_datetime=window.end)
    boundaries = stored_boundaries(inputs.history, replace(billed, period=period))
    return ChargeWindow(
        external_subscription_id=billed.subscription.external_id,
        charges_from=window.start,
        charges_to=window.end,
        charges_duration=boundaries.charges_days,
        currency=billed.invoice.currency,
        timezone=inputs.history.timezone(billed),
    )


# --- answers ---


def answered(inputs: RerateInputs, drafts: Sequence[InvoiceDraft]) -> Iterator[tuple[InvoiceDraft, UsageAnswers]]:
    """All drafts' questions answered in few queries.

    Where that breaks, by halves, until the draft that it breaks at is alone: that one is refused, the others go on.
    """
    try:
        usage = _answer_usage(inputs, drafts)
    except (*OF_DATA, duckdb.DataError) as error:
        if len(drafts) > 1:
            middle = len(drafts) // 2
            yield from answered(inputs, drafts[:middle])
            yield from answered(inputs, drafts[middle:])
        else:
            nothing, refused = UsageAnswers(charges={}, events={}), unforeseen(error)
            yield from ((replace(draft, refused=draft.refused or refused), nothing) for draft in drafts)
        return
    yield from ((draft, usage) for draft in drafts)


def _answer_usage(inputs: RerateInputs, drafts: Sequence[InvoiceDraft]) -> UsageAnswers:
    billings = [billing for draft in drafts for billing in draft.billings]
    demands = [demand for billing in billings for demand in billing.demands]
    charges = dict(_charge_fees(inputs, demands))
    charges |= dict(_within_a_second(inputs, billings, charges))
    return UsageAnswers(charges=charges, events=dict(_event_fees(inputs, billings)))


def _within_a_second(
    inputs: RerateInputs, billings: Sequence[BillingDraft], charges: Mapping[int, Fees | RerateRefused]
) -> Iterator[tuple[int, Fees]]:
    """The fees of weighted sums that start or end within a second, of which Lago knows the fraction."""
    for billing in billings:
        for demand in billing.demands:
            fees = charges[id(demand)]
            if is_cut(demand, billing.billed) and not isinstance(fees, RerateRefused):
                yield id(demand), fees_within(demand, billing.billed, fees, partial(_fees_of_charge, inputs))


def _fees_of_charge(inputs: RerateInputs, demand: Demand) -> Fees | RerateRefused:
    ((_, fees),) = _charge_fees(inputs, [demand])
    return fees


def _charge_fees(inputs: RerateInputs, demands: Sequence[Demand]) -> Iterator[tuple[int, Fees | RerateRefused]]:
    for index, buckets in aggregate(inputs.source, demands, rules=inputs.rules):
        demand = demands[index]
        try:
            if unevaluated := _unevaluated(inputs, demand.metric):
                raise unevaluated
            if isinstance(buckets, RerateRefused):
                raise buckets
            fees: Fees | RerateRefused = fees_of(demand, buckets, rules=inputs.rules, premium=inputs.premium)
        except RerateRefused as refused:
            fees = refused
        yield id(demand), fees


def _event_fees(
    inputs: RerateInputs, billings: Sequence[BillingDraft]
) -> Iterator[tuple[EventsKey, Mapping[str, ChargeFee] | RerateRefused]]:
    """Every distinct demand rated once. Only the fees that an invoice asks for are kept."""
    demands: dict[EventsKey, Demand] = {}
    transactions: dict[EventsKey, set[str | None]] = defaultdict(set)
    for billing in billings:
        for fee in billing.billed.fees():
            demand = billing.events.get(fee.lago_id)
            if isinstance(demand, Demand):
                demands.setdefault(events_key(demand), demand)
                transactions[events_key(demand)].add(fee.event_transaction_id)
    keys = list(demands)
    rated = advance_fees(inputs.source, list(demands.values()), rules=inputs.rules, premium=inputs.premium)
    for index, fees in rated:
        key = keys[index]
        yield key, fees if isinstance(fees, RerateRefused) else _by_transaction(fees, transactions[key])


def _by_transaction(fees: Fees, transactions: Container[str | None]) -> dict[str, ChargeFee]:
    """The first fee of each transaction."""
    by_transaction: dict[str, ChargeFee] = {}
    for fee in fees:
        if fee.transaction_id is not None and fee.transaction_id in transactions:
            by_transaction.setdefault(fee.transaction_id, fee)
    return by_transaction
