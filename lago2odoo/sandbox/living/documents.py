"""The documents of a living Lago in the shape of its API: invoices, their fees and credits, credit notes.

What every invoice of a customer says alike (texts, addresses, terms) is that of the customer's last one, where there
is one: an embedded Lago invents no more than it must.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.contracts import running_contract, timezone_of
from mappings.money import from_subunits
from mappings.period import boundaries, local_date
from mappings.records import BillingPeriod, Customer, Invoice, Plan, Snapshot
from migrate.lago.filters import Payload
from reconcile.rating.bill import Bill, BilledFee
from reconcile.rating.taxes import Taxed
from reconcile.rerate.billing import fixed_window, subscription_window, usage_window

_NO_AMOUNTS = dict.fromkeys(
    (
        "fees_amount_cents",
        "taxes_amount_cents",
        "progressive_billing_credit_amount_cents",
        "coupons_amount_cents",
        "credit_notes_amount_cents",
        "sub_total_excluding_taxes_amount_cents",
        "sub_total_including_taxes_amount_cents",
        "total_amount_cents",
        "total_due_amount_cents",
        "total_paid_amount_cents",
        "total_offsetted_credit_note_amount_cents",
        "prepaid_credit_amount_cents",
    ),
    0,
)
_OWN_PAGE = ("subscriptions", "billing_periods", "fees", "credits", "error_details")  # what no list of invoices shows


def told(moment: datetime) -> str:
    """A moment as the API tells it: whole seconds, the rest cut off."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# --- an invoice before its amounts


def new_invoice(
    lago: LivingRecords, customer: Customer, raws: Sequence[Record], periods: Sequence[BillingPeriod]
) -> Record:
    """An invoice of now with these windows, and no fees yet; a draft, where the customer has days of grace."""
    grace_days = _grace_days(lago, customer)
    issued = local_date(lago.now, customer.applicable_timezone) + timedelta(days=grace_days)
    (listed,) = (raw for raw in lago.listed("customers") if raw["lago_id"] == customer.lago_id)
    return {
        "lago_id": lago.new_id("invoice"),
        "billing_entity_code": listed.get("billing_entity_code"),
        "number": _number(lago, listed, is_draft=bool(grace_days)),
        "invoice_type": "subscription",
        "status": "draft" if grace_days else "finalized",
        "payment_status": "pending",
        "payment_overdue": False,
        "payment_dispute_lost_at": None,
        "currency": raws[0]["plan_amount_currency"],
        **_NO_AMOUNTS,
        **_terms(lago, listed, issued),
        "version_number": 4,
        "self_billed": False,
        "created_at": told(lago.now),
        "updated_at": told(lago.now),
        "voided_at": None,
        "customer": listed,
        "metadata": [],
        "applied_taxes": [],
        "subscriptions": list(raws),
        "billing_periods": [_period(period) for period in periods],
        "fees": [],
        "credits": [],
        "error_details": [],
    }


def _grace_days(lago: LivingRecords, customer: Customer) -> int:
    days = customer.billing_configuration.invoice_grace_period
    if days is not None:
        return days
    entities = {entity["code"]: entity for entity in lago.listed("billing_entities")}
    return int(entities.get(customer.billing_entity_code, {}).get("invoice_grace_period") or 0)


def finalised(lago: LivingRecords, draft: Record) -> Record:
    """The page of a draft whose grace is over, before its amounts."""
    (customer,) = (raw for raw in lago.listed("customers") if raw["lago_id"] == draft["customer"]["lago_id"])
    number = _number(lago, customer, is_draft=False)
    emptied: Record = {"fees": [], "credits": [], "applied_taxes": []}
    return {**draft, **emptied, **_NO_AMOUNTS, "status": "finalized", "number": number, "updated_at": told(lago.now)}


def _terms(lago: LivingRecords, customer: Record, issued: date) -> Record:
    entities = {entity["code"]: entity for entity in lago.listed("billing_entities")}
    days = customer.get("net_payment_term")
    if days is None:
        days = entities.get(customer.get("billing_entity_code"), {}).get("net_payment_term") or 0
    return {
        "issuing_date": f"{issued}",
        "payment_due_date": f"{issued + timedelta(days=days)}",
        "net_payment_term": days,
    }


def _number(lago: LivingRecords, customer: Record, *, is_draft: bool) -> str:
    """As Lago numbers by customer: PREFIX-CUSTOMER-COUNT; a draft has none yet."""
    entities = {entity["code"]: entity for entity in lago.listed("billing_entities")}
    prefix = entities.get(customer.get("billing_entity_code"), {}).get("document_number_prefix") or "LAG"
    if is_draft:
        return f"{prefix}-DRAFT"
    ours = f"{prefix}-{customer.get('sequential_id') or 0:03}-"
    used = [raw["number"] for raw in lago.listed("invoices") if raw["number"].startswith(ours)]
    return f"{ours}{max((int(number.removeprefix(ours)) for number in used), default=0) + 1:03}"


