"""Credit notes as Lago's API shows them: native ones, posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from .answers import seconds
from .rows import Answer


class CreditNoteRow(TypedDict):
    """An ``account.move``; ``total``, ``taxes``, ``net``, ``open`` in cents."""

    lago_id: str
    billing_entity_code: str
    sequential_id: int
    number: str
    lago_invoice_id: str | None
    invoice_number: str | None
    issuing_date: str
    description: str | None
    currency: str
    total: int
    taxes: int
    net: int
    open: int
    created_at: datetime
    updated_at: datetime
    customer: Answer | None
    items: Sequence[Answer]
    applied_taxes: Sequence[Answer]


def show(row: CreditNoteRow) -> Answer:
    """All of it is credit: what finance pays back is a payment of Odoo's."""
    names = ("lago_id", "billing_entity_code", "sequential_id", "number", "lago_invoice_id", "invoice_number")
    return {
        **{name: row[name] for name in names},  # type: ignore[literal-required]
        "purchase_order_number": None,
        "issuing_date": row["issuing_date"],
        "credit_status": "available" if row["open"] else "consumed",
        "refund_status": None,
        "reason": "other",
        "description": row["description"],
        "currency": row["currency"],
        "total_amount_cents": row["total"],
        "precise_total_amount_cents": f"{row['total']}.0",
        "taxes_amount_cents": row["taxes"],
        "precise_taxes_amount_cents": f"{row['taxes']}.0",
        "sub_total_excluding_taxes_amount_cents": row["net"],
        "balance_amount_cents": row["open"],
        "credit_amount_cents": row["total"],
        "refund_amount_cents": 0,
        "offset_amount_cents": 0,
        "coupons_adjustment_amount_cents": 0,
        "taxes_rate": round(100 * row["taxes"] / row["net"], 5) if row["net"] else 0.0,
        "created_at": seconds(row["created_at"]),
        "updated_at": seconds(row["updated_at"]),
        "file_url": None,
        "xml_url": None,
        "self_billed": False,
        "customer": row["customer"],
        "items": list(row["items"]),
        "applied_taxes": [credited(tax, row["lago_id"]) for tax in row["applied_taxes"]],
        "error_details": [],
    }


def credited(tax: Answer, lago_id: str) -> Answer:
    """An applied tax of an invoice, as one of a credit note."""
    kept = {name: value for name, value in tax.items() if name not in ("lago_invoice_id", "fees_amount_cents")}
    return {**kept, "lago_credit_note_id": lago_id, "base_amount_cents": tax["fees_amount_cents"]}


def item(lago_id: str, cents: int, currency: str, fee: Answer) -> Answer:
    return {
        "lago_id": lago_id,
        "amount_cents": cents,
        "precise_amount_cents": f"{cents}.0",
        "amount_currency": currency,
        "fee": fee,
    }
