"""Rows of Odoo as the values rating works with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .exact import ZERO, decimal, exponent, round_units
from .moments import moment, zone
from .periods import PER_YEAR, Subscription
from .rows import (
    ChargeFields,
    ChargeRow,
    FilterJson,
    MetricFilterJson,
    MetricRow,
    OrderFields,
    OrderRow,
    Properties,
    UnitsChanged,
    UnitsSince,
)
from .shapes import FILTERS, METRIC_FILTERS, PROPERTIES, Shape, first_flaw
from .unratable import Unratable


def loads(value: object) -> Any:
    """JSON of a text field; decimals stay exact. The caller says what its field holds (``rows``)."""
    return json.loads(value, parse_float=Decimal) if isinstance(value, str) and value else value or None


def read_shaped(value: object, shape: Shape, name: str) -> tuple[Any, str]:
    """What the JSON of the field ``name`` holds, and its flaw: with one there is nothing that could be rated."""
    try:
        found = loads(value)
    except (ValueError, RecursionError):
        return None, f"{name} is no JSON"
    flaw = first_flaw(shape, found, name) if found else ""
    return (None if flaw else found), flaw


MOST_DAYS = Decimal(36_525)  # of a trial: people can type more than a date holds. It can be shown so, it is not billed


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
    previous: OrderRow | None
    next: OrderRow | None
    earlier: tuple[OrderRow, ...] = ()  # ended orders of the same external id and plan

    @property
    def trial_end(self) -> datetime | None:
        days = min(self.trial_days, MOST_DAYS)
        return self.first_started_at + timedelta(days=float(days)) if days else None

    @property
    def codes_after(self) -> Sequence[str]:
        """Codes of the metrics that the order goes on with which replaced it."""
        return (self.next or {}).get("metric_codes") or ()

    @property
    def started_in_past(self) -> bool:
        """Backdated: created on a later day (of UTC) than it started."""
        return self.sub.started_at.date() < self.created_at.date()

    @property
    def replaced_by_upgrade(self) -> bool:
        """Did this order replace one of a lower or equal yearly amount?"""
        return self.previous is not None and yearly(self.previous, self.currency) <= self.sub.yearly_amount


def to_cents(amount: object, currency: str) -> int:
    return int(decimal(amount or None).scaleb(exponent(currency)))


def yearly(row: OrderRow, currency: str) -> int:
    return to_cents(row.get("fusion_plan_amount"), currency) * PER_YEAR[row["fusion_interval"]]


def first_start(row: OrderRow, own: datetime) -> datetime:
    """The earliest start along the chain of orders of one external id."""
    given = moment(row.get("first_started_at"))
    starts = [own, *([given] if given else [])]
    previous = row.get("previous")
    while previous:
        starts.append(started(previous) or own)
        previous = previous.get("previous")
    return min(starts)


def started(row: OrderFields) -> datetime | None:
    return moment(row.get("fusion_started_at"), row.get("fusion_started_us") or 0)


def read_order(row: OrderRow) -> Order | None:
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


def read_subscription(row: OrderRow, start: datetime, currency: str, following: OrderRow | None) -> Subscription:
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


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """A property of a metric's events, with the values it may have."""

    key: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How events of one code become a number of units."""

    code: str
    name: str
    aggregation: str
    lago_id: str = ""
    field_name: str = ""  # the property that holds the value
    recurring: bool = False
    rounding_function: str | None = None
    rounding_precision: int = 0
    filters: tuple[MetricFilter, ...] = ()
    flaw: str = ""  # of its filters: then they are not known

    def rounded(self, units: Decimal) -> Decimal:
        return round_units(units, self.rounding_function, self.rounding_precision)


@dataclass(frozen=True, slots=True)
class ChargeFilter:
    """The events with these values of their properties, and what they cost."""

    lago_id: str
    name: str  # on invoices; may be empty
    values: Mapping[str, Sequence[str]]
    properties: Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge with its JSON parsed; properties as Lago has them."""

    lago_id: str
    code: str
    name: str
    kind: str = "usage"
    metric: str = ""  # code
    charge_model: str = "standard"
    properties: Properties = field(default_factory=Properties)
    filters: tuple[ChargeFilter, ...] = ()
    pay_in_advance: bool = False
    prorated: bool = False
    invoiceable: bool = True
    min_amount: Decimal = ZERO
    units: Decimal = ZERO
    unit_events: tuple[UnitsSince, ...] = ()
    flaw: str = ""  # of its properties or filters: then they are not known


