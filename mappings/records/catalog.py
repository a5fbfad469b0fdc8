"""What is sold: metrics, plans with their charges, add-ons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mappings.records.organization import Tax
from mappings.records.raw import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    """A property of events by which a metric is split, and its values."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetric:
    """What is counted, and how: events of ``code``."""

    lago_id: str
    code: str
    aggregation_type: str  # count_agg sum_agg max_agg unique_count_agg weighted_sum_agg latest_agg custom_agg
    name: str = ""
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
    """A charge's own unit of account, and what one is worth in the plan's currency."""

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
    """What a plan costs at least in each of its periods."""

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
    entitlements: tuple[Json, ...] = ()
    usage_thresholds: tuple[Json, ...] = ()
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOn:
    """Something that is sold once, or as a fixed charge of a plan."""

    lago_id: str
    code: str
    amount_cents: int
    amount_currency: str
    name: str = ""
    invoice_display_name: str | None = None
    description: str | None = None
    taxes: tuple[Tax, ...] = ()
