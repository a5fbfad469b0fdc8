"""JSON beside the report: the frozen data, tallies and ties, in a versioned schema (``report.schema.json``).

Amounts are integers in the currency's smallest unit; exact decimals are strings. Empty parts are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from reports.data import SCHEMA, InvoiceView, ReportData, RunView, WaiverView, cause_totals, ties


def schema() -> dict[str, Any]:
    """The published JSON Schema of this version."""
    text = files("reports").joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def document(data: ReportData) -> dict[str, Any]:
    """The whole report as plain JSON values."""
    return {
        "schema": data.schema,
        "outcome": data.outcome.value,
        "exit_code": data.exit_code,
        "run": plain(data.run),
        "ties": [{"level": t.level, "groups": t.groups, **plain(t.sum, keep=True)} for t in ties(data)],
        "causes": [plain(c, keep=True) for c in cause_totals(data)],
        "waivers": [plain(w, keep=True) for w in data.waivers],
        "invoices": [{**plain(i), "delta_cents": i.delta_cents} for i in data.invoices],
    }


def plain(value: Any, *, keep: bool = False) -> Any:
    """A frozen record as JSON values, exactly. Without ``keep``, empty fields are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, plain(getattr(value, f.name), keep=keep)) for f in fields(value))
        return {name: item for name, item in pairs if keep or item not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {str(key): plain(item, keep=keep) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(item, keep=keep) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def read(path: Path) -> ReportData:
    """The report data that ``write`` wrote; a file of another version or shape is a ``ValueError`` that names it."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema {raw['schema']!r}, this program reads {SCHEMA!r}")
        return ReportData(
            run=_record(RunView, raw["run"]),
            invoices=tuple(_record(InvoiceView, item) for item in raw["invoices"]),
            waivers=tuple(_record(WaiverView, item) for item in raw["waivers"]),
        )
    except (KeyError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise ValueError(f"{path} is not a report of this program: {error}") from error


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


def write(data: ReportData, path: Path) -> None:
    """Write the report's JSON to ``path`` (UTF-8)."""
    path.write_text(json.dumps(document(data), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
