"""The fields that Lago's and Odoo's records both have: one row says how a field is written, and how it is read back.

    mappers     written(ROWS, record, currency)     -> the values of Odoo's fields
    read_back   read(ROWS, values, record, currency) -> the record, with what Odoo holds

A new field is one row. Odoo does not hold everything: it keeps no microseconds of most moments and tells no absent flag
from a false one. So what would be written just as Lago's own value was *is* Lago's own value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

from mappings.money import from_subunits, to_subunits
from mappings.target import Value
from mappings.text import json_text, plain

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
UNREADABLE = "unreadable"  # under this name stands a text of Odoo's that should be JSON and is not
_DIGITS = 60  # of a number, before or after its point: no field of Odoo's or Lago's has more
_LONGEST = 200  # characters of a number
Row = Mapping[str, object]  # a record of Odoo's, field by field; None where Odoo has nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a value stands in Odoo. ``write`` and ``read`` take the currency of its amounts.

    ``columns``: the fields of Odoo's that hold it together, by the name of the first. ``alike``: two ways of saying the
    same, although they are written differently.
    """

    write: Callable[[object, str], tuple[Value, ...]]
    read: Callable[[Sequence[object], str], object]
    columns: Callable[[str], tuple[str, ...]] = lambda name: (name,)
    alike: Callable[[object, object], bool] = lambda one, other: one == other


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPair:
    """One row: the field of Lago's record, that of Odoo's, and the kind of value.

    ``required``: Odoo's record is never without it. Where it is, nothing is known, and Lago's value stands.
    """

    lago: str
    odoo: str
    kind: Kind
    required: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.kind.columns(self.odoo)


def columns(rows: Iterable[FieldPair]) -> tuple[str, ...]:
    """The fields of Odoo's to be read."""
    return tuple(column for row in rows for column in row.columns)


def written(rows: Iterable[FieldPair], record: object, currency: str = "") -> dict[str, Value]:
    """The values of Odoo's fields for a record of Lago's."""
    values: dict[str, Value] = {}
    for row in rows:
        values |= zip(row.columns, row.kind.write(getattr(record, row.lago), currency), strict=True)
    return values


def read(rows: Iterable[FieldPair], values: Row, record: T, currency: str = "") -> T:
    """``record`` with what Odoo holds of it."""
    return with_values(record, {row.lago: _read(row, values, getattr(record, row.lago), currency) for row in rows})


def read_row(rows: Iterable[FieldPair], values: Row, record: T, currency: str = "") -> T:
    """The same of a record's row: a field that an older addon does not have is in none, and says nothing."""
    return read([row for row in rows if any(column in values for column in row.columns)], values, record, currency)


def _read(row: FieldPair, values: Row, lago: object, currency: str) -> object:
    cells = [values.get(column) for column in row.columns]
    if row.required and all(value is None for value in cells):
        return lago
    value = row.kind.read(cells, currency)
    same = row.kind.alike(value, lago) or row.kind.write(value, currency) == row.kind.write(lago, currency)
    return lago if same else value


def with_values(record: T, values: Mapping[str, object]) -> T:
    """``record`` with other values; itself where they are its own already."""
    return (
        replace(record, **values)
        if any(getattr(record, name) is not value for name, value in values.items())
        else record
    )


# --- kinds of values ----------------------------------------------------------------------------------------------


def decimal_of(value: object) -> Decimal | None:
    """A number, also one in a text; None for anything else."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value)
    if len(text) > _LONGEST:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _DIGITS else None


def loaded(text: object) -> object:
    """The content of a JSON text, with exact numbers; None if there is none.

    People can write anything into Odoo: what is no JSON is kept as it is written, so that it is told from nothing.
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return {UNREADABLE: text}


def moment_of(value: object, microseconds: object = None) -> datetime | None:
    """A moment in UTC, as Odoo (text without a zone, or a naive moment) or JSON (ISO 8601) gives it; else None."""
    if not value:
        return None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at + timedelta(microseconds=microseconds if isinstance(microseconds, int) else 0)
    except (ValueError, OverflowError):
        return None


def _named(value: object) -> Mapping[str, object]:
    """What a JSON text says of several things by name; anything else it may hold is told from nothing."""
    read = loaded(value)
    return read if isinstance(read, Mapping) else {} if not read else {UNREADABLE: str(value)}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    number = decimal_of(value)
    return None if number is None else int(number)


def _seconds(value: object) -> datetime | None:
    at = moment_of(value)
    return at.replace(microsecond=0) if at else None


def _write_moment(value: object, currency: str) -> tuple[Value, ...]:
    at = moment_of(value)
    return _seconds(at), at.microsecond if at else 0


