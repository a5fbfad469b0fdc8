"""Raw JSON -> the frozen records of ``mappings.records``, by their type hints.

Numbers must have been parsed with ``parse_float=Decimal``: a Python float has already lost what it could lose and is
refused. An absent field takes its default, and is an error where there is none, or where money follows from it
(``mappings.checks``). ``null`` counts as absent, but not for a number, a flag or a list that has a default: Lago gives
it for none of them, and what it would stand for is not known. Unknown keys are not an error here (``unknown_fields``
names them): Lago adds fields with every release. Unknown values of an enumeration are (``mappings.known``), and so is
what contradicts itself. Every error has a stable name, by which it is counted and waived.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from mappings.checks import ALWAYS_THERE, CHECKED, OF_PEOPLE, wrong_in
from mappings.known import Check, check_of
from mappings.phrases import Phrase, Said, Told
from mappings.ranges import YEARS, Bound, bound_of
from mappings.text import composed, has_half_character, shown, written_number
from mappings.unordered import UNORDERED, in_order

T = TypeVar("T")
Converter = Callable[[Any], Any]

MISSING_VALUE, WRONG_VALUE, OUT_OF_RANGE = "value_missing", "value_wrong", "value_out_of_range"
UNREADABLE, TOO_DEEP, NOT_UNIQUE = "text_unreadable", "nested_too_deep", "id_not_unique"
DEEPEST = 100  # levels of a free-form object: as many as Rails takes
_WHOLE = range(-(2**63), 2**63)  # Lago keeps them in 8 bytes
_WHOLE_HINTS = (int, int | None)
_DIGITS = 60  # of a decimal, on each side of the point: Lago's columns have 40


class DecodeError(ValueError):
    """A payload lacks a required field or has it with another type; ``str()`` names resource, id and field path."""

    def __init__(self, resource: str, lago_id: str, path: str, problem: Said, reason: str = WRONG_VALUE) -> None:
        super().__init__(f"{resource} {lago_id}: field {path} {problem}")
        self.resource, self.lago_id, self.path, self.problem = resource, lago_id, path, problem
        self.reason = reason  # a stable name


class _Bad(Exception):
    """What is wrong, and the path to it, grown while it climbs out of the nested objects."""

    def __init__(self, problem: Phrase, reason: str = WRONG_VALUE) -> None:
        super().__init__(str(problem))
        self.problem, self.reason = problem, reason
        self.path: list[str] = []

    def at(self, part: str) -> _Bad:
        self.path.append(part)
        return self

    def place(self) -> str:
        return "".join(reversed(self.path)).removeprefix(".") or "(whole record)"


# Texts for people, whose letters may be written in two ways. Codes, ids and what usage is priced by stay byte by byte:
# Lago compares those so.
FOR_PEOPLE = frozenset(
    (
        *("name", "firstname", "lastname", "legal_name", "address_line1", "address_line2", "city", "state", "zipcode"),
        *("description", "invoice_display_name", "invoice_footer"),
    )
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read one field: its converter, whether it may be absent, and whether it may be null."""

    name: str
    convert: Converter
    required: bool
    nullable: bool


def decode(cls: type[T], payload: Mapping[str, Any], resource: str) -> T:
    """Build a ``cls`` from one JSON object of ``resource`` (Lago's plural name, used in messages only).

    Raises DecodeError on a missing or mistyped field.
    """
    try:
        return typing.cast("T", _object(cls)(payload))
    except _Bad as bad:
        raise DecodeError(resource, _identity(payload), bad.place(), bad.problem, bad.reason) from None


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
    checked = cls in CHECKED

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _expected(Told.AN_OBJECT, value)
        record = cls(**dict(_arguments(plans, value)))
        if checked and (wrong := wrong_in(record)):
            raise _Bad(wrong.problem, wrong.reason).at(f".{wrong.path}")
        return record

    return convert


def _plans(cls: type[Any]) -> tuple[_Plan, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(_plan(cls, f, hints[f.name]) for f in fields(cls))


def _plan(cls: type[object], field: Field[Any], hint: object) -> _Plan:
    convert = _checked(_converter(hint), cls, field)
    bound = bound_of(f"{cls.__name__}.{field.name}", whole=hint in _WHOLE_HINTS)
    if bound is not None:
        convert = _with_check(convert, OUT_OF_RANGE, bound)
    required = _is_required(field) or f"{cls.__name__}.{field.name}" in ALWAYS_THERE
    return _Plan(field.name, convert, required, _may_be_null(hint, field))


def _may_be_null(hint: object, field: Field[Any]) -> bool:
    """Whether null can stand for the default: not for a number, a flag or a list that money follows from."""
    if type(None) in typing.get_args(hint) or hint in (Any, Mapping) or field.default == "":
        return True
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0] in OF_PEOPLE
    return hint not in _SCALARS


def _checked(convert: Converter, cls: type[object], field: Field[object]) -> Converter:
    """The converter, and the check of what this version knows of the field."""
    if field.name in FOR_PEOPLE:
        convert = _people(convert)
    known = check_of(f"{cls.__name__}.{field.name}")
    return convert if known is None else _with_check(convert, *known)


def _people(convert: Converter) -> Converter:
    def people(value: object) -> object:
        text = convert(value)
        return composed(text) if isinstance(text, str) else text

    return people


