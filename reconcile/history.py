"""What a snapshot tells about a subscription at the moment Lago billed it. Pure look-ups, built once.

Lago's API has no history of settings: plans, taxes and units are those of today. What was stored with an invoice
(boundaries, plan price, tax codes, coupons used) is taken from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from mappings.period import Contract, Window, yearly_cents
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    BillingPeriod,
    Charge,
    Coupon,
    Credit,
    Customer,
    Fee,
    FixedCharge,
    Invoice,
    Json,
    Plan,
    Snapshot,
    Subscription,
    Tax,
)
from reconcile.coupons import HeldCoupon
from reconcile.windows import Carry

IN_ADVANCE = "in_advance_charge"
BOUNDS = ("per_transaction_min_amount", "per_transaction_max_amount")
CLOSED = "closed"  # states of hidden invoices
STANDALONE = "standalone"
_LAST_MICROSECOND = timedelta(microseconds=999_999)
_FINALISATION = time(0, 20)  # Lago finalises due drafts at minute 20 of every hour
_SUCCESSION = timedelta(minutes=1)  # between the end of a subscription and the start of the one that replaces it


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One subscription on one invoice, as Lago stored it."""

    invoice: Invoice
    period: BillingPeriod
    subscription: Subscription
    plan: Plan


class History:
    """The snapshot, indexed for re-rating. Invoices that Lago hides are rebuilt from their fees."""

    def __init__(self, snapshot: Snapshot, *, late: bool = False) -> None:
        self.snapshot = snapshot
        self.late = late  # count events too that arrived after an invoice was final

    @cached_property
    def invoices(self) -> Mapping[str, Invoice]:
        """Visible and hidden ones."""
        return {invoice.lago_id: invoice for invoice in (*self.snapshot.invoices, *hidden_invoices(self.snapshot))}

    @cached_property
    def subscriptions(self) -> Mapping[str, Subscription]:
        return {subscription.lago_id: subscription for subscription in self.snapshot.subscriptions}

    @cached_property
    def _plans(self) -> Mapping[str, Plan]:
        overrides = (one.plan for one in self.snapshot.subscriptions if one.plan is not None)
        return {plan.lago_id: plan for plan in (*overrides, *self.snapshot.plans)}

    @cached_property
    def metric_codes(self) -> Mapping[str, str]:
        """Charge -> the code of its metric."""
        return {charge.lago_id: charge.billable_metric_code for p in self._plans.values() for charge in p.charges}

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
        found: dict[str, list[Billed]] = defaultdict(list)
        for invoice in sorted(self.invoices.values(), key=_made):
            for period in invoice.billing_periods:
                one = self.billed_on(invoice, period)
                if one is not None:
                    found[period.lago_subscription_id].append(one)
        return {key: tuple(values) for key, values in found.items()}

    @cached_property
    def _coupons_of(self) -> Mapping[str, tuple[AppliedCoupon, ...]]:
        found: dict[str, list[AppliedCoupon]] = defaultdict(list)
        for held in sorted(self.snapshot.applied_coupons, key=lambda held: held.created_at):
            found[held.lago_customer_id].append(held)
        return {key: tuple(values) for key, values in found.items()}

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
        own = subscription.plan
        return self._plans.get(period.lago_plan_id or (own.lago_id if own else "")) or own

    def previous(self, subscription: Subscription) -> Subscription | None:
        """The subscription that this one replaced, by an upgrade or a downgrade."""
        if subscription.previous_plan_code is None or subscription.started_at is None:
            return None
        return next((one for one in self._chain(subscription) if _follows(one, subscription)), None)

    def following(self, subscription: Subscription) -> Subscription | None:
        if subscription.next_plan_code is None:
            return None
        return next((one for one in self._chain(subscription) if _follows(subscription, one)), None)

    @cached_property
    def _chains(self) -> Mapping[tuple[str, str], tuple[Subscription, ...]]:
        """Started subscriptions of one customer under one external id."""
        found: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
        for one in self.snapshot.subscriptions:
            if one.started_at is not None:
                found[one.lago_customer_id, one.external_id].append(one)
        return {key: tuple(values) for key, values in found.items()}

    def _chain(self, subscription: Subscription) -> Iterator[Subscription]:
        """The others of its chain."""
        own = (subscription.lago_customer_id, subscription.external_id)
        return (one for one in self._chains.get(own, ()) if one is not subscription)

    def initial_started_at(self, subscription: Subscription) -> datetime:
        starts = [one.started_at for one in (subscription, *self._chain(subscription)) if one.started_at]
        return min(starts)

    def contract(self, subscription: Subscription, plan: Plan, timezone: str, at: datetime) -> Contract:
        """As it stood when Lago billed at ``at``: a later termination was not known then."""
        ended_at = subscription.terminated_at
        known = ended_at is not None and ended_at <= at
        following = self.following(subscription) if known else None
        next_plan = following.plan if following else None
        return Contract(
            interval=plan.interval,
            anniversary=subscription.billing_time == "anniversary",
            pay_in_advance=plan.pay_in_advance,
            timezone=timezone,
            subscription_at=subscription.subscription_at,
            started_at=subscription.started_at or subscription.subscription_at,
            terminated_at=ended_at if known else None,
            charges_monthly=bool(plan.bill_charges_monthly),
            fixed_charges_monthly=bool(plan.bill_fixed_charges_monthly),
            yearly_cents=yearly_cents(plan.interval, self.price_then(subscription, plan, at)),
            next_yearly_cents=yearly_cents(next_plan.interval, next_plan.amount_cents) if next_plan else None,
        )

    def price_then(self, subscription: Subscription, plan: Plan, at: datetime) -> int:
        """The plan's price when Lago billed at ``at``: stored with the base fee then, else with the last one before."""
        price = plan.amount_cents
        for one in self.billed.get(subscription.lago_id, ()):
            stored = [
                fee.amount_details.get("plan_amount_cents")
                for fee in one.invoice.fees
                if fee.item.type == "subscription" and fee.lago_subscription_id == subscription.lago_id
            ]
            if one.invoice.created_at <= at and stored and stored[0] is not None:
                price = int(stored[0])
        return price

    def known_until(self, invoice: Invoice) -> datetime:
        """Until when events count for ``invoice``: Lago knew those it had received when it computed it."""
        return self.snapshot.taken_at if self.late else self.computed_at(invoice)

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
        own = customer.billing_configuration.invoice_grace_period if customer else None
        if own is not None:
            return own
        code = invoice.billing_entity_code or (customer.billing_entity_code if customer else None)
        return next((one.invoice_grace_period for one in self.snapshot.billing_entities if one.code == code), 0)

    def customer(self, invoice: Invoice) -> Customer | None:
        """The customer's full record; a deleted one as the invoice shows it."""
        shown = invoice.customer
        return self.customers.get(shown.lago_id, shown) if shown else None

    def customer_taxes(self, invoice: Invoice) -> tuple[tuple[Tax, ...], tuple[Tax, ...]]:
        """(the customer's own taxes, those of the customer's billing entity)."""
        customer = self.customer(invoice)
        code = (customer.billing_entity_code if customer else None) or invoice.billing_entity_code or ""
        return (customer.taxes if customer else ()), self.entities.get(code, ())

    def held_coupons(self, invoice: Invoice) -> tuple[HeldCoupon, ...]:
        """The customer's coupons as they stood when ``invoice`` used them, in order of holding."""
        customer = invoice.customer
        held = self._coupons_of.get(customer.lago_id, ()) if customer else ()
        return tuple(self._held(one, invoice) for one in held if one.created_at <= self.computed_at(invoice))

    def _held(self, held: AppliedCoupon, invoice: Invoice) -> HeldCoupon:
        coupon = self.coupons.get(held.lago_coupon_id)
        before = [(other, credit.amount_cents) for other, credit in self._uses(held) if self._earlier(other, invoice)]
        used = [cents for other, cents in before if not _voided_by(other, self.computed_at(invoice))]
        ended = held.terminated_at is not None and held.terminated_at < self.computed_at(invoice)
        duration = held.frequency_duration
        return HeldCoupon(
            code=held.coupon_code,
            coupon_type="percentage" if held.percentage_rate is not None else "fixed_amount",
            frequency=held.frequency,
            amount_cents=held.amount_cents,
            currency=held.amount_currency,
            rate=held.percentage_rate,
            remaining_periods=None if duration is None else duration - len(before),
            used_cents=sum(used),
            plan_codes=coupon.plan_codes if coupon and coupon.limited_plans else None,
            metric_codes=coupon.billable_metric_codes if coupon and coupon.limited_billable_metrics else None,
            ended=ended,
        )

    def _uses(self, held: AppliedCoupon) -> Iterator[tuple[Invoice, Credit]]:
        for credit in held.credits:
            invoice = self.invoices.get((credit.invoice or {}).get("lago_id", ""))
            if invoice is not None:
                yield invoice, credit

    def _earlier(self, one: Invoice, other: Invoice) -> bool:
        """Whether ``one`` used coupons before ``other``: drafts do so when they are finalised."""
        return (self.computed_at(one), _made(one)) < (self.computed_at(other), _made(other))

    def carry(self, one: Billed, charge: Charge) -> Carry | None:
        """What a recurring weighted sum goes on from: the billings before this one, or the replaced subscription."""
        chain: Carry | None = None
        first = True
        for earlier in self._billings_of(one.subscription):
            if _made(earlier.invoice) >= _made(one.invoice):
                break
            window = usage_window(earlier.period)
            if window is None or window.start >= window.end or charge not in earlier.plan.charges:
                continue
            if earlier.period.invoicing_reason == IN_ADVANCE:
                continue
            if first:
                chain, first = self._before_upgrade(earlier), False
            known = self.known_until(earlier.invoice)
            chain = Carry(until=window.end, since=window.start, known_until=known, earlier=chain)
        return self._before_upgrade(one) if first else chain

    def _before_upgrade(self, one: Billed) -> Carry | None:
        """Never billed yet, but in place of another subscription: the sum of all events before."""
        usage = usage_window(one.period)
        if usage is None or self.previous(one.subscription) is None:
            return None
        return Carry(until=usage.start - timedelta(seconds=1))

    def _billings_of(self, subscription: Subscription) -> Sequence[Billed]:
        """Of all subscriptions that ever had its external id: usage knows nothing else."""
        own = self._by_external_id.get(subscription.external_id, ())
        found = (one for other in own for one in self.billed.get(other.lago_id, ()))
        return sorted(found, key=lambda one: _made(one.invoice))

    @cached_property
    def _by_external_id(self) -> Mapping[str, tuple[Subscription, ...]]:
        found: dict[str, list[Subscription]] = defaultdict(list)
        for one in self.snapshot.subscriptions:
            found[one.external_id].append(one)
        return {key: tuple(values) for key, values in found.items()}

    def fixed_charges(self, one: Billed) -> tuple[FixedCharge, ...]:
        """With the units as they stand for this subscription today."""
        return one.subscription.fixed_charges or one.plan.fixed_charges

    def charges(self, one: Billed) -> tuple[Charge, ...]:
        """The plan's charges that existed when Lago computed the invoice."""
        computed = self.computed_at(one.invoice)
        return tuple(c for c in one.plan.charges if c.created_at is None or c.created_at <= computed)

    @cached_property
    def premium(self) -> bool:
        """Whether Lago's licence was on: without it, bounds per transaction are ignored, and every fee shows it."""
        bounded = {
            charge.lago_id
            for plan in self._plans.values()
            for charge in plan.charges
            if any(properties.get(name) for properties in _prices(charge) for name in BOUNDS)
        }
        shown = [
            Decimal(str(fee.amount_details.get("min_max_adjustment_total_amount") or 0))
            for fee in self.snapshot.fees
            if fee.lago_charge_id in bounded
        ]
        return not shown or any(shown)

    def earlier(self, one: Billed) -> tuple[Billed, ...]:
        """Billings of the same subscription before this invoice; those of single events and increases left out."""
        return tuple(
            other
            for other in self.billed.get(one.subscription.lago_id, ())
            if _made(other.invoice) < _made(one.invoice) and other.period.invoicing_reason != IN_ADVANCE
        )


