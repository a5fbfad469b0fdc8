"""How large or small a number of Lago's may be, field by field: what it can mean, and what Odoo can hold. Pure.

A number outside is a mistake of units or of sign, or one that could not be written to Odoo as it is (dates, doubles,
4-byte columns): its record goes into quarantine, where a date that overflows would end the command for everybody, and
a price below 0 would pay the customer.
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
PERCENT = 1000  # a tax beyond is a rate in other units: the highest that are levied take a few times the price
HELD = 10**15  # a double holds every number of 15 digits to the last one, so every amount below to the cent


def _within(most: int, problem: str) -> Bound:
    return lambda number: "" if -most <= number <= most else problem


def _from_0(bound: Bound) -> Bound:
    """The same of what has no meaning below 0, and which Lago's own forms refuse."""
    return lambda number: "is below 0" if number < 0 else bound(number)


def _above_0(number: Number) -> str:
    return "" if number > 0 else "is not above 0"


_DAYS = _within(DAYS, f"is more than {DAYS} days")
_CENTS = _within(HELD - 1, "is more than Odoo's doubles hold to the cent")
_UNITS = _within(HELD - 1, "is more units than Odoo's doubles hold")
_INTEGER = _within(WORDS_OF_4_BYTES - 1, "is larger than Lago can count")

BOUNDS: Mapping[str, Bound] = {
    "Plan.trial_period": _from_0(_DAYS),
    "Customer.net_payment_term": _from_0(_DAYS),
    "Invoice.net_payment_term": _from_0(_DAYS),
    "Organization.net_payment_term": _from_0(_DAYS),
    "BillingEntity.net_payment_term": _from_0(_DAYS),
    "BillingEntity.invoice_grace_period": _from_0(_DAYS),
    "BillingConfiguration.invoice_grace_period": _from_0(_DAYS),
    "Plan.amount_cents": _from_0(_CENTS),
    "Subscription.plan_amount_cents": _from_0(_CENTS),
    "MinimumCommitment.amount_cents": _from_0(_CENTS),
    "Charge.min_amount_cents": _from_0(_CENTS),
    "AddOn.amount_cents": _from_0(_CENTS),
    "CreditNote.total_amount_cents": _from_0(_CENTS),
    "CreditNote.credit_amount_cents": _from_0(_CENTS),
    "CreditNote.refund_amount_cents": _from_0(_CENTS),
    "CreditNote.offset_amount_cents": _from_0(_CENTS),
    "CreditNote.balance_amount_cents": _from_0(_CENTS),
    "Tax.rate": _from_0(_within(PERCENT, f"is more than {PERCENT} %")),
    "Wallet.rate_amount": _above_0,
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
    amount = whole and "_cents" in place.partition(".")[2]
    return BOUNDS.get(place, _CENTS if amount else None)
