"""How large or small a number of Lago's may be, field by field: what it can mean, and what Odoo can hold. Pure.

A number outside is a mistake of units or of sign, or one that could not be written to Odoo as it is (dates, doubles,
4-byte columns): its record goes into quarantine, where a date that overflows would end the command for everybody, and
a price below 0 would pay the customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from mappings.phrases import Phrase, Told

Number = int | Decimal
Bound = Callable[[Number], Phrase | None]  # what is wrong with a number; None: nothing

YEARS = range(1900, 2200)  # what is outside of them is a mistake of units, not a date
DAYS = 36_525  # a hundred years
MONTHS = 1_200  # the same
WORDS_OF_4_BYTES = 2**31  # Lago's integer columns, and Odoo's
ROUNDED_TO = 30  # digits of a metric's rounding: more than its units have
PERCENT = 1000  # a tax beyond is a rate in other units: the highest that are levied take a few times the price
HELD = 10**15  # a double holds every number of 15 digits to the last one, so every amount below to the cent


def _within(most: int, told: Told, *values: int) -> Bound:
    return lambda number: None if -most <= number <= most else told.of(_digits(number), *values)


def _from_0(bound: Bound) -> Bound:
    """The same of what has no meaning below 0, and which Lago's own forms refuse."""
    return lambda number: Told.BELOW_0.of(_digits(number)) if number < 0 else bound(number)


def _above_0(number: Number) -> Phrase | None:
    return None if number > 0 else Told.NOT_ABOVE_0.of(_digits(number))


def _in_month(number: Number) -> Phrase | None:
    return None if 1 <= number <= 31 else Told.NO_DAY_OF_MONTH.of(_digits(number))


def _digits(number: Number) -> str:
    """As a person writes it."""
    return str(number)[:60]


_DAYS = _within(DAYS, Told.MORE_DAYS, DAYS)
_CENTS = _within(HELD - 1, Told.MORE_CENTS)
_UNITS = _within(HELD - 1, Told.MORE_UNITS)
_INTEGER = _within(WORDS_OF_4_BYTES - 1, Told.MORE_THAN_COUNTED)

BOUNDS: Mapping[str, Bound] = {
    "Plan.trial_period": _from_0(_DAYS),
    "Customer.net_payment_term": _from_0(_DAYS),
    "Invoice.net_payment_term": _from_0(_DAYS),
    "Organization.net_payment_term": _from_0(_DAYS),
    "BillingEntity.net_payment_term": _from_0(_DAYS),
    "PaymentTerm.days": _from_0(_DAYS),
    "PaymentTerm.day_of_month": _in_month,
    "PaymentTerm.month_offset": _from_0(_within(MONTHS, Told.MORE_MONTHS, MONTHS)),
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
    "Tax.rate": _from_0(_within(PERCENT, Told.MORE_PERCENT, PERCENT)),
    "Wallet.rate_amount": _above_0,
    "FixedCharge.units": _UNITS,
    "BillableMetric.rounding_precision": _within(ROUNDED_TO, Told.MORE_DIGITS, ROUNDED_TO),
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