def hidden_invoices(snapshot: Snapshot) -> tuple[Invoice, ...]:
    """Invoices that the API does not show, from their fees, which it does.

    Lago closes an invoice of 0 where the customer or the seller wants none (facts §1.7). A fee without any invoice was
    paid in advance and never invoiced: it stands alone.
    """
    visible = {invoice.lago_id for invoice in snapshot.invoices}
    found: dict[str, list[Fee]] = defaultdict(list)
    for fee in snapshot.fees:
        if fee.lago_invoice_id not in visible:
            found[fee.lago_invoice_id or fee.lago_id].append(fee)
    customers = {customer.external_id: customer for customer in snapshot.customers}
    return tuple(_rebuilt(lago_id, fees, customers) for lago_id, fees in found.items())


def _rebuilt(lago_id: str, fees: Sequence[Fee], customers: Mapping[str, Customer]) -> Invoice:
    first, amount = fees[0], sum(fee.amount_cents for fee in fees)
    taxes = sum(fee.taxes_amount_cents for fee in fees)
    return Invoice(
        lago_id=lago_id,
        number=f"hidden-{lago_id}",
        invoice_type="subscription",
        status=CLOSED if first.lago_invoice_id else STANDALONE,
        payment_status=first.payment_status or "pending",
        currency=first.amount_currency,
        issuing_date=first.created_at.date(),
        created_at=first.created_at,
        customer=customers.get(first.external_customer_id or ""),
        fees=tuple(fees),
        billing_periods=tuple(_periods(fees)),
        fees_amount_cents=amount,
        taxes_amount_cents=taxes,
        coupons_amount_cents=0,
        credit_notes_amount_cents=0,
        sub_total_excluding_taxes_amount_cents=amount,
        sub_total_including_taxes_amount_cents=amount + taxes,
        prepaid_credit_amount_cents=0,
        total_amount_cents=amount + taxes,
    )


