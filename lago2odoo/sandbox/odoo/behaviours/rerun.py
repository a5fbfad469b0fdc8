"""``sale.order.fusion_rerun`` on the embedded Odoo.

The amounts are the addon's own: its plain-Python rating is given the same rows that its models would give it
(``addon_rating``). The draft invoice is made by the same code as any other draft here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import faults, values
from ..orm import Env, Vals
from . import partners
from .addon_rating import CompanyReader, part, rating
from .sold_beside import move_values, sold_lines

ORDER_COLUMNS = (
    "name", "partner_id", "partner_invoice_id", "partner_shipping_id", "currency_id", "company_id",
    "fiscal_position_id", "payment_term_id", "user_id", "team_id", "fusion_timezone", "journal_id",
    "state", "fusion_lago_id", "fusion_external_id", "fusion_started_at", "fusion_ended_at", "fusion_interval",
)  # fmt: skip
NOT_METERED = "native invoicing bills it without its usage: it must be confirmed, with its dates and its plan's line"
STOPPED = "it is paused or closed in Odoo, where nothing is billed of it now"
BELOW = "lines with a quantity below 0: the scheduled invoicing leaves them out, a person who invoices may not"
NEGATIVE = "its total is less than nothing, which Odoo does not post as an invoice"
INACTIVE = "its currency %s is not active, and Odoo posts nothing in it"
UNBILLABLE = ("order_incomplete", "order_not_metered", "order_stopped")
PREMIUM = "fusion_billing.lago_premium"


class _NotKept(Exception):
    """Ends the savepoint of a run that must leave no trace."""


def fusion_rerun(
    env: Env,
    ids: list[int],
    billings: list[dict[str, Any]],
    keep: bool = False,
    journal_id: int | None = None,
    ref: str | None = None,
) -> list[dict[str, Any]]:
    """The invoices that billing these orders at these moments gives, per partner; nothing stays unless ``keep``."""
    if "fusion_lago_id" not in env.model("sale.order").fields:
        raise faults.not_found("The method 'sale.order.fusion_rerun' does not exist")
    env.must_exist("sale.order", ids)
    asked = [_asked(ids, billing) for billing in billings]
    if keep:
        _check_journal(env, journal_id)
    drafts = Drafts(env, asked)
    answers: list[dict[str, Any]] = []
    try:
        with env.store.savepoint("rerun"):
            answers = [drafts.invoice(job, keep, journal_id, ref) for job in drafts.jobs()]
            if not keep:
                raise _NotKept
    except _NotKept:
        env.todo.clear()
    return answers


def _asked(ids: list[int], billing: Mapping[str, Any]) -> Vals:
    if billing["order"] not in ids:
        raise faults.user_error(f"Billing of order {billing['order']}, which is not among the orders given.")
    reason, event = billing.get("reason") or "subscription_periodic", billing.get("event") or ""
    return {"order": billing["order"], "at": values.moment(billing["at"]), "reason": reason, "event": event}


def _check_journal(env: Env, journal: int | None) -> None:
    found = env.rows("account.journal", [journal] if journal else [], ("type",))
    if not found or found[0]["type"] != "sale":
        raise faults.user_error("Keep shadow invoices in a sale journal of their own: give its id as journal_id.")


def _premium(env: Env) -> bool:
    """Lago's licence: without it, per-transaction bounds do not apply."""
    found = env.store.query("SELECT value FROM ir_config_parameter WHERE key = ?", (PREMIUM,))
    return not found or found[0][0] not in ("0", "False")


def _unpostable(env: Env, answer: Vals) -> list[str]:
    """Why Odoo drafts this invoice and does not post it."""
    found = env.store.query("SELECT active FROM res_currency WHERE name = ?", (answer["currency"],))
    checks = ((float(answer["total"]) < 0, NEGATIVE), (not found[0][0], INACTIVE % answer["currency"]))
    return [why for holds, why in checks if holds]


