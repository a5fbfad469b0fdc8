"""What is still open of Lago's invoices and credit notes, and whose they are: for mapping and reconciling alike. Pure.

An invoice marked as paid through the API still shows its whole total as due: the payment status is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from mappings.records import CreditNote, Invoice


def due_cents(invoice: Invoice) -> int:
    """What is still to be paid of a finalized invoice, in cents."""
    if invoice.status != "finalized" or invoice.payment_status == "succeeded":
        return 0
    if invoice.total_due_amount_cents is not None:
        return invoice.total_due_amount_cents
    return invoice.total_amount_cents - invoice.total_paid_amount_cents


def kept_cents(invoice: Invoice, notes: Iterable[CreditNote]) -> int:
    """What was paid of an invoice that is voided, less what its credit notes gave back, in cents.

    Lago voids what was paid as well (its fault L6, facts/lago-cutover): the money stays, and no balance shows it.
    """
    if invoice.status != "voided":
        return 0
    is_marked = invoice.payment_status == "succeeded"  # through the API: no amount paid is written down
    paid = invoice.total_paid_amount_cents or (invoice.total_amount_cents if is_marked else 0)
    return max(paid - sum(note.total_amount_cents for note in notes if note.credit_status != "voided"), 0)


def is_disputed(invoice: Invoice) -> bool:
    """Whether the bank took back what paid it: Lago calls it paid all the same."""
    return invoice.payment_status == "succeeded" and invoice.payment_dispute_lost_at is not None


def credit_cents(note: CreditNote) -> int:
    """What Lago still owes of a credit note, in cents: nothing of one that was used up or voided."""
    return note.balance_amount_cents if note.credit_status == "available" else 0


def billed_to(invoice: Invoice | None) -> str:
    """Lago's id of an invoice's customer, also where only what it bills tells it; empty where nothing does."""
    if invoice is None:
        return ""
    if invoice.customer:
        return invoice.customer.lago_id
    owners = [s.lago_customer_id for s in invoice.subscriptions] + [f.lago_customer_id or "" for f in invoice.fees]
    return next(iter(owners), "")


def credited_to(note: CreditNote, invoice: Invoice | None) -> str:
    """Lago's id of a credit note's customer, else of its invoice's; empty where nothing tells it."""
    return note.customer.lago_id if note.customer else billed_to(invoice)
