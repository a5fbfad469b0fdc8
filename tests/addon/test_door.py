"""What the addon's door lets in: numbers before they are written out, texts, moments, prices of charges."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.addon.plain import together

amounts, answers, charge_properties, customers, intake, invoices, overrides, reading = (
    together(f"api.{part}")
    for part in ("amounts", "answers", "charge_properties", "customers", "intake", "invoices", "overrides", "reading")
)
event_checks, events, exact, numbers, unratable = (
    together(f"rating.{part}") for part in ("event_checks", "events", "exact", "numbers", "unratable")
)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
EXPLOSIVE = (
    "1e400000", "1e999990", "1e50000000", "-1e999999999", "1e-50000000", "0e999999999", "1E+400", "9" * 41, "9" * 4300,
    f"0.{'1' * 61}", f"{'9' * 250}", 10**400, 1e308, Decimal("1e50000000"), f" {'1' * 300} ", "sNaN", "Infinity", "nan",
)  # fmt: skip
PLAIN = {
    "12": "12",
    " 5 ": "5",
    "1e3": "1000",
    "-0.5": "-0.5",
    12: "12",
    0.1: "0.1",
    "9" * 40: "9" * 40,
    "1_000": "1000",
}


@pytest.mark.parametrize("value", EXPLOSIVE, ids=lambda value: str(type(value).__name__) + repr(value)[:12])
def test_no_number_is_written_out_before_its_size_is_known(value: object) -> None:
    started = time.process_time()
    assert numbers.parsed(value) is None
    assert amounts.given(value) is None
    assert intake.event_time(value, NOW) is None
    with pytest.raises(unratable.Unratable):
        exact.decimal(value)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(("value", "wanted"), PLAIN.items(), ids=repr)
def test_ordinary_numbers_stay(value: object, wanted: str) -> None:
    assert numbers.parsed(value) == Decimal(wanted)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=20))
def test_a_number_within_bounds_is_what_decimal_reads(value: Decimal) -> None:
    assert numbers.parsed(str(value)) == numbers.parsed(value) == value


@pytest.mark.parametrize("value", [True, None, [], {}, "", "x", "0x10", "1,5", "--1", "1e"])
def test_what_is_no_number(value: object) -> None:
    assert numbers.parsed(value) is None


def event(**values: Any) -> dict[str, Any]:
    return {"transaction_id": "t", "external_subscription_id": "s", "code": "bytes", **values}


def refused(**values: Any) -> dict[str, list[str]]:
    row, errors = intake.event_row(event(**values), NOW, {"bytes": "size"})
    assert (row is None) == bool(errors)
    return errors


def random_text(length: int) -> str:
    """Of all planes: it does not compress."""
    return "".join(map(chr, Random(length).choices([*range(0x20, 0xD800), *range(0xE000, 0x11000)], k=length)))


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"properties": {"size": "9" * 400}}, {"properties": ["value_is_out_of_range"]}),
        ({"properties": {"size": 10**400}}, {"properties": ["value_is_out_of_range"]}),
        ({"properties": {"size": "1e50000000"}}, {"properties": ["value_is_out_of_range"]}),
        ({"properties": "abc"}, {"properties": ["invalid_format"]}),
        ({"properties": [1]}, {"properties": ["invalid_format"]}),
        ({"precise_total_amount_cents": "1e20000000"}, {"precise_total_amount_cents": ["value_is_out_of_range"]}),
        ({"precise_total_amount_cents": 10**60}, {"precise_total_amount_cents": ["value_is_out_of_range"]}),
        ({"timestamp": "1e400000"}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": 1.7e12}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": -6e10}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": "2026-07-01"}, {"timestamp": ["invalid_format"]}),
        ({"transaction_id": random_text(3000)}, {"transaction_id": ["value_is_too_long"]}),
        ({"transaction_id": random_text(256)}, {"transaction_id": ["value_is_too_long"]}),
        ({"transaction_id": {"a": 1}}, {"transaction_id": ["value_is_mandatory"]}),
        ({"code": random_text(9000)}, {"code": ["value_is_too_long"]}),
        ({"external_subscription_id": random_text(2800)}, {"external_subscription_id": ["value_is_too_long"]}),
    ],
)  # fmt: skip
def test_events_that_could_not_be_billed_are_refused(values: dict[str, Any], errors: dict[str, list[str]]) -> None:
    assert refused(**values) == errors


@pytest.mark.parametrize(
    "values",
    [
        {"properties": {"size": "12.5", "note": "9" * 400}},  # what nobody counts may be as long as it likes
        {"properties": {"size": "many"}},  # not counted, as in Lago
        {"properties": None},
        {"precise_total_amount_cents": "12.5"},
        {"precise_total_amount_cents": "free"},
        {"timestamp": "1785456000.123456"},
        {"transaction_id": "a" * 255},
    ],
)
def test_events_that_are_taken(values: dict[str, Any]) -> None:
    assert refused(**values) == {}


def test_what_was_stored_before_is_refused_by_name_and_stops_nothing_else() -> None:
    row: Any = {
        "external_subscription_id": "s",
        "code": "bytes",
        "transaction_id": "t",
        "timestamp": "2026-07-01 00:00",
    }
    assert events.read_event({**row, "properties": '"abc"'}, 0).properties == {}
    assert events.read_event({**row, "properties": "[1]"}, 0).properties == {}
    for properties in ('{"size": 1e50000000}', '{"size": "%s"}' % ("9" * 400), '{"size": %s}' % ("9" * 400)):
        read = events.read_event({**row, "properties": properties}, 0)
        with pytest.raises(unratable.Unratable) as caught:
            events.number(read.text("size"))
        assert caught.value.reason == "number_out_of_range"
        assert len(caught.value.detail) < 100


def test_the_hourly_look_survives_whatever_lies_there() -> None:
    metrics: Any = {"bytes": {"aggregation": "sum_agg", "field_name": "size", "filters": []}}
    lying = ('"abc"', "[]", "{", '{"size": 1e50000000}', '{"size": "%s"}' % ("9" * 400), "1" * 5000, '{"size": "1"}')
    rows = [(f"t{number}", "s", "bytes", properties) for number, properties in enumerate(lying)]
    found = event_checks.problems(rows, metrics, frozenset({"s"}))
    assert found["missing_aggregation_property"] == [f"t{number}" for number in range(len(lying) - 1)]


TIERS = [{"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
         {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": None}]  # fmt: skip
RATES = [{"from_value": 0, "to_value": None, "rate": "1.5", "flat_amount": "2"}]


@pytest.mark.parametrize(
    ("model", "properties", "wrong"),
    [
        ("standard", {"amount": "0.05"}, None),
        ("standard", {"amount": 5, "pricing_group_keys": ["region"]}, None),
        ("standard", {"amount": "abc"}, "amount"),
        ("standard", {"amount": "-1"}, "amount"),
        ("standard", {"amount": "1e400000"}, "amount"),
        ("standard", {}, "amount"),
        ("standard", {"amount": "1", "grouped_by": [{}]}, "grouped_by"),
        ("standard", [], "properties"),
        ("package", {"amount": "5", "package_size": 10, "free_units": 0}, None),
        ("package", {"amount": "5", "package_size": 0}, "package_size"),
        ("package", {"amount": "5", "package_size": 1.5}, "package_size"),
        ("package", {"amount": "5", "package_size": 1, "free_units": -1}, "free_units"),
        ("percentage", {"rate": "1.2", "fixed_amount": "0.1", "free_units_per_events": 3}, None),
        ("percentage", {"rate": None}, "rate"),
        ("percentage", {"rate": "1", "fixed_amount": "x"}, "fixed_amount"),
        ("percentage", {"rate": "1", "free_units_per_events": "1.5"}, "free_units_per_events"),
        ("percentage", {"rate": "1", "per_transaction_min_amount": "5", "per_transaction_max_amount": "4"},
         "per_transaction_max_amount"),
        ("graduated", {"graduated_ranges": TIERS}, None),
        ("graduated", {"graduated_ranges": []}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": "abc"}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": [5]}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": TIERS[:1]}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": TIERS[1:]}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": [*TIERS, *TIERS]}, "graduated_ranges"),
        ("graduated", {"graduated_ranges": [TIERS[0], {**TIERS[1], "per_unit_amount": "NaN"}]}, "per_unit_amount"),
        ("volume", {"volume_ranges": TIERS}, None),
        ("volume", {"graduated_ranges": TIERS}, "volume_ranges"),
        ("graduated_percentage", {"graduated_percentage_ranges": RATES}, None),
        ("graduated_percentage", {"graduated_percentage_ranges": [{**RATES[0], "rate": ""}]}, "rate"),
        ("dynamic", {}, None),
    ],
)  # fmt: skip
def test_prices_are_held_against_their_charge_model(model: str, properties: object, wrong: str | None) -> None:
    assert list(charge_properties.errors(model, properties)) == ([wrong] if wrong else [])


@pytest.mark.parametrize(
    ("given_overrides", "wrong"),
    [
        ({"amount_cents": 1000, "trial_period": 2.5, "minimum_commitment": {"amount_cents": "5"}}, []),
        ({"amount_cents": "12.5"}, ["amount_cents"]),
        ({"amount_cents": "1e400000"}, ["amount_cents"]),
        ({"trial_period": 10**9}, ["trial_period"]),
        ({"minimum_commitment": {"amount_cents": -1}}, ["minimum_commitment"]),
        ({"minimum_commitment": 5}, ["minimum_commitment"]),
        ({"usage_thresholds": [1], "name": "n" * 256}, ["usage_thresholds", "name"]),
        ({"charges": [{"properties": {}}]}, ["charges"]),
    ],
)
def test_overrides(given_overrides: dict[str, Any], wrong: list[str]) -> None:
    assert sorted(overrides.errors(given_overrides)) == sorted(f"plan_overrides.{name}" for name in wrong)


def test_overrides_of_charges_name_the_charge_and_the_field() -> None:
    charges: list[dict[str, Any]] = [
        {
            "id": "a",
            "properties": {"amount": "abc"},
            "min_amount_cents": "x",
            "filters": [{}],
            "charge_model": "volume",
        },
        {"id": "nobody"},
        {"id": "a", "properties": {"amount": "1"}, "filters": []},
    ]
    assert overrides.charge_errors(charges, {"a": "standard"}) == {
        "plan_overrides.charges.0.properties.amount": ["invalid_amount"],
        "plan_overrides.charges.0.min_amount_cents": ["value_is_invalid"],
        "plan_overrides.charges.0.filters": ["not_supported_by_native_orders"],
        "plan_overrides.charges.0.charge_model": ["value_is_invalid"],
        "plan_overrides.charges.1.id": ["charge_not_found"],
    }


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"billing_configuration": {"invoice_grace_period": 10**9}}, "invoice_grace_period"),
        ({"billing_configuration": {"invoice_grace_period": -1}}, "invoice_grace_period"),
        ({"net_payment_term": 10**9}, "net_payment_term"),
        ({"name": random_text(6000)}, "name"),
        ({"legal_name": random_text(256)}, "legal_name"),
        ({"url": "x" * 2001}, "url"),
        ({"shipping_address": {"city": random_text(300)}}, "shipping_address"),
    ],
)
def test_customers(sent: dict[str, Any], field: str) -> None:
    assert list(customers.shape_errors(sent, "c")) == [field]
    assert customers.shape_errors({"billing_configuration": {"invoice_grace_period": 30}, "name": "n"}, "c") == {}


@pytest.mark.parametrize("page", ["9" * 5000, "9" * 30, "-1", "0", "x", "٣", "1e3", ""])
def test_pages_that_are_none_are_the_first(page: str) -> None:
    assert answers.page({"page": page, "per_page": page}) == (1, 25)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-07-01", "2026-07-01"), ("2026-07-01T10:00:00Z", "2026-07-01"), ("2026-99-99", None), ("0001-01-01", None),
     ("x", None), ("", None), (["2026-07-01"], None)],
)  # fmt: skip
def test_days(text: object, day: str | None) -> None:
    assert invoices.day(text) == day


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000])
def test_numbers_that_json_does_not_have_are_refused(token: str) -> None:
    with pytest.raises(answers.Refused) as caught:
        reading.body(b'{"event": {"properties": {"a": %s}}}' % token.encode())
    assert caught.value.status == 400
    json.dumps(caught.value.body, allow_nan=False)


@pytest.mark.parametrize(
    ("sent", "known", "shown"),
    [("ON", ("ON", "Ontario"), "ON"), ("ontario", ("ON", "Ontario"), "ontario"), ("ON", ("QC", "Quebec"), "Quebec"),
     (None, ("ON", "Ontario"), "Ontario"), ("Kanto", (), "Kanto"), (None, (), None)],
)  # fmt: skip
def test_a_state_is_shown_as_it_was_sent_until_somebody_changes_it(
    sent: str | None, known: tuple[str, ...], shown: str | None
) -> None:
    assert customers.shown_state(sent, known) == shown


def test_what_lago_inherits_stays_nothing_until_it_is_given() -> None:
    before = json.dumps({"inherited": ["timezone", "net_payment_term"]})
    assert customers.details(before, {"timezone": "Europe/Paris"}, "id", "now") == {"inherited": ["net_payment_term"]}
    assert customers.details(before, {"name": "n"}, "id", "now")["inherited"] == ["timezone", "net_payment_term"]
    assert customers.details(None, {}, "", "now") == {"inherited": ["timezone"]}
    assert customers.details(None, {"timezone": "Europe/Paris"}, "", "now") == {}
