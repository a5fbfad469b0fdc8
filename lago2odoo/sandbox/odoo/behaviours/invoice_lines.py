"""The lines of invoices and entries: what is filled in, and what a posted one refuses."""

from __future__ import annotations

from .. import faults, values
from ..orm import Behaviour, Env, Vals
from . import addon, products
from .base import company_of, rounding_of
from .fiscal import map_taxes
from .invoice_kinds import INVOICES, NOTES, POSTED_LINE
from .invoice_totals import computed, recompute


def _fill_lines(env: Env, vals_list: list[Vals]) -> None:
    columns = (
        "move_type",
        "currency_id",
        "journal_id",
        "commercial_partner_id",
        "fiscal_position_id",
        "date",
        "invoice_date",
    )
    moves = {
        row["id"]: row for row in env.rows("account.move", {vals.get("move_id") or 0 for vals in vals_list}, columns)
    }
    journals = {
        row["id"]: row
        for row in env.rows("account.journal", {m["journal_id"] for m in moves.values()}, ("default_account_id",))
    }
    for vals in vals_list:
        move = moves.get(vals.get("move_id") or 0)
        if move is None:
            continue
        vals.setdefault("display_type", "product")
        vals.setdefault("currency_id", move["currency_id"])
        vals.setdefault("partner_id", move["commercial_partner_id"])
        vals.setdefault("sequence", 100)
        if move["move_type"] in INVOICES and vals["display_type"] not in NOTES:
            _complete_line(env, vals, move, journals[move["journal_id"]]["default_account_id"])


def _complete_line(env: Env, vals: Vals, move: Vals, journal_account: int | None) -> None:
    product = vals.get("product_id")
    vals.setdefault("quantity", 1.0)
    described: Vals = {}
    if product and env.existing("product.product", [product]):
        described = {
            name: env.values("product.product", [product], name)[product]
            for name in ("uom_id", "taxes_id", "product_tmpl_id", "description_sale")
        }
        vals.setdefault("product_uom_id", described["uom_id"])
        if not vals.get("name"):
            label = env.names("product.product", [product])[product]
            vals["name"] = "\n".join(part for part in (label, described["description_sale"]) if part)
        if "price_unit" not in vals:
            vals["price_unit"] = products.price_of(env, None, product, 1.0, str(move["date"]))
    vals.setdefault("price_unit", 0.0)
    if not vals.get("account_id"):
        vals["account_id"] = _income_account(env, described.get("product_tmpl_id")) or journal_account
    if not vals["account_id"]:
        raise faults.constraint("Missing required account on accountable line.")
    if "tax_ids" not in vals:
        tax_ids = (
            described.get("taxes_id")
            or env.values("account.account", [vals["account_id"]], "tax_ids")[vals["account_id"]]
        )
        vals["tax_ids"] = [[6, 0, map_taxes(env, move["fiscal_position_id"], tax_ids)]]


def _income_account(env: Env, template: int | None) -> int | None:
    if not template:
        return None
    row = env.row("product.template", template, ("property_account_income_id", "categ_id"))
    if row["property_account_income_id"]:
        return int(row["property_account_income_id"])
    if row["categ_id"]:
        category = env.row("product.category", row["categ_id"], ("property_account_income_categ_id",))
        if category["property_account_income_categ_id"]:
            return int(category["property_account_income_categ_id"])
    account = company_of(env)["income_account_id"]
    return int(account) if account else None


_check_texts = addon.checker("account.move.line")


def _lines_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    _check_texts(env, ids, fields)
    rows = env.rows("account.move.line", ids, ("move_id",))
    moves = env.rows("account.move", {row["move_id"] for row in rows}, ("state",))
    # a line written behind a posted invoice's back changes its own subtotal and nothing else
    env.later("50 move", recompute, [row["id"] for row in moves if row["state"] != "posted"])
    env.later("40 posted lines", _subtotals_only, [row["id"] for row in moves if row["state"] == "posted"])


def _lines_before_write(env: Env, ids: list[int], vals: Vals) -> None:
    rows = env.rows("account.move.line", ids, ("move_id",))
    states = {row["state"] for row in env.rows("account.move", {row["move_id"] for row in rows}, ("state",))}
    if "tax_ids" in vals and "posted" in states:
        raise faults.user_error(
            "You cannot modify the taxes related to a posted journal item, "
            "you should reset the journal entry to draft to do so."
        )


def _lines_before_unlink(env: Env, ids: list[int]) -> None:
    rows = env.rows("account.move.line", ids, ("move_id",))
    moves = env.rows("account.move", {row["move_id"] for row in rows}, ("state",))
    if any(row["state"] == "posted" for row in moves):
        raise faults.user_error(POSTED_LINE)
    env.later("50 move", recompute, [row["id"] for row in moves])


def _subtotals_only(env: Env, ids: list[int]) -> None:
    for move, amounts, rows, _totals in computed(env, ids):
        rounding = rounding_of(env, move["currency_id"])
        updates = {
            row["id"]: {"price_subtotal": amount.subtotal, "price_total": values.float_round(amount.total, rounding)}
            for row, amount in zip(rows, amounts, strict=True)
        }
        env.set_columns("account.move.line", updates)


def _line_names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("account.move.line", ids, ("move_id", "name"))
    moves = env.names("account.move", sorted({row["move_id"] for row in rows}))
    return {row["id"]: f"{moves[row['move_id']]} {row['name'] or ''}".strip() for row in rows}


MOVE_LINE = Behaviour(
    fill=_fill_lines,
    before_write=_lines_before_write,
    changed=_lines_changed,
    before_unlink=_lines_before_unlink,
    names=_line_names,
)