def _write_number(value: object, currency: str) -> tuple[Value, ...]:
    number = decimal_of(value)
    return (None if number is None else plain(number),)


def _write_days(value: object, currency: str) -> tuple[Value, ...]:
    return _write_number(value or None, currency)


def _write_money(value: object, currency: str) -> tuple[Value, ...]:
    cents = _whole(value)
    return (None if cents is None else plain(from_subunits(cents, currency)),)


def _read_money(values: Sequence[object], currency: str) -> object:
    return to_subunits(decimal_of(values[0]) or Decimal(0), currency)


def _write_digits(value: object, currency: str) -> tuple[Value, ...]:
    return _whole(value) or 0, value is not None


def _read_digits(values: Sequence[object], currency: str) -> object:
    number, is_there = values
    return _whole(number) or 0 if is_there else None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _texts(listed: object) -> tuple[str, ...]:
    return tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()


def _sets(values: object) -> dict[str, tuple[str, ...]]:
    return {str(key): _texts(listed) for key, listed in _object(values).items()}


def _sorted(values: object) -> dict[str, list[str]]:
    return {key: sorted(listed) for key, listed in _sets(values).items()}


def _same_json(one: object, other: object) -> bool:
    return one == other or json_text(loaded(one) or {}) == json_text(loaded(other) or {})


def _same_number(one: object, other: object) -> bool:
    return one == other or (decimal_of(one) is not None and decimal_of(one) == decimal_of(other))


def _with_microseconds(name: str) -> tuple[str, ...]:
    return name, f"{name.removesuffix('_at')}_us"


NAME = Kind(write=lambda value, _: (_text(value),), read=lambda values, _: _text(values[0]) or "")
ZONE = Kind(write=lambda value, _: (_text(value),), read=lambda values, _: _text(values[0]) or "UTC")
TEXT = Kind(write=lambda value, _: (_text(value),), read=lambda values, _: _text(values[0]))
FLAG = Kind(write=lambda value, _: (bool(value),), read=lambda values, _: bool(values[0]))
NUMBER = Kind(write=_write_number, read=lambda values, _: decimal_of(values[0]))
DAYS = Kind(write=_write_days, read=lambda values, _: decimal_of(values[0]))  # none where there are none
MONEY = Kind(write=_write_money, read=_read_money)  # cents in Lago, units of the currency in Odoo
SECONDS = Kind(write=lambda value, _: (_seconds(value),), read=lambda values, _: moment_of(values[0]))
MOMENT = Kind(write=_write_moment, read=lambda values, _: moment_of(*values), columns=_with_microseconds)
DIGITS = Kind(write=_write_digits, read=_read_digits, columns=lambda name: (name, f"has_{name}"))
JSON = Kind(write=lambda value, _: (json_text(value),), read=lambda values, _: _named(values[0]))
JSON_TEXT = Kind(
    write=lambda value, _: (_text(value),), read=lambda values, _: _text(values[0]) or "{}", alike=_same_json
)
NUMBER_TEXT = Kind(write=lambda value, _: (_text(value),), read=lambda values, _: _text(values[0]), alike=_same_number)

# ... and inside a JSON text, whose values are Lago's own
ISO = Kind(write=lambda value, _: (moment_of(value),), read=lambda values, _: moment_of(values[0]))
WHOLE = Kind(write=lambda value, _: (_whole(value),), read=lambda values, _: _whole(values[0]))
RATE = Kind(write=lambda value, _: (decimal_of(value),), read=lambda values, _: decimal_of(values[0]))
PRICES = Kind(write=lambda value, _: (json_text(value),), read=lambda values, _: _object(values[0]))
CODES = Kind(write=lambda value, _: (json_text(sorted(_texts(value))),), read=lambda values, _: _texts(values[0]))
SETS = Kind(write=lambda value, _: (json_text(_sorted(value)),), read=lambda values, _: _sets(values[0]))


# --- the rows -----------------------------------------------------------------------------------------------------