def _periods(fees: Iterable[Fee]) -> Iterator[BillingPeriod]:
    """One per subscription. In arrears, a family without a fee has the base fee's window; in advance it is unknown."""
    by_subscription: dict[str, list[Fee]] = defaultdict(list)
    for fee in fees:
        if fee.lago_subscription_id:
            by_subscription[fee.lago_subscription_id].append(fee)
    for lago_id, own in by_subscription.items():
        windows = {fee.item.type: (fee.from_date, fee.to_date) for fee in own}
        base = windows.get("subscription", (None, None))
        in_advance = any(fee.item.type == "subscription" and fee.pay_in_advance for fee in own)
        unbilled = (None, None) if in_advance else base
        charges, fixed = windows.get("charge", unbilled), windows.get("fixed_charge", unbilled)
        yield BillingPeriod(
            lago_subscription_id=lago_id,
            external_subscription_id=own[0].external_subscription_id or "",
            subscription_from_datetime=base[0],
            subscription_to_datetime=base[1],
            charges_from_datetime=charges[0],
            charges_to_datetime=charges[1],
            fixed_charges_from_datetime=fixed[0],
            fixed_charges_to_datetime=fixed[1],
            invoicing_reason="subscription_periodic" if "subscription" in windows else IN_ADVANCE,
        )


