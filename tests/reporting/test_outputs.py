"""Text, JSON, CSV, XLSX, Markdown, JUnit: the same figures, and no data that becomes code."""

from __future__ import annotations

import csv as stdlib_csv
import json as stdlib_json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import openpyxl
import pytest

from reports import csv, html, json, junit, markdown, stored, summary, text, xlsx
from reports import glance as boxes
from reports.data import Evidence, Position, ReportData
from reports.tallies import TieOutBroken
from reports.texts import LOCALES, Texts
from tests.reporting.sample import HOSTILE, RUN, aged, equal, finding, invoice, nothing, position, sample, view

REPORTS = [sample, equal, nothing, *(lambda name=name: sample(name) for name in HOSTILE)]


@pytest.fixture(
    params=range(len(REPORTS)), ids=["sample", "equal", "nothing", *(f"hostile{n}" for n in range(len(HOSTILE)))]
)
def data(request: pytest.FixtureRequest) -> ReportData:
    return REPORTS[request.param]()


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_json_follows_its_schema_and_comes_back_whole(data: ReportData, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    json.write(data, file)
    document = stdlib_json.loads(file.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(json.schema())
    assert list(validator.iter_errors(document)) == []
    assert stored.read(file) == data


def test_json_schema_is_sound_and_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(json.schema())
    document = json.document(sample())
    document["invoices"][0]["positions"][0]["delta_cents"] = "12"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.schema())


def test_json_says_the_outcome() -> None:
    document = json.document(sample())
    assert (document["outcome"], document["exit_code"]) == ("different", 2)
    assert {t["level"] for t in document["ties"]} == {"line", "invoice", "customer", "service", "month", "all"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a report: "),
        ("[]", "not a report of version 1.1"),
        ('{"schema": "9.9"}', "not a report of version 1.1; run 'lago2odoo reconcile' again"),
        ('{"schema": "1.1"}', "damaged"),
        ('{"schema": "1.1", "run": {"period": 3}, "invoices": []}', "damaged"),
        ('{"schema": "1.1", "run": {}, "invoices": [{"positions": 3}]}', "damaged"),
    ],
)
def test_a_file_that_is_no_report_is_refused_by_name(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(stored.StoredReportError, match=f"other.json: {message}"):
        stored.read(file)
    with pytest.raises(stored.StoredReportError, match="no such file; run"):
        stored.read(tmp_path / "none.json")


def test_a_report_of_a_side_that_nobody_knows_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    json.write(sample(), file)
    file.write_text(file.read_text().replace('"lago",', '"lega",', 1))
    with pytest.raises(stored.StoredReportError, match="damaged"):
        stored.read(file)


# --- CSV ------------------------------------------------------------------------------------------------------------


def rows(data: ReportData, tmp_path: Path, locale: str = "en_CA") -> list[dict[str, str]]:
    csv.write(data, tmp_path / "r.csv", locale)
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(stdlib_csv.DictReader(file))


def test_csv_has_one_row_per_position_and_adds_up(data: ReportData, tmp_path: Path) -> None:
    read = rows(data, tmp_path)
    assert [r["id"] for r in read] == [p.id for _, p in data.rows()]
    for row, (i, p) in zip(read, data.rows(), strict=True):
        assert Decimal(row["difference"]).scaleb({"CAD": 2, "JPY": 0, "KWD": 3}[i.currency]) == p.delta_cents


def test_csv_starts_no_formula(data: ReportData, tmp_path: Path) -> None:
    numbers = {"lago", "odoo", "rerate", "difference", "units_lago", "units_odoo", "units_rerate"}
    for row in rows(data, tmp_path):
        assert not [key for key, value in row.items() if value.startswith(csv.FORMULA) and key not in numbers]


def test_csv_columns_and_numbers_do_not_depend_on_the_language(tmp_path: Path) -> None:
    english, french = (rows(sample(), tmp_path, locale) for locale in LOCALES)
    assert english[0].keys() == french[0].keys()
    assert [r["lago"] for r in english] == [r["lago"] for r in french]
    assert english[0]["units_lago"] == "1234567.125"
    assert french[0]["causes"] == "Utilisation manquante"


def test_csv_tells_not_stated_from_zero(tmp_path: Path) -> None:
    by_id = {r["id"]: r for r in rows(sample(), tmp_path)}
    assert (by_id[f"{7:012x}"]["odoo"], by_id[f"{4:012x}"]["odoo"]) == ("", "0.00")


# --- XLSX -----------------------------------------------------------------------------------------------------------


def workbook(data: ReportData, tmp_path: Path, locale: str = "en_CA", values: bool = False) -> Any:
    xlsx.write(data, tmp_path / "r.xlsx", locale)
    return openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=values)


