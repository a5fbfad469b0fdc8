"""Plans held by customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from mappings.records.catalog import FixedCharge, Plan
from mappings.records.organization import PaymentTerm
from mappings.records.raw import Json


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
    billing_entity_code: str | None = None  # who bills it; else its customer's
    currency: str | None = None  # it pays in its plan's; kept to be held against that
    payment_term: PaymentTerm | None = None  # its own; else its customer's
    plan: Plan | None = None  # from the subscription's own page: the override, if there is one
    fixed_charges: tuple[FixedCharge, ...] | None = None  # units as they stand for this subscription
    entitlements: tuple[Json, ...] = ()
    applicable_usage_thresholds: tuple[Json, ...] = ()  # its own, else those of its plan
