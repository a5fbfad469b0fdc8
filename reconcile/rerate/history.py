"""What a snapshot tells about a subscription at the moment Lago billed it. Pure look-ups, built once.

Lago's API has no history of settings: plans, taxes and units are those of today. What was stored with an invoice
(boundaries, plan price, tax codes, coupons used) is taken from there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property

from mappings.contracts import running_contract, timezone_of
from mappings.details import adjustment, price_cents
from mappings.period import Contract, yearly_cents
from mappings.quarantine import Quarantined
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    BillingPeriod,
    Charge,
    Coupon,
    CreditNote,
    Customer,
    Fee,
    FixedCharge,
    Invoice,
    Json,
    Plan,
    Snapshot,
    Subscription,
    Tax,
    WalletTransaction,
)
from mappings.sellers import UnreadSellers
from mappings.unread_usage import UnreadUsage
from reconcile.rating.demand import Carry
from reconcile.rerate.billing import Billed, made_order, usage_window
from reconcile.rerate.hidden_invoices import hidden_invoices

BOUNDS = ("per_transaction_min_amount", "per_transaction_max_amount")
_FINALISATION = time(0, 20)  # Lago finalises due drafts at minute 20 of every hour
_SUCCESSION = timedelta(minutes=1)  # between the end of a subscription and the start of the one that replaces it


class History:
    """The snapshot, indexed for re-rating. Invoices that Lago hides are rebuilt from their fees.

    ``zones``: subscriptions that are billed in another time zone than their customer's, where that is supposed.
    """

    def __init__(self, snapshot: Snapshot, *, late: bool = False, zones: Mapping[str, str] | None = None) -> None:
        self.snapshot = snapshot
        self.zones = zones or {}
        self.late = late  # count events too that arrived after an invoice was final

    @cached_property
    def invoices(self) -> Mapping[str, Invoice]:
        """Visible and hidden ones."""
        return {invoice.lago_id: invoice for invoice in (*self.snapshot.invoices, *hidden_invoices(self.snapshot))}

    @cached_property
    def subscriptions(self) -> Mapping[str, Subscription]:
        return {subscription.lago_id: subscription for subscription in self.snapshot.subscriptions}

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        overrides = (one.plan for one in self.snapshot.subscriptions if one.plan is not None)
        return {plan.lago_id: plan for plan in (*overrides, *self.snapshot.plans)}

    @cached_property
    def metric_codes(self) -> Mapping[str, str]:
        """Charge -> the code of its metric."""
        return {charge.lago_id: charge.billable_metric_code for p in self.plans.values() for charge in p.charges}

    @cached_property
    def plan_codes(self) -> Mapping[str, str]:
        """Subscription -> the code of its plan."""
        return {subscription.lago_id: subscription.plan_code for subscription in self.snapshot.subscriptions}

    @cached_property
    def metrics(self) -> Mapping[str, BillableMetric]:
        return {metric.lago_id: metric for metric in self.snapshot.billable_metrics}

    @cached_property
    def customers(self) -> Mapping[str, Customer]:
        return {customer.lago_id: customer for customer in self.snapshot.customers}

    @cached_property
    def coupons(self) -> Mapping[str, Coupon]:
        return {coupon.lago_id: coupon for coupon in self.snapshot.coupons}

    @cached_property
    def taxes(self) -> Mapping[str, Tax]:
        return {tax.code: tax for tax in self.snapshot.taxes}

    @cached_property
    def fees(self) -> Mapping[str, Fee]:
        """Fees as the list gives them: with their taxes, which an invoice's own page leaves out."""
        return {fee.lago_id: fee for fee in self.snapshot.fees}

    def fee_taxes(self, fee: Fee) -> tuple[Tax, ...]:
        """The taxes that Lago stored with a fee."""
        listed = self.fees.get(fee.lago_id, fee)
        return tuple(
            Tax(lago_id=tax.lago_tax_id or "", code=tax.tax_code, name=tax.tax_name or "", rate=tax.tax_rate)
            for tax in listed.applied_taxes
        )

    @cached_property
    def entities(self) -> Mapping[str, tuple[Tax, ...]]:
        return {entity.code: entity.taxes for entity in self.snapshot.billing_entities}

    @cached_property
    def billed(self) -> Mapping[str, tuple[Billed, ...]]:
        """Every billing of a subscription, oldest first."""
        billings: dict[str, list[Billed]] = defaultdict(list)
        for invoice in sorted(self.invoices.values(), key=made_order):
            for billed in self.billings(invoice):
                billings[billed.subscription.lago_id].append(billed)
        return {key: tuple(values) for key, values in billings.items()}

    def bought_credits(self, invoice: Invoice) -> Mapping[str, WalletTransaction]:
        """The wallet transactions that an invoice sold, by their ids."""
        return self._bought_credits.get(invoice.lago_id, {})

    @cached_property
    def _bought_credits(self) -> Mapping[str, Mapping[str, WalletTransaction]]:
        bought: dict[str, dict[str, WalletTransaction]] = defaultdict(dict)
        for transaction in self.snapshot.wallet_transactions:
            if transaction.lago_invoice_id is not None:
                bought[transaction.lago_invoice_id][transaction.lago_id] = transaction
        return bought

    @cached_property
    def credit_notes(self) -> Mapping[str, tuple[CreditNote, ...]]:
        """Invoice -> the notes that give something of it back."""
        notes: dict[str, list[CreditNote]] = defaultdict(list)
        for note in self.snapshot.credit_notes:
            notes[note.lago_invoice_id].append(note)
        return {key: tuple(values) for key, values in notes.items()}

    @cached_property
    def coupons_of(self) -> Mapping[str, tuple[AppliedCoupon, ...]]:
        coupons: dict[str, list[AppliedCoupon]] = defaultdict(list)
        for applied in sorted(self.snapshot.applied_coupons, key=lambda applied: applied.created_at):
            coupons[applied.lago_customer_id].append(applied)
        return {key: tuple(values) for key, values in coupons.items()}

    def billings(self, invoice: Invoice) -> Iterator[Billed]:
        """The subscriptions on an invoice; those that are not in the snapshot any more are left out."""
        for period in invoice.billing_periods:
            billed = self.billed_on(invoice, period)
            if billed is not None:
                yield billed

    def billed_on(self, invoice: Invoice, period: BillingPeriod) -> Billed | None:
        """None if the subscription or its plan is not in the snapshot any more."""
        subscription = self.subscriptions.get(period.lago_subscription_id)
        plan = self.plan_of(period, subscription) if subscription else None
        if subscription is None or plan is None:
            return None
        return Billed(invoice=invoice, period=period, subscription=subscription, plan=plan)

    def plan_of(self, period: BillingPeriod, subscription: Subscription) -> Plan | None:
        """The plan stored with the invoice; an override is only on the subscription's own page.

        The catalog's copy wins: the page of an ended subscription leaves out the plan's charges.
        """
        paid_plan = subscription.plan
        return self.plans.get(period.lago_plan_id or (paid_plan.lago_id if paid_plan else "")) or paid_plan

    def previous(self, subscription: Subscription) -> Subscription | None:
        """The subscription that this one replaced, by an upgrade or a downgrade."""
        if subscription.previous_plan_code is None or subscription.started_at is None:
            return None
        return next((other for other in self.chain(subscription) if _follows(other, subscription)), None)

    def following(self, subscription: Subscription) -> Subscription | None:
        if subscription.next_plan_code is None:
            return None
        return next((other for other in self.chain(subscription) if _follows(subscription, other)), None)

    @cached_property
    def _chains(self) -> Mapping[tuple[str, str], tuple[Subscription, ...]]:
        """Started subscriptions of one customer under one external id."""
        chains: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
        for subscription in self.snapshot.subscriptions:
            if subscription.started_at is not None:
                chains[subscription.lago_customer_id, subscription.external_id].append(subscription)
        return {key: tuple(values) for key, values in chains.items()}

    def chain(self, subscription: Subscription) -> Iterator[Subscription]:
        """The others of its chain."""
        chain_key = (subscription.lago_customer_id, subscription.external_id)
        return (other for other in self._chains.get(chain_key, ()) if other is not subscription)

    def initial_started_at(self, subscription: Subscription) -> datetime:
        """Of its chain; when it was to start, of one that never did."""
        starts = [one.started_at for one in (subscription, *self.chain(subscription)) if one.started_at]
        return min(starts, default=subscription.subscription_at)

    def contract(self, subscription: Subscription, plan: Plan, timezone: str, at: datetime) -> Contract:
        """As it stood when Lago billed at ``at``: a later termination was not known then."""
        ended_at = subscription.terminated_at
        known = ended_at is not None and ended_at <= at
        following = self.following(subscription) if known else None
        next_plan = following.plan if following else None
        return replace(
            running_contract(subscription, plan, timezone),
            terminated_at=ended_at if known else None,
            yearly_cents=yearly_cents(plan.interval, self.price_then(subscription, plan, at)),
            next_yearly_cents=yearly_cents(next_plan.interval, next_plan.amount_cents) if next_plan else None,
        )

    def price_then(self, subscription: Subscription, plan: Plan, at: datetime) -> int:
        """The plan's price when Lago billed at ``at``: stored with the base fee then, else with the last one before."""
        stored = self._stored_prices.get(subscription.lago_id, ())
        count = bisect_right(stored, at, key=lambda price: price[0])
        return stored[count - 1][1] if count else plan.amount_cents

    @cached_property
    def _stored_prices(self) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        """Subscription -> when base fees were made, each with the plan's price (cents) that Lago stored with it."""
        stored: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        for lago_id, billings in self.billed.items():
            for billed in billings:
                price = next((price_cents(fee) for fee in billed.base_fees()), None)
                if price is not None:
                    stored[lago_id].append((billed.invoice.created_at, price))
        return stored

    def known_until(self, invoice: Invoice) -> datetime:
        """Until when events count for ``invoice``: Lago knew those it had received when it computed it."""
        computed = self.computed_at(invoice)
        return max(computed, self.snapshot.taken_at) if self.late else computed

    def computed_at(self, invoice: Invoice) -> datetime:
        """When Lago computed it for the last time: a draft again when it is finalised, at the end of its grace."""
        if not self.grace_days(invoice):
            return invoice.created_at
        if invoice.status == "draft":
            return self.snapshot.taken_at
        finalised = datetime.combine(invoice.issuing_date, _FINALISATION, UTC)
        return max(invoice.created_at, finalised)

    def grace_days(self, invoice: Invoice) -> int:
        customer = self.customer(invoice)
        days = customer.billing_configuration.invoice_grace_period if customer else None
        if days is not None:
            return days
        code = invoice.billing_entity_code or (customer.billing_entity_code if customer else None)
        return next((e.invoice_grace_period for e in self.snapshot.billing_entities if e.code == code), 0)

    def customer(self, invoice: Invoice) -> Customer | None:
        """The customer's full record; a deleted one as the invoice shows it."""
        shown = invoice.customer
        return self.customers.get(shown.lago_id, shown) if shown else None

    def timezone(self, billed: Billed) -> str:
        """The time zone that a subscription is billed in: its customer's, as Lago has no other."""
        return self.zones.get(billed.subscription.lago_id) or timezone_of(self.customer(billed.invoice))

    def customer_taxes(self, invoice: Invoice) -> tuple[tuple[Tax, ...], tuple[Tax, ...]]:
        """(the customer's own taxes, those of the customer's billing entity)."""
        customer = self.customer(invoice)
        code = (
            (customer.billing_entity_code if customer else None) or invoice.billing_entity_code or self._default_entity
        )
        return (customer.taxes if customer else ()), self.entities.get(code, ())

    def unread_seller(self, invoice: Invoice) -> Quarantined | None:
        """The billing entity that an invoice's taxes may come from, where nothing is known of it."""
        return self._unread_sellers.of_invoice(invoice, self.customer(invoice))

    @cached_property
    def _unread_sellers(self) -> UnreadSellers:
        return UnreadSellers.of(self.snapshot)

    def unread_usage(self, invoice: Invoice) -> Quarantined | None:
        """What Lago did not give of the stretch of time that an invoice bills usage of."""
        return self._unread_usage.of(invoice)

    @cached_property
    def _unread_usage(self) -> UnreadUsage:
        return UnreadUsage(self.snapshot)

    @cached_property
    def _default_entity(self) -> str:
        """Who bills those that name nobody."""
        return next((entity.code for entity in self.snapshot.billing_entities if entity.is_default), "")

    def carry(self, billed: Billed, charge: Charge) -> Carry | None:
        """What a recurring weighted sum goes on from: the billings before this one, or the replaced subscription.

        Not from another one of the same window (voided, and made again): Lago takes the last row from before it.
        """
        chain: Carry | None = None
        first, current = True, usage_window(billed.period)
        for earlier in self._billings_of(billed.subscription):
            if made_order(earlier.invoice) >= made_order(billed.invoice):
                break
            window = usage_window(earlier.period)
            if window is None or window.start >= window.end or charge not in earlier.plan.charges:
                continue
            if current is not None and window.start >= current.start:
                continue
            if not earlier.is_of_period:
                continue
            if first:
                chain, first = self._before_upgrade(earlier), False
            known = self.known_until(earlier.invoice)
            chain = Carry(until=window.end, since=window.start, known_until=known, earlier=chain)
        return self._before_upgrade(billed) if first else chain

    def _before_upgrade(self, billed: Billed) -> Carry | None:
        """Never billed yet, but in place of another subscription: the sum of all events before."""
        usage = usage_window(billed.period)
        if usage is None or self.previous(billed.subscription) is None:
            return None
        return Carry(until=usage.start - timedelta(seconds=1))

    def _billings_of(self, subscription: Subscription) -> Sequence[Billed]:
        """Of all subscriptions that ever had its external id: usage knows nothing else."""
        relatives = self._by_external_id.get(subscription.external_id, ())
        billings = (billed for other in relatives for billed in self.billed.get(other.lago_id, ()))
        return sorted(billings, key=lambda billed: made_order(billed.invoice))

    @cached_property
    def _by_external_id(self) -> Mapping[str, tuple[Subscription, ...]]:
        subscriptions: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in self.snapshot.subscriptions:
            subscriptions[subscription.external_id].append(subscription)
        return {key: tuple(values) for key, values in subscriptions.items()}

    def fixed_charges(self, one: Billed) -> tuple[FixedCharge, ...]:
        """With the units as they stand for this subscription today."""
        return one.subscription.fixed_charges or one.plan.fixed_charges

    def charges(self, billed: Billed) -> tuple[Charge, ...]:
        """The plan's charges that existed when Lago computed the invoice."""
        computed = self.computed_at(billed.invoice)
        return tuple(c for c in billed.plan.charges if c.created_at is None or c.created_at <= computed)

    @cached_property
    def premium(self) -> bool:
        """Whether Lago's licence was on: without it, bounds per transaction are ignored, and every fee shows it."""
        bounded = {
            charge.lago_id
            for plan in self.plans.values()
            for charge in plan.charges
            if any(properties.get(name) for properties in _prices(charge) for name in BOUNDS)
        }
        shown = [adjustment(fee) or 0 for fee in self.snapshot.fees if fee.lago_charge_id in bounded]
        return not shown or any(shown)

    def all_earlier(self, billed: Billed) -> tuple[Billed, ...]:
        """Billings of the same subscription before this invoice, those of single events and increases too."""
        return _before(billed, self.billed.get(billed.subscription.lago_id, ()))

    def earlier_progressive(self, billed: Billed) -> tuple[Billed, ...]:
        """Billings of passed thresholds before this invoice: most subscriptions have none, some have many others."""
        return _before(billed, self._of_thresholds.get(billed.subscription.lago_id, ()))

    @cached_property
    def _of_thresholds(self) -> Mapping[str, tuple[Billed, ...]]:
        return {key: tuple(billed for billed in all_ if billed.is_progressive) for key, all_ in self.billed.items()}

    def earlier(self, billed: Billed) -> tuple[Billed, ...]:
        """Billings of the same subscription before this invoice; those between periods left out."""
        return _before(billed, self._of_periods.get(billed.subscription.lago_id, ()))

    @cached_property
    def _of_periods(self) -> Mapping[str, tuple[Billed, ...]]:
        return {
            lago_id: tuple(billed for billed in billings if billed.is_of_period)
            for lago_id, billings in self.billed.items()
        }


def _before(billed: Billed, billings: tuple[Billed, ...]) -> tuple[Billed, ...]:
    return billings[: bisect_left(billings, made_order(billed.invoice), key=lambda other: made_order(other.invoice))]


def _prices(charge: Charge) -> Iterator[Json]:
    yield charge.properties
    yield from (one.properties for one in charge.filters)


def _follows(ended: Subscription, started: Subscription) -> bool:
    """Whether ``started`` started when ``ended`` ended."""
    if ended.terminated_at is None or started.started_at is None or ended is started:
        return False
    gap = abs(started.started_at - ended.terminated_at)
    return started.previous_plan_code == ended.plan_code and gap <= _SUCCESSION
