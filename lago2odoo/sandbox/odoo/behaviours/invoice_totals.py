"""What follows from an invoice's lines: totals, tax lines and due lines; and what balances a plain entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import faults, taxes, values
from ..orm import Env, Vals
from .base import company_of, rounding_of
from .fiscal import flat_taxes
from .invoice_kinds import INVOICES, SALES, delayed, direction

MOVE_COLUMNS = (
    "move_type", "currency_id", "company_id", "commercial_partner_id", "date", "invoice_date", "invoice_date_due",
    "state", "invoice_payment_term_id", "journal_id", "partner_id", "ref", "payment_reference",
)  # fmt: skip


def computed(env: Env, ids: list[int]) -> list[tuple[Vals, list[taxes.LineAmounts], list[Vals], taxes.DocumentTotals]]:
    """Per move: its amounts, line by line, and its totals."""
    moves = env.rows("account.move", ids, MOVE_COLUMNS)
    columns = ("move_id", "display_type", "quantity", "price_unit", "discount", "account_id", "sequence")
    every = env.rows("account.move.line", [move["id"] for move in moves], columns, by="move_id")
    linked = env.with_context(active_test=False).values("account.move.line", [row["id"] for row in every], "tax_ids")
    table = flat_taxes(env, sorted({tax for tax_ids in linked.values() for tax in tax_ids}))
    per_line = company_of(env)["tax_calculation_rounding_method"] == "round_per_line"
    lines: dict[int, list[Vals]] = {move["id"]: [] for move in moves}
    for row in sorted(every, key=lambda item: (item["sequence"] or 0, item["id"])):
        if row["display_type"] == "product":
            lines[row["move_id"]].append({**row, "taxes": linked[row["id"]]})
    documents = []
    for move in moves:
        rows = lines[move["id"]]
        taxable = [_as_line(row, table) for row in rows]
        amounts, totals = taxes.compute(taxable, rounding_of(env, move["currency_id"]), per_line)
        documents.append((move, amounts, rows, totals))
    return documents


def _as_line(row: Vals, table: Mapping[int, tuple[taxes.PercentTax, ...]]) -> taxes.TaxableLine:
    chosen = tuple(tax for number in row["taxes"] for tax in table[number])
    return taxes.TaxableLine(
        float(row["quantity"] or 0.0), float(row["price_unit"] or 0.0), float(row["discount"] or 0.0), chosen
    )


def recompute(env: Env, ids: list[int]) -> None:
    """Amounts of whole moves after anything in them changed: lines, tax lines, due lines, header."""
    line_updates: dict[int, Vals] = {}
    headers: dict[int, Vals] = {}
    lines_by_move: dict[int, list[Vals]] = {}
    entries = [row["id"] for row in env.rows("account.move", ids, ("move_type",)) if row["move_type"] not in INVOICES]
    for move, amounts, rows, totals in computed(env, [number for number in ids if number not in entries]):
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
        lines_by_move[move["id"]] = _tax_lines(env, move, amounts, rows, rate) + (
            _due_lines(env, move, totals, rate) if rows else []
        )
    env.set_columns("account.move.line", line_updates)
    env.set_columns("account.move", headers)
    _replace_lines(env, lines_by_move)
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


def _header(env: Env, move: Vals, totals: taxes.DocumentTotals, rate: float) -> Vals:
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


def _tax_lines(env: Env, move: Vals, amounts: list[taxes.LineAmounts], rows: list[Vals], rate: float) -> list[Vals]:
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


def _due_lines(env: Env, move: Vals, totals: taxes.DocumentTotals, rate: float) -> list[Vals]:
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
    left, parts = total, []
    start = str(move["invoice_date"] or env.now().strftime(values.DATE))
    for index, row in enumerate(rows):
        share = total * row["value_amount"] / 100 if row["value"] == "percent" else row["value_amount"]
        amount = left if index == len(rows) - 1 else values.float_round(share, rounding)
        left = values.float_round(left - amount, rounding)
        parts.append((delayed(start, row), amount))
    return parts


def _replace_lines(env: Env, lines_by_move: Mapping[int, list[Vals]]) -> None:
    """Keep what is the same line, so that its id stays; drop and add the rest."""
    model = env.model("account.move.line")
    columns = ("move_id", "display_type", "tax_repartition_line_id", "group_tax_id", "account_id", "date_maturity")
    present: dict[tuple[Any, ...], list[int]] = {}
    for row in env.store.rows(model, lines_by_move, columns, by="move_id"):
        if row["display_type"] in ("tax", "payment_term"):
            present.setdefault(_identity(row), []).append(row["id"])
    created = []
    for lines in lines_by_move.values():
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
