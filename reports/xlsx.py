"""XLSX: a sheet per level, real numbers, totals as formulas over them, filters and frozen heads.

Data never becomes a formula, link or number by looking like one: every text is written as a string. The totals of all
sheets are formulas, and the first sheet checks that they agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from mappings.money import exponent
from reports import table
from reports.data import ReportData
from reports.registers import by_currency
from reports.summary import remarks, totals, verdict
from reports.table import Table
from reports.texts import Texts

# Amounts beyond this have no exact double and are written as text, never rounded silently (Excel keeps 15 digits).
EXACT_DIGITS = 15
ROWS = 1_048_576 - 2  # of a sheet, without head and totals


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write the workbook to ``path``."""
    texts = Texts(locale)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    content = BytesIO()  # a file that it cannot finish would be closed, and told of, long after
    with xlsxwriter.Workbook(content, {**options, "in_memory": True}) as book:
        # Fixed properties: the same report gives the same file.
        book.set_properties({"title": texts.title(data.run.period), "created": datetime(2026, 1, 1)})  # noqa: DTZ001
        writer = _Writer(book, texts)
        summary = book.add_worksheet(_sheet_name(texts("sheet.summary")))
        sheets = {name: writer.sheet(texts(f"sheet.{name}"), frame) for name, frame in _frames(data, texts).items()}
        writer.write_summary(summary, data, sheets)
    path.write_bytes(content.getvalue())


def _frames(data: ReportData, texts: Texts) -> dict[str, Table]:
    frames = {"position": table.list_positions(data, texts)}
    frames |= {name: table.list_level(data, name) for name in table.LEVELS}
    frames |= {"cause": table.list_causes(data, texts), "age": table.list_ages(data, texts)}
    frames |= {"register": table.list_registers(data, texts), "lapse": table.list_lapses(data, texts)}
    frames |= {"receivable": table.list_receivables(data, texts)}
    return {**frames, "refusal": table.list_refusals(data, texts)}


def _sheet_name(text: str) -> str:
    return text[:31]


