"""The usage of the running period as Lago's ``current_usage`` shows it, before taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from .aggregate import Window
from .charge_fees import bucket_lines
from .charge_models import Unratable
from .events import Event
from .exact import ZERO, plain, precise
from .inputs import Row
from .invoice import Run, prepare, refusal
from .lines import Line


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
    run = prepare(order, charges, metrics, usage, at, "current_usage", None, None, premium)
    if run is None or run.terminated or run.order.sub.started_at > run.at:
        return None
    windows = replace(run.billing, current_usage=True).windows()
    start, end = windows.charges_start, windows.charges_end
    if start is None or end is None:
        return None
    window = Window(
        start,
        end,
        windows.charges_days,
        run.order.sub.tz,
        billed=run.billed_windows(),
        inherits=bool(run.order.previous),
    )
    shown, refusals = usages(run, window)
    return {
        "from_datetime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to_datetime": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuing_date": end.strftime("%Y-%m-%d"),
        "currency": run.order.currency,
        "amount_cents": sum(usage["amount_cents"] for usage in shown),
        "charges_usage": shown,
        "refusals": refusals,
    }


def usages(run: Run, window: Window) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    shown, refusals = [], []
    for charge in run.catalog.charges:
        metric = run.catalog.metrics.get(charge["metric"])
        if charge["kind"] != "usage" or metric is None:
            continue
        events: Sequence[Event] = run.events.get(metric["code"], ())
        try:
            lines = bucket_lines(charge, metric, events, window, run.order.currency, run.premium)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"charge {charge['code']}: {error.detail}"))
            continue
        shown.append(charge_usage(charge, metric, lines, run.order.currency))
    return shown, refusals


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
