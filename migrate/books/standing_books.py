"""The documents and payments of the books as they stand in Odoo, and what they are not as Lago has them. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mappings.books.documents import BookedDocument, BooksMap
from mappings.money import to_subunits, told_money
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import records_named
from migrate.values import number_or_none, related_id

DRAFT = "draft"
_MOVE = ("state", "amount_total", "invoice_date", "date", "ref", "currency_id", "move_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A line of taxes: ``cents`` as they stand on the document."""

    id: int
    tax: int
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingMove:
    """A document in Odoo."""

    id: int
    state: str
    total_cents: int
    day: str
    booked_on: str
    ref: str
    taxes: tuple[TaxLine, ...] = ()

    @property
    def is_draft(self) -> bool:
        return self.state == DRAFT


@dataclass(frozen=True, slots=True)
class StandingBooks:
    """By external id. ``payments``: id and state."""

    moves: Mapping[str, StandingMove] = field(default_factory=dict)
    payments: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def posted(self) -> frozenset[str]:
        """What is no draft any more."""
        moves = {xid for xid, move in self.moves.items() if not move.is_draft}
        return frozenset(moves | {xid for xid, (_, state) in self.payments.items() if state != DRAFT})


def standing_books(odoo: Door, books: BooksMap) -> StandingBooks:
    """What there is of it."""
    documents = {document.xid: document for document in books.documents}
    places = records_named(odoo, [*documents, *(payment.xid for payment in books.payments)])
    ids = {number: xid for xid, (model, number) in places.items() if model == "account.move" and xid in documents}
    rows = odoo.read("account.move", sorted(ids), list(_MOVE))
    lines = _tax_lines(odoo, [row["id"] for row in rows])
    moves = {ids[row["id"]]: _move(row, documents[ids[row["id"]]], lines.get(row["id"], ())) for row in rows}
    return StandingBooks(moves, _payments(odoo, places))


def _payments(odoo: Door, places: Mapping[str, tuple[str, int]]) -> dict[str, tuple[int, str]]:
    ids = {number: xid for xid, (model, number) in places.items() if model == "account.payment"}
    return {ids[row["id"]]: (row["id"], row["state"]) for row in odoo.read("account.payment", sorted(ids), ["state"])}


def _tax_lines(odoo: Door, moves: Sequence[int]) -> dict[int, list[Row]]:
    names, domain = ["move_id", "tax_line_id", "amount_currency"], [["display_type", "=", "tax"]]
    lines: dict[int, list[Row]] = {}
    for row in odoo.search_among("account.move.line", "move_id", moves, names, domain=domain):
        lines.setdefault(related_id(row["move_id"]), []).append(row)
    return lines


def _move(row: Row, document: BookedDocument, lines: Iterable[Row]) -> StandingMove:
    def cents(amount: object) -> int:
        return to_subunits(Decimal(str(amount)), document.currency)

    taxes = tuple(
        TaxLine(id=line["id"], tax=number_or_none(line["tax_line_id"]) or 0,
                cents=-document.sign * cents(line["amount_currency"]))
        for line in sorted(lines, key=lambda line: line["id"])
    )  # fmt: skip
    return StandingMove(
        id=row["id"],
        state=row["state"],
        total_cents=cents(row["amount_total"]),
        day=str(row["invoice_date"]),
        booked_on=str(row["date"]),
        ref=str(row["ref"] or ""),
        taxes=taxes,
    )


def flaw(document: BookedDocument, move: StandingMove) -> str:
    """What a document in Odoo is not as Lago has it; empty if it is."""
    by_tax: dict[int, int] = {}
    for line in move.taxes:
        by_tax[line.tax] = by_tax.get(line.tax, 0) + line.cents
    for tax in sorted(by_tax.keys() | document.taxes.keys()):
        stands, asked = by_tax.get(tax, 0), document.taxes.get(tax, 0)
        if stands != asked:
            told = [told_money(cents, document.currency) for cents in (stands, asked)]
            return f"Odoo has {told[0]} of account.tax {tax}, Lago {told[1]}"
    if move.total_cents != document.total_cents:
        told = [told_money(cents, document.currency) for cents in (move.total_cents, document.total_cents)]
        return f"Odoo makes it {told[0]}, Lago {told[1]}"
    if move.booked_on != document.day.isoformat():
        return f"Odoo books it on {move.booked_on}, Lago's day is {document.day.isoformat()}"
    return ""
