"""Usage of a charge that was invoiced, made of the lines that billed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypedDict

from ..rating.current_usage import decimal_text
from .rows import Answer, PartialKey
from .usage import WITHOUT


class BilledLine(TypedDict):
    """A line of usage; what fills a charge up to its minimum has no units."""

    key: PartialKey
    units: Decimal
    events: int
    cents: int


class BilledCharge(TypedDict):
    """A charge on one invoice. ``filters``: id of a filter -> its JSON."""

    charge: Answer
    billable_metric: Answer
    currency: str
    filters: Mapping[str | None, Mapping[str, object]]
    lines: Sequence[BilledLine]


def charge_usage(row: BilledCharge) -> Answer:
    grouped: dict[tuple[tuple[str, str], ...], list[BilledLine]] = {}
    for line in row["lines"]:
        pairs = tuple((str(name), str(value or "")) for name, value in line["key"].get("group") or ())
        grouped.setdefault(pairs, []).append(line)
    groups = [
        {**totals(lines), **WITHOUT, "grouped_by": {name: value or None for name, value in pairs},
         "filters": filters(row, lines)}
        for pairs, lines in grouped.items()
        if pairs
    ]  # fmt: skip
    return {
        **totals(row["lines"]),
        "amount_currency": row["currency"],
        "pricing_unit_details": None,
        "charge": row["charge"],
        "billable_metric": row["billable_metric"],
        "filters": filters(row, row["lines"]),
        "grouped_usage": groups,
        "presentation_breakdowns": [],
    }


def filters(row: BilledCharge, lines: Sequence[BilledLine]) -> list[Answer]:
    """What each filter of the charge took; what none takes has no values."""
    if not row["filters"]:
        return []
    by_filter: dict[str, list[BilledLine]] = {}
    for line in lines:
        by_filter.setdefault(line["key"].get("filter") or "", []).append(line)
    return [{**totals(rows), **WITHOUT, **named(row["filters"].get(lago_id))} for lago_id, rows in by_filter.items()]


def named(known: Mapping[str, object] | None) -> Answer:
    known = known or {}
    return {"invoice_display_name": known.get("invoice_display_name"), "values": known.get("values")}


def totals(lines: Sequence[BilledLine]) -> Answer:
    units = decimal_text(sum((line["units"] for line in lines), Decimal(0)))
    return {
        "units": units,
        "total_aggregated_units": units,
        "events_count": sum(line["events"] for line in lines),
        "amount_cents": sum(line["cents"] for line in lines),
    }