def require_readable(charge: Charge, metric: Metric | None = None) -> None:
    """Raises Unratable: something stands in its JSON, or in its metric's, that nobody can rate by."""
    if charge.flaw:
        raise Unratable("charge_unreadable", charge.flaw)
    if metric is not None and metric.flaw:
        raise Unratable("metric_unreadable", f"metric {metric.code}: {metric.flaw}")


def read_charge(row: ChargeRow) -> Charge:
    properties, wrong = read_shaped(row.get("properties"), PROPERTIES, "properties")
    filters, other = read_shaped(row.get("filters"), FILTERS, "filters")
    return Charge(
        lago_id=row.get("fusion_lago_id") or row.get("code") or "",
        code=row.get("code") or "",
        name=row.get("name") or row.get("code") or "",
        kind=row.get("kind") or "usage",
        metric=row.get("metric") or "",
        charge_model=row["charge_model"],
        properties=properties or Properties(),
        filters=tuple(read_filter(entry) for entry in filters or ()),
        pay_in_advance=bool(row.get("pay_in_advance")),
        prorated=bool(row.get("prorated")),
        invoiceable=row.get("invoiceable", True) is not False,
        min_amount=decimal(row.get("min_amount") or None),
        units=decimal(row.get("units") or None),
        unit_events=tuple(row.get("unit_events") or ()),
        flaw=wrong or other,
    )


UNREADABLE: UnitsSince = {"at": None, "units": None}  # a history of units that says nothing: it has no amount


def units_since(row: ChargeFields, start: datetime | None) -> tuple[UnitsSince, ...]:
    """How the units of a fixed charge changed while an order ran; none: they are what they were at its start."""
    if start is None:
        return ()
    try:
        changes: Sequence[UnitsChanged] = loads(row.get("unit_changes")) or ()
        times = [moment(change["at"]) for change in changes]
        before = [change for change, at in zip(changes, times, strict=True) if at and at <= start]
        after = [change for change, at in zip(changes, times, strict=True) if at and at > start]
        if not changes or None in times:
            return (UNREADABLE,) if changes else ()
        units = before[-1]["units"] if before else (after[0] if after else changes[0]).get("was", row.get("units"))
        first: UnitsSince = {"at": None, "units": units}
        later: list[UnitsSince] = [{"at": change["at"], "units": change["units"]} for change in after]
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError):  # whatever stands there
        return (UNREADABLE,)
    return (first, *later)


def read_filter(entry: FilterJson) -> ChargeFilter:
    return ChargeFilter(
        lago_id=entry.get("lago_id") or "",
        name=entry.get("invoice_display_name") or "",
        values=entry["values"],
        properties=entry.get("properties") or {},
    )


def read_metric(row: MetricRow) -> Metric:
    precision = row.get("rounding_precision") if row.get("has_rounding_precision", True) else None
    filters, flaw = read_shaped(row.get("filters"), METRIC_FILTERS, "filters")
    return Metric(
        lago_id=row.get("fusion_lago_id") or "",
        name=row.get("name") or row["code"],
        code=row["code"],
        aggregation=row["aggregation"],
        field_name=row.get("field_name") or "",
        recurring=bool(row.get("recurring")),
        rounding_function=row.get("rounding_function") or None,
        rounding_precision=int(precision or 0),
        filters=read_metric_filters(filters or ()),
        flaw=flaw,
    )


def read_metric_filters(entries: Iterable[MetricFilterJson]) -> tuple[MetricFilter, ...]:
    return tuple(MetricFilter(entry["key"], frozenset(entry["values"])) for entry in entries)


@dataclass(frozen=True, slots=True)
class Catalog:
    charges: tuple[Charge, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
