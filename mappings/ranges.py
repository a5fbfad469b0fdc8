"""How large a number of Lago's may be, field by field: what dates, Odoo's doubles and 4-byte columns can hold. Pure.

A number outside is a mistake of units, or one that could not be written to Odoo as it is: its record goes into
quarantine, where a date that overflows would end the command for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

Number = int | Decimal
Bound = Callable[[Number], str]  # what is wrong with a number; empty: nothing

YEARS = range(1900, 2200)  # what is outside of them is a mistake of units, not a date
DAYS = 36_525  # a hundred years
WORDS_OF_4_BYTES = 2**31  # Lago's integer columns, and Odoo's
ROUNDED_TO = 30  # digits of a metric's rounding: more than its units have
HELD = 10**15  # a double holds every number of 15 digits to the last one, so every amount below to the cent


def _within(most: int, problem: str) -> Bound:
    return lambda number: "" if -most <= number <= most else problem


_DAYS = _within(DAYS, f"is more than {DAYS} days")
_CENTS = _within(HELD - 1, "is more than Odoo's doubles hold to the cent")
_UNITS = _within(HELD - 1, "is more units than Odoo's doubles hold")
_INTEGER = _within(WORDS_OF_4_BYTES - 1, "is larger than Lago can count")

BOUNDS: Mapping[str, Bound] = {
    "Plan.trial_period": _DAYS,
    "Customer.net_payment_term": _DAYS,
    "Invoice.net_payment_term": _DAYS,
    "Organization.net_payment_term": _DAYS,
    "BillingEntity.net_payment_term": _DAYS,
    "BillingEntity.invoice_grace_period": _DAYS,
    "BillingConfiguration.invoice_grace_period": _DAYS,
    "FixedCharge.units": _UNITS,
    "BillableMetric.rounding_precision": _within(ROUNDED_TO, f"is more than {ROUNDED_TO} digits"),
    "Coupon.frequency_duration": _INTEGER,
    "AppliedCoupon.frequency_duration": _INTEGER,
    "AppliedCoupon.frequency_duration_remaining": _INTEGER,
    "Wallet.priority": _INTEGER,
    "WalletTransaction.priority": _INTEGER,
    "Invoice.version_number": _INTEGER,
    "Fee.events_count": _INTEGER,
}


def bound_of(place: str, *, whole: bool) -> Bound | None:
    """``Plan.trial_period`` -> its bound. ``whole``: of a whole number, as amounts in cents are."""
    field = place.partition(".")[2]
    if whole and "_cents" in field:
        return _CENTS
    return BOUNDS.get(place)
