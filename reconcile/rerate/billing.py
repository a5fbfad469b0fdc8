"""One subscription on one invoice as Lago stored it, and the windows that it stored with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.period import Window
from mappings.records import AppliedCoupon, BillingPeriod, Customer, Fee, Invoice, Plan, Subscription

IN_ADVANCE = "in_advance_charge"
TERMINATION_REASONS = ("order_change", "order_cancellation")  # of credit notes that Lago makes by itself


_LAST_MICROSECOND = timedelta(microseconds=999_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One subscription on one invoice, as Lago stored it."""

    invoice: Invoice
    period: BillingPeriod
    subscription: Subscription
    plan: Plan

    def fees(self) -> tuple[Fee, ...]:
        """The invoice's fees of this subscription."""
        return tuple(fee for fee in self.invoice.fees if fee.lago_subscription_id == self.subscription.lago_id)

    def base_fees(self) -> tuple[Fee, ...]:
        return tuple(fee for fee in self.fees() if fee.item.type == "subscription")


def timezone_of(customer: Customer | None) -> str:
    """The time zone that a customer is billed in; UTC for one that the snapshot does not have."""
    return customer.applicable_timezone if customer else "UTC"


def usage_window(period: BillingPeriod) -> Window | None:
    """From when to when usage is billed; None if none is."""
    return _window(period.charges_from_datetime, period.charges_to_datetime)


def fixed_window(period: BillingPeriod) -> Window | None:
    """From when to when fixed charges are billed; None if none are."""
    return _window(period.fixed_charges_from_datetime, period.fixed_charges_to_datetime)


def subscription_window(period: BillingPeriod) -> Window | None:
    """What the base fee covers; None if there is none."""
    return _window(period.subscription_from_datetime, period.subscription_to_datetime)


def fee_window(fee: Fee) -> Window | None:
    """What a fee covers; None if Lago does not say."""
    return _window(fee.from_date, fee.to_date)


def _window(start: datetime | None, end: datetime | None) -> Window | None:
    """The API gives whole seconds: an end of day gets its last microsecond back, the end of a subscription cannot."""
    if start is None or end is None:
        return None
    return Window(start, end + _LAST_MICROSECOND if end.second == 59 and end != start else end)


def base_fees(billings: Iterable[Billed]) -> tuple[datetime, ...]:
    """When base fees were made, of these billings."""
    return tuple(billed.invoice.created_at for billed in billings if billed.base_fees())


def had_coupon(coupon: AppliedCoupon, invoice: Invoice, computed_at: datetime, users: Collection[str]) -> bool:
    """Whether the customer had the coupon when the invoice used coupons. ``users``: invoices (ids) that it came off.

    The API gives whole seconds: within one, the invoice's own credits tell.
    """
    if coupon.created_at.replace(microsecond=0) != computed_at.replace(microsecond=0):
        return coupon.created_at <= computed_at
    codes = {credit.item.code for credit in invoice.credits if credit.item.type == "coupon"}
    return invoice.lago_id in users or coupon.coupon_code in codes
