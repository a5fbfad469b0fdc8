"""Open balances in Odoo of which Lago is owed another amount, or nothing, where no comparison of bills tells.

A credit note is compared with nothing, and of an invoice that no subscription bills, or that Odoo refuses, Odoo's side
states no header. The document itself is what differs then, by the amount that is open in Odoo beyond Lago's, or that
lacks there. What a posted one lacks of its own total was paid in Odoo since: Lago does not hear of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from mappings.money import told_money
from mappings.names import customer_name
from mappings.owed import billed_to, credit_cents, credited_to, due_cents
from mappings.phrases import Told
from mappings.records import CreditNote, Customer, Invoice, Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from reconcile.billed import Side
from reconcile.sides.extras import EXTRA_BALANCE, LACKING_BALANCE, Extra
from reconcile.sides.lago import ALL, in_month
from reconcile.sides.numbers import nearest_cents_of
from reconcile.sides.odoo_balances import MOVE, is_judged, open_in


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """An invoice or a credit note of Lago's. ``sign``: -1 for what Lago owes; ``left_cents``: what is open in Lago."""

    lago_id: str
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
    unmapped: Collection[str] = (),
    period: str = ALL,
    customers: frozenset[str] | None = None,
) -> Iterator[Extra]:
    """Documents of the period of which more or less is open in Odoo than in Lago, but those that ``odoo_side`` settles.

    ``brought``: Odoo's ids of what the migration brought to account.move, with their external ids; ``unmapped``: Lago
    ids of what it left out. What is not there at all lacks only for customers of whom it brought something.
    """
    compared = {xid("invoice", lago_id) for lago_id, invoice in odoo_side.items() if invoice.settled_cents is not None}
    everything = _documents(snapshot)
    documents = {
        name: document
        for name, document in everything.items()
        if name not in compared
        and in_month(document.day, period)
        and (customers is None or document.customer in customers)
    }
    names = {number: f"lago.{told}" for number, told in brought.items()}
    numbers = {number: name for number, name in names.items() if name in documents}
    for row in odoo.search_among("account.move", "id", sorted(numbers), ["name", *MOVE], names=True):
        document = documents[numbers[row["id"]]]
        record = f"account.move,{row['id']}"
        if more := _more_cents(row, document):
            yield _extra(record, str(row["state"]), document, more)
        elif document.lago_id not in odoo_side:
            yield from _in_another_currency(record, row, document)
    begun = {everything[name].customer for name in names.values() if name in everything}
    for name in sorted(documents.keys() - names.values()):
        document = documents[name]
        if document.left_cents > 0 and document.customer in begun and document.lago_id not in unmapped:
            yield _extra(f"account.move,{name}", "–", document, -document.left_cents)


def _documents(snapshot: Snapshot) -> Mapping[str, _Document]:
    """By their external ids in Odoo."""
    shown = [*(i.customer for i in snapshot.invoices), *(n.customer for n in snapshot.credit_notes)]
    customers = {customer.lago_id: customer for customer in (*shown, *snapshot.customers) if customer}
    invoices = {invoice.lago_id: invoice for invoice in snapshot.invoices}
    documents = {
        xid("invoice", i.lago_id): _document(i, owner, 1, due_cents(i))
        for i in snapshot.invoices
        if is_judged(i) and (owner := customers.get(billed_to(i)))
    }
    for note in snapshot.credit_notes:
        if owner := customers.get(credited_to(note, invoices.get(note.lago_invoice_id))):
            documents[xid("credit_note", note.lago_id)] = _document(note, owner, -1, credit_cents(note))
    return documents


def _document(shown: Invoice | CreditNote, customer: Customer, sign: int, left_cents: int) -> _Document:
    return _Document(
        lago_id=shown.lago_id,
        number=shown.number,
        customer=customer.external_id,
        customer_name=customer_name(customer),
        currency=shown.currency,
        day=shown.issuing_date,
        sign=sign,
        left_cents=left_cents,
    )


def _more_cents(row: Row, document: _Document) -> int:
    """By how much more is open in Odoo (less: below 0); another currency is no number of it.

    What is left of a posted one may be less than Lago is owed, its own total not.
    """
    left = open_in(row)
    if left is None or left[1] != document.currency:
        return 0
    more = nearest_cents_of(left[0], document.currency) - document.left_cents
    if more >= 0 or row["state"] != "posted":
        return more
    return min(0, nearest_cents_of(row["amount_total"], document.currency) - document.left_cents)


def _in_another_currency(record: str, row: Row, document: _Document) -> Iterator[Extra]:
    """What Odoo has open in another currency, and that nothing is in Lago's; of an invoice its Odoo side is refused."""
    left = open_in(row)
    if left is None or left[1] == document.currency:
        return
    state = str(row["state"])
    if cents := nearest_cents_of(left[0], left[1]):
        yield replace(_extra(record, state, document, cents), currency=left[1])
    if document.left_cents:
        yield _extra(f"{record},{document.currency}", state, document, -document.left_cents)


def _extra(record: str, state: str, document: _Document, cents: int) -> Extra:
    left = told_money(document.left_cents, document.currency)
    facts = {"what": document.number, "day": str(document.day), "state": state, "left": left}
    lacking = Told.LESS_OPEN.of(document.number, document.day, state, left)
    beyond = Told.MORE_OPEN.of(document.number, document.day, state)
    return Extra(
        kind=EXTRA_BALANCE if cents > 0 else LACKING_BALANCE,
        record=record,
        name=document.number,
        customer=document.customer,
        customer_name=document.customer_name,
        currency=document.currency,
        net_cents=document.sign * cents,
        tax_cents=0,
        detail=beyond if cents > 0 else lacking,
        facts=facts,
        day=document.day,
    )
