"""Where a subscription can leave Lago: never but at the beginning of its plan's next period, in its customer's days."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mappings.endings import Ending, endings
from mappings.records import MinimumCommitment, Snapshot
from tests.mapping.build import at, charge, customer, fixed, plan, snapshot, subscription


def company(zone: str = "UTC", *, plans: dict[str, Any] | None = None, **of_subscription: Any) -> Snapshot:
    """One customer with a subscription that began on 10 February 2026."""
    return snapshot(
        customers=(customer(applicable_timezone=zone),),
        plans=(plan(**(plans or {})),),
        subscriptions=(subscription(**of_subscription),),
        taken_at=at("2026-11-20 12:00"),
    )


def ending(whole: Snapshot, earliest: date = date(2026, 11, 22)) -> Ending:
    (found,) = endings(whole, None, earliest)
    return found


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("UTC", "2026-12-01 00:00"),
        ("America/New_York", "2026-12-01 05:00"),  # 00:00 UTC would be the evening of 30 November there: a day early
        ("Asia/Kolkata", "2026-11-30 18:30"),
    ],
)
def test_the_end_is_the_local_midnight_at_which_the_next_period_begins(zone: str, moment: str) -> None:
    found = ending(company(zone))
    assert (found.day, found.ending_at, found.is_set) == (date(2026, 12, 1), at(moment), False)
    assert ending(company(zone, ending_at=at(moment))).is_set


@pytest.mark.parametrize(
    ("interval", "billing_time", "day"),
    [
        ("weekly", "calendar", date(2026, 11, 23)),
        ("monthly", "anniversary", date(2026, 12, 10)),
        ("quarterly", "calendar", date(2027, 1, 1)),
        ("semiannual", "anniversary", date(2027, 2, 10)),
        ("yearly", "calendar", date(2027, 1, 1)),
        ("yearly", "anniversary", date(2027, 2, 10)),
    ],
)
def test_it_is_a_period_of_the_plan_never_a_mere_month(interval: str, billing_time: str, day: date) -> None:
    """Also where usage is billed monthly: Lago's faults L1 and L2 are met nowhere else."""
    whole = company(plans={"interval": interval, "bill_charges_monthly": True}, billing_time=billing_time)
    assert ending(whole).day == day


def test_a_boundary_that_is_too_near_is_left_for_the_next_one() -> None:
    assert ending(company(), date(2026, 12, 1)).day == date(2026, 12, 1)
    assert ending(company(), date(2026, 12, 2)).day == date(2027, 1, 1)


def test_what_lago_bills_wrongly_or_drops_even_then_is_told() -> None:
    minimum = MinimumCommitment(lago_id="m1", amount_cents=30000)
    whole = company(
        plans={"pay_in_advance": True, "minimum_commitment": minimum, "charges": (charge(pay_in_advance=True),)},
        next_plan_code="cheaper",
    )
    found = ending(whole)
    assert [block.partition(":")[0] for block in found.blocks] == ["is paid in advance"]
    assert [note.partition(":")[0].partition(" that waits")[0] for note in found.notes] == [
        "the change to plan cheaper",
        "Lago does not bill what the last period lacks of its minimum of 300.00 EUR",
        "charges in advance",
    ]


def test_what_is_paid_in_advance_stays_in_lago_for_now() -> None:
    """On the boundary's day the addon would bill the usage of the period before with it, which Lago bills."""
    of_it = (fixed(pay_in_advance=True),)
    assert ending(company(plans={"pay_in_advance": False})).blocks == ()
    for plans in ({"pay_in_advance": True}, {"pay_in_advance": False, "fixed_charges": of_it}):
        (block,) = ending(company(plans=plans)).blocks
        assert block.startswith("is paid in advance: the addon cannot yet begin")


def test_another_end_that_stands_in_lago_is_no_decision_of_the_tools() -> None:
    found = ending(company(ending_at=at("2026-12-15 00:00"), plans={"pay_in_advance": False}))
    assert not found.is_set
    assert found.blocks == ("is to end in Lago at 2026-12-15T00:00:00Z already, for another reason: decide which",)


def test_what_has_not_begun_and_what_is_over() -> None:
    begins = {"subscription_at": at("2027-03-05 00:00"), "started_at": None}
    found = ending(company(status="pending", **begins))
    assert found.blocks[0].startswith("starts on 2027-03-05 only: take it back in Lago")
    for status in ("terminated", "canceled", "incomplete"):
        assert list(endings(company(status=status), None, date(2026, 11, 22))) == []


def test_a_change_that_waits_is_no_subscription_of_its_own() -> None:
    whole = snapshot(
        customers=(customer(),),
        plans=(plan(),),
        subscriptions=(subscription(), subscription("s2", external_id=subscription().external_id, status="pending")),
    )
    assert [found.lago_id for found in endings(whole, None, date(2026, 11, 22))] == [subscription().lago_id]


def test_only_those_of_the_cohort() -> None:
    external = customer().external_id
    assert [e.customer for e in endings(company(), frozenset({external}), date(2026, 11, 22))] == [external]
    assert list(endings(company(), frozenset({"another"}), date(2026, 11, 22))) == []
