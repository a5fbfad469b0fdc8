"""Credit notes that cannot be taken at their word: against themselves, their invoices, or what was taken of them. Pure.

``mappings.balances`` moves none of them; a month that one was issued in is not told as equal (``reconcile.sides``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mappings.headers import given_back_contradictions, note_contradictions
from mappings.money import told_money
from mappings.owed import billed_to, credited_to
from mappings.records import CreditNote, Customer, Invoice, Snapshot


def contradicted_notes(snapshot: Snapshot) -> dict[str, str]:
    """Lago id of a note -> all that is said against it."""
    others = _Others(
        customers={customer.lago_id: customer for customer in snapshot.customers},
        invoices={invoice.lago_id: invoice for invoice in snapshot.invoices},
        unread={q.id: q.customer for q in snapshot.quarantined if q.customer},
        taken=_taken(snapshot),
        overdrawn=_overdrawn(snapshot),
    )
    told = {note.lago_id: (*note_contradictions(note), *others.against(note)) for note in snapshot.credit_notes}
    return {lago_id: "; ".join(sentences) for lago_id, sentences in told.items() if sentences}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Others:
    """What other records say. ``unread``: id of what is in quarantine -> whose it is (external id)."""

    customers: Mapping[str, Customer]
    invoices: Mapping[str, Invoice]
    unread: Mapping[str, str]
    taken: Mapping[str, int]
    overdrawn: Mapping[str, tuple[str, ...]]

    def against(self, note: CreditNote) -> Iterator[str]:
        yield from self._against_owner(note)
        yield from _against_uses(note, self.taken.get(note.lago_id, 0))
        yield from self.overdrawn.get(note.lago_id, ())

    def _against_owner(self, note: CreditNote) -> Iterator[str]:
        """What a note says against its invoice, or, where that is unknown, its customer: Lago has both alike.

        A customer may have invoices in several currencies; a note has its invoice's.
        """
        invoice = self.invoices.get(note.lago_invoice_id)
        customer = credited_to(note, invoice)
        holder = self.customers.get(customer)
        place = f"its customer {holder.external_id}" if holder else ""
        currency = holder.currency if holder else None
        if invoice is not None:
            currency, place = invoice.currency, f"its invoice {invoice.number}"
        if currency and currency.upper() != note.currency.upper():
            left, given = (told_money(c, note.currency) for c in (note.balance_amount_cents, note.total_amount_cents))
            yield f"it is of {given}, of which {left} are left, and {place} is in {currency}"
        owner = billed_to(invoice)
        if owner and owner != customer:
            left = told_money(note.balance_amount_cents, note.currency)
            yield f"it is {self._name(customer)}'s, with {left} left, and {place} is {self._name(owner)}'s"

    def _name(self, lago_id: str) -> str:
        customer = self.customers.get(lago_id)
        return (customer.external_id if customer else self.unread.get(lago_id)) or lago_id


def _overdrawn(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Lago id of a credit note -> what it gives back with the others of its invoice that is more than there is."""
    notes: dict[str, list[CreditNote]] = {}
    for note in snapshot.credit_notes:
        notes.setdefault(note.lago_invoice_id, []).append(note)
    told: dict[str, tuple[str, ...]] = {}
    for invoice in snapshot.invoices:
        for overdrawing, sentence in given_back_contradictions(invoice, notes.get(invoice.lago_id, ())):
            told |= {note.lago_id: (*told.get(note.lago_id, ()), sentence) for note in overdrawing}
    return told


def _taken(snapshot: Snapshot) -> dict[str, int]:
    """Lago id of a credit note -> cents that invoices took of it. Lago gives back what those took that are voided."""
    taken: dict[str, int] = {}
    for invoice in snapshot.invoices:
        for credit in invoice.credits if invoice.status != "voided" else ():
            named = credit.item.lago_item_id
            if named and credit.item.type == "credit_note":
                taken[named] = taken.get(named, 0) + credit.amount_cents
    return taken


def _against_uses(note: CreditNote, taken: int) -> Iterator[str]:
    """More left than can be. Less may be: an invoice that Lago does not show took it."""
    money = partial(told_money, currency=note.currency)
    given, left = note.credit_amount_cents, note.balance_amount_cents
    if note.credit_status == "available" and taken and given - taken < left <= given:
        yield f"it gives a credit of {money(given)}, invoices took {money(taken)} of it, and {money(left)} are left"
