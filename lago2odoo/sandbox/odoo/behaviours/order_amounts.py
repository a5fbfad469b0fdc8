"""Amounts of orders: totals, what is to invoice, and what a subscription brings in a month."""

from __future__ import annotations

from collections.abc import Mapping

from .. import taxes, values
from ..orm import Env, Vals
from .base import company_of, rounding_of
from .fiscal import flat_taxes

MONTHS = {"week": 7 / 30.437, "month": 1.0, "year": 12.0}


def recompute(env: Env, ids: list[int]) -> None:
    """Amounts and states of whole orders, after anything in them changed."""
    present = env.existing("sale.order", ids)
    if not present:
        return
    enterprise = "plan_id" in env.model("sale.order").fields
    columns = (
        "currency_id",
        "company_id",
        "state",
        *(("plan_id", "subscription_state", "is_subscription") if enterprise else ()),
    )
    orders = env.rows("sale.order", present, columns)
    lines = _lines_of(env, present)
    company = company_of(env)
    per_line = company["tax_calculation_rounding_method"] == "round_per_line"
    every = {tax for rows in lines.values() for row in rows for tax in row["taxes"]}
    table = flat_taxes(env, sorted(every))
    roundings = {number: rounding_of(env, number) for number in {order["currency_id"] for order in orders}}
    line_updates: dict[int, Vals] = {}
    order_updates: dict[int, Vals] = {}
    for order in orders:
        billed_lines = [row for row in lines[order["id"]] if not row["display_type"]]
        amounts, totals = taxes.compute(
            [_as_line(row, table) for row in billed_lines], roundings[order["currency_id"]], per_line
        )
        for row, amount in zip(billed_lines, amounts, strict=True):
            line_updates[row["id"]] = _line_values(row, amount, order["state"], roundings[order["currency_id"]])
        notes = {
            row["id"]: {"invoice_status": "invoiced" if order["state"] == "sale" else "no"}
            for row in lines[order["id"]]
            if row["display_type"]
        }
        env.set_columns("sale.order.line", notes)
        order_updates[order["id"]] = {
            "amount_untaxed": totals.untaxed,
            "amount_tax": totals.tax,
            "amount_total": totals.total,
            "invoice_status": _invoice_status(order["state"], [line_updates[row["id"]] for row in billed_lines]),
        }
    env.set_columns("sale.order.line", line_updates)
    env.set_columns("sale.order", order_updates)
    if enterprise:
        _subscription_fields(env, orders, lines, line_updates)


def _lines_of(env: Env, orders: list[int]) -> dict[int, list[Vals]]:
    columns = (
        "order_id",
        "product_uom_qty",
        "price_unit",
        "discount",
        "display_type",
        "product_id",
        "qty_delivered",
        "qty_invoiced",
        "sequence",
    )
    lines_by_order: dict[int, list[Vals]] = {number: [] for number in orders}
    rows = env.rows("sale.order.line", orders, columns, by="order_id")
    linked = env.with_context(active_test=False).values("sale.order.line", [row["id"] for row in rows], "tax_ids")
    for row in sorted(rows, key=lambda item: (item["sequence"] or 0, item["id"])):
        lines_by_order[row["order_id"]].append({**row, "taxes": linked[row["id"]]})
    return lines_by_order


def _as_line(row: Vals, table: Mapping[int, tuple[taxes.PercentTax, ...]]) -> taxes.TaxableLine:
    chosen = tuple(tax for number in row["taxes"] for tax in table[number])
    return taxes.TaxableLine(
        float(row["product_uom_qty"] or 0.0), float(row["price_unit"] or 0.0), float(row["discount"] or 0.0), chosen
    )


def _line_values(row: Vals, amount: taxes.LineAmounts, state: str, rounding: float) -> Vals:
    ordered, invoiced = float(row["product_uom_qty"] or 0.0), float(row["qty_invoiced"] or 0.0)
    confirmed = state == "sale"
    left = ordered - invoiced if confirmed else 0.0
    status = "no" if not confirmed else "to invoice" if left else "invoiced" if invoiced >= ordered else "no"
    total = values.float_round(amount.total, rounding)
    return {
        "price_subtotal": amount.subtotal,
        "price_tax": total - amount.subtotal,
        "price_total": total,
        "price_reduce_taxexcl": values.float_round(amount.subtotal / ordered, rounding) if ordered else 0.0,
        "price_reduce_taxinc": values.float_round(total / ordered, rounding) if ordered else 0.0,
        "untaxed_amount_to_invoice": amount.subtotal if left and not invoiced else 0.0,
        "qty_to_invoice": left,
        "invoice_status": status,
    }


def _invoice_status(state: str, lines: list[Vals]) -> str:
    states = [line["invoice_status"] for line in lines]
    if state != "sale" or not states:
        return "no"
    if "to invoice" in states:
        return "to invoice"
    return "invoiced" if all(item == "invoiced" for item in states) else "no"


def _subscription_fields(
    env: Env, orders: list[Vals], lines: Mapping[int, list[Vals]], amounts: Mapping[int, Vals]
) -> None:
    """Enterprise's computed fields, as the stand-in has them."""
    used = {row["product_id"] for rows in lines.values() for row in rows if row["product_id"]}
    recurring = env.values("product.product", sorted(used), "recurring_invoice")
    plans = {
        row["id"]: row
        for row in env.rows(
            "sale.subscription.plan",
            {o["plan_id"] for o in orders if o["plan_id"]},
            ("billing_period_value", "billing_period_unit"),
        )
    }
    updates = {}
    for order in orders:
        recurring_lines = [row for row in lines[order["id"]] if recurring.get(row["product_id"])]
        plan = plans.get(order["plan_id"])
        subscription = bool(plan and recurring_lines)
        total = sum(amounts[row["id"]]["price_subtotal"] for row in recurring_lines) if plan else 0.0
        months = MONTHS[plan["billing_period_unit"]] * (plan["billing_period_value"] or 1) if plan else 1.0
        state = order["subscription_state"]
        if subscription and not state:
            state = "1_draft"
        elif not subscription and state == "1_draft":
            state = None
        rounding = rounding_of(env, order["currency_id"])
        updates[order["id"]] = {
            "is_subscription": int(subscription),
            "subscription_state": state,
            "recurring_total": values.float_round(total, rounding),
            "recurring_monthly": values.float_round(total / months, rounding),
        }
    env.set_columns("sale.order", updates)
