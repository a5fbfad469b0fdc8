"""An invoice of Lago's -> a document of the books, and its reversal if Lago voided it. Pure.

    lines by family - coupons + prepaid credits bought - prepaid credits used + taxes + rounding
        = what the invoice asks for before credit notes, which are documents of their own and settle it

Taxes are those that Lago wrote on the invoice, tax by tax; Lago rounds their sum apart from them (facts §6.3): the
cents between are a line with a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from mappings.books.documents import BookedDocument, BookedKind, BookedLine, LineKind, document_xid
from mappings.books.families import FeeLedger, FeePart, family_lines, undecided
from mappings.books.odoo_books import NO_TAX, OdooBooks
from mappings.context import Context, Problem, local_day
from mappings.contracts import timezone_of
from mappings.headers import HEADER, header_contradictions, takes_coupons_after_taxes
from mappings.known import INVOICE_TYPES
from mappings.money import told_money
from mappings.owed import billed_to
from mappings.phrases import Told
from mappings.records import AppliedTax, CreditNote, Invoice

BOOKED: Final = ("finalized", "voided")
NOTHING = "Nothing billed"


@dataclass(frozen=True, slots=True)
class Books:
    """What mapping one record needs: Lago's side, Odoo's side, and what is known of fees."""

    context: Context
    odoo: OdooBooks
    fees: FeeLedger


def booked_invoice(books: Books, invoice: Invoice) -> BookedDocument | Problem:
    """The document of an invoice that is final, voided since or not: what was issued was issued."""
    problem = _problem(books, invoice)
    if problem is not None:
        return problem
    discount = invoice.fees_amount_cents - invoice.sub_total_excluding_taxes_amount_cents
    parts = [FeePart(fee, fee.amount_cents, fee.precise_coupons_amount_cents) for fee in invoice.fees]
    lines = family_lines(books.context, books.fees, parts, discount)
    if isinstance(lines, Problem):
        return lines
    taxes = booked_taxes(books, lines, invoice.applied_taxes)
    if isinstance(taxes, Problem):
        return taxes
    used = _prepaid_used(books, invoice)
    if isinstance(used, Problem):
        return used
    total = invoice.sub_total_including_taxes_amount_cents - invoice.prepaid_credit_amount_cents
    document = BookedDocument(
        kind=BookedKind.INVOICE,
        lago_id=invoice.lago_id,
        number=invoice.number,
        customer=billed_to(invoice),
        currency=invoice.currency,
        day=invoice.issuing_date,
        due=invoice.payment_due_date or invoice.issuing_date,
        lines=(*lines, *used),
        taxes=taxes,
        total_cents=total,
    )
    return rounded(books, document, len(invoice.applied_taxes))


def reversal(books: Books, invoice: Invoice, booked: BookedDocument) -> BookedDocument | Problem:
    """The document that takes a voided invoice back, of the day on which it was voided."""
    if invoice.voided_at is None:
        return Problem("books_void_undated", str(Told.BOOKS_VOID_UNDATED.of()))
    day = local_day(invoice.voided_at, timezone_of(invoice.customer))
    void = replace(booked, kind=BookedKind.VOID, day=day, due=day, of=booked.lago_id)
    return day_problem(books, void.xid, day, void.currency, taxed=bool(void.taxes)) or void


def _problem(books: Books, invoice: Invoice) -> Problem | None:
    if invoice.invoice_type not in INVOICE_TYPES:
        return Problem("unknown_invoice_type", str(Told.BOOKS_UNKNOWN_TYPE.of(invoice.invoice_type[:40])))
    if invoice.self_billed:
        return Problem("self_billed_invoice", str(Told.BOOKS_SELF_BILLED.of()))
    if takes_coupons_after_taxes(invoice):
        return Problem("books_old_version", str(Told.OLD_VERSION.of(invoice.version_number)))
    contradictions = tuple(header_contradictions(invoice))
    if contradictions:
        return Problem(HEADER, "; ".join(contradictions))
    return place_problem(books, BookedKind.INVOICE, invoice, billed_to(invoice))


def place_problem(books: Books, kind: BookedKind, record: Invoice | CreditNote, customer: str) -> Problem | None:
    """That Odoo has nobody it is for, another seller, or no open day for it."""
    return (
        partner_problem(books, customer)
        or books.context.seller_problem(record)
        or day_problem(
            books,
            document_xid(kind, record.lago_id),
            record.issuing_date,
            record.currency,
            taxed=bool(record.taxes_amount_cents),
        )
    )


def partner_problem(books: Books, customer: str) -> Problem | None:
    """That whoever it is for is nobody in Odoo."""
    problem = books.context.problem(customer)
    if problem is not None or customer in books.odoo.partners:
        return problem
    return Problem("books_no_partner", str(Told.BOOKS_NO_PARTNER.of(books.context.external(customer) or customer)))


def day_problem(books: Books, xid: str, day: date, currency: str, *, taxed: bool) -> Problem | None:
    """That Odoo would book it on another day, or at a rate that nobody gave: it does both without a word.

    What is posted is: its period may be closed since.
    """
    problem = books.context.currency_problem(currency)
    if problem is not None or xid in books.odoo.posted:
        return problem
    if books.odoo.is_locked(day, taxed=taxed):
        return Problem("books_period_locked", str(Told.BOOKS_LOCKED.of(day.isoformat())))
    if not books.odoo.has_rate(currency, day):
        return Problem("books_no_rate", str(Told.BOOKS_NO_RATE.of(currency, day.isoformat())))
    return None


def _prepaid_used(books: Books, invoice: Invoice) -> tuple[BookedLine, ...] | Problem:
    cents, account = invoice.prepaid_credit_amount_cents, books.context.tables.books.prepaid
    if not cents:
        return ()
    if not account:
        return undecided(books.context, "prepaid")
    return (BookedLine(kind=LineKind.PREPAID, label="Prepaid credits used", account=account, cents=-cents),)


def booked_taxes(
    books: Books, lines: tuple[BookedLine, ...], applied: tuple[AppliedTax, ...]
) -> Mapping[int, int] | Problem:
    """Odoo's tax -> Lago's cents. Each of Lago's taxes is the one part, of those on the lines, that has its rate."""
    borne = {line.tax for line in lines if line.tax}
    unfit = sorted(xid for xid in borne if not books.odoo.taxes.get(xid, NO_TAX).rates)
    if unfit:
        return Problem("books_tax_unfit", str(Told.BOOKS_TAX_UNFIT.of(unfit[0], books.context.tables.name)))
    cents: dict[int, int] = {}
    for tax in applied:
        if not tax.amount_cents:
            continue
        parts = {part for xid in borne if (part := books.odoo.taxes[xid].part(tax.tax_rate)) is not None}
        if len(parts) != 1:
            named, rate = ", ".join(sorted(borne)) or "taxes", f"{tax.tax_rate.normalize():f}"
            told = Told.BOOKS_TAX_UNKNOWN.of(named, rate, tax.tax_code, books.context.tables.name)
            return Problem("books_tax_unknown", str(told))
        part = parts.pop()
        cents[part] = cents.get(part, 0) + tax.amount_cents
    return cents


