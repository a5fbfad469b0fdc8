"""Values as text: exact decimals in plain notation, and JSON that is the same for the same value every time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unicodedata import normalize

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_NUMBER = 200  # characters


class NotTextError(ValueError):
    """A file is no UTF-8; ``str()`` says where, and what to do."""


def composed(text: str) -> str:
    """With accents as part of their letters (NFC): what looks the same is the same."""
    return text if text.isascii() else normalize("NFC", text)


def decode_text(content: bytes) -> str:
    """The text of a file that a person or Lago wrote, without a byte order mark. Raises NotTextError."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise NotTextError("is UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = error.object[error.start]
        raise NotTextError(f"line {line}, byte {column}: 0x{byte:02X} is no UTF-8: save the file as UTF-8") from None


def written_number(text: str) -> Decimal | None:
    """A number that is written as text; None for any other text, and where it is longer than a number needs to be."""
    return Decimal(text) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def shown(value: object) -> str:
    """A value in a sentence about it; of an object or a list only what it is."""
    if isinstance(value, (Mapping, list)):
        return type(value).__name__
    return ascii(value)[:60] if isinstance(value, str) and not value.isprintable() else repr(value)[:60]


def has_half_character(text: str) -> bool:
    """Whether a lone surrogate is in it: JSON can say one, and no UTF-8 can."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def plain(number: Decimal) -> str:
    """``Decimal("1E+3")`` -> ``"1000"``: plain notation, no digit lost."""
    return format(number, "f")


def json_text(value: Any) -> str:
    """Compact JSON with sorted keys. Decimals become plain strings: as JSON numbers they would be read as floats."""
    return json.dumps(_jsonable(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def utc_text(moment: datetime | None) -> str | None:
    """An aware datetime as Lago writes it: ``2026-07-01T04:00:00Z``, with microseconds only where there are some."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
