"""Rows as Odoo stores them, and Lago's JSON in their texts: what rating is given, and what it gives back.

Texts may hold JSON, decimals are texts, datetimes are ``datetime`` or ``"2026-07-01 04:10:00"`` in UTC; ``False``,
``None`` and absent are empty. JSON may also be given parsed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, TypedDict

from .steps import Step

Empty: TypeAlias = Literal[False] | None
Text: TypeAlias = str | Empty
Moment: TypeAlias = datetime | str | Empty
Number: TypeAlias = str | int | float | Decimal | Empty
Json: TypeAlias = "str | int | float | bool | Decimal | Sequence[Json] | Mapping[str, Json] | None"


class OrderFields(TypedDict, total=False):
    """The fields of ``sale.order`` that rating reads."""

    fusion_lago_id: Text
    fusion_external_id: Text
    fusion_plan_code: Text
    fusion_interval: str
    fusion_billing_time: str
    fusion_anchor: Moment
    fusion_started_at: Moment
    fusion_started_us: int | Empty
    fusion_ended_at: Moment
    fusion_ended_us: int | Empty
    fusion_created_at: Moment
    fusion_trial_days: Number
    fusion_pay_in_advance: bool | None
    fusion_bill_charges_monthly: bool | None
    fusion_bill_fixed_charges_monthly: bool | None
    fusion_plan_amount: Number
    fusion_commitment: Number
    fusion_timezone: Text
    fusion_coupons: str | Sequence[Coupon] | Empty


class OrderRow(OrderFields, total=False):
    """An order as it is read, and with its plan and its neighbours as ``gather`` puts it together."""

    id: int
    fusion_previous_order_id: int | Empty
    fusion_service_id: int | Empty
    fusion_account_id: int | Empty
    partner_id: int
    partner_invoice_id: int | Empty
    currency: str  # ISO code
    plan_lago_id: Text  # ``item`` of the lines of the plan
    plan_name: Text  # name of the base line
    previous: OrderRow | None  # the order it replaces
    next: OrderRow | None  # the order that replaces it, with ``metric_codes``
    metric_codes: Sequence[str]  # of the usage charges on its plan
    earlier: Sequence[OrderRow]  # ended orders of the external id on the same plan, oldest first
    first_started_at: Moment  # earliest start of the external id, if not given by ``previous``


class ChargeFields(TypedDict, total=False):
    """The fields of ``fusion.billing.charge`` that rating reads."""

    fusion_lago_id: Text
    code: Text
    name: Text
    kind: str  # usage, fixed
    charge_model: str
    properties: str | Properties | Empty
    filters: str | Sequence[FilterJson] | Empty
    pay_in_advance: bool | None
    prorated: bool | None
    invoiceable: bool | None
    min_amount: Number
    units: Number
    unit_changes: str | Sequence[UnitsChanged] | Empty


class ChargeRow(ChargeFields, total=False):
    """A charge as it is read, and with what ``gather`` adds."""

    id: int
    metric_id: int | Empty
    product_id: int | Empty
    plan_id: int | Empty
    order_id: int | Empty
    tax_ids: Sequence[int]
    metric: Text  # code of its metric (usage)
    unit_events: Sequence[UnitsSince]  # how its units changed while the order ran


class MetricFields(TypedDict, total=False):
    """The fields of ``fusion.billing.metric`` that rating reads."""

    name: Text
    fusion_lago_id: Text
    code: str
    aggregation: str
    field_name: Text
    recurring: bool | None
    rounding_function: Text
    rounding_precision: int | Empty
    has_rounding_precision: bool | None
    filters: str | Sequence[MetricFilterJson] | Empty


class MetricRow(MetricFields, total=False):
    """A metric as it is read."""

    id: int


class UsageFields(TypedDict, total=False):
    """The fields of ``fusion.billing.usage`` that rating reads."""

    external_subscription_id: str
    code: str
    timestamp: Moment
    timestamp_us: int | Empty
    transaction_id: Text
    properties: str | Mapping[str, Json] | Empty
    precise_total_amount_cents: Number
    received_at: Moment
    received_us: int | Empty


class UsageRow(UsageFields, total=False):
    """An event as it is read."""

    service_id: int | Empty  # who sent it; empty: it was brought along when the company moved


# what rating reads of each model
ORDER_FIELDS = tuple(OrderFields.__annotations__)
CHARGE_FIELDS = tuple(ChargeFields.__annotations__)
METRIC_FIELDS = tuple(MetricFields.__annotations__)
USAGE_FIELDS = tuple(UsageFields.__annotations__)
# what ties rows together; of a many2one the id
ORDER_LINKS = (
    "fusion_previous_order_id", "fusion_service_id", "fusion_account_id", "partner_id", "partner_invoice_id",
)  # fmt: skip
CHARGE_LINKS = ("metric_id", "product_id", "plan_id", "order_id", "tax_ids")
USAGE_LINKS = ("service_id",)


class Tier(TypedDict, total=False):
    """One range of a graduated, volume or graduated percentage price. Without ``to_value`` it is open."""

    from_value: Number
    to_value: Number
    per_unit_amount: Number
    flat_amount: Number
    rate: Number


class Properties(TypedDict, total=False):
    """A charge's prices as Lago has them, in currency units; which of them are there depends on the charge model."""

    amount: Number
    free_units: Number
    package_size: Number
    graduated_ranges: Sequence[Tier] | None
    volume_ranges: Sequence[Tier] | None
    graduated_percentage_ranges: Sequence[Tier] | None
    rate: Number
    fixed_amount: Number
    free_units_per_events: Number
    free_units_per_total_aggregation: Number
    per_transaction_min_amount: Number
    per_transaction_max_amount: Number
    pricing_group_keys: Sequence[str] | None
    grouped_by: Sequence[str] | None


