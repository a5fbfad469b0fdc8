"""What each customer owes, and has left, on the day on which they leave Lago. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mappings.owed import billed_to, credit_cents, credited_to, due_cents
from mappings.records import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Of one customer and currency, in its smallest unit: invoices still open, credit notes' rest, prepaid credits."""

    customer: str  # external id
    currency: str
    owed_cents: int = 0
    credit_cents: int = 0
    prepaid_cents: int = 0


def carried(snapshot: Snapshot, customers: frozenset[str] | None) -> tuple[Carried, ...]:
    """Of the customers (external ids; None: of all) for whom something is open, by customer and currency."""
    names = {customer.lago_id: customer.external_id for customer in snapshot.customers}
    invoices = {invoice.lago_id: invoice for invoice in snapshot.invoices}
    owed, credit, prepaid = (Counter[tuple[str, str]]() for _ in range(3))
    for invoice in snapshot.invoices:
        owed[names.get(billed_to(invoice), ""), invoice.currency] += due_cents(invoice)
    for note in snapshot.credit_notes:
        holder = names.get(credited_to(note, invoices.get(note.lago_invoice_id)), "")
        credit[holder, note.currency] += credit_cents(note)
    for wallet in snapshot.wallets:
        if wallet.status == "active":
            prepaid[wallet.external_customer_id, wallet.currency] += wallet.balance_cents
    return tuple(
        Carried(
            customer=customer,
            currency=currency,
            owed_cents=owed[customer, currency],
            credit_cents=credit[customer, currency],
            prepaid_cents=prepaid[customer, currency],
        )
        for customer, currency in sorted({*+owed, *+credit, *+prepaid})
        if customers is None or customer in customers
    )
