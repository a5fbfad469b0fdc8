"""Odoo's journal of the books, added up as Lago's register is, and what is open of its receivables. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from mappings.books.documents import BookedDocument, BooksMap, LineKind
from mappings.books.register import TOTAL, Cell, tax_kind
from mappings.books.table import BooksTable
from mappings.books.to_odoo import JOURNAL
from mappings.money import to_subunits
from migrate.books.look import books_of
from migrate.books.settle import read_ledgers
from migrate.books.standing_books import StandingBooks
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import records_named
from migrate.values import number_or_none, related_id


@dataclass(frozen=True, slots=True)
class JournalAccounts:
    """How the lines of the journal are told apart. ``taxes``: Odoo's tax -> its name in the register."""

    prepaid: int
    rounding: int
    taxes: Mapping[int, str]

    def kind_of(self, row: Row) -> str:
        """What the register counts a line as."""
        if row["display_type"] == "tax":
            tax = number_or_none(row["tax_line_id"]) or 0
            return self.taxes.get(tax, tax_kind(f"account.tax {tax}"))
        if row["display_type"] == "payment_term":
            return TOTAL
        account = related_id(row["account_id"])
        kinds = {self.prepaid: LineKind.PREPAID.value, self.rounding: LineKind.ROUNDING.value}
        return kinds.get(account, LineKind.NET.value)


def journal_accounts(table: BooksTable, accounts: Mapping[str, int], taxes: Mapping[int, str]) -> JournalAccounts:
    """By the codes of finance's table; what it does not name is no account."""
    return JournalAccounts(accounts.get(table.prepaid, -1), accounts.get(table.rounding, -2), taxes)


def journal_cells(odoo: Door, books: BooksMap, standing: StandingBooks, accounts: JournalAccounts) -> dict[Cell, int]:
    """The lines of the documents in Odoo, by month, currency and kind."""
    documents = {document.xid: document for document in books.documents}
    owners = {move.id: (documents[xid], move.day[:7]) for xid, move in standing.moves.items()}
    names = ["move_id", "display_type", "account_id", "tax_line_id", "amount_currency"]
    cells: dict[Cell, int] = {}
    for row in odoo.search_among("account.move.line", "move_id", sorted(owners), names):
        document, month = owners[related_id(row["move_id"])]
        kind = accounts.kind_of(row)
        cell = Cell(month, document.currency, kind)
        cells[cell] = cells.get(cell, 0) + _cents(row, document) * (1 if kind == TOTAL else -1)
    return {cell: cents for cell, cents in cells.items() if cents}


def _cents(row: Row, document: BookedDocument) -> int:
    return to_subunits(Decimal(str(row["amount_currency"])), document.currency)


def receivables(odoo: Door, books: BooksMap, standing: StandingBooks) -> dict[str, int]:
    """Currency -> what is open of the documents and payments that are posted."""
    currencies = {document.xid: document.currency for document in books.documents}
    currencies |= {payment.xid: payment.currency for payment in books.payments}
    ledgers = read_ledgers(odoo, standing)
    lines = {number: currencies[xid] for xid, number in ledgers.lines.items()}
    open_cents: dict[str, int] = {}
    for row in odoo.read("account.move.line", sorted(lines), ["amount_residual_currency"]):
        currency = lines[row["id"]]
        cents = to_subunits(Decimal(str(row["amount_residual_currency"])), currency)
        open_cents[currency] = open_cents.get(currency, 0) + cents
    return open_cents


def foreign_entries(odoo: Door) -> Iterable[str]:
    """What stands in the journal and is not ours: somebody else uses it."""
    journal = records_named(odoo, [JOURNAL]).get(JOURNAL)
    if journal is None:
        return ()
    ours = books_of(odoo, "account.move")
    rows = odoo.search_read("account.move", [["journal_id", "=", journal[1]]], ["name", "ref"])
    return tuple(f"{row['name'] or row['ref'] or 'draft'} (account.move {row['id']})" for row in rows
                 if row["id"] not in ours)  # fmt: skip
