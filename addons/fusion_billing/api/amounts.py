"""Numbers as Lago writes them: integer cents in the currency's smallest unit, decimals as text with a point."""

from __future__ import annotations

from decimal import Decimal

from ..rating import exact, numbers
from ..rating.current_usage import decimal_text

LARGEST = Decimal(10) ** 15  # of an amount in currency units: what is beyond is a mistake, not a price


def cents(units: object, currency: str) -> int:
    """A decimal of currency units (text or number; empty is 0) -> whole cents."""
    return exact.cents(exact.decimal(units or None), currency)


def units(amount_cents: int, currency: str) -> Decimal:
    return Decimal(amount_cents).scaleb(-exact.exponent(currency))


def text(value: object) -> str | None:
    """``10`` -> ``"10.0"``; nothing stays nothing."""
    if value is None or value is False or value == "":
        return None
    return decimal_text(exact.decimal(value))


def given(value: object) -> Decimal | None:
    """A number that a client sent (number or text), or None: not a number, not finite, or larger than any amount."""
    number = numbers.parsed(value)
    return number if number is not None and abs(number) < LARGEST else None
