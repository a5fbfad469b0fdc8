"""Versions of Lago: the older result where it is known, a named refusal where it is not and could differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings.records import BillableMetric, Charge, ChargeFilter, Event
from reconcile.rating.commitment import commitment_fee
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import LATEST, Rules, rules_for
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.event_source import EventSource
from tests.vectors_support.one_charge import aggregate_one, charge_fees

START = datetime(2026, 7, 1, tzinfo=UTC)
WINDOW = ChargeWindow(
    external_subscription_id="sub",
    charges_from=START,
    charges_to=datetime(2026, 7, 31, 23, 59, 59, 999999, tzinfo=UTC),
    charges_duration=31,
    currency="CAD",
)
TIERS = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 5, "per_unit_amount": "10", "flat_amount": "100"},
        {"from_value": 6, "to_value": None, "per_unit_amount": "5", "flat_amount": "50"},
    ]
}
DAY = timedelta(days=1)
Values = dict[str, tuple[str, ...]]
OLDEST = rules_for("v1.0.0")


def event(day: float, value: str = "1", *, late: timedelta | None = None, **properties: str) -> Event:
    """``day`` counts from the start of the period; ``late`` is what it took to arrive."""
    moment = START + DAY * day
    return Event(
        transaction_id=f"t{day}",
        external_subscription_id="sub",
        code="m",
        timestamp=moment,
        created_at=None if late is None else moment + late,
        properties={"value": value, **properties},
    )


def asked(kind: str = "sum_agg", *, recurring: bool = False, rounding: str | None = None, **charge: Any) -> Demand:
    metric = BillableMetric(
        lago_id="m",
        code="m",
        name="m",
        aggregation_type=kind,
        recurring=recurring,
        field_name="value",
        rounding_function=rounding,
    )
    given: dict[str, Any] = {"charge_model": "standard", "properties": {"amount": "1"}, **charge}
    priced = Charge(lago_id="c", lago_billable_metric_id="m", billable_metric_code="m", **given)
    return Demand(window=WINDOW, charge=priced, metric=metric)


def units(events: Sequence[Event], demand: Demand, rules: Rules) -> Decimal | str:
    """Units of all buckets, or the name of the refusal."""
    try:
        with EventSource.from_events(events) as source:
            buckets = aggregate_one(source, demand, rules=rules)
    except RerateRefused as refused:
        return refused.reason
    return sum((one.units for bucket in buckets for one in bucket.aggregations), Decimal(0))


def expect(events: Sequence[Event], demand: Demand, version: str, before: str, refusal: str) -> None:
    """Refused by name before ``version``; from then on as today."""
    today = units(events, demand, LATEST)
    assert isinstance(today, Decimal)
    assert units(events, demand, rules_for(version)) == today
    assert units(events, demand, rules_for(before)) == refusal


def unchanged(events: Sequence[Event], demand: Demand) -> None:
    today = units(events, demand, LATEST)
    assert isinstance(today, Decimal)
    assert units(events, demand, OLDEST) == today


def test_every_rule_starts_somewhere() -> None:
    assert not any(getattr(OLDEST, rule.name) for rule in fields(Rules))
    assert rules_for("v1.51.0-3-gabcdef") == rules_for("main") == LATEST
    assert rules_for("1.39.9") == replace(OLDEST, filter_ignored_fix=True)


# --- v1.35.0: filters ---


def filtered(*values: Values, **charge: Any) -> Demand:
    filters = tuple(
        ChargeFilter(lago_id=str(place), properties={"amount": "2"}, values=one) for place, one in enumerate(values)
    )
    return asked(filters=filters, **charge)


EU: Values = {"region": ("eu",)}
GOLD: Values = {"tier": ("gold",)}
EU_GOLD: Values = {**EU, **GOLD}
USED = [event(1, "3", region="eu", tier="gold"), event(2, "4", region="us")]
GROUPED = {"amount": "1", "pricing_group_keys": ["tier"]}


@pytest.mark.parametrize(
    "demand",
    [filtered(EU, EU_GOLD), filtered(EU, GOLD), filtered(EU, EU), filtered(EU, properties=GROUPED)],
    ids=["child", "other keys", "same", "grouped default"],
)
def test_filters_that_share_events_are_unknown_before_1_35(demand: Demand) -> None:
    with EventSource.from_events(USED) as source:
        assert aggregate_one(source, demand, rules=rules_for("v1.35.0"))
    expect(USED, demand, "v1.35.0", "v1.34.9", "rule_before_v1.35.0")


def test_filters_without_common_events_are_as_ever() -> None:
    unchanged(USED, filtered(EU, {"region": ("us",)}))
    unchanged(USED, filtered(EU))
    unchanged([], filtered(EU, EU_GOLD))
    unchanged(USED[:1], filtered(EU, properties=GROUPED))  # nothing in the default bucket


def test_pay_in_advance_filters_are_unknown_before_1_35() -> None:
    demand = filtered(EU, EU_GOLD, pay_in_advance=True)
    with EventSource.from_events(USED) as source:
        assert len(pay_in_advance_fees(source, demand, rules=rules_for("v1.35.0"))) == 2
        with pytest.raises(RerateRefused) as refused:
            pay_in_advance_fees(source, demand, rules=rules_for("v1.34.0"))
    assert refused.value.reason == "rule_before_v1.35.0"


# --- v1.40.0: prorated graduated ---


def remove(day: float, value: str = "1") -> Event:
    return event(day, value, operation_type="remove")


def seats(**charge: Any) -> Demand:
    given = {"charge_model": "graduated", "properties": TIERS, **charge}
    return asked("unique_count_agg", recurring=True, prorated=True, **given)


GONE = [event(-20, "a"), event(-19, "b"), remove(-10, "a"), event(3, "c")]


def test_items_gone_before_the_period_are_unknown_before_1_40() -> None:
    expect(GONE, seats(), "v1.40.0", "v1.39.0", "rule_before_v1.40.0")
    with (
        EventSource.from_events(GONE) as source,
        pytest.raises(RerateRefused, match=r"rule_before_v1\.40\.0: charge c"),
    ):
        charge_fees(WINDOW, seats().charge, seats().metric, source, rules=rules_for("v1.39.0"))


def test_items_that_stay_or_go_within_the_period_are_as_ever() -> None:
    unchanged([event(-20, "a"), event(3, "c"), remove(9, "a")], seats())
    unchanged(GONE, seats(charge_model="standard", properties={"amount": "1"}))
    unchanged([event(-20, "a"), remove(-10, "a"), event(-9.5, "a")], seats())  # back on the same day


# --- v1.47.0: carry-over of prorated sums ---


def carried(**more: Any) -> Demand:
    return asked(recurring=True, prorated=True, **more)


@pytest.mark.parametrize(
    ("events", "rounding"),
    [
        ([event(-40, "5"), event(-39, "-8"), event(2, "4")], None),
        ([event(-40, "5", late=11 * DAY), event(2, "4")], None),
        ([event(-1, "5", late=2 * DAY), event(2, "4")], None),
        ([event(-50, "5"), event(-40, "5", late=11 * DAY), event(-1, "5"), event(2, "4")], None),
        ([event(-1, "5.4"), event(2, "4")], "round"),
    ],
    ids=["negative", "late long ago", "late just now", "one late among others", "rounded"],
)
def test_what_the_previous_fee_did_not_hold_is_unknown_before_1_47(events: list[Event], rounding: str | None) -> None:
    expect(events, carried(rounding=rounding), "v1.47.0", "v1.46.3", "rule_before_v1.47.0")


def test_a_carry_over_that_the_previous_fee_held_is_as_ever() -> None:
    unchanged([event(-40, "5", late=2 * DAY), event(-2, "3", late=DAY), event(2, "4", late=40 * DAY)], carried())
    unchanged([event(-1, "5"), event(2, "-4.5")], carried(rounding="round"))
    unchanged([event(-40, "-5"), event(2, "4")], asked(recurring=True))


def test_weeks_end_on_their_own_day() -> None:
    weekly = replace(carried(), window=replace(WINDOW, charges_to=START + 7 * DAY, charges_duration=7))
    expect([event(-10, "5", late=4 * DAY)], weekly, "v1.47.0", "v1.46.0", "rule_before_v1.47.0")
    unchanged([event(-13, "5", late=4 * DAY)], weekly)


# --- v1.51.0: current usage of pay-in-advance charges ---


def current(kind: str = "sum_agg", **charge: Any) -> Demand:
    return replace(asked(kind, pay_in_advance=True, **charge), window=replace(WINDOW, current_usage=True))


def test_a_negative_running_total_is_unknown_before_1_51() -> None:
    expect([event(1, "-3"), event(2, "5")], current(), "v1.51.0", "v1.50.2", "rule_before_v1.51.0")
    swapped = [event(2, "-3", late=timedelta()), event(1, "5", late=3 * DAY)]  # arrived in the other order
    expect(swapped, current(), "v1.51.0", "v1.50.2", "rule_before_v1.51.0")


def test_other_current_usage_is_as_ever() -> None:
    unchanged([event(1, "5"), event(2, "-5")], current())
    unchanged([event(1, "-3"), event(2, "5")], replace(current(), window=WINDOW))
    unchanged([event(1, "-3"), event(2, "5")], replace(asked(), window=replace(WINDOW, current_usage=True)))
    unchanged([event(1, "a"), remove(2, "a")], current("unique_count_agg"))


def test_a_commitment_after_a_downgrade_is_never_more_than_the_whole_one() -> None:
    found = commitment_fee(10_000, 33, 31, 0, Decimal(0))
    assert found is not None
    assert found.due_cents == 10_000
    with pytest.raises(RerateRefused) as refused:
        commitment_fee(10_000, 33, 31, 0, Decimal(0), rules=OLDEST)
    assert refused.value.reason == "rule_before_v1.51.1"
    within = commitment_fee(10_000, 31, 31, 0, Decimal(0), rules=OLDEST)
    assert within is not None
    assert within.due_cents == 10_000
