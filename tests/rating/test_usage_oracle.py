"""Units of every aggregation against a naive oracle, and the two ways of computing them against each other."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.records import BillableMetric, Charge, ChargeFilter, Event, MetricFilter
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.buckets import Bucket
from reconcile.rating.demand import Carry, ChargeWindow, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import aggregate
from reconcile.rerate.event_source import EventSource
from tests.vectors_support.one_charge import aggregate_one

START = datetime(2026, 7, 1, tzinfo=UTC)
END = datetime(2026, 7, 31, 23, 59, 59, 999999, tzinfo=UTC)
KINDS = ("count_agg", "sum_agg", "max_agg", "latest_agg", "unique_count_agg", "weighted_sum_agg")
NUMBERS = ["0", "1", "-3.5", "12.000001", "0.1", "99999999999", "7", "-0.000001", "123456789012345678.9", "1e3", " 5"]
NUMBERS += ["0.1234567890123456789", "+5", ".5", "abc", "", "5.", "\u0665"]
VALUES = [*NUMBERS, 5, 2.5, Decimal("1000.25"), 1e-7, True, None, ["1"], {"a": 1}]


@st.composite
def uses(draw: st.DrawFn) -> list[Event]:
    count = draw(st.integers(0, 14))
    return [draw(event(number)) for number in range(count)]


@st.composite
def event(draw: st.DrawFn, number: int) -> Event:
    moment = START + timedelta(
        seconds=draw(st.integers(-200_000, 2_900_000)), microseconds=draw(st.sampled_from([0, 1]))
    )
    properties = {"region": draw(st.sampled_from(["eu", "us", "mars", "", None, 5]))}
    if draw(st.booleans()) or draw(st.booleans()):
        properties["value"] = draw(st.sampled_from(VALUES))
    operation = draw(st.sampled_from([None, "add", "remove"]))
    if operation:
        properties["operation_type"] = operation
    return Event(
        transaction_id=f"t{number}",
        external_subscription_id=draw(st.sampled_from(["sub", "sub", "sub", "other"])),
        code=draw(st.sampled_from(["m", "m", "m", "else"])),
        timestamp=moment,
        created_at=moment + timedelta(hours=draw(st.sampled_from([0, 0, 24, 2400]))),
        properties=properties,
    )


def demand(kind: str, *, recurring: bool = False, **window: object) -> Demand:
    metric = BillableMetric(
        lago_id="m", code="m", name="m", aggregation_type=kind, recurring=recurring, field_name="value"
    )
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={"amount": "1"},
    )
    return Demand(window=window_of(**window), charge=charge, metric=metric)


def window_of(**changes: object) -> ChargeWindow:
    base: dict[str, object] = {
        "external_subscription_id": "sub",
        "charges_from": START,
        "charges_to": END,
        "charges_duration": 31,
        "currency": "CAD",
    }
    return ChargeWindow(**{**base, **changes})  # type: ignore[arg-type]


def units(events: Sequence[Event], asked: Demand, *, in_bulk: bool = True) -> Aggregation:
    with EventSource.from_events(events) as source:
        ((_, buckets),) = aggregate(source, [asked], in_bulk=in_bulk)
    assert not isinstance(buckets, RerateRefused)
    return buckets[0].aggregations[0]


# --- the oracle: a re-reading of the rules without any of the code under test ---


def number(value: object) -> Fraction | None:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, str):
        return Fraction(value) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) else None
    return Fraction(str(value))


def text(value: object) -> str | None:
    return None if value is None else str(value)


def oracle(events: Sequence[Event], asked: Demand) -> tuple[Fraction, int]:
    """(units, events) of one demand."""
    window, kind = asked.window, asked.metric.aggregation_type
    mine = [
        one
        for one in sorted(events, key=lambda one: (one.timestamp, one.created_at, events.index(one)))
        if one.external_subscription_id == "sub"
        and one.code == "m"
        and one.timestamp <= window.charges_to
        and (asked.metric.recurring or one.timestamp >= window.charges_from)
        and (window.known_until is None or one.created_at <= window.known_until)
    ]
    values = [found for one in mine if (found := number(one.properties.get("value"))) is not None]
    if kind == "count_agg":
        return Fraction(len(mine)), len(mine)
    if kind == "unique_count_agg":
        last = {text(one.properties.get("value")): one.properties.get("operation_type") or "add" for one in mine}
        present = sum(1 for operation in last.values() if operation == "add")
        return Fraction(present), present
    if kind == "sum_agg":
        return sum(values, Fraction(0)), len(values)
    if kind == "max_agg":
        return max(values, default=Fraction(0)), len(values)
    if kind == "latest_agg":
        return (max(values[-1], Fraction(0)) if values else Fraction(0)), len(values)
    return area(mine, window), len(values)


def area(mine: Sequence[Event], window: ChargeWindow) -> Fraction:
    """Weighted sum: level times time, over the whole period."""
    end = window.charges_to + timedelta(microseconds=-window.charges_to.microsecond % 1_000_000)
    total = Fraction(0)
    for one in mine:
        worth = number(one.properties.get("value")) or Fraction(0)
        total += worth * Fraction((end - one.timestamp) // timedelta(microseconds=1), 10**6)
    return total / (window.charges_duration * 86_400)


def all_units(events: Sequence[Event], asked: Sequence[Demand], *, in_bulk: bool) -> dict[int, Aggregation]:
    with EventSource.from_events(events) as source:
        found = dict(aggregate(source, asked, in_bulk=in_bulk))
    return {
        index: buckets[0].aggregations[0] for index, buckets in found.items() if not isinstance(buckets, RerateRefused)
    }


@settings(max_examples=80, deadline=None)
@given(events=uses(), known=st.booleans(), recurring=st.booleans())
def test_units_equal_the_oracle_in_bulk_and_event_by_event(events: list[Event], known: bool, recurring: bool) -> None:
    asked = [
        demand(
            kind, recurring=recurring and kind in ("sum_agg", "unique_count_agg"), known_until=END if known else None
        )
        for kind in KINDS
    ]
    in_bulk, by_event = all_units(events, asked, in_bulk=True), all_units(events, asked, in_bulk=False)
    assert in_bulk == by_event
    for index, one in enumerate(asked):
        agrees_with_the_oracle(events, one, in_bulk[index])


def agrees_with_the_oracle(events: Sequence[Event], asked: Demand, found: Aggregation) -> None:
    expected_units, expected_events = oracle(events, asked)
    assert found.events_count == expected_events
    if asked.metric.aggregation_type == "weighted_sum_agg":
        # each stretch is rounded to 16 significant digits, the sum up to 20 decimals
        peak = sum(abs(number(one.properties.get("value")) or 0) for one in events)
        tolerance = len(events) * peak * Fraction(1, 10**15) + Fraction(1, 10**19)
        assert abs(Fraction(found.units) - expected_units) <= tolerance
    else:
        assert Fraction(found.units) == expected_units


@settings(max_examples=30, deadline=None)
@given(events=uses(), seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(events: list[Event], seed: int) -> None:
    ordered = list({one.timestamp: one for one in events}.values())  # ties keep their order of arrival
    shuffled = list(ordered)
    random.Random(seed).shuffle(shuffled)
    asked = [demand(kind) for kind in KINDS]
    assert all_units(shuffled, asked, in_bulk=True) == all_units(ordered, asked, in_bulk=True)


@settings(max_examples=25, deadline=None)
@given(events=uses(), cut=st.integers(1, 2_600_000))
def test_two_halves_of_a_window_sum_to_the_whole(events: list[Event], cut: int) -> None:
    middle = START + timedelta(seconds=cut)
    first = demand("sum_agg", charges_to=middle - timedelta(microseconds=1))
    second = demand("sum_agg", charges_from=middle)
    halves = Fraction(units(events, first).units) + Fraction(
        units(events, second).units
    )  # a Decimal rounds to 28 digits
    assert halves == Fraction(units(events, demand("sum_agg")).units)


@settings(max_examples=25, deadline=None)
@given(events=uses())
def test_buckets_of_disjoint_filters_share_out_all_events(events: list[Event]) -> None:
    found = buckets(events, {"region": ("eu",)}, {"region": ("us",)})
    whole = units(events, demand("count_agg"))
    assert sum(one.events_count for bucket in found for one in bucket.aggregations) == whole.events_count


@settings(max_examples=25, deadline=None)
@given(events=uses())
def test_groups_share_out_all_events(events: list[Event]) -> None:
    asked = demand("count_agg")
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={"amount": "1", "pricing_group_keys": ["region"]},
    )
    with EventSource.from_events(events) as source:
        (bucket,) = aggregate_one(source, Demand(window=asked.window, charge=charge, metric=asked.metric))
    assert sum(one.events_count for one in bucket.aggregations) == units(events, asked).events_count
    assert all(value != "" for one in bucket.aggregations for _, value in one.grouped_by), "blank is shown as null"


def buckets(events: Sequence[Event], *filters: dict[str, tuple[str, ...]]) -> tuple[Bucket, ...]:
    asked = demand("count_agg")
    metric = BillableMetric(
        lago_id="m",
        code="m",
        name="m",
        aggregation_type="count_agg",
        filters=(MetricFilter(key="region", values=("eu", "us")),),
    )
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={"amount": "1"},
        filters=tuple(
            ChargeFilter(lago_id=str(place), properties={"amount": "2"}, values=values)
            for place, values in enumerate(filters)
        ),
    )
    with EventSource.from_events(events) as source:
        return aggregate_one(source, Demand(window=asked.window, charge=charge, metric=metric))


# --- single rules ---


def sent(value: object, moment: datetime = START, **more: object) -> Event:
    sent.count += 1  # type: ignore[attr-defined]
    return Event(
        transaction_id=f"s{sent.count}",  # type: ignore[attr-defined]
        external_subscription_id="sub",
        code="m",
        timestamp=moment,
        properties={"value": value, **more},
    )


sent.count = 0  # type: ignore[attr-defined]


def test_both_ends_are_inclusive_to_the_microsecond() -> None:
    tick = timedelta(microseconds=1)
    events = [sent("1", START - tick), sent("2", START), sent("4", END), sent("8", END + tick)]
    assert units(events, demand("sum_agg")).units == 6


def test_lower_bound_is_cut_to_the_millisecond() -> None:
    start = START.replace(microsecond=1999)
    tick = timedelta(microseconds=1)
    events = [sent("1", START.replace(microsecond=1000) - tick), sent("2", START.replace(microsecond=1000))]
    for in_bulk in (True, False):
        assert units(events, demand("sum_agg", charges_from=start), in_bulk=in_bulk).units == 2


def test_sums_beyond_any_decimal_type_are_exact() -> None:
    huge = "9" * 40 + "." + "1" * 30
    found = units([sent(huge), sent("0." + "0" * 29 + "1")], demand("sum_agg"))
    assert found.units == Decimal("9" * 40 + "." + "1" * 29 + "2")


def test_a_value_that_does_not_fit_leaves_the_other_demands_alone() -> None:
    other = Event(
        transaction_id="o", external_subscription_id="other", code="m", timestamp=START, properties={"value": "2"}
    )
    asked = [demand("sum_agg"), demand("sum_agg", external_subscription_id="other")]
    with EventSource.from_events([sent("9" * 30), other]) as source:
        found = {index: buckets[0].aggregations[0].units for index, buckets in aggregate(source, asked)}  # type: ignore[index]
    assert found == {0: Decimal("9" * 30), 1: Decimal(2)}


def test_latest_prefers_the_later_received_of_two_at_once() -> None:
    first, second = sent("1"), sent("2")
    assert units([first, second], demand("latest_agg")).units == 2
    assert units([second, first], demand("latest_agg")).units == 1


def test_a_negative_latest_value_is_nothing() -> None:
    for in_bulk in (True, False):
        assert units([sent("3"), sent("-1")], demand("latest_agg"), in_bulk=in_bulk).units == 0


def test_weighted_sum_of_one_level_is_that_level() -> None:
    assert units([sent("1000")], demand("weighted_sum_agg")).units == 1000


def test_weighted_sum_goes_on_from_the_billings_before_only() -> None:
    june = Carry(since=datetime(2026, 6, 1, tzinfo=UTC), until=datetime(2026, 6, 20, tzinfo=UTC))
    events = [sent("7", datetime(2026, 6, 10, tzinfo=UTC)), sent("50", datetime(2026, 6, 25, tzinfo=UTC))]
    found = units(events, demand("weighted_sum_agg", recurring=True, carry=june))
    assert (found.units, found.total_aggregated_units, found.events_count) == (7, 7, 0)


def test_late_events_are_unknown_to_the_billing_before() -> None:
    june = Carry(
        since=datetime(2026, 6, 1, tzinfo=UTC),
        until=datetime(2026, 6, 30, 23, 59, 59, 999999, tzinfo=UTC),
        known_until=datetime(2026, 7, 1, tzinfo=UTC),
    )
    late = Event(
        transaction_id="late",
        external_subscription_id="sub",
        code="m",
        timestamp=datetime(2026, 6, 10, tzinfo=UTC),
        created_at=datetime(2026, 7, 2, tzinfo=UTC),
        properties={"value": "7"},
    )
    assert units([late], demand("weighted_sum_agg", recurring=True, carry=june)).units == 0


def test_unknown_aggregations_are_refused_by_name() -> None:
    for kind, reason in (("custom_agg", "custom_aggregation"), ("median_agg", "unknown_aggregation")):
        with EventSource.from_events([]) as source, pytest.raises(RerateRefused) as refused:
            aggregate_one(source, demand(kind))
        assert refused.value.reason == reason


def test_property_names_with_separators_are_found() -> None:
    metric = BillableMetric(lago_id="m", code="m", name="m", aggregation_type="sum_agg", field_name="a/b~c.d")
    asked = Demand(window=window_of(), charge=demand("sum_agg").charge, metric=metric)
    assert units([sent("1", **{"a/b~c.d": "5"})], asked).units == 5


@pytest.mark.parametrize("kind", ["latest_agg", "weighted_sum_agg", "unique_count_agg"])
@pytest.mark.parametrize("in_bulk", [True, False])
def test_events_of_one_moment_count_in_the_order_in_which_they_came(kind: str, in_bulk: bool) -> None:
    """Their place in the file decides, not where DuckDB finds their rows."""
    moment = START + timedelta(days=3)
    events = [
        Event(
            transaction_id=f"t{number}",
            external_subscription_id="sub",
            code="m",
            timestamp=moment,
            created_at=moment,
            properties={"value": value, "operation_type": "remove" if number % 3 == 2 else "add"},
        )
        for number, value in enumerate(("3", "5", "3", "7", "5", "5", "2", "9", "7"))
    ]
    answers = set()
    for seed in range(8):
        with EventSource.from_events(events) as source:
            source._replace(f"select * from before order by hash(position + {seed})")
            source.db.execute("create table mixed as select * from events")
            source.db.execute("drop view events; alter table mixed rename to events")
            ((_, buckets),) = aggregate(source, [demand(kind)], in_bulk=in_bulk)
        assert not isinstance(buckets, RerateRefused)
        answers.add(repr(buckets[0].aggregations[0]))
    with EventSource.from_events(events) as source:
        ((_, buckets),) = aggregate(source, [demand(kind)], in_bulk=in_bulk)
    assert not isinstance(buckets, RerateRefused)
    assert answers == {repr(buckets[0].aggregations[0])}
