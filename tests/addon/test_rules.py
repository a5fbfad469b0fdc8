"""Lago's rules in the addon's rating, one small case each; the vectors that show them are in ``data/vectors_2``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.addon.plain import charge_fees, exact, inputs, intake, lines, module, rating

window, moments, charge_models = (
    module("rating", "window"),
    module("rating", "moments"),
    module("rating", "charge_models"),
)

Row = dict[str, Any]
ORDER: Row = {
    "fusion_lago_id": "sub",
    "fusion_external_id": "s1",
    "fusion_plan_code": "plan",
    "plan_lago_id": "plan",
    "plan_name": "Plan",
    "fusion_interval": "monthly",
    "fusion_billing_time": "calendar",
    "fusion_anchor": "2026-04-01 00:00:00",
    "fusion_started_at": "2026-04-01 00:00:00",
    "fusion_created_at": "2026-04-01 00:00:00",
    "fusion_plan_amount": "30.00",
    "fusion_timezone": "UTC",
    "currency": "EUR",
}
JUNE = ("2026-06-01 00:10:00", "subscription_periodic")  # bills May, of 31 days
FREE_EVENTS = {"rate": "100", "free_units_per_events": 5, "free_units_per_total_aggregation": "3"}


def metric(aggregation: str, **more: Any) -> Row:
    return {"code": "m", "aggregation": aggregation, "field_name": "value", **more}


def charge(model: str = "standard", properties: Mapping[str, Any] | None = None, **more: Any) -> Row:
    return {
        "fusion_lago_id": "c",
        "code": "c",
        "name": "C",
        "kind": "usage",
        "metric": "m",
        "charge_model": model,
        "properties": {"amount": "1"} if properties is None else properties,
        **more,
    }


def events(*given: tuple[str, Mapping[str, Any]], received: Sequence[str] = ()) -> list[Row]:
    """(day and hour of May, properties) in order of arrival; ``received``: when, if that matters."""
    return [
        {
            "external_subscription_id": "s1",
            "code": "m",
            "transaction_id": f"t{number}",
            "timestamp": at if "-" in at else f"2026-05-{at}:00:00",
            "received_at": received[number] if received else None,
            "properties": properties,
        }
        for number, (at, properties) in enumerate(given)
    ]


def usage_lines(priced: Row, counted: Row, usage: Sequence[Row], at: tuple[str, str] = JUNE, **order: Any) -> list[Any]:
    """(cents, units, events, group) of the usage lines of one billing."""
    found = rating.bill({**ORDER, **order}, [priced], {"m": counted}, usage, *at)
    assert found["refusals"] == []
    return [
        (line["amount_cents"], Decimal(line["units"]), line["events"], dict(line["key"]["group"]))
        for line in found["lines"]
        if line["key"]["kind"] == "charge"
    ]


def at_once(priced: Row, counted: Row, usage: Sequence[Row]) -> list[int | None]:
    """Cents of each event of a charge paid in advance, in order of arrival."""
    priced = {**priced, "pay_in_advance": True}
    found = [rating.advance_fees(ORDER, priced, counted, usage, row["transaction_id"])["lines"] for row in usage]
    return [rows[0]["amount_cents"] if rows else None for rows in found]


def base_cents(at: tuple[str, str], **order: Any) -> list[tuple[str, int]]:
    found = rating.bill({**ORDER, **order}, [], {}, [], *at)
    return [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]]


# --- numbers


def test_a_double_in_a_column_of_decimals_keeps_sixteen_digits() -> None:
    """A minimum of 10.00 over all of November is 1000.0000000000001 as a double: a fee of 0, precisely 0."""
    assert exact.column_of_double(1000 / 30 * 30) == 1000
    assert exact.column_of_double(0.0) == 0
    november = window.Window(
        datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC), 30, moments.zone("UTC")
    )
    least = inputs.Charge(lago_id="c", code="c", name="c", metric="m", min_amount=Decimal(10))
    used = lines.Line(kind="charge", item="c", name="c", cents=1000, precise=Decimal(1000))
    missing = charge_fees.true_up(least, [used], november, "EUR")
    assert (missing.cents, missing.precise) == (0, 0)


def test_the_share_of_the_days_is_taken_before_the_value() -> None:
    """30 of 31 days have 20 decimals in Lago's database; times a million, 14 of them are left."""
    assert exact.per_days(Decimal(1_000_000), 30, Decimal(31)) == Decimal("967741.93548387096774")