def cells(book: Any) -> Iterator[Any]:
    return (cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None)


def test_xlsx_has_formulas_on_its_summary_only(data: ReportData, tmp_path: Path) -> None:
    book = workbook(data, tmp_path)
    formulas = [cell for cell in cells(book) if cell.data_type == "f"]
    assert {cell.parent.title for cell in formulas} <= {"Summary"}
    assert all(str(c.value).startswith(("=SUMIFS('", "=IF(AND(ROUND(")) for c in formulas)
    assert not any(cell.hyperlink for cell in cells(book))


def test_xlsx_totals_are_what_their_formulas_add_up_to(data: ReportData, tmp_path: Path) -> None:
    """No spreadsheet runs here, so each SUMIFS is evaluated on the written cells and compared with its value."""
    formulas, stored = workbook(data, tmp_path)["Summary"], workbook(data, tmp_path, values=True)["Summary"]
    sheets = workbook(data, tmp_path, values=True)
    checked = 0
    for row in formulas.iter_rows():
        for cell in row:
            if str(cell.value).startswith("=SUMIFS("):
                assert _sumifs(cell.value, sheets) == pytest.approx(stored[cell.coordinate].value, abs=1e-9)
                checked += 1
            if str(cell.value).startswith("=IF("):
                assert stored[cell.coordinate].value == "ties out"
    assert checked == (15 + 2) * len({i.currency for i in data.invoices})


RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>
"""  # always, whatever program wrote the file


@pytest.mark.parametrize("locale", LOCALES)
def test_libreoffice_recalculates_the_same_totals(locale: str, tmp_path: Path) -> None:
    """Every hostile name at once; what the workbook says is thrown away first, so that it must be calculated anew."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice on this machine: apt-get install libreoffice-calc")
    data = everybody()
    xlsx.write(data, tmp_path / "r.xlsx", locale)
    wrong = _with_wrong_values(tmp_path / "r.xlsx", tmp_path / "wrong" / "r.xlsx")
    (tmp_path / "profile" / "user").mkdir(parents=True)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
    subprocess.run([*command, str(tmp_path / "again"), str(wrong)], check=True, capture_output=True, timeout=240)
    names = Texts(locale)
    sheet = openpyxl.load_workbook(tmp_path / "again" / "r.xlsx", data_only=True)[names("sheet.summary")]
    read = [[cell.value for cell in row] for row in sheet.iter_rows()]
    ties = [row for row in read if row[5] in (names("sheet.ties"), names("sheet.broken"))]
    totals = {t["currency"]: t for t in json.document(data)["ties"] if t["level"] == "all"}
    assert len(ties) == 5 * len(totals)
    for _, currency, left, right, difference, check, *_ in ties:
        digits = {"CAD": 100, "JPY": 1, "KWD": 1000}[currency]
        wanted = [totals[currency][f"{name}_cents"] for name in ("left", "right", "delta")]
        assert [round(v * digits, 6) for v in (left, right, difference)] == wanted
        assert check == names("sheet.ties")


def everybody() -> ReportData:
    """All hostile names in one report."""
    reports = [sample(name) for name in HOSTILE]
    invoices = tuple(replace(i, id=f"{n}-{i.id}") for n, r in enumerate(reports) for i in r.invoices)
    return replace(reports[0], invoices=invoices)


def _with_wrong_values(source: Path, target: Path) -> Path:
    """The same workbook with 1 stored as the result of every formula."""
    target.parent.mkdir()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets/"):
                content = re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1<v>1</v>", content)
            new.writestr(name, content)
    return target


def _sumifs(formula: str, book: Any) -> float:
    first, *criteria = formula.removeprefix("=SUMIFS(").removesuffix(")").split(",")
    amounts = _column(first, book)
    kept = [True] * len(amounts)
    for place, wanted in zip(criteria[::2], criteria[1::2], strict=True):
        want = wanted.strip('"')
        for n, value in enumerate(_column(place, book)):
            kept[n] &= str(value) != want[2:] if want.startswith("<>") else str(value) == want
    return sum(float(a or 0) for a, keep in zip(amounts, kept, strict=True) if keep)


