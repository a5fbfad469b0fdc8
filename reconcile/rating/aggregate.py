"""One bucket's events -> units, exactly (facts/lago-billing §5.2-5.7). Pure: the events come selected and in order.

This is the reference for every aggregation, proration and per-event list; ``reconcile.rerate.aggregating`` answers the
plain ones in bulk inside DuckDB and takes this way where it needs the events one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from mappings.phrases import Told
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.event_lists import with_lists
from reconcile.rating.metric_rounding import rounded
from reconcile.rating.pg_numeric import WIDE
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.scope import EventScope, numbers_of
from reconcile.rating.sums import sum_values
from reconcile.rating.tiers import ZERO
from reconcile.rating.unique_counts import count_unique
from reconcile.rating.weighted_sums import weigh


def aggregate_scope(scope: EventScope) -> Aggregation:
    """Units of one bucket and group, rounded by the metric. Refused for aggregations that cannot be recomputed."""
    kind = KINDS.get(scope.metric.aggregation_type)
    if kind is None:
        raise RerateRefused(
            "unknown_aggregation", Told.METRIC_AGGREGATION.of(scope.metric.code, scope.metric.aggregation_type)
        )
    with localcontext(WIDE):
        aggregation = replace(kind(scope), grouped_by=scope.group)
        return aggregation if scope.in_advance else rounded(scope.metric, aggregation)


def _count(scope: EventScope) -> Aggregation:
    events = scope.within(scope.uses)
    return with_lists(scope, Aggregation(units=Decimal(len(events)), events_count=len(events)))


def _take_maximum(scope: EventScope) -> Aggregation:
    values = numbers_of(scope.within(scope.uses))
    return with_lists(scope, Aggregation(units=max(values, default=ZERO), events_count=len(values)))


def _take_latest(scope: EventScope) -> Aggregation:
    values = numbers_of(scope.within(scope.uses))
    return Aggregation(units=max(values[-1], ZERO) if values else ZERO, events_count=len(values))


def _refuse_custom(scope: EventScope) -> Aggregation:
    raise RerateRefused("custom_aggregation", Told.METRIC_OWN_CODE.of(scope.metric.code))


KINDS: Mapping[str, Callable[[EventScope], Aggregation]] = {
    "count_agg": _count,
    "sum_agg": sum_values,
    "max_agg": _take_maximum,
    "latest_agg": _take_latest,
    "unique_count_agg": count_unique,
    "weighted_sum_agg": weigh,
    "custom_agg": _refuse_custom,
}
