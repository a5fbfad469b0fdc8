"""Lago's register: what its invoices, reversals and credit notes say themselves, by month, currency and kind. Pure.

It is added up from the headers, not from the documents of the books: what mapping gets wrong shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mappings.books.book import BooksScope, given, issued
from mappings.books.documents import LineKind
from mappings.context import Context, local_day
from mappings.contracts import timezone_of
from mappings.owed import credit_cents, due_cents
from mappings.records import AppliedTax, CreditNote, Invoice

TOTAL = "total"
Kinds = Mapping[str, int]  # net, prepaid, rounding, "tax CODE", total -> cents


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One sum of the register."""

    month: str
    currency: str
    kind: str


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """What one document of Lago's adds. ``lago_id``: of the invoice or the note."""

    lago_id: str
    month: str
    currency: str
    cents: Kinds


def register(context: Context, scope: BooksScope) -> Iterator[RegisterEntry]:
    """Of each document within the scope; a reversal stands in the month in which it was voided."""
    for invoice in issued(context, scope):
        kinds = _of_invoice(invoice)
        yield RegisterEntry(invoice.lago_id, f"{invoice.issuing_date:%Y-%m}", invoice.currency, kinds)
        if invoice.status == "voided":
            day = (
                local_day(invoice.voided_at, timezone_of(invoice.customer))
                if invoice.voided_at
                else invoice.issuing_date
            )
            back = {kind: -cents for kind, cents in kinds.items()}
            yield RegisterEntry(invoice.lago_id, f"{day:%Y-%m}", invoice.currency, back)
    for note in given(context, scope):
        back = {kind: -cents for kind, cents in _of_note(note).items()}
        yield RegisterEntry(note.lago_id, f"{note.issuing_date:%Y-%m}", note.currency, back)


def sums(entries: Iterable[RegisterEntry]) -> dict[Cell, int]:
    """The entries added up; what comes to nothing is left out."""
    cells: dict[Cell, int] = {}
    for entry in entries:
        for kind, cents in entry.cents.items():
            cell = Cell(entry.month, entry.currency, kind)
            cells[cell] = cells.get(cell, 0) + cents
    return {cell: cents for cell, cents in cells.items() if cents}


def _of_invoice(invoice: Invoice) -> Kinds:
    bought = sum(fee.amount_cents for fee in invoice.fees if fee.item.type == "credit")
    return {
        LineKind.NET.value: invoice.sub_total_excluding_taxes_amount_cents - bought,
        LineKind.PREPAID.value: bought - invoice.prepaid_credit_amount_cents,
        LineKind.ROUNDING.value: invoice.taxes_amount_cents - sum(tax.amount_cents for tax in invoice.applied_taxes),
        TOTAL: invoice.sub_total_including_taxes_amount_cents - invoice.prepaid_credit_amount_cents,
        **_taxes(invoice.applied_taxes),
    }


def _of_note(note: CreditNote) -> Kinds:
    """Lago rounds the items of a note, its coupons and its sums apart: what they do not make is rounding, too."""
    net = sum(item.amount_cents for item in note.items) - note.coupons_adjustment_amount_cents
    taxes = sum(tax.amount_cents for tax in note.applied_taxes)
    return {
        LineKind.NET.value: net,
        LineKind.ROUNDING.value: note.total_amount_cents - net - taxes,
        TOTAL: note.total_amount_cents,
        **_taxes(note.applied_taxes),
    }


def _taxes(applied: Iterable[AppliedTax]) -> dict[str, int]:
    cents: dict[str, int] = {}
    for tax in applied:
        cents[tax_kind(tax.tax_code)] = cents.get(tax_kind(tax.tax_code), 0) + tax.amount_cents
    return cents


def tax_kind(code: str) -> str:
    """How a tax is called in the register."""
    return f"tax {code}"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What Lago is owed of an invoice, or owes of a credit note (below 0)."""

    lago_id: str
    number: str
    currency: str
    cents: int


def open_items(context: Context, scope: BooksScope) -> Iterator[OpenItem]:
    """Of each document within the scope, those that are settled too."""
    for invoice in issued(context, scope):
        yield OpenItem(invoice.lago_id, invoice.number, invoice.currency, due_cents(invoice))
    for note in given(context, scope):
        yield OpenItem(note.lago_id, note.number, note.currency, -credit_cents(note))
