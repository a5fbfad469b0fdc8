"""Confirmed orders of migrated customers that recur not, and that are not invoiced in full: Odoo will bill them once.

An invoice made of one is told with the invoices of its month; what is not invoiced yet is on no invoice of either side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from mappings.phrases import Told
from migrate.odoo.door import Door, Row
from migrate.values import number_or_none
from reconcile.sides.extra_orders import FAMILY
from reconcile.sides.extras import EXTRA_ORDER, Extra
from reconcile.sides.migrated import MigratedScope, owner_of, owners_of
from reconcile.sides.numbers import decimal_in, nearest_cents_of

ONCE = (False, None, "", "7_upsell")  # Enterprise's states of an order that is no subscription
OPTIONAL = ("subscription_state", "fusion_external_id")
LINE = ("order_id", "product_uom_qty", "qty_invoiced", "price_subtotal", "price_tax", "is_downpayment")


def extra_sales(odoo: Door, scope: MigratedScope, told: Collection[str]) -> Iterator[Extra]:
    """Those that no other kind has ``told`` (by record) already."""
    rows = [row for row in _orders(odoo, scope) if f"sale.order,{row['id']}" not in told]
    left = _left(odoo, [row["id"] for row in rows])
    rows = [row for row in rows if row["id"] not in left or any(left[row["id"]])]
    owners = owners_of(odoo, scope, (row["partner_id"] for row in rows))
    for row in rows:
        yield _extra(row, left.get(row["id"]), scope, owners)


def _orders(odoo: Door, scope: MigratedScope) -> list[Row]:
    """Confirmed, to be invoiced, once, and not made by the migration."""
    known = odoo.fields_get("sale.order", OPTIONAL)
    fields = ["name", "partner_id", "currency_id", "date_order", *(name for name in OPTIONAL if name in known)]
    domain = [["state", "=", "sale"], ["invoice_status", "in", ["to invoice", "no"]]]
    rows = odoo.search_among("sale.order", FAMILY, sorted(scope.families), fields, domain=domain, names=True)
    return [
        row
        for row in rows
        if row["id"] not in scope.orders and row.get("subscription_state") in ONCE and not row.get("fusion_external_id")
    ]


def _left(odoo: Door, orders: Sequence[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """Order -> (net, taxes) of what of its lines is not invoiced, in units; none where a down payment was asked for."""
    sums = dict.fromkeys(orders, (Decimal(0), Decimal(0)))
    domain = [["display_type", "=", False]]
    for row in odoo.search_among("sale.order.line", "order_id", orders, list(LINE), domain=domain):
        order = number_or_none(row["order_id"]) or 0
        if row["is_downpayment"]:
            sums.pop(order, None)
        elif order in sums:
            net, tax = sums[order]
            share = _share(row)
            sums[order] = (net + share * decimal_in(row["price_subtotal"]), tax + share * decimal_in(row["price_tax"]))
    return sums


def _share(row: Row) -> Decimal:
    """How much of a line is not invoiced: 1 is all of it."""
    ordered = decimal_in(row["product_uom_qty"])
    return (ordered - decimal_in(row["qty_invoiced"])) / ordered if ordered else Decimal(0)


def _extra(row: Row, left: tuple[Decimal, Decimal] | None, scope: MigratedScope, owners: Mapping[int, str]) -> Extra:
    customer, currency = owner_of(row, owners), str(row["currency_id"][1])
    facts = {"what": str(row["name"]), "day": str(row["date_order"] or "–")[:10]}
    return Extra(
        kind=EXTRA_ORDER,
        record=f"sale.order,{row['id']}",
        name=facts["what"],
        customer=customer,
        customer_name=scope.names.get(customer, customer),
        currency=currency,
        net_cents=None if left is None else nearest_cents_of(left[0], currency),
        tax_cents=None if left is None else nearest_cents_of(left[1], currency),
        detail=Told.ONLY_SALE.of(facts["what"], facts["day"]),
        facts=facts,
    )
