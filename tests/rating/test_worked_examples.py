"""Each property of each charge model, in both ratings, held to an amount that was worked out by hand.

The arithmetic is beside each amount; the rules are those of facts/lago-billing §4. A property that one rating reads
otherwise than the other, or that neither reads, fails here before any vector has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest

from mappings.prices import MODELS
from reconcile.rating import charge_models
from reconcile.rating.aggregation import Aggregation
from tests.addon.plain import charge_models as addon

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """What events of ``values`` cost with ``properties``, and what with ``other`` in the place of one of them."""

    properties: Properties
    values: Sequence[str]
    amount: str
    other: object
    becomes: str


def tiers(name: str, *, per_unit: str = "", rate: str = "", flat: str = "", upper: int = 10) -> Properties:
    """Two tiers whose first ends at ``upper``; what is given is of the second, the first costs 1 (or 5 %) and 2."""
    own, first = ("rate", "5") if name.startswith("graduated_p") else ("per_unit_amount", "1")
    second = {own: rate or per_unit or "0.5", "flat_amount": flat or "3"}
    return {
        name: [
            {"from_value": 0, "to_value": upper, own: first, "flat_amount": "2"},
            {"from_value": upper + (own == "rate"), "to_value": None, **second},  # shares count whole units
        ]
    }


PACKAGE = {"amount": "5", "package_size": 10, "free_units": "3"}
SHARE = {"rate": "2"}
SALES = ("100", "200", "300")
TIERED, SHARED, BY_VOLUME = "graduated_ranges", "graduated_percentage_ranges", "volume_ranges"

EXAMPLES: Mapping[tuple[str, str], Example] = {
    ("standard", "amount"): Example({"amount": "0.25"}, ("12",), "3.00", "0.5", "6.00"),
    # 25 units, 3 of them free: 22 are 3 packages of 10
    ("package", "amount"): Example(PACKAGE, ("25",), "15", "6", "18"),
    ("package", "package_size"): Example(PACKAGE, ("25",), "15", 5, "25"),  # 22 are 5 packages of 5
    ("package", "free_units"): Example(PACKAGE, ("25",), "15", "5", "10"),  # 20 are 2 packages of 10
    ("percentage", "rate"): Example(SHARE, SALES, "12", "3", "18"),
    # 12, and 0.50 (1.00) for each of three
    ("percentage", "fixed_amount"): Example({**SHARE, "fixed_amount": "0.5"}, SALES, "13.5", "1", "15"),
    # the first event (two) free: 500 (300) at 2 %, and 1 for each of the other two (the other one)
    ("percentage", "free_units_per_events"): Example(
        {**SHARE, "fixed_amount": "1", "free_units_per_events": 1}, SALES, "12", 2, "7"
    ),
    # 600 - 150 (- 250) at 2 %
    ("percentage", "free_units_per_total_aggregation"): Example(
        {**SHARE, "free_units_per_total_aggregation": "150"}, SALES, "9", "250", "7"
    ),
    # 2, 4 and 6, at least 3 (5) each
    ("percentage", "per_transaction_min_amount"): Example(
        {**SHARE, "per_transaction_min_amount": "3"}, SALES, "13", "5", "16"
    ),
    # 2, 4 and 6, at most 5 (3) each
    ("percentage", "per_transaction_max_amount"): Example(
        {**SHARE, "per_transaction_max_amount": "5"}, SALES, "11", "3", "8"
    ),
    # 15 units: 10 at 1 and 2 flat; 5 at 0.5 (0.7) and 3 (4) flat
    ("graduated", "per_unit_amount"): Example(tiers(TIERED), ("15",), "17.5", tiers(TIERED, per_unit="0.7"), "18.5"),
    ("graduated", "flat_amount"): Example(tiers(TIERED), ("15",), "17.5", tiers(TIERED, flat="4"), "18.5"),
    # the first tier ends at 12: 12 at 1 and 2 flat; 3 at 0.5 and 3 flat
    ("graduated", TIERED): Example(tiers(TIERED), ("15",), "17.5", tiers(TIERED, upper=12), "18.5"),
    # 15 units, all of them at the second tier's price: 0.5 (0.7) and 3 (4) flat
    ("volume", "per_unit_amount"): Example(tiers(BY_VOLUME), ("15",), "10.5", tiers(BY_VOLUME, per_unit="0.7"), "13.5"),
    ("volume", "flat_amount"): Example(tiers(BY_VOLUME), ("15",), "10.5", tiers(BY_VOLUME, flat="4"), "11.5"),
    # the first tier ends at 20: all of them at its price
    ("volume", BY_VOLUME): Example(tiers(BY_VOLUME), ("15",), "10.5", tiers(BY_VOLUME, upper=20), "17"),
    # 150: 100 at 5 % and 2 flat; 50 at 2 % (4 %) and 3 (4) flat
    ("graduated_percentage", "rate"): Example(
        tiers(SHARED, rate="2", upper=100), ("150",), "11", tiers(SHARED, rate="4", upper=100), "12"
    ),
    ("graduated_percentage", "flat_amount"): Example(
        tiers(SHARED, rate="2", upper=100), ("150",), "11", tiers(SHARED, rate="2", flat="4", upper=100), "12"
    ),
    # the first tier ends at 120: 120 at 5 % and 2 flat; 30 at 2 % and 3 flat
    ("graduated_percentage", SHARED): Example(
        tiers(SHARED, rate="2", upper=100), ("150",), "11", tiers(SHARED, rate="2", upper=120), "11.6"
    ),
}


def with_other(name: str, example: Example) -> Properties:
    """The other properties: the whole ranges, where the example has them, else the one of that name."""
    return example.other if isinstance(example.other, Mapping) else {**example.properties, name: example.other}


def running(properties: Properties, values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The totals that free units are taken from: none where nothing is free."""
    events = int(properties.get("free_units_per_events", 0))
    is_free = events or "free_units_per_total_aggregation" in properties
    return tuple(accumulate(values))[: events or None] if is_free else ()


