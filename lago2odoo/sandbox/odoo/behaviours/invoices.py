"""Invoices and journals: what is filled in and frozen, posting and numbering."""

from __future__ import annotations

import re

from .. import faults, values
from ..orm import Behaviour, Env, Vals
from . import numbering, partners
from .base import company_of
from .invoice_kinds import INVOICES, NOTES, POSTED_LINE, PURCHASES, SALES, due_date
from .invoice_totals import MOVE_COLUMNS, recompute

FROZEN = {
    "invoice_line_ids", "line_ids", "invoice_date", "date", "partner_id", "invoice_payment_term_id", "currency_id",
    "fiscal_position_id", "invoice_cash_rounding_id",
}  # fmt: skip
DRAFT_LABELS = {
    "out_invoice": "Draft Invoice", "out_refund": "Draft Credit Note", "in_invoice": "Draft Bill",
    "in_refund": "Draft Vendor Credit Note",
    "out_receipt": "Draft Sales Receipt", "in_receipt": "Draft Purchase Receipt", "entry": "Draft Entry",
}  # fmt: skip
NEGATIVE = (
    "You cannot validate an invoice with a negative total amount. You should create a credit note instead. "
    "Use the action menu to transform it into a credit note or refund."
)


def _fill(env: Env, vals_list: list[Vals]) -> None:
    company = company_of(env)
    for vals in vals_list:
        if vals.get("state", "draft") == "posted":
            raise faults.user_error(
                "You cannot create a move already in the posted state. Please create a draft move and post it after."
            )
        kind = vals.setdefault("move_type", "entry")
        journal = _journal(env, vals, kind)
        vals.setdefault("company_id", journal["company_id"])
        if not vals.get("currency_id"):
            vals["currency_id"] = journal["currency_id"] or company["currency_id"]
        today = env.now().strftime(values.DATE)
        vals.setdefault("date", vals.get("invoice_date") or today)
        if kind in SALES and vals.get("invoice_date"):
            vals["date"] = vals["invoice_date"]
        vals.setdefault("payment_state", "not_paid")
        vals.setdefault("sequence_prefix", "")
        vals.setdefault("invoice_currency_rate", 1.0)
        _from_partner(env, vals, kind)
        if kind in INVOICES:
            vals["invoice_date_due"] = due_date(env, vals, today)


def _journal(env: Env, vals: Vals, kind: str) -> Vals:
    journal_type = "sale" if kind in SALES else "purchase" if kind in PURCHASES else "general"
    if not vals.get("journal_id"):
        journals = env.search("account.journal", [("type", "=", journal_type)], limit=1)
        vals["journal_id"] = journals[0] if journals else False
    rows = env.rows(
        "account.journal", [vals["journal_id"]] if vals["journal_id"] else [], ("type", "currency_id", "company_id")
    )
    if not rows:
        raise faults.still_used("Journal Entry", "account.move", "Journal", "journal_id")
    return rows[0]


def _from_partner(env: Env, vals: Vals, kind: str) -> None:
    partner = vals.get("partner_id")
    if not partner or not env.existing("res.partner", [partner]):
        return
    row = env.row("res.partner", partner, ("commercial_partner_id", "property_payment_term_id", "user_id"))
    vals["commercial_partner_id"] = row["commercial_partner_id"]
    if kind not in INVOICES:
        return
    vals.setdefault("partner_shipping_id", partners.address_of(env, partner, "delivery"))
    vals.setdefault(
        "fiscal_position_id", partners.fiscal_position(env, partner, vals["partner_shipping_id"] or partner)
    )
    if kind in SALES:
        vals.setdefault("invoice_payment_term_id", row["property_payment_term_id"])
        vals.setdefault("invoice_user_id", row["user_id"] or env.uid)
        vals.setdefault("team_id", env.first("crm.team", []))


def _before_write(env: Env, ids: list[int], vals: Vals) -> None:
    rows = env.rows(
        "account.move", ids, ("state", "move_type", "invoice_date", "invoice_payment_term_id", "partner_id")
    )
    frozen = [name for name in vals if name in FROZEN]
    if frozen and any(row["state"] == "posted" for row in rows) and vals.get("state", "posted") == "posted":
        text = f"You cannot modify the following readonly fields on a posted move: {', '.join(frozen)}"
        raise faults.user_error(text)
    kinds = {row["move_type"] for row in rows}
    if vals.get("partner_id") and {row["partner_id"] for row in rows} != {vals["partner_id"]} and len(kinds) == 1:
        _from_partner(env, vals, kinds.pop())
    if vals.get("invoice_date") and "date" not in vals and all(row["move_type"] in SALES for row in rows):
        vals["date"] = vals["invoice_date"]
    if {"invoice_date", "invoice_payment_term_id"} & set(vals) and len(rows) == 1 and rows[0]["move_type"] in INVOICES:
        vals["invoice_date_due"] = due_date(env, {**rows[0], **vals}, env.now().strftime(values.DATE))


def _changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    if fields is None or "journal_id" in fields:
        _check_journals(env, ids)
    untouched = {
        "ref",
        "narration",
        "name",
        "state",
        "payment_reference",
        "invoice_origin",
        "invoice_user_id",
        "payment_state",
    }
    if fields is None or fields - untouched:
        env.later("50 move", recompute, ids)


