"""What is wrong with events that were taken: Lago takes them all, and tells of these hourly (``events.errors``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .events import as_text, number, read_properties
from .inputs import Metric, MetricFilter, read_metric
from .rows import Json, MetricRow
from .unratable import Unratable

NUMERIC = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})
# Lago's lists, and one more: Lago is silent about events of a subscription that it does not know
KINDS = ("invalid_code", "missing_aggregation_property", "missing_group_key", "invalid_filter_values",
         "unknown_subscription")  # fmt: skip


def problems(
    rows: Iterable[tuple[str, str, str, str]], metrics: Mapping[str, MetricRow], subscriptions: frozenset[str]
) -> dict[str, list[str]]:
    """Kind -> transaction ids, every kind present.

    ``rows``: (transaction, external subscription, code, properties as JSON). ``metrics``: code -> ``aggregation``,
    ``field_name``, ``filters`` ([{"key", "values"}]). ``subscriptions``: the external ids that are known.
    """
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    known = {code: read_metric({**row, "code": code}) for code, row in metrics.items()}
    for transaction, subscription, code, properties in rows:
        if subscription not in subscriptions:
            found["unknown_subscription"].append(transaction)
        metric = known.get(code)
        if metric is None:
            found["invalid_code"].append(transaction)
            continue
        for kind in wrong(properties, metric):
            found[kind].append(transaction)
    return found


def wrong(properties: str, metric: Metric) -> Iterator[str]:
    """What of one event's properties its metric cannot use; numbers of too many digits are none."""
    try:
        given = read_properties(properties)
        valued = has_value(given, metric)
        fitting = fits_filters(given, metric.filters)
    except (ValueError, Unratable):
        valued, fitting = False, True
    if not valued:
        yield "missing_aggregation_property"
    if not fitting:
        yield "invalid_filter_values"


def has_value(properties: Mapping[str, Json], metric: Metric) -> bool:
    """Is the property that the metric aggregates there, and a number where it must be one?"""
    if not metric.field_name or metric.aggregation == "count_agg":
        return True
    text = as_text(properties.get(metric.field_name))
    return text is not None and (metric.aggregation not in NUMERIC or number(text) is not None)


def fits_filters(properties: Mapping[str, Json], filters: Sequence[MetricFilter]) -> bool:
    """Has every property that the metric filters by a value that the metric declares, if it is there at all?"""
    given = ((as_text(properties.get(entry.key)), entry.values) for entry in filters)
    return all(text is None or text in values for text, values in given)
