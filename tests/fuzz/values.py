"""What is put in the place of a value: what people, scripts and later versions of Lago have been seen to send."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Make = Callable[[Random, Any], Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?\Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is put in the place of a value, and of which values that says anything."""

    fits: Callable[[Any], bool]
    make: Make


def is_time(value: object) -> bool:
    """A date or a moment, as text."""
    return isinstance(value, str) and bool(_TIME.match(value))


def is_number(value: object) -> bool:
    """A number, as JSON's own or as text."""
    written = isinstance(value, str) and bool(_NUMBER.match(value))
    return written or (isinstance(value, int | float) and not isinstance(value, bool))


def is_id(value: object) -> bool:
    """An id of Lago's."""
    return isinstance(value, str) and bool(_UUID.match(value))


def other_types(value: object) -> list[object]:
    """What cannot stand in its place. A number may: Lago writes one as text, with or without decimals, or as JSON's."""
    others: list[object] = [5, 1.5, True, "zz", [], ["zz"], {}, {"zz": 1}]
    legal = [other for other in others if is_number(value) and is_number(other)]
    return [other for other in others if type(other) is not type(value) and other not in legal]


def _other_type(rng: Random, value: object) -> object:
    return rng.choice(other_types(value))


def _empty(rng: Random, value: object) -> object:
    return [] if isinstance(value, list) else {} if isinstance(value, dict) else ""


def _negative(rng: Random, value: Any) -> object:
    return f"-{value}" if isinstance(value, str) else -value if value else -5


def _huge(rng: Random, value: object) -> object:
    return "9" * 70 if isinstance(value, str) else 10**30


def _another(rng: Random, value: Any) -> object:
    return f"{value}1" if isinstance(value, str) else value + 1


def _deep(rng: Random, value: object) -> object:
    deep: object = "zz"
    for _ in range(rng.choice((120, 900))):
        deep = [deep] if rng.random() < 0.5 else {"zz": deep}
    return deep


def _shuffled(rng: Random, value: Any) -> object:
    return list(reversed(value))


def _doubled(rng: Random, value: Any) -> object:
    return [*value, rng.choice(value)]


def _without_one(rng: Random, value: Any) -> object:
    number = rng.randrange(len(value))
    return [item for place, item in enumerate(value) if place != number]


def _any(value: object) -> bool:
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not is_number(value) and not is_time(value)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and value in ("CAD", "USD", "EUR", "JPY")


# Values that no Lago can give: whoever takes one for something changes money unseen.
IMPOSSIBLE: Mapping[str, Kind] = {
    "other type": Kind(_any, _other_type),
    "nested deeply": Kind(_any, _deep),
    "NUL": Kind(lambda v: isinstance(v, str), lambda rng, value: f"{value[:1]}\0{value[1:]}"),
    "half a character": Kind(lambda v: isinstance(v, str), lambda rng, value: f"{value}\ud800"),
    "comma number": Kind(is_number, lambda rng, value: rng.choice(("19,5", "1.234,56", "12 000"))),
    "other script's digits": Kind(is_number, lambda rng, value: rng.choice(("٣٫٥", "१२", "１２", "Ⅻ"))),
    "no number": Kind(is_number, lambda rng, value: rng.choice(("NaN", "Infinity", "zz", "0x10", "1_000", ""))),
    "huge number": Kind(is_number, _huge),
    "milliseconds": Kind(is_time, lambda rng, value: rng.choice((1783000000000, "1783000000000"))),
    "no time": Kind(is_time, lambda rng, value: rng.choice(("2026-02-30", "zz", "2026-13-01T00:00:00Z", "now"))),
    "far year": Kind(
        is_time, lambda rng, value: rng.choice(("9999-12-31T23:59:59Z", "58471-01-01T00:00:00Z", "0001-01-01"))
    ),
    "unknown word": Kind(_is_text, lambda rng, value: "zz_unknown"),
    "unknown currency": Kind(_is_currency, lambda rng, value: rng.choice(("XXXX", "zz", "C$"))),
}

# Values that may be right: what follows from them has to be shown, for nobody can tell.
POSSIBLE: Mapping[str, Kind] = {
    "null": Kind(lambda v: v is not None, lambda rng, value: None),
    "empty": Kind(lambda v: isinstance(v, str | list | dict), _empty),
    "zero": Kind(is_number, lambda rng, value: "0" if isinstance(value, str) else 0),
    "negative": Kind(is_number, _negative),
    "another number": Kind(is_number, _another),
    "exponent": Kind(lambda v: is_number(v) and isinstance(v, str), lambda rng, value: "1e3"),
    "other flag": Kind(_is_flag, lambda rng, value: not value),
    "right to left": Kind(_is_text, lambda rng, value: f"\N{RIGHT-TO-LEFT OVERRIDE}{value}"),
    "100 kB": Kind(_is_text, lambda rng, value: "n" * 100_000),
    "spaces": Kind(lambda v: isinstance(v, str), lambda rng, value: rng.choice((f" {value}", f"{value}\n", "\t"))),
    "dangling": Kind(is_id, lambda rng, value: f"{rng.randrange(16**8):08x}-0000-4000-8000-000000000000"),
    "other currency": Kind(_is_currency, lambda rng, value: rng.choice(("HUF", "KWD", "usd"))),
    "other order": Kind(lambda v: _is_list(v) and len(v) > 1, _shuffled),
    "one twice": Kind(lambda v: _is_list(v) and len(v) > 0, _doubled),
    "one less": Kind(lambda v: _is_list(v) and len(v) > 0, _without_one),
    "unknown field": Kind(_is_object, lambda rng, value: {**value, "zz_new": {"zz": [1, None]}}),
    "other time": Kind(is_time, lambda rng, value: rng.choice(("2020-02-29T12:00:00Z", "2027-01-31T00:00:00Z"))),
}
