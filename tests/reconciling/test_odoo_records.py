"""Odoo's records held against Lago's: the place, what each side has there, and what is supposed."""

# ruff: noqa: E501 - the tables of cases read better one a line
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.period import Window
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    Charge,
    ChargeFilter,
    Coupon,
    Credit,
    CreditItem,
    FixedCharge,
    MetricFilter,
    MinimumCommitment,
    Plan,
    Subscription,
)
from mappings.target import xid
from mappings.usage import UsageRow
from reconcile.causes.case import Case
from reconcile.causes.coupons import held_coupons, of_coupons
from reconcile.causes.knowledge import Grounds, Knowledge, OrderKnowledge
from reconcile.causes.observed import ANOTHER, IN_EXCESS, NAME, NOT_THERE, USAGE, Place, Suspect, shown
from reconcile.causes.odoo_records import distinct
from reconcile.causes.record_causes import suspected_records
from reconcile.causes.rules import CAUSES
from reconcile.causes.terms import of_metrics, of_order, renamed
from reconcile.causes.usage import ASKED, lacking, of_usage, owned, placed, surplus
from reconcile.compare.positions import compare_invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.rules import LATEST
from reconcile.rerate.counterfactual import ABSENT, At
from reconcile.rerate.history import History
from reconcile.rerate.suppositions import BilledIn, Events, OtherRecords, PriceThen
from reconcile.sides.held_terms import HeldLine, HeldOrder, HeldPlan, HeldProduct
from reconcile.sides.odoo_terms import charge_fields, metric_fields, order_fields
from reports.data import ODOO, RERATE, Evidence
from tests.mapping import build
from tests.mapping.build import (
    at,
    charge,
    coupon,
    fixed,
    held,
    mapped,
    metric,
    of,
    plan,
    snapshot,
)
from tests.mapping.test_read_back import charges_of, row_of, terms_in
from tests.reconciling.build import invoice, key, line, tax

OWN = ChargeFilter(lago_id="zone", values={"zone": ("a",)}, properties={"amount": "1"})
TIERS = [{"from_value": 0, "to_value": 10, "p": "1"}, {"from_value": 11, "to_value": None, "p": "2"}]
SNAPSHOT = snapshot(
    plans=(
        plan(
            charges=(
                charge(filters=(OWN,)),
                charge("ch2", code="tiers", charge_model="graduated", properties={"graduated_ranges": TIERS}),
            ),
            fixed_charges=(fixed(),),
            minimum_commitment=MinimumCommitment(amount_cents=1000),
        ),
    ),
    billable_metrics=(metric(filters=(MetricFilter(key="zone", values=("a", "b")),)), metric("m2", "other")),
)
LAGO = terms_in(SNAPSHOT, SNAPSHOT.subscriptions[0])
ITEMS = mapped(SNAPSHOT)
(ORDER,) = of(ITEMS, "sale.order")
ROWS = [{"order_id": None, "tax_ids": [], **row} for row in charges_of(ORDER, ITEMS)]  # of the plan


def order(charges: Any = ROWS, **changed: object) -> HeldOrder:
    return HeldOrder(row={**row_of(ORDER), "name": "S1", **changed}, charges=tuple(charges), usage=())


def with_charge(lago_id: str, **changed: object) -> list[dict[str, object]]:
    assert any(row["fusion_lago_id"] == lago_id for row in ROWS)
    return [{**row, **changed} if row["fusion_lago_id"] == lago_id else dict(row) for row in ROWS]


def told(suspects: Iterator[Suspect]) -> list[tuple[str, str, str, str, str]]:
    return [(s.cause, str(s.place.label), str(s.place.field), str(s.lago), str(s.odoo)) for s in suspects]


def the(suspects: Iterator[Suspect]) -> Suspect:
    (suspect,) = suspects
    return suspect


def test_what_was_applied_is_what_lago_has() -> None:
    assert list(of_order(LAGO, order(), {})) == []


@pytest.mark.parametrize(("zone", "billed_in"), [("Asia/Tokyo", "Asia/Tokyo"), (None, "UTC")])
def test_the_time_zone_is_supposed_of_this_order_alone(zone: str | None, billed_in: str) -> None:
    suspect = the(of_order(LAGO, order(fusion_timezone=zone), {}))
    assert (suspect.cause, str(suspect.lago), str(suspect.odoo)) == ("time_zone", "Europe/Amsterdam", billed_in)
    assert suspect.suppose == BilledIn(subscription=LAGO.subscription.lago_id, timezone=billed_in)


