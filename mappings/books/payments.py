"""Lago's payments -> payments of the books, with what each settles; also what Lago calls paid without one. Pure.

Which invoices are paid, and how much of each, is Lago's word. A payment of several invoices pays them in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from mappings.books.documents import BookedDocument, BookedKind, BookedPayment, SettledPart, document_xid
from mappings.books.families import undecided
from mappings.books.invoices import Books, account_lost, day_problem
from mappings.context import Problem, local_day
from mappings.contracts import timezone_of
from mappings.money import told_money
from mappings.owed import is_disputed
from mappings.phrases import Told
from mappings.records import Invoice, Payment


@dataclass(frozen=True, slots=True)
class SettledPayment:
    """What one payment becomes."""

    payment: BookedPayment
    applications: tuple[SettledPart, ...]


@dataclass(slots=True)
class Payables:
    """Invoices by Lago's id, those that are in the books, and what is left to be paid of each."""

    books: Books
    invoices: Mapping[str, Invoice]
    booked: Mapping[str, BookedDocument]
    left: dict[str, int] = field(default_factory=dict)

    def paid_by(self, payment: Payment) -> SettledPayment | Problem:
        """A payment that came in, or why it is not booked."""
        invoices = [self.invoices.get(lago_id) for lago_id in payment.invoice_ids]
        problem = self._problem(payment, invoices) or account_problem(self.books, "received")
        if problem is not None:
            return problem
        known = [invoice for invoice in invoices if invoice is not None]
        booked = BookedPayment(
            lago_id=payment.lago_id,
            label=payment.reference or payment.provider_payment_id or payment.lago_id,
            customer=self.booked[known[0].lago_id].customer,
            currency=payment.amount_currency,
            day=_day(payment, known),
            cents=payment.amount_cents,
        )
        if (locked := day_problem(self.books, booked.xid, booked.day, booked.currency, taxed=False)) is not None:
            return locked
        return SettledPayment(booked, tuple(self._take(booked, known)))

    def _take(self, payment: BookedPayment, invoices: Iterable[Invoice]) -> Iterator[SettledPart]:
        rest = payment.cents
        for invoice in invoices:
            cents = min(rest, self._left(invoice))
            self.left[invoice.lago_id] = self._left(invoice) - cents
            rest -= cents
            if cents:
                yield application(invoice.lago_id, payment.xid, cents, payment.day)

    def _left(self, invoice: Invoice) -> int:
        return self.left.get(invoice.lago_id, invoice.total_amount_cents)

    def _problem(self, payment: Payment, invoices: list[Invoice | None]) -> Problem | None:
        if not invoices:
            return Problem("books_pays_nothing", str(Told.BOOKS_PAYS_NOTHING.of()))
        for lago_id, invoice in zip(payment.invoice_ids, invoices, strict=True):
            if invoice is None or invoice.lago_id not in self.booked:
                number = invoice.number if invoice else lago_id
                return Problem("books_of_missing", str(Told.BOOKS_OF_MISSING.of(number)))
            if problem := _problem_of(payment, invoice):
                return problem
        left = sum(self._left(invoice) for invoice in invoices if invoice)
        if payment.amount_cents <= left:
            return None
        total = sum(invoice.total_amount_cents for invoice in invoices if invoice)
        told = (told_money(c, payment.amount_currency) for c in (total - left + payment.amount_cents, total))
        return Problem("books_overpaid", str(Told.BOOKS_OVERPAID.of(*told)))

    def marked(self, invoice: Invoice) -> SettledPayment | Problem | None:
        """What an invoice that Lago calls paid lacks of payments; None of one that lacks nothing."""
        cents, currency = (
            self._left(invoice) - (invoice.total_offsetted_credit_note_amount_cents or 0),
            invoice.currency,
        )
        if invoice.payment_status != "succeeded" or invoice.status != "finalized" or cents <= 0:
            return None
        if is_disputed(invoice):
            told = Told.BOOKS_DISPUTED.of(told_money(cents, currency))
            return Problem("payment_dispute_lost", str(told))
        if not self.books.context.tables.books.marked_as_paid:
            told = Told.BOOKS_MARKED.of(told_money(cents, currency), self.books.context.tables.name)
            return Problem("books_paid_without_payment", str(told))
        booked = BookedPayment(
            lago_id=invoice.lago_id,
            label=f"{invoice.number} marked as paid in Lago",
            customer=self.booked[invoice.lago_id].customer,
            currency=currency,
            day=self._day_of_mark(invoice),
            cents=cents,
            marked=True,
        )
        problem = account_problem(self.books, "marked_as_paid")
        problem = problem or day_problem(self.books, booked.xid, booked.day, currency, taxed=False)
        if problem is not None:
            return problem
        return SettledPayment(booked, (application(invoice.lago_id, booked.xid, cents, booked.day),))

    def _day_of_mark(self, invoice: Invoice) -> date:
        """The day on which its last fee was paid, if Lago tells; else that of the invoice."""
        zone = timezone_of(invoice.customer)
        days = [local_day(fee.succeeded_at, zone) for fee in invoice.fees if fee.succeeded_at]
        return max([*days, invoice.issuing_date])


def account_problem(books: Books, key: str) -> Problem | None:
    """That finance names no account of this kind, or one that Odoo does not have."""
    table = books.context.tables.books
    code = table.received if key == "received" else table.marked_as_paid
    if not code:
        return undecided(books.context, key)
    return None if code in books.odoo.accounts else account_lost(books, code)


def application(invoice: str, by: str, cents: int, day: date) -> SettledPart:
    """That an invoice is settled by a record of the books."""
    return SettledPart(settled=document_xid(BookedKind.INVOICE, invoice), by=by, cents=cents, day=day)


def _problem_of(payment: Payment, invoice: Invoice) -> Problem | None:
    if invoice.status == "voided":
        return Problem("books_of_void", str(Told.BOOKS_OF_VOID.of(invoice.number)))
    if is_disputed(invoice):
        told = Told.BOOKS_DISPUTED.of(told_money(payment.amount_cents, payment.amount_currency))
        return Problem("payment_dispute_lost", str(told))
    if payment.amount_currency.upper() != invoice.currency.upper():
        told = Told.BOOKS_IN_OTHER.of(payment.amount_currency, invoice.number, invoice.currency)
        return Problem("books_currency_differs", str(told))
    return None


def _day(payment: Payment, invoices: list[Invoice]) -> date:
    return local_day(payment.created_at, timezone_of(invoices[0].customer))
