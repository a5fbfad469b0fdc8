"""Fixed charges of a billing, in arrears and in advance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from mappings.period import Boundaries, Window, boundaries, days_between
from mappings.phrases import Told
from mappings.records import Fee, FixedCharge
from reconcile.billed import LineKey
from reconcile.rating.bill import FeeLine
from reconcile.rating.fixed_charges import FixedFee, UnitsChange, advance_fee, fixed_fee, without_paid
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.billing import Billed, fee_window
from reconcile.rerate.history import History
from reconcile.rerate.lines import InvoiceLines
from reconcile.rerate.occasions import contract_of, occasion_of, stored_boundaries
from reconcile.sides.lago import lago_key


@dataclass(frozen=True, slots=True, kw_only=True)
class _FixedBilling:
    """A fixed charge in the window it is billed for, of a period of ``days``. ``stored``: Lago's fee, if it has one."""

    billed: Billed
    charge: FixedCharge
    key: LineKey
    stored: Fee | None
    window: Window
    days: int


def add_fixed_lines(history: History, billed: Billed, lines: InvoiceLines) -> None:
    """Add the fixed charges of a billing; what cannot be rated is refused charge by charge."""
    for billing in _fixed_billings(history, billed):
        charge = billing.charge
        with lines.refusing(Told.FIXED_CHARGE.of(charge.code or charge.add_on_code)):
            fee = _fixed_fee(history, billing)
            if fee.is_stored:
                lines.lines.append(_fixed_line(billed, billing.key, charge, fee, lines))


def _fixed_billings(history: History, billed: Billed) -> Iterator[_FixedBilling]:
    contract = contract_of(history, billed)
    stored_fees = {lago_key(fee): fee for fee in reversed(billed.invoice.fees)}  # of two with one key the first
    running = boundaries(contract, billed.invoice.created_at, current_usage=True)
    closed = stored_boundaries(history, billed)
    occasion = occasion_of(history, billed)
    for charge in history.fixed_charges(billed):
        if charge.pay_in_advance and contract.terminated_at is not None:
            continue
        if charge.pay_in_advance and occasion.ends_trial and _is_paid(history, billed, charge, running.fixed_charges):
            continue
        if not charge.pay_in_advance and occasion.starts and not occasion.ends_trial:
            continue
        period: Boundaries = running if charge.pay_in_advance else closed
        key = LineKey(subscription=billed.subscription.lago_id, kind="fixed_charge", item=charge.lago_id)
        stored = stored_fees.get(key)
        window = (fee_window(stored) if stored else None) or period.fixed_charges
        if window is not None and (window.start < window.end or occasion.ends_trial):
            yield _FixedBilling(
                billed=billed, charge=charge, key=key, stored=stored, window=window, days=period.fixed_charges_days
            )


def _fixed_fee(history: History, billing: _FixedBilling) -> FixedFee:
    """Units have no history in the API: those Lago stored with the fee, or today's, if they held all the time."""
    billed, charge, window = billing.billed, billing.charge, billing.window
    timezone, currency = history.timezone(billed), billed.invoice.currency
    units = charge.units if billing.stored is None else billing.stored.units
    if window.start >= window.end:
        units = Decimal(0)  # nothing to bill but the flat fee of the first tier
    elif charge.prorated and not charge.pay_in_advance and billing.stored is None and _other_units(history, billing):
        raise _unknown_units()
    change = UnitsChange(units=units, effective_at=window.start, created_at=window.start)
    fee = fixed_fee(charge, [change], window, billing.days, timezone, currency)
    if charge.prorated and not charge.pay_in_advance and _is_of_other_units(fee, billing.stored):
        raise _unknown_units()
    paid = _paid_before_upgrade(history, billed, charge, window) if charge.prorated and charge.pay_in_advance else None
    if paid is None:
        return fee
    return without_paid(fee, paid, days_between(window.start, window.end, timezone), billing.days)


def _is_of_other_units(fee: FixedFee, stored: Fee | None) -> bool:
    """The fee in arrears shows the last units, its amount the days of all: another one is of units that changed."""
    return stored is not None and fee.money.amount_cents != stored.amount_cents


def _unknown_units() -> RerateRefused:
    return RerateRefused("fixed_charge_units_history", Told.UNITS_CHANGED.of())


def _other_units(history: History, billing: _FixedBilling) -> bool:
    """Whether the subscription was ever billed for other units of the charge than it has today."""
    return any(
        fee.units != billing.charge.units and (fee.from_date is None or fee.from_date != fee.to_date)
        for fee in _fees_of(history, billing.billed, billing.charge)
    )


def _fees_of(history: History, billed: Billed, charge: FixedCharge) -> Iterator[Fee]:
    for other in history.billed.get(billed.subscription.lago_id, ()):
        yield from (fee for fee in other.invoice.fees if fee.lago_fixed_charge_id == charge.lago_id)


def _is_paid(history: History, billed: Billed, charge: FixedCharge, running: Window | None) -> bool:
    """Whether the running period was paid in advance before this invoice, as at the start of a trial."""
    windows = (
        fee_window(fee)
        for old in history.all_earlier(billed)
        for fee in old.fees()
        if fee.lago_fixed_charge_id == charge.lago_id
    )
    return running is not None and any(window is not None and window.end == running.end for window in windows)


def _paid_before_upgrade(history: History, billed: Billed, charge: FixedCharge, window: Window) -> int | None:
    """Cents the replaced subscription was paid in advance for the same add-on, over the start of this one."""
    previous = history.previous(billed.subscription)
    if previous is None or window.start != billed.subscription.started_at:
        return None
    same = {old.lago_id for old in (previous.fixed_charges or ()) if old.add_on_code == charge.add_on_code}
    paid = [
        fee.amount_cents
        for old in history.billed.get(previous.lago_id, ())
        for fee in old.invoice.fees
        if fee.lago_fixed_charge_id in same
        and (spent := fee_window(fee)) is not None
        and spent.start <= window.start <= spent.end
    ]
    return paid[-1] if paid else None


def advance_fixed_line(history: History, billed: Billed, stored: Fee, lines: InvoiceLines) -> FeeLine:
    """A fixed charge paid in advance, on an invoice of its own. Raises RerateRefused."""
    window = fee_window(stored)
    if window is None:
        raise RerateRefused("fee_without_period", Told.NO_PERIOD.of())
    charge = next((c for c in history.fixed_charges(billed) if c.lago_id == stored.lago_fixed_charge_id), None)
    if charge is None:
        raise RerateRefused("charge_deleted", Told.FIXED_CHARGE_GONE.of())
    created_at = billed.invoice.created_at
    days = boundaries(contract_of(history, billed), created_at, current_usage=True).fixed_charges_days
    since = max(window.start, created_at - timedelta(seconds=1))
    fee = advance_fee(charge, Decimal(0), stored.units, since, window, days, billed.invoice.currency)
    return _fixed_line(billed, lago_key(stored), charge, fee, lines)


def _fixed_line(billed: Billed, key: LineKey, charge: FixedCharge, fee: FixedFee, lines: InvoiceLines) -> FeeLine:
    return FeeLine(
        key=key,
        plan_code=billed.plan.code,
        taxes=lines.taxes(billed, key, charge.taxes),
        amount_cents=fee.money.amount_cents,
        precise_cents=fee.money.precise_amount_cents,
        units=fee.units,
        steps=fee.steps,
    )
