"""Charges paid in advance: what one event adds to the bill, at the moment it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .aggregate import running
from .charge_fees import line_name
from .charge_models import Rated, Usage, rate
from .events import (
    Bucket,
    Event,
    Group,
    buckets,
    filter_of,
    group_keys,
    group_of,
    number,
    same_group,
    within,
    written_number,
)
from .exact import ONE, ZERO, ceiling, cents, decimal, divide, exponent, per_days
from .inputs import Charge, ChargeFilter, Metric, Order, require_readable
from .lines import Line
from .moments import local_date
from .periods import Billing
from .presence import changes
from .steps import step
from .window import Window


def event_lines(
    charge: Charge,
    metric: Metric,
    events: Sequence[Event],
    wanted: frozenset[str],
    window: Window,
    currency: str,
    premium: bool,
) -> list[Line]:
    """The lines of the ``wanted`` events of a window, in order of arrival; none of those that the charge does not see.

    ``events``: all of the metric that had arrived, those of the same batch too, in time order. Raises Unratable.
    """
    require_readable(charge, metric)
    account, lines, left = Account(charge, metric, window, events), list[Line](), set(wanted)
    for event in sorted(account.reached(), key=lambda event: event.order):
        change = account.take(event)
        if event.transaction_id in left and is_seen(event, metric):
            pricing = Pricing(charge, metric, account.bucket_of(event), currency, premium)
            lines.append(pricing.line(account.counted(event), event, change, window))
        left.discard(event.transaction_id)
        if not left:  # what comes after it changes nothing
            break
    return lines


def advance_line(
    order: Order,
    charge: Charge,
    metric: Metric,
    events: Sequence[Event],
    transaction_id: str,
    premium: bool,
) -> Line | None:
    """The line of one event; None: it has none."""
    lines = advance_lines(order, charge, metric, events, frozenset({transaction_id}), premium)
    return lines[0] if lines else None


def advance_lines(
    order: Order, charge: Charge, metric: Metric, events: Sequence[Event], wanted: frozenset[str], premium: bool
) -> list[Line]:
    """The lines of the ``wanted`` events, each in the usage period that it is of. Raises Unratable."""
    by_window: dict[Window, set[str]] = {}
    for event in events:
        window = running_window(order, event) if event.transaction_id in wanted else None
        if window:
            by_window.setdefault(window, set()).add(event.transaction_id)
    lines = [
        line
        for window, names in by_window.items()
        for line in event_lines(charge, metric, events, frozenset(names), window, order.currency, premium)
    ]
    return [replace(line, subscription=order.lago_id) for line in lines]


def running_window(order: Order, event: Event) -> Window | None:
    """The usage period that runs when the event happens; None: the order does not."""
    windows = Billing(order.sub, event.at, current_usage=True).windows()
    start, end = windows.charges_start, windows.charges_end
    if start is None or end is None or not start <= event.at <= end:
        return None
    return Window(start, end, windows.charges_days, order.sub.tz)


def is_seen(event: Event, metric: Metric) -> bool:
    """A charge paid in advance sees no event whose property is blank, unless events themselves are counted."""
    return metric.aggregation == "count_agg" or bool((event.text(metric.field_name) or "").strip())


def known_with(events: Sequence[Event], event: Event) -> list[Event]:
    """What had arrived when ``event`` was billed: a batch is stored whole, and then billed one by one."""
    return [other for other in events if other.order <= event.order or came_together(other, event)]


def came_together(event: Event, other: Event) -> bool:
    return event.received is not None and event.received == other.received


@dataclass(frozen=True, slots=True)
class Change:
    """What an event adds: ``units`` to show, ``applied`` to pay, being above the highest level billed so far."""

    units: Decimal
    applied: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """What was billed of one filter and group: the running total and its highest point."""

    filter: ChargeFilter | None
    group: Group
    total: Decimal
    top: Decimal


class Account:
    """The levels billed in advance in one period, event by event as they arrived."""

    def __init__(self, charge: Charge, metric: Metric, window: Window, events: Sequence[Event]) -> None:
        self.charge, self.metric, self.window = charge, metric, window
        self.buckets = buckets(charge, metric, events)
        self.events = events
        self.levels: list[Level] = []
        self.members = [{event.order for event in bucket.events} for bucket in self.buckets]
        self.by_value: dict[str | None, list[Event]] = {}
        for event in events:
            self.by_value.setdefault(event.text(metric.field_name), []).append(event)

    def reached(self) -> list[Event]:
        """Events that are billed in the running period; recurring metrics go on from all that came before."""
        return [event for event in self.within(self.events) if is_seen(event, self.metric) or self.is_before(event)]

    def within(self, events: Sequence[Event]) -> list[Event]:
        return within(events, None if self.metric.recurring else self.window.start, self.window.end)

    def is_before(self, event: Event) -> bool:
        return event.at < self.window.start

    def bucket_of(self, event: Event) -> Bucket:
        chosen = filter_of(event, self.charge, self.metric)
        return next(bucket for bucket in self.buckets if bucket.filter is chosen)

    def loses_groups(self, chosen: ChargeFilter | None) -> bool:
        """Lago loses the groups of the default bucket of a charge with filters."""
        return bool(self.charge.filters) and chosen is None

    def counted(self, event: Event) -> list[Event]:
        """The events that the quantity of this event's bucket and group counts, as in arrears."""
        bucket = self.bucket_of(event)
        rows = [row for row in self.within(known_with(bucket.events, event)) if row.at <= event.at]
        return self.grouped(rows, event, bucket)

    def grouped(self, rows: list[Event], event: Event, bucket: Bucket) -> list[Event]:
        return rows if self.loses_groups(bucket.filter) else self.of_group(rows, event, bucket)

    def of_group(self, rows: list[Event], event: Event, bucket: Bucket) -> list[Event]:
        keys = group_keys(bucket.properties)
        values = group_of(event, keys)
        return [row for row in rows if same_group(row, keys, values)]

    def step(self, event: Event) -> Decimal:
        """How the event changes the running total."""
        if self.metric.aggregation == "count_agg":
            return ONE
        field = self.metric.field_name
        if self.metric.aggregation == "sum_agg":
            return written_number(event.text(field)) or ZERO
        rows = [*self.same_before(event), event]
        return Decimal(changes([(row.text(field), row) for row in rows])[-1][1])

    def same_before(self, event: Event) -> list[Event]:
        """What had arrived of the same thing, in the event's bucket and group, that was before it."""
        bucket = self.bucket_of(event)
        members = next(orders for other, orders in zip(self.buckets, self.members, strict=True) if other is bucket)
        same = self.by_value[event.text(self.metric.field_name)]
        known = [row for row in known_with(same, event) if (row.at, row.order) < (event.at, event.order)]
        rows = [row for row in self.within(known) if row.order in members]
        adds = (event.text("operation_type") or "add") == "add"
        # what is removed must be there in its own group, even where groups are lost
        return self.grouped(rows, event, bucket) if adds else self.of_group(rows, event, bucket)

    def take(self, event: Event) -> Change:
        """Bill one event."""
        chosen = filter_of(event, self.charge, self.metric)
        lost = self.loses_groups(chosen)
        group = () if lost else group_of(event, group_keys((chosen or self.charge).properties))
        step = self.step(event)
        # what loses its groups goes on from whatever was billed last without one, of any filter
        fitting = (row for row in reversed(self.levels) if row.group == group and (lost or row.filter is chosen))
        last = next(fitting, None)
        total = step + last.total if last else step
        applied = max(total - last.top if last else total, ZERO)
        top = total
        if last and not self.is_before(event):  # a renewal bills the total that there was before
            top = last.top if total <= last.top else applied if last.top < 0 else total
        self.levels.append(Level(chosen, group, total, top))
        return Change(applied or max(step, ZERO), applied)


