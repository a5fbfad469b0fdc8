"""What the credit notes of an invoice give back together, against what was billed, paid, and each fee's amount."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.headers import given_back_contradictions
from mappings.records import CreditNote, CreditNoteItem, Invoice
from mappings.target import Skipped
from reconcile.sides.unread import set_apart
from tests.mapping.build import credit_note, customer, invoice, mapped, of, snapshot
from tests.mapping.test_headers import fee
from tests.vectors_support.load import area_files, cases

LIVES = area_files(Path(__file__).parents[1] / "data" / "timelines")
PAID = {"payment_status": "succeeded", "total_paid_amount_cents": 12100, "total_due_amount_cents": 0}
BILL = invoice(**PAID)
WITH_COUPONS = {  # 150.00 less coupons of 20.00 and a progressive credit of 30.00, taxes of 21.00; 50.00 are prepaid
    "fees_amount_cents": 15000, "coupons_amount_cents": 2000, "progressive_billing_credit_amount_cents": 3000,
    "sub_total_excluding_taxes_amount_cents": 10000, "taxes_amount_cents": 2100,
    "prepaid_credit_amount_cents": 5000, "total_amount_cents": 7100, "total_paid_amount_cents": 7100,
}  # fmt: skip


def gives(lago_id: str, cents: int, **more: Any) -> CreditNote:
    """A note of credit alone, all of it left."""
    parts = {"total_amount_cents": cents, "credit_amount_cents": cents, "balance_amount_cents": cents}
    return credit_note(lago_id, **{**parts, "customer": customer(), **more})


def refunds(lago_id: str, cents: int, **more: Any) -> CreditNote:
    parts = {"credit_amount_cents": 0, "balance_amount_cents": 0, "refund_amount_cents": cents}
    return gives(lago_id, cents, **{**parts, "credit_status": None, "refund_status": "succeeded", **more})


def item(cents: int, of_fee: str) -> CreditNoteItem:
    billed = replace(fee(), lago_id=of_fee)
    return CreditNoteItem(lago_id=f"i{cents}", amount_cents=cents, amount_currency="EUR", fee=billed)


def against(bill: Invoice, *notes: CreditNote) -> str:
    return " | ".join(told for _, told in given_back_contradictions(bill, notes))


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ((gives("n1", 12100),), ""),
        ((gives("n1", 12102),), ""),  # rounded apart
        ((gives("n1", 24200),), "(BOOT-n1-CN) give back 242.00 EUR in all, and 121.00 EUR with taxes are billed"),
        ((gives("n1", 6050), gives("n2", 6050)), ""),
        ((gives("n1", 8000), gives("n2", 8000)), "(BOOT-n1-CN, BOOT-n2-CN) give back 160.00 EUR in all"),
        ((gives("n1", 8000, credit_status="consumed", balance_amount_cents=0), gives("n2", 8000)), "160.00 EUR in all"),
        ((gives("n1", 8000, credit_status="voided", balance_amount_cents=0), gives("n2", 8000)), ""),
        ((refunds("n1", 8000, credit_status="voided"), gives("n2", 8000)), "160.00 EUR in all"),  # paid out by then
        ((refunds("n1", 8000, credit_status="voided", refund_status="failed"), gives("n2", 8000)), ""),
        ((gives("n1", 8000), refunds("n2", 8000)), "160.00 EUR in all"),
        ((gives("n1", 8000), gives("n2", 8000, currency="USD")), ""),  # told as that
    ],
)  # fmt: skip
def test_all_notes_of_an_invoice_give_back_no_more_than_was_billed(notes: tuple[CreditNote, ...], said: str) -> None:
    told = against(BILL, *notes)
    assert said in told
    assert bool(told) is bool(said)


def test_what_was_taken_off_is_not_given_back_and_what_paid_it_is() -> None:
    """Coupons and progressive bills are no claim; prepaid credits and older notes have settled one."""
    bill = invoice(**PAID | WITH_COUPONS)
    assert not against(bill, gives("n1", 12100))
    assert "121.00 EUR with taxes" in against(bill, gives("n1", 15000))
    assert not against(invoice(**PAID, credit_notes_amount_cents=12100, total_amount_cents=0), gives("n1", 12100))


@pytest.mark.parametrize(
    ("paid", "said"),
    [
        (PAID, ""),
        ({"payment_status": "succeeded"}, ""),  # marked as paid: no amount is written down
        ({"total_paid_amount_cents": 7000}, ""),
        ({"total_paid_amount_cents": 6000}, "refund 70.00 EUR in all, and 60.00 EUR of it are paid"),
        ({}, "refund 70.00 EUR in all, and 0.00 EUR of it are paid"),
    ],
)
def test_no_more_is_paid_out_than_was_paid(paid: dict[str, Any], said: str) -> None:
    told = against(invoice(**paid), refunds("n1", 3500), refunds("n2", 3500))
    assert said in told
    assert bool(told) is bool(said)


def test_no_fee_is_given_back_twice() -> None:
    """The notes of other fees stay out of it, and what is voided."""
    billed = tuple(replace(fee(), lago_id=name, amount_cents=cents) for name, cents in (("f1", 10000), ("f2", 2100)))
    bill = invoice(**PAID, fees=billed)
    notes = (
        gives("n1", 2000, items=(item(2000, "f2"),)),
        gives("n2", 2000, items=(item(2000, "f2"),)),
        gives("n3", 2000, items=(item(2000, "f1"),)),
    )
    ((named, told),) = given_back_contradictions(bill, notes)
    assert [note.lago_id for note in named] == ["n1", "n2"]
    assert "give back 40.00 EUR of its fee f2, which is 21.00 EUR" in told
    assert not against(bill, replace(notes[0], credit_status="voided"), *notes[1:])


def test_no_balance_of_them_is_moved_and_their_months_are_refused() -> None:
    """Nor is what is due of their invoice: which of both is wrong, nobody knows."""
    other = gives("n3", 500, lago_invoice_id="i2")
    notes = (gives("n1", 8000), gives("n2", 8000, issuing_date=BILL.issuing_date.replace(month=9)), other)
    for bill, invoices in ((BILL, 0), (invoice(), 1)):
        snap = snapshot(invoices=(bill, invoice("i2", **PAID)), credit_notes=notes)
        items = mapped(snap)
        left_out = [i for i in items if isinstance(i, Skipped) and i.reason == "open_amount_contradicts"]
        assert len(left_out) == 2 + invoices
        assert all("give back 160.00 EUR in all" in skipped.detail for skipped in left_out)
        assert [move.xid for move in of(items, "account.move")] == ["lago.credit_note_n3"]
        for period, number in (("2026-08", "BOOT-n1-CN"), ("2026-09", "BOOT-n2-CN")):
            assert [refused.number for refused in set_apart(snap, (), period, None)[1]] == [number]


@pytest.mark.parametrize(("offset", "fits"), [(5100, True), (5102, True), (5103, False)])
def test_what_is_offset_and_paid_is_part_of_the_total(offset: int, fits: bool) -> None:
    paid = {"total_paid_amount_cents": 7000, "total_due_amount_cents": 5100 - offset, "payment_status": "pending"}
    bill = invoice(**paid, total_offsetted_credit_note_amount_cents=offset)
    told = [i for i in mapped(snapshot(invoices=(bill,))) if isinstance(i, Skipped)]
    assert bool(told) is not fits, told


def test_the_notes_of_a_running_lago_give_back_what_they_can() -> None:
    seen = 0
    for path in LIVES.values():
        for case in cases(path):
            shown = case["expected"]
            for number, raw in enumerate(shown.get("invoices", ()) if shown.get("credit_notes") else ()):
                names = ("status", "payment_status", "total_amount_cents", "sub_total_including_taxes_amount_cents")
                notes = [
                    credit_note(str(at), **{name: raw_note[name] for name in AMOUNTS})
                    for at, raw_note in enumerate(shown["credit_notes"])
                    if raw_note["invoice"] == number
                ]
                seen += len(notes)
                bill = invoice(**{name: raw[name] for name in names})
                assert not against(bill, *notes), (path, case)
    assert seen > 50


AMOUNTS = ("credit_status", "refund_status", "total_amount_cents", "credit_amount_cents", "refund_amount_cents")
AMOUNTS += ("offset_amount_cents", "balance_amount_cents")
