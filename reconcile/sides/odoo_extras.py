"""What only Odoo has of migrated customers: all of it, asked in one place by ``reconcile`` and ``status``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mappings.records import Snapshot
from migrate.odoo.door import Door
from reconcile.billed import Billing
from reconcile.sides.extra_invoices import extra_invoices
from reconcile.sides.extra_orders import extra_orders
from reconcile.sides.extra_sales import extra_sales
from reconcile.sides.extra_terms import extra_charges, extra_coupons
from reconcile.sides.extras import Extra
from reconcile.sides.lago import ALL
from reconcile.sides.migrated import scope_of


def extras(
    odoo: Door,
    snapshot: Snapshot,
    billings: Iterable[Billing],
    brought: Mapping[int, str],
    *,
    period: str = ALL,
    customers: frozenset[str] | None = None,
) -> tuple[Extra, ...]:
    """Orders, invoices (of the period), charges and coupons that Lago has not. Reads only.

    ``billings``: what Lago billed in the period; what Odoo bills of the same besides is billed twice. ``brought``:
    ``balances_of`` Odoo. ``customers``: external ids of a cohort; charges of plans, which its customers share with
    others, are told in every run.
    """
    scope = scope_of(odoo, snapshot, customers, period)
    metered = odoo.count("ir.model", [["model", "=", "fusion.billing.charge"]])
    running = tuple(extra_orders(odoo, scope))
    once = extra_sales(odoo, scope, {extra.record for extra in running})
    found = [*running, *once, *extra_invoices(odoo, scope, billings, brought, period)]
    if metered:
        found += [*extra_charges(odoo, snapshot, scope), *extra_coupons(odoo, snapshot, scope)]
    return tuple(found)
