"""The usage events behind positions that differ, for whoever opens one: Lago's, and whether Odoo has them too.

with_events(data, snapshot, source, known)  ->  the same report; the largest differences carry their events
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from mappings.records import Snapshot
from reconcile.rerate.event_source import EventSource, readable
from reports.data import OPEN, EventView, InvoiceView, Position, ReportData, Usage

POSITIONS = 200  # the largest differences
EVENTS = 50  # of each; how many there are is always told

Pair = tuple[str, str]  # external id of the subscription, transaction
Known = Callable[[Sequence[Pair]], frozenset[Pair]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEvents:
    """Which events a position was billed from: ``event`` is the one of a fee paid in advance."""

    position: str
    subscription: str  # external id
    metric: str  # code
    begins: datetime
    ends: datetime
    event: str


def with_events(data: ReportData, snapshot: Snapshot, source: EventSource, known: Known | None) -> ReportData:
    """The report with the events of its largest differences. ``known``: which of some Odoo has; None: not asked."""
    wanted = list(wanted_events(data, snapshot))
    if not wanted:
        return data
    usage_of = selected(source, wanted)
    pairs = sorted({(w.subscription, e.transaction_id) for w in wanted for e in usage_of[w.position].events})
    known_in_odoo = known(pairs) if known else None
    usage = {w.position: _marked(usage_of[w.position], w.subscription, known_in_odoo) for w in wanted}
    return replace(data, invoices=tuple(_shown(invoice, usage) for invoice in data.invoices))


def wanted_events(data: ReportData, snapshot: Snapshot) -> Iterator[WantedEvents]:
    """Of the largest differences and doubts, by the money that they tell of, among what is billed by usage."""
    metrics = _metrics(snapshot)
    periods = {(i.lago_id, p.lago_subscription_id): p for i in snapshot.invoices for p in i.billing_periods}
    for invoice, position in largest(data, metrics)[:POSITIONS]:
        period = periods.get((invoice.id, position.key.get("subscription", "")))
        if period is not None and period.charges_from_datetime and period.charges_to_datetime:
            yield WantedEvents(
                position=position.id,
                subscription=period.external_subscription_id,
                metric=metrics[position.key["item"]],
                begins=period.charges_from_datetime,
                ends=period.charges_to_datetime,
                event=position.key.get("event", ""),
            )


def largest(data: ReportData, items: Container[str]) -> list[tuple[InvoiceView, Position]]:
    """What differs or is doubted among these, the most money first: a doubt tells of some without a difference."""
    open_ones = [(i, p) for i, p in data.rows() if (p.status in OPEN or p.doubt) and p.key.get("item", "") in items]
    return sorted(open_ones, key=lambda row: (-abs(row[1].at_stake_cents), row[1].id))


def _metrics(snapshot: Snapshot) -> dict[str, str]:
    """Charge -> code of its metric; plans that were made for one subscription included."""
    own_plans = (subscription.plan for subscription in snapshot.subscriptions)
    plans = (*snapshot.plans, *(plan for plan in own_plans if plan is not None))
    return {charge.lago_id: charge.billable_metric_code for plan in plans for charge in plan.charges}


_SELECT = """
select wanted.position, count(*) over (partition by wanted.position) as total,
  transaction_id, events.timestamp, created_at, properties
from events join wanted on external_subscription_id = wanted.subscription and code = wanted.metric
  and events.timestamp between wanted.begins and wanted.ends and wanted.event in ('', transaction_id)
qualify row_number() over (partition by wanted.position order by ORDER) <= ?
order by wanted.position, ORDER
""".replace("ORDER", "events.timestamp, transaction_id, events.position")


def selected(source: EventSource, wanted: Sequence[WantedEvents]) -> Mapping[str, Usage]:
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


def _table(wanted: Sequence[WantedEvents]) -> pa.Table:
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


def _marked(usage: Usage, subscription: str, known_in_odoo: frozenset[Pair] | None) -> Usage:
    if known_in_odoo is None:
        return usage
    events = (replace(event, in_odoo=(subscription, event.transaction_id) in known_in_odoo) for event in usage.events)
    return replace(usage, events=tuple(events))


def _shown(invoice: InvoiceView, usage: Mapping[str, Usage]) -> InvoiceView:
    if not any(position.id in usage for position in invoice.positions):
        return invoice
    return replace(invoice, positions=tuple(_with(position, usage) for position in invoice.positions))


def _with(position: Position, usage: Mapping[str, Usage]) -> Position:
    return replace(position, usage=usage[position.id]) if position.id in usage else position
