"""The base fee of a plan: full, first, last or upgraded period (facts §3). Lago computes it in doubles; so do we."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from mappings.money import round_float
from mappings.period import Contract, Window, day_start, days_between, local_date
from reconcile.lines import Step
from reconcile.rules import LATEST, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrice:
    amount_cents: int
    trial_days: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
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

    @property
    def steps(self) -> tuple[Step, ...]:
        days = self.duration if self.days is None else self.days
        label = f"{self.formula} period: {days} of {self.duration} days"
        return (Step(label=label, units=Decimal(days), amount=self.precise_cents),)


def subscription_fee(
    contract: Contract, price: PlanPrice, window: Window, billing_at: datetime, history: History, rules: Rules = LATEST
) -> BaseFee:
    """The base fee of ``contract`` for ``window``, billed at ``billing_at`` (facts §3.2)."""
    formula = _formula(contract, billing_at, history)
    start, pays = _after_trial(formula, price, window, history)
    if not pays:
        return _fee(0, 0.0, 0, contract, start, formula, rules)
    if formula == "full" and start == window.start:
        return _fee(price.amount_cents, float(price.amount_cents), None, contract, start, formula, rules)
    days = days_between(start, window.end, contract.timezone)
    if formula == "terminated" and contract.upgraded:
        days = max(days - 1, 0)  # the day of the upgrade belongs to the new plan
    duration = _duration(contract, start, formula, rules)
    # Lago takes the price of a day first: the order of the two operations shows in the last bits
    precise = days * (price.amount_cents / duration)
    return _fee(round_float(precise), precise, days, contract, start, formula, rules)


def _formula(contract: Contract, billing_at: datetime, history: History) -> str:
    terminated = contract.terminated_by(billing_at) and not contract.pay_in_advance
    if terminated and not contract.downgraded:
        return "terminated"
    if history.previous_upgraded and history.is_first_invoice:
        return "upgraded"
    return "full" if _is_full(contract, billing_at, history) else "first"


def _is_full(contract: Contract, billing_at: datetime, history: History) -> bool:
    if contract.pay_in_advance and contract.anniversary and not history.has_previous:
        return True
    if history.has_earlier_fee:
        return True
    started_in_past = contract.started_at.astimezone(UTC).date() < history.created_at.astimezone(UTC).date()
    if not started_in_past:
        return False
    return contract.pay_in_advance or contract.started_at < _previous_start(contract, billing_at)


def _previous_start(contract: Contract, billing_at: datetime) -> datetime:
    cycle = contract.cycle()
    closed = cycle.before(local_date(billing_at, contract.timezone))
    return day_start(cycle.start(closed), contract.timezone)


def _after_trial(formula: str, price: PlanPrice, window: Window, history: History) -> tuple[datetime, bool]:
    """From when the period is paid for, and whether any of it is.

    A full period compares the exact end of the trial, every other one only its UTC date (facts §3.2).
    """
    if not price.trial_days:
        return window.start, True
    ends_at = history.initial_started_at + timedelta(days=float(price.trial_days))
    if formula == "full":
        mark = ends_at
    else:
        mark = datetime.combine(ends_at.astimezone(UTC).date(), time.min, UTC)
    if mark >= window.end:
        return window.start, False
    return (ends_at if mark > window.start else window.start), True


def _duration(contract: Contract, start: datetime, formula: str, rules: Rules) -> int:
    cycle = contract.cycle()
    day = local_date(start, contract.timezone)
    truncates = formula == "terminated" or day != local_date(contract.started_at, contract.timezone)
    if not rules.whole_period_day_price and truncates and contract.anniversary and contract.interval != "weekly":
        return (cycle.end(day) - day).days + 1
    return cycle.days(day)


def _fee(
    cents: int, precise: float, days: int | None, contract: Contract, start: datetime, formula: str, rules: Rules
) -> BaseFee:
    return BaseFee(
        amount_cents=cents,
        precise_cents=Decimal(repr(precise)),
        days=days,
        duration=_duration(contract, start, formula, rules),
        formula=formula,
    )
