"""How large a number may be is known where records are decoded: what is larger is refused, and what fits is kept."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from mappings import ranges, records
from mappings.decode import DecodeError, decode
from mappings.phrases import Told

BEST: dict[str, dict[str, Any]] = {
    "FixedCharge": {
        "lago_id": "f",
        "lago_add_on_id": "a",
        "add_on_code": "berth",
        "charge_model": "standard",
        "properties": {"amount": "40"},
        "pay_in_advance": True,
        "prorated": False,
    },
    "AddOn": {"lago_id": "a", "code": "berth", "amount_currency": "CAD"},
    "BillingConfiguration": {},
    "Credit": {"lago_id": "c", "amount_currency": "CAD", "item": {"type": "coupon"}},
    "Tax": {"lago_id": "t", "code": "t"},
    "BillableMetric": {"lago_id": "m", "code": "m", "name": "m", "aggregation_type": "count_agg", "recurring": False},
}


@pytest.mark.parametrize(
    ("kind", "field", "fits", "too_large"),
    [
        ("BillingConfiguration", "invoice_grace_period", 36_525, 36_526),
        ("FixedCharge", "units", "999999999999999", "1e30"),
        ("AddOn", "amount_cents", 999_999_999_999_999, 9_007_199_254_740_993),
        ("Credit", "amount_cents", -999_999_999_999_999, -(10**15)),
        ("Tax", "rate", "1000", "1000.01"),
        ("BillableMetric", "rounding_precision", -30, 400),
    ],
)
def test_a_number_that_is_too_large_is_refused_with_its_place(kind: str, field: str, fits: Any, too_large: Any) -> None:
    cls: Any = getattr(records, kind)
    assert getattr(decode(cls, {**BEST[kind], field: fits}, "records"), field) == Decimal(fits)
    with pytest.raises(DecodeError, match=f"field {field} .* is more") as refused:
        decode(cls, {**BEST[kind], field: too_large}, "records")
    assert refused.value.reason == "value_out_of_range"


PLAN = {
    "lago_id": "p",
    "code": "p",
    "name": "p",
    "interval": "monthly",
    "amount_currency": "CAD",
    "pay_in_advance": True,
}
NOTE = {
    "lago_id": "n",
    "number": "N-1",
    "lago_invoice_id": "i",
    "currency": "CAD",
    "issuing_date": "2026-08-03",
    **dict.fromkeys(("total_amount_cents", "taxes_amount_cents", "credit_amount_cents", "refund_amount_cents"), 0),
    "balance_amount_cents": 0,
    "created_at": "2026-08-03T10:00:00Z",
}
SIGNED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("Plan", PLAN, "amount_cents", -4900),
    ("Plan", PLAN | {"amount_cents": 0}, "trial_period", Decimal("-3.5")),
    ("MinimumCommitment", {}, "amount_cents", -1),
    ("Tax", {"lago_id": "t", "code": "t"}, "rate", Decimal("-13.0")),
    ("BillingConfiguration", {}, "invoice_grace_period", -1),
    ("AddOn", BEST["AddOn"], "amount_cents", -1),
    *(("CreditNote", NOTE, f"{part}_amount_cents", -1) for part in ("total", "credit", "refund", "offset", "balance")),
]


@pytest.mark.parametrize(("kind", "best", "field", "wrong"), SIGNED)
def test_what_has_no_meaning_below_0_is_refused_with_its_place(
    kind: str, best: dict[str, Any], field: str, wrong: int | Decimal
) -> None:
    cls: Any = getattr(records, kind)
    assert getattr(decode(cls, {**best, field: 0}, "records"), field) == 0
    with pytest.raises(DecodeError, match=f"field {field} .* is below 0") as refused:
        decode(cls, {**best, field: wrong}, "records")
    assert refused.value.reason == "value_out_of_range"


@pytest.mark.parametrize(
    "place",
    [
        *(f"{kind}.net_payment_term" for kind in ("Customer", "Invoice", "Organization", "BillingEntity")),
        "Subscription.plan_amount_cents",
        "Charge.min_amount_cents",
    ],
)
def test_nor_have_terms_and_prices_elsewhere(place: str) -> None:
    bound = ranges.bound_of(place, whole="_cents" in place)
    assert bound is not None
    assert (bound(-1), bound(0), bound(30)) == (Told.BELOW_0.of(-1), None, None)


def test_a_credit_that_is_worth_nothing_has_no_amount() -> None:
    bound = ranges.bound_of("Wallet.rate_amount", whole=False)
    assert bound is not None
    assert [bound(Decimal(rate)) for rate in ("-1", "0", "0.01")] == [
        Told.NOT_ABOVE_0.of(-1),
        Told.NOT_ABOVE_0.of(0),
        None,
    ]


def test_what_may_be_below_0_still_is() -> None:
    for place in ("Wallet.balance_cents", "Fee.amount_cents", "Invoice.fees_amount_cents"):
        bound = ranges.bound_of(place, whole=True)
        assert bound is not None
        assert bound(-1) is None


def test_every_bound_is_one_of_a_field() -> None:
    known = {f"{name}.{f.name}" for name in dir(records) if hasattr(kind := getattr(records, name), "__mro__")
             and hasattr(kind, "__dataclass_fields__") for f in fields(kind)}  # fmt: skip
    assert set(ranges.BOUNDS) <= known


def test_every_amount_below_the_bound_is_held_to_the_cent() -> None:
    assert ranges.bound_of("Invoice.total_amount_cents", whole=True) is not None
    for cents in (ranges.HELD - 1, ranges.HELD - 2, 314_159_265_358_979):
        assert round(float(Decimal(cents).scaleb(-2)) * 100) == cents
        assert Decimal(repr(float(Decimal(cents).scaleb(-2)))).scaleb(2) == cents
