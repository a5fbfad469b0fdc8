"""Pricing groups: which there are, what a blank one shares with a null one, what per-event lists miss (facts §5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings.records import Event
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.demand import Carry, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import aggregate
from reconcile.rerate.event_source import EventSource
from tests.rating.test_usage_oracle import START, demand, sent

JUNE = Carry(since=datetime(2026, 6, 1, tzinfo=UTC), until=datetime(2026, 6, 30, 23, 59, 59, 999999, tzinfo=UTC))
IN_JUNE = datetime(2026, 6, 10, tzinfo=UTC)


def grouped(kind: str, *, model: str = "standard", prorated: bool = False, **more: Any) -> Demand:
    plain = demand(kind, **more)
    properties = {"amount": "1", "pricing_group_keys": ["region"]}
    return replace(plain, charge=replace(plain.charge, properties=properties, charge_model=model, prorated=prorated))


def aggregations(events: Sequence[Event], asked: Demand) -> tuple[Aggregation, ...]:
    with EventSource.from_events(events) as source:
        ((_, buckets),) = aggregate(source, [asked], in_bulk=False)
    assert not isinstance(buckets, RerateRefused)
    return buckets[0].aggregations


def units(events: Sequence[Event], asked: Demand) -> list[tuple[str | None, Decimal]]:
    """(region, units) of each group."""
    return [(dict(one.grouped_by)["region"], one.units) for one in aggregations(events, asked)]


def test_a_group_whose_events_are_all_ignored_is_none() -> None:
    """Its texts are no numbers for PostgreSQL: they count nowhere but where events or distinct values are counted."""
    events = [sent("5", region="eu"), sent("1e3", region="us")]
    assert units(events, grouped("sum_agg")) == [("eu", 5)]
    assert units(events, grouped("max_agg")) == [("eu", 5)]
    assert units(events, grouped("count_agg")) == [("eu", 1), ("us", 1)]
    assert units(events, grouped("unique_count_agg")) == [("eu", 1), ("us", 1)]
    assert units(events[1:], grouped("sum_agg")) == [(None, 0)], "without any group one of nothing, with null"


def test_blank_and_null_are_two_groups_that_look_alike() -> None:
    events = [sent("1", region="eu"), sent("2", region=""), sent("4")]
    assert units(events, grouped("sum_agg")) == [(None, 2), ("eu", 1), (None, 4)]


def test_a_prorated_sum_puts_blank_and_null_together() -> None:
    """Its shares are collected by the group as it is shown: one flat fee, one tier."""
    events = [sent("1", region="eu"), sent("2", region=""), sent("4")]
    alike = aggregations(events, grouped("sum_agg", prorated=True, recurring=True))
    assert [(dict(each.grouped_by)["region"], each.full_units, each.events_count) for each in alike] == [
        ("eu", 1, 1),
        (None, 6, 2),
    ]
    assert units(events, grouped("sum_agg", recurring=True)) == [(None, 2), ("eu", 1), (None, 4)]


@pytest.mark.parametrize(
    ("blank", "null", "counts"), [(1, 1, [0, 3]), (1, 2, [0, 4]), (3, 1, [1, 3]), (0, 2, [2]), (2, 0, [0, 0])]
)
def test_a_weighted_sum_counts_the_rows_of_groups_that_look_alike_as_events(
    blank: int, null: int, counts: list[int]
) -> None:
    """A row where each of the two starts and one where it ends are counted with the null group's events."""
    events = [*(sent("1", region="") for _ in range(blank)), *(sent("1") for _ in range(null))]
    assert [each.events_count for each in aggregations(events, grouped("weighted_sum_agg"))] == counts


def test_of_two_groups_that_look_alike_what_their_events_cost_is_lost() -> None:
    """Lago keeps the sums of a dynamic charge by the group as it is shown."""
    priced = [(sent("1", region="eu"), 100), (sent("2", region=""), 20), (sent("4"), 3), (sent("8", region="us"), 5)]
    events = [replace(one, precise_total_amount_cents=Decimal(cents)) for one, cents in priced]
    cents = [one.precise_total_amount_cents for one in aggregations(events, grouped("sum_agg", model="dynamic"))]
    assert cents == [None, 100, 5, None]
    alone = aggregations([*events[:1], *events[2:]], grouped("sum_agg", model="dynamic"))
    assert [one.precise_total_amount_cents for one in alone] == [100, 5, 3]


def test_a_weighted_sum_goes_on_group_by_group_also_without_new_events() -> None:
    events = [sent("7", IN_JUNE, region="eu"), sent("3", IN_JUNE, region="us"), sent("2", START, region="us")]
    asked = grouped("weighted_sum_agg", recurring=True, carry=JUNE)
    assert units(events, asked) == [("eu", 7), ("us", 5)]


