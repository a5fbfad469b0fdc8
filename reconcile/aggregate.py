"""One bucket's events -> units, exactly (facts/lago-billing §5.2-5.7). Pure: the events come selected and in order.

This is the reference for every aggregation, proration and per-event list; ``reconcile.usage`` answers the plain ones
in bulk inside DuckDB and takes this way where it needs the events one by one.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import accumulate, pairwise

from mappings.money import round_down, round_half_up, round_up
from mappings.period import days_between, local_date
from mappings.records import BillableMetric, Json
from reconcile.exact import WIDE, divide_numeric, numeric
from reconcile.rate import Aggregation, Group
from reconcile.refusal import Refused
from reconcile.rules import LATEST, Rules, unknown_before
from reconcile.tiers import ZERO, decimal_of
from reconcile.windows import ChargeWindow, Demand

_ONE = Decimal(1)
_PRORATION_DIGITS = 5
_WEEK, _LONGEST_MONTH = 7, 31  # days


@dataclass(frozen=True, slots=True)
class Use:
    """One event as an aggregation sees it. ``value`` is the property's text, ``json_type`` what it was in JSON."""

    moment: datetime  # aware, UTC
    value: str | None
    json_type: str | None = "VARCHAR"
    operation: str | None = None
    cents: Decimal | None = None
    received: datetime | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a weighted sum starts. ``rows``: how many starting rows Lago's query has for the group (facts §5.6)."""

    level: Decimal = ZERO
    rows: int = 1


NOTHING = Start()


