"""What is read from Lago: one row per resource, in the order of reading.

Left out on purpose: what needs a premium licence (activity and API logs, projected usage, alerts, quotes and orders,
the analytics of MRR and collection); the charges and entitlements of a plan (in the plan's own page); the customers'
own pages (their only two extra fields are PDF sections and error details); past usage (the invoices hold it); which
top-up paid for which credit of a wallet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mappings import records

Payload = Mapping[str, Any]


class Shape(Enum):
    """What an answer holds under its root."""

    LIST = "pages of records, each with a lago_id"
    RECORD = "the parent's own page (or, without a parent, one record): the same lago_id"
    WHOLE = "something without identity, kept whole under its parent's key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource.

    ``path`` and ``query`` may hold fields of the parent's payload in braces. ``decoded_as``: what it is read as, once
    everything is there. ``schema`` names its fields in known_fields.json.
    """

    name: str
    path: str
    root: str
    shape: Shape = Shape.LIST
    under: str | None = None  # the resource whose records it is read for, one call each
    only_if: Callable[[Payload], bool] = lambda parent: True  # parents that can have it
    query: tuple[tuple[str, str], ...] = ()
    decoded_as: type[Any] | None = None
    schema: str | None = None
    # What a 404 or 405 means: the parent went away meanwhile, there is none, or something is wrong.
    absent: str = "error"  # error | none | parent gone
    shown_for: Callable[[Payload], bool] = lambda parent: False  # parents that have one: a 404 is no absence then
    premium: bool = False  # Lago may refuse it without its licence; anything else is there whatever the licence
    paged: bool = True  # whether Lago says with each page of the list how many there are, and which comes next
    asked_at: str = ""  # a field that holds the moment of the call: another moment alone is no other record


def has_provider(customer: Payload) -> bool:
    """Whether a payment provider may keep something for a customer."""
    configuration = customer.get("billing_configuration")
    return isinstance(configuration, Mapping) and bool(configuration.get("payment_provider"))


ALL_STATES = tuple(("status[]", state) for state in ("active", "pending", "terminated", "canceled", "incomplete"))

