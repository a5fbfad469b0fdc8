"""The report data back from its JSON, so that a report can be written again without reconciling again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from reports.data import SCHEMA, ReportData


class StoredReportError(ValueError):
    """The file is missing, damaged, or of another version; ``str()`` is one line."""


def read(path: Path) -> ReportData:
    """The frozen data that ``reports.json.write`` wrote to ``path``."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoredReportError(f"{path}: no such file; run 'lago2odoo reconcile' first") from None
    except (OSError, ValueError) as error:
        raise StoredReportError(f"{path}: not a report: {error}") from None
    if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
        raise StoredReportError(f"{path}: not a report of version {SCHEMA}; run 'lago2odoo reconcile' again")
    try:
        return _record(ReportData, raw)
    except (LookupError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise StoredReportError(f"{path}: damaged ({error!r}); run 'lago2odoo reconcile' again") from None


T = TypeVar("T")
_EMPTY: Mapping[Any, Any] = {str: "", int: 0, tuple: (), Mapping: {}}


def _record(cls: type[T], raw: Mapping[str, Any]) -> T:
    """A record out of its JSON; parts that were left out are empty."""
    hints = get_type_hints(cls)
    given = {name: _value(hint, raw[name]) for name, hint in hints.items() if name in raw}
    empty = {
        name: _EMPTY[get_origin(hint) or hint] for name, hint in hints.items() if name not in raw and _needs(cls, name)
    }
    return cls(**given, **empty)


def _needs(cls: Any, name: str) -> bool:
    item = next(f for f in fields(cls) if f.name == name)
    return item.default is MISSING and item.default_factory is MISSING


def _value(hint: Any, raw: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, raw)
    if origin is tuple:
        return tuple(_value(inner[0], item) for item in raw)
    if origin is Mapping:
        return {key: _value(inner[1], item) for key, item in raw.items()}
    if origin is UnionType:
        return _one_of(inner, raw)
    return _SCALARS[hint](raw)


def _one_of(kinds: tuple[Any, ...], raw: Any) -> Any:
    """``X | None``, or a value of evidence: a whole number, or text (an exact decimal was written as text)."""
    if raw is None or (isinstance(raw, int) and int in kinds):
        return raw
    if str in kinds:
        return Decimal(raw) if Decimal in kinds and _DECIMAL.fullmatch(raw) else str(raw)
    return _value(next(kind for kind in kinds if kind is not type(None)), raw)


_DECIMAL = re.compile(r"-?\d+\.\d+")
_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    str: str,
    int: int,
    bool: bool,
    Decimal: Decimal,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}