def _check_journals(env: Env, ids: list[int]) -> None:
    moves = env.rows("account.move", ids, ("move_type", "journal_id"))
    kinds = {row["id"]: row["type"] for row in env.rows("account.journal", {m["journal_id"] for m in moves}, ("type",))}
    for move in moves:
        journal_type = "sale" if move["move_type"] in SALES else "purchase" if move["move_type"] in PURCHASES else None
        if journal_type and kinds[move["journal_id"]] != journal_type:
            raise faults.validation(f"Cannot create a {journal_type} document in a non {journal_type} journal")


def _before_unlink(env: Env, ids: list[int]) -> None:
    if any(row["state"] == "posted" for row in env.rows("account.move", ids, ("state",))):
        raise faults.user_error(POSTED_LINE)
    lines = [row["id"] for row in env.rows("account.move.line", ids, (), by="move_id")]
    env.store.delete("account_move_line", lines)
    env.store.execute(
        "DELETE FROM ir_model_data WHERE model = 'account.move.line' AND res_id IN (SELECT value FROM json_each(?))",
        (str(lines),),
    )


# ---- methods


def _post(env: Env, ids: list[int]) -> bool:
    for number in ids:
        move = env.row(
            "account.move", number, (*MOVE_COLUMNS, "partner_id", "amount_total", "name", "payment_reference")
        )
        if move["state"] == "posted":
            raise faults.user_error(f"The entry {move['name']} (id {number}) must be in draft.")
        _check_post(env, move)
        changes: Vals = {"state": "posted"}
        if move["move_type"] in SALES and not move["invoice_date"]:
            changes["invoice_date"] = env.now().strftime(values.DATE)
        env.write("account.move", [number], {key: value for key, value in changes.items() if key != "state"})
        env.settle()
        day = str(env.row("account.move", number, ("date",))["date"])
        name = move["name"] or numbering.next_name(env, {**move, "date": day})
        posted: Vals = {"name": name, "state": "posted", "posted_before": 1, "checked": 1, **numbering.split(name)}
        if move["move_type"] == "out_invoice" and not move["payment_reference"]:
            posted["payment_reference"] = name
        env.set_columns("account.move", {number: posted})
        recompute(env, [number])
        if not move["amount_total"] and move["move_type"] in INVOICES:
            env.set_columns("account.move", {number: {"payment_state": "paid"}})
    return False


def _check_post(env: Env, move: Vals) -> None:
    lines = [
        row
        for row in env.rows("account.move.line", [move["id"]], ("display_type",), by="move_id")
        if row["display_type"] not in NOTES
    ]
    if not env.rows("account.move.line", [move["id"]], (), by="move_id"):
        raise faults.user_error("Even magicians can't post nothing!")
    if not [row for row in lines if row["display_type"] == "product"]:
        raise faults.user_error("You need to add a line before posting.")
    if move["move_type"] in SALES and not move["partner_id"]:
        raise faults.user_error(
            "The 'Customer' field is required to validate the invoice.\n"
            "You probably don't want to explain to your auditor that you invoiced an invisible man :)"
        )
    if move["move_type"] in INVOICES and (move["amount_total"] or 0.0) < 0:
        raise faults.user_error(NEGATIVE)
    currency = env.row("res.currency", move["currency_id"], ("active", "name"))
    if not currency["active"]:
        raise faults.user_error(f"You cannot validate a document with an inactive currency: {currency['name']}")


def _draft(env: Env, ids: list[int]) -> None:
    env.set_columns("account.move", {number: {"state": "draft"} for number in ids})


def _cancel(env: Env, ids: list[int]) -> None:
    env.set_columns("account.move", {number: {"state": "cancel"} for number in ids})


def _names(env: Env, ids: list[int]) -> dict[int, str]:
    names_by_id = {}
    for row in env.rows("account.move", ids, ("name", "state", "move_type", "ref")):
        label = DRAFT_LABELS[row["move_type"]] if row["state"] == "draft" else ""
        name = str(row["name"] or "")
        shown = f"{label} {name}".strip() if name != "/" else label
        if row["state"] == "draft" and not name:
            shown = f"{label} (* {row['id']})" if row["move_type"] == "entry" else label
        names_by_id[row["id"]] = f"{shown} ({row['ref']})" if row["ref"] else shown
    return names_by_id


MOVE = Behaviour(
    fill=_fill,
    before_write=_before_write,
    changed=_changed,
    before_unlink=_before_unlink,
    names=_names,
    methods={"action_post": _post, "button_draft": _draft, "button_cancel": _cancel},
    computed={"display_name": _names},
)


def _fill_journals(env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        vals.setdefault("company_id", 1)
        if vals.get("type") == "sale":
            vals.setdefault("refund_sequence", True)
        if not vals.get("code") and vals.get("name"):
            vals["code"] = re.sub(r"\W", "", str(vals["name"]))[:5].upper()


def _journal_names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("account.journal", ids, ("name", "currency_id"))
    currencies = env.names("res.currency", sorted({row["currency_id"] for row in rows if row["currency_id"]}))
    home = company_of(env)["currency_id"]
    return {
        row["id"]: f"{row['name']} ({currencies[row['currency_id']]})"
        if row["currency_id"] and row["currency_id"] != home
        else str(row["name"])
        for row in rows
    }


JOURNAL = Behaviour(fill=_fill_journals, names=_journal_names)
