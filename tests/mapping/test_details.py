"""Free-form details of a fee: the price in them is an amount, or the fee cannot be read; the rest is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mappings.decode import DecodeError, decode
from mappings.details import adjustment, price_cents
from mappings.records import AppliedCoupon, Fee

FEE: dict[str, Any] = {
    "lago_id": "f1",
    "item": {"type": "subscription"},
    "amount_cents": 4900,
    "amount_currency": "CAD",
    "units": "1.0",
    "taxes_amount_cents": 0,
    "taxes_rate": 0,
    "created_at": "2026-07-01T00:00:00Z",
}


def fee(details: object) -> Fee:
    return decode(Fee, {**FEE, "amount_details": details}, "fees")


@pytest.mark.parametrize("written", [4900, Decimal("4900.0"), "4900", "4900.0", "4.9e3"])
def test_a_price_is_whole_cents_however_it_is_written(written: object) -> None:
    assert price_cents(fee({"plan_amount_cents": written})) == 4900


@pytest.mark.parametrize("details", [{}, {"plan_amount_cents": None}])
def test_a_price_that_lago_does_not_tell_is_none(details: dict[str, object]) -> None:
    assert price_cents(fee(details)) is None


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        *((written, "value_wrong") for written in ("zz", "", "4,900", "1E+999999999", "٤٩٠٠", [], {}, True)),
        *((written, "value_wrong") for written in (Decimal("49.5"), "49.5")),
        *((written, "value_out_of_range") for written in (-5, "-5", "9" * 30)),
    ],
)
def test_a_price_that_nobody_can_read_is_named_with_its_place(written: object, reason: str) -> None:
    with pytest.raises(DecodeError, match=r"fees f1: field amount_details\.plan_amount_cents ") as refused:
        fee({"plan_amount_cents": written})
    assert refused.value.reason == reason


@pytest.mark.parametrize(("written", "told"), [("2.5", Decimal("2.5")), (None, None), ("zz", None), ([], None)])
def test_other_details_tell_something_or_nothing(written: object, told: Decimal | None) -> None:
    assert adjustment(fee({"min_max_adjustment_total_amount": written})) == told


@pytest.mark.parametrize("invoice", [{}, {"lago_id": None}, {"lago_id": []}, {"lago_id": {"zz": 1}}, "zz"])
def test_a_coupon_that_reduced_nobody_knows_which_invoice_cannot_be_read(invoice: object) -> None:
    item = {"lago_item_id": "c1", "type": "coupon"}
    credit = {"lago_id": "k", "amount_cents": 5, "amount_currency": "CAD", "item": item, "invoice": invoice}
    held = {
        "lago_id": "h1",
        "lago_coupon_id": "c1",
        "coupon_code": "c",
        "lago_customer_id": "u1",
        "external_customer_id": "u",
        "status": "active",
        "frequency": "forever",
        "created_at": "2026-07-01T00:00:00Z",
        "amount_cents": 500,
        "amount_currency": "CAD",
        "credits": [credit],
    }
    with pytest.raises(DecodeError, match=r"applied_coupons h1: field credits\[0\].invoice"):
        decode(AppliedCoupon, held, "applied_coupons")
