"""TOML as people write it, read whole or refused in one sentence. Pure.

Beside what is no TOML: tables within tables that nobody reads any more, integers of more than TOML's 64 bits, which
would end as a traceback here or where they are told, and keys of so many parts that reading them would not end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any

_INTEGERS = range(-(2**63), 2**63)
_DEEPEST = 64  # parts of a dotted key: the time to read one grows with their square
KEY_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""  # of a dotted key, as a regular expression
_DEEP_KEY = re.compile(rf"(?m)(?:^|[\[{{,])[ \t]*+{KEY_PART}(?:[ \t]*+\.[ \t]*+{KEY_PART}){{{_DEEPEST}}}")


class NotTomlError(ValueError):
    """A text is no TOML; ``str()`` says why and where."""


def read_toml(text: str, parse_float: Callable[[str], object] = float) -> dict[str, Any]:
    """The tables of a TOML file. Raises NotTomlError."""
    if _DEEP_KEY.search(text):
        raise NotTomlError(f"a key has more than {_DEEPEST} parts, with dots between them")
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
