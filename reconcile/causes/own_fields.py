"""The field of Odoo's that holds a price or dates, by external id, and what the mapping wants there. Pure.

For what the records themselves did not tell, because nobody read them: where to look, and what has to stand there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mappings.money import from_subunits
from mappings.records import Charge, FixedCharge, Plan, Subscription
from mappings.target import xid
from mappings.text import json_text
from reconcile.billed import LineKey
from reconcile.causes.observed import CHARGE, shown
from reconcile.rerate.history import History
from reports.data import EvidenceValue

Values = Mapping[str, EvidenceValue]
NOTHING = "null"  # a field of several that has to be empty


def price_of_order(subscription: Subscription, plan: Plan) -> Values:
    """The base price, as it is today."""
    price = from_subunits(plan.amount_cents, plan.amount_currency)
    return {"where": _order(subscription), "what": "fusion_plan_amount", "lago": str(price)}


def dates_of_order(history: History, subscription: Subscription) -> Values:
    """From when to when, and in place of which order."""
    replaced = history.previous(subscription)
    dates = (_moment(subscription.started_at), _moment(subscription.terminated_at))
    previous = xid("subscription", replaced.lago_id) if replaced else NOTHING
    return {
        "where": _order(subscription),
        "what": "fusion_started_at, fusion_ended_at, fusion_previous_order_id",
        "lago": ", ".join((*dates, previous)),
    }


def prices_of_charge(charge: Charge | FixedCharge, plan: Plan, key: LineKey) -> Values:
    """The prices of a charge, of an order's own where its plan was overridden; of a filter within the filters."""
    owner = (key.subscription,) if plan.parent_id else ()
    where = f"{CHARGE} {xid('charge', charge.lago_id, *owner)}"
    part = next((f for f in charge.filters if f.lago_id == key.filter), None) if isinstance(charge, Charge) else None
    if part is None:
        return {"where": where, "what": "properties", "lago": json_text(charge.properties)}
    values = ", ".join(f"{name} {'/'.join(values)}" for name, values in part.values.items())
    return {"where": where, "what": f"filters: {values}", "lago": json_text(part.properties)}


def _order(subscription: Subscription) -> str:
    return f"sale.order {xid('subscription', subscription.lago_id)}"


def _moment(moment: datetime | None) -> str:
    return str(shown(moment)) if moment else NOTHING
