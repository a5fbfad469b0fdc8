"""Whether what Odoo answers is what a field's type promises: the one place that knows how each type is answered. Pure.

    promises_of(fields_get)             what each field of a model promises
    flaw_of(row, names, promises)       the first field of a row that holds something else; None if all is well

Odoo answers False for nothing, whatever the type, but for lists of records, which are empty then. What the column
cannot hold (a NUL, half a character, a number beyond any) came from something between Odoo and us.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeGuard

from mappings.text import has_half_character
from migrate.odoo.errors import AnswerUnreadable

_MOST = 2**63  # what the state, and any column of Odoo's, can hold of a whole number
_SHOWN = 40  # characters of what came
_REMEDY = "mend the record there, or whatever answers between"
_UNSEEN = object()
_ARITY = {"&": 2, "|": 2, "!": 1}  # terms that an operator of a domain takes
# What fields_get tells of a field, where it was asked for it.
_TOLD: Mapping[str, Callable[[object], bool]] = {
    "type": lambda value: isinstance(value, str),
    "relation": lambda value: value is False or isinstance(value, str),
    "digits": lambda value: not value or (isinstance(value, list) and len(value) == 2 and all(map(is_number, value))),
    "selection": lambda value: value is False or (isinstance(value, list) and all(map(_is_choice, value))),
    **dict.fromkeys(("readonly", "required", "store", "searchable"), lambda value: isinstance(value, bool)),
}


@dataclass(frozen=True, slots=True)
class Promise:
    """What a field is answered as. ``never_empty``: Odoo's column is required, so that it holds something."""

    type: str
    never_empty: bool = False

    def holds(self, value: object, *, named: bool) -> bool:
        """``named``: many2one fields are answered as ``[id, name]``."""
        if value is False:
            return self.type == "boolean" or not (self.never_empty or self.type in _LISTS)
        if self.type == "many2one" and named:
            return _is_pair(value)
        return _BY_TYPE.get(self.type, _is_anything)(value)


@dataclass(frozen=True, slots=True)
class AnswerFlaw:
    """What is wrong with one row."""

    field: str
    what: str


def promises_of(told: Mapping[str, Mapping[str, object]]) -> dict[str, Promise]:
    """By ``type``, ``required`` and ``store`` of ``fields_get``."""
    return {
        name: Promise(str(entry["type"]), bool(entry.get("required") and entry.get("store")))
        for name, entry in told.items()
    }


def flaw_of(
    row: Mapping[str, object], names: Iterable[str], promises: Mapping[str, Promise], *, named: bool = False
) -> AnswerFlaw | None:
    """``names``: the fields that were asked for. Nothing is promised of one that ``fields_get`` does not tell of."""
    for name in names:
        if name not in row:
            return AnswerFlaw(name, f"Odoo's answer lacks {name}")
        promise = promises.get(name)
        if promise is not None and not promise.holds(row[name], named=named):
            return AnswerFlaw(name, f"Odoo answers {shown(row[name])} as {name}, which is no {promise.type}")
    return None


def flaws_of(
    model: str,
    rows: Iterable[Mapping[str, object]],
    names: Sequence[str],
    promises: Mapping[str, Promise],
    *,
    named: bool = False,
) -> dict[int, AnswerFlaw]:
    """Those of all rows, by id."""
    flaws = ((row["id"], flaw_of(row, names, promises, named=named)) for row in rows)
    return {number: flaw for number, flaw in flaws if flaw is not None and is_id(number)}


def require_fields(model: str, fields: Mapping[str, object], attributes: Iterable[str]) -> None:
    """Raise AnswerUnreadable where ``fields_get`` itself answers something else of a field."""
    for name, entry in fields.items():
        if not isinstance(entry, dict) or "type" not in entry:
            raise AnswerUnreadable(told(model, None, AnswerFlaw(name, f"fields_get answers {shown(entry)} of {name}")))
        for attribute in attributes:
            if attribute in entry and not _TOLD[attribute](entry[attribute]):
                what = f"fields_get answers {shown(entry[attribute])} as {attribute} of {name}"
                raise AnswerUnreadable(told(model, None, AnswerFlaw(name, what)))


def told(model: str, number: int | None, flaw: AnswerFlaw) -> str:
    """In one line, with the way out."""
    return f"{model if number is None else f'{model} {number}'}: {flaw.what}: {_REMEDY}"


