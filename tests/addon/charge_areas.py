"""Areas of single steps: charge models, rounding, day counts, the charge minimum, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.addon.plain import (
    aggregate,
    charge_fees,
    charge_models,
    coupons,
    exact,
    inputs,
    invoice,
    lines,
    moments,
    periods,
)
from tests.addon.shapes import differing, milliseconds, order

Input = Mapping[str, Any]
ZERO = Decimal(0)


def number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def given_usage(entry: Input) -> Any:
    custom = entry.get("custom_aggregation")
    return charge_models.Usage(
        units=Decimal(entry["units"]),
        events=entry.get("events_count") or 0,
        full_units=number(entry.get("full_units_number")),
        total_units=number(entry.get("total_aggregated_units")),
        running=[Decimal(v) for v in entry.get("running_total") or []],
        values=[Decimal(v) for v in entry.get("events") or []],
        prorated_values=[Decimal(v) for v in entry.get("events_prorated") or []],
        dynamic_cents=number(entry.get("precise_total_amount_cents")) or ZERO,
        custom_amount=Decimal(custom["amount"]) if custom else ZERO,
    )


@exact.precise
def model(given: Input, entry: Input, expected: Input) -> list[str]:
    """One aggregation through its charge model: amount, unit amount and what the fee stores."""
    charge, usage = given["charge"], given_usage(entry)
    rated = charge_models.rate(
        charge["charge_model"],
        charge["properties"],
        usage,
        currency=charge["amount_currency"],
        prorated=charge["prorated"],
        premium=given["premium"],
    )
    wrong = differing(expected, {}, {"amount": rated.amount, "unit_amount": rated.unit_amount})
    whole = usage.whole_units if charge["prorated"] else usage.units
    negative = usage.units < 0 or rated.amount < 0
    amount = ZERO if negative else rated.amount
    digits = exact.exponent(charge["amount_currency"])
    stored = {"units": ZERO if negative else whole, "precise_amount_cents": amount.scaleb(digits)}
    fee = {"amount_cents": exact.cents(amount, charge["amount_currency"])}
    return wrong + differing(expected["fee"], fee, stored)


def charge_model(given: Input, expected: Input) -> list[str]:
    return model(given, given["aggregation"], expected)


def grouped(given: Input, expected: Input) -> list[str]:
    by_group = {str(entry["grouped_by"]): entry for entry in given["groups"]}
    return [w for group in expected["groups"] for w in model(given, by_group[str(group["grouped_by"])], group)]


def rounding(given: Input, expected: Input) -> list[str]:
    metric = given["billable_metric"]
    function, precision = metric.get("rounding_function"), metric.get("rounding_precision") or 0
    units = exact.round_units(Decimal(given["units"]), function, precision)
    return [] if units == Decimal(expected["units"]) else [f"units: {expected['units']} not {units}"]


def date_diff(given: Input, expected: Input) -> list[str]:
    start, end = moments.moment(given["from_datetime"]), moments.moment(given["to_datetime"])
    return differing(expected, {"days": moments.days_between(start, end, moments.zone(given["timezone"]))}, {})


@exact.precise
def true_up(given: Input, expected: Input) -> list[str]:
    """The minimum over one fee that stands for all of the charge's."""
    currency = given["amount_currency"]
    window = aggregate.Window(
        moments.moment(given["charges_from_datetime"]),
        moments.moment(given["charges_to_datetime"]),
        given["charges_duration_in_days"],
        moments.zone(given["timezone"]),
        upgraded=given["upgraded"],
    )
    least = Decimal(given["min_amount_cents"]).scaleb(-exact.exponent(currency))
    charge = inputs.Charge(lago_id="c", code="c", name="c", metric="m", min_amount=least)
    used = lines.Line(
        kind="charge",
        item="c",
        name="c",
        cents=given["used_amount_cents"],
        precise=Decimal(given["used_precise_amount_cents"]),
    )
    line, wanted = charge_fees.true_up(charge, [used], window, currency), expected["true_up_fee"]
    if wanted is None or line is None:
        return [] if wanted is line else [f"true-up: {wanted} not {line}"]
    return differing(wanted, {"amount_cents": line.cents}, {"precise_amount_cents": line.precise})


