"""One subscription, two ways to say it: Enterprise's ``sale_subscription`` and OCA's ``subscription_oca``.

    Enterprise   sale.order with plan_id -> sale.subscription.plan; confirming starts it
    OCA          sale.subscription with template_id -> sale.subscription.template; a stage says whether it runs.
                 With the addon a sale.order without quantities carries what the addon needs; nobody invoices it

Interval of the Odoo side ("cadence"): how often native invoicing has to look. A yearly plan whose usage is billed every
month must be looked at every month; only the addon then knows that the base fee is not due. Without the addon it is
looked at once a year, and the monthly parts are a named gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from mappings.context import Context
from mappings.records import Plan
from mappings.target import Desired, Phase, Ref, Source, Target, Value, xid

INTERVALS: Mapping[str, tuple[str, int, str]] = {
    "weekly": ("Weekly", 1, "week"),
    "monthly": ("Monthly", 1, "month"),
    "quarterly": ("Quarterly", 3, "month"),
    "semiannual": ("Half-yearly", 6, "month"),
    "yearly": ("Yearly", 1, "year"),
}
DRAFT, RUNNING, CLOSED, CANCELLED = "draft", "running", "closed", "cancelled"
_OCA_STAGE = {DRAFT: "draft", RUNNING: "in_progress", CLOSED: "closed", CANCELLED: "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line: units × price in currency units, with its taxes spelled out."""

    xid: str
    product: Ref
    name: str
    quantity: Decimal
    price: Decimal
    taxes: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionOrder:
    """A subscription as any Odoo could know it. Dates are the customer's calendar days; ``state`` as above.

    ``extras`` are the addon's fields. ``origin`` names the order that this one replaces.
    """

    xid: str
    source: Source
    customer: str
    name: str
    external_id: str
    partner: Ref
    interval: str
    state: str
    pricelist: Ref
    payment_term: Ref | None  # none: its partner's
    started: date
    ends: date | None
    next_invoice: date | None
    lines: tuple[OrderLine, ...]
    invoice_to: Ref | None = None
    ship_to: Ref | None = None
    origin: str | None = None
    extras: Mapping[str, Value] = field(default_factory=dict)
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)  # as ``Desired.shown``


def bills_parts_monthly(plan: Plan) -> bool:
    """Whether parts of a longer period are billed every month."""
    longer = plan.interval in ("yearly", "semiannual")
    return longer and bool(plan.bill_charges_monthly or plan.bill_fixed_charges_monthly)


def cadence(target: Target, plan: Plan) -> str:
    """How often native invoicing has to look at a subscription to this plan."""
    return "monthly" if target.addon and bills_parts_monthly(plan) else plan.interval


def interval_ref(interval_name: str) -> Ref:
    """The recurring plan of an interval."""
    return Ref(xid("interval", interval_name))


def interval(target: Target, name: str) -> Desired:
    """The record that stands for a billing interval."""
    title, count, unit = INTERVALS[name]
    values: dict[str, Value] = {"name": f"{title} (Lago)"}
    if target.subscriptions == "oca":
        model = "sale.subscription.template"
        values |= {"code": f"LAGO-{name}", "recurring_interval": count, "recurring_rule_type": f"{unit}s"}
        values |= {"recurring_rule_boundary": "unlimited", "invoicing_mode": "draft"}
    else:
        model = "sale.subscription.plan"
        values |= {"billing_period_value": count, "billing_period_unit": unit}
    source = Source("interval", name)
    return Desired(phase=Phase.CATALOG, model=model, xid=interval_ref(name).xid, values=values, source=source)


def recurring(context: Context, cadence_name: str | None) -> dict[str, Value]:
    """What marks a product as one of subscriptions (``cadence_name``), or as one that is sold once (None)."""
    if context.target.subscriptions == "oca":
        # no template on the product: confirming any order with it would then create a second subscription
        return {"subscribable": cadence_name is not None}
    return {"recurring_invoice": cadence_name is not None}