def _column(place: str, book: Any) -> list[Any]:
    sheet, area = place.split("!")
    return [row[0].value for row in book[sheet.strip("'")][area.replace("$", "")]]


def test_xlsx_holds_numbers_as_numbers_and_dates_as_dates(tmp_path: Path) -> None:
    sheet = workbook(sample(), tmp_path)["Positions"]
    head = {cell.value: n for n, cell in enumerate(sheet[1])}
    first = sheet[2]
    assert first[head["Lago"]].value == 100
    assert first[head["Lago"]].number_format.startswith("#,##0.00")
    assert first[head["Date of issue"]].is_date
    assert sheet.auto_filter.ref is not None
    assert sheet.freeze_panes == "B2"


def test_xlsx_in_french(tmp_path: Path) -> None:
    book = workbook(sample(), tmp_path, "fr_CA")
    assert book.sheetnames[:3] == ["Sommaire", "Positions", "Factures"]


def test_xlsx_writes_what_no_double_can_hold_as_text(tmp_path: Path) -> None:
    big = position(1, 12345678901234567, 12345678901234567, None)
    sheet = workbook(replace(equal(), invoices=(invoice(1, big),)), tmp_path)["Positions"]
    assert "123456789012345.67" in {cell.value for cell in sheet[2]}


def test_xlsx_units_keep_their_decimals(tmp_path: Path) -> None:
    odd = position(
        1, 1, 1, 1, sides={"lago": view(1, units=Decimal("0.123456789")), "odoo": view(1), "rerate": view(1)}
    )
    sheet = workbook(replace(equal(), invoices=(invoice(1, odd),)), tmp_path)["Positions"]
    assert 0.123456789 in {cell.value for cell in sheet[2]}


def test_xlsx_says_when_a_sheet_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS", 5)
    with pytest.raises(ValueError, match="10 rows do not fit a sheet of 5: use the CSV"):
        xlsx.write(sample(), tmp_path / "r.xlsx")


# --- JUnit ----------------------------------------------------------------------------------------------------------


def test_junit_has_one_case_per_customer_and_month(data: ReportData, tmp_path: Path) -> None:
    junit.write(data, tmp_path / "r.xml")
    suite = ET.parse(tmp_path / "r.xml").getroot()[0]
    assert len(suite.findall("testcase")) == len({(i.customer, i.month) for i in data.invoices})
    assert int(suite.get("tests", "")) == len(suite.findall("testcase"))


def test_junit_kinds() -> None:
    suite = ET.fromstring(junit.render(sample()))[0]
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds == {
        "NX-1": ["failure"],
        "NX-2": ["failure"],
        "NX-3": ["failure"],
        "NX-4": [],
        "NX-5": ["error"],
        "NX-6": ["skipped"],
    }
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("3", "1", "1")
    failure = suite.find("testcase[@name='NX-1']/failure")
    assert failure is not None
    assert "NEX-001 Usage: API calls: -10.00\xa0CAD (Usage missing) [000000000001]" in str(failure.text)


def test_junit_skips_what_is_waived() -> None:
    waived = position(3, 5, 6, 5, findings=(finding(1, waiver="w"),))
    suite = ET.fromstring(junit.render(ReportData(run=RUN, invoices=(invoice(1, waived),))))[0]
    assert [child.tag for child in suite[0]] == ["skipped"]


# --- Markdown and text ----------------------------------------------------------------------------------------------


def test_markdown(data: ReportData, tmp_path: Path) -> None:
    markdown.write(data, tmp_path / "r.md")
    written = (tmp_path / "r.md").read_text(encoding="utf-8")
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert all(len(line.replace("\\|", "").split("|")) == len(tables[n - 1].replace("\\|", "").split("|"))
               for n, line in enumerate(tables) if n and set(line) <= set("|-: "))  # fmt: skip
    assert "<script" not in written
    assert "<img" not in written
    assert "](" not in written.replace("\\](", "").replace("\\]\\(", "")


def test_markdown_says_it_first() -> None:
    lines = markdown.render(sample()).splitlines()
    assert lines[0] == "## Reconciliation July 2026"
    assert lines[2].replace("\xa0", " ") == (
        "❌ **Odoo bills 11.29 CAD less and 2 JPY less than Lago. 6 of 8 positions differ, on 3 of 6 invoices.**"
    )
    assert markdown.render(equal()).splitlines()[2].startswith("✅ **Lago and Odoo agree to the cent")


