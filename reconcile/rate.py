"""Units -> amounts: Lago's charge models (facts/lago-billing §4), each explained by its steps.

Amounts are in units of the currency and unrounded: a fee is rounded once, in ``reconcile.fees``. Everything is Decimal
except where Lago itself computes in doubles and it shows (package counts).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

from mappings.explain import Step
from mappings.money import CONTEXT, from_subunits, round_half_up, round_up
from mappings.records import Json
from reconcile.prorated import prorated_graduated
from reconcile.refusal import Refused
from reconcile.rules import LATEST, Rules
from reconcile.tiers import ZERO, Tier, adjacent, decimal_of, tiers

Group = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """Units of one bucket (filter x group), as ``reconcile.usage`` gives them.

    ``units`` are days-weighted when the charge is prorated, ``full_units`` the same quantity without proration.
    ``events`` are the values of the events in order, ``events_prorated`` the same days-weighted.
    """

    units: Decimal
    events_count: int = 0
    full_units: Decimal | None = None
    current_usage_units: Decimal | None = None
    total_aggregated_units: Decimal | None = None  # weighted sum: the running total at the end
    running_total: tuple[Decimal, ...] = ()  # percentage: cumulative units while free units may remain
    events: tuple[Decimal, ...] = ()
    events_prorated: tuple[Decimal, ...] = ()
    precise_total_amount_cents: Decimal | None = None  # dynamic: sum of the events' own prices
    custom_units: Decimal | None = None
    custom_amount: Decimal | None = None
    grouped_by: Group = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """An amount and how it came about. ``amount`` and ``unit_amount`` are in units of the currency, unrounded."""

    amount: Decimal
    unit_amount: Decimal
    units: Decimal
    amount_details: Mapping[str, Any]  # in the shape Lago stores with the fee
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a charge model needs: the charge's prices, one bucket's units, and the rules in force."""

    model: str
    properties: Json
    aggregation: Aggregation
    currency: str
    prorated: bool = False
    pay_in_advance: bool = False
    premium: bool = True
    rules: Rules = LATEST


def rate(
    charge_model: str,
    properties: Json,
    aggregation: Aggregation,
    *,
    currency: str,
    prorated: bool = False,
    pay_in_advance: bool = False,
    premium: bool = True,
    rules: Rules = LATEST,
) -> Rated:
    """Price one bucket's units. Raises ``Refused`` for what Lago could not price either (named reason)."""
    return rate_case(
        Priced(
            model=charge_model,
            properties=properties,
            aggregation=aggregation,
            currency=currency,
            prorated=prorated,
            pay_in_advance=pay_in_advance,
            premium=premium,
            rules=rules,
        )
    )


def rate_case(case: Priced) -> Rated:
    model = MODELS.get(case.model)
    if model is None:
        raise Refused("unknown_charge_model", f"charge model {case.model!r}; known: {', '.join(MODELS)}")
    with localcontext(CONTEXT):
        return model(case)


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Quotient with Ruby's BigDecimal precision (32 significant digits), 0 for a division by 0."""
    if not divisor:
        return ZERO
    context = CONTEXT.copy()
    context.prec = 32
    return context.divide(dividend, divisor)


# --- standard, dynamic, custom ---


def _standard(case: Priced) -> Rated:
    units, price = case.aggregation.units, decimal_of(case.properties, "amount")
    amount = units * price
    step = Step(label="units × price", units=units, unit_price=price, amount=amount)
    return _rated(case, amount, {}, (step,))


def _dynamic(case: Priced) -> Rated:
    cents = case.aggregation.precise_total_amount_cents
    if cents is None:
        raise Refused("dynamic_without_amount", "two groups that look alike (blank and null): Lago fails here too")
    amount = from_subunits(cents, case.currency) if case.aggregation.units else ZERO
    return _rated(case, amount, {}, (Step(label="sum of the events' own prices", amount=amount),))


def _custom(case: Priced) -> Rated:
    amount = case.aggregation.custom_amount or ZERO
    return _rated(case, amount, {}, (Step(label="amount of the metric's own code", amount=amount),))


# --- package ---


