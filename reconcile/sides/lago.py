"""Lago's billed lines, from the snapshot: every fee a line, every invoice with the header that Lago states."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from mappings.checks import CONTRADICTED, contradicted_currency
from mappings.explain import LAGO_DETAILS, Step, StepKind, given
from mappings.headers import (
    HEADER,
    OPEN,
    hidden_contradictions,
    offset_cents,
    status_contradictions,
    takes_coupons_after_taxes,
)
from mappings.known import INVOICE_TYPES
from mappings.money import CONTEXT, from_subunits, subunits
from mappings.names import customer_name
from mappings.owed import due_cents
from mappings.phrases import Told, joined
from mappings.records import CreditNote, Fee, Invoice, Json, Plan, Snapshot, Subscription
from reconcile.billed import BilledInvoice, BilledLine, Billing, LineKey, Origin, Refusal, Totals
from reconcile.sides.numbers import number_in

ALL = "all"
_TIER_TOTAL = "total_with_flat_amount"
_TIER_LISTS = {str(kind): kind for kind in (StepKind.GRADUATED_RANGE, StepKind.GRADUATED_PERCENTAGE_RANGE)}
FEE_TYPES = frozenset({"subscription", "charge", "fixed_charge", "commitment", "add_on", "credit"})


def lago_invoices(
    snapshot: Snapshot, period: str = ALL, customers: frozenset[str] | None = None
) -> tuple[BilledInvoice, ...]:
    """Lago's invoices of a month (``2026-07``, by issuing date, which Lago sets in the customer's time zone).

    Every type and status is in. ``customers`` (external ids) limits them to a cohort.
    """
    chosen = [i for i in snapshot.invoices if in_period(i, period)]
    subscribed = _Subscribed.of(snapshot)
    built = (_lago_invoice(invoice, subscribed) for invoice in sorted(chosen, key=_issued))
    return tuple(i for i in built if customers is None or i.customer in customers)


@dataclass(frozen=True, slots=True)
class _Subscribed:
    """What invoices bill, by Lago's ids."""

    subscriptions: Mapping[str, Subscription]
    plans: Mapping[str, Plan]
    notes: Mapping[str, Sequence[CreditNote]]  # by the invoice they are of

    @staticmethod
    def of(snapshot: Snapshot) -> _Subscribed:
        plans = (*(s.plan for s in snapshot.subscriptions if s.plan), *snapshot.plans)
        notes: defaultdict[str, list[CreditNote]] = defaultdict(list)
        for note in snapshot.credit_notes:
            notes[note.lago_invoice_id].append(note)
        subscriptions = {s.lago_id: s for s in snapshot.subscriptions}
        return _Subscribed(subscriptions, {plan.lago_id: plan for plan in plans}, notes)

    def open_refusals(self, invoice: Invoice) -> Iterator[Refusal]:
        """Whether it is paid, where the invoice contradicts itself: no balance is moved, and nothing else says so.

        An amount due that is not what is left of the total says nothing against what was billed.
        """
        if invoice.status != "finalized":
            return
        offset = offset_cents(invoice, self.notes.get(invoice.lago_id, ()))
        left_cents = invoice.total_amount_cents - invoice.total_paid_amount_cents - offset
        told = joined(status_contradictions(invoice, left_cents))
        if told:
            yield Refusal(reason=OPEN, detail=told)

    def contradictions(self, invoice: Invoice) -> Iterator[Refusal]:
        """An invoice in another currency than the plans that it bills, or subscriptions that say another one.

        Lago bills a plan in its own currency alone: what an amount in another one is worth, nobody knows.
        """
        for period in invoice.billing_periods:
            subscription = self.subscriptions.get(period.lago_subscription_id)
            todays = subscription.plan if subscription else None
            plan = self.plans.get(period.lago_plan_id or (todays.lago_id if todays else ""), todays)
            if plan is None:
                continue
            if plan.amount_currency != invoice.currency:
                detail = Told.PLAN_IN_OTHER.of(invoice.currency, plan.code, plan.amount_currency)
                yield Refusal(reason=CONTRADICTED, detail=detail)
            paid = plan if todays is None or todays.lago_id == plan.lago_id else todays
            contradiction = contradicted_currency(subscription, paid) if subscription else None
            if contradiction:
                yield Refusal(reason=CONTRADICTED, detail=contradiction)


