"""The coverage matrix and cohorts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.cohorts import CohortError, customers_of
from mappings.context import Options
from mappings.coverage import CoverageRow, coverage
from mappings.records import Counted
from mappings.target import Source
from tests.mapping.build import (
    at,
    charge,
    coupon,
    customer,
    held,
    invoice,
    mapped,
    plan,
    row,
    snapshot,
    subscription,
    wallet,
)


def rows(*args: object, **more: object) -> dict[str, CoverageRow]:
    return {line.resource: line for line in coverage(*args, **more)}


def test_every_record_is_expressed_skipped_or_nothing_to_move() -> None:
    snap = snapshot(
        customers=(customer(), customer("c2", country="CA"), customer("c3", state="Holland")),
        subscriptions=(
            subscription(),
            subscription("s2", external_id="abo-2", lago_customer_id="c2"),
            subscription("s3", external_id="abo-3", status="terminated", terminated_at=at("2026-05-01 00:00")),
        ),
        invoices=(invoice(), invoice("i2", payment_status="succeeded"), invoice("i3", status="draft")),
        wallets=(wallet(balance_cents=0, credits_balance=Decimal(0)),),
        coupons=(coupon(),),
        applied_coupons=(held(), held("h2", status="terminated")),
    )
    events = [row(), row("old", "2026-03-01 00:00"), row("x", code="typo"), row("y", code="typo")]
    found = rows(snap, mapped(snap, rows=events, options=Options(history=False)), events=4)
    for line in found.values():
        if line.records is not None:
            assert line.records == line.expressed + sum(line.skipped.values()) + line.nothing_to_move, line.resource
    assert found["customer"].models == {"fusion.billing.account.link": 2, "res.partner": 2}
    assert found["customer"].skipped == {"customer_without_province": 1}
    assert found["customer"].parts == {"state_not_linked": 1}
    assert (found["subscription"].expressed, found["subscription"].nothing_to_move) == (1, 1)
    assert found["subscription"].why_nothing == "history that was not asked for"
    assert (found["invoice"].expressed, found["invoice"].why_nothing) == (1, "paid, voided or zero")
    assert found["applied_coupon"].models == {"sale.order (fusion_coupons)": 1}
    assert (found["event"].expressed, found["event"].skipped) == (1, {"event_metric_unknown": 2})
    assert found["wallet"].nothing_to_move == 1
    assert found["charge"].why_nothing == ""


def test_resources_without_records_are_left_out_and_several_reasons_count_a_record_once() -> None:
    assert "credit_note" not in rows(snapshot(), mapped())
    snap = snapshot(subscriptions=(subscription(purchase_order_number="1"),), customers=(customer(),))
    line = rows(snap, mapped(snap, models={"sale.order": frozenset({"name"})}))["subscription"]
    assert (line.expressed, line.parts) == (1, {"purchase_order_number": 1})


def test_a_record_skipped_for_two_reasons_is_one_record() -> None:
    from mappings.target import Phase, Skipped

    twice = [
        Skipped(phase=Phase.CUSTOMERS, source=Source("customer", "klant-c1"), reason=r, detail="") for r in ("a", "b")
    ]
    line = rows(snapshot(), twice)["customer"]
    assert (line.skipped, line.parts, line.nothing_to_move) == ({"a": 1}, {"b": 1}, 0)


def company() -> object:
    return snapshot(
        customers=(customer(), customer("c2"), customer("c3")),
        subscriptions=(
            subscription(),
            subscription("s2", plan_code="paard", lago_customer_id="c2", external_customer_id="klant-c2"),
        ),
    )


def test_cohorts_by_customer_and_by_plan() -> None:
    snap = company()
    assert customers_of(snap, "pilot", ["klant-c3"], ["boot_*"]) == {"klant-c1", "klant-c3"}
    assert customers_of(snap, "pilot", [], ["paard"]) == {"klant-c2"}
    assert customers_of(snap, "pilot", [], ["*"]) == {"klant-c1", "klant-c2"}


def test_who_once_held_the_plan_belongs_to_it() -> None:
    ended = subscription(status="terminated", terminated_at=at("2026-05-01 00:00"))
    assert customers_of(snapshot(subscriptions=(ended,)), "pilot", [], ["boot_klein"]) == {"klant-c1"}


@pytest.mark.parametrize(
    ("customers", "plans", "message"),
    [
        (["nobody"], [], "cohort pilot: no customer 'nobody' in this snapshot: correct [cohorts.pilot] customers"),
        ([], ["Boot_*"], "cohort pilot: no plan is called 'Boot_*': correct [cohorts.pilot] plans"),
    ],
)
def test_a_cohort_that_names_nobody_is_an_error(customers: list[str], plans: list[str], message: str) -> None:
    with pytest.raises(CohortError) as error:
        customers_of(company(), "pilot", customers, plans)
    assert str(error.value) == message


def test_what_the_map_makes_nothing_of_has_its_row() -> None:
    """Features, entitlements, orders and quotes: named with their number, and with why."""
    counted = (
        Counted(resource="contract", number=37, unread=37),
        Counted(resource="order", number=3, unread=1),
        Counted(resource="quote", number=5),
    )
    entitled = plan(charges=(charge(),), entitlements=({"code": "seats"}, {"code": "sso"}))
    snap = snapshot(features=4, counted=counted, plans=(entitled,))
    found = rows(snap, mapped(snap))
    assert (found["contract"].records, dict(found["contract"].skipped)) == (37, {"product_catalog_unread": 37})
    assert (dict(found["order"].skipped), found["order"].nothing_to_move) == ({"order_not_executed": 1}, 2)
    for resource, number in (("feature", 4), ("entitlement", 2), ("quote", 5)):
        assert (found[resource].records, found[resource].nothing_to_move) == (number, number)
        assert found[resource].why_nothing
