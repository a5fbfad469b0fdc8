"""Taxes as Odoo computes them by the terms of their records: a fixed amount, included in the price, on top of another.

Pure. Lago knows one kind, a percentage of the net amount beside the others; whatever else a record says explains a
difference, and bills nothing. Odoo evaluates fixed taxes first, then those that the price includes from the last to the
first, then the others in their order; a tax that the next ones are based on enlarges (or lessens) their base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mappings.money import round_half_up, subunits
from mappings.records import Tax

PERCENT, FIXED, DIVISION = "percent", "fixed", "division"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTerms:
    """How one tax is computed. As they are by default is how Lago computes every tax.

    ``included``: the price holds it already; ``on_next``: the taxes after it are computed on it too, those of them that
    are ``affected``; ``place``: the order in which taxes are computed (sequence, id).
    """

    kind: str = PERCENT
    included: bool = False
    on_next: bool = False
    affected: bool = True
    place: tuple[int, int] = (0, 0)


PLAIN = TaxTerms()
Terms = Mapping[str, TaxTerms]  # by the tax's code; one that is not there is computed as Lago does


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTaxes:
    """A line in cents, exact: what is left of its price as net, and each of its taxes by code."""

    net: Decimal
    taxes: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTaxes:
    """Of a whole document, in cents: the net amount of each line, of all together, and the sum of each tax."""

    lines: tuple[int, ...]
    net: int
    taxes: Mapping[str, int]


def document_taxes(
    items: Sequence[tuple[int, tuple[Tax, ...]]], terms: Terms, currency: str, *, whole: bool = False
) -> DocumentTaxes:
    """Lines (price in cents, taxes) as one document. Sums are rounded once, from exact amounts.

    Where every tax is in the prices, it is the total that is kept whole, else the net amount.
    """
    unit = subunits(currency)
    lines = [line_taxes(Decimal(cents), taxes, terms, unit, whole=whole) for cents, taxes in items]
    sums: dict[str, Decimal] = {}
    for line in lines:
        for code, amount in line.taxes.items():
            sums[code] = sums.get(code, Decimal(0)) + amount
    taxes = {code: int(round_half_up(amount)) for code, amount in sums.items()}
    net = int(round_half_up(sum((line.net for line in lines), Decimal(0))))
    if all(terms.get(code, PLAIN).included for code in sums):
        net = sum(cents for cents, _ in items) - sum(taxes.values())
    return DocumentTaxes(lines=tuple(int(round_half_up(line.net)) for line in lines), net=net, taxes=taxes)


def line_taxes(cents: Decimal, taxes: Sequence[Tax], terms: Terms, unit: int, *, whole: bool = False) -> LineTaxes:
    """A line whose price is ``cents``. ``whole``: each tax of it is rounded to whole cents (round_per_line).

    ``unit``: so many cents are one of the currency, in which fixed taxes are.
    """
    ordered = sorted(taxes, key=lambda tax: terms.get(tax.code, PLAIN).place)
    batches = _batches(ordered, terms)
    amounts: dict[str, Decimal] = {}
    extra = dict.fromkeys((tax.code for tax in ordered), Decimal(0))
    for tax in _in_turn(ordered, terms):
        fixed = terms.get(tax.code, PLAIN).kind == FIXED
        raw = (
            (tax.rate * unit).copy_sign(cents)
            if fixed
            else _amount(tax, cents + extra[tax.code], terms, batches[tax.code])
        )
        amounts[tax.code] = round_half_up(raw) if whole else raw
        for code, sign in _carried(tax, ordered, terms, batches[tax.code]):
            extra[code] += sign * amounts[tax.code]
    included = sum((a for code, a in amounts.items() if terms.get(code, PLAIN).included), Decimal(0))
    return LineTaxes(net=cents - included, taxes={tax.code: amounts[tax.code] for tax in ordered})


def _in_turn(ordered: Sequence[Tax], terms: Terms) -> Iterator[Tax]:
    """In the order in which Odoo evaluates them."""
    of = {tax.code: terms.get(tax.code, PLAIN) for tax in ordered}
    yield from (tax for tax in reversed(ordered) if of[tax.code].kind == FIXED)
    rated = [tax for tax in ordered if of[tax.code].kind != FIXED]
    yield from (tax for tax in reversed(rated) if of[tax.code].included)
    yield from (tax for tax in rated if not of[tax.code].included)


def _batches(ordered: Sequence[Tax], terms: Terms) -> dict[str, list[Tax]]:
    """Neighbours of one kind are taken out of a price together."""
    batches: dict[str, list[Tax]] = {}
    batch: list[Tax] = []
    for tax in reversed(ordered):
        if batch and not _alike(terms.get(tax.code, PLAIN), batch, terms):
            batch = []
        batch.append(tax)
        batches[tax.code] = batch
    return batches


def _alike(how: TaxTerms, batch: Sequence[Tax], terms: Terms) -> bool:
    first, last = (terms.get(batch[at].code, PLAIN) for at in (0, -1))
    same = (how.kind, how.included, how.on_next) == (first.kind, first.included, first.on_next)
    return same and not (how.on_next and last.affected)


def _amount(tax: Tax, base: Decimal, terms: Terms, batch: Sequence[Tax]) -> Decimal:
    how, share = terms.get(tax.code, PLAIN), sum((neighbour.rate for neighbour in batch), Decimal(0)) / 100
    if how.kind == DIVISION:
        left = Decimal(1) if how.included or share == 1 else 1 - share
        return base * tax.rate / 100 / left
    return base * tax.rate / 100 / (1 + share if how.included else 1)


def _carried(tax: Tax, ordered: Sequence[Tax], terms: Terms, batch: Sequence[Tax]) -> Iterator[tuple[str, int]]:
    """The taxes whose base a computed one changes, and which way."""
    how, inside = terms.get(tax.code, PLAIN), {neighbour.code for neighbour in batch}
    places = [number for number, neighbour in enumerate(ordered) if neighbour.code in inside]
    before, after = ordered[: min(places)], ordered[max(places) + 1 :]
    for neighbour in after:
        affected = terms.get(neighbour.code, PLAIN).affected
        if how.included and not (how.on_next and affected):
            yield neighbour.code, -1
        elif not how.included and how.on_next and affected:
            yield neighbour.code, 1
    if how.included:
        yield from ((neighbour.code, -1) for neighbour in before)
