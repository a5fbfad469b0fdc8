"""Charge properties, coupons and units are held against what Lago itself accepts; anything else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from mappings.checks import ALWAYS_THERE
from mappings.decode import DecodeError, decode
from mappings.records import AppliedCoupon, Charge, Coupon, FixedCharge

CHARGE: dict[str, Any] = {
    "lago_id": "c1",
    "lago_billable_metric_id": "m1",
    "billable_metric_code": "api",
    "invoiceable": True,
    "pay_in_advance": False,
    "prorated": False,
    "min_amount_cents": 0,
}
TIER = {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}
GOOD: Mapping[str, dict[str, Any]] = {
    "standard": {"amount": "1.25", "pricing_group_keys": ["user"]},
    "package": {"amount": "10", "package_size": 100, "free_units": 0},
    "percentage": {"rate": "1.5", "fixed_amount": None, "per_transaction_max_amount": ""},
    "graduated": {"graduated_ranges": [{**TIER, "to_value": 10}, {**TIER, "from_value": 11}]},
    "volume": {"volume_ranges": [TIER]},
    "graduated_percentage": {
        "graduated_percentage_ranges": [{"from_value": 0, "to_value": None, "rate": "1", "flat_amount": "0"}]
    },
    "dynamic": {},
    "custom": {"custom_properties": {"any": "thing"}},
}


def charge(model: str, properties: object, **more: object) -> Charge:
    return decode(Charge, {**CHARGE, "charge_model": model, "properties": properties, **more}, "charges")


@pytest.mark.parametrize("model", GOOD)
def test_what_each_model_needs(model: str) -> None:
    assert charge(model, GOOD[model]).properties == GOOD[model]


@pytest.mark.parametrize(
    ("model", "change", "place", "reason"),
    [
        ("standard", {"amount": None}, "properties.amount", "charge_properties_missing"),
        ("standard", {"amount": "19,5"}, "properties.amount", "charge_properties_wrong"),
        ("standard", {"amount": "٣"}, "properties.amount", "charge_properties_wrong"),
        ("standard", {"amount": "9" * 70}, "properties.amount", "charge_properties_wrong"),
        (
            "volume",
            {"volume_ranges": [{**TIER, "per_unit_amount": "1e15"}]},
            "properties.volume_ranges[0].per_unit_amount",
            "charge_properties_wrong",
        ),
        ("standard", {"amount": "-2.0"}, "properties.amount", "charge_properties_wrong"),
        ("standard", {"amount": [1]}, "properties.amount", "charge_properties_wrong"),
        ("standard", {"amount": True}, "properties.amount", "charge_properties_wrong"),
        ("standard", {"pricing_group_keys": "user"}, "properties.pricing_group_keys", "charge_properties_wrong"),
        ("package", {"package_size": 0}, "properties.package_size", "charge_properties_wrong"),
        ("package", {"free_units": "zz"}, "properties.free_units", "charge_properties_wrong"),
        ("percentage", {"rate": ""}, "properties.rate", "charge_properties_missing"),
        ("percentage", {"fixed_amount": "NaN"}, "properties.fixed_amount", "charge_properties_wrong"),
        ("graduated", {"graduated_ranges": []}, "properties.graduated_ranges", "charge_properties_missing"),
        ("graduated", {"graduated_ranges": "zz"}, "properties.graduated_ranges", "charge_properties_wrong"),
        ("graduated", {"graduated_ranges": [None]}, "properties.graduated_ranges[0]", "charge_properties_wrong"),
        (
            "graduated",
            {"graduated_ranges": [{**TIER, "to_value": 10}, {**TIER, "from_value": 20}]},
            "properties.graduated_ranges",
            "charge_properties_wrong",
        ),
        (
            "volume",
            {"volume_ranges": [{**TIER, "per_unit_amount": "1_000"}]},
            "properties.volume_ranges[0].per_unit_amount",
            "charge_properties_wrong",
        ),
    ],
)
def test_what_no_lago_accepts(model: str, change: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(DecodeError) as error:
        charge(model, {**GOOD[model], **change})
    assert (error.value.path, error.value.reason) == (place, reason)


@pytest.mark.parametrize("properties", [None, "zz", [], 5])
def test_properties_that_are_no_object(properties: object) -> None:
    with pytest.raises(DecodeError, match="field properties"):
        charge("standard", properties)


def test_the_prices_of_a_filter_are_prices() -> None:
    with pytest.raises(DecodeError) as error:
        charge("standard", GOOD["standard"], filters=[{"lago_id": "f", "values": {}, "properties": {"amount": "zz"}}])
    assert error.value.path == "filters[0].properties.amount"


def test_an_exponent_is_the_number_that_it_says() -> None:
    assert charge("standard", {"amount": "1e3"})
    with pytest.raises(DecodeError) as error:
        charge("standard", {"amount": "1e1000"})
    assert "more than" in str(error.value.problem), "too much, and a number: as every field reads it"


@pytest.mark.parametrize("name", sorted(n.removeprefix("Charge.") for n in ALWAYS_THERE if n.startswith("Charge.")))
def test_what_lago_always_says_of_a_charge_has_no_default(name: str) -> None:
    payload = {**CHARGE, "charge_model": "standard", "properties": GOOD["standard"]}
    del payload[name]
    with pytest.raises(DecodeError, match=f"field {name} is missing"):
        decode(Charge, payload, "charges")


@pytest.mark.parametrize("units", ["-2.0", "19,5", "٣", None])
def test_units_of_a_fixed_charge(units: object) -> None:
    payload = {"lago_id": "f", "lago_add_on_id": "a", "add_on_code": "seat", "pay_in_advance": False, "prorated": False}
    payload |= {"charge_model": "standard", "properties": {"amount": "40"}, "units": "2"}
    assert decode(FixedCharge, payload, "fixed_charges").units == Decimal(2)
    with pytest.raises(DecodeError, match="field units"):
        decode(FixedCharge, {**payload, "units": units}, "fixed_charges")


COUPON: dict[str, Any] = {"lago_id": "k", "code": "k", "name": "k", "coupon_type": "fixed_amount", "frequency": "once"}
COUPON |= {"amount_cents": 500, "amount_currency": "CAD"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"coupon_type": "gift"}, "coupon_type"),
        ({"frequency": "sometimes"}, "frequency"),
        ({"amount_cents": None}, "amount_cents"),
        ({"amount_cents": -5}, "amount_cents"),
        ({"amount_currency": None}, "amount_currency"),
        ({"coupon_type": "percentage"}, "percentage_rate"),
        ({"frequency": "recurring"}, "frequency_duration"),
    ],
)
def test_a_coupon_says_what_it_takes_off(change: dict[str, Any], place: str) -> None:
    assert decode(Coupon, COUPON, "coupons")
    with pytest.raises(DecodeError) as error:
        decode(Coupon, {**COUPON, **change}, "coupons")
    assert error.value.path == place


def test_a_coupon_that_a_customer_holds_says_it_too() -> None:
    held = {"lago_id": "h", "lago_coupon_id": "k", "coupon_code": "k", "lago_customer_id": "c", "status": "active"}
    held |= {"external_customer_id": "c", "frequency": "once", "created_at": "2026-01-01T00:00:00Z"}
    assert decode(AppliedCoupon, {**held, "percentage_rate": "10"}, "applied_coupons")
    with pytest.raises(DecodeError, match="field amount_cents is missing"):
        decode(AppliedCoupon, held, "applied_coupons")
