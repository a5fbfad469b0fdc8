"""Request bodies: JSON that we can keep, or Lago's 400 with the reason."""

from __future__ import annotations

import json
import re
from math import isinf
from typing import NoReturn

from .answers import Refused, bad_request

LARGEST = 10 * 1024 * 1024
DEEPEST = 32
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither NUL nor half a character


def body(raw: bytes) -> object:
    """The parsed body, {} for none. Raises Refused: 413 too large; 400 no JSON, too deep, text that cannot be kept."""
    if len(raw) > LARGEST:
        raise too_large()
    try:
        parsed: object = json.loads(raw or b"{}", parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise bad_request(f"the body is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    _check(parsed)
    return parsed


def too_large() -> Refused:
    return Refused(413, {"error": f"Payload Too Large: at most {LARGEST} bytes"})


def text(value: str) -> str:
    """A part of the address that the database can be asked for."""
    if UNSTORABLE.search(value):
        raise bad_request("the address holds characters that are no text")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    """1e999 would become an infinity, which is no JSON."""
    number = float(text)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


def _check(parsed: object) -> None:
    """Depth and texts, without recursion."""
    waiting = [(parsed, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if UNSTORABLE.search(value):
                raise bad_request("the body holds characters that are no text")
        elif isinstance(value, (dict, list)):
            if depth > DEEPEST:
                raise bad_request(f"the body is nested deeper than {DEEPEST} levels")
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            waiting += [(item, depth + 1) for item in inside]