@pytest.mark.parametrize(("count", "cents"), [(2, 0), (4, 100), (8, 300)], ids=str)
def test_of_counted_events_the_free_ones_are_not_cut_by_the_free_total(count: int, cents: int) -> None:
    """Five are free once there are six; of fewer, three units."""
    usage = events(*((f"02 {hour:02}", {}) for hour in range(count)))
    assert [line[0] for line in usage_lines(charge("percentage", FREE_EVENTS), metric("count_agg"), usage)] == [cents]


def test_the_free_events_are_the_first_of_the_running_totals() -> None:
    usage = charge_models.Usage(Decimal(5), 5, running=[Decimal(n) for n in range(1, 6)])
    found = charge_models.percentage(usage, {"rate": "100", "free_units_per_events": 2})
    assert found.amount == 3


def test_the_price_of_a_unit_is_by_the_rounded_units() -> None:
    """16.6 units of May are 17 rounded; of graduated prices the events' own sum counts."""
    counted = metric("sum_agg", recurring=True, rounding_function="round")
    found = rating.bill(ORDER, [charge(prorated=True)], {"m": counted}, events(("01 00", {"value": "16.6"})), *JUNE)
    assert Decimal(found["lines"][1]["unit_amount"]) == 1
    tiers = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}]}
    graduated = charge("graduated", tiers, prorated=True)
    found = rating.bill(ORDER, [graduated], {"m": counted}, events(("01 00", {"value": "16.6"})), *JUNE)
    assert Decimal(found["lines"][1]["unit_amount"]) == 1
    assert Decimal(found["lines"][1]["units"]) == 17


# --- the base fee and the commitment


@pytest.mark.parametrize(
    ("started", "zone", "days", "cents"),
    [
        ("2026-05-11 14:20:00", "Asia/Tokyo", "0.5", 2000),  # 23:20 there, it ends on the 12th
        ("2026-05-11 20:00:00", "UTC", "0.5", 2100),  # no whole day: the day it is compared by is that of the start
        ("2026-05-11 20:00:00", "UTC", "10.5", 1000),  # 22 May to 31 May
    ],
)
def test_a_trial_ends_within_a_day(started: str, zone: str, days: str, cents: int) -> None:
    life = dict.fromkeys(("fusion_anchor", "fusion_started_at", "fusion_created_at"), started)
    price = {"fusion_timezone": zone, "fusion_trial_days": days, "fusion_plan_amount": "31.00"}
    assert base_cents(JUNE, **life, **price) == [("subscription", cents)]


@pytest.mark.parametrize(("trial", "expected"), [("", [("commitment", 2000)]), ("45", [])], ids=["paid", "on trial"])
def test_no_commitment_where_no_base_fee_was_billed(trial: str, expected: list[tuple[str, int]]) -> None:
    """10 days of May at 100.00 a month are 32.26; 30.00 were billed in advance for a plan of 12.26."""
    ends = {"fusion_ended_at": "2026-05-10 12:00:00", "fusion_pay_in_advance": True, "fusion_commitment": "100"}
    at = ("2026-05-10 12:00:00", "subscription_terminating")
    assert base_cents(at, **ends, fusion_plan_amount="12.26", fusion_trial_days=trial) == expected


def test_a_billing_before_the_end_bills_an_order_that_goes_on() -> None:
    """Whatever it is called: it ended a month after."""
    found = rating.bill(
        {**ORDER, "fusion_ended_at": "2026-06-20 00:00:00"},
        [],
        {},
        [],
        "2026-06-03 00:10:00",
        "subscription_terminating",
    )
    assert (found["windows"]["from"], found["windows"]["to"]) == (
        "2026-05-01T00:00:00+00:00",
        "2026-05-31T23:59:59.999999+00:00",
    )


# --- groups that are shown alike

NAMED = {"amount": "1", "pricing_group_keys": ["team"]}
NOBODY = {"team": ""}


