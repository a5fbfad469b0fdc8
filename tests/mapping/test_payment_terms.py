"""Terms of payment: as Lago tells them, as Odoo holds them, and the day on which both say that an invoice is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago2odoo.sandbox.odoo.behaviours.invoice_kinds import delayed
from mappings.decode import DecodeError, decode
from mappings.payment_terms import due_day, odoo_line
from mappings.records import BillingEntity, Customer, PaymentTerm
from mappings.target import Desired, Mapped, Ref
from tests.mapping.build import customer, invoice, mapped, of, one, skips, snapshot, subscription

APRIL = date(2026, 4, 10)


def term(kind: str, days: int | None = None, day: int | None = None, offset: int | None = None) -> PaymentTerm:
    return PaymentTerm(term_type=kind, days=days, day_of_month=day, month_offset=offset)


def of_customer(**more: Any) -> tuple[Mapped, ...]:
    return mapped(snapshot(customers=(customer(**more),)))


@pytest.mark.parametrize(
    ("lago", "due"),
    [
        (term("due_on_receipt"), "2026-04-10"),
        (term("net", 30), "2026-05-10"),
        (term("end_of_month"), "2026-04-30"),
        (term("net_end_of_month", 30), "2026-05-30"),
        (term("days_end_of_month", 30), "2026-05-31"),
        (term("day_of_month", day=15), "2026-05-15"),
        (term("day_of_month", day=31), "2026-05-31"),
        (term("day_of_month", day=15, offset=0), "2026-04-15"),
        (term("day_of_month", day=5, offset=0), "2026-05-05"),
        (term("day_of_month", day=31, offset=0), "2026-04-30"),
        (term("day_of_month", day=31, offset=10), "2027-02-28"),
    ],
)
def test_the_day_that_lago_says(lago: PaymentTerm, due: str) -> None:
    assert due_day(lago, APRIL).isoformat() == due


@pytest.mark.parametrize(
    ("lago", "line"),
    [
        (term("due_on_receipt"), {"delay_type": "days_after", "nb_days": 0}),
        (term("net", 30), {"delay_type": "days_after", "nb_days": 30}),
        (term("end_of_month"), {"delay_type": "days_after_end_of_month", "nb_days": 0}),
        (term("net_end_of_month", 15), {"delay_type": "days_after_end_of_month", "nb_days": 15}),
        (
            term("days_end_of_month", 30),
            {"delay_type": "days_end_of_month_on_the", "nb_days": 30, "days_next_month": "0"},
        ),
        (
            term("day_of_month", day=15),
            {"delay_type": "days_end_of_month_on_the", "nb_days": 0, "days_next_month": "15"},
        ),
        (term("day_of_month", day=31, offset=0), {"delay_type": "days_after_end_of_month", "nb_days": 0}),
        (term("day_of_month", day=28, offset=2), {"delay_type": "days_after_end_of_next_month", "nb_days": 28}),
        (term("day_of_month", day=29, offset=2), None),
        (term("day_of_month", day=15, offset=0), None),
        (term("day_of_month", day=15, offset=3), None),
    ],
)
def test_the_line_of_odoo_that_says_it(lago: PaymentTerm, line: dict[str, object] | None) -> None:
    assert odoo_line(lago) == line


DAYS = st.integers(0, 365)
TERMS = st.one_of(
    st.builds(term, st.sampled_from(("net", "net_end_of_month", "days_end_of_month")), DAYS),
    st.builds(term, st.sampled_from(("due_on_receipt", "end_of_month"))),
    st.builds(term, st.just("day_of_month"), day=st.integers(1, 31), offset=st.integers(0, 12)),
)


@given(TERMS, st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_odoos_line_falls_on_lagos_day_always(lago: PaymentTerm, issued: date) -> None:
    line = odoo_line(lago)
    if line is not None:
        assert delayed(issued.isoformat(), dict(line)) == due_day(lago, issued).isoformat()


@pytest.mark.parametrize("lago", [term("day_of_month", day=30, offset=0), term("day_of_month", day=29, offset=2)])
def test_what_odoo_has_no_line_for_no_line_of_odoos_says(lago: PaymentTerm) -> None:
    """No other line of Odoo's falls on Lago's day on each day of four years either."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(1461)]
    kinds = ("days_after", "days_after_end_of_month", "days_after_end_of_next_month", "days_end_of_month_on_the")
    for kind in kinds:
        for number in range(64):
            for day in range(32) if kind == kinds[-1] else (0,):
                line = {"delay_type": kind, "nb_days": number, "days_next_month": str(day)}
                assert any(delayed(d.isoformat(), line) != due_day(lago, d).isoformat() for d in days)


def test_a_customers_term_is_its_partners_and_its_orders() -> None:
    items = of_customer(payment_term=term("end_of_month"), net_payment_term=None)
    record = one(items, "account.payment.term")
    assert (record.xid, record.values["name"]) == ("lago.payment_term_end_of_month", "End of the month (Lago)")
    line = record.children["line_ids"][0].values
    assert line == {"value": "percent", "value_amount": 100, "delay_type": "days_after_end_of_month", "nb_days": 0}
    assert one(items, "res.partner").values["property_payment_term_id"] == Ref(record.xid)
    assert one(items, "sale.order").values["payment_term_id"] == Ref(record.xid)


