"""Lago's things that can stand on a line -> products.

A product is a template with exactly one variant. Odoo gives external ids to what we name only, so the variant, which
lines refer to, is named as the template's child; Odoo then creates no other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mappings.context import Context
from mappings.target import Desired, Phase, Ref, Source, Value, xid


def template_ref(kind: str, lago_id: str) -> Ref:
    """``kind``: plan, metric or add_on."""
    return Ref(xid(f"{kind}_product", lago_id))


def product_ref(kind: str, lago_id: str) -> Ref:
    """The variant, for lines."""
    return Ref(xid(f"{kind}_variant", lago_id))


def product(
    context: Context, kind: str, lago_id: str, code: str, name: str, source: Source, more: Mapping[str, Value]
) -> Desired:
    """A service product without taxes or price of its own: lines carry both, and defaults of Odoo would be wrong.

    ``more``: how it recurs, and what the addon has to know to sell it again.
    """
    values: dict[str, Value] = {
        "name": name or code,
        "type": "service",
        "sale_ok": True,
        "purchase_ok": False,
        "list_price": Decimal(0),
        "invoice_policy": "order",
        "taxes_id": (),
        "supplier_taxes_id": (),
        **more,
    }
    account = context.account(kind, code)
    if account:
        values["property_account_income_id"] = account
    if context.target.addon:
        values["fusion_lago_id"] = lago_id
    variant = Desired(
        phase=Phase.CATALOG,
        model="product.product",
        xid=product_ref(kind, lago_id).xid,
        values={"default_code": code},
        source=source,
    )
    return Desired(
        phase=Phase.CATALOG,
        model="product.template",
        xid=template_ref(kind, lago_id).xid,
        values=values,
        source=source,
        children={"product_variant_ids": (variant,)},
    )
