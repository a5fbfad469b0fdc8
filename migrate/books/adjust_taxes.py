"""Taxes of drafts set to Lago's, to the cent: on the line of the tax itself, which Odoo keeps when it posts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappings.books.documents import BookedDocument
from mappings.money import from_subunits
from migrate.books.standing_books import StandingMove, TaxLine
from migrate.odoo.resolve import OdooReader

Adjustment = tuple[int, int]  # line of taxes -> cents that it shall have


def adjustments(document: BookedDocument, move: StandingMove) -> Iterator[Adjustment]:
    """What must be written: where one tax has several lines, the first of them takes the difference."""
    lines: dict[int, list[TaxLine]] = {}
    for line in move.taxes:
        lines.setdefault(line.tax, []).append(line)
    for tax, some in lines.items():
        missing = document.taxes.get(tax, 0) - sum(line.cents for line in some)
        if missing:
            yield some[0].id, some[0].cents + missing


def write_taxes(reader: OdooReader, document: BookedDocument, move: StandingMove) -> bool:
    """Set the taxes of one draft through the document, whose other lines follow; whether there was anything to do."""
    commands = list(_commands(document, adjustments(document, move)))
    if commands:
        reader.write("account.move", "write", [move.id], vals={"line_ids": commands})
    return bool(commands)


def _commands(document: BookedDocument, changes: Iterable[Adjustment]) -> Iterator[list[object]]:
    for line, cents in changes:
        signed = float(-document.sign * from_subunits(cents, document.currency))
        yield [1, line, {"amount_currency": signed}]
