"""What the lines of orders put on an invoice beside what is rated, as native invoicing does it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..orm import Env, Vals

LINE_COLUMNS = (
    "order_id", "sequence", "display_type", "product_id", "name", "price_unit", "discount", "state",
    "product_uom_qty", "qty_invoiced", "qty_delivered", "product_uom_id",
)  # fmt: skip
SMALLEST = 1e-6  # a quantity below it is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """Of one order: the line of its plan, and those that native invoicing bills beside what is rated.

    ``left_out``: those of a quantity below 0, which only an invoicing that makes refunds too would bill.
    """

    plan: Vals | None
    before: tuple[Vals, ...] = ()
    after: tuple[Vals, ...] = ()
    left_out: tuple[Vals, ...] = ()


def sold_lines(env: Env, orders: Collection[int], gathered: Any) -> dict[int, Sold]:
    """Order -> what it sells; ``gathered`` (the addon's) says which lines are rated."""
    rows = [row for row in env.rows("sale.order.line", orders, LINE_COLUMNS, by="order_id") if not row["display_type"]]
    rows.sort(key=lambda row: (row["sequence"] or 0, row["id"]))
    taxes = env.values("sale.order.line", [row["id"] for row in rows], "tax_ids")
    policies = _policies(env, {row["product_id"] for row in rows if row["product_id"]})
    by_order: dict[int, list[Vals]] = {number: [] for number in orders}
    for row in rows:
        left = quantity_left(row, policies.get(row["product_id"], "order"))
        by_order[row["order_id"]].append({**row, "tax_ids": taxes[row["id"]], "left": left})
    refunds = "subscription_state" in env.model("sale.order").fields  # Enterprise's scheduled action makes them
    return {number: _sold(lines, gathered, number, refunds) for number, lines in by_order.items()}


def _policies(env: Env, products: Collection[int]) -> dict[int, str]:
    templates = env.values("product.product", sorted(products), "product_tmpl_id")
    rows = env.rows("product.template", sorted(set(templates.values())), ("invoice_policy",))
    policy = {row["id"]: row["invoice_policy"] for row in rows}
    return {product: policy[template] for product, template in templates.items()}


def quantity_left(row: Vals, policy: str) -> float:
    """What is still to be invoiced of a confirmed order's line."""
    done = row["product_uom_qty"] if policy == "order" else row["qty_delivered"]
    return float(done or 0.0) - float(row["qty_invoiced"] or 0.0)


def _lines_of(charge: Vals, rows: list[Vals], rated: Collection[int]) -> list[Vals]:
    """The order's lines of a charge's product that no other charge has taken."""
    return [row for row in rows if row["product_id"] == charge["product_id"] and row["id"] not in rated]


def _sold(rows: list[Vals], gathered: Any, order: int, refunds: bool) -> Sold:
    billed = gathered.plan_lines.get(order)
    plan = next((row for row in rows if billed and row["product_id"] == billed.product), None)
    if plan is None:
        return Sold(plan=None)
    rated = {plan["id"]}
    for charge in gathered.charges(order):
        rated |= {row["id"] for row in _lines_of(charge, rows, rated)[:1]}
    below = [row for row in rows if row["id"] not in rated and row["left"] < -SMALLEST]
    beside = [row for row in rows if row["id"] not in rated and (row["left"] > SMALLEST or (refunds and row in below))]
    place = rows.index(plan) if plan["left"] > SMALLEST else -1  # without quantity the fees come first
    before = tuple(row for row in beside if rows.index(row) < place)
    after = tuple(row for row in beside if row not in before)
    return Sold(plan=plan, before=before, after=after, left_out=() if refunds else tuple(below))


def move_values(row: Vals) -> Vals:
    """The invoice line of a line that is sold."""
    return {
        "product_id": row["product_id"] or False,
        "product_uom_id": row["product_uom_id"] or False,
        "name": row["name"],
        "quantity": row["left"],
        "discount": row["discount"] or 0.0,
        "price_unit": row["price_unit"] or 0.0,
        "tax_ids": [[6, 0, row["tax_ids"]]],
    }