def test_prorated_sums_add_up_groups_that_are_shown_alike() -> None:
    usage = events(("01 00", {"value": "2", "team": ""}), ("01 00", {"value": "3"}))
    counted = metric("sum_agg", recurring=True)
    assert usage_lines(charge(properties=NAMED, prorated=True), counted, usage) == [(500, 5, 2, NOBODY)]
    assert [line[1] for line in usage_lines(charge(properties=NAMED), counted, usage)] == [2, 3], "other sums do not"


@pytest.mark.parametrize("recurring", [False, True])
def test_a_weighted_sum_counts_the_rows_that_lago_joins(recurring: bool) -> None:
    """To a group without value a first and a last row are joined for each that looks like it; two are taken off."""
    usage = events(*((f"01 {hour:02}", {"value": "31", "team": ""}) for hour in (0, 0, 0)), ("01 00", {"value": "31"}))
    found = usage_lines(charge(properties=NAMED), metric("weighted_sum_agg", recurring=recurring), usage)
    assert [(units, count) for _, units, count, _ in found] == [(31, 3), (93, 1)]


def test_an_empty_group_of_a_weighted_sum_brings_the_group_without_value() -> None:
    flat = {"volume_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    flat["pricing_group_keys"] = ["team"]  # type: ignore[assignment]
    usage = events(("01 00", {"value": "31", "team": ""}))
    found = usage_lines(charge("volume", flat), metric("weighted_sum_agg"), usage)
    assert found == [(500, 0, 0, NOBODY), (3600, 31, 0, NOBODY)]


@pytest.mark.parametrize(("received", "units"), [("2026-05-03 00:00:00", 62), ("2026-06-03 00:00:00", 31)])
def test_a_weighted_sum_carries_what_was_known_at_the_last_billing(received: str, units: int) -> None:
    usage = events(
        ("02 00", {"value": "31"}),
        ("02 00", {"value": "31"}),
        received=["2026-05-02 00:00:00", received],
    )
    july = ("2026-07-01 00:10:00", "subscription_periodic")
    found = usage_lines(charge(), metric("weighted_sum_agg", recurring=True), usage, july)
    assert [line[1] for line in found] == [units]


def test_the_latest_value_of_a_group_is_never_below_nothing() -> None:
    flat: Row = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    found = usage_lines(charge("graduated", flat), metric("latest_agg"), events(("02 00", {"value": "-3"})))
    assert found == [(500, 0, 1, {})]


# --- charges paid in advance


def test_a_value_that_is_there_already_pays_no_fixed_fee() -> None:
    properties = {"rate": "0", "fixed_amount": "1", "free_units_per_total_aggregation": "2.5"}
    usage = events(*((f"0{day} 00", {"value": name}) for day, name in enumerate("abbc", 1)))
    assert at_once(charge("percentage", properties), metric("unique_count_agg"), usage) == [0, 0, 0, 100]


def test_a_prorated_charge_in_advance_is_for_the_days_that_are_left() -> None:
    usage = events(("01 00", {"value": "31"}), ("22 12", {"value": "31"}))
    assert at_once(charge(prorated=True), metric("sum_agg", recurring=True), usage) == [3100, 1000]


def test_an_event_that_came_later_than_its_time_pays_above_the_level_reached() -> None:
    """10 on the 9th; then -4 and 5, both of the 2nd: 6, and 11, which is 1 above the 10."""
    usage = events(("09 00", {"value": "10"}), ("02 00", {"value": "-4"}), ("02 01", {"value": "5"}))
    assert at_once(charge(), metric("sum_agg"), usage) == [1000, 0, 100]


def test_of_a_batch_each_event_is_priced_by_its_own_time() -> None:
    """One package is opened by the event of the 2nd, though it stands behind that of the 3rd."""
    package = charge("package", {"amount": "7", "package_size": 10})
    at = "2026-05-04 00:00:00"
    usage = events(("03 00", {"value": "4"}), ("02 00", {"value": "4"}), received=[at, at])
    assert at_once(package, metric("sum_agg"), usage) == [0, 700]
    usage = events(("03 00", {"value": "4"}), ("02 00", {"value": "4"}), received=[at, "2026-05-04 00:00:01"])
    assert at_once(package, metric("sum_agg"), usage) == [700, 700]


@pytest.mark.parametrize("text", ["1e1", "1_0", "+10", " 10 ", "10."])
def test_numbers_of_an_event_that_is_paid_at_once_have_more_forms(text: str) -> None:
    """Nothing of them counts in arrears."""
    package = charge("package", {"amount": "7", "package_size": 10})
    usage = events(("01 00", {"value": "10"}), ("02 00", {"value": text}))
    assert at_once(package, metric("sum_agg"), usage) == [700, 700]
    assert [line[0] for line in usage_lines(charge(), metric("sum_agg"), usage)] == [1000]


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_property_makes_no_fee_and_opens_no_level(blank: str | None) -> None:
    usage = events(("01 00", {"value": blank}), ("02 00", {"value": "a"}))
    assert at_once(charge(), metric("unique_count_agg"), usage) == [None, 100]


def test_groups_of_a_charge_without_filters_are_priced_apart() -> None:
    package = charge("package", {"amount": "7", "package_size": 10, "pricing_group_keys": ["team"]})
    usage = events(("01 00", {"value": "4", "team": "a"}), ("02 00", {"value": "4", "team": "b"}))
    assert at_once(package, metric("sum_agg"), usage) == [700, 700]


def rest(properties: Mapping[str, Any]) -> Row:
    """A charge with a filter, whose other events have these prices."""
    gold = {"lago_id": "f", "values": {"tier": ["gold"]}, "properties": {"amount": "1"}}
    return charge(properties=properties, filters=[gold])


def test_the_rest_of_a_charge_with_filters_loses_its_groups() -> None:
    """Its total goes on from group to group: 10, 6, and 10 again, which was paid."""
    usage = events(*((f"0{day} 00", {"value": value, "team": team}) for day, value, team in
                     ((1, "10", "a"), (2, "-4", "b"), (3, "4", "b"))))  # fmt: skip
    assert at_once(rest(NAMED), metric("sum_agg"), usage) == [1000, 0, 0]
    assert at_once(charge(properties=NAMED), metric("sum_agg"), usage) == [1000, 0, 400]


def test_in_the_rest_a_value_is_known_from_any_group_and_removed_from_its_own() -> None:
    def seen(*given: tuple[str, str, str]) -> list[int | None]:
        usage = events(*((f"0{day} 00", {"value": value, "team": team, "operation_type": operation})
                         for day, (team, operation, value) in enumerate(given, 1)))  # fmt: skip
        return at_once(rest(NAMED), metric("unique_count_agg"), usage)

    assert seen(("a", "add", "x"), ("b", "add", "x")) == [100, 0]
    assert seen(("a", "add", "x"), ("b", "remove", "x"), ("b", "add", "y")) == [100, 0, 100]
    assert seen(("a", "add", "x"), ("a", "remove", "x"), ("b", "add", "y")) == [100, 0, 0]


# --- what an earlier billing leaves


@pytest.mark.parametrize(("day", "cents"), [("2026-04-20 00:00:00", 0), ("2026-05-20 00:00:00", 500)])
def test_what_a_recurring_sum_carries_over_is_no_transaction(day: str, cents: int) -> None:
    bounds = {"rate": "1", "per_transaction_min_amount": "5"}
    usage = events((day, {"value": "100"}))
    found = usage_lines(charge("percentage", bounds), metric("sum_agg", recurring=True), usage)
    assert [line[:2] for line in found] == [(cents, 100)]


def test_fees_of_charges_in_advance_count_towards_the_commitment() -> None:
    """Of 100.00, 30.00 are the base fee and 2.00 were billed as the events came; a third one is of June."""
    usage = events(("03 00", {}), ("31 23", {}), ("2026-06-01 00:00:00", {}))
    order = {**ORDER, "fusion_commitment": "100"}
    found = rating.bill(order, [charge(pay_in_advance=True)], {"m": metric("count_agg")}, usage, *JUNE)
    assert [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]] == [
        ("subscription", 3000),
        ("commitment", 6800),
    ]


