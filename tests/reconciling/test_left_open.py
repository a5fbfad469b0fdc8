"""Open balances in Odoo of which Lago is owed nothing any more, less, or more: settled in Lago, or edited in Odoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mappings.owed import due_cents
from mappings.records import CreditNote, Invoice, Snapshot
from mappings.target import xid
from reconcile.sides.left_open import _documents, _more_cents
from reconcile.sides.odoo_balances import _balance
from reports import text
from reports.data import ReportData
from reports.registers import by_month
from reports.verdict import State, judge
from tests.faults import PRO, STARTER, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

MONTH = "2026-03"


def paid(invoice: Invoice) -> Invoice:
    total = invoice.total_amount_cents
    return replace(invoice, payment_status="succeeded", total_paid_amount_cents=total, total_due_amount_cents=0)


def voided(invoice: Invoice) -> Invoice:
    return replace(invoice, status="voided")


def paid_in_part(invoice: Invoice) -> Invoice:
    return replace(
        invoice,
        total_paid_amount_cents=invoice.total_paid_amount_cents + 10_00,
        total_due_amount_cents=(invoice.total_due_amount_cents or 0) - 10_00,
    )


def balance(company: Company, name: str) -> int:
    named = [["module", "=", "lago"], ["name", "=", name]]
    return int(company.rows("ir.model.data", named, "res_id")[0]["res_id"])


def post(company: Company, name: str) -> None:
    company.odoo.call("account.move", "action_post", [balance(company, name)])


def seen(company: Company, snapshot: Snapshot, month: str, customer: str = STARTER) -> ReportData:
    fault = Fault(
        name="", side="odoo", causes=frozenset(), customers=(customer,), plant=lambda company: None, month=month
    )
    codes = planted.codes_of(company.odoo, company.snapshot)
    return planted.reconciled(replace(company, snapshot=snapshot), fault, codes)


def findings(data: ReportData) -> set[tuple[str, str, int, bool, str]]:
    return {
        (f.cause, f.side, f.delta_cents, f.proven, f.remedy.name if f.remedy else "")
        for invoice in data.invoices
        for position in invoice.positions
        for f in position.findings
    }


def still_open(data: ReportData) -> list[tuple[int | None, int | None]]:
    return [(i.open_cents.get("lago"), i.open_cents.get("odoo")) for i in data.invoices]


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize(
    ("settle", "cause", "draft_remedy"),
    [
        (paid, "settlement_missing", "drop_balance"),
        (voided, "balance_wrong", "drop_balance"),
        (paid_in_part, "settlement_missing", "mend_field"),
    ],
)
def test_what_lago_is_owed_no_more_and_odoo_still_has_open(
    base: Base,
    tmp_path: Path,
    settle: Callable[[Invoice], Invoice],
    cause: str,
    draft_remedy: str,
    posted: bool,
) -> None:
    with planted.copied(base, tmp_path / "copy") as company:
        before = company.invoice(STARTER, MONTH)
        after = settle(before)
        if posted:
            post(company, f"invoice_{before.lago_id}")
        invoices = tuple(after if i is before else i for i in base.snapshot.invoices)
        sound = seen(company, base.snapshot, MONTH)
        data = seen(company, replace(base.snapshot, invoices=invoices), MONTH)
    due = before.total_due_amount_cents or 0
    left = due - 10_00 if settle is paid_in_part else 0
    assert due > 10_00
    assert not findings(sound)
    assert still_open(sound) == [(due, due)], "a posted one is counted, too"
    remedy = "settle_posted" if posted else draft_remedy
    assert findings(data) == {(cause, "odoo", due - left, True, remedy)}
    assert still_open(data) == [(left, due)]
    assert judge(data).state is State.TO_ACT
    (march,) = by_month(data)
    if settle is not voided:  # what is voided is no claim, and in no sum of claims
        assert (march.settled.tied_left_cents, march.settled.tied_right_cents) == (left, due)
    text.render(data)


@pytest.mark.parametrize(("gone", "cause"), [(False, "balance_wrong"), (True, "balance_missing")])
def test_what_is_open_of_an_invoice_whose_total_is_not_the_re_rates(
    base: Base, tmp_path: Path, gone: bool, cause: str
) -> None:
    """Somebody raised a fee in Lago: what it is owed is what it says, whatever it should have billed."""
    with planted.copied(base, tmp_path / "copy") as company:
        before = company.invoice(STARTER, MONTH)
        if gone:
            company.unlink("account.move", [["id", "=", balance(company, f"invoice_{before.lago_id}")]])
        invoices = tuple(raised(i) if i is before else i for i in base.snapshot.invoices)
        data = seen(company, replace(base.snapshot, invoices=invoices), MONTH)
    due, owed = before.total_due_amount_cents or 0, due_cents(raised(before))
    in_odoo = 0 if gone else due
    (told,) = [f for i in data.invoices for p in i.positions for f in p.findings if f.cause.startswith("balance")]
    assert (told.cause, told.side, told.delta_cents, told.proven) == (cause, "odoo", in_odoo - owed, True)
    assert still_open(data) == [(owed, in_odoo)]
    assert told.evidence[0].values == ({"cents": owed} if gone else {"lago_cents": owed, "odoo_cents": due})
    assert told.remedy
    if not gone:
        assert told.remedy.name == "mend_field"
        assert told.remedy.values["lago"] == f"{owed / 100:.2f}"


def raised(invoice: Invoice) -> Invoice:
    """By 7.00 on one of its fees, without more tax; its header follows."""
    fee = next(fee for fee in invoice.fees if fee.amount_cents)
    dearer = replace(fee, amount_cents=fee.amount_cents + 7_00)
    fees = tuple(dearer if each is fee else each for each in invoice.fees)
    names = ("fees_amount_cents", "sub_total_excluding_taxes_amount_cents", "sub_total_including_taxes_amount_cents")
    names = (*names, "total_amount_cents", "total_due_amount_cents")
    return replace(invoice, fees=fees, **{name: (getattr(invoice, name) or 0) + 7_00 for name in names})


def test_a_posted_balance_that_was_paid_in_odoo_is_no_difference(base: Base) -> None:
    """As Odoo tells one: its total stays, what is left of it goes down. The matrix pays one on a real Odoo."""
    invoice = next(i for i in base.snapshot.invoices if due_cents(i) > 1_00)
    document, due = _documents(base.snapshot)[xid("invoice", invoice.lago_id)], due_cents(invoice)
    row = {"state": "posted", "currency_id": [1, invoice.currency], "partner_id": [1, "x"]}
    paid_there = {**row, "amount_total": due / 100, "amount_residual": 1.0}
    lowered = {**row, "amount_total": 1.0, "amount_residual": 1.0}
    assert [_more_cents(moved, document) for moved in (paid_there, lowered)] == [0, 1_00 - due]
    assert [_balance(moved, invoice).cents for moved in (paid_there, lowered)] == [None, None]


def test_a_posted_balance_of_less_than_lago_is_owed(base: Base, tmp_path: Path) -> None:
    """Of an invoice that is compared otherwise: what Odoo says is open of it may have been paid there."""
    with planted.copied(base, tmp_path / "copy") as company:
        invoice = company.invoice(STARTER, MONTH)
        lines = [["move_id", "=", balance(company, f"invoice_{invoice.lago_id}")], ["display_type", "=", "product"]]
        company.write("account.move.line", lines, price_unit=1.0)
        post(company, f"invoice_{invoice.lago_id}")
        data = seen(company, base.snapshot, MONTH)
    due = invoice.total_due_amount_cents or 0
    assert findings(data) == {("lacking_balance", "odoo", 1_00 - due, True, "raise_balance")}


def test_what_the_bank_took_back_is_finances_to_decide(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "copy") as company:
        before = company.invoice(STARTER, MONTH)
        after = replace(paid(before), payment_dispute_lost_at=base.snapshot.taken_at)
        invoices = tuple(after if i is before else i for i in base.snapshot.invoices)
        assert not findings(seen(company, replace(base.snapshot, invoices=invoices), MONTH))


def brought(company: Company, name: str, units: float, kind: str) -> int:
    """An open balance as the migration brings it."""
    (invoice,) = company.rows("account.move", [["id", "=", balance(company, first_of(company))]])
    (usual,) = company.rows("account.move.line", [["move_id", "=", invoice["id"]], ["display_type", "=", "product"]])
    line = {"name": "Left of it", "quantity": 1, "price_unit": units, "tax_ids": [[6, 0, []]]}
    line["account_id"] = usual["account_id"][0]
    vals = {"move_type": kind, "partner_id": invoice["partner_id"][0], "currency_id": invoice["currency_id"][0]}
    vals |= {"journal_id": invoice["journal_id"][0], "invoice_date": "2026-03-20", "invoice_line_ids": [[0, 0, line]]}
    (made,) = company.odoo.call("account.move", "create", vals_list=[vals])
    named = {"module": "lago", "model": "account.move", "name": name, "res_id": made}
    company.odoo.call("ir.model.data", "create", vals_list=[named])
    return int(made)


def first_of(company: Company) -> str:
    return f"invoice_{company.invoice(STARTER, MONTH).lago_id}"


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize(
    ("status", "left", "told"),
    [("available", 25_00, None), ("consumed", 0, -25_00), ("voided", 25_00, -25_00), ("available", 1, -24_99)],
)
def test_a_credit_note_that_was_used_since(
    base: Base, tmp_path: Path, status: str, left: int, told: int | None, posted: bool
) -> None:
    with planted.copied(base, tmp_path / "copy") as company:
        invoice = company.invoice(STARTER, MONTH)
        note = note_of(invoice, status, left)
        snapshot = replace(base.snapshot, credit_notes=(note,))
        brought(company, "credit_note_note", 25.0, "out_refund")
        if posted:
            post(company, "credit_note_note")
        april, data = (seen(company, snapshot, month) for month in ("2026-04", MONTH))
    assert not findings(april)
    assert findings(data) == ({("extra_balance", "odoo", told, True, "renew_balance")} if told else set())
    if told:
        assert judge(data).state is State.TO_ACT
        assert "NX-CN1" in text.render(data)


@pytest.mark.parametrize("posted", [False, True])
def test_documents_in_another_currency_are_told_in_both(base: Base, tmp_path: Path, posted: bool) -> None:
    """A credit note's two sums are never one; a one-off is refused by name, as every invoice is."""
    with planted.copied(base, tmp_path / "copy") as company:
        snapshot = with_documents(base.snapshot, company.invoice(STARTER, MONTH))
        usd = company.rows("res.currency", [["name", "=", "USD"]], "id")[0]["id"]
        for name, kind in (("invoice_lone", "out_invoice"), ("credit_note_note", "out_refund")):
            move = brought(company, name, 25.0, kind)
            company.write("account.move", [["id", "=", move]], currency_id=usd)
            if posted:
                post(company, name)
        data = seen(company, snapshot, MONTH)
    told = {(i.currency, f.cause, f.delta_cents) for i in data.invoices for p in i.positions for f in p.findings}
    assert told == {("USD", "extra_balance", -25_00), ("CAD", "lacking_balance", 25_00)}
    refused = [(i.number, r.reason) for i in data.invoices for r in i.refusals]
    assert ("NX-LONE", "balance_currency") in refused
    assert judge(data).state is State.TO_ACT
    text.render(data)


