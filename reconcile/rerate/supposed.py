"""What a supposition is made of and gives: a world, hypotheses of it, an invoice re-rated under them. Pure.

``hypothesis`` makes the worlds and re-rates in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from mappings.records import Snapshot
from mappings.usage import UsageRow
from reconcile.billed import BilledInvoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.rules import Rules
from reconcile.rerate.event_stores import EventStore
from reconcile.rerate.history import History
from reconcile.rerate.suppositions import BilledBefore, FollowedBy, GoesOnFrom, Supposition, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """``events``: rows as the extract wrote them. ``calendar``: boundaries by Lago's calendar, not as it stored them.

    What a side is seen to bill (``windows``) no calendar takes back. ``moved``: subscriptions that were always billed
    by that calendar. ``zones``: subscription -> its time zone. ``prices``: subscription -> cents of a full period.
    ``goes_on``: subscription -> what it goes on from; ``followed``: -> what replaces it; ``before``: what others billed
    of its usage. ``store``: repeated events count as that store counts them.
    """

    snapshot: Snapshot
    events: pa.Table
    rules: Rules
    premium: bool
    late: bool = False
    calendar: bool = False
    windows: tuple[Windows, ...] = ()
    moved: frozenset[str] = frozenset()
    zones: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)
    goes_on: Mapping[str, GoesOnFrom] = field(default_factory=dict)
    followed: Mapping[str, FollowedBy] = field(default_factory=dict)
    before: tuple[BilledBefore, ...] = ()
    store: EventStore | None = None


COLUMNS = (
    "transaction_id", "external_subscription_id", "code", "timestamp", "created_at", "properties",
    "precise_total_amount_cents", "lago_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """How a world might be. Each is only equal to itself: an invoice is re-rated once under each."""

    suppose: Supposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerated:
    """An invoice re-rated under hypotheses, and what its header follows from (None: it does not follow)."""

    invoice: BilledInvoice
    terms: HeaderTerms | None


class WhatIf(Protocol):
    """Invoices re-rated in worlds that are a little different: the one thing that causes ask and that is no value.

    ``hypothesis.Worlds`` counts by SQL. All usage was read before: DuckDB has it in memory, shut off from files.
    """

    @property
    def history(self) -> History:
        """The snapshot's."""

    def of(self, customer: str) -> World:
        """The world as it is, of the customer with this Lago id."""

    def rerate(self, baseline: BilledInvoice, hypotheses: Sequence[Hypothesis]) -> Rerated | None:
        """The invoice under all ``hypotheses``; None where it cannot be told."""


def events_of(world: World, external_id: str) -> Iterator[UsageRow]:
    """The usage of a subscription. An event that nobody noted the arrival of arrived at its own moment."""
    is_own = pc.is_in(world.events.column("external_subscription_id"), pa.array([external_id], pa.string()))
    for row in world.events.filter(is_own).select(COLUMNS).to_pylist():
        at = row["timestamp"].replace(tzinfo=UTC)
        arrived = row["created_at"].replace(tzinfo=UTC) if row["created_at"] else at
        yield UsageRow(**{**row, "timestamp": at, "created_at": arrived})
