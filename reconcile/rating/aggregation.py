"""Units of one bucket: what aggregating gives and charge models price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

Group = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentageUsage:
    """What ``running_total`` and ``events`` come to at the prices of a percentage charge, where they are not listed."""

    free_units: Decimal
    free_events: int
    bounded_amount: Decimal | None  # of all events, each held within the bounds; None: there are no bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """Units of one bucket (filter x group), as ``aggregate`` (or, in bulk, ``rerate.sql_sums``) gives them.

    ``units`` are days-weighted when the charge is prorated, ``full_units`` the same quantity without proration.
    ``events`` are the values of the events in order, ``events_prorated`` the same days-weighted.
    """

    units: Decimal
    events_count: int = 0
    full_units: Decimal | None = None
    current_usage_units: Decimal | None = None
    total_aggregated_units: Decimal | None = None  # weighted sum: the running total at the end
    running_total: tuple[Decimal, ...] = ()  # percentage: cumulative units while free units may remain
    percentage: PercentageUsage | None = None  # in place of running_total and events
    events: tuple[Decimal, ...] = ()
    events_prorated: tuple[Decimal, ...] = ()
    precise_total_amount_cents: Decimal | None = None  # dynamic: sum of the events' own prices
    custom_amount: Decimal | None = None
    grouped_by: Group = ()
