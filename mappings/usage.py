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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mappings.context import Context, Problem
from mappings.records import Invoice, Subscription
from mappings.subscriptions import is_wanted, refusal
from mappings.target import Desired, Mapped, Phase, Skipped, xid

MODEL = "fusion.billing.usage"
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One event as Parquet holds it. Times are UTC (aware, or naive meaning UTC), with microseconds.

    ``properties`` is the JSON text as the API gave it. Rows are unique per subscription and transaction, as Lago's
    event store keeps them.
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

    detail: str
    customer: str | None = None
    rows: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, row: UsageRow) -> None:
        self.rows += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(row.transaction_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """What to do with the events of one external subscription id.

    ``since``: start of the open period (None: nothing is running). ``billed``: start, end and end of knowledge of every
    period Lago has invoiced, by start.
    """

    customer: str
    since: datetime | None
    problem: Problem | None
    billed: tuple[tuple[datetime, datetime, datetime], ...]


def usage(context: Context, rows: Iterable[UsageRow]) -> Iterator[Mapped]:
    """The rows to load, in their order, then the counts of those that could not be."""
    streams, codes = _streams(context), {m.code: m.recurring for m in context.metrics.values()}
    counts: dict[tuple[str, str], _Count] = {}
    for row in rows:
        stream = streams.get(row.external_subscription_id)
        problem = _problem(context, row, stream, codes)
        if problem is not None:
            key = (problem.reason, row.code if problem.reason == "event-metric-unknown" else "")
            counts.setdefault(key, _Count(problem.detail, stream.customer if stream else None)).add(row)
        elif stream is not None and _is_needed(context, row, stream, codes):
            yield _event(row, stream)
    for (reason, code), count in sorted(counts.items()):
        yield _skipped(reason, code, count)


def _problem(context: Context, row: UsageRow, stream: _Stream | None, codes: Mapping[str, bool]) -> Problem | None:
    if stream is None:
        return Problem("event-subscription-unknown", "of subscriptions Lago does not have: it never bills them")
    if row.code not in codes:
        return Problem("event-metric-unknown", f"of metric {row.code}, which Lago does not have: it never bills them")
    if not _is_needed(context, row, stream, codes):
        return None
    if stream.problem is not None:
        return stream.problem
    return None if context.target.addon else Problem("usage-needs-addon", "Odoo cannot meter: install fusion_billing")


def _is_needed(context: Context, row: UsageRow, stream: _Stream, codes: Mapping[str, bool]) -> bool:
    moment = _utc(row.timestamp)
    if context.options.usage_since is not None and moment >= context.options.usage_since:
        return True
    return stream.since is not None and (moment >= stream.since or codes[row.code])


def _event(row: UsageRow, stream: _Stream) -> Desired:
    moment, received = _utc(row.timestamp), _utc(row.created_at or row.timestamp)
    return Desired(
        phase=Phase.USAGE,
        model=MODEL,
        xid=_xid(row),
        values={
            "transaction_id": row.transaction_id,
            "external_subscription_id": row.external_subscription_id,
            "code": row.code,
            "timestamp": moment.replace(microsecond=0),
            "timestamp_us": moment.microsecond,
            "received_at": received.replace(microsecond=0),
            "received_us": received.microsecond,
            "properties": row.properties,
            "precise_total_amount_cents": row.precise_total_amount_cents,
            "late": _is_late(moment, received, stream),
        },
        source=f"event {row.external_subscription_id}/{row.transaction_id}",
        customer=stream.customer,
    )


def _xid(row: UsageRow) -> str:
    """By Lago's id; where the store has none, by a hash of the natural key, whose characters may be anything."""
    if row.lago_id:
        return xid("event", row.lago_id)
    key = f"{row.external_subscription_id}\0{row.transaction_id}".encode()
    return xid("event", hashlib.sha256(key).hexdigest()[:32])


def _is_late(moment: datetime, received: datetime, stream: _Stream) -> bool:
    """Whether the event arrived after the invoice of its period was final: kept, but Lago never billed it."""
    position = bisect_right(stream.billed, moment, key=lambda period: period[0]) - 1
    if position < 0:
        return False
    _, end, known = stream.billed[position]
    return moment <= end and received > known


def _skipped(reason: str, code: str, count: _Count) -> Skipped:
    shown = ", ".join(count.examples)
    return Skipped(
        phase=Phase.USAGE,
        source=f"event {code or reason}",
        reason=reason,
        detail=f"{count.rows} events {count.detail} (for example {shown})",
        count=count.rows,
    )


def _streams(context: Context) -> dict[str, _Stream]:
    """By external subscription id; where it was used more than once, the running subscription decides."""
    billed = _billed(context)
    grouped: dict[str, list[Subscription]] = {}
    for subscription in context.snapshot.subscriptions:
        grouped.setdefault(subscription.external_id, []).append(subscription)
    return {key: _stream(context, held, billed.get(key, ())) for key, held in grouped.items()}


def _stream(
    context: Context, held: list[Subscription], billed: tuple[tuple[datetime, datetime, datetime], ...]
) -> _Stream:
    newest = max(held, key=lambda s: (s.status == "active", s.created_at))
    running = newest if newest.status == "active" else None
    problem = refusal(context, newest)
    customer = context.external(newest.lago_customer_id) or newest.external_customer_id
    since = _open_since(running) if running and is_wanted(context, running) else None
    return _Stream(customer=customer, since=since, problem=problem, billed=billed)


def _open_since(subscription: Subscription) -> datetime:
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
    return {key: tuple(sorted(found)) for key, found in periods.items()}


def _known_until(context: Context, invoice: Invoice) -> datetime:
    """When the invoice became final: at creation, or after the days of grace."""
    customer = context.customers.get(invoice.customer.lago_id) if invoice.customer else None
    own = customer.billing_configuration.invoice_grace_period if customer else None
    of_entity = context.entity.invoice_grace_period if context.entity else 0
    return invoice.created_at + timedelta(days=of_entity if own is None else own)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
