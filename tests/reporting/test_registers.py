"""Both sides' registers: what was billed is compared + not compared + outside, in money, in every output."""

from __future__ import annotations

import csv as stdlib_csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings

from reports import csv, html, json, markdown, text, xlsx
from reports.data import InvoiceView, RefusalView, RegisterView, ReportData
from reports.register_cells import coverage
from reports.registers import Part, Register, by_currency, by_month, check_registers, part_of
from reports.tallies import TieOutBroken, check_ties, total_doubts
from reports.texts import Texts
from tests.reporting.random_reports import reports
from tests.reporting.sample import equal, finding, invoice, position, sample

REFUSAL = RefusalView(side="odoo", reason="invoice_refused", detail="S1: No journal could be found")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def said(data: ReportData) -> str:
    """The text, with plain blanks."""
    return text.render(data).replace("\xa0", " ")


def claims(data: ReportData, currency: str) -> list[InvoiceView]:
    return [i for i in data.invoices if i.currency == currency and i.state == "finalized"]


@MANY
@given(reports())
def test_what_lago_billed_is_compared_not_compared_and_outside(data: ReportData) -> None:
    check_ties(data)
    check_registers(data)
    for register in by_currency(data):
        own = claims(data, register.currency)
        for side, sums in (("lago", register.left), ("odoo", register.right)):
            stated = [i.registers[side] for i in own if side in i.registers]
            assert (sums.invoices, sums.gross_cents) == (len(stated), sum(r.gross_cents for r in stated))
            assert sums.gross_cents == sums.compared_cents + sums.not_compared_cents + sums.outside_cents
        assert register.compared + register.not_compared + register.outside == len(own) == register.left.invoices
        assert register.unclaimed == sum(i.currency == register.currency for i in data.invoices) - len(own)
        deltas = [
            p.delta_cents
            for i in own
            if part_of(i, data.run.pair) is Part.COMPARED
            for p in i.positions
            if p.kind not in ("prepaid", "settled")
        ]
        assert register.delta_cents == sum(deltas)
        beyond = [
            p.sides["rerate"].cents - p.sides["lago"].cents
            for i, p in data.rows()
            if i.currency == register.currency and p.verdict == "model"
        ]
        doubts = [
            (d.delta_cents, d.gross_cents, d.positions) for d in total_doubts(data) if d.currency == register.currency
        ]
        assert doubts == ([(sum(beyond), sum(map(abs, beyond)), len(beyond))] if beyond else [])


@MANY
@given(reports())
def test_months_add_up_to_the_currency(data: ReportData) -> None:
    for whole in by_currency(data):
        months = [r for r in by_month(data) if r.currency == whole.currency]
        assert sum(r.left.gross_cents for r in months) == whole.left.gross_cents
        assert sum(r.right.alone_cents for r in months) == whole.right.alone_cents
        assert sum(r.settled.tied_right_cents for r in months) == whole.settled.tied_right_cents
        assert sum(r.unclaimed_cents for r in months) == whole.unclaimed_cents


@MANY
@given(reports())
def test_all_is_only_said_of_all(data: ReportData) -> None:
    for register in by_currency(data):
        assert (coverage(register, Texts()) == "100\xa0%") == (register.whole and register.left.invoices > 0)


def test_nothing_compared_is_not_green() -> None:
    """EUR 103.83 that Odoo refused: 0 % of it, and its row bears no green."""
    euro = invoice(2, position(2, 10383, None, 10383), currency="EUR", refusals=(REFUSAL,))
    data = replace(equal(), invoices=(*equal().invoices, euro))
    assert "Compared, of what Lago billed: 100 % of 1.00 CAD, 0 % of 103.83 EUR." in said(data)
    eur = next(r for r in by_currency(data) if r.currency == "EUR")
    assert (eur.not_compared, eur.left.not_compared_cents, eur.outside, eur.left.outside_cents) == (1, 103_83, 0, 0)
    page = html.render(data).replace("\xa0", " ")
    row = page.split('<th scope="row">EUR</th>')[1].split("</tr>")[0]
    assert "good" not in row
    assert "103.83 EUR (1)" in row
    assert 'class="n good"' in page.split('<th scope="row">CAD</th>')[1].split("</tr>")[0]