class Drafts:
    """The invoices of some billings: their orders, with all that rating needs of them."""

    def __init__(self, env: Env, asked: list[Vals]) -> None:
        self.env, self.asked = env, asked
        ids = dict.fromkeys(billing["order"] for billing in asked)
        self.orders = {row["id"]: row for row in env.rows("sale.order", ids, ORDER_COLUMNS)}
        companies = {row["company_id"] for row in self.orders.values()}
        if len(companies) > 1:
            raise faults.user_error("Rerun the orders of one company at a time.")
        reader = CompanyReader(env, next(iter(companies), 0))
        self.gathered = part("gather").Gathered(reader, ids, [billing["at"] for billing in asked])
        self.sold = sold_lines(env, ids, self.gathered)
        self.resting = _resting(env, list(self.orders.values()))

    def jobs(self) -> list[list[Vals]]:
        """The billings of each invoice: of one customer, and what native invoicing would put on one."""
        jobs: dict[tuple[object, ...], list[Vals]] = {}
        for billing in self.asked:
            jobs.setdefault(_invoice_of(self.env, self.orders[billing["order"]]), []).append(billing)
        return list(jobs.values())

    def invoice(self, job: list[Vals], keep: bool, journal: int | None, ref: str | None) -> Vals:
        billings = [self.gathered.billing(b["order"], b["at"], b["reason"], b["event"]) for b in job]
        rated = rating().bill_together(billings, premium=_premium(self.env))
        orders = [self.orders[number] for number in dict.fromkeys(b["order"] for b in job)]
        refusals = rated["refusals"] or [why for order in orders for why in self._unfit(order)]
        if any(refusal["reason"] in UNBILLABLE for refusal in refusals):
            return _not_drafted(self.env, orders[0], refusals)
        lines = [line for order in orders for line in self._lines(order["id"], job, rated["lines"])]
        if not lines:
            return _not_drafted(self.env, orders[0], refusals)
        values_list = [{**line["vals"], "sequence": place} for place, line in enumerate(lines)]
        header = _header(orders[0], job[0]["at"], journal, ref)
        move = self.env.create("account.move", [{**header, "invoice_line_ids": [[0, 0, v] for v in values_list]}])[0]
        self.env.settle()
        answer = _answer(self.env, orders[0], move, [line["billed"] for line in lines])
        below = [_refusal("line_left_out", order, BELOW) for order in orders if self.sold[order["id"]].left_out]
        below += [_refusal("invoice_refused", orders[0], why) for why in _unpostable(self.env, answer)]
        return {**answer, "move_id": move if keep else False, "refusals": [*refusals, *below]}

    def _unfit(self, order: Vals) -> list[Vals]:
        """Why native invoicing does not bill the order by its usage."""
        needed = ("fusion_external_id", "fusion_started_at", "fusion_interval")
        metered = order["state"] == "sale" and all(order[name] for name in needed) and self.sold[order["id"]].plan
        lacking = [] if metered else [_refusal("order_not_metered", order, NOT_METERED)]
        return [*lacking, *([_refusal("order_stopped", order, STOPPED)] if order["id"] in self.resting else [])]

    def _lines(self, order: int, job: list[Vals], rated: list[Vals]) -> list[Vals]:
        """Of an order: the fees in the place of its plan's line, and what it sells beside them."""
        fees = [line for line in rated if job[line["billing"]]["order"] == order]
        sold = self.sold[order]
        made = [{"vals": self.move_line(order, line, sold.plan), "billed": line} for line in fees]
        before, after = (
            [{"vals": move_values(row), "billed": self._beside(order, row)} for row in rows]
            for rows in (sold.before, sold.after)
        )
        return [*before, *made, *after]

    def _beside(self, order: int, row: Vals) -> Vals:
        item = f"sale.order.line,{row['id']}"
        key = {"subscription": self.orders[order]["fusion_lago_id"] or "", "kind": "other", "item": item}
        empty = {"filter": "", "group": [], "event": ""}
        unrated = {"events": 0, "steps": [], "from": None, "to": None, "amount_cents": None}
        return {"key": {**key, **empty}, "name": row["name"], "units": None, **unrated}

    def move_line(self, order: int, line: Mapping[str, Any], plan: Vals | None) -> Vals:
        """One billed line: one unit at the billed amount, so that the cent is the rating's.

        The base fee is the plan's own line: what was agreed on it, a discount, holds for it.
        """
        charge = self.gathered.charge(order, line["charge"])
        agreed = plan if plan and line["key"]["kind"] == "subscription" else {}
        vals = {
            "product_id": self.gathered.product(order, charge) or False,
            "name": line["name"],
            "quantity": 1.0,
            "price_unit": line["amount_cents"] / 10 ** _subunits(self.env, self.orders[order]["currency_id"]),
            "discount": agreed.get("discount") or 0.0,
            "tax_ids": [[6, 0, self.gathered.taxes(order, charge)]],
            "fusion_key": json.dumps(line["key"], sort_keys=True),
            "fusion_order_id": order,
            "fusion_from": _moment(line["from"]),
            "fusion_to": _moment(line["to"]),
            "fusion_explanation": json.dumps(line["steps"]),
        }
        known = self.env.model("account.move.line").fields
        return {name: value for name, value in vals.items() if name in known}


def _invoice_of(env: Env, order: Vals) -> tuple[object, ...]:
    """What the orders on one invoice have in common: the customer, and native invoicing's grouping keys."""
    payer = order["partner_invoice_id"] or order["partner_id"]
    position = order["fiscal_position_id"] or partners.fiscal_position(env, payer, payer)
    return order["partner_id"], payer, order["partner_shipping_id"], order["currency_id"], position


def _resting(env: Env, orders: list[Vals]) -> set[int]:
    """Orders that are paused or closed in Odoo alone."""
    running = [order["id"] for order in orders if not order["fusion_ended_at"]]
    if "subscription_state" in env.model("sale.order").fields:
        rows = env.rows("sale.order", running, ("subscription_state",))
        return {row["id"] for row in rows if row["subscription_state"] in ("4_paused", "6_churn")}
    if "sale.subscription" not in env.schema.models:
        return set()
    natives = env.rows("sale.subscription", running, ("sale_order_id", "in_progress", "is_paused"), by="sale_order_id")
    awake = {row["sale_order_id"] for row in natives if row["in_progress"] and not row["is_paused"]}
    return {row["sale_order_id"] for row in natives} - awake


