"""What Lago knew when it billed, in a world that is a little different. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from mappings.period import Contract, Window, boundaries, local_date, utc_date
from mappings.records import Charge, Plan, Snapshot, Subscription
from reconcile.rating.demand import Carry
from reconcile.rerate.billing import Billed
from reconcile.rerate.history import History
from reconcile.rerate.supposed import World

_MICROSECOND = timedelta(microseconds=1)


class Supposed(History):
    """Some prices are others, some subscriptions were always billed by another calendar, or go on from others."""

    def __init__(self, snapshot: Snapshot, world: World) -> None:
        super().__init__(snapshot, late=world.late, zones=world.zones)
        self.prices = world.prices
        self.moved = world.moved
        self.goes_on = world.goes_on
        self.followed = world.followed
        self.before = world.before

    def price_then(self, subscription: Subscription, plan: Plan, at: datetime) -> int:
        price = self.prices.get(subscription.lago_id)
        return super().price_then(subscription, plan, at) if price is None else price

    def previous(self, subscription: Subscription) -> Subscription | None:
        other = self.goes_on.get(subscription.lago_id)
        return super().previous(subscription) if other is None else other.replaced

    def following(self, subscription: Subscription) -> Subscription | None:
        if (told := self.followed.get(subscription.lago_id)) is not None:
            return told.following
        heir = next((name for name, other in self.goes_on.items() if other.replaced == subscription), None)
        return self.subscriptions.get(heir) if heir else super().following(subscription)

    def initial_started_at(self, subscription: Subscription) -> datetime:
        other = self.goes_on.get(subscription.lago_id)
        return super().initial_started_at(subscription) if other is None else other.since

    def carry(self, billed: Billed, charge: Charge) -> Carry | None:
        """With what others billed before: they are the first of the chain."""
        chain = self._carried(billed, charge)
        before = [other for other in self.before if other.subscription == billed.subscription.lago_id]
        windows = sorted((w for other in before for w in other.windows), key=lambda window: window.start)
        return self._after(windows, chain, billed) if windows else chain

    def _after(self, windows: list[Window], chain: Carry | None, billed: Billed) -> Carry | None:
        """What came before all of them counts where the subscription goes on from another one."""
        first, parts = windows[0], [part for part in (chain.chain() if chain else ()) if part.since is not None]
        inherits = self.previous(billed.subscription) is not None
        carried = Carry(until=first.start - _MICROSECOND, known_until=first.end) if inherits else None
        for window in windows:
            carried = Carry(until=window.end, since=window.start, known_until=_billed_at(window), earlier=carried)
        for part in parts:
            carried = replace(part, earlier=carried)
        return carried

    def _carried(self, billed: Billed, charge: Charge) -> Carry | None:
        """Of what was always billed by another calendar: from the billings that this one implies.

        Where others had its external id before, nothing but Lago's invoices tells of theirs.
        """
        alone = len(self._by_external_id.get(billed.subscription.external_id, ())) == 1
        if billed.subscription.lago_id not in self.moved or not alone:
            return super().carry(billed, charge)
        known, chain = self.known_until(billed.invoice), None
        for window in self._implied(billed):
            chain = Carry(until=window.end, since=window.start, known_until=known, earlier=chain)
        return chain

    def _implied(self, billed: Billed) -> Iterator[Window]:
        subscription, at = billed.subscription, billed.invoice.created_at
        contract = self.contract(subscription, billed.plan, self.timezone(billed), at)
        return implied_windows(contract, subscription.created_at, at)


def implied_windows(contract: Contract, created_at: datetime, at: datetime) -> Iterator[Window]:
    """Usage of the billings before ``at``, by the calendar: none of a day before the subscription was entered."""
    zone = contract.timezone
    window = boundaries(contract, contract.started_at, current_usage=True).charges
    while window is not None and window.start < window.end:
        closed_on = local_date(window.end + _MICROSECOND, zone)
        if closed_on >= local_date(at, zone):
            return
        if closed_on >= utc_date(created_at):
            yield window
        window = boundaries(contract, window.end + _MICROSECOND, current_usage=True).charges


def all_windows(contract: Contract, created_at: datetime, ended_at: datetime) -> Iterator[Window]:
    """Usage of all billings of a subscription that ended, the last one among them."""
    last = contract.started_at
    for window in implied_windows(contract, created_at, ended_at):
        yield window
        last = window.end + _MICROSECOND
    if last < ended_at:
        yield Window(last, ended_at)


def _billed_at(window: Window) -> datetime:
    """What came within the day after was known."""
    return window.end + timedelta(days=1)
