"""Exact numbers as Lago has them: decimals where it uses BigDecimal, doubles where it uses Float.

All rounding is half away from zero. Divisions of decimals keep 32 significant digits, as Ruby's BigDecimal does.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    localcontext,
)
from functools import wraps
from typing import ParamSpec, TypeVar

from . import numbers

P = ParamSpec("P")
T = TypeVar("T")

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
# products and sums of prices and units never need more; the default context of 28 digits would lose some
PRECISE = Context(prec=200, rounding=ROUND_HALF_UP)
DIVISION = Context(prec=32, rounding=ROUND_DOWN)
DOUBLE_DIGITS = 16
LARGEST_CENTS = 2**63 - 1  # amounts are stored as 8 byte integers

CFA = ("XAF", "XOF", "XPF")
# subunit exponents that are not 2, of the currencies Lago accepts (its money library's table, not ISO 4217)
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "HUF", "ISK", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", *CFA),
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    "CLF": 4,
}


def precise(function: Callable[P, T]) -> Callable[P, T]:
    """Run ``function`` in the wide decimal context."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with localcontext(PRECISE):
            return function(*args, **kwargs)

    return run


def decimal(value: object, default: Decimal = ZERO) -> Decimal:
    """A number of JSON (string, integer, float) as a decimal; None and "" give ``default``. Raises Unratable."""
    if value is None or value == "":
        return default
    return numbers.rated(value)


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    return DIVISION.divide(dividend, divisor)


def exponent(currency: str) -> int:
    """Digits of the currency's smallest unit."""
    return EXPONENTS.get(currency, 2)


def half_up(value: Decimal, digits: int = 0) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=PRECISE)


def ceiling(value: Decimal, digits: int = 0) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_CEILING, context=PRECISE)


def floor(value: Decimal, digits: int = 0) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR, context=PRECISE)


ROUNDINGS = {"round": half_up, "ceil": ceiling, "floor": floor}


def round_units(units: Decimal, function: str | None, precision: int) -> Decimal:
    """A metric's own rounding of aggregated units; no function, no rounding."""
    rounding = ROUNDINGS.get(function or "")
    return rounding(units, precision) if rounding else units


def cents(amount: Decimal, currency: str) -> int:
    """Amount in currency units to whole smallest units."""
    return int(half_up(amount.scaleb(exponent(currency), context=PRECISE)))


def double_cents(value: float) -> int:
    """A double of cents to whole cents, half away from zero on the double's exact value."""
    return int(half_up(Decimal(value)))


def of_double(value: float) -> Decimal:
    """A double as the decimal it prints as (Ruby's ``Float#to_d``)."""
    return Decimal(repr(value))


def column_of_double(value: float) -> Decimal:
    """A double of cents as the decimal column keeps it: 16 significant digits, what comes after is cut."""
    number = of_double(value)
    return number.quantize(ONE.scaleb(number.adjusted() - DOUBLE_DIGITS + 1), ROUND_DOWN, PRECISE) if number else number


def plain(value: Decimal) -> str:
    """Plain notation without trailing zeros: ``12.5``, ``0``."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def per_days(value: Decimal, days: int, duration: Decimal) -> Decimal:
    """``value`` for its days: Lago takes the share of the days first, as a quotient of its database."""
    return value * database_divide(Decimal(days), duration)


def database_divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """A quotient with as many decimals as PostgreSQL's numeric keeps: at least 16 significant digits."""
    if not dividend:
        return ZERO
    quotient = leading(dividend)[0] - leading(divisor)[0]
    if leading(dividend)[1] <= leading(divisor)[1]:
        quotient -= 1
    scale = max(16 - quotient * 4, decimals(dividend), decimals(divisor), 0)
    return (dividend / divisor).quantize(ONE.scaleb(-scale))


def leading(value: Decimal) -> tuple[int, int]:
    """(power, digit) of the first digit of ``value`` in base 10000."""
    power = value.adjusted() // 4
    return power, int(abs(value).scaleb(-4 * power))


def decimals(value: Decimal) -> int:
    return max(-int(value.as_tuple().exponent), 0)