@pytest.mark.parametrize(
    ("changed", "expected", "record", "path", "value"),
    [
        ({"fusion_anchor": "2026-02-11 12:00:00"}, ("period_boundary", "fusion_anchor", "2026-02-10 12:00:00", "2026-02-11 12:00:00"),
         Subscription, "subscription_at", at("2026-02-11 12:00")),
        ({"fusion_ended_at": "2026-03-01 00:00:00"}, ("plan_change_date", "fusion_ended_at", "none", "2026-03-01 00:00:00"),
         Subscription, "terminated_at", at("2026-03-01 00:00")),
        ({"fusion_started_at": None, "fusion_started_us": 0}, ("plan_change_date", "fusion_started_at", "2026-02-10 12:00:00", "none"),
         Subscription, "started_at", None),
        ({"fusion_external_id": None}, ("missing_usage", "fusion_external_id", "abo-1", ""), Subscription, "external_id", ""),
        ({"fusion_interval": "yearly"}, ("period_boundary", "fusion_interval", "monthly", "yearly"), Plan, "interval", "yearly"),
        ({"fusion_pay_in_advance": None}, ("period_boundary", "fusion_pay_in_advance", "true", "false"), Plan, "pay_in_advance", False),
        ({"fusion_trial_days": "3"}, ("trial", "fusion_trial_days", "none", '"3"'), Plan, "trial_period", Decimal(3)),
        ({"fusion_commitment": "12.50"}, ("minimum", "fusion_commitment", '"10.00"', '"12.50"'), Plan, "minimum_commitment", None),
        ({"fusion_commitment": None}, ("minimum", "fusion_commitment", '"10.00"', '"0.00"'), Plan, "minimum_commitment", None),
    ],
)  # fmt: skip
def test_fields_of_the_order(
    changed: dict[str, object], expected: tuple[str, ...], record: type[object], path: str, value: object
) -> None:
    suspect = the(of_order(LAGO, order(**changed), {}))
    cause, field, lago, odoo = expected
    assert (suspect.cause, suspect.place.label, suspect.place.field) == (cause, "sale.order S1", field)
    assert (str(suspect.lago), str(suspect.odoo)) == (lago, odoo)
    assert isinstance(suspect.suppose, OtherRecords)
    (change,) = suspect.suppose.changes
    assert (change.record, change.path[0]) == (record, path)
    assert suspect.suppose.calendar is (cause not in ("missing_usage", "minimum"))
    if path != "minimum_commitment":
        assert (change.path, change.value) == ((path,), value)


def test_the_price_of_then() -> None:
    suspect = the(of_order(LAGO, order(fusion_plan_amount="31.50"), {}))
    assert told(iter([suspect])) == [("price", "sale.order S1", "fusion_plan_amount", '"49.50"', '"31.50"')]
    assert suspect.suppose == PriceThen(subscription="s1", cents=3150)


def test_todays_price_of_the_plan_is_what_the_mapping_wants_and_no_fault_of_the_order() -> None:
    """Lago billed an earlier one; any third price is a fault."""
    then = replace(LAGO, subscription=replace(LAGO.subscription, plan_amount_cents=3000))
    assert then.plan.amount_cents == 4950
    found = [the(of_order(then, order(**changed), {})) for changed in ({}, {"fusion_plan_amount": "31.50"})]
    assert [(s.cause, str(s.lago), str(s.odoo)) for s in found] == [
        ("price_then", '"30.00"', '"49.50"'),
        ("price", '"30.00"', '"31.50"'),
    ]


def test_a_charge_that_is_not_there() -> None:
    gone = [row for row in ROWS if row["fusion_lago_id"] != "ch2"]
    expected = ("sale.order S1", "charge tiers", "graduated", "none")
    suspect = the(of_order(LAGO, order(gone), {}))
    assert told(iter([suspect])) == [("missing_line", *expected)]
    assert suspect.suppose == OtherRecords(changes=(At(record=Charge, lago_id="ch2"),))
    left_out = told(of_order(LAGO, order(gone), {"ch2": "custom_aggregation"}))
    assert left_out == [("mapping_gap", "sale.order S1", "charge tiers", "graduated", "custom_aggregation")]
    (missing,) = of_order(LAGO, order(row for row in ROWS if row["fusion_lago_id"] != "f1"), {})
    assert missing.suppose == OtherRecords(changes=(At(record=FixedCharge, lago_id="f1"),))


def test_a_charge_and_a_fixed_charge_of_one_code_are_two() -> None:
    usage, fixed_charge = charge("ch9", code="seats"), fixed("f9", code="seats")
    lago = replace(LAGO, plan=replace(LAGO.plan, charges=(usage,), fixed_charges=(fixed_charge,)))
    gone = list(of_order(lago, order(()), {}))
    assert [told(iter([suspect])) for suspect in gone] == [told(iter([gone[0]]))] * 2, "they read alike"
    assert [s.suppose for s in distinct([*gone, *gone])] == [
        OtherRecords(changes=(At(record=Charge, lago_id="ch9"),)),
        OtherRecords(changes=(At(record=FixedCharge, lago_id="f9"),)),
    ]


def test_the_line_of_the_plan_sells_another_plan() -> None:
    """Its charges are billed instead of the plan's own: those that are missing are no fault of their own."""
    sold = HeldPlan(line=8, sold=HeldProduct(product="boot_groot", code="boot_groot", plan="other"))
    held = replace(order(charges=()), plan=sold)
    other = plan("other", code="boot_groot", charges=(charge("ch9"),))
    (suspect,) = of_order(LAGO, held, {}, {"other": other})
    place = ("base_product_swapped", "sale.order.line S1 (8)", "product_id", "boot_klein", "boot_groot")
    assert told(iter([suspect])) == [place]
    assert suspect.suppose == OtherRecords(
        changes=(
            At(record=Charge, lago_id="ch1"),
            At(record=Charge, lago_id="ch2"),
            At(record=FixedCharge, lago_id="f1"),
            At(record=Plan, lago_id="p1", path=("charges",), value=other.charges),
            At(record=Plan, lago_id="p1", path=("fixed_charges",), value=()),
        )
    )
    own = HeldPlan(line=8, sold=HeldProduct(product="boot_klein", code="boot_klein", plan="p1"))
    assert {s.cause for s in of_order(LAGO, replace(held, plan=own), {}, {})} == {"missing_line"}


