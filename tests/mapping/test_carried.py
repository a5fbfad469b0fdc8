"""What the customers of a cohort owe, and have left, on the day on which they leave."""

from __future__ import annotations

from dataclasses import replace

from mappings.carried import Carried, carried
from tests.mapping.build import credit_note, customer, invoice, snapshot, wallet


def test_open_invoices_credit_and_prepaid_credits_of_each_customer_and_currency() -> None:
    holder = customer()
    whole = snapshot(
        customers=(holder,),
        invoices=(invoice(), invoice("i2", currency="CAD"), invoice("i3", status="voided")),
        credit_notes=(credit_note(customer=holder), credit_note("n2", credit_status="consumed")),
        wallets=(wallet(), replace(wallet(), lago_id="w2", status="terminated")),
    )
    euros, dollars = invoice(), invoice("i2", currency="CAD")
    assert {(c.currency, c.owed_cents, c.credit_cents) for c in carried(whole, None)} >= {
        ("CAD", dollars.total_due_amount_cents, 0),
        ("EUR", euros.total_due_amount_cents, credit_note().balance_amount_cents),
    }
    assert sum(c.prepaid_cents for c in carried(whole, None)) == wallet().balance_cents
    assert carried(whole, frozenset({"another"})) == ()


def test_who_has_nothing_open_is_not_listed() -> None:
    paid = invoice(payment_status="succeeded")
    assert carried(snapshot(customers=(customer(),), invoices=(paid,)), None) == ()
    assert Carried(customer="a", currency="EUR").owed_cents == 0
