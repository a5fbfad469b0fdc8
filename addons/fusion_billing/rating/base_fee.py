"""The subscription fee: whole, or the price of a day times days, in doubles as Lago does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from .exact import column_of_double, double_cents
from .inputs import MOST_DAYS, Order
from .moments import DAY, UTC_ZONE, day_start, days_between, local_date
from .periods import Boundaries
from .rows import Billed


@dataclass(frozen=True, slots=True)
class BaseFee:
    cents: int
    precise: Decimal
    kind: str  # of its step
    days: int | None = None
    duration: int | None = None

    @property
    def counted_days(self) -> dict[str, Decimal | None]:
        """What its step says of the days; nothing of a whole period."""
        counts = {"days": self.days, "whole": self.duration}
        return {name: None if count is None else Decimal(count) for name, count in counts.items()}


def whole(cents: int, kind: str = "full_period") -> BaseFee:
    return BaseFee(cents, Decimal(cents), kind)


def by_days(order: Order, days: int, duration: int, kind: str) -> BaseFee:
    value = days * (order.sub.amount_cents / duration)
    return BaseFee(double_cents(value), column_of_double(value), kind, days, duration)


def nothing(kind: str) -> BaseFee:
    return BaseFee(0, Decimal(0), kind)


def full_fee(order: Order, windows: Boundaries) -> BaseFee:
    """The whole amount, unless the trial ends inside the period."""
    end = order.trial_end
    if end is None or end < windows.start:
        return whole(order.sub.amount_cents)
    if end >= windows.end:
        return nothing("trial")
    return by_days(order, days_between(end, windows.end, order.sub.tz), windows.duration, "after_trial")


def first_fee(order: Order, windows: Boundaries) -> BaseFee:
    start = after_trial(order, windows)
    if start is None:
        return nothing("trial")
    return by_days(order, days_between(start, windows.end, order.sub.tz), windows.duration, "first_period")


def after_trial(order: Order, windows: Boundaries) -> datetime | None:
    """Where the paid part of the period begins; None: the trial covers it.

    Lago compares a day, that of the start and the whole days of the trial, and then counts from the trial's very end.
    """
    end = order.trial_end
    if end is None:
        return windows.start
    last = order.first_started_at.date() + timedelta(days=int(min(order.trial_days, MOST_DAYS)))
    day = datetime.combine(last, time(), UTC)
    if day >= windows.end:
        return None
    return end if windows.start < day else windows.start


def last_fee(order: Order, windows: Boundaries) -> BaseFee:
    """An arrears plan that ended within the period; the day of an upgrade belongs to the new plan."""
    start = after_trial(order, windows)
    if start is None:
        return nothing("trial")
    days = days_between(start, windows.end, order.sub.tz)
    if order.sub.upgraded:
        days = max(days - 1, 0)
    duration = order.sub.calendar.duration(local_date(start, order.sub.tz))
    return by_days(order, days, duration, "until_end")


def upgrade_fee(order: Order, windows: Boundaries) -> BaseFee:
    start = after_trial(order, windows)
    if start is None:
        return nothing("trial")
    return by_days(order, days_between(start, windows.end, order.sub.tz), windows.duration, "after_upgrade")


def is_full(order: Order, windows: Boundaries, at: datetime, billed: list[Billed], previous_start: datetime) -> bool:
    sub = order.sub
    if sub.pay_in_advance and sub.billing_time == "anniversary" and order.previous is None:
        return True
    if any(run.fee for run in billed):
        return True
    return order.started_in_past and (sub.pay_in_advance or sub.started_at < previous_start)


def base_fee(
    order: Order, windows: Boundaries, at: datetime, *, terminated: bool, billed: list[Billed], previous_start: datetime
) -> BaseFee:
    """The fee of the period of ``windows``; the first rule that fits."""
    sub = order.sub
    if terminated and not sub.pay_in_advance and (sub.upgraded or not sub.has_next):
        return last_fee(order, windows)
    if order.replaced_by_upgrade and not billed:
        return upgrade_fee(order, windows)
    if is_full(order, windows, at, billed, previous_start):
        return full_fee(order, windows)
    return first_fee(order, windows)


def in_trial(order: Order, at: datetime) -> bool:
    """On trial, and not on the very day it ends."""
    end = order.trial_end
    return end is not None and at < end and local_date(end, order.sub.tz) != local_date(at, order.sub.tz)


def billed_today(at: datetime, billed: list[Billed], order: Order) -> bool:
    """Was a base fee issued today already? Lago takes the customer's day, but from midnight to midnight of UTC."""
    start = day_start(local_date(at, order.sub.tz), UTC_ZONE)
    return any(run.fee and start <= run.at < start + DAY for run in billed)
