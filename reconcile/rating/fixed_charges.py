"""Fixed charges: units over time -> the fee of a period, in arrears or in advance (facts §7.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from mappings.explain import Step
from mappings.money import CONTEXT, round_float, round_half_up
from mappings.period import Window, local_date, utc_date
from mappings.records import FixedCharge, Json
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.charge_models import rate
from reconcile.rating.fees import FeeAmounts, amounts
from reconcile.rating.pricing import divide

SLICE_DIGITS = 6  # Lago rounds the units of each stretch of days
ZERO = Decimal(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsChange:
    """From ``effective_at`` on the charge has ``units``. The one created last wins over all later effective ones."""

    units: Decimal
    effective_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFee:
    """``units`` as shown on the fee; ``weighted`` what was priced: the same, by days if the charge is prorated."""

    units: Decimal
    weighted: Decimal
    money: FeeAmounts
    amount_details: Json
    steps: tuple[Step, ...]

    @property
    def is_stored(self) -> bool:
        return bool(self.units or self.money.amount_cents)


def fixed_fee(
    charge: FixedCharge, changes: Sequence[UnitsChange], window: Window, duration: int, timezone: str, currency: str
) -> FixedFee:
    """The fee of ``charge`` for a whole window (of a period of ``duration`` days)."""
    units = units_in(changes, window)
    if not charge.prorated:
        return _priced(charge, units, units, currency)
    return _priced(charge, units, weighted_units(changes, window, duration, timezone), currency)


def advance_fee(
    charge: FixedCharge, paid_units: Decimal, units: Decimal, at: datetime, window: Window, duration: int, currency: str
) -> FixedFee:
    """In advance at the start, or for more units within a period: the additional ones, for the days left (UTC dates).

    Lago stores this fee even when it is 0, and divides its rounded amount for the unit price.
    """
    more = max(units - paid_units, ZERO)
    if not more:
        return FixedFee(units=more, weighted=more, money=amounts(ZERO, ZERO, currency), amount_details={}, steps=())
    days = (utc_date(window.end) - utc_date(at)).days + 1
    weighted = CONTEXT.multiply(more, Decimal(repr(days / duration))) if charge.prorated else more
    fee = _priced(charge, more, weighted, currency)
    unit_cents = int(round_half_up(divide(Decimal(fee.money.amount_cents), more)))
    return replace(fee, money=replace(fee.money, unit_amount_cents=unit_cents))


def without_paid(fee: FixedFee, paid_cents: int, days_left: int, duration: int) -> FixedFee:
    """After an upgrade: less what the old plan was paid for the rest of the period, never below 0 (facts §7.3)."""
    paid = round_float(paid_cents * (days_left / duration))
    cents = max(fee.money.amount_cents - paid, 0)
    precise = max(fee.money.precise_amount_cents - paid, ZERO)
    return replace(fee, money=replace(fee.money, amount_cents=cents, precise_amount_cents=precise))


def units_in(changes: Sequence[UnitsChange], window: Window) -> Decimal:
    """Units of the last change known to be effective before the end of the window."""
    effective = [change for change in changes if change.effective_at < window.end]
    return max(effective, key=lambda change: change.created_at).units if effective else ZERO


def weighted_units(changes: Sequence[UnitsChange], window: Window, duration: int, timezone: str) -> Decimal:
    """Units by days: each stretch lasts from its change to the next, the last one to the end of the window.

    One that was over before the window has no day of it. The last one has a day more where the clocks go forward on the
    day after the window: 24 hours after its end it is the next but one there.
    """
    stretches = _stretches(changes, window)
    total = ZERO
    for index, change in enumerate(stretches):
        start = local_date(max(change.effective_at, window.start), timezone)
        if index + 1 < len(stretches):
            days = (local_date(stretches[index + 1].effective_at, timezone) - start).days
        else:
            days = (local_date(window.end + _DAY, timezone) - start).days  # Lago adds 24 hours before it asks the zone
        share = CONTEXT.divide(CONTEXT.multiply(change.units, Decimal(max(days, 0))), Decimal(duration))
        total += max(round_half_up(share, SLICE_DIGITS), ZERO)
    return total


def _stretches(changes: Sequence[UnitsChange], window: Window) -> list[UnitsChange]:
    """The changes until the end of the window, by time; those overtaken by a later-made earlier one fall out."""
    known = sorted(
        (change for change in changes if change.effective_at < window.end),
        key=lambda change: (change.effective_at, change.created_at),
    )
    standing: list[UnitsChange] = []
    for change in known:
        if not standing or change.created_at >= standing[-1].created_at:
            standing.append(change)
    return standing


def _priced(charge: FixedCharge, units: Decimal, weighted: Decimal, currency: str) -> FixedFee:
    # a prorated charge is priced like prorated usage that came as one event
    priced = Aggregation(units=weighted, events_count=0, full_units=units, events=(units,), events_prorated=(weighted,))
    rated = rate(charge.charge_model, charge.properties, priced, currency=currency, prorated=charge.prorated)
    return FixedFee(
        units=units,
        weighted=weighted,
        money=amounts(rated.amount, rated.unit_amount, currency),
        amount_details=rated.amount_details,
        steps=rated.steps,
    )
