"""Numbers and amounts as the sides write them: texts, JSON numbers, floats of Odoo."""

from __future__ import annotations

from decimal import Decimal
from math import ulp

from mappings.money import CONTEXT, exponent, round_half_up
from mappings.phrases import Phrase, Told
from mappings.prices import number_in as written_number

_FINE = 6  # digits of an amount in Odoo, at the most
ODOO_DIGITS = 2  # that Odoo has at the least, of currencies too that Lago counts whole
NOISE = Decimal("0.000001")  # of a cent: what printing a double may leave behind
_STEPS = 4  # between doubles, that sums of Odoo's may be away from the amount meant: counts where they are large


class FinerAmountError(ValueError):
    """An amount with more digits than Lago counts of its currency."""

    def __init__(self, told: Phrase) -> None:
        super().__init__(str(told))
        self.told = told


def number_in(value: object) -> Decimal | None:
    """The number that a value is, Odoo's doubles too; None where it is none, or larger than anything that is billed."""
    return written_number(repr(value) if isinstance(value, float) else value)


def decimal_in(value: object) -> Decimal:
    """What a field of Odoo's for numbers holds; 0 where it is empty (False)."""
    return Decimal(str(value or 0))


def header_cents_of(amount: object, currency: str) -> int:
    """The same of a header, where Odoo rounds taxes to its own digits: of HUF it has two, Lago counts whole ones."""
    digits = exponent(currency)
    held = max(digits, ODOO_DIGITS)
    return int(round_half_up(Decimal(_whole(amount, held, currency)).scaleb(digits - held)))


def nearest_cents_of(amount: object, currency: str) -> int:
    """What a whole document comes to, in the last digit that Lago counts: in Odoo somebody may have typed more."""
    fine = CONTEXT.scaleb(Decimal(str(amount)), _FINE)
    return int(round_half_up(Decimal(int(round_half_up(fine))).scaleb(exponent(currency) - _FINE)))


def cents_of(amount: object, currency: str) -> int:
    """Decimal text in units -> cents. More digits than the currency has would lose money silently: FinerAmountError."""
    return _whole(amount, exponent(currency), currency)


def _whole(amount: object, digits: int, currency: str) -> int:
    """The amount in its last digit; FinerAmountError for one that has more."""
    text = Decimal(str(amount))  # of a double: the shortest that is this one and no other
    exact = CONTEXT.scaleb(text, digits)
    whole = int(round_half_up(exact))
    if abs(exact - whole) > max(NOISE, CONTEXT.scaleb(Decimal(ulp(float(text)) * _STEPS), digits)):
        raise FinerAmountError(Told.FINER.of(amount, digits, currency))
    return whole
