"""Coupons to the last digit: five decimals of a share, whole cents of a credit, what others left."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from reconcile.rating.coupons import HeldCoupon, Reducible, apply_coupons, coupon_amount


def fees(*cents: int) -> list[Reducible]:
    """Fees of the metrics a, b, c..."""
    return [
        Reducible(amount_cents=amount, kind="charge", plan_code="p", metric_code=metric)
        for amount, metric in zip(cents, "abcdef", strict=False)
    ]


def off(cents: int | None, *metrics: str) -> HeldCoupon:
    return HeldCoupon(
        code="off",
        coupon_type="fixed_amount",
        frequency="forever",
        amount_cents=cents,
        currency="CAD",
        metric_codes=metrics or None,
    )


def test_a_share_has_five_decimals() -> None:
    assert apply_coupons(fees(100, 100, 100), [off(100)], "CAD").shares == (Decimal("33.33333"),) * 3
    assert apply_coupons(fees(100, 200), [off(100)], "CAD").shares == (Decimal("33.33333"), Decimal("66.66667"))


def test_a_limited_coupon_takes_what_others_left_and_the_header_cuts_the_fraction() -> None:
    """A third of 100 is off; the next one takes the 66.66667 that are left, of which the header knows 66."""
    result = apply_coupons(fees(100, 100, 100), [off(100, "a", "b", "c"), off(1000, "a")], "CAD")
    assert [credit.cents for credit in result.credits] == [100, 66]
    assert result.credits[1].shares == (Decimal("66.66667"), Decimal(0), Decimal(0))
    assert result.shares[0] == 100


def test_a_coupon_may_take_the_whole_invoice() -> None:
    assert apply_coupons(fees(60), [off(100)], "CAD").total_cents == 60


def test_a_fixed_coupon_without_an_amount_takes_nothing() -> None:
    assert coupon_amount(off(None), Decimal(100)) == 0


def test_a_percentage_without_a_rate_takes_nothing() -> None:
    coupon = HeldCoupon(code="p", coupon_type="percentage", frequency="forever")
    assert coupon_amount(coupon, Decimal(100)) == 0


def test_a_coupon_takes_the_last_cent() -> None:
    assert apply_coupons(fees(1), [off(5)], "CAD").total_cents == 1


def test_a_coupon_for_a_plan_takes_what_that_plan_bills() -> None:
    of_plans = [replace(fee, plan_code=plan) for fee, plan in zip(fees(100, 200), "pq", strict=True)]
    result = apply_coupons(of_plans, [replace(off(1000), plan_codes=("p",))], "CAD")
    assert [credit.cents for credit in result.credits] == [100]
    assert result.shares == (Decimal(100), Decimal(0))


def test_a_recurring_coupon_without_a_number_of_times_ends_with_its_first_use() -> None:
    result = apply_coupons(fees(100), [replace(off(10), frequency="recurring")], "CAD")
    assert result.held[0].ended
    assert (
        not apply_coupons(fees(100), [replace(off(10), frequency="recurring", remaining_periods=2)], "CAD")
        .held[0]
        .ended
    )
