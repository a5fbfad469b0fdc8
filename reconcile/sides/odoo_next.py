"""When Odoo bills next: the day on which its scheduled action looks at an order, held against Lago's calendar."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from mappings.context import day_after
from mappings.phrases import Told
from mappings.records import Invoice, Snapshot
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of
from migrate.values import number_or_none, odoo_moment
from reconcile.billed import BilledInvoice, Refusal, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """The next invoice of a running subscription: Lago's day, and the last invoice that billed it."""

    day: date
    invoice: str


def with_next_dates(odoo: Door, snapshot: Snapshot, side: Side) -> dict[str, BilledInvoice]:
    """Odoo's side, where a subscription's last invoice is refused by name if the next one comes on another day.

    Only as long as Odoo has billed nothing of the order: then its date moves on by itself.
    """
    following = {s: due for s, due in _following(snapshot).items() if due.invoice in side}
    orders = made_of(odoo, "sale.order", "subscription", following)
    names = {order: subscription for subscription, order in orders.items()}
    refusals: dict[str, list[Refusal]] = {}
    for order, row in _rows(odoo, sorted(names)).items():
        due = following[names[order]]
        if row["next"] != str(due.day):
            name, day = row["name"], row["next"]
            detail = Told.NEXT_ON.of(name, day, due.day) if day else Told.NEXT_NEVER.of(name, due.day)
            refusals.setdefault(due.invoice, []).append(Refusal(reason="next_invoice", detail=detail))
    return {
        number: replace(invoice, refusals=(*invoice.refusals, *refusals.get(number, ())))
        for number, invoice in side.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDay:
    """An order of Odoo's that runs, and when it is billed next; "" for never. ``is_billed``: something was already.

    ``since``: what it bills begins there, in UTC, whatever the day of its next invoice; None without the addon.
    """

    name: str
    day: str
    is_billed: bool = False
    since: datetime | None = None


def next_days(odoo: Door, subscriptions: Collection[str]) -> dict[str, NextDay]:
    """Subscription (Lago id) -> its order, of those that run."""
    orders = made_of(odoo, "sale.order", "subscription", subscriptions)
    asked = sorted(orders.values())
    rows, billed, since = _running(odoo, asked), _billed(odoo, asked), _since(odoo, asked)
    return {
        subscription: NextDay(
            name=str(rows[order]["name"]),
            day=str(rows[order]["next"] or ""),
            is_billed=order in billed,
            since=since.get(order),
        )
        for subscription, order in orders.items()
        if order in rows
    }


def _following(snapshot: Snapshot) -> dict[str, _Next]:
    """Running subscription (Lago id) -> what comes next."""
    zones = {c.lago_id: c.applicable_timezone for c in snapshot.customers}
    last: dict[str, Invoice] = {}
    for invoice in sorted(snapshot.invoices, key=lambda i: i.created_at):
        last |= {period.lago_subscription_id: invoice for period in invoice.billing_periods}
    return {
        s.lago_id: _Next(day=day_after(end, zones[s.lago_customer_id]), invoice=last[s.lago_id].lago_id)
        for s in snapshot.subscriptions
        if s.status == "active"
        and (end := s.current_billing_period_ending_at)
        and s.lago_id in last
        and s.lago_customer_id in zones
    }


def _rows(odoo: Door, orders: list[int]) -> dict[int, Row]:
    """Order -> its name and its next day; of those that Odoo has billed nothing of and that run."""
    billed = _billed(odoo, orders)
    return _running(odoo, [order for order in orders if order not in billed])


def _billed(odoo: Door, orders: list[int]) -> frozenset[int]:
    """Those of which Odoo has billed something."""
    rows = odoo.search_among("fusion.billing.period", "order_id", orders, ["order_id"])
    return frozenset(number for row in rows if (number := number_or_none(row["order_id"])))


def _since(odoo: Door, orders: list[int]) -> dict[int, datetime]:
    """Order -> until when it was billed by Lago: the addon bills each period that begins later, or then."""
    if "fusion_billed_until" not in odoo.fields_get("sale.order", ("fusion_billed_until",)):
        return {}
    rows = odoo.search_among("sale.order", "id", orders, ["fusion_billed_until"])
    moments = ((row["id"], row["fusion_billed_until"]) for row in rows)
    return {order: odoo_moment(text) for order, text in moments if text}


def _running(odoo: Door, asked: list[int]) -> dict[int, Row]:
    """Order -> its name and its next day; of those that run."""
    if odoo.count("ir.model", [["model", "=", "sale.subscription"]]):
        fields = ["name", "sale_order_id", "recurring_next_date"]
        rows = odoo.search_among(
            "sale.subscription", "sale_order_id", asked, fields, domain=[["in_progress", "=", True]]
        )
        return {
            number: {"name": row["name"], "next": row["recurring_next_date"]}
            for row in rows
            if (number := number_or_none(row["sale_order_id"]))
        }
    if "next_invoice_date" not in odoo.fields_get("sale.order", ("next_invoice_date",)):
        return {}
    domain = [["subscription_state", "=", "3_progress"]]
    rows = odoo.search_among("sale.order", "id", asked, ["name", "next_invoice_date"], domain=domain)
    return {row["id"]: {"name": row["name"], "next": row["next_invoice_date"]} for row in rows}
