"""Charges and coupons in Odoo that Lago has not: they bill, or take off, something of migrated orders from now on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from mappings.lost_records import COUPON
from mappings.phrases import Phrase, Told
from mappings.records import Snapshot
from migrate.odoo.door import Door, Row
from migrate.values import number_or_none
from reconcile.sides.extras import EXTRA_CHARGE, EXTRA_COUPON, Extra
from reconcile.sides.migrated import MigratedScope, ours, owner_of, owners_of


def extra_charges(odoo: Door, snapshot: Snapshot, scope: MigratedScope) -> Iterator[Extra]:
    """Charges that no migration made, on plans and orders that it made.

    Those of plans belong to no customer; one of an order is its customer's, and of no other cohort.
    """
    migrated = ours(odoo, "fusion.billing.charge")
    rows = [
        row
        for row in odoo.search_read("fusion.billing.charge", [], ["name", "code", "plan_id", "order_id"])
        if row["id"] not in migrated
    ]
    plans = _plans(odoo, snapshot, rows)
    orders = {number: row for row in _orders(odoo, rows) if (number := row["id"]) in scope.orders}
    owners = owners_of(odoo, scope, (row["partner_id"] for row in orders.values()))
    for row in rows:
        plan, order = number_or_none(row["plan_id"]) or 0, number_or_none(row["order_id"]) or 0
        if order in orders:
            if customer := owner_of(orders[order], owners):
                yield _on_order(row, orders[order], customer, scope)
        elif plan in plans and not order:
            yield _charge(row, *plans[plan])


def _plans(odoo: Door, snapshot: Snapshot, rows: list[Row]) -> dict[int, tuple[Phrase, str]]:
    """Migrated plan of Odoo's (product.template) -> (what it is called, its currency)."""
    plans = {plan.lago_id: plan for plan in snapshot.plans}
    ids = sorted({number for row in rows if (number := number_or_none(row["plan_id"]))})
    templates = odoo.search_among("product.template", "id", ids, ["fusion_lago_id"])
    plan_by_template = {row["id"]: plans[row["fusion_lago_id"]] for row in templates if row["fusion_lago_id"] in plans}
    return {number: (Told.OF_PLAN.of(plan.code), plan.amount_currency) for number, plan in plan_by_template.items()}


def _orders(odoo: Door, rows: list[Row]) -> Iterator[Row]:
    ids = sorted({number for row in rows if (number := number_or_none(row["order_id"]))})
    return odoo.search_among("sale.order", "id", ids, ["name", "currency_id", "partner_id"], names=True)


def _on_order(row: Row, order: Row, customer: str, scope: MigratedScope) -> Extra:
    charge = _charge(row, Told.ORDER.of(order["name"]), str(order["currency_id"][1]))
    return replace(charge, customer=customer, customer_name=scope.names.get(customer, customer))


def _charge(row: Row, place: Phrase, currency: str) -> Extra:
    name = str(row["code"] or row["name"])
    return Extra(
        kind=EXTRA_CHARGE,
        record=f"fusion.billing.charge,{row['id']}",
        name=name,
        customer="",
        customer_name="",
        currency=currency,
        detail=Told.ONLY_CHARGE.of(name, row["id"], place),
    )


def extra_coupons(odoo: Door, snapshot: Snapshot, scope: MigratedScope) -> Iterator[Extra]:
    """Coupons on migrated orders that Lago's customer does not hold. One that cannot be read, or was lost, is held."""
    known_ids = {applied.lago_id for applied in snapshot.applied_coupons}
    unread = [record for record in snapshot.quarantined if record.resource == "applied_coupons"]
    known_ids |= {record.id for record in unread}
    lost = {(record.customer, record.label) for record in unread if record.reason == COUPON}
    domain = [["fusion_coupons", "!=", False], ["state", "=", "sale"]]
    fields = ["name", "partner_id", "currency_id", "fusion_coupons"]
    rows = list(odoo.search_among("sale.order", "id", sorted(scope.orders), fields, domain=domain, names=True))
    owners = owners_of(odoo, scope, (row["partner_id"] for row in rows))
    for row in rows:
        customer = owner_of(row, owners)
        if not customer:
            continue
        for number, coupon in enumerate(json.loads(row["fusion_coupons"])):
            if not isinstance(coupon, dict) or coupon.get("lago_id") in known_ids:
                continue
            if (customer, coupon.get("coupon_code")) not in lost:
                yield _coupon(row, coupon, number, customer, scope)


def _coupon(row: Row, coupon: dict[str, object], number: int, customer: str, scope: MigratedScope) -> Extra:
    code = str(coupon.get("coupon_code") or coupon.get("lago_id") or number)
    return Extra(
        kind=EXTRA_COUPON,
        record=f"sale.order,{row['id']},fusion_coupons,{number}",
        name=f"{row['name']} {code}",
        customer=customer,
        customer_name=scope.names.get(customer, customer),
        currency=str(row["currency_id"][1]),
        detail=Told.ONLY_COUPON.of(code, row["name"]),
    )
