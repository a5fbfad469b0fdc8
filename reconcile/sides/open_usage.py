"""Usage of running orders that nobody has billed yet, as Odoo has it.

of the open period, and of what carries over
of closed periods, where an event is charged at once: Odoo bills what came after Lago's last one, whenever it was
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mappings import fields, read_back
from mappings.fields import columns
from mappings.records import Plan, Snapshot, Subscription
from mappings.usage import MODEL as USAGE
from mappings.usage import UsageRow, open_since
from migrate.odoo.door import Door
from migrate.values import odoo_moment
from reconcile.sides.migrated import MigratedScope, scope_of

_BILLED_UNTIL = ("fusion_advance_until", "fusion_billed_until", "create_date")  # the first that an order has counts
Named = Mapping[str, Mapping[int, str]]  # external id of a subscription -> records of usage, and their transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A running subscription's order. ``external_id``: whose usage Odoo bills on it; ``since``: of the open period.

    ``at_once``: codes of metrics whose events are charged one by one; Lago has billed what came up to ``billed_until``.
    """

    name: str
    external_id: str
    subscription: Subscription
    since: datetime
    at_once: frozenset[str] = frozenset()
    billed_until: datetime | None = None

    def charges_at_once(self, event: UsageRow) -> bool:
        """Whether Odoo makes a line of its own of an event, by when it came: by whole seconds."""
        came = (event.created_at or event.timestamp).replace(microsecond=0)
        started = self.subscription.started_at
        new = event.code in self.at_once and self.billed_until is not None and came > self.billed_until
        return new and (started is None or event.timestamp >= started)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUsage:
    """Running orders, and what of their usage is not billed yet."""

    orders: tuple[OpenOrder, ...] = ()
    transactions: Named = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """Of one metric of one order: Odoo's records that Lago has not, and the usage they hold.

    ``at_once``: those of them (transactions) that are charged one by one.
    """

    order: OpenOrder
    code: str
    numbers: tuple[int, ...]
    usage: tuple[UsageRow, ...]
    at_once: frozenset[str] = frozenset()


def read_open_usage(odoo: Door, snapshot: Snapshot, customers: frozenset[str] | None) -> OpenUsage:
    """Nothing of an Odoo without the addon. ``customers``: external ids of a cohort."""
    if not odoo.count("ir.model", [["model", "=", USAGE]]):
        return OpenUsage()
    orders = open_orders(odoo, snapshot, scope_of(odoo, snapshot, customers))
    return OpenUsage(orders=tuple(orders), transactions=usage_of(odoo, snapshot, orders))


def open_orders(odoo: Door, snapshot: Snapshot, scope: MigratedScope) -> list[OpenOrder]:
    """Those of the customers that are looked at; what has ended in Lago has no open period there."""
    customers = frozenset(scope.families.values())
    running = {
        s.lago_id: s for s in snapshot.subscriptions if s.status == "active" and s.external_customer_id in customers
    }
    ids = sorted(number for number, subscription in scope.orders.items() if subscription in running)
    domain = [["state", "=", "sale"], ["fusion_external_id", "!=", False]]
    known = odoo.fields_get("sale.order", _BILLED_UNTIL)  # an older addon has fewer
    until = [name for name in _BILLED_UNTIL if name in known]
    asked = ["name", "fusion_external_id", *until]
    rows = odoo.search_among("sale.order", "id", ids, asked, domain=domain)
    plans = {plan.lago_id: plan for plan in snapshot.plans}
    return [
        OpenOrder(
            name=str(row["name"]),
            external_id=str(row["fusion_external_id"]),
            subscription=(subscription := running[scope.orders[row["id"]]]),
            since=open_since(subscription),
            at_once=_charged_at_once(subscription, plans),
            billed_until=next((odoo_moment(row[name]) for name in until if row[name]), None),
        )
        for row in rows
    ]


def _charged_at_once(subscription: Subscription, plans: Mapping[str, Plan]) -> frozenset[str]:
    """Codes of the metrics of its charges that are paid in advance and invoiced."""
    plan = plans.get(subscription.plan.lago_id, subscription.plan) if subscription.plan else None
    charges = plan.charges if plan else ()
    return frozenset(c.billable_metric_code for c in charges if c.pay_in_advance and c.invoiceable)


