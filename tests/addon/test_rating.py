"""Behaviour of the addon's entry points that no vector covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.addon.plain import exact, module, rating

due, event_checks = module("rating", "due"), module("rating", "event_checks")
fixed_charges = module("rating", "fixed_charges")

ORDER: dict[str, Any] = {
    "fusion_lago_id": "sub",
    "fusion_external_id": "s1",
    "fusion_plan_code": "starter",
    "plan_lago_id": "plan",
    "plan_name": "Starter",
    "fusion_interval": "monthly",
    "fusion_billing_time": "calendar",
    "fusion_anchor": "2026-05-01 04:00:00",
    "fusion_started_at": "2026-05-01 04:00:00",
    "fusion_created_at": "2026-05-01 04:00:00",
    "fusion_plan_amount": "30.00",
    "fusion_timezone": "America/New_York",
    "currency": "CAD",
}
CHARGE = {
    "fusion_lago_id": "c1",
    "code": "calls",
    "name": "Calls",
    "kind": "usage",
    "metric": "calls",
    "charge_model": "standard",
    "properties": '{"amount": "0.05"}',
}
METRICS = {"calls": {"code": "calls", "aggregation": "count_agg", "recurring": False}}
JULY = ("2026-07-01 04:10:00", "subscription_periodic")


def event(number: int, at: str, **more: Any) -> dict[str, Any]:
    return {
        "external_subscription_id": "s1",
        "code": "calls",
        "transaction_id": f"t{number}",
        "timestamp": at,
        "received_at": at,
        "properties": "{}",
        **more,
    }


def together(**more: Any) -> dict[str, Any]:
    order = {**ORDER, **more}
    billing = {
        "order": order, "charges": [CHARGE], "metrics": METRICS, "usage": [event(1, "2026-06-05 10:00:00")],
        "at": JULY[0], "reason": JULY[1],
    }  # fmt: skip
    found: dict[str, Any] = rating.bill_together([billing])
    return found


def amounts(found: dict[str, Any]) -> list[int]:
    return [line["amount_cents"] for line in found["lines"]]


def test_the_local_day_decides_which_usage_counts() -> None:
    usage = [event(1, "2026-06-01 03:59:59"), event(2, "2026-06-01 04:00:00"), event(3, "2026-07-01 03:59:59")]
    found = rating.bill(ORDER, [CHARGE], METRICS, usage, *JULY)
    assert amounts(found) == [3000, 10]
    assert found["lines"][1]["events"] == 2
    assert found["windows"]["charges_from"] == "2026-06-01T04:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "moment", "reason"),
    [
        ({"fusion_pay_in_advance": True}, "2026-05-01 04:00:00", "subscription_starting"),
        ({"fusion_pay_in_advance": True, "fusion_trial_days": "14"}, "2026-05-15 04:00:00", "trial_ended"),
        ({"fusion_ended_at": "2026-05-20 10:00:00", "fusion_ended_us": 7}, "2026-05-20 10:00:00",
         "subscription_terminating"),
    ],
)  # fmt: skip
def test_what_was_billed_elsewhere_in_the_same_second_is_not_due(
    changes: dict[str, Any], moment: str, reason: str
) -> None:
    """What it was billed until is said in whole seconds; the order's own moments are kept to the microsecond."""
    order = {**ORDER, "fusion_started_us": 250_000, **changes}
    at, second = datetime.fromisoformat(f"{moment}+00:00"), timedelta(seconds=1)
    until = at + 2 * second

    def reasons(since: datetime) -> set[str]:
        return {when.reason for when in due.schedule(order, until, since=since)}

    assert reason in reasons(at - second)
    assert reason not in reasons(at)


def test_a_trial_longer_than_dates_reach_stops_nobody() -> None:
    order = {**ORDER, "fusion_pay_in_advance": True, "fusion_trial_days": "100000000"}
    assert "trial_ended" not in {
        when.reason for when in due.schedule(order, datetime.fromisoformat(f"{JULY[0]}+00:00"))
    }