def test_monthly_bills_of_a_year_count_towards_its_commitment() -> None:
    """Two units in May and one in December, of 100.00 in 2026; one of 2027 is not of the year."""
    usage = events(("03 00", {}), ("31 23", {}), ("2026-12-31 23:00:00", {}), ("2027-01-01 00:00:00", {}))
    began = dict.fromkeys(("fusion_anchor", "fusion_started_at", "fusion_created_at"), "2026-01-01 00:00:00")
    year = {"fusion_interval": "yearly", "fusion_bill_charges_monthly": True, "fusion_commitment": "100"}
    at = ("2027-01-01 00:10:00", "subscription_periodic")
    found = rating.bill({**ORDER, **began, **year}, [charge()], {"m": metric("count_agg")}, usage, *at)
    assert [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]] == [
        ("subscription", 3000),
        ("charge", 100),
        ("commitment", 6700),
    ]


def test_a_fixed_charge_in_advance_counts_towards_the_commitment_of_its_own_period() -> None:
    """Of 100.00 for May, 30.00 are the base fee and 20.00 its seat; the two of June are billed beside it."""
    changes = [{"at": None, "units": "1"}, {"at": "2026-06-01 00:00:00", "units": "2"}]
    seats = {**charge(properties={"amount": "20"}), "kind": "fixed", "metric": "", "unit_events": changes}
    order = {**ORDER, "fusion_commitment": "100"}
    found = rating.bill(order, [{**seats, "pay_in_advance": True}], {}, [], *JUNE)
    assert [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]] == [
        ("subscription", 3000),
        ("fixed_charge", 4000),
        ("commitment", 5000),
    ]


