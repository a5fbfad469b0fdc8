"""What an app may write into the catalogue, held against Lago's rules: metrics, coupons, taxes, add-ons, plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from . import amounts, charge_properties
from .overrides import MOST_TRIAL_DAYS, is_cents
from .rows import Given
from .subscriptions import moment
from .texts import Errors, scalar, too_long

AGGREGATIONS = ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "weighted_sum_agg", "latest_agg")
RECURRING = ("sum_agg", "unique_count_agg", "weighted_sum_agg")
IN_ADVANCE = ("count_agg", "sum_agg", "unique_count_agg")
INTERVALS = ("weekly", "monthly", "quarterly", "semiannual", "yearly")
FREQUENCIES = ("once", "recurring", "forever")
ROUNDING = ("round", "ceil", "floor")
USAGE_MODELS = ("standard", "graduated", "graduated_percentage", "package", "percentage", "volume", "dynamic")
FIXED_MODELS = ("standard", "graduated", "volume")
UNSUPPORTED, INVALID, MANDATORY = ["not_supported_by_odoo"], ["value_is_invalid"], ["value_is_mandatory"]
NOT_OF_PLANS = ("usage_thresholds", "entitlements", "metadata", "cascade_updates")
NOT_OF_CHARGES = ("regroup_paid_fees", "applied_pricing_unit", "accepts_target_wallet")
MOST_PERIODS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """What prices of a metric depend on. ``filters``: key -> the values that it declares."""

    aggregation: str
    recurring: bool
    filters: Mapping[str, Sequence[str]]


def missing(given: Given, names: Iterable[str]) -> Errors:
    """The fields that say nothing; False and 0 say something."""
    return {name: MANDATORY for name in names if given.get(name) in (None, "", [], {})}


def _texts(given: Given, *names: str) -> Errors:
    return too_long(given, ("name", "code", "description", "invoice_display_name", *names))


def _flags(given: Given, *names: str) -> Errors:
    return {name: INVALID for name in names if given.get(name) not in (None, True, False)}


def wrong_codes(given: Given, name: str) -> Errors:
    """A field that holds a list of codes, if it holds anything."""
    value = given.get(name)
    fine = value is None or (isinstance(value, list) and all(isinstance(code, str) for code in value))
    return {} if fine else {name: INVALID}


def metric_errors(given: Given, *, new: bool) -> Errors:
    """A billable metric; of a change only what is sent is looked at."""
    found = missing(given, ("name", "code", "aggregation_type")) if new else {}
    kind = given.get("aggregation_type")
    if kind is not None and kind not in AGGREGATIONS:
        found["aggregation_type"] = INVALID
    if kind in AGGREGATIONS and kind != "count_agg" and not scalar(given.get("field_name")):
        found["field_name"] = MANDATORY
    if given.get("recurring") and kind is not None and kind not in RECURRING:
        found["recurring"] = ["not_compatible_with_aggregation_type"]
    if given.get("weighted_interval") not in (None, "", "seconds"):
        found["weighted_interval"] = INVALID
    if given.get("rounding_function") not in (None, "", *ROUNDING):
        found["rounding_function"] = INVALID
    if given.get("rounding_precision") is not None and not _whole(given["rounding_precision"], -50, 50):
        found["rounding_precision"] = INVALID
    if given.get("expression"):
        found["expression"] = UNSUPPORTED
    if given.get("filters") and not is_filters(given["filters"]):
        found["filters"] = INVALID
    return found | _texts(given, "field_name") | _flags(given, "recurring")


def is_filters(value: object) -> bool:
    """``[{"key", "values"}]``, each key once."""
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        return False
    keys = [row.get("key") for row in value]
    return len(set(map(str, keys))) == len(keys) and all(
        isinstance(row.get("key"), str) and row["key"] and is_values(row.get("values")) for row in value
    )


def is_values(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)


def _whole(value: object, least: int, most: int) -> bool:
    number = amounts.given(value)
    return number is not None and number == number.to_integral_value() and least <= number <= most


def tax_errors(given: Given, *, new: bool) -> Errors:
    found = missing(given, ("name", "code", "rate")) if new else {}
    rate = amounts.given(given.get("rate"))
    if "rate" not in found and "rate" in given and (rate is None or not 0 <= rate <= 100):
        found["rate"] = INVALID
    return found | _texts(given) | _flags(given, "applied_to_organization")


def add_on_errors(given: Given, *, new: bool) -> Errors:
    found = missing(given, ("name", "code", "amount_cents", "amount_currency")) if new else {}
    if given.get("amount_cents") is not None and not is_cents(given["amount_cents"]):
        found["amount_cents"] = INVALID
    return found | _texts(given) | wrong_codes(given, "tax_codes")


def coupon_errors(given: Given, *, new: bool) -> Errors:
    found = missing(given, ("name", "code", "coupon_type", "frequency", "expiration")) if new else {}
    kind = given.get("coupon_type")
    if kind is not None and kind not in ("fixed_amount", "percentage"):
        found["coupon_type"] = INVALID
    if kind == "fixed_amount":
        found |= missing(given, ("amount_cents", "amount_currency"))
    if kind == "percentage":
        found |= missing(given, ("percentage_rate",))
    if given.get("amount_cents") is not None and not (is_cents(given["amount_cents"]) and amounts.given(
            given["amount_cents"])):  # fmt: skip
        found["amount_cents"] = ["value_is_out_of_range"]
    if given.get("percentage_rate") is not None and not 0 < (amounts.given(given["percentage_rate"]) or -1) <= 100:
        found["percentage_rate"] = ["value_is_out_of_range"]
    return found | _coupon_times(given) | _texts(given) | _flags(given, "reusable") | _applies_errors(given)


def _coupon_times(given: Given) -> Errors:
    found: Errors = {}
    if given.get("frequency") not in (None, *FREQUENCIES):
        found["frequency"] = INVALID
    if given.get("frequency") == "recurring" and not _whole(given.get("frequency_duration"), 1, MOST_PERIODS):
        found["frequency_duration"] = ["value_is_out_of_range"]
    if given.get("expiration") not in (None, "time_limit", "no_expiration"):
        found["expiration"] = INVALID
    if given.get("expiration") == "time_limit" and moment(given.get("expiration_at")) is None:
        found["expiration_at"] = ["invalid_date"]
    return found


def _applies_errors(given: Given) -> Errors:
    applies = given.get("applies_to")
    if applies is None:
        return {}
    if not isinstance(applies, Mapping):
        return {"applies_to": INVALID}
    return wrong_codes(applies, "plan_codes") | wrong_codes(applies, "billable_metric_codes")


def plan_errors(given: Given, *, new: bool) -> Errors:
    """A plan without its charges: those are ``charge_errors``."""
    wanted = ("name", "code", "interval", "amount_cents", "amount_currency")
    found = missing(given, wanted) if new else {}
    if new and given.get("pay_in_advance") is None:
        found["pay_in_advance"] = MANDATORY
    if given.get("interval") is not None and given["interval"] not in INTERVALS:
        found["interval"] = INVALID
    if given.get("amount_cents") is not None and not is_cents(given["amount_cents"]):
        found["amount_cents"] = INVALID
    trial = amounts.given(given.get("trial_period") or 0)
    if trial is None or not 0 <= trial <= MOST_TRIAL_DAYS:
        found["trial_period"] = INVALID
    commitment = given.get("minimum_commitment")
    if commitment and not (isinstance(commitment, Mapping) and is_cents(commitment.get("amount_cents"))):
        found["minimum_commitment"] = INVALID
    for name in ("charges", "fixed_charges"):
        rows = given.get(name)
        if rows is not None and not (isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)):
            found[name] = ["invalid_format"]
    found |= {name: UNSUPPORTED for name in NOT_OF_PLANS if given.get(name)}
    flags = _flags(given, "pay_in_advance", "bill_charges_monthly", "bill_fixed_charges_monthly")
    return found | flags | _texts(given) | wrong_codes(given, "tax_codes")


def charge_errors(given: Given, metric: KnownMetric) -> Errors:
    """A usage charge of a metric."""
    model = str(given.get("charge_model") or "")
    found = _priced_errors(given, model, USAGE_MODELS)
    if given.get("pay_in_advance") and (metric.aggregation not in IN_ADVANCE or model == "volume"):
        found["pay_in_advance"] = ["invalid_aggregation_type_or_charge_model"]
    if given.get("prorated") and not metric.recurring:
        found["prorated"] = ["invalid_billable_metric_or_charge_model"]
    if model == "dynamic" and metric.aggregation != "sum_agg":
        found["charge_model"] = ["invalid_aggregation_type_or_charge_model"]
    if given.get("min_amount_cents") is not None and not is_cents(given["min_amount_cents"]):
        found["min_amount_cents"] = INVALID
    found |= {name: UNSUPPORTED for name in NOT_OF_CHARGES if given.get(name)}
    return found | _flags(given, "invoiceable") | filter_errors(given.get("filters"), model, metric)


def fixed_charge_errors(given: Given) -> Errors:
    found = _priced_errors(given, str(given.get("charge_model") or ""), FIXED_MODELS)
    units = amounts.given(given.get("units") if given.get("units") is not None else 1)
    if units is None or units < 0:
        found["units"] = INVALID
    return found


def _priced_errors(given: Given, model: str, models: Sequence[str]) -> Errors:
    found = _flags(given, "pay_in_advance", "prorated") | _texts(given) | wrong_codes(given, "tax_codes")
    if model not in models:
        return found | {"charge_model": INVALID if model else MANDATORY}
    if model == "dynamic":
        return found
    wrong = charge_properties.errors(model, given.get("properties"))
    return found | {name if name == "properties" else f"properties.{name}": codes for name, codes in wrong.items()}


def filter_errors(filters: object, model: str, metric: KnownMetric) -> Errors:
    """Prices of some values of a metric's filters."""
    if filters in (None, []):
        return {}
    if not isinstance(filters, list) or not all(isinstance(row, Mapping) for row in filters):
        return {"filters": ["invalid_format"]}
    found: Errors = {}
    for place, row in enumerate(filters):
        if not _declared(row.get("values"), metric):
            found[f"filters.{place}.values"] = INVALID
        wrong = {} if model == "dynamic" else charge_properties.errors(model, row.get("properties"))
        found |= {f"filters.{place}.properties.{name}": codes for name, codes in wrong.items()}
        if too_long(row, ("invoice_display_name",)):
            found[f"filters.{place}.invoice_display_name"] = ["value_is_too_long"]
    return found


def _declared(values: object, metric: KnownMetric) -> bool:
    if not isinstance(values, Mapping) or not values:
        return False
    return all(
        is_values(chosen) and set(chosen) <= {*metric.filters.get(str(key), ()), "__ALL_FILTER_VALUES__"}
        for key, chosen in values.items()
    )


def at(prefix: str, errors: Errors) -> Errors:
    """The same, with where it is."""
    return {f"{prefix}.{name}": codes for name, codes in errors.items()}


def cents(value: object) -> int:
    """Whole cents that were checked before."""
    return int(amounts.given(value) or 0)


def units_text(value: object) -> str:
    """A decimal as the catalogue keeps it."""
    return f"{amounts.given(value) or Decimal(0):f}"
