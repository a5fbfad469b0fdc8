"""Which of Odoo's records are the migration's own: partners, orders, invoices, by the external ids that it gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mappings.lost_records import SUBSCRIPTION
from mappings.names import customer_name
from mappings.records import Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of
from migrate.values import number_or_none
from reconcile.sides.lago import ALL, in_month


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratedScope:
    """What is asked about, and what is known of it.

    ``families``: commercial partner -> customer (external id); ``names``: customer -> its name. ``orders``: sale.order
    -> subscription (Lago id), whether or not Lago still has it; ``subscriptions``: those of Lago, unreadable ones too.
    ``untold``: those that were lost and that no invoice of the period tells of.
    """

    families: Mapping[int, str]
    names: Mapping[str, str]
    orders: Mapping[int, str]
    subscriptions: frozenset[str]
    untold: frozenset[str] = frozenset()

    def has(self, order: int) -> bool:
        """Whether Lago has what this order was made of, or a document tells that it had."""
        subscription = self.orders.get(order, "")
        return subscription in self.subscriptions and subscription not in self.untold

    def lost(self, order: int, lago_id: str) -> str:
        """What this order was made of (Lago id), where the snapshot lacks it.

        ``lago_id``, which stands on it, tells that only of what is known to be lost: Odoo's own orders have one, too.
        """
        subscription = self.orders.get(order)
        if subscription is None:
            return lago_id if lago_id in self.untold else ""
        return "" if subscription in self.subscriptions - self.untold else subscription

    def unnamed(self, order: int, lago_id: str) -> bool:
        """Whether this is the order of a subscription that Lago has, and only its external id is gone."""
        return order not in self.orders and lago_id in self.subscriptions and lago_id not in self.orders.values()


def scope_of(odoo: Door, snapshot: Snapshot, customers: frozenset[str] | None, period: str = ALL) -> MigratedScope:
    """The migrated customers among these (external ids; None: all), and the orders of all of them."""
    partners = partners_of(odoo, snapshot)
    asked = {number: c for c, number in partners.items() if customers is None or c in customers}
    rows = odoo.search_among("res.partner", "id", sorted(asked), ["commercial_partner_id"])
    prefix = xid("subscription", "").removeprefix("lago.")
    return MigratedScope(
        families={number_or_none(row["commercial_partner_id"]) or row["id"]: asked[row["id"]] for row in rows},
        names={c.external_id: customer_name(c) for c in snapshot.customers},
        orders={number: name.removeprefix(prefix) for number, name in ours(odoo, "sale.order", prefix).items()},
        subscriptions=frozenset((*(s.lago_id for s in snapshot.subscriptions), *(q.id for q in snapshot.quarantined))),
        untold=_untold(snapshot, period),
    )


def _untold(snapshot: Snapshot, period: str) -> frozenset[str]:
    billed = (p for i in snapshot.invoices if in_month(i.issuing_date, period) for p in i.billing_periods)
    told = {period.lago_subscription_id for period in billed}
    return frozenset(q.id for q in snapshot.quarantined if q.reason == SUBSCRIPTION and q.id not in told)


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


def balances_of(odoo: Door) -> dict[int, str]:
    """Invoices and credit notes that the migration brought as open balances -> their external ids. Read once a run."""
    return ours(odoo, "account.move")


def ours(odoo: Door, model: str, prefix: str = "") -> dict[int, str]:
    """Record -> its external id of ours, without the module: of those that begin so the first by name."""
    domain = [["module", "=", "lago"], ["model", "=", model]]
    rows = odoo.search_read("ir.model.data", domain, ["name", "res_id"])
    names = sorted(((row["name"], row["res_id"]) for row in rows if row["name"].startswith(prefix)), reverse=True)
    return {number: name for name, number in names}
