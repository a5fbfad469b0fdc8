"""Sums, also prorated: each value counts for the days from its event on (facts/lago-billing §5.2, §5.7)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from mappings.money import round_up
from mappings.period import days_between, local_date
from mappings.phrases import Told
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.event_lists import with_lists
from reconcile.rating.metric_rounding import round_units
from reconcile.rating.pg_numeric import divide_numeric, numeric
from reconcile.rating.proration import PRORATION_DIGITS, check_removed, share_of_days
from reconcile.rating.rules import unknown_before
from reconcile.rating.scope import EventScope, Use, numbers_of
from reconcile.rating.tiers import ZERO

_WEEK, _LONGEST_MONTH = 7, 31  # days


def sum_values(scope: EventScope) -> Aggregation:
    """The sum of the events' values."""
    counted = [use for use in scope.billed(scope.uses) if numeric(use.value, use.json_type) is not None]
    _check_running_state(scope, counted)
    units = sum(numbers_of(counted), ZERO)
    plain = Aggregation(units=units, events_count=len(counted), precise_total_amount_cents=_own_prices(scope, counted))
    if scope.demand.charge.prorated and not scope.in_advance:
        return _prorated_sum(scope, plain)
    return with_lists(scope, plain)


def _own_prices(scope: EventScope, counted: Iterable[Use]) -> Decimal | None:
    """Dynamic charges: what the events say they cost. Of two groups that look alike Lago loses the second one's."""
    if scope.demand.charge.charge_model != "dynamic" or scope.twin:
        return None
    return sum((use.cents for use in counted if use.cents is not None), ZERO)


def _check_running_state(scope: EventScope, counted: Sequence[Use]) -> None:
    """Before v1.51.0 a running total below 0 inflated the current usage of pay-in-advance charges: unknown how far.

    Lago updates its total as events arrive, so neither order of the events may take it below 0.
    """
    charge = scope.demand.charge
    if scope.rules.advance_negative_state or not (charge.pay_in_advance and scope.window.current_usage):
        return
    arrived = sorted(counted, key=lambda use: use.received or use.moment)
    if any(total < 0 for order in (counted, arrived) for total in accumulate(numbers_of(order))):
        detail = Told.RULE_BEFORE.of(charge.lago_id, Told.RUNNING_BELOW.of())
        raise unknown_before("advance_negative_state", detail)


def _check_carry_over(scope: EventScope, carried: Decimal) -> None:
    """Before v1.47.0 what was carried over were the units of the previous fee: clipped, rounded, without late events.

    They are the sum of the earlier events where none of that could have changed them.
    """
    if scope.rules.prorated_sum_from_events:
        return
    earlier = [use for use in scope.uses if use.moment < scope.window.charges_from]
    for what, matters in (
        (Told.PRORATED_NEGATIVES, any(value < 0 for value in numbers_of(earlier))),
        (Told.PRORATED_LATE, any(_is_late(scope, use) for use in earlier)),
        (Told.PRORATED_ROUNDED, round_units(scope.metric, carried) != carried),
        (Told.PRORATED_UNLISTED, _carried(scope, scope.listed)[0] != carried),
    ):
        if matters:
            detail = Told.RULE_BEFORE.of(scope.demand.charge.lago_id, what.of())
            raise unknown_before("prorated_sum_from_events", detail)


def _is_late(scope: EventScope, use: Use) -> bool:
    """Whether a period can have ended between an event and its arrival: on a day of the month, or week, like ours."""
    start = local_date(scope.window.charges_from, scope.window.timezone)
    first, last = (local_date(moment, scope.window.timezone) for moment in (use.moment, use.received or use.moment))
    days = [first + timedelta(days=number + 1) for number in range(min((last - first).days, _LONGEST_MONTH))]
    return any(_opens_like(start, day, scope.window.charges_duration) for day in days)


def _opens_like(start: date, day: date, duration: int) -> bool:
    if duration == _WEEK:
        return day.weekday() == start.weekday()
    return day.day == min(start.day, monthrange(day.year, day.month)[1])


def _prorated_sum(scope: EventScope, plain: Aggregation) -> Aggregation:
    carried, prorated_carried = _carried(scope, scope.uses)
    _check_carry_over(scope, carried)
    current = scope.within(scope.uses)
    units = prorated_carried + sum((value for _, value in _weighted_events(scope, current)), ZERO)
    listed = _weighted_events(scope, scope.within(scope.listed))
    if scope.listed != scope.uses:
        carried, prorated_carried = _carried(scope, scope.listed)
    check_removed(scope, bool(carried) and not prorated_carried)
    head = ((carried, prorated_carried),) if carried else ()
    return replace(
        plain,
        units=round_up(units, PRORATION_DIGITS),
        full_units=plain.units,
        current_usage_units=plain.units,
        events=tuple(full for full, _ in (*head, *listed)),
        events_prorated=tuple(part for _, part in (*head, *listed)),
    )


def _carried(scope: EventScope, uses: Sequence[Use]) -> tuple[Decimal, Decimal]:
    """The sum before the window, and its share for the days of the window."""
    window = scope.window
    before = sum(numbers_of(use for use in uses if use.moment < window.charges_from), ZERO)
    days = days_between(window.charges_from, window.charges_to, window.timezone) - window.terminated_by_upgrade
    return before, before * divide_numeric(Decimal(days), Decimal(window.charges_duration))


def _weighted_events(scope: EventScope, uses: Iterable[Use]) -> tuple[tuple[Decimal, Decimal], ...]:
    """Each numeric event and its share for the days from it to the end of the window."""
    return tuple(
        (value, value * share_of_days(scope, local_date(use.moment, scope.window.timezone)))
        for use in uses
        if (value := numeric(use.value, use.json_type)) is not None
    )
