"""A metric's own rounding of its units (facts/lago-billing §5.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from mappings.money import round_down, round_half_up, round_up
from mappings.phrases import Told
from mappings.records import BillableMetric
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.refusal import RerateRefused


def rounded(metric: BillableMetric, aggregation: Aggregation) -> Aggregation:
    """The metric's own rounding, once, on the aggregate (facts §5.3)."""
    if metric.rounding_function is None:
        return aggregation
    return replace(
        aggregation,
        units=round_units(metric, aggregation.units),
        full_units=None if aggregation.full_units is None else round_units(metric, aggregation.full_units),
        current_usage_units=None
        if aggregation.current_usage_units is None
        else round_units(metric, aggregation.current_usage_units),
    )


def round_units(metric: BillableMetric, units: Decimal) -> Decimal:
    """``units`` by the metric's rounding function (round is half away from zero; precision may be negative)."""
    if not metric.rounding_function:
        return units
    rounding = ROUNDINGS.get(metric.rounding_function)
    if rounding is None:
        raise RerateRefused("unknown_rounding", Told.METRIC_ROUNDING.of(metric.code, repr(metric.rounding_function)))
    return rounding(units, metric.rounding_precision or 0)


ROUNDINGS: Mapping[str, Callable[[Decimal, int], Decimal]] = {
    "round": round_half_up,
    "ceil": round_up,
    "floor": round_down,
}
