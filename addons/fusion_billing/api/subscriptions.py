"""Subscriptions as Lago's API takes and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .answers import millis, seconds
from .customers import Errors, scalar

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
OVERRIDES = (
    "amount_cents", "invoice_display_name", "name", "trial_period", "minimum_commitment", "charges", "description",
)  # fmt: skip
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
    overrides: Mapping[str, Any]
    purchase_order_number: str | None


def wanted(given: Mapping[str, Any], now: datetime) -> tuple[Wanted, Errors]:
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
    ), errors | override_errors(overrides)


def override_errors(overrides: Mapping[str, Any]) -> Errors:
    """What of ``plan_overrides`` an order cannot hold, or is no number."""
    errors: Errors = {}
    for name, value in overrides.items():
        if value is not None and name not in OVERRIDES:
            errors[f"plan_overrides.{name}"] = ["not_supported_by_native_orders"]
    for name, value in (
        ("amount_cents", overrides.get("amount_cents")),
        ("trial_period", overrides.get("trial_period")),
    ):
        if value is not None and decimal(value) is None:
            errors[f"plan_overrides.{name}"] = ["value_is_invalid"]
    commitment = overrides.get("minimum_commitment")
    if commitment is not None and (
        not isinstance(commitment, Mapping) or decimal(commitment.get("amount_cents")) is None
    ):
        errors["plan_overrides.minimum_commitment"] = ["value_is_invalid"]
    charges = overrides.get("charges")
    if charges is not None and not (
        isinstance(charges, list) and all(isinstance(c, Mapping) and c.get("id") for c in charges)
    ):
        errors["plan_overrides.charges"] = ["invalid_format"]
    return errors


def changes(given: Mapping[str, Any], now: datetime) -> Errors:
    """What is wrong with the body of an update."""
    errors = _not_native(given)
    for name in ("subscription_at", "ending_at"):
        if given.get(name) and moment(given[name]) is None:
            errors[name] = ["invalid_date"]
    ending = moment(given.get("ending_at"))
    if ending and ending <= now:
        errors["ending_at"] = ["invalid_date"]
    if given.get("plan_overrides"):
        errors["plan_overrides"] = ["not_supported_by_native_orders"]
    return errors


def ending_errors(credit_note: str | None, invoice: str | None) -> Errors:
    """``on_termination_*`` that native invoicing has no way for."""
    errors: Errors = {}
    if credit_note in ("refund", "offset"):
        errors["on_termination_credit_note"] = ["not_supported_by_native_invoicing"]
    elif credit_note not in (None, "", "credit", "skip"):
        errors["on_termination_credit_note"] = ["invalid_value"]
    if invoice not in (None, "", "generate", "skip"):
        errors["on_termination_invoice"] = ["invalid_value"]
    return errors


def moment(value: Any) -> datetime | None:
    """ISO 8601, with or without a time; without a zone it is UTC. None: not a moment that Odoo can keep."""
    text = scalar(value) or ""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1900 <= found.year <= 9000 else None


def decimal(value: Any) -> Decimal | None:
    """A number that is not negative and not beyond reason, or None."""
    try:
        number = Decimal(scalar(value) or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < Decimal(10) ** 15 else None


def is_upgrade(old: tuple[Decimal, str], new: tuple[Decimal, str]) -> bool:
    """Amount of a period and interval on both sides: a year of the new plan costs as much or more."""
    return new[0] * PER_YEAR[new[1]] >= old[0] * PER_YEAR[old[1]]


def _missing(given: Mapping[str, Any], names: tuple[str, ...]) -> Errors:
    return {name: ["value_is_mandatory"] for name in names if not (scalar(given.get(name)) or "").strip()}


def _not_native(given: Mapping[str, Any]) -> Errors:
    return {name: ["not_supported_by_native_orders"] for name in NOT_NATIVE if given.get(name)}


def show(row: Mapping[str, Any]) -> dict[str, Any]:
    """``row``: the order as plain values (naive UTC datetimes, ``amount_cents`` int, ``change_day`` date)."""
    return {
        **{name: row[name] for name in ("lago_id", "external_id", "lago_customer_id", "external_customer_id")},
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


def whole(shown: Mapping[str, Any], plan: Mapping[str, Any] | None) -> dict[str, Any]:
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
