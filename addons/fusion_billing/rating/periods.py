"""Billing periods: which days an invoice covers, for the base fee, for usage and for fixed charges."""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .moments import DAY, UTC_ZONE, day_end, day_start, local_date

MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}
PER_YEAR = {"yearly": 1, "semiannual": 2, "quarterly": 4, "monthly": 12, "weekly": 52}
ZONE_CHANGE = timedelta(hours=26)  # the widest distance between two time zones' same local day


def month_day(year: int, month: int, day: int) -> date:
    """That day of the month (months may run over the year), clipped to the month's length."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day, monthrange(year, month)[1]))


def month_end(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods of one interval, tied to the calendar or to the anchor day of the subscription."""

    interval: str
    billing_time: str
    anchor: date

    @property
    def months(self) -> int:
        return MONTHS[self.interval]

    @property
    def day(self) -> int:
        return self.anchor.day if self.billing_time == "anniversary" else 1

    @property
    def first_month(self) -> int:
        return self.anchor.month if self.billing_time == "anniversary" else 1

    def start(self, day: date) -> date:
        """First day of the period that contains ``day``."""
        if self.interval == "weekly":
            weekday = self.anchor.weekday() if self.billing_time == "anniversary" else 0
            return day - timedelta(days=(day.weekday() - weekday) % 7)
        back = (day.month - self.first_month) % self.months
        start = month_day(day.year, day.month - back, self.day)
        return start if start <= day else month_day(day.year, day.month - back - self.months, self.day)

    def following(self, start: date) -> date:
        """First day of the period after the one starting at ``start``."""
        if self.interval == "weekly":
            return start + timedelta(days=7)
        return month_day(start.year, start.month + self.months, self.day)

    def end(self, start: date) -> date:
        return self.following(start) - DAY

    def base(self, billing: date) -> date:
        """A day of the period that a billing on ``billing`` closes."""
        if self.interval == "weekly":
            return billing - timedelta(days=7)
        clipped = self.billing_time == "anniversary" and month_end(billing) and billing.day < self.day
        return month_day(billing.year, billing.month - self.months, self.day if clipped else billing.day)

    def duration(self, day: date) -> int:
        """Days of the whole period that contains ``day``: the denominator of every proration."""
        if self.interval == "yearly" and self.billing_time == "calendar":
            return 366 if isleap(day.year) else 365
        start = self.start(day)
        return (self.following(start) - start).days


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the calendar must know of an order. ``next_yearly`` is the yearly amount of the plan that replaced it."""

    interval: str
    billing_time: str
    anchor_at: datetime
    started_at: datetime
    ended_at: datetime | None
    tz: ZoneInfo
    pay_in_advance: bool
    charges_monthly: bool
    fixed_monthly: bool
    amount_cents: int
    has_next: bool = False
    next_yearly: int = 0

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.interval, self.billing_time, local_date(self.anchor_at, self.tz))

    @property
    def monthly(self) -> Calendar:
        return Calendar("monthly", self.billing_time, local_date(self.anchor_at, self.tz))

    @property
    def yearly_amount(self) -> int:
        return self.amount_cents * PER_YEAR[self.interval]

    @property
    def upgraded(self) -> bool:
        return self.has_next and self.yearly_amount <= self.next_yearly

    @property
    def downgraded(self) -> bool:
        return self.has_next and self.yearly_amount > self.next_yearly

    @property
    def may_split(self) -> bool:
        """Only these intervals can bill a family of charges monthly."""
        return self.interval in ("yearly", "semiannual")


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Windows of one billing; both ends inclusive. ``None``: that family is not billed now."""

    start: datetime
    end: datetime
    charges_start: datetime | None
    charges_end: datetime | None
    fixed_start: datetime | None
    fixed_end: datetime | None
    charges_days: int
    fixed_days: int
    duration: int  # days of the whole period of the base fee
    first_month: bool


