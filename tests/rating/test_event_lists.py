"""What single events are worth to a percentage charge, and how far its free units reach (facts §4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from reconcile.rating.aggregation import Aggregation
from tests.rating.test_usage_oracle import demand, sent, units

SEVERAL = ("3", "5", "5", "1")


def percentage(kind: str, values: Sequence[str], **properties: object) -> Aggregation:
    asked = demand(kind)
    charge = replace(asked.charge, charge_model="percentage", properties={"rate": "1", **properties})
    return units([sent(value) for value in values], replace(asked, charge=charge), in_bulk=False)


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("sum_agg", (3, 5, 5, 1)),
        ("count_agg", (1, 1, 1, 1)),
        ("unique_count_agg", (1, 1, 1, 1)),  # each event, whatever it adds
        ("max_agg", (0, 5, 0, 0)),  # the first one that reaches it
    ],
)
def test_what_each_event_is_worth(kind: str, events: tuple[int, ...]) -> None:
    assert percentage(kind, SEVERAL).events == events
    assert percentage(kind, ()).events == ()


@pytest.mark.parametrize(
    ("kind", "free_events", "free_units", "running"),
    [
        ("sum_agg", None, None, ()),
        ("sum_agg", 2, None, (3, 8)),  # those of the first events
        ("sum_agg", 2, "100", (3, 8)),
        ("sum_agg", 9, None, (3, 8, 13, 14)),
        ("sum_agg", None, "8", (3, 8, 13)),  # until the first that is beyond: reaching it is not
        ("sum_agg", None, "7.5", (3, 8)),
        ("sum_agg", None, "100", (3, 8, 13, 14)),
        ("count_agg", None, None, ()),
        ("count_agg", 9, None, (1, 2, 3, 4)),
        ("count_agg", None, "9", (1, 2, 3, 4)),
        ("unique_count_agg", 9, None, (1, 2, 3)),
        ("max_agg", 2, "8", ()),
    ],
)
def test_the_running_total_reaches_as_far_as_units_may_be_free(
    kind: str, free_events: int | None, free_units: str | None, running: tuple[int, ...]
) -> None:
    free = {"free_units_per_events": free_events, "free_units_per_total_aggregation": free_units}
    assert percentage(kind, SEVERAL, **free).running_total == running


def test_other_models_need_no_lists() -> None:
    found = units([sent(value) for value in SEVERAL], demand("sum_agg"), in_bulk=False)
    assert (found.units, found.events, found.running_total) == (Decimal(14), (), ())