def test_fields_of_charges() -> None:
    where = "fusion.billing.charge tiers (lago.charge_ch2)"
    suspect = the(of_order(LAGO, order(with_charge("ch2", prorated=True)), {}))
    assert told(iter([suspect])) == [("proration", where, "prorated", "false", "true")]
    assert suspect.suppose == OtherRecords(changes=(At(record=Charge, lago_id="ch2", path=("prorated",), value=True),))
    minimum = told(of_order(LAGO, order(with_charge("ch2", min_amount="5.00")), {}))
    assert minimum == [("minimum", where, "min_amount", '"0.00"', '"5.00"')]
    units = the(of_order(LAGO, order(with_charge("f1", units="5")), {}))
    assert (units.cause, str(units.place.field), str(units.lago), str(units.odoo)) == (
        "extra_usage",
        "units",
        '"2"',
        '"5"',
    )


def test_units_that_were_set_back_are_remembered() -> None:
    """Odoo bills the periods before a change with what there was: the record is right by now, and its history is not."""
    history = json.dumps([{"at": "2026-08-01T10:00:00", "was": "5", "units": "2"}])
    suspect = the(of_order(LAGO, order(with_charge("f1", unit_changes=history)), {}))
    assert (suspect.cause, str(suspect.place.field), str(suspect.lago), str(suspect.odoo)) == (
        "extra_usage",
        "unit_changes",
        '"2"',
        '"5"',
    )
    change = At(record=FixedCharge, lago_id="f1", path=("units",), value=Decimal(5))
    assert suspect.suppose == OtherRecords(changes=(change,))
    same = json.dumps([{"at": "2026-08-01T10:00:00", "was": "2", "units": "2"}])
    assert list(of_order(LAGO, order(with_charge("f1", unit_changes=same)), {})) == []


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        (Place(USAGE, "abo-1", NOT_THERE), "mend_usage"),
        (Place(USAGE, "abo-1", IN_EXCESS), "remove_usage"),
        (Place(USAGE, "abo-1", "timestamp"), "reload_usage"),
        (Place(USAGE, "abo-2", ANOTHER), "return_usage"),
        (Place("fusion.billing.charge", "f1", "units", "3"), "mend_units"),
        (Place("fusion.billing.charge", "ch1", "prorated", "4"), "mend_field"),
        (Place("sale.order", "LAGO/abo-1", "fusion_external_id"), "mend_unique"),
        (Place("fusion.billing.metric", "trips", "code"), "mend_unique"),
    ],
)
def test_what_a_person_can_do(place: Place, remedy: str) -> None:
    """Apply loads what is missing; it takes nothing away, and keeps what somebody changed."""
    suspect = Suspect(cause="extra_usage", place=place, lago="1", odoo="2", suppose=Events(external_id="abo-1"))
    shown_one = invoice(line(100))
    case = Case(
        invoice=compare_invoice({"lago": shown_one, "odoo": shown_one, "rerate": shown_one}),
        baseline_side=RERATE,
        subject_side=ODOO,
        deviation={},
        grounds=Grounds(known=Knowledge(orders=OrderKnowledge(rules=LATEST, suspects=(suspect,)))),
    )
    (candidate,) = suspected_records(case, CAUSES, header=False)
    assert candidate.proposal.remedy is not None
    assert candidate.proposal.remedy.name == remedy


def test_a_charge_of_the_orders_own_is_to_be_removed_and_another_product_set_back_with_its_taxes() -> None:
    """Lago's taxes on the lines of that order are those that the product has to bring."""
    shown_one = invoice(line(100), line(100, "x", subscription="s2"))
    gst, hst = tax("gst", "5"), tax("hst", "13")
    rules = HeaderTerms(taxes={key(): (gst,), key("x", subscription="s2"): (hst,)})

    def remedy(place: Place, cause: str, subscription: str = "", own: Evidence | None = None) -> Evidence | None:
        suspect = Suspect(cause=cause, place=place, lago="none", odoo="2", suppose=OtherRecords(changes=()))
        suspect = replace(suspect, subscription=subscription, remedy=own)
        orders = OrderKnowledge(rules=LATEST, suspects=(suspect,))
        case = Case(
            invoice=compare_invoice({"lago": shown_one, "odoo": shown_one, "rerate": shown_one}),
            baseline_side=RERATE,
            subject_side=ODOO,
            deviation={},
            grounds=Grounds(terms=rules, known=Knowledge(orders=orders)),
        )
        (candidate,) = suspected_records(case, CAUSES, header=False)
        return candidate.proposal.remedy

    moved = Place("fusion.billing.charge", "added (7)", "order_id")
    removing = Evidence(name="remove_charge", values={"where": "fusion.billing.charge added (7)"})
    back = {"where": "fusion.billing.charge added (7)", "what": "order_id", "lago": "none"}
    assert remedy(moved, "missing_line", "", removing) == removing
    assert remedy(moved, "missing_line") == Evidence(name="mend_field", values=back)
    sold = Place("sale.order.line", "S1", "product_id", "8")
    told = {"where": "sale.order.line S1 (8)", "what": "product_id", "lago": "none"}
    for subscription, taxes in (("s1", "gst 5 %"), ("", "gst 5 %, hst 13 %")):
        product = Evidence(name="mend_product", values={**told, "tax": taxes})
        assert remedy(sold, "base_product_swapped", subscription) == product
    then = Place("sale.order", "S1", "fusion_plan_amount")
    values = {"where": "sale.order S1", "what": "fusion_plan_amount", "lago": "none"}
    assert remedy(then, "price_then") == Evidence(name="price_passed", values=values)


