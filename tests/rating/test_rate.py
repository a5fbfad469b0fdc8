"""Charge models: amounts at every edge, their details, their steps, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.rating.aggregation import Aggregation
from reconcile.rating.charge_models import MODELS, rate, rate_case
from reconcile.rating.pricing import Priced, Rated, divide
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import LATEST, rules_for
from tests.vectors_support.projection import projected

D = Decimal
BEFORE_FLAT_FEE = rules_for("v1.50.0")
BEFORE_ADJACENT = rules_for("v1.44.0")


def tier(lower: Any, upper: Any, price: Any, flat: Any = "0", key: str = "per_unit_amount") -> dict[str, Any]:
    return {"from_value": lower, "to_value": upper, key: price, "flat_amount": flat}


GRADUATED = {"graduated_ranges": [tier(0, 10, "10", "2"), tier(11, 20, "5", "3"), tier(21, None, "5", "3")]}
ADJACENT = {"graduated_ranges": [tier(0, D("0.1"), "10"), tier(D("0.1"), 1, "5"), tier(1, None, "2")]}
MIXED = {"graduated_ranges": [tier(0, 10, "1"), tier(10, 20, "1"), tier(21, None, "1")]}
SHARES = {
    "graduated_percentage_ranges": [
        tier(0, 10, "1", "200", "rate"),
        tier(11, 20, "2", "300", "rate"),
        tier(21, None, "3", "400", "rate"),
    ]
}
VOLUME = {"volume_ranges": [tier(0, 100, "2", "10"), tier(101, 200, "1"), tier(201, None, "0.5", "50")]}
RUNNING = (D(50), D(150), D(400))


def rated(model: str, properties: Mapping[str, Any], units: Any, **more: Any) -> Rated:
    options = {key: more.pop(key) for key in ("currency", "prorated", "premium", "rules") if key in more}
    return rate(model, properties, Aggregation(units=D(units), **more), **{"currency": "CAD", **options})


def amount(model: str, properties: Mapping[str, Any], units: Any, **more: Any) -> Decimal:
    return rated(model, properties, units, **more).amount


# --- standard, dynamic, custom ---


def test_standard_is_units_times_price() -> None:
    found = rated("standard", {"amount": "5.12345"}, 10)
    assert (found.amount, found.unit_amount, found.units) == (D("51.2345"), D("5.12345"), D(10))
    assert found.amount_details == {}
    (step,) = found.steps
    assert (step.units, step.unit_price, step.amount) == (10, D("5.12345"), D("51.2345"))


def test_unit_price_divides_by_units_without_proration() -> None:
    assert rated("standard", {"amount": "6"}, "2.5", full_units=D(5), prorated=True).unit_amount == 3


def test_standard_keeps_every_digit() -> None:
    assert amount("standard", {"amount": "0.000000000000001"}, "12345678901234567890.123456789012345") == D(
        "12345.678901234567890123456789012345"
    )


def test_dynamic_takes_the_events_own_prices() -> None:
    assert amount("dynamic", {}, 20, precise_total_amount_cents=D("40.2")) == D("0.402")
    assert amount("dynamic", {}, 20, precise_total_amount_cents=D("40.2"), currency="JPY") == D("40.2")
    assert amount("dynamic", {}, 20, precise_total_amount_cents=D("40.2"), currency="KWD") == D("0.0402")
    assert amount("dynamic", {}, 0, precise_total_amount_cents=D("40.2")) == 0


def test_dynamic_without_a_sum_is_refused() -> None:
    with pytest.raises(RerateRefused) as refused:
        rated("dynamic", {}, 20)
    assert refused.value.reason == "dynamic_without_amount"


def test_custom_takes_the_given_amount() -> None:
    assert amount("custom", {}, 2, custom_amount=D("7.5")) == D("7.5")
    assert amount("custom", {}, 2) == 0


# --- package ---


@pytest.mark.parametrize(
    ("free", "units", "expected"),
    [
        (0, 121, 1300),
        (0, 120, 1200),
        (0, "120.0001", 1300),
        (10, 121, 1200),
        (200, 121, 0),
        (0, 0, 0),
        (10, 10, 0),
        (10, "10.1", 100),
        (0, -5, 0),
    ],
)
def test_package(free: int, units: Any, expected: int) -> None:
    assert amount("package", {"amount": "100", "package_size": 10, "free_units": free}, units) == expected


def test_package_details_and_unit_price() -> None:
    found = rated("package", {"amount": "100", "package_size": 10, "free_units": 1}, 26)
    assert found.amount_details == {
        "free_units": 1,
        "paid_units": 25,
        "per_package_size": 10,
        "per_package_unit_amount": 100,
    }
    assert found.unit_amount == 12, "by the units paid for"
    assert (found.steps[0].units, found.steps[0].unit_price, found.steps[0].amount) == (3, 100, 300)


def test_package_shows_zeros_without_units() -> None:
    found = rated("package", {"amount": "100", "package_size": 10, "free_units": 1}, 0)
    assert set(found.amount_details.values()) == {0}
    assert found.unit_amount == 0


@pytest.mark.parametrize("size", [0, -1, None, "x"])
def test_package_size_must_be_positive(size: Any) -> None:
    with pytest.raises(RerateRefused) as refused:
        rated("package", {"amount": "1", "package_size": size}, 1)
    assert refused.value.reason == "bad_price"
    assert "package_size" in str(refused.value)


# --- graduated ---


@pytest.mark.parametrize(
    ("units", "expected"), [(0, 2), (1, 12), (10, 102), (11, 110), (12, 115), (20, 155), (21, 163), (-1, -8)]
)
def test_graduated(units: int, expected: int) -> None:
    assert amount("graduated", GRADUATED, units) == expected


@pytest.mark.parametrize(("units", "expected"), [("10.5", "107.5"), ("10.000001", "105.000005"), ("20.5", "160.5")])
def test_fractions_between_integer_tiers_belong_to_the_upper_one(units: str, expected: str) -> None:
    assert amount("graduated", GRADUATED, units) == D(expected)


@pytest.mark.parametrize(("units", "expected"), [("0.05", "0.5"), ("0.1", "1"), ("0.5", "3"), (1, "5.5"), (3, "9.5")])
def test_adjacent_tiers(units: Any, expected: str) -> None:
    assert amount("graduated", ADJACENT, units) == D(expected)


def test_adjacent_tiers_counted_one_too_many_before_they_were_known() -> None:
    assert amount("graduated", ADJACENT, "0.5", rules=BEFORE_ADJACENT) == D("1") + D("1.4") * 5


def test_one_pair_that_is_not_adjacent_makes_all_tiers_integer_ones() -> None:
    assert amount("graduated", MIXED, 15) == 10 + 6


def test_a_single_open_tier() -> None:
    assert amount("graduated", {"graduated_ranges": [tier(0, None, "2", "1")]}, 7) == 15


def test_flat_fee_of_the_first_tier_without_units_is_a_rule_of_newer_versions() -> None:
    assert amount("graduated", GRADUATED, 0, rules=BEFORE_FLAT_FEE) == 0
    assert amount("graduated", GRADUATED, 1, rules=BEFORE_FLAT_FEE) == 12
    assert amount("graduated_percentage", SHARES, 0, rules=BEFORE_FLAT_FEE) == 0
    assert amount("volume", VOLUME, 0, rules=BEFORE_FLAT_FEE) == 0
    assert amount("volume", VOLUME, 1, rules=BEFORE_FLAT_FEE) == 12


def test_graduated_details() -> None:
    found = rated("graduated", GRADUATED, 12)
    assert found.amount_details == {
        "graduated_ranges": [
            {
                "from_value": 0,
                "to_value": 10,
                "flat_unit_amount": 2,
                "per_unit_amount": 10,
                "units": 10,
                "per_unit_total_amount": 100,
                "total_with_flat_amount": 102,
            },
            {
                "from_value": 11,
                "to_value": 20,
                "flat_unit_amount": 3,
                "per_unit_amount": 5,
                "units": 2,
                "per_unit_total_amount": 10,
                "total_with_flat_amount": 13,
            },
        ]
    }
    assert [(step.units, step.unit_price, step.flat, step.amount) for step in found.steps] == [
        (10, 10, 2, 102),
        (2, 5, 3, 13),
    ]


def test_a_tier_without_units_shows_no_unit_price() -> None:
    (row,) = rated("graduated", GRADUATED, 0).amount_details["graduated_ranges"]
    assert (row["per_unit_amount"], row["units"], row["total_with_flat_amount"]) == (0, 0, 2)
    (share,) = rated("graduated_percentage", SHARES, 0).amount_details["graduated_percentage_ranges"]
    assert share["rate"] == 1


# --- graduated percentage ---


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, "200"),
        (1, "200.01"),
        (10, "200.10"),
        ("10.5", "500.11"),
        (11, "500.12"),
        (12, "500.14"),
        (20, "500.3"),
        (21, "900.33"),
        (-5, "199.95"),
    ],
)
def test_graduated_percentage(units: Any, expected: str) -> None:
    assert amount("graduated_percentage", SHARES, units) == D(expected)


def test_graduated_percentage_counts_one_too_many_in_adjacent_tiers() -> None:
    ranges = {"graduated_percentage_ranges": [tier(0, 1, "100", "0", "rate"), tier(1, None, "100", "0", "rate")]}
    assert amount("graduated_percentage", ranges, "1.5") == 1 + D("1.5")


# --- volume ---


@pytest.mark.parametrize(
    ("units", "expected"),
    [(0, 10), (1, 12), (100, 210), ("100.5", "100.5"), (101, 101), (200, 200), ("200.5", "150.25"), (300, 200)],
)
def test_volume(units: Any, expected: Any) -> None:
    assert amount("volume", VOLUME, units) == D(expected)


def test_volume_prorated_finds_the_tier_by_full_units() -> None:
    found = rated("volume", VOLUME, "198.6", full_units=D(300), prorated=True)
    assert found.amount == D("149.3")
    assert found.unit_amount == divide(D("149.3"), D(300))
    assert found.amount_details["per_unit_amount"] == divide(D("99.3"), D(300))


def test_volume_not_prorated_ignores_full_units() -> None:
    assert amount("volume", VOLUME, 1, full_units=D(300)) == 12


def test_volume_details() -> None:
    assert rated("volume", VOLUME, 4).amount_details == {
        "flat_unit_amount": 10,
        "per_unit_amount": 2,
        "per_unit_total_amount": 8,
    }
    (step,) = rated("volume", VOLUME, 4).steps
    assert (step.units, step.unit_price, step.flat, step.amount) == (4, 2, 10, 18)


def test_volume_sorts_its_ranges() -> None:
    shuffled = {"volume_ranges": [tier(0, None, "9"), tier(0, 10, "1")]}
    with pytest.raises(RerateRefused):
        rated("volume", shuffled, 5)


def test_negative_volume_is_refused_as_lago_fails() -> None:
    with pytest.raises(RerateRefused) as refused:
        rated("volume", VOLUME, -1)
    assert refused.value.reason == "volume_without_range"


# --- percentage ---


def percentage(**more: Any) -> dict[str, Any]:
    return {"rate": "1.3", "fixed_amount": "2", **more}


@pytest.mark.parametrize(
    ("free_events", "free_units", "expected"),
    [(3, "250", "11.15"), (None, "250", "11.15"), (3, None, "7.2"), (3, "500", "7.2"), (None, None, "18.4")],
)
def test_percentage_free_units(free_events: Any, free_units: Any, expected: str) -> None:
    properties = percentage(free_units_per_events=free_events, free_units_per_total_aggregation=free_units)
    running = RUNNING if free_events or free_units else ()
    assert amount("percentage", properties, 800, events_count=4, running_total=running) == D(expected)


def test_percentage_without_units_has_no_fixed_fee_either() -> None:
    assert amount("percentage", percentage(), 0, events_count=4) == 0


def test_percentage_all_free() -> None:
    found = rated("percentage", percentage(free_units_per_events=5), 400, events_count=4, running_total=RUNNING)
    assert found.amount == 0
    assert (found.amount_details["free_events"], found.amount_details["paid_events"]) == (4, 0)
    assert found.amount_details["fixed_fee_unit_amount"] == 0


def test_percentage_free_value_above_the_units_pays_nothing() -> None:
    properties = percentage(free_units_per_total_aggregation="1000", fixed_amount="0")
    assert amount("percentage", properties, 300, events_count=3, running_total=(D(400),)) == 0


def test_percentage_of_a_net_zero_running_total_has_nothing_free() -> None:
    properties = percentage(free_units_per_total_aggregation="5")
    found = rated("percentage", properties, 8, events_count=2, running_total=(D(3), D(0)))
    assert found.amount_details["free_units"] == 0


def test_running_total_beyond_the_free_events_is_cut_there() -> None:
    properties = percentage(free_units_per_events=2)
    found = rated("percentage", properties, 10, events_count=4, running_total=(D(1), D(3), D(6), D(10)))
    assert found.amount_details["free_units"] == 3
    exactly = rated("percentage", properties, 10, events_count=4, running_total=(D(1), D(4)))
    assert exactly.amount_details["free_units"] == 4


def test_events_that_exactly_reach_the_free_units_are_not_free() -> None:
    properties = percentage(free_units_per_total_aggregation="150")
    found = rated("percentage", properties, 400, events_count=3, running_total=(D(50), D(150), D(400)))
    assert (found.amount_details["free_events"], found.amount_details["free_units"]) == (1, 150)


def test_percentage_details_and_steps() -> None:
    found = rated("percentage", percentage(free_units_per_events=3), 800, events_count=4, running_total=RUNNING)
    assert found.amount_details == {
        "units": 800,
        "free_units": 400,
        "free_events": 3,
        "paid_units": 400,
        "rate": D("1.3"),
        "per_unit_total_amount": D("5.2"),
        "paid_events": 1,
        "fixed_fee_unit_amount": 2,
        "fixed_fee_total_amount": 2,
        "min_max_adjustment_total_amount": 0,
    }
    assert [(step.units, step.unit_price, step.amount) for step in found.steps] == [
        (400, D("1.3"), D("5.2")),
        (1, 2, 2),
    ]


BOUNDED = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
EVENTS = (D(10), D(80), D(10000))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "16.142"),
        ({"fixed_amount": "2"}, "18.691"),
        ({"free_units_per_events": 2}, "12"),
        ({"free_units_per_total_aggregation": "30"}, "13.794"),
        ({"free_units_per_events": 3, "free_units_per_total_aggregation": "10000"}, "2.691"),
        # used up by the first event: nothing of it is left, and it is held at the minimum
        ({"free_units_per_total_aggregation": "10"}, "16.142"),
    ],
)
def test_bounds_per_transaction(more: dict[str, Any], expected: str) -> None:
    assert amount("percentage", {**BOUNDED, **more}, 10090, events_count=3, events=EVENTS) == D(expected)


def test_bounds_need_the_premium_licence() -> None:
    assert amount("percentage", BOUNDED, 10090, events_count=3, events=EVENTS, premium=False) == D("301.691")


def test_each_bound_by_itself() -> None:
    lower = {"rate": "1", "per_transaction_min_amount": "0.5"}
    assert amount("percentage", lower, 60, events_count=2, events=(D(10), D(50))) == 1
    upper = {"rate": "1", "per_transaction_max_amount": "0.5"}
    assert amount("percentage", upper, 1060, events_count=2, events=(D(10), D(1050))) == D("0.6")
    blank = {"rate": "1", "per_transaction_max_amount": "", "per_transaction_min_amount": None}
    assert amount("percentage", blank, 60, events_count=2, events=(D(10),)) == D("0.6")


def test_bounds_show_their_adjustment() -> None:
    found = rated("percentage", {"rate": "1", "per_transaction_min_amount": "0.5"}, 10, events_count=1, events=(D(10),))
    assert found.amount_details["min_max_adjustment_total_amount"] == D("0.4")
    assert found.steps[-1].amount == D("0.4")


# --- refused, whatever the model ---


def test_unknown_model() -> None:
    with pytest.raises(RerateRefused) as refused:
        rated("barter", {}, 1)
    assert refused.value.reason == "unknown_charge_model"
    assert "standard" in str(refused.value.detail)


@pytest.mark.parametrize("price", ["abc", "NaN", "Infinity", [], {}])
def test_prices_must_be_numbers(price: Any) -> None:
    with pytest.raises(RerateRefused) as refused:
        rated("standard", {"amount": price}, 1)
    assert refused.value.reason == "bad_price"
    assert "amount" in str(refused.value.detail)


@pytest.mark.parametrize("price", [None, ""])
def test_absent_prices_are_nothing(price: Any) -> None:
    assert amount("standard", {"amount": price}, 1) == amount("standard", {}, 1) == 0


@pytest.mark.parametrize(
    ("ranges", "reason"),
    [
        ([], "no_price_range"),
        (None, "no_price_range"),
        ("x", "no_price_range"),
        ([tier(1, None, "1")], "price_range_gap"),
        ([tier(0, 10, "1")], "price_range_gap"),
        ([tier(0, 10, "1"), tier(12, None, "1")], "price_range_gap"),
        ([tier(0, 10, "1"), tier(9, None, "1")], "price_range_gap"),
        ([tier(0, None, "1"), tier(1, None, "1")], "price_range_gap"),
        ([tier(0, "x", "1"), tier(1, None, "1")], "bad_price"),
    ],
)
@pytest.mark.parametrize("model", ["graduated", "graduated_percentage", "volume"])
def test_ranges_must_tile(model: str, ranges: Any, reason: str) -> None:
    with pytest.raises(RerateRefused) as refused:
        rated(model, {f"{model}_ranges": ranges}, 5)
    assert refused.value.reason == reason


# --- prorated graduated ---


@pytest.mark.parametrize(
    ("full", "prorated", "expected"),
    [
        ((5, 5, 10, -6), ("3.5", "2.66667", "2", "-2.2"), "197.33"),
        ((2, 5, 10, -6), ("1.4", "2.66667", "2", "-2.2"), "184.33"),
        ((1, 4, 1, -5, -1), (".7097", "1.54839", ".2258", "-.80645", "-.0645"), "165.81"),
        ((5, -2), ("3.5", "-1"), "125"),
        ((4, 2, -3), ("2.8", "1", "-.6"), "180.5"),
        ((5, 2, -4, 10), ("3.5", "1", "-1.6", "2"), "190"),
        ((5, -100), ("3.5", "-10"), "0"),
        ((1,), (".7",), "107"),
        ((5, -5, 1), ("3.5", "0", "1"), "145"),  # takes away just what is left: counted, without weight as it is
        ((1, 5), ("0", "2"), "120"),  # one unit without weight is ignored, as many are
    ],
)
def test_prorated_graduated(full: Any, prorated: Any, expected: str) -> None:
    ranges = {"graduated_ranges": [tier(0, 5, "10", "100"), tier(6, None, "5", "50")]}
    parts = tuple(map(D, prorated))
    found = rated("graduated", ranges, sum(parts), prorated=True, events=tuple(map(D, full)), events_prorated=parts)
    assert round(found.amount, 2) == D(expected)


def test_prorated_graduated_divides_with_32_digits() -> None:
    """Just below half a cent, as Lago has it: 191.33; exact, or with another precision, it would be 191.335."""
    ranges = {"graduated_ranges": [tier(0, 5, "10", "100"), tier(6, 15, "5", "50"), tier(16, None, "2", "0")]}
    full, parts = map(D, (2, 5, 10, -6, 4, 60)), map(D, ("1.4", "2.5", "2", "-2.2", "0.667", "2"))
    found = rated("graduated", ranges, 1, prorated=True, events=tuple(full), events_prorated=tuple(parts))
    assert found.amount == D("191.33499999999999999999999999999996")


def test_prorated_graduated_ignores_adds_without_weight_and_removes_below_nothing() -> None:
    ranges = {"graduated_ranges": [tier(0, 5, "10", "100"), tier(6, None, "5", "50")]}
    plain = rated("graduated", ranges, 1, prorated=True, events=(D(1),), events_prorated=(D(1),))
    padded = rated(
        "graduated",
        ranges,
        1,
        prorated=True,
        events=(D(9), D(-1), D(1), D(-5)),
        events_prorated=(D(0), D(0), D(1), D(0)),
    )
    assert padded.amount == plain.amount == 110


def test_prorated_graduated_without_weight_is_the_first_flat_fee() -> None:
    ranges = {"graduated_ranges": [tier(0, 5, "10", "100"), tier(6, None, "5", "50")]}
    assert amount("graduated", ranges, 0, prorated=True) == 100
    assert amount("graduated", ranges, 0, prorated=True, rules=BEFORE_FLAT_FEE) == 0


# --- projection ---


def case(model: str, properties: Mapping[str, Any], units: Any, **more: Any) -> Priced:
    prorated = more.pop("prorated", False)
    aggregation = Aggregation(units=D(units), **more)
    return Priced(
        model=model, properties=properties, aggregation=aggregation, currency="CAD", prorated=prorated, rules=LATEST
    )


@pytest.mark.parametrize(
    ("model", "properties", "units", "ratio", "expected"),
    [
        ("standard", {"amount": "2"}, 10, "0.5", (20, 40)),
        ("standard", {"amount": "2"}, 10, "0", (0, 0)),
        ("standard", {"amount": "1"}, 1, "0.3", ("3.33", "3.33")),
        ("graduated", GRADUATED, 10, "0.5", (20, 155)),
        ("graduated", GRADUATED, 0, "0.5", (0, 0)),
        ("graduated", GRADUATED, -1, "0.5", (-2, 0)),
        ("graduated_percentage", SHARES, 10, "0.5", (20, "400.2")),
        ("volume", VOLUME, 100, "0.5", (200, 200)),
        ("package", {"amount": "1", "package_size": 3, "free_units": 1}, 10, "0.5", (20, 7)),
        ("percentage", {"rate": "10"}, 10, "0.5", (20, 2)),
    ],
)
def test_projection(model: str, properties: Any, units: Any, ratio: str, expected: Any) -> None:
    asked = case(model, properties, units, events_count=1)
    assert projected(asked, rate_case(asked), D(ratio)) == tuple(map(D, expected))


def test_projection_of_prorated_tiers_scales_the_amount() -> None:
    ranges = {"graduated_ranges": [tier(0, None, "10")]}
    asked = case("graduated", ranges, 2, prorated=True, events=(D(4),), events_prorated=(D(2),))
    assert projected(asked, rate_case(asked), D("0.5")) == (4, 40)


# --- properties ---

QUANTITY = st.decimals(0, 10**6, places=3)


@given(QUANTITY, st.sampled_from([("graduated", GRADUATED), ("graduated", ADJACENT), ("graduated_percentage", SHARES)]))
def test_tiers_sum_to_the_amount(units: Decimal, priced: tuple[str, dict[str, Any]]) -> None:
    model, properties = priced
    found = rated(model, properties, units)
    (rows,) = found.amount_details.values()
    assert sum(row["total_with_flat_amount"] for row in rows) == found.amount
    assert sum(step.amount or 0 for step in found.steps) == found.amount


@given(QUANTITY)
def test_tier_units_sum_to_the_units(units: Decimal) -> None:
    (rows,) = rated("graduated", GRADUATED, units).amount_details.values()
    assert sum(row["units"] for row in rows) == units


@given(QUANTITY, QUANTITY, st.sampled_from(["standard", "graduated", "graduated_percentage", "package"]))
def test_more_units_never_cost_less(one: Decimal, other: Decimal, model: str) -> None:
    properties = {"amount": "1.5", "package_size": 7, "free_units": 3, **GRADUATED, **SHARES}
    less, more = sorted((one, other))
    assert amount(model, properties, less) <= amount(model, properties, more)


@given(st.lists(st.decimals(0, 10**4, places=2), min_size=1, max_size=8), st.integers(0, 5))
def test_bounded_events_stay_within_their_bounds(values: list[Decimal], free: int) -> None:
    properties = {**BOUNDED, "free_units_per_events": free}
    total = amount("percentage", properties, sum(values), events_count=len(values), events=tuple(values))
    paid = max(len(values) - free, 0)
    assert paid * D("1.75") <= total <= paid * 12


@given(st.decimals(-(10**9), 10**9, places=5), st.sampled_from(sorted(set(MODELS) - {"volume"})))
def test_every_model_gives_an_amount_for_any_units(units: Decimal, model: str) -> None:
    properties = {"amount": "1", "package_size": 2, "rate": "1", **GRADUATED, **SHARES, **VOLUME}
    aggregation = Aggregation(units=units, events_count=1, precise_total_amount_cents=D(1), custom_amount=D(1))
    assert rate(model, properties, aggregation, currency="CAD").amount.is_finite()


@given(st.decimals(1, 10**9, places=2), st.decimals(1, 10**9, places=2))
def test_quotients_have_32_digits(dividend: Decimal, divisor: Decimal) -> None:
    quotient = divide(dividend, divisor)
    assert len(quotient.as_tuple().digits) <= 32
    assert abs(quotient * divisor - dividend) <= dividend * D("1e-27")


def test_no_quotient_by_nothing() -> None:
    assert divide(D(5), D(0)) == 0


def test_rating_does_not_touch_its_input() -> None:
    aggregation = Aggregation(units=D(5))
    rate("standard", {"amount": "1"}, aggregation, currency="CAD")
    assert aggregation == replace(aggregation)


# --- steps ---

PACKAGE = {"amount": "3.5", "package_size": 7, "free_units": 2}
EVERY_MODEL: list[tuple[str, Mapping[str, Any]]] = [
    ("standard", {"amount": "1.25"}),
    ("package", PACKAGE),
    ("graduated", GRADUATED),
    ("graduated", ADJACENT),
    ("volume", VOLUME),
    ("percentage", {"rate": "1.3", "fixed_amount": "2", "free_units_per_events": 1}),
    ("percentage", {"rate": "2", "free_units_per_total_aggregation": "30"}),
    ("percentage", BOUNDED),
    ("graduated_percentage", SHARES),
    ("dynamic", {}),
    ("custom", {"custom_properties": {}}),
]


@given(events=st.lists(st.integers(0, 300), max_size=6), case=st.sampled_from(EVERY_MODEL))
def test_the_steps_of_a_charge_model_add_up_to_its_amount(
    events: list[int], case: tuple[str, Mapping[str, Any]]
) -> None:
    """A property that moves the amount and not the steps explains another bill than the one that is sent."""
    model, properties = case
    running = tuple(accumulate(map(D, events)))
    own = {"precise_total_amount_cents": D(sum(events))} if model == "dynamic" else {}
    own |= {"custom_amount": D(sum(events))} if model == "custom" else {}
    result = rated(
        model,
        properties,
        sum(events),
        events_count=len(events),
        events=tuple(map(D, events)),
        running_total=running,
        **own,
    )
    assert sum((step.amount for step in result.steps if step.amount is not None), D(0)) == result.amount


def test_every_charge_model_has_its_steps_added_up() -> None:
    assert {model for model, _ in EVERY_MODEL} == set(MODELS)
