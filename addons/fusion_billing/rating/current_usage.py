"""The usage of the running period as Lago's ``current_usage`` shows it, before taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, TypeVar

from .aggregate import Grouped, recurring_history
from .charge_fees import bucket_lines, fee
from .charge_models import MODELS, Usage, bounded
from .events import Bucket, Event, floor_millisecond, group_keys, read_events
from .exact import ZERO, ceiling, decimal, plain, precise
from .inputs import Charge, ChargeFilter, Metric, require_readable
from .invoice import prepare
from .lines import Line
from .rows import ChargeRow, MetricRow, OrderRow, Refusal, UsageRow
from .run import Run, refusal
from .unratable import Unratable
from .window import Window

Key = TypeVar("Key")
SUMMED = ("count_agg", "sum_agg", "max_agg", "latest_agg", "unique_count_agg")  # what a database can do as well


class Totals(TypedDict):
    units: str
    total_aggregated_units: str
    events_count: int
    amount_cents: int


class FilterUsage(Totals):
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]] | None


class GroupUsage(Totals):
    grouped_by: dict[str, str | None]
    filters: list[FilterUsage]


class UsedCharge(TypedDict):
    lago_id: str
    code: str
    charge_model: str
    invoice_display_name: None


class UsedMetric(TypedDict):
    lago_id: str
    name: str
    code: str
    aggregation_type: str


class ChargeUsage(Totals):
    amount_currency: str
    charge: UsedCharge
    billable_metric: UsedMetric
    filters: list[FilterUsage]
    grouped_usage: list[GroupUsage]


class CurrentUsage(TypedDict):
    """Lago's ``customer_usage`` before taxes, and what could not be rated."""

    from_datetime: str
    to_datetime: str
    issuing_date: str
    currency: str
    amount_cents: int
    charges_usage: list[ChargeUsage]
    refusals: list[Refusal]


@dataclass(frozen=True, slots=True)
class Sums:
    """What a database found of one metric's events in the window, without looking at each: count, value.

    ``events`` counts what the aggregation counts (numeric ones have a number as value); ``value`` is the number of
    events, the sum, the maximum, the latest value, or how many different values there were.
    """

    events: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class Running:
    """The running period of an order, before its usage is read.

    ``start``/``end``: both within. ``summed``: the codes whose metrics need no more than ``Sums``, with what to
    aggregate (aggregation, property). ``listed``: the codes whose events are needed one by one; those in ``history``
    with all that was before the window.
    """

    run: Run
    window: Window
    summed: Mapping[str, tuple[str, str]]
    listed: frozenset[str]
    history: frozenset[str]

    @property
    def start(self) -> datetime:
        return floor_millisecond(self.window.start)

    @property
    def end(self) -> datetime:
        return self.window.end


@precise
def current_usage(
    order: OrderRow,
    charges: Sequence[ChargeRow],
    metrics: Mapping[str, MetricRow],
    usage: Iterable[UsageRow],
    at: datetime | str,
    *,
    premium: bool = True,
) -> CurrentUsage | None:
    """Usage of the period that runs at ``at`` (arguments as ``bill``); None if the order is not running then.

    Returns ``from_datetime``, ``to_datetime``, ``issuing_date``, ``currency``, ``amount_cents``, ``charges_usage`` in
    Lago's shape, ``lines`` (charge's Lago id -> cents, for taxes) and ``refusals``.
    """
    found = running(order, charges, metrics, at, premium=premium)
    return usage_of(found, usage, {}) if found else None


@precise
def running(
    order: OrderRow,
    charges: Sequence[ChargeRow],
    metrics: Mapping[str, MetricRow],
    at: datetime | str,
    *,
    premium: bool = True,
) -> Running | None:
    """The period that runs at ``at`` and what its usage is needed for; None if the order is not running then."""
    run = prepare(order, charges, metrics, (), at, "current_usage", None, None, premium)
    if run is None or run.terminated or run.order.sub.started_at > run.at:
        return None
    windows = replace(run.billing, current_usage=True).windows()
    if windows.charges_start is None or windows.charges_end is None:
        return None
    window = Window(
        windows.charges_start,
        windows.charges_end,
        windows.charges_days,
        run.order.sub.tz,
        billed=run.billed_windows(),
        inherits=bool(run.order.previous),
    )
    rated = [(charge, run.catalog.metrics[charge.metric]) for charge in usage_charges(run)]
    listed = {charge.metric for charge, metric in rated if not needs_sums_only(charge, metric, premium)}
    return Running(
        run,
        window,
        summed={
            metric.code: (metric.aggregation, metric.field_name) for _, metric in rated if metric.code not in listed
        },
        listed=frozenset(listed),
        history=frozenset(metric.code for _, metric in rated if recurring_history(metric)),
    )


def usage_charges(run: Run) -> list[Charge]:
    return [c for c in run.catalog.charges if c.kind == "usage" and c.metric in run.catalog.metrics]


