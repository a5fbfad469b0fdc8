"""Lago's billing calendar: worked dates, and what must hold for every period."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.period import (
    Contract,
    Cycle,
    LastInvoice,
    Window,
    boundaries,
    day_end,
    day_start,
    days_between,
    final_boundaries,
    round_to_second,
    run_at,
    trial_end,
    yearly_cents,
)
from reconcile.rerate.lago_calendar import billing_days

INTERVALS = ("weekly", "monthly", "quarterly", "semiannual", "yearly")
ZONES = ("UTC", "America/New_York", "America/Los_Angeles", "Europe/Paris", "Asia/Kolkata", "Pacific/Auckland")
DAYS = st.dates(date(2019, 1, 1), date(2032, 12, 31))
CYCLES = st.builds(Cycle, interval=st.sampled_from(INTERVALS), anchor=st.none() | DAYS)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def contract(start: str, **changes: object) -> Contract:
    moment = at(start)
    plain = Contract(
        interval="monthly",
        anniversary=False,
        pay_in_advance=False,
        timezone="UTC",
        subscription_at=moment,
        started_at=moment,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def span(window: Window | None) -> tuple[str, str] | None:
    return (f"{window.start:%Y-%m-%d %H:%M}", f"{window.end:%Y-%m-%d %H:%M:%S}") if window else None


@given(cycle=CYCLES, day=DAYS)
def test_every_day_lies_in_its_period(cycle: Cycle, day: date) -> None:
    first = cycle.start(day)
    assert first <= day <= cycle.end(first)
    assert cycle.start(first) == first
    assert cycle.days(day) == (cycle.end(first) - first).days + 1


@given(cycle=CYCLES, day=DAYS)
def test_periods_tile_without_gap_or_overlap(cycle: Cycle, day: date) -> None:
    end = cycle.end(cycle.start(day))
    assert cycle.start(end) == cycle.start(day)
    assert cycle.start(end + timedelta(days=1)) == end + timedelta(days=1)


@given(cycle=CYCLES, day=DAYS)
def test_a_billing_day_closes_the_period_before(cycle: Cycle, day: date) -> None:
    billing_day = cycle.end(cycle.start(day)) + timedelta(days=1)
    assert cycle.start(cycle.before(billing_day)) == cycle.start(day)


def day(text: str) -> date:
    return date.fromisoformat(text)


# interval, anchor, a day, first and last day of its period
KNOWN = [
    ("weekly", None, "2024-05-15", "2024-05-13", "2024-05-19"),
    ("weekly", None, "2024-05-13", "2024-05-13", "2024-05-19"),
    ("weekly", "2023-01-05", "2024-05-15", "2024-05-09", "2024-05-15"),
    ("weekly", "2023-01-05", "2024-05-16", "2024-05-16", "2024-05-22"),
    ("monthly", None, "2024-02-29", "2024-02-01", "2024-02-29"),
    ("monthly", "2023-01-31", "2023-02-27", "2023-01-31", "2023-02-27"),
    ("monthly", "2023-01-31", "2023-02-28", "2023-02-28", "2023-03-30"),
    ("monthly", "2023-01-15", "2023-02-14", "2023-01-15", "2023-02-14"),
    ("monthly", "2023-01-15", "2023-02-15", "2023-02-15", "2023-03-14"),
    ("quarterly", None, "2024-06-30", "2024-04-01", "2024-06-30"),
    ("quarterly", "2023-11-30", "2024-02-28", "2023-11-30", "2024-02-28"),
    ("quarterly", "2023-11-30", "2024-02-29", "2024-02-29", "2024-05-29"),
    ("quarterly", "2024-02-10", "2024-04-15", "2024-02-10", "2024-05-09"),
    ("semiannual", None, "2024-07-01", "2024-07-01", "2024-12-31"),
    ("semiannual", "2024-08-31", "2025-02-27", "2024-08-31", "2025-02-27"),
    ("semiannual", "2024-08-31", "2025-02-28", "2025-02-28", "2025-08-30"),
    ("yearly", None, "2024-12-31", "2024-01-01", "2024-12-31"),
    ("yearly", "2024-02-29", "2025-02-27", "2024-02-29", "2025-02-27"),
    ("yearly", "2024-02-29", "2025-02-28", "2025-02-28", "2026-02-27"),
    ("yearly", "2023-06-15", "2024-06-14", "2023-06-15", "2024-06-14"),
]


@pytest.mark.parametrize(("interval", "anchor", "inside", "first", "last"), KNOWN)
def test_known_periods(interval: str, anchor: str | None, inside: str, first: str, last: str) -> None:
    cycle = Cycle(interval=interval, anchor=day(anchor) if anchor else None)
    assert cycle.start(day(inside)) == day(first)
    assert cycle.end(day(first)) == day(last)
    assert cycle.start(cycle.before(day(last) + timedelta(days=1))) == day(first)


# asked from within a period: Lago's older day prices did so
WITHIN = [
    ("weekly", None, "2024-05-15", "2024-05-19"),
    ("weekly", "2023-01-05", "2024-05-15", "2024-05-21"),
    ("quarterly", None, "2024-05-20", "2024-06-30"),
    ("quarterly", "2024-01-01", "2024-05-20", "2024-06-30"),
    ("quarterly", "2024-04-01", "2024-05-20", "2024-06-30"),
    ("quarterly", "2024-01-02", "2024-05-20", "2024-08-01"),
    ("quarterly", "2024-02-01", "2024-05-20", "2024-07-31"),
    ("quarterly", "2024-04-15", "2024-05-20", "2024-08-14"),
    ("yearly", "2024-01-01", "2024-05-20", "2024-12-31"),
]


@pytest.mark.parametrize(("interval", "anchor", "inside", "last"), WITHIN)
def test_end_counted_from_within(interval: str, anchor: str | None, inside: str, last: str) -> None:
    assert Cycle(interval=interval, anchor=day(anchor) if anchor else None).end(day(inside)) == day(last)


LENGTHS = {"weekly": (7, 7), "monthly": (28, 31), "quarterly": (89, 92), "semiannual": (181, 184), "yearly": (365, 366)}


@given(cycle=CYCLES, day=DAYS)
def test_periods_have_the_length_of_their_interval(cycle: Cycle, day: date) -> None:
    shortest, longest = LENGTHS[cycle.interval]
    assert shortest <= cycle.days(day) <= longest


@given(start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=400)), zone=st.sampled_from(ZONES))
def test_days_do_not_know_of_clock_changes(start: datetime, length: timedelta, zone: str) -> None:
    """Counted on the local clock: the same as in a zone that never changes."""
    end = start + length
    local_start, local_end = (m.astimezone(run_zone(zone)).replace(tzinfo=UTC) for m in (start, end))
    assert days_between(start, end, zone) == days_between(local_start, local_end, "UTC")


def run_zone(name: str) -> object:
    from mappings.period import zone_of

    return zone_of(name)


@given(day=DAYS, count=st.integers(0, 800), zone=st.sampled_from(ZONES))
def test_whole_days_count_one_each(day: date, count: int, zone: str) -> None:
    last = day + timedelta(days=count)
    assert days_between(day_start(day, zone), day_end(last, zone), zone) == count + 1


def test_days_any_started_day_is_one() -> None:
    noon = at("2024-03-10T12:00:00+00:00")
    assert days_between(noon, noon, "UTC") == 0
    assert days_between(noon, noon + timedelta(microseconds=1), "UTC") == 1
    assert days_between(noon, noon + timedelta(days=1), "UTC") == 1
    assert days_between(noon, noon + timedelta(days=1, microseconds=1), "UTC") == 2
    midnight = at("2024-03-11T00:00:00+00:00")
    assert days_between(at("2024-03-10T00:00:00+00:00"), midnight, "UTC") == 2, (
        "an end at local midnight counts its day"
    )


@settings(max_examples=60)
@given(
    start=MOMENTS,
    after=st.timedeltas(timedelta(hours=1), timedelta(days=900)),
    interval=st.sampled_from(INTERVALS),
    anniversary=st.booleans(),
    in_advance=st.booleans(),
    zone=st.sampled_from(ZONES),
)
def test_windows_stay_within_the_subscription(
    start: datetime, after: timedelta, interval: str, anniversary: bool, in_advance: bool, zone: str
) -> None:
    mine = contract(
        start.isoformat(), interval=interval, anniversary=anniversary, pay_in_advance=in_advance, timezone=zone
    )
    found = boundaries(mine, start + after)
    assert found.charges is not None
    assert start <= found.charges.start <= found.charges.end
    assert found.subscription.start >= day_start(start.astimezone(run_zone(zone)).date(), zone)  # type: ignore[arg-type]
    ended = boundaries(replace(mine, terminated_at=start + after), start + after)
    assert ended.charges is not None
    assert ended.charges.end <= start + after


# billing at, base fee, usage: from Lago's own specs
WORKED = [
    ("2024-01-31T01:00+00:00", True, False, "2024-02-29", ("2024-01-31 00:00", "2024-02-28 23:59:59"), "01:00"),
    ("2024-01-31T01:00+00:00", True, False, "2024-03-31", ("2024-02-29 00:00", "2024-03-30 23:59:59"), "00:00"),
    ("2024-01-31T01:00+00:00", True, False, "2024-04-30", ("2024-03-31 00:00", "2024-04-29 23:59:59"), "00:00"),
    ("2024-01-30T00:00+00:00", True, True, "2024-02-29", ("2024-02-29 00:00", "2024-03-29 23:59:59"), "00:00"),
    ("2024-01-30T00:00+00:00", True, True, "2024-03-30", ("2024-03-30 00:00", "2024-04-29 23:59:59"), "00:00"),
    ("2022-01-01T00:00+00:00", False, False, "2022-03-01", ("2022-02-01 00:00", "2022-02-28 23:59:59"), "00:00"),
]


@pytest.mark.parametrize(("start", "anniversary", "in_advance", "day", "base", "usage_hour"), WORKED)
def test_worked_months(
    start: str, anniversary: bool, in_advance: bool, day: str, base: tuple[str, str], usage_hour: str
) -> None:
    found = boundaries(contract(start, anniversary=anniversary, pay_in_advance=in_advance), at(f"{day}T00:00+00:00"))
    assert span(found.subscription) == base
    assert found.charges is not None
    assert f"{found.charges.start:%H:%M}" == usage_hour
    assert found.charges.end.microsecond == 999_999


def test_a_plan_in_advance_bills_the_usage_of_the_period_before() -> None:
    found = boundaries(
        contract("2024-01-30T00:00+00:00", anniversary=True, pay_in_advance=True), at("2024-02-29T00:00Z")
    )
    assert span(found.charges) == ("2024-01-30 00:00", "2024-02-28 23:59:59")
    assert (found.subscription_days, found.charges_days) == (30, 30)


def test_the_local_day_decides() -> None:
    new_york = contract("2021-12-01T00:00+00:00", timezone="America/New_York")
    found = boundaries(new_york, at("2022-03-01T00:00Z"))  # there it is 28 February
    assert span(found.subscription) == ("2022-01-01 05:00", "2022-02-01 04:59:59")


def test_first_usage_starts_at_the_second_and_the_base_fee_at_midnight() -> None:
    found = boundaries(contract("2024-05-10T14:30:05+00:00"), at("2024-06-01T00:10Z"))
    assert span(found.subscription) == ("2024-05-10 00:00", "2024-05-31 23:59:59")
    assert found.charges == Window(at("2024-05-10T14:30:05Z"), found.subscription.end)


def test_termination_cuts_both_windows() -> None:
    ended = at("2024-05-20T10:15:30.600000+00:00")
    found = boundaries(contract("2024-01-01T00:00Z", terminated_at=ended), at("2024-05-20T10:15:31Z"))
    assert found.subscription == Window(at("2024-05-01T00:00Z"), at("2024-05-20T10:15:31Z")), "rounded to the second"
    assert found.charges == Window(at("2024-05-01T00:00Z"), ended), "usage to the microsecond"


def test_a_termination_is_seen_from_its_rounded_second_on() -> None:
    ended = contract("2024-01-01T00:00Z", terminated_at=at("2024-05-20T10:15:30.500000+00:00"))
    assert not ended.terminated_by(at("2024-05-20T10:15:30.999999+00:00"))
    assert ended.terminated_by(at("2024-05-20T10:15:31Z"))
    assert round_to_second(at("2024-05-20T10:15:30.499999+00:00")) == at("2024-05-20T10:15:30Z")


def test_terminated_by_a_downgrade_is_billed_its_full_last_period() -> None:
    down = contract(
        "2024-01-01T00:00Z", terminated_at=at("2024-06-01T00:10Z"), yearly_cents=12000, next_yearly_cents=11999
    )
    assert down.downgraded
    found = boundaries(down, at("2024-06-01T00:10Z"))
    assert span(found.subscription) == ("2024-05-01 00:00", "2024-05-31 23:59:59")
    same_price = replace(down, next_yearly_cents=12000)
    assert same_price.upgraded, "an equal price counts as an upgrade"
    assert span(boundaries(same_price, at("2024-06-01T00:10Z")).subscription) == (
        "2024-06-01 00:00",
        "2024-06-01 00:10:00",
    )


def test_terminated_on_the_billing_day_the_period_before_is_billed() -> None:
    ended = contract("2024-01-01T00:00Z", terminated_at=at("2024-06-01T05:00Z"))
    assert span(final_boundaries(ended, at("2024-06-01T05:00Z")).subscription) == (
        "2024-05-01 00:00",
        "2024-05-31 23:59:59",
    )
    later = replace(ended, terminated_at=at("2024-06-02T00:00Z"))
    assert span(final_boundaries(later, at("2024-06-02T00:00Z")).subscription) == (
        "2024-06-01 00:00",
        "2024-06-02 00:00:00",
    )
    new = replace(ended, started_at=at("2024-05-31T06:00Z"))
    assert final_boundaries(new, at("2024-06-01T05:00Z")).subscription.end == at("2024-06-01T05:00Z"), "under a day old"
    a_day_old = replace(ended, started_at=at("2024-05-31T05:00Z"))
    assert final_boundaries(a_day_old, at("2024-06-01T05:00Z")).subscription.end < at("2024-06-01T00:00Z")


@pytest.mark.parametrize(
    ("day", "is_billed", "is_first"),
    [("2024-06-01", False, False), ("2025-01-01", True, True), ("2025-02-01", False, False)],
)
def test_the_family_that_is_not_monthly_waits_for_the_first_month(day: str, is_billed: bool, is_first: bool) -> None:
    yearly = contract("2024-03-05T00:00Z", interval="yearly", charges_monthly=True)
    found = boundaries(yearly, at(f"{day}T00:00Z"))
    assert found.charges is not None
    assert found.charges_days == (31 if day != "2024-03-01" else 29)
    assert (found.fixed_charges is not None) is is_billed
    assert run_at(yearly, at(f"{day}T00:00Z")).in_first_month() is is_first


def test_monthly_parts_do_not_matter_for_a_monthly_plan() -> None:
    assert boundaries(contract("2024-03-05T00:00Z", charges_monthly=True), at("2024-06-01T00:00Z")).fixed_charges


def test_first_month_of_the_very_first_period() -> None:
    half_year = contract("2024-03-15T00:00Z", interval="semiannual", anniversary=True)
    assert run_at(half_year, at("2024-03-20T00:00Z")).in_very_first_month()
    assert run_at(half_year, at("2024-09-20T00:00Z")).in_first_month()
    assert not run_at(half_year, at("2024-09-20T00:00Z")).in_very_first_month()
    assert not run_at(half_year, at("2025-03-20T00:00Z")).in_very_first_month()


def test_usage_goes_on_where_it_ended_when_the_time_zone_changed() -> None:
    last_end = at("2024-05-31T21:59:59.999999+00:00")  # midnight in Paris
    moved = contract("2024-01-01T00:00Z", timezone="America/New_York")
    at_run = at("2024-07-01T05:00Z")
    last = LastInvoice(timezone="Europe/Paris", charges_to=last_end, fixed_charges_to=None)
    found = boundaries(moved, at_run, last_invoice=last)
    assert found.charges is not None
    assert found.fixed_charges is not None
    assert found.charges.start == last_end + timedelta(seconds=1)
    assert found.fixed_charges.start == at("2024-06-01T04:00Z"), "nothing known of its last end"
    same = boundaries(moved, at_run, last_invoice=replace(last, timezone="America/New_York"))
    assert same.charges is not None
    assert same.charges.start == at("2024-06-01T04:00Z")
    long_ago = replace(last, charges_to=at("2024-05-31T01:59:58.999999+00:00"))
    far = boundaries(moved, at_run, last_invoice=long_ago)
    assert far.charges is not None
    assert far.charges.start == at("2024-06-01T04:00Z"), "26 hours is the widest gap between two zones"


def test_a_day_that_the_clock_jumps_over_begins_with_its_first_instant() -> None:
    """In Santiago midnight did not exist on 11 September 2022."""
    assert day_start(date(2022, 9, 11), "America/Santiago") == at("2022-09-11T04:00Z")


def test_yearly_price_weighs_the_intervals() -> None:
    assert [yearly_cents(interval, 100) for interval in INTERVALS] == [5200, 1200, 400, 200, 100]


MAY, APRIL = ("2024-05-01 00:00", "2024-05-20 10:00:00"), ("2024-04-01 00:00", "2024-04-30 23:59:59")


@pytest.mark.parametrize(
    ("in_advance", "following", "usage"),
    [(False, None, MAY), (True, None, MAY), (False, 20, MAY), (True, 20, APRIL), (False, 5, APRIL), (True, 5, APRIL)],
)
def test_usage_of_an_ended_subscription(in_advance: bool, following: int | None, usage: tuple[str, str]) -> None:
    """The running period, unless something follows: then in advance, or after a downgrade, the one before."""
    ended = contract(
        "2024-01-01T00:00Z",
        pay_in_advance=in_advance,
        terminated_at=at("2024-05-20T10:00Z"),
        yearly_cents=10,
        next_yearly_cents=following,
    )
    assert span(boundaries(ended, at("2024-05-20T10:00Z")).charges) == usage


def test_what_follows_decides_between_up_and_down() -> None:
    alone = contract("2024-01-01T00:00Z", yearly_cents=10)
    assert not alone.upgraded
    assert not alone.downgraded
    assert replace(alone, next_yearly_cents=10).upgraded
    assert replace(alone, next_yearly_cents=9).downgraded
    assert not replace(alone, next_yearly_cents=9).upgraded


def test_the_running_period_is_asked_for_by_name() -> None:
    mine = contract("2024-01-01T00:00Z")
    assert run_at(mine, at("2024-05-20T10:00Z")).closed_day() == date(2024, 4, 20)
    assert run_at(mine, at("2024-05-20T10:00Z"), current_usage=True).closed_day() == date(2024, 5, 20)
    assert span(boundaries(mine, at("2024-05-20T10:00Z")).charges) == APRIL
    running = boundaries(mine, at("2024-05-20T10:00Z"), current_usage=True)
    assert span(running.charges) == ("2024-05-01 00:00", "2024-05-31 23:59:59")


def test_an_end_on_the_last_microsecond_is_not_rounded_up() -> None:
    last = day_end(date(2024, 5, 31), "UTC")
    ended = contract("2024-01-01T00:00Z", terminated_at=last, yearly_cents=10, next_yearly_cents=5)
    assert boundaries(ended, at("2024-06-01T00:10Z")).subscription.end == last


def test_a_monthly_family_ends_by_the_utc_day() -> None:
    """Ended later on the UTC day of the run: the monthly part is billed as if it went on."""
    yearly = contract("2024-01-01T00:00Z", interval="yearly", charges_monthly=True)
    ended = replace(yearly, terminated_at=at("2024-05-20T10:00Z"))
    assert span(boundaries(ended, at("2024-05-20T10:00Z")).charges) == APRIL
    at_midnight = replace(yearly, terminated_at=at("2024-05-20T00:00Z"))
    assert span(boundaries(at_midnight, at("2024-05-20T00:00Z")).charges) == ("2024-05-01 00:00", "2024-05-20 00:00:00")


@pytest.mark.parametrize("running", [False, True])
def test_fixed_charges_wait_even_in_the_running_period(running: bool) -> None:
    usage_monthly = contract("2024-01-01T00:00Z", interval="yearly", charges_monthly=True)
    assert boundaries(usage_monthly, at("2024-05-20T00:00Z"), current_usage=running).fixed_charges is None
    fixed_monthly = contract("2024-01-01T00:00Z", interval="yearly", fixed_charges_monthly=True)
    found = boundaries(fixed_monthly, at("2024-05-20T00:00Z"), current_usage=running)
    assert (found.charges is not None) is running


def test_an_end_that_is_to_come_does_not_cut_the_running_period() -> None:
    mine = contract("2024-01-01T00:00Z", terminated_at=at("2024-02-20T12:00Z"))
    running = boundaries(mine, at("2024-02-10T00:00Z"), current_usage=True)
    assert span(running.charges) == ("2024-02-01 00:00", "2024-02-29 23:59:59")


def test_only_the_family_that_is_monthly_is_billed_by_the_month() -> None:
    mine = contract("2023-01-01T00:00Z", interval="yearly", charges_monthly=True)
    closing = boundaries(mine, at("2024-01-01T00:10Z"))
    assert span(closing.charges) == ("2023-12-01 00:00", "2023-12-31 23:59:59")
    assert span(closing.fixed_charges) == ("2023-01-01 00:00", "2023-12-31 23:59:59")
    assert (closing.charges_days, closing.fixed_charges_days) == (31, 365)


@pytest.mark.parametrize(("days", "end"), [("14", "2026-05-15T04:30:00Z"), ("0.5", "2026-05-01T16:30:00Z")])
def test_a_trial_ends_so_many_days_of_24_hours_later(days: str, end: str) -> None:
    assert trial_end(datetime(2026, 5, 1, 4, 30, tzinfo=UTC), Decimal(days)) == datetime.fromisoformat(end)


def test_a_trial_of_more_days_than_a_date_holds_ends_in_a_hundred_years() -> None:
    begin = datetime(2026, 5, 1, tzinfo=UTC)
    assert trial_end(begin, Decimal("1e30")) == begin + timedelta(days=36_525)


def test_a_longer_plan_is_billed_monthly_for_any_part_of_it() -> None:
    """Charges, fixed charges or both; the usage of one whose fixed charges alone are monthly waits for its end."""
    yearly = contract("2024-01-01T00:00Z", interval="yearly")
    days = {
        name: [str(d) for d in islice(billing_days(replace(yearly, **{name: True}), day("2024-05-20")), 2)]
        for name in ("charges_monthly", "fixed_charges_monthly")
    }
    assert list(days.values()) == [["2024-06-01", "2024-07-01"]] * 2
    assert next(billing_days(yearly, day("2024-05-20"))) == day("2025-01-01")
    fixed = replace(yearly, fixed_charges_monthly=True)
    assert boundaries(fixed, at("2024-06-01T01:00Z")).charges is None
    assert boundaries(fixed, at("2025-01-01T01:00Z")).charges is not None
