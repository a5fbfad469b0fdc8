"""What single models do beyond their fields: one row per model, in this table."""

from __future__ import annotations

from collections.abc import Mapping

from ..orm import Behaviour
from . import (
    addon,
    base,
    invoice_lines,
    invoices,
    loyalty,
    order_lines,
    orders,
    partners,
    payments,
    products,
    subscriptions,
)

BEHAVIOURS: Mapping[str, Behaviour] = {
    "account.journal": invoices.JOURNAL,
    "account.move": invoices.MOVE,
    "account.move.line": invoice_lines.MOVE_LINE,
    "fusion.billing.account.link": addon.ACCOUNT_LINK,
    "fusion.billing.charge": addon.CHARGE,
    "fusion.billing.metric": addon.METRIC,
    "fusion.billing.reconciliation": addon.RECONCILIATION,
    "fusion.billing.usage": addon.USAGE,
    "ir.model.data": base.EXTERNAL_ID,
    "loyalty.card": loyalty.CARD,
    "payment.provider": payments.PROVIDER,
    "payment.token": payments.TOKEN,
    "product.pricelist": products.PRICELIST,
    "product.product": products.VARIANT,
    "product.template": products.TEMPLATE,
    "product.pricelist.item": products.PRICELIST_ITEM,
    "res.company": base.COMPANY,
    "res.country.state": base.STATE,
    "res.currency": base.CURRENCY,
    "res.groups": base.GROUP,
    "res.partner": partners.PARTNER,
    "res.users": base.USER,
    "sale.order": orders.ORDER,
    "sale.order.line": order_lines.LINE,
    "sale.subscription": subscriptions.OCA_SUBSCRIPTION,
    "sale.subscription.line": subscriptions.OCA_LINE,
}
