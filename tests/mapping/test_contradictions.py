"""Credit that Lago tells in two ways: notes against their invoices, wallets and coupons against what they gave."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.coupon_uses import coupon_contradictions
from mappings.decode import DecodeError, decode
from mappings.quarantine import quarantined
from mappings.records import (
    AppliedCoupon,
    Credit,
    CreditedInvoice,
    CreditItem,
    CreditNoteItem,
    Snapshot,
    WalletTransaction,
)
from mappings.target import Skipped
from mappings.wallets import wallets
from tests.mapping.build import (
    at,
    coupon,
    credit_note,
    ctx,
    customer,
    held,
    invoice,
    mapped,
    of,
    one,
    reasons,
    skips,
    snapshot,
    wallet,
)
from tests.timelines.documents import with_documents
from tests.timelines.life import Life
from tests.vectors_support.load import area_files, cases

LIVES = area_files(Path(__file__).parents[1] / "data" / "timelines")
OTHERS = customer("c2")
PAID = {"payment_status": "succeeded", "total_paid_amount_cents": 12100, "total_due_amount_cents": 0}
BILL = invoice(**PAID)


def told(snap: Snapshot, reason: str) -> str:
    """What is said under a reason; empty for nothing."""
    found = [item.detail for item in mapped(snap) if isinstance(item, Skipped) and item.reason == reason]
    return " | ".join(found)


@pytest.mark.parametrize(
    ("note", "bill", "said"),
    [
        ({}, BILL, ""),
        ({"currency": "USD"}, BILL, "9.00 USD, of which 6.50 USD are left, and its invoice BOOT-i1 is in EUR"),
        ({"currency": "eur"}, BILL, ""),
        ({"currency": "USD"}, None, "6.50 USD are left, and its customer klant-c1 is in EUR"),
        ({"currency": "USD"}, invoice(**PAID, currency="USD"), ""),  # a customer has invoices in several currencies
        ({"customer": OTHERS}, BILL, "it is klant-c2's, with 6.50 EUR left, and its invoice BOOT-i1 is klant-c1's"),
        ({"customer": None}, BILL, ""),
    ],
)
def test_a_credit_note_has_the_currency_and_the_customer_of_its_invoice(
    note: dict[str, Any], bill: Any, said: str
) -> None:
    snap = snapshot(customers=(customer(), OTHERS), invoices=(bill,) if bill else ())
    snap = replace(snap, credit_notes=(credit_note(**{"customer": customer(), **note}),))
    detail = told(snap, "open_amount_contradicts")
    assert said in detail
    assert bool(detail) is bool(said)
    assert len(of(mapped(snap), "account.move")) == (0 if said else 1)


@pytest.mark.parametrize(
    ("left", "taken", "status", "said"),
    [
        (650, 250, "finalized", ""),
        (651, 250, "finalized", "invoices took 2.50 EUR of it, and 6.51 EUR are left"),
        (900, 250, "finalized", "and 9.00 EUR are left"),
        (900, 250, "voided", ""),
        (650, 0, "finalized", ""),  # by an invoice that Lago does not show
        (600, 250, "finalized", ""),
    ],
)
def test_no_more_is_left_of_a_credit_note_than_invoices_left_of_it(
    left: int, taken: int, status: str, said: str
) -> None:
    item = CreditItem(type="credit_note", lago_item_id="n1")
    took = Credit(lago_id="u1", amount_cents=taken, amount_currency="EUR", item=item)
    paid = replace(invoice("i2", **PAID, status=status), credits=(took,) if taken else ())
    note = credit_note(customer=customer(), balance_amount_cents=left)
    detail = told(snapshot(invoices=(BILL, paid), credit_notes=(note,)), "open_amount_contradicts")
    assert (said in detail, bool(detail)) == (True, bool(said))


def items(*cents: int) -> tuple[CreditNoteItem, ...]:
    return tuple(CreditNoteItem(lago_id=f"item{n}", amount_cents=c, amount_currency="EUR") for n, c in enumerate(cents))


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ({"items": items(900)}, ""),
        ({"items": items(500, 400), "sub_total_excluding_taxes_amount_cents": 900}, ""),
        ({"items": items(300, 300, 302), "sub_total_excluding_taxes_amount_cents": 900}, ""),  # each rounded by itself
        ({"items": items(400), "sub_total_excluding_taxes_amount_cents": 900},
         "its sub-total is 9.00 EUR, and items of 4.00 EUR make 4.00 EUR"),
        ({"items": items(400)}, "its total is 9.00 EUR, and items of 4.00 EUR and taxes of 0.00 EUR make 4.00 EUR"),
        ({"items": items(850), "coupons_adjustment_amount_cents": 100, "taxes_amount_cents": 150}, ""),
        ({"items": items(850), "sub_total_excluding_taxes_amount_cents": 850,
          "coupons_adjustment_amount_cents": 100, "taxes_amount_cents": 150},
         "its sub-total is 8.50 EUR, and items of 8.50 EUR less coupons of 1.00 EUR make 7.50 EUR"),
        ({"items": items(800), "sub_total_excluding_taxes_amount_cents": 800, "taxes_amount_cents": 10},
         "its total is 9.00 EUR, and a sub-total of 8.00 EUR and taxes of 0.10 EUR make 8.10 EUR"),
    ],
)  # fmt: skip
def test_the_items_of_a_credit_note_make_its_total(note: dict[str, Any], said: str) -> None:
    snap = snapshot(customers=(customer(),), invoices=(BILL,), credit_notes=(credit_note(customer=customer(), **note),))
    detail = told(snap, "open_amount_contradicts")
    assert said in detail
    assert bool(detail) is bool(said)
    assert len(of(mapped(snap), "account.move")) == (0 if said else 1)


@pytest.mark.parametrize("bill", [None, invoice(**PAID, self_billed=True)])
def test_credit_of_what_a_partner_bills_us_is_not_given_to_the_partner(bill: Any) -> None:
    note = credit_note(customer=customer(), self_billed=bill is None)
    snap = snapshot(invoices=(bill,) if bill else (), credit_notes=(note,))
    assert told(snap, "self_billed_invoice").startswith("6.50 EUR are left")
    assert of(mapped(snap), "account.move") == []
    used = replace(note, balance_amount_cents=0, credit_status="consumed")
    assert skips(mapped(replace(snap, credit_notes=(used,)))) == []


def moved(number: int) -> tuple[WalletTransaction, ...]:
    common: dict[str, Any] = {"lago_wallet_id": "w1", "status": "settled", "transaction_status": "invoiced"}
    common |= {"transaction_type": "outbound", "amount": Decimal(1), "credit_amount": Decimal(2)}
    when = at("2026-07-01 00:00")
    return tuple(WalletTransaction(lago_id=f"x{n}", created_at=when, **common) for n in range(number))


@pytest.mark.parametrize(
    ("more", "movements", "said"),
    [
        ({}, 0, ""),
        ({"balance_cents": 0}, 0, "its balance says 0.00 EUR, and its 40 credits of 0.5 EUR make 20.00 EUR"),
        ({"credits_balance": Decimal(0)}, 0, "its balance says 20.00 EUR, and its 0 credits of 0.5 EUR make 0.00 EUR"),
        ({"balance_cents": 2001}, 0, "make 20.00 EUR"),
        ({"balance_cents": 2001}, 1, "make 20.00 EUR"),
        ({"balance_cents": 2001}, 2, ""),  # two top-ups, each rounded by half a cent
        ({"rate_amount": Decimal("0.333"), "credits_balance": Decimal("60.06006")}, 0, ""),
        ({"rate_amount": Decimal(1)}, 9, "its balance says 20.00 EUR, and its 40 credits of 1 EUR make 40.00 EUR"),
        ({"currency": "JPY", "balance_cents": 20}, 0, ""),
        ({"currency": "KWD", "balance_cents": 20000}, 0, ""),
        ({"currency": "KWD"}, 0, "make 20.000 KWD"),
    ],
)
def test_a_wallets_credits_make_its_balance(more: dict[str, Any], movements: int, said: str) -> None:
    snap = snapshot(wallets=(wallet(**more),), wallet_transactions=moved(movements))
    detail = told(snap, "wallet_contradicts")
    assert said in detail
    assert bool(detail) is bool(said)
    assert len(of(mapped(snap), "loyalty.card")) == (0 if said else 1)


def test_the_coupons_and_wallets_of_a_running_lago_contradict_nothing() -> None:
    count = 0
    for case in (case for path in LIVES.values() for case in cases(path)):
        snap = with_documents(Life(case))
        assert coupon_contradictions(snap) == {}
        assert not {"wallet_contradicts", "wallet_terminated"} & reasons(wallets(ctx(snap)))
        count += len(snap.applied_coupons) + len(snap.wallets)
    assert count > 100


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "terminated in Lago with 20.00 EUR on it (40 credits)"),
        ({"balance_cents": 0}, "with 0.00 EUR on it (40 credits)"),
        ({"balance_cents": -5}, "with -0.05 EUR on it (40 credits)"),
        ({"balance_cents": 0, "credits_balance": Decimal("0.0")}, ""),
    ],
)
def test_what_is_left_on_a_wallet_that_was_terminated_is_told_and_not_moved(more: dict[str, Any], said: str) -> None:
    snap = snapshot(wallets=(wallet(status="terminated", **more),))
    detail = told(snap, "wallet_terminated")
    assert (said in detail, bool(detail)) == (True, bool(said))
    assert of(mapped(snap), "loyalty.card") == []


def use(lago_id: str = "u1", cents: int = 300, **more: Any) -> Credit:
    item = CreditItem(type="coupon", lago_item_id="k1", code="zomer")
    given = {"invoice": CreditedInvoice(lago_id="i1"), "item": item}
    return Credit(lago_id=lago_id, amount_cents=cents, amount_currency="EUR", **(given | more))


ONCE = {"frequency": "once", "amount_cents_remaining": 200, "credits": (use(),)}
REDUCED = replace(BILL, credits=(use(invoice=None),))


@pytest.mark.parametrize(
    ("applied", "bill", "said"),
    [
        (ONCE, REDUCED, ""),
        (ONCE | {"amount_cents_remaining": None}, REDUCED, ""),
        (ONCE | {"credits": ()}, REDUCED, "invoice BOOT-i1 took 3.00 EUR of it, which it does not list"),
        (ONCE | {"credits": (), "amount_cents_remaining": None}, REDUCED, "took 3.00 EUR of it"),
        (ONCE | {"credits": (use(invoice=None),)}, REDUCED, "it lists 3.00 EUR that no invoice took"),
        (ONCE | {"amount_cents_remaining": 500}, REDUCED,
         "5.00 EUR less 3.00 EUR that invoices took make 2.00 EUR, and it says that 5.00 EUR are left"),
        (ONCE | {"amount_cents_remaining": 500}, replace(REDUCED, status="voided"), ""),
        (ONCE, replace(REDUCED, status="voided"), "and it says that 2.00 EUR are left"),
        (ONCE | {"credits": (), "amount_cents_remaining": 500, "created_at": at("2026-08-02 00:00")}, REDUCED, ""),
        ({"frequency": "recurring", "frequency_duration": 3}, REDUCED, "took 3.00 EUR of it"),
        ({}, REDUCED, "took 3.00 EUR of it, which it does not list: its orders have it all the same"),
        ({}, replace(REDUCED, credits=(use(item=CreditItem(type="coupon", lago_item_id="k2")),)), ""),
        ({}, replace(REDUCED, credits=(use(item=CreditItem(type="coupon", code="zomer")),)), "took 3.00 EUR of it"),
        ({}, replace(REDUCED, credits=(use(item=CreditItem(type="credit_note", lago_item_id="k1")),)), ""),
        ({}, replace(REDUCED, customer=OTHERS), ""),
    ],
)  # fmt: skip
def test_what_invoices_took_of_a_coupon_is_what_it_lists(applied: dict[str, Any], bill: Any, said: str) -> None:
    """Of one whose uses end it nobody knows what is left, and no order has it; any other one is told, and stays."""
    snap = snapshot(customers=(customer(), OTHERS), invoices=(bill,), coupons=(coupon(),))
    snap = replace(snap, applied_coupons=(held(**applied),))
    detail = told(snap, "coupon_contradicts")
    assert said in detail
    assert bool(detail) is bool(said)
    order = one(mapped(snap), "sale.order")
    stands = [each["lago_id"] for each in json.loads(str(order.values["fusion_coupons"] or "[]"))]
    is_left_out = bool(said) and applied.get("frequency", "forever") != "forever"
    assert (stands, order.shown["fusion_coupons"]) == (
        ([], frozenset()) if is_left_out else (["h1"], frozenset({"h1"}))
    )


@pytest.mark.parametrize(("resource", "lago_id"), [("invoices", "i1"), ("applied_coupons", "h2")])
def test_a_coupon_waits_for_what_cannot_be_read_of_its_uses(resource: str, lago_id: str) -> None:
    whose = {"external_customer_id": "klant-c1"}
    unread = quarantined(resource, lago_id, ("status", "value_missing", "is null"), "{}", whose)
    snap = snapshot(coupons=(coupon(),), applied_coupons=(held(**ONCE),), quarantined=(unread,))
    found = [item for item in mapped(snap) if isinstance(item, Skipped) and item.source.lago_id == "h1"]
    assert [(item.reason, item.because) for item in found] == [("value_missing", lago_id)]


RAW: dict[str, Any] = {
    "lago_id": "h1",
    "lago_coupon_id": "k1",
    "coupon_code": "zomer",
    "lago_customer_id": "c1",
    "status": "active",
    "external_customer_id": "klant-c1",
    "frequency": "once",
    "created_at": "2026-03-01T00:00:00Z",
    "amount_cents": 500,
    "amount_currency": "EUR",
    "amount_cents_remaining": 200,
}
TAKEN = {"lago_id": "u1", "amount_cents": 300, "amount_currency": "EUR", "item": {"type": "coupon"}}


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"credits": [TAKEN]}, ""),
        ({"credits": [TAKEN | {"amount_cents": 500}], "amount_cents_remaining": 0}, ""),
        ({"credits": [TAKEN | {"amount_cents": -300}]}, r"credits\[0\].amount_cents is -300, below 0"),
        ({"credits": [TAKEN | {"amount_cents": 501}]}, r"credits\[0\].amount_cents is 501, and the coupon gives 500"),
        ({"amount_cents_remaining": -1}, "amount_cents_remaining is -1, below 0"),
        ({"amount_cents_remaining": 501}, "amount_cents_remaining is 501, and the coupon gives 500"),
        ({"percentage_rate": "10", "credits": [TAKEN | {"amount_cents": 501}]}, ""),
    ],
)
def test_no_invoice_takes_more_of_a_coupon_than_it_gives(more: dict[str, Any], wrong: str) -> None:
    if not wrong:
        assert decode(AppliedCoupon, RAW | more, "applied_coupons").lago_id == "h1"
        return
    with pytest.raises(DecodeError, match=wrong) as refused:
        decode(AppliedCoupon, RAW | more, "applied_coupons")
    assert refused.value.reason == "value_out_of_range"
