"""Invoices: what is filled in, totals, tax and due lines, posting and numbering."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from .. import faults, taxes, values
from ..orm import Behaviour, Env, Vals
from . import addon, numbering, partners, products
from .base import company_of, rounding_of
from .fiscal import flat_taxes, map_taxes

SALES, PURCHASES = ("out_invoice", "out_refund", "out_receipt"), ("in_invoice", "in_refund", "in_receipt")
INVOICES = SALES + PURCHASES
NOTES = ("line_section", "line_subsection", "line_note")
LABELS = {"out_invoice": "Customer Invoice", "out_refund": "Customer Credit Note"}
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


POSTED_LINE = (
    "You can't delete a posted journal item. Don’t play games with your accounting records; "
    "reset the journal entry to draft before deleting it."
)


def direction(move_type: str) -> int:
    """The sign of an invoice's product lines in the ledger."""
    return -1 if move_type in ("out_invoice", "in_refund", "out_receipt") else 1


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
            vals["invoice_date_due"] = _due(env, vals, today)


def _journal(env: Env, vals: Vals, kind: str) -> Vals:
    wanted = "sale" if kind in SALES else "purchase" if kind in PURCHASES else "general"
    if not vals.get("journal_id"):
        found = env.search("account.journal", [("type", "=", wanted)], limit=1)
        vals["journal_id"] = found[0] if found else False
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


def _due(env: Env, vals: Vals, today: str) -> str:
    term = vals.get("invoice_payment_term_id")
    start = vals.get("invoice_date") or today
    if not term:
        return str(vals.get("invoice_date_due") or today)  # today, even for an invoice dated earlier (measured)
    rows = env.rows("account.payment.term.line", [term], ("nb_days", "delay_type", "days_next_month"), by="payment_id")
    return max((_delayed(str(start), row) for row in rows), default=str(start))


def _delayed(start: str, row: Vals) -> str:
    first, days = date.fromisoformat(start), int(row["nb_days"] or 0)
    if row["delay_type"] == "days_after":
        return (first + timedelta(days=days)).isoformat()
    if row["delay_type"] == "days_after_end_of_month":
        return (_month_end(first) + timedelta(days=days)).isoformat()
    if row["delay_type"] == "days_after_end_of_next_month":
        return (_month_end(_month_end(first) + timedelta(days=1)) + timedelta(days=days)).isoformat()
    raise faults.unsupported(f"payment terms with {row['delay_type']}")


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


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
        vals["invoice_date_due"] = _due(env, {**rows[0], **vals}, env.now().strftime(values.DATE))


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
        wanted = "sale" if move["move_type"] in SALES else "purchase" if move["move_type"] in PURCHASES else None
        if wanted and kinds[move["journal_id"]] != wanted:
            raise faults.validation(f"Cannot create a {wanted} document in a non {wanted} journal")


def _before_unlink(env: Env, ids: list[int]) -> None:
    if any(row["state"] == "posted" for row in env.rows("account.move", ids, ("state",))):
        raise faults.user_error(POSTED_LINE)
    lines = [row["id"] for row in env.rows("account.move.line", ids, (), by="move_id")]
    env.store.delete("account_move_line", lines)
    env.store.execute(
        "DELETE FROM ir_model_data WHERE model = 'account.move.line' AND res_id IN (SELECT value FROM json_each(?))",
        (str(lines),),
    )


# ---- lines


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
    found: Vals = {}
    if product and env.existing("product.product", [product]):
        found = {
            name: env.values("product.product", [product], name)[product]
            for name in ("uom_id", "taxes_id", "product_tmpl_id", "description_sale")
        }
        vals.setdefault("product_uom_id", found["uom_id"])
        if not vals.get("name"):
            label = env.names("product.product", [product])[product]
            vals["name"] = "\n".join(part for part in (label, found["description_sale"]) if part)
        if "price_unit" not in vals:
            vals["price_unit"] = products.price_of(env, None, product, 1.0, str(move["date"]))
    vals.setdefault("price_unit", 0.0)
    if not vals.get("account_id"):
        vals["account_id"] = _income_account(env, found.get("product_tmpl_id")) or journal_account
    if not vals["account_id"]:
        raise faults.constraint("Missing required account on accountable line.")
    if "tax_ids" not in vals:
        own = (
            found.get("taxes_id") or env.values("account.account", [vals["account_id"]], "tax_ids")[vals["account_id"]]
        )
        vals["tax_ids"] = [[6, 0, map_taxes(env, move["fiscal_position_id"], own)]]


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
    for move, amounts, rows, _totals in _computed(env, ids):
        rounding = rounding_of(env, move["currency_id"])
        updates = {
            row["id"]: {"price_subtotal": amount.subtotal, "price_total": values.float_round(amount.total, rounding)}
            for row, amount in zip(rows, amounts, strict=True)
        }
        env.set_columns("account.move.line", updates)


