"""The table of three votes, row by row, and what a tolerance or a silent side does to it."""

import itertools

import pytest

from reconcile.compare.verdict import READINGS, Verdict, control_verdict, verdict


@pytest.mark.parametrize(
    ("lago", "odoo", "rerate", "reading"),
    [
        (100, 100, 100, Verdict.MATCH),
        (100, 90, 100, Verdict.ODOO),
        (100, 90, 90, Verdict.LAGO),
        (100, 100, 90, Verdict.MODEL),
        (100, 90, 80, Verdict.UNEXPLAINED),
        (100, 100, None, Verdict.AGREED),
        (100, 90, None, Verdict.UNVOTED),
        (None, 90, 90, Verdict.UNKNOWN),
        (100, None, 100, Verdict.UNKNOWN),
    ],
)
def test_reading(lago: int | None, odoo: int | None, rerate: int | None, reading: Verdict) -> None:
    assert verdict(lago, odoo, rerate) is reading


def test_every_pattern_has_a_reading() -> None:
    assert set(READINGS) == set(itertools.product((True, False), repeat=3))


def test_tolerance_is_in_cents_and_inclusive() -> None:
    assert verdict(100, 102, 101, tolerance=2) is Verdict.MATCH
    assert verdict(100, 103, 100, tolerance=2) is Verdict.ODOO


def test_a_third_side_between_two_different_ones_votes_for_neither() -> None:
    assert verdict(100, 102, 101, tolerance=1) is Verdict.UNEXPLAINED


@pytest.mark.parametrize(
    ("lago", "rerate", "reading"),
    [(5, 5, Verdict.MATCH), (5, 6, Verdict.UNVOTED), (5, None, Verdict.UNKNOWN), (None, 5, Verdict.UNKNOWN)],
)
def test_control_run(lago: int | None, rerate: int | None, reading: Verdict) -> None:
    assert control_verdict(lago, rerate) is reading


def test_control_run_tolerates() -> None:
    assert control_verdict(5, 6, tolerance=1) is Verdict.MATCH
