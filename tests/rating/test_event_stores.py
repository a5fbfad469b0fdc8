"""Repeated events: which of them count in each of Lago's event stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mappings.records import Event
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.event_stores import EventStore

NOON = datetime(2026, 7, 2, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def event(transaction: str, value: str, *, received: int = 0, moment: datetime = NOON, owner: str = "sub") -> Event:
    return Event(
        transaction_id=transaction,
        external_subscription_id=owner,
        code="m",
        timestamp=moment,
        created_at=NOON + timedelta(seconds=received),
        properties={"value": value},
    )


EVENTS = [
    event("a", "second", received=2),
    event("a", "first", received=1),
    event("a", "later", received=3, moment=NOON + timedelta(minutes=1)),
    event("a", "other subscription", owner="sub2"),
    event("b", "alone"),
]


@pytest.mark.parametrize(
    ("store", "left", "values"),
    [
        (EventStore.POSTGRES, 2, {"first", "other subscription", "alone"}),
        (EventStore.CLICKHOUSE, 0, {"first", "second", "later", "other subscription", "alone"}),
        (EventStore.CLICKHOUSE_DEDUPLICATED, 1, {"second", "later", "other subscription", "alone"}),
    ],
)
def test_repeated_events(store: EventStore, left: int, values: set[str]) -> None:
    with EventSource.from_events(EVENTS) as source:
        assert source.deduplicate(store) == left
        found = source.db.execute("select json_extract_string(properties, '/value') from events").fetchall()
    assert {value for (value,) in found} == values


def test_clickhouse_keeps_milliseconds() -> None:
    with EventSource.from_events([event("a", "1", moment=NOON + 999 * TICK)]) as source:
        source.deduplicate(EventStore.CLICKHOUSE)
        assert source.db.execute("select timestamp from events").fetchall() == [(NOON.replace(tzinfo=None),)]
