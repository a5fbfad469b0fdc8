"""A report in French holds no English of ours: neither in a format, nor on the page once its script has run."""

from __future__ import annotations

import csv as stdlib_csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reports import csv, html, junit, markdown, text, xlsx
from reports.data import ReportData
from reports.texts import TEXTS
from reports.texts.refusals import DETAILS
from tests.reporting.sample import aged, equal, nothing, refusing, sample
from tests.reporting.test_html import Page, Tab, browser

__all__ = ["browser"]  # a fixture

FRENCH = {part for _, french in TEXTS.values() for part in re.split(r"\{\w+\}|\|", french)}
# What only English says: the pieces between the values of every text, long enough to mean something. Of a refusal's
# detail, those of several words: one of them ("total") may be French as well.
ENGLISH = sorted(
    {
        part.strip(" .:,;()")
        for name, (english, french) in TEXTS.items()
        if english != french
        for part in re.split(r"\{\w+\}|\|", english)
        if len(part.strip(" .:,;()")) > 3 and (name not in DETAILS or " " in part.strip(" .:,;()"))
    }
    - {part.strip(" .:,;()") for part in FRENCH}
)
COMMANDS = re.compile(r"lago2odoo \w+|preview|apply|reconcile|tax_rounding|refused:[\w-]+|--[\w-]+|extract|report")
CODES = re.compile(r"\w+(?:\\?_\w+)+|fusion\.billing\.\w+|sale\.order")  # of reasons and of Odoo's models


def english_in(shown: str) -> list[str]:
    """Which texts of ours are there in English; the names of commands and options are the same in both languages."""
    said = COMMANDS.sub(" ", CODES.sub(" ", " ".join(shown.replace("Customer ", "").split())))  # the sample's customers
    return [part for part in ENGLISH if re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", said)]


def formats(data: ReportData, folder: Path, locale: str) -> Iterator[tuple[str, str]]:
    """What people read of each format."""
    yield "text", text.render(data, locale)
    yield "markdown", markdown.render(data, locale)
    yield "html", " ".join(Page(html.render(data, locale)).words)
    yield "junit", re.sub(r"classname=\"[^\"]*\"|</?\w+", " ", junit.render(data, locale).decode())
    csv.write(data, folder / "r.csv", locale)
    with (folder / "r.csv").open(encoding="utf-8-sig", newline="") as file:  # its head is for programs: one language
        yield "csv", " ".join(cell for row in list(stdlib_csv.reader(file))[1:] for cell in row)
    xlsx.write(data, folder / "r.xlsx", locale)
    book = openpyxl.load_workbook(folder / "r.xlsx", data_only=True)
    cells = (str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value)
    yield "xlsx", " ".join([*book.sheetnames, *cells])


@pytest.mark.parametrize("make", [sample, aged, equal, nothing, refusing])
def test_no_format_in_french_holds_english_of_ours(make: Any, tmp_path: Path) -> None:
    found = {name: english_in(shown) for name, shown in formats(make(), tmp_path, "fr_CA")}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_the_search_finds_english(tmp_path: Path) -> None:
    assert len(ENGLISH) > 200
    assert all(len(english_in(shown)) > 5 for _, shown in formats(sample(), tmp_path, "en_CA"))


@pytest.mark.parametrize("fragment", ["", f"#line={1:012x}", "#invoice=invoice-5", "#view=customers", "#q=nobody-here"])
def test_no_view_of_the_page_in_french_holds_english_of_ours(browser: Any, tmp_path: Path, fragment: str) -> None:
    tab = Tab(browser, tmp_path, sample(), "fr_CA")
    tab.open(fragment)
    shown = tab.page.locator("body").inner_text()
    assert "Qui se trompe" in shown
    assert english_in(shown) == []
    tab.context.close()


def test_numbers_and_amounts_on_the_page_are_french(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, tmp_path, sample(), "fr_CA")
    tab.open(f"#line={1:012x}")
    column = tab.page.locator(".position.hit .column").first.inner_text().replace("\xa0", " ").replace("\u202f", " ")
    assert "100,00 CAD" in column
    assert "1 234 567,125 unités · 10 événements" in column
    tab.context.close()
