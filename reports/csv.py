"""CSV: one row per position, amounts with a point and no grouping, whatever the language (RFC 4180, UTF-8 with BOM).

A spreadsheet runs a cell that starts with ``=``, ``+``, ``-`` or ``@`` as a formula: text that does is written with an
apostrophe in front, as OWASP advises. Numbers are ours and stay numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from reports.data import ReportData
from reports.table import positions
from reports.texts import Texts

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write all positions to ``path``. The header row names the columns of ``reports.table``, in every language."""
    frame = positions(data, Texts(locale))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(frame.columns)
        writer.writerows(map(_row, frame.itertuples(index=False, name=None)))


def _row(values: Iterable[Any]) -> list[str]:
    return [cell(value) for value in values]


def cell(value: Any) -> str:
    """A value as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
