"""Which values of events are numbers, and that none is written out before its size is known."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from reconcile.rating.pg_numeric import MOST_DIGITS, divide_numeric, numeric, strict_numeric
from reconcile.rating.refusal import RerateRefused


@pytest.mark.parametrize(
    ("text", "json_type", "wanted"),
    [
        ("12.50", "VARCHAR", Decimal("12.50")),
        ("1e3", "DOUBLE", Decimal(1000)),
        ("1e3", "VARCHAR", None),
        ("+5", "VARCHAR", None),
        (None, None, None),
        ("9" * MOST_DIGITS, "VARCHAR", Decimal("9" * MOST_DIGITS)),
        (f"0.{'1' * MOST_DIGITS}", "VARCHAR", Decimal(f"0.{'1' * MOST_DIGITS}")),
    ],
)
def test_numbers(text: str | None, json_type: str | None, wanted: Decimal | None) -> None:
    assert numeric(text, json_type) == wanted


@pytest.mark.parametrize(
    ("text", "json_type"),
    [("1e400000", "DOUBLE"), ("1e50000000", "DOUBLE"), ("1e-50000000", "DOUBLE"), ("9" * 4000, "VARCHAR"),
     (f"0.{'1' * 4000}", "VARCHAR"), (f"0.{'1' * (MOST_DIGITS + 1)}", "VARCHAR")],
)  # fmt: skip
def test_a_number_that_no_amount_can_hold_is_refused_by_name_at_once(text: str, json_type: str) -> None:
    started = time.process_time()
    with pytest.raises(RerateRefused) as caught:
        numeric(text, json_type)
    assert (caught.value.reason, len(str(caught.value.detail)) < 100) == ("number_out_of_range", True)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient"),
    [
        ("1", "3", "0.33333333333333333333"),
        ("2", "3", "0.66666666666666666667"),
        ("5", "3", "1.6666666666666667"),
        ("-5", "3", "-1.6666666666666667"),
        ("5", "-3", "-1.6666666666666667"),
        ("3", "3", "1.00000000000000000000"),
        ("0", "3", "0.00000000000000000000"),
        ("10000", "3", "3333.3333333333333333"),
        ("100000", "3", "33333.333333333333"),
        ("1", "30000", "0.000033333333333333333333"),
        ("1.00000000000000000000001", "1", "1.00000000000000000000001"),
    ],
)
def test_a_quotient_has_as_many_digits_as_postgresql_gives_it(dividend: str, divisor: str, quotient: str) -> None:
    assert f"{divide_numeric(Decimal(dividend), Decimal(divisor)):f}" == quotient


@pytest.mark.parametrize(
    ("text", "json_type", "wanted"),
    [
        ("1e3", "VARCHAR", "1000"),
        ("1_000", "VARCHAR", "1000"),
        (" 5 ", "VARCHAR", "5"),
        ("12.50", "VARCHAR", "12.50"),
        ("1,5", "VARCHAR", None),
        ("", "VARCHAR", None),
        (None, None, None),
        ("2.5", "DOUBLE", "2.5"),
    ],
)
def test_an_event_that_is_charged_at_once_is_read_as_ruby_reads_it(
    text: str | None, json_type: str, wanted: str | None
) -> None:
    found = strict_numeric(text, json_type)
    assert (None if found is None else f"{found}") == wanted
