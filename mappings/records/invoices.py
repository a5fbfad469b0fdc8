"""What was billed and paid: fees, invoices with their boundaries, credit notes, payments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from mappings.records.coupons import Credit
from mappings.records.customers import Customer, MetadataItem
from mappings.records.organization import PaymentTerm
from mappings.records.raw import Json
from mappings.records.subscriptions import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTax:
    """A tax of an invoice or a fee, in cents."""

    tax_code: str
    tax_rate: Decimal
    amount_cents: int
    lago_tax_id: str | None = None
    tax_name: str | None = None
    fees_amount_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeItem:
    """What the fee is for. ``grouped_by`` holds the pricing group (key -> value or null)."""

    type: str  # charge add_on subscription credit commitment fixed_charge
    code: str | None = None
    name: str | None = None
    invoice_display_name: str | None = None
    filter_invoice_display_name: str | None = None
    filters: Json | None = None
    lago_item_id: str | None = None
    grouped_by: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """One billed line of Lago. ``precise_amount`` is in units, ``precise_*_amount_cents`` in cents."""

    lago_id: str
    item: FeeItem
    amount_cents: int
    amount_currency: str
    units: Decimal
    taxes_amount_cents: int
    taxes_rate: Decimal
    created_at: datetime
    lago_invoice_id: str | None = None
    lago_subscription_id: str | None = None
    external_subscription_id: str | None = None
    lago_customer_id: str | None = None
    external_customer_id: str | None = None
    lago_charge_id: str | None = None
    lago_charge_filter_id: str | None = None
    lago_fixed_charge_id: str | None = None
    lago_true_up_fee_id: str | None = None
    lago_true_up_parent_fee_id: str | None = None
    lago_original_fee_id: str | None = None
    pay_in_advance: bool = False
    invoiceable: bool = True
    precise_amount: Decimal | None = None
    precise_unit_amount: Decimal | None = None
    taxes_precise_amount: Decimal | None = None
    precise_coupons_amount_cents: Decimal = Decimal(0)
    total_aggregated_units: Decimal | None = None
    events_count: int | None = None
    description: str | None = None
    payment_status: str | None = None
    succeeded_at: datetime | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None
    event_transaction_id: str | None = None
    amount_details: Json = field(default_factory=dict)
    pricing_unit_details: Json | None = None
    applied_taxes: tuple[AppliedTax, ...] = ()  # only in the list of fees


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPeriod:
    """The boundaries Lago stored for one subscription on one invoice (facts §0.1)."""

    lago_subscription_id: str
    external_subscription_id: str
    lago_plan_id: str | None = None
    subscription_from_datetime: datetime | None = None
    subscription_to_datetime: datetime | None = None
    charges_from_datetime: datetime | None = None
    charges_to_datetime: datetime | None = None
    fixed_charges_from_datetime: datetime | None = None
    fixed_charges_to_datetime: datetime | None = None
    invoicing_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice as its own page shows it (``fees``, ``credits`` and ``billing_periods`` are not in the list)."""

    lago_id: str
    number: str
    invoice_type: str  # subscription add_on credit one_off advance_charges progressive_billing
    status: str  # draft finalized voided failed pending
    payment_status: str  # pending | succeeded | failed
    currency: str
    issuing_date: date
    fees_amount_cents: int
    taxes_amount_cents: int
    coupons_amount_cents: int
    credit_notes_amount_cents: int
    sub_total_excluding_taxes_amount_cents: int
    sub_total_including_taxes_amount_cents: int
    prepaid_credit_amount_cents: int
    total_amount_cents: int
    created_at: datetime
    customer: Customer | None = None
    progressive_billing_credit_amount_cents: int = 0
    total_due_amount_cents: int | None = None
    total_paid_amount_cents: int = 0
    total_offsetted_credit_note_amount_cents: int | None = None  # older versions of Lago do not tell it
    payment_due_date: date | None = None
    net_payment_term: int | None = None
    payment_term: PaymentTerm | None = None
    payment_overdue: bool = False
    payment_dispute_lost_at: datetime | None = None
    version_number: int = 4
    billing_entity_code: str | None = None
    updated_at: datetime | None = None
    voided_at: datetime | None = None
    self_billed: bool = False
    subscriptions: tuple[Subscription, ...] = ()
    billing_periods: tuple[BillingPeriod, ...] = ()
    fees: tuple[Fee, ...] = ()
    credits: tuple[Credit, ...] = ()
    applied_taxes: tuple[AppliedTax, ...] = ()
    metadata: tuple[MetadataItem, ...] = ()
    error_details: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteItem:
    """The part of a credit note that belongs to one fee."""

    lago_id: str
    amount_cents: int
    amount_currency: str
    precise_amount_cents: Decimal | None = None
    fee: Fee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """What a customer gets back of an invoice: paid out, or as credit."""

    lago_id: str
    number: str
    lago_invoice_id: str
    currency: str
    issuing_date: date
    total_amount_cents: int
    taxes_amount_cents: int
    credit_amount_cents: int
    refund_amount_cents: int
    balance_amount_cents: int
    created_at: datetime
    invoice_number: str = ""
    credit_status: str | None = None  # available | consumed | voided
    refund_status: str | None = None
    reason: str | None = None
    coupons_adjustment_amount_cents: int = 0
    offset_amount_cents: int = 0
    sub_total_excluding_taxes_amount_cents: int | None = None
    billing_entity_code: str | None = None  # of the invoice
    self_billed: bool = False  # as its invoice is
    customer: Customer | None = None
    items: tuple[CreditNoteItem, ...] = ()
    applied_taxes: tuple[AppliedTax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money received, and the invoices that it paid."""

    lago_id: str
    amount_cents: int
    amount_currency: str
    created_at: datetime
    payment_status: str | None = None  # of a payment without one nothing is known to have been received
    invoice_ids: tuple[str, ...] = ()
    external_customer_id: str | None = None
    payment_provider_code: str | None = None
    payment_provider_type: str | None = None
    provider_payment_id: str | None = None  # pi_...
    provider_customer_id: str | None = None  # cus_...
    type: str | None = None
    reference: str | None = None
