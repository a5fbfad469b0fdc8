"""Values as text: exact decimals in plain notation, and JSON that is the same for the same value every time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


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
