"""Wallets in Lago's shapes. In Odoo they are eWallet cards of ``loyalty``: a point is one unit of the currency.

What a card has no place for (a name, a rate, rules that refill it) is refused or shown as its default, never dropped
without a word where it would change an amount.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from . import amounts
from .answers import Refused, invalid, seconds
from .rows import Answer, Given, TransactionRow, WalletRow

PAYMENT_METHOD = {"payment_method_id": None, "payment_method_type": "provider"}
# What has no place on an eWallet card, and what to use instead.
UNSUPPORTED = {
    "recurring_transaction_rules": "an eWallet of Odoo does not refill itself: sell its top-up on a subscription",
    "applies_to": "an eWallet of Odoo pays for anything",
}
PAID = "sell the eWallet's top-up product in Odoo: its payment fills the card"
RATE = "a point of Odoo's eWallet is one unit of the currency: only a rate of 1 is possible"


def no_wallets() -> Refused:
    return invalid({"wallet": ["Odoo's eWallets are not installed: install sale_loyalty"]})


def credits(given: Given, name: str) -> Decimal:
    """A number of credits of a request, 0 if there is none. Raises Refused."""
    value = given.get(name)
    if value in (None, ""):
        return Decimal(0)
    number = amounts.given(value)
    if number is None or number < 0:
        raise invalid({name: [f"invalid_{name}"]})
    return number


def granted(given: Given) -> Decimal:
    """The credits to grant. Raises Refused for credits that are to be paid: in Odoo that is a sale."""
    if credits(given, "paid_credits"):
        raise invalid({"paid_credits": [PAID]})
    return credits(given, "granted_credits")


def check(given: Given) -> None:
    """Raises Refused for what an eWallet cannot do."""
    errors: dict[str, list[str]] = {name: [why] for name, why in UNSUPPORTED.items() if given.get(name)}
    rate = given.get("rate_amount")
    if rate not in (None, "") and amounts.given(rate) != 1:
        errors["rate_amount"] = [RATE]
    if errors:
        raise invalid(errors)


def expiry(value: object, today: date) -> date | None:
    """The last day of a wallet. Raises Refused for what is no day in the future."""
    if value in (None, ""):
        return None
    try:
        day = datetime.fromisoformat(str(value).replace("Z", "+00:00")).date()
    except ValueError:
        raise invalid({"expiration_at": ["invalid_date"]}) from None
    if day <= today:
        raise invalid({"expiration_at": ["invalid_date"]})
    return day


def wallet(row: WalletRow) -> Answer:
    """A card. ``row``: lago_id, customer, name, currency, points, used, active, expires, created, changed...

    Usage that is not invoiced yet does not touch a card: the ongoing balance is the balance.
    """
    balance, cents = amounts.text(row["points"] or "0"), amounts.cents(row["points"], row["currency"])
    ended = not row["active"] or (row["expires"] is not None and row["expires"] < datetime.now(UTC).date())
    return {
        "lago_id": row["lago_id"],
        "lago_customer_id": row["customer"]["lago_id"],
        "external_customer_id": row["customer"]["external_id"],
        "billing_entity_code": row["entity"],
        "status": "terminated" if ended else "active",
        "currency": row["currency"],
        "name": row["name"],
        "code": row["code"],
        "purchase_order_number": None,
        "rate_amount": "1.0",
        "credits_balance": balance,
        "credits_ongoing_balance": balance,
        "credits_ongoing_usage_balance": "0.0",
        "balance_cents": cents,
        "ongoing_balance_cents": cents,
        "ongoing_usage_balance_cents": 0,
        "consumed_credits": amounts.text(row["used"] or "0"),
        "created_at": seconds(row["created"]),
        "expiration_at": f"{row['expires']}T23:59:59Z" if row["expires"] else None,
        "last_balance_sync_at": seconds(row["changed"]),
        "last_consumed_credit_at": seconds(row["consumed"]),
        "terminated_at": seconds(row["changed"]) if ended else None,
        "invoice_requires_successful_payment": False,
        "paid_top_up_min_amount_cents": None,
        "paid_top_up_max_amount_cents": None,
        "priority": 50,
        "recurring_transaction_rules": [],
        "applies_to": {"fee_types": [], "billable_metric_codes": []},
        "applied_invoice_custom_sections": [],
        "payment_method": PAYMENT_METHOD,
    }


def transaction(row: TransactionRow) -> Answer:
    """A line of a card's history. ``row``: lago_id, wallet, entity, issued, used, sold (an order used it), created."""
    inbound = bool(row["issued"])
    amount = amounts.text(row["issued"] or row["used"] or "0")
    return {
        "lago_id": row["lago_id"],
        "lago_wallet_id": row["wallet"],
        "lago_invoice_id": None,
        "lago_credit_note_id": None,
        "lago_voided_invoice_id": None,
        "billing_entity_code": row["entity"],
        "status": "settled",
        "source": "manual",
        "transaction_status": ("purchased" if row["sold"] else "granted")
        if inbound
        else ("invoiced" if row["sold"] else "voided"),
        "transaction_type": "inbound" if inbound else "outbound",
        "amount": amount,
        "credit_amount": amount,
        "remaining_amount_cents": None,
        "remaining_credit_amount": None,
        "priority": 50,
        "purchase_order_number": None,
        "settled_at": seconds(row["created"]),
        "failed_at": None,
        "created_at": seconds(row["created"]),
        "invoice_requires_successful_payment": False,
        "metadata": [],
        "name": None,
        "payment_method": PAYMENT_METHOD,
    }