@dataclass(frozen=True, slots=True)
class Billing:
    """One billing moment of a subscription, with everything derived from it."""

    sub: Subscription
    at: datetime
    current_usage: bool = False
    terminated: bool = False
    closing: bool = False  # an invoice for the end of a subscription takes usage up to it
    billed_zone: str = ""  # time zone of the invoice before, and what it covered
    charges_billed_to: datetime | None = None
    fixed_billed_to: datetime | None = None

    @property
    def day(self) -> date:
        return local_date(self.at, self.sub.tz)

    @property
    def is_last(self) -> bool:
        """Is the subscription over? One that ended later was still running at ``at``."""
        return self.terminated and not (self.sub.ended_at and self.sub.ended_at > self.at)

    def base(self, calendar: Calendar) -> date:
        return self.day if self.current_usage else calendar.base(self.day)

    @property
    def reference(self) -> date:
        """A day of the base fee's period."""
        running = self.sub.pay_in_advance or (self.is_last and not self.sub.downgraded)
        return self.day if running else self.base(self.sub.calendar)

    def usage_reference(self, calendar: Calendar, ended: bool) -> date:
        """A day of the usage period: usage is billed in arrears whatever the plan."""
        if self.closing or (ended and (not self.sub.has_next or not (self.sub.pay_in_advance or self.sub.downgraded))):
            return self.day
        return self.base(calendar)

    @property
    def ended_before_today(self) -> bool:
        """Lago's test for the monthly parts of longer plans: it takes the local day as a moment of UTC."""
        ended = self.sub.ended_at
        return self.is_last and ended is not None and ended <= day_start(self.day, UTC_ZONE)

    @property
    def first_month(self) -> bool:
        """Is this month the first of a yearly or semiannual period (always true of shorter intervals)?"""
        if not self.sub.may_split:
            return True
        month = self.sub.monthly.start(self.day).month
        return (month - self.sub.calendar.first_month) % self.sub.calendar.months == 0

    @property
    def first_of_all(self) -> bool:
        """Lago's "first month of the first period". For calendar halves it compares years: July may be one too."""
        start, anchor = self.sub.monthly.start(self.day), local_date(self.sub.anchor_at, self.sub.tz)
        same_month = self.sub.billing_time == "calendar" or start.month == anchor.month
        return self.first_month and same_month and start.year == anchor.year

    def windows(self) -> Boundaries:
        sub, calendar = self.sub, self.sub.calendar
        start = calendar.start(self.reference)
        # live usage shows the charges in every month, fixed charges only in the month that bills them
        charges = self.family(sub.charges_monthly, sub.fixed_monthly, self.first_month or self.current_usage)
        fixed = self.family(sub.fixed_monthly, sub.charges_monthly, self.first_month)
        return Boundaries(
            start=self.clamp_start(start),
            end=self.clamp_end(calendar.end(start)),
            charges_start=self.usage_start(charges[0], self.charges_billed_to),
            charges_end=self.usage_end(charges[1]),
            fixed_start=self.usage_start(fixed[0], self.fixed_billed_to),
            fixed_end=self.usage_end(fixed[1]),
            charges_days=charges[2],
            fixed_days=fixed[2],
            duration=calendar.duration(start),
            first_month=self.first_month,
        )

    def family(self, monthly: bool, other_monthly: bool, due: bool) -> tuple[date | None, date | None, int]:
        """First day, last day and nominal days of one family of charges."""
        split = self.sub.may_split and monthly
        calendar = self.sub.monthly if split else self.sub.calendar
        ended = self.ended_before_today if split else self.is_last
        start = calendar.start(self.usage_reference(calendar, ended))
        days = calendar.duration(start)
        if not split and self.sub.may_split and other_monthly and not due:
            return None, None, days
        return start, calendar.end(start), days

    def clamp_start(self, start: date) -> datetime:
        """The base fee starts with the local day of the start."""
        return day_start(max(start, local_date(self.sub.started_at, self.sub.tz)), self.sub.tz)

    def clamp_end(self, end: date) -> datetime:
        at = day_end(end, self.sub.tz)
        ended = self.sub.ended_at
        if ended and self.is_last:
            rounded = (ended + timedelta(microseconds=500000)).replace(microsecond=0)
            at = min(at, rounded)
        return max(at, self.sub.started_at)

    def usage_start(self, start: date | None, billed_to: datetime | None) -> datetime | None:
        """Usage counts from the very start; after a change of time zone, from where the last bill ended."""
        if start is None:
            return None
        at = day_start(start, self.sub.tz)
        if billed_to and self.billed_zone != self.sub.tz.key and abs(at - billed_to) <= ZONE_CHANGE:
            at = billed_to + timedelta(seconds=1)
        return max(at, self.sub.started_at)

    def usage_end(self, end: date | None) -> datetime | None:
        if end is None:
            return None
        at = day_end(end, self.sub.tz)
        if self.sub.ended_at and self.is_last:
            at = min(at, self.sub.ended_at)
        return max(at, self.sub.started_at)