def test_another_metric() -> None:
    rows = with_charge("ch2", metric="other", metric_lago_id="m2")
    suspect = the(of_order(LAGO, order(rows), {}))
    assert (suspect.cause, str(suspect.place.field), str(suspect.lago), str(suspect.odoo)) == (
        "aggregation",
        "metric_id",
        "trips",
        "other",
    )
    assert isinstance(suspect.suppose, OtherRecords)
    assert {(c.path, c.value) for c in suspect.suppose.changes} == {
        (("lago_billable_metric_id",), "m2"),
        (("billable_metric_code",), "other"),
    }


def test_another_model_is_told_with_the_prices_that_come_with_it() -> None:
    """Neither can be set without the other; a model alone is told alone."""
    rows = with_charge("ch2", charge_model="standard", properties=json.dumps({"amount": "3"}))
    suspect = the(of_order(LAGO, order(rows), {}))
    assert str(suspect.place.field) == "charge_model and properties"
    lago, odoo = ({"graduated_ranges": TIERS}, {"amount": "3"})
    assert (suspect.lago, suspect.odoo) == (shown(["graduated", lago]), shown(["standard", odoo]))
    alone = the(of_order(LAGO, order(with_charge("ch2", charge_model="volume")), {}))
    assert (alone.place.field, alone.lago, alone.odoo) == ("charge_model", "graduated", "volume")


def test_a_charge_under_another_id_is_the_record_of_its_code() -> None:
    """It is not missing: it stands there, and counts as another."""
    rows = with_charge("ch2", fusion_lago_id="typed")
    (suspect,) = (s for s in of_order(LAGO, order(rows), {}) if s.cause == "missing_line")
    where = "fusion.billing.charge tiers (lago.charge_ch2)"
    assert told(iter([suspect])) == [("missing_line", where, "fusion_lago_id", "ch2", "typed")]
    both = [{**row, "fusion_lago_id": f"typed {row['code']}"} if row["fusion_lago_id"] != "f1" else row for row in rows]
    named = [(s.place.record, s.lago, s.odoo) for s in of_order(LAGO, order(both), {}) if s.place.field == NAME]
    assert named == [("trips_standard", "ch1", "typed trips_standard"), ("tiers", "ch2", "typed tiers")]


def test_a_charge_of_another_code_is_not_the_one_that_is_missing() -> None:
    rows = with_charge("ch2", fusion_lago_id="typed", code="another")
    (suspect,) = (s for s in of_order(LAGO, order(rows), {}) if s.cause == "missing_line")
    assert (str(suspect.place.label), str(suspect.place.field)) == ("sale.order S1", "charge tiers")


def test_only_a_charge_of_the_plans_code_can_be_one_of_it_under_another_id() -> None:
    """One that somebody added stands there for itself, and one with its id is no other."""
    added = {**ROWS[0], "code": "added", "fusion_lago_id": None}
    assert list(renamed(LAGO.plan, "s1", order([*ROWS, added]))) == []
    row = {**ROWS[0], "fusion_lago_id": None}
    assert list(renamed(LAGO.plan, "s1", order([row, *ROWS[1:], added]))) == [row]


def test_charges_that_an_order_has_of_its_own_are_why_its_plans_do_not_count() -> None:
    """Some, where the plan has many: an order with all of them has an override, and lacks one."""
    own = [{**ROWS[0], "order_id": 7, "code": "added", "fusion_lago_id": "x", "id": "7"}]
    missing = [s for s in of_order(LAGO, order(own), {}) if s.cause == "missing_line"]
    assert {(str(s.place.label), str(s.place.field), str(s.lago), str(s.odoo)) for s in missing} == {
        ("fusion.billing.charge added (7)", "order_id", "none", "S1")
    }
    assert {s.remedy.name for s in missing if s.remedy} == {"remove_charge"}
    assert {s.suppose for s in missing if isinstance(s.suppose, OtherRecords)}
    override = replace(LAGO, plan=replace(LAGO.plan, parent_id="p0"))
    most = [*own, {**own[0], "code": "added too", "fusion_lago_id": "y"}]
    shared = [{**own[0], "order_id": None}]
    for lago, rows in ((override, own), (LAGO, most), (LAGO, shared)):
        places = {s.place.label for s in of_order(lago, order(rows), {}) if s.cause == "missing_line"}
        assert places == {"sale.order S1"}, "what is missing is missing"


def test_prices_of_filters_tell_how_many_digits_odoo_keeps() -> None:
    """Three prices of one order are cut alike; where a fourth one keeps its digits, somebody typed them."""
    edges, exact, cut = ((0, 10), (11, 20), (21, None)), ("1.119", "2.229", "3.339"), ("1.12", "2.23", "3.34")

    def tiers(prices: tuple[str, ...]) -> dict[str, object]:
        both = zip(edges, prices, strict=True)
        return {"graduated_ranges": [{"from_value": a, "to_value": b, "p": price} for (a, b), price in both]}

    first, second = LAGO.plan.charges
    priced = replace(OWN, properties={"amount": "1.239"})
    charges = (replace(first, filters=(priced,)), replace(second, properties=tiers(exact)))
    lago = replace(LAGO, plan=replace(LAGO.plan, charges=charges))

    def causes(of_filter: str) -> set[str]:
        entry = {"lago_id": "zone", "values": {"zone": ["a"]}, "properties": {"amount": of_filter}}
        changed = {"ch1": {"filters": json.dumps([entry])}, "ch2": {"properties": json.dumps(tiers(cut))}}
        rows = [{**row, **changed.get(str(row["fusion_lago_id"]), {})} for row in ROWS]
        return {suspect.cause for suspect in of_order(lago, order(rows), {})}

    assert causes("1.24") == {"price_precision"}
    assert causes("1.239") == {"price"}


