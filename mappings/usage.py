"""Usage events -> ``fusion.billing.usage``: those that an invoice of Odoo will need.

    open periods       events since the start of Lago's current period, of running subscriptions
    recurring metrics  all events a running subscription ever had: their units carry over from period to period
    usage_since        (option) everything from then on, so that past periods can be rerun

Anything older was billed by Lago, and is nothing to move. Events that Lago itself cannot place (unknown subscription or
metric) are counted by reason, not listed: there may be millions. Rows come one by one and are not kept.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mappings import fields
from mappings.context import Context, Problem
from mappings.fields import written
from mappings.records import Invoice, Subscription
from mappings.subscriptions import is_wanted, refusal
from mappings.target import Desired, Mapped, Phase, Skipped, Source, xid

MODEL = "fusion.billing.usage"
LATER = " at "  # between a transaction and the moment, in the names of its later events (``EventIds``)
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One event as Parquet holds it. Times are UTC (aware, or naive meaning UTC), with microseconds.

    ``properties`` is the JSON text as the API gave it. Lago's PostgreSQL store keeps one event per subscription and
    transaction, each with an id; its ClickHouse store has no ids, and may have several (``EventIds``).
    """

    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: datetime
    created_at: datetime | None = None
    properties: str = "{}"
    precise_total_amount_cents: str | None = None
    lago_id: str | None = None


