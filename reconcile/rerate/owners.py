"""Whose a usage event is in Lago, by the external id that the migration gave it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mappings.target import xid
from mappings.usage import LATER, EventIds, UsageRow
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.supposed import COLUMNS

# Lago's id is in the external id; an event without one is found by its transaction, and its external id computed.
_QUERY = (
    "select * from events where lago_id in (select unnest($1))"
    " or (lago_id is null and transaction_id in (select unnest($2))) order by timestamp, position"
)


def owners_of(events: Path | EventSource, asked: Mapping[str, str]) -> dict[str, str]:
    """External id -> the subscription whose event it is, of those that Lago has; all of its events are searched, once.

    ``asked``: external id -> the transaction that Odoo has.
    """
    if not asked:
        return {}
    if isinstance(events, EventSource):
        return _owners(events, asked)
    with EventSource.from_parquet(events) as source:
        return _owners(source, asked)


def _owners(source: EventSource, asked: Mapping[str, str]) -> dict[str, str]:
    """A transaction that is several events is found under its first name: that of a later one begins with it."""
    numbers = sorted(name.removeprefix(xid("event", "")) for name in asked)
    transactions = sorted({*asked.values(), *(name.rpartition(LATER)[0] for name in asked.values())})
    table = source.db.sql(_QUERY, params=[numbers, transactions]).to_arrow_table().select(COLUMNS)
    ids = EventIds()
    named = ((row, ids.take(UsageRow(**row))[1]) for row in table.to_pylist())
    return {name: row["external_subscription_id"] for row, name in named if name in asked}
