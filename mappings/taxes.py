"""Lago's taxes -> the one tax of Odoo that finance's table names for them. A set that is not there is a named gap."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappings.context import Context, Problem
from mappings.records import Customer, Plan, Tax
from mappings.target import Desired, Phase, Ref, Source, Value, xid
from mappings.text import plain

TaxRefs = tuple[Ref, ...]


def tax_codes(context: Context) -> Iterator[Desired]:
    """Lago's taxes by code, for applications that ask for them; they compute nothing."""
    if not context.target.addon or not context.has_model("fusion.billing.tax"):
        return
    default = {tax.code for tax in context.entity.taxes} if context.entity else set()
    for tax in sorted(context.snapshot.taxes, key=lambda tax: tax.code):
        yield Desired(
            phase=Phase.CATALOG,
            model="fusion.billing.tax",
            xid=xid("tax", tax.lago_id),
            values={
                "name": tax.name or tax.code,
                "code": tax.code,
                "rate": plain(tax.rate),
                "description": tax.description or None,
                "applied_by_default": tax.code in default,
                "fusion_lago_id": tax.lago_id,
                **_native(context, tax),
            },
            source=Source("tax", tax.code, tax.lago_id),
        )


def _native(context: Context, tax: Tax) -> dict[str, Value]:
    """The native tax of customers who are given this code alone; an older addon has no place for it."""
    if not context.has("fusion.billing.tax", "tax_ids"):
        return {}
    taxes = odoo_taxes(context, (tax,))
    return {"tax_ids": () if isinstance(taxes, Problem) else taxes}


def applicable(context: Context, customer: Customer, plan: Plan | None, of_item: tuple[Tax, ...]) -> tuple[Tax, ...]:
    """Lago's taxes of a line: the first level that has any wins, levels never merge (facts §6.3)."""
    of_entity = context.entity.taxes if context.entity else ()
    return of_item or (plan.taxes if plan else ()) or customer.taxes or of_entity


def odoo_taxes(context: Context, taxes: tuple[Tax, ...]) -> TaxRefs | Problem:
    """The taxes of an Odoo line, explicitly: () is no tax. A Problem where the table has no entry for this set."""
    if not taxes:
        return ()
    codes = sorted(tax.code for tax in taxes)
    entry = context.tables.tax(codes)
    if entry is None:
        listed = ", ".join(f'"{code}"' for code in codes)
        detail = f"no Odoo tax for {' + '.join(codes)}: add [[taxes]] with codes = [{listed}] to {context.tables.name}"
        return Problem("tax_not_in_table", detail)
    rate = sum((tax.rate for tax in taxes), Decimal(0))
    if entry.rate is not None and entry.rate != rate:
        detail = f"{' + '.join(codes)} is {plain(rate)} % in Lago and {plain(entry.rate)} % in {context.tables.name}"
        return Problem("tax_rate_differs", detail + ": correct the one that is wrong")
    ref = context.tables.ref(entry.odoo, context.target.company_id)
    return (ref,) if ref else ()


def line_taxes(context: Context, customer: Customer, plan: Plan | None, own: tuple[Tax, ...]) -> TaxRefs | Problem:
    """The Odoo taxes of an order line of this customer."""
    return odoo_taxes(context, applicable(context, customer, plan, own))
