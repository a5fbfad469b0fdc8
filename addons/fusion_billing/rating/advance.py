"""Charges paid in advance: what one event adds to the bill, at the moment it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .aggregate import Window, changes, running
from .charge_fees import line_name
from .charge_models import Rated, Usage, rate
from .events import Bucket, Event, Group, buckets, filter_of, group_keys, group_of, number, within
from .exact import ONE, ZERO, cents, decimal, divide, exponent, plain
from .lines import Line

Charge = Mapping[str, Any]
Metric = Mapping[str, Any]


def event_line(
    charge: Charge, metric: Metric, events: Sequence[Event], event: Event, window: Window, currency: str, premium: bool
) -> Line | None:
    """The line of ``event``; None if the charge does not see it. ``events``: all of the metric, in time order."""
    field = metric.get("field_name") or ""
    if metric["aggregation"] != "count_agg" and event.text(field) in (None, ""):
        return None
    chosen = filter_of(event, charge, metric)
    bucket = next(b for b in buckets(charge, metric, events) if b.filter is chosen)
    bucket = replace(bucket, events=[other for other in events if filter_of(other, charge, metric) is chosen])
    keys = group_keys(bucket.properties)
    group = group_of(event, keys)
    known = before_and_with(bucket, event, window, metric)
    pricing = Pricing(charge, metric, bucket, currency, premium)
    return pricing.line(known, event, keys, group, window)


def before_and_with(bucket: Bucket, event: Event, window: Window, metric: Metric) -> list[Event]:
    """The bucket's events of the running period up to ``event``; recurring metrics know all that came before."""
    start = None if metric.get("recurring") else window.start
    inside = within(bucket.events, start, event.at)
    return [other for other in inside if (other.at, other.order) <= (event.at, event.order)]


class Pricing:
    """Prices one event of one bucket: the model with it minus the model without it."""

    def __init__(self, charge: Charge, metric: Metric, bucket: Bucket, currency: str, premium: bool) -> None:
        self.charge, self.metric, self.bucket = charge, metric, bucket
        self.currency, self.premium = currency, premium

    def line(self, known: list[Event], event: Event, keys: tuple[str, ...], values: Group, window: Window) -> Line:
        # the level already billed is kept per group; the quantity before the event forgets groups that miss a value
        group = dict(zip(keys, values, strict=True))
        own = [other for other in known if group_of(other, keys) == values]
        rows = own if all(values) else known
        applied = self.applied(own)
        rated = self.difference(rows, event, self.total(rows), applied)
        digits = exponent(self.currency)
        amount = Decimal(cents(rated.amount, self.currency)).scaleb(-digits)
        unit_amount = divide(amount, applied) if applied else ZERO
        return Line(
            kind="charge",
            item=self.charge["lago_id"],
            name=line_name(self.charge, self.bucket, group),
            cents=cents(rated.amount, self.currency),
            precise=rated.amount.scaleb(digits),
            units=applied,
            total_units=applied,
            unit_amount=unit_amount,
            events=1,
            filter=self.bucket.filter_id,
            position=0 if self.bucket.filter else None,
            group=group,
            event=event.transaction_id,
            start=window.start,
            end=window.end,
            steps=[{"label": "with this event − without it", "units": plain(applied), "amount": plain(rated.amount)}],
            charge=self.charge["lago_id"],
            code=self.charge["code"],
            metric=self.charge["metric"],
        )

    def value(self, event: Event) -> Decimal:
        return number(event.text(self.metric.get("field_name") or "")) or ZERO

    def levels(self, rows: Sequence[Event]) -> list[Decimal]:
        """What each event adds to the running total."""
        match self.metric["aggregation"]:
            case "count_agg":
                return [ONE] * len(rows)
            case "sum_agg":
                return [self.value(event) for event in rows]
        field = self.metric.get("field_name") or ""
        return [Decimal(change) for _, change in changes([(event.text(field), event) for event in rows])]

    def total(self, rows: Sequence[Event]) -> Decimal:
        return sum(self.levels(rows), ZERO)

    def applied(self, rows: Sequence[Event]) -> Decimal:
        """Units of the last event: only what goes above the highest level of the period is new."""
        return high_water(self.levels(rows))

    def usage(self, rows: Sequence[Event], units: Decimal, count: int) -> Usage:
        properties = self.bucket.properties
        kind = self.metric["aggregation"]
        values = [self.value(row) if kind == "sum_agg" else ONE for row in rows]
        free_events = int(decimal(properties.get("free_units_per_events")))
        free_total = decimal(properties.get("free_units_per_total_aggregation"))
        totals = running(kind, values, units, free_events, free_total)
        amounts = sum((row.cents for row in rows if row.cents is not None), ZERO)
        return Usage(units, count, running=totals, values=values, dynamic_cents=amounts)

    def rate(self, usage: Usage) -> Rated:
        return rate(
            self.charge["charge_model"],
            dict(self.bucket.properties),
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
            values=everything.values[:-1] if self.metric["aggregation"] == "sum_agg" else everything.values,
            dynamic_cents=self.usage(others, ZERO, 0).dynamic_cents,
        )
        amount = self.rate(everything).amount
        # the flat fee of the first tier comes with the first units
        if without.units or self.charge["charge_model"] == "percentage":
            amount -= self.rate(without).amount
        return Rated(amount, ZERO)


def high_water(changes: Sequence[Decimal]) -> Decimal:
    """What the last change adds above the highest level so far. A total that began below zero counts from there."""
    level = applied = ZERO
    top: Decimal | None = None
    for change in changes:
        level += change
        applied = max(level if top is None else level - top, ZERO)
        if top is None:
            top = level
        elif level > top:
            top = applied if top < 0 else level
    return applied
