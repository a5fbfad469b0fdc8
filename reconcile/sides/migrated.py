"""Which of Odoo's records are the migration's own: partners, orders, invoices, by the external ids that it gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mappings.names import customer_name
from mappings.records import Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of
from migrate.odoo.values import number_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratedScope:
    """What is asked about, and what is known of it.

    ``families``: commercial partner -> customer (external id); ``names``: customer -> its name. ``orders``: sale.order
    -> subscription (Lago id), whether or not Lago still has it; ``subscriptions``: those of Lago, unreadable ones too.
    """

    families: Mapping[int, str]
    names: Mapping[str, str]
    orders: Mapping[int, str]
    subscriptions: frozenset[str]

    def has(self, order: int) -> bool:
        """Whether Lago has what this order was made of."""
        return self.orders.get(order, "") in self.subscriptions


def scope_of(odoo: Door, snapshot: Snapshot, customers: frozenset[str] | None) -> MigratedScope:
    """The migrated customers among these (external ids; None: all), and the orders of all of them."""
    partners = partners_of(odoo, snapshot)
    asked = {number: c for c, number in partners.items() if customers is None or c in customers}
    rows = odoo.search_among("res.partner", "id", sorted(asked), ["commercial_partner_id"])
    prefix = xid("subscription", "").removeprefix("lago.")
    return MigratedScope(
        families={number_or_none(row["commercial_partner_id"]) or row["id"]: asked[row["id"]] for row in rows},
        names={c.external_id: customer_name(c) for c in snapshot.customers},
        orders={number: name.removeprefix(prefix) for number, name in ours(odoo, "sale.order").items()},
        subscriptions=frozenset((*(s.lago_id for s in snapshot.subscriptions), *(q.id for q in snapshot.quarantined))),
    )


def owners_of(odoo: Door, scope: MigratedScope, partners: Iterable[object]) -> dict[int, str]:
    """Partner -> the migrated customer to whose family it belongs."""
    ids = sorted({number for value in partners if (number := number_or_none(value))})
    rows = odoo.search_among("res.partner", "id", ids, ["commercial_partner_id"])
    return {r["id"]: scope.families.get(number_or_none(r["commercial_partner_id"]) or r["id"], "") for r in rows}


def owner_of(row: Row, owners: Mapping[int, str]) -> str:
    """The migrated customer that a record of Odoo's bills; empty for anybody else."""
    return owners.get(number_or_none(row["partner_id"]) or 0, "")


def partners_of(odoo: Door, snapshot: Snapshot) -> dict[str, int]:
    """Customer (external id in Lago) -> the partner that was made of it."""
    names = {c.lago_id: c.external_id for c in snapshot.customers}
    return {names[lago_id]: number for lago_id, number in made_of(odoo, "res.partner", "customer", names).items()}


def ours(odoo: Door, model: str) -> dict[int, str]:
    """Record -> its external id of ours, without the module."""
    domain = [["module", "=", "lago"], ["model", "=", model]]
    return {row["res_id"]: row["name"] for row in odoo.search_read("ir.model.data", domain, ["name", "res_id"])}
