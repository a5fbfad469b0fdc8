"""Open balances in Odoo of which Lago is owed nothing any more, or less, where no comparison of bills tells.

A credit note is compared with nothing, and of an invoice that no subscription bills, or that Odoo refuses, Odoo's side
states no header. The document itself is what only Odoo has then, with the amount that is open there beyond Lago's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from mappings.names import customer_name
from mappings.owed import billed_to, credit_cents, credited_to, due_cents
from mappings.records import Customer, Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from reconcile.billed import Side
from reconcile.sides.extras import EXTRA_BALANCE, Extra
from reconcile.sides.lago import ALL, in_month
from reconcile.sides.numbers import nearest_cents_of
from reconcile.sides.odoo_balances import MOVE, is_judged, open_in


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """An invoice or a credit note of Lago's. ``sign``: -1 for what Lago owes; ``left_cents``: what is open in Lago."""

    number: str
    customer: str
    customer_name: str
    currency: str
    day: date
    sign: int
    left_cents: int


def left_open(
    odoo: Door,
    snapshot: Snapshot,
    odoo_side: Side,
    brought: Mapping[int, str],
    *,
    period: str = ALL,
    customers: frozenset[str] | None = None,
) -> Iterator[Extra]:
    """Documents of the period of which more is open in Odoo than in Lago, but those that ``odoo_side`` settles.

    ``brought``: Odoo's ids of what the migration brought to account.move, with their external ids.
    """
    compared = {xid("invoice", lago_id) for lago_id, invoice in odoo_side.items() if invoice.settled_cents is not None}
    documents = {
        name: document
        for name, document in _documents(snapshot).items()
        if name not in compared
        and in_month(document.day, period)
        and (customers is None or document.customer in customers)
    }
    numbers = {n: name for n, told in brought.items() if (name := f"lago.{told}") in documents}
    for row in odoo.search_among("account.move", "id", sorted(numbers), ["name", *MOVE], names=True):
        document = documents[numbers[row["id"]]]
        more = _more_cents(row, document)
        if more > 0:
            yield _extra(row, document, more)


def _documents(snapshot: Snapshot) -> Mapping[str, _Document]:
    """By their external ids in Odoo."""
    shown = [*(i.customer for i in snapshot.invoices), *(n.customer for n in snapshot.credit_notes)]
    customers = {customer.lago_id: customer for customer in (*shown, *snapshot.customers) if customer}
    invoices = {invoice.lago_id: invoice for invoice in snapshot.invoices}
    documents = {
        xid("invoice", i.lago_id): _document(i.number, owner, i.currency, i.issuing_date, 1, due_cents(i))
        for i in snapshot.invoices
        if is_judged(i) and (owner := customers.get(billed_to(i)))
    }
    for note in snapshot.credit_notes:
        if owner := customers.get(credited_to(note, invoices.get(note.lago_invoice_id))):
            told = _document(note.number, owner, note.currency, note.issuing_date, -1, credit_cents(note))
            documents[xid("credit_note", note.lago_id)] = told
    return documents


def _document(number: str, customer: Customer, currency: str, day: date, sign: int, left_cents: int) -> _Document:
    return _Document(
        number=number,
        customer=customer.external_id,
        customer_name=customer_name(customer),
        currency=currency,
        day=day,
        sign=sign,
        left_cents=left_cents,
    )


def _more_cents(row: Row, document: _Document) -> int:
    """By how much more is open in Odoo; another currency is told by name elsewhere, and is no number of this."""
    left = open_in(row)
    if left is None or left[1] != document.currency:
        return 0
    return nearest_cents_of(left[0], document.currency) - document.left_cents


def _extra(row: Row, document: _Document, cents: int) -> Extra:
    facts = {"what": document.number, "day": str(document.day), "state": str(row["state"])}
    return Extra(
        kind=EXTRA_BALANCE,
        record=f"account.move,{row['id']}",
        name=document.number,
        customer=document.customer,
        customer_name=document.customer_name,
        currency=document.currency,
        net_cents=document.sign * cents,
        tax_cents=0,
        told="balance_only_in_odoo",
        detail=f"{document.number} of {document.day} is open in Odoo ({row['state']}) beyond what is open in Lago",
        facts=facts,
        day=document.day,
    )