def require_none(model: str, flaws: Mapping[int, str]) -> None:
    """Raise AnswerUnreadable, naming the first."""
    if flaws:
        more = f" (and {len(flaws) - 1:,} more records of {model})" if len(flaws) > 1 else ""
        raise AnswerUnreadable(f"{next(iter(flaws.values()))}{more}")


def require_told_apart(model: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Raise AnswerUnreadable where it cannot be told of which record a row is."""
    numbers = set[int]()
    for row in rows:
        number = row.get("id")
        if not is_id(number):
            raise AnswerUnreadable(f"{model}: Odoo answers {shown(number)} as an id: {_REMEDY}")
        if number in numbers:
            raise AnswerUnreadable(f"{model} {number}: Odoo answers it twice: {_REMEDY}")
        numbers.add(number)


def among_of(domain: Iterable[object]) -> Iterator[tuple[str, Sequence[object]]]:
    """The fields of which a domain names all values that may be; what an operator takes says nothing by itself."""
    taken = 0  # terms that the operators before still take
    for term in domain:
        if isinstance(term, str):
            taken += _ARITY[term] - bool(taken)
        elif taken:
            taken -= 1
        elif isinstance(term, list | tuple) and term[1] == "in" and isinstance(term[2], list | tuple):
            yield str(term[0]), term[2]


def require_asked_for(model: str, field: str, values: Iterable[object], rows: Sequence[Mapping[str, object]]) -> None:
    """Raise AnswerUnreadable for a row whose ``field``, where it is shown, is none of what was asked for."""
    among = frozenset(values)
    for row in rows:
        value = row.get(field, _UNSEEN)
        given = value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else value
        if value is not _UNSEEN and not isinstance(given, list | dict) and given not in among:
            flaw = AnswerFlaw(field, f"Odoo answers {shown(given)} as {field}, which nobody asked for")
            raise AnswerUnreadable(told(f"{model} {shown(row.get('id'))}", None, flaw))


def is_loaded(answer: object) -> bool:
    """Whether this is how ``load`` answers: ids, or False and messages. What was written is read back anyway."""
    if not isinstance(answer, dict) or not isinstance(answer.get("messages"), list) or "ids" not in answer:
        return False
    return answer["ids"] is not False or all(isinstance(message, dict) for message in answer["messages"])


def shown(value: object) -> str:
    """What came, or its beginning: it may be long."""
    text = ascii(value) if isinstance(value, str) and not _is_text(value) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def is_number(value: object) -> bool:
    """A whole number, which True is not."""
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST


def is_id(value: object) -> TypeGuard[int]:
    """A record's number."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and all(map(is_id, value))


def _is_choice(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and is_id(value[0]) and (value[1] is False or _is_text(value[1]))


def _is_text(value: object) -> bool:
    """PostgreSQL holds neither a NUL nor half a character."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return value.isascii() or not has_half_character(value)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_integer(value: object) -> bool:
    """Odoo answers those beyond 32 bits as doubles."""
    return is_number(value) or (isinstance(value, float) and value.is_integer() and abs(value) < _MOST)


def _is_float(value: object) -> bool:
    return is_number(value) or (isinstance(value, float) and math.isfinite(value))


def _is_day(value: object) -> bool:
    return _is_moment_of(date, value, length=10)


def _is_moment(value: object) -> bool:
    return _is_moment_of(datetime, value, length=19)


def _is_moment_of(kind: type[date], value: object, *, length: int) -> bool:
    """``2026-07-01``, ``2026-07-01 10:00:00``."""
    if not isinstance(value, str) or len(value) != length or not value.isascii():
        return False
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_anything(_value: object) -> bool:
    """Of a type that nothing here is computed from."""
    return True


_LISTS = ("one2many", "many2many")
_BY_TYPE: Mapping[str, Callable[[object], bool]] = {
    "boolean": _is_boolean,
    "integer": _is_integer,
    "many2one_reference": _is_integer,
    "float": _is_float,
    "monetary": _is_float,
    "many2one": is_id,
    **dict.fromkeys(("char", "text", "html", "selection", "reference"), _is_text),
    **dict.fromkeys(_LISTS, _is_ids),
    "date": _is_day,
    "datetime": _is_moment,
}