def needs_sums_only(charge: Charge, metric: Metric, premium: bool) -> bool:
    """Can the charge be rated from the count and the value of all events of the window together?"""
    properties = charge.properties
    if charge.filters or charge.prorated or group_keys(properties) or recurring_history(metric):
        return False
    if metric.aggregation not in SUMMED:
        return False
    if charge.charge_model == "percentage":
        free = decimal(properties.get("free_units_per_events") or None)
        free += decimal(properties.get("free_units_per_total_aggregation") or None)
        return not free and not (premium and bounded(properties))
    return charge.charge_model in MODELS


@precise
def usage_of(found: Running, usage: Iterable[UsageRow], sums: Mapping[str, Sums]) -> CurrentUsage:
    """The answer of ``current_usage``. ``usage``: the rows of the codes that are not in ``sums``."""
    own = (row for row in usage if row["external_subscription_id"] == found.run.order.external_id)
    run = replace(found.run, events={code: rows for (_, code), rows in read_events(own).items()})
    shown, refusals = usages(run, found.window, sums)
    start, end = found.window.start, found.window.end
    return {
        "from_datetime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to_datetime": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuing_date": end.strftime("%Y-%m-%d"),
        "currency": run.order.currency,
        "amount_cents": sum(usage["amount_cents"] for usage in shown),
        "charges_usage": shown,
        "refusals": refusals,
    }


def usages(run: Run, window: Window, sums: Mapping[str, Sums]) -> tuple[list[ChargeUsage], list[Refusal]]:
    shown: list[ChargeUsage] = []
    refusals: list[Refusal] = []
    for charge in usage_charges(run):
        metric = run.catalog.metrics[charge.metric]
        try:
            lines = charge_usage_lines(run, charge, metric, window, sums)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"charge {charge.code}: {error.detail}"))
            continue
        shown.append(charge_usage(charge, metric, lines, run.order.currency))
    return shown, refusals


def charge_usage_lines(
    run: Run, charge: Charge, metric: Metric, window: Window, sums: Mapping[str, Sums]
) -> list[Line]:
    require_readable(charge, metric)
    if metric.code not in sums:
        events: Sequence[Event] = run.events.get(metric.code, ())
        return bucket_lines(charge, metric, events, window, run.order.currency, run.premium)
    entry = Grouped((), (), summed_usage(metric, sums[metric.code]))
    bucket = Bucket(None, charge.properties, [])
    return [fee(charge, bucket, entry, window, run.order.currency, run.premium, 0)]


def summed_usage(metric: Metric, found: Sums) -> Usage:
    value = ceiling(found.value, 5) if metric.aggregation == "unique_count_agg" else found.value
    return Usage(metric.rounded(value), found.events)


def charge_usage(charge: Charge, metric: Metric, lines: Sequence[Line], currency: str) -> ChargeUsage:
    grouped = merged((tuple(sorted(line.group.items(), key=str)), line) for line in lines)
    return {
        **totals(lines),
        "amount_currency": currency,
        "charge": {
            "lago_id": charge.lago_id,
            "code": charge.code,
            "charge_model": charge.charge_model,
            "invoice_display_name": None,
        },
        "billable_metric": {
            "lago_id": metric.lago_id,
            "name": metric.name,
            "code": metric.code,
            "aggregation_type": metric.aggregation,
        },
        "filters": filters(charge, lines),
        "grouped_usage": [
            {**totals(rows), "grouped_by": dict(rows[0].group), "filters": filters(charge, rows)}
            for rows in grouped.values()
        ]
        if any(line.group for line in lines)
        else [],
    }


def filters(charge: Charge, lines: Sequence[Line]) -> list[FilterUsage]:
    """Usage per charge filter; what no filter takes has no values."""
    if not charge.filters:
        return []
    by_place = merged((line.position, line) for line in lines)
    return [
        filter_usage(charge.filters[place] if place is not None else None, rows) for place, rows in by_place.items()
    ]


def filter_usage(entry: ChargeFilter | None, lines: Sequence[Line]) -> FilterUsage:
    name, values = (entry.name or None, entry.values) if entry else (None, None)
    return {**totals(lines), "invoice_display_name": name, "values": values}


def merged(pairs: Iterable[tuple[Key, Line]]) -> dict[Key, list[Line]]:
    found: dict[Key, list[Line]] = {}
    for name, line in pairs:
        found.setdefault(name, []).append(line)
    return found


def totals(lines: Sequence[Line]) -> Totals:
    return {
        "units": decimal_text(sum((line.units for line in lines), ZERO)),
        "total_aggregated_units": decimal_text(sum((line.total_units for line in lines), ZERO)),
        "events_count": sum(line.events for line in lines),
        "amount_cents": sum(line.cents for line in lines),
    }


def decimal_text(value: Decimal) -> str:
    """As Ruby writes a BigDecimal: ``7.0``."""
    text = plain(value)
    return text if "." in text else f"{text}.0"