def register(gross: int, compared: int) -> Register:
    (template,) = by_currency(equal())
    left = replace(template.left, gross_cents=gross, compared_cents=compared, not_compared_cents=gross - compared)
    return replace(template, left=left, not_compared=1)


@pytest.mark.parametrize(
    ("gross", "compared", "shown"),
    [(1_000_000, 999_999, "99.99 %"), (3, 1, "33.33 %"), (100, 0, "0 %"), (0, 0, "–"), (10, 30, "99.99 %")],
)
def test_coverage_is_rounded_down(gross: int, compared: int, shown: str) -> None:
    assert coverage(register(gross, compared), Texts()).replace("\xa0", " ") == shown


def test_settlements_are_no_part_of_what_was_billed() -> None:
    """July: billed 100.56, paid with credits: the total is what was billed, and the credits stand apart."""
    prepaid = position(
        2, -75_00, -70_00, -75_00, kind="prepaid", header=True, key={"part": "prepaid"}, findings=(finding(5_00),)
    )
    paid = RegisterView(net_cents=100_56, tax_cents=0, gross_cents=100_56, prepaid_cents=75_00, paid_cents=20_00)
    stated = {"lago": paid, "odoo": replace(paid, prepaid_cents=0, paid_cents=0)}
    data = replace(
        equal(),
        invoices=(
            invoice(
                1,
                position(1, 100_56, 100_56, 100_56),
                prepaid,
                registers=stated,
                open_cents={"lago": 5_56, "odoo": 5_50},
            ),
        ),
    )
    (everything,) = [t.sum for t in check_ties(data) if t.level == "all"]
    assert (everything.left_cents, everything.delta_cents, everything.settled_delta_cents) == (100_56, 0, 5_00)
    (register,) = by_currency(data)
    assert (register.left.gross_cents, register.settled.total_cents) == (100_56, 25_56)
    written = said(data)
    assert "prepaid credits 75.00 CAD, which leaves a total of 25.56 CAD; payments 20.00 CAD" in written
    assert "still open 5.56 CAD." in written
    assert "Open balances in Odoo of 1 invoice: 5.50 CAD against 5.56 CAD, difference -0.06 CAD." in written
    assert "What was settled differs as well: +5.00 CAD (Odoo less Lago)." in written
    assert "Odoo holds no open balances" in said(equal())


def test_what_one_side_bills_alone_is_counted() -> None:
    sides = {"lago": sample_view(700), "odoo": sample_view(0)}
    alone = invoice(1, position(1, 700, 0, 0, status="only_left", sides=sides))
    (register,) = by_currency(replace(equal(), invoices=(alone,)))
    assert (register.left.alone, register.left.alone_cents, register.right.alone) == (1, 700, 0)


def sample_view(cents: int) -> object:
    return replace(position(1, 0, 0, 0).sides["lago"], cents=cents, lines=int(bool(cents)))


def test_a_header_that_its_positions_contradict_is_a_bug() -> None:
    wrong = {"lago": RegisterView(net_cents=1, tax_cents=0, gross_cents=1)}
    with pytest.raises(TieOutBroken, match="positions of lago add up to 100, its header to 1"):
        check_registers(replace(equal(), invoices=(invoice(1, position(1, 100, 100, 100), registers=wrong),)))


def test_every_output_states_the_same_totals(tmp_path: Path) -> None:
    data = sample()
    cad = next(r for r in by_currency(data) if r.currency == "CAD")
    gross = cad.left.gross_cents
    assert gross == sum(i.registers["lago"].gross_cents for i in claims(data, "CAD"))
    shown = Texts().money(gross, "CAD")
    for render in (text.render, markdown.render, html.render):
        assert shown.replace("\xa0", " ") in render(data).replace("\xa0", " ")
    document = json.document(data)
    assert next(t for t in document["totals"] if t["currency"] == "CAD")["left"]["gross_cents"] == gross
    csv.write_registers(data, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [r for r in stdlib_csv.DictReader(file) if r["currency"] == "CAD" and r["side"] == "Lago"]
    assert sum(Decimal(r["billed"]) for r in rows) * 100 == gross
    xlsx.write(data, tmp_path / "r.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True)["Summary"]
    written = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(n for n, row in enumerate(written) if row[0] == "Registers of both sides")
    assert {row[1]: row[2] for row in written[start + 1 :]}["CAD"] == gross / 100