# ---- totals

MOVE_COLUMNS = (
    "move_type", "currency_id", "company_id", "commercial_partner_id", "date", "invoice_date", "invoice_date_due",
    "state", "invoice_payment_term_id", "journal_id", "partner_id", "ref", "payment_reference",
)  # fmt: skip


def _computed(env: Env, ids: list[int]) -> list[tuple[Vals, list[taxes.Amounts], list[Vals], taxes.Totals]]:
    """Per move: its amounts, line by line, and its totals."""
    moves = env.rows("account.move", ids, MOVE_COLUMNS)
    columns = ("move_id", "display_type", "quantity", "price_unit", "discount", "account_id", "sequence")
    every = env.rows("account.move.line", [move["id"] for move in moves], columns, by="move_id")
    linked = env.with_context(active_test=False).values("account.move.line", [row["id"] for row in every], "tax_ids")
    table = flat_taxes(env, sorted({tax for found in linked.values() for tax in found}))
    per_line = company_of(env)["tax_calculation_rounding_method"] == "round_per_line"
    lines: dict[int, list[Vals]] = {move["id"]: [] for move in moves}
    for row in sorted(every, key=lambda item: (item["sequence"] or 0, item["id"])):
        if row["display_type"] == "product":
            lines[row["move_id"]].append({**row, "taxes": linked[row["id"]]})
    found = []
    for move in moves:
        rows = lines[move["id"]]
        wanted = [_as_line(row, table) for row in rows]
        amounts, totals = taxes.compute(wanted, rounding_of(env, move["currency_id"]), per_line)
        found.append((move, amounts, rows, totals))
    return found


def _as_line(row: Vals, table: Mapping[int, tuple[taxes.Tax, ...]]) -> taxes.Line:
    chosen = tuple(tax for number in row["taxes"] for tax in table[number])
    return taxes.Line(
        float(row["quantity"] or 0.0), float(row["price_unit"] or 0.0), float(row["discount"] or 0.0), chosen
    )


def recompute(env: Env, ids: list[int]) -> None:
    """Amounts of whole moves after anything in them changed: lines, tax lines, due lines, header."""
    line_updates: dict[int, Vals] = {}
    headers: dict[int, Vals] = {}
    wanted: dict[int, list[Vals]] = {}
    entries = [row["id"] for row in env.rows("account.move", ids, ("move_type",)) if row["move_type"] not in INVOICES]
    for move, amounts, rows, totals in _computed(env, [number for number in ids if number not in entries]):
        sign, rounding = direction(move["move_type"]), rounding_of(env, move["currency_id"])
        rate = rate_of(env, move)
        for row, amount in zip(rows, amounts, strict=True):
            booked = values.float_round(sign * (amount.subtotal + amount.delta), rounding)
            total = values.float_round(amount.total, rounding)
            line_updates[row["id"]] = {
                "price_subtotal": amount.subtotal,
                "price_total": total,
                **_ledger(env, booked, rate),
            }
        headers[move["id"]] = _header(env, move, totals, rate)
        wanted[move["id"]] = _tax_lines(env, move, amounts, rows, rate) + (
            _due_lines(env, move, totals, rate) if rows else []
        )
    env.set_columns("account.move.line", line_updates)
    env.set_columns("account.move", headers)
    _replace_lines(env, wanted)
    _recompute_entries(env, entries)


def rate_of(env: Env, move: Vals) -> float:
    """Units of the move's currency for one unit of the company's; 1 without rates."""
    if move["currency_id"] == company_of(env)["currency_id"]:
        return 1.0
    day = str(move["invoice_date"] or move["date"])
    rows = env.rows("res.currency.rate", [move["currency_id"]], ("name", "rate"), by="currency_id")
    known = (
        sorted((row["name"], row["rate"]) for row in rows if row["name"] <= day)
        or sorted((row["name"], row["rate"]) for row in rows)[:1]
    )
    return float(known[-1][1]) if known else 1.0


def _ledger(env: Env, amount: float, rate: float) -> Vals:
    balance = values.float_round(amount / rate, rounding_of(env, company_of(env)["currency_id"]))
    return {"amount_currency": amount, "balance": balance, "debit": max(balance, 0.0), "credit": max(-balance, 0.0)}


