"""The amounts that an invoice states about itself, held against each other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.headers import (
    header_contradictions,
    hidden_contradictions,
    note_contradictions,
    open_contradictions,
)
from mappings.records import Fee, FeeItem
from reconcile.sides.lago import lago_invoices
from tests.mapping.build import at, credit_note, customer, invoice, mapped, skips, snapshot
from tests.vectors_support.load import area_files, cases

FILES = area_files(Path(__file__).parents[1] / "data" / "timelines")
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


OLD = {  # fees 100.00, taxes of 10.00 on all of them, then coupons of 20.00, a note of 5.00 and 2.00 prepaid come off
    "fees_amount_cents": 10000,
    "coupons_amount_cents": 2000,
    "sub_total_excluding_taxes_amount_cents": 10000,
    "taxes_amount_cents": 1000,
    "sub_total_including_taxes_amount_cents": 11000,
    "credit_notes_amount_cents": 500,
    "prepaid_credit_amount_cents": 200,
    "total_amount_cents": 8300,
}


@pytest.mark.parametrize("version", [1, 2])
def test_invoices_of_versions_1_and_2_take_coupons_off_after_taxes(version: int) -> None:
    """Held by each amount, as those of today are."""
    assert not list(header_contradictions(invoice(**OLD, version_number=version)))
    for name, value in OLD.items():
        told = list(header_contradictions(invoice(**OLD | {name: value + 1}, version_number=version)))
        assert told, name
        assert all(" EUR, and " in text and " make " in text for text in told)
    assert list(header_contradictions(invoice(**OLD, version_number=3)))
    assert list(header_contradictions(invoice(**SETTLED, version_number=version)))


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_without_coupons_all_versions_add_up_alike(version: int) -> None:
    plain = SETTLED | {"coupons_amount_cents": 0, "sub_total_excluding_taxes_amount_cents": 9000}
    plain |= {"sub_total_including_taxes_amount_cents": 9700, "total_amount_cents": 9000}
    assert not list(header_contradictions(invoice(**plain, version_number=version)))
    assert list(header_contradictions(invoice(**plain | {"total_amount_cents": 9001}, version_number=version)))


@pytest.mark.parametrize(
    ("version", "coupons", "refused"), [(2, 2000, True), (1, 2000, True), (2, 0, False), (3, 2000, False)]
)
def test_what_the_re_rate_cannot_add_up_is_refused_and_nobody_is_blamed(
    version: int, coupons: int, refused: bool
) -> None:
    old = invoice(**OLD | {"coupons_amount_cents": coupons}, version_number=version)
    (billed,) = lago_invoices(snapshot(invoices=(old,)))
    assert ("old_invoice_version" in {refusal.reason for refusal in billed.refusals}) is refused
    assert billed.totals is None or not refused


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


def fee(**more: Any) -> Fee:
    given = {"amount_cents": 12100, "amount_currency": "EUR", "units": Decimal(1), "taxes_amount_cents": 0}
    made = {"taxes_rate": Decimal(0), "created_at": at("2026-08-01 00:10")}
    return Fee(lago_id="f1", item=FeeItem(type="subscription"), **given, **made, **more)


PAID = {"payment_status": "succeeded", "total_paid_amount_cents": 12100, "total_due_amount_cents": 0}
MARKED = {"payment_status": "succeeded"}  # by a person, in Lago: the amounts stay


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ({}, ""), ({"payment_status": "failed", "payment_overdue": True}, ""), (PAID, ""), (MARKED, ""),
        ({**MARKED, "cents": 0, "payment_overdue": True}, ""),
        ({**MARKED, "payment_overdue": True}, "it is overdue, and nothing says how 121.00 EUR of it were paid"),
        ({**MARKED, "total_paid_amount_cents": 100, "total_due_amount_cents": 12000, "payment_overdue": True},
         "it is overdue, and nothing says how 120.00 EUR of it were paid"),
        ({**PAID, "payment_overdue": True}, ""),  # nothing is open of it, whichever is right
        ({**MARKED, "total_due_amount_cents": 100}, "its header says due 1.00 EUR"),
        ({**PAID, "total_due_amount_cents": 12100}, "its header says due 121.00 EUR"),
        ({**PAID, "payment_status": "pending"}, "is paid, and its payment status says pending"),
        ({**PAID, "payment_status": "failed"}, "is paid, and its payment status says failed"),
        ({"status": "voided"}, "it is voided, and its header says due 121.00 EUR"),
        ({"status": "voided", "total_due_amount_cents": 0}, ""),
        ({"status": "voided", "total_due_amount_cents": None}, ""),
        ({"status": "voided", **PAID}, ""),
        ({"status": "draft", "total_due_amount_cents": 1}, ""), ({"status": "failed", **MARKED}, ""),  # named as such
        ({"status": "pending", "total_due_amount_cents": 1}, ""),
    ],
)  # fmt: skip
def test_what_lago_cannot_say_of_one_invoice_at_once_is_told(amounts: dict[str, Any], said: str) -> None:
    bill = invoice(**amounts)
    told = list(open_contradictions(bill, ()))
    assert len(told) == bool(said), told
    assert said in "".join(told)
    named = {reason for _, reason in skips(mapped(snapshot(invoices=(bill,))))}
    assert ("open_amount_contradicts" in named) is bool(said)
    (billed,) = lago_invoices(snapshot(invoices=(bill,)))
    of_status = any("payment status says" in each for each in told)  # what is due says nothing of what was billed
    assert ("open_amount_contradicts" in {refusal.reason for refusal in billed.refusals}) is of_status


@pytest.mark.parametrize("status", ["pending", "failed", "succeeded", "refunded", None])
@pytest.mark.parametrize("more", [MARKED, PAID, {}, {**MARKED, "cents": 0}])
def test_fees_have_the_payment_status_of_their_invoice(more: dict[str, Any], status: str | None) -> None:
    """Lago gives it to them when it changes; an invoice of 0 is paid by itself, and its fees are not."""
    told = list(open_contradictions(invoice(**more, fees=(fee(payment_status=status),)), ()))
    assert bool(told) is (more is MARKED and status in ("pending", "failed"))


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({}, True), ({"balance_amount_cents": 900}, True), ({"balance_amount_cents": 901}, False),
        ({"balance_amount_cents": 0, "credit_status": "consumed"}, True), ({"credit_status": "consumed"}, False),
        ({"credit_status": "voided"}, True), ({"credit_status": "voided", "balance_amount_cents": 901}, True),
        ({"credit_status": None}, False), ({"credit_status": None, "balance_amount_cents": 0}, False),
        ({"balance_amount_cents": 0}, False),
    ],
)  # fmt: skip
def test_what_is_left_of_a_credit_note_is_part_of_what_it_gives(more: dict[str, Any], fits: bool) -> None:
    note = credit_note(customer=customer(), **more)
    assert (not list(note_contradictions(note))) is fits
    named = {reason for _, reason in skips(mapped(snapshot(credit_notes=(note,))))}
    assert ("open_amount_contradicts" in named) is not fits


NOTHING_CREDITED = {"credit_amount_cents": 0, "balance_amount_cents": 0}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"total_amount_cents": 901}, "its total is 9.01 EUR, and credit 9.00 EUR"),
        ({"credit_amount_cents": 90000}, "refund 0.00 EUR and offset 0.00 EUR make 900.00 EUR"),
        ({"offset_amount_cents": 100}, "make 10.00 EUR"),
        ({"total_amount_cents": 1000, "offset_amount_cents": 100}, ""),
        ({"refund_amount_cents": 100, "refund_status": "succeeded", "total_amount_cents": 1000}, ""),
        ({"refund_amount_cents": 100, "refund_status": "succeeded"}, "make 10.00 EUR"),
        ({"refund_amount_cents": 100, "total_amount_cents": 1000}, "it refunds 1.00 EUR, and no status says"),
        ({**NOTHING_CREDITED, "refund_amount_cents": 900}, "it refunds 9.00 EUR, and no status says"),
        ({**NOTHING_CREDITED, "credit_status": None, "offset_amount_cents": 900}, ""),
        ({**NOTHING_CREDITED, "offset_amount_cents": 900}, ""),  # Lago calls one that only offsets available
        ({**NOTHING_CREDITED, "refund_amount_cents": 900, "offset_amount_cents": 901}, ""),  # rounded, nothing is paid
        ({**NOTHING_CREDITED, "refund_amount_cents": 900, "offset_amount_cents": 902}, "make 18.02 EUR"),
        ({**NOTHING_CREDITED, "refund_amount_cents": 900, "offset_amount_cents": 901, "refund_status": "pending"},
         "make 18.01 EUR"),
    ],
)  # fmt: skip
def test_the_parts_of_a_credit_note_make_its_total_and_each_has_its_status(parts: dict[str, Any], said: str) -> None:
    note = credit_note(customer=customer(), **parts)
    told = list(note_contradictions(note))
    assert bool(told) is bool(said), told
    assert said in "; ".join(told)
    items = mapped(snapshot(credit_notes=(note,)))
    named = {reason for _, reason in skips(items)}
    assert ("open_amount_contradicts" in named) is bool(said)


def test_the_credit_notes_of_a_running_lago_contradict_nothing() -> None:
    notes = [raw for path in FILES.values() for case in cases(path) for raw in case["expected"].get("credit_notes", ())]
    shown = ("credit_status", "refund_status", "total_amount_cents", "credit_amount_cents", "refund_amount_cents")
    shown += ("offset_amount_cents", "balance_amount_cents")
    told = [[*note_contradictions(credit_note(**{name: raw[name] for name in shown}))] for raw in notes]
    assert len(told) > 50
    assert not [sentences for sentences in told if sentences]


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
