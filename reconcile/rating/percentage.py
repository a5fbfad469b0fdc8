"""Percentage charges: a rate and a fixed fee an event, free units, bounds per transaction (facts/lago-billing §4.5).

Where events are charged one by one as they arrive, what is free and what the bounds make of the events is carried on
from event to event (``RunningFree``, ``Bounded``): no list of all events so far is walked for every one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mappings.explain import Step, StepKind, given
from mappings.records import Json
from reconcile.rating.aggregation import Aggregation, PercentageUsage
from reconcile.rating.pricing import Priced, Rated, rated_of
from reconcile.rating.tiers import ZERO, decimal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentagePrices:
    """``free_events`` and ``free_units`` are 0 when not set. ``minimum`` and ``maximum`` hold for each event."""

    rate: Decimal
    fixed: Decimal
    free_events: int
    free_units: Decimal
    minimum: Decimal | None
    maximum: Decimal | None

    @property
    def bounded(self) -> bool:
        return self.minimum is not None or self.maximum is not None


def percentage_prices(properties: Json, premium: bool) -> PercentagePrices:
    """A charge's prices; without a licence Lago ignores the bounds. Raises RerateRefused for a bad one."""

    def bound(key: str) -> Decimal | None:
        blank = properties.get(key) in (None, "")
        return None if blank or not premium else decimal_of(properties, key)

    return PercentagePrices(
        free_events=int(decimal_of(properties, "free_units_per_events")),
        free_units=decimal_of(properties, "free_units_per_total_aggregation"),
        rate=decimal_of(properties, "rate"),
        fixed=decimal_of(properties, "fixed_amount"),
        minimum=bound("per_transaction_min_amount"),
        maximum=bound("per_transaction_max_amount"),
    )


def price_percentage(case: Priced) -> Rated:
    """A share of the amount and a fixed fee an event, less what is free, within the bounds of an event."""
    prices = percentage_prices(case.properties, case.premium)
    aggregation = case.aggregation
    usage = aggregation.percentage or _usage_in_lists(prices, aggregation)
    paid = ZERO if usage.free_units > aggregation.units else aggregation.units - usage.free_units
    paid_events = max(aggregation.events_count - usage.free_events, 0)
    variable = paid * prices.rate / 100
    fixed = paid_events * prices.fixed if aggregation.units else ZERO
    amount = variable + fixed if usage.bounded_amount is None else usage.bounded_amount
    details = {
        "units": aggregation.units,
        "free_units": usage.free_units,
        "free_events": min(usage.free_events, aggregation.events_count),
        "paid_units": paid,
        "rate": prices.rate,
        "per_unit_total_amount": variable,
        "paid_events": paid_events,
        "fixed_fee_unit_amount": prices.fixed if paid_events else ZERO,
        "fixed_fee_total_amount": fixed,
        "min_max_adjustment_total_amount": amount - variable - fixed,
    }
    return rated_of(case, amount, details, _percentage_steps(prices, details))


def _percentage_steps(prices: PercentagePrices, details: Json) -> tuple[Step, ...]:
    steps = [
        Step(
            kind=StepKind.RATE_BEYOND_FREE,
            values={"rate": prices.rate, "free": details["free_units"]},
            units=details["paid_units"],
            unit_price=prices.rate,
            amount=details["per_unit_total_amount"],
        )
    ]
    if prices.fixed:
        steps.append(
            Step(
                kind=StepKind.FIXED_FEE_BEYOND_FREE,
                values={"free": Decimal(details["free_events"])},
                units=Decimal(details["paid_events"]),
                unit_price=prices.fixed,
                amount=details["fixed_fee_total_amount"],
            )
        )
    if details["min_max_adjustment_total_amount"]:
        bounds = given(least=prices.minimum, most=prices.maximum)
        adjusted = details["min_max_adjustment_total_amount"]
        steps.append(Step(kind=StepKind.EVENT_BOUNDS, values=bounds, amount=adjusted))
    return tuple(steps)


# --- what is free ---


@dataclass(frozen=True, slots=True)
class Free:
    """``units`` are free; ``below``: how many running totals lie below the free units."""

    units: Decimal = ZERO
    below: int = 0


