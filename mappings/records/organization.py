"""The seller: organization, billing entities, and the taxes that every other record may carry."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax rate. ``rate`` is a percentage; Lago computes with its double value."""

    lago_id: str
    code: str
    rate: Decimal
    name: str = ""
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerm:
    """When an invoice is due, since Lago of July 2026. The older number of days is null where it cannot say it."""

    term_type: str
    days: int | None = None
    day_of_month: int | None = None
    month_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The seller: one account of Lago."""

    lago_id: str
    name: str = ""
    default_currency: str = ""
    timezone: str | None = None
    net_payment_term: int | None = None
    payment_term: PaymentTerm | None = None
    events_store: str | None = None  # postgres | clickhouse
    document_number_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEntity:
    """The legal seller. Its default taxes apply to customers without taxes of their own (facts §6.3)."""

    lago_id: str
    code: str
    name: str = ""
    default_currency: str = ""
    timezone: str = "UTC"
    net_payment_term: int | None = None
    payment_term: PaymentTerm | None = None
    invoice_grace_period: int = 0  # days
    finalize_zero_amount_invoice: bool = True
    country: str | None = None
    state: str | None = None
    is_default: bool = False
    subscription_invoice_issuing_date_anchor: str | None = None
    subscription_invoice_issuing_date_adjustment: str | None = None
    taxes: tuple[Tax, ...] = ()
