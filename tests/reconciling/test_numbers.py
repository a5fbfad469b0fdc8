"""Amounts as Odoo keeps them: doubles, read by their shortest text, to the cent also where they are large."""

from __future__ import annotations

import pytest

from reconcile.sides.numbers import cents_of, header_cents_of, nearest_cents_of


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        (98_765_432_109.87, "COP", 9_876_543_210_987),
        (9_999_999_999_999.99, "COP", 999_999_999_999_999),
        (98_765_432_109.87 + 2**-16, "COP", 9_876_543_210_987),
        ("98765432109.869995", "COP", 9_876_543_210_987),
        (0.1 + 0.2, "CAD", 30),
        (-10.15, "CAD", -1015),
    ],
)
def test_a_double_is_read_to_the_cent(amount: object, currency: str, cents: int) -> None:
    assert cents_of(amount, currency) == header_cents_of(amount, currency) == cents


@pytest.mark.parametrize("amount", [0.305, "10.1500011", 98_765.432, 98_765_432_109.8])
def test_more_digits_than_the_currency_has_are_refused(amount: object) -> None:
    currency = "JPY" if amount == 98_765_432_109.8 else "CAD"
    with pytest.raises(ValueError, match="has more than"):
        cents_of(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        (1145.0, "HUF", 1145),
        (10.5, "HUF", 11),  # two digits in Odoo, none in Lago: somebody typed it there
        (-10.5, "HUF", -11),
        (10.49, "HUF", 10),
        (1145.0, "JPY", 1145),
        (12.345, "KWD", 12345),
        (12.3456, "KWD", 12346),
        (98_765_432_109.87 + 2**-16, "COP", 9_876_543_210_987),
        (0.1 + 0.2, "CAD", 30),
    ],
)
def test_a_whole_document_to_the_unit_of_its_currency(amount: object, currency: str, units: int) -> None:
    assert nearest_cents_of(amount, currency) == units
