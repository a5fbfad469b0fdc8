"""OCA's subscription_oca, as it behaves (measured on the real module, 19.0.1.1.4)."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from .. import values
from ..orm import Behaviour, Env, Vals
from . import partners, products
from .base import rounding_of
from .fiscal import flat_taxes, map_taxes
from .orders import next_number

Day = date


def _fill(env: Env, vals_list: list[Vals]) -> None:
    today = env.now().strftime(values.DATE)
    templates = {row["id"]: row for row in _templates(env, vals_list)}
    for vals in vals_list:
        vals["code"] = vals.get("code") or next_number(env, "sale.subscription")
        partner = vals.get("partner_id")
        if partner and env.existing("res.partner", [partner]):
            vals.setdefault("partner_invoice_id", partners.address_of(env, partner, "invoice"))
            vals.setdefault("partner_shipping_id", partners.address_of(env, partner, "delivery"))
        if vals.get("recurring_next_date") != today:  # then it is a draft, whatever stage was given
            vals["stage_id"] = _stage(env, "draft")
        template = templates.get(vals.get("template_id") or 0)
        if template:
            vals.update(_from_template(vals, template))


def _templates(env: Env, vals_list: list[Vals]) -> list[Vals]:
    columns = (
        "name",
        "code",
        "recurring_rule_boundary",
        "recurring_rule_count",
        "recurring_interval",
        "recurring_rule_type",
    )
    return env.rows("sale.subscription.template", {vals.get("template_id") or 0 for vals in vals_list}, columns)


def _from_template(vals: Vals, template: Vals) -> Vals:
    forever = template["recurring_rule_boundary"] == "unlimited"
    code = f"{template['code']}/{vals['code']}" if template["code"] else vals["code"]
    filled: Vals = {"name": code, "recurring_rule_boundary": forever}
    if not forever and vals.get("date_start"):
        steps = int(template["recurring_rule_count"] or 0) * int(template["recurring_interval"] or 1)
        filled["date"] = _later(
            date.fromisoformat(str(vals["date_start"])), steps, template["recurring_rule_type"]
        ).isoformat()
    return filled


def _later(start: Day, steps: int, unit: str) -> Day:
    if unit in ("days", "weeks"):
        return start + timedelta(days=steps * (7 if unit == "weeks" else 1))
    months = start.year * 12 + start.month - 1 + steps * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))


def _stage(env: Env, kind: str) -> int | None:
    return env.first("sale.subscription.stage", [("type", "=", kind)], "sequence, id")


def _before_write(env: Env, ids: list[int], vals: Vals) -> None:
    if vals.get("stage_id"):
        vals["in_progress"] = env.row("sale.subscription.stage", vals["stage_id"], ("type",))["type"] == "in_progress"


def _changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    if fields is None or "sale_subscription_line_ids" in fields:
        env.later("60 oca totals", _recompute, ids)
    if fields and {"code", "template_id", "date_start"} & fields:
        for row in env.rows("sale.subscription", ids, ("code", "template_id", "date_start")):
            template = _templates(env, [row])
            env.set_columns("sale.subscription", {row["id"]: _from_template(row, template[0])})


def _recompute(env: Env, ids: list[int]) -> None:
    """Totals are sums of the lines; a line written alone does not move them (they depend on the list only)."""
    sums: dict[int, list[float]] = {number: [0.0, 0.0] for number in env.existing("sale.subscription", ids)}
    columns = ("sale_subscription_id", "price_subtotal", "amount_tax_line_amount")
    for row in env.rows("sale.subscription.line", sums, columns, by="sale_subscription_id"):
        sums[row["sale_subscription_id"]][0] += row["price_subtotal"] or 0.0
        sums[row["sale_subscription_id"]][1] += row["amount_tax_line_amount"] or 0.0
    totals = {
        number: {
            "recurring_total": values.float_round(net, 0.01),
            "amount_tax": values.float_round(tax, 0.01),
            "amount_total": values.float_round(net + tax, 0.01),
        }
        for number, (net, tax) in sums.items()
    }
    env.set_columns("sale.subscription", totals)


# ---- lines


def _fill_lines(env: Env, vals_list: list[Vals]) -> None:
    owners = {vals.get("sale_subscription_id") or 0 for vals in vals_list}
    columns = ("partner_id", "fiscal_position_id", "pricelist_id")
    subscriptions = {row["id"]: row for row in env.rows("sale.subscription", owners, columns)}
    for vals in vals_list:
        product, owner = vals.get("product_id"), subscriptions.get(vals.get("sale_subscription_id") or 0)
        if product and owner and env.existing("product.product", [product]):
            _from_product(env, vals, product, owner)


def _from_product(env: Env, vals: Vals, product: int, owner: Vals) -> None:
    if not vals.get("name"):
        vals["name"] = env.names("product.product", [product])[product]
    if "tax_ids" not in vals:
        partner = owner["partner_id"]
        position = owner["fiscal_position_id"] or partners.fiscal_position(env, partner, partner)
        vals["tax_ids"] = [
            [6, 0, map_taxes(env, position, env.values("product.product", [product], "taxes_id")[product] or [])]
        ]
    if "price_unit" not in vals:
        quantity = float(vals.get("product_uom_qty") or 1.0)
        vals["price_unit"] = products.price_of(
            env, owner["pricelist_id"], product, quantity, env.now().strftime(values.DATETIME)
        )


def _lines_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    env.later("58 oca lines", _recompute_lines, ids)


def _recompute_lines(env: Env, ids: list[int]) -> None:
    columns = ("sale_subscription_id", "price_unit", "product_uom_qty", "discount")
    rows = env.rows("sale.subscription.line", ids, columns)
    taxes = env.with_context(active_test=False).values("sale.subscription.line", [row["id"] for row in rows], "tax_ids")
    table = flat_taxes(env, sorted({tax for tax_ids in taxes.values() for tax in tax_ids}))
    currencies = env.values(
        "sale.subscription",
        sorted({row["sale_subscription_id"] for row in rows if row["sale_subscription_id"]}),
        "currency_id",
    )
    updates = {}
    for row in rows:
        currency = currencies.get(row["sale_subscription_id"])
        rates = [tax.rate for number in taxes[row["id"]] for tax in table[number]]
        updates[row["id"]] = _line_amounts(row, rates, rounding_of(env, currency) if currency else 0.01)
    env.set_columns("sale.subscription.line", updates)


def _line_amounts(row: Mapping[str, Any], rates: list[float], rounding: float) -> Vals:
    """The line rounds its raw amounts one by one: subtotal plus tax need not be the total."""
    raw = (
        float(row["price_unit"] or 0.0)
        * (1 - float(row["discount"] or 0.0) / 100.0)
        * float(row["product_uom_qty"] or 0.0)
    )
    tax = sum(raw * rate / 100.0 for rate in rates)
    return {
        "price_subtotal": values.float_round(raw, rounding),
        "amount_tax_line_amount": values.float_round(tax, rounding),
        "price_total": values.float_round(raw + tax, rounding),
    }


# ---- methods


def _write(
    env: Env, ids: list[int], values: Vals
) -> bool:  # the module names its argument so, and named calls must too
    return env.write("sale.subscription", ids, values)


def _start(env: Env, ids: list[int]) -> None:
    """Starting means starting today: earlier dates are overwritten."""
    today = env.now().strftime(values.DATE)
    changes = {
        "stage_id": _stage(env, "in_progress"),
        "in_progress": True,
        "date_start": today,
        "recurring_next_date": today,
    }
    env.write("sale.subscription", ids, changes)


def _close(env: Env, ids: list[int], close_reason_id: int | None = False) -> None:
    changes = {
        "stage_id": _stage(env, "post"),
        "in_progress": False,
        "recurring_next_date": False,
        "close_reason_id": close_reason_id,
    }
    env.write("sale.subscription", ids, changes)


OCA_SUBSCRIPTION = Behaviour(
    fill=_fill,
    before_write=_before_write,
    changed=_changed,
    methods={"write": _write, "action_start_subscription": _start, "close_subscription": _close},
)
OCA_LINE = Behaviour(fill=_fill_lines, changed=_lines_changed)