def test_what_was_remembered_belongs_to_the_group_as_it_is_shown() -> None:
    """Of a blank and a null group the first one's total is kept, and the null group goes on from it."""
    before = [sent("3", IN_JUNE, region=""), sent("4", IN_JUNE)]
    asked = grouped("weighted_sum_agg", recurring=True, carry=JUNE)
    assert units(before, asked) == [(None, 3)]
    assert units([*before, sent("10", START, region="")], asked) == [(None, 10), (None, 3)]
    both = [*before, sent("10", START, region=""), sent("20", START)]
    assert units(both, asked) == [(None, 10), (None, 26)], "once more for each group that looks like it"


def test_of_a_billing_before_only_what_had_arrived_is_known() -> None:
    known = replace(JUNE, known_until=datetime(2026, 7, 1, tzinfo=UTC))
    asked = grouped("weighted_sum_agg", recurring=True, carry=known)
    late = replace(sent("5", IN_JUNE, region="us"), created_at=datetime(2026, 7, 2, tzinfo=UTC))
    in_time = replace(sent("7", IN_JUNE, region="eu"), created_at=datetime(2026, 7, 1, tzinfo=UTC))
    unnoted = replace(sent("9", IN_JUNE, region="at"), created_at=None)
    assert units([late, in_time, unnoted], asked) == [("at", 9), ("eu", 7)]


def test_of_distinct_values_over_their_days_the_full_units_are_those_that_are_still_there() -> None:
    """One for the whole month, one for the ten days from the 5th to the 14th: 1 + 10/31."""
    fifth, fourteenth = START + timedelta(days=4), START + timedelta(days=13)
    gone = sent("b", fourteenth, region="eu", operation_type="remove")
    events = [sent("a", START, region="eu"), sent("b", fifth, region="eu"), gone]
    (one,) = aggregations(events, grouped("unique_count_agg", prorated=True, recurring=True))
    assert (one.units, one.full_units, one.current_usage_units) == (Decimal("1.32259"), 1, 1)


def test_a_group_that_only_ever_had_a_removal_is_none_where_days_are_weighed() -> None:
    events = [sent("a", START, region="eu"), sent("b", START, region="us", operation_type="remove")]
    assert units(events, grouped("unique_count_agg", prorated=True, recurring=True)) == [("eu", 1)]
    assert units(events, grouped("unique_count_agg", recurring=True)) == [("eu", 1), ("us", 0)]


def test_lists_of_single_events_miss_groups_that_are_no_texts() -> None:
    """They look for the text: a number in the JSON is found by the sum of the group, and not one by one."""
    events = [sent(name, START + timedelta(days=10), region=region) for name, region in (("a", "eu"), ("b", 5))]
    asked = grouped("unique_count_agg", model="graduated", prorated=True, recurring=True)
    number, text = aggregations(events, asked)
    assert (dict(number.grouped_by)["region"], dict(text.grouped_by)["region"]) == ("5", "eu")
    assert number.units == text.units == Decimal("0.67742"), "21 of 31 days, rounded up"
    assert (text.events, text.events_prorated) == ((1,), (Decimal("0.67742"),))
    assert (number.events, number.events_prorated) == ((), ())


def test_a_prorated_sum_weighs_what_was_there_before_and_each_event_by_its_days() -> None:
    """5 from before, and twice 12 on the 26th of 31 days: 5 + 12 x 6/31 + 12 x 6/31, rounded up (facts §5.7)."""
    late = START + timedelta(days=25)
    events = [sent("5", IN_JUNE, region="eu"), sent("12", late, region="eu"), sent("12", late, region="eu")]
    (one,) = aggregations(events, grouped("sum_agg", prorated=True, recurring=True))
    assert (one.units, one.full_units) == (Decimal("9.64517"), 29)
    assert one.events == (5, 12, 12)
    assert [round(part, 5) for part in one.events_prorated] == [5, Decimal("2.32258"), Decimal("2.32258")]


def test_the_first_billing_of_a_weighted_sum_knows_all_events_before_its_end() -> None:
    since_ever = replace(JUNE, since=None)
    events = [sent("7", datetime(2025, 1, 1, tzinfo=UTC), region="eu"), sent("3", IN_JUNE, region="eu")]
    assert units(events, grouped("weighted_sum_agg", recurring=True, carry=since_ever)) == [("eu", 10)]
    assert units(events, grouped("weighted_sum_agg", recurring=True, carry=JUNE)) == [("eu", 3)]


def test_lists_of_single_events_miss_what_was_there_before_of_such_a_group_too() -> None:
    """The sum finds both: 5 from before, and 12 for 6 of 31 days."""
    events = [sent("5", IN_JUNE, region=5), sent("12", START + timedelta(days=25), region=5)]
    (one,) = aggregations(events, grouped("sum_agg", prorated=True, recurring=True))
    assert (one.units, one.full_units) == (Decimal("7.32259"), 17)
    assert (one.events, one.events_prorated) == ((), ())
