"""Money: halves go away from zero, doubles too, and every currency has its own smallest unit."""

from decimal import Decimal

import pytest

from mappings.money import from_subunits, round_float, round_half_up, to_subunits


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(0.5, 1), (-0.5, -1), (1.4, 1), (-1.6, -2), (2.5, 3), (0.49999999999999994, 0), (-0.2, 0), (0.0, 0), (7.0, 7)],
)
def test_a_double_is_rounded_half_away_from_zero(amount: float, cents: int) -> None:
    assert round_float(amount) == cents


@pytest.mark.parametrize(
    ("cents", "currency", "amount"), [(1235, "CAD", "12.35"), (-5, "EUR", "-0.05"), (1235, "JPY", "1235")]
)
def test_cents_are_units_of_their_currency(cents: int, currency: str, amount: str) -> None:
    assert from_subunits(cents, currency) == Decimal(amount)
    assert to_subunits(Decimal(amount), currency) == cents


@pytest.mark.parametrize(("digits", "rounded"), [(2, "1E+60"), (30, "1E+60"), (-70, "0"), (400, "1E+60")])
def test_no_rounding_is_too_fine_for_a_number(digits: int, rounded: str) -> None:
    assert round_half_up(Decimal("1e60"), digits) == Decimal(rounded)
