"""Orders: what customer and product fill in, amounts, confirmation, Enterprise's subscription states."""

from __future__ import annotations

from datetime import timedelta

from .. import faults, values
from ..orm import Behaviour, Env, Vals
from . import addon, partners, rerun
from .base import company_of
from .order_amounts import recompute

NAME = "New"


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
