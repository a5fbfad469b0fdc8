"""What is open of each document: Lago's word, and what the books leave open, with why the two differ. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mappings.books.book import BooksScope
from mappings.books.documents import BookedDocument, BookedKind, BooksMap, SettledPart, document_xid
from mappings.books.register import OpenItem, open_items
from mappings.context import Context
from mappings.target import Skipped

UNEXPLAINED = ""


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """``cents``: the books' less Lago's. ``reason``: of what was refused; empty where nothing explains it."""

    number: str
    currency: str
    cents: int
    reason: str


def left_open(context: Context, scope: BooksScope, books: BooksMap, posted: Collection[str]) -> Iterator[LeftOpen]:
    """The documents of which the books leave another amount open than Lago does. ``posted``: external ids."""
    documents = {document.lago_id: document for document in books.documents if document.xid in posted}
    settled = _settled(each for each in books.applications if {each.settled, each.by} <= set(posted))
    reasons = _reasons(context, books.refused)
    for item in open_items(context, scope):
        document = documents.get(item.lago_id)
        cents = _open_cents(document, settled) - item.cents
        if cents:
            yield LeftOpen(item.number, item.currency, cents, reasons.get(item.lago_id, _why(item, document)))


def _why(item: OpenItem, document: BookedDocument | None) -> str:
    return UNEXPLAINED if document else "not_posted"


def _settled(applications: Iterable[SettledPart]) -> Mapping[str, int]:
    cents: dict[str, int] = {}
    for each in applications:
        for xid in (each.settled, each.by):
            cents[xid] = cents.get(xid, 0) + each.cents
    return cents


def _open_cents(document: BookedDocument | None, settled: Mapping[str, int]) -> int:
    if document is None:
        return 0
    number = document.lago_id
    kind = BookedKind.CREDIT_NOTE if document.kind is BookedKind.CREDIT_NOTE else BookedKind.INVOICE
    sign = -1 if kind is BookedKind.CREDIT_NOTE else 1
    return sign * (document.total_cents - settled.get(document_xid(kind, number), 0))


def _reasons(context: Context, refused: Iterable[Skipped]) -> Mapping[str, str]:
    """Lago id of a document -> the reason for which it, a payment of it, or a note that it took of is refused."""
    names = {item.source.lago_id: item.reason for item in refused}
    reasons = dict(names)
    for payment in context.snapshot.payments:
        if payment.lago_id in names:
            reasons |= {lago_id: names[payment.lago_id] for lago_id in payment.invoice_ids if lago_id not in reasons}
    for invoice in context.snapshot.invoices:
        for credit in invoice.credits:
            if (reason := names.get(credit.item.lago_item_id or "")) and invoice.lago_id not in reasons:
                reasons[invoice.lago_id] = reason
    return reasons