def _period(period: BillingPeriod) -> Record:
    return {name: told(value) if isinstance(value, datetime) else value for name, value in asdict(period).items()}


# --- with its amounts


def keep_invoice(
    lago: LivingRecords, snapshot: Snapshot, page: Record, invoice: Invoice, made: Bill, notes: Sequence[Record]
) -> Record:
    """The invoice among the records, with its fees, as its own page shows it; in place of the draft that it was."""
    fees = [_fee(lago, snapshot, page, invoice, fee) for fee in made.fees]
    whole = {
        **page,
        "fees_amount_cents": made.fees_cents,
        "coupons_amount_cents": made.coupons.total_cents,
        "sub_total_excluding_taxes_amount_cents": made.net_cents,
        "taxes_amount_cents": made.taxed.amount_cents,
        "sub_total_including_taxes_amount_cents": made.gross_cents,
        "credit_notes_amount_cents": sum(made.credit_notes),
        "total_amount_cents": made.total_cents,
        "total_due_amount_cents": made.total_cents,
        "payment_status": "pending" if made.total_cents or invoice.status == "draft" else "succeeded",
        "applied_taxes": _invoice_taxes(lago, snapshot, page, made.taxed),
        "fees": [{name: value for name, value in fee.items() if name != "applied_taxes"} for fee in fees],
        "credits": [*_coupon_credits(lago, snapshot, page, made), *_note_credits(lago, page, made, notes)],
    }
    listed = {name: value for name, value in whole.items() if name not in _OWN_PAGE}
    if any(raw["lago_id"] == page["lago_id"] for raw in lago.listed("invoices")):
        lago.change("invoices", listed, **whole)
    else:
        lago.add("invoices", listed, whole)
    lago.replace_fees(str(page["lago_id"]), fees)
    return whole


def _invoice_taxes(lago: LivingRecords, snapshot: Snapshot, page: Record, taxed: Taxed) -> list[Record]:
    return [
        {
            **_tax(lago, snapshot, tax.code, tax.rate, tax.amount_cents, page),
            "lago_invoice_id": page["lago_id"],
            "fees_amount_cents": tax.fees_cents,
        }
        for tax in taxed.taxes
    ]


def _tax(lago: LivingRecords, snapshot: Snapshot, code: str, rate: Decimal, cents: int, page: Record) -> Record:
    tax = next((tax for tax in snapshot.taxes if tax.code == code), None)
    return {
        "lago_id": lago.new_id("applied tax"),
        "lago_tax_id": tax.lago_id if tax else None,
        "tax_name": tax.name if tax else code,
        "tax_code": code,
        "tax_rate": rate,
        "tax_description": tax.description if tax else None,
        "amount_cents": cents,
        "amount_currency": page["currency"],
        "created_at": page["created_at"],
    }


def _fee(lago: LivingRecords, snapshot: Snapshot, page: Record, invoice: Invoice, fee: BilledFee) -> Record:
    line, currency = fee.line, str(page["currency"])
    lago_id = lago.new_id("fee")
    subscription = next(s for s in snapshot.subscriptions if s.lago_id == line.key.subscription)
    usage = line.key.kind in ("charge", "true_up")
    return {
        "lago_id": lago_id,
        "lago_charge_id": line.key.item if usage else None,
        "lago_charge_filter_id": line.key.filter or None,
        "lago_fixed_charge_id": line.key.item if line.key.kind == "fixed_charge" else None,
        "lago_invoice_id": page["lago_id"],
        "lago_true_up_fee_id": None,
        "lago_true_up_parent_fee_id": page["lago_id"] if line.key.kind == "true_up" else None,
        "lago_original_fee_id": None,
        "lago_subscription_id": subscription.lago_id,
        "external_subscription_id": subscription.external_id,
        "lago_customer_id": subscription.lago_customer_id,
        "external_customer_id": subscription.external_customer_id,
        "item": _item(snapshot, invoice, fee),
        "pay_in_advance": _is_in_advance(invoice, snapshot, fee),
        "invoiceable": True,
        "amount_cents": line.amount_cents,
        "amount_currency": currency,
        "precise_amount": f"{from_subunits(line.precise_cents, currency)}",
        "taxes_amount_cents": fee.taxed.amount_cents,
        "taxes_precise_amount": f"{from_subunits(fee.taxed.precise_cents, currency)}",
        "taxes_rate": fee.taxed.rate,
        "total_aggregated_units": f"{line.units}" if line.key.item else None,
        "total_amount_cents": line.amount_cents + fee.taxed.amount_cents,
        "total_amount_currency": currency,
        "units": f"{line.units}",
        "description": None,
        "precise_coupons_amount_cents": f"{fee.coupons_cents}",
        "events_count": line.events if usage else None,
        "payment_status": "pending",
        "created_at": page["created_at"],
        "amount_details": _details(snapshot, invoice, fee),
        **_window(snapshot, invoice, fee),
        "applied_taxes": [
            {**_tax(lago, snapshot, tax.code, tax.rate, tax.amount_cents, page), "lago_fee_id": lago_id}
            for tax in fee.taxed.taxes
        ],
    }