def _package(case: Priced) -> Rated:
    free, price = decimal_of(case.properties, "free_units"), decimal_of(case.properties, "amount")
    size = decimal_of(case.properties, "package_size")
    if size <= 0:
        raise Refused("bad_price", f"package_size is {case.properties.get('package_size')!r}, not above 0")
    paid = max(case.aggregation.units - free, ZERO)
    packages = Decimal(math.ceil(float(paid) / float(size)))  # Lago divides doubles here
    amount = packages * price
    used = case.aggregation.units != 0  # Lago shows nothing but zeros for a bucket without units
    details = {
        "free_units": free if used else ZERO,
        "paid_units": paid,
        "per_package_size": int(size) if used else 0,
        "per_package_unit_amount": price if used else ZERO,
    }
    step = Step(label=f"packages of {size} after {free} free units", units=packages, unit_price=price, amount=amount)
    return replace(_rated(case, amount, details, (step,)), unit_amount=divide(amount, paid))


# --- tiers ---


def _graduated(case: Priced) -> Rated:
    ranges = tiers(case.properties, "graduated_ranges", "per_unit_amount")
    if case.prorated:
        return _prorated_graduated(case, ranges)
    decimal_style = case.rules.adjacent_tiers and adjacent(ranges)
    rows = _walk(
        case, ranges, lambda tier: _graduated_units(case.aggregation.units, tier, decimal_style), "per_unit_amount"
    )
    return _tiered(case, "graduated_ranges", rows)


def _prorated_graduated(case: Priced, ranges: tuple[Tier, ...]) -> Rated:
    aggregation = case.aggregation
    if aggregation.units == 0:
        amount = ranges[0].flat if case.rules.first_tier_flat_fee else ZERO
        return _rated(case, amount, {}, (Step(label="flat fee of the first tier", flat=amount, amount=amount),))
    amount, steps = prorated_graduated(ranges, aggregation.events, aggregation.events_prorated)
    rated = _rated(case, amount, {}, steps)
    # by the events' own sum: the metric's rounding does not touch it
    return replace(rated, unit_amount=divide(amount, sum(aggregation.events, ZERO)))


def _graduated_percentage(case: Priced) -> Rated:
    ranges = tiers(case.properties, "graduated_percentage_ranges", "rate")
    rows = _walk(case, ranges, lambda tier: _percentage_tier_units(case.aggregation.units, tier), "rate")
    return _tiered(case, "graduated_percentage_ranges", rows)


def _graduated_units(units: Decimal, tier: Tier, decimal_style: bool) -> Decimal:
    reached = units if tier.upper is None else min(units, tier.upper)
    if tier.lower == 0:
        return reached
    return reached - tier.lower + (0 if decimal_style else 1)


def _percentage_tier_units(units: Decimal, tier: Tier) -> Decimal:
    """Adjacent tiers are not known here: each upper tier then counts one unit too many, as in Lago (facts §4.3)."""
    if tier.upper is not None and units >= tier.upper:
        return tier.upper - (tier.lower or 1) + 1
    return units if tier.lower == 0 else units - tier.lower + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    tier: Tier
    units: Decimal
    variable: Decimal
    price_key: str

    @property
    def total(self) -> Decimal:
        return self.variable + self.tier.flat

    def shown_price(self) -> Decimal:
        """Lago shows no unit price for a graduated tier without units, but the rate of a percentage tier always."""
        return self.tier.price if self.units or self.price_key == "rate" else ZERO

    def details(self) -> Mapping[str, Any]:
        return {
            "from_value": self.tier.raw.get("from_value"),
            "to_value": self.tier.raw.get("to_value"),
            "flat_unit_amount": self.tier.flat,
            self.price_key: self.shown_price(),
            "units": self.units,
            "per_unit_total_amount": self.variable,
            "total_with_flat_amount": self.total,
        }

    def step(self) -> Step:
        label = f"tier {self.tier.lower} to {'∞' if self.tier.upper is None else self.tier.upper}"
        return Step(label=label, units=self.units, unit_price=self.tier.price, flat=self.tier.flat, amount=self.total)