def rounded(books: Books, document: BookedDocument, most: int) -> BookedDocument | Problem:
    """The document with a line for the cents by which it does not make its total, if those are no more than ``most``.

    One that has no line gets one of nothing: Odoo posts none without.
    """
    made = sum(line.cents for line in document.lines) + sum(document.taxes.values())
    cents, table = document.total_cents - made, books.context.tables.books
    if abs(cents) > most:
        told = Told.BOOKS_BEYOND_ROUNDING.of(*(told_money(c, document.currency) for c in (made, document.total_cents)))
        return Problem("books_beyond_rounding", str(told))
    if not cents and document.lines:
        return with_accounts(books, document)
    if not table.rounding:
        return undecided(books.context, "rounding")
    label = "Rounding of taxes in Lago" if cents else NOTHING
    line = BookedLine(kind=LineKind.ROUNDING, label=label, account=table.rounding, cents=cents)
    return with_accounts(books, replace(document, lines=(*document.lines, line)))


def with_accounts(books: Books, document: BookedDocument) -> BookedDocument | Problem:
    """The document, if Odoo has each of its accounts."""
    lacking = next((line.account for line in document.lines if line.account not in books.odoo.accounts), "")
    if not lacking:
        return document
    return account_lost(books, lacking)


def account_lost(books: Books, code: str) -> Problem:
    """That Odoo has no account of this code."""
    return Problem("books_account_lost", str(Told.BOOKS_ACCOUNT_LOST.of(code, books.context.tables.name)))
