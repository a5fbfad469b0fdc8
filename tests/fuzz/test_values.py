"""What the driver calls impossible is: Lago writes one number as text, with or without decimals, or as JSON's own."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.values import IMPOSSIBLE, is_number, other_types


@pytest.mark.parametrize("value", ["8.0", "-3", 8, 1.5])
def test_a_number_written_otherwise_is_no_other_type(value: object) -> None:
    assert [other for other in other_types(value) if is_number(other)] == []
    made = [IMPOSSIBLE["other type"].make(Random(seed), value) for seed in range(100)]
    assert any(other == ["zz"] for other in made), "the rest is still tried"
    assert any(other is True for other in made)


@pytest.mark.parametrize("value", ["CAD", "2026-07-01", True, [], {}, None])
def test_of_anything_else_a_number_is_one(value: object) -> None:
    assert {5, 1.5} <= {other for other in other_types(value) if is_number(other)}