def _refusal(reason: str, order: Vals, detail: str) -> Vals:
    return {"reason": reason, "detail": f"{order['name']}: {detail}"}


def _not_drafted(env: Env, order: Vals, refusals: list[Vals]) -> Vals:
    """The answer for an invoice that is not made."""
    nothing = _text(0.0, _digits(env, order["currency_id"]))
    return {
        "partner_id": order["partner_id"],
        "invoice_partner_id": order["partner_invoice_id"] or order["partner_id"],
        "currency": env.names("res.currency", [order["currency_id"]])[order["currency_id"]],
        "lines": [],
        "untaxed": nothing,
        "tax": nothing,
        "total": nothing,
        "taxes": {},
        "move_id": False,
        "refusals": refusals,
    }


def _header(order: Vals, at: str, journal: int | None, ref: str | None) -> Vals:
    """What native invoicing takes over from an order."""
    moments = part("moments")
    zone = moments.zone(order["fusion_timezone"] or "UTC")
    vals: Vals = {
        "move_type": "out_invoice",
        "partner_id": order["partner_invoice_id"] or order["partner_id"],
        "partner_shipping_id": order["partner_shipping_id"] or False,
        "currency_id": order["currency_id"],
        "fiscal_position_id": order["fiscal_position_id"] or False,
        "invoice_payment_term_id": order["payment_term_id"] or False,
        "invoice_user_id": order["user_id"] or False,
        "team_id": order["team_id"] or False,
        "invoice_origin": order["name"],
        **({"journal_id": order["journal_id"]} if order["journal_id"] else {}),
        "invoice_date": moments.local_date(moments.moment(at), zone).isoformat(),
        "fusion_shadow": True,
        "ref": ref or False,
    }
    return {**vals, "journal_id": journal} if journal else vals


def _subunits(env: Env, currency: int) -> int:
    """Digits of Lago's smallest unit, which are not Odoo's: HUF has none there and two here."""
    return int(part("exact").exponent(env.names("res.currency", [currency])[currency]))


def _digits(env: Env, currency: int) -> int:
    return int(env.values("res.currency", [currency], "decimal_places")[currency])


def _moment(text: str | None) -> str | bool:
    return text[:19].replace("T", " ") if text else False


def _answer(env: Env, order: Vals, move: int, billed: list[Vals]) -> Vals:
    """What the draft says: its lines, its taxes, its header."""
    columns = ("amount_untaxed", "amount_tax", "amount_total", "currency_id", "partner_id")
    header = env.row("account.move", move, columns)
    digits = _digits(env, header["currency_id"])
    rows = env.rows(
        "account.move.line",
        [move],
        (
            "display_type",
            "name",
            "price_subtotal",
            "price_unit",
            "quantity",
            "discount",
            "sequence",
            "amount_currency",
            "tax_repartition_line_id",
        ),
        by="move_id",
    )
    lines = sorted(
        (row for row in rows if row["display_type"] == "product"), key=lambda row: (row["sequence"], row["id"])
    )
    linked = env.values("account.move.line", [row["id"] for row in lines], "tax_ids")
    return {
        "partner_id": order["partner_id"],
        "invoice_partner_id": header["partner_id"],
        "currency": env.names("res.currency", [header["currency_id"]])[header["currency_id"]],
        "lines": [_line_answer(line, row, linked[row["id"]], digits) for line, row in zip(billed, lines, strict=True)],
        "untaxed": _text(header["amount_untaxed"], digits),
        "tax": _text(header["amount_tax"], digits),
        "total": _text(header["amount_total"], digits),
        "taxes": _taxes(env, [row for row in rows if row["display_type"] == "tax"], digits),
    }


def _taxes(env: Env, rows: list[Vals], digits: int) -> dict[str, str]:
    parts = env.values("account.tax.repartition.line", [row["tax_repartition_line_id"] for row in rows], "tax_id")
    names = env.names("account.tax", sorted(set(parts.values())))
    sums: dict[str, float] = {}
    for row in rows:
        name = names[parts[row["tax_repartition_line_id"]]]
        sums[name] = sums.get(name, 0.0) - (row["amount_currency"] or 0.0)
    return {name: _text(amount, digits) for name, amount in sums.items()}


def _line_answer(billed: Vals, row: Vals, taxes: list[int], digits: int) -> Vals:
    beside = billed["key"]["kind"] == "other"
    return {
        "key": billed["key"],
        "name": billed["name"],
        "quantity": str(row["quantity"]),
        "price_unit": _text(row["price_unit"], digits),
        "discount": str(row["discount"] or 0.0),
        "subtotal": _text(row["price_subtotal"], digits),
        "amount_cents": round(row["price_subtotal"] * 10**digits) if beside else billed["amount_cents"],
        "units": str(row["quantity"]) if beside else billed["units"],
        "events": billed["events"],
        "tax_ids": taxes,
        "steps": billed["steps"],
        "from": billed["from"],
        "to": billed["to"],
    }


def _text(amount: float | None, digits: int) -> str:
    return f"{amount or 0.0:.{digits}f}"