def _item(snapshot: Snapshot, invoice: Invoice, fee: BilledFee) -> Record:
    key, plan = fee.line.key, _plan(snapshot, invoice, fee)
    code: str | None = plan.code
    item = key.subscription
    if key.kind in ("charge", "true_up"):
        charge = next(charge for charge in plan.charges if charge.lago_id == key.item)
        code, item = charge.billable_metric_code, charge.lago_billable_metric_id
    if key.kind == "fixed_charge":
        fixed = next(fixed for fixed in plan.fixed_charges if fixed.lago_id == key.item)
        code, item = fixed.add_on_code, fixed.lago_add_on_id
    return {
        "type": fee.line.fee_type,
        "code": code,
        "name": code,
        "lago_item_id": item,
        "filters": None,
        "grouped_by": {name: value or None for name, value in key.group},
    }


def _plan(snapshot: Snapshot, invoice: Invoice, fee: BilledFee) -> Plan:
    period = _period_of(invoice, fee)
    overrides = (s.plan for s in snapshot.subscriptions if s.plan is not None)
    return next(plan for plan in (*snapshot.plans, *overrides) if plan.lago_id == period.lago_plan_id)


def _period_of(invoice: Invoice, fee: BilledFee) -> BillingPeriod:
    return next(p for p in invoice.billing_periods if p.lago_subscription_id == fee.line.key.subscription)


def _is_in_advance(invoice: Invoice, snapshot: Snapshot, fee: BilledFee) -> bool:
    plan = _plan(snapshot, invoice, fee)
    if fee.line.key.kind == "fixed_charge":
        return next(fixed for fixed in plan.fixed_charges if fixed.lago_id == fee.line.key.item).pay_in_advance
    return plan.pay_in_advance and fee.line.key.kind == "subscription"


def _details(snapshot: Snapshot, invoice: Invoice, fee: BilledFee) -> Payload:
    """Of a base fee the plan's price of then, by which later invoices and notes are computed."""
    if fee.line.key.kind != "subscription":
        return {}
    return {"plan_amount_cents": _plan(snapshot, invoice, fee).amount_cents}


def _window(snapshot: Snapshot, invoice: Invoice, fee: BilledFee) -> Record:
    """What a fee covers: of a fixed charge in advance the running period, else what the invoice bills."""
    period = _period_of(invoice, fee)
    windows = {"charge": usage_window, "fixed_charge": fixed_window, "subscription": subscription_window}
    window = windows[fee.line.fee_type](period) if fee.line.fee_type in windows else None
    if fee.line.key.kind == "fixed_charge" and _is_in_advance(invoice, snapshot, fee):
        subscription = next(s for s in snapshot.subscriptions if s.lago_id == fee.line.key.subscription)
        zone = timezone_of(snapshot.customers[0])
        contract = running_contract(subscription, _plan(snapshot, invoice, fee), zone)
        window = boundaries(contract, invoice.created_at, current_usage=True).fixed_charges
    if window is None:
        return {"from_date": None, "to_date": None}
    return {
        name: f"{end:%Y-%m-%dT%H:%M:%S+00:00}" for name, end in (("from_date", window.start), ("to_date", window.end))
    }


def _coupon_credits(lago: LivingRecords, snapshot: Snapshot, page: Record, made: Bill) -> Iterator[Record]:
    coupons = {coupon.code: coupon for coupon in snapshot.coupons}
    for used in made.coupons.credits:
        coupon = coupons[used.code]
        item = {"lago_item_id": coupon.lago_id, "type": "coupon", "code": coupon.code, "name": coupon.name}
        yield _credit(lago, page, used.cents, item, before_taxes=True)


def _note_credits(lago: LivingRecords, page: Record, made: Bill, notes: Sequence[Record]) -> Iterator[Record]:
    for note, cents in zip(notes, made.credit_notes, strict=True):
        if cents:
            named = {"code": note["number"], "name": note["invoice_number"]}
            item = {"lago_item_id": note["lago_id"], "type": "credit_note", **named}
            yield _credit(lago, page, cents, item, before_taxes=False)


def _credit(lago: LivingRecords, page: Record, cents: int, item: Record, *, before_taxes: bool) -> Record:
    return {
        "lago_id": lago.new_id("credit"),
        "amount_cents": cents,
        "amount_currency": page["currency"],
        "before_taxes": before_taxes,
        "item": item,
        "invoice": {"lago_id": page["lago_id"], "payment_status": page["payment_status"]},
    }