def usage_window(period: BillingPeriod) -> Window | None:
    return _window(period.charges_from_datetime, period.charges_to_datetime)


def fixed_window(period: BillingPeriod) -> Window | None:
    return _window(period.fixed_charges_from_datetime, period.fixed_charges_to_datetime)


def subscription_window(period: BillingPeriod) -> Window | None:
    return _window(period.subscription_from_datetime, period.subscription_to_datetime)


def fee_window(fee: Fee) -> Window | None:
    return _window(fee.from_date, fee.to_date)


def _window(start: datetime | None, end: datetime | None) -> Window | None:
    """The API gives whole seconds: an end of day gets its last microsecond back, the end of a subscription cannot."""
    if start is None or end is None:
        return None
    return Window(start, end + _LAST_MICROSECOND if end.second == 59 and end != start else end)


def _prices(charge: Charge) -> Iterator[Json]:
    yield charge.properties
    yield from (one.properties for one in charge.filters)


def _made(invoice: Invoice) -> tuple[datetime, str]:
    return (invoice.created_at, invoice.number)


def _voided_by(invoice: Invoice, moment: datetime) -> bool:
    return invoice.status == "voided" and (invoice.voided_at is None or invoice.voided_at <= moment)


def _follows(one: Subscription, other: Subscription) -> bool:
    """Whether ``other`` started when ``one`` ended."""
    if one.terminated_at is None or other.started_at is None or one is other:
        return False
    return other.previous_plan_code == one.plan_code and abs(other.started_at - one.terminated_at) <= _SUCCESSION


def base_fees(billings: Iterable[Billed]) -> tuple[datetime, ...]:
    """When base fees were made, of these billings."""
    return tuple(
        one.invoice.created_at
        for one in billings
        if any(
            fee.item.type == "subscription" and fee.lago_subscription_id == one.subscription.lago_id
            for fee in one.invoice.fees
        )
    )