@pytest.mark.parametrize("days", ["36526", "9" * 15, "9" * 400])
def test_a_trial_that_cannot_be_meant_is_refused_and_nothing_is_billed_under_it(days: str) -> None:
    found = together(fusion_trial_days=days)
    assert (found["lines"], [r["reason"] for r in found["refusals"]]) == ([], ["number_out_of_range"])
    assert "9" * 50 not in found["refusals"][0]["detail"]
    assert amounts(together(fusion_trial_days="36525")) == [5]


def test_an_order_that_has_not_started_is_refused() -> None:
    found = rating.bill({**ORDER, "fusion_started_at": False}, [CHARGE], METRICS, [], *JULY)
    assert (found["lines"], [r["reason"] for r in found["refusals"]]) == ([], ["not_started"])


def test_a_charge_without_its_metric_is_refused_and_the_rest_billed() -> None:
    found = rating.bill(ORDER, [CHARGE], {}, [], *JULY)
    assert (amounts(found), [r["reason"] for r in found["refusals"]]) == ([3000], ["metric_missing"])


def test_a_commitment_is_filled_up() -> None:
    found = rating.bill({**ORDER, "fusion_commitment": "100"}, [], {}, [], *JULY)
    assert [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]] == [
        ("subscription", 3000),
        ("commitment", 7000),
    ]


def test_the_commitment_of_an_advance_plan_that_ends_is_due_for_its_days_less_the_last_base_fee() -> None:
    """20 of 30 days of 100.00 are 66.67; 30.00 were billed in advance."""
    ending = {"fusion_pay_in_advance": True, "fusion_commitment": "100", "fusion_ended_at": "2026-06-20 10:00:00"}
    found = rating.bill({**ORDER, **ending}, [], {}, [], "2026-06-20 10:00:00", "subscription_terminating")
    assert [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]] == [("commitment", 3667)]


def test_usage_received_after_the_invoice_is_unknown() -> None:
    usage = [event(1, "2026-06-05 10:00:00", received_at="2026-07-02 00:00:00")]
    found = rating.bill(ORDER, [CHARGE], METRICS, usage, *JULY, known_until=datetime(2026, 7, 1, 4, 10, 1, tzinfo=UTC))
    assert amounts(found) == [3000]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [(None, [3000, 5, -300]), ("2026-07-01T04:10:00Z", [3000, 5, -300]), ("2026-06-30T00:00:00Z", [3000, 5])],
)
def test_a_coupon_works_until_it_ends(ended: str | None, expected: list[int]) -> None:
    coupon = {
        "lago_id": "ac",
        "coupon_code": "ten",
        "frequency": "forever",
        "amount_cents": 300,
        "terminated_at": ended,
    }
    assert amounts(together(fusion_coupons=[coupon])) == expected


def test_a_coupon_used_in_part_is_refused() -> None:
    coupon = {"coupon_code": "big", "frequency": "once", "amount_cents": 300, "amount_cents_remaining": 100}
    found = together(fusion_coupons=[coupon])
    assert (amounts(found), [r["reason"] for r in found["refusals"]]) == ([3000, 5], ["coupon_history"])


@pytest.mark.parametrize(("voided_at", "off"), [(None, [-100]), ("2026-06-20T00:00:00Z", [-300])])
def test_a_coupon_used_in_part_takes_what_was_left_then(voided_at: str | None, off: list[int]) -> None:
    """Of 300, an invoice of June took 200 (unless it was voided since); what August took had not happened."""
    credits = [
        {"at": "2026-06-01T04:10:00Z", "amount_cents": 200, "voided_at": voided_at},
        {"at": "2026-08-01T04:10:00Z", "amount_cents": 100, "voided_at": None},
    ]
    coupon = {
        "coupon_code": "big",
        "frequency": "once",
        "amount_cents": 300,
        "amount_cents_remaining": 0,
        "credits": credits,
    }
    found = together(fusion_coupons=[coupon])
    assert (amounts(found), found["refusals"]) == ([3000, 5, *off], [])


