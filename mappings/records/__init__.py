"""Lago's things as frozen records: the one shape every later step reads.

Field names are those of Lago's public API (facts/lago-fields); ``*_cents`` are integers in the currency's smallest
unit, decimals are exact, datetimes are aware and in UTC. ``mappings.decode`` builds them from raw JSON, by type.
A field without a default is required: a payload that lacks it, or has another type, is refused with its place.
"""

from __future__ import annotations

from mappings.records.catalog import (
    AddOn,
    BillableMetric,
    Charge,
    ChargeFilter,
    FixedCharge,
    MetricFilter,
    MinimumCommitment,
    Plan,
    PricingUnit,
)
from mappings.records.counted import Counted
from mappings.records.coupons import AppliedCoupon, Coupon, Credit, CreditedInvoice, CreditItem
from mappings.records.customers import Address, BillingConfiguration, Customer, MetadataItem, PaymentMethod
from mappings.records.invoices import (
    AppliedTax,
    BillingPeriod,
    CreditNote,
    CreditNoteItem,
    Fee,
    FeeItem,
    Invoice,
    Payment,
)
from mappings.records.organization import BillingEntity, Organization, PaymentTerm, Tax
from mappings.records.raw import Json
from mappings.records.snapshot import Snapshot
from mappings.records.subscriptions import Subscription
from mappings.records.usage import Event
from mappings.records.wallets import Wallet, WalletScope, WalletTransaction

__all__ = [
    "AddOn",
    "Address",
    "AppliedCoupon",
    "AppliedTax",
    "BillableMetric",
    "BillingConfiguration",
    "BillingEntity",
    "BillingPeriod",
    "Charge",
    "ChargeFilter",
    "Counted",
    "Coupon",
    "Credit",
    "CreditItem",
    "CreditNote",
    "CreditNoteItem",
    "CreditedInvoice",
    "Customer",
    "Event",
    "Fee",
    "FeeItem",
    "FixedCharge",
    "Invoice",
    "Json",
    "MetadataItem",
    "MetricFilter",
    "MinimumCommitment",
    "Organization",
    "Payment",
    "PaymentMethod",
    "PaymentTerm",
    "Plan",
    "PricingUnit",
    "Snapshot",
    "Subscription",
    "Tax",
    "Wallet",
    "WalletScope",
    "WalletTransaction",
]
