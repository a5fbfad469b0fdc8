"""From events to units: one aggregation per metric and bucket, per pricing group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from .charge_models import Unratable, Usage
from .events import Bucket, Event, Group, by_group, group_keys, group_of, number, same_group, shown, within
from .exact import ONE, ZERO, ceiling, decimal, metric_rounding
from .moments import days_between, local_date

SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Window:
    """The usage period of one billing. ``days``: nominal days of the whole period, the base of proration.

    ``upgraded``: the subscription was left by an upgrade, whose day belongs to the new plan.
    ``billed``: the windows billed before, which a recurring weighted sum remembers. ``inherits``: the order replaced
    another, so that its first window begins with all that was before.
    """

    start: datetime
    end: datetime
    days: int
    tz: ZoneInfo
    upgraded: bool = False
    billed: tuple[tuple[datetime, datetime], ...] = ()
    inherits: bool = False

    @property
    def share(self) -> int:
        """Days of the window, for what was there before it."""
        return days_between(self.start, self.end, self.tz) - self.upgraded

    def days_left(self, day: date) -> int:
        """Days from ``day`` to the end of the window, both included."""
        return (local_date(self.end, self.tz) - day).days + 1


@dataclass(frozen=True, slots=True)
class Grouped:
    keys: tuple[str, ...]
    group: Group
    usage: Usage


def aggregate(charge: Mapping[str, Any], metric: Mapping[str, Any], bucket: Bucket, window: Window) -> list[Grouped]:
    """Usage of one bucket, one entry per pricing group (one in all without groups)."""
    keys = group_keys(bucket.properties)
    history = recurring_history(metric)
    events = within(bucket.events, None if history else window.start, window.end)
    reader = Reader(charge, metric, bucket, window, keys, events)
    if not events and not metric.get("recurring"):
        return [Grouped(keys, (None,) * len(keys), Usage())]
    if not keys:
        return [Grouped(keys, (), reader.usage(events, ()))]
    if metric["aggregation"] == "weighted_sum_agg" and metric.get("recurring"):
        return reader.remembered_groups(events) or [Grouped(keys, (None,) * len(keys), Usage())]
    groups = by_group(reader.counted(events), keys)
    found = [Grouped(keys, group, reader.usage(rows, group)) for group, rows in sorted_groups(groups)]
    if charge["charge_model"] == "dynamic":
        refuse_twins(found)
    return found or [Grouped(keys, (None,) * len(keys), Usage())]


def recurring_history(metric: Mapping[str, Any]) -> bool:
    """Recurring sums and unique counts look at all events ever."""
    return bool(metric.get("recurring")) and metric["aggregation"] in (
        "sum_agg",
        "unique_count_agg",
        "weighted_sum_agg",
    )


def sorted_groups(groups: dict[Group, list[Event]]) -> list[tuple[Group, list[Event]]]:
    return sorted(groups.items(), key=lambda item: group_order(item[0]))


def group_order(group: Group) -> tuple[tuple[bool, str], ...]:
    """As the database sorts: nothing comes last."""
    return tuple((value is None, value or "") for value in group)


def refuse_twins(found: Sequence[Grouped]) -> None:
    """Lago finds the amount of a dynamic group by its presented name: "" and nothing cannot both be there."""
    names = [tuple(shown(entry.keys, entry.group).items()) for entry in found]
    if len(set(names)) != len(names):
        raise Unratable("dynamic-group-twins", "a group without value and one with an empty value in a dynamic charge")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the events of one bucket; ``seen`` are all of its events in reach."""

    charge: Mapping[str, Any]
    metric: Mapping[str, Any]
    bucket: Bucket
    window: Window
    keys: tuple[str, ...]
    seen: Sequence[Event]

    @property
    def kind(self) -> str:
        return str(self.metric["aggregation"])

    def value(self, event: Event) -> Decimal:
        return number(event.text(self.metric.get("field_name") or "")) or ZERO

    def counted(self, events: Sequence[Event]) -> list[Event]:
        """Numeric aggregations see only events whose value is a number."""
        if self.kind in ("count_agg", "unique_count_agg", "custom_agg"):
            return list(events)
        field = self.metric.get("field_name") or ""
        return [event for event in events if number(event.text(field)) is not None]

    def usage(self, events: Sequence[Event], group: Group) -> Usage:
        return self.finished(self.aggregated(self.counted(events)), group)

    def finished(self, usage: Usage, group: Group) -> Usage:
        """With what the charge model asks for, and the metric's rounding."""
        usage = replace(usage, **self.details(usage, group))
        return replace(
            usage,
            divisor=usage.full_units,
            units=metric_rounding(dict(self.metric), usage.units),
            full_units=None if usage.full_units is None else metric_rounding(dict(self.metric), usage.full_units),
        )

    def aggregated(self, events: list[Event]) -> Usage:
        match self.kind:
            case "count_agg":
                return Usage(Decimal(len(events)), len(events))
            case "sum_agg":
                return self.prorated_sum(events) if self.charge.get("prorated") else self.sum(events)
            case "max_agg":
                return Usage(max(map(self.value, events), default=ZERO), len(events))
            case "latest_agg":
                return Usage(self.value(events[-1]) if events else ZERO, len(events))
            case "unique_count_agg":
                return self.prorated_unique(events) if self.charge.get("prorated") else self.unique(events)
            case "weighted_sum_agg":
                return self.weighted(events)
        raise Unratable("custom-aggregation", f"metric {self.metric.get('code')} aggregates with its own code")

    def sum(self, events: list[Event]) -> Usage:
        cents = sum((event.cents for event in events if event.cents is not None), ZERO)
        return Usage(sum(map(self.value, events), ZERO), len(events), dynamic_cents=cents)

    def unique(self, events: list[Event]) -> Usage:
        units = ceiling(Decimal(sum(change for _, change in changes(self.operations(events)))), 5)
        return Usage(units, int(units))

    def operations(self, events: Sequence[Event]) -> list[tuple[str | None, Event]]:
        return [(event.text(self.metric.get("field_name") or ""), event) for event in events]

    # prorated: what was there before the window counts for all its days, a change from its day on

    def prorated_sum(self, events: list[Event]) -> Usage:
        usage = self.sum(events)
        before, during = self.split(events)
        days = Decimal(self.window.days)
        units = per_days(sum(map(self.value, before), ZERO), self.window.share, days)
        units += sum((self.prorated_value(event) for event in during), ZERO)
        return replace(usage, units=ceiling(units, 5), full_units=usage.units)

    def prorated_value(self, event: Event) -> Decimal:
        left = self.window.days_left(local_date(event.at, self.window.tz))
        return per_days(self.value(event), left, Decimal(self.window.days))

    def split(self, events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
        before = [event for event in events if event.at < self.window.start]
        return before, [event for event in events if event.at >= self.window.start]

    def prorated_unique(self, events: list[Event]) -> Usage:
        spans = presences(self.operations(events), self.window, grouped=bool(self.keys))
        units = ceiling(sum((per_days(ONE, days, Decimal(self.window.days)) for days in spans), ZERO), 5)
        return Usage(units, int(units), full_units=self.unique(events).units)

    def weighted(self, events: list[Event]) -> Usage:
        _, during = self.split(events)
        initial = self.memory(events, self.window.billed) if self.metric.get("recurring") else ZERO
        return self.weighed(initial, during)

    def weighed(self, initial: Decimal, during: list[Event]) -> Usage:
        total = initial + sum(map(self.value, during), ZERO)
        units = weigh(initial, [(event.at, self.value(event)) for event in during], self.window)
        return Usage(units if self.keys else ceiling(units, 20), len(during), total_units=total)

    def memory(self, events: Sequence[Event], windows: Sequence[tuple[datetime, datetime]]) -> Decimal:
        """What the last billing left of a recurring weighted sum.

        Lago keeps one number per presented group. Where events without the group's property meet events with an
        empty one, the empty ones' number is kept.
        """
        total = ZERO
        if self.window.inherits:
            first = windows[0][0] if windows else self.window.start
            total = sum((self.value(event) for event in events if event.at < first), ZERO)
        for start, end in windows:
            inside = within(events, start, end)
            blank = [group for group in by_group(inside, self.keys) if "" in group]
            if blank:
                kept = min(blank, key=group_order)
                total = sum((self.value(event) for event in inside if group_of(event, self.keys) == kept), ZERO)
            else:
                total += sum(map(self.value, inside), ZERO)
        return total

    def remembered_groups(self, events: Sequence[Event]) -> list[Grouped]:
        """Groups of a recurring weighted sum; each presented group carries its memory, an empty text has none.

        Lago joins the memory to every group that is presented alike: with twins it counts once per twin.
        """
        by_name: dict[Group, list[Event]] = {}
        for event in self.counted(events):
            by_name.setdefault(tuple(value or None for value in group_of(event, self.keys)), []).append(event)
        found = []
        for name, rows in sorted(by_name.items(), key=lambda item: group_order(item[0])):
            during = by_group(self.split(rows)[1], self.keys)
            twins = max(len(during), 1)
            usage = self.weighed(self.memory(rows, self.window.billed) * twins, during.pop(name, []))
            found.append(Grouped(self.keys, name, self.finished(replace(usage, events=usage.events * twins), name)))
            for blank, empty in during.items():
                usage = replace(self.weighed(ZERO, empty), events=0)
                found.append(Grouped(self.keys, blank, self.finished(usage, blank)))
        return found

    # what some charge models ask beyond units

    def details(self, usage: Usage, group: Group) -> dict[str, Any]:
        if self.charge["charge_model"] == "percentage":
            return self.percentage_details(usage, group)
        if self.charge["charge_model"] == "graduated" and self.charge.get("prorated"):
            return self.prorated_details(group)
        return {}

    def second_look(self, group: Group) -> list[Event]:
        return [event for event in self.counted(self.seen) if same_group(event, self.keys, group)]

    def percentage_details(self, usage: Usage, group: Group) -> dict[str, Any]:
        properties = self.bucket.properties
        free_events = int(decimal(properties.get("free_units_per_events")))
        free_total = decimal(properties.get("free_units_per_total_aggregation"))
        events = self.second_look(group)
        values = self.event_values(events)
        return {"values": values, "running": running(self.kind, values, usage.units, free_events, free_total)}

    def event_values(self, events: Sequence[Event]) -> list[Decimal]:
        """What each event counts where events are priced one by one: of a maximum, only the event that reached it."""
        if self.kind in ("count_agg", "unique_count_agg"):
            return [ONE] * len(events)
        values = [self.value(event) for event in events]
        if self.kind != "max_agg" or not values:
            return values
        top = values.index(max(values))
        return [value if index == top else ZERO for index, value in enumerate(values)]

    def prorated_details(self, group: Group) -> dict[str, Any]:
        before, during = self.split(self.second_look(group))
        if self.kind == "unique_count_agg":
            return unique_steps(self.operations([*before, *during]), self.window, grouped=bool(self.keys))
        carried = sum(map(self.value, before), ZERO)
        share = per_days(carried, self.window.share, Decimal(self.window.days))
        return {
            "values": [carried, *map(self.value, during)],
            "prorated_values": [share, *map(self.prorated_value, during)],
        }


def running(kind: str, values: list[Decimal], units: Decimal, events: int, total: Decimal) -> list[Decimal]:
    """The running total that free units are read from."""
    if (not events and not total) or kind not in ("sum_agg", "count_agg", "unique_count_agg"):
        return []
    totals = list(accumulate(values)) if kind == "sum_agg" else [Decimal(n) for n in range(1, int(units) + 1)]
    if events:
        return totals[:events]
    above = next((index for index, value in enumerate(totals) if value > total), len(totals))
    return totals[: above + 1]


def per_days(value: Decimal, days: int, duration: Decimal) -> Decimal:
    return database_divide(value * days, duration)


def database_divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """A quotient with as many decimals as PostgreSQL's numeric keeps: at least 16 significant digits."""
    if not dividend:
        return ZERO
    quotient = leading(dividend)[0] - leading(divisor)[0]
    if leading(dividend)[1] <= leading(divisor)[1]:
        quotient -= 1
    scale = max(16 - quotient * 4, decimals(dividend), decimals(divisor), 0)
    return (dividend / divisor).quantize(ONE.scaleb(-scale))


def leading(value: Decimal) -> tuple[int, int]:
    """(power, digit) of the first digit of ``value`` in base 10000."""
    power = value.adjusted() // 4
    return power, int(abs(value).scaleb(-4 * power))


def decimals(value: Decimal) -> int:
    return max(-int(value.as_tuple().exponent), 0)


def changes(operations: Sequence[tuple[str | None, Event]]) -> list[tuple[Event, int]]:
    """The effect of each add and remove: +1, -1 or 0 when it repeats what was said before."""
    last: dict[str | None, str] = {}
    found = []
    for name, event in operations:
        operation = event.text("operation_type") or "add"
        previous = last.get(name, "remove")
        last[name] = operation
        found.append((event, 0 if operation == previous else 1 if operation == "add" else -1))
    return found


def effective_by_name(operations: Sequence[tuple[str | None, Event]], window: Window) -> list[list[tuple[Event, int]]]:
    """For each thing its adds and removals that changed something, in time order."""
    by_name: dict[str | None, list[tuple[str | None, Event]]] = {}
    for name, event in operations:
        by_name.setdefault(name, []).append((name, event))
    effective = ([(event, change) for event, change in changes(rows) if change] for rows in by_name.values())
    return [same_day_kept(rows, window) for rows in effective]


def presences(operations: Sequence[tuple[str | None, Event]], window: Window, *, grouped: bool) -> list[int]:
    """Days within the window during which each thing was there, one number per stay."""
    return [days for rows in effective_by_name(operations, window) for days in stays(rows, window, grouped=grouped)]


def same_day_kept(effective: list[tuple[Event, int]], window: Window) -> list[tuple[Event, int]]:
    """A removal that an addition follows on the same day did not happen, nor did that addition."""
    kept: list[tuple[Event, int]] = []
    for event, change in effective:
        again = kept and change > 0 and kept[-1][1] < 0
        if again and local_date(kept[-1][0].at, window.tz) == local_date(event.at, window.tz):
            kept.pop()
        else:
            kept.append((event, change))
    return kept


def stays(effective: list[tuple[Event, int]], window: Window, *, grouped: bool) -> list[int]:
    days = []
    first = local_date(window.start, window.tz)
    added: date | None = None
    for event, change in effective:
        day = local_date(event.at, window.tz)
        if change > 0:
            added = max(day, first)
        elif added is not None:
            if event.at < window.start:
                days.append(1 if grouped else 0)
            else:
                days.append((day - added).days + 1)
            added = None
    if added is not None:
        days.append(window.days_left(added))
    return days


def unique_steps(operations: Sequence[tuple[str | None, Event]], window: Window, *, grouped: bool) -> dict[str, Any]:
    """Adds with the share of their whole stay, removals with none, in time order."""
    steps: list[tuple[datetime, Decimal, Decimal]] = []
    for effective in effective_by_name(operations, window):
        spans = stays(effective, window, grouped=grouped)
        adds = [event for event, change in effective if change > 0]
        removals = [event for event, change in effective if change < 0]
        days = Decimal(window.days)
        steps += [
            (event.at, ONE, ceiling(per_days(ONE, span, days), 5)) for event, span in zip(adds, spans, strict=True)
        ]
        steps += [(event.at, -ONE, ZERO) for event in removals]
    steps.sort(key=lambda entry: entry[0])
    return {"values": [full for _, full, _ in steps], "prorated_values": [share for _, _, share in steps]}


def weigh(initial: Decimal, deltas: Sequence[tuple[datetime, Decimal]], window: Window) -> Decimal:
    """Time-weighted mean of the running total, to the second of the nominal period."""
    end = window.end if not window.end.microsecond else window.end.replace(microsecond=0) + timedelta(seconds=1)
    moments = [at for at, _ in deltas]
    units, total = ZERO, initial
    for at, until, delta in zip(
        [window.start, *moments], [*moments, end], [ZERO, *(delta for _, delta in deltas)], strict=True
    ):
        total += delta
        seconds = Decimal((until - at) // timedelta(microseconds=1)).scaleb(-6)
        units += database_divide(total * seconds, Decimal(window.days * SECONDS))
    return units
