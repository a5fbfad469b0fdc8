"""Fixed charges: quantities that do not come from usage, whole or for the days they were there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .charge_fees import storable
from .charge_models import Rated, Usage, rate
from .exact import ZERO, cents, exponent, half_up, of_double
from .inputs import Charge, Order, require_readable
from .lines import Line
from .moments import DAY, is_moment, local_date, moment
from .numbers import parsed, shortened
from .periods import Billing, Boundaries
from .unratable import Unratable

SOON = timedelta(seconds=1)  # the units of a new subscription are recorded a second after its start


@dataclass(frozen=True, slots=True)
class UnitsChange:
    """From ``at`` on there are ``units``. Changes are in the order they were made."""

    at: datetime
    units: Decimal


def unit_changes(charge: Charge, order: Order) -> list[UnitsChange]:
    """``units`` from the start, or the ``unit_events`` given. Raises Unratable: they cannot be read."""
    if not charge.unit_events:
        return [UnitsChange(order.sub.started_at + SOON, charge.units)]
    start, changes = order.sub.started_at, list[UnitsChange]()
    for event in charge.unit_events:
        units, at = parsed(event["units"]), event["at"]
        if units is None or (at and not is_moment(at)):
            raise Unratable("units_unreadable", f"its units changed to {shortened(event['units'])} at {shortened(at)}")
        changes.append(UnitsChange(moment(at) or start, units))
    return changes


def window(
    charge: Charge, billing: Billing, windows: Boundaries, *, terminated: bool, starting: bool
) -> tuple[datetime, datetime] | None:
    """The period that is due now; None: nothing is."""
    if charge.pay_in_advance:
        if terminated:
            return None
        running = Billing(billing.sub, billing.at, current_usage=True).windows()
        start, end = running.fixed_start, running.fixed_end
    else:
        start, end = windows.fixed_start, windows.fixed_end
        if starting:
            return None
    return (start, end) if start and end and start <= end else None


def fixed_line(
    charge: Charge, order: Order, start: datetime, end: datetime, days: int, at: datetime, *, at_start: bool = False
) -> Line:
    """The line of one fixed charge for one period of ``days`` nominal days, billed at ``at``.

    ``at_start``: the bill made with the start of a plan that is itself paid in arrears. Raises Unratable.
    """
    require_readable(charge)
    known = known_changes(charge, order, at)
    changes = known[:1] if at_start else known
    full = units_at(changes, start, end)
    priced = full
    if charge.prorated:
        priced = start_units(full, start, end, days) if at_start else prorated_units(changes, order, start, end, days)
    return line_of(charge, order, full, priced, start, end, at_once=at_start)


def raised_line(charge: Charge, order: Order, start: datetime, end: datetime, days: int, at: datetime) -> Line | None:
    """The line of a charge in advance whose units changed at ``at``; None: they did not.

    What is above the most that was billed in the running period is paid at once, for the days that are left; a cut
    gives nothing back. Raises Unratable.
    """
    require_readable(charge)
    known = known_changes(charge, order, at)
    if not known or not at - SOON < known[-1].at <= at + SOON or known[-1].at <= start + SOON:
        return None
    opening = units_at([change for change in known if change.at <= start + SOON], start, end)
    paid = max([opening, *(change.units for change in known[:-1] if change.at > start + SOON)])
    units = max(known[-1].units - paid, ZERO)
    priced = start_units(units, at, end, days) if charge.prorated else units
    return line_of(charge, order, units, priced, start, end, at_once=True)


def known_changes(charge: Charge, order: Order, at: datetime) -> list[UnitsChange]:
    """The changes that a billing at ``at`` knows, in the order they were made; a later one for an earlier time wins."""
    kept: list[UnitsChange] = []
    for change in unit_changes(charge, order):
        if change.at <= at + SOON:
            kept = [*(other for other in kept if other.at < change.at), change]
    return kept


def line_of(
    charge: Charge, order: Order, units: Decimal, priced: Decimal, start: datetime, end: datetime, *, at_once: bool
) -> Line:
    """The line of so many units, ``priced`` of which are paid; ``at_once``: on a bill of their own, nothing of none.

    Prorated ones are priced as usage that came as one event.
    """
    usage = Usage(priced)
    if charge.prorated:
        usage = Usage(priced, full_units=units, values=[units], prorated_values=[priced])
    rated = rate(charge.charge_model, charge.properties, usage, currency=order.currency, prorated=charge.prorated)
    if priced < 0 or rated.amount < 0 or (at_once and not units):
        units, rated = ZERO, Rated(ZERO, ZERO, rated.steps)
    return Line(
        kind="fixed_charge",
        item=charge.lago_id,
        name=charge.name,
        cents=storable(cents(rated.amount, order.currency)),
        precise=rated.amount.scaleb(exponent(order.currency)),
        units=units,
        total_units=units,
        unit_amount=rated.unit_amount,
        start=start,
        end=end,
        steps=rated.steps,
        charge=charge.lago_id,
        code=charge.code,
    )


def units_at(changes: Sequence[UnitsChange], start: datetime, end: datetime) -> Decimal:
    """The change made last within the period, else the latest one before."""
    inside = [change for change in changes if start <= change.at < end]
    if inside:
        return inside[-1].units
    before = [change for change in changes if change.at < start]
    return max(before, key=lambda change: change.at).units if before else ZERO


def prorated_units(changes: Sequence[UnitsChange], order: Order, start: datetime, end: datetime, days: int) -> Decimal:
    """Units weighted by their days; each slice is rounded to six decimals."""
    effective = slices(changes, start, end)
    tz, total = order.sub.tz, ZERO
    last = local_date(end + DAY, tz)  # 24 hours, as Lago: a day more where clocks go forward
    for index, change in enumerate(effective):
        first = local_date(max(change.at, start), tz)
        until = local_date(effective[index + 1].at, tz) if index + 1 < len(effective) else last
        share = change.units * Decimal((until - first).days) / Decimal(days)
        total += half_up(max(share, ZERO), 6)
    return total


def start_units(units: Decimal, start: datetime, end: datetime, days: int) -> Decimal:
    """Units for the rest of a period; this bill counts days of UTC, takes a double of them and does not round."""
    return units * of_double(((end.date() - start.date()).days + 1) / days)


def slices(changes: Sequence[UnitsChange], start: datetime, end: datetime) -> list[UnitsChange]:
    """Changes that have an effect in the period, in time order; one made later for an earlier time wins."""
    kept: list[UnitsChange] = []
    for change in changes:
        if change.at < end:
            kept = [*(other for other in kept if other.at < change.at), change]
    before = [change for change in kept if change.at < start]
    return [*before[-1:], *(change for change in kept if change.at >= start)]
