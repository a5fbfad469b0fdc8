"""JSON cut into pieces of its own text, so that what Lago said is kept, hashed and served again byte by byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder(parse_float=Decimal)
_SPACE = re.compile(r"[ \t\r\n]*")
_SIGNIFICANT = re.compile(r"[\[\]{}\"]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DEEPEST = 120  # levels that are read; what is below is ``TOO_DEEP``


class _TooDeep:
    """Stands for a value that is nested too deeply to be read, or a number that is too long to be one."""

    def __repr__(self) -> str:
        return "a value that cannot be read"


TOO_DEEP = _TooDeep()


class Piece(NamedTuple):
    """A JSON value and the very text it was written in. Fractions in ``value`` are Decimal, never float."""

    text: str
    value: Any


def loads(text: str) -> Any:
    """Parse with exact numbers. Raises ValueError."""
    try:
        return _DECODER.decode(text)
    except (RecursionError, ValueError) as error:
        if not _is_excessive(error):
            raise
        return _shallow(text, 0)


def members(text: str) -> dict[str, Piece]:
    """The members of a JSON object. Raises ValueError if ``text`` is not one."""
    return dict(_members(text))


def elements(text: str) -> list[Piece]:
    """The elements of a JSON array. Raises ValueError if ``text`` is not one."""
    return list(_elements(text))


def _raw(text: str, position: int) -> tuple[object, int]:
    """The value that begins at ``position``, and where it ends. Raises ValueError."""
    try:
        return _DECODER.raw_decode(text, position)
    except (RecursionError, ValueError) as error:
        if not _is_excessive(error):
            raise
        end = _end_of_value(text, position)
        return _shallow(text[position:end], 0), end


def _is_excessive(error: Exception) -> bool:
    """Nested too deeply for Python, or a whole number with too many digits for it: no fault of the JSON's."""
    return isinstance(error, RecursionError) or not isinstance(error, json.JSONDecodeError)


def _end_of_value(text: str, position: int) -> int:
    """Where the value that begins at ``position`` ends, found by counting brackets. Raises ValueError."""
    if text[position : position + 1] not in "[{":
        plain = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+', re.DOTALL).match(text, position)
        if not plain:
            raise ValueError(f"no value at character {position}")
        return plain.end()
    depth = 0
    while sign := _SIGNIFICANT.search(text, position):
        position = sign.end()
        if sign.group() == '"':
            string = _STRING.match(text, sign.start())
            if not string:
                break
            position = string.end()
            continue
        depth += 1 if sign.group() in "[{" else -1
        if not depth:
            return position
    raise ValueError("a value that breaks off")


def _shallow(text: str, level: int) -> object:
    """A value whose deepest parts are left unread."""
    try:
        return _DECODER.decode(text)
    except (RecursionError, ValueError) as error:
        if not _is_excessive(error):
            raise
    if level >= _DEEPEST or text[:1] not in ("{", "["):
        return TOO_DEEP
    position = _open(text, text[0], "}" if text[0] == "{" else "]")
    closing = "}" if text[0] == "{" else "]"
    parts: dict[str, object] = {}
    while position is not None:
        key = str(len(parts))
        if closing == "}":
            key, end = _DECODER.raw_decode(text, position)
            position = _expect(text, end, ":")
        end = _end_of_value(text, position)
        parts[key] = _shallow(text[position:end], level + 1)
        position = _next(text, end, closing)
    return parts if closing == "}" else list(parts.values())


def _members(text: str) -> Iterator[tuple[str, Piece]]:
    position = _open(text, "{", "}")
    while position is not None:
        key, end = _raw(text, position)
        start = _expect(text, end, ":")
        value, end = _raw(text, start)
        yield str(key), Piece(text[start:end], value)
        position = _next(text, end, "}")


def _elements(text: str) -> Iterator[Piece]:
    position = _open(text, "[", "]")
    while position is not None:
        value, end = _raw(text, position)
        yield Piece(text[position:end], value)
        position = _next(text, end, "]")


def _open(text: str, opening: str, closing: str) -> int | None:
    """Where the first member begins; None if there is none."""
    position = _expect(text, 0, opening)
    return position if text[position : position + 1] != closing else _end(text, position)


def _next(text: str, end: int, closing: str) -> int | None:
    position = _skip(text, end)
    if text[position : position + 1] == closing:
        return _end(text, position)
    return _expect(text, position, ",")


def _end(text: str, position: int) -> int | None:
    """No further member; nothing but space may follow."""
    if _skip(text, position + 1) != len(text):
        raise ValueError(f"more text after character {position}")
    return None


def _expect(text: str, position: int, sign: str) -> int:
    position = _skip(text, position)
    if text[position : position + 1] != sign:
        raise ValueError(f"no {sign!r} at character {position}")
    return _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
