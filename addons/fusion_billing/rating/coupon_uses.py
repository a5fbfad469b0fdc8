"""What invoices of Odoo took of the coupons that orders hold, and what that leaves of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from .coupons import read_coupons
from .exact import decimal
from .rows import Coupon, CouponUse, Empty
from .unratable import Unratable

# Lago id of a held coupon -> per invoice: when it was billed, cents it took
CouponUses = Mapping[str, Sequence[tuple[datetime, int]]]


def with_uses(text: str | Sequence[Coupon] | Empty, uses: CouponUses) -> str | Sequence[Coupon] | Empty:
    """The coupons of an order with what invoices of Odoo took of them; those used up are left out.

    What cannot be read stays as it is: the invoice that it would be taken off is refused by its name.
    """
    coupons = (_readable(text) if uses else None) or ()
    if not any(uses.get(coupon_id(coupon)) for coupon in coupons):
        return text
    left = (used_coupon(coupon, uses.get(coupon_id(coupon), ())) for coupon in coupons)
    return [coupon for coupon in left if coupon]


def coupon_id(coupon: Coupon) -> str:
    return str(coupon.get("lago_id"))


def used_coupon(coupon: Coupon, uses: Sequence[tuple[datetime, int]]) -> Coupon | None:
    """The coupon with its uses; the last one that it allows ends it (None: it allowed none)."""
    if not uses:
        return coupon
    times = sorted(uses)
    if coupon.get("frequency") == "once" and coupon.get("percentage_rate"):
        return {**coupon, "terminated_at": times[0][0]}
    if coupon.get("frequency") == "recurring":
        left = int(decimal(coupon.get("frequency_duration_remaining") or None))
        if not left:
            return None
        return {**coupon, "terminated_at": times[left - 1][0]} if len(times) >= left else coupon
    if coupon.get("frequency") == "once":
        taken: list[CouponUse] = [{"at": at, "amount_cents": cents} for at, cents in times]
        return {**coupon, "credits": [*credits_of(coupon), *taken]}
    return coupon


def from_now_on(text: str | Sequence[Coupon] | Empty) -> str | Sequence[Coupon] | Empty:
    """The coupons for a new invoice: what is left of them says what was taken, also where it was not noted when."""
    coupons = _readable(text)
    if coupons is None:
        return text
    return [{**c, "credits": credits_of(c)} if c.get("frequency") == "once" else c for c in coupons]


def credits_of(coupon: Coupon) -> Sequence[CouponUse]:
    """What Lago took of it: recorded use by use, else as one use before all others."""
    recorded = coupon.get("credits")
    if recorded is not None:
        return recorded
    left = coupon.get("amount_cents_remaining")
    taken = int(decimal(coupon.get("amount_cents") or None)) - int(decimal(left)) if left is not None else 0
    return [{"at": coupon.get("created_at") or "1970-01-01T00:00:00Z", "amount_cents": taken}] if taken else []


def _readable(text: str | Sequence[Coupon] | Empty) -> Sequence[Coupon] | None:
    """The coupons; None: one of them cannot be read."""
    try:
        return read_coupons(text)
    except Unratable:
        return None
