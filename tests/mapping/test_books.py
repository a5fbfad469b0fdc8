"""Lago's invoices, notes, voids and payments as documents of the books: what becomes of each, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.books.book import BooksScope, book
from mappings.books.documents import BookedDocument, BookedKind, BooksMap, LineKind
from mappings.books.odoo_books import OdooBooks, OdooTax
from mappings.books.outstanding import left_open
from mappings.books.register import TOTAL, register, sums
from mappings.books.tie import code_names, register_rows
from mappings.books.to_odoo import records
from mappings.context import Context, Options
from mappings.records import AppliedTax, Credit, CreditItem, CreditNoteItem, Fee, FeeItem, Invoice, Payment
from mappings.tables import parse
from tests.mapping.build import TABLES, at, credit_note, ctx, customer, invoice, mapped, of, snapshot

FINANCE = parse(
    """
[books]
prepaid = "2980"
rounding = "4231-00"
received = "1113"
marked_as_paid = "1114"
[[income]]
match = "add_on:berth"
account = "4190"
[[income]]
match = "service:*"
account = "4110-10"
""",
    "dutch.toml",
    TABLES,
)
ODOO = OdooBooks(
    currency="EUR",
    accounts={"2980": 1, "4231-00": 2, "1113": 3, "1114": 4, "4190": 5, "4110-10": 6},
    taxes={
        "account.7_btw_21": OdooTax(rates={11: Decimal("21.0")}),
        "account.7_btw_toerist": OdooTax(rates={11: Decimal("21.0"), 12: Decimal("7.5")}),
    },
    partners=frozenset({"c1"}),
)
ALL = BooksScope()


def tax(code: str, cents: int) -> AppliedTax:
    return AppliedTax(
        tax_code=code, tax_rate={"btw21": Decimal("21.0"), "toerist": Decimal("7.5")}[code], amount_cents=cents
    )


def fee(lago_id: str = "f1", cents: int = 10000, taxes: tuple[str, ...] = ("btw21",), **more: Any) -> Fee:
    item = FeeItem(type="subscription", code="boot_klein", name="Kleine boot")
    applied = tuple(tax(code, 0) for code in taxes)
    values = {
        "item": item,
        "amount_cents": cents,
        "amount_currency": "EUR",
        "units": Decimal(1),
        "taxes_amount_cents": 0,
        "taxes_rate": Decimal(0),
        "created_at": at("2026-08-01 00:10"),
        "applied_taxes": applied,
    }
    return Fee(lago_id=lago_id, **(values | more))


def billed(*fees: Fee, taxes: tuple[AppliedTax, ...] = (), **more: Any) -> Invoice:
    """An invoice whose header is what its fees, taxes, coupons and prepaid credits make; ``tax_cents`` as given."""
    of_fees, coupons = sum(f.amount_cents for f in fees), more.pop("coupons", 0)
    tax_cents = more.pop("tax_cents", sum(t.amount_cents for t in taxes))
    notes, prepaid = more.pop("notes", 0), more.pop("prepaid", 0)
    net = of_fees - coupons
    header = {
        "fees_amount_cents": of_fees,
        "coupons_amount_cents": coupons,
        "sub_total_excluding_taxes_amount_cents": net,
        "taxes_amount_cents": tax_cents,
        "sub_total_including_taxes_amount_cents": net + tax_cents,
        "credit_notes_amount_cents": notes,
        "prepaid_credit_amount_cents": prepaid,
        "total_amount_cents": net + tax_cents - notes - prepaid,
        "total_due_amount_cents": net + tax_cents - notes - prepaid,
    }
    return invoice(more.pop("lago_id", "i1"), fees=fees, applied_taxes=taxes, **(header | more))


def payment(lago_id: str = "p1", cents: int = 12100, *invoices: str, **more: Any) -> Payment:
    values = {
        "amount_cents": cents,
        "amount_currency": "EUR",
        "created_at": at("2026-08-05 23:30"),
        "payment_status": "succeeded",
        "invoice_ids": invoices or ("i1",),
        "reference": "pi_1",
    }
    return Payment(lago_id=lago_id, **(values | more))


def company(*invoices: Invoice, tables: Any = FINANCE, **more: Any) -> Context:
    fees = tuple(each for one_invoice in invoices for each in one_invoice.fees)
    return ctx(snapshot(invoices=invoices, fees=fees, **more), tables=tables)


def books(*invoices: Invoice, odoo: OdooBooks = ODOO, scope: BooksScope = ALL, **more: Any) -> BooksMap:
    return book(company(*invoices, **more), odoo, scope)


def refusals(map_: BooksMap) -> list[tuple[str, str]]:
    return [(item.source.resource, item.reason) for item in map_.refused]


def only(map_: BooksMap) -> BookedDocument:
    (document,) = map_.documents
    assert refusals(map_) == []
    return document


def lines(document: BookedDocument) -> list[tuple[str, str, int, str]]:
    return [(line.label, line.account, line.cents, line.tax.removeprefix("account.7_")) for line in document.lines]


PLAIN = billed(fee(), taxes=(tax("btw21", 2100),))


def test_an_invoice_is_booked_by_family_with_its_taxes() -> None:
    berth = fee("f2", 500, item=FeeItem(type="add_on", code="berth"))
    document = only(books(billed(fee(), fee("f3", 700), berth, taxes=(tax("btw21", 2352),))))
    assert lines(document) == [("Bootverhuur", "4110-10", 10700, "btw_21"), ("Boten & Zo B.V.", "4190", 500, "btw_21")]
    assert (document.taxes, document.total_cents, document.day) == ({11: 2352}, 13552, date(2026, 8, 1))


def test_lagos_number_and_dates_stand_on_it_and_the_name_is_odoos() -> None:
    context = company(replace(PLAIN, payment_due_date=date(2026, 8, 20)))
    move = of(records(context, ODOO, book(context, ODOO, ALL)), "account.move")[0]
    assert "name" not in move.values
    assert (move.values["ref"], move.values["payment_reference"]) == ("BOOT-i1", "BOOT-i1")
    assert (move.values["invoice_date"], move.values["invoice_date_due"]) == (date(2026, 8, 1), date(2026, 8, 20))
    assert [line.values["price_unit"] for line in move.children["invoice_line_ids"]] == [Decimal("100.00")]


def test_a_group_of_taxes_is_told_part_by_part_and_their_rounding_has_a_line_of_its_own() -> None:
    both = billed(fee(taxes=("btw21", "toerist")), taxes=(tax("btw21", 2100), tax("toerist", 751)), tax_cents=2850)
    document = only(books(both))
    assert document.taxes == {11: 2100, 12: 751}
    assert lines(document)[-1] == ("Rounding of taxes in Lago", "4231-00", -1, "")
    assert document.lines[-1].kind is LineKind.ROUNDING


def test_what_coupons_take_off_stands_beside_each_family_and_makes_the_whole() -> None:
    berth = fee("f2", 500, item=FeeItem(type="add_on", code="berth"), precise_coupons_amount_cents=Decimal("33.3"))
    plain = fee(precise_coupons_amount_cents=Decimal("66.7"))
    document = only(books(billed(plain, berth, taxes=(tax("btw21", 2184),), coupons=100)))
    off = {line.label: line.cents for line in document.lines if line.cents < 0}
    assert off == {"Bootverhuur: coupons": -67, "Boten & Zo B.V.: coupons": -33}


def test_prepaid_credits_are_a_liability_when_bought_and_when_used() -> None:
    bought = billed(fee(taxes=(), item=FeeItem(type="credit")), invoice_type="credit", lago_id="i2")
    used = billed(fee(), taxes=(tax("btw21", 2100),), prepaid=2000)
    first, second = books(bought, used).documents
    by_kind = [{line.kind: line.cents for line in d.lines if line.account == "2980"} for d in (first, second)]
    assert sorted(by_kind, key=str) == sorted([{LineKind.PREPAID: -2000}, {LineKind.PREPAID: 10000}], key=str)
    assert {first.total_cents, second.total_cents} == {10100, 10000}


def test_an_invoice_of_nothing_has_a_line_that_says_so() -> None:
    document = only(books(billed()))
    assert lines(document) == [("Nothing billed", "4231-00", 0, "")]


def test_a_voided_invoice_is_booked_and_taken_back_on_the_day_it_was_voided() -> None:
    voided = replace(PLAIN, status="voided", voided_at=at("2026-09-01 22:30"), total_due_amount_cents=0)
    map_ = books(voided)
    issued, void = map_.documents
    assert (issued.kind, void.kind, void.sign, void.day) == (BookedKind.INVOICE, BookedKind.VOID, -1, date(2026, 9, 2))
    assert (void.lines, void.total_cents) == (issued.lines, 12100)
    assert [(a.settled, a.by, a.cents) for a in map_.applications] == [(issued.xid, void.xid, 12100)]


def test_a_later_void_or_payment_is_another_document_and_changes_none() -> None:
    before, paid = books(PLAIN), books(PLAIN, payments=(payment(),))
    voided = books(replace(PLAIN, status="voided", voided_at=at("2026-09-01 12:00"), total_due_amount_cents=0))
    assert before.documents == paid.documents == voided.documents[:1]
    assert [p.day for p in paid.payments] == [date(2026, 8, 6)], "by the customer's own calendar"


def note_of(cents: int = 1000, **more: Any) -> Any:
    item = CreditNoteItem(lago_id="ni1", amount_cents=cents, amount_currency="EUR", fee=fee(cents=10000))
    taxes = cents * 21 // 100
    values = {
        "items": (item,),
        "applied_taxes": (tax("btw21", taxes),),
        "taxes_amount_cents": taxes,
        "sub_total_excluding_taxes_amount_cents": cents,
        "total_amount_cents": cents + taxes,
        "credit_amount_cents": cents + taxes,
        "balance_amount_cents": cents + taxes,
    }
    return credit_note(**(values | more))


def test_a_credit_note_settles_the_invoices_that_took_of_it() -> None:
    took = Credit(
        lago_id="cr1",
        amount_cents=1210,
        amount_currency="EUR",
        item=CreditItem(type="credit_note", lago_item_id="n1", code="", name=""),
        before_taxes=False,
    )
    later = replace(billed(fee("f9"), taxes=(tax("btw21", 2100),), notes=1210, lago_id="i9"), credits=(took,))
    map_ = books(PLAIN, later, credit_notes=(note_of(balance_amount_cents=0, credit_status="consumed"),))
    assert refusals(map_) == []
    note = next(d for d in map_.documents if d.kind is BookedKind.CREDIT_NOTE)
    assert (note.taxes, note.total_cents, note.sign) == ({11: 210}, 1210, -1)
    assert [(a.settled, a.by, a.cents) for a in map_.applications] == [("lago.books_invoice_i9", note.xid, 1210)]


def test_a_payment_settles_its_invoices_in_their_order() -> None:
    second = billed(fee("f2", 1000), taxes=(tax("btw21", 210),), lago_id="i2")
    map_ = books(PLAIN, second, payments=(payment("p1", 13000, "i1", "i2"),))
    assert [(a.settled, a.cents) for a in map_.applications] == [
        ("lago.books_invoice_i1", 12100),
        ("lago.books_invoice_i2", 900),
    ]


def test_what_lago_calls_paid_without_a_payment_is_settled_over_an_account_of_its_own() -> None:
    map_ = books(replace(PLAIN, payment_status="succeeded"), payments=(payment("p1", 2100),))
    marked = [(p.xid, p.cents) for p in map_.payments if p.marked]
    assert marked == [("lago.books_marked_i1", 10000)]
    assert sum(a.cents for a in map_.applications) == 12100


def without(**accounts: str) -> Any:
    return replace(FINANCE, books=replace(FINANCE.books, **accounts))


VOIDED = replace(PLAIN, status="voided", voided_at=at("2026-09-01 12:00"), total_due_amount_cents=0)
DISPUTED = replace(PLAIN, payment_status="succeeded", payment_dispute_lost_at=at("2026-09-01 12:00"))
REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("lines", {"invoices": (replace(PLAIN, total_amount_cents=1),)}, [("invoice", "header_does_not_add_up")]),
    ("tax", {"invoices": (billed(fee(), taxes=(tax("toerist", 750),)),)}, [("invoice", "books_tax_unknown")]),
    (
        "tax apart",
        {"invoices": (billed(fee(), taxes=(tax("btw21", 2100),), tax_cents=2102),)},
        [("invoice", "books_beyond_rounding")],
    ),
    (
        "tax set",
        {"invoices": (billed(fee(taxes=("toerist",)), taxes=(tax("toerist", 750),)),)},
        [("invoice", "tax_not_in_table")],
    ),
    ("tax lost", {"invoices": (PLAIN,), "odoo": replace(ODOO, taxes={})}, [("invoice", "books_tax_unfit")]),
    (
        "family",
        {"invoices": (PLAIN,), "tables": replace(FINANCE, income_entries=())},
        [("invoice", "books_no_account")],
    ),
    ("account lost", {"invoices": (PLAIN,), "odoo": replace(ODOO, accounts={})}, [("invoice", "books_account_lost")]),
    (
        "prepaid",
        {"invoices": (billed(fee(), taxes=(tax("btw21", 2100),), prepaid=100),), "tables": without(prepaid="")},
        [("invoice", "books_no_account")],
    ),
    ("partner", {"invoices": (PLAIN,), "odoo": replace(ODOO, partners=frozenset())}, [("invoice", "books_no_partner")]),
    (
        "locked",
        {"invoices": (PLAIN,), "odoo": replace(ODOO, locked=date(2026, 8, 1))},
        [("invoice", "books_period_locked")],
    ),
    (
        "tax locked",
        {"invoices": (PLAIN,), "odoo": replace(ODOO, tax_locked=date(2026, 8, 1))},
        [("invoice", "books_period_locked")],
    ),
    ("rate", {"invoices": (PLAIN,), "odoo": replace(ODOO, currency="CAD")}, [("invoice", "books_no_rate")]),
    ("type", {"invoices": (replace(PLAIN, invoice_type="barter"),)}, [("invoice", "unknown_invoice_type")]),
    ("void undated", {"invoices": (replace(VOIDED, voided_at=None),)}, [("invoice", "books_void_undated")]),
    ("note of a void", {"invoices": (VOIDED,), "credit_notes": (note_of(),)}, [("credit_note", "books_of_void")]),
    ("note of nothing", {"invoices": (), "credit_notes": (note_of(),)}, [("credit_note", "books_of_missing")]),
    (
        "note voided",
        {"invoices": (PLAIN,), "credit_notes": (note_of(credit_status="voided"),)},
        [("credit_note", "books_note_voided")],
    ),
    (
        "refund",
        {
            "invoices": (
                replace(
                    PLAIN,
                    payment_status="succeeded",
                    total_paid_amount_cents=PLAIN.total_amount_cents,
                    total_due_amount_cents=0,
                ),
            ),
            "payments": (payment(),),
            "credit_notes": (
                note_of(
                    credit_amount_cents=0,
                    balance_amount_cents=0,
                    refund_amount_cents=1210,
                    credit_status=None,
                    refund_status="succeeded",
                ),
            ),
        },
        [("credit_note", "books_refund_undated")],
    ),
    (
        "no account for payments",
        {"invoices": (PLAIN,), "payments": (payment(),), "tables": without(received="")},
        [("payment", "books_no_account")],
    ),
    (
        "account of marks lost",
        {"invoices": (replace(PLAIN, payment_status="succeeded"),), "tables": without(marked_as_paid="9")},
        [("invoice", "books_account_lost")],
    ),
    ("overpaid", {"invoices": (PLAIN,), "payments": (payment("p1", 12101),)}, [("payment", "books_overpaid")]),
    (
        "paid twice",
        {"invoices": (PLAIN,), "payments": (payment("p1"), payment("p2", 1))},
        [("payment", "books_overpaid")],
    ),
    ("payment of a void", {"invoices": (VOIDED,), "payments": (payment(),)}, [("payment", "books_of_void")]),
    ("payment of nothing", {"invoices": (), "payments": (payment(),)}, [("payment", "books_of_missing")]),
    (
        "payment in other",
        {"invoices": (PLAIN,), "payments": (payment(amount_currency="USD"),)},
        [("payment", "books_currency_differs")],
    ),
    ("disputed", {"invoices": (DISPUTED,)}, [("invoice", "payment_dispute_lost")]),
    (
        "marked",
        {"invoices": (replace(PLAIN, payment_status="succeeded"),), "tables": without(marked_as_paid="")},
        [("invoice", "books_paid_without_payment")],
    ),
]


@pytest.mark.parametrize(("given_", "reasons"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_add_up_is_refused_by_name(given_: dict[str, Any], reasons: list[tuple[str, str]]) -> None:
    other = billed(fee("f8", taxes=()), lago_id="i8", number="BOOT-i8", issuing_date=date(2026, 8, 9), currency="EUR")
    invoices, more = given_["invoices"], {key: value for key, value in given_.items() if key != "invoices"}
    map_ = books(*invoices, **more)
    assert refusals(map_) == reasons
    spoiled = {"odoo", "tables"} & given_.keys()
    if not spoiled:
        rest = books(*invoices, other, **more)
        assert "lago.books_invoice_i8" in {document.xid for document in rest.documents}, "the rest goes on"


def test_what_is_posted_stays_in_the_books_when_its_period_is_closed() -> None:
    paid = replace(PLAIN, payment_status="succeeded")
    closed = replace(ODOO, locked=date(2026, 12, 31), currency="CAD")
    assert refusals(books(paid, odoo=closed)) == [("invoice", "books_period_locked")]
    posted = replace(closed, posted=frozenset({"lago.books_invoice_i1", "lago.books_marked_i1"}))
    assert books(paid, odoo=posted) == books(paid)
    assert refusals(books(paid, odoo=replace(posted, posted=frozenset({"lago.books_invoice_i1"})))) == [
        ("invoice", "books_period_locked")
    ], "its payment is not"


def test_months_and_customers_choose() -> None:
    assert [scope.is_of_all_months for scope in (ALL, BooksScope(first="2026-08"))] == [True, False]
    assert not books(PLAIN, scope=BooksScope(first="2026-09")).documents
    assert not books(PLAIN, scope=BooksScope(first="2026-07", last="2026-07")).documents
    assert not books(PLAIN, scope=BooksScope(customers=frozenset({"somebody"}))).documents
    assert books(PLAIN, scope=BooksScope(first="2026-08", last="2026-08", customers=frozenset({"klant-c1"}))).documents


def test_a_company_that_keeps_a_ledger_brings_no_open_balances() -> None:
    taken = snapshot(invoices=(PLAIN,))
    assert of(mapped(taken), "account.move")
    assert not of(mapped(taken, options=Options(open_items=False)), "account.move")


amounts = st.integers(0, 10**7)


@given(
    st.lists(st.tuples(amounts, st.sampled_from(((), ("btw21",), ("btw21", "toerist")))), min_size=1, max_size=6),
    st.integers(0, 100),
    st.integers(-2, 2),
)
def test_lines_taxes_and_rounding_are_the_total_to_the_cent(
    rows: list[tuple[int, tuple[str, ...]]], percent: int, off: int
) -> None:
    coupons = sum(cents for cents, _ in rows) * percent // 100
    shares = [Decimal(cents * percent) / 100 for cents, _ in rows]
    fees = [
        fee(f"f{n}", cents, codes, precise_coupons_amount_cents=round(share, 5))
        for n, ((cents, codes), share) in enumerate(zip(rows, shares, strict=True))
    ]
    applied = []
    for code, rate in (("btw21", Decimal("0.21")), ("toerist", Decimal("0.075"))):
        base = sum((c - s for (c, codes), s in zip(rows, shares, strict=True) if code in codes), Decimal(0))
        if any(code in codes for _, codes in rows):
            applied.append(tax(code, int(base * rate)))
    billed_ = billed(*fees, taxes=tuple(applied), coupons=coupons, tax_cents=sum(t.amount_cents for t in applied) + off)
    map_ = books(billed_)
    if abs(off) > len(applied) or billed_.total_amount_cents < 0:
        return
    document = only(map_)
    assert sum(line.cents for line in document.lines) + sum(document.taxes.values()) == document.total_cents
    assert document.total_cents == billed_.total_amount_cents
    assert sum(line.cents for line in document.lines if line.kind is LineKind.ROUNDING) == off


def test_the_register_is_that_of_the_headers_and_what_is_refused_is_left_out_by_name() -> None:
    lost = billed(fee("f2", 700), taxes=(tax("btw21", 147),), lago_id="i2", invoice_type="barter")
    context = company(PLAIN, lost)
    map_ = book(context, ODOO, ALL)
    cells = sums(register(context, ALL))
    assert {cell.kind: cents for cell, cents in cells.items()} == {"net": 10700, "tax btw21": 2247, TOTAL: 12947}
    odoo = {cell: cents - {"net": 700, "tax btw21": 147, TOTAL: 847}[cell.kind] for cell, cents in cells.items()}
    rows = register_rows(context, ODOO, ALL, map_, {document.xid for document in map_.documents}, odoo)
    assert [(row.kind, row.left_out, row.difference) for row in rows] == [
        ("net", 700, 0),
        ("tax btw21", 147, 0),
        ("total", 847, 0),
    ]
    odoo[next(iter(odoo))] += 1
    rows = register_rows(context, ODOO, ALL, map_, {document.xid for document in map_.documents}, odoo)
    assert [row.difference for row in rows if row.difference] == [1]


def test_codes_for_which_one_tax_of_odoos_stands_are_one_in_the_register() -> None:
    same = parse('[[taxes]]\ncodes = ["btw21"]\nodoo = "a.x"\n[[taxes]]\ncodes = ["oud"]\nodoo = "a.x"\n', "t", FINANCE)
    old = AppliedTax(tax_code="oud", tax_rate=Decimal(21), amount_cents=1)
    context = company(PLAIN, billed(lago_id="i2", taxes=(old,)), tables=same)
    odoo = replace(ODOO, taxes={"a.x": OdooTax(rates={11: Decimal(21)})})
    assert code_names(context, odoo) == {"btw21": "tax btw21 / oud", "oud": "tax btw21 / oud"}


def test_what_is_open_otherwise_has_the_reason_of_what_was_refused() -> None:
    context = company(DISPUTED, customers=(customer(),))
    map_ = book(context, ODOO, ALL)
    posted = {document.xid for document in map_.documents}
    (left,) = left_open(context, ALL, map_, posted)
    assert (left.number, left.cents, left.reason) == ("BOOT-i1", 12100, "payment_dispute_lost")
    assert [each.reason for each in left_open(context, ALL, replace(map_, refused=()), posted)] == [""]


def test_a_bad_table_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"finance\.toml:3: income\.match must begin with service:"):
        parse('\n[[income]]\nmatch = "nexacloud"\naccount = "4110-10"\n', "finance.toml", TABLES)
    with pytest.raises(ValueError, match=r"books\.journal_code"):
        parse('[books]\njournal_code = "TOOLONG"\n', "finance.toml", TABLES)
