"""The catalogue in Lago's shapes: plans with their charges, metrics, add-ons, coupons, taxes.

Rows are what Odoo reads of the addon's models; of a many2one only what is said here is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..rating.rows import FilterJson
from . import amounts
from .answers import seconds, stable_id
from .rows import Answer, ChargeRow, CouponRow, MetricRow, ProductRow, ShownCoupon, StoredRow, TaxRow

# Lago keeps these counters for old clients, and has not counted for years
UNCOUNTED = {"customers_count": 0, "active_subscriptions_count": 0, "draft_invoices_count": 0}


def plan(
    row: ProductRow, charges: Sequence[ChargeRow], taxes: Mapping[str, TaxRow], *, fixed_charges: bool, currency: str
) -> Answer:
    """A ``product.template`` of kind plan. ``taxes``: code -> row. Lago's lists leave the fixed charges out."""
    usage = [charge(c, taxes, currency) for c in charges if c["kind"] == "usage"]
    fixed = {"fixed_charges": [fixed_charge(c, taxes) for c in charges if c["kind"] == "fixed"]}
    commitment = minimum_commitment(row, currency)
    return {
        "lago_id": lago_id(row, "plan"),
        "name": row["name"],
        "invoice_display_name": row["fusion_invoice_name"] or None,
        "created_at": seconds(row["create_date"]),
        "code": row["default_code"],
        "interval": row["fusion_interval"] or "monthly",
        "description": row["fusion_description"] or None,
        "amount_cents": amounts.cents(row["fusion_amount"], currency),
        "amount_currency": currency,
        "trial_period": float(row["fusion_trial_days"] or 0),
        "pay_in_advance": row["fusion_pay_in_advance"],
        "bill_charges_monthly": row["fusion_bill_charges_monthly"],
        "bill_fixed_charges_monthly": row["fusion_bill_fixed_charges_monthly"],
        **UNCOUNTED,
        "parent_id": None,
        "pending_deletion": False,
        "charges": usage,
        **(fixed if fixed_charges else {}),
        "entitlements": [],
        "usage_thresholds": [],
        "applicable_usage_thresholds": [],
        "taxes": taxes_of(row["fusion_tax_codes"], taxes),
        **({"minimum_commitment": commitment} if commitment else {}),
    }


def minimum_commitment(row: ProductRow, currency: str) -> Answer | None:
    if not row["fusion_commitment"]:
        return None
    return {
        "lago_id": stable_id("commitment", row["id"]),
        "plan_code": row["default_code"],
        "invoice_display_name": None,
        "amount_cents": amounts.cents(row["fusion_commitment"], currency),
        "interval": row["fusion_interval"] or "monthly",
        "created_at": seconds(row["create_date"]),
        "updated_at": seconds(row["write_date"]),
        "taxes": [],
    }


def charge(row: ChargeRow, taxes: Mapping[str, TaxRow], currency: str) -> Answer:
    """A usage charge. ``row["metric"]``: its metric's row."""
    metric = row["metric"]
    return {
        **_priced(row, taxes),
        "lago_billable_metric_id": lago_id(metric, "metric"),
        "billable_metric_code": metric["code"],
        "invoice_display_name": row["name"] if row["name"] != metric["name"] else None,
        "invoiceable": row["invoiceable"],
        "regroup_paid_fees": None,
        "min_amount_cents": amounts.cents(row["min_amount"], currency),
        "accepts_target_wallet": False,
        "applied_pricing_unit": None,
        "filters": [_filter(item, row["code"]) for item in _json(row["filters"], [])],
    }


def fixed_charge(row: ChargeRow, taxes: Mapping[str, TaxRow]) -> Answer:
    """A fixed charge. ``row["add_on"]``: the row of its product."""
    add_on = row["add_on"]
    return {
        **_priced(row, taxes),
        "lago_add_on_id": lago_id(add_on, "add_on"),
        "add_on_code": add_on["default_code"],
        "invoice_display_name": row["name"] if row["name"] != add_on["name"] else None,
        "units": amounts.text(row["units"] or "0"),
    }


def _priced(row: ChargeRow, taxes: Mapping[str, TaxRow]) -> Answer:
    return {
        "lago_id": lago_id(row, "charge"),
        "code": row["code"] or None,
        "created_at": seconds(row["create_date"]),
        "charge_model": row["charge_model"],
        "pay_in_advance": row["pay_in_advance"],
        "prorated": row["prorated"],
        "properties": _json(row["properties"], {}),
        "lago_parent_id": None,
        "taxes": taxes_of(row["tax_codes"], taxes),
    }


