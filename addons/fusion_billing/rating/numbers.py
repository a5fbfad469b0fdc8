"""Texts and JSON numbers as decimals, never written out before their size is known.

``1e400000`` is eight characters and 400,001 digits: a decimal holds it as it is written, but an integer, plain notation
or an addition would not. Every number that comes from outside passes here first.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from .unratable import Unratable

WHOLE = 40  # digits before the point: more than the widest column of Lago's events (numeric(40,15)) holds
PLACES = 60  # and behind it
LONGEST = 2 * (WHOLE + PLACES)  # characters: signs, underscores, blanks and an exponent included


def parsed(value: object) -> Decimal | None:
    """A number or the text of one, however it is written; None: no number, not finite, or too many digits.

    Truth values are no numbers. An integer is judged by its bits before its digits are made.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        return None
    if isinstance(value, int) and value.bit_length() > LONGEST * 4:
        return None
    number = value if isinstance(value, Decimal) else _read(value)
    return number if number is not None and fits(number) else None


def _read(value: str | float) -> Decimal | None:
    text = value.strip() if isinstance(value, str) else str(value)
    if len(text) > LONGEST:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def fits(number: Decimal) -> bool:
    """Can the number be written out, digit by digit?"""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -PLACES and number.adjusted() < WHOLE


def rated(value: object) -> Decimal:
    """A number that an amount depends on. Raises Unratable: it is none, or beyond all bounds."""
    number = parsed(value)
    if number is None:
        raise Unratable("number_out_of_range", f"{shortened(value)} is no number of at most {WHOLE} digits")
    return number


def shortened(value: object) -> str:
    """For people: the beginning of what is too long to show; nothing is written out for it."""
    text = value if isinstance(value, str) else type(value).__name__
    return repr(text if len(text) <= 30 else f"{text[:30]}…")
