"""Area current_usage: the usage of the running period as Lago's API shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from mappings import period
from reconcile.billed import LineKey
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.fees import ChargeFee
from tests.vectors_support.calendar import moment
from tests.vectors_support.charges import charge_record, metric_record
from tests.vectors_support.invoices import header
from tests.vectors_support.one_charge import charge_fees
from tests.vectors_support.world import Covered, World, from_first_set

Case = dict[str, Any]
Raw = Mapping[str, Any]


def current_usage(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    world = World(from_first_set(given))
    try:
        world.run()
        return {"customer_usage": _usage(world, moment(given["at"]))}
    finally:
        world.close()


def _usage(world: World, at: datetime) -> dict[str, Any]:
    sub = world.subs["subscription"]
    running = period.boundaries(sub.contract(world.timezone), at, current_usage=True)
    one = Covered(sub=sub, reason="", at=at, boundaries=running)
    found = [(raw, _fees(world, one, raw)) for raw in sorted(sub.plan["charges"], key=lambda raw: raw["code"])]
    lines = [_line(world, fee, f"{raw['code']} {number}") for raw, fees in found for number, fee in enumerate(fees)]
    totals = header(bill(lines, world.currency))
    assert running.charges is not None
    return {
        "from_datetime": _second(running.charges.start),
        "to_datetime": _second(running.charges.end),
        "issuing_date": running.charges.end.date().isoformat(),
        "currency": world.currency,
        "amount_cents": totals["fees_amount_cents"],
        "taxes_amount_cents": totals["taxes_amount_cents"],
        "total_amount_cents": totals["fees_amount_cents"] + totals["taxes_amount_cents"],
        "charges_usage": [_charge(raw, fees, world.currency) for raw, fees in found],
    }


def _fees(world: World, one: Covered, raw: Raw) -> tuple[ChargeFee, ...]:
    charge, metric = charge_record(raw), metric_record(raw["billable_metric"])
    carry = world.carries.get((one.sub.external_id, one.sub.plan["code"], charge.code or ""))
    window = replace(world.charge_window(one, carry), current_usage=True)
    return charge_fees(window, charge, metric, world.source(), premium=world.premium)


def _line(world: World, fee: ChargeFee, name: str) -> FeeLine:
    return FeeLine(
        key=LineKey("subscription", "charge", name),
        plan_code="plan",
        amount_cents=fee.amount_cents,
        precise_cents=fee.precise_amount_cents,
        units=fee.units,
        taxes=world.taxes(),
    )


def _charge(raw: Raw, fees: Sequence[ChargeFee], currency: str) -> dict[str, Any]:
    metric = raw["billable_metric"]
    groups = _by(fees, lambda fee: json.dumps({key: value or "" for key, value in fee.grouped_by}, sort_keys=True))
    return {
        **_sum(fees),
        "amount_currency": currency,
        "charge": {"code": raw["code"], "charge_model": raw["charge_model"], "invoice_display_name": None},
        "billable_metric": {
            "name": metric["code"],
            "code": metric["code"],
            "aggregation_type": metric["aggregation_type"],
        },
        "filters": _filters(raw, fees),
        "grouped_usage": [_group(raw, groups[name]) for name in sorted(groups)] if _has_groups(fees) else [],
    }


def _group(raw: Raw, fees: Sequence[ChargeFee]) -> dict[str, Any]:
    return {**_sum(fees), "grouped_by": dict(fees[0].grouped_by), "filters": _filters(raw, fees)}


def _has_groups(fees: Iterable[ChargeFee]) -> bool:
    return any(fee.grouped_by for fee in fees)


def _filters(raw: Raw, fees: Sequence[ChargeFee]) -> list[dict[str, Any]]:
    if not raw.get("filters"):
        return []
    return [_filter(members) for members in _by(fees, lambda fee: str(fee.filter_position)).values()]


def _filter(fees: Sequence[ChargeFee]) -> dict[str, Any]:
    one = fees[0].filter
    values = None if one is None else {key: list(texts) for key, texts in one.values.items()}
    return {**_sum(fees), "invoice_display_name": one and one.invoice_display_name, "values": values}


def _sum(fees: Iterable[ChargeFee]) -> dict[str, Any]:
    members = list(fees)
    return {
        "units": sum((fee.units for fee in members), Decimal(0)),
        "total_aggregated_units": sum((fee.total_aggregated_units for fee in members), Decimal(0)),
        "events_count": sum(fee.events_count for fee in members),
        "amount_cents": sum(fee.amount_cents for fee in members),
    }


def _by(fees: Iterable[ChargeFee], name: Callable[[ChargeFee], str]) -> dict[str, list[ChargeFee]]:
    found: dict[str, list[ChargeFee]] = {}
    for fee in fees:
        found.setdefault(name(fee), []).append(fee)
    return found


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
