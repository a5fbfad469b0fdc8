"""Payloads become records by type; what is missing or mistyped is named with its place."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from mappings import records
from mappings.decode import DecodeError, decode, unknown_fields
from migrate.lago.recorded import RecordedLago

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    lago_id: str
    units: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    lago_id: str
    count: int
    rate: Decimal
    at: datetime
    day: date
    active: bool = True
    free: int = 0
    label: str = ""
    note: str | None = None
    parts: tuple[Part, ...] = ()
    first: Part | None = None
    properties: Json = field(default_factory=dict)
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


GOOD: dict[str, Any] = {
    "lago_id": "t1",
    "count": 3,
    "rate": "14.975",
    "at": "2026-02-10T09:00:00.250+02:00",
    "day": "2026-02-10",
}


def test_every_type() -> None:
    thing = decode(
        Thing,
        {
            **GOOD,
            "active": False,
            "parts": [{"lago_id": "p", "units": Decimal("0.1")}, {"lago_id": "q", "units": 2}],
            "first": {"lago_id": "p", "units": "-1e3"},
            "properties": {"free": [1, None]},
            "values": {"region": ["eu", "us"]},
            "from_a_later_lago": 1,
        },
        "things",
    )
    assert thing.at == datetime(2026, 2, 10, 7, 0, 0, 250000, UTC)
    assert thing.at.tzinfo is UTC
    assert (thing.rate, thing.day, thing.active) == (Decimal("14.975"), date(2026, 2, 10), False)
    assert [part.units for part in thing.parts] == [Decimal("0.1"), Decimal(2)]
    assert thing.first == Part(lago_id="p", units=Decimal(-1000))
    assert thing.values == {"region": ("eu", "us")}
    assert thing.properties == {"free": [1, None]}


def test_what_an_answer_repeats_word_for_word_is_there_once() -> None:
    part = {"lago_id": "p", "units": 1}
    thing = decode(Thing, {**GOOD, "parts": [part, {"lago_id": "q", "units": 1}, dict(part)]}, "things")
    assert [one.lago_id for one in thing.parts] == ["p", "q"]


def test_two_records_of_one_id_are_none_of_them_known_to_be_right() -> None:
    with pytest.raises(DecodeError, match=r"parts\[1\]\.lago_id 'p' is that of two records") as refused:
        decode(Thing, {**GOOD, "parts": [{"lago_id": "p", "units": 1}, {"lago_id": "p", "units": 2}]}, "things")
    assert refused.value.reason == "id_not_unique"


def test_null_is_absent() -> None:
    thing = decode(Thing, {**GOOD, "label": None, "note": None, "first": None, "properties": None}, "things")
    assert (thing.label, thing.note, thing.first, thing.properties) == ("", None, None, {})


@pytest.mark.parametrize("name", ["active", "parts", "free"])
def test_null_is_no_number_no_flag_and_no_list(name: str) -> None:
    """The default is what an older Lago meant that does not have the field; null is something that nobody meant."""
    assert decode(Thing, GOOD, "things")
    with pytest.raises(DecodeError, match=f"field {name} is null"):
        decode(Thing, {**GOOD, name: None}, "things")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": None}, "things t1: field count is null"),
        ({"count": "3"}, "things t1: field count should be an integer, is '3'"),
        ({"count": True}, "things t1: field count should be an integer, is True"),
        ({"count": Decimal("3.0")}, "should be an integer"),
        ({"rate": 14.975}, "things t1: field rate should be a decimal number, is 14.975"),
        ({"rate": "NaN"}, "should be a decimal number"),
        ({"rate": "12,5"}, "should be a decimal number"),
        ({"rate": True}, "should be a decimal number"),
        ({"at": "2026-02-10T09:00:00"}, "should be a time with its offset from UTC"),
        ({"at": "yesterday"}, "field at should be a time"),
        ({"at": 1770000000}, "field at should be a string"),
        ({"day": "2026-02-30"}, "field day should be a date"),
        ({"active": 1}, "should be true or false"),
        ({"note": 5}, "field note should be a string, is 5"),
        ({"parts": {}}, "field parts should be a list"),
        ({"parts": [{"lago_id": "p", "units": 1}, {"lago_id": "q"}]}, r"field parts\[1\].units is missing"),
        ({"parts": [None]}, r"field parts\[0\] should be an object"),
        ({"first": []}, "field first should be an object"),
        ({"values": {"region": ["eu", 1]}}, r"field values.region\[1\] should be a string"),
        ({"lago_id": None}, r"things \(no id\): field lago_id is null"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DecodeError, match=said) as refused:
        decode(Thing, {**GOOD, **change}, "things")
    assert "\n" not in str(refused.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(DecodeError, match="things t1: field day is missing") as refused:
        decode(Thing, {k: v for k, v in GOOD.items() if k != "day"}, "things")
    assert (refused.value.resource, refused.value.lago_id, refused.value.path) == ("things", "t1", "day")


def test_something_else_than_an_object() -> None:
    with pytest.raises(DecodeError, match=r"field \(whole record\) should be an object"):
        decode(Thing, [], "things")  # type: ignore[arg-type]


SCHEMAS = {"plan": {"code": None, "properties": None, "charges": "charge"}, "charge": {"model": None, "tax": "plan"}}


def test_unknown_fields_are_named_by_path() -> None:
    payload = {
        "code": "x",
        "colour": "red",
        "properties": {"anything": {"goes": 1}},
        "charges": [{"model": 1}, {"model": 2, "shade": 1, "tax": {"code": 1, "tint": 1}}, None],
    }
    assert unknown_fields(payload, "plan", SCHEMAS) == {"colour", "charges.shade", "charges.tax.tint"}


def test_a_hundred_thousand_fees_take_seconds(nexasystems: RecordedLago) -> None:
    payload = nexasystems.recording.listed("fees", "/api/v1/fees", "fees")[0].value
    start = time.process_time()
    for _ in range(5_000):
        decode(records.Fee, payload, "fees")
    assert time.process_time() - start < 3  # 100,000 in a minute at the very worst, on a busy machine


@pytest.mark.parametrize(
    ("name", "word", "known"),
    [
        ("on_termination_invoice", "zz_unknown", False),
        ("on_termination_credit_note", "zz_unknown", False),
        ("on_termination_invoice", "skip", True),
        ("on_termination_credit_note", "offset", True),
        ("on_termination_credit_note", None, True),
    ],
)
def test_what_happens_at_the_end_of_a_subscription_is_never_guessed(
    nexasystems: RecordedLago, name: str, word: str | None, known: bool
) -> None:
    """Found by the fuzz (seed 7, number 368): an unknown option was carried along as if nothing followed from it."""
    piece = nexasystems.recording.listed("subscriptions", "/api/v1/subscriptions", "subscriptions")[0]
    payload = {**json.loads(piece.text), name: word}
    if known:
        assert getattr(decode(records.Subscription, payload, "subscriptions"), name) == word
        return
    with pytest.raises(DecodeError) as refused:
        decode(records.Subscription, payload, "subscriptions")
    assert (refused.value.path, refused.value.reason) == (name, "unknown_termination")
