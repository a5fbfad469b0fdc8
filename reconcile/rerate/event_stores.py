"""Where Lago kept its usage events. Pure: the events themselves are in ``event_source``."""

from __future__ import annotations

from enum import StrEnum


class EventStore(StrEnum):
    """Where Lago kept the events: it decides which repeated ones count (facts §9.2).

    PostgreSQL refuses a transaction twice in a subscription: the first one counts. ClickHouse takes all; only an
    organization with deduplication counts the last received of those with the same code, transaction and time.
    """

    POSTGRES = "postgres"
    CLICKHOUSE = "clickhouse"
    CLICKHOUSE_DEDUPLICATED = "clickhouse_deduplicated"