def by_the_rerate(model: str, properties: Properties, values: Sequence[Decimal]) -> Decimal:
    units = sum(values, Decimal())
    aggregation = Aggregation(
        units=units, events_count=len(values), events=tuple(values), running_total=running(properties, values)
    )
    return charge_models.rate(model, dict(properties), aggregation, currency="CAD").amount


def by_the_addon(model: str, properties: Properties, values: Sequence[Decimal]) -> Decimal:
    units = sum(values, Decimal())
    usage = addon.Usage(units=units, events=len(values), values=tuple(values), running=running(properties, values))
    amount: Decimal = addon.rate(model, dict(properties), usage, currency="CAD").amount
    return amount


RATINGS = {"the re-rate": by_the_rerate, "the addon": by_the_addon}


@pytest.mark.parametrize("rating_of", RATINGS)
@pytest.mark.parametrize("key", EXAMPLES, ids="/".join)
def test_a_property_moves_the_amount_as_it_was_worked_out(key: tuple[str, str], rating_of: str) -> None:
    (model, name), example = key, EXAMPLES[key]
    rate, values = RATINGS[rating_of], [Decimal(value) for value in example.values]
    assert rate(model, example.properties, values) == Decimal(example.amount)
    assert rate(model, with_other(name, example), values) == Decimal(example.becomes)


def test_every_property_of_every_charge_model_has_a_worked_example() -> None:
    assert EXAMPLES.keys() == {
        (model, name)
        for model, prices in MODELS.items()
        for name in (*prices.numbers, *(prices.in_range or {}), *([prices.ranges] if prices.ranges else []))
    }


def test_a_rating_that_forgets_a_property_is_seen() -> None:
    """The test of the test: an example whose two amounts are one would let a property pass that nobody reads."""
    for example in EXAMPLES.values():
        assert Decimal(example.amount) != Decimal(example.becomes), example
