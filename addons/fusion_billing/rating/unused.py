"""What of a base fee paid in advance was not used when its subscription ended. Doubles where Lago's are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from .exact import of_double, precise
from .inputs import to_cents
from .moments import day_end, local_date
from .rows import OrderRow
from .schedule import scheduled

DIGITS = Decimal("0.00001")  # scale of Lago's columns


@precise
def unused_cents(row: OrderRow, fee_cents: int, at: datetime, *, upgrade: bool, credited_cents: int = 0) -> Decimal:
    """Cents (not rounded) of the last base fee ``fee_cents`` that an end at ``at`` gives back; never negative.

    ``row``: the order as ``bill`` takes it. ``upgrade``: replaced by a dearer plan, which has that day already.
    ``credited_cents``: given back on that fee before.
    """
    order = scheduled(row)
    if order is None or fee_cents <= 0:
        return Decimal(0)
    calendar, tz = order.sub.calendar, order.sub.tz
    day = local_date(at, tz)
    start = calendar.start(day)
    end = utc_date(day_end(calendar.end(start), tz))
    first = utc_date(day_end(day, tz)) - timedelta(days=1 if upgrade else 0)
    if order.trial_end:
        first = min(max(first, utc_date(order.trial_end) - timedelta(days=1)), end)
    days = max((end - first).days, 0)
    whole = to_cents(row.get("fusion_plan_amount"), order.currency)
    price = min(of_double(whole / calendar.duration(day) * days), Decimal(fee_cents))
    return max((price - credited_cents).quantize(DIGITS, ROUND_DOWN), Decimal(0))


def utc_date(at: datetime) -> date:
    """Lago counts in UTC dates of the ends of local days; the last one is left out by the subtraction."""
    return at.astimezone(UTC).date()
