"""What is asked from usage: one charge of one subscription over one period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mappings.records import BillableMetric, Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """A usage period billed before, whose running total a recurring weighted sum goes on from (facts §5.5).

    Lago remembers the total at each billing, and nothing of what came between: ``earlier`` is the billing before this
    one (None: it started from 0). Without any billing, but with a subscription that this one replaced, it sums up raw
    events: ``since`` None means all of them up to ``until``. ``known_until``: ingestion cut-off of that billing.
    """

    until: datetime
    since: datetime | None = None
    known_until: datetime | None = None
    earlier: Carry | None = None

    def chain(self) -> tuple[Carry, ...]:
        """All billings, oldest first."""
        return (*(self.earlier.chain() if self.earlier else ()), self)


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
    """One charge in one window: what ``rerate.aggregating`` answers with buckets of units."""

    window: ChargeWindow
    charge: Charge
    metric: BillableMetric
