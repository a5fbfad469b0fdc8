"""Charge fees: rounding, negatives, empty fees, the charge minimum, roll-over, what Lago cannot store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings.records import BillableMetric, Charge, ChargeFilter, Event, MetricFilter, PricingUnit
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee, amounts, billed_units, true_up
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.event_source import EventSource
from tests.vectors_support.one_charge import charge_fees

START = datetime(2026, 2, 1, tzinfo=UTC)
END = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
WINDOW = ChargeWindow(
    external_subscription_id="sub", charges_from=START, charges_to=END, charges_duration=28, currency="CAD"
)
D = Decimal


def metric(kind: str = "sum_agg", **more: Any) -> BillableMetric:
    return BillableMetric(lago_id="m", code="m", name="m", aggregation_type=kind, field_name="value", **more)


def charge(model: str = "standard", properties: dict[str, Any] | None = None, **more: Any) -> Charge:
    return Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model=model,
        properties={"amount": "1"} if properties is None else properties,
        **more,
    )


def events(*values: Any, step: timedelta = timedelta(days=1)) -> list[Event]:
    return [
        Event(
            transaction_id=f"t{number}",
            external_subscription_id="sub",
            code="m",
            timestamp=START + step * (number + 1),
            properties=value if isinstance(value, dict) else {"value": value},
        )
        for number, value in enumerate(values)
    ]


def fees(
    used: Sequence[Event], priced: Charge, measured: BillableMetric | None = None, window: ChargeWindow = WINDOW
) -> tuple[ChargeFee, ...]:
    with EventSource.from_events(used) as source:
        return charge_fees(window, priced, measured or metric(), source)


# --- rounding ---


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("1.005", "CAD", 101),
        ("1.0049", "CAD", 100),
        ("100.5", "JPY", 101),
        ("1.0005", "KWD", 1001),
        ("-1.005", "CAD", -101),
    ],
)
def test_amounts_round_half_away_from_zero(amount: str, currency: str, cents: int) -> None:
    assert amounts(D(amount), D(0), currency).amount_cents == cents


def test_unit_cents_are_truncated_and_precise_values_keep_15_decimals() -> None:
    found = amounts(D("1.23456789012345678"), D("0.019"), "CAD")
    assert found.unit_amount_cents == 1
    assert found.precise_unit_amount == D("0.019")
    assert found.precise_amount_cents == D("123.456789012345678")


def test_pricing_units_round_in_their_own_unit_first() -> None:
    found = amounts(D("1.005"), D("1.005"), "CAD", PricingUnit(conversion_rate=D("0.5")))
    assert (found.amount_cents, found.precise_amount_cents) == (51, D("50.5"))
    assert found.precise_unit_amount == D("0.5025")


# --- what becomes a fee ---


def test_a_fee_explains_itself() -> None:
    (fee,) = fees(events("2", "3.5"), charge(properties={"amount": "0.3"}))
    assert (fee.units, fee.events_count, fee.amount_cents, fee.precise_amount_cents) == (D("5.5"), 2, 165, 165)
    assert [(step.units, step.unit_price, step.amount) for step in fee.steps] == [(D("5.5"), D("0.3"), D("1.65"))]


def test_negative_units_give_a_fee_of_nothing_that_keeps_its_events() -> None:
    (fee,) = fees(events("2", "-3"), charge())
    assert (fee.units, fee.amount_cents, fee.events_count) == (0, 0, 2)


def test_no_usage_no_fee() -> None:
    assert fees([], charge()) == ()


def test_a_flat_fee_is_billed_without_usage() -> None:
    ranges = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "7"}]
    (fee,) = fees([], charge("graduated", {"graduated_ranges": ranges}))
    assert (fee.amount_cents, fee.units) == (700, 0)


def test_an_empty_window_bills_nothing() -> None:
    ranges = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "7"}]
    instant = replace(WINDOW, charges_to=START)
    assert fees([], charge("graduated", {"graduated_ranges": ranges}), window=instant) == ()


def test_amounts_beyond_lagos_integers_are_refused() -> None:
    with pytest.raises(RerateRefused) as refused:
        fees(events("9" * 20), charge())
    assert refused.value.reason == "amount_out_of_range"


def test_not_invoiceable_charges_are_not_on_the_invoice() -> None:
    assert fees(events("1"), charge(invoiceable=False)) == ()


def test_metered_pay_in_advance_charges_are_not_on_the_periodic_invoice() -> None:
    assert fees(events("1"), charge(pay_in_advance=True)) == ()


def test_recurring_pay_in_advance_is_renewed_unless_the_subscription_ends() -> None:
    renewed = charge(pay_in_advance=True)
    recurring = metric(recurring=True)
    assert [fee.units for fee in fees(events("4"), renewed, recurring)] == [4]
    assert fees(events("4"), renewed, recurring, replace(WINDOW, terminated=True)) == ()


def test_recurring_units_roll_over_to_the_plan_of_an_upgrade() -> None:
    upgraded = replace(WINDOW, terminated=True, terminated_by_upgrade=True, next_metrics=frozenset({"m"}))
    recurring = metric(recurring=True)
    assert fees(events("4"), charge(), recurring, upgraded) == ()
    elsewhere = replace(upgraded, next_metrics=frozenset({"other"}))
    assert [fee.units for fee in fees(events("4"), charge(), recurring, elsewhere)] == [4]
    assert len(fees(events("4"), charge(), metric(), upgraded)) == 1, "metered usage stays with the old plan"


def test_rounding_of_the_metric_comes_before_the_price() -> None:
    measured = metric(rounding_function="ceil", rounding_precision=0)
    assert [fee.units for fee in fees(events("1.2", "1.1"), charge(), measured)] == [3]


def test_an_unknown_rounding_is_refused() -> None:
    with pytest.raises(RerateRefused) as refused:
        fees(events("1"), charge(), metric(rounding_function="banker"))
    assert refused.value.reason == "unknown_rounding"


# --- charge minimum ---


@pytest.mark.parametrize(
    ("minimum", "used", "start_day", "upgrade", "expected"),
    [
        (1000, 800, 4, False, 93),
        (10000, 7000, 4, False, 1929),
        (1000, 1000, 1, False, None),
        (1000, 999, 1, False, 1),
        (1000, 0, 1, True, 964),
    ],
)
def test_minimum_for_the_days_of_the_window(
    minimum: int, used: int, start_day: int, upgrade: bool, expected: int | None
) -> None:
    window = replace(WINDOW, charges_from=START.replace(day=start_day), terminated_by_upgrade=upgrade)
    found = true_up(window, minimum, used, D(used))
    assert (found and found.amount_cents) == expected


def test_true_up_belongs_to_the_fee_without_filter() -> None:
    filtered = charge(
        min_amount_cents=1000,
        filters=(ChargeFilter(lago_id="f", properties={"amount": "2"}, values={"region": ("eu",)}),),
    )
    measured = metric(filters=(MetricFilter(key="region", values=("eu", "us")),))
    used = events({"value": "1", "region": "eu"})
    first, default, extra = fees(used, filtered, measured)
    assert (first.filter_position, first.amount_cents) == (0, 200)
    assert (default.filter, default.units) == (None, 0), "kept although empty: the true-up hangs on it"
    assert (extra.true_up, extra.true_up_parent, extra.amount_cents, extra.units) == (True, 1, 800, 1)


def test_no_true_up_above_the_minimum_nor_in_advance() -> None:
    assert [fee.true_up for fee in fees(events("20"), charge(min_amount_cents=1000))] == [False]
    renewed = charge(pay_in_advance=True, min_amount_cents=1000)
    assert [fee.true_up for fee in fees(events("1"), renewed, metric(recurring=True))] == [False]


# --- pay in advance ---


def advance(used: Sequence[Event], priced: Charge, measured: BillableMetric | None = None) -> list[tuple[Any, int]]:
    demand = Demand(window=WINDOW, charge=replace(priced, pay_in_advance=True), metric=measured or metric())
    with EventSource.from_events(used) as source:
        return [(fee.units, fee.amount_cents) for fee in pay_in_advance_fees(source, demand)]


def test_each_event_is_charged_what_it_adds() -> None:
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "5"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "2", "flat_amount": "3"},
    ]
    tiered = charge("graduated", {"graduated_ranges": ranges})
    assert advance(events("4", "6", "1"), tiered) == [(4, 900), (6, 600), (1, 500)]


def test_a_prorated_event_costs_its_days_to_the_end_rounded_up_to_five_decimals() -> None:
    """10 units from the 2nd to the 28th are 9.64286 of a month, 7 from the 3rd on 6.5: at 3.00 each."""
    priced, measured = charge(properties={"amount": "3"}, prorated=True), metric(recurring=True)
    assert advance(events("10", "7"), priced, measured) == [(10, 2893), (7, 1950)]


def test_each_event_of_a_dynamic_charge_costs_what_it_says() -> None:
    """Of an event whose amount is not known it is nothing, whatever those before it cost."""
    used = [
        replace(event, precise_total_amount_cents=cents)
        for event, cents in zip(events("4", "6", "1", "2"), (D("150.4"), D(7), None, D("2.5")), strict=True)
    ]
    assert advance(used, charge("dynamic", {})) == [(4, 150), (6, 7), (1, 0), (2, 3)]


def test_only_what_lifts_the_total_above_its_maximum_is_charged() -> None:
    assert advance(events("10", "-5", "3", "7"), charge()) == [(10, 1000), (0, 0), (3, 0), (5, 500)]


def test_a_value_that_is_there_already_is_not_charged_again() -> None:
    assert advance(events("a", "a", "b"), charge(), metric("unique_count_agg")) == [(1, 100), (0, 0), (1, 100)]


def test_rounding_happens_per_event() -> None:
    assert advance(events("1", "1"), charge(properties={"amount": "0.005"})) == [(1, 1), (1, 1)]


def test_blank_values_make_no_fee_unless_events_are_counted() -> None:
    used = events(" ", {}, "1")
    assert advance(used, charge()) == [(1, 100)]
    assert advance(used, charge(), metric("count_agg")) == [(1, 100)] * 3


def test_the_filter_with_most_keys_takes_the_event() -> None:
    filtered = charge(
        filters=(
            ChargeFilter(lago_id="a", properties={"amount": "2"}, values={"region": ("eu",)}),
            ChargeFilter(lago_id="b", properties={"amount": "3"}, values={"region": ("eu",), "tier": ("gold",)}),
        )
    )
    declared = (MetricFilter(key="region", values=("eu",)), MetricFilter(key="tier", values=("gold",)))
    used = events(
        {"value": "1", "region": "eu"}, {"value": "1", "region": "eu", "tier": "gold"}, {"value": "1", "region": "us"}
    )
    assert advance(used, filtered, metric(filters=declared)) == [(1, 200), (1, 300), (1, 100)]


HUGE = ("9" * 70, 10**30, "1" * 150, "0." + "1" * 150, f"-{'9' * 90}")


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("model", ["standard", "percentage", "graduated", "volume", "package"])
@pytest.mark.parametrize("kind", ["sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"])
@pytest.mark.parametrize("advance", [False, True])
def test_usage_of_more_digits_than_any_amount_is_a_fee_or_a_named_refusal(
    kind: str, model: str, value: object, advance: bool
) -> None:
    """And no end of the month's reconcile."""
    rounding = {"rounding_function": "round", "rounding_precision": 2} if kind == "sum_agg" else {}
    priced = charge(model, PRICES[model], pay_in_advance=advance)
    measured = metric(kind, **rounding)
    demand = Demand(window=WINDOW, charge=priced, metric=measured)
    with EventSource.from_events(events(value, 1)) as source:
        try:
            found = (pay_in_advance_fees if advance else _in_arrears)(source, demand)
        except RerateRefused as refused:
            assert refused.reason.endswith(("out_of_range", "unsupported_aggregation", "without_range"))
        else:
            assert all(abs(fee.amount_cents) < 2**63 for fee in found)


