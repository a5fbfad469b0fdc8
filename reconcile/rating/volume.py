"""Volume charges: one tier prices all units (facts/lago-billing §4.6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from mappings.explain import Step, StepKind
from mappings.money import round_up
from mappings.phrases import Told
from mappings.records import Json
from reconcile.rating.pricing import Priced, Rated, divide, quantity_of, rated_of
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.tiers import ZERO, Tier, tiers


def price_volume(case: Priced) -> Rated:
    """All units at the price of the tier that the total reaches."""
    units = case.aggregation.units
    number = quantity_of(case) if case.prorated else units
    if number == 0 and not case.rules.first_tier_flat_fee:
        return rated_of(case, ZERO, _volume_details(ZERO, ZERO, ZERO), ())
    tier = _volume_tier(tiers(case.properties, "volume_ranges", "per_unit_amount"), number)
    variable = units * tier.price
    amount = variable + tier.flat
    step = Step(
        kind=StepKind.ALL_UNITS_AT_TIER,
        values={"lower": tier.lower},
        units=units,
        unit_price=tier.price,
        flat=tier.flat,
        amount=amount,
    )
    details = _volume_details(tier.flat, divide(variable, number), variable)
    return replace(rated_of(case, amount, details, (step,)), unit_amount=divide(amount, number))


def _volume_tier(ranges: tuple[Tier, ...], number: Decimal) -> Tier:
    for tier in sorted(ranges, key=lambda tier: tier.lower):
        if tier.lower <= round_up(number) and (tier.upper is None or number <= tier.upper):
            return tier
    raise RerateRefused("volume_without_range", Told.NO_VOLUME.of(number))


def _volume_details(flat: Decimal, price: Decimal, variable: Decimal) -> Json:
    return {"flat_unit_amount": flat, "per_unit_amount": price, "per_unit_total_amount": variable}
