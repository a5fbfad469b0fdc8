"""Currencies that contradict each other are refused by name, on either line: nobody knows what the amount is worth."""

from __future__ import annotations

from dataclasses import replace

from mappings.records import Invoice, Snapshot
from reports.verdict import judge
from tests.reconciling.test_lost import JULY, billed_in_july, both

REASON = ("lago", "currency_contradicted")


def refused(snapshot: Snapshot, migrated: Snapshot, invoice: Invoice) -> list[str]:
    """What both runs say of the invoice; that nothing else is refused, and that it reaches the exit code."""
    details = []
    for data in both(snapshot, migrated=migrated):
        told = {(i.id, r.side, r.reason, str(r.detail)) for i in data.invoices for r in i.refusals if r.side == "lago"}
        assert {(invoice_id, side, reason) for invoice_id, side, reason, _ in told} == {(invoice.lago_id, *REASON)}
        assert judge(data).exit_code == 2
        details.append(next(detail for *_, detail in told))
    assert details[0] == details[1]
    return details


def test_nothing_of_the_company_contradicts_itself(snapshot: Snapshot) -> None:
    assert [i.number for data in both(snapshot) for i in data.invoices for r in i.refusals if r.side == "lago"] == []


def test_a_subscription_in_another_currency_than_its_plan(snapshot: Snapshot) -> None:
    billed = billed_in_july(snapshot)
    own = billed.billing_periods[0].lago_subscription_id
    told = tuple(replace(s, plan_amount_currency="USD") if s.lago_id == own else s for s in snapshot.subscriptions)
    detail, _ = refused(replace(snapshot, subscriptions=told), snapshot, billed)
    assert "pays in USD, and its plan" in detail


def test_an_invoice_in_another_currency_than_its_plan(snapshot: Snapshot) -> None:
    billed = billed_in_july(snapshot)
    fees = tuple(replace(fee, amount_currency="USD") for fee in billed.fees)
    other = replace(billed, currency="USD", fees=fees)
    invoices = tuple(other if i.lago_id == billed.lago_id else i for i in snapshot.invoices)
    detail, _ = refused(replace(snapshot, invoices=invoices), snapshot, billed)
    assert detail.startswith("an invoice in USD of plan ")
    assert JULY in billed.issuing_date.isoformat()
