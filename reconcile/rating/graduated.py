"""Graduated charges: each tier prices the units inside it, by unit or by percentage (facts/lago-billing §4.2, §4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from mappings.explain import Step, StepKind, given
from mappings.records import Json
from reconcile.rating.pricing import Priced, Rated, divide, rated_of
from reconcile.rating.prorated import prorated_graduated
from reconcile.rating.tiers import ZERO, Tier, adjacent, tiers


def price_graduated(case: Priced) -> Rated:
    """Each tier at its own price, and its flat fee once it is reached."""
    ranges = tiers(case.properties, "graduated_ranges", "per_unit_amount")
    if case.prorated:
        return _price_prorated(case, ranges)
    decimal_style = case.rules.adjacent_tiers and adjacent(ranges)
    rows = _walk(
        case, ranges, lambda tier: _graduated_units(case.aggregation.units, tier, decimal_style), "per_unit_amount"
    )
    return _tiered(case, "graduated_ranges", rows)


def _price_prorated(case: Priced, ranges: tuple[Tier, ...]) -> Rated:
    aggregation = case.aggregation
    if aggregation.units == 0:
        amount = ranges[0].flat if case.rules.first_tier_flat_fee else ZERO
        return rated_of(case, amount, {}, (Step(kind=StepKind.FIRST_TIER_FLAT, flat=amount, amount=amount),))
    amount, steps = prorated_graduated(ranges, aggregation.events, aggregation.events_prorated)
    rated = rated_of(case, amount, {}, steps)
    # by the events' own sum: the metric's rounding does not touch it
    return replace(rated, unit_amount=divide(amount, sum(aggregation.events, ZERO)))


def price_graduated_percentage(case: Priced) -> Rated:
    """Each tier at its own share of the amount, and its flat fee once it is reached."""
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

    def details(self) -> Json:
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
        tier = self.tier
        return Step(
            kind=StepKind.TIER_RANGE,
            values=given(lower=tier.lower, upper=tier.upper),
            units=self.units,
            unit_price=tier.price,
            flat=tier.flat,
            amount=self.total,
        )


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
    return rated_of(case, amount, details, tuple(row.step() for row in rows))