def test_a_limited_coupon_takes_only_its_metric() -> None:
    coupon = {
        "coupon_code": "half",
        "frequency": "forever",
        "percentage_rate": "50",
        "billable_metric_codes": ["calls"],
    }
    assert amounts(together(fusion_coupons=[coupon])) == [3000, 5, -3]


def test_the_event_of_a_charge_paid_in_advance() -> None:
    charge = {**CHARGE, "pay_in_advance": True}
    usage = [event(1, "2026-06-05 10:00:00"), event(2, "2026-06-05 10:00:30")]
    asked = {"at": "2026-06-05 10:00:30", "reason": "in_advance_charge"}
    found = rating.bill(ORDER, [charge], METRICS, usage, **asked)
    assert [line["key"]["event"] for line in found["lines"]] == ["t2"]
    found = rating.bill(ORDER, [charge], METRICS, usage, **asked, event="t1")
    assert [line["key"]["event"] for line in found["lines"]] == ["t1"]
    found = rating.bill(ORDER, [charge], METRICS, usage, "2026-06-09 10:00:00", "in_advance_charge")
    assert [r["reason"] for r in found["refusals"]] == ["advance_event"]
    (none,) = found["refusals"]
    assert (
        f"no usage came within a minute before the invoice that subscription {ORDER['fusion_external_id']}"
        in none["detail"]
    )
    (several,) = rating.bill(ORDER, [charge], METRICS, [usage[1], event(3, "2026-06-05 10:00:30")], **asked)["refusals"]
    assert "2 events" in several["detail"]
    assert "(t2, t3): name the transaction of one" in several["detail"]
    (lacking,) = rating.bill(ORDER, [charge], METRICS, usage, **asked, event="t9")["refusals"]
    assert "'t9'" in lacking["detail"]
    assert "load its usage" in lacking["detail"]


@pytest.mark.parametrize(
    ("currency", "cents"), [("CAD", 1001), ("JPY", 10), ("KWD", 10005), ("HUF", 10), ("CLF", 100050)]
)
def test_amounts_round_half_away_in_the_currency(currency: str, cents: int) -> None:
    assert exact.cents(exact.decimal("10.005"), currency) == cents
    assert exact.cents(exact.decimal("-10.005"), currency) == -cents


def test_current_usage_shows_the_running_period() -> None:
    usage = [event(1, "2026-06-05 10:00:00"), event(2, "2026-07-05 10:00:00")]
    found = rating.current_usage(ORDER, [CHARGE], METRICS, usage, "2026-07-10 00:00:00")
    assert (found["from_datetime"], found["amount_cents"]) == ("2026-07-01T04:00:00Z", 5)
    assert rating.current_usage({**ORDER, "fusion_ended_at": "2026-07-09 00:00:00"}, [], {}, [], "2026-07-10") is None


COUPON = {"lago_id": "k1", "coupon_code": "welcome", "frequency": "once", "amount_cents": 3}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([{**COUPON, "amount_cents": "3,00"}], "coupon 'welcome': amount_cents is '3,00'"),
        ([{**COUPON, "amount_cents_remaining": {}}], "coupon 'welcome': amount_cents_remaining is 'dict'"),
        ([{**COUPON, "frequency_duration_remaining": "two"}], "frequency_duration_remaining is 'two'"),
        ([{**COUPON, "created_at": "yesterday"}], "created_at is 'yesterday'"),
        ([{**COUPON, "terminated_at": "9999-99-99"}], "terminated_at is '9999-99-99'"),
        ([{**COUPON, "credits": [{"at": "2026-01-01", "amount_cents": "zz"}]}], "amount_cents is 'zz'"),
        ([{**COUPON, "credits": [{"at": "zz", "amount_cents": 1}]}], "at is 'zz'"),
        ([{**COUPON, "credits": [5]}], "credits is 'list'"),
        ([5], "a coupon is 'int'"),
        ("[", "the order's coupons are no JSON"),
    ],
)
def test_a_coupon_that_cannot_be_read_refuses_its_invoice_by_name(held: Any, said: str) -> None:
    found = together(fusion_coupons=held)
    assert [r["reason"] for r in found["refusals"]] == ["coupon_unreadable"]
    assert said in found["refusals"][0]["detail"]


