"""What looks like a lapse, before it is known what it is worth; and which windows invoices have already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.period import Boundaries, Window
from mappings.records import BillingPeriod, Plan, Subscription
from reconcile.rerate.billing import Billed, subscription_window, usage_window
from reconcile.rerate.history import History
from reconcile.rerate.occasions import has_base_fee, occasion_of

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A lapse before it is known what it is worth. ``most``: what it can be worth at most, in cents; None: anything."""

    kind: str
    subscription: Subscription
    plan: Plan
    window: Window
    at: datetime
    period: BillingPeriod
    invoices: tuple[str, ...] = ()
    most: int | None = None
    unknown: frozenset[str] = frozenset()  # numbers of invoices without which it is rated: they bill usage again


def period_of(
    subscription: Subscription, plan: Plan, base: Window | None, charges: Window | None, fixed: Window | None
) -> BillingPeriod:
    """The period of an invoice that nobody made, as the API would give it."""
    return BillingPeriod(
        lago_subscription_id=subscription.lago_id,
        external_subscription_id=subscription.external_id,
        lago_plan_id=plan.lago_id,
        subscription_from_datetime=base.start if base else None,
        subscription_to_datetime=_whole(base.end) if base else None,
        charges_from_datetime=charges.start if charges else None,
        charges_to_datetime=_whole(charges.end) if charges else None,
        fixed_charges_from_datetime=fixed.start if fixed else None,
        fixed_charges_to_datetime=_whole(fixed.end) if fixed else None,
        invoicing_reason="subscription_periodic",
    )


def _whole(moment: datetime) -> datetime:
    """Whole seconds, as the API gives them."""
    return moment.replace(microsecond=0)


def base_billings(history: History, billings: Iterable[Billed]) -> list[Billed]:
    """Those that bill a base fee, or have to: one that lacks is told where the invoice is compared.

    Of a long plan with parts billed monthly each run stores the window of the base fee, and one of them bills it.
    """
    return [billed for billed in billings if billed.base_fees() or has_base_fee(occasion_of(history, billed))]


def is_covered(billings: Sequence[Billed], based: Sequence[Billed], expected: Boundaries) -> bool:
    """Whether billings of other days have all the windows that this run would have billed: usage, and the base fee.

    ``based``: those of them that bill a base fee (``base_billings``).
    """
    used = [usage_window(billing.period) for billing in billings]
    return is_among(used, expected.charges) and is_base_covered(based, expected)


def is_base_covered(based: Sequence[Billed], expected: Boundaries) -> bool:
    """Whether an invoice has the window of the base fee. ``based``: those that bill one."""
    return is_among(base_windows(based), expected.subscription)


def base_windows(based: Iterable[Billed]) -> list[Window]:
    """What their base fees cover, where Lago stored it."""
    return [window for billed in based if (window := subscription_window(billed.period))]


def is_among(stored: Iterable[Window | None], expected: Window | None) -> bool:
    """An empty window covers nothing: that of usage on the first invoice of what is paid in advance."""
    if expected is None or expected.start >= expected.end:
        return True
    return any(_covers(window, expected) for window in stored if window and window.start < window.end)


def _covers(window: Window, expected: Window) -> bool:
    """The same start, to the day: that of a period of one day is not the next one's."""
    return abs(window.start - expected.start) < _DAY and window.start <= expected.end


def unbilled(expected: Window | None, used: Sequence[Window | None], ended_at: datetime) -> Window | None:
    """The stretch of usage that the end has to bill: that of the calendar, or what is left behind the last one billed.

    Lago's own calendar gives the month before where parts of a long plan are billed monthly.
    """
    if expected is None or not is_among(used, expected):
        return expected
    left = Window(max(window.end for window in used if window) + timedelta(microseconds=1), ended_at)
    return left if left.end - left.start > _SECOND else None
