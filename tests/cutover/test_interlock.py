"""Who is billed by both systems, or by neither."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from migrate.cutover.interlock import Billable, stops, violations

TODAY = date(2026, 9, 20)
OCTOBER, NOVEMBER, AUGUST = date(2026, 10, 1), date(2026, 11, 1), date(2026, 8, 1)


def said(until: date | None, since: date | None, *, billed: bool = False, left: bool = True) -> str:
    one = Billable(subscription="s", customer="c", until=until, since=since, is_billed=billed, has_left=left)
    return "; ".join(problem for _, problem in violations([one], TODAY))


@pytest.mark.parametrize(
    ("until", "since", "billed", "left"),
    [
        (None, None, False, False),  # the dual run: Odoo's scheduled actions are off
        (OCTOBER, OCTOBER, False, True),  # it leaves, and Odoo begins on that very day
        (OCTOBER, None, False, True),  # it leaves later: until then Odoo may be off
        (AUGUST, AUGUST, False, True),  # it has left
        (AUGUST, NOVEMBER, True, True),  # it has left, and Odoo has billed it since
        (AUGUST, None, False, False),  # its customer gave it up: nobody bills it, and right so
        (OCTOBER, NOVEMBER, False, False),  # ends for another reason than this
    ],
)
def test_billed_by_one(until: date | None, since: date | None, billed: bool, left: bool) -> None:
    assert said(until, since, billed=billed, left=left) == ""


@pytest.mark.parametrize(
    ("until", "since", "billed", "told"),
    [
        (None, OCTOBER, False, "both: Lago bills it without an end, and Odoo from 2026-10-01"),
        (NOVEMBER, OCTOBER, False, "both: Lago bills it until 2026-11-01, and Odoo from 2026-10-01"),
        (OCTOBER, AUGUST, False, "both: Lago bills it until 2026-10-01, and Odoo from 2026-08-01"),
        (None, None, True, "both: Odoo has billed it, and Lago bills it without an end"),
        (OCTOBER, NOVEMBER, True, "both: Odoo has billed it, and Lago bills it until 2026-10-01"),
        (OCTOBER, NOVEMBER, False, "neither: Lago bills it until 2026-10-01, and Odoo from 2026-11-01 only"),
        (AUGUST, None, False, "neither: Lago billed it until 2026-08-01, and nothing in Odoo bills it"),
    ],
)
def test_billed_by_both_or_by_neither(until: date | None, since: date | None, billed: bool, told: str) -> None:
    assert said(until, since, billed=billed) == told


@pytest.mark.parametrize("left", [False, True])
def test_whoever_ended_it_both_is_both(left: bool) -> None:
    assert said(None, OCTOBER, left=left).startswith("both")


NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)


def raw(status: str, ends: str | None) -> dict[str, str | None]:
    return {"status": status, "ending_at": ends, "terminated_at": ends if status == "terminated" else None}


@pytest.mark.parametrize(
    ("chain", "until"),
    [
        ([raw("active", None)], None),
        ([raw("active", "2026-10-01T04:00:00Z")], OCTOBER),
        ([raw("active", "2026-09-20T04:00:00Z")], date(2026, 9, 20)),  # its day is not over
        ([raw("active", "2026-09-19T04:00:00Z")], None),  # missed: Lago bills it for ever
        ([raw("terminated", "2026-08-01T04:00:00Z")], AUGUST),
        ([raw("terminated", "2026-08-01T04:00:00Z"), raw("active", None)], None),  # upgraded, or made again
        ([raw("terminated", "2026-08-01T04:00:00Z"), raw("active", "2026-10-01T04:00:00Z")], OCTOBER),
    ],
)
def test_until_when_lago_bills(chain: list[dict[str, str | None]], until: date | None) -> None:
    assert stops(chain, "America/New_York", NOW) == until
