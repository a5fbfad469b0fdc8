"""Lines of Odoo's that bill another period than Lago's, whatever their amounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mappings.period import Boundaries, Window, boundaries
from mappings.phrases import Told
from mappings.records import BillingPeriod
from reconcile.billed import BilledInvoice, LineKey, Refusal, Side
from reconcile.rerate.billing import Billed, fee_window, fixed_window, subscription_window, usage_window
from reconcile.rerate.history import History
from reconcile.rerate.lago_calendar import alike, expected_boundaries
from reconcile.sides.lago import lago_line

LineWindows = Mapping[LineKey, tuple[datetime, datetime] | None]
PeriodRefusals = Mapping[str, tuple[Refusal, ...]]  # by subscription

FAMILIES = {"subscription": "subscription", "charge": "charges", "fixed_charge": "fixed_charges"}
_WHAT = {
    "subscription": Told.FAMILY_SUBSCRIPTION,
    "charges": Told.FAMILY_CHARGES,
    "fixed_charges": Told.FAMILY_FIXED_CHARGES,
}
_MINUTE = "%Y-%m-%d %H:%M"
STORED = {"subscription": subscription_window, "charges": usage_window, "fixed_charges": fixed_window}


def other_windows(billed: Billed, windows: LineWindows, history: History) -> dict[str, tuple[datetime, datetime]]:
    """Family of lines -> the period that Odoo bills, where Lago has another and its calendar gives another.

    What is paid in advance bills another period than Lago stores of the invoice: its fee says which.
    """
    calendar = _calendar(billed, history)
    fees = {lago_line(fee).key: fee_window(fee) for fee in billed.fees()}
    odoo: dict[str, tuple[datetime, datetime]] = {}
    for key, window in windows.items():
        family = FAMILIES.get(key.kind, "")
        if key.subscription != billed.subscription.lago_id or window is None or not family or key.event:
            continue
        lagos = (STORED[family](billed.period), fees.get(key), getattr(calendar, family))
        if not any(lago is not None and alike(Window(*window), lago) for lago in lagos):
            odoo[family] = window
    return odoo


def gives_periods(billed: Billed, windows: LineWindows, history: History) -> bool:
    """Whether the calendar of this history gives every period that Odoo bills of a subscription. There is one at least.

    The invoices before are Lago's own, as they are: what they covered says nothing of a world in which they moved too.
    """
    zone, at = history.timezone(billed), billed.invoice.created_at
    contract = history.contract(billed.subscription, billed.plan, zone, at)
    closed = (
        boundaries(contract, at) if contract.terminated_at is None else expected_boundaries(contract, billed, history)
    )
    running = boundaries(contract, at, current_usage=True)
    advance = {charge.lago_id for charge in history.fixed_charges(billed) if charge.pay_in_advance}
    given = [
        alike(Window(*window), getattr(running if key.item in advance else closed, FAMILIES[key.kind]))
        for key, window in windows.items()
        if key.subscription == billed.subscription.lago_id and window and key.kind in FAMILIES and not key.event
    ]
    return bool(given) and all(given)


def _calendar(billed: Billed, history: History) -> Boundaries:
    """The boundaries that Lago's own calendar gives."""
    at = billed.invoice.created_at
    contract = history.contract(billed.subscription, billed.plan, history.timezone(billed), at)
    return expected_boundaries(contract, billed, history)


def other_periods(lago: Side, odoo: Side, history: History) -> dict[str, PeriodRefusals]:
    """Invoice -> why Odoo's is for another period than Lago's, whatever the amounts are.

    Whether a cause explains it is known only when the amounts are explained: ``causes.periods`` decides.
    """
    told = {number: _refusals(invoice, history) for number, invoice in odoo.items() if number in lago}
    return {number: refusals for number, refusals in told.items() if refusals}


def _refusals(odoo: BilledInvoice, history: History) -> PeriodRefusals:
    shown = history.invoices.get(odoo.lago_id)
    windows = {line.key: line.window for line in odoo.lines if line.amount_cents}
    refusals: dict[str, tuple[Refusal, ...]] = {}
    for period in shown.billing_periods if shown else ():
        billed = history.billed_on(shown, period) if shown else None
        for family, window in other_windows(billed, windows, history).items() if billed else ():
            subscription = period.lago_subscription_id
            refusals[subscription] = (*refusals.get(subscription, ()), _refusal(family, window, period))
    return refusals


def _refusal(family: str, window: tuple[datetime, datetime], period: BillingPeriod) -> Refusal:
    start, end = window
    stored = STORED[family](period)
    odoos = (_WHAT[family].of(), f"{start:{_MINUTE}}", f"{end:{_MINUTE}}")
    if stored:
        detail = Told.OTHER_PERIOD.of(*odoos, f"{stored.start:{_MINUTE}}", f"{stored.end:{_MINUTE}}")
    else:
        detail = Told.PERIOD_OF_NONE.of(*odoos)
    return Refusal(reason="other_period", detail=detail)
