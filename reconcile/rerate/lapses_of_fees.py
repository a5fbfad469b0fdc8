"""Base fees, fixed charges and minimum commitments that Lago billed twice for the same days.

Each day of a subscription's life is billed once per kind of fee. What a fee covers is what Lago stored with it; a fee
of nothing covers nothing (a trial), one that a person voided or credited since is not held against anybody. Usage that
the second invoice bills again whole belongs to the same lapse: it is one invoice too many, with one amount.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby

from mappings.contracts import timezone_of
from mappings.money import round_half_up
from mappings.period import Window, local_date
from mappings.records import Fee, Snapshot, Subscription
from reconcile.rerate.billing import (
    Billed,
    fee_window,
    fixed_window,
    is_of_termination,
    subscription_window,
    usage_window,
)
from reconcile.rerate.history import History
from reconcile.rerate.lago_calendar import alike
from reconcile.rerate.lapses import PERIOD_TWICE, Lapse, name_of_customer, timezone_of_customer

_WHOLE_DAY = timedelta(hours=22)  # a day on which the clock changes is shorter, too
_MOVED = timedelta(hours=26)  # by how much the days of two time zones may overlap

Credited = Mapping[str, int]  # fee -> what a person credited of it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    """A fee, and the days that it covers."""

    fee: Fee
    window: Window
    billed: Billed
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """A fee that covers days which another invoice's fee covers already."""

    earlier: _Covered
    later: _Covered
    window: Window
    cents: int


def lapses_of_fees(
    history: History, subscription: Subscription, billings: Sequence[Billed], credited: Credited
) -> Iterator[Lapse]:
    """One lapse for each two invoices that bill fees of a subscription for the same days. ``billings``: that stand."""
    again = sorted(_again(history, billings, credited), key=_invoices)
    for invoices, group in groupby(again, key=_invoices):
        parts = list(group)
        earlier, later = parts[0].earlier.billed, parts[0].later.billed
        with_usage = _same_usage(earlier, later)
        usage = [fee for fee in later.fees() if fee.item.type == "charge"] if with_usage else []
        yield Lapse(
            kind=PERIOD_TWICE,
            customer=subscription.external_customer_id,
            customer_name=name_of_customer(history, subscription),
            subscription=subscription.external_id,
            window=Window(min(part.window.start for part in parts), max(part.window.end for part in parts)),
            day=local_date(later.invoice.created_at, timezone_of_customer(history, subscription)),
            currency=later.invoice.currency,
            cents=sum(part.cents for part in parts)
            + sum(fee.amount_cents - credited.get(fee.lago_id, 0) for fee in usage),
            events=sum(fee.events_count or 0 for fee in usage),
            invoices=invoices,
            with_usage=with_usage,
        )


def credited_by_people(snapshot: Snapshot) -> Credited:
    """What people credited of each fee; what Lago gives back by itself when a subscription ends is no correction."""
    credited: Counter[str] = Counter()
    for note in snapshot.credit_notes:
        if not is_of_termination(note) and note.credit_status != "voided":
            for item in note.items:
                credited[item.fee.lago_id if item.fee else ""] += item.amount_cents
    return credited


def standing(billings: Sequence[Billed], credited: Credited) -> list[Billed]:
    """The billings that still claim something: neither voided nor credited whole by a person."""

    def is_claim(billed: Billed) -> bool:
        owed = [fee for fee in billed.fees() if fee.amount_cents > 0]
        return not owed or any(credited.get(fee.lago_id, 0) < fee.amount_cents for fee in owed)

    return [billed for billed in billings if billed.invoice.status != "voided" and is_claim(billed)]


def _invoices(again: _Again) -> tuple[str, str]:
    return again.earlier.billed.invoice.number, again.later.billed.invoice.number


def _again(history: History, billings: Sequence[Billed], credited: Credited) -> Iterator[_Again]:
    fees: defaultdict[tuple[str, str | None], list[_Covered]] = defaultdict(list)
    for billed in billings:
        for covered in _covered(history, billed):
            fees[covered.fee.item.type, covered.fee.lago_fixed_charge_id].append(covered)
    for of_one_kind in fees.values():
        of_one_kind.sort(key=lambda covered: (covered.window.start, covered.billed.invoice.created_at))
        furthest = of_one_kind[0]
        for following in of_one_kind[1:]:
            earlier, later = sorted((furthest, following), key=lambda covered: covered.billed.invoice.created_at)
            window = _overlap(earlier, later)
            cents = _doubled(window, later) - _corrected(credited, earlier, later) if window else 0
            if window and cents > 0:
                yield _Again(earlier=earlier, later=later, window=window, cents=cents)
            furthest = max(furthest, following, key=lambda covered: covered.window.end)


def _covered(history: History, billed: Billed) -> Iterator[_Covered]:
    """The fees of a billing that are owed for days, not for usage; none that costs nothing.

    A commitment bears no days: it is that of the period that was used, which in advance is the one before.
    """
    period = billed.period
    base, used = subscription_window(period), usage_window(period)
    windows = {
        "subscription": base,
        "fixed_charge": fixed_window(period),
        "commitment": used if billed.plan.pay_in_advance else base,
    }
    for fee in billed.fees():
        if fee.item.type in windows and fee.amount_cents > 0:
            window = fee_window(history.fees.get(fee.lago_id, fee)) or fee_window(fee) or windows[fee.item.type]
            if window is not None and window.start < window.end:
                timezone = timezone_of(billed.invoice.customer)
                yield _Covered(fee=fee, window=window, billed=billed, timezone=timezone)


def _overlap(earlier: _Covered, later: _Covered) -> Window | None:
    """The days that both cover. A line that is twice on one invoice differs from its re-rate, and is told there."""
    window = Window(
        max(earlier.window.start, later.window.start),
        min(earlier.window.end, later.window.end),
    )
    least = _WHOLE_DAY if earlier.timezone == later.timezone else _MOVED
    apart = earlier.billed.invoice.lago_id != later.billed.invoice.lago_id
    whole = alike(earlier.window, later.window)
    return window if apart and (whole or window.end - window.start >= least) else None


def _doubled(window: Window, later: _Covered) -> int:
    """What of the later fee falls on the days that were billed before."""
    share = Decimal((window.end - window.start) / (later.window.end - later.window.start))
    whole = alike(window, later.window)
    return later.fee.amount_cents if whole else int(round_half_up(later.fee.amount_cents * share))


def _corrected(credited: Credited, earlier: _Covered, later: _Covered) -> int:
    return credited.get(earlier.fee.lago_id, 0) + credited.get(later.fee.lago_id, 0)


def _same_usage(earlier: Billed, later: Billed) -> bool:
    """Whether both bill the usage of the same stretch of time."""
    first, second = usage_window(earlier.period), usage_window(later.period)
    return first is not None and first.start < first.end and alike(first, second)
