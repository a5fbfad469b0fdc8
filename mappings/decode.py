"""Raw JSON -> the frozen records of ``mappings.records``, by their type hints.

Numbers must have been parsed with ``parse_float=Decimal``: a Python float has already lost what it could lose and is
refused. ``null`` counts as absent: it takes the field's default, and is an error where there is none. Unknown keys
are not an error here (``unknown_fields`` names them): Lago adds fields with every release.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T")
Converter = Callable[[Any], Any]


class DecodeError(ValueError):
    """A payload lacks a required field or has it with another type; ``str()`` names resource, id and field path."""

    def __init__(self, resource: str, lago_id: str, path: str, problem: str) -> None:
        super().__init__(f"{resource} {lago_id}: field {path} {problem}")
        self.resource, self.lago_id, self.path, self.problem = resource, lago_id, path, problem


class _Bad(Exception):
    """What is wrong, and the path to it, grown while it climbs out of the nested objects."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    def at(self, part: str) -> _Bad:
        self.path.append(part)
        return self

    def place(self) -> str:
        return "".join(reversed(self.path)).removeprefix(".") or "(whole record)"


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read one field: its converter, and whether it may be absent."""

    name: str
    convert: Converter
    required: bool


def decode(cls: type[T], payload: Mapping[str, Any], resource: str) -> T:
    """Build a ``cls`` from one JSON object of ``resource`` (Lago's plural name, used in messages only).

    Raises DecodeError on a missing or mistyped field.
    """
    try:
        return typing.cast("T", _object(cls)(payload))
    except _Bad as bad:
        raise DecodeError(resource, _identity(payload), bad.place(), bad.problem) from None


def unknown_fields(
    payload: Mapping[str, Any], schema: str, schemas: Mapping[str, Mapping[str, str | None]]
) -> frozenset[str]:
    """Dotted paths of the keys in ``payload`` that ``schemas`` does not know.

    ``schemas``: object name -> field -> name of the nested object, ``None`` for a value or a free-form object.
    """
    return frozenset(_unknown(payload, schema, schemas))


def _unknown(value: Any, schema: str, schemas: Mapping[str, Mapping[str, str | None]]) -> Iterator[str]:
    known = schemas[schema]
    for item in value if isinstance(value, list) else (value,):
        if not isinstance(item, Mapping):
            continue
        yield from (key for key in item if key not in known)
        for key, nested in known.items():
            if nested and item.get(key):
                yield from (f"{key}.{path}" for path in _unknown(item[key], nested, schemas))


def _identity(payload: object) -> str:
    if isinstance(payload, Mapping):
        for key in ("lago_id", "code", "external_id", "transaction_id"):
            if isinstance(payload.get(key), str):
                return str(payload[key])
    return "(no id)"


def _object(cls: type[Any]) -> Converter:
    """The converter of a record class. Kept: the type hints are read once, not per record."""
    if cls not in _CONVERTERS:
        _CONVERTERS[cls] = _object_converter(_plans(cls), cls)
    return _CONVERTERS[cls]


def _object_converter(plans: tuple[_Plan, ...], cls: type[Any]) -> Converter:
    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _expected("an object", value)
        return cls(**dict(_arguments(plans, value)))

    return convert


def _plans(cls: type[Any]) -> tuple[_Plan, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(_Plan(f.name, _converter(hints[f.name]), _is_required(f)) for f in fields(cls))


def _is_required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _arguments(plans: Iterable[_Plan], payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for plan in plans:
        value = payload.get(plan.name)
        if value is None:
            if plan.required:
                raise _Bad("is null" if plan.name in payload else "is missing").at(f".{plan.name}")
            continue
        try:
            yield plan.name, plan.convert(value)
        except _Bad as bad:
            raise bad.at(f".{plan.name}") from None


def _converter(hint: Any) -> Converter:
    """The converter for a type hint; an unsupported hint is a bug in the record class, told at once."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (present,) = (a for a in arguments if a is not type(None))
        return _converter(present)
    if origin is tuple:
        return _many(_converter(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_converter(arguments[1]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _object(hint)
    raise TypeError(f"mappings.decode does not know the type {hint!r}")


def _many(convert: Converter) -> Converter:
    def many(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _expected("a list", value)
        return tuple(_indexed(convert, value))

    return many


def _indexed(convert: Converter, values: list[Any]) -> Iterator[Any]:
    for index, value in enumerate(values):
        try:
            yield convert(value)
        except _Bad as bad:
            raise bad.at(f"[{index}]") from None


def _mapping(convert: Converter) -> Converter:
    def mapping(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise _expected("an object", value)
        return value if convert is _anything else {k: _keyed(convert, k, v) for k, v in value.items()}

    return mapping


def _keyed(convert: Converter, key: str, value: Any) -> Any:
    try:
        return convert(value)
    except _Bad as bad:
        raise bad.at(f".{key}") from None


def _expected(what: str, value: Any) -> _Bad:
    shown = repr(value) if not isinstance(value, (Mapping, list)) else type(value).__name__
    return _Bad(f"should be {what}, is {shown[:60]}")


def _anything(value: Any) -> Any:
    return value


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _expected("a string", value)


def _integer(value: Any) -> int:
    if type(value) is int:  # bool is an int for Python, not for JSON
        return value
    raise _expected("an integer", value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _expected("true or false", value)


def _decimal(value: Any) -> Decimal:
    if type(value) is int or isinstance(value, (str, Decimal)):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise _expected("a decimal number", value) from None
        if number.is_finite():
            return number
    raise _expected("a decimal number", value)


def _datetime(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_string(value))
    except ValueError:
        raise _expected("a time (ISO 8601)", value) from None
    if moment.tzinfo is None:
        raise _expected("a time with its offset from UTC", value)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(_string(value))
    except ValueError:
        raise _expected("a date (YYYY-MM-DD)", value) from None


_CONVERTERS: dict[type[Any], Converter] = {}
_SCALARS: Mapping[Any, Converter] = {
    str: _string,
    int: _integer,
    bool: _boolean,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    Any: _anything,
}
