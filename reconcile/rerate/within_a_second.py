"""At which fraction of a second a subscription started or ended: Lago's interface gives whole ones.

A weighted sum counts fractions: its end goes up to the next whole second, its start is exact. What Lago billed decides
within that one second, and nothing else of it: a fraction is taken only if all units that follow from it are Lago's to
the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from reconcile.billed import LineKey
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.billing import Billed, charge_key
from reconcile.sides.lago import lago_key

_TICK, _LAST = timedelta(microseconds=1), 999_999

Fees = tuple[ChargeFee, ...]
Rate = Callable[[Demand], Fees | RerateRefused]
Units = Mapping[LineKey, Decimal]


def is_cut(demand: Demand, billed: Billed) -> bool:
    """Whether the units depend on a moment that Lago's interface cuts to the second."""
    window = demand.window
    return demand.metric.aggregation_type == "weighted_sum_agg" and (
        _starts_within(window, billed) or _ends_within(window)
    )


def fees_within(demand: Demand, billed: Billed, fees: Fees, rate: Rate) -> Fees:
    """The fees at the fractions that Lago's own units follow from; ``fees``, of whole seconds, if there are none.

    ``rate``: the fees of a demand.
    """
    stored = _stored(demand, billed)
    if stored == _units(billed, fees):
        return fees
    for window in _windows(demand, billed, stored, rate):
        again = rate(replace(demand, window=window))
        if isinstance(again, tuple) and _units(billed, again) == stored:
            return again
    return fees


def _windows(demand: Demand, billed: Billed, stored: Units, rate: Rate) -> Iterator[ChargeWindow]:
    """Windows that may have been Lago's: with the next whole second as its end, then with the start within its own."""
    window = demand.window
    later = replace(window, charges_to=window.charges_to + _TICK)
    if _ends_within(window):
        yield later
    if not _starts_within(window, billed):
        return
    for ended in (window, later) if _ends_within(window) else (window,):
        bounds = [rate(replace(demand, window=_from(ended, micros))) for micros in (0, _LAST)]
        earliest, latest = ([] if isinstance(fees, RerateRefused) else fees for fees in bounds)
        micros = _fraction(stored, _units(billed, earliest), _units(billed, latest))
        if micros is not None:
            yield _from(ended, micros)


def _from(window: ChargeWindow, micros: int) -> ChargeWindow:
    return replace(window, charges_from=window.charges_from + micros * _TICK)


def _ends_within(window: ChargeWindow) -> bool:
    return window.terminated and window.charges_to.microsecond == 0


def _starts_within(window: ChargeWindow, billed: Billed) -> bool:
    return window.charges_from == billed.subscription.started_at and window.charges_from.microsecond == 0


def _fraction(stored: Units, earliest: Units, latest: Units) -> int | None:
    """Microseconds, by the units that change most within the second; None if Lago's do not lie in it."""
    changing = [key for key in stored if key in earliest and key in latest and latest[key] != earliest[key]]
    if not changing:
        return None
    key = max(changing, key=lambda key: abs(latest[key] - earliest[key]))
    share = (stored[key] - earliest[key]) / (latest[key] - earliest[key])
    return round(share * _LAST) if 0 <= share <= 1 else None


def _stored(demand: Demand, billed: Billed) -> Units:
    fees = (fee for fee in billed.fees() if fee.lago_charge_id == demand.charge.lago_id)
    return {lago_key(fee): fee.units for fee in fees if not fee.lago_true_up_parent_fee_id}


def _units(billed: Billed, fees: Sequence[ChargeFee]) -> Units:
    return {charge_key(billed, fee): fee.units for fee in fees if not fee.true_up}