def test_markdown_mentions_nobody_and_links_nowhere() -> None:
    written = markdown.escape("@user #1 https://evil.example www.evil.example")
    assert "@user" not in written
    assert "https" not in written
    assert "www." not in written


@pytest.mark.parametrize("locale", LOCALES)
def test_text_is_readable_and_moves_no_cursor(data: ReportData, locale: str) -> None:
    written = text.render(data, locale)
    assert all(c.isprintable() or c == "\n" for c in written)


def test_text_ties_out_in_one_line_per_currency() -> None:
    written = text.render(sample()).replace("\xa0", " ")
    lines = [line for line in written.splitlines() if " ties out at " in line]
    assert [line[:3] for line in lines] == ["CAD", "JPY", "KWD"]
    assert lines[0] == (
        "CAD ties out at 6 levels (lines, invoices, customers, services, months, all): 8 positions, Lago: 120.55 CAD, "
        "Odoo: 109.26 CAD, difference -11.29 CAD = sum of the causes."
    )
    assert "KWD ties out" in lines[2]
    assert "1 position," in lines[2]
    assert "Tie-out" not in written


def test_text_shows_the_whole_table_where_it_does_not_tie_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: ReportData) -> None:
        raise TieOutBroken("on purpose")

    monkeypatch.setattr(summary, "check_ties", broken)
    written = text.render(sample()).replace("\xa0", " ")
    assert " ties out at " not in written
    lines = [" ".join(line.split()) for line in written.splitlines()]
    assert "lines 8 8 120.55 CAD 109.26 CAD -11.29 CAD -11.29 CAD" in lines
    assert "all 1 8 120.55 CAD 109.26 CAD -11.29 CAD -11.29 CAD" in lines


def test_every_output_says_what_to_do() -> None:
    remedy = Texts().evidence("remedy", Evidence(name="load_usage"), "CAD")
    assert f"Usage missing (Odoo): {remedy}" in text.render(sample())
    assert f"Unexplained (not known): {Texts()('what_to_do.unexplained')}" in text.render(sample())
    assert markdown.escape(remedy) in markdown.render(sample())
    assert remedy in html.render(sample())


