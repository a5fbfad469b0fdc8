"""Which events a report shows: those of the metric, the subscription and the period, the first ones, and how many."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from mappings.records import Event
from reconcile.rerate import shown_events
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.shown_events import WantedEvents, selected

JULY, AUGUST = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)


def event(number: int, at: datetime, *, subscription: str = "sub", code: str = "calls") -> Event:
    return Event(
        transaction_id=f"tx-{number:02}", external_subscription_id=subscription, code=code, timestamp=at,
        created_at=at + timedelta(hours=1), properties={"n": number},
    )  # fmt: skip


def wanted(**more: str) -> WantedEvents:
    values = {"position": "p", "subscription": "sub", "metric": "calls", "event": "", **more}
    return WantedEvents(**values, begins=JULY, ends=AUGUST - timedelta(microseconds=1))  # type: ignore[arg-type]


EVENTS = [
    event(1, JULY - timedelta(microseconds=1)),
    event(2, JULY),
    event(3, AUGUST - timedelta(microseconds=1)),
    event(4, AUGUST),
    event(5, JULY + timedelta(days=2), subscription="another"),
    event(6, JULY + timedelta(days=2), code="another"),
    event(7, JULY + timedelta(days=1)),
]


def shown(*asked: WantedEvents) -> dict[str, tuple[int, list[str]]]:
    with EventSource.from_events(EVENTS) as source:
        found = selected(source, asked)
    return {position: (usage.total, [e.transaction_id for e in usage.events]) for position, usage in found.items()}


def test_events_of_the_period_in_their_order() -> None:
    assert shown(wanted()) == {"p": (3, ["tx-02", "tx-07", "tx-03"])}


def test_a_fee_paid_in_advance_has_one_event() -> None:
    assert shown(wanted(event="tx-07"), wanted(position="q", metric="none")) == {"p": (1, ["tx-07"]), "q": (0, [])}


def test_only_the_first_are_shown_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_events, "EVENTS", 2)
    assert shown(wanted()) == {"p": (3, ["tx-02", "tx-07"])}


def test_times_and_properties_are_lagos() -> None:
    with EventSource.from_events(EVENTS) as source:
        first = selected(source, [wanted()])["p"].events[0]
    assert (first.at, first.received) == (JULY, JULY + timedelta(hours=1))
    assert json.loads(first.properties) == {"n": 2}
