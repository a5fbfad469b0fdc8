"""Charges in advance: the fees of events that arrive one by one, against a reference that starts over for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.records import BillableMetric, Charge, ChargeFilter, Json
from reconcile.rating import running
from reconcile.rating.advance import fees_of_events
from reconcile.rating.buckets import Picked, text_keys
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee
from reconcile.rating.fold import Fold, Key
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.scope import Use
from tests.rating import slow_advance

START = datetime(2026, 7, 1, 0, 0, 0, 1500, tzinfo=UTC)
END = datetime(2026, 7, 31, 23, 59, 59, 999999, tzinfo=UTC)
TIERS = [
    {"from_value": 0, "to_value": 4, "per_unit_amount": "1", "flat_amount": "2", "rate": "1"},
    {"from_value": 5, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "1", "rate": "3"},
]
PRICES: dict[str, list[Json]] = {
    "standard": [{"amount": "1.25"}],
    "graduated": [{"graduated_ranges": TIERS}],
    "graduated_percentage": [{"graduated_percentage_ranges": TIERS}],
    "package": [{"amount": "3", "package_size": 3, "free_units": "2.5"}],
    "volume": [{"volume_ranges": TIERS}],
    "dynamic": [{}],
    "percentage": [
        {"rate": "1.5"},
        {"rate": "1.5", "fixed_amount": "0.3", "free_units_per_events": 3},
        {"rate": "2", "fixed_amount": "0.3", "free_units_per_total_aggregation": "4.5"},
        {"rate": "2", "free_units_per_events": 2, "free_units_per_total_aggregation": "3"},
        {"rate": "10", "per_transaction_min_amount": "0.5", "per_transaction_max_amount": "1"},
        {"rate": "10", "fixed_amount": "1", "per_transaction_max_amount": "1.2", "free_units_per_events": 2},
        {"rate": "5", "per_transaction_min_amount": "1", "free_units_per_total_aggregation": "6"},
        {"rate": "x"},
    ],
}
KINDS = {  # aggregation -> examples: most where units are carried on in most ways
    "sum_agg": 250,
    "unique_count_agg": 150,
    "count_agg": 60,
    "max_agg": 40,
    "latest_agg": 40,
    "weighted_sum_agg": 20,
    "custom_agg": 5,
    "median_agg": 5,
}
NUMBERS = ["1", "2", "0", "-1", "-0", "3.5", "0.25", "7", "12.000001", "abc", " ", "", None]
NO_TEXT = (None, None)
REGIONS = [
    ("eu", "VARCHAR"),
    ("eu", "VARCHAR"),
    ("us", "VARCHAR"),
    ("5", "UBIGINT"),
    ("5", "VARCHAR"),
    ("", "VARCHAR"),
    NO_TEXT,
]


@st.composite
def demands(draw: st.DrawFn, kind: str) -> Demand:
    model, chosen = draw(st.sampled_from([(model, prices) for model in PRICES for prices in PRICES[model]]))
    prices = dict(chosen)
    if draw(st.integers(0, 3)) == 0:
        prices["pricing_group_keys"] = ["region"]
    filtered = draw(st.sampled_from([(), (), (), (("eu", "us"),), (("eu",), ("us", "eu")), (("eu",), ("eu",))]))
    metric = BillableMetric(
        lago_id="m",
        code="m",
        name="m",
        aggregation_type=kind,
        recurring=draw(st.booleans()),
        field_name="value",
    )
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model=model,
        properties=prices,
        pay_in_advance=True,
        prorated=model == "standard" and draw(st.booleans()),
        filters=tuple(
            ChargeFilter(
                lago_id=str(place),
                properties=draw(st.sampled_from([prices, {**prices, "pricing_group_keys": ["tier"]}])),
                values={"region": values, **({"tier": ("gold",)} if draw(st.booleans()) else {})},
            )
            for place, values in enumerate(filtered)
        ),
    )
    return Demand(window=window(), charge=charge, metric=metric)


def window() -> ChargeWindow:
    return ChargeWindow(
        external_subscription_id="sub",
        charges_from=START,
        charges_to=END,
        charges_duration=31,
        currency="CAD",
        timezone="America/Toronto",
    )


@st.composite
def events(draw: st.DrawFn, keys: tuple[str, ...]) -> list[Picked]:
    """Few values and moments, so that values come back and several events share a moment."""
    values = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4))
    return [draw(event(number, keys, values)) for number in range(draw(st.integers(0, 12)))]


@st.composite
def event(draw: st.DrawFn, number: int, keys: tuple[str, ...], values: list[str | None]) -> Picked:
    """Any order of time and of arrival."""
    hours = draw(st.sampled_from([-40, 0, 1, 1, 5, 24, 100, 700]))
    texts = [draw(st.sampled_from(REGIONS if key == "region" else [("gold", "VARCHAR"), NO_TEXT])) for key in keys]
    use = Use(
        moment=START + timedelta(hours=hours, microseconds=draw(st.sampled_from([0, -1]))),
        value=draw(st.sampled_from(values)),
        operation=draw(st.sampled_from([None, "add", "remove"])),
        cents=draw(st.sampled_from([None, Decimal("12.5"), Decimal(3)])),
    )
    position = (draw(st.integers(0, 5)), number)
    return Picked(use, tuple(text for text, _ in texts), tuple(kind for _, kind in texts), f"t{number}", position)


Fees = Callable[..., tuple[ChargeFee, ...]]


def answer(fees: Fees, demand: Demand, picked: list[Picked], premium: bool) -> object:
    """The fees as they print, so that 1 and 1.0 differ; a refusal as its reason and detail."""
    try:
        return [repr(fee) for fee in fees(demand, text_keys(demand), picked, premium=premium)]
    except RerateRefused as refused:
        return refused.reason, str(refused.detail)


@pytest.mark.parametrize("kind", KINDS)
def test_fees_equal_those_of_starting_over_for_each_event(kind: str) -> None:
    @settings(max_examples=KINDS[kind], deadline=None)
    @given(data=st.data(), demand=demands(kind), licence=st.sampled_from([True, True, True, False]))
    def check(data: st.DataObject, demand: Demand, licence: bool) -> None:
        picked = data.draw(events(text_keys(demand)))
        expected = answer(slow_advance.fees_of_events, demand, picked, licence)
        assert answer(fees_of_events, demand, picked, licence) == expected

    check()


def test_free_units_that_are_just_used_up_can_be_given_back() -> None:
    """A total of exactly the free units is not beyond them: a negative value takes it below again, for one event."""
    demand = simple("sum_agg", {"rate": "10", "fixed_amount": "1", "free_units_per_total_aggregation": "3"})
    picked = [
        Picked(Use(START + timedelta(hours=number), value), (), (), f"t{number}", (number,))
        for number, value in enumerate(("3", "-1", "2"))
    ]
    fees = fees_of_events(demand, (), picked)
    assert fees == slow_advance.fees_of_events(demand, (), picked)
    assert [fee.steps[1].values["free"] for fee in fees] == [0, 1, 1]


# --- the default bucket of a charge with filters loses the group ---


def lost(kind: str, default_groups: Sequence[str], filter_groups: Sequence[str]) -> Demand:
    """A filter for the gold tier, and the rest."""
    plain = simple(kind, {"amount": "1", "pricing_group_keys": list(default_groups)})
    gold = ChargeFilter(
        lago_id="gold",
        properties={"amount": "1", "pricing_group_keys": list(filter_groups)},
        values={"tier": ("gold",)},
    )
    return replace(plain, charge=replace(plain.charge, charge_model="standard", filters=(gold,)))


def charged(demand: Demand, *arrived: tuple[str, str | None, str | None, str]) -> list[Decimal]:
    """Cents of (tier, region, operation, value), each an hour after the other."""
    keys = text_keys(demand)
    picked = []
    for number, (tier, region, operation, value) in enumerate(arrived):
        texts = {"tier": tier, "region": region}
        values = tuple(texts[key] for key in keys)
        use = Use(START + timedelta(hours=number), value, operation=operation)
        kinds = tuple(None if text is None else "VARCHAR" for text in values)
        picked.append(Picked(use, values, kinds, f"t{number}", (number,)))
    assert fees_of_events(demand, keys, picked) == slow_advance.fees_of_events(demand, keys, picked)
    return [fee.precise_amount_cents / 100 for fee in fees_of_events(demand, keys, picked)]


def test_a_value_is_known_whatever_its_group_was() -> None:
    """Lago asks the whole rest whether a value is there; what is removed must be there in its own group."""
    unique = lost("unique_count_agg", ["region"], [])
    assert charged(unique, ("", "eu", None, "a"), ("", "us", None, "a"), ("", None, None, "a")) == [1, 0, 0]
    assert charged(unique, ("", "eu", None, "a"), ("", "us", "remove", "a"), ("", "us", None, "b")) == [1, 0, 1]
    assert charged(unique, ("", "eu", None, "a"), ("", "eu", "remove", "a"), ("", "us", None, "b")) == [1, 0, 0]


def test_the_running_total_of_the_rest_goes_on_from_any_bucket_that_has_no_group() -> None:
    """A filter with groups of its own keeps its totals for itself."""
    events = (("gold", "eu", None, "-4"), ("", None, None, "4"), ("gold", "eu", None, "0"), ("", None, None, "20"))
    assert charged(lost("sum_agg", [], ["region"]), *events, ("", None, None, "5")) == [0, 4, 0, 20, 5]
    assert charged(lost("sum_agg", [], []), *events[:2], ("", None, None, "3")) == [0, 4, 0]


# --- work grows with the events ---


def orderly(count: int) -> list[Picked]:
    """Events that arrive in the order of their time."""
    return [
        Picked(Use(START + timedelta(minutes=number), f"{number % 13}.5"), (), (), f"t{number}", (number,))
        for number in range(count)
    ]


BOUNDED = {"rate": "1", "free_units_per_events": 1000, "per_transaction_max_amount": "2"}


def simple(kind: str, prices: Json = BOUNDED) -> Demand:
    metric = BillableMetric(lago_id="m", code="m", name="m", aggregation_type=kind, field_name="value")
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="percentage",
        properties=prices,
        pay_in_advance=True,
    )
    return Demand(window=window(), charge=charge, metric=metric)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], int]:
    """(aggregation, number of events) -> the steps that all running sums took."""

    def count(kind: str, number: int) -> int:
        folds: list[Fold[Any, Any]] = []

        class Counted(Fold[Any, Any]):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                folds.append(self)

        monkeypatch.setattr(running, "Fold", Counted)
        assert len(fees_of_events(simple(kind), (), orderly(number))) == number
        return sum(fold.steps for fold in folds)

    return count


@pytest.mark.parametrize("kind", ["sum_agg", "unique_count_agg", "latest_agg", "max_agg"])
def test_ten_times_the_events_take_ten_times_the_steps(steps: Callable[[str, int], int], kind: str) -> None:
    assert 40 <= steps(kind, 40) <= 40 * 3
    assert steps(kind, 400) <= 10 * steps(kind, 40)


# --- the fold itself ---

ARRIVALS = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(arrivals=ARRIVALS, hours=st.lists(st.integers(-1, 7), max_size=6), replaced=st.integers(0, 11))
def test_a_fold_is_the_reduction_of_its_values_by_time(
    arrivals: list[tuple[int, int]], hours: list[int], replaced: int
) -> None:
    fold: Fold[int, tuple[int, ...]] = Fold((), lambda values, value: (*values, value))
    kept: dict[Key, int] = {}
    for number, (hour, value) in enumerate(arrivals):
        key = (START + timedelta(hours=hour), number)
        kept[key] = value
        fold.insert(key, value)
        for until in hours:  # states are kept from the first question on
            assert fold.until(START + timedelta(hours=until)) == ordered(kept, until)
        if number == replaced:
            first = min(kept)
            kept[first] = 9
            fold.replace(first, 9)
    assert fold.until(END) == ordered(kept, 700)


def ordered(kept: dict[Key, int], hour: int) -> tuple[int, ...]:
    return tuple(value for key, value in sorted(kept.items()) if key[0] <= START + timedelta(hours=hour))
