"""Coupons on an invoice: in which order, how much each takes off, and each fee's share (facts §6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mappings.money import round_float, round_half_up

SHARE_DIGITS = 5  # scale of Lago's column


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCoupon:
    """A coupon a customer holds, as it stands before an invoice. The order of holding is the order of the sequence.

    ``plan_codes``/``metric_codes`` None: not limited. ``used_cents``: already taken by a fixed coupon used once.
    """

    code: str
    coupon_type: str  # fixed_amount | percentage
    frequency: str  # once | recurring | forever
    amount_cents: int | None = None
    currency: str | None = None
    rate: Decimal | None = None
    remaining_periods: int | None = None
    used_cents: int = 0
    plan_codes: tuple[str, ...] | None = None
    metric_codes: tuple[str, ...] | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reducible:
    """A fee as coupons see it. ``plan_codes``: its plan's code; a child plan has its parent's."""

    amount_cents: int
    kind: str
    plan_code: str
    metric_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponCredit:
    """What one coupon took off: whole cents of the header, and its share of each fee."""

    code: str
    cents: int
    shares: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponResult:
    """``credits`` in order of use; ``shares``: cents off each fee before its taxes; ``held``: as left afterwards."""

    credits: tuple[CouponCredit, ...]
    shares: tuple[Decimal, ...]
    held: tuple[HeldCoupon, ...]

    @property
    def total_cents(self) -> int:
        return sum(credit.cents for credit in self.credits)


def apply_coupons(
    fees: Sequence[Reducible],
    held: Sequence[HeldCoupon],
    currency: str,
    *,
    already_off_cents: int = 0,
    shares_before: Sequence[Decimal] = (),
) -> CouponResult:
    """Use ``held`` coupons on ``fees``.

    ``already_off_cents``: progressive billing credit taken off before; ``shares_before``: what of it each fee bears.
    """
    shares = list(shares_before) or [Decimal(0)] * len(fees)
    after = list(held)
    credits: list[CouponCredit] = []
    left = sum(fee.amount_cents for fee in fees) - already_off_cents
    for index in sorted(range(len(held)), key=lambda index: rank(held[index])):
        coupon = held[index]
        if left <= 0:
            break
        eligible = [number for number, fee in enumerate(fees) if is_eligible(coupon, fee)]
        if coupon.ended or not eligible or is_foreign(coupon, currency):
            continue
        before = tuple(shares)
        base = _base(coupon, fees, shares, eligible, left)
        amount = coupon_amount(coupon, base)
        _allocate(amount, base, fees, shares, eligible)
        cents = int(amount)  # the header's column cuts fractions, the fees' shares know them
        after[index] = _used(coupon, cents)
        own_shares = tuple(now - then for now, then in zip(shares, before, strict=True))
        credits.append(CouponCredit(code=coupon.code, cents=cents, shares=own_shares))
        left -= cents
    return CouponResult(credits=tuple(credits), shares=tuple(shares), held=tuple(after))


def coupon_amount(coupon: HeldCoupon, base_cents: Decimal) -> Decimal:
    """Cents that ``coupon`` takes off a base; a fraction of a cent if the base has one and is used up (facts §6.4)."""
    if coupon.coupon_type == "percentage":
        percent = round_float(float(base_cents) * (float(coupon.rate or 0) / 100))
        return min(Decimal(percent), base_cents)
    amount = (coupon.amount_cents or 0) - (coupon.used_cents if coupon.frequency == "once" else 0)
    return min(Decimal(amount), base_cents)


def is_eligible(coupon: HeldCoupon, fee: Reducible) -> bool:
    """Whether the coupon may reduce the fee: some are for metrics, some for plans, the rest for all."""
    if coupon.metric_codes is not None:
        return fee.kind == "charge" and fee.metric_code in coupon.metric_codes
    return coupon.plan_codes is None or fee.plan_code in coupon.plan_codes


def rank(coupon: HeldCoupon) -> int:
    """Metric-limited first, then plan-limited, then the others; each in order of holding."""
    if coupon.metric_codes is not None:
        return 0
    return 1 if coupon.plan_codes is not None else 2


def is_foreign(coupon: HeldCoupon, currency: str) -> bool:
    """Whether a coupon cannot come off an invoice in this currency; a percentage has none."""
    return coupon.coupon_type == "fixed_amount" and coupon.currency != currency


def _base(
    coupon: HeldCoupon, fees: Sequence[Reducible], shares: Sequence[Decimal], eligible: Sequence[int], left: int
) -> Decimal:
    if coupon.metric_codes is None and coupon.plan_codes is None:
        return Decimal(left)
    return sum((fees[number].amount_cents - shares[number] for number in eligible), Decimal(0))


def _allocate(
    credit: Decimal, base: Decimal, fees: Sequence[Reducible], shares: list[Decimal], eligible: Sequence[int]
) -> None:
    """Each fee's share, by what is left of it. No remainder is distributed: Lago leaves it to the header."""
    for number in eligible:
        amount = fees[number].amount_cents
        share = float(credit * (amount - shares[number])) / float(base) if base else 0.0
        grown = round_half_up(shares[number] + Decimal(repr(share)), SHARE_DIGITS)
        shares[number] = min(grown, Decimal(amount))


def _used(coupon: HeldCoupon, cents: int) -> HeldCoupon:
    if coupon.frequency == "once":
        used = coupon.used_cents + cents
        ended = coupon.coupon_type == "percentage" or used >= (coupon.amount_cents or 0)
        return replace(coupon, used_cents=used, ended=ended)
    if coupon.frequency == "recurring":
        remaining = (coupon.remaining_periods or 0) - 1
        return replace(coupon, remaining_periods=remaining, ended=remaining <= 0)
    return coupon
