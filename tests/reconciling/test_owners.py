"""Whose a usage event is in Lago: known by the external id that the migration gave it, whoever has it in Odoo now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mappings.records import Event
from mappings.target import xid
from mappings.usage import EventIds, UsageRow
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.owners import owners_of

JULY = datetime(2026, 7, 1, tzinfo=UTC)


def event(transaction: str, subscription: str, *, day: int = 0, lago_id: str | None = None) -> Event:
    at = JULY + timedelta(days=day)
    return Event(
        transaction_id=transaction, external_subscription_id=subscription, code="calls", timestamp=at, lago_id=lago_id
    )


def named(events: Sequence[Event]) -> list[tuple[str, str]]:
    """External id and transaction of each, as the migration writes them."""
    ids = EventIds()
    rows = (
        UsageRow(
            transaction_id=e.transaction_id,
            external_subscription_id=e.external_subscription_id,
            code=e.code,
            timestamp=e.timestamp,
            lago_id=e.lago_id,
        )
        for e in events
    )
    return [(name, row.transaction_id) for row, name in map(ids.take, rows)]


def test_an_event_is_known_by_lagos_id_whatever_its_transaction_is_called() -> None:
    with EventSource.from_events([event("a", "abo-1", lago_id="e1"), event("a", "abo-2", lago_id="e2")]) as source:
        asked = {xid("event", "e2"): "renamed", xid("event", "e3"): "a"}
        assert owners_of(source, asked) == {xid("event", "e2"): "abo-2"}
        assert owners_of(source, {}) == {}


def test_events_of_a_store_without_ids_are_known_by_subscription_and_transaction() -> None:
    events = [event("a", "abo-1"), event("a", "abo-2"), event("a", "abo-2", day=1), event("b", "abo-2", day=1)]
    names = named(events)
    assert len({name for name, _ in names}) == len(events)
    with EventSource.from_events(events) as source:
        for (name, transaction), its in zip(names, events, strict=True):
            assert owners_of(source, {name: transaction}) == {name: its.external_subscription_id}
        assert owners_of(source, {xid("event", "0" * 32): "a"}) == {}
