"""Stripe's ids -> payment tokens. Only references move (``cus_...`` and ``pm_...``); Lago never had a card number."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.context import CURRENT, Context, Problem, partner_ref
from mappings.customers import source
from mappings.records import Customer, PaymentMethod
from mappings.subscriptions import order_ref, refusal
from mappings.target import Desired, Find, Mapped, Phase, Source, Value, xid

_STRIPE = Find(
    "payment.provider",
    (("code", "=", "stripe"), ("state", "=", "enabled")),
    "exactly one Stripe provider of Odoo must be enabled: see Accounting, Payment Providers",
)
# Stripe's kinds of methods -> Odoo's, of which it can keep a token (facts/odoo19 §2e). It charges one by the kind
# that the token names: a debit called a card would be refused by Stripe.
KEPT = {"card": "card", "sepa_debit": "sepa_direct_debit"}


def tokens(context: Context) -> Iterator[Mapped]:
    """Every payment method kept for a customer, and every Stripe customer without one."""
    customers = {c.external_id: c for c in context.customers.values() if not c.deleted}
    methods = sorted(context.snapshot.payment_methods, key=lambda m: (not m.is_default, m.lago_id))
    for method in methods:
        customer = customers.get(method.external_customer_id)
        problem = _problem(context, method, customer)
        if problem or customer is None:
            lost = Problem("customer_unknown", "its customer is not in Lago's list: extract again")
            problem = problem or context.unread_named("customers", method.external_customer_id) or lost
            yield problem.skips(Phase.TOKENS, method_source(method), method.external_customer_id)
        else:
            yield _token(context, method, customer)
    yield from _without_method(context, {method.external_customer_id for method in methods})


def method_source(method: PaymentMethod) -> Source:
    """People know a payment method by its customer and its id at the provider."""
    label = f"{method.external_customer_id}/{method.provider_method_id}"
    return Source("payment_method", label, method.lago_id)


def _problem(context: Context, method: PaymentMethod, customer: Customer | None) -> Problem | None:
    if customer is None:
        return None
    blocked = context.problem(customer.lago_id)
    if blocked:
        return blocked
    provider = _provider(method, customer)
    if provider != "stripe":
        return Problem("payment_provider_unsupported", f"is kept at {provider}: connect it in Odoo by hand")
    if not customer.billing_configuration.provider_customer_id:
        return Problem("stripe_customer_missing", "has no customer id at Stripe in Lago: a payment could not be made")
    if not context.target.stripe:
        return Problem(
            "stripe_provider_not_enabled", "enable the Stripe provider in Odoo first: switching it archives tokens"
        )
    return _kind_problem(customer) or _account_problem(context, method)


def _kind_problem(customer: Customer) -> Problem | None:
    """Lago says with what a customer may pay, and not which of that a method is: it is known only where it is one."""
    kinds = _kinds(customer)
    listed = ", ".join(sorted(kinds))
    if len(kinds) > 1:
        detail = (
            f"may be any of {listed}, and Lago does not say which: look it up at Stripe, or let them enter it in Odoo"
        )
        return Problem("payment_method_unclear", detail)
    if not kinds <= KEPT.keys():
        detail = f"is {listed}, of which Odoo keeps no token: let the customer enter a card or a SEPA debit in Odoo"
        return Problem("payment_method_not_card", detail)
    return None


def _kinds(customer: Customer) -> frozenset[str]:
    return frozenset(customer.billing_configuration.provider_payment_methods or ("card",))


def _method(kind: str) -> Find:
    code = KEPT[kind]
    hint = f"Odoo has no payment method with the code {code}: update the module payment"
    return Find("payment.method", (("code", "=", code),), hint)


def _account_problem(context: Context, method: PaymentMethod) -> Problem | None:
    """Odoo has one Stripe account per provider: tokens of another one would fail at the first payment."""
    account = method.payment_provider_code
    known = {m.payment_provider_code for m in context.snapshot.payment_methods if m.payment_provider_code}
    odoo_account = context.tables.stripe_account
    if account is None or (account == odoo_account if odoo_account else len(known) < 2):
        return None
    name = context.tables.name
    told = odoo_account or "not said"
    detail = f"belongs to the Stripe account {account}, Odoo's is {told}: see [stripe] account in {name}"
    return Problem("stripe_account_differs", detail)


def _provider(method: PaymentMethod, customer: Customer) -> str:
    """``stripe``, gocardless...; payments name Lago's class instead (``PaymentProviders::StripeProvider``)."""
    kind = method.payment_provider_type or customer.billing_configuration.payment_provider or "no payment provider"
    return "stripe" if "stripe" in kind.lower() else kind


def _pays(context: Context, method: PaymentMethod, customer: Customer) -> dict[str, Value]:
    """The running orders of the customer, for the method that Lago charges: the addon sets it on them."""
    if not method.is_default or not context.target.addon or not context.has("payment.token", "fusion_order_ids"):
        return {}
    running = (
        subscription
        for subscription in context.held.get(customer.lago_id, ())
        if subscription.status in CURRENT and not refusal(context, subscription)
    )
    return {"fusion_order_ids": tuple(map(order_ref, sorted(subscription.lago_id for subscription in running)))}


def _token(context: Context, method: PaymentMethod, customer: Customer) -> Desired:
    return Desired(
        phase=Phase.TOKENS,
        model="payment.token",
        xid=xid("payment_method", method.lago_id),
        values={
            "provider_id": _STRIPE,
            "payment_method_id": _method(next(iter(_kinds(customer)))),
            "partner_id": partner_ref(customer.lago_id),
            "provider_ref": customer.billing_configuration.provider_customer_id,
            "stripe_payment_method": method.provider_method_id,
            **_pays(context, method, customer),
        },
        source=method_source(method),
        customer=customer.external_id,
    )


def _without_method(context: Context, having: set[str]) -> Iterator[Mapped]:
    for _, customer in sorted(context.customers.items()):
        reference = customer.billing_configuration.provider_customer_id
        wanted = reference and not customer.deleted and customer.external_id not in having
        if wanted and not context.problem(customer.lago_id):
            detail = f"is {reference} at {customer.billing_configuration.payment_provider}, with no payment method kept"
            none = Problem("payment_customer_without_method", detail + ": let them enter one in Odoo")
            problem = context.unread_of("payment_methods", customer.lago_id) or none
            yield problem.skips(Phase.TOKENS, source(customer), customer.external_id)