SUBSCRIPTION = (  # Subscription -> sale.order
    FieldPair(lago="external_id", odoo="fusion_external_id", kind=NAME),
    FieldPair(lago="billing_time", odoo="fusion_billing_time", kind=TEXT, required=True),
    FieldPair(lago="subscription_at", odoo="fusion_anchor", kind=SECONDS, required=True),
    FieldPair(lago="started_at", odoo="fusion_started_at", kind=MOMENT),
    FieldPair(lago="terminated_at", odoo="fusion_ended_at", kind=MOMENT),
    FieldPair(lago="ending_at", odoo="fusion_ending_at", kind=SECONDS),
    FieldPair(lago="created_at", odoo="fusion_created_at", kind=SECONDS, required=True),
    FieldPair(lago="plan_amount_cents", odoo="fusion_plan_amount", kind=MONEY, required=True),
)
TERMS = (  # Plan -> sale.order and product.template
    FieldPair(lago="interval", odoo="fusion_interval", kind=TEXT, required=True),
    FieldPair(lago="pay_in_advance", odoo="fusion_pay_in_advance", kind=FLAG),
    FieldPair(lago="trial_period", odoo="fusion_trial_days", kind=DAYS),
    FieldPair(lago="bill_charges_monthly", odoo="fusion_bill_charges_monthly", kind=FLAG),
    FieldPair(lago="bill_fixed_charges_monthly", odoo="fusion_bill_fixed_charges_monthly", kind=FLAG),
)
PLAN = (FieldPair(lago="code", odoo="fusion_plan_code", kind=TEXT, required=True), *TERMS)  # Plan -> sale.order
COMMITMENT = (FieldPair(lago="amount_cents", odoo="fusion_commitment", kind=MONEY),)  # MinimumCommitment -> sale.order
CUSTOMER = (FieldPair(lago="applicable_timezone", odoo="fusion_timezone", kind=ZONE),)  # Customer -> sale.order

PRICE = (  # Charge and FixedCharge -> fusion.billing.charge
    FieldPair(lago="charge_model", odoo="charge_model", kind=TEXT, required=True),
    FieldPair(lago="properties", odoo="properties", kind=JSON),
    FieldPair(lago="pay_in_advance", odoo="pay_in_advance", kind=FLAG),
    FieldPair(lago="prorated", odoo="prorated", kind=FLAG),
)
CHARGE = (
    *PRICE,
    FieldPair(lago="invoiceable", odoo="invoiceable", kind=FLAG),
    FieldPair(lago="min_amount_cents", odoo="min_amount", kind=MONEY),
)
FIXED_CHARGE = (*PRICE, FieldPair(lago="units", odoo="units", kind=NUMBER, required=True))
METRIC = (  # BillableMetric -> fusion.billing.metric
    FieldPair(lago="aggregation_type", odoo="aggregation", kind=TEXT, required=True),
    FieldPair(lago="field_name", odoo="field_name", kind=TEXT),
    FieldPair(lago="recurring", odoo="recurring", kind=FLAG),
    FieldPair(lago="rounding_function", odoo="rounding_function", kind=TEXT),
    FieldPair(lago="rounding_precision", odoo="rounding_precision", kind=DIGITS),
    FieldPair(lago="weighted_interval", odoo="weighted_interval", kind=TEXT),
)
APPLIED_COUPON = (  # AppliedCoupon -> an entry of sale.order's fusion_coupons
    FieldPair(lago="frequency", odoo="frequency", kind=TEXT, required=True),
    FieldPair(lago="frequency_duration", odoo="frequency_duration", kind=WHOLE),
    FieldPair(lago="amount_cents", odoo="amount_cents", kind=WHOLE),
    FieldPair(lago="amount_currency", odoo="amount_currency", kind=TEXT),
    FieldPair(lago="percentage_rate", odoo="percentage_rate", kind=RATE),
    FieldPair(lago="created_at", odoo="created_at", kind=ISO, required=True),
    FieldPair(lago="terminated_at", odoo="terminated_at", kind=ISO),
)
COUPON = (  # Coupon -> the same entry; codes are sets, in whatever order
    FieldPair(lago="plan_codes", odoo="plan_codes", kind=CODES),
    FieldPair(lago="billable_metric_codes", odoo="billable_metric_codes", kind=CODES),
)
METRIC_FILTER = (FieldPair(lago="values", odoo="values", kind=CODES),)  # -> an entry of the metric's filters
CHARGE_FILTER = (  # -> an entry of the charge's filters
    FieldPair(lago="values", odoo="values", kind=SETS),
    FieldPair(lago="properties", odoo="properties", kind=PRICES),
)
USAGE = (  # an event -> fusion.billing.usage
    FieldPair(lago="transaction_id", odoo="transaction_id", kind=TEXT, required=True),
    FieldPair(lago="external_subscription_id", odoo="external_subscription_id", kind=TEXT, required=True),
    FieldPair(lago="code", odoo="code", kind=TEXT, required=True),
    FieldPair(lago="timestamp", odoo="timestamp", kind=MOMENT, required=True),
    FieldPair(lago="created_at", odoo="received_at", kind=MOMENT, required=True),
    FieldPair(lago="properties", odoo="properties", kind=JSON_TEXT),
    FieldPair(lago="precise_total_amount_cents", odoo="precise_total_amount_cents", kind=NUMBER_TEXT),
)
