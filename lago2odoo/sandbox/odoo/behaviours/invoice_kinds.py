"""The kinds of an invoice, the signs of its lines, and the day it is due."""

from __future__ import annotations

from datetime import date, timedelta

from .. import faults
from ..orm import Env, Vals

SALES, PURCHASES = ("out_invoice", "out_refund", "out_receipt"), ("in_invoice", "in_refund", "in_receipt")
INVOICES = SALES + PURCHASES
NOTES = ("line_section", "line_subsection", "line_note")


POSTED_LINE = (
    "You can't delete a posted journal item. Don’t play games with your accounting records; "
    "reset the journal entry to draft before deleting it."
)


def direction(move_type: str) -> int:
    """The sign of an invoice's product lines in the ledger."""
    return -1 if move_type in ("out_invoice", "in_refund", "out_receipt") else 1


def due_date(env: Env, vals: Vals, today: str) -> str:
    """The latest day of the payment term's lines; without a term the day given, or today."""
    term = vals.get("invoice_payment_term_id")
    start = vals.get("invoice_date") or today
    if not term:
        return str(vals.get("invoice_date_due") or today)  # today, even for an invoice dated earlier (measured)
    rows = env.rows("account.payment.term.line", [term], ("nb_days", "delay_type", "days_next_month"), by="payment_id")
    return max((delayed(str(start), row) for row in rows), default=str(start))


def delayed(start: str, row: Vals) -> str:
    """The day that one line of a payment term makes of the invoice's."""
    first, days = date.fromisoformat(start), int(row["nb_days"] or 0)
    if row["delay_type"] == "days_after":
        return (first + timedelta(days=days)).isoformat()
    if row["delay_type"] == "days_after_end_of_month":
        return (_month_end(first) + timedelta(days=days)).isoformat()
    if row["delay_type"] == "days_after_end_of_next_month":
        return (_month_end(_month_end(first) + timedelta(days=1)) + timedelta(days=days)).isoformat()
    if row["delay_type"] == "days_end_of_month_on_the":
        moved, day = first + timedelta(days=days), int(row["days_next_month"])
        last = _month_end(_month_end(moved) + timedelta(days=1)) if day else _month_end(moved)
        return last.replace(day=min(day or last.day, last.day)).isoformat()
    raise faults.unsupported(f"payment terms with {row['delay_type']}")


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
