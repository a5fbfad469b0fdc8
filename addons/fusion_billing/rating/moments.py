"""Instants, local days and the number of days between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MICRO = timedelta(microseconds=1)
DAY = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")
LAST_MOMENT = time(23, 59, 59, 999999)


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name or "UTC")


def moment(value: object, microseconds: int = 0) -> datetime | None:
    """An aware UTC datetime of an ISO text (``Z``, offset or, as Odoo has them, naive UTC) or of a datetime."""
    if not value:
        return None
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(_micros(str(value)))
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return aware.astimezone(UTC) + timedelta(microseconds=microseconds)


def is_moment(value: object) -> bool:
    """Whether ``moment`` can read it; nothing is none."""
    try:
        return moment(value) is not None
    except (ValueError, OverflowError):
        return False


def _micros(text: str) -> str:
    """Python reads at most six decimals of a second; further ones are cut."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text.replace("Z", "+00:00")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}".replace("Z", "+00:00")


def local_date(at: datetime, tz: ZoneInfo) -> date:
    return at.astimezone(tz).date()


def day_start(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tz).astimezone(UTC)


def day_end(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, LAST_MOMENT, tz).astimezone(UTC)


def days_between(start: datetime, end: datetime, tz: ZoneInfo) -> int:
    """Started local days from ``start`` to ``end``: a part of a day is a day, a changed clock is not.

    An ``end`` at local midnight counts the day that begins there.
    """
    local_start, local_end = (at.astimezone(tz).replace(tzinfo=None) for at in (start, end))
    if local_end.time() == time():
        local_end += timedelta(seconds=1)
    return -((local_start - local_end) // DAY)
