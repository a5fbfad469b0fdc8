"""The gate of a cut-over: open only where nothing closes it."""

from __future__ import annotations

from datetime import timedelta

from migrate.gate import GateCheck, is_open, snapshot_is_fresh
from tests.mapping.build import at


def test_one_problem_closes_it_and_no_check_opens_nothing() -> None:
    right = GateCheck(name="a", told="fine")
    wrong = GateCheck(name="b", told="fine", problems=("one", "two", "three", "four"), remedy="mend it")
    assert [is_open(checks) for checks in ([right], [right, wrong], [])] == [True, False, False]
    assert (str(right), str(wrong)) == ("fine", "one; two; three; and 1 more -> mend it")


def test_a_snapshot_is_old_after_its_hours() -> None:
    taken = at("2026-08-01 00:00")
    ages = [snapshot_is_fresh(taken, taken + timedelta(hours=h), timedelta(hours=24)).is_open for h in (0, 24, 25)]
    assert ages == [True, True, False]
    old = snapshot_is_fresh(taken, taken + timedelta(hours=25), timedelta(hours=24))
    assert old.problems == ("the snapshot is of 2026-08-01 00:00 UTC, 25 hours ago",)