@dataclass(frozen=True, slots=True)
class Scope:
    """The events of one bucket and group, by time.

    ``uses``: all up to the end of the window, with their history. ``listed``: the ones Lago's per-event queries see,
    which differs for blank and numeric group values (facts §5.6). ``properties`` are the bucket's prices;
    ``grouped``: they have pricing groups.
    """

    demand: Demand
    properties: Json
    uses: tuple[Use, ...]
    listed: tuple[Use, ...]
    grouped: bool
    group: Group = ()
    in_advance: bool = False
    null_group: bool = False  # a group value is null (not blank): Lago's queries do not find it equal to itself
    twin: bool = False  # another group of the bucket looks the same: blank beside null
    start_level: Start = NOTHING  # weighted sum
    rules: Rules = LATEST

    @property
    def metric(self) -> BillableMetric:
        return self.demand.metric

    @property
    def window(self) -> ChargeWindow:
        return self.demand.window

    @property
    def start(self) -> datetime:
        """Lago's lower bound is cut to the millisecond."""
        start = self.window.charges_from
        return start.replace(microsecond=start.microsecond // 1000 * 1000)

    def within(self, uses: Iterable[Use]) -> tuple[Use, ...]:
        return tuple(use for use in uses if self.start <= use.moment)

    def billed(self, uses: Iterable[Use]) -> tuple[Use, ...]:
        """What counts: all history for recurring metrics, else the window."""
        return tuple(uses) if self.metric.recurring else self.within(uses)


def aggregate_scope(scope: Scope) -> Aggregation:
    """Units of one bucket and group, rounded by the metric. Refused for aggregations that cannot be recomputed."""
    kind = KINDS.get(scope.metric.aggregation_type)
    if kind is None:
        raise Refused("unknown_aggregation", f"metric {scope.metric.code}: {scope.metric.aggregation_type}")
    with localcontext(WIDE):
        found = replace(kind(scope), grouped_by=scope.group)
        return found if scope.in_advance else rounded(scope.metric, found)


def rounded(metric: BillableMetric, found: Aggregation) -> Aggregation:
    """The metric's own rounding, once, on the aggregate (facts §5.3)."""
    if metric.rounding_function is None:
        return found
    return replace(
        found,
        units=round_units(metric, found.units),
        full_units=None if found.full_units is None else round_units(metric, found.full_units),
        current_usage_units=None
        if found.current_usage_units is None
        else round_units(metric, found.current_usage_units),
    )


def round_units(metric: BillableMetric, units: Decimal) -> Decimal:
    """``units`` by the metric's rounding function (round is half away from zero; precision may be negative)."""
    if not metric.rounding_function:
        return units
    rounding = ROUNDINGS.get(metric.rounding_function)
    if rounding is None:
        raise Refused("unknown_rounding", f"metric {metric.code}: rounding_function {metric.rounding_function!r}")
    return rounding(units, metric.rounding_precision or 0)


ROUNDINGS: Mapping[str, Callable[[Decimal, int], Decimal]] = {
    "round": round_half_up,
    "ceil": round_up,
    "floor": round_down,
}


# --- count, max, latest ---


def _count(scope: Scope) -> Aggregation:
    events = scope.within(scope.uses)
    return _with_lists(scope, Aggregation(units=Decimal(len(events)), events_count=len(events)))


def _max(scope: Scope) -> Aggregation:
    values = _numbers(scope.within(scope.uses))
    return _with_lists(scope, Aggregation(units=max(values, default=ZERO), events_count=len(values)))


def _latest(scope: Scope) -> Aggregation:
    values = _numbers(scope.within(scope.uses))
    return Aggregation(units=max(values[-1], ZERO) if values else ZERO, events_count=len(values))


def _custom(scope: Scope) -> Aggregation:
    raise Refused("custom_aggregation", f"metric {scope.metric.code} is computed by its own code inside Lago")


def _numbers(uses: Iterable[Use]) -> tuple[Decimal, ...]:
    return tuple(value for use in uses if (value := numeric(use.value, use.json_type)) is not None)


# --- sum ---


def _sum(scope: Scope) -> Aggregation:
    counted = [use for use in scope.billed(scope.uses) if numeric(use.value, use.json_type) is not None]
    _check_running_state(scope, counted)
    units = sum(_numbers(counted), ZERO)
    plain = Aggregation(units=units, events_count=len(counted), precise_total_amount_cents=_own_prices(scope, counted))
    if scope.demand.charge.prorated and not scope.in_advance:
        return _prorated_sum(scope, plain)
    return _with_lists(scope, plain)


def _own_prices(scope: Scope, counted: Iterable[Use]) -> Decimal | None:
    """Dynamic charges: what the events say they cost. Of two groups that look alike Lago loses the second one's."""
    if scope.demand.charge.charge_model != "dynamic" or scope.twin:
        return None
    return sum((use.cents for use in counted if use.cents is not None), ZERO)


def _check_running_state(scope: Scope, counted: Sequence[Use]) -> None:
    """Before v1.51.0 a running total below 0 inflated the current usage of pay-in-advance charges: unknown how far.

    Lago updates its total as events arrive, so neither order of the events may take it below 0.
    """
    charge = scope.demand.charge
    if scope.rules.advance_negative_state or not (charge.pay_in_advance and scope.window.current_usage):
        return
    arrived = sorted(counted, key=lambda use: use.received or use.moment)
    if any(total < 0 for order in (counted, arrived) for total in accumulate(_numbers(order))):
        detail = f"charge {charge.lago_id}: current usage with a running total below 0"
        raise unknown_before("advance_negative_state", detail)


def _check_carry_over(scope: Scope, carried: Decimal) -> None:
    """Before v1.47.0 what was carried over were the units of the previous fee: clipped, rounded, without late events.

    They are the sum of the earlier events where none of that could have changed them.
    """
    if scope.rules.prorated_sum_from_events:
        return
    earlier = [use for use in scope.uses if use.moment < scope.window.charges_from]
    for what, matters in (
        ("negative values", any(value < 0 for value in _numbers(earlier))),
        ("events that arrived after their period", any(_is_late(scope, use) for use in earlier)),
        ("rounded units", round_units(scope.metric, carried) != carried),
        ("events its lists miss", _carried(scope, scope.listed)[0] != carried),
    ):
        if matters:
            detail = f"charge {scope.demand.charge.lago_id}: prorated sum with {what} before it"
            raise unknown_before("prorated_sum_from_events", detail)


def _is_late(scope: Scope, use: Use) -> bool:
    """Whether a period can have ended between an event and its arrival: on a day of the month, or week, like ours."""
    start = local_date(scope.window.charges_from, scope.window.timezone)
    first, last = (local_date(moment, scope.window.timezone) for moment in (use.moment, use.received or use.moment))
    days = [first + timedelta(days=number + 1) for number in range(min((last - first).days, _LONGEST_MONTH))]
    return any(_opens_like(start, day, scope.window.charges_duration) for day in days)


def _opens_like(start: date, day: date, duration: int) -> bool:
    if duration == _WEEK:
        return day.weekday() == start.weekday()
    return day.day == min(start.day, monthrange(day.year, day.month)[1])


def _check_removed(scope: Scope, removed: bool) -> None:
    """Before v1.40.0 items without weight in the period occupied tiers: unknown which ones."""
    charge = scope.demand.charge
    if removed and charge.charge_model == "graduated" and not scope.rules.removed_items_free_tiers:
        detail = f"charge {charge.lago_id}: prorated graduated with items removed before the period"
        raise unknown_before("removed_items_free_tiers", detail)


def _prorated_sum(scope: Scope, plain: Aggregation) -> Aggregation:
    carried, prorated_carried = _carried(scope, scope.uses)
    _check_carry_over(scope, carried)
    current = scope.within(scope.uses)
    units = prorated_carried + sum((value for _, value in _weighted_events(scope, current)), ZERO)
    listed = _weighted_events(scope, scope.within(scope.listed))
    if scope.listed != scope.uses:
        carried, prorated_carried = _carried(scope, scope.listed)
    _check_removed(scope, bool(carried) and not prorated_carried)
    head = ((carried, prorated_carried),) if carried else ()
    return replace(
        plain,
        units=round_up(units, _PRORATION_DIGITS),
        full_units=plain.units,
        current_usage_units=plain.units,
        events=tuple(full for full, _ in (*head, *listed)),
        events_prorated=tuple(part for _, part in (*head, *listed)),
    )


def _carried(scope: Scope, uses: Sequence[Use]) -> tuple[Decimal, Decimal]:
    """The sum before the window, and its share for the days of the window."""
    window = scope.window
    before = sum(_numbers(use for use in uses if use.moment < window.charges_from), ZERO)
    days = days_between(window.charges_from, window.charges_to, window.timezone) - window.terminated_by_upgrade
    return before, before * divide_numeric(Decimal(days), Decimal(window.charges_duration))


def _weighted_events(scope: Scope, uses: Iterable[Use]) -> tuple[tuple[Decimal, Decimal], ...]:
    """Each numeric event and its share for the days from it to the end of the window."""
    return tuple(
        (value, value * _share(scope, local_date(use.moment, scope.window.timezone)))
        for use in uses
        if (value := numeric(use.value, use.json_type)) is not None
    )


def _share(scope: Scope, first: date, last: date | None = None) -> Decimal:
    """Days from ``first`` to ``last`` (or the end of the window), both counted, over those of the whole period."""
    window = scope.window
    final = last or local_date(window.charges_to, window.timezone)
    return divide_numeric(Decimal((final - first).days + 1), Decimal(window.charges_duration))


# --- unique count ---


@dataclass(slots=True)
class _Presence:
    """One distinct value while it is active. ``removed`` is None as long as it is."""

    value: str | None
    added: datetime
    removed: datetime | None = None


def _unique(scope: Scope) -> Aggregation:
    if scope.demand.charge.prorated and not scope.in_advance:
        return _prorated_unique(scope)
    units = Decimal(sum(effective for _, effective in effects(scope.billed(scope.uses))))
    return _with_lists(scope, Aggregation(units=units, events_count=int(units)))


def effects(uses: Iterable[Use]) -> list[tuple[Use, int]]:
    """Each event with what it changes: +1 a value appears, -1 it goes, 0 nothing new (facts §5.4)."""
    active: dict[str | None, bool] = {}
    return [(use, _effect(active, use)) for use in uses]


def _effect(active: dict[str | None, bool], use: Use) -> int:
    adds = (use.operation or "add") == "add"
    if adds == active.get(use.value, False):
        return 0
    active[use.value] = adds
    return 1 if adds else -1


def _prorated_unique(scope: Scope) -> Aggregation:
    presences, steps = _presences(scope, scope.uses)
    units = round_up(sum((_presence_share(scope, one) for one in presences), ZERO), _PRORATION_DIGITS)
    full = Decimal(sum(1 for one in presences if one.removed is None))
    if scope.listed != scope.uses:
        _, steps = _presences(scope, scope.listed)
    _check_removed(scope, any(_is_gone(scope, one) for _, one in steps))
    return Aggregation(
        units=units,
        events_count=int(units),
        full_units=full,
        current_usage_units=full,
        events=tuple(Decimal(change) for change, _ in steps),
        events_prorated=tuple(
            ZERO if change < 0 else round_up(_presence_share(scope, one), _PRORATION_DIGITS) for change, one in steps
        ),
    )


def _presences(scope: Scope, uses: Sequence[Use]) -> tuple[list[_Presence], list[tuple[int, _Presence]]]:
    """When each value was there; and the changes in order of time, each with its presence."""
    current: dict[str | None, _Presence] = {}
    presences: list[_Presence] = []
    steps: list[tuple[int, _Presence]] = []
    for use, change in effects(_without_flicker(scope, uses)):
        if change > 0:
            current[use.value] = _Presence(use.value, use.moment)
            presences.append(current[use.value])
        elif change < 0:
            current[use.value].removed = use.moment
        if change:
            steps.append((change, current[use.value]))
    return presences, steps


def _without_flicker(scope: Scope, uses: Sequence[Use]) -> list[Use]:
    """Drop removes that are followed by an add of the same value on the same day (null groups keep them)."""
    if scope.null_group:
        return list(uses)
    kept: list[Use] = []
    added_later: set[tuple[str | None, date]] = set()
    for use in reversed(uses):
        day = (use.value, local_date(use.moment, scope.window.timezone))
        adds = (use.operation or "add") == "add"
        if adds:
            added_later.add(day)
        if adds or day not in added_later:
            kept.append(use)
    return kept[::-1]


def _presence_share(scope: Scope, presence: _Presence) -> Decimal:
    timezone = scope.window.timezone
    first = max(local_date(presence.added, timezone), local_date(scope.window.charges_from, timezone))
    if presence.removed is None:
        return _share(scope, first)
    if _is_gone(scope, presence):
        return _share(scope, first, first) if scope.grouped else ZERO
    return _share(scope, first, local_date(presence.removed, timezone))


def _is_gone(scope: Scope, presence: _Presence) -> bool:
    """Removed on a day before the period."""
    timezone = scope.window.timezone
    start = local_date(scope.window.charges_from, timezone)
    return presence.removed is not None and local_date(presence.removed, timezone) < start


# --- weighted sum ---


def _weighted(scope: Scope) -> Aggregation:
    window = scope.window
    current = [use for use in scope.within(scope.uses) if numeric(use.value, use.json_type) is not None]
    end = ceil_second(window.charges_to)
    moments = [window.charges_from, *(use.moment for use in current), end]
    levels = list(accumulate((scope.start_level.level, *_numbers(current))))
    seconds = Decimal(window.charges_duration * 86400)
    parts = [
        divide_numeric(level * _seconds(after - before), seconds)
        for level, (before, after) in zip(levels, pairwise(moments), strict=True)
    ]
    units = sum(parts, ZERO)
    return Aggregation(
        units=units if scope.grouped else round_up(units, 20),
        events_count=len(current) * scope.start_level.rows,
        total_aggregated_units=levels[-1],
    )


def _seconds(span: timedelta) -> Decimal:
    """With six decimals, as PostgreSQL's extract(epoch) gives them."""
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


def ceil_second(moment: datetime) -> datetime:
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)


