"""What usage that only Odoo has is worth where each event is charged at once: a line of its own, of any period."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappings.records import Plan
from reconcile.rating.demand import Demand
from reconcile.rating.fees import ChargeFee
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.history import History
from reconcile.rerate.hypothesis import source_of, supposed
from reconcile.rerate.lapses_of_events import charge_window, event_windows
from reconcile.rerate.supposed import World
from reconcile.rerate.suppositions import Events
from reconcile.sides.open_usage import Surplus


def worth_at_once(world: World, history: History, plan: Plan, surplus: Surplus) -> tuple[int, Decimal] | None:
    """(cents before taxes, units) of the lines that Odoo makes of it; None where that cannot be told."""
    if not surplus.at_once:
        return 0, Decimal(0)
    more = supposed(world, Events(external_id=surplus.order.external_id, more=surplus.usage))
    fees: list[ChargeFee] = []
    try:
        with source_of(more) as source:
            for demand in _demands(history, plan, surplus):
                fees += pay_in_advance_fees(source, demand, rules=world.rules, premium=world.premium)
    except RerateRefused:
        return None
    charged = [fee for fee in fees if fee.transaction_id in surplus.at_once]
    return sum(fee.amount_cents for fee in charged), sum((fee.units for fee in charged), Decimal(0))


def _demands(history: History, plan: Plan, surplus: Surplus) -> Iterator[Demand]:
    """Of each charge that bills them, in each period that has some."""
    subscription = surplus.order.subscription
    moments = [event.timestamp for event in surplus.usage if event.transaction_id in surplus.at_once]
    for window in event_windows(history, subscription, plan) if subscription.started_at else ():
        if any(window.start <= moment <= window.end for moment in moments):
            asked = charge_window(history, subscription, plan, window)
            for charge in plan.charges:
                metric = history.metrics.get(charge.lago_billable_metric_id)
                if metric and charge.pay_in_advance and charge.invoiceable and metric.code == surplus.code:
                    yield Demand(window=asked, charge=charge, metric=metric)
