"""What the rules of lines share: lines as evidence, and the changes that edit them."""

from __future__ import annotations

from decimal import Decimal

from mappings.customers import pricelist_ref
from reconcile.billed import BilledLine, LineKey
from reconcile.causes.case import Case
from reconcile.causes.changes import (
    AddLine,
    Change,
    DropLine,
    SetLine,
    TaxLines,
)
from reconcile.causes.knowledge import OwnLine
from reconcile.causes.observed import LINE, OWN
from reconcile.sides.held_terms import BASE
from reports.data import Evidence


def evidence_of(key: LineKey, name: str, **values: str | int | Decimal) -> Evidence:
    """Evidence about a line, with what names the line."""
    return Evidence(name=name, values={"kind": key.kind, "item": key.item or key.subscription, **values})


def drop_lines(lines: tuple[BilledLine, ...]) -> tuple[Change, ...]:
    """Suppose that the lines were not billed."""
    return tuple(DropLine(key) for key in dict.fromkeys(line.key for line in lines))


def set_lines(lines: tuple[BilledLine, ...], cents: int) -> tuple[Change, ...]:
    """All baseline lines of a position replaced by one amount."""
    first, *others = dict.fromkeys(line.key for line in lines)
    return (SetLine(first, cents), *(DropLine(key) for key in others))


def billed_at(lines: tuple[BilledLine, ...], cents: int) -> tuple[Change, ...]:
    """Lines with another amount; Lago stores none without one."""
    return set_lines(lines, cents) if cents else drop_lines(lines)


def add_lines(lines: tuple[BilledLine, ...]) -> tuple[Change, ...]:
    """Suppose that the lines were billed too."""
    return tuple(AddLine(line) for line in lines)


def on_line(case: Case, *lines: BilledLine) -> tuple[Change, ...]:
    """The taxes that stand on these lines of Odoo's, where they are known."""
    taxes = case.odoo_taxes.on_lines
    bearing = {line.key: taxes[line.key] for line in lines if line.key in taxes}
    return (TaxLines(bearing),) if bearing else ()


def own_line(case: Case, key: LineKey) -> OwnLine | None:
    """The line of an order that Odoo bills by itself, if the migration made it."""
    return case.known.orders.own_lines.get(key.item) if case.known.orders and key.kind == "other" else None


def back_to_its_order(case: Case, key: LineKey) -> Evidence | None:
    """A line that the migration made for another order goes back there: its quantity is right."""
    line = case.known.orders.strangers.get(key.item) if case.known.orders else None
    return Evidence(name="return_line", values={"where": line.label, "what": OWN, "lago": line.home}) if line else None


def by_hand(case: Case, key: LineKey, name: str) -> Evidence:
    """What to do about a line that somebody added."""
    return Evidence(name="end_order_line", values={"where": sold_at(case, key), "line": name})


def sold_at(case: Case, key: LineKey) -> str:
    """The order's line that Odoo bills by itself, or of a charge or the plan the one that the migration made.

    ``sale.order.line S1 (42)``; the order alone where nothing tells which line of it.
    """
    orders, item = case.known.orders, BASE if key.kind == "subscription" else key.item
    order = sold_under(case, key)
    model, _, number = item.partition(",")
    if model == LINE and number:
        return f"{LINE} {order} ({number})"
    made = orders.own_lines.values() if orders else ()
    labels = (line.label for line in made if line.charge == item and line.order == order)
    return next(labels, f"sale.order {order}")


def sold_under(case: Case, key: LineKey) -> str:
    """The name of the order that bills a line; the subscription's id where it was not read."""
    orders = case.known.orders
    return (orders.names.get(key.subscription) if orders else None) or key.subscription


def price_list(where: str, currency: str) -> Evidence:
    """Orders that bill in another currency get the price list of Lago's, through which Odoo knows it."""
    values = {"where": where, "what": "pricelist_id", "lago": pricelist_ref(currency).xid, "currency": currency}
    return Evidence(name="mend_pricelist", values=values)


def cents_of(lines: tuple[BilledLine, ...]) -> int:
    """The lines' sum."""
    return sum(line.amount_cents for line in lines)


def units_of(lines: tuple[BilledLine, ...]) -> Decimal | None:
    """Units of a position; a line that is not there has none, one that does not say makes them unknown."""
    known = [line.units for line in lines]
    return None if None in known else sum((u for u in known if u is not None), Decimal(0))


def is_read(case: Case, key: LineKey) -> bool:
    """Whether Odoo's records of this were read. What only the amount speaks for, they would have shown."""
    return case.is_of_odoo and case.known.orders is not None and key.subscription in case.known.orders.read
