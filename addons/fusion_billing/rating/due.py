"""When an order is billed: the moments its calendar and its life give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .implied import billing_days, implied_billings
from .inputs import Order, read_order
from .moments import DAY, day_start, local_date
from .rows import Billed, OrderRow

STARTING, PERIODIC, ENDING, TRIAL = (
    "subscription_starting",
    "subscription_periodic",
    "subscription_terminating",
    "trial_ended",
)
AFTER_MIDNIGHT = timedelta(minutes=10)  # of the customer's day


@dataclass(frozen=True, slots=True)
class Moment:
    """One billing. ``reason``: Lago's, or ``trial_ended`` (a start of which no usage is due)."""

    at: datetime
    reason: str


def schedule(
    row: OrderRow,
    until: datetime,
    *,
    since: datetime | None = None,
    entered: date | None = None,
    at_start: bool = False,
) -> list[Moment]:
    """All billings of an order up to ``until``, oldest first.

    ``since``: billed elsewhere up to then (a billing day is taken as a whole). ``entered``: without ``since``, the
    local day from which billings are ours. ``at_start``: it has charges that are due when it starts.
    """
    order = read_order(row)
    if order is None:
        return []
    tz = order.sub.tz
    found = (moment for moment in moments(order, until, at_start=at_start) if moment.at <= until)
    if since is not None:
        last = local_date(since, tz)
        # Others say whole seconds of moments that are kept to the microsecond.
        found = (m for m in found if (local_date(m.at, tz) > last if m.reason == PERIODIC else whole(m.at) > since))
    elif entered is not None:
        found = (m for m in found if local_date(m.at, tz) >= entered)
    return sorted(found, key=lambda moment: moment.at)


def whole(at: datetime) -> datetime:
    """The second that a moment lies in."""
    return at.replace(microsecond=0)


def moments(order: Order, until: datetime, *, at_start: bool) -> Iterator[Moment]:
    sub, trial_end = order.sub, order.trial_end
    paid_at_start = sub.pay_in_advance and not order.started_in_past
    if at_start or (paid_at_start and trial_end is None):
        yield Moment(sub.started_at, STARTING)
    if paid_at_start and trial_end is not None and (sub.ended_at is None or trial_end < sub.ended_at):
        yield Moment(trial_end, TRIAL)
    for day in days(order, until):
        at = day_start(day, sub.tz) + AFTER_MIDNIGHT
        if sub.ended_at is None or at < sub.ended_at:
            yield Moment(at, PERIODIC)
    if sub.ended_at is not None:
        yield Moment(sub.ended_at, ENDING)


def days(order: Order, until: datetime) -> Iterator[date]:
    """Billing days; not those before it was entered, nor the one on which a downgrade ends it."""
    sub = order.sub
    calendar = sub.monthly if sub.may_split and (sub.charges_monthly or sub.fixed_monthly) else sub.calendar
    replaced = local_date(sub.ended_at, sub.tz) if sub.ended_at and sub.has_next and not sub.upgraded else None
    for day in billing_days(calendar, local_date(sub.started_at, sub.tz), local_date(until, sub.tz) + DAY):
        if day != replaced and order.created_at.date() <= day:
            yield day


def earlier(row: OrderRow, moment: Moment) -> list[Billed]:
    """The billings before ``moment``; also one of the same day, if the order ends after it was billed."""
    order = read_order(row)
    if order is None:
        return []
    found = implied_billings(order, moment.at)
    if moment.reason == ENDING:
        today = local_date(moment.at, order.sub.tz)
        same = [m for m in moments(order, moment.at, at_start=False) if m.reason == PERIODIC and m.at <= moment.at]
        found += [Billed(m.at, PERIODIC) for m in same if local_date(m.at, order.sub.tz) == today]
    return found
