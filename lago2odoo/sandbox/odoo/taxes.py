"""Amounts of order and invoice lines as Odoo 19 computes them.

Doubles on purpose: Odoo computes with them, and the embedded one must land on the same cent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .values import float_round


@dataclass(frozen=True, slots=True)
class PercentTax:
    """A percent tax, price excluded. ``affects``: later taxes are computed on this one too."""

    id: int
    rate: float
    sequence: int
    affects: bool = False
    is_affected: bool = True
    group: int = 0  # the group tax it came with: booked apart from the same tax chosen alone


@dataclass(frozen=True, slots=True)
class TaxableLine:
    """What is taxed: a quantity at a price, less a discount in percent."""

    quantity: float
    price_unit: float
    discount: float = 0.0
    taxes: tuple[PercentTax, ...] = ()


@dataclass(slots=True)
class LineAmounts:
    """One line: ``subtotal`` is shown, ``subtotal + delta`` is booked; ``taxes`` per tax id, rounded and corrected."""

    raw: float
    subtotal: float
    raw_taxes: dict[int, float] = field(default_factory=dict)
    bases: dict[int, float] = field(default_factory=dict)
    taxes: dict[int, float] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    delta: float = 0.0
    first_total: float = 0.0

    @property
    def total(self) -> float:
        return self.first_total


@dataclass(frozen=True, slots=True)
class DocumentTotals:
    """Sums of a document; ``taxes``: amount by the tax's id."""

    untaxed: float
    taxes: dict[int, float]
    tax: float
    total: float


def compute(lines: Sequence[TaxableLine], rounding: float, per_line: bool) -> tuple[list[LineAmounts], DocumentTotals]:
    """Every line's amounts and the document's totals; in round_globally these are rounded once, from raw amounts."""
    amounts = [_line(line, rounding, per_line) for line in lines]
    for tax in dict.fromkeys(number for line in amounts for number in line.raw_taxes):
        _spread_tax(amounts, tax, rounding)
    target = sum(line.raw for line in amounts)
    if target:
        error = float_round(target, rounding) - sum(line.subtotal for line in amounts)
        for line, part in zip(amounts, spread(error, [line.raw for line in amounts], rounding), strict=True):
            line.delta += part
    return amounts, _totals(amounts, rounding)


def _line(line: TaxableLine, rounding: float, per_line: bool) -> LineAmounts:
    raw = line.quantity * (line.price_unit * (1 - line.discount / 100.0))
    if per_line:
        raw = float_round(raw, rounding)
    amounts = LineAmounts(raw, float_round(raw, rounding))
    carried = 0.0
    for tax in sorted(line.taxes, key=lambda item: (item.sequence, item.id)):
        if tax.id in amounts.taxes:  # chosen alone and in a group: counted once, as chosen alone
            continue
        base = raw + (carried if tax.is_affected else 0.0)
        amount = base * tax.rate / 100.0
        amount = float_round(amount, rounding) if per_line else amount
        amounts.raw_taxes[tax.id], amounts.bases[tax.id], amounts.groups[tax.id] = amount, base, tax.group
        amounts.taxes[tax.id] = float_round(amount, rounding)
        carried += amount if tax.affects else 0.0
    # price_total is taken before the document's cents are spread
    amounts.first_total = amounts.subtotal + sum(amounts.taxes.values())
    return amounts


def _spread_tax(amounts: list[LineAmounts], tax: int, rounding: float) -> None:
    concerned = [line for line in amounts if tax in line.raw_taxes]
    error = float_round(sum(line.raw_taxes[tax] for line in concerned), rounding) - sum(
        line.taxes[tax] for line in concerned
    )
    for line, part in zip(concerned, spread(error, [line.raw_taxes[tax] for line in concerned], rounding), strict=True):
        line.taxes[tax] += part


def spread(error: float, weights: Sequence[float], rounding: float) -> list[float]:
    """Give the missing cents to the heaviest lines first, in proportion to their weight."""
    parts = [0.0] * len(weights)
    cents = round(abs(error / rounding))
    if not cents or not weights:
        return parts
    unit = math.copysign(rounding, error)
    order, whole = _by_weight(weights)
    left = cents
    for index in order:
        share = min(round(abs(weights[index]) / whole * cents), left) if whole else 0
        parts[index] += share * unit
        left -= share
    for index in order[:left]:
        parts[index] += unit
    return parts


def _by_weight(weights: Sequence[float]) -> tuple[list[int], float]:
    order = sorted(range(len(weights)), key=lambda index: -abs(weights[index]))
    return order, sum(abs(weight) for weight in weights)


def _totals(amounts: list[LineAmounts], rounding: float) -> DocumentTotals:
    untaxed = float_round(sum(line.subtotal + line.delta for line in amounts), rounding)
    taxes: dict[int, float] = {}
    for line in amounts:
        for number, amount in line.taxes.items():
            taxes[number] = float_round(taxes.get(number, 0.0) + amount, rounding)
    tax = float_round(sum(taxes.values()), rounding)
    return DocumentTotals(untaxed, taxes, tax, float_round(untaxed + tax, rounding))
