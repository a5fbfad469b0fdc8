"""Subscriptions as Lago's API takes and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from . import amounts
from . import overrides as overridden
from .answers import millis, seconds
from .rows import Answer, Given, SubscriptionRow
from .texts import Errors, is_kept, scalar, too_long

BILLING_TIMES = ("calendar", "anniversary")
STATUSES = ("pending", "active", "terminated", "canceled", "incomplete")
# asked for and not expressible by a native order: refused by name instead of forgotten
NOT_NATIVE = (
    "activation_rules",
    "usage_thresholds",
    "invoice_custom_section",
    "billing_entity_code",
    "billing_entity_id",
)
TEXTS = ("external_customer_id", "external_id", "plan_code", "name", "purchase_order_number")
PER_YEAR = {"yearly": 1, "semiannual": 2, "quarterly": 4, "monthly": 12, "weekly": 52}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as it was asked for. Moments are aware UTC; ``overrides``: of the plan, as sent."""

    external_customer_id: str
    plan_code: str
    external_id: str
    name: str | None
    billing_time: str
    subscription_at: datetime | None
    ending_at: datetime | None
    overrides: Given
    purchase_order_number: str | None


def wanted(given: Given, now: datetime) -> tuple[Wanted, Errors]:
    """What a POST asks for, and what is wrong with it: {field: [code]}."""
    errors = _missing(given, ("external_customer_id", "external_id")) | _not_native(given)
    at, ending = moment(given.get("subscription_at")), moment(given.get("ending_at"))
    if given.get("subscription_at") and at is None:
        errors["subscription_at"] = ["invalid_date"]
    if given.get("ending_at") and (ending is None or ending <= max(at or now, now)):
        errors["ending_at"] = ["invalid_date"]
    if given.get("billing_time") not in (None, "", *BILLING_TIMES):
        errors["billing_time"] = ["value_is_invalid"]
    overrides = given.get("plan_overrides") or {}
    if not isinstance(overrides, Mapping):
        errors["plan_overrides"], overrides = ["invalid_format"], {}
    return Wanted(
        external_customer_id=(scalar(given.get("external_customer_id")) or "").strip(),
        plan_code=scalar(given.get("plan_code")) or "",
        external_id=(scalar(given.get("external_id")) or "").strip(),
        name=scalar(given.get("name")) or None,
        billing_time=str(given.get("billing_time") or "calendar"),
        subscription_at=at,
        ending_at=ending,
        overrides=overrides,
        purchase_order_number=scalar(given.get("purchase_order_number")) or None,
    ), errors | too_long(given, TEXTS) | overridden.errors(overrides)


def changes(given: Given, now: datetime) -> Errors:
    """What is wrong with the body of an update."""
    errors = _not_native(given) | too_long(given, TEXTS)
    for name in ("subscription_at", "ending_at"):
        if given.get(name) and moment(given[name]) is None:
            errors[name] = ["invalid_date"]
    ending = moment(given.get("ending_at"))
    if ending and ending <= now:
        errors["ending_at"] = ["invalid_date"]
    if given.get("plan_overrides"):
        errors["plan_overrides"] = ["not_supported_by_native_orders"]
    return errors | ending_errors(given.get("on_termination_credit_note"), given.get("on_termination_invoice"))


def ending_errors(credit_note: object, invoice: object) -> Errors:
    """``on_termination_*`` that native invoicing has no way for."""
    errors: Errors = {}
    if credit_note in ("refund", "offset"):
        errors["on_termination_credit_note"] = ["not_supported_by_native_invoicing"]
    elif credit_note not in (None, "", "credit", "skip"):
        errors["on_termination_credit_note"] = ["invalid_value"]
    if invoice not in (None, "", "generate", "skip"):
        errors["on_termination_invoice"] = ["invalid_value"]
    return errors


def moment(value: object) -> datetime | None:
    """ISO 8601, with or without a time; without a zone it is UTC. None: not a moment that Odoo can keep."""
    text = scalar(value) or ""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if is_kept(found) else None


def decimal(value: object) -> Decimal | None:
    """A number that is not negative and not beyond reason, or None."""
    number = amounts.given(value)
    return number if number is not None and number >= 0 else None


def is_upgrade(old: tuple[Decimal, str], new: tuple[Decimal, str]) -> bool:
    """Amount of a period and interval on both sides: a year of the new plan costs as much or more."""
    return new[0] * PER_YEAR[new[1]] >= old[0] * PER_YEAR[old[1]]


def _missing(given: Given, names: tuple[str, ...]) -> Errors:
    return {name: ["value_is_mandatory"] for name in names if not (scalar(given.get(name)) or "").strip()}


def _not_native(given: Given) -> Errors:
    return {name: ["not_supported_by_native_orders"] for name in NOT_NATIVE if given.get(name)}


def show(row: SubscriptionRow) -> Answer:
    """``row``: the order as plain values (naive UTC datetimes, ``amount_cents`` int, ``change_day`` date)."""
    return {
        "lago_id": row["lago_id"],
        "external_id": row["external_id"],
        "lago_customer_id": row["lago_customer_id"],
        "external_customer_id": row["external_customer_id"],
        "name": row["name"],
        "plan_code": row["plan_code"],
        "plan_amount_cents": row["amount_cents"],
        "plan_amount_currency": row["currency"],
        "status": row["status"],
        "billing_time": row["billing_time"],
        "subscription_at": seconds(row["subscription_at"]),
        "started_at": millis(row["started_at"], row["started_us"]),
        "trial_ended_at": seconds(row["trial_ended_at"]),
        "ending_at": seconds(row["ending_at"]),
        "terminated_at": seconds(row["ended_at"]) if row["status"] == "terminated" else None,
        "canceled_at": seconds(row["ended_at"]) if row["status"] == "canceled" else None,
        "created_at": seconds(row["created_at"]),
        "previous_plan_code": row["previous_plan_code"],
        "next_plan_code": row["next_plan_code"],
        "downgrade_plan_date": day(row["change_day"]),
        "current_billing_period_started_at": seconds(row["period"][0]),
        "current_billing_period_ending_at": seconds(row["period"][1]),
        "on_termination_credit_note": row["on_termination_credit_note"],
        "on_termination_invoice": row["on_termination_invoice"],
        "progressive_billing_disabled": False,
        "consolidate_invoice": True,
        "purchase_order_number": row["purchase_order_number"],
        "cancellation_reason": None,
        "activated_at": seconds(row["started_at"]),
        "payment_method": {"payment_method_id": None, "payment_method_type": "provider"},
        "activation_rules": [],
    }


def whole(shown: Given, plan: Given | None) -> Answer:
    """A subscription as Lago shows a single one; ``plan`` (None: no longer offered) at its own price."""
    own = {"amount_cents": shown["plan_amount_cents"], "amount_currency": shown["plan_amount_currency"]}
    return {
        **shown,
        **({"plan": {**plan, **own}} if plan else {}),
        "entitlements": [],
        "applicable_usage_thresholds": [],
        "applied_invoice_custom_sections": [],
    }


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None
