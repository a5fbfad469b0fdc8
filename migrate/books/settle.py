"""Documents that settle each other in Lago are reconciled in Odoo: payments, credit notes, reversals.

    applications -> those that Odoo does not have yet -> js_assign_outstanding_line, one by one, in their order

Odoo itself decides how much: as much as both have open. What comes of it is read again and held against Lago's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mappings.books.documents import BooksMap, SettledPart
from mappings.money import to_subunits, told_money
from migrate.books.standing_books import StandingBooks
from migrate.errors import OdooError
from migrate.odoo.door import Door
from migrate.odoo.errors import one_line
from migrate.odoo.resolve import OdooReader
from migrate.odoo.withheld import is_of_all
from migrate.values import related_id

RECEIVABLE = "asset_receivable"


@dataclass(slots=True)
class Reconciled:
    """``done``: pairs that were put together now; ``wrong``: (external id of the settled document, why)."""

    done: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Receivable lines by external id (a payment's stand in its entry), and what Odoo put together of them."""

    lines: Mapping[str, int]
    moves: Mapping[str, int]
    pairs: Mapping[tuple[int, int], Decimal]  # (line of the invoice, line of what settles it) -> in its currency

    def applied(self, each: SettledPart) -> Decimal:
        """What Odoo has of an application."""
        return self.pairs.get((self.lines[each.settled], self.lines[each.by]), Decimal(0))


def settle(reader: OdooReader, books: BooksMap, standing: StandingBooks) -> Reconciled:
    """Put together what is posted on both sides and not put together yet."""
    result = Reconciled()
    posted = [each for each in books.applications if {each.settled, each.by} <= standing.posted]
    ledgers = read_ledgers(reader.door, standing)
    ready = [each for each in posted if {each.settled, each.by} <= ledgers.lines.keys()]
    for done, each in enumerate(ready, 1):
        if not ledgers.applied(each):
            _put_together(reader, ledgers, each, result)
        reader.progress("settling", done, len(ready))
    currencies = {document.xid: document.currency for document in books.documents}
    now = read_ledgers(reader.door, standing) if result.done else ledgers
    result.wrong += _wrong(now, ready, currencies)
    return result


def _put_together(reader: OdooReader, ledgers: Ledgers, each: SettledPart, result: Reconciled) -> None:
    try:
        reader.write("account.move", "js_assign_outstanding_line", [ledgers.moves[each.settled]],
                     line_id=ledgers.lines[each.by])  # fmt: skip
        result.done += 1
    except OdooError as error:
        if is_of_all(error, reader.door, "account.move.line", "write"):
            raise
        result.wrong.append((each.settled, one_line(str(error))))


def _wrong(
    ledgers: Ledgers, applications: Iterable[SettledPart], currencies: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for each in applications:
        currency = currencies[each.settled]
        cents = to_subunits(ledgers.applied(each), currency)
        if cents != each.cents:
            told = [told_money(amount, currency) for amount in (cents, each.cents)]
            yield each.settled, f"Odoo settles {told[0]} of it by {each.by}, Lago {told[1]}"


def read_ledgers(odoo: Door, standing: StandingBooks) -> Ledgers:
    """The receivable lines of what is posted."""
    moves = {xid: move.id for xid, move in standing.moves.items() if xid in standing.posted}
    moves |= _entries(odoo, standing)
    owners = {number: xid for xid, number in moves.items()}
    domain = [["account_id.account_type", "=", RECEIVABLE], ["parent_state", "=", "posted"]]
    rows = odoo.search_among("account.move.line", "move_id", sorted(owners), ["move_id"], domain=domain)
    lines = {owners[related_id(row["move_id"])]: int(row["id"]) for row in rows}
    return Ledgers(lines, moves, _pairs(odoo, sorted(lines.values())))


def _entries(odoo: Door, standing: StandingBooks) -> dict[str, int]:
    ids = {number: xid for xid, (number, _) in standing.payments.items() if xid in standing.posted}
    rows = odoo.read("account.payment", sorted(ids), ["move_id"])
    return {ids[row["id"]]: related_id(row["move_id"]) for row in rows if row["move_id"]}


def _pairs(odoo: Door, lines: Sequence[int]) -> dict[tuple[int, int], Decimal]:
    names = ["debit_move_id", "credit_move_id", "debit_amount_currency"]
    rows = odoo.search_among("account.partial.reconcile", "debit_move_id", lines, names)
    return {
        (related_id(row["debit_move_id"]), related_id(row["credit_move_id"])): Decimal(
            str(row["debit_amount_currency"])
        )
        for row in rows
    }