def _filter(item: FilterJson, charge_code: str | None) -> Answer:
    return {
        "lago_id": item.get("lago_id"),
        "charge_code": charge_code,
        "invoice_display_name": item.get("invoice_display_name"),
        "properties": item.get("properties") or {},
        "values": item.get("values") or {},
    }


def metric(row: MetricRow, *, listed: bool = False) -> Answer:
    """A row of ``fusion.billing.metric``; only Lago's lists show the counters."""
    counters = {"active_subscriptions_count": 0, "draft_invoices_count": 0, "plans_count": 0}
    return {
        "lago_id": lago_id(row, "metric"),
        "name": row["name"],
        "code": row["code"],
        "description": row["description"] or None,
        "aggregation_type": row["aggregation"],
        "weighted_interval": row["weighted_interval"] or None,
        "recurring": row["recurring"],
        "rounding_function": row["rounding_function"] or None,
        "rounding_precision": row["rounding_precision"] if row["has_rounding_precision"] else None,
        "created_at": seconds(row["create_date"]),
        "field_name": row["field_name"] or None,
        "expression": None,
        "filters": _json(row["filters"], []),
        **(counters if listed else {}),
    }


def add_on(row: ProductRow, taxes: Mapping[str, TaxRow], currency: str) -> Answer:
    return {
        "lago_id": lago_id(row, "add_on"),
        "name": row["name"],
        "invoice_display_name": row["fusion_invoice_name"] or None,
        "code": row["default_code"],
        "amount_cents": amounts.cents(row["fusion_amount"], currency),
        "amount_currency": currency,
        "created_at": seconds(row["create_date"]),
        "description": row["fusion_description"] or None,
        "taxes": taxes_of(row["fusion_tax_codes"], taxes),
    }


def coupon(row: CouponRow, currency: str | None) -> ShownCoupon:
    """A row of ``fusion.billing.coupon``; ``currency`` of its amount, None for a percentage."""
    fixed = row["coupon_type"] == "fixed_amount"
    return {
        "lago_id": lago_id(row, "coupon"),
        "name": row["name"],
        "code": row["code"],
        "description": row["description"] or None,
        "coupon_type": row["coupon_type"],
        "amount_cents": amounts.cents(row["amount"], currency or "") if fixed else None,
        "amount_currency": currency if fixed else None,
        "percentage_rate": amounts.text(row["percentage_rate"]),
        "frequency": row["frequency"],
        "frequency_duration": row["frequency_duration"] or None,
        "reusable": row["reusable"],
        "limited_plans": row["limited_plans"],
        "limited_billable_metrics": row["limited_metrics"],
        "plan_codes": _json(row["plan_codes"], []),
        "billable_metric_codes": _json(row["metric_codes"], []),
        "created_at": seconds(row["create_date"]),
        "expiration": "time_limit" if row["expires_at"] else "no_expiration",
        "expiration_at": seconds(row["expires_at"]),
        "terminated_at": seconds(row["terminated_at"]),
    }


def tax(row: TaxRow, *, listed: bool = False) -> Answer:
    """A row of ``fusion.billing.tax``; only Lago's lists name the selling entities, which Odoo has not."""
    return {
        "lago_id": lago_id(row, "tax"),
        "name": row["name"],
        "code": row["code"],
        "rate": float(row["rate"] or 0),
        "description": row["description"] or None,
        "applied_to_organization": row["applied_by_default"],
        "add_ons_count": 0,
        "customers_count": 0,
        "plans_count": 0,
        "charges_count": 0,
        "commitments_count": 0,
        "created_at": seconds(row["create_date"]),
        **({"applied_to_billing_entities_codes": []} if listed else {}),
    }


def taxes_of(codes: str | None, taxes: Mapping[str, TaxRow]) -> list[Answer]:
    """The taxes of a JSON list of codes, those that are known."""
    return [tax(taxes[code]) for code in _json(codes, []) if code in taxes]


def lago_id(row: StoredRow, kind: str) -> str:
    """Lago's id of a row that came from Lago, else one that stays the same."""
    return row["fusion_lago_id"] or stable_id(kind, row["id"])


def _json(value: str | None, empty: Any) -> Any:
    """JSON of a text field; what is in it is what its model lets in."""
    return json.loads(value) if value else empty
