"""Buckets of a charge: which filters count an event."""

from __future__ import annotations

import pytest

from mappings.records import BillableMetric, Charge, ChargeFilter, MetricFilter
from reconcile.rating.filters import ALL, DEFAULT, Buckets, buckets_of, check_filters
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import LATEST, Rules, rules_for

DECLARED = {"region": ("eu", "us"), "tier": ("gold", "silver")}


def buckets(*filters: dict[str, tuple[str, ...]], rules: Rules = LATEST) -> Buckets:
    metric = BillableMetric(
        lago_id="m",
        code="m",
        name="m",
        aggregation_type="count_agg",
        filters=tuple(MetricFilter(key=key, values=values) for key, values in DECLARED.items()),
    )
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={},
        filters=tuple(
            ChargeFilter(lago_id=str(place), properties={}, values=values) for place, values in enumerate(filters)
        ),
    )
    return buckets_of(charge, metric, rules)


EU, US = {"region": ("eu",)}, {"region": ("us",)}
GOLD, EU_GOLD = {"tier": ("gold",)}, {"region": ("eu",), "tier": ("gold",)}
ANY = {"region": (ALL,)}
EVENT = {"region": "eu", "tier": "gold"}


@pytest.mark.parametrize(
    ("filters", "event", "arrears", "advance"),
    [
        ((), {}, (DEFAULT,), DEFAULT),
        ((EU,), {"region": "eu"}, (0,), 0),
        ((EU,), {"region": "us"}, (DEFAULT,), DEFAULT),
        ((EU,), {"region": None}, (DEFAULT,), DEFAULT),
        ((EU,), {}, (DEFAULT,), DEFAULT),
        ((ANY,), {"region": "us"}, (0,), 0),
        ((ANY,), {"region": "mars"}, (DEFAULT,), DEFAULT),
        ((ANY,), {"region": ALL}, (DEFAULT,), DEFAULT),
        ((EU, GOLD), EVENT, (0, 1), 0),
        ((EU, EU_GOLD), EVENT, (1,), 1),
        ((EU_GOLD, EU), EVENT, (0,), 0),
        ((EU_GOLD, EU), {"region": "eu", "tier": "silver"}, (1,), 1),
        ((EU, EU), {"region": "eu"}, (0,), 0),
        ((EU, EU, EU), {"region": "eu"}, (0,), 0),
        ((ANY, {"region": ("eu", "us")}), {"region": "eu"}, (0,), 0),
        ((ANY, EU), {"region": "eu"}, (1,), 0),
        ((ANY, EU), {"region": "us"}, (0,), 0),
        (({"region": ("eu", "us")}, {"region": ("us", "asia")}), {"region": "us"}, (0, 1), 0),
        ((ANY, {"region": ("us", "mars")}), {"region": "us"}, (1,), 0),  # of all values a filter's go as they are
        ((ANY, {"region": ("us", "mars")}), {"region": "eu"}, (0,), 0),
    ],
)
def test_who_counts_an_event(
    filters: tuple[dict[str, tuple[str, ...]], ...],
    event: dict[str, str | None],
    arrears: tuple[int, ...],
    advance: int,
) -> None:
    found = buckets(*filters)
    assert found.arrears(event) == arrears
    assert found.advance(event) == advance


def test_strict_subsets_were_counted_twice_before_1_51() -> None:
    wider = {"region": ("eu", "us")}
    assert buckets(wider, EU).arrears({"region": "eu"}) == (1,)
    assert buckets(wider, EU, rules=rules_for("v1.50.9")).arrears({"region": "eu"}) == (0, 1)


def test_default_bucket_comes_last() -> None:
    assert buckets(EU, US).positions() == (0, 1, DEFAULT)


@pytest.mark.parametrize(
    ("filters", "filled", "refused"),
    [
        ((), (DEFAULT,), False),  # groups alone were never made another way
        ((EU,), (0,), False),
        ((EU,), (), False),
        ((EU,), (0, DEFAULT), True),  # groups of the default bucket beside filters
        ((EU, US), (0, 1), False),
        ((EU, GOLD), (0,), True),  # both can match one event
    ],
)
def test_what_filters_left_to_each_other_before_1_35_is_unknown_only_where_it_matters(
    filters: tuple[dict[str, tuple[str, ...]], ...], filled: tuple[int, ...], refused: bool
) -> None:
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={"pricing_group_keys": ["region"]},
        filters=tuple(ChargeFilter(lago_id=str(n), properties={}, values=values) for n, values in enumerate(filters)),
    )
    old = rules_for("v1.34.0")
    check_filters(charge, buckets(*filters), LATEST, filled)
    if not refused:
        check_filters(charge, buckets(*filters), old, filled)
        return
    with pytest.raises(RerateRefused):
        check_filters(charge, buckets(*filters), old, filled)