def test_a_coupon_that_can_be_read_is_taken_off() -> None:
    numbers = {"amount_cents": "3.0", "amount_cents_remaining": None, "percentage_rate": False, "terminated_at": ""}
    found = together(fusion_coupons=[{**COUPON, **numbers, "created_at": "2026-01-01T00:00:00.1234567Z"}])
    assert (found["refusals"], sum(amounts(found))) == ([], 3002)


@pytest.mark.parametrize(
    ("units", "at"), [("five", None), ("1,5", None), (None, None), ({}, None), ("5", "yesterday"), ("9" * 60, None)]
)
def test_units_that_cannot_be_read_refuse_their_invoice_by_name(units: Any, at: Any) -> None:
    seats = {**CHARGE, "kind": "fixed", "metric": "", "code": "seats", "unit_events": [{"at": at, "units": units}]}
    found = rating.bill(ORDER, [seats], METRICS, [], *JULY)
    assert [r["reason"] for r in found["refusals"]] == ["units_unreadable"]
    assert "fixed charge seats: its units changed to" in found["refusals"][0]["detail"]
    assert "9" * 50 not in found["refusals"][0]["detail"]


@pytest.mark.parametrize(
    ("days", "units"),
    [((), 0), ((2, 1), 2), ((15, 12), 12), ((1, 30), 1), ((31,), 0)],
    ids=["none", "latest before", "made last within", "end not within", "only after"],
)
def test_units_of_a_fixed_charge_in_a_period(days: tuple[int, ...], units: int) -> None:
    """Changes of so many units as their day says, in the order they were made; the 10th to the 30th."""
    changes = [fixed_charges.UnitsChange(at=datetime(2026, 5, day, tzinfo=UTC), units=Decimal(day)) for day in days]
    begin, end = datetime(2026, 5, 10, tzinfo=UTC), datetime(2026, 5, 30, tzinfo=UTC)
    assert fixed_charges.units_at(changes, begin, end) == units


def test_nothing_was_billed_before_an_order_that_has_not_started() -> None:
    moment = due.Moment(datetime(2026, 7, 1, tzinfo=UTC), due.ENDING)
    assert due.earlier({**ORDER, "fusion_started_at": False}, moment) == []


@pytest.mark.parametrize("day", [1, 2])
def test_an_end_knows_what_was_billed_on_its_day(day: int) -> None:
    """July begins at 04:00 UTC in New York: what ends later was billed in its first minutes."""
    end = datetime(2026, 7, day, 15, tzinfo=UTC)
    before = due.earlier({**ORDER, "fusion_ended_at": f"{end:%Y-%m-%d %H:%M:%S}"}, due.Moment(end, due.ENDING))
    july = [billed.reason for billed in before if billed.at >= datetime(2026, 7, 1, 4, tzinfo=UTC)]
    assert july == ["subscription_periodic"]


