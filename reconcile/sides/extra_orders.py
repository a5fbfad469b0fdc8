"""Running orders that bill a migrated customer and that no subscription of Lago's stands behind.

One that was made of a subscription of Lago's (its external id says so, or the ledger) is none of them: Lago ends
subscriptions and deletes none, so that the snapshot has lost it. It is refused by that name, and nobody closes it. Nor
does anybody close one that has only lost its external id: it gets that back.

Copied in Odoo, entered by hand, renewed, or with an external id of ours that Lago does not know: each is billed by
somebody's scheduled action. The amount is that of the lines that recur; usage is not known before it is rated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mappings.money import told_money
from mappings.phrases import Told
from mappings.target import xid
from migrate.odoo.door import Door, Row
from migrate.values import number_or_none
from reconcile.sides.extras import EXTRA_ORDER, LOST_ORDER, NAME_ORDER, Extra
from reconcile.sides.migrated import MigratedScope, ours, owner_of, owners_of
from reconcile.sides.numbers import decimal_in, nearest_cents_of

FAMILY = "partner_id.commercial_partner_id"
RUNNING = "3_progress"
RESTING = ("4_paused", "6_churn")
ORDER = (
    "name",
    "partner_id",
    "currency_id",
    "subscription_state",
    "plan_id",
    "next_invoice_date",
    "fusion_external_id",
    "fusion_lago_id",
    "fusion_started_at",
    "fusion_ended_at",
)
NATIVE = (
    "name",
    "partner_id",
    "currency_id",
    "template_id",
    "recurring_next_date",
    "recurring_total",
    "amount_tax",
    "sale_order_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recurring:
    """What recurs of an order: amounts in units (None: its record does not tell), how often, and when next."""

    net: Decimal | None = None
    tax: Decimal = Decimal(0)
    plan: str = ""
    following: str = ""


def extra_orders(odoo: Door, scope: MigratedScope) -> Iterator[Extra]:
    """Running ones that Lago has not, native subscriptions of OCA's among them."""
    natives = _natives(odoo, scope)
    of_order = {number: row for row in natives if (number := number_or_none(row["sale_order_id"]))}
    known = odoo.fields_get("sale.order", ORDER)
    rows = [row for row in _orders(odoo, scope, known) if not scope.has(row["id"]) and _bills(row, of_order, known)]
    lines = _recurring_lines(odoo, [row["id"] for row in rows]) if "plan_id" in known else {}
    told = {row["id"] for row in rows} | scope.orders.keys()
    lone = [row for row in natives if number_or_none(row["sale_order_id"]) not in told]
    migrated = ours(odoo, "sale.subscription") if lone else {}
    lone = [row for row in lone if row["id"] not in migrated]
    owners = owners_of(odoo, scope, (row["partner_id"] for row in (*rows, *lone)))
    for row in rows:
        native = of_order.get(row["id"])
        recurring = _of_native(native) if native else _of_order(row, lines.get(row["id"]))
        yield _of_lagos(_extra(row, recurring, scope, owners), row, scope)
    for row in lone:
        yield _extra(row, _of_native(row), scope, owners, model="sale.subscription")


def _orders(odoo: Door, scope: MigratedScope, known: Mapping[str, object]) -> Iterator[Row]:
    """Confirmed orders that a scheduled action may look at."""
    asked = [leaf for name, leaf in (
        ("subscription_state", ["subscription_state", "=", RUNNING]),
        ("fusion_external_id", ["fusion_external_id", "!=", False]),
    ) if name in known]  # fmt: skip
    if asked:
        domain = [["state", "=", "sale"], *["|"] * (len(asked) - 1), *asked]
        fields = [name for name in ORDER if name in known]
        yield from odoo.search_among("sale.order", FAMILY, sorted(scope.families), fields, domain=domain, names=True)


def _bills(row: Row, natives: Mapping[int, Row], known: Mapping[str, object]) -> bool:
    state = row.get("subscription_state")
    metered = row.get("fusion_external_id") and row.get("fusion_started_at") and not row.get("fusion_ended_at")
    if "subscription_state" in known:
        return state == RUNNING or bool(metered and state not in RESTING)
    return bool(metered) or row["id"] in natives


