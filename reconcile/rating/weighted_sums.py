"""Weighted sums: a level times the time it lasted (facts/lago-billing §5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise

from mappings.money import round_up
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.pg_numeric import divide_numeric, numeric
from reconcile.rating.scope import EventScope, numbers_of
from reconcile.rating.tiers import ZERO


def weigh(scope: EventScope) -> Aggregation:
    """The level of a running total, weighted by how long it stood."""
    window = scope.window
    current = [use for use in scope.within(scope.uses) if numeric(use.value, use.json_type) is not None]
    end = ceil_second(window.charges_to)
    moments = [window.charges_from, *(use.moment for use in current), end]
    levels = list(accumulate((scope.start_level.level, *numbers_of(current))))
    seconds = Decimal(window.charges_duration * 86400)
    parts = [
        divide_numeric(level * _seconds(after - before), seconds)
        for level, (before, after) in zip(levels, pairwise(moments), strict=True)
    ]
    units = sum(parts, ZERO)
    return Aggregation(
        units=units if scope.grouped else round_up(units, 20),
        events_count=_count_rows(len(current), scope.start_level.rows),
        total_aggregated_units=levels[-1],
    )


def _count_rows(events: int, starts: int) -> int:
    """What Lago's query counts: a row where each start stands, one where it ends, and the events; less the usual two.

    To a blank group beside null no start belongs.
    """
    return max(events + 2 * starts - 2, 0)


def _seconds(span: timedelta) -> Decimal:
    """With six decimals, as PostgreSQL's extract(epoch) gives them."""
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


def ceil_second(moment: datetime) -> datetime:
    """The next whole second, or the moment itself if it is one."""
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)
