"""One subscription on one invoice as Lago stored it, and the windows that it stored with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.period import Window
from mappings.records import AppliedCoupon, BillingPeriod, CreditNote, Fee, Invoice, Plan, Subscription
from reconcile.billed import LineKey
from reconcile.rating.fees import ChargeFee

IN_ADVANCE = "in_advance_charge"
PROGRESSIVE = "progressive_billing"
_OF_TERMINATION = ("order_change", "order_cancellation")  # reasons of credit notes


_LAST_MICROSECOND = timedelta(microseconds=999_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One subscription on one invoice, as Lago stored it."""

    invoice: Invoice
    period: BillingPeriod
    subscription: Subscription
    plan: Plan

    @property
    def is_of_period(self) -> bool:
        """Whether it opens or closes a period; single events, more units and passed thresholds come in between."""
        return self.period.invoicing_reason != IN_ADVANCE and not self.is_progressive

    @property
    def is_progressive(self) -> bool:
        """Whether it bills the usage of an open period so far, because a threshold was passed."""
        return PROGRESSIVE in (self.invoice.invoice_type, self.period.invoicing_reason)

    def fees(self) -> tuple[Fee, ...]:
        """The invoice's fees of this subscription."""
        return tuple(fee for fee in self.invoice.fees if fee.lago_subscription_id == self.subscription.lago_id)

    def base_fees(self) -> tuple[Fee, ...]:
        return tuple(fee for fee in self.fees() if fee.item.type == "subscription")


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


def charge_key(billed: Billed, fee: ChargeFee, event: str = "") -> LineKey:
    """The key of a usage fee that was rated for a billing. ``event``: its transaction, where it was paid in advance."""
    return LineKey(
        subscription=billed.subscription.lago_id,
        kind="true_up" if fee.true_up else "charge",
        item=fee.charge.lago_id,
        filter=fee.filter.lago_id if fee.filter else "",
        group=tuple(sorted((key, value or "") for key, value in fee.grouped_by)),
        event=event,
    )


def base_fees(billings: Iterable[Billed]) -> tuple[datetime, ...]:
    """When base fees were made, of these billings."""
    return tuple(billed.invoice.created_at for billed in billings if billed.base_fees())


def is_of_termination(note: CreditNote) -> bool:
    """Whether Lago made a credit note by itself, when a subscription ended or gave way to another."""
    return note.reason in _OF_TERMINATION


def made_order(invoice: Invoice) -> tuple[datetime, str]:
    """What invoices are ordered by."""
    return (invoice.created_at, invoice.number)


def voided_by(invoice: Invoice, moment: datetime) -> bool:
    """Whether it had been voided at a moment; long ago, where Lago does not say when."""
    return invoice.status == "voided" and (invoice.voided_at is None or invoice.voided_at <= moment)


def had_coupon(coupon: AppliedCoupon, invoice: Invoice, computed_at: datetime, users: Collection[str]) -> bool:
    """Whether the customer had the coupon when the invoice used coupons. ``users``: invoices (ids) that it came off.

    The API gives whole seconds: within one, the invoice's own credits tell.
    """
    if coupon.created_at.replace(microsecond=0) != computed_at.replace(microsecond=0):
        return coupon.created_at <= computed_at
    codes = {credit.item.code for credit in invoice.credits if credit.item.type == "coupon"}
    return invoice.lago_id in users or coupon.coupon_code in codes