def records(context: Context, order: SubscriptionOrder) -> Iterator[Desired]:
    """The Odoo records of a subscription, in the dialect of the target."""
    if context.target.subscriptions == "oca":
        if context.target.addon:
            yield _sale_order(order, {**_carrier_state(order), **order.extras}, _sale_lines(order, carrier=True))
        yield _oca(context, order)
    else:
        yield _enterprise(order)


def _enterprise(order: SubscriptionOrder) -> Desired:
    values: dict[str, Value] = {
        "plan_id": interval_ref(order.interval),
        "start_date": order.started,
        "end_date": order.ends,
        "next_invoice_date": order.next_invoice,
        **order.extras,
    }
    if order.state == CLOSED:
        values |= {"state": "sale", "subscription_state": "6_churn"}
    elif order.state == CANCELLED:
        values |= {"state": "cancel"}
    after = ("action_confirm",) if order.state == RUNNING else ()
    once = frozenset({"next_invoice_date"} if order.next_invoice else ())
    return _sale_order(order, values, _sale_lines(order, carrier=False), after, once)


def _sale_order(
    order: SubscriptionOrder,
    values: dict[str, Value],
    lines: tuple[Desired, ...],
    after: tuple[str, ...] = (),
    once: frozenset[str] = frozenset(),
) -> Desired:
    common: dict[str, Value] = {
        "name": order.name,
        "partner_id": order.partner,
        "client_order_ref": order.external_id,
        "origin": order.origin,
        "pricelist_id": order.pricelist,
    }
    if order.payment_term:
        common["payment_term_id"] = order.payment_term
    if order.invoice_to:
        common["partner_invoice_id"] = order.invoice_to
    if order.ship_to:
        common["partner_shipping_id"] = order.ship_to
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid=order.xid,
        values={**common, **values},
        source=order.source,
        customer=order.customer,
        children={"order_line": lines},
        after=after,
        once=once,
        shown=order.shown,
    )


def _carrier_state(order: SubscriptionOrder) -> dict[str, Value]:
    """Confirmed without ``action_confirm``, which in OCA would create a second subscription."""
    states = {RUNNING: "sale", CLOSED: "sale", CANCELLED: "cancel"}
    return {"state": states[order.state]} if order.state in states else {}


def _sale_lines(order: SubscriptionOrder, *, carrier: bool) -> tuple[Desired, ...]:
    return tuple(_line(order, line, "sale.order.line", line.xid, carrier) for line in order.lines)


def _oca(context: Context, order: SubscriptionOrder) -> Desired:
    """``late``: created with both dates it would be forced to draft, and moved to a stage it would start today."""
    values: dict[str, Value] = {
        "code": order.name,
        "partner_id": order.partner,
        "template_id": interval_ref(order.interval),
        "pricelist_id": order.pricelist,
        "description": order.external_id,
        "stage_id": Ref(f"subscription_oca.subscription_stage_{_OCA_STAGE[order.state]}"),
        "in_progress": order.state == RUNNING,
        "date_start": order.started,
        "recurring_next_date": order.next_invoice,
    }
    if context.target.addon:
        values["sale_order_id"] = Ref(order.xid)
    lines = tuple(_line(order, line, "sale.subscription.line", line.xid + "_oca", False) for line in order.lines)
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.subscription",
        xid=order.xid + "_oca",
        values=values,
        source=order.source,
        customer=order.customer,
        children={"sale_subscription_line_ids": lines},
        once=frozenset({"recurring_next_date"} if order.next_invoice else ()),
        late=frozenset({"in_progress", "date_start", "recurring_next_date"}),
    )


def _line(order: SubscriptionOrder, line: OrderLine, model: str, external_id: str, carrier: bool) -> Desired:
    """Closed orders and carriers have no quantities: nothing on them may ever be invoiced again."""
    empty = carrier or order.state in (CLOSED, CANCELLED)
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model=model,
        xid=external_id,
        values={
            "product_id": line.product,
            "name": line.name,
            "product_uom_qty": Decimal(0) if empty else line.quantity,
            "price_unit": line.price,
            "tax_ids": line.taxes,
        },
        source=order.source,
        customer=order.customer,
    )
