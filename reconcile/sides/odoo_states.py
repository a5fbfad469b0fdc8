"""Orders that Odoo does not invoice as they stand now: not confirmed, paused, or closed. Only the reading.

The state is the order's own (Enterprise), or that of the subscription beside it (OCA): there the addon lets an order
rest whose subscriptions are there and all closed or paused, and so does OCA's own action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.odoo.door import Door
from migrate.values import number_or_none

ORDER, NATIVE = "sale.order", "sale.subscription"
RUNNING = ("3_progress", "5_renewed")  # states of an order that Odoo invoices


def idle_orders(odoo: Door, orders: Mapping[str, int], statuses: Mapping[str, str]) -> dict[str, str]:
    """Subscriptions that Lago billed and Odoo would not: the state. ``statuses``: Lago's, by subscription."""
    told = {number: name for name, number in orders.items() if statuses.get(name) in ("active", "terminated")}
    if not told:
        return {}
    fields = [name for name in ("state", "subscription_state") if odoo.fields_get(ORDER, [name])]
    rows = {row["id"]: row for row in odoo.search_among(ORDER, "id", sorted(told), fields)}
    active = [number for number in sorted(rows) if statuses[told[number]] == "active"]
    stopped = _stopped(rows, active) if "subscription_state" in fields else _resting(odoo, active)
    idle = {number: stopped.get(number, "") for number, row in rows.items() if row["state"] != "sale"} | stopped
    return {told[number]: f"{rows[number]['state']} {why}".strip() for number, why in idle.items()}


def _stopped(rows: Mapping[int, Mapping[str, object]], active: Sequence[int]) -> dict[int, str]:
    states = {number: rows[number]["subscription_state"] for number in active}
    return {number: str(state or "") for number, state in states.items() if state not in RUNNING}


def _resting(odoo: Door, active: Sequence[int]) -> dict[int, str]:
    """Order -> the stage of its subscriptions, where OCA has some of it and bills none of them."""
    if not odoo.count("ir.model", [["model", "=", NATIVE]]):
        return {}
    asked = ["sale_order_id", "in_progress", "is_paused", "stage_id"]
    stages: dict[int, str] = {}
    awake: set[int] = set()
    there: list[object] = [["active", "=", True]]  # an archived one is not of the order any more
    for row in odoo.search_among(NATIVE, "sale_order_id", active, asked, domain=there, names=True):
        order = number_or_none(row["sale_order_id"]) or 0
        if row["in_progress"] and not row["is_paused"]:
            awake.add(order)
        stage = row["stage_id"]
        stages[order] = "is_paused" if row["is_paused"] else str(stage[1]) if isinstance(stage, list | tuple) else ""
    return {order: stage for order, stage in stages.items() if order not in awake}
