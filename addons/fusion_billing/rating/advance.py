"""Charges paid in advance: what one event adds to the bill, at the moment it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .aggregate import running
from .charge_fees import line_name
from .charge_models import Rated, Usage, rate
from .events import Bucket, Event, Group, buckets, filter_of, group_keys, group_of, number, same_group, within
from .exact import ONE, ZERO, cents, decimal, divide, exponent
from .inputs import Charge, ChargeFilter, Metric, Order, require_readable
from .lines import Line
from .periods import Billing
from .presence import changes
from .steps import step
from .window import Window


def event_line(
    charge: Charge, metric: Metric, events: Sequence[Event], event: Event, window: Window, currency: str, premium: bool
) -> Line | None:
    """The line of ``event``; None if the charge does not see it. ``events``: all of the metric, in time order.

    Raises Unratable.
    """
    require_readable(charge, metric)
    field = metric.field_name
    if metric.aggregation != "count_agg" and event.text(field) in (None, ""):
        return None
    account = Account(charge, metric)
    unique = metric.aggregation == "unique_count_agg"  # only then a step depends on the events before
    for earlier in before_and_with(events, event, window, metric):
        if earlier is not event:
            account.take(earlier, account.counted(events, earlier, window) if unique else ())
    bucket = account.bucket(events, filter_of(event, charge, metric))
    rows = account.counted(events, event, window)
    change = account.take(event, rows)
    return Pricing(charge, metric, bucket, currency, premium).line(rows, event, change, window)


def advance_line(
    order: Order,
    charge: Charge,
    metric: Metric,
    events: Sequence[Event],
    transaction_id: str,
    premium: bool,
) -> Line | None:
    event = next((event for event in events if event.transaction_id == transaction_id), None)
    if event is None:
        return None
    windows = Billing(order.sub, event.at, current_usage=True).windows()
    start, end = windows.charges_start, windows.charges_end
    if start is None or end is None or not start <= event.at <= end:
        return None
    window = Window(start, end, windows.charges_days, order.sub.tz)
    known = [other for other in events if other.order <= event.order]
    line = event_line(charge, metric, known, event, window, order.currency, premium)
    return replace(line, subscription=order.lago_id) if line else None


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
    """The levels billed in advance in one period, event by event."""

    def __init__(self, charge: Charge, metric: Metric) -> None:
        self.charge, self.metric = charge, metric
        self.levels: list[Level] = []

    def bucket(self, events: Sequence[Event], chosen: ChargeFilter | None) -> Bucket:
        return next(b for b in buckets(self.charge, self.metric, events) if b.filter is chosen)

    def counted(self, events: Sequence[Event], event: Event, window: Window) -> list[Event]:
        """The events that the quantity of this event's bucket counts, as in arrears; the default one has no groups."""
        bucket = self.bucket(events, filter_of(event, self.charge, self.metric))
        keys = group_keys(bucket.properties)
        values = group_of(event, keys)
        rows = before_and_with(bucket.events, event, window, self.metric)
        return [row for row in rows if same_group(row, keys, values)] if bucket.filter else rows

    def step(self, event: Event, counted: Sequence[Event]) -> Decimal:
        """How the event changes the running total."""
        field = self.metric.field_name
        if self.metric.aggregation == "count_agg":
            return ONE
        if self.metric.aggregation == "sum_agg":
            return number(event.text(field)) or ZERO
        rows = [*(row for row in counted if row is not event), event]
        return Decimal(changes([(row.text(field), row) for row in rows])[-1][1])

    def take(self, event: Event, counted: Sequence[Event]) -> Change:
        """Bill one event."""
        chosen = filter_of(event, self.charge, self.metric)
        properties = (chosen or self.charge).properties
        group = group_of(event, group_keys(properties))
        step = self.step(event, counted)
        own = (row for row in reversed(self.levels) if row.filter is chosen and row.group == group)
        # the default bucket goes on from whatever was billed last for its group or for no group, of any filter
        any_filter = (row for row in reversed(self.levels) if row.group in (group, ()))
        fitting = own if chosen else any_filter
        last = next(fitting, None)
        total = step + last.total if last else step
        applied = max(total - last.top if last else total, ZERO)
        top = total
        if last:
            top = last.top if total <= last.top else applied if last.top < 0 else total
        self.levels.append(Level(chosen, group, total, top))
        return Change(applied or max(step, ZERO), applied)


def before_and_with(events: Sequence[Event], event: Event, window: Window, metric: Metric) -> list[Event]:
    """Events of the running period up to ``event``; recurring metrics know all that came before."""
    start = None if metric.recurring else window.start
    inside = within(events, start, event.at)
    return [other for other in inside if (other.at, other.order) <= (event.at, event.order)]


class Pricing:
    """Prices one event of one bucket: the model with it minus the model without it."""

    def __init__(self, charge: Charge, metric: Metric, bucket: Bucket, currency: str, premium: bool) -> None:
        self.charge, self.metric, self.bucket = charge, metric, bucket
        self.currency, self.premium = currency, premium

    def line(self, counted: list[Event], event: Event, change: Change, window: Window) -> Line:
        keys = group_keys(self.bucket.properties)
        group = dict(zip(keys, group_of(event, keys), strict=True))
        rated = self.difference(counted, event, self.total(counted), change.applied)
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
        everything = self.usage(rows, total, len(rows))
        others = [row for row in rows if row is not event]
        without = replace(
            everything,
            units=total - applied,
            events=len(rows) - 1,
            values=everything.values[:-1] if self.metric.aggregation == "sum_agg" else everything.values,
            dynamic_cents=self.usage(others, ZERO, 0).dynamic_cents,
        )
        amount = self.rate(everything).amount
        # the flat fee of the first tier comes with the first units
        if without.units or self.charge.charge_model == "percentage":
            amount -= self.rate(without).amount
        return Rated(amount, ZERO)
