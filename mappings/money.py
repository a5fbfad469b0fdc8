"""Money: Decimal amounts, integer subunits, and the only rounding of the project (half away from zero).

Lago counts in the subunits of the money gem, which deviates from ISO 4217 for HUF and MGA (facts §6.1).
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, InvalidOperation

_NO_DECIMALS = "BIF CLP DJF GNF HUF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "LYD", "OMR", "TND", "IQD"), 3),
    "CLF": 4,
}

# Amounts of numeric(40,15) columns times counts stay exact: 28 digits, Python's default, would not.
CONTEXT = Context(prec=80, rounding=ROUND_HALF_UP)


def exponent(currency: str) -> int:
    """Digits after the decimal point in ``currency`` (ISO 4217 code), as Lago counts them."""
    return _EXPONENTS.get(currency.upper(), 2)


def subunits(currency: str) -> int:
    """Subunits ("cents") in one unit of ``currency``: 100 for CAD, 1 for JPY, 1000 for KWD."""
    return int(10 ** exponent(currency))


def round_half_up(amount: Decimal, digits: int = 0) -> Decimal:
    """Round half away from zero to ``digits`` decimals (negative digits round to tens, hundreds...)."""
    return _quantize(amount, digits, ROUND_HALF_UP)


def round_up(amount: Decimal, digits: int = 0) -> Decimal:
    """Round towards positive infinity."""
    return _quantize(amount, digits, ROUND_CEILING)


def round_down(amount: Decimal, digits: int = 0) -> Decimal:
    """Round towards negative infinity."""
    return _quantize(amount, digits, ROUND_FLOOR)


def truncate(amount: Decimal, digits: int = 0) -> Decimal:
    """Cut the digits after ``digits`` decimals (towards zero)."""
    return _quantize(amount, digits, ROUND_DOWN)


def round_float(amount: float) -> int:
    """Round an IEEE double half away from zero, as Ruby's ``Float#round`` does (facts §0.2).

    ``math.floor(x + 0.5)`` would be wrong for 0.49999999999999994; the fraction is compared instead.
    """
    magnitude = abs(amount)
    whole = math.floor(magnitude)
    rounded = whole + (magnitude - whole >= 0.5)
    return -rounded if amount < 0 else rounded


def to_subunits(amount: Decimal, currency: str) -> int:
    """Amount in units (12.345 CAD) -> rounded integer subunits (1235)."""
    return int(round_half_up(CONTEXT.multiply(amount, Decimal(subunits(currency)))))


def from_subunits(cents: int | Decimal, currency: str) -> Decimal:
    """Integer or precise subunits (1235) -> amount in units (12.35)."""
    return Decimal(cents).scaleb(-exponent(currency), CONTEXT)


def told_money(cents: int, currency: str) -> str:
    """``1,234.50 CAD``, in English sentences."""
    return f"{from_subunits(cents, currency):,} {currency}"


def _quantize(amount: Decimal, digits: int, rounding: str) -> Decimal:
    unit = Decimal(1).scaleb(-digits)
    try:
        return amount.quantize(unit, rounding=rounding, context=CONTEXT)
    except InvalidOperation:  # more digits than amounts have: as many as it takes
        return amount.quantize(unit, rounding=rounding, context=Context(prec=CONTEXT.prec + amount.adjusted() + digits))