def dates(given: Input, expected: Input) -> list[str]:
    """Boundaries of a billing, days of its periods, the price of a day."""
    sub, plan, timezone = given["subscription"], given["plan"], given["customer"]["applicable_timezone"]
    following = given.get("next_subscription")
    row = order("sub", {**plan, "amount_currency": "EUR"}, sub, timezone, fusion_ended_at=sub["terminated_at"])
    if following:
        row["next"] = {
            "fusion_plan_amount": Decimal(following["plan"]["amount_cents"]).scaleb(-2),
            "fusion_interval": following["plan"]["interval"],
        }
    read = inputs.read_order(row)
    names = ("from", "to", "charges_from", "charges_to", "fixed_charges_from", "fixed_charges_to")
    if read is None:  # not started: no boundaries at all
        return differing(expected, {f"{name}_datetime": None for name in names}, {})
    at = given["billing_at"]
    zone = moments.zone(timezone)
    last = given.get("last_invoice_subscription") or {}
    billing = periods.Billing(
        read.sub,
        moments.day_start(date.fromisoformat(at), zone) if len(at) == 10 else moments.moment(at),
        given["current_usage"],
        sub["status"] == "terminated",
        billed_zone=last.get("invoice_timezone") or "",
        charges_billed_to=moments.moment(last.get("charges_to_datetime")),
        fixed_billed_to=moments.moment(last.get("fixed_charges_to_datetime")),
    )
    found = billing.windows()
    moments_found = (
        found.start, found.end, found.charges_start, found.charges_end, found.fixed_start, found.fixed_end,
    )  # fmt: skip
    exactly: dict[str, Any] = {
        f"{name}_datetime": milliseconds(value) for name, value in zip(names, moments_found, strict=True)
    }
    exactly |= {
        "charges_duration_in_days": found.charges_days,
        "fixed_charges_duration_in_days": found.fixed_days,
        "single_day_price": repr(plan["amount_cents"] / found.duration),
        "first_month_in_yearly_period": found.first_month,
        "first_month_in_semiannual_period": found.first_month,
        "first_month_in_first_yearly_period": billing.first_of_all,
        "first_month_in_first_semiannual_period": billing.first_of_all,
    }
    return differing(expected, exactly, {}) + termination(row, given, expected)


def termination(row: dict[str, Any], given: Input, expected: Input) -> list[str]:
    """The boundaries of the last invoice, where the period before was not yet billed."""
    wanted = expected.get("invoice_boundaries_on_termination")
    if not wanted:
        return []
    at = given["billing_at"]
    run = invoice.prepare(row, [], {}, [], at, "subscription_terminating", [], None, True)
    found = run.windows
    exactly = {
        "from_datetime": milliseconds(found.start),
        "to_datetime": milliseconds(found.end),
        "charges_from_datetime": milliseconds(found.charges_start),
        "charges_to_datetime": milliseconds(found.charges_end),
        "fixed_charges_from_datetime": milliseconds(found.fixed_start),
        "fixed_charges_to_datetime": milliseconds(found.fixed_end),
    }
    return differing(wanted, exactly, {})


def coupon_amount(given: Input, expected: Input) -> list[str]:
    coupon = dict(given["applied_coupon"])
    used = coupon.pop("already_credited_amount_cents", None) or 0
    if coupon["coupon_type"] == "percentage":
        coupon["amount_cents"] = None
    else:
        coupon["percentage_rate"] = None
        coupon["amount_cents_remaining"] = (coupon.get("amount_cents") or 0) - used
    amount = coupons.amount(coupon, Decimal(given["base_amount_cents"]), datetime(2026, 1, 1, tzinfo=UTC))
    return differing(expected, {"amount_cents": amount}, {})


MODELS = (
    "standard", "graduated", "graduated_percentage", "package", "percentage", "volume", "dynamic", "custom",
    "prorated_graduated",
)  # fmt: skip
AREAS = {
    **{f"charge_{name}": charge_model for name in MODELS},
    "charge_grouped": grouped,
    "charge_min_amount_true_up": true_up,
    "coupon_amount": coupon_amount,
    "date_diff": date_diff,
    "dates": dates,
    "rounding": rounding,
}
