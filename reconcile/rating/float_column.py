"""What becomes of an IEEE double when Lago stores it in a decimal column."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

DIGITS = 16  # significant digits that survive; the seventeenth is cut, not rounded


def stored(value: float) -> Decimal:
    """``value`` as it reaches the column (whose own scale comes on top)."""
    shortest = Decimal(repr(value))
    if not shortest:
        return shortest
    return shortest.quantize(Decimal(1).scaleb(shortest.adjusted() - DIGITS + 1), rounding=ROUND_DOWN)
