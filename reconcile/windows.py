"""What is asked from usage: one charge of one subscription over one period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mappings.records import BillableMetric, Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """What a recurring weighted sum starts from: the sum of the events from ``since`` (None: ever) to ``until``.

    Lago remembers the running total at the last billing; only without one it sums up raw events (facts §5.5).
    ``known_until``: ingestion cut-off of that billing.
    """

    until: datetime
    since: datetime | None = None
    known_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeWindow:
    """The usage period of a subscription on one invoice. Both ends are inclusive, in UTC with microseconds.

    ``charges_duration`` is the length of the whole period in days, the denominator of prorations. Events that Lago
    received after ``known_until`` are unknown to it. ``next_metrics`` are the metric codes of the plan that an upgrade
    leads to: their recurring units roll over to it.
    """

    external_subscription_id: str
    charges_from: datetime
    charges_to: datetime
    charges_duration: int
    currency: str
    timezone: str = "UTC"
    terminated: bool = False
    terminated_by_upgrade: bool = False
    next_metrics: frozenset[str] = frozenset()
    known_until: datetime | None = None
    carry: Carry | None = None
    current_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One charge in one window: what ``usage.aggregate`` answers with buckets of units."""

    window: ChargeWindow
    charge: Charge
    metric: BillableMetric
