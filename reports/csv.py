"""CSV: one row per position, amounts with a point and no grouping, whatever the language (RFC 4180, UTF-8 with BOM).

A spreadsheet runs a cell that starts with ``=``, ``+``, ``-`` or ``@`` as a formula: text that does is written with an
apostrophe in front, as OWASP advises. Numbers are ours and stay numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from reports.data import ReportData
from reports.table import Cell, Table, list_lapses, list_positions, list_receivables, list_registers
from reports.texts import Texts

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write all positions to ``path``. The header row names the columns of ``reports.table``, in every language."""
    _write(list_positions(data, Texts(locale)), path)


def write_registers(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write both sides' registers by month and currency to ``path``."""
    _write(list_registers(data, Texts(locale)), path)


def write_lapses(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write what Lago billed twice, or never, to ``path``."""
    _write(list_lapses(data, Texts(locale)), path)


def write_receivables(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write what Lago is owed against Odoo's receivable accounts to ``path``."""
    _write(list_receivables(data, Texts(locale)), path)


def _write(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(table.columns)
        writer.writerows(_cells(row, table.columns) for row in table.rows)


def _cells(row: Mapping[str, Cell], columns: Sequence[str]) -> list[str]:
    return [cell(row[name]) for name in columns]


def cell(value: Cell) -> str:
    """A value as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
