"""A credit note of Lago's -> a document of the books. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mappings.books.documents import BookedDocument, BookedKind, BookedLine
from mappings.books.families import FeePart, family_lines
from mappings.books.invoices import Books, booked_taxes, place_problem, rounded
from mappings.context import Problem
from mappings.headers import OPEN
from mappings.money import told_money
from mappings.owed import credited_to
from mappings.phrases import Told
from mappings.records import CreditNote, Invoice


def booked_note(books: Books, note: CreditNote, invoice: Invoice | None, told: str) -> BookedDocument | Problem:
    """``told``: what is said against the note (``mappings.notes``)."""
    if told:
        return Problem(OPEN, told)
    problem = _problem(books, note, invoice)
    if problem is not None:
        return problem
    fees = {fee.lago_id: fee for fee in invoice.fees} if invoice else {}
    parts = [
        FeePart(fees.get(item.fee.lago_id, item.fee), item.amount_cents, Decimal(item.amount_cents))
        for item in note.items
        if item.fee is not None
    ]
    lines = family_lines(books.context, books.fees, parts, note.coupons_adjustment_amount_cents)
    if isinstance(lines, Problem):
        return lines
    taxes = booked_taxes(books, lines, note.applied_taxes)
    if isinstance(taxes, Problem):
        return taxes
    return rounded(books, _document(note, invoice, lines, taxes), len(note.items) + 2 + len(note.applied_taxes))


def _document(
    note: CreditNote, invoice: Invoice | None, lines: tuple[BookedLine, ...], taxes: Mapping[int, int]
) -> BookedDocument:
    return BookedDocument(
        kind=BookedKind.CREDIT_NOTE,
        lago_id=note.lago_id,
        number=note.number,
        customer=credited_to(note, invoice),
        currency=note.currency,
        day=note.issuing_date,
        due=note.issuing_date,
        lines=lines,
        taxes=taxes,
        total_cents=note.total_amount_cents,
        of=note.lago_invoice_id,
    )


def _problem(books: Books, note: CreditNote, invoice: Invoice | None) -> Problem | None:
    if invoice is None:
        number = note.invoice_number or note.lago_invoice_id
        return Problem("books_of_missing", str(Told.BOOKS_OF_MISSING.of(number)))
    if invoice.status == "voided":
        return Problem("books_of_void", str(Told.BOOKS_OF_VOID.of(invoice.number)))
    if note.credit_status == "voided":
        used = told_money(note.credit_amount_cents - note.balance_amount_cents, note.currency)
        return Problem("books_note_voided", str(Told.BOOKS_NOTE_VOIDED.of(used)))
    if note.self_billed or invoice.self_billed:
        return Problem("self_billed_invoice", str(Told.BOOKS_SELF_BILLED.of()))
    return place_problem(books, BookedKind.CREDIT_NOTE, note, credited_to(note, invoice))
