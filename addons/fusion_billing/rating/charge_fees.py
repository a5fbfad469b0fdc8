"""The lines of one charge in one window: a line per filter and group, then what is missing to its minimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from .aggregate import Grouped, aggregate
from .charge_models import Rated, rate
from .events import Bucket, Event, buckets, shown
from .exact import LARGEST_CENTS, ZERO, cents, column_of_double, double_cents, exponent, plain
from .inputs import Charge, Metric, require_readable
from .lines import Line
from .moments import days_between
from .steps import step
from .unratable import Unratable
from .window import Window


def charge_lines(
    charge: Charge, metric: Metric, events: Sequence[Event], window: Window, currency: str, premium: bool
) -> list[Line]:
    """All lines of the charge; lines without units, amount and events are left out. Raises Unratable."""
    lines = bucket_lines(charge, metric, events, window, currency, premium)
    missing = true_up(charge, lines, window, currency)
    parent = next(line for line in lines if line.position is None) if missing else None
    stored = [line for line in lines if line.units or line.cents or line.events or line is parent]
    return [*stored, *([missing] if missing else [])]


def bucket_lines(
    charge: Charge, metric: Metric, events: Sequence[Event], window: Window, currency: str, premium: bool
) -> list[Line]:
    """A line per filter and group, empty ones too. Raises Unratable."""
    require_readable(charge, metric)
    return [
        fee(charge, bucket, entry, window, currency, premium, position)
        for position, bucket in enumerate(buckets(charge, metric, events))
        for entry in aggregate(charge, metric, bucket, window)
    ]


def fee(
    charge: Charge, bucket: Bucket, entry: Grouped, window: Window, currency: str, premium: bool, position: int
) -> Line:
    usage = entry.usage
    rated = rate(
        charge.charge_model,
        bucket.properties,
        usage,
        currency=currency,
        prorated=charge.prorated,
        premium=premium,
    )
    units = usage.whole_units if charge.prorated else usage.units
    if usage.units < 0 or rated.amount < 0:
        units, rated = ZERO, Rated(ZERO, ZERO, rated.steps)
    if units < 0:  # the prorated units were not: Lago cannot store such a fee
        raise Unratable("negative_units", f"{plain(units)} units left at the end of the period")
    group = shown(entry.keys, entry.group)
    return Line(
        kind="charge",
        item=charge.lago_id,
        name=line_name(charge, bucket, group),
        cents=storable(cents(rated.amount, currency)),
        precise=rated.amount.scaleb(exponent(currency)),
        units=units,
        total_units=units if usage.total_units is None else usage.total_units,
        unit_amount=rated.unit_amount,
        events=usage.events,
        filter=bucket.filter_id,
        position=position if bucket.filter else None,
        group=group,
        start=window.start,
        end=window.end,
        steps=rated.steps,
        charge=charge.lago_id,
        code=charge.code,
        metric=charge.metric,
    )


def storable(amount: int) -> int:
    if abs(amount) > LARGEST_CENTS:
        raise Unratable("amount_out_of_range", f"{amount} cents are beyond what an invoice can hold")
    return amount


def line_name(charge: Charge, bucket: Bucket, group: Mapping[str, str | None]) -> str:
    """What a person reads: charge, filter, group."""
    parts = [charge.name]
    if bucket.filter:
        listed = bucket.filter.name or ", ".join(
            f"{key}: {'/'.join(values)}" for key, values in bucket.filter.values.items()
        )
        parts.append(listed)
    parts += [f"{key}: {value or '–'}" for key, value in group.items()]
    return " • ".join(parts)


def prorated_minimum(minimum: Decimal, window: Window) -> float:
    """The charge's minimum for the days of the window, in cents: a double, as in Lago."""
    days = days_between(window.start, window.end, window.tz) - window.upgraded
    return float(minimum) / window.days * days


def true_up(charge: Charge, lines: Sequence[Line], window: Window, currency: str) -> Line | None:
    """What is missing to the minimum of the charge, over all its filters and groups."""
    if not charge.min_amount or not lines:
        return None
    minimum = charge.min_amount.scaleb(exponent(currency))
    due, used = prorated_minimum(minimum, window), sum(line.cents for line in lines)
    if used >= due:
        return None
    precise = column_of_double(due) - sum((line.precise for line in lines), ZERO)
    amount = double_cents(due - used)
    parent = next(line for line in lines if line.position is None)
    return Line(
        kind="true_up",
        group=parent.group,
        item=charge.lago_id,
        name=f"{charge.name} • minimum spending",
        cents=amount,
        precise=precise,
        unit_amount=precise.scaleb(-exponent(currency)),
        start=window.start,
        end=window.end,
        steps=[step("minimum_left", amount=Decimal(amount).scaleb(-exponent(currency)))],
        charge=charge.lago_id,
        code=charge.code,
        metric=charge.metric,
    )