class Pricing:
    """Prices one event of one bucket: the model with it minus the model without it."""

    def __init__(self, charge: Charge, metric: Metric, bucket: Bucket, currency: str, premium: bool) -> None:
        self.charge, self.metric, self.bucket = charge, metric, bucket
        self.currency, self.premium = currency, premium

    def line(self, counted: list[Event], event: Event, change: Change, window: Window) -> Line:
        keys = group_keys(self.bucket.properties)
        group = dict(zip(keys, group_of(event, keys), strict=True))
        rated = self.for_its_days(self.difference(counted, event, self.total(counted), change.applied), event, window)
        units = change.units
        digits = exponent(self.currency)
        amount = Decimal(cents(rated.amount, self.currency)).scaleb(-digits)
        unit_amount = divide(amount, units) if units else ZERO
        return Line(
            kind="charge",
            item=self.charge.lago_id,
            name=line_name(self.charge, self.bucket, group),
            cents=cents(rated.amount, self.currency),
            precise=rated.amount.scaleb(digits),
            units=units,
            total_units=units,
            unit_amount=unit_amount,
            events=1,
            filter=self.bucket.filter_id,
            position=self.charge.filters.index(self.bucket.filter) if self.bucket.filter else None,
            group=group,
            event=event.transaction_id,
            start=window.start,
            end=window.end,
            steps=[step("event_difference", units=units, amount=rated.amount)],
            charge=self.charge.lago_id,
            code=self.charge.code,
            metric=self.charge.metric,
        )

    def value(self, event: Event) -> Decimal:
        return number(event.text(self.metric.field_name)) or ZERO

    def levels(self, rows: Sequence[Event]) -> list[Decimal]:
        """What each event adds to the running total."""
        match self.metric.aggregation:
            case "count_agg":
                return [ONE] * len(rows)
            case "sum_agg":
                return [self.value(event) for event in rows]
        field = self.metric.field_name
        return [Decimal(change) for _, change in changes([(event.text(field), event) for event in rows])]

    def total(self, rows: Sequence[Event]) -> Decimal:
        return sum(self.levels(rows), ZERO)

    def count(self, rows: Sequence[Event], total: Decimal) -> int:
        """How many events pay a fixed fee: of different values, as many as there are."""
        if self.metric.aggregation == "unique_count_agg":
            return int(total)
        return len(rows)

    def for_its_days(self, rated: Rated, event: Event, window: Window) -> Rated:
        """A prorated charge prices the units for the days from the event to the end of the period."""
        price = decimal(self.bucket.properties.get("amount"))
        if not self.charge.prorated or not price:
            return rated
        left = window.days_left(local_date(event.at, window.tz))
        units = ceiling(per_days(divide(rated.amount, price), left, Decimal(window.days)), 5)
        return Rated(units * price, ZERO)

    def usage(self, rows: Sequence[Event], units: Decimal, count: int) -> Usage:
        properties = self.bucket.properties
        kind = self.metric.aggregation
        values = [self.value(row) if kind == "sum_agg" else ONE for row in rows]
        free_events = int(decimal(properties.get("free_units_per_events")))
        free_total = decimal(properties.get("free_units_per_total_aggregation"))
        totals = running(kind, values, units, free_events, free_total)
        amounts = sum((row.cents for row in rows if row.cents is not None), ZERO)
        return Usage(units, count, running=totals, values=values, dynamic_cents=amounts)

    def rate(self, usage: Usage) -> Rated:
        return rate(
            self.charge.charge_model,
            self.bucket.properties,
            usage,
            currency=self.currency,
            premium=self.premium,
        )

    def difference(self, rows: list[Event], event: Event, total: Decimal, applied: Decimal) -> Rated:
        everything = self.usage(rows, total, self.count(rows, total))
        others = [row for row in rows if row is not event]
        without = replace(
            everything,
            units=total - applied,
            events=everything.events - 1,
            values=everything.values[:-1] if self.metric.aggregation == "sum_agg" else everything.values,
            dynamic_cents=self.usage(others, ZERO, 0).dynamic_cents,
        )
        amount = self.rate(everything).amount
        # the flat fee of the first tier comes with the first units
        if without.units or self.charge.charge_model == "percentage":
            amount -= self.rate(without).amount
        return Rated(amount, ZERO)
