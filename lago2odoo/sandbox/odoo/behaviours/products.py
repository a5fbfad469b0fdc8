"""Templates and their variants, prices from price lists."""

from __future__ import annotations

from typing import Any

from .. import values
from ..orm import Behaviour, Env, Vals
from .base import company_of

RANK = {"0_product_variant": 0, "1_product": 1, "2_product_category": 2, "3_global": 3}


def _fill_template(env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        vals.setdefault("invoice_policy", "order")
        vals.setdefault("service_type", "manual")
        vals.setdefault("has_configurable_attributes", False)


def _template_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    if fields is None and env.context.get("create_product_product", True):
        # a variant that came with the template is the one Odoo would have made: it creates no other
        having = {
            v["product_tmpl_id"] for v in env.rows("product.product", ids, ("product_tmpl_id",), by="product_tmpl_id")
        }
        rows = [row for row in env.rows("product.template", ids, ("default_code", "active")) if row["id"] not in having]
        env.create(
            "product.product",
            [
                {"product_tmpl_id": row["id"], "default_code": row["default_code"], "active": bool(row["active"])}
                for row in rows
            ],
        )
    elif fields and fields & {"default_code", "active"}:
        for row in env.rows("product.template", ids, ("default_code", "active")):
            variants = env.rows("product.product", [row["id"]], (), by="product_tmpl_id")
            shared: Vals = {name: row[name] for name in ("default_code", "active") if name in fields}
            env.store.update(env.model("product.product"), [variant["id"] for variant in variants], shared)


def _variants(env: Env, ids: list[int]) -> dict[int, Any]:
    variant_by_template: dict[int, Any] = dict.fromkeys(ids)
    for row in env.rows("product.product", ids, ("product_tmpl_id", "active"), by="product_tmpl_id"):
        if row["active"] and not variant_by_template[row["product_tmpl_id"]]:
            variant_by_template[row["product_tmpl_id"]] = row["id"]
    return variant_by_template


def _variant_count(env: Env, ids: list[int]) -> dict[int, Any]:
    rows = env.rows("product.product", ids, ("product_tmpl_id", "active"), by="product_tmpl_id")
    return {number: sum(1 for row in rows if row["product_tmpl_id"] == number and row["active"]) for number in ids}


def _currency(env: Env, ids: list[int]) -> dict[int, Any]:
    return dict.fromkeys(ids, company_of(env)["currency_id"])


def _labelled(env: Env, model: str, ids: list[int]) -> dict[int, str]:
    codes, names = env.values(model, ids, "default_code"), env.values(model, ids, "name")
    return {
        number: f"[{codes[number]}] {names[number]}" if codes.get(number) else str(names[number] or "")
        for number in names
    }


def _template_names(env: Env, ids: list[int]) -> dict[int, str]:
    return _labelled(env, "product.template", ids)


def _variant_names(env: Env, ids: list[int]) -> dict[int, str]:
    return _labelled(env, "product.product", ids)


def _variant_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    if fields is None or "default_code" in fields:
        rows = env.rows("product.product", ids, ("product_tmpl_id", "default_code"))
        env.set_columns(
            "product.template", {row["product_tmpl_id"]: {"default_code": row["default_code"]} for row in rows}
        )


def _lst_price(env: Env, ids: list[int]) -> dict[int, Any]:
    return env.values("product.product", ids, "list_price")


TEMPLATE = Behaviour(
    fill=_fill_template,
    changed=_template_changed,
    names=_template_names,
    computed={
        "product_variant_id": _variants,
        "product_variant_count": _variant_count,
        "currency_id": _currency,
        "display_name": _template_names,
    },
)


def _fill_variants(env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        vals.setdefault("combination_indices", "")


VARIANT = Behaviour(
    fill=_fill_variants,
    changed=_variant_changed,
    names=_variant_names,
    computed={"lst_price": _lst_price, "display_name": _variant_names},
)


def _pricelist_names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("product.pricelist", ids, ("name", "currency_id"))
    currencies = env.names("res.currency", sorted({row["currency_id"] for row in rows if row["currency_id"]}))
    return {row["id"]: f"{row['name']} ({currencies.get(row['currency_id'], '')})" for row in rows}


PRICELIST = Behaviour(names=_pricelist_names)


def _fill_items(env: Env, vals_list: list[Vals]) -> None:
    lists = {
        row["id"]: row
        for row in env.rows(
            "product.pricelist", {vals.get("pricelist_id") or 0 for vals in vals_list}, ("company_id", "currency_id")
        )
    }
    for vals in vals_list:
        pricelist = lists.get(vals.get("pricelist_id") or 0)
        if pricelist:
            vals.update({"company_id": pricelist["company_id"], "currency_id": pricelist["currency_id"]})


_CALLED_AFTER = {  # what a rule is for -> the field of it, its model, and how Odoo puts that
    "2_product_category": ("categ_id", "product.category", "Category: {}"),
    "1_product": ("product_tmpl_id", "product.template", "{}"),
    "0_product_variant": ("product_id", "product.product", "Variant: {}"),
}


def _item_names(env: Env, ids: list[int]) -> dict[int, str]:
    columns = ("applied_on", "display_applied_on", *(field for field, _, _ in _CALLED_AFTER.values()))
    names = {}
    for row in env.rows("product.pricelist.item", ids, columns):
        field, model, words = _CALLED_AFTER.get(row["applied_on"], ("", "", ""))
        if field and row[field]:
            names[row["id"]] = words.format(env.names(model, [row[field]])[row[field]])
        else:
            by_category = row["display_applied_on"] == "2_product_category"
            names[row["id"]] = "All Categories" if by_category else "All Products"
    return names


PRICELIST_ITEM = Behaviour(fill=_fill_items, names=_item_names, computed={"name": _item_names})


def price_of(env: Env, pricelist: int | None, product: int, quantity: float, at: str) -> float:
    """The price of one unit: the first matching rule of the price list, else the sales price."""
    row = env.row("product.product", product, ("product_tmpl_id",))
    template = env.row("product.template", row["product_tmpl_id"], ("list_price", "categ_id"))
    rule = (
        _rule(env, pricelist, product, row["product_tmpl_id"], template["categ_id"], quantity, at)
        if pricelist
        else None
    )
    listed = float(template["list_price"] or 0.0)
    if rule is None:
        return listed
    if rule["compute_price"] == "fixed":
        return float(rule["fixed_price"] or 0.0)
    if rule["compute_price"] == "percentage":
        return listed * (1 - float(rule["percent_price"] or 0.0) / 100)
    price = listed * (1 - float(rule["price_discount"] or 0.0) / 100)
    if rule["price_round"]:
        price = values.float_round(price, float(rule["price_round"]))
    return price + float(rule["price_surcharge"] or 0.0)


def _rule(
    env: Env, pricelist: int, product: int, template: int, category: int | None, quantity: float, at: str
) -> Vals | None:
    columns = (
        "applied_on", "min_quantity", "product_id", "product_tmpl_id", "categ_id", "compute_price", "fixed_price",
        "percent_price", "price_discount", "price_round", "price_surcharge", "date_start", "date_end",
    )  # fmt: skip
    rules = env.rows("product.pricelist.item", [pricelist], columns, by="pricelist_id")
    field_of_target = {
        "0_product_variant": ("product_id", product),
        "1_product": ("product_tmpl_id", template),
        "2_product_category": ("categ_id", category),
    }
    for rule in sorted(
        rules, key=lambda item: (RANK[item["applied_on"]], -float(item["min_quantity"] or 0), -item["id"])
    ):
        column, value = field_of_target.get(rule["applied_on"], ("id", rule["id"]))
        timely = (not rule["date_start"] or rule["date_start"] <= at) and (
            not rule["date_end"] or at <= rule["date_end"]
        )
        if rule[column] == value and timely and quantity >= float(rule["min_quantity"] or 0):
            return rule
    return None