def _issued(invoice: Invoice) -> tuple[date, str, str]:
    return (invoice.issuing_date, invoice.number, invoice.lago_id)


def in_period(invoice: Invoice, period: str) -> bool:
    """Whether an invoice belongs to the month."""
    return in_month(invoice.issuing_date, period)


def in_month(day: date, period: str) -> bool:
    """Whether a day lies in the month (or in ``all`` of them)."""
    return period in (ALL, day.strftime("%Y-%m"))


def usage_begins(snapshot: Snapshot, period: str) -> datetime | None:
    """Since when usage counts that the month's invoices bill; None if they bill none."""
    periods = (p for invoice in snapshot.invoices if in_period(invoice, period) for p in invoice.billing_periods)
    return min((p.charges_from_datetime for p in periods if p.charges_from_datetime), default=None)


def _lago_invoice(invoice: Invoice, subscribed: _Subscribed) -> BilledInvoice:
    customer = invoice.customer
    register = lago_totals(invoice)
    contradictions = (*subscribed.contradictions(invoice), *subscribed.open_refusals(invoice))
    refusals = (*_unsound(invoice), *_unknown(invoice), *contradictions)
    external = customer.external_id if customer else next((f.external_customer_id or "" for f in invoice.fees), "")
    return BilledInvoice(
        lago_id=invoice.lago_id,
        number=invoice.number,
        customer=external,
        currency=invoice.currency,
        issued_on=invoice.issuing_date,
        lines=() if is_of_no_currency(refusals) else _lines(invoice),
        totals=None if refusals else register,
        refusals=refusals,
        register=register,
        paid_cents=invoice.total_paid_amount_cents,
        open_cents=due_cents(invoice),
        type=invoice.invoice_type,
        state=invoice.status,
        customer_name=customer_name(customer) if customer else external,
        billings=billings(invoice),
    )


def _lines(invoice: Invoice) -> tuple[BilledLine, ...]:
    return tuple(lago_line(fee) for fee in invoice.fees if fee.item.type in FEE_TYPES)


def is_of_no_currency(refusals: Iterable[Refusal]) -> bool:
    """Whether Lago contradicts itself about the currency: no amount of it is held against anybody's."""
    return any(refusal.reason == CONTRADICTED for refusal in refusals)


def _unknown(invoice: Invoice) -> Iterator[Refusal]:
    """What this tool does not know cannot be compared, and nobody is blamed for it: neither it nor the header over it.

    A subscription's invoice without its boundaries (of a Lago before 2025) does not say what it bills.
    """
    if invoice.invoice_type not in INVOICE_TYPES:
        yield Refusal(reason="unknown_invoice_type", detail=Told.UNKNOWN_TYPE.of(repr(invoice.invoice_type)))
    if invoice.invoice_type == "subscription" and not invoice.billing_periods:
        yield Refusal(reason="boundaries_missing", detail=Told.NO_BOUNDARIES.of())
    if takes_coupons_after_taxes(invoice):
        detail = Told.OLD_VERSION.of(invoice.version_number)
        yield Refusal(reason="old_invoice_version", detail=detail)
    others = sorted({fee.amount_currency for fee in invoice.fees} - {invoice.currency})
    if others:
        detail = Told.FEES_IN_OTHERS.of(invoice.currency, ", ".join(others))
        yield Refusal(reason=CONTRADICTED, detail=detail)
    for fee in invoice.fees:
        if fee.item.type not in FEE_TYPES:
            amount = from_subunits(fee.amount_cents, fee.amount_currency)
            detail = Told.FEE_OF_TYPE.of(fee.lago_id, repr(fee.item.type), amount, fee.amount_currency)
            yield Refusal(reason="unknown_fee_type", detail=detail)