def test_edges_of_a_tier_are_one_fault() -> None:
    moved = [{**TIERS[0], "to_value": 20}, {**TIERS[1], "from_value": 21}]
    rows = with_charge("ch2", properties=json.dumps({"graduated_ranges": moved}))
    suspect = the(of_order(LAGO, order(rows), {}))
    place = "properties: graduated_ranges.0.to_value, graduated_ranges.1.from_value"
    assert (suspect.cause, str(suspect.place.field), str(suspect.lago), str(suspect.odoo)) == (
        "tier_edge",
        place,
        "[10,11]",
        "[20,21]",
    )


def test_the_last_tier_keeps_its_edge() -> None:
    """Odoo's tier lacks it: no end, said in another way."""
    lago = replace(
        LAGO, plan=replace(LAGO.plan, charges=(replace(LAGO.plan.charges[1], properties={"r": [{"to_value": 5}]}),))
    )
    rows = [{**row, "properties": '{"r":[{}]}'} for row in ROWS if row["fusion_lago_id"] == "ch2"]
    rows += [row for row in ROWS if row["fusion_lago_id"] == "f1"]
    suspect = the(of_order(lago, order(rows), {}))
    assert isinstance(suspect.suppose, OtherRecords)
    (change,) = suspect.suppose.changes
    assert (change.path, change.value) == (("properties", "r", 0, "to_value"), None)


def test_filters_are_shown_whole() -> None:
    suspect = the(of_order(LAGO, order(with_charge("ch1", filters="[]")), {}))
    where = "fusion.billing.charge trips_standard (lago.charge_ch1)"
    assert told(iter([suspect])) == [("filter", where, "filters", '{"zone":["a"]}', "[]")]
    assert suspect.suppose == OtherRecords(
        changes=(At(record=Charge, lago_id="ch1", path=("filters", "zone"), value=ABSENT),)
    )
    entry = {"lago_id": "zone", "values": {"zone": ["a"]}, "properties": {"amount": "2"}}
    priced = told(of_order(LAGO, order(with_charge("ch1", filters=json.dumps([entry]))), {}))
    assert priced == [("price", where, "filters: amount", "1", "2")]


def metric_rows(**changed: object) -> dict[str, Mapping[str, object]]:
    return {str(row["code"]): {**row, **changed} for row in map(row_of, of(ITEMS, "fusion.billing.metric"))}


def test_metrics() -> None:
    (trips, _) = SNAPSHOT.billable_metrics
    assert list(of_metrics(SNAPSHOT.billable_metrics, metric_rows())) == []
    assert list(of_metrics(SNAPSHOT.billable_metrics, {})) == []
    suspect = the(of_metrics([trips], metric_rows(aggregation="sum_agg")))
    place = "fusion.billing.metric trips"
    assert told(iter([suspect])) == [("aggregation", place, "aggregation", "count_agg", "sum_agg")]
    change = At(record=BillableMetric, lago_id="m1", path=("aggregation_type",), value="sum_agg")
    assert suspect.suppose == OtherRecords(changes=(change,))
    digits = told(of_metrics([trips], metric_rows(has_rounding_precision=True)))
    assert digits == [("quantity_precision", place, "rounding_precision", "none", "0")]
    other = told(of_metrics([trips], metric_rows(filters='[{"key":"zone","values":["c","b"]}]')))
    assert other == [
        ("filter", place, "filters", '{"key":"zone","values":["a","b"]}', '{"key":"zone","values":["b","c"]}')
    ]


# --- usage --------------------------------------------------------------------------------------------------------

JULY = Window(at("2026-07-01 00:00"), at("2026-07-31 23:59:59"))
USAGE = {name: build.row(name, f"2026-07-0{n} 10:00") for n, name in enumerate(("a", "b", "c", "d"), 1)}


def usage_rows(**changed: object) -> list[dict[str, object]]:
    items = mapped(SNAPSHOT, USAGE.values(), build.Options(usage_since=at("2026-01-01 00:00")))
    return [{**row_of(record), **changed} for record in of(items, "fusion.billing.usage")]


def test_a_place_holds_its_record_and_the_label_is_made_of_it() -> None:
    """Brackets of a name are part of it: nothing is taken out of the label again."""
    line = Place("sale.order.line", "S1 (copy)", "product_id", "7")
    assert (line.record, line.label) == ("S1 (copy)", "sale.order.line S1 (copy) (7)")
    assert Place("sale.order", "S1 (copy)", "state").label == "sale.order S1 (copy)"


def test_usage_that_is_written_to_another_subscription() -> None:
    """Loading it anew changes nothing: apply keeps what somebody changed. Its owner has to be set back."""
    asked = lacking(USAGE, [])
    owners = dict(zip(asked, ("abo-2", "abo-2", None, "abo-1"), strict=False))
    elsewhere = {name: {"external_subscription_id": owner} for name, owner in owners.items()}
    missing = list(of_usage("abo-1", USAGE, [], JULY))
    first, second, lost = placed(missing, USAGE, elsewhere)
    assert len(asked) == len(USAGE)
    there = {first.place.record: first, second.place.record: second}
    other, nobody = there["abo-2"], there[""]
    assert (str(other.place.label), other.place.field, other.lago) == (
        "fusion.billing.usage of abo-2",
        "external_subscription_id",
        "abo-1",
    )
    assert (lost.place.record, lost.place.field) == ("abo-1", NOT_THERE)
    gone = [suspect.suppose.gone for suspect in (other, nobody, lost) if isinstance(suspect.suppose, Events)]
    assert [len(names) for names in gone] == [2, 1, 1]
    assert frozenset().union(*gone) == set(USAGE)


