"""One walk over two frozen trees, and its inverse: a replace at a path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.records import ChargeFilter, MetricFilter, MinimumCommitment
from reconcile.causes.differences import Difference, differences, same_exactly
from reconcile.rerate.counterfactual import ABSENT, identity, put
from tests.mapping.build import at, charge, fixed, metric, plan, row, subscription
from tests.mapping.companies import charges, fixed_charges, metrics, plans

PRICES = {"graduated_ranges": [{"to_value": 10, "amount": "1"}, {"to_value": None, "amount": "0.5"}]}


def found(lago: object, odoo: object) -> list[tuple[Any, ...]]:
    return [(*d.path, d.lago, d.odoo) for d in differences(lago, odoo)]


def test_equal_trees_have_none() -> None:
    whole = plan(charges=(charge(properties=PRICES),), fixed_charges=(fixed(),))
    assert found(whole, replace(whole)) == []


def test_fields_of_records_that_are_found_by_their_id() -> None:
    """Their order says nothing."""
    own, other = charge("a", prorated=True), charge("b")
    assert found(plan(charges=(own, other)), plan(charges=(other, replace(own, prorated=False)))) == [
        ("charges", "a", "prorated", True, False)
    ]


def test_records_that_one_side_lacks() -> None:
    own = charge("a")
    assert found(plan(charges=(own,)), plan()) == [("charges", "a", own, ABSENT)]
    assert found(plan(), plan(charges=(own,))) == [("charges", "a", ABSENT, own)]
    due = MinimumCommitment(amount_cents=1)
    assert found(plan(), plan(minimum_commitment=due)) == [("minimum_commitment", None, due)]


def test_places_in_json() -> None:
    other = {"graduated_ranges": [{"to_value": 10, "amount": "1"}, {"to_value": None, "amount": "0.6", "more": 1}]}
    assert found(charge(properties=PRICES), charge(properties=other)) == [
        ("properties", "graduated_ranges", 1, "amount", "0.5", "0.6"),
        ("properties", "graduated_ranges", 1, "more", ABSENT, 1),
    ]


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    assert found(charge(properties={"r": [1]}), charge(properties={"r": [1, 2]})) == [("properties", "r", [1], [1, 2])]


@pytest.mark.parametrize(
    ("lago", "odoo", "same"),
    [
        ("0.50", "0.5", True),
        (1, "1.0", True),
        (Decimal("2.50"), "2.5", True),
        ("a", "b", False),
        ("0.5", "half", False),
        (None, 0, False),
        (True, 1, True),
        ("", None, False),
    ],
)
def test_values_in_json(lago: object, odoo: object, same: bool) -> None:
    assert (found({"x": lago}, {"x": odoo}) == []) is same


def test_nothing_is_nothing() -> None:
    assert found({"x": None}, {}) == []
    assert found({}, {"x": None}) == []


def test_texts_of_records_are_no_numbers() -> None:
    assert found(subscription(external_id="010"), subscription(external_id="10")) == [("external_id", "010", "10")]


def test_numbers_of_records_are_numbers() -> None:
    assert found(fixed(units=Decimal("2.0")), fixed(units=Decimal(2))) == []


def test_moments_to_the_second_but_for_usage() -> None:
    start = at("2026-07-01 00:00")
    late = start + timedelta(microseconds=999_999)
    assert found(subscription(started_at=start), subscription(started_at=late)) == []
    assert found(subscription(started_at=start), subscription(started_at=start + timedelta(seconds=1))) != []
    events = {"tx": replace(row(), timestamp=start)}, {"tx": replace(row(), timestamp=late)}
    assert [d.path for d in differences(*events, ("usage",), same_exactly)] == [("usage", "tx", "timestamp")]


def test_values_without_a_name_differ_as_a_whole() -> None:
    assert found(MetricFilter(key="k", values=("a",)), MetricFilter(key="k", values=("b",))) == [
        ("values", ("a",), ("b",))
    ]


def test_what_tells_records_apart() -> None:
    assert identity(charge("a")) == "a"
    assert identity(MetricFilter(key="zone", values=())) == "zone"
    assert identity("text") is None
    assert identity(MinimumCommitment(amount_cents=1)) is None
    assert identity(ChargeFilter(lago_id="", values={}, properties={})) == ""


def test_of_two_kinds() -> None:
    assert found({"x": charge()}, {"x": fixed()}) == [("x", charge(), fixed())]


# --- and back -----------------------------------------------------------------------------------------------------


def replaced(tree: object, found: Iterator[Difference]) -> object:
    for difference in found:
        tree = put(tree, difference.path, difference.odoo)
    return tree


few = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(plans("p", "EUR"), plans("p", "EUR"))
def test_with_odoos_values_lagos_tree_is_odoos(lago: Any, odoo: Any) -> None:
    assert list(differences(replaced(lago, differences(lago, odoo)), odoo)) == []


@few
@given(st.data())
def test_each_difference_is_gone_once_it_is_replaced(data: st.DataObject) -> None:
    strategy = data.draw(st.sampled_from([charges("c"), fixed_charges("x"), metrics()]))
    lago, odoo = ({"all": one} for one in data.draw(st.tuples(strategy, strategy)))
    all_of_them = list(differences(lago, odoo))
    for difference in all_of_them:
        left = list(differences(put(lago, difference.path, difference.odoo), odoo))
        assert left == [other for other in all_of_them if other != difference]


def test_what_is_absent_is_taken_away() -> None:
    assert put({"a": 1, "b": {"c": 2, "d": 3}}, ("b", "c"), ABSENT) == {"a": 1, "b": {"d": 3}}
    assert put((charge("a"), charge("b")), ("a",), ABSENT) == (charge("b"),)
    assert put(plan(name="x", trial_period=Decimal(3)), ("trial_period",), ABSENT) == plan(name="x")


def test_none_is_a_value() -> None:
    assert put({"to_value": 5}, ("to_value",), None) == {"to_value": None}


def test_what_is_not_there_is_added() -> None:
    assert put((charge("a"),), ("b",), charge("b")) == (charge("a"), charge("b"))
    assert put({}, ("a", "b"), 1) == {"a": {"b": 1}}
    assert put((charge("a"),), ("b", "prorated"), True) == (charge("a"),)
    assert put((charge("a"),), ("b",), ABSENT) == (charge("a"),)


def test_places_of_a_list() -> None:
    assert put([{"a": 1}, {"a": 2}], (1, "a"), 3) == [{"a": 1}, {"a": 3}]


def test_no_way_into_a_value() -> None:
    with pytest.raises(TypeError, match="no way into int at 'a'"):
        put({"x": 1}, ("x", "a"), 2)


@dataclass(frozen=True)
class Odd:
    when: datetime


def test_any_frozen_record_is_walked() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    assert found(Odd(day), Odd(day + timedelta(days=1))) == [("when", day, day + timedelta(days=1))]
    assert found((metric("m"),), (metric("m", name="x"),)) == [("m", "name", "Trips", "x")]