@pytest.mark.parametrize(("settle", "told"), [(lambda i: i, None), (paid, 25_00), (voided, 25_00)])
def test_an_invoice_that_no_subscription_bills(
    base: Base, tmp_path: Path, settle: Callable[[Invoice], Invoice], told: int | None
) -> None:
    """A one-off is compared with nothing of Odoo's: its open balance is what only Odoo has."""
    with planted.copied(base, tmp_path / "copy") as company:
        lone = replace(
            company.invoice(STARTER, MONTH),
            lago_id="lone",
            number="NX-LONE",
            invoice_type="one_off",
            total_amount_cents=25_00,
            total_due_amount_cents=25_00,
            fees=(),
            billing_periods=(),
            subscriptions=(),
        )
        brought(company, "invoice_lone", 25.0, "out_invoice")
        data = seen(company, replace(base.snapshot, invoices=(*base.snapshot.invoices, settle(lone))), MONTH)
    assert findings(data) == ({("extra_balance", "odoo", told, True, "renew_balance")} if told else set())


def test_an_invoice_that_only_names_what_it_bills_is_watched_too(base: Base, tmp_path: Path) -> None:
    """Lago's answer without a customer: its open balance is brought all the same."""
    with planted.copied(base, tmp_path / "copy") as company:
        before = company.invoice(STARTER, MONTH)
        after = replace(paid(before), customer=None)
        invoices = tuple(after if i is before else i for i in base.snapshot.invoices)
        documents = _documents(replace(base.snapshot, invoices=invoices))
    told = documents[xid("invoice", before.lago_id)]
    assert (told.customer, told.left_cents) == (STARTER, 0)


