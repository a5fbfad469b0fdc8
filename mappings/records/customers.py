"""Customers, and how they pay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mappings.records.organization import PaymentTerm, Tax
from mappings.records.raw import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingConfiguration:
    """How a customer pays, and what documents are like."""

    invoice_grace_period: int | None = None
    payment_provider: str | None = None
    payment_provider_code: str | None = None
    provider_customer_id: str | None = None
    provider_payment_methods: tuple[str, ...] | None = None
    document_locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address."""

    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataItem:
    """A note that a user of Lago put on a customer."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who pays. ``deleted`` customers are absent from Lago's list and rebuilt from their invoices."""

    lago_id: str
    external_id: str
    billing_entity_code: str | None = None
    account_type: str = "customer"
    name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    customer_type: str | None = None  # company | individual
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    email: str | None = None
    phone: str | None = None
    url: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None
    currency: str | None = None
    timezone: str | None = None
    applicable_timezone: str = "UTC"
    net_payment_term: int | None = None
    payment_term: PaymentTerm | None = None
    finalize_zero_amount_invoice: str = "inherit"
    slug: str | None = None
    created_at: datetime | None = None
    billing_configuration: BillingConfiguration = field(default_factory=BillingConfiguration)
    shipping_address: Address | None = None
    metadata: tuple[MetadataItem, ...] = ()
    taxes: tuple[Tax, ...] = ()
    integration_customers: tuple[Json, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A card or the like kept at the payment provider. Only its reference moves, never the card."""

    lago_id: str
    external_customer_id: str  # added by extract: the list is nested under the customer
    provider_method_id: str
    is_default: bool = False
    payment_provider_code: str | None = None
    payment_provider_type: str | None = None
