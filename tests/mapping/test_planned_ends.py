"""Ends that are planned in Lago and will be billed wrongly there: named before the migration."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.records import MinimumCommitment
from mappings.target import Skipped
from tests.mapping.build import at, customer, mapped, plan, snapshot, subscription

ZONE = "America/Toronto"  # midnight is 05:00 UTC in winter


def told(ends: str, taken: str = "2026-11-20 12:00", **of_plan: Any) -> list[tuple[str, str]]:
    """Reason and words for a subscription that began on 10 February 2026."""
    whole = snapshot(
        customers=(customer(applicable_timezone=ZONE),),
        plans=(plan(**of_plan),),
        subscriptions=(subscription(ending_at=at(ends)),),
        taken_at=at(taken),
    )
    items = (item for item in mapped(whole) if isinstance(item, Skipped))
    return [(item.reason, item.detail) for item in items if item.reason.startswith("end_")]


def test_an_end_where_a_period_of_the_plan_begins_is_right() -> None:
    assert told("2026-12-01 05:00") == []
    assert told("2027-01-01 05:00", interval="yearly", pay_in_advance=False, bill_charges_monthly=True) == []
    assert told("2026-12-15 05:00") == []  # the day of an end is billed whole, as Lago does in each month


def test_hours_after_the_first_run_of_the_last_day_are_lost() -> None:
    """L3; for a customer in Toronto 00:00 UTC is the evening before."""
    ((reason, words),) = told("2026-12-01 00:00")
    assert reason == "end_billed_wrongly"
    assert "ends on 2026-11-30: Lago ends it at the first run after 05:00 UTC of that day" in words
    assert "its next period begins at 2026-12-01T05:00:00Z" in words


def test_an_end_inside_a_month_of_a_long_plan_bills_the_month_before_again() -> None:
    """L1, in advance and in arrears."""
    for advance in (True, False):
        ((reason, words),) = told(
            "2026-12-16 05:00", interval="yearly", pay_in_advance=advance, bill_charges_monthly=True
        )
        assert reason == "end_billed_wrongly"
        assert "the usage of the month before again, and never that of the last one" in words
        assert "its next period begins at 2027-01-01T05:00:00Z" in words


def test_an_end_at_a_mere_month_of_a_long_plan_loses_its_base_fee() -> None:
    """L2: 10 February to 30 November are 294 days, of which one is billed."""
    year = {"interval": "yearly", "amount_cents": 36500, "bill_charges_monthly": True}
    ((_, words),) = told("2026-12-01 05:00", pay_in_advance=False, **year)
    assert "one day of its base fee, and not the other 293 days (293.00 EUR)" in words
    assert told("2026-12-01 05:00", pay_in_advance=True, **year) == []


def test_a_commitment_in_advance_is_not_trued_up_at_the_boundary() -> None:
    """L8."""
    minimum = MinimumCommitment(amount_cents=30000)
    ((_, words),) = told("2026-12-01 05:00", minimum_commitment=minimum)
    assert "of its minimum of 300.00 EUR" in words
    assert told("2026-12-01 05:00", minimum_commitment=minimum, pay_in_advance=False) == []


@pytest.mark.parametrize(("taken", "missed"), [("2026-12-02 06:00", True), ("2026-12-02 04:00", False)])
def test_a_day_of_the_end_that_lago_missed(taken: str, missed: bool) -> None:
    """L4: its job asks for today's ends only; on the day itself it may still come."""
    reasons = [reason for reason, _ in told("2026-12-01 05:00", taken=taken)]
    assert reasons == (["end_missed"] if missed else [])
