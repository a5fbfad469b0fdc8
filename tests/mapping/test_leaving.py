"""A subscription that leaves Lago goes on in Odoo from the boundary; whatever ended otherwise stays as Lago has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mappings.leaving import going_on
from mappings.records import Snapshot

BOUNDARY = datetime(2026, 9, 1, 4, tzinfo=UTC)
BEFORE, AFTER = BOUNDARY - timedelta(days=5), BOUNDARY + timedelta(days=3)


def changed(snapshot: Snapshot, taken_at: datetime, **values: Any) -> tuple[Snapshot, str]:
    """The first subscription that runs, with other values; its id."""
    subscription = next(s for s in snapshot.subscriptions if s.status == "active")
    others = tuple(s for s in snapshot.subscriptions if s is not subscription)
    made = replace(snapshot, taken_at=taken_at, subscriptions=(replace(subscription, **values), *others))
    return made, subscription.lago_id


@pytest.mark.parametrize(
    ("taken_at", "values"),
    [
        (BEFORE, {"ending_at": BOUNDARY}),
        (AFTER, {"ending_at": BOUNDARY, "status": "terminated", "terminated_at": BOUNDARY + timedelta(minutes=5)}),
    ],
)
def test_it_runs_without_an_end_and_is_billed_from_the_boundary(
    nexasystems: tuple[Snapshot, Any], taken_at: datetime, values: dict[str, Any]
) -> None:
    snapshot, lago_id = changed(nexasystems[0], taken_at, **values)
    first, *others = going_on(snapshot, {lago_id: BOUNDARY}).subscriptions
    assert (first.status, first.ending_at, first.terminated_at) == ("active", None, None)
    assert first.current_billing_period_started_at == BOUNDARY
    assert tuple(others) == snapshot.subscriptions[1:]
    assert going_on(snapshot, {}) is snapshot


@pytest.mark.parametrize(
    ("taken_at", "values"),
    [
        (BEFORE, {"ending_at": None}),  # somebody took our end away
        (BEFORE, {"ending_at": BOUNDARY + timedelta(days=30)}),
        (AFTER, {"ending_at": BOUNDARY}),  # Lago missed its day, and goes on billing
        (AFTER, {"ending_at": BOUNDARY, "status": "terminated", "terminated_at": BEFORE}),
        (AFTER, {"ending_at": BOUNDARY, "status": "terminated", "terminated_at": AFTER}),
    ],
)
def test_what_ended_otherwise_stays_as_it_is(
    nexasystems: tuple[Snapshot, Any], taken_at: datetime, values: dict[str, Any]
) -> None:
    snapshot, lago_id = changed(nexasystems[0], taken_at, **values)
    assert going_on(snapshot, {lago_id: BOUNDARY}).subscriptions == snapshot.subscriptions
