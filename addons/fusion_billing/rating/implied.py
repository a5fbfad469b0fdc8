"""The billings of an order that its calendar implies, where nobody tells which there were."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from .base_fee import in_trial
from .inputs import Order
from .moments import day_end, local_date
from .periods import Billing, Calendar
from .rows import Billed

SOON = timedelta(seconds=1)  # the invoice of a change is made within a second of it, in whole seconds


def implied_billings(order: Order, at: datetime) -> list[Billed]:
    """The billings before ``at`` that the calendar of the order implies."""
    sub, last = order.sub, local_date(at, order.sub.tz)
    runs: list[Billed] = []
    if sub.pay_in_advance and not order.started_in_past and sub.started_at + SOON < at:
        runs.append(Billed(sub.started_at, "subscription_starting", fee=not in_trial(order, sub.started_at)))
    split = sub.may_split and (sub.charges_monthly or sub.fixed_monthly)
    calendar = sub.monthly if split else sub.calendar
    for day in billing_days(calendar, local_date(sub.started_at, sub.tz), last):
        when = day_end(day, sub.tz)
        if order.created_at.date() > day:
            continue
        first = not split or Billing(sub, when).first_month
        runs.append(Billed(when, "subscription_periodic", fee=first and not in_trial(order, when)))
    return runs


def billing_days(calendar: Calendar, started: date, before: date) -> list[date]:
    days = []
    day = calendar.following(calendar.start(started))
    while day < before:
        days.append(day)
        day = calendar.following(day)
    return days