@dataclass(slots=True)
class _Count:
    """Rows of one reason: how many, and a few to show."""

    problem: Problem
    source: Source
    customer: str | None = None
    rows: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, row: UsageRow) -> None:
        self.rows += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(row.transaction_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """What to do with the events of one external subscription id. ``subscription``: Lago's id of the one that decides.

    ``since``: start of the open period (None: nothing is running). ``billed``: start, end and end of knowledge of every
    period Lago has invoiced, by start.
    """

    subscription: str
    customer: str
    since: datetime | None
    problem: Problem | None
    billed: tuple[tuple[datetime, datetime, datetime], ...]


def usage(context: Context, rows: Iterable[UsageRow]) -> Iterator[Mapped]:
    """The rows to load, in their order, then the counts of those that could not be."""
    streams, codes, ids = _streams(context), {m.code: m.recurring for m in context.metrics.values()}, EventIds()
    counts: dict[tuple[str, str, str], _Count] = {}
    for each in rows:
        row, external_id = ids.take(each)
        stream = streams.get(row.external_subscription_id)
        problem = _problem(context, row, stream, codes)
        if problem is not None:
            count = _count(row, stream, problem)
            counts.setdefault((problem.reason, count.source.lago_id, count.source.label), count).add(row)
        elif stream is not None and _is_needed(context, row, stream, codes):
            yield _event(row, external_id, stream)
    for _, count in sorted(counts.items(), key=lambda item: item[0]):
        yield _skipped(count)


def _count(row: UsageRow, stream: _Stream | None, problem: Problem) -> _Count:
    """Of events like this one: of one record in quarantine, of one subscription, of one metric, or of none of these."""
    if problem.because:
        source = Source("event", problem.reason, problem.because)
    elif stream and problem is stream.problem:
        source = Source("event", row.external_subscription_id, stream.subscription)
    else:
        source = Source("event", row.code if problem.reason == "event_metric_unknown" else problem.reason)
    of_stream = stream is not None and (problem.because or problem is stream.problem)
    return _Count(problem, source, stream.customer if stream and of_stream else None)


def _problem(context: Context, row: UsageRow, stream: _Stream | None, codes: Mapping[str, bool]) -> Problem | None:
    if stream is None:
        lost = Problem("event_subscription_unknown", "of subscriptions Lago does not have: it never bills them")
        return context.unread_named("subscriptions", row.external_subscription_id) or lost
    if row.code not in codes:
        lost = Problem("event_metric_unknown", f"of metric {row.code}, which Lago does not have: it never bills them")
        return context.unread_named("billable_metrics", row.code) or lost
    if not _is_needed(context, row, stream, codes):
        return None
    if stream.problem is not None:
        return stream.problem
    return None if context.target.addon else Problem("usage_needs_addon", "Odoo cannot meter: install fusion_billing")


def _is_needed(context: Context, row: UsageRow, stream: _Stream, codes: Mapping[str, bool]) -> bool:
    moment = _utc(row.timestamp)
    if context.options.usage_since is not None and moment >= context.options.usage_since:
        return True
    return stream.since is not None and (moment >= stream.since or codes[row.code])


def _event(row: UsageRow, external_id: str, stream: _Stream) -> Desired:
    moment, received = _utc(row.timestamp), _utc(row.created_at or row.timestamp)
    return Desired(
        phase=Phase.USAGE,
        model=MODEL,
        xid=external_id,
        values={
            **written(fields.USAGE, row if row.created_at else replace(row, created_at=moment)),
            "late": _is_late(moment, received, stream),
        },
        source=Source("event", f"{row.external_subscription_id}/{row.transaction_id}", row.lago_id or ""),
        customer=stream.customer,
    )


@dataclass(slots=True)
class EventIds:
    """External ids of events, which are taken in the order of their times.

    By Lago's id; where the store has none, by a hash of subscription and transaction, whose characters may be anything.
    There one transaction may be several events: what tells the later ones apart is their moment, and their number where
    even that is the same. Odoo keeps one event per transaction, so they get names of their own.
    """

    times: dict[str, int] = field(default_factory=dict)  # key -> how many events of a store without ids had it

    def take(self, row: UsageRow) -> tuple[UsageRow, str]:
        """The event under the name that it has in Odoo, and its external id."""
        if row.lago_id:
            return row, xid("event", row.lago_id)
        first = f"{row.external_subscription_id}\0{row.transaction_id}"
        if not self._count(first):
            return row, _hashed(first)
        moment = _utc(row.timestamp).isoformat()
        number = self._count(f"{first}\0{moment}")
        name = f"{row.transaction_id}{LATER}{moment}" + (f" ({number + 1})" if number else "")
        return replace(row, transaction_id=name), _hashed(f"{first}\0{name}")

    def _count(self, key: str) -> int:
        """How often it was there before."""
        before = self.times.get(key, 0)
        self.times[key] = before + 1
        return before


def _hashed(key: str) -> str:
    return xid("event", hashlib.sha256(key.encode()).hexdigest()[:32])


def _is_late(moment: datetime, received: datetime, stream: _Stream) -> bool:
    """Whether the event arrived after the invoice of its period was final: kept, but Lago never billed it."""
    position = bisect_right(stream.billed, moment, key=lambda period: period[0]) - 1
    if position < 0:
        return False
    _, end, known = stream.billed[position]
    return moment <= end and received > known


def _skipped(count: _Count) -> Skipped:
    shown = ", ".join(count.examples)
    return Skipped(
        phase=Phase.USAGE,
        source=count.source,
        reason=count.problem.reason,
        detail=f"{count.rows} events {count.problem.detail} (for example {shown})",
        customer=count.customer or None,
        count=count.rows,
        because=count.problem.because,
    )


def _streams(context: Context) -> dict[str, _Stream]:
    """By external subscription id; where it was used more than once, the running subscription decides."""
    billed = _billed(context)
    grouped: dict[str, list[Subscription]] = {}
    for subscription in context.snapshot.subscriptions:
        grouped.setdefault(subscription.external_id, []).append(subscription)
    return {key: _stream(context, subscriptions, billed.get(key, ())) for key, subscriptions in grouped.items()}


def _stream(
    context: Context, subscriptions: list[Subscription], billed: tuple[tuple[datetime, datetime, datetime], ...]
) -> _Stream:
    newest = max(subscriptions, key=lambda s: (s.status == "active", s.created_at))
    running = newest if newest.status == "active" else None
    problem = refusal(context, newest)
    customer = context.external(newest.lago_customer_id) or newest.external_customer_id
    since = open_since(running) if running and is_wanted(context, running) else None
    return _Stream(subscription=newest.lago_id, customer=customer, since=since, problem=problem, billed=billed)


def open_since(subscription: Subscription) -> datetime:
    """Start of the open period, not before the subscription's own (which, after a plan change, is later)."""
    started = subscription.started_at or subscription.subscription_at
    return max(subscription.current_billing_period_started_at or started, started)


def _billed(context: Context) -> dict[str, tuple[tuple[datetime, datetime, datetime], ...]]:
    periods: dict[str, set[tuple[datetime, datetime, datetime]]] = {}
    for invoice in context.snapshot.invoices:
        if invoice.status not in ("finalized", "voided") or invoice.invoice_type != "subscription":
            continue
        for period in invoice.billing_periods:
            start, end = period.charges_from_datetime, period.charges_to_datetime
            # the invoice of an event that is paid at once repeats an older window, and knows nothing more of it
            if start and end and start < end and period.invoicing_reason != "in_advance_charge":
                known = _known_until(context, invoice)
                periods.setdefault(period.external_subscription_id, set()).add((start, end, known))
    return {key: tuple(sorted(stretches)) for key, stretches in periods.items()}


def _known_until(context: Context, invoice: Invoice) -> datetime:
    """When the invoice became final: at creation, or after the days of grace."""
    customer = context.customers.get(invoice.customer.lago_id) if invoice.customer else None
    days_of_customer = customer.billing_configuration.invoice_grace_period if customer else None
    of_entity = context.entity.invoice_grace_period if context.entity else 0
    return invoice.created_at + timedelta(days=of_entity if days_of_customer is None else days_of_customer)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
