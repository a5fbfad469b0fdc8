"""The minimum commitment of a plan: what is missing to it over one period of the base fee."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .exact import ZERO, exponent, half_up, of_double
from .inputs import Order
from .lines import Line
from .moments import days_between
from .steps import step


@dataclass(frozen=True, slots=True)
class BilledFee:
    """A fee that counts towards the commitment: whole cents, and cents before rounding."""

    cents: int
    precise: Decimal


@dataclass(frozen=True, slots=True)
class CommittedPeriod:
    """One period of the base fee, with the fees billed for it. ``days``: of the whole period."""

    start: datetime
    end: datetime
    days: int
    fees: tuple[BilledFee, ...]


def due_cents(order: Order, period: CommittedPeriod) -> int:
    """The commitment for the days of the window; the share of the period is a double, as in Lago."""
    days = days_between(period.start, period.end, order.sub.tz)
    share = of_double(min(days, period.days) / period.days)  # never more than the whole, however late it ended
    return int(half_up(Decimal(order.commitment_cents) * share))


def commitment_line(order: Order, period: CommittedPeriod) -> Line | None:
    """The line that is missing, if any."""
    due = due_cents(order, period)
    missing = due - sum(fee.cents for fee in period.fees)
    if missing <= 0:
        return None
    amount = Decimal(missing).scaleb(-exponent(order.currency))
    return Line(
        kind="commitment",
        item=order.plan,
        name=f"{order.plan_name} • minimum commitment",
        cents=missing,
        precise=Decimal(due) - sum((fee.precise for fee in period.fees), ZERO),
        unit_amount=amount,
        start=period.start,
        end=period.end,
        steps=[step("commitment_left", amount=amount)],
    )