def usage_of(prices: PercentagePrices, free: Free, bounded: Bounded | None) -> PercentageUsage:
    """``bounded``: where the events' own amounts lead; None: there was no event to bound."""
    amount = (bounded.amount if bounded else ZERO) if prices.bounded else None
    return PercentageUsage(free_units=free.units, free_events=_free_events(prices, free.below), bounded_amount=amount)


def _free_events(prices: PercentagePrices, below: int) -> int:
    return min((count for count in (prices.free_events, below) if count), default=0)


def _usage_in_lists(prices: PercentagePrices, aggregation: Aggregation) -> PercentageUsage:
    running = aggregation.running_total
    below = sum(1 for total in running if total < prices.free_units)
    free = Free(_free_units(prices, running), below)
    return usage_of(prices, free, bound_events(prices, aggregation.events) if prices.bounded else None)


def _free_units(prices: PercentagePrices, running: tuple[Decimal, ...]) -> Decimal:
    if not running or running[-1] == 0:
        return ZERO
    if 0 < prices.free_events < len(running):
        return running[prices.free_events - 1]
    return _up_to_free_units(prices, running[-1])


def _up_to_free_units(prices: PercentagePrices, total: Decimal) -> Decimal:
    return min(total, prices.free_units) if prices.free_units else total


def free_of_count(prices: PercentagePrices, count: int) -> Free:
    """Of ``count`` units that came one by one: running totals 1, 2, 3... as far as free units reach."""
    if prices.free_events <= 0 and prices.free_units <= 0:
        return Free()
    reached = min(count, max(prices.free_events, math.ceil(prices.free_units)) + 1)
    if reached <= 0:
        return Free()
    below = min(reached, max(math.ceil(prices.free_units) - 1, 0))
    if 0 < prices.free_events < reached:
        return Free(Decimal(prices.free_events), below)
    return Free(_up_to_free_units(prices, Decimal(reached)), below)


@dataclass(frozen=True, slots=True)
class RunningFree:
    """Running totals as far as free units reach: ``kept`` of them, the ``last`` of which is kept."""

    total: Decimal = ZERO  # of all values
    kept: int = 0
    last: Decimal = ZERO
    below: int = 0
    closed: bool = False  # the free units are used up

    def free(self, prices: PercentagePrices) -> Free:
        return Free(_up_to_free_units(prices, self.last) if self.last else ZERO, self.below)


def free_event(prices: PercentagePrices, running: RunningFree, value: Decimal) -> RunningFree:
    """One event more, worth ``value``."""
    total = running.total + value
    none_free = prices.free_events <= 0 and prices.free_units <= 0
    used_up = running.kept >= prices.free_events if prices.free_events > 0 else running.closed
    if none_free or used_up:
        return RunningFree(total, running.kept, running.last, running.below, running.closed)
    below = running.below + (total < prices.free_units)
    return RunningFree(total, running.kept + 1, total, below, total > prices.free_units)


# --- bounds ---


@dataclass(frozen=True, slots=True)
class Bounded:
    """Events priced on their own, within the bounds: their ``amount``, and what is still free for those to come."""

    amount: Decimal
    left_events: int
    left_units: Decimal


def bound_event(prices: PercentagePrices, before: Bounded | None, value: Decimal) -> Bounded:
    """One event more; the first ones are free (facts §4.5)."""
    state = before or Bounded(ZERO, prices.free_events, prices.free_units)
    charged, left_events, left_units = value, state.left_events, state.left_units
    if left_events > 0 or left_units > 0:
        if prices.free_units == 0:
            return Bounded(state.amount, left_events - 1, left_units)
        if left_units > value:
            return Bounded(state.amount, left_events - 1, left_units - value)
        charged, left_events, left_units = value - left_units, 0, ZERO
    amount = state.amount + _within(prices, charged * prices.rate / 100 + prices.fixed)
    return Bounded(amount, left_events, left_units)


def bound_events(prices: PercentagePrices, events: Iterable[Decimal]) -> Bounded | None:
    """The events priced one by one within their bounds; None if there are none."""
    bounded: Bounded | None = None
    for value in events:
        bounded = bound_event(prices, bounded, value)
    return bounded


def _within(prices: PercentagePrices, amount: Decimal) -> Decimal:
    if prices.minimum is not None and amount < prices.minimum:
        return prices.minimum
    if prices.maximum is not None and amount > prices.maximum:
        return prices.maximum
    return amount