def _walk(
    case: Priced, ranges: Iterable[Tier], units_in: Callable[[Tier], Decimal], price_key: str
) -> tuple[_Row, ...]:
    """The visited tiers: up to the first whose upper bound holds all units."""
    units = case.aggregation.units
    if units == 0 and not case.rules.first_tier_flat_fee:
        return ()
    rows: list[_Row] = []
    for tier in ranges:
        inside = units_in(tier)
        variable = inside * tier.price * (Decimal("0.01") if price_key == "rate" else 1)
        rows.append(_Row(tier=tier, units=inside, variable=variable, price_key=price_key))
        if tier.upper is None or tier.upper >= units:
            break
    return tuple(rows)


def _tiered(case: Priced, key: str, rows: tuple[_Row, ...]) -> Rated:
    amount = sum((row.total for row in rows), ZERO)
    details = {key: [row.details() for row in rows]}
    return _rated(case, amount, details, tuple(row.step() for row in rows))


# --- volume ---


def _volume(case: Priced) -> Rated:
    units = case.aggregation.units
    number = _quantity(case) if case.prorated else units
    if number == 0 and not case.rules.first_tier_flat_fee:
        return _rated(case, ZERO, _volume_details(ZERO, ZERO, ZERO), ())
    tier = _volume_tier(tiers(case.properties, "volume_ranges", "per_unit_amount"), number)
    variable = units * tier.price
    amount = variable + tier.flat
    step = Step(
        label=f"all units at the tier from {tier.lower}",
        units=units,
        unit_price=tier.price,
        flat=tier.flat,
        amount=amount,
    )
    details = _volume_details(tier.flat, divide(variable, number), variable)
    return replace(_rated(case, amount, details, (step,)), unit_amount=divide(amount, number))


def _volume_tier(ranges: tuple[Tier, ...], number: Decimal) -> Tier:
    for tier in sorted(ranges, key=lambda tier: tier.lower):
        if tier.lower <= round_up(number) and (tier.upper is None or number <= tier.upper):
            return tier
    raise Refused("volume_without_range", f"no volume range holds {number} units: Lago fails here too")


def _volume_details(flat: Decimal, price: Decimal, variable: Decimal) -> Mapping[str, Any]:
    return {"flat_unit_amount": flat, "per_unit_amount": price, "per_unit_total_amount": variable}


# --- percentage ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _Percentage:
    """Prices of a percentage charge. ``free_events`` and ``free_units`` are 0 when not set."""

    rate: Decimal
    fixed: Decimal
    free_events: int
    free_units: Decimal
    minimum: Decimal | None
    maximum: Decimal | None


def _percentage(case: Priced) -> Rated:
    prices = _percentage_prices(case)
    aggregation = case.aggregation
    free_value = _free_value(prices, aggregation.running_total)
    free_count = _free_count(prices, aggregation.running_total)
    paid = ZERO if free_value > aggregation.units else aggregation.units - free_value
    paid_events = max(aggregation.events_count - free_count, 0)
    variable = paid * prices.rate / 100
    fixed = paid_events * prices.fixed if aggregation.units else ZERO
    amount = variable + fixed if _unbounded(prices) else _bounded_amount(prices, aggregation.events)
    details = {
        "units": aggregation.units,
        "free_units": free_value,
        "free_events": min(free_count, aggregation.events_count),
        "paid_units": paid,
        "rate": prices.rate,
        "per_unit_total_amount": variable,
        "paid_events": paid_events,
        "fixed_fee_unit_amount": prices.fixed if paid_events else ZERO,
        "fixed_fee_total_amount": fixed,
        "min_max_adjustment_total_amount": amount - variable - fixed,
    }
    return _rated(case, amount, details, _percentage_steps(prices, details))


