"""The catalog of a life: taxes, metrics, plans, coupons, with the ids that an API would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.decode import decode
from mappings.records import BillableMetric, Coupon, Plan, Tax

Raw = Mapping[str, Any]
RATES = {
    "t5": "5",
    "t7": "7",
    "t10": "10",
    "t13": "13",
    "t8875": "8.875",
    "t9975": "9.975",
    "t0": "0",
    "t2125": "21.25",
}
SHARED_COUPONS: Sequence[Raw] = (
    {"code": "half", "coupon_type": "percentage", "percentage_rate": "50", "frequency": "forever"},
    {"code": "c50", "coupon_type": "fixed_amount", "amount_cents": 5000, "frequency": "once"},
    {
        "code": "c10r",
        "coupon_type": "percentage",
        "percentage_rate": "10",
        "frequency": "recurring",
        "frequency_duration": 2,
    },
)
# What Lago shows of a plan, a charge or a fixed charge whose request did not say it.
_UNSAID: Raw = {"pay_in_advance": False}
_UNSAID_OF_FIXED: Raw = {**_UNSAID, "prorated": False}
_UNSAID_OF_CHARGE: Raw = {**_UNSAID_OF_FIXED, "invoiceable": True, "min_amount_cents": 0}
_PLACES = {"region": ["us", "eu", "asia"]}
_METRICS: Mapping[str, Raw] = {
    "cnt": {"aggregation_type": "count_agg"},
    "cntf": {"aggregation_type": "count_agg", "filters": {**_PLACES, "tier": ["gold", "silver"]}},
    "calls": {"aggregation_type": "count_agg"},
    "sms": {"aggregation_type": "count_agg"},
    "gb": {"aggregation_type": "sum_agg"},
    "sum": {"aggregation_type": "sum_agg"},
    "sumf": {"aggregation_type": "sum_agg", "filters": {**_PLACES, "tier": ["gold", "silver"]}},
    "sumr": {"aggregation_type": "sum_agg", "recurring": True},
    "sumround": {"aggregation_type": "sum_agg", "rounding_function": "round", "rounding_precision": 1},
    "sumceil": {"aggregation_type": "sum_agg", "rounding_function": "ceil", "rounding_precision": 0},
    "dyn": {"aggregation_type": "sum_agg"},
    "dynf": {"aggregation_type": "sum_agg", "filters": _PLACES},
    "max": {"aggregation_type": "max_agg"},
    "lat": {"aggregation_type": "latest_agg"},
    "uni": {"aggregation_type": "unique_count_agg", "field_name": "user"},
    "unif": {"aggregation_type": "unique_count_agg", "field_name": "user", "filters": _PLACES},
    "unir": {"aggregation_type": "unique_count_agg", "field_name": "user", "recurring": True},
    "ws": {"aggregation_type": "weighted_sum_agg", "weighted_interval": "seconds"},
    "wsr": {"aggregation_type": "weighted_sum_agg", "weighted_interval": "seconds", "recurring": True},
}


def tax(code: str) -> Raw:
    return {"lago_id": f"tax-{code}", "code": code, "rate": RATES[code]}


def taxes_of(codes: Sequence[str] | None) -> list[Raw]:
    return [tax(code) for code in codes or ()]


def taxes() -> tuple[Tax, ...]:
    return tuple(decode(Tax, tax(code), "taxes") for code in RATES)


def metrics() -> tuple[BillableMetric, ...]:
    return tuple(decode(BillableMetric, metric_json(code), "billable_metrics") for code in _METRICS)


def metric_json(code: str) -> Raw:
    """A metric as Lago shows it."""
    raw = _METRICS[code]
    filters = [{"key": key, "values": values} for key, values in raw.get("filters", {}).items()]
    named = {} if raw["aggregation_type"] == "count_agg" else {"field_name": "value"}
    return {"lago_id": f"metric-{code}", "code": code, "recurring": False, **named, **raw, "filters": filters}


def plan(raw: Raw, currency: str) -> Plan:
    return decode(Plan, plan_json(raw, currency), "plans")


def plan_json(raw: Raw, currency: str) -> Raw:
    """The plan as Lago's own page shows it."""
    code = raw["code"]
    commitment = raw.get("minimum_commitment")
    return {
        **_UNSAID,
        **raw,
        "lago_id": f"plan-{code}",
        "name": code,
        "amount_currency": currency,
        "taxes": taxes_of(raw.get("tax_codes")),
        "charges": [_charge(code, charge) for charge in raw.get("charges") or ()],
        "fixed_charges": [fixed_charge(code, charge) for charge in raw.get("fixed_charges") or ()],
        "minimum_commitment": commitment
        and {
            **commitment,
            "lago_id": f"commitment-{code}",
            "taxes": taxes_of(commitment.get("tax_codes")),
        },
        "usage_thresholds": raw.get("usage_thresholds") or [],
    }


def _charge(plan_code: str, raw: Raw) -> Raw:
    code = raw.get("code", raw["billable_metric_code"])
    name = charge_id(plan_code, code)
    return {
        **_UNSAID_OF_CHARGE,
        **raw,
        "code": code,
        "lago_id": name,
        "lago_billable_metric_id": f"metric-{raw['billable_metric_code']}",
        "properties": raw.get("properties") or {},
        "taxes": taxes_of(raw.get("tax_codes")),
        "filters": _filters(name, raw.get("filters") or ()),
    }


def _filters(charge: str, filters: Sequence[Raw]) -> list[Raw]:
    """Two may accept the same values: Lago's fees name the first of them."""
    names = [filter_id(charge, each["values"]) for each in filters]
    own = (f"{name}#{place}" if name in names[:place] else name for place, name in enumerate(names))
    return [{"lago_id": name, **each} for name, each in zip(own, filters, strict=True)]


def fixed_charge(plan_code: str, raw: Raw) -> dict[str, Any]:
    return {
        **_UNSAID_OF_FIXED,
        **raw,
        "lago_id": fixed_charge_id(plan_code, raw["code"]),
        "lago_add_on_id": f"add_on-{raw['add_on_code']}",
        "units": str(raw.get("units", "0")),
        "properties": raw.get("properties") or {},
        "taxes": taxes_of(raw.get("tax_codes")),
    }


def charge_id(plan_code: str, code: str) -> str:
    return f"charge-{plan_code}-{code}"


def fixed_charge_id(plan_code: str, code: str) -> str:
    return f"fixed-{plan_code}-{code}"


def filter_id(charge: str, values: Mapping[str, Sequence[str]]) -> str:
    return f"{charge}-" + "-".join(f"{key}={','.join(values[key])}" for key in sorted(values))


def coupon(raw: Raw, currency: str) -> Coupon:
    return decode(Coupon, coupon_json(raw, currency), "coupons")


def coupon_json(raw: Raw, currency: str) -> Raw:
    """A coupon as Lago shows it."""
    limits = raw.get("applies_to") or {}
    return {
        "amount_currency": currency,
        **raw,
        "lago_id": f"coupon-{raw['code']}",
        "name": raw["code"],
        "limited_plans": bool(limits.get("plan_codes")),
        "plan_codes": limits.get("plan_codes") or [],
        "limited_billable_metrics": bool(limits.get("billable_metric_codes")),
        "billable_metric_codes": limits.get("billable_metric_codes") or [],
    }