def _unsound(invoice: Invoice) -> Iterator[Refusal]:
    """A header that its own parts contradict is held against nobody's, and what it claims is told."""
    contradictions = joined(hidden_contradictions(invoice))
    if contradictions:
        yield Refusal(reason=HEADER, detail=contradictions)


def sound_totals(totals: Totals) -> tuple[Totals | None, tuple[Refusal, ...]]:
    """A header that adds up; one that does not is refused."""
    if totals.net_cents + totals.tax_cents == totals.gross_cents:
        return totals, ()
    detail = Told.NO_SUM.of(totals.net_cents, totals.tax_cents, totals.gross_cents)
    return None, (Refusal(reason=HEADER, detail=detail),)


def billings(invoice: Invoice) -> tuple[Billing, ...]:
    """Every subscription this invoice bills, with its reason and the moment Lago made it.

    An invoice for a charge paid in advance bills one event, and names it.
    """
    events = {f.lago_subscription_id: f.event_transaction_id or "" for f in invoice.fees if f.pay_in_advance}
    return tuple(
        Billing(
            subscription=p.lago_subscription_id,
            at=invoice.created_at,
            reason=p.invoicing_reason or "",
            event=events.get(p.lago_subscription_id, "") if p.invoicing_reason == "in_advance_charge" else "",
        )
        for p in invoice.billing_periods
    )


def lago_line(fee: Fee) -> BilledLine:
    """A fee as a billed line."""
    return BilledLine(
        key=lago_key(fee),
        amount_cents=fee.amount_cents,
        label=_label(fee),
        units=fee.units,
        events=fee.events_count,
        precise_cents=_precise_cents(fee),
        tax_cents=fee.taxes_amount_cents,
        origin=Origin(fee=fee.lago_id),
        steps=_lago_steps(fee),
    )


def lago_key(fee: Fee) -> LineKey:
    """The stable key of a fee. A subscription's own fee needs no item: a subscription has one plan."""
    kind = fee.item.type
    if kind == "charge" and fee.lago_true_up_parent_fee_id:
        kind = "true_up"
    items = {"subscription": "", "commitment": "", "fixed_charge": fee.lago_fixed_charge_id}
    item = items.get(kind, fee.lago_charge_id or fee.item.lago_item_id)
    return LineKey(
        subscription=fee.lago_subscription_id or "",
        kind=kind,
        item=item or "",
        filter=fee.lago_charge_filter_id or "",
        group=tuple(sorted((key, "" if value is None else str(value)) for key, value in fee.item.grouped_by.items())),
        event=(fee.event_transaction_id or "") if fee.pay_in_advance and fee.item.type == "charge" else "",
    )


def _label(fee: Fee) -> str:
    name = fee.item.invoice_display_name or fee.item.name or fee.item.code or fee.item.type
    details = [fee.item.filter_invoice_display_name, *(str(v) for v in fee.item.grouped_by.values() if v is not None)]
    return " · ".join([name, *(d for d in details if d)])


def _precise_cents(fee: Fee) -> Decimal | None:
    if fee.precise_amount is None:
        return None
    return CONTEXT.multiply(fee.precise_amount, Decimal(subunits(fee.amount_currency)))


def _lago_steps(fee: Fee) -> tuple[Step, ...]:
    """What Lago stored about the amount: units, unit price, and the tiers or parts of ``amount_details``."""
    whole = Step(kind=StepKind.FEE, units=fee.units, unit_price=fee.precise_unit_amount, amount=fee.precise_amount)
    return (whole, *_details(fee.amount_details, "", fee.amount_currency))