RESOURCES: tuple[Resource, ...] = (
    Resource(
        name="organizations",
        path="/organizations",
        root="organization",
        shape=Shape.RECORD,
        decoded_as=records.Organization,
        schema="organization",
    ),
    Resource(
        name="billing_entities",  # without taxes
        path="/billing_entities",
        root="billing_entities",
        paged=False,
        decoded_as=records.BillingEntity,
        schema="billing_entity",
    ),
    Resource(
        name="billing_entity_details",
        path="/billing_entities/{code}",
        root="billing_entity",
        shape=Shape.RECORD,
        under="billing_entities",
        decoded_as=records.BillingEntity,
        schema="billing_entity",
        absent="parent gone",
    ),
    Resource(name="taxes", path="/taxes", root="taxes", decoded_as=records.Tax, schema="tax"),
    Resource(
        name="billable_metrics",
        path="/billable_metrics",
        root="billable_metrics",
        decoded_as=records.BillableMetric,
        schema="billable_metric",
    ),
    Resource(name="add_ons", path="/add_ons", root="add_ons", decoded_as=records.AddOn, schema="add_on"),
    Resource(name="coupons", path="/coupons", root="coupons", decoded_as=records.Coupon, schema="coupon"),
    Resource(name="features", path="/features", root="features", absent="none", premium=True),
    Resource(name="webhook_endpoints", path="/webhook_endpoints", root="webhook_endpoints", schema="webhook_endpoint"),
    Resource(name="plans", path="/plans", root="plans", decoded_as=records.Plan, schema="plan"),
    Resource(
        name="plan_details",  # with the fixed charges
        path="/plans/{code}",
        root="plan",
        shape=Shape.RECORD,
        under="plans",
        decoded_as=records.Plan,
        schema="plan",
        absent="parent gone",
    ),
    Resource(name="customers", path="/customers", root="customers", decoded_as=records.Customer, schema="customer"),
    Resource(
        name="payment_methods",
        premium=True,
        path="/customers/{external_id}/payment_methods",
        root="payment_methods",
        under="customers",
        only_if=has_provider,
        decoded_as=records.PaymentMethod,
        schema="payment_method",
        absent="none",
    ),
    Resource(
        name="subscriptions",
        path="/subscriptions",
        root="subscriptions",
        query=ALL_STATES,  # Lago's default is the active ones only
        decoded_as=records.Subscription,
        schema="subscription",
    ),
    Resource(
        name="subscription_details",  # with the plan, which is the override where there is one
        path="/subscriptions/{external_id}",
        root="subscription",
        shape=Shape.RECORD,
        under="subscriptions",
        query=(("status", "{status}"),),
        decoded_as=records.Subscription,
        schema="subscription",
        absent="none",  # of several of one external id and state, Lago shows the latest only
        shown_for=lambda subscription: subscription.get("status") == "active",
    ),
    Resource(
        name="subscription_fixed_charges",
        path="/subscriptions/{external_id}/fixed_charges",
        root="fixed_charges",
        shape=Shape.WHOLE,
        under="subscription_details",
        query=(("subscription_status", "{status}"), ("per_page", "1000")),
        schema="fixed_charge",
        absent="none",
    ),
    Resource(name="wallets", path="/wallets", root="wallets", decoded_as=records.Wallet, schema="wallet"),
    Resource(
        name="wallet_transactions",
        path="/wallets/{lago_id}/wallet_transactions",
        root="wallet_transactions",
        under="wallets",
        decoded_as=records.WalletTransaction,
        schema="wallet_transaction",
        absent="none",
    ),
    Resource(
        name="applied_coupons",
        path="/applied_coupons",
        root="applied_coupons",
        decoded_as=records.AppliedCoupon,
        schema="applied_coupon",
    ),
    Resource(name="invoices", path="/invoices", root="invoices", decoded_as=records.Invoice, schema="invoice"),
    Resource(
        name="invoice_details",  # with fees, credits, subscriptions and billing periods
        path="/invoices/{lago_id}",
        root="invoice",
        shape=Shape.RECORD,
        under="invoices",
        decoded_as=records.Invoice,
        schema="invoice",
        absent="parent gone",
    ),
    Resource(name="fees", path="/fees", root="fees", decoded_as=records.Fee, schema="fee"),
    Resource(
        name="credit_notes",
        path="/credit_notes",
        root="credit_notes",
        decoded_as=records.CreditNote,
        schema="credit_note",
    ),
    Resource(name="payments", path="/payments", root="payments", decoded_as=records.Payment, schema="payment"),
    Resource(
        name="payment_requests",
        path="/payment_requests",
        root="payment_requests",
        schema="payment_request",
        premium=True,
    ),
    Resource(
        name="payment_receipts",
        path="/payment_receipts",
        root="payment_receipts",
        schema="payment_receipt",
        premium=True,
    ),
    Resource(
        name="current_usage",
        premium=True,
        path="/customers/{external_customer_id}/current_usage",
        root="customer_usage",
        shape=Shape.WHOLE,
        under="subscriptions",
        only_if=lambda subscription: subscription.get("status") == "active",
        query=(("external_subscription_id", "{external_id}"),),
        schema="customer_usage",
        absent="none",
    ),
    Resource(
        name="lifetime_usage",
        premium=True,
        path="/subscriptions/{external_id}/lifetime_usage",
        root="lifetime_usage",
        shape=Shape.WHOLE,
        under="subscriptions",
        only_if=lambda subscription: subscription.get("status") == "active",
        schema="lifetime_usage",
        absent="none",
        asked_at="to_datetime",
    ),
    Resource(
        name="gross_revenue",
        premium=True,
        path="/analytics/gross_revenue",
        root="gross_revenues",
        shape=Shape.WHOLE,
        absent="none",
    ),
    Resource(
        name="overdue_balance",
        premium=True,
        path="/analytics/overdue_balance",
        root="overdue_balances",
        shape=Shape.WHOLE,
        absent="none",
    ),
)

EVENTS = Resource(name="events", path="/events", root="events", schema="event")
