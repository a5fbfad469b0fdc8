"""Values on their way into a column and out to a client, with Odoo's own complaints about wrong ones (measured)."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from typing import Any

from . import faults
from .schema import RecordedField

DATE, DATETIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
EMPTY_NUMBERS = {"integer": 0, "float": 0.0, "monetary": 0.0}


def to_column(model: str, spec: RecordedField, value: Any, digits: int | None) -> Any:  # noqa: PLR0911 - one per type
    """A client's value as SQLite keeps it. ``digits``: decimals of a float field, None when it is not rounded."""
    kind = spec.type
    if kind == "boolean":
        return int(bool(value))
    if value is None or value is False:
        return 0 if kind == "integer" else None
    if kind in ("integer", "many2one", "many2one_reference"):
        return _whole(kind, value)
    if kind in ("float", "monetary"):
        return _real(value, digits)
    if kind == "date":
        return day(value)
    if kind == "datetime":
        return moment(value)
    if kind == "selection":
        return _choice(model, spec, value)
    return _text(kind, value)


def _whole(kind: str, value: Any) -> int | None:
    if kind == "many2one":
        if isinstance(value, list | tuple):
            value = value[0] if value else False
        if isinstance(value, str):
            raise faults.bad_text(value)
        return int(value) or None
    try:
        return int(value or 0)
    except ValueError as error:
        raise faults.value_error(str(error)) from None


def _real(value: Any, digits: int | None) -> float:
    try:
        number = float(value or 0.0)
    except ValueError as error:
        raise faults.value_error(str(error)) from None
    return number if digits is None else float_round(number, 10.0**-digits)


def _choice(model: str, spec: RecordedField, value: Any) -> Any:
    if spec.selection and value not in spec.selection and value != "":
        raise faults.value_error(f"Wrong value for {model}.{spec.name}: {value!r}")
    return value or None


def _text(kind: str, value: Any) -> Any:
    if kind in ("json", "properties", "properties_definition"):
        return json.dumps(value)
    if kind == "html":
        return html(str(value))
    return value if isinstance(value, str) else str(value)


BLOCK = re.compile(r"\s*<(p|div|span|ul|ol|table|h[1-6]|section|blockquote|pre|br|hr)\b", re.IGNORECASE)


def html(value: str) -> str:
    """Plain text in an html field is escaped and wrapped; scripts go."""
    value = re.sub(r"<script\b.*?</script\s*>", "", value, flags=re.IGNORECASE | re.DOTALL)
    if not value or BLOCK.match(value):
        return value
    value = re.sub(r"&(?!#?\w+;)", "&amp;", value)
    return f"<span>{re.sub(r'<(?![a-zA-Z/!])', '&lt;', value)}</span>"


def day(value: Any) -> str:
    """A day as Odoo keeps it, ``2026-07-01``; empty for none."""
    if isinstance(value, str):
        if not value:
            return ""
        try:
            return datetime.strptime(value[:10], DATE).strftime(DATE)  # noqa: DTZ007
        except ValueError as error:
            raise faults.value_error(str(error)) from None
    if isinstance(value, date):
        return value.strftime(DATE)
    raise faults.value_error(f"time data {value!r} does not match format '{DATE}'")


def moment(value: Any) -> str:
    """Odoo cuts the format to the length of the text, so a date alone is midnight."""
    if isinstance(value, datetime):
        return value.strftime(DATETIME)
    try:
        return datetime.strptime(str(value), DATETIME[: len(str(value)) - 2]).strftime(DATETIME)  # noqa: DTZ007
    except ValueError as error:
        raise faults.value_error(str(error)) from None


def to_client(spec: RecordedField, value: Any) -> Any:
    """A column's value as ``read`` answers it; many2one and x2many are shaped by the caller."""
    if spec.type == "boolean":
        return bool(value)
    if value is None and spec.type == "properties":
        return []
    if value is None:
        return EMPTY_NUMBERS.get(spec.type, False)
    if spec.type in ("json", "properties", "properties_definition"):
        return json.loads(value)
    if spec.type in ("date", "datetime") and value == "":
        return False
    return value


def float_round(value: float, rounding: float) -> float:
    """Half up on the decimal reading of a double, as Odoo rounds: a few ulps below a tie count as the tie."""
    if not value or not rounding:
        return value or 0.0
    steps = 1.0 / rounding if rounding < 1 else rounding
    if rounding < 1:
        steps = float(round(steps)) if abs(steps - round(steps)) < 1e-6 else steps
    scaled = value * steps if rounding < 1 else value / steps
    epsilon = 2.0 ** (math.log2(abs(scaled)) - 50)
    whole = _half_up(scaled + math.copysign(epsilon, scaled))
    return whole / steps if rounding < 1 else whole * steps


def _half_up(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)