# --- lists for models that price event by event ---


def _with_lists(scope: Scope, found: Aggregation) -> Aggregation:
    charge = scope.demand.charge
    if charge.charge_model != "percentage":
        return found
    values = _event_values(scope)
    return replace(found, running_total=_running_total(scope, found, values), events=values)


def _event_values(scope: Scope) -> tuple[Decimal, ...]:
    """What each event is worth to a bound per transaction: its value, or 1 where events are counted."""
    uses, kind = scope.billed(scope.listed), scope.metric.aggregation_type
    if kind == "max_agg":
        return _first_maximum(_numbers(uses))
    return _numbers(uses) if kind == "sum_agg" else (_ONE,) * len(uses)


def _first_maximum(values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Of a maximum only the first event that reaches it is worth anything, all others 0."""
    place = values.index(max(values)) if values else None
    return tuple(value if index == place else ZERO for index, value in enumerate(values))


def _running_total(scope: Scope, found: Aggregation, values: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
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
        enough = min(int(found.units), max(free_events, math.ceil(free_units)) + 1)
        return tuple(Decimal(number) for number in range(1, enough + 1))
    totals = tuple(accumulate(values))
    if free_events > 0:
        return totals[:free_events]
    beyond = next((index for index, total in enumerate(totals) if total > free_units), len(totals))
    return totals[: beyond + 1]


KINDS: Mapping[str, Callable[[Scope], Aggregation]] = {
    "count_agg": _count,
    "sum_agg": _sum,
    "max_agg": _max,
    "latest_agg": _latest,
    "unique_count_agg": _unique,
    "weighted_sum_agg": _weighted,
    "custom_agg": _custom,
}