def test_what_orders_lack_is_looked_for_and_no_more() -> None:
    assert lacking(USAGE, usage_rows()) == []
    assert len(lacking(USAGE, usage_rows()[1:])) == 1
    assert set(lacking(USAGE, usage_rows()[1:])) < set(lacking(USAGE, []))
    many = {f"t{n}": build.row(f"t{n}", "2026-07-01 10:00") for n in range(ASKED + 1)}
    assert len(lacking(many, [])) == ASKED


def test_usage_that_is_nowhere_is_told_as_it_was() -> None:
    missing = list(of_usage("abo-1", USAGE, usage_rows()[1:], JULY))
    assert list(placed(missing, USAGE, {})) == missing


EXTRA = {name: build.row(name, f"2026-07-0{n} 10:00") for n, name in enumerate(("e", "f", "g"), 1)}


def rows_of(usage: dict[str, UsageRow]) -> list[dict[str, object]]:
    items = mapped(SNAPSHOT, usage.values(), build.Options(usage_since=at("2026-01-01 00:00")))
    return [row_of(record) for record in of(items, "fusion.billing.usage")]


def test_usage_in_excess_goes_back_to_whose_it_is_in_lago() -> None:
    """What is written here and is another's is not deleted, as it is the only one that there is."""
    extra = list(of_usage("abo-1", {}, rows_of(EXTRA), JULY))
    first, second, rest = owned(extra, {"e": "abo-3", "f": "abo-2"})
    assert [(one.cause, str(one.place.label), one.place.field) for one in (first, second)] == 2 * [
        ("extra_usage", "fusion.billing.usage of abo-1", "external_subscription_id")
    ]
    assert [(one.lago, one.odoo) for one in (first, second)] == [("abo-3", "abo-1: 1 (e)"), ("abo-2", "abo-1: 1 (f)")]
    assert (rest.cause, rest.place.field, rest.lago, rest.odoo) == ("extra_usage", IN_EXCESS, "0 (g)", "1")
    more = [one.suppose.more for one in (first, second, rest) if isinstance(one.suppose, Events)]
    assert [[event.transaction_id for event in events] for events in more] == [["e"], ["f"], ["g"]]
    assert list(owned(extra, {})) == extra, "Lago has them nowhere"
    assert list(owned(extra, {"e": "abo-1"})) == extra, "they are its own, under another name"


def test_what_anothers_usage_stands_in_the_place_of_is_missing() -> None:
    lago = {"a": build.row("a", "2026-07-01 10:00")}
    here = rows_of({"e": build.row("e", "2026-07-01 10:00")})
    anothers, missing = owned(of_usage("abo-1", lago, here, JULY), {"e": "abo-2"})
    assert (anothers.cause, anothers.lago) == ("extra_usage", "abo-2")
    assert (missing.cause, missing.place.field, missing.lago, missing.odoo) == (
        "missing_usage",
        NOT_THERE,
        "1 (a)",
        "0",
    )
    assert missing.suppose == Events(external_id="abo-1", gone=frozenset({"a"}))


def test_what_orders_have_in_excess_is_asked_for_and_no_more() -> None:
    rows = [{**row, "id": number} for number, row in enumerate(usage_rows(), 1)]
    assert surplus(USAGE, rows) == {}
    assert surplus({"b": USAGE["b"]}, rows) == {1: "a", 3: "c", 4: "d"}
    assert len(surplus({}, [{"id": number, "transaction_id": f"t{number}"} for number in range(ASKED + 1)])) == ASKED


def test_usage() -> None:
    assert list(of_usage("abo-1", USAGE, usage_rows(), JULY)) == []
    suspect = the(of_usage("abo-1", USAGE, usage_rows()[1:], JULY))
    assert told(iter([suspect])) == [("missing_usage", "fusion.billing.usage of abo-1", "not there", "1 (a)", "0")]
    assert suspect.suppose == Events(external_id="abo-1", gone=frozenset({"a"}))
    arrived = the(of_usage("abo-1", USAGE, usage_rows(received_at="2026-09-01 00:00:00", received_us=0), JULY))
    assert (arrived.cause, str(arrived.place.field), str(arrived.lago), str(arrived.odoo)) == (
        "late_events",
        "received_at",
        "4 (a, b, c)",
        "4",
    )
    assert isinstance(arrived.suppose, Events)
    assert dict(arrived.suppose.changed) == {name: {"created_at": at("2026-09-01 00:00")} for name in USAGE}
    valued = the(of_usage("abo-1", USAGE, usage_rows(precise_total_amount_cents="7"), JULY))
    assert valued.place.field == "precise_total_amount_cents"
    both = the(of_usage("abo-1", USAGE, usage_rows(precise_total_amount_cents="7", properties='{"n": 9}'), JULY))
    assert both.place.field == "properties, precise_total_amount_cents"
    more = [*usage_rows(), {**usage_rows()[0], "transaction_id": "e", "code": "other"}]
    extra = the(of_usage("abo-1", USAGE, more, JULY))
    assert (extra.cause, str(extra.place.field), str(extra.lago), str(extra.odoo)) == (
        "extra_usage",
        "in excess",
        "0 (e)",
        "1",
    )
    assert isinstance(extra.suppose, Events)
    assert [event.transaction_id for event in extra.suppose.more] == ["e"]


