"""The amounts that an invoice states about itself, held against each other."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.headers import header_contradictions, hidden_contradictions, open_contradictions
from tests.mapping.build import credit_note, invoice

SETTLED = {  # fees 100.00, a progressive credit of 10.00, coupons of 20.00, taxes of 7.00, a note of 5.00, 2.00 prepaid
    "fees_amount_cents": 10000,
    "progressive_billing_credit_amount_cents": 1000,
    "coupons_amount_cents": 2000,
    "sub_total_excluding_taxes_amount_cents": 7000,
    "taxes_amount_cents": 700,
    "sub_total_including_taxes_amount_cents": 7700,
    "credit_notes_amount_cents": 500,
    "prepaid_credit_amount_cents": 200,
    "total_amount_cents": 7000,
    "total_due_amount_cents": 7000,
}


def test_all_that_lago_takes_off_is_taken_off() -> None:
    settled = invoice(**SETTLED)
    assert not [*header_contradictions(settled), *open_contradictions(settled, ())]


@pytest.mark.parametrize("name", [name for name in SETTLED if name != "total_due_amount_cents"])
def test_a_cent_more_anywhere_is_told_with_both_amounts(name: str) -> None:
    told = list(header_contradictions(invoice(**SETTLED | {name: SETTLED[name] + 1})))
    assert told
    assert all(" EUR, and " in text and " make " in text for text in told)


def test_a_failed_invoice_may_not_be_summed_up_yet() -> None:
    for status in ("failed", "pending"):
        assert not list(header_contradictions(invoice(status=status, total_amount_cents=1)))


def test_how_older_invoices_took_coupons_off_is_another_matter() -> None:
    old = {"version_number": 2, "coupons_amount_cents": 100, "total_amount_cents": 12000}
    assert not list(header_contradictions(invoice(**old)))
    assert list(header_contradictions(invoice(**old, taxes_amount_cents=1)))


@pytest.mark.parametrize(
    ("amounts", "offset", "fits"),
    [
        ({"total_due_amount_cents": None}, 0, True),
        ({"total_paid_amount_cents": 100, "total_due_amount_cents": 12000}, 0, True),
        ({"total_due_amount_cents": 12000}, 100, True),
        ({"total_due_amount_cents": 12000}, 0, False),
        ({"total_due_amount_cents": 12000, "total_offsetted_credit_note_amount_cents": 100}, 0, True),
        ({"total_due_amount_cents": 12000, "total_offsetted_credit_note_amount_cents": 0}, 100, False),
        ({"total_due_amount_cents": 12101}, 0, False),
        ({"total_paid_amount_cents": 12101, "total_due_amount_cents": -1}, 0, False),
        ({"payment_status": "succeeded", "total_due_amount_cents": 12100}, 100, True),
        ({"payment_status": "succeeded", "total_paid_amount_cents": 12101}, 0, False),
    ],
)
def test_what_is_due_is_what_nobody_paid_and_no_note_offset(amounts: dict[str, Any], offset: int, fits: bool) -> None:
    notes = [credit_note(offset_amount_cents=offset)] if offset else []
    assert (not list(open_contradictions(invoice(**amounts), notes))) is fits


@pytest.mark.parametrize(
    ("name", "by", "is_hidden"),
    [
        ("total_amount_cents", 1, True), ("sub_total_including_taxes_amount_cents", 1, True),
        ("taxes_amount_cents", 1, True), ("coupons_amount_cents", 0, False),
        ("sub_total_excluding_taxes_amount_cents", 1000, False),
    ],
)  # fmt: skip
def test_what_lines_and_sub_total_show_is_not_hidden(name: str, by: int, is_hidden: bool) -> None:
    changed = SETTLED | {name: SETTLED[name] + by}
    if name == "sub_total_excluding_taxes_amount_cents":  # with all that follows from it
        changed |= {n: SETTLED[n] + by for n in ("sub_total_including_taxes_amount_cents", "total_amount_cents")}
    assert bool(list(hidden_contradictions(invoice(**changed)))) is is_hidden
