"""JSON beside the report: the frozen data, tallies and ties, in a versioned schema (``report.schema.json``).

Amounts are integers in the currency's smallest unit; exact decimals are strings. Empty parts are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

from reports.ageing import buckets
from reports.data import ReportData, cause_totals, ties


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
        "ties": [
            {"level": t.level, "groups": t.groups, "positions": t.sum.positions, **plain(t.sum, keep=True)}
            for t in ties(data)
        ],
        "causes": [plain(c, keep=True) for c in cause_totals(data)],
        "ages": [plain(b, keep=True) for b in buckets(data)],
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


def write(data: ReportData, path: Path) -> None:
    """Write the report's JSON to ``path`` (UTF-8)."""
    path.write_text(json.dumps(document(data), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
