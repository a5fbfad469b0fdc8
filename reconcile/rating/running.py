"""Running aggregates of one bucket and group: its units at any moment while events arrive, without starting over.

Each gives what ``aggregate_scope`` gives for all events up to the moment, from the same steps in the same order, so
that it is the same to the last digit. Where no running form is exact, the aggregation is done again (``_Replay``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Protocol

from mappings.money import CONTEXT
from reconcile.rating.aggregate import aggregate_scope
from reconcile.rating.aggregation import Aggregation, PercentageUsage
from reconcile.rating.fold import Fold, Key
from reconcile.rating.percentage import (
    Bounded,
    Free,
    PercentagePrices,
    RunningFree,
    bound_event,
    free_event,
    free_of_count,
    percentage_prices,
    usage_of,
)
from reconcile.rating.pg_numeric import numeric
from reconcile.rating.scope import EventScope, Use
from reconcile.rating.tiers import ZERO
from reconcile.rating.unique_counts import effect_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Units reached at a moment. ``without_last``: the same percentage usage without its last event."""

    whole: Aggregation
    without_last: PercentageUsage | None = None


class Running(Protocol):
    """What arrived so far of one bucket and group."""

    def add(self, key: Key, use: Use) -> None: ...

    def reach(self, moment: datetime) -> Reached:
        """The units of all events up to ``moment``. Raises RerateRefused like ``aggregate_scope``."""


def running_of(scope: EventScope, premium: bool) -> Running:
    """Nothing has arrived yet: ``scope`` has no events."""
    make = _RUNNING.get(scope.metric.aggregation_type)
    return _Replay(scope) if make is None else make(scope, _Percentage(scope, premium))


@dataclass
class _Percentage:
    """The prices of a percentage charge, read when first needed: bad ones refuse no event that makes no fee."""

    scope: EventScope
    premium: bool

    @property
    def applies(self) -> bool:
        return self.scope.demand.charge.charge_model == "percentage"

    @cached_property
    def prices(self) -> PercentagePrices:
        return percentage_prices(self.scope.properties, self.premium)

    def reached(self, whole: Aggregation, free: Callable[[PercentagePrices], Free]) -> Reached:
        """Without sums Lago has no values of single events: the bounds hold nothing then."""
        if not self.applies:
            return Reached(whole=whole)
        usage = usage_of(self.prices, free(self.prices), None)
        return Reached(whole=replace(whole, percentage=usage), without_last=usage)


# --- count, maximum, latest ---


class _RunningCount:
    def __init__(self, scope: EventScope, percentage: _Percentage) -> None:
        self._scope, self._percentage = scope, percentage
        self._fold: Fold[Use, int] = Fold(0, lambda count, _: count + 1)

    def add(self, key: Key, use: Use) -> None:
        if self._scope.is_within(use):
            self._fold.insert(key, use)

    def reach(self, moment: datetime) -> Reached:
        count = self._fold.count(moment)
        whole = Aggregation(units=Decimal(count), events_count=count)
        return self._percentage.reached(whole, lambda prices: free_of_count(prices, count))


class _Value:
    """The highest or the latest value; ``choose`` picks one of the value so far and the next one."""

    def __init__(
        self,
        scope: EventScope,
        percentage: _Percentage,
        choose: Callable[[Decimal, Decimal], Decimal],
        floor: Decimal | None,
    ) -> None:
        self._scope, self._percentage, self._floor = scope, percentage, floor
        self._fold: Fold[Decimal, Decimal | None] = Fold(
            None, lambda chosen, value: value if chosen is None else choose(chosen, value)
        )

    def add(self, key: Key, use: Use) -> None:
        value = numeric(use.value, use.json_type)
        if value is not None and self._scope.is_within(use):
            self._fold.insert(key, value)

    def reach(self, moment: datetime) -> Reached:
        count = self._fold.count(moment)
        chosen = self._fold.after(count)
        units = ZERO if chosen is None else chosen if self._floor is None else max(chosen, self._floor)
        whole = Aggregation(units=units, events_count=count)
        return self._percentage.reached(whole, lambda _: Free())


def _maximum(scope: EventScope, percentage: _Percentage) -> Running:
    return _Value(scope, percentage, max, floor=None)


def _latest(scope: EventScope, percentage: _Percentage) -> Running:
    return _Value(scope, percentage, lambda _, value: value, floor=ZERO)


# --- sum ---


@dataclass(frozen=True, slots=True)
class _Summed:
    """``cents``: what the events say they cost (dynamic charges)."""

    units: Decimal = ZERO
    cents: Decimal = ZERO


