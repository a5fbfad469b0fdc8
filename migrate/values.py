"""Values in one canonical form, so that what we want, what we sent and what Odoo answers can be compared. Pure.

Canonical: text or None (Odoo's ``False``, ``None`` and ``''`` are one nothing), int, bool, decimals and dates as text,
a related record as a name (its external id if known, else ``model#id``), several of them as a sorted tuple.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mappings.target import Find, Ref, Value

Canon = str | int | bool | None | tuple[str, ...]
NameOf = Callable[[str, int], str]
NameFor = Callable[[Ref | Find], str]


@dataclass(frozen=True, slots=True)
class OdooField:
    """What ``fields_get`` tells. ``digits``: Odoo cuts to so many decimals (None: it does not)."""

    type: str
    relation: str | None = None
    digits: int | None = None
    readonly: bool = False

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> OdooField:
        """From one entry of ``fields_get``; ``digits`` there is ``[precision, scale]``."""
        digits = raw.get("digits")
        scale = int(digits[1]) if digits else None
        return cls(raw["type"], raw.get("relation"), scale, bool(raw.get("readonly")))


def related_id(value: Any) -> int:
    """The id in a many2one that is set: it comes as ``[id, name]`` or ``id``."""
    return int(value[0] if isinstance(value, list | tuple) else value)


def number_or_none(value: object) -> int | None:
    """A number, or the id in a many2one that may be empty; None for what Odoo calls false, and for 0."""
    number = value[0] if isinstance(value, list | tuple) and value else value
    return number if isinstance(number, int) and number else None


def canon_from_json(raw: Canon | list[str]) -> Canon:
    """JSON has no tuples."""
    return tuple(raw) if isinstance(raw, list) else raw


def wanted(value: Value, field: OdooField, name: NameFor) -> Canon:
    """The canonical form of a mapper's value."""
    kind = type(value)
    if kind is Ref or kind is Find:
        return name(value)  # type: ignore[arg-type]  # type() is quicker than isinstance, and mypy cannot follow it
    if isinstance(value, tuple):
        return tuple(sorted({name(item) for item in value}))
    return _scalar(value, field)


def answered(raw: Any, field: OdooField, name: NameOf) -> Canon:
    """The canonical form of what ``read`` answered (``load=''`` or not: a pair or an id)."""
    if field.type == "many2one":
        if not raw:
            return None
        return name(field.relation or "", raw[0] if isinstance(raw, list | tuple) else raw)
    if field.type in ("many2many", "one2many"):
        return tuple(sorted(name(field.relation or "", each) for each in raw or ()))
    return _scalar(raw, field)


def cell(value: Value) -> str:
    """A scalar as ``load`` reads it: text only; its datetimes are in the context's time zone, which we set to UTC."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _datetime(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _scalar(value: Any, field: OdooField) -> Canon:
    """By the field's type; whatever has no entry is text."""
    return _BY_TYPE.get(field.type, _text)(value)


def _text(value: Any) -> str | None:
    # HTTP and XML may turn line ends around; nothing, false and empty text are one.
    return None if value is None or value is False or value == "" else str(value).replace("\r\n", "\n")


def _integer(value: Any) -> int:
    return int(value or 0)


def _number(value: Any) -> str:
    """Odoo answers doubles: both sides pass through the shortest text of the double.

    What we want is not rounded to the field's digits: a quantity that Odoo cuts must show as different.
    """
    text = format(Decimal(repr(float(value or 0))), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _several(value: Any) -> tuple[str, ...]:
    return ()


def _moment(value: Any) -> str | None:
    return _datetime(value) if isinstance(value, datetime) else _text(value)


def _datetime(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")  # Odoo keeps whole seconds


def odoo_moment(text: object) -> datetime:
    """What Odoo answers for a datetime, in UTC."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def _day(value: Any) -> str | None:
    day = value.date() if isinstance(value, datetime) else value
    return day.isoformat() if isinstance(day, date) else _text(value)


_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r"<a\b[^>]*?href=\"([^\"]*)\"[^>]*>")


def _html(value: Any) -> str | None:
    """Odoo cleans and wraps html; the text and the targets of links are what must survive."""
    if not value:
        return None
    plain = _TAG.sub(" ", _LINK.sub(r" \1 ", _text(value) or ""))
    for entity, sign in (
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
    ):
        plain = plain.replace(entity, sign)
    return " ".join(plain.replace("&amp;", "&").replace("\xa0", " ").split()) or None


_BY_TYPE: dict[str, Callable[[Any], Canon]] = {
    "boolean": bool,
    "integer": _integer,
    "many2one_reference": _integer,
    "float": _number,
    "monetary": _number,
    "many2many": _several,  # an empty set; others do not come here
    "one2many": _several,
    "datetime": _moment,
    "date": _day,
    "html": _html,
}


def related(value: Value) -> tuple[Ref | Find, ...]:
    """The relations in a value."""
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, Ref | Find) else ()
