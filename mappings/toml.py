"""TOML as people write it, read whole or refused in one sentence. Pure.

Beside what is no TOML: tables within tables that nobody reads any more, and integers of more than TOML's 64 bits, which
would end as a traceback here or where they are told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

_INTEGERS = range(-(2**63), 2**63)


class NotTomlError(ValueError):
    """A text is no TOML; ``str()`` says why and where."""


def read_toml(text: str, parse_float: Callable[[str], object] = float) -> dict[str, Any]:
    """The tables of a TOML file. Raises NotTomlError."""
    try:
        tables = tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise NotTomlError("tables or lists are nested too deeply to be read") from None
    except tomllib.TOMLDecodeError as error:
        raise NotTomlError(str(error)) from None
    except ValueError:
        raise NotTomlError(_TOO_LARGE) from None  # more digits than Python reads
    _require_integers(tables)
    return tables


_TOO_LARGE = "an integer has more than the 64 bits of TOML's"


def _require_integers(tables: object) -> None:
    waiting = [tables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int) and value not in _INTEGERS:
            raise NotTomlError(_TOO_LARGE)
