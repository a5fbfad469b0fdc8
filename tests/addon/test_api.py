"""The addon's API shapes that stand beside the ORM: numbers, coupons, wallets, the catalogue."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.addon.plain import together

amounts, answers, catalog, coupons, wallets = (
    together(f"api.{part}") for part in ("amounts", "answers", "catalog", "coupons", "wallets")
)
NOW = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
FIFTY: dict[str, Any] = {
    "lago_id": "k1",
    "name": "50 off",
    "code": "fifty",
    "description": None,
    "coupon_type": "fixed_amount",
    "amount_cents": 5000,
    "amount_currency": "EUR",
    "percentage_rate": None,
    "frequency": "recurring",
    "frequency_duration": 3,
    "limited_plans": True,
    "plan_codes": ["startup"],
    "limited_billable_metrics": False,
    "billable_metric_codes": [],
    "expiration_at": None,
    "terminated_at": None,
}
TEN: dict[str, Any] = {
    **FIFTY,
    "coupon_type": "percentage",
    "amount_cents": None,
    "amount_currency": None,
    "percentage_rate": "10.0",
    "frequency": "forever",
    "frequency_duration": None,
    "limited_plans": False,
}


def details(call: Any, *arguments: Any) -> Any:
    with pytest.raises(answers.Refused) as caught:
        call(*arguments)
    assert caught.value.status == 422
    return caught.value.body["error_details"]


@pytest.mark.parametrize(
    ("value", "currency", "cents"),
    [("49.00", "EUR", 4900), ("", "EUR", 0), (False, "EUR", 0), ("4950", "JPY", 4950), ("1.2345", "KWD", 1235)],
)
def test_cents_are_those_of_lagos_currency(value: Any, currency: str, cents: int) -> None:
    assert amounts.cents(value, currency) == cents


@pytest.mark.parametrize(
    ("value", "text"), [(10, "10.0"), ("10.50", "10.5"), (Decimal("0E+3"), "0.0"), ("", None), (None, None)]
)
def test_decimals_are_written_as_ruby_does(value: Any, text: str | None) -> None:
    assert amounts.text(value) == text


@pytest.mark.parametrize("value", [True, "x", "NaN", "Infinity", "1e40", [], {}, None, "10_000_000_000_000_000"])
def test_what_is_no_number_of_a_client(value: Any) -> None:
    assert amounts.given(value) is None


def test_a_coupon_is_held_on_its_own_terms_or_on_those_asked_for() -> None:
    held = coupons.create({}, FIFTY, NOW)
    assert (held["amount_cents"], held["frequency_duration_remaining"], held["status"]) == (5000, 3, "active")
    assert held["created_at"] == "2026-11-22T10:00:30Z"
    assert held["amount_cents_remaining"] is None
    once = coupons.create({"amount_cents": 700, "frequency": "once", "amount_currency": "CAD"}, FIFTY, NOW)
    assert (once["amount_cents"], once["amount_cents_remaining"], once["amount_currency"]) == (700, 700, "CAD")
    assert once["frequency_duration"] is None
    percent = coupons.create({"percentage_rate": 12.5, "amount_cents": 1}, TEN, NOW)
    assert (percent["percentage_rate"], percent["amount_cents"]) == ("12.5", None)


@pytest.mark.parametrize(
    ("given", "coupon", "wrong"),
    [
        ({"amount_cents": 0}, FIFTY, "amount_cents"),
        ({"amount_cents": True}, FIFTY, "amount_cents"),
        ({"amount_cents": "700"}, FIFTY, "amount_cents"),
        ({"amount_cents": 2**63}, FIFTY, "amount_cents"),
        ({"frequency": "sometimes"}, FIFTY, "frequency"),
        ({"frequency_duration": 0}, FIFTY, "frequency_duration"),
        ({"frequency": "recurring"}, TEN, "frequency_duration"),
        ({"percentage_rate": 0}, TEN, "percentage_rate"),
        ({"percentage_rate": "100.1"}, TEN, "percentage_rate"),
        ({"percentage_rate": "x"}, TEN, "percentage_rate"),
    ],
)
def test_terms_that_are_none_are_refused_by_field(given: dict[str, Any], coupon: Any, wrong: str) -> None:
    assert list(details(coupons.create, given, coupon, NOW)) == [wrong]


def test_a_coupon_that_stands_on_two_orders_is_one() -> None:
    first = {**coupons.create({}, FIFTY, NOW), "lago_id": "a"}
    second = {**first, "lago_id": "b", "created_at": "2026-11-23T00:00:00Z"}
    assert coupons.distinct([[first], [first, second], []]) == [second, first]
    assert coupons.reduces(first, "startup") and not coupons.reduces(first, "scale")
    assert coupons.reduces({**first, "limited_plans": False}, "scale")
    ended = coupons.terminate(first, NOW)
    assert (ended["status"], ended["terminated_at"]) == ("terminated", "2026-11-22T10:00:30Z")
    assert not coupons.active(ended)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"recurring_transaction_rules": [{}]}, "recurring_transaction_rules"),
        ({"applies_to": {"fee_types": ["charge"]}}, "applies_to"),
        ({"rate_amount": "0.5"}, "rate_amount"),
        ({"rate_amount": "one"}, "rate_amount"),
    ],
)
def test_what_an_ewallet_cannot_do_is_named(given: dict[str, Any], wrong: str) -> None:
    assert list(details(wallets.check, given)) == [wrong]


def test_paid_credits_are_a_sale() -> None:
    assert wallets.granted({"granted_credits": "10.5", "paid_credits": "0.0"}) == Decimal("10.5")
    wallets.check({"rate_amount": "1.00"})
    assert "top-up" in details(wallets.granted, {"paid_credits": "5"})["paid_credits"][0]
    assert list(details(wallets.granted, {"granted_credits": "-1"})) == ["granted_credits"]


@pytest.mark.parametrize("value", ["2026-11-22T23:59:59Z", "2020-01-01", "soon", 5, ["x"]])
def test_a_wallet_ends_in_the_future(value: Any) -> None:
    assert list(details(wallets.expiry, value, NOW.date())) == ["expiration_at"]
    assert wallets.expiry("2026-11-23T00:00:00Z", NOW.date()) == date(2026, 11, 23)
    assert wallets.expiry(None, NOW.date()) is None


def test_taxes_that_are_not_known_are_left_out() -> None:
    row = {
        "id": 1,
        "fusion_lago_id": "t1",
        "name": "VAT",
        "code": "vat",
        "rate": "20.5",
        "description": False,
        "applied_by_default": True,
        "create_date": NOW,
    }
    shown = catalog.taxes_of(json.dumps(["vat", "gone"]), {"vat": row})
    assert [(tax["code"], tax["rate"]) for tax in shown] == [("vat", 20.5)]
    assert catalog.taxes_of(None, {"vat": row}) == []
