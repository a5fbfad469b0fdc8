"""What Lago knew when it billed, in a world that is a little different. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mappings.period import Window, boundaries, local_date, utc_date
from mappings.records import Charge, Plan, Snapshot, Subscription
from reconcile.rating.demand import Carry
from reconcile.rerate.billing import Billed
from reconcile.rerate.history import History
from reconcile.rerate.supposed import World

_MICROSECOND = timedelta(microseconds=1)


class Supposed(History):
    """A history in which some prices are others, or some subscriptions were always billed by another calendar."""

    def __init__(self, snapshot: Snapshot, world: World) -> None:
        super().__init__(snapshot, late=world.late, zones=world.zones)
        self.prices = world.prices
        self.moved = world.moved

    def price_then(self, subscription: Subscription, plan: Plan, at: datetime) -> int:
        price = self.prices.get(subscription.lago_id)
        return super().price_then(subscription, plan, at) if price is None else price

    def carry(self, billed: Billed, charge: Charge) -> Carry | None:
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
        """Usage of the billings before this one, by the calendar: none of a day before the subscription was entered."""
        subscription, at = billed.subscription, billed.invoice.created_at
        zone = self.timezone(billed)
        contract = self.contract(subscription, billed.plan, zone, at)
        window = boundaries(contract, contract.started_at, current_usage=True).charges
        while window is not None and window.start < window.end:
            closed_on = local_date(window.end + _MICROSECOND, zone)
            if closed_on >= local_date(at, zone):
                return
            if closed_on >= utc_date(subscription.created_at):
                yield window
            window = boundaries(contract, window.end + _MICROSECOND, current_usage=True).charges
