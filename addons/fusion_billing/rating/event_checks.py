"""What is wrong with events that were taken: Lago takes them all, and tells of these hourly (``events.errors``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .events import as_text, number

NUMERIC = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})
# Lago's lists, and one more: Lago is silent about events of a subscription that it does not know
KINDS = ("invalid_code", "missing_aggregation_property", "missing_group_key", "invalid_filter_values",
         "unknown_subscription")  # fmt: skip
Metric = Mapping[str, Any]


def problems(
    rows: Iterable[tuple[str, str, str, str]], metrics: Mapping[str, Metric], subscriptions: frozenset[str]
) -> dict[str, list[str]]:
    """Kind -> transaction ids, every kind present.

    ``rows``: (transaction, external subscription, code, properties as JSON). ``metrics``: code -> ``aggregation``,
    ``field_name``, ``filters`` ([{"key", "values"}]). ``subscriptions``: the external ids that are known.
    """
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for transaction, subscription, code, properties in rows:
        if subscription not in subscriptions:
            found["unknown_subscription"].append(transaction)
        metric = metrics.get(code)
        if metric is None:
            found["invalid_code"].append(transaction)
            continue
        given = json.loads(properties or "{}")
        if not has_value(given, metric):
            found["missing_aggregation_property"].append(transaction)
        if not fits_filters(given, metric.get("filters") or ()):
            found["invalid_filter_values"].append(transaction)
    return found


def has_value(properties: Mapping[str, Any], metric: Metric) -> bool:
    """Is the property that the metric aggregates there, and a number where it must be one?"""
    if not metric.get("field_name") or metric["aggregation"] == "count_agg":
        return True
    text = as_text(properties.get(metric["field_name"]))
    return text is not None and (metric["aggregation"] not in NUMERIC or number(text) is not None)


def fits_filters(properties: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Has every property that the metric filters by a value that the metric declares, if it is there at all?"""
    given = ((as_text(properties.get(entry["key"])), entry["values"]) for entry in filters)
    return all(text is None or text in values for text, values in given)
