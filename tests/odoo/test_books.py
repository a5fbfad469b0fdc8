"""A company's invoices, credit notes and payments in a real Odoo's books, to the cent: drafted, posted, settled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappings.money import from_subunits
from mappings.owed import due_cents
from migrate.lago.recording import bundled
from tests.odoo.command import lago2odoo
from tests.odoo.export import tables
from tests.recorded import snapshot_of_recording

pytestmark = pytest.mark.odoo

BOOKS = """
[books]
prepaid = "298000"
rounding = "423100"
received = "111313"
marked_as_paid = "111314"
[[income]]
match = "service:nexacloud"
account = "411230"
[[income]]
match = "service:nexadesk"
account = "411210"
[[income]]
match = "service:*"
account = "413320"
"""
KEPT = '[books]\nkeep = "ledger"\n'
WRITTEN = ("account_journal", "account_move", "account_move_line", "account_payment", "ir_model_data")
RATES = {"USD": 0.73, "EUR": 0.67, "JPY": 110.0}  # of the company's CAD


def command(database: Any) -> Callable[..., str]:
    file = database.folder / "tables.toml"
    file.write_text(BOOKS, encoding="utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        return lago2odoo(database, *arguments, code=code, tables='tables = "tables.toml"\n', more=KEPT)

    return run


def rows(odoo: Any, model: str, domain: list[Any], *names: str) -> list[dict[str, Any]]:
    return list(odoo.call(model, "search_read", domain=domain, fields=list(names)))


def give_rates(odoo: Any) -> None:
    for code, rate in RATES.items():
        (currency,) = odoo.call("res.currency", "search", domain=[["name", "=", code]])
        values = {"currency_id": currency, "name": "2026-01-01", "company_rate": rate}
        odoo.call("res.currency.rate", "create", vals_list=[values])


@pytest.mark.whole
def test_a_company_is_booked_to_the_cent_once_and_its_drafts_can_be_taken_back(database: Any, tmp_path: Path) -> None:
    odoo, ledger = database.connect(), command(database)
    snapshot, _ = snapshot_of_recording(bundled(), tmp_path / "events")
    ledger("extract", "--recording", str(bundled()))
    ledger("apply", "--phase", "catalog")
    ledger("apply", "--phase", "customers")

    refused = json.loads(ledger("ledger", "--period", "2026-08", "--dry-run", "--format", "json", code=1))
    assert {item["reason"] for item in refused["refused"]} >= {"books_no_rate"}
    give_rates(odoo)

    before = tables(database.name)
    drafted = json.loads(ledger("ledger", "--period", "2026-02", "--format", "json"))
    assert drafted["tie"]["ok"]
    assert drafted["written"][0]["books"]["create"] > 28
    assert {row["state"] for row in rows(odoo, "account.move", [["journal_id.code", "=", "LAGO"]], "state")} == {
        "draft"
    }
    json.loads(ledger("rollback", "--phase", "books", "--format", "json"))
    after = tables(database.name)
    assert [name for name in WRITTEN if after[name] != before[name]] == []

    booked = json.loads(ledger("ledger", "--post", "--format", "json"))
    assert (booked["tie"]["ok"], booked["wrong"], booked["failures"]) == (True, [], [])
    check_journal(odoo, snapshot)
    check_paid(odoo, snapshot)
    assert rows(odoo, "mail.mail", [], "id") == []

    posted = tables(database.name)
    again = json.loads(ledger("ledger", "--post", "--format", "json"))
    assert (again["calls"], again["taxes_set"], again["settled"], again["tie"]["ok"]) == (0, 0, 0, True)
    assert [name for name in WRITTEN if tables(database.name)[name] != posted[name]] == []

    kept = json.loads(ledger("rollback", "--phase", "books", "--format", "json", code=1))
    assert kept["deleted"] == 0
    assert all("is posted" in text for text in kept["refused"])
    assert tables(database.name)["account_move_line"] == posted["account_move_line"]


def check_journal(odoo: Any, snapshot: Any) -> None:
    """Odoo's own totals, by month and currency, against what Lago's invoices and notes say."""
    lago: Counter[tuple[str, str]] = Counter()
    for invoice in snapshot.invoices:
        if invoice.status in ("finalized", "voided"):
            cents = invoice.total_amount_cents + invoice.credit_notes_amount_cents
            lago[f"{invoice.issuing_date:%Y-%m}", invoice.currency] += cents
            if invoice.status == "voided":
                lago[f"{invoice.voided_at:%Y-%m}", invoice.currency] -= cents
    for note in snapshot.credit_notes:
        lago[f"{note.issuing_date:%Y-%m}", note.currency] -= note.total_amount_cents
    totals: Counter[tuple[str, str]] = Counter()
    names = ("invoice_date", "currency_id", "amount_total", "move_type", "state")
    for row in rows(odoo, "account.move", [["journal_id.code", "=", "LAGO"]], *names):
        assert row["state"] == "posted"
        sign, currency = (-1 if row["move_type"] == "out_refund" else 1), row["currency_id"][1]
        totals[row["invoice_date"][:7], currency] += sign * round(
            row["amount_total"] * (1 if currency == "JPY" else 100)
        )
    assert totals == lago


def check_paid(odoo: Any, snapshot: Any) -> None:
    """What is open of each invoice, and that the others are shown as paid; the disputed one waits for finance."""
    domain = [["journal_id.code", "=", "LAGO"], ["move_type", "=", "out_invoice"]]
    found = rows(odoo, "account.move", domain, "ref", "amount_residual", "payment_state")
    moves = {row["ref"]: row for row in found}
    for invoice in snapshot.invoices:
        row = moves.get(invoice.number)
        if row is None or invoice.payment_dispute_lost_at:
            continue
        assert row["amount_residual"] == pytest.approx(float(from_subunits(due_cents(invoice), invoice.currency)))
        assert (row["payment_state"] in ("not_paid", "partial")) is (due_cents(invoice) > 0), invoice.number
