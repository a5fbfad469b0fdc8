"""The usage of the running period as Lago's ``current_usage`` shows it, before taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from .aggregate import Grouped, Window, recurring_history
from .charge_fees import bucket_lines, fee
from .charge_models import MODELS, Unratable, Usage, bounded
from .events import Bucket, Event, floor_millisecond, group_keys, read_events
from .exact import ZERO, ceiling, decimal, metric_rounding, plain, precise
from .inputs import Row
from .invoice import Run, prepare, refusal
from .lines import Line

SUMMED = ("count_agg", "sum_agg", "max_agg", "latest_agg", "unique_count_agg")  # what a database can do as well


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
    order: Row,
    charges: Sequence[Row],
    metrics: Mapping[str, Row],
    usage: Iterable[Row],
    at: datetime | str,
    *,
    premium: bool = True,
) -> dict[str, Any] | None:
    """Usage of the period that runs at ``at`` (arguments as ``bill``); None if the order is not running then.

    Returns ``from_datetime``, ``to_datetime``, ``issuing_date``, ``currency``, ``amount_cents``, ``charges_usage`` in
    Lago's shape, ``lines`` (charge's Lago id -> cents, for taxes) and ``refusals``.
    """
    found = running(order, charges, metrics, at, premium=premium)
    return usage_of(found, usage, {}) if found else None


@precise
def running(
    order: Row, charges: Sequence[Row], metrics: Mapping[str, Row], at: datetime | str, *, premium: bool = True
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
    rated = [(charge, run.catalog.metrics[charge["metric"]]) for charge in usage_charges(run)]
    listed = {charge["metric"] for charge, metric in rated if not needs_sums_only(charge, metric, premium)}
    return Running(
        run,
        window,
        summed={
            metric["code"]: (metric["aggregation"], metric["field_name"])
            for _, metric in rated
            if metric["code"] not in listed
        },
        listed=frozenset(listed),
        history=frozenset(metric["code"] for _, metric in rated if recurring_history(metric)),
    )


def usage_charges(run: Run) -> list[dict[str, Any]]:
    return [c for c in run.catalog.charges if c["kind"] == "usage" and c["metric"] in run.catalog.metrics]


def needs_sums_only(charge: Mapping[str, Any], metric: Mapping[str, Any], premium: bool) -> bool:
    """Can the charge be rated from the count and the value of all events of the window together?"""
    properties = charge["properties"]
    if charge["filters"] or charge["prorated"] or group_keys(properties) or recurring_history(metric):
        return False
    if metric["aggregation"] not in SUMMED:
        return False
    if charge["charge_model"] == "percentage":
        free = (properties.get(name) for name in ("free_units_per_events", "free_units_per_total_aggregation"))
        return not any(decimal(value) for value in free) and not (premium and bounded(properties))
    return charge["charge_model"] in MODELS


@precise
def usage_of(found: Running, usage: Iterable[Row], sums: Mapping[str, Sums]) -> dict[str, Any]:
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


def usages(run: Run, window: Window, sums: Mapping[str, Sums]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    shown, refusals = [], []
    for charge in usage_charges(run):
        metric = run.catalog.metrics[charge["metric"]]
        try:
            lines = charge_usage_lines(run, charge, metric, window, sums)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"charge {charge['code']}: {error.detail}"))
            continue
        shown.append(charge_usage(charge, metric, lines, run.order.currency))
    return shown, refusals


def charge_usage_lines(
    run: Run, charge: dict[str, Any], metric: Mapping[str, Any], window: Window, sums: Mapping[str, Sums]
) -> list[Line]:
    if metric["code"] not in sums:
        events: Sequence[Event] = run.events.get(metric["code"], ())
        return bucket_lines(charge, metric, events, window, run.order.currency, run.premium)
    entry = Grouped((), (), summed_usage(metric, sums[metric["code"]]))
    bucket = Bucket(None, charge["properties"], [])
    return [fee(charge, bucket, entry, window, run.order.currency, run.premium, 0)]


def summed_usage(metric: Mapping[str, Any], found: Sums) -> Usage:
    value = ceiling(found.value, 5) if metric["aggregation"] == "unique_count_agg" else found.value
    return Usage(metric_rounding(dict(metric), value), found.events)


def charge_usage(
    charge: Mapping[str, Any], metric: Mapping[str, Any], lines: Sequence[Line], currency: str
) -> dict[str, Any]:
    grouped = merged((tuple(sorted(line.group.items(), key=str)), line) for line in lines)
    return {
        **totals(lines),
        "amount_currency": currency,
        "charge": {
            "lago_id": charge["lago_id"],
            "code": charge["code"],
            "charge_model": charge["charge_model"],
            "invoice_display_name": None,
        },
        "billable_metric": {
            "lago_id": metric.get("lago_id") or "",
            "name": metric.get("name") or metric["code"],
            "code": metric["code"],
            "aggregation_type": metric["aggregation"],
        },
        "filters": filters(charge, lines),
        "grouped_usage": [
            {**totals(rows), "grouped_by": dict(rows[0].group), "filters": filters(charge, rows)}
            for rows in grouped.values()
        ]
        if any(line.group for line in lines)
        else [],
    }


def filters(charge: Mapping[str, Any], lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Usage per charge filter; what no filter takes has no values."""
    if not charge["filters"]:
        return []
    found = []
    for place, rows in merged((line.position, line) for line in lines).items():
        entry = charge["filters"][place] if place is not None else {}
        name = entry.get("invoice_display_name") or None
        found.append({**totals(rows), "invoice_display_name": name, "values": entry.get("values")})
    return found


def merged(pairs: Iterable[tuple[Any, Line]]) -> dict[Any, list[Line]]:
    found: dict[Any, list[Line]] = {}
    for name, line in pairs:
        found.setdefault(name, []).append(line)
    return found


def totals(lines: Sequence[Line]) -> dict[str, Any]:
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