def test_units_that_change_after_a_billing_are_unknown_to_it() -> None:
    changes = [{"at": None, "units": "3"}, {"at": "2026-06-20 00:00:00", "units": "5"}]
    seats = {**charge(), "kind": "fixed", "metric": "", "pay_in_advance": True, "unit_events": changes}
    july = ("2026-07-01 00:10:00", "subscription_periodic")
    shown = [rating.bill(ORDER, [seats], {}, [], *at)["lines"][-1]["units"] for at in (JUNE, july)]
    assert shown == ["3", "5"]


SEATS = {**charge(properties={"amount": "31"}), "kind": "fixed", "metric": "", "pay_in_advance": True}


def seats_billed(at: str, *changes: tuple[str | None, str], **more: Any) -> list[tuple[int, str]]:
    """(cents, units) of the bill that a change of units makes at once."""
    seats = {**SEATS, "unit_events": [{"at": when, "units": units} for when, units in changes], **more}
    found = rating.bill(ORDER, [seats], {}, [], at, "in_advance_charge")
    assert found["refusals"] == []
    return [(line["amount_cents"], line["units"]) for line in found["lines"]]


def test_units_that_are_raised_are_paid_at_once_above_the_most_of_the_period() -> None:
    """3 in May, cut to 1, raised to 5: 2 more than were paid; of a prorated charge for the 10 days that are left."""
    life: list[tuple[str | None, str]] = [(None, "3"), ("2026-05-10 00:00:00", "1"), ("2026-05-22 12:00:00", "5")]
    assert seats_billed("2026-05-10 00:00:00", *life) == [(0, "0")]
    assert seats_billed("2026-05-22 12:00:00", *life) == [(6200, "2")]
    assert seats_billed("2026-05-22 12:00:00", *life, prorated=True) == [(2000, "2")]


def test_a_cut_pays_no_flat_fee() -> None:
    flat = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    cut: list[tuple[str | None, str]] = [(None, "3"), ("2026-05-10 00:00:00", "1")]
    assert seats_billed("2026-05-10 00:00:00", *cut, charge_model="graduated", properties=flat) == [(0, "0")]


def test_a_change_made_at_once_takes_back_the_one_that_was_to_come() -> None:
    changes = [("2026-06-01 00:00:00", "7"), ("2026-05-20 00:00:00", "5")]
    events_of = [{"at": None, "units": "3"}, *({"at": at, "units": units} for at, units in changes)]
    found = rating.bill(ORDER, [{**SEATS, "unit_events": events_of}], {}, [], *JUNE)
    assert found["lines"][-1]["units"] == "5"


def test_a_prorated_graduated_quantity_is_placed_into_its_tiers_before_its_days() -> None:
    """10 units for 20 of 31 days: 3 in the first tier, 7 in the second, each for its days."""
    tiers = [
        {"from_value": 0, "to_value": 3, "per_unit_amount": "0", "flat_amount": "0"},
        {"from_value": 4, "to_value": None, "per_unit_amount": "31", "flat_amount": "0"},
    ]
    seats = {**SEATS, "pay_in_advance": False, "prorated": True, "charge_model": "graduated", "units": "10"}
    began = dict.fromkeys(("fusion_started_at", "fusion_created_at"), "2026-05-12 00:00:00")
    found = rating.bill({**ORDER, **began}, [{**seats, "properties": {"graduated_ranges": tiers}}], {}, [], *JUNE)
    assert found["lines"][-1]["amount_cents"] == 14_000