def test_a_term_of_days_is_the_one_that_the_number_makes() -> None:
    items = of_customer(payment_term=term("net", 14), net_payment_term=14)
    assert [t.xid for t in of(items, "account.payment.term")] == ["lago.payment_term_14"]


def test_the_sellers_term_is_that_of_customers_without_one() -> None:
    snap = snapshot()
    entity = replace(snap.billing_entities[0], net_payment_term=None, payment_term=term("days_end_of_month", 45))
    items = mapped(replace(snap, billing_entities=(entity,)))
    assert [t.xid for t in of(items, "account.payment.term")] == ["lago.payment_term_days_end_of_month_45"]


def test_a_subscriptions_own_term_is_its_orders() -> None:
    items = mapped(snapshot(subscriptions=(subscription(payment_term=term("net_end_of_month", 10)),)))
    assert one(items, "sale.order").values["payment_term_id"] == Ref("lago.payment_term_net_end_of_month_10")
    assert one(items, "res.partner").values["property_payment_term_id"] == Ref("lago.payment_term_14")
    assert len(of(items, "account.payment.term")) == 2


def test_what_odoo_cannot_say_is_a_named_gap_and_no_days() -> None:
    items = of_customer(payment_term=term("day_of_month", day=15, offset=0))
    assert ("customer klant-c1", "payment_term_inexpressible") in skips(items)
    assert of(items, "account.payment.term") == []
    assert "property_payment_term_id" not in one(items, "res.partner").values
    assert "payment_term_id" not in one(items, "sale.order").values


def test_a_subscriptions_term_that_odoo_cannot_say_is_its_own_gap() -> None:
    items = mapped(snapshot(subscriptions=(subscription(payment_term=term("day_of_month", day=1, offset=5)),)))
    assert ("subscription abo-1 (s1)", "payment_term_inexpressible") in skips(items)
    assert "payment_term_id" not in one(items, "sale.order").values
    assert "property_payment_term_id" in one(items, "res.partner").values


def test_where_nobody_says_when_invoices_are_due_it_is_not_at_once() -> None:
    snap = snapshot()
    entity = replace(snap.billing_entities[0], net_payment_term=None)
    items = mapped(replace(snap, billing_entities=(entity,)))
    assert ("customer klant-c1", "payment_term_unknown") in skips(items)
    assert of(items, "account.payment.term") == []


def due_of(items: tuple[Mapped, ...]) -> object:
    (move,) = (i for i in items if isinstance(i, Desired) and i.model == "account.move")
    return move.values["invoice_date_due"]


def test_an_open_invoice_without_its_day_is_due_by_its_own_term_else_its_customers() -> None:
    payer = customer(payment_term=term("end_of_month"))
    own = invoice(payment_term=term("day_of_month", day=15), customer=payer)
    assert due_of(mapped(snapshot(customers=(payer,), invoices=(own,)))) == date(2026, 9, 15)
    bare = invoice(customer=payer)
    assert due_of(mapped(snapshot(customers=(payer,), invoices=(bare,)))) == date(2026, 8, 31)


def test_an_open_invoice_of_which_nobody_says_when_it_is_due_is_not_moved() -> None:
    snap = snapshot(invoices=(invoice(),))
    entity = replace(snap.billing_entities[0], net_payment_term=None)
    items = mapped(replace(snap, billing_entities=(entity,)))
    assert ("invoice BOOT-i1 (i1)", "payment_term_unknown") in skips(items)


PAYER = {"lago_id": "c", "external_id": "c", "net_payment_term": None}
SELLER = {"lago_id": "b", "code": "b", "net_payment_term": None, "payment_term": {"term_type": "end_of_month"}}


def test_the_object_is_read_with_its_number_null() -> None:
    read = decode(Customer, {**PAYER, "payment_term": {"term_type": "net_end_of_month", "days": 5}}, "customers")
    assert read.payment_term == term("net_end_of_month", 5)
    assert decode(BillingEntity, SELLER, "billing_entities").payment_term == term("end_of_month")


@pytest.mark.parametrize(
    ("shown", "reason", "place"),
    [
        ({"term_type": "net_quarter", "days": 5}, "unknown_payment_term", "payment_term.term_type"),
        ({"days": 5}, "value_missing", "payment_term.term_type"),
        ({"term_type": "net"}, "value_missing", "payment_term.days"),
        ({"term_type": "days_end_of_month"}, "value_missing", "payment_term.days"),
        ({"term_type": "day_of_month"}, "value_missing", "payment_term.day_of_month"),
        ({"term_type": "day_of_month", "day_of_month": 32}, "value_out_of_range", "payment_term.day_of_month"),
        ({"term_type": "net", "days": -1}, "value_out_of_range", "payment_term.days"),
        ("net 30", "value_wrong", "payment_term"),
    ],
)
def test_a_term_that_cannot_be_read_is_refused_by_name(shown: object, reason: str, place: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(Customer, {**PAYER, "payment_term": shown}, "customers")
    assert (refused.value.reason, refused.value.path) == (reason, place)
