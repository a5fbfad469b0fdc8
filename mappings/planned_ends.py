"""Ends that are planned in Lago (``ending_at``), and that Lago will bill wrongly or has missed. Pure.

Lago ends a subscription at the first run of the local day of ``ending_at``, whatever its hour, and bills right where
that day begins a period of its plan. Each other end is a named gap before the migration, with what it costs where the
record tells, and the way out: it can be corrected in Lago until that day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mappings.context import Context, Problem
from mappings.contracts import running_contract
from mappings.money import round_half_up, told_money
from mappings.period import Contract, day_start, local_date
from mappings.records import Plan, Subscription

MISSED, WRONG, UNPLANNED = "end_missed", "end_billed_wrongly", "planned_end"
_DAY = timedelta(days=1)


def planned_end_gaps(context: Context, subscription: Subscription, plan: Plan) -> Iterator[Problem]:
    """What is wrong with the end of a running subscription, if one is planned."""
    ends_at = subscription.ending_at
    if ends_at is None:
        return
    if context.target.subscriptions == "oca":
        yield Problem(UNPLANNED, f"ends on {ends_at:%Y-%m-%d}, which subscription_oca cannot plan")
    timezone = context.customers[subscription.lago_customer_id].applicable_timezone
    if local_date(ends_at, timezone) < local_date(context.snapshot.taken_at, timezone):
        detail = f"was to end on {local_date(ends_at, timezone)}, and Lago's job missed that day: it goes on for ever"
        yield Problem(MISSED, f"{detail}; end it in Lago, or take its ending_at away")
    else:
        yield from _wrong(subscription, plan, ends_at, timezone)


def _wrong(subscription: Subscription, plan: Plan, ends_at: datetime, timezone: str) -> Iterator[Problem]:
    day = local_date(ends_at, timezone)
    contract = running_contract(subscription, plan, timezone)
    begins = contract.cycle().start(day)
    told = list(_late_hours(ends_at, day_start(day, timezone)))
    told += _at_boundary(plan) if begins == day else _inside(plan, contract, day)
    if told:
        following = day_start(contract.cycle().end(begins) + _DAY, timezone).astimezone(UTC)
        instead = f"its next period begins at {following:%Y-%m-%dT%H:%M:%SZ}: ending_at there is billed right"
        if begins == day:
            instead = (
                f"ending_at at {day_start(day, timezone).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} is where its period ends"
            )
        yield Problem(WRONG, f"ends on {day}: {'; '.join(told)}; {instead}")


def _late_hours(ends_at: datetime, midnight: datetime) -> Iterator[str]:
    """Lago's fault L3: the hours of the last day."""
    if ends_at > midnight:
        hour = midnight.astimezone(UTC)
        yield f"Lago ends it at the first run after {hour:%H:%M} UTC of that day, and bills no usage after that"


def _at_boundary(plan: Plan) -> Iterator[str]:
    """L8: a commitment in advance is not trued up for the last period."""
    if plan.pay_in_advance and plan.minimum_commitment is not None:
        yield lacking_commitment(plan)


def lacking_commitment(plan: Plan) -> str:
    """What the end of a plan in advance with a minimum commitment costs (Lago's fault L8)."""
    cents = plan.minimum_commitment.amount_cents if plan.minimum_commitment else 0
    minimum = told_money(cents, plan.amount_currency)
    return f"Lago does not bill what the last period lacks of its minimum of {minimum}: bill it by hand"


def _inside(plan: Plan, contract: Contract, day: date) -> Iterator[str]:
    """L1 and L2: long plans with parts billed monthly."""
    if not (contract.splits and contract.charges_monthly):
        return
    if contract.monthly_cycle().start(day) != day:
        yield "Lago bills the usage of the month before again, and never that of the last one"
    elif not plan.pay_in_advance:
        yield f"Lago bills one day of its base fee, and not {_lost(plan, contract, day)}"


def _lost(plan: Plan, contract: Contract, day: date) -> str:
    """The base fee from the second day of the running period to the day before the end."""
    begins = contract.cycle().start(day)
    days = (day - max(begins, local_date(contract.started_at, contract.timezone))).days - 1
    cents = round_half_up(Decimal(plan.amount_cents) * days / contract.cycle().days(begins))
    return f"the other {days} days ({told_money(int(cents), plan.amount_currency)})"