def test_the_last_stretch_of_units_ends_a_day_of_24_hours_after_the_period() -> None:
    """Clocks go forward on 8 March in New York: of a period that ends on the 7th, the stretch counts the 8th too."""
    began = dict.fromkeys(("fusion_anchor", "fusion_started_at", "fusion_created_at"), "2026-02-08 05:00:00")
    order = {**ORDER, **began, "fusion_billing_time": "anniversary", "fusion_timezone": "America/New_York"}
    changes = [{"at": None, "units": "0"}, {"at": "2026-03-05 12:00:00", "units": "28"}]
    seats = {**charge(), "kind": "fixed", "metric": "", "prorated": True, "unit_events": changes}
    found = rating.bill(order, [seats], {}, [], "2026-03-08 05:10:00", "subscription_periodic")
    assert found["windows"]["fixed_charges_to"] == "2026-03-08T04:59:59.999999+00:00"
    assert found["lines"][-1]["amount_cents"] == 400


def test_what_lies_between_two_prorated_tiers_has_the_flat_fee_of_the_upper_one() -> None:
    tiers = [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "0", "flat_amount": "5"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "0", "flat_amount": "7"},
    ]
    priced, counted = charge("graduated", {"graduated_ranges": tiers}, prorated=True), metric("sum_agg", recurring=True)
    cents = [usage_lines(priced, counted, events(("01 00", {"value": value})))[0][0] for value in ("2", "2.5", "3")]
    assert cents == [500, 1200, 1200]


def test_the_end_of_a_trial_bills_the_base_fee_and_fixed_charges_that_no_bill_has_yet() -> None:
    """Usage of the period before is not billed again; what is in arrears gives its flat fee of no period."""
    order = {**ORDER, "fusion_pay_in_advance": True, "fusion_trial_days": "40"}
    flat = {"volume_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    due = [charge(), {**SEATS, "units": "2"}, {**SEATS, "pay_in_advance": False, "units": "2"}]
    usage = events(("2026-04-03 00:00:00", {}))
    at = ("2026-05-11 00:00:00", "subscription_starting")

    def kinds(billed: list[Any] | None, *charges: Row, **more: Any) -> list[tuple[str, int]]:
        found = rating.bill({**order, **more}, charges, {"m": metric("count_agg")}, usage, *at, billed=billed)
        return [(line["key"]["kind"], line["amount_cents"]) for line in found["lines"]]

    assert kinds(None, *due) == [("subscription", 2032)]
    assert kinds([], *due)[1:] == [("fixed_charge", 6200)]
    began = dict.fromkeys(("fusion_anchor", "fusion_started_at", "fusion_created_at"), "2026-05-01 00:00:00")
    arrears = {**SEATS, "pay_in_advance": False, "charge_model": "volume", "properties": flat, "units": "2"}
    assert kinds([], arrears, **began, fusion_trial_days="10")[1:] == [("fixed_charge", 500)]


def test_a_prorated_group_that_nothing_ever_came_to_has_no_fee() -> None:
    tiers = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]
    priced = {"graduated_ranges": tiers, "pricing_group_keys": ["team"]}
    usage = events(
        ("02 00", {"value": "x", "team": "a", "operation_type": "remove"}), ("01 00", {"value": "x", "team": "b"})
    )
    counted = metric("unique_count_agg", recurring=True)
    assert [line[3] for line in usage_lines(charge("graduated", priced, prorated=True), counted, usage)] == [
        {"team": "b"}
    ]
    assert len(usage_lines(charge("graduated", priced), counted, usage)) == 2, "without proration it has one"


# --- how events come in


def test_an_empty_text_is_no_time() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert intake.event_row({"transaction_id": "a", "timestamp": ""}, now) == (None, {"timestamp": ["invalid_format"]})
    row, errors = intake.event_row({"transaction_id": "a", "timestamp": None}, now)
    assert row and not errors and row["timestamp"] == now.replace(tzinfo=None)
