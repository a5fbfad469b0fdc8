"""The base fee of a plan: full, first, last or upgraded period (facts §3). Lago computes it in doubles; so do we."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from mappings.explain import Step, StepKind
from mappings.money import from_subunits, round_float
from mappings.period import Contract, Window, day_start, days_between, local_date, run_at, trial_end, utc_date
from mappings.ranges import DAYS
from reconcile.rating.float_column import stored
from reconcile.rating.rules import LATEST, Rules

_PERIODS: Mapping[str, StepKind] = {
    "full": StepKind.FULL_DAYS,
    "first": StepKind.FIRST_DAYS,
    "terminated": StepKind.TERMINATED_DAYS,
    "upgraded": StepKind.UPGRADED_DAYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrice:
    """What a plan costs a period, and its free days."""

    amount_cents: int
    trial_days: Decimal = Decimal(0)

    def trial_ends_at(self, initial_started_at: datetime) -> datetime:
        return trial_end(initial_started_at, self.trial_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeHistory:
    """What came before: it decides which formula applies.

    ``initial_started_at``: first start under the same external id (a trial does not restart with an upgrade).
    """

    created_at: datetime
    initial_started_at: datetime
    has_earlier_fee: bool = False  # an older base fee of this subscription exists
    has_previous: bool = False  # it replaced another subscription ...
    previous_upgraded: bool = False  # ... which was left by an upgrade
    is_first_invoice: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFee:
    """``precise_cents`` is the double before rounding. ``days`` of ``duration`` were billed; None: a full period."""

    amount_cents: int
    precise_cents: Decimal
    days: int | None
    duration: int
    formula: str  # full | first | terminated | upgraded

    def steps(self, currency: str) -> tuple[Step, ...]:
        """How it came about; amounts of steps are in units of ``currency``."""
        days, whole = Decimal(self.duration if self.days is None else self.days), Decimal(self.duration)
        return (
            Step(
                kind=_PERIODS[self.formula],
                values={"days": days, "whole": whole},
                units=days,
                amount=from_subunits(self.precise_cents, currency),
            ),
        )


def subscription_fee(
    contract: Contract,
    price: PlanPrice,
    window: Window,
    billing_at: datetime,
    history: FeeHistory,
    rules: Rules = LATEST,
) -> BaseFee:
    """The base fee of ``contract`` for ``window``, billed at ``billing_at`` (facts §3.2)."""
    formula = _formula(contract, billing_at, history)
    start, pays = _after_trial(formula, price, window, history)
    duration = _duration(contract, start, billing_at, formula, rules)
    if not pays:
        return BaseFee(amount_cents=0, precise_cents=Decimal(0), days=0, duration=duration, formula=formula)
    if formula == "full" and start == window.start:
        whole = Decimal(price.amount_cents)
        return BaseFee(
            amount_cents=price.amount_cents, precise_cents=whole, days=None, duration=duration, formula=formula
        )
    days = days_between(start, window.end, contract.timezone)
    if formula == "terminated" and contract.upgraded:
        days = max(days - 1, 0)  # the day of the upgrade belongs to the new plan
    # Lago takes the price of a day first: the order of the two operations shows in the last bits
    precise = days * (price.amount_cents / duration)
    return BaseFee(
        amount_cents=round_float(precise),
        precise_cents=stored(precise),
        days=days,
        duration=duration,
        formula=formula,
    )


def _formula(contract: Contract, billing_at: datetime, history: FeeHistory) -> str:
    terminated = contract.terminated_by(billing_at) and not contract.pay_in_advance
    if terminated and not contract.downgraded:
        return "terminated"
    if history.previous_upgraded and history.is_first_invoice:
        return "upgraded"
    return "full" if _is_full(contract, billing_at, history) else "first"


def _is_full(contract: Contract, billing_at: datetime, history: FeeHistory) -> bool:
    if contract.pay_in_advance and contract.anniversary and not history.has_previous:
        return True
    if history.has_earlier_fee:
        return True
    started_in_past = utc_date(contract.started_at) < utc_date(history.created_at)
    if not started_in_past:
        return False
    return contract.pay_in_advance or contract.started_at < _previous_start(contract, billing_at)


def _previous_start(contract: Contract, billing_at: datetime) -> datetime:
    cycle = contract.cycle()
    closed = cycle.before(local_date(billing_at, contract.timezone))
    return day_start(cycle.start(closed), contract.timezone)


def _after_trial(formula: str, price: PlanPrice, window: Window, history: FeeHistory) -> tuple[datetime, bool]:
    """From when the period is paid for, and whether any of it is.

    A full period compares the exact end of the trial. Every other one compares a date (facts §3.2): the UTC date of
    the start and the whole days of the trial. Both count from the exact end.
    """
    if not price.trial_days:
        return window.start, True
    ends_at = price.trial_ends_at(history.initial_started_at)
    last_day = utc_date(history.initial_started_at) + timedelta(days=int(min(price.trial_days, Decimal(DAYS))))
    mark = ends_at if formula == "full" else datetime.combine(last_day, time.min, UTC)
    if mark >= window.end:
        return window.start, False
    if mark <= window.start:
        return window.start, True
    return ends_at, True


def _duration(contract: Contract, start: datetime, billing_at: datetime, formula: str, rules: Rules) -> int:
    """Days that the price is divided by: of the period that holds ``start``, or (first period) that the run closes."""
    cycle = contract.cycle()
    if formula == "first":
        return cycle.days(run_at(contract, billing_at).subscription_start())
    day = local_date(start, contract.timezone)
    if not rules.whole_period_day_price and contract.anniversary and contract.interval != "weekly":
        return (cycle.end(day) - day).days + 1
    return cycle.days(day)
