"""What Lago stores with a fee about its amount (``amount_details``): free-form JSON, read here and nowhere else. Pure.

plan_amount_cents                 decides money: the plan's price as it was. One that is no amount is wrong
min_max_adjustment_total_amount   tells whether bounds of a transaction counted. One that is no number tells nothing
everything else                   is shown beside the line: as a number, or as it is written
"""

from __future__ import annotations

from decimal import Decimal

from mappings.phrases import Told
from mappings.prices import Wrong, number_in
from mappings.records.invoices import Fee
from mappings.text import plain

PRICE, ADJUSTMENT = "plan_amount_cents", "min_max_adjustment_total_amount"
_MOST = 2**63 - 1  # cents: Lago keeps them in 8 bytes
_WRONG, _OUT_OF_RANGE = "value_wrong", "value_out_of_range"


def wrong_details(fee: Fee) -> Wrong | None:
    """A price that a base fee was made from, and that nobody can read: what follows from it is not known."""
    written = fee.amount_details.get(PRICE)
    if written is None or price_cents(fee) is not None:
        return None
    number, place = number_in(written), f"amount_details.{PRICE}"
    if number is None:
        shown = ascii(written)[:60] if isinstance(written, str | int | Decimal) else type(written).__name__
        return Wrong(place, _WRONG, Told.SHOULD_BE.of(Told.AN_AMOUNT.of(), shown))
    if 0 <= number <= _MOST:
        return Wrong(place, _WRONG, Told.SHOULD_BE.of(Told.WHOLE_CENTS.of(), plain(number)[:60]))
    return Wrong(place, _OUT_OF_RANGE, Told.IS_NO_PRICE.of(str(number)[:60]))


def price_cents(fee: Fee) -> int | None:
    """The plan's price when the fee was made; None where Lago does not tell it."""
    number = number_in(fee.amount_details.get(PRICE))
    is_price = number is not None and 0 <= number <= _MOST and number == number.to_integral_value()
    return int(number) if number is not None and is_price else None


def adjustment(fee: Fee) -> Decimal | None:
    """What bounds of a transaction added or took; None where Lago does not tell it."""
    return number_in(fee.amount_details.get(ADJUSTMENT))