GROUPED = "properties.{} is 5, must be a list"
FILTER = {"values": {"region": ["ca"]}, "properties": {"amount": "1"}}
CHARGES_OF_NO_SHAPE: list[tuple[str, Any, str]] = [
    ("filters", "[null]", "filters[0] is null, must be an object"),
    ("filters", "[1]", "filters[0] is 1, must be an object"),
    ("filters", [FILTER, {}], "filters[1].values is null, must be an object"),
    ("filters", [{**FILTER, "values": None}], "filters[0].values is null, must be an object"),
    ("filters", [{**FILTER, "values": {"region": 1}}], "filters[0].values.region is 1, must be a list"),
    ("filters", [{**FILTER, "values": {"region": "ca"}}], "filters[0].values.region is 'ca', must be a list"),
    ("filters", [{**FILTER, "values": {"region": [["ca"]]}}], "filters[0].values.region[0] is 'list', must be a text"),
    ("filters", [{**FILTER, "properties": [1]}], "filters[0].properties is 'list', must be an object"),
    ("filters", [{**FILTER, "properties": {"grouped_by": 5}}], f"filters[0].{GROUPED.format('grouped_by')}"),
    ("filters", '{"a": 1}', "filters is 'dict', must be a list"),
    ("filters", "[", "filters is no JSON"),
    ("properties", '{"amount": "1", "pricing_group_keys": 5}', GROUPED.format("pricing_group_keys")),
    ("properties", {"pricing_group_keys": "region"}, "properties.pricing_group_keys is 'region', must be a list"),
    ("properties", {"grouped_by": [["a"]]}, "properties.grouped_by[0] is 'list', must be a text"),
    ("properties", {"graduated_ranges": [1]}, "properties.graduated_ranges[0] is 1, must be an object"),
    ("properties", {"volume_ranges": True}, "properties.volume_ranges is true, must be a list"),
    ("properties", "[1]", "properties is 'list', must be an object"),
]


@pytest.mark.parametrize(("field", "value", "said"), CHARGES_OF_NO_SHAPE, ids=lambda value: str(value)[:40])
def test_a_charge_of_no_shape_refuses_its_order_by_name(field: str, value: Any, said: str) -> None:
    """Whatever it is charged by: usage in arrears, usage at once, a fixed quantity."""
    wrong = {**CHARGE, field: value}
    events = [event(1, "2026-06-05 10:00:00", properties='{"region": "ca"}')]
    found = rating.bill(ORDER, [wrong, {**CHARGE, "code": "other"}], METRICS, events, *JULY)
    assert found["refusals"] == [{"reason": "charge_unreadable", "detail": f"charge calls: {said}"}]
    assert [line["amount_cents"] for line in found["lines"]] == [3000, 5], "the base fee and the other charge are rated"
    fixed = {**wrong, "kind": "fixed", "metric": "", "units": "2"}
    told = rating.bill(ORDER, [fixed], METRICS, [], *JULY)["refusals"]
    assert told == [{"reason": "charge_unreadable", "detail": f"fixed charge calls: {said}"}]
    at_once = {"order": ORDER, "charges": [{**wrong, "pay_in_advance": True}], "metrics": METRICS, "usage": events,
               "at": "2026-06-05 10:00:00", "reason": "in_advance_charge", "event": "t1"}  # fmt: skip
    assert rating.bill_together([at_once])["refusals"] == [{"reason": "charge_unreadable", "detail": said}]
    usage = rating.current_usage(ORDER, [wrong], METRICS, events, "2026-06-06 00:00:00")
    assert [told["reason"] for told in usage["refusals"]] == ["charge_unreadable"]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ("[1]", "filters[0] is 1, must be an object"),
        ([{}], "filters[0].key is null, must be a text"),
        ([{"key": "region", "values": None}], "filters[0].values is null, must be a list"),
        ([{"key": ["region"], "values": []}], "filters[0].key is 'list', must be a text"),
        ([{"key": "region", "values": [{}]}], "filters[0].values[0] is 'dict', must be a text"),
    ],
    ids=str,
)
def test_a_metric_of_no_shape_refuses_the_orders_that_use_it(filters: Any, said: str) -> None:
    wrong = {**METRICS["calls"], "code": "wrong", "filters": filters}
    metrics = {**METRICS, "wrong": wrong}
    found = rating.bill(ORDER, [{**CHARGE, "metric": "wrong"}], metrics, [], *JULY)
    detail = f"charge calls: metric wrong: {said}"
    assert found["refusals"] == [{"reason": "metric_unreadable", "detail": detail}]
    assert rating.bill(ORDER, [CHARGE], metrics, [], *JULY)["refusals"] == []
    row = ("t1", "s1", "wrong", "{}")
    assert not any(event_checks.problems([row], {"wrong": wrong}, frozenset({"s1"})).values())


