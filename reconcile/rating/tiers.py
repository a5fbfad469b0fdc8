"""Price ranges of a charge and the numbers in its properties, checked once (facts/lago-billing §1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from mappings.phrases import Told
from mappings.prices import gap_in
from mappings.records import Json
from reconcile.rating.refusal import RerateRefused

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A range of units and its price.

    ``upper`` is inclusive, None for the last; ``price`` is per unit or a rate in percent; ``raw`` as Lago gave it.
    """

    lower: Decimal
    upper: Decimal | None
    price: Decimal
    flat: Decimal
    raw: Json


def tiers(properties: Json, key: str, price_key: str) -> tuple[Tier, ...]:
    """The ranges of a charge in stored order. Refused: none, not starting at 0, with a gap, or closed at the end."""
    raw = properties.get(key)
    if not isinstance(raw, (list, tuple)) or not raw:
        raise RerateRefused("no_price_range", Told.IS_EMPTY.of(key))
    ranges = tuple(_tier(key, item, price_key) for item in raw)
    gap = gap_in([(tier.lower, tier.upper) for tier in ranges])
    if gap:
        raise RerateRefused("price_range_gap", Told.OF_PLACE.of(key, gap))
    return ranges


def _tier(key: str, raw: Json, price_key: str) -> Tier:
    return Tier(
        lower=decimal_of(raw, "from_value", key),
        upper=None if raw.get("to_value") is None else decimal_of(raw, "to_value", key),
        price=decimal_of(raw, price_key, key),
        flat=decimal_of(raw, "flat_amount", key),
        raw=raw,
    )


def adjacent(ranges: tuple[Tier, ...]) -> bool:
    """Decimal tiers: each starts where the one before ends. One pair that does not makes all of them integer tiers."""
    return len(ranges) > 1 and all(before.upper == after.lower for before, after in pairwise(ranges))


def decimal_of(properties: Json, key: str, place: str = "properties") -> Decimal:
    """A number of a charge's properties: JSON number or decimal text; absent, null and blank are 0."""
    value = properties.get(key)
    if value is None or value == "":
        return ZERO
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RerateRefused("bad_price", Told.NOT_A_NUMBER.of(place, key, repr(value)))
    return number
