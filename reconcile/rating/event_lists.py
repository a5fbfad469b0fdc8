"""Lists for models that price event by event: what each event is worth, and the units reached by then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

from reconcile.rating.aggregation import Aggregation
from reconcile.rating.scope import EventScope, Use, numbers_of
from reconcile.rating.tiers import ZERO, decimal_of

_ONE = Decimal(1)


def with_lists(scope: EventScope, aggregation: Aggregation) -> Aggregation:
    """A percentage charge prices events one by one: their values and the running total are added."""
    charge = scope.demand.charge
    if charge.charge_model != "percentage":
        return aggregation
    total = _running_total(scope, aggregation, _values(scope, scope.billed(scope.listed)))
    # in arrears, units that a recurring metric carries over are no transactions, though some may be free
    priced = scope.billed(scope.listed) if scope.in_advance else scope.within(scope.listed)
    return replace(aggregation, running_total=total, events=_values(scope, priced))


def _values(scope: EventScope, uses: Sequence[Use]) -> tuple[Decimal, ...]:
    """What each event is worth to a bound per transaction: its value, or 1 where events are counted."""
    kind = scope.metric.aggregation_type
    if kind == "max_agg":
        return _first_maximum(numbers_of(uses))
    return numbers_of(uses) if kind == "sum_agg" else (_ONE,) * len(uses)


def _first_maximum(values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Of a maximum only the first event that reaches it is worth anything, all others 0."""
    place = values.index(max(values)) if values else None
    return tuple(value if index == place else ZERO for index, value in enumerate(values))


def _running_total(scope: EventScope, aggregation: Aggregation, values: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    """Cumulative units as far as free units reach (facts §4.5)."""
    properties = scope.properties
    free_events = int(decimal_of(properties, "free_units_per_events"))
    free_units = decimal_of(properties, "free_units_per_total_aggregation")
    if free_events <= 0 and free_units <= 0:
        return ()
    if scope.metric.aggregation_type == "max_agg":
        return ()  # no free units
    if scope.metric.aggregation_type != "sum_agg":
        # further entries change neither the free value nor the free count
        enough = min(int(aggregation.units), max(free_events, math.ceil(free_units)) + 1)
        return tuple(Decimal(number) for number in range(1, enough + 1))
    totals = tuple(accumulate(values))
    if free_events > 0:
        return totals[:free_events]
    beyond = next((index for index, total in enumerate(totals) if total > free_units), len(totals))
    return totals[: beyond + 1]