def usage_of(odoo: Door, snapshot: Snapshot, orders: Sequence[OpenOrder]) -> Named:
    """What Odoo has of it, up to when the snapshot was taken: Lago could not show more."""
    recurring = sorted(metric.code for metric in snapshot.billable_metrics if metric.recurring)
    until: list[object] = ["timestamp", "<=", _moment(snapshot.taken_at)]
    of_since: dict[datetime, list[OpenOrder]] = defaultdict(list)
    for order in orders:
        of_since[order.since].append(order)
    named: dict[str, dict[int, str]] = defaultdict(dict)
    for since, group in sorted(of_since.items()):
        begin, names = _moment(since), [order.external_id for order in group]
        domains: list[list[object]] = [[["timestamp", ">=", begin], until]]
        if recurring:
            domains.append([["timestamp", "<", begin], ["code", "in", recurring]])
        for external_id, number, transaction in _rows(odoo, names, domains):
            named[external_id][number] = transaction
        for external_id, number, transaction in _closed(odoo, group, begin):
            named[external_id][number] = transaction
    return named


def _closed(odoo: Door, orders: Sequence[OpenOrder], begin: str) -> Iterator[tuple[str, int, str]]:
    """Of closed periods, what Odoo charges at once: asked together, from the first moment that any of them needs."""
    known = {order.external_id: order for order in orders if order.at_once and order.billed_until}
    if not known:
        return
    codes = sorted({code for order in known.values() for code in order.at_once})
    first = min(order.billed_until for order in known.values() if order.billed_until)
    came: list[object] = [["received_at", ">", _moment(first)], ["timestamp", "<", begin], ["code", "in", codes]]
    asked = ["id", *columns(fields.USAGE)]
    for row in odoo.search_among(USAGE, "external_subscription_id", sorted(known), asked, domain=came):
        (event,) = read_back.usage({}, [row]).values()
        if known[event.external_subscription_id].charges_at_once(event):
            yield event.external_subscription_id, int(row["id"]), event.transaction_id


def read_surplus(odoo: Door, snapshot: Snapshot, orders: Sequence[OpenOrder], unknown: Named) -> Iterator[Surplus]:
    """By order and metric. Lago may have what it did not give: of such moments, and such events, nothing is said."""
    order_of = {order.external_id: order for order in orders}
    unread = {q.label for q in snapshot.quarantined if q.resource == "events"}
    numbers = sorted(number for rows in unknown.values() for number in rows)
    kinds: dict[tuple[str, str], list[tuple[int, UsageRow]]] = defaultdict(list)
    at_once: set[int] = set()
    for row in odoo.search_among(USAGE, "id", numbers, ["id", *columns(fields.USAGE)]):
        (event,) = read_back.usage({}, [row]).values()
        hidden = any(gap.touches(event.timestamp, event.timestamp) for gap in snapshot.usage_gaps)
        if not hidden and event.transaction_id not in unread:
            if order_of[event.external_subscription_id].charges_at_once(event):
                at_once.add(int(row["id"]))
            # whenever it came, it is there before the period is billed
            in_time = replace(event, created_at=event.timestamp)
            kinds[event.external_subscription_id, event.code].append((int(row["id"]), in_time))
    for (external_id, code), rows in sorted(kinds.items()):
        ids, usage = zip(*sorted(rows, key=lambda pair: pair[0]), strict=True)
        alone = frozenset(event.transaction_id for number, event in rows if number in at_once)
        yield Surplus(order=order_of[external_id], code=code, numbers=ids, usage=usage, at_once=alone)


def _rows(odoo: Door, names: Sequence[str], domains: Sequence[list[object]]) -> Iterator[tuple[str, int, str]]:
    asked = ["external_subscription_id", "transaction_id"]
    for domain in domains:
        for row in odoo.search_among(USAGE, "external_subscription_id", sorted(names), asked, domain=domain):
            yield str(row["external_subscription_id"]), int(row["id"]), str(row["transaction_id"])


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