def _with_check(convert: Converter, reason: str, check: Check | Bound) -> Converter:
    def checked(value: object) -> object:
        converted = convert(value)
        wrong = check(converted)
        if wrong:
            raise _Bad(wrong, reason)
        return converted

    return checked


def _is_required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _arguments(plans: Iterable[_Plan], payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for plan in plans:
        value = payload.get(plan.name)
        if value is None:
            if plan.required or (plan.name in payload and not plan.nullable):
                told = Told.IS_NULL if plan.name in payload else Told.IS_MISSING
                raise _Bad(told.of(), MISSING_VALUE).at(f".{plan.name}")
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
        records = is_dataclass(arguments[0]) and arguments[0] not in OF_PEOPLE
        return _many(_converter(arguments[0]), ordered=arguments[0] in UNORDERED, records=records)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_converter(arguments[1]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _object(hint)
    raise TypeError(f"mappings.decode does not know the type {hint!r}")


def _many(convert: Converter, *, ordered: bool, records: bool) -> Converter:
    """``ordered``: in an order of our own, whatever order Lago shows them in. ``records``: each has its id."""

    def many(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _expected(Told.A_LIST, value)
        values = _each_once(value) if records and len(value) > 1 else value
        items = tuple(_indexed(convert, values))
        return in_order(values, items) if ordered else items

    return many


def _each_once(values: list[T]) -> list[T]:
    """Without what an answer repeats word for word. Of two records of one id nobody knows which is the right one."""
    first: dict[str, object] = {}
    kept = []
    for index, value in enumerate(values):
        lago_id = value.get("lago_id") if isinstance(value, Mapping) else None
        if not isinstance(lago_id, str) or first.setdefault(lago_id, value) is value:
            kept.append(value)
        elif first[lago_id] != value:
            raise _Bad(Told.OF_TWO_RECORDS.of(shown(lago_id)), NOT_UNIQUE).at(".lago_id").at(f"[{index}]")
    return kept


def _indexed(convert: Converter, values: list[Any]) -> Iterator[Any]:
    for index, value in enumerate(values):
        try:
            yield convert(value)
        except _Bad as bad:
            raise bad.at(f"[{index}]") from None


def _mapping(convert: Converter) -> Converter:
    def mapping(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise _expected(Told.AN_OBJECT, value)
        return {_string(k): _keyed(convert, k, v) for k, v in value.items()}

    return mapping


def _keyed(convert: Converter, key: str, value: Any) -> Any:
    try:
        return convert(value)
    except _Bad as bad:
        raise bad.at(f".{key}") from None


def _expected(what: Told, value: object) -> _Bad:
    return _Bad(Told.SHOULD_BE.of(what.of(), shown(value)))


def _anything(value: Any) -> Any:
    """A free-form value: no deeper than people write, every text one that can be written down."""
    _look_into(value, DEEPEST)
    return value


def _look_into(value: object, levels: int) -> None:
    if isinstance(value, str):
        _string(value)
    elif isinstance(value, (Mapping, list)):
        if not levels:
            raise _Bad(Told.NESTED.of(DEEPEST), TOO_DEEP)
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            _look_into(key, levels - 1)
            _look_into(item, levels - 1)
    elif isinstance(value, Decimal) or type(value) is int:
        _decimal(value)
    elif value is not None and not isinstance(value, bool):
        raise _unknown_value(value)


def _unknown_value(value: object) -> _Bad:
    """What no JSON value is made of: Python reads NaN, and what is nested too deeply was not read."""
    if isinstance(value, float):
        return _expected(Told.A_NUMBER, value)
    return _Bad(Told.NESTED.of(DEEPEST), TOO_DEEP)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise _expected(Told.A_STRING, value)
    if not value.isascii() and has_half_character(value):
        raise _Bad(Told.HALF_CHARACTER.of(), UNREADABLE)
    if "\0" in value:
        raise _Bad(Told.NUL_CHARACTER.of(), UNREADABLE)
    return value


def _integer(value: object) -> int:
    if type(value) is not int:  # bool is an int for Python, not for JSON
        raise _expected(Told.AN_INTEGER, value)
    if value not in _WHOLE:
        raise _Bad(Told.BEYOND_LAGO.of(), OUT_OF_RANGE)
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _expected(Told.TRUE_OR_FALSE, value)


def _decimal(value: Any) -> Decimal:
    number = written_number(value) if isinstance(value, str) else None
    if type(value) is int or isinstance(value, Decimal):
        number = Decimal(value)
    if number is None or not number.is_finite():
        raise _expected(Told.A_DECIMAL, value)
    if number.adjusted() > _DIGITS or (number.adjusted() < -_DIGITS and number):
        raise _Bad(Told.UNKEPT_BY_LAGO.of(), OUT_OF_RANGE)
    return number


def _datetime(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_string(value))
    except ValueError:
        raise _expected(Told.A_MOMENT, value) from None
    if moment.tzinfo is None:
        raise _expected(Told.A_MOMENT_WITH_OFFSET, value)
    _require_year(moment.year, value)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _date(value: Any) -> date:
    try:
        day = date.fromisoformat(_string(value))
    except ValueError:
        raise _expected(Told.A_DAY, value) from None
    _require_year(day.year, value)
    return day


def _require_year(year: int, value: object) -> None:
    if year not in YEARS:
        raise _Bad(Told.OUTSIDE_OF_YEARS.of(shown(value), YEARS.start, YEARS.stop - 1), OUT_OF_RANGE)


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
