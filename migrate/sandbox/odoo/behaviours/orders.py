"""Orders: what customer and product fill in, amounts, confirmation, Enterprise's subscription states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .. import faults, taxes, values
from ..orm import Behaviour, Env, Vals
from . import addon, partners, products, rerun
from .base import company_of, rounding_of
from .fiscal import flat_taxes, map_taxes

MONTHS = {"week": 7 / 30.437, "month": 1.0, "year": 12.0}
NAME = "New"
LOST_LINES = (
    "Once a sales order is confirmed, you can't remove one of its lines "
    "(we need to track if something gets invoiced or delivered).\n                Set the quantity to 0 instead."
)


def next_number(env: Env, code: str) -> str:
    """Consume one number of an ir.sequence."""
    row = env.rows(
        "ir.sequence",
        env.search("ir.sequence", [("code", "=", code)], limit=1),
        ("prefix", "padding", "number_next", "number_increment"),
    )[0]
    env.set_columns("ir.sequence", {row["id"]: {"number_next": row["number_next"] + row["number_increment"]}})
    return f"{row['prefix'] or ''}{row['number_next']:0{row['padding']}d}"


def _fill(env: Env, vals_list: list[Vals]) -> None:
    company = company_of(env)
    cache: dict[int, Vals] = {}
    for vals in vals_list:
        if vals.get("name", NAME) == NAME:
            vals["name"] = next_number(env, "sale.order")
        partner = vals.get("partner_id")
        if partner and env.existing("res.partner", [partner]):
            if partner not in cache:
                cache[partner] = _from_partner(env, partner)
            for name, value in cache[partner].items():
                vals.setdefault(name, value)
        pricelist = vals.get("pricelist_id")
        vals["currency_id"] = (
            env.row("product.pricelist", pricelist, ("currency_id",))["currency_id"]
            if pricelist
            else company["currency_id"]
        )
        _from_company(env, vals, company)


def _from_partner(env: Env, partner: int) -> Vals:
    row = env.row("res.partner", partner, ("property_payment_term_id", "user_id", "commercial_partner_id"))
    delivery = partners.address_of(env, partner, "delivery")
    commercial = env.rows("res.partner", [row["commercial_partner_id"]], ("user_id",))
    return {
        "partner_invoice_id": partners.address_of(env, partner, "invoice"),
        "partner_shipping_id": delivery,
        "payment_term_id": row["property_payment_term_id"],
        "fiscal_position_id": partners.fiscal_position(env, partner, delivery),
        "pricelist_id": partners.pricelists(env, [partner])[partner],
        "user_id": row["user_id"] or (commercial[0]["user_id"] if commercial else None) or env.uid,
    }


def _from_company(env: Env, vals: Vals, company: Vals) -> None:
    due = env.now() + timedelta(days=company["quotation_validity_days"] or 0)
    vals.setdefault("validity_date", due.strftime(values.DATE))
    vals.setdefault("require_signature", bool(company["portal_confirmation_sign"]))
    vals.setdefault("require_payment", bool(company["portal_confirmation_pay"]))
    vals.setdefault("prepayment_percent", company["prepayment_percent"])
    vals.setdefault("currency_rate", 1.0)
    vals.setdefault("invoice_status", "no")
    if "team_id" not in vals and vals.get("user_id"):
        vals["team_id"] = env.first("crm.team", [])


def _before_write(env: Env, ids: list[int], vals: Vals) -> None:
    if vals.get("pricelist_id") and any(row["state"] == "sale" for row in env.rows("sale.order", ids, ("state",))):
        raise faults.user_error("It is forbidden to modify the pricelist of a confirmed order.")
    if "pricelist_id" in vals and "currency_id" not in vals:
        company = company_of(env)["currency_id"]
        pricelist = vals["pricelist_id"]
        vals["currency_id"] = (
            env.row("product.pricelist", pricelist, ("currency_id",))["currency_id"] if pricelist else company
        )
    if vals.get("partner_id"):
        current = {row["partner_id"] for row in env.rows("sale.order", ids, ("partner_id",))}
        if current != {vals["partner_id"]} and env.existing("res.partner", [vals["partner_id"]]):
            given = _from_partner(env, vals["partner_id"])
            given.pop("user_id")
            for name, value in given.items():
                vals.setdefault(name, value)


_check_texts = addon.checker("sale.order")


def _changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    _check_texts(env, ids, fields)
    # the lines' own changes queue their order
    if fields is None or fields & {"currency_id", "state", "plan_id", "order_line", "company_id", "fiscal_position_id"}:
        env.later("30 order", recompute, ids)


def _before_unlink(env: Env, ids: list[int]) -> None:
    if any(row["state"] not in ("draft", "cancel") for row in env.rows("sale.order", ids, ("state",))):
        raise faults.user_error(
            "You can not delete a sent quotation or a confirmed sales order. You must first cancel it."
        )


# ---- lines


def _fill_lines(env: Env, vals_list: list[Vals]) -> None:
    orders = {
        row["id"]: row
        for row in env.rows(
            "sale.order", _given(vals_list, "order_id"), ("fiscal_position_id", "pricelist_id", "date_order")
        )
    }
    found = _products(env, _given(vals_list, "product_id"))
    maps: dict[tuple[Any, int], list[int]] = {}
    for vals in vals_list:
        if vals.get("display_type"):
            vals.update({"product_uom_qty": 0.0, "price_unit": vals.get("price_unit") or 0.0})
        order, product = orders.get(vals.get("order_id") or 0), found.get(vals.get("product_id") or 0)
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
        number: {"id": number, "label": labels[number], **{name: found[number] for name, found in chosen.items()}}
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
            found = _products(env, [vals["product_id"]])
            if found:
                _from_product(env, vals, order, found[vals["product_id"]], {})


# ---- amounts


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
        own = [row for row in lines[order["id"]] if not row["display_type"]]
        amounts, totals = taxes.compute(
            [_as_line(row, table) for row in own], roundings[order["currency_id"]], per_line
        )
        for row, amount in zip(own, amounts, strict=True):
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
            "invoice_status": _invoice_status(order["state"], [line_updates[row["id"]] for row in own]),
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
    found: dict[int, list[Vals]] = {number: [] for number in orders}
    rows = env.rows("sale.order.line", orders, columns, by="order_id")
    linked = env.with_context(active_test=False).values("sale.order.line", [row["id"] for row in rows], "tax_ids")
    for row in sorted(rows, key=lambda item: (item["sequence"] or 0, item["id"])):
        found[row["order_id"]].append({**row, "taxes": linked[row["id"]]})
    return found


def _as_line(row: Vals, table: Mapping[int, tuple[taxes.Tax, ...]]) -> taxes.Line:
    chosen = tuple(tax for number in row["taxes"] for tax in table[number])
    return taxes.Line(
        float(row["product_uom_qty"] or 0.0), float(row["price_unit"] or 0.0), float(row["discount"] or 0.0), chosen
    )


def _line_values(row: Vals, amount: taxes.Amounts, state: str, rounding: float) -> Vals:
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
        own = [row for row in lines[order["id"]] if recurring.get(row["product_id"])]
        plan = plans.get(order["plan_id"])
        subscription = bool(plan and own)
        total = sum(amounts[row["id"]]["price_subtotal"] for row in own) if plan else 0.0
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


# ---- methods


def _confirm(env: Env, ids: list[int]) -> bool:
    env.must_exist("sale.order", ids)
    if any(row["state"] not in ("draft", "sent") for row in env.rows("sale.order", ids, ("state",))):
        raise faults.user_error("Some orders are not in a state requiring confirmation.")
    lines = env.rows("sale.order.line", ids, ("display_type", "is_downpayment", "product_id"), by="order_id")
    if any(not (row["display_type"] or row["is_downpayment"] or row["product_id"]) for row in lines):
        raise faults.user_error(
            "Some order lines are missing a product, you need to correct them before going further."
        )
    env.write("sale.order", ids, {"state": "sale", "date_order": env.now().strftime(values.DATETIME)})
    if "plan_id" in env.model("sale.order").fields:
        _start(env, ids)
    return True


def _start(env: Env, ids: list[int]) -> None:
    today = env.now().strftime(values.DATE)
    for row in env.rows("sale.order", ids, ("is_subscription", "start_date", "next_invoice_date")):
        if row["is_subscription"]:
            start = row["start_date"] or today
            changes = {
                "subscription_state": "3_progress",
                "start_date": start,
                "next_invoice_date": row["next_invoice_date"] or start,
            }
            env.write("sale.order", [row["id"]], changes)


def _cancel(env: Env, ids: list[int]) -> bool:
    if any(row["locked"] for row in env.rows("sale.order", ids, ("locked",))):
        raise faults.user_error("You cannot cancel a locked order. Please unlock it first.")
    return env.write("sale.order", ids, {"state": "cancel"})


def _draft(env: Env, ids: list[int]) -> bool:
    chosen = [row["id"] for row in env.rows("sale.order", ids, ("state",)) if row["state"] in ("cancel", "sent")]
    return env.write("sale.order", chosen, {"state": "draft"})


def _lock(env: Env, ids: list[int]) -> bool:
    return env.write("sale.order", ids, {"locked": True})


def _unlock(env: Env, ids: list[int]) -> bool:
    return env.write("sale.order", ids, {"locked": False})


def _must_be(env: Env, ids: list[int], expected: tuple[str, ...], verb: str) -> None:
    if "plan_id" not in env.model("sale.order").fields:
        raise faults.not_found(f"The method 'sale.order.{verb}' does not exist")
    for row in env.rows("sale.order", ids, ("subscription_state", "name")):
        if row["subscription_state"] not in expected:
            raise faults.user_error(f"{row['name']}: only a subscription in progress or paused can be {verb}.")


def _close(env: Env, ids: list[int], close_reason_id: int | None = None) -> bool:
    _must_be(env, ids, ("3_progress", "4_paused"), "closed")
    today = env.now().strftime(values.DATE)
    for row in env.rows("sale.order", ids, ("end_date",)):
        changes = {
            "subscription_state": "6_churn",
            "close_reason_id": close_reason_id or False,
            "end_date": row["end_date"] or today,
        }
        env.write("sale.order", [row["id"]], changes)
    return True


def _pause(env: Env, ids: list[int]) -> bool:
    _must_be(env, ids, ("3_progress",), "paused")
    return env.write("sale.order", ids, {"subscription_state": "4_paused"})


def _resume(env: Env, ids: list[int]) -> bool:
    _must_be(env, ids, ("4_paused",), "resumed")
    return env.write("sale.order", ids, {"subscription_state": "3_progress"})


ORDER = Behaviour(
    fill=_fill,
    before_write=_before_write,
    changed=_changed,
    before_unlink=_before_unlink,
    methods={
        "action_confirm": _confirm,
        "action_cancel": _cancel,
        "action_draft": _draft,
        "action_lock": _lock,
        "action_unlock": _unlock,
        "set_close": _close,
        "pause_subscription": _pause,
        "resume_subscription": _resume,
        "fusion_rerun": rerun.fusion_rerun,
    },
)
LINE = Behaviour(
    fill=_fill_lines,
    before_write=_line_before_write,
    changed=_lines_changed,
    before_unlink=_lines_before_unlink,
)
