"""Where records that the migration made belong, and where they stand today: plans' products, lines of orders, charges.

People move records: a line to another order, a charge to another plan. Their external ids still say whose they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from mappings.fields import Row
from mappings.target import OURS, xid
from migrate.odoo.door import Door
from migrate.odoo.external_ids import made_of
from migrate.values import number_or_none
from reconcile.sides.held_terms import BASE, HeldLine, HeldProduct

LINE, CHARGE, TEMPLATE = "sale.order.line", "fusion.billing.charge", "product.template"


def own_names(odoo: Door, model: str, numbers: Collection[int]) -> dict[int, str]:
    """Those of these records that the migration made: their external ids, of several the first by name."""
    domain = [["module", "=", OURS], ["model", "=", model]]
    rows = odoo.search_among("ir.model.data", "res_id", sorted(numbers), ["name", "res_id"], domain=domain)
    return {row["res_id"]: f"{OURS}.{row['name']}" for row in sorted(rows, key=lambda row: row["name"], reverse=True)}


def plan_ids(odoo: Door, templates: Iterable[Row]) -> dict[int, str]:
    """Template -> the Lago id of the plan whose product it is; empty for a copy, or anything else that is sold.

    Where the migration made no product of that plan, the template's own field is all there is.
    """
    rows = {number: str(row["fusion_lago_id"] or "") for row in templates if (number := number_or_none(row["id"]))}
    prefix = xid("plan_product", "")
    names = own_names(odoo, TEMPLATE, rows)
    made_here = {number: name.removeprefix(prefix) for number, name in names.items() if name.startswith(prefix)}
    taken = made_of(odoo, TEMPLATE, "plan_product", sorted({lago_id for lago_id in rows.values() if lago_id}))
    return {number: made_here.get(number, "" if lago_id in taken else lago_id) for number, lago_id in rows.items()}


def own_lines(subscription: str, names: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """The lines of a subscription among these: of which charge each is. ``names``: line -> external id."""
    prefix = xid("line", subscription, "")
    yield from ((number, name.removeprefix(prefix)) for number, name in names.items() if name.startswith(prefix))


def plans_lines(odoo: Door, orders: Mapping[str, str], sold: Mapping[int, HeldProduct]) -> dict[str, HeldLine]:
    """Subscription -> the line of its plan, wherever it stands. ``orders``: names, by subscription.

    ``sold``: line -> what it sells.
    """
    numbers = made_of(odoo, LINE, "line", orders, BASE)
    stands = _lines(odoo, numbers.values())
    return {
        subscription: replace(_held(stands[number], orders[subscription]), sold=sold.get(number, HeldProduct()))
        for subscription, number in numbers.items()
        if number in stands
    }


def strangers(odoo: Door, names: Mapping[int, str]) -> dict[int, HeldLine]:
    """Lines among these that do not stand on the order for which the migration made them."""
    prefix = xid("line", "")
    owners = {number: name.removeprefix(prefix).rpartition("_")[0] for number, name in names.items()}
    homes = made_of(odoo, "sale.order", "subscription", sorted(set(owners.values())))
    called = {row["id"]: row["name"] for row in odoo.search_among("sale.order", "id", sorted(homes.values()), ["name"])}
    lines = (
        _held(row, str(called[homes[owners[number]]]))
        for number, row in _lines(odoo, owners).items()
        if homes.get(owners[number]) in called
    )
    return {line.number: line for line in lines if line.order != line.home}


def _lines(odoo: Door, numbers: Iterable[int]) -> dict[int, Row]:
    asked = ["order_id", "display_type"]
    return {row["id"]: row for row in odoo.search_among(LINE, "id", sorted(numbers), asked, names=True)}


def _held(row: Row, home: str) -> HeldLine:
    number = number_or_none(row["id"]) or 0
    return HeldLine(number=number, home=home, order=_called(row["order_id"]), sells=not row["display_type"])


def _called(value: object) -> str:
    """The name of a linked record."""
    return str(value[1]) if isinstance(value, list | tuple) else ""


def charges_anywhere(odoo: Door, rows: Iterable[Row]) -> dict[str, Row]:
    """External id -> a charge that the migration made: its plan, and its order (their ids in Lago, and names).

    ``rows``: of all charges, with the names of what they are linked to.
    """
    listed = {number: row for row in rows if (number := number_or_none(row["id"]))}
    templates = {number for row in listed.values() if (number := number_or_none(row["plan_id"]))}
    rows_of_plans = odoo.search_among(TEMPLATE, "id", sorted(templates), ["default_code", "name", "fusion_lago_id"])
    known = {row["id"]: row for row in rows_of_plans}
    plans = plan_ids(odoo, known.values())
    orders = own_names(
        odoo, "sale.order", {order for row in listed.values() if (order := number_or_none(row["order_id"]))}
    )
    anywhere: dict[str, Row] = {}
    for number, name in own_names(odoo, CHARGE, listed).items():
        row = listed[number]
        plan = number_or_none(row["plan_id"]) or 0
        called = known.get(plan, {})
        anywhere[name] = {
            "id": number,
            "code": row["code"],
            "plan": plans.get(plan, ""),
            "sold": str(called.get("default_code") or called.get("name") or ""),
            "order": _called(row["order_id"]),
            "subscription": orders.get(number_or_none(row["order_id"]) or 0, ""),
        }
    return anywhere
