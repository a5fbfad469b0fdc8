"""The minimum commitment of a plan: what is missing to it over one period of the base fee."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from .exact import exponent, half_up, of_double, plain
from .inputs import Order
from .lines import Line
from .moments import days_between


def due_cents(order: Order, start: datetime, end: datetime, duration: int, tz: ZoneInfo) -> int:
    """The commitment for the days of the window; the share of the period is a double, as in Lago."""
    share = of_double(days_between(start, end, tz) / duration)
    return int(half_up(Decimal(order.commitment_cents) * share))


def commitment_line(
    order: Order, window: tuple[datetime, datetime, int], billed: Sequence[tuple[int, Decimal]]
) -> Line | None:
    """The line that is missing; ``billed``: (cents, precise cents) of the fees of the period."""
    start, end, duration = window
    due = due_cents(order, start, end, duration, order.sub.tz)
    missing = due - sum(cents for cents, _ in billed)
    if missing <= 0:
        return None
    amount = Decimal(missing).scaleb(-exponent(order.currency))
    return Line(
        kind="commitment",
        item=order.plan,
        name=f"{order.plan_name} • minimum commitment",
        cents=missing,
        precise=Decimal(due) - sum((precise for _, precise in billed), Decimal(0)),
        unit_amount=amount,
        start=start,
        end=end,
        steps=[{"label": "commitment of the period − billed", "amount": plain(amount)}],
    )