def _header(env: Env, move: Vals, totals: taxes.Totals, rate: float) -> Vals:
    sign, home = -direction(move["move_type"]), rounding_of(env, company_of(env)["currency_id"])
    signed = {
        "amount_untaxed_signed": totals.untaxed,
        "amount_tax_signed": totals.tax,
        "amount_total_signed": totals.total,
        "amount_residual_signed": totals.total,
    }
    return {
        "amount_untaxed": totals.untaxed,
        "amount_tax": totals.tax,
        "amount_total": totals.total,
        "amount_residual": totals.total,
        "amount_total_in_currency_signed": sign * totals.total,
        "amount_untaxed_in_currency_signed": sign * totals.untaxed,
        "invoice_partner_display_name": _partner_name(env, move["partner_id"]),
        **{name: values.float_round(sign * amount / rate, home) for name, amount in signed.items()},
    }


def _partner_name(env: Env, partner: int | None) -> str | None:
    return env.names("res.partner", [partner])[partner] if partner else None


def _tax_lines(env: Env, move: Vals, amounts: list[taxes.Amounts], rows: list[Vals], rate: float) -> list[Vals]:
    """One line per tax part, account and group that brought it."""
    sign, rounding = direction(move["move_type"]), rounding_of(env, move["currency_id"])
    kind = "refund" if move["move_type"].endswith("refund") else "invoice"
    used = sorted({tax for amount in amounts for tax in amount.taxes})
    parts = [
        row
        for row in env.rows(
            "account.tax.repartition.line",
            used,
            ("tax_id", "repartition_type", "document_type", "factor_percent", "account_id"),
            by="tax_id",
        )
        if row["repartition_type"] == "tax" and row["document_type"] == kind
    ]
    names = {row["id"]: row["name"] for row in env.rows("account.tax", used, ("name",))}
    grouped: dict[tuple[int, int, int], Vals] = {}
    for amount, row in zip(amounts, rows, strict=True):
        for part in parts:
            if part["tax_id"] not in amount.taxes:
                continue
            account = part["account_id"] or row["account_id"]
            key = (part["id"], account, amount.groups[part["tax_id"]])
            line = grouped.setdefault(key, {"amount": 0.0, "base": 0.0, "name": names[part["tax_id"]]})
            line["amount"] += sign * amount.taxes[part["tax_id"]] * part["factor_percent"] / 100
            line["base"] += amount.bases[part["tax_id"]]
    return [
        {
            **_common(move),
            "display_type": "tax",
            "name": line["name"],
            "tax_repartition_line_id": part,
            "group_tax_id": group or None,
            "account_id": account,
            "tax_base_amount": values.float_round(sign * line["base"], rounding),
            **_ledger(env, values.float_round(line["amount"], rounding), rate),
        }
        for (part, account, group), line in grouped.items()
        if values.float_round(line["amount"], rounding)
    ]  # fmt: skip


def _common(move: Vals) -> Vals:
    return {
        "move_id": move["id"],
        "currency_id": move["currency_id"],
        "partner_id": move["commercial_partner_id"],
        "quantity": 0.0,
        "sequence": 10000,
    }


def _due_lines(env: Env, move: Vals, totals: taxes.Totals, rate: float) -> list[Vals]:
    """What the customer owes and when: one line, or one per part of the payment term."""
    if not move["commercial_partner_id"] and not totals.total:
        return []
    field = "property_account_receivable_id" if move["move_type"] in SALES else "property_account_payable_id"
    owner = move["commercial_partner_id"] or company_of(env)["partner_id"]
    account = env.row("res.partner", owner, (field,))[field]
    sign, rounding = -direction(move["move_type"]), rounding_of(env, move["currency_id"])
    lines = []
    for due, amount in _parts(env, move, sign * totals.total, rounding):
        ledger = _ledger(env, amount, rate)
        line = {**_common(move), "display_type": "payment_term", "account_id": account, "sequence": 12000}
        left = {"amount_residual": ledger["balance"], "amount_residual_currency": ledger["amount_currency"]}
        lines.append({**line, "date_maturity": due, "name": _due_name(move), **ledger, **left})
    return lines


def _due_name(move: Vals) -> str | None:
    reference, ref = move["payment_reference"], move["ref"]
    return f"{ref} - {reference}" if reference and ref and reference != ref else reference


