"""Payments as Lago's API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from .answers import seconds
from .rows import Answer


class PaymentRow(TypedDict):
    """An ``account.payment``; ``provider``: code of who took it, None where somebody entered it."""

    lago_id: str
    lago_customer_id: str | None
    external_customer_id: str | None
    invoice_ids: Sequence[str]
    invoice_numbers: Sequence[str]
    amount: int
    currency: str
    status: str
    reference: str
    provider: str | None
    provider_reference: str | None
    created_at: datetime


def show(row: PaymentRow) -> Answer:
    """The client wants a reference, also of a provider's, where Lago has none."""
    provider = row["provider"]
    return {
        "lago_id": row["lago_id"],
        "lago_customer_id": row["lago_customer_id"],
        "external_customer_id": row["external_customer_id"],
        "invoice_ids": list(row["invoice_ids"]),
        "invoice_numbers": list(row["invoice_numbers"]),
        "lago_payable_id": row["invoice_ids"][0] if row["invoice_ids"] else None,
        "payable_type": "Invoice",
        "amount_cents": row["amount"],
        "amount_currency": row["currency"],
        "status": row["status"],
        "payment_status": row["status"],
        "type": "provider" if provider else "manual",
        "reference": row["reference"],
        "payment_provider_code": provider,
        "payment_provider_type": f"PaymentProviders::{provider.title()}Provider" if provider else None,
        "external_payment_id": row["provider_reference"],
        "provider_payment_id": row["provider_reference"],
        "provider_customer_id": None,
        "next_action": {},
        "created_at": seconds(row["created_at"]),
    }
