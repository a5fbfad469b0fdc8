"""Rows of Odoo as the values rating works with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .exact import decimal, exponent
from .moments import moment, zone
from .periods import PER_YEAR, Subscription

Row = Mapping[str, Any]


def loads(value: Any) -> Any:
    """JSON of a text field; decimals stay exact."""
    return json.loads(value, parse_float=Decimal) if isinstance(value, str) and value else value or None


@dataclass(frozen=True, slots=True)
class Order:
    """An order at one billing moment. Amounts in cents of ``currency``."""

    lago_id: str
    external_id: str
    plan: str  # Lago id
    plan_name: str
    currency: str
    sub: Subscription
    created_at: datetime
    first_started_at: datetime
    trial_days: Decimal
    commitment_cents: int
    previous: Row | None
    next: Row | None
    earlier: tuple[Row, ...] = ()  # ended orders of the same external id and plan

    @property
    def trial_end(self) -> datetime | None:
        return self.first_started_at + timedelta(days=float(self.trial_days)) if self.trial_days else None

    @property
    def started_in_past(self) -> bool:
        """Backdated: created on a later day (of UTC) than it started."""
        return self.sub.started_at.date() < self.created_at.date()

    @property
    def replaced_by_upgrade(self) -> bool:
        """Did this order replace one of a lower or equal yearly amount?"""
        return self.previous is not None and yearly(self.previous, self.currency) <= self.sub.yearly_amount


def to_cents(amount: Any, currency: str) -> int:
    return int(decimal(amount or None).scaleb(exponent(currency)))


def yearly(row: Row, currency: str) -> int:
    return to_cents(row.get("fusion_plan_amount"), currency) * PER_YEAR[row["fusion_interval"]]


def first_start(row: Row, own: datetime) -> datetime:
    """The earliest start along the chain of orders of one external id."""
    given = moment(row.get("first_started_at"))
    starts = [own, *([given] if given else [])]
    previous = row.get("previous")
    while previous:
        starts.append(started(previous) or own)
        previous = previous.get("previous")
    return min(starts)


def started(row: Row) -> datetime | None:
    return moment(row.get("fusion_started_at"), row.get("fusion_started_us") or 0)


def read_order(row: Row) -> Order | None:
    """The order, or None while it has not started."""
    start = started(row)
    if start is None:
        return None
    currency, following = row["currency"], row.get("next") or None
    return Order(
        lago_id=row.get("fusion_lago_id") or "",
        external_id=row.get("fusion_external_id") or "",
        plan=row.get("plan_lago_id") or "",
        plan_name=row.get("plan_name") or row.get("fusion_plan_code") or "",
        currency=currency,
        sub=read_subscription(row, start, currency, following),
        created_at=moment(row.get("fusion_created_at")) or start,
        first_started_at=first_start(row, start),
        earlier=tuple(row.get("earlier") or ()),
        trial_days=decimal(row.get("fusion_trial_days") or None),
        commitment_cents=to_cents(row.get("fusion_commitment"), currency),
        previous=row.get("previous") or None,
        next=following,
    )


def read_subscription(row: Row, start: datetime, currency: str, following: Row | None) -> Subscription:
    return Subscription(
        interval=row["fusion_interval"],
        billing_time=row["fusion_billing_time"],
        anchor_at=moment(row.get("fusion_anchor")) or start,
        started_at=start,
        ended_at=moment(row.get("fusion_ended_at"), row.get("fusion_ended_us") or 0),
        tz=zone(row.get("fusion_timezone") or "UTC"),
        pay_in_advance=bool(row.get("fusion_pay_in_advance")),
        charges_monthly=bool(row.get("fusion_bill_charges_monthly")),
        fixed_monthly=bool(row.get("fusion_bill_fixed_charges_monthly")),
        amount_cents=to_cents(row.get("fusion_plan_amount"), currency),
        has_next=following is not None,
        next_yearly=yearly(following, currency) if following else 0,
    )


def read_charge(row: Row) -> dict[str, Any]:
    """A charge with its JSON parsed; properties and filters as Lago has them."""
    return {
        "lago_id": row.get("fusion_lago_id") or row.get("code") or "",
        "code": row.get("code") or "",
        "name": row.get("name") or row.get("code") or "",
        "kind": row.get("kind") or "usage",
        "metric": row.get("metric") or "",
        "charge_model": row["charge_model"],
        "properties": loads(row.get("properties")) or {},
        "filters": loads(row.get("filters")) or [],
        "pay_in_advance": bool(row.get("pay_in_advance")),
        "prorated": bool(row.get("prorated")),
        "invoiceable": row.get("invoiceable", True) is not False,
        "min_amount": decimal(row.get("min_amount") or None),
        "units": decimal(row.get("units") or None),
        "unit_events": row.get("unit_events") or (),
    }


def read_metric(row: Row) -> dict[str, Any]:
    precision = row.get("rounding_precision") if row.get("has_rounding_precision", True) else None
    return {
        "lago_id": row.get("fusion_lago_id") or "",
        "name": row.get("name") or row["code"],
        "code": row["code"],
        "aggregation": row["aggregation"],
        "field_name": row.get("field_name") or "",
        "recurring": bool(row.get("recurring")),
        "rounding_function": row.get("rounding_function") or None,
        "rounding_precision": precision or 0,
        "filters": loads(row.get("filters")) or [],
    }


@dataclass(frozen=True, slots=True)
class Billed:
    """An earlier billing of the order. ``fee``: it had a base fee."""

    at: datetime
    reason: str
    fee: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    charges: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