def _parts(env: Env, move: Vals, total: float, rounding: float) -> list[tuple[str, float]]:
    columns = ("value", "value_amount", "nb_days", "delay_type", "days_next_month")
    term = move["invoice_payment_term_id"]
    rows = env.rows("account.payment.term.line", [term], columns, by="payment_id") if term else []
    if len(rows) < 2:
        return [(str(move["invoice_date_due"] or move["date"]), total)]
    left, found = total, []
    start = str(move["invoice_date"] or env.now().strftime(values.DATE))
    for index, row in enumerate(rows):
        share = total * row["value_amount"] / 100 if row["value"] == "percent" else row["value_amount"]
        amount = left if index == len(rows) - 1 else values.float_round(share, rounding)
        left = values.float_round(left - amount, rounding)
        found.append((_delayed(start, row), amount))
    return found


def _replace_lines(env: Env, wanted: Mapping[int, list[Vals]]) -> None:
    """Keep what is the same line, so that its id stays; drop and add the rest."""
    model = env.model("account.move.line")
    columns = ("move_id", "display_type", "tax_repartition_line_id", "group_tax_id", "account_id", "date_maturity")
    present: dict[tuple[Any, ...], list[int]] = {}
    for row in env.store.rows(model, wanted, columns, by="move_id"):
        if row["display_type"] in ("tax", "payment_term"):
            present.setdefault(_identity(row), []).append(row["id"])
    created = []
    for lines in wanted.values():
        for line in lines:
            same = present.get(_identity(line))
            if same:
                env.store.update(model, [same.pop(0)], line)
            else:
                created.append(line)
    env.store.delete("account_move_line", [number for left in present.values() for number in left])
    stamp = env.now().strftime(values.DATETIME)
    stamps = {
        "create_date": stamp,
        "write_date": stamp,
        "create_uid": env.uid,
        "write_uid": env.uid,
        "deductible_amount": 100.0,
    }
    env.store.insert(model, [{**stamps, **line} for line in created])


def _identity(line: Vals) -> tuple[Any, ...]:
    part = line.get("tax_repartition_line_id")
    return line["move_id"], line["display_type"], part, line["account_id"] if part else None, line.get("group_tax_id")


def _recompute_entries(env: Env, ids: list[int]) -> None:
    """Plain journal entries: every line has its own debit or credit; together they must balance."""
    home = rounding_of(env, company_of(env)["currency_id"])
    rows = env.rows(
        "account.move.line", ids, ("move_id", "debit", "credit", "balance", "amount_currency"), by="move_id"
    )
    sums = dict.fromkeys(ids, 0.0)
    totals = dict.fromkeys(ids, 0.0)
    updates = {}
    for row in rows:
        given = (row["debit"] or 0.0) - (row["credit"] or 0.0)
        balance = values.float_round(given or row["balance"] or 0.0, home)
        updates[row["id"]] = {
            "balance": balance,
            "debit": max(balance, 0.0),
            "credit": max(-balance, 0.0),
            "amount_currency": row["amount_currency"] or balance,
        }
        sums[row["move_id"]] += balance
        totals[row["move_id"]] += max(balance, 0.0)
    if any(values.float_round(total, home) for total in sums.values()):
        raise faults.user_error("The entry is not balanced.")
    env.set_columns("account.move.line", updates)
    env.set_columns(
        "account.move", {n: {"amount_total": total, "amount_total_signed": total} for n, total in totals.items()}
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
    found = {}
    for row in env.rows("account.move", ids, ("name", "state", "move_type", "ref")):
        label = DRAFT_LABELS[row["move_type"]] if row["state"] == "draft" else ""
        name = str(row["name"] or "")
        shown = f"{label} {name}".strip() if name != "/" else label
        if row["state"] == "draft" and not name:
            shown = f"{label} (* {row['id']})" if row["move_type"] == "entry" else label
        found[row["id"]] = f"{shown} ({row['ref']})" if row["ref"] else shown
    return found


def _line_names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("account.move.line", ids, ("move_id", "name"))
    moves = env.names("account.move", sorted({row["move_id"] for row in rows}))
    return {row["id"]: f"{moves[row['move_id']]} {row['name'] or ''}".strip() for row in rows}


MOVE = Behaviour(
    fill=_fill,
    before_write=_before_write,
    changed=_changed,
    before_unlink=_before_unlink,
    names=_names,
    methods={"action_post": _post, "button_draft": _draft, "button_cancel": _cancel},
    computed={"display_name": _names},
)
MOVE_LINE = Behaviour(
    fill=_fill_lines,
    before_write=_lines_before_write,
    changed=_lines_changed,
    before_unlink=_lines_before_unlink,
    names=_line_names,
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
