"""What is supposed of a snapshot: records with other values wherever they stand, and the fees that follow from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    BillingPeriod,
    Charge,
    ChargeFilter,
    Coupon,
    Customer,
    Fee,
    FeeItem,
    FixedCharge,
    Plan,
    Snapshot,
    Subscription,
)
from reconcile.rating.rules import LATEST
from reconcile.rerate.counterfactual import ABSENT, At, counterfactual
from reconcile.rerate.event_stores import EventStore
from reconcile.rerate.hypothesis import supposed
from reconcile.rerate.supposed import World, events_of
from reconcile.rerate.suppositions import (
    ByCalendar,
    ByRules,
    CountedAs,
    Events,
    OtherRecords,
    PriceThen,
    Windows,
)
from tests.mapping.build import (
    at,
    charge,
    coupon,
    fixed,
    held,
    invoice,
    plan,
    row,
    snapshot,
    subscription,
)

FILTER = ChargeFilter(lago_id="f1", values={"zone": ("a",)}, properties={"amount": "1"})
PLAN = plan(charges=(charge(filters=(FILTER,)), charge("ch2")), fixed_charges=(fixed(),))


def fee(lago_id: str, **more: Any) -> Fee:
    given = {
        "item": FeeItem(type="charge", code="trips", name="Trips"),
        "amount_cents": 100,
        "amount_currency": "EUR",
        "taxes_amount_cents": 0,
        "taxes_rate": Decimal(0),
        "units": Decimal(2),
        "created_at": at("2026-08-01 00:10"),
        "lago_invoice_id": "i1",
    }
    return Fee(lago_id=lago_id, **(given | more))


FEES = (
    fee("a", lago_charge_id="ch1", lago_charge_filter_id="f1"),
    fee("b", lago_charge_id="ch1"),
    fee("c", lago_charge_id="ch2"),
    fee("d", lago_fixed_charge_id="f1"),
)
SNAPSHOT = snapshot(
    plans=(PLAN, plan("p9", code="other", charges=(charge("ch9"),))),
    subscriptions=(subscription(plan=PLAN, fixed_charges=(fixed(),)), subscription("s2", plan=plan("p9"))),
    applied_coupons=(held(), held("h2")),
    coupons=(coupon(),),
    invoices=(
        invoice(
            fees=FEES,
            billing_periods=(
                BillingPeriod(lago_subscription_id="s1", external_subscription_id="abo-1"),
                BillingPeriod(lago_subscription_id="s2", external_subscription_id="abo-1"),
            ),
        ),
        invoice("i2"),
    ),
    fees=FEES,
)


def changed(record: type[object], lago_id: str, *path: str | int, value: object = ABSENT) -> Snapshot:
    return counterfactual(SNAPSHOT, At(record=record, lago_id=lago_id, path=path, value=value))


def test_a_plan_in_the_catalog_and_where_it_is_held() -> None:
    found = changed(Plan, "p1", "trial_period", value=Decimal(9))
    assert [p.trial_period for p in found.plans] == [9, None]
    assert [s.plan.trial_period for s in found.subscriptions if s.plan] == [9, None]
    assert replace(found, plans=SNAPSHOT.plans, subscriptions=SNAPSHOT.subscriptions) == SNAPSHOT


def test_a_charge_in_its_plan() -> None:
    found = changed(Charge, "ch2", "properties", "amount", value="9")
    for own in (found.plans[0], found.subscriptions[0].plan):
        assert own
        assert [c.properties for c in own.charges] == [{"amount": "1.25"}, {"amount": "9"}]
    assert found.plans[1] == SNAPSHOT.plans[1]
    assert found.fees == FEES


def test_a_filter_of_a_charge() -> None:
    found = changed(Charge, "ch1", "filters", "f1", "properties", "amount", value="9")
    assert found.plans[0].charges[0].filters == (replace(FILTER, properties={"amount": "9"}),)
    more = ChargeFilter(lago_id="f2", values={}, properties={})
    assert changed(Charge, "ch1", "filters", "f2", value=more).plans[0].charges[0].filters == (FILTER, more)


def fee_ids(found: Snapshot) -> tuple[list[str], list[str]]:
    return [f.lago_id for f in found.fees], [f.lago_id for f in found.invoices[0].fees]


def test_what_is_not_there_was_never_billed() -> None:
    found = changed(Charge, "ch1")
    assert [c.lago_id for c in found.plans[0].charges] == ["ch2"]
    assert fee_ids(found) == (["c", "d"], ["c", "d"])
    found = changed(FixedCharge, "f1")
    assert (found.plans[0].fixed_charges, found.subscriptions[0].fixed_charges) == ((), ())
    assert fee_ids(found) == (["a", "b", "c"], ["a", "b", "c"])
    found = changed(Charge, "ch1", "filters", "f1")
    assert found.plans[0].charges[0].filters == ()
    assert fee_ids(found) == (["b", "c", "d"], ["b", "c", "d"])


def test_a_price_that_is_taken_away_was_billed() -> None:
    assert changed(Charge, "ch1", "properties", "amount").fees == FEES


def test_units_of_a_fixed_charge_are_those_of_its_fees() -> None:
    found = changed(FixedCharge, "f1", "units", value=Decimal(7))
    assert [f.units for f in found.invoices[0].fees] == [2, 2, 2, 7]
    assert found.plans[0].fixed_charges[0].units == 7
    assert [c.units for c in found.subscriptions[0].fixed_charges or ()] == [7]


def test_a_customer_and_its_invoices() -> None:
    found = changed(Customer, "c1", "applicable_timezone", value="Asia/Tokyo")
    assert found.customers[0].applicable_timezone == "Asia/Tokyo"
    assert {i.customer.applicable_timezone for i in found.invoices if i.customer} == {"Asia/Tokyo"}


@pytest.mark.parametrize(
    ("record", "lago_id", "path", "field"),
    [
        (Subscription, "s1", "external_id", "subscriptions"),
        (BillableMetric, "m1", "code", "billable_metrics"),
        (AppliedCoupon, "h1", "frequency", "applied_coupons"),
        (Coupon, "k1", "code", "coupons"),
    ],
)
def test_records_of_other_kinds(record: type[object], lago_id: str, path: str, field: str) -> None:
    found = changed(record, lago_id, path, value="other")
    first, *others = getattr(found, field)
    assert getattr(first, path) == "other"
    assert tuple(others) == getattr(SNAPSHOT, field)[1:]
    assert replace(found, **{field: getattr(SNAPSHOT, field)}) == SNAPSHOT


def test_coupons_come_and_go() -> None:
    assert [c.lago_id for c in changed(AppliedCoupon, "h1").applied_coupons] == ["h2"]
    extra = held("h3")
    assert changed(AppliedCoupon, "h3", value=extra).applied_coupons[-1] == extra


# --- in a world ---------------------------------------------------------------------------------------------------

SCHEMA = pa.schema([
    ("transaction_id", pa.string()), ("external_subscription_id", pa.string()), ("code", pa.string()),
    ("timestamp", pa.timestamp("us")), ("created_at", pa.timestamp("us")), ("properties", pa.string()),
    ("precise_total_amount_cents", pa.string()), ("lago_id", pa.string()), ("position", pa.int64()),
])  # fmt: skip


def event(name: str, external: str = "abo-1", **more: Any) -> dict[str, Any]:
    day = datetime(2026, 7, 1)  # noqa: DTZ001 - the table's moments have no zone
    given = {
        "transaction_id": name,
        "external_subscription_id": external,
        "code": "trips",
        "timestamp": day,
        "created_at": None,
        "properties": "{}",
        "precise_total_amount_cents": None,
        "lago_id": None,
        "position": 0,
    }
    return {**given, **more}


WORLD = World(
    snapshot=SNAPSHOT,
    events=pa.Table.from_pylist([event("a"), event("b"), event("a", "other")], schema=SCHEMA),
    rules=LATEST,
    premium=True,
)


def test_records_are_supposed_one_after_another() -> None:
    changes = (
        At(record=Plan, lago_id="p1", path=("trial_period",), value=Decimal(9)),
        At(record=Charge, lago_id="ch1"),
    )
    world = supposed(WORLD, OtherRecords(changes=changes))
    assert (world.snapshot.plans[0].trial_period, len(world.snapshot.plans[0].charges)) == (9, 1)
    assert not world.calendar
    assert supposed(WORLD, OtherRecords(changes=changes, calendar=True)).calendar
    assert supposed(replace(WORLD, calendar=True), OtherRecords(changes=changes)).calendar


def test_other_ways_to_compute() -> None:
    assert supposed(WORLD, PriceThen(subscription="s1", cents=5)).prices == {"s1": 5}
    assert supposed(WORLD, ByCalendar()).calendar
    assert supposed(WORLD, CountedAs(store=EventStore.POSTGRES)).store is EventStore.POSTGRES
    former = replace(LATEST)
    assert supposed(WORLD, ByRules(rules=former)).rules is former


def test_other_windows_of_one_subscription_on_one_invoice() -> None:
    start, end = at("2026-06-01 00:00"), at("2026-06-30 23:59:59")
    windows = Windows(invoice="i1", subscription="s1", ends={"charges": (start, end)})
    first, second = supposed(WORLD, windows).snapshot.invoices[0].billing_periods
    assert (first.charges_from_datetime, first.charges_to_datetime) == (start, end)
    assert (first.subscription_from_datetime, second) == (None, SNAPSHOT.invoices[0].billing_periods[1])
    elsewhere = replace(windows, invoice="i2")
    assert supposed(WORLD, elsewhere).snapshot == SNAPSHOT


def test_other_events_of_one_subscription() -> None:
    more = replace(row("new"), lago_id=None)
    other = Events(
        external_id="abo-1",
        gone=frozenset({"a"}),
        changed={"b": {"timestamp": at("2026-07-02 00:00"), "code": "x"}},
        more=(more,),
    )
    rows = supposed(WORLD, other).events.to_pylist()
    assert [(r["transaction_id"], r["external_subscription_id"], r["position"]) for r in rows] == [
        ("b", "abo-1", 0),
        ("a", "other", 1),
        ("new", "abo-1", 2),
    ]
    assert (rows[0]["timestamp"], rows[0]["code"], rows[1]["code"]) == (datetime(2026, 7, 2), "x", "trips")  # noqa: DTZ001
    assert rows[2]["timestamp"] == more.timestamp.replace(tzinfo=None)


def test_events_arrive_at_their_own_moment_if_nobody_noted_another() -> None:
    (first, second) = events_of(WORLD, "abo-1")
    assert (first.transaction_id, second.transaction_id) == ("a", "b")
    assert first.timestamp == first.created_at == datetime(2026, 7, 1, tzinfo=UTC)


def test_the_metric_of_a_charge() -> None:
    found = changed(Charge, "ch1", "lago_billable_metric_id", value="m2")
    assert found.plans[0].charges[0].lago_billable_metric_id == "m2"
