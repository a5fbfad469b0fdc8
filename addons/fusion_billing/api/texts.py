"""How long a text may be, and which moments there are: what Odoo's columns and their indexes can hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from .rows import Given

Errors = dict[str, list[str]]
NAME = 255  # characters of ids, codes and names: they are indexed, three at most in one row of an index
ADDRESS = 2000  # of addresses on the web, which are not
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 12, 31, tzinfo=UTC)  # local days of both exist


def scalar(value: object) -> str | None:
    """Text of a scalar; anything else counts as nothing, as Rails' strong parameters have it."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def too_long(given: Given, names: Iterable[str], most: int = NAME) -> Errors:
    """The fields whose text has more than ``most`` characters."""
    return {name: ["value_is_too_long"] for name in names if len(scalar(given.get(name)) or "") > most}


def is_kept(at: datetime) -> bool:
    """Is the (aware) moment one that billing can count from?"""
    return FIRST <= at <= LAST
