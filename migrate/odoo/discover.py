"""What the server at hand can express: subscriptions (Enterprise or OCA), the addon, loyalty, Stripe, precision."""

from __future__ import annotations

from mappings.target import Target
from migrate.errors import Blocked
from migrate.odoo.door import Door, Row
from migrate.odoo.errors import AccessDenied, NoSuchMethod

# Every model a mapper may write to or refer to; those that the server lacks are left out of Target.models.
MODELS = (
    "res.partner",
    "res.partner.bank",
    "product.template",
    "product.product",
    "product.pricelist",
    "product.pricelist.item",
    "account.account",
    "account.fiscal.position",
    "account.journal",
    "account.move",
    "account.move.line",
    "account.payment.term",
    "account.payment.term.line",
    "account.tax",
    "sale.order",
    "sale.order.line",
    "sale.order.close.reason",
    "sale.subscription",
    "sale.subscription.line",
    "sale.subscription.plan",
    "sale.subscription.pricing",
    "sale.subscription.stage",
    "sale.subscription.template",
    "loyalty.program",
    "loyalty.rule",
    "loyalty.reward",
    "loyalty.card",
    "payment.provider",
    "payment.method",
    "payment.token",
    "fusion.billing.service",
    "fusion.billing.account.link",
    "fusion.billing.metric",
    "fusion.billing.charge",
    "fusion.billing.tax",
    "fusion.billing.coupon",
    "fusion.billing.usage",
    "fusion.billing.webhook",
    "fusion.billing.reconciliation",
)

# The precision that cuts quantities: renamed in 19.
QUANTITY_PRECISION = ("Product Unit", "Product Unit of Measure")


def discover(odoo: Door) -> Target:
    """Ask the server. Raises Blocked, with the remedy, if it has no subscriptions that we can write."""
    models = {model: names for model in MODELS if (names := field_names(odoo, model))}
    currencies = _currencies(odoo)
    languages = odoo.search_read("res.lang", [["active", "=", True]], ["code"])
    return Target(
        subscriptions=_subscriptions(odoo, models),
        addon="fusion.billing.service" in models,
        company_id=odoo.company_id,
        currencies=frozenset(row["name"] for row in currencies if row["active"]),
        all_currencies=frozenset(row["name"] for row in currencies),
        languages=frozenset(row["code"] for row in languages),
        loyalty="loyalty.card" in models,
        stripe="payment.token" in models and bool(stripe_providers(odoo)),
        quantity_digits=quantity_digits(odoo),
        models=models,
    )


def _currencies(odoo: Door) -> list[Row]:
    """Those that have Odoo's own external id, by which everything of ours names them: one typed in has none."""
    domain = [["module", "=", "base"], ["model", "=", "res.currency"]]
    named = odoo.search_read("ir.model.data", domain, ["name", "res_id"])
    ids = {(row["res_id"], row["name"]) for row in named}
    return [row for row in odoo.search_read("res.currency", [], ["name", "active"]) if (row["id"], row["name"]) in ids]


def field_names(odoo: Door, model: str) -> frozenset[str]:
    """The fields of a model that this user may see; empty if there is no such model, or no right to read it."""
    try:
        return frozenset(odoo.fields_get(model))
    except (NoSuchMethod, AccessDenied):
        return frozenset()


def identity(odoo: Door) -> str:
    """What tells this database from any other (its uuid); empty if the user may not see it."""
    try:
        rows = odoo.search_read("ir.config_parameter", [["key", "=", "database.uuid"]], ["value"])
    except (AccessDenied, NoSuchMethod):
        return ""
    return str(rows[0]["value"]) if rows else ""


def addon_version(odoo: Door) -> str:
    """The version of fusion_billing that is installed; empty if it is not. Raises AccessDenied without the right."""
    domain = [["name", "=", "fusion_billing"], ["state", "in", ["installed", "to upgrade", "to remove"]]]
    rows = odoo.search_read("ir.module.module", domain, ["latest_version"])
    return str(rows[0]["latest_version"]) if rows else ""


def quantity_digits(odoo: Door) -> int:
    """Decimals that quantities keep; what is beyond is cut without a word (facts §2d)."""
    rows = odoo.search_read("decimal.precision", [["name", "in", list(QUANTITY_PRECISION)]], ["name", "digits"])
    return int(rows[0]["digits"]) if rows else 2


def stripe_providers(odoo: Door) -> list[Row]:
    """The enabled Stripe providers: id, name, state, company. Empty without the right to see them."""
    try:
        domain = [["code", "=", "stripe"], ["state", "!=", "disabled"]]
        return odoo.search_read("payment.provider", domain, ["name", "state", "company_id"], active_test=True)
    except (AccessDenied, NoSuchMethod):
        return []


def _subscriptions(odoo: Door, models: dict[str, frozenset[str]]) -> str:
    order = models.get("sale.order", frozenset())
    if "sale.subscription.plan" in models:
        missing = [f for f in ("plan_id", "is_subscription", "subscription_state") if f not in order]
        if not missing:
            return "enterprise"
        raise Blocked(
            f"Odoo has subscription plans, but sale.order has no {missing[0]}: this is not the sale_subscription that "
            "this version knows; see docs/enterprise.md"
        )
    if "sale.subscription" in models:
        return "oca"
    if not order:
        raise Blocked(
            "Odoo has no sale.order, or this user may not read it: install Sales, or grant the user its rights"
        )
    raise Blocked(
        "Odoo has no subscriptions: install Subscriptions (Enterprise, sale_subscription) or OCA's subscription_oca, "
        "then run again"
    )
