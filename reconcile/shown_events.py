"""The usage events behind positions that differ, for whoever opens one: Lago's, and whether Odoo has them too.

with_events(data, snapshot, folder, odoo)  ->  the same report; the largest differences carry their events
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from mappings.records import Snapshot
from migrate.odoo.protocol import Odoo
from reconcile.usage import EventSource, readable
from reports.data import OPEN, EventView, InvoiceView, Position, ReportData, Usage

POSITIONS = 200  # the largest differences
EVENTS = 50  # of each; how many there are is always told
BATCH = 1000  # transactions that Odoo is asked about at once

Pair = tuple[str, str]  # external id of the subscription, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events a position was billed from: ``event`` is the one of a fee paid in advance."""

    position: str
    subscription: str  # external id
    metric: str  # code
    begins: datetime
    ends: datetime
    event: str


def with_events(data: ReportData, snapshot: Snapshot, folder: Path, odoo: Odoo | None) -> ReportData:
    """The report with the events of its largest differences. Raises Refused for unreadable events."""
    wanted = list(wanted_events(data, snapshot))
    if not wanted:
        return data
    with EventSource.from_parquet(folder) as source:
        found = selected(source, wanted)
    pairs = sorted({(w.subscription, e.transaction_id) for w in wanted for e in found[w.position].events})
    held = in_odoo(odoo, pairs) if odoo is not None else None
    usage = {w.position: _marked(found[w.position], w.subscription, held) for w in wanted}
    return replace(data, invoices=tuple(_shown(invoice, usage) for invoice in data.invoices))


def wanted_events(data: ReportData, snapshot: Snapshot) -> Iterator[Wanted]:
    """Of the largest differences among what is billed by usage."""
    metrics = _metrics(snapshot)
    periods = {(i.lago_id, p.lago_subscription_id): p for i in snapshot.invoices for p in i.billing_periods}
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN and p.key.get("item", "") in metrics]
    differing.sort(key=lambda row: (-abs(row[1].delta_cents), row[1].id))
    for invoice, position in differing[:POSITIONS]:
        period = periods.get((invoice.id, position.key.get("subscription", "")))
        if period is not None and period.charges_from_datetime and period.charges_to_datetime:
            yield Wanted(
                position=position.id,
                subscription=period.external_subscription_id,
                metric=metrics[position.key["item"]],
                begins=period.charges_from_datetime,
                ends=period.charges_to_datetime,
                event=position.key.get("event", ""),
            )


def _metrics(snapshot: Snapshot) -> dict[str, str]:
    """Charge -> code of its metric; plans that were made for one subscription included."""
    own = (subscription.plan for subscription in snapshot.subscriptions)
    plans = (*snapshot.plans, *(plan for plan in own if plan is not None))
    return {charge.lago_id: charge.billable_metric_code for plan in plans for charge in plan.charges}


_SELECT = """
select wanted.position, count(*) over (partition by wanted.position) as total,
  transaction_id, events.timestamp, created_at, properties
from events join wanted on external_subscription_id = wanted.subscription and code = wanted.metric
  and events.timestamp between wanted.begins and wanted.ends and wanted.event in ('', transaction_id)
qualify row_number() over (partition by wanted.position order by events.timestamp, transaction_id) <= ?
order by wanted.position, events.timestamp, transaction_id
"""


def selected(source: EventSource, wanted: Sequence[Wanted]) -> Mapping[str, Usage]:
    """Position -> its first events and how many there are."""
    source.db.register("wanted", _table(wanted))
    with readable("events"):
        rows = source.db.execute(_SELECT, [EVENTS]).fetchall()
    source.db.unregister("wanted")
    totals = {row[0]: int(row[1]) for row in rows}
    events: dict[str, list[EventView]] = defaultdict(list)
    for position, _, transaction, at, received, properties in rows:
        view = EventView(
            transaction_id=transaction,
            at=at.replace(tzinfo=UTC),
            received=received and received.replace(tzinfo=UTC),
            properties=properties or "",
        )
        events[position].append(view)
    return {
        w.position: Usage(metric=w.metric, total=totals.get(w.position, 0), events=tuple(events[w.position]))
        for w in wanted
    }


def _table(wanted: Sequence[Wanted]) -> pa.Table:
    naive = pa.timestamp("us")
    return pa.table(
        {
            "position": [w.position for w in wanted],
            "subscription": [w.subscription for w in wanted],
            "metric": [w.metric for w in wanted],
            "begins": pa.array([w.begins.astimezone(UTC).replace(tzinfo=None) for w in wanted], naive),
            "ends": pa.array([w.ends.astimezone(UTC).replace(tzinfo=None) for w in wanted], naive),
            "event": [w.event for w in wanted],
        }
    )


def in_odoo(odoo: Odoo, pairs: Sequence[Pair]) -> frozenset[Pair]:
    """Those of the transactions that Odoo has."""
    held: set[Pair] = set()
    for start in range(0, len(pairs), BATCH):
        part = pairs[start : start + BATCH]
        domain = [["transaction_id", "in", [transaction for _, transaction in part]]]
        fields = ["external_subscription_id", "transaction_id"]
        rows = odoo.call("fusion.billing.usage", "search_read", domain=domain, fields=fields)
        held.update((row["external_subscription_id"], row["transaction_id"]) for row in rows)
    return frozenset(held)


def _marked(usage: Usage, subscription: str, held: frozenset[Pair] | None) -> Usage:
    if held is None:
        return usage
    events = (replace(event, in_odoo=(subscription, event.transaction_id) in held) for event in usage.events)
    return replace(usage, events=tuple(events))


def _shown(invoice: InvoiceView, usage: Mapping[str, Usage]) -> InvoiceView:
    if not any(position.id in usage for position in invoice.positions):
        return invoice
    return replace(invoice, positions=tuple(_with(position, usage) for position in invoice.positions))


def _with(position: Position, usage: Mapping[str, Usage]) -> Position:
    return replace(position, usage=usage[position.id]) if position.id in usage else position
