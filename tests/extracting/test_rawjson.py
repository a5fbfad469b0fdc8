"""JSON cut into pieces of its own text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.rawjson import elements, loads, members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False).map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
STYLES: list[dict[str, Any]] = [{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}]


@given(st.dictionaries(st.text(), VALUES), st.sampled_from(STYLES))
def test_members_are_the_object_in_its_own_words(value: dict[str, Any], style: dict[str, Any]) -> None:
    text = f" {json.dumps(value, **style)}\n"
    pieces = members(text)
    assert {key: piece.value for key, piece in pieces.items()} == value
    assert all(piece.text in text and json.loads(piece.text) == piece.value for piece in pieces.values())


@given(st.lists(VALUES), st.sampled_from(STYLES))
def test_elements_are_the_array_in_its_own_words(value: list[Any], style: dict[str, Any]) -> None:
    text = json.dumps(value, **style)
    pieces = elements(text)
    assert [piece.value for piece in pieces] == value
    assert [json.loads(piece.text) for piece in pieces] == value


def test_digits_survive() -> None:
    text = '{"rate":0.1000000000000000055511151231257827,"big":12345678901234567890,"e":1E-7}'
    assert {key: piece.text for key, piece in members(text).items()} == {
        "rate": "0.1000000000000000055511151231257827",
        "big": "12345678901234567890",
        "e": "1E-7",
    }
    assert loads(text)["rate"] == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"a":1', '{"a":1}x', '{"a" 1}', '{"a":1,}', "<html>", '{"a":}'])
def test_what_is_no_whole_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        members(text)


@pytest.mark.parametrize("text", ["", "{}", "[1", "[1,]", "[1]]", "[1 2]"])
def test_what_is_no_whole_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        elements(text)