class FilterJson(TypedDict, total=False):
    """A filter of a charge: the events whose properties have one of these values cost ``properties``."""

    lago_id: str
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]]
    properties: Properties | None


class MetricFilterJson(TypedDict):
    """A property that a metric may be filtered by, with the values it may have."""

    key: str
    values: Sequence[str]


class UnitsChanged(TypedDict, total=False):
    """Units of a fixed charge that were set to ``units`` at that moment."""

    at: Moment
    was: Number
    units: Number


class UnitsSince(TypedDict):
    """Units of a fixed charge from a moment on; None: from the start of the order."""

    at: Moment
    units: Number


class CouponUse(TypedDict, total=False):
    """What one invoice took of a coupon; ``voided_at``: given back then."""

    at: Moment
    amount_cents: Number
    voided_at: Moment


class Coupon(TypedDict, total=False):
    """An applied coupon in Lago's shape; ``credits``: use by use what it took, if that is known."""

    lago_id: str
    lago_coupon_id: str
    coupon_code: str | None
    coupon_name: str | None
    code: str | None
    coupon_type: str
    frequency: str
    frequency_duration: int | None
    frequency_duration_remaining: Number
    amount_cents: Number
    amount_cents_remaining: Number
    amount_currency: str | None
    percentage_rate: Number
    created_at: Moment
    terminated_at: Moment
    plan_codes: Sequence[str] | None
    billable_metric_codes: Sequence[str] | None
    credits: Sequence[CouponUse] | None


class Refusal(TypedDict):
    """What has no amount: a stable name of the reason, and a text for people."""

    reason: str
    detail: str


class LineKey(TypedDict):
    """What a billed line stands for. Lines of both sides are told apart and paired by it."""

    subscription: str
    kind: str
    item: str
    filter: str
    group: list[list[str]]
    event: str


# ``from`` is no name of Python
LineRow = TypedDict(
    "LineRow",
    {
        "key": LineKey,
        "name": str,
        "charge": str,
        "amount_cents": int,
        "precise_amount_cents": str,
        "units": str,
        "total_units": str,
        "unit_amount": str,
        "events": int,
        "from": str | None,
        "to": str | None,
        "steps": list[Step],
    },
)


class BilledLineRow(LineRow):
    """A line of an invoice of several billings; ``billing``: which of them."""

    billing: int


Windows: TypeAlias = dict[str, str | None]


class Fees(TypedDict):
    """The lines of one event, and what has no amount."""

    lines: list[LineRow]
    refusals: list[Refusal]


class Bill(Fees):
    """The lines of one billing, and the ISO moments of its periods."""

    windows: Windows


class Invoice(TypedDict):
    """The lines of one invoice, and the periods of each of its billings."""

    lines: list[BilledLineRow]
    refusals: list[Refusal]
    windows: list[Windows]


class BillingRow(TypedDict, total=False):
    """One billing to make: the arguments of ``bill``, and how its lines are taxed."""

    order: OrderRow
    charges: Sequence[ChargeRow]
    metrics: Mapping[str, MetricRow]
    usage: Sequence[UsageRow]
    at: datetime | str
    reason: str
    known_until: datetime | None
    event: str
    billed: Sequence[Billed] | None
    taxes: Mapping[str, object]  # charge's Lago id, "" for the base fee -> equal for lines taxed alike
    kinds: Sequence[str] | None  # of the lines that are due; empty: all


@dataclass(frozen=True, slots=True)
class Billed:
    """An earlier billing of the order. ``fee``: it had a base fee."""

    at: datetime
    reason: str
    fee: bool = False
