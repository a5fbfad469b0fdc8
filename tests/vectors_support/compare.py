"""Comparing what we got with what Lago computed.

Integers, units, counts, texts and datetimes must be equal; precise amounts and unit prices within 1e-12 relative
(some went through doubles in Lago). Every key of ``expected`` is compared; lists must have the same length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

RELATIVE = Decimal("1e-12")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?\Z")
_APPROXIMATE = re.compile(r"precise|(^|_)amount$|^single_day_price$|^amount_details$")
_UNORDERED = {"invoice_subscriptions": "subscription"}  # the database gives them in any order
_TEXTS = frozenset({"grouped_by", "values", "group"})  # below these keys "1" and "1.0" are two values


def differences(got: Any, expected: Any, path: str = "", key: str = "", texts: bool = False) -> Iterator[str]:
    """``path: got ..., Lago ...`` for every value that is not equal."""
    if isinstance(expected, Mapping):
        yield from _mapping(got, expected, path, key, texts)
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        yield from _sequence(got, expected, path, key, texts)
    elif not _equal(got, expected, approximate=bool(_APPROXIMATE.search(key)), texts=texts):
        yield f"{path or '.'}: got {_show(got)}, Lago {_show(expected)}"


def _mapping(got: Any, expected: Mapping[str, Any], path: str, key: str, texts: bool) -> Iterator[str]:
    if not isinstance(got, Mapping):
        yield f"{path or '.'}: got {_show(got)}, Lago an object"
        return
    texts = texts or key in _TEXTS
    for name, value in expected.items():
        if name not in got:
            yield f"{path}.{name}: missing, Lago {_show(value)}"
        else:
            inner = key if key == "amount_details" else name
            yield from differences(got[name], value, f"{path}.{name}", inner, texts)


def _sequence(got: Any, expected: Sequence[Any], path: str, key: str, texts: bool) -> Iterator[str]:
    if isinstance(got, str | Mapping) or not isinstance(got, Sequence):
        yield f"{path}: got {_show(got)}, Lago a list"
        return
    if key in _UNORDERED:
        got, expected = (sorted(rows, key=lambda row: str(row[_UNORDERED[key]])) for rows in (got, expected))
    if len(got) != len(expected):
        yield f"{path}: got {len(got)} entries, Lago {len(expected)}"
    for index, (mine, theirs) in enumerate(zip(got, expected, strict=False)):
        yield from differences(mine, theirs, f"{path}[{index}]", key, texts or key in _TEXTS)


def _equal(got: Any, expected: Any, *, approximate: bool, texts: bool) -> bool:
    if isinstance(got, datetime):
        return _timestamp(got) == _floored(expected)
    if texts or expected is None or got is None or isinstance(expected, bool) or isinstance(got, bool):
        return type(got) is type(expected) and bool(got == expected)
    mine, theirs = number(got), number(expected)
    if mine is None or theirs is None:
        return bool(got == expected)
    return _close(mine, theirs) if approximate else mine == theirs


def _close(mine: Decimal, theirs: Decimal) -> bool:
    return mine == theirs or abs(mine - theirs) <= RELATIVE * max(abs(mine), abs(theirs))


def number(value: Any) -> Decimal | None:
    """The number a JSON value stands for, or None. Doubles by their shortest text, as Ruby prints them."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _NUMBER.match(value) else None


def _timestamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _floored(expected: Any) -> Any:
    if not isinstance(expected, str):
        return expected
    return _timestamp(datetime.fromisoformat(expected))


def _show(value: Any) -> str:
    text = _timestamp(value) if isinstance(value, datetime) else str(value)
    return text if len(text) <= 120 else text[:117] + "..."
