"""Coupons of the catalog, those that customers hold, and what invoices took from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A coupon as it is offered; ``AppliedCoupon`` is one that a customer holds."""

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
    """What a credit on an invoice comes from."""

    type: str  # coupon | credit_note | invoice (progressive billing)
    lago_item_id: str | None = None
    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedInvoice:
    """The invoice that a coupon reduced."""

    lago_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """An amount taken off an invoice; ``before_taxes`` is true for coupons, false for credit notes."""

    lago_id: str
    amount_cents: int
    amount_currency: str
    item: CreditItem
    before_taxes: bool = True
    invoice: CreditedInvoice | None = None  # in applied_coupons


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
    billing_entity_code: str | None = None  # whose invoices it reduces; else all of its customer's
    amount_cents: int | None = None
    amount_cents_remaining: int | None = None
    amount_currency: str | None = None
    percentage_rate: Decimal | None = None
    frequency_duration: int | None = None
    frequency_duration_remaining: int | None = None
    terminated_at: datetime | None = None
    credits: tuple[Credit, ...] = ()