def _percentage_steps(prices: _Percentage, details: Mapping[str, Any]) -> tuple[Step, ...]:
    steps = [
        Step(
            label=f"{prices.rate} % of units beyond {details['free_units']} free",
            units=details["paid_units"],
            unit_price=prices.rate,
            amount=details["per_unit_total_amount"],
        )
    ]
    if prices.fixed:
        label, total = f"fixed fee beyond {details['free_events']} free events", details["fixed_fee_total_amount"]
        steps.append(Step(label=label, units=Decimal(details["paid_events"]), unit_price=prices.fixed, amount=total))
    if details["min_max_adjustment_total_amount"]:
        label = f"each event held within {prices.minimum} and {prices.maximum}"
        steps.append(Step(label=label, amount=details["min_max_adjustment_total_amount"]))
    return tuple(steps)


def _percentage_prices(case: Priced) -> _Percentage:
    properties = case.properties

    def bound(key: str) -> Decimal | None:
        blank = properties.get(key) in (None, "")
        return None if blank or not case.premium else decimal_of(properties, key)

    return _Percentage(
        rate=decimal_of(properties, "rate"),
        fixed=decimal_of(properties, "fixed_amount"),
        free_events=int(decimal_of(properties, "free_units_per_events")),
        free_units=decimal_of(properties, "free_units_per_total_aggregation"),
        minimum=bound("per_transaction_min_amount"),
        maximum=bound("per_transaction_max_amount"),
    )


def _free_value(prices: _Percentage, running: tuple[Decimal, ...]) -> Decimal:
    if not running or running[-1] == 0:
        return ZERO
    if 0 < prices.free_events < len(running):
        return running[prices.free_events - 1]
    return min(running[-1], prices.free_units) if prices.free_units else running[-1]


def _free_count(prices: _Percentage, running: tuple[Decimal, ...]) -> int:
    below = sum(1 for total in running if total < prices.free_units)
    return min((count for count in (prices.free_events, below) if count), default=0)


def _unbounded(prices: _Percentage) -> bool:
    return prices.minimum is None and prices.maximum is None


def _bounded_amount(prices: _Percentage, events: tuple[Decimal, ...]) -> Decimal:
    """Each event priced on its own, within the bounds; the first ones are free (facts §4.5)."""
    total, left_events, left_units = ZERO, prices.free_events, prices.free_units
    for value in events:
        charged = value
        if left_events > 0 or left_units > 0:
            left_events -= 1
            if prices.free_units == 0:
                continue
            if left_units > value:
                left_units -= value
                continue
            charged, left_events, left_units = value - left_units, 0, ZERO
        total += _within(prices, charged * prices.rate / 100 + prices.fixed)
    return total


def _within(prices: _Percentage, amount: Decimal) -> Decimal:
    if prices.minimum is not None and amount < prices.minimum:
        return prices.minimum
    if prices.maximum is not None and amount > prices.maximum:
        return prices.maximum
    return amount


# --- common ---


def _quantity(case: Priced) -> Decimal:
    """What the unit price divides by: units without proration where they are known."""
    full = case.aggregation.full_units
    return case.aggregation.units if full is None else full


def _rated(case: Priced, amount: Decimal, details: Mapping[str, Any], steps: tuple[Step, ...]) -> Rated:
    return Rated(
        amount=amount,
        unit_amount=divide(amount, _quantity(case)),
        units=case.aggregation.units,
        amount_details=details,
        steps=steps,
    )


MODELS: Mapping[str, Callable[[Priced], Rated]] = {
    "standard": _standard,
    "graduated": _graduated,
    "graduated_percentage": _graduated_percentage,
    "package": _package,
    "percentage": _percentage,
    "volume": _volume,
    "dynamic": _dynamic,
    "custom": _custom,
}


_RECOMPUTED = ("standard", "graduated", "package", "volume")


def projected(case: Priced, rated: Rated, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Units and amount extrapolated to the whole period; ``ratio`` is the elapsed share of it (0 gives 0)."""
    if ratio <= 0:
        return ZERO, ZERO
    with localcontext(CONTEXT):
        units = round_half_up(divide(rated.units, ratio), 2)
        if case.model not in _RECOMPUTED or (case.model == "graduated" and case.prorated):
            return units, divide(rated.amount, ratio)
        if (case.model == "graduated" and units <= 0) or not units:
            return units, ZERO  # without flat fees
        whole = replace(case, aggregation=replace(case.aggregation, units=units, full_units=None))
        return units, MODELS[case.model](whole).amount
