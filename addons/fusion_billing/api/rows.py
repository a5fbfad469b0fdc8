"""What the API shows, as plain values: rows of Odoo's models as ``read`` gives them, and what the gateway makes.

Datetimes are naive UTC, as Odoo has them; ``None`` stands for empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias, TypedDict

from ..rating.rows import Coupon, LineKey

Given: TypeAlias = Mapping[str, object]  # an object of a request: any JSON
Answer: TypeAlias = dict[str, object]  # an object of a response
Number: TypeAlias = str | int | float | Decimal | None


class EventRow(TypedDict):
    """``fusion.billing.usage``."""

    id: int
    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: datetime
    timestamp_us: int | None
    precise_total_amount_cents: str | None
    properties: str | None
    received_at: datetime


class StoredRow(TypedDict):
    """A row that may have come from Lago."""

    id: int
    fusion_lago_id: str | None


class DatedRow(StoredRow):
    create_date: datetime


class ProductRow(DatedRow):
    """``product.template`` that is a plan or an add-on."""

    write_date: datetime
    name: str
    default_code: str | None
    fusion_invoice_name: str | None
    fusion_description: str | None
    fusion_interval: str | None
    fusion_amount: str | None
    fusion_trial_days: str | None
    fusion_pay_in_advance: bool
    fusion_bill_charges_monthly: bool
    fusion_bill_fixed_charges_monthly: bool
    fusion_commitment: str | None
    fusion_tax_codes: str | None


class MetricRow(DatedRow):
    """``fusion.billing.metric``."""

    name: str
    code: str
    description: str | None
    aggregation: str
    weighted_interval: str | None
    recurring: bool
    rounding_function: str | None
    rounding_precision: int
    has_rounding_precision: bool
    field_name: str | None
    filters: str | None


class ChargeRow(DatedRow):
    """``fusion.billing.charge``; ``metric`` of a usage charge, ``add_on`` (its product's template) of a fixed one."""

    name: str
    code: str | None
    kind: str
    charge_model: str
    properties: str | None
    filters: str | None
    pay_in_advance: bool
    prorated: bool
    invoiceable: bool
    min_amount: str | None
    units: str | None
    tax_codes: str | None
    metric: MetricRow
    add_on: ProductRow


class CouponRow(DatedRow):
    """``fusion.billing.coupon``."""

    name: str
    code: str
    description: str | None
    coupon_type: str
    amount: str | None
    percentage_rate: str | None
    frequency: str
    frequency_duration: int | None
    reusable: bool
    limited_plans: bool
    plan_codes: str | None
    limited_metrics: bool
    metric_codes: str | None
    expires_at: datetime | None
    terminated_at: datetime | None


class ShownCoupon(TypedDict):
    """A coupon as Lago shows it: what customers get."""

    lago_id: str
    name: str
    code: str
    description: str | None
    coupon_type: str
    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: str | None
    frequency: str
    frequency_duration: int | None
    reusable: bool
    limited_plans: bool
    limited_billable_metrics: bool
    plan_codes: Sequence[str]
    billable_metric_codes: Sequence[str]
    created_at: str | None
    expiration: str
    expiration_at: str | None
    terminated_at: str | None


class Held(Coupon, total=False):
    """An applied coupon as an order keeps it."""

    status: str
    limited_plans: bool
    limited_billable_metrics: bool


class TaxRow(DatedRow):
    """``fusion.billing.tax``."""

    name: str
    code: str
    rate: Number
    description: str | None
    applied_by_default: bool


class Holder(TypedDict):
    """The customer that something belongs to."""

    lago_id: str
    external_id: str


class WalletRow(TypedDict):
    """A ``loyalty.card``. Usage that is not invoiced yet does not touch it."""

    lago_id: str
    customer: Holder
    entity: str
    name: str | None
    code: str
    currency: str
    points: str
    used: str | None
    active: bool
    expires: date | None
    created: datetime
    changed: datetime
    consumed: datetime | None


class TransactionRow(TypedDict):
    """A ``loyalty.history``; ``sold``: an order used it."""

    lago_id: str
    wallet: str
    entity: str
    issued: str | None
    used: str | None
    sold: bool
    created: datetime


class CreditRow(TypedDict):
    """What a coupon took off an invoice."""

    lago_id: str
    amount_cents: int
    currency: str
    lago_invoice_id: str
    payment_status: str


class SubscriptionRow(TypedDict):
    """A ``sale.order``; ``period``: of usage, running; ``change_day``: when a cheaper plan takes over."""

    lago_id: str
    external_id: str
    lago_customer_id: str | None
    external_customer_id: str
    name: str | None
    plan_code: str
    amount_cents: int
    currency: str
    status: str
    billing_time: str
    subscription_at: datetime | None
    started_at: datetime | None
    started_us: int
    trial_ended_at: datetime | None
    ending_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    previous_plan_code: str | None
    next_plan_code: str | None
    change_day: date | None
    period: tuple[datetime | None, datetime | None]
    on_termination_credit_note: str | None
    on_termination_invoice: str | None
    purchase_order_number: str | None


class Metadata(TypedDict, total=False):
    """What a service keeps with a customer; those from Lago may lack the id and the moment."""

    lago_id: str
    key: str
    value: str
    display_in_invoice: bool
    created_at: str | None


class OwnedMetadata(Metadata, total=False):
    """What a service keeps with an invoice, which may be another one's too."""

    service: int


class Configuration(TypedDict, total=False):
    """How a customer is billed, as Lago has it."""

    payment_provider: str | bool
    payment_provider_code: str | bool
    document_locale: str | bool
    provider_customer_id: str | bool
    sync_with_provider: str | bool
    subscription_invoice_issuing_date_anchor: str | bool
    subscription_invoice_issuing_date_adjustment: str | bool
    provider_payment_methods: list[str]


class Details(TypedDict, total=False):
    """What the API shows of a customer and Odoo has no field for."""

    firstname: str | None
    lastname: str | None
    legal_name: str | None
    logo_url: str | None
    customer_type: str | None
    external_salesforce_id: str | None
    state: str | None
    billing_configuration: Configuration
    metadata: list[Metadata]
    tax_codes: list[str]
    finalize_zero_amount_invoice: str
    shipping_state: str | None
    inherited: list[str]  # fields of which Odoo holds a value that Lago has not of the customer's own


class CustomerRow(TypedDict):
    """An account and its partner; ``details`` parsed."""

    id: int
    lago_id: str
    external_id: str
    billing_entity_code: str
    service: str
    name: str | None
    is_company: bool
    created_at: datetime
    updated_at: datetime
    address: Mapping[str, str | None]
    shipping_address: Mapping[str, str | None]
    email: str | None
    url: str | None
    phone: str | None
    legal_number: str | None
    tax_identification_number: str | None
    currency: str | None
    timezone: str | None
    net_payment_term: int | None
    finalize_zero: str
    grace_days: int
    details: Details
    states: Mapping[str, tuple[str, ...]]  # address -> code and name of its state in Odoo


class InvoiceRow(TypedDict):
    """An ``account.move``. ``fees``, ``coupons``, ``taxes``, ``total``, ``paid``, ``due``: cents."""

    lago_id: str
    billing_entity_code: str
    sequential_id: int
    number: str
    purchase_order_number: str | None
    issuing_date: str
    payment_due_date: str
    net_payment_term: int
    invoice_type: str
    status: str
    payment_status: str
    payment_overdue: bool
    currency: str
    fees: int
    coupons: int
    taxes: int
    total: int
    due: int
    paid: int
    offset: int
    file_url: str | None
    web_url: str | None
    created_at: datetime
    updated_at: datetime
    customer: Answer | None
    metadata: Sequence[Answer]
    applied_taxes: Sequence[Answer]


class InvoiceParts(TypedDict):
    """What only a single invoice shows."""

    subscriptions: Sequence[Answer]
    billing_periods: Sequence[Answer]
    fees: Sequence[Answer]
    credits: Sequence[Answer]


class PartialKey(LineKey, total=False):
    """The key of a billed line; {} for a native line."""


FeeRow = TypedDict(
    "FeeRow",
    {
        "lago_id": str,
        "key": PartialKey,
        "name": str,
        "net": int,
        "tax": int,
        "digits": int,
        "units": str | None,
        "events": int,
        "currency": str,
        "taxes_rate": float,
        "pay_in_advance": bool,
        "payment_status": str,
        "lago_invoice_id": str,
        "lago_subscription_id": str | None,
        "external_subscription_id": str | None,
        "lago_customer_id": str | None,
        "external_customer_id": str | None,
        "item_id": str | None,
        "item_code": str | None,
        "item_name": str | None,
        "created_at": datetime,
        "from": datetime | None,
        "to": datetime | None,
    },
)


class BilledOrder(TypedDict):
    """The order of a billing period, and why it was billed."""

    lago_id: str
    external_id: str
    lago_plan_id: str
    reason: str
