"""Canonical values: what Odoo answers and what we want meet in one form, and what differs stays different."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.target import Ref
from migrate.values import OdooField, answered, cell, wanted


def name(model: str, number: int) -> str:
    return f"{model}#{number}"


def want(value: Any, kind: str) -> Any:
    return wanted(value, OdooField(kind), lambda ref: ref.xid if isinstance(ref, Ref) else "found")


def got(value: Any, kind: str, relation: str = "res.partner") -> Any:
    return answered(value, OdooField(kind, relation), name)


SAME: list[tuple[str, Any, Any]] = [
    ("char", None, False),
    ("char", "", False),
    ("text", "a\r\nb", "a\nb"),
    ("selection", "draft", "draft"),
    ("integer", None, 0),
    ("integer", 3, 3),
    ("boolean", None, False),
    ("boolean", True, True),
    ("float", Decimal("0.000123"), 0.000123),
    ("float", Decimal("10.50"), 10.5),
    ("float", None, 0.0),
    ("float", Decimal("-0.0"), 0.0),
    ("float", Decimal("1E+3"), 1000.0),
    ("float", 0, 0.0),
    ("monetary", Decimal("99.99"), 99.99),
    ("date", date(2026, 7, 1), "2026-07-01"),
    ("date", None, False),
    ("date", datetime(2026, 7, 1, 5, tzinfo=UTC), "2026-07-01"),
    ("datetime", datetime(2026, 7, 1, 3, 4, 5, 999999, tzinfo=UTC), "2026-07-01 03:04:05"),
    ("datetime", datetime(2026, 7, 1, 3, 4, 5, tzinfo=timezone(timedelta(hours=-4))), "2026-07-01 07:04:05"),
    ("datetime", datetime(2026, 7, 1, 3, 4, 5), "2026-07-01 03:04:05"),  # noqa: DTZ001  naive means UTC
    ("html", "Hello & bye", "<p>Hello &amp; bye</p>"),
    ("html", None, False),
    ("html", "<p></p>", False),
    ("html", '<a href="https://x.example">x</a>', '<p><a href="https://x.example" target="_blank">x</a></p>'),
    ("many2one", None, False),
    ("many2many", (), []),
    ("many2many", None, []),
]


@pytest.mark.parametrize(("kind", "ours", "theirs"), SAME)
def test_equal_in_meaning_is_equal(kind: str, ours: Any, theirs: Any) -> None:
    assert want(ours, kind) == got(theirs, kind)


DIFFERENT: list[tuple[str, Any, Any]] = [
    ("char", "a ", "a"),
    ("float", Decimal("1.2345"), 1.23),
    ("datetime", datetime(2026, 7, 1, 3, 4, 5, tzinfo=UTC), "2026-07-01 03:04:06"),
    ("html", '<a href="https://x.example">x</a>', '<a href="https://y.example">x</a>'),
    ("html", "a b", "<p>a c</p>"),
    ("boolean", True, False),
]


@pytest.mark.parametrize(("kind", "ours", "theirs"), DIFFERENT)
def test_what_differs_stays_different(kind: str, ours: Any, theirs: Any) -> None:
    assert want(ours, kind) != got(theirs, kind)


def test_relations_are_names() -> None:
    assert want(Ref("lago.customer_1"), "many2one") == "lago.customer_1"
    assert got(5, "many2one") == got([5, "Ada"], "many2one") == "res.partner#5"
    assert got([9, 5], "many2many") == ("res.partner#5", "res.partner#9")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_a_decimal_survives_the_double_that_odoo_answers(amount: Decimal) -> None:
    assert want(amount, "float") == got(float(cell(amount)), "float")


CELLS: list[tuple[Any, str]] = [
    (None, ""),
    (True, "1"),
    (False, "0"),
    (Decimal("1E+2"), "100"),
    (Decimal("0.00000012"), "0.00000012"),
    (7, "7"),
    ("x", "x"),
    (date(2026, 7, 1), "2026-07-01"),
    (datetime(2026, 7, 1, 3, tzinfo=timezone(timedelta(hours=2))), "2026-07-01 01:00:00"),
]


@pytest.mark.parametrize(("value", "text"), CELLS)
def test_cells_are_text_as_load_reads_it(value: Any, text: str) -> None:
    assert cell(value) == text