def test_a_document_of_which_less_is_open_in_odoo(base: Base, tmp_path: Path) -> None:
    """A credit note and a one-off: nothing else compares what is open of them."""
    with planted.copied(base, tmp_path / "copy") as company:
        snapshot = with_documents(base.snapshot, company.invoice(STARTER, MONTH))
        brought(company, "invoice_lone", 20.0, "out_invoice")
        brought(company, "credit_note_note", 15.0, "out_refund")
        april, data = (seen(company, snapshot, month) for month in ("2026-04", MONTH))
        post(company, "invoice_lone")
        posted = seen(company, snapshot, MONTH)
    told = {("lacking_balance", "odoo", cents, True, "raise_balance") for cents in (-5_00, 10_00)}
    assert not findings(april)
    assert findings(data) == told
    assert findings(posted) == told, "the entry itself is of less than Lago is owed"
    assert judge(data).state is State.TO_ACT
    shown = text.render(data)
    assert "Open balance too low in Odoo" in shown
    assert "one unit at 25.00 CAD" in shown


def test_a_document_whose_draft_is_gone(base: Base, tmp_path: Path) -> None:
    """Unless the migration left it out by name."""
    with planted.copied(base, tmp_path / "copy") as company:
        snapshot = with_documents(base.snapshot, company.invoice(STARTER, MONTH))
        data = seen(company, snapshot, MONTH)
        left_out = seen(replace(company, unmapped={"lone": "self_billed_invoice"}), snapshot, MONTH)
        pro = seen(company, snapshot, MONTH, PRO)
    of_note = ("lacking_balance", "odoo", 25_00, True, "raise_balance")
    assert findings(data) == {of_note, ("lacking_balance", "odoo", -25_00, True, "raise_balance")}
    assert findings(left_out) == {of_note}
    assert not findings(pro)


def note_of(invoice: Invoice, status: str, left: int) -> CreditNote:
    """A credit of 25.00, given on the invoice."""
    return CreditNote(
        lago_id="note",
        number="NX-CN1",
        lago_invoice_id=invoice.lago_id,
        currency=invoice.currency,
        issuing_date=date(2026, 3, 20),
        total_amount_cents=25_00,
        taxes_amount_cents=0,
        credit_amount_cents=25_00,
        refund_amount_cents=0,
        balance_amount_cents=left,
        created_at=datetime(2026, 3, 20, tzinfo=UTC),
        credit_status=status,
    )


def with_documents(snapshot: Snapshot, invoice: Invoice) -> Snapshot:
    """A one-off and a credit note of the invoice's customer, of 25.00 each."""
    empty = {"fees": (), "billing_periods": (), "subscriptions": ()}
    due = {"total_amount_cents": 25_00, "total_due_amount_cents": 25_00, "total_paid_amount_cents": 0}
    lone = replace(invoice, lago_id="lone", number="NX-LONE", invoice_type="one_off", **due, **empty)
    note = note_of(invoice, "available", 25_00)
    return replace(snapshot, invoices=(*snapshot.invoices, lone), credit_notes=(note,))
