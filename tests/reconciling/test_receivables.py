"""What Lago is owed against Odoo's receivable accounts, and the invoices that are no claim: in every output."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import openpyxl
import pytest

from mappings.owed import due_cents
from mappings.records import Snapshot
from mappings.target import xid
from migrate.odoo.door import Door
from reconcile import dual_run as run
from reconcile.sides.migrated import balances_of
from reconcile.sides.odoo_receivables import receivables
from reports import csv as report_csv
from reports import html, markdown, stored, text, xlsx
from reports import json as report_json
from reports.data import ReceivableView, ReportData
from reports.texts import Texts
from tests.reconciling import planted
from tests.reconciling.fake_odoo import rerates
from tests.reconciling.planted import Base
from tests.reconciling.test_run import settings

VIEW = ReceivableView(
    currency="CAD",
    lago_cents=9_000_01,
    missing_cents=11_11,
    draft_cents=8_000_00,
    posted_cents=990_01,
    other_cents=77_70,
    account_cents=1_067_71,
)


@pytest.fixture(scope="module")
def data(snapshot: Snapshot) -> ReportData:
    control = run.dual_run(snapshot, settings(), odoo=None, rerate=rerates)
    return replace(control, receivables=(VIEW, replace(VIEW, currency="EUR", account_cents=1)))


@pytest.mark.parametrize("locale", ["en_CA", "fr_CA"])
def test_the_tie_is_in_every_text(data: ReportData, tmp_path: Path, locale: str) -> None:
    texts = Texts(locale)
    sound, broken = (f"{texts.money(cents, code)}." for cents, code in ((1_067_71, "CAD"), (1, "EUR")))
    word = texts("receivable.broken")
    html.write(data, tmp_path / "page.html", locale=locale)
    for shown in (
        text.render(data, locale),
        markdown.render(data, locale),
        (tmp_path / "page.html").read_text("utf-8"),
    ):
        plain = shown.replace("\\", "").replace("\xa0", " ")
        assert sound.replace("\xa0", " ") in plain
        assert f"{broken} {word}".replace("\xa0", " ") in plain, "of the currency whose accounts hold something else"
        assert f"{sound} {word}".replace("\xa0", " ") not in plain


def test_the_tie_is_in_every_table(data: ReportData, tmp_path: Path) -> None:
    document = report_json.document(data)
    jsonschema.validate(document, report_json.schema())
    assert document["receivables"][0]["account_cents"] == VIEW.account_cents
    (tmp_path / "r.json").write_text(json.dumps(document), encoding="utf-8")
    assert stored.read(tmp_path / "r.json").receivables == data.receivables
    report_csv.write_receivables(data, tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text("utf-8-sig").splitlines()))
    assert (rows[0]["lago"], rows[0]["delta"], rows[0]["account"]) == ("9000.01", "-10.00", "1067.71")
    xlsx.write(data, tmp_path / "r.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["Receivables"]
    assert [cell.value for cell in sheet[2]] == ["CAD", 9000.01, 11.11, 8000, 990.01, 0, -10, 77.7, 1067.71, 0]


def test_what_was_brought_is_what_lago_is_owed(base: Base, tmp_path: Path) -> None:
    """As drafts, before anything is posted: to the cent, in every currency."""
    with planted.copied(base, tmp_path / "copy") as company:
        door = Door(company.odoo)
        views = receivables(door, company.snapshot, balances_of(door))
    due: dict[str, int] = {}
    for invoice in base.snapshot.invoices:
        due[invoice.currency] = due.get(invoice.currency, 0) + due_cents(invoice)
    for note in base.snapshot.credit_notes:
        due[note.currency] -= note.balance_amount_cents if note.credit_status == "available" else 0
    assert {v.currency: v.lago_cents + v.missing_cents for v in views} == {
        c: cents for c, cents in due.items() if cents
    }
    assert [(v.delta_cents, v.posted_cents, v.account_cents, v.ties) for v in views] == [(0, 0, 0, True)] * len(views)
    assert sum(v.lago_cents for v in views)


def test_of_a_cohort_its_own_balances_and_documents_count(base: Base, tmp_path: Path) -> None:
    """What somebody changed of another customer's balance is that one's, and so is what stands in its name."""
    with planted.copied(base, tmp_path / "copy") as company:
        door = Door(company.odoo)
        owing = [i for i in base.snapshot.invoices if i.customer and due_cents(i) > 0]
        mine = owing[0]
        other = next(i for i in owing if i.customer != mine.customer and i.currency == mine.currency)
        assert mine.customer
        cohort = frozenset({mine.customer.external_id})
        before = {view.currency: view for view in receivables(door, company.snapshot, balances_of(door), cohort)}
        name = xid("invoice", other.lago_id).removeprefix("lago.")
        (row,) = company.rows("ir.model.data", [["module", "=", "lago"], ["name", "=", name]], "res_id")
        company.odoo.call("account.move", "action_post", [row["res_id"]])
        (line, *_) = company.rows("account.move.line", [["move_id", "=", row["res_id"]]], "id")
        company.odoo.call("account.move", "button_draft", [row["res_id"]])
        company.odoo.call("account.move.line", "write", [line["id"]], vals={"quantity": 3.0})
        company.odoo.call("account.move", "action_post", [row["res_id"]])
        after = {view.currency: view for view in receivables(door, company.snapshot, balances_of(door), cohort)}
        of_all = {view.currency: view for view in receivables(door, company.snapshot, balances_of(door))}
    assert after == before
    assert (before[mine.currency].delta_cents, before[mine.currency].ties) == (0, True)
    assert 0 < before[mine.currency].lago_cents < of_all[mine.currency].lago_cents
    assert of_all[mine.currency].delta_cents


@pytest.mark.parametrize(("state", "words"), [("failed", "1 failed invoice"), ("pending", "1 pending invoice")])
def test_an_invoice_that_lago_has_not_finished_is_named_with_its_money(
    snapshot: Snapshot, state: str, words: str
) -> None:
    """In no total, and yet not missing: it is said how many there are, and how much they state."""
    july = [i for i in snapshot.invoices if i.issuing_date.strftime("%Y-%m") == "2026-07" and i.status == "finalized"]
    chosen = max(july, key=lambda i: i.total_amount_cents)
    changed = tuple(replace(i, status=state) if i is chosen else i for i in snapshot.invoices)
    data = run.dual_run(replace(snapshot, invoices=changed), settings(), odoo=None, rerate=rerates)
    shown = text.render(data).replace("\xa0", " ")
    money = Texts().money(chosen.sub_total_including_taxes_amount_cents, chosen.currency).replace("\xa0", " ")
    assert f"{words} ({money})" in shown


def test_a_state_that_nobody_knows_is_named_as_it_is(snapshot: Snapshot) -> None:
    first = next(i for i in snapshot.invoices if i.issuing_date.strftime("%Y-%m") == "2026-07")
    changed = tuple(replace(i, status="frozen") if i is first else i for i in snapshot.invoices)
    data = run.dual_run(replace(snapshot, invoices=changed), settings(), odoo=None, rerate=rerates)
    assert "1 × frozen (" in text.render(data)
