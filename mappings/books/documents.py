"""What becomes of Lago's records in the books: documents, payments, what settles what, and what is refused. Pure.

Amounts are cents as they stand on the document: those of a credit note and of a reversal are positive, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from mappings.target import Skipped, xid


class BookedKind(StrEnum):
    """``VOID`` reverses an invoice that Lago voided."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    VOID = "void"


class LineKind(StrEnum):
    """What a line is, and what the register counts it as."""

    NET = "net"
    PREPAID = "prepaid"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedLine:
    """``tax``: external id of Odoo's one tax, empty for none. ``account``: its code."""

    kind: LineKind
    label: str
    account: str
    cents: int
    tax: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedDocument:
    """One document of the journal. ``taxes``: Odoo's tax (id) -> cents; ``of``: the invoice it reverses or credits."""

    kind: BookedKind
    lago_id: str
    number: str
    customer: str  # Lago's id
    currency: str
    day: date
    due: date
    lines: tuple[BookedLine, ...]
    taxes: Mapping[int, int]
    total_cents: int
    of: str = ""

    @property
    def xid(self) -> str:
        """Its external id in Odoo."""
        return document_xid(self.kind, self.lago_id)

    @property
    def sign(self) -> int:
        """-1 for what is owed to the customer."""
        return 1 if self.kind is BookedKind.INVOICE else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPayment:
    """Money that came in. ``marked``: Lago calls the invoice paid, and has no payment for it."""

    lago_id: str  # of the payment; of the invoice if ``marked``
    label: str
    customer: str
    currency: str
    day: date
    cents: int
    marked: bool = False

    @property
    def xid(self) -> str:
        """Its external id in Odoo."""
        return xid("books_marked" if self.marked else "books_payment", self.lago_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPart:
    """``settled`` (an invoice) is paid by ``by`` (a payment, a credit note, a reversal), by so much. External ids."""

    settled: str
    by: str
    cents: int
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksMap:
    """All of it. ``refused``: with the document that each belongs to, by the id of Lago's record."""

    documents: tuple[BookedDocument, ...] = ()
    payments: tuple[BookedPayment, ...] = ()
    applications: tuple[SettledPart, ...] = ()
    refused: tuple[Skipped, ...] = field(default=())


BOOKS = xid("books", "")  # how the external id of everything of the books begins


def document_xid(kind: BookedKind, lago_id: str) -> str:
    """The external id of a document of the books."""
    return xid(f"books_{kind.value}", lago_id)
