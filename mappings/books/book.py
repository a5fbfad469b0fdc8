"""The books of a snapshot: every document, payment and settlement of a scope, and what is refused, by name. Pure.

    invoices -> their reversals -> credit notes -> payments -> what Lago calls paid without one

What is refused costs itself, and what needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from mappings.balances import credit_note_source, invoice_source
from mappings.books.documents import BookedDocument, BookedPayment, BooksMap, SettledPart
from mappings.books.families import FeeLedger
from mappings.books.invoices import BOOKED, Books, booked_invoice, reversal
from mappings.books.notes import booked_note
from mappings.books.odoo_books import OdooBooks
from mappings.books.payments import Payables, SettledPayment, application
from mappings.context import Context, Problem
from mappings.money import told_money
from mappings.notes import contradicted_notes
from mappings.owed import billed_to, credited_to
from mappings.phrases import Told
from mappings.records import CreditNote, Invoice, Payment
from mappings.target import Phase, Skipped, Source

RECEIVED = "succeeded"  # the state of a payment that came in


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksScope:
    """Which documents: those of these months (both ends included), of these customers (external ids; None: all)."""

    first: str = ""  # YYYY-MM
    last: str = ""
    customers: Collection[str] | None = None

    @property
    def is_of_all_months(self) -> bool:
        """Whether everything that settles a document is meant along with it."""
        return not (self.first or self.last)

    def takes(self, day: date, customer: str | None) -> bool:
        """Whether a document is meant."""
        month = f"{day:%Y-%m}"
        return (
            month >= self.first
            and (not self.last or month <= self.last)
            and (self.customers is None or customer in self.customers)
        )


def book(context: Context, odoo: OdooBooks, scope: BooksScope) -> BooksMap:
    """All documents within the scope. What settles an invoice is of its scope, whenever it came."""
    writing = _Bookkeeping(Books(context, odoo, FeeLedger.of(context)), scope)
    writing.take_invoices()
    writing.take_notes()
    writing.take_payments()
    return writing.result()


@dataclass(slots=True)
class _Bookkeeping:
    """The books as they grow."""

    books: Books
    scope: BooksScope
    booked: dict[str, BookedDocument] = field(default_factory=dict)  # invoices, by Lago's id
    more: list[BookedDocument] = field(default_factory=list)  # reversals and credit notes
    payments: list[BookedPayment] = field(default_factory=list)
    applications: list[SettledPart] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)

    @property
    def invoices(self) -> Mapping[str, Invoice]:
        return {invoice.lago_id: invoice for invoice in self.books.context.snapshot.invoices}

    def take_invoices(self) -> None:
        for invoice in issued(self.books.context, self.scope):
            document = booked_invoice(self.books, invoice)
            if isinstance(document, Problem):
                self._refuse(document, invoice_source(invoice), billed_to(invoice))
                continue
            self.booked[invoice.lago_id] = document
            if invoice.status == "voided":
                self._take_void(invoice, document)

    def _take_void(self, invoice: Invoice, booked: BookedDocument) -> None:
        """An invoice that cannot be taken back is not booked either: it would stand as owed."""
        void = reversal(self.books, invoice, booked)
        if isinstance(void, Problem):
            del self.booked[invoice.lago_id]
            self._refuse(void, invoice_source(invoice), booked.customer)
            return
        self.more.append(void)
        if void.total_cents:
            self.applications.append(application(invoice.lago_id, void.xid, void.total_cents, void.day))

    def take_notes(self) -> None:
        invoices, contradicted = self.invoices, contradicted_notes(self.books.context.snapshot)
        for note in given(self.books.context, self.scope):
            invoice = invoices.get(note.lago_invoice_id)
            document = booked_note(self.books, note, invoice, contradicted.get(note.lago_id, ""))
            customer = credited_to(note, invoice)
            if isinstance(document, Problem):
                self._refuse(document, credit_note_source(note), customer)
                continue
            self.more.append(document)
            self.applications += self._uses(note, document)
            if note.refund_amount_cents and note.refund_status:
                self._refuse(_refund(note), credit_note_source(note), customer)

    def _uses(self, note: CreditNote, document: BookedDocument) -> Iterator[SettledPart]:
        """The invoices that a note pays: its own, of what it offsets, and those that took of its credit."""
        if note.offset_amount_cents and note.lago_invoice_id in self.booked:
            yield application(note.lago_invoice_id, document.xid, note.offset_amount_cents, document.day)
        for invoice in self.books.context.snapshot.invoices:
            taken = sum(
                credit.amount_cents
                for credit in invoice.credits
                if credit.item.type == "credit_note" and credit.item.lago_item_id == note.lago_id
            )
            if taken and invoice.status == "finalized" and invoice.lago_id in self.booked:
                yield application(invoice.lago_id, document.xid, taken, invoice.issuing_date)

    def take_payments(self) -> None:
        invoices = self.invoices
        payables = Payables(self.books, invoices, self.booked)
        payments = (p for p in self.books.context.snapshot.payments if p.payment_status == RECEIVED)
        for payment in sorted(payments, key=lambda p: (p.created_at, p.lago_id)):
            if self._is_meant(payment, invoices):
                self._settle(payables.paid_by(payment), _payment_source(payment), payment.invoice_ids)
        for lago_id in sorted(self.booked):
            invoice = invoices[lago_id]
            self._settle(payables.marked(invoice), invoice_source(invoice), (lago_id,))

    def _is_meant(self, payment: Payment, invoices: Mapping[str, Invoice]) -> bool:
        """Those that pay an invoice of the scope, or none that is known."""
        paid = [invoices[lago_id] for lago_id in payment.invoice_ids if lago_id in invoices]
        of_scope = (self.scope.takes(i.issuing_date, self.books.context.external(billed_to(i))) for i in paid)
        return any(of_scope) if paid else self.scope.takes(payment.created_at.date(), payment.external_customer_id)

    def _settle(self, settled: SettledPayment | Problem | None, source: Source, invoices: tuple[str, ...]) -> None:
        if isinstance(settled, Problem):
            documents = (self.booked[lago_id] for lago_id in invoices if lago_id in self.booked)
            self._refuse(settled, source, next((d.customer for d in documents), ""))
        elif settled is not None:
            self.payments.append(settled.payment)
            self.applications += settled.applications

    def _refuse(self, problem: Problem, source: Source, customer: str) -> None:
        self.refused.append(problem.skips(Phase.BOOKS, source, self.books.context.external(customer)))

    def result(self) -> BooksMap:
        return BooksMap(
            documents=(*self.booked.values(), *self.more),
            payments=tuple(self.payments),
            applications=tuple(sorted(self.applications, key=lambda a: (a.day, a.settled, a.by))),
            refused=tuple(self.refused),
        )


def issued(context: Context, scope: BooksScope) -> Iterator[Invoice]:
    """The invoices of the scope that were issued, in the order of their days."""
    for invoice in sorted(context.snapshot.invoices, key=lambda i: (i.issuing_date, i.number, i.lago_id)):
        if invoice.status in BOOKED and scope.takes(invoice.issuing_date, context.external(billed_to(invoice))):
            yield invoice


def given(context: Context, scope: BooksScope) -> Iterator[CreditNote]:
    """The credit notes of the scope, in the order of their days."""
    invoices = {invoice.lago_id: invoice for invoice in context.snapshot.invoices}
    for note in sorted(context.snapshot.credit_notes, key=lambda n: (n.issuing_date, n.number, n.lago_id)):
        customer = credited_to(note, invoices.get(note.lago_invoice_id))
        if scope.takes(note.issuing_date, context.external(customer)):
            yield note


def _refund(note: CreditNote) -> Problem:
    amount = told_money(note.refund_amount_cents, note.currency)
    return Problem("books_refund_undated", str(Told.BOOKS_REFUND_UNDATED.of(amount, note.refund_status or "")))


def _payment_source(payment: Payment) -> Source:
    label = payment.reference or payment.provider_payment_id or payment.lago_id
    return Source("payment", f"{label} ({payment.lago_id[:8]})", payment.lago_id)
