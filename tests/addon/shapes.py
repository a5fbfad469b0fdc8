"""A vector's input as rows of Odoo, the shape the addon's rating takes; and the comparing of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.addon.plain import exact

Row = dict[str, Any]


def units(cents: Any, currency: str) -> str:
    return f"{Decimal(str(cents)).scaleb(-exact.exponent(currency)):f}"


def metric(given: Mapping[str, Any]) -> Row:
    return {
        "code": given["code"],
        "aggregation": given["aggregation_type"],
        "field_name": given.get("field_name") or "value",
        "recurring": given.get("recurring") or False,
        "rounding_function": given.get("rounding_function"),
        "rounding_precision": given.get("rounding_precision") or 0,
        "has_rounding_precision": given.get("rounding_precision") is not None,
        "filters": given.get("filters"),
    }


def metrics(plan: Mapping[str, Any]) -> dict[str, Row]:
    return {c["billable_metric"]["code"]: metric(c["billable_metric"]) for c in plan.get("charges") or []}


def charge(given: Mapping[str, Any], currency: str) -> Row:
    filters = [{**entry, "lago_id": f"f{number}"} for number, entry in enumerate(given.get("filters") or [])]
    least = given.get("min_amount_cents")
    return {
        "fusion_lago_id": given["code"],
        "code": given["code"],
        "name": given["code"],
        "kind": "usage",
        "metric": given["billable_metric"]["code"],
        "charge_model": given["charge_model"],
        "properties": given.get("properties"),
        "filters": filters,
        "pay_in_advance": given.get("pay_in_advance"),
        "prorated": given.get("prorated"),
        "invoiceable": True,
        "min_amount": units(least, currency) if least else "",
    }


def charges(plan: Mapping[str, Any]) -> list[Row]:
    return [charge(given, plan["amount_currency"]) for given in plan.get("charges") or []]


def order(external_id: str, plan: Mapping[str, Any], sub: Mapping[str, Any], timezone: str, **more: Any) -> Row:
    currency = plan["amount_currency"]
    return {
        "fusion_lago_id": sub.get("key") or external_id,
        "fusion_external_id": external_id,
        "fusion_plan_code": plan.get("code"),
        "plan_lago_id": plan.get("code", "plan"),
        "fusion_interval": plan["interval"],
        "fusion_billing_time": sub["billing_time"],
        "fusion_anchor": sub["subscription_at"],
        "fusion_started_at": sub["started_at"],
        "fusion_created_at": sub.get("created_at") or sub["started_at"],
        "fusion_trial_days": str(plan.get("trial_period") or ""),
        "fusion_pay_in_advance": plan.get("pay_in_advance"),
        "fusion_bill_charges_monthly": plan.get("bill_charges_monthly"),
        "fusion_bill_fixed_charges_monthly": plan.get("bill_fixed_charges_monthly"),
        "fusion_plan_amount": units(plan["amount_cents"], currency),
        "fusion_commitment": units((plan.get("minimum_commitment") or {}).get("amount_cents") or 0, currency),
        "fusion_timezone": timezone,
        "currency": currency,
        **more,
    }


def usage(events: Sequence[Mapping[str, Any]], default: str) -> list[Row]:
    return [{**e, "external_subscription_id": e.get("external_subscription_id") or default} for e in events]


def milliseconds(at: datetime | None) -> str | None:
    """As the vectors write a moment: floored to milliseconds."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def close(expected: Any, got: Decimal) -> bool:
    """Equal to 1e-12 of its size; stored decimals have 15 digits after the point."""
    wanted = Decimal(str(expected))
    gap = abs(wanted - got)
    return gap <= max(Decimal("1e-12") * max(abs(wanted), abs(got)), Decimal("1e-14"))


def differing(expected: Mapping[str, Any], exactly: Mapping[str, Any], nearly: Mapping[str, Decimal]) -> list[str]:
    """What is not as expected; names that the vector does not have are not compared."""
    wrong = [f"{n}: {expected[n]} not {v}" for n, v in exactly.items() if n in expected and expected[n] != v]
    for name, value in nearly.items():
        if expected.get(name) is not None and not close(expected[name], value):
            wrong.append(f"{name}: {expected[name]} not {value}")
    return wrong