def plain_text(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u202f", " ")


def test_every_output_says_how_long_it_has_been_open(tmp_path: Path) -> None:
    for said in (plain_text(text.render(aged())), plain_text(markdown.render(aged())), plain_text(html.render(aged()))):
        flat = re.sub(r"[ |]+", " ", re.sub(r"<[^>]*>", " ", said))
        assert "up to 30 days Aug 20, 2026 1 0.05 CAD" in flat
        assert "31 to 60 days Jul 6, 2026 1 3.00 CAD" in flat
        assert "more than 90 days May 12, 2026 1 0.20 CAD" in flat
        assert "more than 90 days May 12, 2026 1 4 JPY" in flat
    by_id = {r["id"]: r for r in rows(aged(), tmp_path)}
    old, fine = by_id[f"{3:012x}"], by_id[f"{5:012x}"]
    assert [old[c] for c in ("open_since", "age_days", "age_runs", "reopened")] == ["2026-05-12", "100", "3", "1"]
    assert [fine[c] for c in ("open_since", "age_days", "age_runs", "reopened")] == [""] * 4
    sheet = workbook(aged(), tmp_path)["Ages"]
    assert [c.value for c in sheet[1]] == ["Age", "Currency", "Number", "Difference", "Absolute sum", "Oldest"]
    assert [[c.value for c in row][:5] for row in sheet.iter_rows(min_row=2)] == [
        ["up to 30 days", "CAD", 1, 0.05, 0.05],
        ["31 to 60 days", "CAD", 1, -3, 3],
        ["more than 90 days", "CAD", 1, 0.2, 0.2],
        ["more than 90 days", "JPY", 1, 4, 4],
    ]
    buckets = [(b["name"], b["currency"], b["count"], b["gross_cents"]) for b in json.document(aged())["ages"]]
    assert buckets == [("0-30", "CAD", 1, 5), ("31-60", "CAD", 1, 300), ("90+", "CAD", 1, 20), ("90+", "JPY", 1, 4)]


# --- at a glance ----------------------------------------------------------------------------------------------------


def glance(data: ReportData, locale: str = "en_CA") -> dict[str, tuple[str, str]]:
    return {g.name: (plain_text(g.value), plain_text(g.note)) for g in boxes.glance(data, Texts(locale))}


def test_four_things_at_a_glance() -> None:
    remedy = Texts().evidence("remedy", Evidence(name="load_usage"), "CAD")
    assert glance(aged()) == {
        "stake": ("3.25 CAD · 4 JPY", "79.46 % · 4 % of what Lago billed"),
        "wrong": ("Odoo", "Odoo: 4 differences"),
        "age": ("May 12, 2026", "100 days; older than 30 days: 3"),
        "todo": (remedy, "settles 3 differences: 3.25 CAD"),
    }
    assert glance(sample())["age"] == ("Not followed yet", "")


def test_nothing_to_do_is_said_as_such() -> None:
    waived = position(1, 5, 6, 5, findings=(finding(1, waiver="w"),))
    for data in (equal(), nothing(), replace(equal(), invoices=(invoice(1, waived),))):
        assert [g.good for g in boxes.glance(data, Texts())] == [True] * 4
        assert glance(data)["todo"] == ("Nothing", "")


def test_a_share_is_never_nothing_for_something() -> None:
    english, french = (Texts(locale) for locale in LOCALES)
    assert plain_text(english.share(1, 10**9)) == "< 0.01 %"
    assert plain_text(french.share(1975, 1020430)) == "0,19 %"


@pytest.mark.parametrize(
    ("deltas", "said"),
    [
        ((5,), "Odoo bills 0.05 CAD more than Lago"),
        ((-5, 7), "Odoo bills 0.05 CAD less and 7 JPY more than Lago"),
        ((1, 2, -3), "Odoo bills 0.01 CAD more, 2 JPY more and 0.003 KWD less than Lago"),
        ((0,), "Lago and Odoo bill the same sums"),
    ],
)
def test_the_verdict_says_who_bills_more(deltas: tuple[int, ...], said: str) -> None:
    pairs = zip(deltas, ("CAD", "JPY", "KWD"), strict=False)
    invoices = tuple(
        invoice(n, position(2 * n, 10, 13 + d, 10), position(2 * n + 1, 10, 7, 10), currency=c)
        for n, (d, c) in enumerate(pairs, 1)
    )
    sentence = plain_text(summary.verdict(ReportData(run=RUN, invoices=invoices), Texts()))
    assert sentence.startswith(said + ". ")


def test_other_remedies_of_a_cause_are_counted() -> None:
    def carry(code: str) -> Evidence:
        return Evidence(name="carry_coupon", values={"coupon": code})

    def differing(number: int, code: str) -> Position:
        return position(number, 9, 8, 9, findings=(finding(-1, "coupon_missing", remedy=carry(code)),))

    invoices = (invoice(1, differing(1, "B"), differing(2, "A"), differing(3, "B"), differing(4, "C")),)
    ((total, said),) = summary.what_to_do(ReportData(run=RUN, invoices=invoices), Texts())
    assert total.count == 4
    assert said.startswith("Carry coupon B over")
    assert said.endswith("And 2 more like it: see the positions.")


def test_reasons_of_what_was_not_compared_are_counted() -> None:
    for render in (text.render, markdown.render, html.render):
        shown = render(sample()).replace("\\", "")
        assert "Not compared: 2 positions (Odoo: Order missing in Odoo: 1, one-off: 1)." in shown


@pytest.mark.parametrize("render", [text.render, markdown.render, html.render])
def test_the_cohort_is_named(render: Callable[[ReportData], str]) -> None:
    chosen = replace(sample(), run=replace(RUN, cohort="pilot"))
    assert "Cohort: pilot" in render(chosen)
    assert "Cohort" not in render(sample()).split('"application/json"', maxsplit=1)[0]


def test_text_says_what_is_included_without_being_a_claim() -> None:
    data = sample()
    states = ("voided", "draft", *["finalized"] * 4)
    other = tuple(replace(i, state=state) for i, state in zip(data.invoices, states, strict=True))
    kinds = "1 draft (7.55 CAD), 1 voided invoice (113.00 CAD)"
    wanted = f"Compared too, though they are no claim and in no total: {kinds} (Lago)."
    assert wanted in text.render(replace(data, invoices=other)).replace("\xa0", " ")
    assert "no claim" not in text.render(data)


def test_text_says_what_stays_open() -> None:
    written = text.render(sample())
    assert "Differences without a proven cause: 1." in written
    assert "Invoices that could not be compared in full: 1." in written
    assert "Invoices outside the scope, which no subscription bills: 1." in written
    assert "Nothing was compared." in text.render(nothing())
