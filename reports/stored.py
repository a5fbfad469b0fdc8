"""The report data back from its JSON, so that a report can be written again without reconciling again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from mappings.decode import DecodeError, decode
from reports.data import SCHEMA, ReportData


class StoredReportError(ValueError):
    """The file is missing, damaged, or of another version; ``str()`` is one line."""


def read(path: Path) -> ReportData:
    """The frozen data that ``reports.json.write`` wrote to ``path``."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise StoredReportError(f"{path}: no such file; run 'lago2odoo reconcile' first") from None
    except (OSError, ValueError) as error:
        raise StoredReportError(f"{path}: not a report: {error}") from None
    if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
        raise StoredReportError(f"{path}: not a report of version {SCHEMA}; run 'lago2odoo reconcile' again")
    return _decoded(raw, path)


def _decoded(raw: Mapping[str, Any], path: Path) -> ReportData:
    try:
        return decode(ReportData, raw, "report")
    except DecodeError as error:
        raise StoredReportError(f"{path}: damaged ({error}); run 'lago2odoo reconcile' again") from None
