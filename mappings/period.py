"""Lago's billing calendar: periods, the boundaries of an invoice, and counted days. Pure.

    Cycle      on local dates: which period holds a day, where it ends, how long it is
    Contract   what a subscription and its plan say about time
    boundaries one billing run of a contract -> from/to of the base fee, of usage and of fixed charges

Dates are local to the customer; datetimes are aware, and in UTC with microseconds when they leave this module. An end
is inclusive: local 23:59:59.999999, as Lago stores it.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from mappings.ranges import DAYS

MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}
PER_YEAR = {"weekly": 52, "monthly": 12, "quarterly": 4, "semiannual": 2, "yearly": 1}
_DAY = timedelta(days=1)
_WIDEST_ZONE_GAP = timedelta(hours=26)  # between two places on earth


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The periods of an interval: those of the calendar, or (``anchor``) those counted from a date."""

    interval: str  # weekly monthly quarterly semiannual yearly
    anchor: date | None = None

    def start(self, day: date) -> date:
        """First day of the period that holds ``day``."""
        if self.interval == "weekly":
            return day - timedelta(days=(day.weekday() - (self.anchor.weekday() if self.anchor else 0)) % 7)
        months = MONTHS[self.interval]
        if self.anchor is None:
            return date(day.year, (day.month - 1) // months * months + 1, 1)
        behind = (day.month - self.anchor.month) % months
        if behind == 0 and day.day < min(self.anchor.day, _length(day.year, day.month)):
            behind = months
        return _shifted(day, -behind, self.anchor.day)

    def end(self, start: date) -> date:
        """Last day of the period that starts at ``start``.

        ``start`` may also be a day within the period (Lago asks so): anniversaries then end one interval later.
        """
        if self.interval == "weekly":
            return start + timedelta(days=6) if self.anchor else self.start(start) + timedelta(days=6)
        months = MONTHS[self.interval]
        if self.anchor is None or self._on_calendar(self.anchor):
            first = date(start.year, (start.month - 1) // months * months + 1, 1)
            return _shifted(first, months, 1) - _DAY
        return _shifted(start, months, self.anchor.day) - _DAY

    def days(self, day: date) -> int:
        """Length of the whole period that holds ``day``: the denominator of every proration."""
        first = self.start(day)
        return (self.end(first) - first).days + 1

    def before(self, day: date) -> date:
        """The day one interval before a billing day, in the period that this billing closes."""
        if self.interval == "weekly":
            return day - timedelta(days=7)
        months = MONTHS[self.interval]
        if self.anchor and _is_month_end(day) and day.day < self.anchor.day:
            # billed on the last day of a short month: the period began on the anchor's day, if its month has one
            return _shifted(day, -months, self.anchor.day)
        return _shifted(day, -months, day.day)

    def _on_calendar(self, anchor: date) -> bool:
        return anchor.day == 1 and (anchor.month - 1) % MONTHS[self.interval] == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What decides a subscription's periods. ``terminated_at`` is set once it is terminated.

    ``next_yearly_cents``/``yearly_cents``: yearly price of the plan that follows and of this one; equal counts as an
    upgrade. None: nothing follows.
    """

    interval: str
    anniversary: bool
    pay_in_advance: bool
    timezone: str
    subscription_at: datetime
    started_at: datetime
    terminated_at: datetime | None = None
    charges_monthly: bool = False
    fixed_charges_monthly: bool = False
    yearly_cents: int = 0
    next_yearly_cents: int | None = None

    @property
    def upgraded(self) -> bool:
        return self.next_yearly_cents is not None and self.yearly_cents <= self.next_yearly_cents

    @property
    def downgraded(self) -> bool:
        return self.next_yearly_cents is not None and self.yearly_cents > self.next_yearly_cents

    @property
    def splits(self) -> bool:
        """Whether parts of the plan may be billed monthly within a longer period."""
        return self.interval in ("yearly", "semiannual")

    def terminated_by(self, moment: datetime) -> bool:
        return self.terminated_at is not None and round_to_second(self.terminated_at) <= moment

    def cycle(self) -> Cycle:
        return Cycle(interval=self.interval, anchor=self._anchor())

    def monthly_cycle(self) -> Cycle:
        return Cycle(interval="monthly", anchor=self._anchor())

    def _anchor(self) -> date | None:
        return local_date(self.subscription_at, self.timezone) if self.anniversary else None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, both ends included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """What one billing run covers. ``charges`` or ``fixed_charges`` is None where that family is not billed now.

    ``*_days``: length of the whole period that the window lies in.
    """

    subscription: Window
    subscription_days: int
    charges: Window | None
    charges_days: int
    fixed_charges: Window | None
    fixed_charges_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastInvoice:
    """The previous invoice of the subscription: matters when the customer's time zone changed since."""

    timezone: str | None
    charges_to: datetime | None
    fixed_charges_to: datetime | None


def boundaries(
    contract: Contract,
    billing_at: datetime,
    *,
    current_usage: bool = False,
    last_invoice: LastInvoice | None = None,
) -> Boundaries:
    """What Lago bills for ``contract`` when it runs at ``billing_at`` (facts §2.2).

    ``current_usage`` gives the running period instead of the one that a billing run closes.
    """
    run = run_at(contract, billing_at, current_usage=current_usage)
    last = last_invoice or LastInvoice(timezone=None, charges_to=None, fixed_charges_to=None)
    charges, fixed = run.family(contract.charges_monthly), run.family(contract.fixed_charges_monthly)
    hides_charges = run.waits(contract.charges_monthly, contract.fixed_charges_monthly) and not current_usage
    hides_fixed = run.waits(contract.fixed_charges_monthly, contract.charges_monthly)
    return Boundaries(
        subscription=run.subscription_window(),
        subscription_days=contract.cycle().days(run.subscription_start()),
        charges=None if hides_charges else run.usage_window(charges, last.timezone, last.charges_to),
        charges_days=charges.cycle.days(charges.usage_start()),
        fixed_charges=None if hides_fixed else run.usage_window(fixed, last.timezone, last.fixed_charges_to),
        fixed_charges_days=fixed.cycle.days(fixed.usage_start()),
    )


def final_boundaries(contract: Contract, moment: datetime) -> Boundaries:
    """Boundaries of the invoice that closes a terminated subscription (facts §2.6).

    Terminated on a billing day before that day's periodic invoice: the whole previous period is billed instead. Only
    right when no periodic invoice covers that period already; the caller knows.
    """
    closing = boundaries(contract, moment)
    periodic = boundaries(replace(contract, terminated_at=None), moment)
    is_new = moment - contract.started_at < _DAY
    if periodic.charges and not is_new and timedelta() <= moment - periodic.charges.end < _DAY:
        return periodic
    return closing


def run_at(contract: Contract, moment: datetime, *, current_usage: bool = False) -> BillingRun:
    """The billing of a contract at a moment."""
    return BillingRun(
        contract=contract,
        cycle=contract.cycle(),
        day=local_date(moment, contract.timezone),
        ended=contract.terminated_by(moment),
        current_usage=current_usage,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRun:
    """One billing run on a local ``day``. ``ended``: the subscription is terminated by then."""

    contract: Contract
    cycle: Cycle
    day: date
    ended: bool
    current_usage: bool = False

    def family(self, monthly: bool) -> BillingRun:
        """The run as usage or fixed charges see it: monthly, if the plan bills them so within a longer period.

        Lago hands such a run only the local day, read as midnight UTC: a subscription that ended later on that UTC day
        does not count as ended, and the month before is billed.
        """
        if not (self.contract.splits and monthly):
            return self
        midnight = datetime.combine(self.day, time.min, UTC)
        return replace(self, cycle=self.contract.monthly_cycle(), ended=self.contract.terminated_by(midnight))

    def closed_day(self) -> date:
        """A day in the period that this run closes (or, for current usage, that is running)."""
        return self.day if self.current_usage else self.cycle.before(self.day)

    def subscription_start(self) -> date:
        return self.cycle.start(self.day if self.contract.pay_in_advance or self._ends_now() else self.closed_day())

    def subscription_window(self) -> Window:
        contract = self.contract
        first = self.subscription_start()
        start = day_start(first, contract.timezone)
        if start < contract.started_at:
            start = day_start(local_date(contract.started_at, contract.timezone), contract.timezone)
        end = day_end(self.cycle.end(first), contract.timezone)
        if contract.terminated_at and self.ended and end > contract.terminated_at:
            end = round_to_second(contract.terminated_at)
        return Window(start, max(end, contract.started_at))

    def usage_start(self) -> date:
        """First day of the usage period: the one just closed, or the running one when the subscription ends."""
        final = self.ended and self.contract.next_yearly_cents is None
        current = final or (self._ends_now() and not self.contract.pay_in_advance)
        return self.cycle.start(self.day if current else self.closed_day())

    def usage_window(self, family: BillingRun, last_timezone: str | None, last_end: datetime | None) -> Window:
        contract = self.contract
        first = family.usage_start()
        start = self._after_zone_change(day_start(first, contract.timezone), last_timezone, last_end)
        end = day_end(family.cycle.end(first), contract.timezone)
        if contract.terminated_at and self.ended:
            end = min(end, contract.terminated_at)
        return Window(max(start, contract.started_at), max(end, contract.started_at))

    def waits(self, monthly: bool, other_monthly: bool) -> bool:
        """A family of a long plan that is not billed monthly waits while the other one is (facts §2.5)."""
        return self.contract.splits and other_monthly and not monthly and not self.in_first_month()

    def in_first_month(self) -> bool:
        """Whether the run falls in the first month of a yearly or semiannual period."""
        first = self.contract.monthly_cycle().start(self.day)
        anchor = self.cycle.anchor
        return (first.month - (anchor.month if anchor else 1)) % MONTHS[self.contract.interval] == 0

    def in_very_first_month(self) -> bool:
        """Whether it is the first month of the subscription's very first such period."""
        month = self.contract.monthly_cycle().start(self.day)
        anchor = local_date(self.contract.subscription_at, self.contract.timezone)
        return (
            self.in_first_month()
            and month.year == anchor.year
            and (self.cycle.anchor is None or month.month == anchor.month)
        )

    def _ends_now(self) -> bool:
        """Ended, and not by a downgrade: those are billed their full last period."""
        return self.ended and not self.contract.downgraded

    def _after_zone_change(self, start: datetime, last_timezone: str | None, last_end: datetime | None) -> datetime:
        """Usage goes on where the last invoice ended when the customer's time zone changed since."""
        if last_timezone is None or last_end is None or last_timezone == self.contract.timezone:
            return start
        resumed = last_end + timedelta(seconds=1)
        return resumed if abs(start - resumed) < _WIDEST_ZONE_GAP else start


def days_between(start: datetime, end: datetime, timezone: str) -> int:
    """Days Lago counts from ``start`` to ``end``: any started day is one, clock changes do not matter (facts §3.2)."""
    zone = zone_of(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    if last.time() == time.min:
        last = (end + timedelta(seconds=1)).astimezone(zone)
    shift = (first.utcoffset() or timedelta()) - (last.utcoffset() or timedelta())
    elapsed = last.astimezone(UTC) - first.astimezone(UTC) - shift
    return -(-elapsed // _DAY)


def day_start(day: date, timezone: str) -> datetime:
    """Local midnight, in UTC. Where the clock jumps over midnight, the first instant of the day."""
    return _utc(datetime.combine(day, time.min), timezone)


def day_end(day: date, timezone: str) -> datetime:
    """Local 23:59:59.999999, in UTC."""
    return _utc(datetime.combine(day, time.max), timezone)


def trial_end(started_at: datetime, days: Decimal) -> datetime:
    """When the free days are over that began at ``started_at`` (of the first subscription under its external id)."""
    days = min(days, Decimal(DAYS))  # people can write more into Odoo than a date holds
    return started_at + timedelta(days=float(days))


def local_date(moment: datetime, timezone: str) -> date:
    """The customer's day at a moment."""
    return moment.astimezone(zone_of(timezone)).date()


def utc_date(moment: datetime) -> date:
    """The day in UTC at a moment, which Lago's arithmetic sometimes takes in place of the customer's."""
    return moment.astimezone(UTC).date()


def round_to_second(moment: datetime) -> datetime:
    """Half a second and more goes up."""
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


@lru_cache(maxsize=1024)
def zone_of(timezone: str) -> ZoneInfo:
    """The time zone of a name; ``ZoneInfo`` keeps them."""
    return ZoneInfo(timezone)


def _utc(local: datetime, timezone: str) -> datetime:
    return local.replace(tzinfo=zone_of(timezone)).astimezone(UTC)


def _shifted(moment: date, months: int, day: int) -> date:
    """``day`` of the month that lies ``months`` after the one of ``moment``, clipped to that month's length."""
    index = moment.year * 12 + moment.month - 1 + months
    year, number = index // 12, index % 12 + 1
    return date(year, number, min(day, _length(year, number)))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _is_month_end(day: date) -> bool:
    return day.day == _length(day.year, day.month)


def yearly_cents(interval: str, amount_cents: int) -> int:
    """A plan's price over a year: what decides between upgrade and downgrade (facts §1.2)."""
    return amount_cents * PER_YEAR[interval]
