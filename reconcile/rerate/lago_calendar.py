"""The boundaries that Lago's calendar gives an invoice, held against those that Lago stored. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

from mappings.period import (
    Boundaries,
    Contract,
    LastInvoice,
    Window,
    boundaries,
    day_start,
    final_boundaries,
    local_date,
    zone_of,
)
from mappings.records import Invoice
from reconcile.rating.rules import Rules
from reconcile.rerate.billing import Billed, fixed_window, subscription_window, usage_window
from reconcile.rerate.history import History

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
UNKNOWN_ZONE = "another"  # of an earlier invoice: surely not the customer's of today


def calendar_differences(invoice: Invoice, history: History, rules: Rules) -> Iterator[str]:
    """Boundaries that today's calendar rules would not give, to the second (facts §0.1: stored ones come first)."""
    for period in invoice.billing_periods:
        billed = history.billed_on(invoice, period)
        if billed is None:
            continue
        contract = history.contract(billed.subscription, billed.plan, history.timezone(billed), invoice.created_at)
        if not rules.tiling_anniversaries and overlapped_once(contract):
            yield f"{period.external_subscription_id}: not checked, this Lago's anniversaries on late days overlap"
            continue
        expected = expected_boundaries(contract, billed, history)
        for name, window, stored in (
            ("base fee", expected.subscription, subscription_window(period)),
            ("usage", expected.charges, usage_window(period)),
            ("fixed charges", expected.fixed_charges, fixed_window(period)),
        ):
            if not alike(window, stored):
                yield f"{period.external_subscription_id} {name}: stored {_text(stored)}, calendar {_text(window)}"


def billing_days(contract: Contract, after: date) -> Iterator[date]:
    """Local days after this one on which Lago's calendar bills: also those of a part alone that is billed monthly."""
    monthly = contract.splits and (contract.charges_monthly or contract.fixed_charges_monthly)
    cycle, day = contract.monthly_cycle() if monthly else contract.cycle(), after
    while True:
        day += _DAY
        if cycle.start(day) == day:
            yield day


def walk(
    begins: datetime, until: datetime, timezone: str, window_at: Callable[[datetime], Window | None]
) -> Iterator[Window]:
    """Windows one after the other: that of ``begins``, then that of the day after each, up to ``until``.

    ``window_at``: that of a moment; None ends the walk.
    """
    moment = begins
    while moment < until:
        window = window_at(moment)
        if window is None or window.end <= moment:
            return
        yield window
        moment = day_start(local_date(window.end + _SECOND, timezone), timezone)


def expected_boundaries(contract: Contract, billed: Billed, history: History) -> Boundaries:
    """Boundaries of a billing as Lago's rules give them."""
    at = billed.invoice.created_at
    if billed.is_progressive:
        return boundaries(contract, at, current_usage=True)
    if contract.terminated_at is None:
        return boundaries(contract, at, last_invoice=_last_invoice(billed, history))
    return end_boundaries(contract, at, [usage_window(old.period) for old in history.earlier(billed)])


def end_boundaries(contract: Contract, at: datetime, used: Sequence[Window | None]) -> Boundaries:
    """Boundaries of the invoice that ends a subscription. ``used``: windows of usage that earlier invoices have."""
    if contract.next_yearly_cents is not None:
        return boundaries(contract, at, current_usage=contract.upgraded)
    final = final_boundaries(contract, at)
    already = any(final.charges and _seconds(window) == _seconds(final.charges) for window in used)
    return boundaries(contract, at) if already else final


def _last_invoice(billed: Billed, history: History) -> LastInvoice | None:
    """The API keeps no time zone of invoices: a change shows where the last usage did not end at local midnight."""
    earlier = history.earlier(billed)
    if not earlier:
        return None
    usage, fixed = usage_window(earlier[-1].period), fixed_window(earlier[-1].period)
    return LastInvoice(
        timezone=UNKNOWN_ZONE if usage and not _ends_day(usage, billed, history) else None,
        charges_to=usage.end if usage else None,
        fixed_charges_to=fixed.end if fixed else None,
    )


def _ends_day(window: Window, billed: Billed, history: History) -> bool:
    local = window.end.astimezone(zone_of(history.timezone(billed)))
    return (local.hour, local.minute, local.second) == (23, 59, 59) or window.start == window.end


def overlapped_once(contract: Contract) -> bool:
    """Anchors whose periods overlapped or left gaps before Lago mended its calendar (facts §0.3)."""
    if not contract.anniversary:
        return False
    anchor = local_date(contract.subscription_at, contract.timezone)
    if contract.interval == "yearly":
        return (anchor.month, anchor.day) == (2, 29)
    return contract.interval in ("quarterly", "semiannual") and anchor.day >= 29


def alike(expected: Window | None, stored: Window | None) -> bool:
    """Equal to the second, as the API gives them: an end within one is rounded on one side, cut on the other."""
    if expected is None or stored is None:
        return expected is stored
    pairs = ((expected.start, stored.start), (expected.end, stored.end))
    return all(abs(one.replace(microsecond=0) - other.replace(microsecond=0)) <= _SECOND for one, other in pairs)


def _seconds(window: Window | None) -> tuple[datetime, datetime] | None:
    return (window.start.replace(microsecond=0), window.end.replace(microsecond=0)) if window else None


def _text(window: Window | None) -> str:
    return f"{window.start:%Y-%m-%dT%H:%M:%SZ} to {window.end:%Y-%m-%dT%H:%M:%SZ}" if window else "nothing"