@pytest.mark.parametrize("size", [None, "0", 0, "-1"])
def test_a_package_without_its_size_is_refused(size: Any) -> None:
    charge = {**CHARGE, "charge_model": "package", "properties": {"amount": "1", "package_size": size}}
    found = rating.bill(ORDER, [charge], METRICS, [event(1, "2026-06-05 10:00:00")], *JULY)
    assert [told["reason"] for told in found["refusals"]] == ["charge_unreadable"]
    assert "package_size" in found["refusals"][0]["detail"]


def tier(start: Any, to: Any) -> dict[str, Any]:
    return {"from_value": start, "to_value": to, "per_unit_amount": "1", "flat_amount": "0"}


@pytest.mark.parametrize(
    ("tiers", "after"),
    [
        ([tier(0, 2)], 2),
        ([tier(0, 1), tier(2, 3)], 3),
        ([tier(0, 1), tier(5, None)], 1),
        ([tier(0, 3), tier(4, 4)], 4),
    ],
    ids=["one", "two", "a gap", "a narrow one"],
)
@pytest.mark.parametrize("values", [["5"], ["1", "1", "1", "1", "1"], ["3", "2"]], ids=["at once", "one by one", "two"])
def test_prorated_units_beyond_the_last_tier_refuse_their_charge_by_name(
    tiers: list[dict[str, Any]], after: int, values: list[str]
) -> None:
    """Lago fails there: tiers end open. It was an IndexError, or went round for ever; the base fee is billed."""
    metrics = {"seats": {"code": "seats", "aggregation": "sum_agg", "recurring": True, "field_name": "n"}}
    charge = {**CHARGE, "metric": "seats", "charge_model": "graduated", "prorated": True,
              "properties": {"graduated_ranges": tiers}}  # fmt: skip
    usage = [
        event(n, f"2026-06-{n + 1:02} 10:00:00", code="seats", properties=f'{{"n": "{value}"}}')
        for n, value in enumerate(values)
    ]
    found = rating.bill(ORDER, [charge], metrics, usage, *JULY)
    (refusal,) = found["refusals"]
    assert refusal["reason"] == "charge_unreadable"
    assert refusal["detail"].endswith(f"graduated_ranges: no tier goes on after {after} units")
    assert amounts(found) == [3000]
    within = rating.bill(ORDER, [charge], metrics, usage[:1], *JULY) if values[0] == "1" else found
    assert within["refusals"] == ([] if values[0] == "1" else [refusal]), "what the tiers hold is billed"


@pytest.mark.parametrize(
    ("begin", "end", "zone", "days"),
    [
        ("2024-02-10 05:00:00", "2024-03-10 04:59:59", "America/New_York", 30),  # forward on 10 March
        ("2024-02-10 00:00:00", "2024-03-09 23:59:59", "UTC", 29),
        ("2025-10-02 04:00:00", "2025-11-02 03:59:59", "America/New_York", 31),  # back on 2 November
        ("2024-03-01 05:00:00", "2024-04-01 03:59:59", "America/New_York", 31),  # forward within
    ],
)
def test_a_fixed_charge_has_a_day_more_where_clocks_go_forward_after_its_period(
    begin: str, end: str, zone: str, days: int
) -> None:
    """Lago adds 24 hours to the end before it asks for the day."""
    start, until = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (begin, end))
    order = module("rating", "inputs").read_order({**ORDER, "fusion_timezone": zone, "fusion_started_at": begin})
    changes = [fixed_charges.UnitsChange(at=start, units=Decimal(1))]
    share = fixed_charges.prorated_units(changes, order, start, until, 100)
    assert share == Decimal(days) / 100