class _Writer:
    """Formats and the way a table is laid out."""

    def __init__(self, book: Any, texts: Texts) -> None:
        self.book = book
        self.texts = texts
        self.bold = book.add_format({"bold": True})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.plain = book.add_format({"num_format": "#,##0.############"})
        self.whole = book.add_format({"num_format": "#,##0"})
        self.money: dict[int, Any] = {}

    def amount(self, currency: str) -> Any:
        """The number format of a currency."""
        digits = exponent(currency)
        if digits not in self.money:
            pattern = "#,##0" + ("." + "0" * digits if digits else "")
            self.money[digits] = self.book.add_format({"num_format": f"{pattern};[Red]-{pattern}"})
        return self.money[digits]

    def sheet(self, title: str, frame: Table) -> tuple[str, Table]:
        """A sheet with its table; answers its name, for formulas that refer to it."""
        if len(frame.rows) > ROWS:
            raise ValueError(f"{len(frame.rows)} rows do not fit a sheet of {ROWS}: use the CSV, or fewer months")
        name = _sheet_name(title)
        sheet = self.book.add_worksheet(name)
        for column, key in enumerate(frame.columns):
            sheet.write_string(0, column, table.head_column(key, self.texts), self.head)
            sheet.set_column(column, column, _width(key))
        for row, values in enumerate(frame.rows, 1):
            for column, key in enumerate(frame.columns):
                self.write_cell(sheet, row, column, values[key], str(values.get("currency", "")))
        sheet.freeze_panes(1, 1)
        if len(frame.rows):
            sheet.autofilter(0, 0, len(frame.rows), len(frame.columns) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return name, frame

    def write_cell(self, sheet: Any, row: int, column: int, value: Any, currency: str) -> None:
        """One value by its type; text is always a string."""
        if value is None:
            return
        if isinstance(value, Decimal):
            self.write_decimal(sheet, row, column, value, currency)
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.whole)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), self.day)  # noqa: DTZ001
        else:
            sheet.write_string(row, column, str(value)[:32767])

    def write_decimal(self, sheet: Any, row: int, column: int, value: Decimal, currency: str) -> None:
        digits = len(value.normalize().as_tuple().digits)
        if digits > EXACT_DIGITS:
            sheet.write_string(row, column, f"{value:f}")
            return
        exact = currency and -int(value.as_tuple().exponent) <= exponent(currency)
        sheet.write_number(row, column, float(value), self.amount(currency) if exact else self.plain)

    def write_summary(self, sheet: Any, data: ReportData, sheets: Mapping[str, tuple[str, Table]]) -> None:
        """The verdict, and per currency the totals of every level as formulas with a check that they agree."""
        texts = self.texts
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 6, 18)
        sheet.write_string(0, 0, texts.title(data.run.period), self.bold)
        sheet.write_string(1, 0, data.run.organization)
        for row, line in enumerate((verdict(data, texts), *remarks(data, texts)), 2):
            sheet.write_string(row, 0, line)
        row = 4 + len(remarks(data, texts))
        left, right = data.run.pair
        for column, key in enumerate(("level", "currency", left, right, "difference")):
            sheet.write_string(row, column, table.head_column(key, texts), self.head)
        sheet.write_string(row, 5, texts("sheet.check"), self.head)
        for tally in totals(data):
            first = row + 1
            for name in ("position", *table.LEVELS):
                row += 1
                sheet.write_string(row, 0, texts(f"sheet.{name}"))
                sheet.write_string(row, 1, tally.currency)
                amounts = (tally.left_cents, tally.right_cents, tally.delta_cents)
                self.write_sums(sheet, row, sheets[name], (left, right, "difference"), tally.currency, amounts)
                self.check(sheet, row, first)
        self.write_registers(sheet, row + 2, data, sheets["register"])

    def write_registers(self, sheet: Any, row: int, data: ReportData, source: tuple[str, Table]) -> None:
        """Per currency, what both sides billed by their own headers: formulas over the sheet of the registers."""
        texts, (name, frame) = self.texts, source
        sheet.write_string(row, 0, texts("registers"), self.head)
        for register in by_currency(data):
            row += 1
            sheet.write_string(row, 1, register.currency)
            for place, (side, sums) in enumerate(zip(data.run.pair, (register.left, register.right), strict=True), 2):
                same = f'{_range(name, frame, "currency")},"{register.currency}"'
                same += f',{_range(name, frame, "side")},"{texts.named("side", side)}"'
                value = float(Decimal(sums.gross_cents).scaleb(-exponent(register.currency)))
                formula = f"=SUMIFS({_range(name, frame, 'billed')},{same})"
                sheet.write_formula(row, place, formula, self.amount(register.currency), value)

    def write_sums(
        self,
        sheet: Any,
        row: int,
        source: tuple[str, Table],
        columns: tuple[str, ...],
        currency: str,
        values: tuple[int, ...],
    ) -> None:
        """Sums of a sheet's columns over the rows of one currency."""
        name, frame = source
        by = _range(name, frame, "currency")
        compared = ""
        if "status" in frame.columns:  # positions that were not compared are no part of the totals
            apart = [self.texts("status.refused"), self.texts("status.outside")]
            compared = "".join(f',{_range(name, frame, "status")},"<>{status}"' for status in apart)
            compared += f',{_range(name, frame, "part")},"{self.texts("part.billed")}"'  # settlements are not billed
        for place, (column, cents) in enumerate(zip(columns, values, strict=True), 2):
            formula = f'=SUMIFS({_range(name, frame, column)},{by},"{currency}"{compared})'
            value = float(Decimal(cents).scaleb(-exponent(currency)))
            sheet.write_formula(row, place, formula, self.amount(currency), value)

    def check(self, sheet: Any, row: int, first: int) -> None:
        """The difference is right minus left, and every level has that of the first."""
        ties = f"AND(ROUND(D{row + 1}-C{row + 1}-E{row + 1},4)=0,ROUND(E{row + 1}-E{first + 1},4)=0)"
        good, bad = self.texts("sheet.ties"), self.texts("sheet.broken")
        sheet.write_formula(row, 5, f'=IF({ties},"{good}","{bad}")', None, good)


def _range(sheet: str, frame: Table, column: str) -> str:
    letter = xl_col_to_name(list(frame.columns).index(column))
    return f"'{sheet}'!${letter}$2:${letter}${max(len(frame.rows), 1) + 1}"


def _width(key: str) -> int:
    return {"position": 38, "customer_name": 26, "remedy": 50, "reading": 34, "causes": 26, "detail": 60}.get(key, 14)
