"""What is wrong with the fees of a one-off invoice, whatever the catalogue holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.addon.plain import together

one_off = together("api.one_off")
WRONG = ["value_is_invalid"]


@pytest.mark.parametrize(
    ("fee", "errors"),
    [
        ({}, {}),
        ({"tax_codes": ["t10"], "units": "2.5", "unit_amount_cents": 100}, {}),
        ({"tax_codes": None}, {}),
        ({"tax_codes": "t10"}, {"tax_codes": WRONG}),
        ({"tax_codes": ["t10", 1]}, {"tax_codes": WRONG}),
        ({"units": -1}, {"units": WRONG}),
        ({"unit_amount_cents": "z"}, {"unit_amount_cents": WRONG}),
        ({"add_on_code": ""}, {"add_on_code": ["value_is_mandatory"]}),
    ],
)
def test_what_is_wrong_with_a_fee(fee: dict[str, Any], errors: dict[str, list[str]]) -> None:
    assert one_off.fee_errors({"add_on_code": "setup", **fee}) == errors