class _Sum:
    def __init__(self, scope: EventScope, percentage: _Percentage) -> None:
        self._scope, self._percentage = scope, percentage
        self._sums: Fold[tuple[Decimal, Decimal | None], _Summed] = Fold(_Summed(), _add)
        self._free: Fold[Decimal, RunningFree] = Fold(
            RunningFree(), lambda running, value: free_event(percentage.prices, running, value)
        )
        self._bounded: Fold[Decimal, Bounded | None] = Fold(
            None, lambda bounded, value: bound_event(percentage.prices, bounded, value)
        )

    def add(self, key: Key, use: Use) -> None:
        value = numeric(use.value, use.json_type)
        if value is None or not self._scope.is_billed(use):
            return
        self._sums.insert(key, (value, use.cents))
        if self._percentage.applies:
            self._free.insert(key, value)
            self._bounded.insert(key, value)

    def reach(self, moment: datetime) -> Reached:
        count = self._sums.count(moment)
        summed = self._sums.after(count)
        dynamic = self._scope.demand.charge.charge_model == "dynamic"
        whole = Aggregation(
            units=summed.units, events_count=count, precise_total_amount_cents=summed.cents if dynamic else None
        )
        if not self._percentage.applies:
            return Reached(whole=whole)
        return Reached(
            whole=replace(whole, percentage=self._usage(count, count)),
            without_last=self._usage(count, max(count - 1, 0)),
        )

    def _usage(self, count: int, priced: int) -> PercentageUsage:
        """Free units by ``count`` events, amounts of the first ``priced`` of them."""
        prices = self._percentage.prices
        free = self._free.after(count).free(prices)
        with localcontext(CONTEXT):  # amounts, as in ``rate_case``
            return usage_of(prices, free, self._bounded.after(priced) if prices.bounded else None)


def _add(summed: _Summed, event: tuple[Decimal, Decimal | None]) -> _Summed:
    value, cents = event
    return _Summed(summed.units + value, summed.cents if cents is None else summed.cents + cents)


# --- unique count ---


@dataclass(slots=True)
class _Moves:
    """Adds (True) and removes of one value, by time."""

    keys: list[Key] = field(default_factory=list)
    adds: list[bool] = field(default_factory=list)

    def present_before(self, key: Key) -> bool:
        place = bisect_left(self.keys, key)
        return self.adds[place - 1] if place else False

    def insert(self, key: Key, adds: bool) -> tuple[Key, int] | None:
        """The key of the next move, and its effect now; None if there is none."""
        place = bisect_left(self.keys, key)
        self.keys.insert(place, key)
        self.adds.insert(place, adds)
        following = place + 1
        return (self.keys[following], effect_of(self.adds[following], adds)) if following < len(self.keys) else None


class UniqueChanges:
    """What each event does to the number of distinct values: +1, -1 or 0, as ``unique_counts.effects`` has it."""

    def __init__(self) -> None:
        self._moves: dict[str | None, _Moves] = {}

    def change_at(self, key: Key, use: Use) -> int:
        """What an event does after those before it, whether it is among them or not."""
        moves = self._moves.get(use.value)
        return effect_of(use.adds, moves.present_before(key) if moves else False)

    def insert(self, key: Key, use: Use) -> tuple[Key, int] | None:
        """Add an event. The one whose effect it changes, and that effect."""
        return self._moves.setdefault(use.value, _Moves()).insert(key, use.adds)


class _Unique:
    def __init__(self, scope: EventScope, percentage: _Percentage) -> None:
        self._scope, self._percentage = scope, percentage
        self._changes = UniqueChanges()
        self._fold: Fold[int, int] = Fold(0, lambda total, change: total + change)

    def add(self, key: Key, use: Use) -> None:
        if not self._scope.is_billed(use):
            return
        self._fold.insert(key, self._changes.change_at(key, use))
        following = self._changes.insert(key, use)
        if following is not None:
            self._fold.replace(*following)

    def reach(self, moment: datetime) -> Reached:
        count = self._fold.until(moment)
        whole = Aggregation(units=Decimal(count), events_count=count)
        return self._percentage.reached(whole, lambda prices: free_of_count(prices, count))


# --- all others ---


class _Replay:
    """Aggregations that Lago does not offer in advance (weighted sums), and those that are refused."""

    def __init__(self, scope: EventScope) -> None:
        self._scope = scope
        self._arrived: list[tuple[Key, Use]] = []

    def add(self, key: Key, use: Use) -> None:
        insort(self._arrived, (key, use), key=lambda arrived: arrived[0])

    def reach(self, moment: datetime) -> Reached:
        count = bisect_right(self._arrived, moment, key=lambda arrived: arrived[0][0])
        uses = tuple(use for _, use in self._arrived[:count])
        whole = aggregate_scope(replace(self._scope, uses=uses, listed=uses))
        return Reached(whole=replace(whole, events=()))


_RUNNING: Mapping[str, Callable[[EventScope, _Percentage], Running]] = {
    "count_agg": _RunningCount,
    "sum_agg": _Sum,
    "max_agg": _maximum,
    "latest_agg": _latest,
    "unique_count_agg": _Unique,
}