def _natives(odoo: Door, scope: MigratedScope) -> list[Row]:
    """OCA's subscriptions that its scheduled action bills."""
    if not odoo.count("ir.model", [["model", "=", "sale.subscription"]]):
        return []
    domain = [["in_progress", "=", True], ["is_paused", "=", False]]
    families = sorted(scope.families)
    found = odoo.search_among("sale.subscription", FAMILY, families, list(NATIVE), domain=domain, names=True)
    return list(found)


def _recurring_lines(odoo: Door, orders: Sequence[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """Order -> (net, tax) of its lines of products that recur."""
    domain = [["product_id.recurring_invoice", "=", True], ["display_type", "=", False]]
    fields = ["order_id", "price_subtotal", "price_tax"]
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for row in odoo.search_among("sale.order.line", "order_id", orders, fields, domain=domain):
        net, tax = sums.get(order := number_or_none(row["order_id"]) or 0, (Decimal(0), Decimal(0)))
        sums[order] = (net + decimal_in(row["price_subtotal"]), tax + decimal_in(row["price_tax"]))
    return sums


def _of_order(row: Row, sums: tuple[Decimal, Decimal] | None) -> _Recurring:
    net, tax = sums or (None, Decimal(0))
    return _Recurring(net=net, tax=tax, plan=_name(row, "plan_id"), following=row.get("next_invoice_date") or "")


def _of_native(row: Row) -> _Recurring:
    return _Recurring(
        net=decimal_in(row["recurring_total"]),
        tax=decimal_in(row["amount_tax"]),
        plan=_name(row, "template_id"),
        following=row["recurring_next_date"] or "",
    )


def _name(row: Row, field: str) -> str:
    value = row.get(field)
    return str(value[1]) if isinstance(value, list | tuple) else ""


def _extra(
    row: Row,
    recurring: _Recurring,
    scope: MigratedScope,
    owners: Mapping[int, str],
    *,
    model: str = "sale.order",
) -> Extra:
    customer, currency = owner_of(row, owners), _name(row, "currency_id")
    facts = {"what": str(row["name"]), "plan": recurring.plan or "–", "next": recurring.following or "–"}
    return Extra(
        kind=EXTRA_ORDER,
        record=f"{model},{row['id']}",
        name=facts["what"],
        customer=customer,
        customer_name=scope.names.get(customer, customer),
        currency=currency,
        net_cents=None if recurring.net is None else nearest_cents_of(recurring.net, currency),
        tax_cents=nearest_cents_of(recurring.tax, currency),
        detail=Told.ONLY_ORDER.of(facts["what"], facts["plan"], facts["next"]),
        facts=facts,
    )


def _of_lagos(extra: Extra, row: Row, scope: MigratedScope) -> Extra:
    """The same, unless what it was made of says that it is nothing to close."""
    lago_id = str(row.get("fusion_lago_id") or "")
    if lost := scope.lost(row["id"], lago_id):
        return _without_blame(extra, lost)
    if not scope.unnamed(row["id"], lago_id):
        return extra
    name = xid("subscription", lago_id)
    detail = Told.ORDER_UNNAMED.of(extra.name, name)
    return replace(extra, remedy=NAME_ORDER, facts={**extra.facts, "xid": name}, detail=detail)


def _without_blame(extra: Extra, subscription: str) -> Extra:
    """An order of what Lago had: what it bills is told, and held against nothing."""
    runs = (extra.name, extra.facts["plan"], extra.facts["next"])
    if extra.gross_cents is None:
        told = Told.ORDER_OF_LOST.of(*runs, subscription)
    else:
        told = Told.ORDER_OF_LOST_WORTH.of(*runs, told_money(extra.gross_cents, extra.currency), subscription)
    return replace(
        extra,
        kind=LOST_ORDER,
        net_cents=None,
        tax_cents=None,
        detail=told,
    )