def _details(details: object, path: str, currency: str) -> Iterator[Step]:
    if isinstance(details, Mapping) and _TIER_TOTAL in details:
        yield _unlisted_tier(path, details)
    elif isinstance(details, Mapping):
        for key, value in details.items():
            yield from _details(value, f"{path}.{key}" if path else str(key), currency)
    elif isinstance(details, list | tuple):
        for place, value in enumerate(details, 1):
            if path in _TIER_LISTS and isinstance(value, Mapping) and _TIER_TOTAL in value:
                yield _tier(_TIER_LISTS[path], place, value)
            else:
                yield from _details(value, f"{path} {place}", currency)
    elif details is not None:
        yield _detail(path, details, currency)


def _tier(kind: StepKind, place: int, tier: Json) -> Step:
    """A tier as one step, like the other sides write it."""
    bounds = given(lower=number_in(tier.get("from_value")), upper=number_in(tier.get("to_value")))
    rate = given(rate=number_in(tier.get("rate")))
    return _with_amounts(Step(kind=kind, values={"place": Decimal(place), **bounds, **rate}), tier)


def _unlisted_tier(path: str, tier: Json) -> Step:
    """A tier where Lago is not known to keep one."""
    upper = tier.get("to_value")
    rate = f", {tier['rate']} %" if "rate" in tier else ""
    text = f"{path}: {tier.get('from_value')} to {'∞' if upper is None else upper}{rate}"
    return _with_amounts(Step(kind=StepKind.AS_WRITTEN, values={"text": text}), tier)


def _with_amounts(step: Step, tier: Json) -> Step:
    return replace(
        step,
        units=number_in(tier.get("units")),
        unit_price=number_in(tier.get("per_unit_amount")),
        flat=number_in(tier.get("flat_unit_amount")),
        amount=number_in(tier[_TIER_TOTAL]),
    )


def _detail(path: str, value: object, currency: str) -> Step:
    """One of Lago's numbers, under the heading that it belongs to: its name tells money, prices, cents and units."""
    number, name = number_in(value), path.rsplit(".", 1)[-1]
    if number is None:
        return Step(kind=StepKind.AS_WRITTEN, values={"text": f"{path}: {value}"})
    if name.endswith("_cents"):
        return replace(_named(path.removesuffix("_cents")), amount=from_subunits(number, currency))
    if name.endswith("unit_amount"):  # per_unit_amount, flat_unit_amount, fixed_fee_unit_amount...
        return replace(_named(path), unit_price=number)
    if name.endswith("_amount"):
        return replace(_named(path), amount=number)
    return _rate(path, number) if name == "rate" else replace(_named(path), units=number)


def _named(path: str) -> Step:
    """A number's step, under Lago's own name for it; as it is written where we do not know the name."""
    if path in LAGO_DETAILS:
        return Step(kind=StepKind(path))
    return Step(kind=StepKind.AS_WRITTEN, values={"text": path})


def _rate(path: str, rate: Decimal) -> Step:
    if path == StepKind.RATE:
        return Step(kind=StepKind.RATE, values={"rate": rate})
    return Step(kind=StepKind.AS_WRITTEN, values={"text": f"{path}: {rate}"})


def lago_totals(invoice: Invoice) -> Totals:
    """The header as Lago states it. ``gross`` is before credit notes and prepaid credits."""
    return Totals(
        fees_cents=invoice.fees_amount_cents,
        coupons_cents=invoice.coupons_amount_cents,
        net_cents=invoice.sub_total_excluding_taxes_amount_cents,
        tax_cents=invoice.taxes_amount_cents,
        gross_cents=invoice.sub_total_including_taxes_amount_cents,
        credit_notes_cents=invoice.credit_notes_amount_cents,
        prepaid_cents=invoice.prepaid_credit_amount_cents,
        total_cents=invoice.total_amount_cents,
        taxes={tax.tax_code: tax.amount_cents for tax in invoice.applied_taxes},
    )


def services(snapshot: Snapshot, by_plan: Mapping[str, str] | None = None) -> dict[str, str]:
    """Subscription (Lago id) -> the service it belongs to: finance's name for its plan, else the plan's code."""
    names = by_plan or {}
    return {s.lago_id: names.get(s.plan_code, s.plan_code) for s in snapshot.subscriptions}
