"""Areas of the billing calendar: dates, date_diff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mappings import period

Case = dict[str, Any]


def moment(text: str) -> datetime:
    """ISO-8601 of a vector as an aware UTC datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def contract_of(case: Mapping[str, Any]) -> period.Contract:
    plan, subscription = case["plan"], case["subscription"]
    following = case.get("next_subscription")
    return period.Contract(
        interval=plan["interval"],
        anniversary=subscription["billing_time"] == "anniversary",
        pay_in_advance=plan["pay_in_advance"],
        timezone=case["customer"]["applicable_timezone"],
        subscription_at=moment(subscription["subscription_at"]),
        started_at=moment(subscription["started_at"] or subscription["subscription_at"]),
        terminated_at=moment(subscription["terminated_at"]) if subscription["terminated_at"] else None,
        charges_monthly=bool(plan.get("bill_charges_monthly")),
        fixed_charges_monthly=bool(plan.get("bill_fixed_charges_monthly")),
        yearly_cents=period.yearly_cents(plan["interval"], plan["amount_cents"]),
        next_yearly_cents=following
        and period.yearly_cents(following["plan"]["interval"], following["plan"]["amount_cents"]),
    )


def billing_at(case: Mapping[str, Any], timezone: str) -> datetime:
    """A billing moment without a time part is that day's local midnight."""
    text = case["billing_at"]
    if "T" in text:
        return moment(text)
    return period.day_start(datetime.fromisoformat(text).date(), timezone)


def dates(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    contract = contract_of(given)
    last = given.get("last_invoice_subscription")
    at = billing_at(given, contract.timezone)
    found = period.boundaries(
        contract,
        at,
        current_usage=given["current_usage"],
        last_invoice=last
        and period.LastInvoice(
            timezone=last["invoice_timezone"],
            charges_to=last["charges_to_datetime"] and moment(last["charges_to_datetime"]),
            fixed_charges_to=last["fixed_charges_to_datetime"] and moment(last["fixed_charges_to_datetime"]),
        ),
    )
    windows = windows_json(found)
    if given["subscription"]["started_at"] is None:
        windows |= {name: None for name in windows if name.endswith("_datetime")}
    final = windows_json(period.final_boundaries(contract, at)) if contract.terminated_at else {}
    return {
        **windows,
        **_calendar(contract, at, given["current_usage"], given["plan"]["amount_cents"]),
        "invoice_boundaries_on_termination": {name.removesuffix("_in_days"): value for name, value in final.items()},
    }


def windows_json(found: period.Boundaries) -> dict[str, Any]:
    """The six boundaries and two durations by Lago's names."""
    return {
        "from_datetime": found.subscription.start,
        "to_datetime": found.subscription.end,
        "charges_from_datetime": found.charges and found.charges.start,
        "charges_to_datetime": found.charges and found.charges.end,
        "fixed_charges_from_datetime": found.fixed_charges and found.fixed_charges.start,
        "fixed_charges_to_datetime": found.fixed_charges and found.fixed_charges.end,
        "charges_duration_in_days": found.charges_days,
        "fixed_charges_duration_in_days": found.fixed_charges_days,
    }


def _next_start(end: datetime, zone: str) -> datetime:
    """Local midnight of the day that lies 24 hours after ``end`` (so Lago adds a day: clock changes move it)."""
    return period.day_start(period.local_date(end + timedelta(days=1), zone), zone)


def _calendar(contract: period.Contract, at: datetime, current_usage: bool, amount_cents: int) -> dict[str, Any]:
    """Period marks of a run; unlike the windows they ignore when the subscription started."""
    run, zone = period.run_at(contract, at, current_usage=current_usage), contract.timezone
    cycle = run.cycle
    first = run.subscription_start()
    end = cycle.end(first)
    return {
        "next_end_of_period": period.day_end(cycle.end(cycle.start(run.day)), zone),
        "end_of_period": period.day_end(end, zone),
        "next_period_started_at": _next_start(period.day_end(end, zone), zone),
        "previous_beginning_of_period": period.day_start(cycle.start(run.closed_day()), zone),
        "current_beginning_of_period": period.day_start(cycle.start(run.day), zone),
        "single_day_price": amount_cents / cycle.days(first),
        **(_first_months(run) if contract.splits else {}),
    }


def _first_months(run: period.BillingRun) -> dict[str, bool]:
    names = ("yearly", "semiannual")
    return {
        **{f"first_month_in_{name}_period": run.in_first_month() for name in names},
        **{f"first_month_in_first_{name}_period": run.in_very_first_month() for name in names},
    }


def date_diff(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    days = period.days_between(moment(given["from_datetime"]), moment(given["to_datetime"]), given["timezone"])
    return {"days": days}


AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = {"dates": dates, "date_diff": date_diff}
