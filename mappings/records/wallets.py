"""Prepaid credits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mappings.records.raw import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletScope:
    """What a wallet may pay for; empty: everything."""

    fee_types: tuple[str, ...] = ()
    billable_metric_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Prepaid credits. ``balance_cents`` = ``credits_balance`` × ``rate_amount`` in the currency."""

    lago_id: str
    lago_customer_id: str
    external_customer_id: str
    status: str  # active | terminated
    currency: str
    rate_amount: Decimal
    credits_balance: Decimal
    balance_cents: int
    billing_entity_code: str | None = None  # who owes the credits; else its customer's
    name: str | None = None
    code: str | None = None
    consumed_credits: Decimal = Decimal(0)
    priority: int = 50
    created_at: datetime | None = None
    expiration_at: datetime | None = None
    terminated_at: datetime | None = None
    applies_to: WalletScope = field(default_factory=WalletScope)
    recurring_transaction_rules: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTransaction:
    """A movement of a wallet, in credits and in its currency."""

    lago_id: str
    lago_wallet_id: str
    status: str  # pending | settled | failed
    transaction_status: str  # purchased | granted | voided | invoiced
    transaction_type: str  # inbound | outbound
    amount: Decimal
    credit_amount: Decimal
    created_at: datetime
    lago_invoice_id: str | None = None
    settled_at: datetime | None = None
    remaining_amount_cents: int | None = None
    priority: int = 50
