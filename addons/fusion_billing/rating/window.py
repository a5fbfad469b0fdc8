"""A stretch of time that is billed: its days, and what they are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from .moments import days_between, local_date


@dataclass(frozen=True, slots=True)
class BilledWindow:
    """The usage period of an earlier billing, made at ``billed_at``: what came later it did not know."""

    start: datetime
    end: datetime
    billed_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """The usage period of one billing. ``days``: nominal days of the whole period, the base of proration.

    ``upgraded``: the subscription was left by an upgrade, whose day belongs to the new plan.
    ``billed``: the windows billed before, which a recurring weighted sum remembers. ``inherits``: the order replaced
    another, so that its first window begins with all that was before.
    """

    start: datetime
    end: datetime
    days: int
    tz: ZoneInfo
    upgraded: bool = False
    billed: tuple[BilledWindow, ...] = ()
    inherits: bool = False

    @property
    def share(self) -> int:
        """Days of the window, for what was there before it."""
        return days_between(self.start, self.end, self.tz) - self.upgraded

    def days_left(self, day: date) -> int:
        """Days from ``day`` to the end of the window, both included."""
        return (local_date(self.end, self.tz) - day).days + 1
