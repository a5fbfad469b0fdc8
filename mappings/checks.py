"""What has to hold within one record of Lago's, field against field, for its money to be known. Pure.

``mappings.known`` says it of single fields. Each check answers the first thing that is wrong, by path and stable name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mappings.details import wrong_details
from mappings.phrases import Phrase, Told
from mappings.prices import Wrong, wrong_charge, wrong_fixed_charge
from mappings.records import (
    AppliedCoupon,
    Charge,
    Coupon,
    Fee,
    FixedCharge,
    Json,
    MetadataItem,
    PaymentTerm,
    Plan,
    Subscription,
)

VALUE_MISSING = "value_missing"
DATES_SWAPPED = "dates_contradict"
OUT_OF_RANGE = "value_out_of_range"
CONTRADICTED = "currency_contradicted"

# Fields that Lago always gives and that decide money: absent, they are no default but something unknown.
ALWAYS_THERE = frozenset(
    {
        "Plan.pay_in_advance",
        "Charge.pay_in_advance",
        "Charge.prorated",
        "Charge.invoiceable",
        "Charge.min_amount_cents",
        "FixedCharge.pay_in_advance",
        "FixedCharge.prorated",
        "BillableMetric.recurring",
    }
)

BEGUN = ("active", "terminated")  # states of a subscription that has a start

OF_PEOPLE = (MetadataItem, Json)  # kinds of lists that nothing is billed by


def wrong_coupon(coupon: Coupon) -> Wrong | None:
    """A coupon takes an amount of a currency off, or a share."""
    if coupon.coupon_type == "percentage":
        return _missing("percentage_rate") if coupon.percentage_rate is None else None
    if coupon.amount_cents is None:
        return _missing("amount_cents")
    return _missing("amount_currency") if not coupon.amount_currency else _wrong_term(coupon)


def wrong_applied_coupon(applied: AppliedCoupon) -> Wrong | None:
    """The same of one that a customer holds, whose kind is told by what it has."""
    if applied.percentage_rate is None and applied.amount_cents is None:
        return _missing("amount_cents")
    if applied.percentage_rate is None and not applied.amount_currency:
        return _missing("amount_currency")
    return _wrong_term(applied) or _wrong_uses(applied)


def wrong_payment_term(term: PaymentTerm) -> Wrong | None:
    """A kind that counts days has their number, and one of a day that day: none of them is 0 by default."""
    if term.term_type in ("net", "net_end_of_month", "days_end_of_month") and term.days is None:
        return Wrong("days", VALUE_MISSING, Told.TERM_WITHOUT_DAYS.of(term.term_type))
    if term.term_type == "day_of_month" and term.day_of_month is None:
        return Wrong("day_of_month", VALUE_MISSING, Told.TERM_WITHOUT_DAY.of())
    return None


def _wrong_uses(applied: AppliedCoupon) -> Wrong | None:
    """An invoice takes no less than nothing, and of a fixed amount no more than it; so with what is left."""
    most = applied.amount_cents if applied.percentage_rate is None else None
    stated = {f"credits[{index}].amount_cents": credit.amount_cents for index, credit in enumerate(applied.credits)}
    left = applied.amount_cents_remaining
    for path, cents in {**stated, **({} if left is None else {"amount_cents_remaining": left})}.items():
        if cents < 0:
            return Wrong(path, OUT_OF_RANGE, Told.IS_BELOW_0.of(cents))
        if most is not None and cents > most:
            return Wrong(path, OUT_OF_RANGE, Told.ABOVE_COUPON.of(cents, most))
    return None


def contradicted_currency(subscription: Subscription, plan: Plan) -> Phrase | None:
    """What Lago says against itself: a subscription pays in its plan's currency, and in no other one."""
    named = (subscription.plan_amount_currency, subscription.currency)
    told = next((currency for currency in named if currency and currency != plan.amount_currency), None)
    return Told.PAYS_IN_OTHER.of(subscription.external_id, told, plan.code, plan.amount_currency) if told else None


def _wrong_term(coupon: Coupon | AppliedCoupon) -> Wrong | None:
    for name in ("amount_cents", "percentage_rate", "frequency_duration"):
        number = getattr(coupon, name)
        if number is not None and number < 0:
            return Wrong(name, OUT_OF_RANGE, Told.IS_BELOW_0.of(number))
    recurring = coupon.frequency == "recurring" and coupon.frequency_duration is None
    return _missing("frequency_duration") if recurring else None


def _missing(name: str) -> Wrong:
    return Wrong(name, VALUE_MISSING, Told.TAKES_BY_IT.of())


_ROOM = timedelta(days=1, hours=1)  # a bill's stretch begins with the day of the start, in the customer's zone


def wrong_dates(subscription: Subscription, billed_from: datetime | None) -> Wrong | None:
    """A life or period without a start, that ends before it begins, or begins after what it was billed for.

    Which date is right, nobody knows. One that waits, or was canceled before it began, has no start and no bill.

    ``billed_from``: where the earliest stretch begins that an invoice bills of it. Held against whole records only: an
    invoice that shows such a subscription can be read all the same.
    """
    start = subscription.started_at
    if start is None and (subscription.status in BEGUN or billed_from is not None):
        billed = None if billed_from is None else Told.NO_START_OF_BILLED.of(_day(billed_from))
        return Wrong("started_at", VALUE_MISSING, billed or Told.NO_START_OF_STATUS.of(subscription.status))
    periods = (("current_billing_period_ending_at", subscription.current_billing_period_started_at),)
    ends = (("terminated_at", start), ("ending_at", subscription.subscription_at))
    for name, began in (*ends, *(periods if subscription.status == "active" else ())):
        end = getattr(subscription, name)
        if end is not None and began is not None and end < began:
            return Wrong(name, DATES_SWAPPED, Told.ENDS_BEFORE.of(_day(end), _day(began)))
    if start is not None and billed_from is not None and billed_from < start - _ROOM:
        return Wrong("started_at", DATES_SWAPPED, Told.BEGINS_AFTER.of(_day(start), _day(billed_from)))
    return None


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


CHECKED = (Charge, FixedCharge, Coupon, AppliedCoupon, Fee, PaymentTerm)


def wrong_in(record: object) -> Wrong | None:
    """The first thing that contradicts itself in a record of one of the ``CHECKED`` classes."""
    if isinstance(record, Fee):
        return wrong_details(record)
    if isinstance(record, Charge):
        return wrong_charge(record)
    if isinstance(record, FixedCharge):
        return wrong_fixed_charge(record)
    if isinstance(record, Coupon):
        return wrong_coupon(record)
    if isinstance(record, PaymentTerm):
        return wrong_payment_term(record)
    return wrong_applied_coupon(record) if isinstance(record, AppliedCoupon) else None
