"""The lines of orders: what comes from the product, and what a confirmed order refuses."""

from __future__ import annotations

from typing import Any

from .. import faults
from ..orm import Behaviour, Env, Vals
from . import products
from .fiscal import map_taxes
from .order_amounts import recompute

LOST_LINES = (
    "Once a sales order is confirmed, you can't remove one of its lines "
    "(we need to track if something gets invoiced or delivered).\n                Set the quantity to 0 instead."
)


def _fill_lines(env: Env, vals_list: list[Vals]) -> None:
    orders = {
        row["id"]: row
        for row in env.rows(
            "sale.order", _given(vals_list, "order_id"), ("fiscal_position_id", "pricelist_id", "date_order")
        )
    }
    products = _products(env, _given(vals_list, "product_id"))
    maps: dict[tuple[Any, int], list[int]] = {}
    for vals in vals_list:
        if vals.get("display_type"):
            vals.update({"product_uom_qty": 0.0, "price_unit": vals.get("price_unit") or 0.0})
        order, product = orders.get(vals.get("order_id") or 0), products.get(vals.get("product_id") or 0)
        if order and product:
            _from_product(env, vals, order, product, maps)
        vals.setdefault("customer_lead", 0.0)
        if "price_unit" not in vals and not product:
            vals["price_unit"] = 0.0
        vals.setdefault("technical_price_unit", vals.get("price_unit", 0.0))
        vals.setdefault("invoice_status", "no")
        vals.setdefault("qty_delivered_method", "manual")


def _given(vals_list: list[Vals], name: str) -> list[int]:
    return sorted({vals[name] for vals in vals_list if isinstance(vals.get(name), int) and vals[name]})


def _products(env: Env, ids: list[int]) -> dict[int, Vals]:
    labels = env.names("product.product", ids) if ids else {}
    chosen = (
        {name: env.values("product.product", ids, name) for name in ("uom_id", "taxes_id", "description_sale")}
        if ids
        else {}
    )
    return {
        number: {
            "id": number,
            "label": labels[number],
            **{name: values_by_id[number] for name, values_by_id in chosen.items()},
        }
        for number in env.existing("product.product", ids)
    }


def _from_product(env: Env, vals: Vals, order: Vals, product: Vals, maps: dict[tuple[Any, int], list[int]]) -> None:
    vals.setdefault("product_uom_id", product["uom_id"])
    if not vals.get("name"):
        vals["name"] = "\n".join(part for part in (product["label"], product["description_sale"]) if part)
    if "tax_ids" not in vals:
        key = (order["fiscal_position_id"], product["id"])
        if key not in maps:
            maps[key] = map_taxes(env, order["fiscal_position_id"], product["taxes_id"] or [])
        vals["tax_ids"] = [[6, 0, maps[key]]]
    if "price_unit" not in vals:
        quantity = float(vals.get("product_uom_qty") or 1.0)
        vals["price_unit"] = products.price_of(env, order["pricelist_id"], product["id"], quantity, order["date_order"])


def _lines_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    env.later("20 order lines", _queue_orders, ids)


def _queue_orders(env: Env, ids: list[int]) -> None:
    env.later("30 order", recompute, {row["order_id"] for row in env.rows("sale.order.line", ids, ("order_id",))})


def _lines_before_unlink(env: Env, ids: list[int]) -> None:
    rows = env.rows("sale.order.line", ids, ("order_id", "display_type", "is_downpayment"))
    states = {row["id"]: row["state"] for row in env.rows("sale.order", {row["order_id"] for row in rows}, ("state",))}
    if any(states[row["order_id"]] == "sale" and not row["display_type"] and not row["is_downpayment"] for row in rows):
        raise faults.user_error(LOST_LINES)
    env.later("30 order", recompute, {row["order_id"] for row in rows})


def _line_before_write(env: Env, ids: list[int], vals: Vals) -> None:
    if "product_id" in vals:
        current = env.rows("sale.order.line", ids, ("product_id", "order_id"))
        if vals["product_id"] and any(row["product_id"] != vals["product_id"] for row in current):
            order = env.row("sale.order", current[0]["order_id"], ("fiscal_position_id", "pricelist_id", "date_order"))
            products = _products(env, [vals["product_id"]])
            if products:
                _from_product(env, vals, order, products[vals["product_id"]], {})


LINE = Behaviour(
    fill=_fill_lines,
    before_write=_line_before_write,
    changed=_lines_changed,
    before_unlink=_lines_before_unlink,
)
