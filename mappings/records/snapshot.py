"""All records of one Lago together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mappings.quarantine import Quarantined, UsageGap
from mappings.records.catalog import AddOn, BillableMetric, Plan
from mappings.records.counted import Counted
from mappings.records.coupons import AppliedCoupon, Coupon
from mappings.records.customers import Customer, PaymentMethod
from mappings.records.invoices import CreditNote, Fee, Invoice, Payment
from mappings.records.organization import BillingEntity, Organization, Tax
from mappings.records.subscriptions import Subscription
from mappings.records.wallets import Wallet, WalletTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything extracted from one Lago, except the usage events (Parquet). The input of both lines.

    ``quarantined``: what could not be read, and is therefore nowhere else. ``usage_gaps``: stretches of time whose
    usage is not whole. ``counted``: what Lago has and nobody reads; ``features``: how many, as nothing is made of them.
    """

    lago_version: str
    organization: Organization
    taken_at: datetime
    billing_entities: tuple[BillingEntity, ...] = ()
    taxes: tuple[Tax, ...] = ()
    billable_metrics: tuple[BillableMetric, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    plans: tuple[Plan, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    applied_coupons: tuple[AppliedCoupon, ...] = ()
    customers: tuple[Customer, ...] = ()
    payment_methods: tuple[PaymentMethod, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    wallets: tuple[Wallet, ...] = ()
    wallet_transactions: tuple[WalletTransaction, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    fees: tuple[Fee, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    payments: tuple[Payment, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    usage_gaps: tuple[UsageGap, ...] = ()
    counted: tuple[Counted, ...] = ()
    features: int = 0
