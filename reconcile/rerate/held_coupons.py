"""The coupons that a customer held when an invoice used them: what was left of each, by what earlier invoices took."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.records import AppliedCoupon, Credit, Invoice
from reconcile.rating.coupons import HeldCoupon, is_foreign, rank
from reconcile.rerate.billing import PROGRESSIVE, had_coupon, made_order, voided_by
from reconcile.rerate.history import History


def usable_coupons(history: History, invoice: Invoice) -> tuple[HeldCoupon, ...]:
    """The coupons that may come off ``invoice``, in order of use: only usage has any, and a draft not yet."""
    if invoice.invoice_type not in ("subscription", PROGRESSIVE) or invoice.status == "draft":
        return ()
    running = (coupon for coupon in held_coupons(history, invoice) if not coupon.ended)
    return tuple(sorted((coupon for coupon in running if not is_foreign(coupon, invoice.currency)), key=rank))


def held_coupons(history: History, invoice: Invoice) -> tuple[HeldCoupon, ...]:
    """The customer's coupons as they stood when ``invoice`` used them, in order of holding."""
    applied = history.coupons_of.get(invoice.customer.lago_id, ()) if invoice.customer else ()
    at = history.computed_at(invoice)
    return tuple(
        _held(history, coupon, invoice)
        for coupon in applied
        if had_coupon(coupon, invoice, at, {user.lago_id for user, _ in _uses(history, coupon)})
    )


def _held(history: History, applied: AppliedCoupon, invoice: Invoice) -> HeldCoupon:
    coupon, moment = history.coupons.get(applied.lago_coupon_id), history.computed_at(invoice)
    order = (moment, made_order(invoice))  # drafts use coupons when they are finalised
    earlier = [
        (i, c.amount_cents) for i, c in _uses(history, applied) if (history.computed_at(i), made_order(i)) < order
    ]
    duration = applied.frequency_duration
    return HeldCoupon(
        code=applied.coupon_code,
        coupon_type="percentage" if applied.percentage_rate is not None else "fixed_amount",
        frequency=applied.frequency,
        amount_cents=applied.amount_cents,
        currency=applied.amount_currency,
        rate=applied.percentage_rate,
        remaining_periods=None if duration is None else duration - len(earlier),
        used_cents=sum(cents for user, cents in earlier if not voided_by(user, moment)),
        plan_codes=coupon.plan_codes if coupon and coupon.limited_plans else None,
        metric_codes=coupon.billable_metric_codes if coupon and coupon.limited_billable_metrics else None,
        ended=applied.terminated_at is not None and applied.terminated_at < moment,
    )


def _uses(history: History, applied: AppliedCoupon) -> Iterator[tuple[Invoice, Credit]]:
    for credit in applied.credits:
        invoice = history.invoices.get(credit.invoice.lago_id) if credit.invoice else None
        if invoice is not None:
            yield invoice, credit
