"""Usage events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mappings.records.raw import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One usage event. In bulk they live in Parquet (``migrate.state.events``); this record is for single ones."""

    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: datetime
    created_at: datetime | None = None  # when Lago received it
    properties: Json = field(default_factory=dict)
    precise_total_amount_cents: Decimal | None = None
    lago_id: str | None = None
