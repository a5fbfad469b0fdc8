"""The table path -> cause: every field that both sides have is named, and differences of one fault belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings import fields
from mappings.fields import FieldPair
from mappings.read_back import DefinedCoupon, Terms
from mappings.records import ChargeFilter, MetricFilter, MinimumCommitment
from mappings.usage import UsageRow
from reconcile.causes.cause_of import (
    CAUSE_OF,
    REST,
    Around,
    CauseRow,
    RecordFault,
    calendar_causes,
    cut_alike,
    faults,
    is_cut,
    prices_in,
)
from reconcile.causes.differences import Difference, differences, same_exactly
from reconcile.causes.periods import moves_periods
from reconcile.causes.rules import CAUSES
from reconcile.rerate.counterfactual import ABSENT, Path
from reports.data import Finding
from tests.mapping.build import at, charge, coupon, customer, fixed, held, metric, plan, row, subscription

OWN = ChargeFilter(lago_id="f1", values={"zone": ("a",)}, properties={"amount": "1"})
LAGO = Terms(
    customer=customer(),
    subscription=subscription(plan_amount_cents=4950),
    plan=plan(charges=(charge(filters=(OWN,)),), fixed_charges=(fixed(),)),
)


KEPT = Around(prices=frozenset((2,)), units=frozenset((1,)))  # digits, by settings of Odoo's


def named(lago: object, odoo: object, at_path: Path = ()) -> list[tuple[str, int]]:
    """Cause and number of differences of every fault."""
    return [(fault.cause, len(fault.differences)) for fault in faults(differences(lago, odoo, at_path), KEPT)]


def priced(lago: Mapping[str, object], odoo: Mapping[str, object]) -> list[tuple[str, int]]:
    return named(with_charge(properties=lago), with_charge(properties=odoo))


def with_charge(**values: Any) -> Terms:
    return replace(LAGO, plan=replace(LAGO.plan, charges=(charge(**values),)))


def with_fixed(**values: Any) -> Terms:
    return replace(LAGO, plan=replace(LAGO.plan, fixed_charges=(fixed(**values),)))


def test_causes_of_the_table_are_causes() -> None:
    names = {cause.name for cause in CAUSES}
    assert {entry.cause for entry in CAUSE_OF if isinstance(entry.cause, str)} <= names


def test_a_cause_from_which_boundaries_follow_moves_periods_by_its_row_alone() -> None:
    named = [each.cause for each in CAUSE_OF if each.calendar]
    for cause in named:
        assert isinstance(cause, str), "a cause that depends on the values cannot be known of a period"
        finding = Finding(cause=cause, side="odoo", delta_cents=1, proven=True)
        assert moves_periods(finding)
        assert not moves_periods(replace(finding, proven=False))
    added = CauseRow(("plan", "weeks"), "aggregation", calendar=True)
    assert calendar_causes((*CAUSE_OF, added)) == calendar_causes() | {"aggregation"}


def test_header_rows_are_those_of_header_causes() -> None:
    header = {cause.name for cause in CAUSES if cause.header}
    assert {entry.cause for entry in CAUSE_OF if isinstance(entry.cause, str) and entry.header} <= header


@pytest.mark.parametrize(
    ("prefix", "rows"),
    [
        (("customer",), fields.CUSTOMER),
        (("subscription",), fields.SUBSCRIPTION),
        (("plan",), fields.PLAN),
        (("plan", "minimum_commitment"), fields.COMMITMENT),
        (("plan", "charges", "c1"), fields.CHARGE),
        (("plan", "fixed_charges", "x1"), fields.FIXED_CHARGE),
        (("metrics", "m1"), fields.METRIC),
        (("coupons", "h1", "applied"), fields.APPLIED_COUPON),
        (("usage", "tx"), fields.USAGE),
    ],
)
def test_every_field_that_both_sides_have_is_named(prefix: Path, rows: tuple[FieldPair, ...]) -> None:
    for field in rows:
        difference = Difference(path=(*prefix, field.lago), lago=at("2026-01-01 00:00"), odoo=at("2026-01-01 01:00"))
        (fault,) = faults([difference])
        assert fault.cause in {cause.name for cause in CAUSES}


FIELDS: tuple[tuple[Terms, str, bool], ...] = (
    (replace(LAGO, customer=customer(applicable_timezone="UTC")), "time_zone", True),
    *(
        (replace(LAGO, subscription=replace(LAGO.subscription, **{name: value})), cause, calendar)
        for name, value, cause, calendar in (
            ("plan_amount_cents", 1, "price", False),
            ("subscription_at", at("2020-01-01 00:00"), "period_boundary", True),
            ("billing_time", "anniversary", "period_boundary", True),
            ("started_at", at("2020-01-01 00:00"), "plan_change_date", True),
            ("terminated_at", at("2020-01-01 00:00"), "plan_change_date", True),
            ("created_at", at("2020-01-01 00:00"), "plan_change_date", True),
            ("ending_at", at("2020-01-01 00:00"), "plan_change_date", False),
            ("previous_plan_code", "other", "previous_order", True),
            ("external_id", "other", "missing_usage", False),
        )
    ),
    *(
        (replace(LAGO, plan=replace(LAGO.plan, **{name: value})), cause, calendar)
        for name, value, cause, calendar in (
            ("interval", "yearly", "period_boundary", True),
            ("pay_in_advance", False, "period_boundary", True),
            ("bill_charges_monthly", True, "period_boundary", True),
            ("bill_fixed_charges_monthly", True, "period_boundary", True),
            ("trial_period", Decimal(3), "trial", True),
            ("code", "other", "coupon_limit", False),
            ("minimum_commitment", MinimumCommitment(amount_cents=1), "minimum", False),
            ("charges", (), "missing_line", False),
            ("fixed_charges", (), "missing_line", False),
            ("name", "other", "charge_terms", False),
        )
    ),
)


@pytest.mark.parametrize(("odoo", "cause", "calendar"), FIELDS)
def test_fields_of_orders(odoo: Terms, cause: str, calendar: bool) -> None:
    (fault,) = faults(differences(LAGO, odoo))
    assert (fault.cause, fault.row.calendar) == (cause, calendar)
    assert fault.row.header is (cause == "coupon_limit")


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"charge_model": "package"}, "price"),
        ({"prorated": True}, "proration"),
        ({"pay_in_advance": True}, "charge_terms"),
        ({"invoiceable": False}, "charge_terms"),
        ({"min_amount_cents": 5}, "minimum"),
        ({"billable_metric_code": "x", "lago_billable_metric_id": "y"}, "aggregation"),
        ({"accepts_target_wallet": True}, "charge_terms"),
    ],
)
def test_fields_of_charges(values: dict[str, Any], cause: str) -> None:
    assert named(with_charge(), with_charge(**values)) == [(cause, len(values))]


def test_fields_of_fixed_charges() -> None:
    assert named(with_fixed(units=Decimal(4)), with_fixed(units=Decimal(5))) == [("extra_usage", 1)]
    assert named(with_fixed(units=Decimal(4)), with_fixed(units=Decimal(3))) == [("missing_usage", 1)]
    assert named(with_fixed(units=Decimal("4.25")), with_fixed(units=Decimal("4.3"))) == [("quantity_precision", 1)]
    assert named(with_fixed(), with_fixed(prorated=True)) == [("proration", 1)]
    assert named(with_fixed(), with_fixed(pay_in_advance=True)) == [("charge_terms", 1)]


TIERS: list[dict[str, object]] = [
    {"from_value": 0, "to_value": 10, "p": "1"},
    {"from_value": 11, "to_value": None, "p": "2"},
]


def moved(first: dict[str, object], second: dict[str, object]) -> dict[str, object]:
    return {"ranges": [{**TIERS[0], **first}, {**TIERS[1], **second}]}


@pytest.mark.parametrize(
    ("lago", "odoo", "expected"),
    [
        ({"amount": "1"}, {"amount": "2"}, [("price", 1)]),
        ({"amount": "0.085"}, {"amount": "0.09"}, [("price_precision", 1)]),
        ({"amount": "0.085"}, {"amount": "0.08"}, [("price_precision", 1)]),
        ({"amount": "0.085"}, {"amount": "0.1"}, [("price", 1)]),
        ({"amount": "0.05"}, {"amount": "0.10"}, [("price", 1)]),
        ({"amount": "0.02"}, {"amount": "1"}, [("price", 1)]),
        ({"amount": "6.50"}, {"amount": "7"}, [("price", 1)]),
        ({"amount": "0.085"}, {"amount": "0.07"}, [("price", 1)]),
        ({"free_units": 1}, {"free_units": 2}, [("free_units", 1)]),
        ({"free_units_per_events": 1}, {}, [("free_units", 1)]),
        ({"free_units_per_total_aggregation": 1}, {"free_units_per_total_aggregation": 3}, [("free_units", 1)]),
        ({"per_transaction_min_amount": "1"}, {}, [("minimum", 1)]),
        ({"per_transaction_max_amount": "1"}, {}, [("price", 1)]),
        ({"pricing_group_keys": ["a"]}, {}, [("filter", 1)]),
        ({"pricing_group_keys": ["a"]}, {"pricing_group_keys": ["b"]}, [("filter", 1)]),
        ({"grouped_by": ["a"]}, {"grouped_by": ["a", "b"]}, [("filter", 1)]),
        (moved({}, {}), moved({"to_value": 20}, {"from_value": 21}), [("tier_edge", 2)]),
        (moved({}, {}), moved({"to_value": 20, "p": "3"}, {}), [("tier_edge", 1), ("price", 1)]),
        (moved({}, {}), {"ranges": TIERS[:1]}, [("tier_edge", 1)]),
        (moved({}, {}), {}, [("tier_edge", 1)]),
        ({"amount": "1", "free_units": 1}, {"amount": "3", "free_units": 2}, [("price", 1), ("free_units", 1)]),
    ],
)
def test_prices(lago: dict[str, object], odoo: dict[str, object], expected: list[tuple[str, int]]) -> None:
    assert priced(lago, odoo) == expected
    filters = [with_charge(filters=(replace(OWN, properties=side),)) for side in (lago, odoo)]
    assert named(*filters) == expected
    assert named(with_fixed(properties=lago), with_fixed(properties=odoo)) == expected


def test_filters() -> None:
    more = ChargeFilter(lago_id="f2", values={"zone": ("b",)}, properties={})
    both = with_charge(filters=(OWN, more))
    assert named(both, with_charge()) == [("filter", 2)]
    assert named(with_charge(filters=(OWN,)), both) == [("filter", 1)]
    assert named(both, with_charge(filters=(replace(OWN, values={"zone": ("c",)}), more))) == [("filter", 1)]
    assert named(both, with_charge(filters=(replace(OWN, properties={"amount": "2"}),))) == [
        ("price", 1),
        ("filter", 1),
    ]


def test_two_charges_are_two_faults() -> None:
    two = replace(LAGO, plan=replace(LAGO.plan, charges=(charge("a"), charge("b"))))
    other = replace(LAGO, plan=replace(LAGO.plan, charges=(charge("a", prorated=True), charge("b", prorated=True))))
    found = list(faults(differences(two, other)))
    assert [fault.root[:3] for fault in found] == [("plan", "charges", "a"), ("plan", "charges", "b")]


# --- metrics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"aggregation_type": "sum_agg"}, [("aggregation", 1)]),
        ({"aggregation_type": "sum_agg", "field_name": "x", "recurring": True}, [("aggregation", 1)] * 3),
        ({"rounding_function": "ceil", "rounding_precision": 2}, [("quantity_precision", 1)] * 2),
        ({"filters": (MetricFilter(key="a", values=("b",)), MetricFilter(key="c", values=()))}, [("filter", 2)]),
    ],
)
def test_metrics(values: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    assert named({"m1": metric()}, {"m1": metric(**values)}, ("metrics",)) == expected


# --- usage --------------------------------------------------------------------------------------------------------


def of_usage(lago: list[UsageRow], odoo: list[UsageRow]) -> list[tuple[str, int]]:
    left, right = ({event.transaction_id: event for event in side} for side in (lago, odoo))
    found = faults(differences(left, right, ("usage",), same_exactly), Around(lago=left))
    return [(fault.cause, len(fault.differences)) for fault in found]


def test_events_that_one_side_lacks() -> None:
    two = [row("a"), row("b", "2026-08-06 10:00")]
    assert of_usage(two, []) == [("missing_usage", 2)]
    assert of_usage(two, [*two, row("c", "2026-08-07 10:00")]) == [("extra_usage", 1)]


def test_a_copy_repeats_another_under_its_own_name() -> None:
    one = row("a", properties='{"n":1}')
    copies = [row("copy", properties='{"n": 1}'), row("x", properties='{"n":2}'), row("y", code="other")]
    assert of_usage([one], [one, *copies]) == [("duplicate_events", 1), ("extra_usage", 2)]


def test_an_event_in_the_place_of_an_equal_one_is_no_copy() -> None:
    """It counts once: what is gone and what stands for it is one fault. A second one is a copy."""
    one, other = row("a", properties='{"n":1}'), row("b", "2026-08-06 10:00")
    again = [replace(one, transaction_id=name) for name in ("x", "y")]
    assert of_usage([one, other], [again[0], other]) == [("extra_usage", 2)]
    assert of_usage([one, other], [again[0]]) == [("missing_usage", 1), ("extra_usage", 2)]
    assert of_usage([one, other], [*again, other]) == [("duplicate_events", 1), ("extra_usage", 2)]


def later(event: UsageRow, **by: int) -> UsageRow:
    moved = event.timestamp + timedelta(**by)
    return replace(event, timestamp=moved)


EVENTS = [row(str(n), f"2026-08-0{n + 1} 10:00") for n in range(4)]


@pytest.mark.parametrize(
    ("odoo", "cause"),
    [
        ([later(e, hours=-7) for e in EVENTS], "time_zone"),
        ([later(e, hours=n % 2) for n, e in enumerate(EVENTS, 6)], "period_boundary"),
        ([later(e, hours=5 + n % 2) for n, e in enumerate(EVENTS)], "time_zone"),
        ([later(e, hours=1 + n) for n, e in enumerate(EVENTS)], "period_boundary"),
        ([later(e, minutes=20) for e in EVENTS], "period_boundary"),
        ([later(e, minutes=15) for e in EVENTS], "time_zone"),
        ([later(e, hours=14) for e in EVENTS], "time_zone"),
        ([later(e, hours=15) for e in EVENTS], "period_boundary"),
        ([later(EVENTS[0], hours=5), *EVENTS[1:]], "period_boundary"),
        ([replace(e, created_at=at("2026-09-09 00:00")) for e in EVENTS], "late_events"),
        ([replace(e, code="other") for e in EVENTS], "missing_usage"),
        ([replace(e, properties='{"n":"5"}') for e in EVENTS], "extra_usage"),
        ([replace(e, properties='{"n":"0.5"}') for e in EVENTS], "missing_usage"),
        ([replace(e, properties='{"m":"1"}') for e in EVENTS], "extra_usage"),
        ([replace(e, precise_total_amount_cents="7.5") for e in EVENTS], "extra_usage"),
    ],
)
def test_events_with_other_values(odoo: list[UsageRow], cause: str) -> None:
    changed = sum(event != other for event, other in zip(EVENTS, odoo, strict=True))
    if cause == "period_boundary" and changed == 2:
        cause = "time_zone"  # the same shift of the two that moved
    assert of_usage(EVENTS, odoo) == [(cause, changed)]


def test_a_part_of_a_second_is_a_difference_of_usage() -> None:
    assert of_usage(EVENTS[:1], [later(EVENTS[0], microseconds=1)]) == [("period_boundary", 1)]


# --- coupons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("applied", "definition", "expected"),
    [
        ({"terminated_at": at("2026-05-01 00:00")}, {}, [("coupon_expired", 1)]),
        ({"created_at": at("2026-05-01 00:00")}, {}, [("coupon_expired", 1)]),
        ({"amount_cents": 1, "percentage_rate": Decimal(5)}, {}, [("coupon_limit", 1)] * 2),
        ({}, {"plan_codes": ("a",), "limited_plans": True}, [("coupon_limit", 2)]),
    ],
)
def test_coupons(applied: dict[str, Any], definition: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    lago = {"h1": DefinedCoupon(applied=held(), coupon=coupon())}
    odoo = {"h1": DefinedCoupon(applied=held(**applied), coupon=coupon(**definition))}
    found = list(faults(differences(lago, odoo, ("coupons",))))
    assert [(fault.cause, len(fault.differences)) for fault in found] == expected
    assert all(fault.row.header for fault in found)
    assert named(lago, {}, ("coupons",)) == [("coupon_missing", 1)]
    assert named({}, odoo, ("coupons",)) == [("coupon_extra", 1)]


# --- the table itself ---------------------------------------------------------------------------------------------


def test_a_new_field_has_a_cause_without_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """``test_read_back`` adds the same row and sees it written and read."""
    (fault,) = faults(differences(with_charge(accepts_target_wallet=True), with_charge()))
    assert (fault.cause, fault.root) == ("charge_terms", ("plan", "charges", "ch1", "accepts_target_wallet"))
    better = CauseRow(("plan", "charges", "*", "accepts_target_wallet"), "minimum")
    monkeypatch.setattr("reconcile.causes.cause_of.CAUSE_OF", (better, *CAUSE_OF))
    (fault,) = faults(differences(with_charge(accepts_target_wallet=True), with_charge()))
    assert fault.cause == "minimum"


def test_every_row_is_reached_by_its_own_pattern() -> None:
    """No row stands behind one that takes all of its paths."""
    for number, entry in enumerate(CAUSE_OF):
        path = tuple(step if isinstance(step, str) else sorted(step)[0] for step in entry.pattern if step != REST)
        longer = (*path, "any", "more") if entry.pattern[-1] == REST else path
        first = next(n for n, other in enumerate(CAUSE_OF) if other.has(longer))
        assert first == number, entry


@pytest.mark.parametrize(
    ("exact", "cut", "digits", "is_one"),
    [("0.085", "0.09", 2, True), ("0.085", "0.08", 2, True), ("0.085", "0.1", 2, False), ("1.5", "2", 0, True),
     ("1.5", "1", 0, True), ("1.5", "2", 2, False), ("1.5", "3", 0, False), ("0.08", "0.085", 3, False),
     ("0.5", "0.5", 2, False), ("100", "90", 2, False), ("0.4", "0", 0, True), ("0.02", "1", 0, False)],
)  # fmt: skip
def test_numbers_with_fewer_digits(exact: str, cut: str, digits: int, is_one: bool) -> None:
    assert is_cut(Decimal(exact), Decimal(cut), digits) is is_one


def cut_prices(*pairs: tuple[str, str], beside: str = "4") -> frozenset[int]:
    sides = [
        with_charge(properties={"ranges": [{"to_value": 10.5, "p": side} for side in prices]})
        for prices in zip(*pairs, strict=True)
    ]
    held = [*prices_in(sides[1].plan.charges[0].properties), Decimal(beside)]
    return cut_alike(differences(*sides), held)


def test_prices_are_cut_alike_if_all_of_an_order_are() -> None:
    """Two that a person typed are no rule, nor are many where one price keeps its digits, or where one was not cut."""
    three = (("1.50", "2"), ("0.4", "0"), ("7.25", "7"))
    assert cut_prices(*three) == {0}
    assert cut_prices(*three[:2]) == frozenset()
    assert cut_prices(*three, beside="0.5") == frozenset()
    assert cut_prices(*three, ("6.50", "9")) == frozenset()
    assert cut_prices(*three, ("x", "7")) == cut_prices(*three, ("7", "x")) == {0}, "what is no number says nothing"


def test_a_fault_holds_its_differences() -> None:
    (fault,) = faults(differences(with_charge(filters=(OWN,)), with_charge()))
    assert isinstance(fault, RecordFault)
    (difference,) = fault.differences
    assert (difference.lago, difference.odoo) == (OWN, ABSENT)