def _in_arrears(source: EventSource, demand: Demand) -> tuple[ChargeFee, ...]:
    return charge_fees(demand.window, demand.charge, demand.metric, source)


PRICES: dict[str, dict[str, Any]] = {
    "standard": {"amount": "0.123456789"},
    "percentage": {"rate": "1.5", "fixed_amount": "1"},
    "package": {"amount": "3", "package_size": 7, "free_units": 1},
    "graduated": {
        "graduated_ranges": [
            {"from_value": 0, "to_value": 10, "per_unit_amount": "0.3", "flat_amount": "0"},
            {"from_value": 11, "to_value": None, "per_unit_amount": "0.123456789", "flat_amount": "2"},
        ]
    },
    "volume": {"volume_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "0.7", "flat_amount": "0"}]},
}


# --- what Lago can store ---


@pytest.mark.parametrize(
    ("price", "units", "fits"),
    [
        ("999999999999999.5", "1", True),  # numeric(30,15)
        ("1000000000000000", "0.001", False),
        ("1", "92233720368547758.07", True),  # a bigint of cents
        ("1", "92233720368547758.08", False),
    ],
)
def test_amounts_and_prices_that_lagos_columns_cannot_hold_are_refused(price: str, units: str, fits: bool) -> None:
    used, priced = events(units), charge(properties={"amount": price})
    if fits:
        assert len(fees(used, priced)) == 1
        return
    with pytest.raises(RerateRefused) as refused:
        fees(used, priced)
    assert refused.value.reason in ("amount_out_of_range", "unit_price_out_of_range")


@pytest.mark.parametrize(
    ("current", "prorated", "in_advance", "shown"),
    [
        (False, False, False, 2),
        (False, True, False, 4),  # without proration
        (True, False, False, 2),
        (True, True, False, 3),
        (True, False, True, 3),
    ],
)
def test_the_units_that_a_fee_shows(current: bool, prorated: bool, in_advance: bool, shown: int) -> None:
    window, priced = replace(WINDOW, current_usage=current), charge(prorated=prorated, pay_in_advance=in_advance)
    found = Aggregation(units=D(2), current_usage_units=D(3), full_units=D(4))
    assert billed_units(Demand(window=window, charge=priced, metric=metric()), found) == shown
    none = Aggregation(units=D(2))
    assert billed_units(Demand(window=window, charge=priced, metric=metric()), none) == 2
