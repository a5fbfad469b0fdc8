"""From events to units: one aggregation per metric and bucket, per pricing group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from .charge_models import Usage
from .events import (
    Bucket,
    Event,
    Group,
    by_group,
    events_known,
    group_keys,
    group_of,
    number,
    same_group,
    shown,
    within,
)
from .exact import ONE, ZERO, ceiling, database_divide, decimal, per_days
from .inputs import Charge, Metric
from .moments import local_date
from .presence import changes, presences, unique_steps
from .unratable import Unratable
from .window import BilledWindow, Window

SECONDS = 86400
JOINED = 2  # rows that Lago joins to a group of a weighted sum: where it starts, where the period ends


@dataclass(frozen=True, slots=True)
class Grouped:
    keys: tuple[str, ...]
    group: Group
    usage: Usage


def aggregate(charge: Charge, metric: Metric, bucket: Bucket, window: Window) -> list[Grouped]:
    """Usage of one bucket, one entry per pricing group (one in all without groups)."""
    keys = group_keys(bucket.properties)
    history = recurring_history(metric)
    events = within(bucket.events, None if history else window.start, window.end)
    reader = Reader(charge, metric, bucket, window, keys, events)
    if not events and not metric.recurring:
        return [Grouped(keys, (None,) * len(keys), Usage())]
    if not keys:
        return [Grouped(keys, (), reader.usage(events, ()))]
    if metric.aggregation == "weighted_sum_agg":
        return reader.weighted_groups(events) or [Grouped(keys, (None,) * len(keys), Usage())]
    groups = by_group(reader.counted(events), keys)
    if charge.prorated:
        groups = reader.prorated_groups(groups)
    found = [Grouped(keys, group, reader.usage(rows, group)) for group, rows in sorted_groups(groups)]
    if charge.charge_model == "dynamic":
        refuse_twins(found)
    return found or [Grouped(keys, (None,) * len(keys), Usage())]


def recurring_history(metric: Metric) -> bool:
    """Recurring sums and unique counts look at all events ever."""
    return metric.recurring and metric.aggregation in (
        "sum_agg",
        "unique_count_agg",
        "weighted_sum_agg",
    )


def sorted_groups(groups: dict[Group, list[Event]]) -> list[tuple[Group, list[Event]]]:
    return sorted(groups.items(), key=lambda item: group_order(item[0]))


def merged_groups(groups: dict[Group, list[Event]]) -> dict[Group, list[Event]]:
    """Groups that are presented alike, as one: "" and nothing."""
    merged: dict[Group, list[Event]] = {}
    for group, events in groups.items():
        merged.setdefault(presented(group), []).extend(events)
    return merged


def presented(group: Group) -> Group:
    return tuple(value or None for value in group)


def group_order(group: Group) -> tuple[tuple[bool, str], ...]:
    """As the database sorts: nothing comes last."""
    return tuple((value is None, value or "") for value in group)


def refuse_twins(found: Sequence[Grouped]) -> None:
    """Lago finds the amount of a dynamic group by its presented name: "" and nothing cannot both be there."""
    names = [tuple(shown(entry.keys, entry.group).items()) for entry in found]
    if len(set(names)) != len(names):
        raise Unratable("dynamic_group_twins", "a group without value and one with an empty value in a dynamic charge")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the events of one bucket; ``seen`` are all of its events in reach."""

    charge: Charge
    metric: Metric
    bucket: Bucket
    window: Window
    keys: tuple[str, ...]
    seen: Sequence[Event]

    @property
    def kind(self) -> str:
        return self.metric.aggregation

    def value(self, event: Event) -> Decimal:
        return number(event.text(self.metric.field_name)) or ZERO

    def counted(self, events: Sequence[Event]) -> list[Event]:
        """Numeric aggregations see only events whose value is a number."""
        if self.kind in ("count_agg", "unique_count_agg", "custom_agg"):
            return list(events)
        field = self.metric.field_name
        return [event for event in events if number(event.text(field)) is not None]

    def usage(self, events: Sequence[Event], group: Group) -> Usage:
        return self.finished(self.aggregated(self.counted(events)), group)

    def finished(self, usage: Usage, group: Group) -> Usage:
        """With what the charge model asks for, and the metric's rounding."""
        usage = self.detailed(usage, group)
        return replace(
            usage,
            units=self.metric.rounded(usage.units),
            full_units=None if usage.full_units is None else self.metric.rounded(usage.full_units),
        )

    def aggregated(self, events: list[Event]) -> Usage:
        match self.kind:
            case "count_agg":
                return Usage(Decimal(len(events)), len(events))
            case "sum_agg":
                return self.prorated_sum(events) if self.charge.prorated else self.sum(events)
            case "max_agg":
                return Usage(max(map(self.value, events), default=ZERO), len(events))
            case "latest_agg":
                return Usage(max(self.value(events[-1]), ZERO) if events else ZERO, len(events))
            case "unique_count_agg":
                return self.prorated_unique(events) if self.charge.prorated else self.unique(events)
            case "weighted_sum_agg":
                return self.weighted(events)
        raise Unratable("custom_aggregation", f"metric {self.metric.code} aggregates with its own code")

    def sum(self, events: list[Event]) -> Usage:
        cents = sum((event.cents for event in events if event.cents is not None), ZERO)
        return Usage(sum(map(self.value, events), ZERO), len(events), dynamic_cents=cents)

    def unique(self, events: list[Event]) -> Usage:
        units = ceiling(Decimal(sum(change for _, change in self.changes(events))), 5)
        return Usage(units, int(units))

    def changes(self, events: Sequence[Event]) -> list[tuple[Event, int]]:
        return changes(self.operations(events))

    def operations(self, events: Sequence[Event]) -> list[tuple[str | None, Event]]:
        return [(event.text(self.metric.field_name), event) for event in events]

    def prorated_groups(self, groups: dict[Group, list[Event]]) -> dict[Group, list[Event]]:
        """Sums are added up by the names that groups are shown by; where things come and go, one must have come."""
        match self.kind:
            case "sum_agg":
                return merged_groups(groups)
            case "unique_count_agg":
                return {group: rows for group, rows in groups.items() if any(step for _, step in self.changes(rows))}
        return groups

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
        initial = self.memory(events, self.window.billed) if self.metric.recurring else ZERO
        return self.weighed(initial, during)

    def weighed(self, initial: Decimal, during: list[Event]) -> Usage:
        total = initial + sum(map(self.value, during), ZERO)
        units = weigh(initial, [(event.at, self.value(event)) for event in during], self.window)
        return Usage(units if self.keys else ceiling(units, 20), len(during), total_units=total)

    def memory(self, events: Sequence[Event], windows: Sequence[BilledWindow]) -> Decimal:
        """What the last billing left of a recurring weighted sum; what came after a billing changes it no more.

        Lago keeps one number per presented group. Where events without the group's property meet events with an
        empty one, the empty ones' number is kept.
        """
        total = ZERO
        if self.window.inherits:
            first = windows[0].start if windows else self.window.start
            known = events_known(events, windows[0].billed_at) if windows else events
            total = sum((self.value(event) for event in known if event.at < first), ZERO)
        for billed in windows:
            inside = within(events_known(events, billed.billed_at), billed.start, billed.end)
            blank = [group for group in by_group(inside, self.keys) if "" in group]
            if blank:
                kept = min(blank, key=group_order)
                total = sum((self.value(event) for event in inside if group_of(event, self.keys) == kept), ZERO)
            else:
                total += sum(map(self.value, inside), ZERO)
        return total

    def weighted_groups(self, events: Sequence[Event]) -> list[Grouped]:
        """Groups of a weighted sum; each presented group carries its memory (if any), an empty text has none.

        Lago joins a first and a last row to every group that is presented alike, so with twins the memory counts
        once per twin; and it takes two from the rows for the number of events.
        """
        by_name: dict[Group, list[Event]] = {}
        for event in self.counted(events):
            by_name.setdefault(presented(group_of(event, self.keys)), []).append(event)
        found = []
        for name, rows in sorted(by_name.items(), key=lambda item: group_order(item[0])):
            during = by_group(self.split(rows)[1], self.keys)
            twins = max(len(during), 1)
            memory = self.memory(rows, self.window.billed) if self.metric.recurring else ZERO
            usage = self.weighed(memory * twins, during.pop(name, []))
            usage = replace(usage, events=usage.events + JOINED * twins - JOINED)
            found.append(Grouped(self.keys, name, self.finished(usage, name)))
            for blank, empty in during.items():
                usage = self.weighed(ZERO, empty)
                usage = replace(usage, events=max(usage.events - JOINED, 0))
                found.append(Grouped(self.keys, blank, self.finished(usage, blank)))
        return found

    # what some charge models ask beyond units

    def detailed(self, usage: Usage, group: Group) -> Usage:
        if self.charge.charge_model == "percentage":
            return self.with_running_total(usage, group)
        if self.charge.charge_model == "graduated" and self.charge.prorated:
            values, shares = self.prorated_values(group)
            return replace(usage, values=values, prorated_values=shares)
        return usage

    def second_look(self, group: Group) -> list[Event]:
        return [event for event in self.counted(self.seen) if same_group(event, self.keys, group)]

    def with_running_total(self, usage: Usage, group: Group) -> Usage:
        properties = self.bucket.properties
        free_events = int(decimal(properties.get("free_units_per_events")))
        free_total = decimal(properties.get("free_units_per_total_aggregation"))
        events = self.second_look(group)
        totals = running(self.kind, self.event_values(events), usage.units, free_events, free_total)
        # what a recurring metric carries over may be free, but it is no transaction of this period
        values = self.event_values(within(events, self.window.start, self.window.end))
        return replace(usage, values=values, running=totals)

    def event_values(self, events: Sequence[Event]) -> list[Decimal]:
        """What each event counts where events are priced one by one: of a maximum, only the event that reached it."""
        if self.kind in ("count_agg", "unique_count_agg"):
            return [ONE] * len(events)
        values = [self.value(event) for event in events]
        if self.kind != "max_agg" or not values:
            return values
        top = values.index(max(values))
        return [value if index == top else ZERO for index, value in enumerate(values)]

    def prorated_values(self, group: Group) -> tuple[list[Decimal], list[Decimal]]:
        """What each event counts, in full and for its days."""
        before, during = self.split(self.second_look(group))
        if self.kind == "unique_count_agg":
            return unique_steps(self.operations([*before, *during]), self.window, grouped=bool(self.keys))
        carried = sum(map(self.value, before), ZERO)
        share = per_days(carried, self.window.share, Decimal(self.window.days))
        return [carried, *map(self.value, during)], [share, *map(self.prorated_value, during)]


def running(kind: str, values: list[Decimal], units: Decimal, events: int, total: Decimal) -> list[Decimal]:
    """The running total that free units are read from."""
    if (not events and not total) or kind not in ("sum_agg", "count_agg", "unique_count_agg"):
        return []
    if kind != "sum_agg":  # one by one, as far as anything can be free
        most = max(events, int(ceiling(total))) + 1
        return [Decimal(number) for number in range(1, min(int(units), most) + 1)]
    totals = list(accumulate(values))
    if events:
        return totals[:events]
    above = next((index for index, value in enumerate(totals) if value > total), len(totals))
    return totals[: above + 1]


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
