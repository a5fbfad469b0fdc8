"""Lago's things as frozen records: the one shape every later step reads.

Field names are those of Lago's public API (facts/lago-fields); ``*_cents`` are integers in the currency's smallest
unit, decimals are exact, datetimes are aware and in UTC. ``mappings.decode`` builds them from raw JSON, by type.
A field without a default is required: a payload that lacks it, or has another type, is refused with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax rate. ``rate`` is a percentage; Lago computes with its double value."""

    lago_id: str
    code: str
    name: str
    rate: Decimal
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    lago_id: str
    name: str
    default_currency: str
    timezone: str | None = None
    net_payment_term: int | None = None
    events_store: str | None = None  # postgres | clickhouse
    document_number_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEntity:
    """The legal seller. Its default taxes apply to customers without taxes of their own (facts §6.3)."""

    lago_id: str
    code: str
    name: str
    default_currency: str
    timezone: str = "UTC"
    net_payment_term: int = 0
    invoice_grace_period: int = 0  # days
    finalize_zero_amount_invoice: bool = True
    country: str | None = None
    state: str | None = None
    is_default: bool = False
    subscription_invoice_issuing_date_anchor: str | None = None
    subscription_invoice_issuing_date_adjustment: str | None = None
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetric:
    lago_id: str
    code: str
    name: str
    aggregation_type: str  # count_agg sum_agg max_agg unique_count_agg weighted_sum_agg latest_agg custom_agg
    recurring: bool = False
    field_name: str | None = None
    rounding_function: str | None = None  # round | ceil | floor
    rounding_precision: int | None = None
    weighted_interval: str | None = None
    expression: str | None = None
    description: str | None = None
    filters: tuple[MetricFilter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFilter:
    """A bucket of events with its own price. ``values``: filter key -> accepted values (one sentinel means all)."""

    lago_id: str
    properties: Json
    values: Mapping[str, tuple[str, ...]]
    invoice_display_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingUnit:
    conversion_rate: Decimal
    code: str | None = None
    short_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A usage price of a plan. ``properties`` are Lago's, per charge model (facts §1.3)."""

    lago_id: str
    lago_billable_metric_id: str
    billable_metric_code: str
    charge_model: str  # standard graduated package percentage volume graduated_percentage custom dynamic
    properties: Json
    code: str | None = None
    invoice_display_name: str | None = None
    created_at: datetime | None = None
    invoiceable: bool = True
    pay_in_advance: bool = False
    prorated: bool = False
    min_amount_cents: int = 0
    regroup_paid_fees: str | None = None
    accepts_target_wallet: bool = False
    applied_pricing_unit: PricingUnit | None = None
    lago_parent_id: str | None = None
    filters: tuple[ChargeFilter, ...] = ()
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCharge:
    """A recurring add-on of a plan, independent of usage. ``units`` may change within a period (facts §7.3)."""

    lago_id: str
    lago_add_on_id: str
    add_on_code: str
    charge_model: str  # standard | graduated | volume
    units: Decimal
    properties: Json
    code: str | None = None
    invoice_display_name: str | None = None
    created_at: datetime | None = None
    pay_in_advance: bool = False
    prorated: bool = False
    lago_parent_id: str | None = None
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumCommitment:
    amount_cents: int
    lago_id: str | None = None
    invoice_display_name: str | None = None
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A price plan, or (``parent_id`` set) the override of one for a single subscription."""

    lago_id: str
    code: str
    name: str
    interval: str  # weekly monthly quarterly semiannual yearly
    amount_cents: int
    amount_currency: str
    pay_in_advance: bool = False
    invoice_display_name: str | None = None
    description: str | None = None
    trial_period: Decimal | None = None  # days
    bill_charges_monthly: bool | None = None
    bill_fixed_charges_monthly: bool | None = None
    parent_id: str | None = None
    pending_deletion: bool = False
    charges: tuple[Charge, ...] = ()
    fixed_charges: tuple[FixedCharge, ...] = ()
    minimum_commitment: MinimumCommitment | None = None
    usage_thresholds: tuple[Json, ...] = ()
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOn:
    lago_id: str
    code: str
    name: str
    amount_cents: int
    amount_currency: str
    invoice_display_name: str | None = None
    description: str | None = None
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    lago_id: str
    code: str
    name: str
    coupon_type: str  # fixed_amount | percentage
    frequency: str  # once | recurring | forever
    amount_cents: int | None = None
    amount_currency: str | None = None
    percentage_rate: Decimal | None = None
    frequency_duration: int | None = None
    description: str | None = None
    reusable: bool = True
    limited_plans: bool = False
    limited_billable_metrics: bool = False
    plan_codes: tuple[str, ...] = ()
    billable_metric_codes: tuple[str, ...] = ()
    expiration_at: datetime | None = None
    terminated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditItem:
    type: str  # coupon | credit_note | invoice (progressive billing)
    lago_item_id: str | None = None
    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """An amount taken off an invoice; ``before_taxes`` is true for coupons, false for credit notes."""

    lago_id: str
    amount_cents: int
    amount_currency: str
    item: CreditItem
    before_taxes: bool = True
    invoice: Json | None = None  # in applied_coupons: {lago_id, payment_status} of the invoice it reduced


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedCoupon:
    """A coupon held by a customer."""

    lago_id: str
    lago_coupon_id: str
    coupon_code: str
    lago_customer_id: str
    external_customer_id: str
    status: str  # active | terminated
    frequency: str
    created_at: datetime
    amount_cents: int | None = None
    amount_cents_remaining: int | None = None
    amount_currency: str | None = None
    percentage_rate: Decimal | None = None
    frequency_duration: int | None = None
    frequency_duration_remaining: int | None = None
    terminated_at: datetime | None = None
    credits: tuple[Credit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingConfiguration:
    invoice_grace_period: int | None = None
    payment_provider: str | None = None
    payment_provider_code: str | None = None
    provider_customer_id: str | None = None
    provider_payment_methods: tuple[str, ...] | None = None
    document_locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataItem:
    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who pays. ``deleted`` customers are absent from Lago's list and rebuilt from their invoices."""

    lago_id: str
    external_id: str
    billing_entity_code: str | None = None
    account_type: str = "customer"
    name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    customer_type: str | None = None  # company | individual
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    email: str | None = None
    phone: str | None = None
    url: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None
    currency: str | None = None
    timezone: str | None = None
    applicable_timezone: str = "UTC"
    net_payment_term: int | None = None
    finalize_zero_amount_invoice: str = "inherit"
    slug: str | None = None
    created_at: datetime | None = None
    billing_configuration: BillingConfiguration = field(default_factory=BillingConfiguration)
    shipping_address: Address | None = None
    metadata: tuple[MetadataItem, ...] = ()
    taxes: tuple[Tax, ...] = ()
    integration_customers: tuple[Json, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A card or the like kept at the payment provider. Only its reference moves, never the card."""

    lago_id: str
    external_customer_id: str  # added by extract: the list is nested under the customer
    provider_method_id: str
    is_default: bool = False
    payment_provider_code: str | None = None
    payment_provider_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A plan held by a customer. ``external_id`` is shared along a chain of upgrades and downgrades."""

    lago_id: str
    external_id: str
    lago_customer_id: str
    external_customer_id: str
    plan_code: str
    status: str  # pending active terminated canceled incomplete
    billing_time: str  # calendar | anniversary
    subscription_at: datetime
    created_at: datetime
    started_at: datetime | None = None
    ending_at: datetime | None = None
    terminated_at: datetime | None = None
    canceled_at: datetime | None = None
    trial_ended_at: datetime | None = None
    name: str | None = None
    plan_amount_cents: int | None = None
    plan_amount_currency: str | None = None
    previous_plan_code: str | None = None
    next_plan_code: str | None = None
    downgrade_plan_date: date | None = None
    current_billing_period_started_at: datetime | None = None
    current_billing_period_ending_at: datetime | None = None
    on_termination_credit_note: str | None = None
    on_termination_invoice: str | None = None
    consolidate_invoice: bool = True
    purchase_order_number: str | None = None
    plan: Plan | None = None  # from the subscription's own page: the override, if there is one
    fixed_charges: tuple[FixedCharge, ...] | None = None  # units as they stand for this subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletScope:
    fee_types: tuple[str, ...] = ()
    billable_metric_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Prepaid credits. ``balance_cents`` = ``credits_balance`` × ``rate_amount`` in the currency."""

    lago_id: str
    lago_customer_id: str
    external_customer_id: str
    status: str  # active | terminated
    currency: str
    rate_amount: Decimal
    credits_balance: Decimal
    balance_cents: int
    name: str | None = None
    code: str | None = None
    consumed_credits: Decimal = Decimal(0)
    priority: int = 50
    created_at: datetime | None = None
    expiration_at: datetime | None = None
    terminated_at: datetime | None = None
    applies_to: WalletScope = field(default_factory=WalletScope)
    recurring_transaction_rules: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTransaction:
    lago_id: str
    lago_wallet_id: str
    status: str  # pending | settled | failed
    transaction_status: str  # purchased | granted | voided | invoiced
    transaction_type: str  # inbound | outbound
    amount: Decimal
    credit_amount: Decimal
    created_at: datetime
    lago_invoice_id: str | None = None
    settled_at: datetime | None = None
    remaining_amount_cents: int | None = None
    priority: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTax:
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
    payment_due_date: date | None = None
    net_payment_term: int | None = None
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
    lago_id: str
    amount_cents: int
    amount_currency: str
    precise_amount_cents: Decimal | None = None
    fee: Fee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    lago_id: str
    number: str
    lago_invoice_id: str
    invoice_number: str
    currency: str
    issuing_date: date
    total_amount_cents: int
    taxes_amount_cents: int
    credit_amount_cents: int
    refund_amount_cents: int
    balance_amount_cents: int
    created_at: datetime
    credit_status: str | None = None  # available | consumed | voided
    refund_status: str | None = None
    reason: str | None = None
    coupons_adjustment_amount_cents: int = 0
    offset_amount_cents: int = 0
    sub_total_excluding_taxes_amount_cents: int | None = None
    customer: Customer | None = None
    items: tuple[CreditNoteItem, ...] = ()
    applied_taxes: tuple[AppliedTax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    lago_id: str
    amount_cents: int
    amount_currency: str
    payment_status: str
    created_at: datetime
    invoice_ids: tuple[str, ...] = ()
    external_customer_id: str | None = None
    payment_provider_code: str | None = None
    payment_provider_type: str | None = None
    provider_payment_id: str | None = None  # pi_...
    provider_customer_id: str | None = None  # cus_...
    type: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One usage event. In bulk they live in Parquet (``migrate.events``); this record is for single ones."""

    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: datetime
    created_at: datetime | None = None  # when Lago received it
    properties: Json = field(default_factory=dict)
    precise_total_amount_cents: Decimal | None = None
    lago_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything extracted from one Lago, except the usage events (Parquet). The input of both lines."""

    lago_version: str
    organization: Organization
    taken_at: datetime
    billing_entities: tuple[BillingEntity, ...] = ()
    taxes: tuple[Tax, ...] = ()
    billable_metrics: tuple[BillableMetric, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    plans: tuple[Plan, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    applied_coupons: tuple[AppliedCoupon, ...] = ()
    customers: tuple[Customer, ...] = ()
    payment_methods: tuple[PaymentMethod, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    wallets: tuple[Wallet, ...] = ()
    wallet_transactions: tuple[WalletTransaction, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    fees: tuple[Fee, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    payments: tuple[Payment, ...] = ()