def test_usage_of_other_periods_is_not_counted() -> None:
    june = Window(at("2026-06-01 00:00"), at("2026-06-30 23:59:59"))
    for window in (june, None):
        suspect = the(of_usage("abo-1", USAGE, [], window))
        assert (str(suspect.lago), str(suspect.odoo)) == ("0 (a, b, c)", "0")


# --- coupons ------------------------------------------------------------------------------------------------------

TAKEN = Credit(lago_id="cr", amount_cents=300, amount_currency="EUR", item=CreditItem(type="coupon"))
COUPONS = snapshot(
    coupons=(coupon(limited_plans=True, plan_codes=("boot_klein",)),),
    applied_coupons=(held(frequency="once", credits=(TAKEN,)), held("h2", lago_customer_id="c2")),
)
ENTRY = {
    "lago_id": "h1",
    "coupon_code": "zomer",
    "frequency": "once",
    "amount_cents": 500,
    "amount_currency": "EUR",
    "created_at": "2026-03-01T00:00:00Z",
    "plan_codes": ["boot_klein"],
    "billable_metric_codes": [],
    "credits": [{"amount_cents": 300}],
}


def of_entries(*entries: dict[str, object]) -> list[Suspect]:
    orders = [order(fusion_coupons=json.dumps(entries)), order(fusion_coupons=None, name="S2")]
    return list(of_coupons("c1", orders, History(COUPONS)))


def test_coupons() -> None:
    assert of_entries(ENTRY) == []
    where = "sale.order S1, sale.order S2"
    missing = of_entries()
    assert told(iter(missing)) == [("coupon_missing", where, "fusion_coupons: zomer", "held", "none")]
    assert missing[0].suppose == OtherRecords(changes=(At(record=AppliedCoupon, lago_id="h1"),))
    assert missing[0].header
    extra = of_entries(ENTRY, {"coupon_code": "more", "percentage_rate": "5.0"})
    entry = "fusion_coupons: entry 2 (more, without lago_id)"
    assert told(iter(extra)) == [("coupon_extra", "sale.order S1", entry, "none", "held")]
    assert isinstance(extra[0].suppose, OtherRecords)
    assert [(c.record, c.lago_id) for c in extra[0].suppose.changes] == [(AppliedCoupon, "more"), (Coupon, "more")]


@pytest.mark.parametrize(
    ("changed", "expected", "change"),
    [
        ({"amount_cents": 700}, ("coupon_limit", "amount_cents", "500", "700"), (AppliedCoupon, "h1", "amount_cents", 700)),
        ({"terminated_at": "2026-05-01T00:00:00Z"}, ("coupon_expired", "terminated_at", "none", "2026-05-01 00:00:00"),
         (AppliedCoupon, "h1", "terminated_at", at("2026-05-01 00:00"))),
        ({"percentage_rate": "5.0"}, ("coupon_limit", "percentage_rate", "none", "5.0"),
         (AppliedCoupon, "h1", "percentage_rate", Decimal(5))),
        ({"credits": []}, ("coupon_limit", "credits", "300", "0"), (AppliedCoupon, "h1", "amount_cents", 800)),
        ({"credits": [{"amount_cents": 400}]}, ("coupon_limit", "credits", "300", "400"),
         (AppliedCoupon, "h1", "amount_cents", 400)),
        ({"plan_codes": ["a", "b"]}, ("coupon_limit", "plan_codes", "boot_klein", '["a","b"]'),
         (Coupon, "k1", "plan_codes", ("a", "b"))),
    ],
)  # fmt: skip
def test_terms_of_coupons(changed: dict[str, object], expected: tuple[str, ...], change: tuple[Any, ...]) -> None:
    (suspect,) = of_entries({**ENTRY, **changed})
    cause, field, lago, odoo = expected
    assert (suspect.cause, suspect.place.field) == (cause, f"fusion_coupons: zomer {field}")
    assert (str(suspect.lago), str(suspect.odoo)) == (lago, odoo)
    assert isinstance(suspect.suppose, OtherRecords)
    record, lago_id, path, value = change
    assert At(record=record, lago_id=lago_id, path=(path,), value=value) in suspect.suppose.changes


def test_a_coupon_without_its_scope() -> None:
    (suspect,) = of_entries({**ENTRY, "plan_codes": []})
    assert (str(suspect.lago), str(suspect.odoo)) == ("boot_klein", "[]")
    assert isinstance(suspect.suppose, OtherRecords)
    assert {(c.path, c.value) for c in suspect.suppose.changes} == {(("plan_codes",), ()), (("limited_plans",), False)}


def test_a_coupon_that_was_deleted_limits_nothing() -> None:
    applied = held(percentage_rate=Decimal(5))
    found = held_coupons("c1", History(snapshot(applied_coupons=(applied,))))
    assert (found["h1"].coupon.plan_codes, found["h1"].coupon.coupon_type) == ((), "percentage")


