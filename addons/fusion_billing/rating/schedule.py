"""When things happen to an order: its running period, the day its next period begins, the end of its trial."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from .inputs import Order, read_order
from .moments import day_start, local_date
from .periods import Billing, Calendar, Subscription
from .rows import OrderRow


def scheduled(row: OrderRow) -> Order | None:
    """The order, or what it will be when it starts on its day."""
    return read_order(row) or read_order({**row, "fusion_started_at": row.get("fusion_anchor"), "fusion_started_us": 0})


def usage_period(row: OrderRow, at: datetime) -> tuple[datetime | None, datetime | None]:
    """The window of usage that runs at ``at``; that of the start for an order that starts later."""
    order = scheduled(row)
    if order is None:
        return None, None
    sub = replace(order.sub, ended_at=None)
    windows = Billing(sub, max(at, sub.started_at), current_usage=True).windows()
    return windows.charges_start, windows.charges_end


def invoicing(sub: Subscription) -> Calendar:
    """How often native invoicing has to look: monthly where parts of a longer period are billed every month."""
    return sub.monthly if sub.may_split and (sub.charges_monthly or sub.fixed_monthly) else sub.calendar


def next_invoicing(row: OrderRow, at: datetime) -> date | None:
    """The local day after the period (of whatever is billed most often) that runs at ``at``."""
    order = scheduled(row)
    return _after(order.sub, invoicing(order.sub), at) if order else None


def change_day(row: OrderRow, at: datetime) -> date | None:
    """The local day on which a change asked for at ``at`` takes over: after the running period of the base fee."""
    order = scheduled(row)
    return _after(order.sub, order.sub.calendar, at) if order else None


def change_moment(row: OrderRow, at: datetime) -> datetime | None:
    """The moment of ``change_day``, UTC."""
    order = scheduled(row)
    day = _after(order.sub, order.sub.calendar, at) if order else None
    return day_start(day, order.sub.tz) if order and day else None


def base_period_start(row: OrderRow, at: datetime) -> date | None:
    """First local day of the base fee's period that runs at ``at``."""
    order = scheduled(row)
    return order.sub.calendar.start(local_date(at, order.sub.tz)) if order else None


def yearly_amount(row: OrderRow) -> int:
    """Cents of a year: what tells an upgrade from a downgrade."""
    order = scheduled(row)
    return order.sub.yearly_amount if order else 0


def trial_ended(row: OrderRow, at: datetime) -> datetime | None:
    """When the trial ended, if it had one and it is over."""
    order = read_order(row)
    end = order.trial_end if order else None
    return end if end and end <= at else None


def _after(sub: Subscription, calendar: Calendar, at: datetime) -> date:
    return calendar.following(calendar.start(local_date(max(at, sub.started_at), sub.tz)))
