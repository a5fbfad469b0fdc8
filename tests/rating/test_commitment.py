"""Which period a minimum commitment is asked for, and of how many of its days."""

from __future__ import annotations

import pytest

from mappings.period import Window
from reconcile.rating.commitment import committed_days, committed_period
from tests.rating.test_bill import at, contract

MAY = Window(at("2024-05-01T00:00Z"), at("2024-05-31T23:59:59.999999Z"))
JUNE = Window(at("2024-06-01T00:00Z"), at("2024-06-30T23:59:59.999999Z"))


def test_in_arrears_it_is_the_period_that_is_billed() -> None:
    assert committed_period(JUNE, [MAY], in_advance=False) == JUNE
    assert committed_period(JUNE, [], in_advance=False) == JUNE


def test_in_advance_it_is_the_last_one_that_was_paid_for() -> None:
    before = [Window(at(f"2024-0{month}-01T00:00Z"), at(f"2024-0{month}-30T23:59:59Z")) for month in (3, 4)]
    assert committed_period(JUNE, [*before, MAY], in_advance=True) == MAY
    assert committed_period(JUNE, [], in_advance=True) is None


@pytest.mark.parametrize(
    ("in_advance", "ended", "days"),
    [
        (False, None, (30, 30)),
        (True, None, (30, 30)),
        (False, "2024-06-10T12:00Z", (30, 30)),  # what is not billed any more has a shorter window by itself
        (True, "2024-07-10T12:00Z", (30, 30)),
        (True, "2024-06-10T12:00Z", (10, 61)),  # as if it went on, over this period and the one before
    ],
)
def test_days(in_advance: bool, ended: str | None, days: tuple[int, int]) -> None:
    of = contract("2024-01-01T00:00Z", pay_in_advance=in_advance, terminated_at=at(ended) if ended else None)
    assert committed_days(of, JUNE) == days