# --- texts, and what is asked of Odoo -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (at("2026-07-01 04:00"), "2026-07-01 04:00:00"), ("a", "a"), (None, "none"), (ABSENT, "none"), ([1], "1"), ((1, None), "[1,null]"),
        ([1, ABSENT], "[1,null]"), ([None], "none"), (True, "true"), (Decimal("1.50"), '"1.50"'), ([], "[]"),
    ],
)  # fmt: skip
def test_values_for_people(value: object, text: str) -> None:
    assert str(shown(value)) == text


def test_every_field_of_the_tables_is_asked_for() -> None:
    assert {"fusion_started_us", "fusion_commitment", "fusion_timezone", "fusion_coupons"} <= set(order_fields())
    assert {"units", "min_amount", "metric_id", "filters"} <= set(charge_fields())
    assert {"has_rounding_precision", "fusion_lago_id"} <= set(metric_fields())


# --- where records stand, by their external ids ---------------------------------------------------------------------


def standing(lago_id: str, code: str, number: str, **more: str) -> dict[str, Mapping[str, object]]:
    row = {"id": number, "code": code, "plan": "p1", "sold": "boot_klein", "order": "", "subscription": ""}
    return {f"lago.charge_{lago_id}": {**row, **more}}


def test_a_copy_is_not_the_charge_whose_code_it_has() -> None:
    """The migration's own record stands beside it."""
    copy = {**ROWS[1], "id": "9", "order_id": 7, "fusion_lago_id": None}
    held_order = replace(order([copy]), anywhere=standing("ch2", "tiers", "4"))
    assert list(renamed(LAGO.plan, "s1", held_order)) == []
    assert list(renamed(LAGO.plan, "s1", replace(held_order, anywhere=standing("ch2", "tiers", "9")))) == [copy]
    missing = [s for s in of_order(LAGO, held_order, {}) if s.cause == "missing_line"]
    assert {(str(s.place.label), str(s.place.field)) for s in missing} == {
        ("fusion.billing.charge tiers (9)", "order_id")
    }
    assert {s.remedy.name for s in missing if s.remedy} == {"remove_charge"}


@pytest.mark.parametrize(
    ("stands", "field", "lago", "odoo"),
    [
        ({"plan": "p9", "sold": "boot_groot"}, "plan_id", "boot_klein", "boot_groot"),
        ({"order": "S9", "subscription": "lago.subscription_s9"}, "order_id", "none", "S9"),
    ],
)
def test_a_charge_that_hangs_elsewhere(stands: dict[str, str], field: str, lago: str, odoo: str) -> None:
    gone = order(row for row in ROWS if row["fusion_lago_id"] != "ch2")
    suspect = the(of_order(LAGO, replace(gone, anywhere=standing("ch2", "tiers", "4", **stands)), {}))
    place = ("missing_line", "fusion.billing.charge tiers (4)", field, lago, odoo)
    assert (told(iter([suspect])), suspect.remedy) == ([place], None)


KLEIN = HeldProduct(product="boot_klein", code="boot_klein", plan="p1")
BASE = HeldLine(number=8, home="S1", order="S1", sold=KLEIN)


@pytest.mark.parametrize(
    ("base", "strangers", "expected", "remedy"),
    [
        (replace(BASE, sold=HeldProduct(product="any", code="any")), {}, ("base_product_swapped", "sale.order.line S1 (8)", "product_id"), None),
        (replace(BASE, order="S9"), {}, ("missing_line", "sale.order.line S9 (8)", "order_id"), None),
        (replace(BASE, sells=False), {}, ("missing_line", "sale.order.line S1 (8)", "display_type"), None),
        (None, {}, ("missing_line", "sale.order S1", "order_line"), "restore_line"),
        (BASE, {}, ("order_line_added", "sale.order.line S1 (5)", "product_id"), "lower_line"),
        (BASE, {5: HeldLine(number=5, home="S9", order="S1")}, ("order_line_added", "sale.order.line S1 (5)", "order_id"), "return_line"),
    ],
)  # fmt: skip
def test_another_line_passes_for_the_plans(
    base: HeldLine | None, strangers: dict[int, HeldLine], expected: tuple[str, ...], remedy: str | None
) -> None:
    """Odoo takes line 5 for it; what is to be mended is another record, or that line's own place."""
    sold = HeldPlan(line=5, sold=HeldProduct(product="any", code="any"))
    held_order = replace(order(charges=()), plan=sold, base=base, strangers=strangers, lines={6: "ch2"})
    (suspect,) = of_order(LAGO, held_order, {}, {})
    assert (suspect.cause, str(suspect.place.label), str(suspect.place.field)) == expected
    assert (suspect.remedy.name if suspect.remedy else None) == remedy


@pytest.mark.parametrize("code", ["boot_klein", "boot klein", "boot"])
def test_a_copy_with_the_plans_code_is_told_by_the_external_id_of_the_plans_product(code: str) -> None:
    """A code may have spaces: it is a field, and no part of what people read."""

    def said(lago_code: str, product_code: str) -> list[tuple[str, str]]:
        copy = HeldProduct(product=f"{product_code} (product.template 7)", code=product_code)
        named = replace(LAGO, plan=replace(LAGO.plan, code=lago_code))
        sells = replace(order(charges=()), plan=HeldPlan(line=8, sold=copy), base=replace(BASE, sold=copy))
        suspects = of_order(named, sells, {}, {})
        return [(str(s.lago), str(s.odoo)) for s in suspects if s.cause == "base_product_swapped"]

    assert said(code, code) == [(xid("plan_variant", "p1"), f"{code} (product.template 7)")]
    assert said(code, f"{code} groot") == [(code, f"{code} groot (product.template 7)")]
