"""Lago's register held against Odoo's journal, and what is owed against the receivables, to the cent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mappings.books.book import BooksScope
from mappings.books.documents import BooksMap
from mappings.books.odoo_books import NO_TAX, OdooBooks
from mappings.books.outstanding import LeftOpen, left_open
from mappings.books.register import Cell, RegisterEntry, open_items, register, sums, tax_kind
from mappings.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class TieRow:
    """``left_out``: of what was refused. The difference must be nothing."""

    month: str  # empty: of all months, what is outstanding
    currency: str
    kind: str
    lago: int
    odoo: int
    left_out: int = 0

    @property
    def difference(self) -> int:
        """Odoo's less Lago's, but for what was refused by name."""
        return self.odoo - self.lago + self.left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksTie:
    """``left_open``: documents of which Odoo has another amount open. ``foreign``: what others put into the journal."""

    rows: tuple[TieRow, ...] = ()
    left_open: tuple[LeftOpen, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[TieRow, ...]:
        """Rows that do not tie."""
        return tuple(row for row in self.rows if row.difference)

    @property
    def ok(self) -> bool:
        """Whether all of it ties, and nobody else is in the journal."""
        return not (self.differences or self.foreign)


def register_rows(
    context: Context,
    odoo: OdooBooks,
    scope: BooksScope,
    books: BooksMap,
    there: Collection[str],
    cells: Mapping[Cell, int],
) -> tuple[TieRow, ...]:
    """``there``: external ids of documents in Odoo; ``cells``: Odoo's journal, taxes by ``tax_names``."""
    names = code_names(context, odoo)
    entries = [_renamed(entry, names) for entry in register(context, scope)]
    kept = {document.lago_id for document in books.documents if document.xid in there}
    lago, missing = sums(entries), sums(entry for entry in entries if entry.lago_id not in kept)
    return tuple(
        TieRow(
            month=cell.month,
            currency=cell.currency,
            kind=cell.kind,
            lago=lago.get(cell, 0),
            odoo=cells.get(cell, 0),
            left_out=missing.get(cell, 0),
        )
        for cell in sorted(lago.keys() | cells.keys() | missing.keys())
    )


def open_rows(
    context: Context, scope: BooksScope, books: BooksMap, posted: Collection[str], odoo: Mapping[str, int]
) -> tuple[tuple[TieRow, ...], tuple[LeftOpen, ...]]:
    """What is outstanding by currency. ``odoo``: currency -> what is open of the receivables of the books."""
    lago: dict[str, int] = {}
    for item in open_items(context, scope):
        lago[item.currency] = lago.get(item.currency, 0) + item.cents
    others = tuple(left_open(context, scope, books, posted))
    rows = tuple(
        TieRow(
            month="",
            currency=currency,
            kind="outstanding",
            lago=lago.get(currency, 0),
            odoo=odoo.get(currency, 0),
            left_out=-sum(each.cents for each in others if each.currency == currency and each.reason),
        )
        for currency in sorted(lago.keys() | odoo.keys())
    )
    return rows, others


def tax_names(context: Context, odoo: OdooBooks) -> Mapping[int, str]:
    """Odoo's tax -> how the register calls it."""
    names = code_names(context, odoo)
    return {part: names[code] for code, parts in _parts(context, odoo).items() for part in parts}


def code_names(context: Context, odoo: OdooBooks) -> Mapping[str, str]:
    """Lago's code -> how the register calls its tax: codes for which one tax of Odoo stands are one."""
    groups: list[tuple[set[str], set[int]]] = []
    for code, parts in sorted(_parts(context, odoo).items()):
        joined = ({code}, set(parts))
        for group in [each for each in groups if each[1] & joined[1]]:
            groups.remove(group)
            joined = (joined[0] | group[0], joined[1] | group[1])
        groups.append(joined)
    return {code: tax_kind(" / ".join(sorted(codes))) for codes, _ in groups for code in codes}


def _parts(context: Context, odoo: OdooBooks) -> dict[str, set[int]]:
    """Lago's code -> the parts of Odoo's taxes that stand for it."""
    rates = {(tax.tax_code, tax.tax_rate) for invoice in context.snapshot.invoices for tax in invoice.applied_taxes}
    parts: dict[str, set[int]] = {}
    for code, rate in rates:
        for entry in context.tables.taxes:
            ref = context.tables.ref(entry.odoo, context.target.company_id) if code in entry.codes else None
            part = odoo.taxes.get(ref.xid, NO_TAX).part(rate) if ref else None
            parts.setdefault(code, set()).update(() if part is None else (part,))
    return parts


def _renamed(entry: RegisterEntry, names: Mapping[str, str]) -> RegisterEntry:
    kinds = {tax_kind(code): name for code, name in names.items()}
    cents: dict[str, int] = {}
    for kind, amount in entry.cents.items():
        name = kinds.get(kind, kind)
        cents[name] = cents.get(name, 0) + amount
    return RegisterEntry(entry.lago_id, entry.month, entry.currency, cents)


def told_rows(rows: Sequence[TieRow]) -> Iterable[TieRow]:
    """Those that a person needs: totals and what does not tie; the others are in the JSON."""
    return (row for row in rows if row.kind in ("total", "outstanding") or row.difference or row.left_out)
