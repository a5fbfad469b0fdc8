"""Desired and skipped records as JSON, for saved previews. Pure; types that JSON lacks are tagged objects."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict

from mappings.target import Desired, Find, Phase, Ref, Skipped, Source, Value

ValueJson = str | int | bool | None | list["ValueJson"] | dict[str, "ValueJson"]


class DesiredJson(TypedDict):
    """A wanted record, as ``Desired`` names its parts."""

    phase: str
    model: str
    xid: str
    values: dict[str, ValueJson]
    source: str
    customer: str | None
    children: dict[str, list[DesiredJson]]
    once: list[str]
    late: list[str]
    after: list[str]


class SkippedJson(TypedDict):
    """A skipped record, as ``Skipped`` names its parts."""

    phase: str
    source: str
    reason: str
    detail: str
    customer: str | None
    count: int


def desired_to_json(desired: Desired) -> DesiredJson:
    """A plain JSON object."""
    return {
        "phase": desired.phase.value,
        "model": desired.model,
        "xid": desired.xid,
        "values": {key: _to_json(value) for key, value in desired.values.items()},
        "source": str(desired.source),
        "customer": desired.customer,
        "children": {key: [desired_to_json(line) for line in lines] for key, lines in desired.children.items()},
        "once": sorted(desired.once),
        "late": sorted(desired.late),
        "after": list(desired.after),
    }


def desired_from_json(raw: DesiredJson) -> Desired:
    """The record that ``desired_to_json`` wrote. Raises KeyError, TypeError or ValueError if it did not."""
    return Desired(
        phase=Phase(raw["phase"]),
        model=raw["model"],
        xid=raw["xid"],
        values={key: _from_json(value) for key, value in raw["values"].items()},
        source=Source("", raw["source"]),
        customer=raw["customer"],
        children={key: tuple(desired_from_json(line) for line in lines) for key, lines in raw["children"].items()},
        once=frozenset(raw["once"]),
        late=frozenset(raw["late"]),
        after=tuple(raw["after"]),
    )


def skipped_to_json(skipped: Skipped) -> SkippedJson:
    """A plain JSON object."""
    return {
        "phase": skipped.phase.value,
        "source": str(skipped.source),
        "reason": skipped.reason,
        "detail": skipped.detail,
        "customer": skipped.customer,
        "count": skipped.count,
    }


def skipped_from_json(raw: SkippedJson) -> Skipped:
    """The value that ``skipped_to_json`` wrote."""
    return Skipped(
        phase=Phase(raw["phase"]),
        source=Source("", raw["source"]),
        reason=raw["reason"],
        detail=raw["detail"],
        customer=raw["customer"],
        count=raw["count"],
    )


def _to_json(value: Value) -> ValueJson:
    match value:
        case Ref():
            return {"ref": value.xid}
        case Find():
            return {"find": value.model, "domain": [list(term) for term in value.domain], "hint": value.hint}
        case tuple():
            return [_to_json(item) for item in value]
        case Decimal():
            return {"decimal": format(value, "f")}
        case date():  # a datetime is one
            return {"datetime" if isinstance(value, datetime) else "date": value.isoformat()}
    return value


def _from_json(raw: ValueJson) -> Value:
    match raw:
        case list():
            return tuple(_target(item) for item in raw)
        case {"decimal": str(text)}:
            return Decimal(text)
        case {"datetime": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case dict():
            return _target(raw)
    return raw


def _target(raw: ValueJson) -> Ref | Find:
    """What a relation points to; a ValueError names anything else."""
    match raw:
        case {"ref": str(xid)}:
            return Ref(xid)
        case {"find": str(model), "domain": list(terms), "hint": str(hint)}:
            return Find(model, tuple(_term(term) for term in terms), hint)
    raise ValueError(f"{raw!r:.60} is no relation")


def _term(raw: ValueJson) -> tuple[str, str, str | int | bool]:
    match raw:
        case [str(name), str(operator), str() | int() | bool() as value]:
            return name, operator, value
    raise ValueError(f"{raw!r:.60} is no term of a domain")
