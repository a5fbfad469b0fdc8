"""Which events a report shows: those of the metric, the subscription and the period, the first ones, and how many."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mappings.records import Event
from reconcile.rerate import shown_events
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.shown_events import WantedEvents, largest, selected
from tests.reporting.sample import doubt, finding, invoice, position, sample

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


def test_what_tells_of_most_money_comes_first_and_a_doubt_tells_of_some() -> None:
    """A doubt is no difference of the pair: by its delta it came last, and its events were left out first."""
    rows = (
        position(1, 1000, 990, 1000, findings=(finding(-10),)),
        position(2, 1000, 1000, 1500, findings=(doubt(500),)),
        position(3, 1000, 1300, 1000, findings=(finding(300),)),
        position(4, 1000, 1000, 1000),
    )
    data = replace(sample(), invoices=(invoice(1, *rows),))
    items = {row.key["item"] for row in rows}
    assert [row.id for _, row in largest(data, items)] == [rows[n].id for n in (1, 2, 0)]
    assert largest(data, items - {"c2"})[0][1].id == rows[2].id


def test_events_of_one_moment_and_transaction_are_shown_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """ClickHouse keeps a transaction as often as it was sent; rows may lie in any order in a file of DuckDB's."""
    monkeypatch.setattr(shown_events, "EVENTS", 3)
    again = [replace(event(n, JULY), transaction_id=name) for n, name in enumerate(("b", "a", "b", "a", "a"))]
    for seed in range(8):
        with EventSource.from_events(again) as source:
            disorder(source, seed)
            (usage,) = selected(source, [wanted()]).values()
        assert [(e.transaction_id, json.loads(e.properties)["n"]) for e in usage.events] == [
            ("a", 1),
            ("a", 3),
            ("a", 4),
        ]


def disorder(source: EventSource, seed: int) -> None:
    """The same events, whose rows lie in another order."""
    source._replace(f"select * from before order by hash(position + {seed})")
    source.db.execute("create table mixed as select * from events")
    source.db.execute("drop view events; alter table mixed rename to events")
