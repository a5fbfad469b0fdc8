"""JSON cut into pieces of its own text, so that what Lago said is kept, hashed and served again byte by byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder(parse_float=Decimal)
_SPACE = re.compile(r"[ \t\r\n]*")


class Piece(NamedTuple):
    """A JSON value and the very text it was written in. Fractions in ``value`` are Decimal, never float."""

    text: str
    value: Any


def loads(text: str) -> Any:
    """Parse with exact numbers. Raises ValueError."""
    return _DECODER.decode(text)


def members(text: str) -> dict[str, Piece]:
    """The members of a JSON object. Raises ValueError if ``text`` is not one."""
    return dict(_members(text))


def elements(text: str) -> list[Piece]:
    """The elements of a JSON array. Raises ValueError if ``text`` is not one."""
    return list(_elements(text))


def _members(text: str) -> Iterator[tuple[str, Piece]]:
    position = _open(text, "{", "}")
    while position is not None:
        key, end = _DECODER.raw_decode(text, position)
        start = _expect(text, end, ":")
        value, end = _DECODER.raw_decode(text, start)
        yield key, Piece(text[start:end], value)
        position = _next(text, end, "}")


def _elements(text: str) -> Iterator[Piece]:
    position = _open(text, "[", "]")
    while position is not None:
        value, end = _DECODER.raw_decode(text, position)
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
