"""The re-rate of one invoice in a world that is a little different: this is how a supposition is tested.

A world is one customer's part of the snapshot, with its usage. A supposition changes one thing in it: another price, a
time zone, events that are not there. The whole invoice is then re-rated, so that minimums, proration, coupons and taxes
follow by themselves; what comes out is held against what a side billed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import assert_never

import pyarrow as pa

from mappings.fields import with_values
from mappings.period import Boundaries, Window, boundaries
from mappings.records import BillingPeriod, Invoice, Snapshot
from reconcile.billed import BilledInvoice
from reconcile.rating.header import basis
from reconcile.rating.rules import rules_for
from reconcile.rerate.counterfactual import At, counterfactual
from reconcile.rerate.customer_parts import CustomerParts, UsageParts
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.header_terms import header_terms
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.invoices import rerate_invoices
from reconcile.rerate.lago_calendar import expected_boundaries
from reconcile.rerate.supposed import COLUMNS, Hypothesis, Rerated, World
from reconcile.rerate.supposed_history import Supposed
from reconcile.rerate.suppositions import (
    BilledBefore,
    BilledIn,
    ByCalendar,
    ByRules,
    CountedAs,
    Events,
    FollowedBy,
    GoesOnFrom,
    OtherRecords,
    PriceThen,
    Supposition,
    Windows,
)


class Worlds:
    """The worlds of a snapshot's customers. ``customers``: Lago ids of those that will be asked for.

    ``usage``: all their events, as ``worlds_of`` reads them. Nothing more is read: what is re-rated here is counted by
    a DuckDB in memory.
    """

    def __init__(self, snapshot: Snapshot, usage: pa.Table, customers: Iterable[str]) -> None:
        self.snapshot = snapshot
        self.history = History(snapshot)
        self._parts, self._usage = CustomerParts(snapshot), UsageParts(usage)
        self._customers = frozenset(customers)
        self._worlds: dict[str, World] = {}
        self._done: dict[tuple[str, tuple[Hypothesis, ...]], Rerated | None] = {}

    def of(self, customer: str) -> World:
        """The world as it is, of the customer with this Lago id."""
        if customer not in self._worlds:
            part = self._parts.of(customer)
            self._worlds[customer] = World(
                snapshot=part,
                events=self._usage.of(subscription.external_id for subscription in part.subscriptions),
                rules=rules_for(self.snapshot.lago_version),
                premium=self.history.premium,
            )
        return self._worlds[customer]

    def customer_of(self, lago_id: str) -> str | None:
        """Lago id of an invoice's customer."""
        invoice = self.history.invoices.get(lago_id)
        return invoice.customer.lago_id if invoice and invoice.customer else None

    def rerate(self, baseline: BilledInvoice, hypotheses: Sequence[Hypothesis]) -> Rerated | None:
        """The invoice under all ``hypotheses``.

        None where it cannot be told: an unknown customer, or a hypothesis that the re-rate refuses.
        """
        customer = self.customer_of(baseline.lago_id)
        if customer is None or customer not in self._customers:
            return None
        key = (baseline.lago_id, tuple(hypotheses))
        if key not in self._done:
            world = self.of(customer)
            for hypothesis in hypotheses:
                world = supposed(world, hypothesis.suppose)
            self._done[key] = rerate_in(world, baseline)
        return self._done[key]


def worlds_of(snapshot: Snapshot, events: Path | EventSource, customers: Collection[str]) -> Worlds:
    """The worlds of these customers (Lago ids), with their usage read from ``events``, at once."""
    own = frozenset(customers)
    external_ids = sorted({s.external_id for s in snapshot.subscriptions if s.lago_customer_id in own})
    if isinstance(events, EventSource):
        return Worlds(snapshot, _of_subscriptions(events, external_ids), own)
    with EventSource.from_parquet(events) as source:
        return Worlds(snapshot, _of_subscriptions(source, external_ids), own)


def _of_subscriptions(source: EventSource, external: list[str]) -> pa.Table:
    query = "select * from events where list_contains($1, external_subscription_id) order by position"
    events: pa.Table = source.db.sql(query, params=[external]).to_arrow_table()
    return events.select([*COLUMNS, "position"])


def rerate_in(world: World, shown: BilledInvoice) -> Rerated | None:
    """Re-rate one invoice in a world; None if anything of it is refused."""
    history: History = Supposed(world.snapshot, world)
    if world.calendar:
        snapshot = by_calendar(world.snapshot, history, shown.lago_id, world.moved)
        history = Supposed(reduce(_with_windows, world.windows, snapshot), world)
    if shown.lago_id not in history.invoices:
        return None
    with source_of(world) as source:
        inputs = RerateInputs(history=history, source=source, rules=world.rules, premium=world.premium)
        (invoice,) = rerate_invoices(inputs, [shown])
    if invoice.refusals or invoice.totals is None:
        return None
    return Rerated(invoice=invoice, terms=basis(header_terms(history, history.invoices[shown.lago_id]), invoice))


def source_of(world: World) -> EventSource:
    """The events of a world, to aggregate."""
    source = EventSource.from_events(())
    source.db.register("supposed", world.events)
    source.db.execute("insert into events by name select * from supposed")
    source.db.unregister("supposed")
    if world.store is not None:
        source.deduplicate(world.store)
    return source


# --- the calendar instead of what Lago stored ---------------------------------------------------------------------


def by_calendar(snapshot: Snapshot, history: History, lago_id: str, moved: Collection[str] = ()) -> Snapshot:
    """The snapshot in which one invoice has the boundaries that the calendar gives.

    ``moved``: subscriptions that were always billed so. What Lago's invoices before this one covered bounds nothing of
    theirs, and a fixed charge has no other period than the calendar's.
    """
    changed = _with_periods(snapshot, lago_id, lambda invoice, period: _period(invoice, period, history, moved))
    invoices = (_with_fees_of_no_period(i, moved) if i.lago_id == lago_id else i for i in changed.invoices)
    return replace(changed, invoices=tuple(invoices))


def _with_fees_of_no_period(invoice: Invoice, moved: Collection[str]) -> Invoice:
    fees = (
        replace(fee, from_date=None, to_date=None)
        if fee.item.type == "fixed_charge" and fee.lago_subscription_id in moved
        else fee
        for fee in invoice.fees
    )
    return replace(invoice, fees=tuple(fees))


def _with_periods(
    snapshot: Snapshot, lago_id: str, period_of: Callable[[Invoice, BillingPeriod], BillingPeriod]
) -> Snapshot:
    """The snapshot in which one invoice has other periods."""
    invoices = (
        replace(i, billing_periods=tuple(period_of(i, p) for p in i.billing_periods)) if i.lago_id == lago_id else i
        for i in snapshot.invoices
    )
    return replace(snapshot, invoices=tuple(invoices))


def _period(invoice: Invoice, period: BillingPeriod, history: History, moved: Collection[str]) -> BillingPeriod:
    billed = history.billed_on(invoice, period)
    if billed is None or not billed.is_of_period:
        return period
    contract = history.contract(billed.subscription, billed.plan, history.timezone(billed), invoice.created_at)
    bounded = billed.subscription.lago_id not in moved or contract.terminated_at is not None
    expected: Boundaries = (
        expected_boundaries(contract, billed, history) if bounded else boundaries(contract, invoice.created_at)
    )
    for family in ("subscription", "charges", "fixed_charges"):
        period = with_values(period, _ends(family, getattr(expected, family)))
    return period


def _ends(name: str, window: Window | None) -> dict[str, datetime | None]:
    """Whole seconds, as the API gives them."""
    start, end = (window.start, window.end) if window else (None, None)
    return {
        f"{name}_from_datetime": start.replace(microsecond=0) if start else None,
        f"{name}_to_datetime": end.replace(microsecond=0) if end else None,
    }


# --- suppositions -------------------------------------------------------------------------------------------------


def supposed(world: World, supposition: Supposition) -> World:
    """The world in which it is so."""
    match supposition:
        case OtherRecords(changes=changes, calendar=calendar):
            moved = world.moved | (_owned(world.snapshot, changes) if calendar else frozenset())
            snapshot = reduce(counterfactual, changes, world.snapshot)
            return replace(world, snapshot=snapshot, calendar=world.calendar or calendar, moved=moved)
        case BilledIn(subscription=subscription, timezone=timezone):
            moved, zones = world.moved | {subscription}, {**world.zones, subscription: timezone}
            return replace(world, calendar=True, moved=moved, zones=zones)
        case Windows():
            snapshot = _with_windows(world.snapshot, supposition)
            return replace(world, snapshot=snapshot, windows=(*world.windows, supposition))
        case Events():
            return replace(world, events=_with_events(world.events, supposition))
        case GoesOnFrom() | FollowedBy() | BilledBefore():
            return _among_others(world, supposition)
        case _:
            return _computed_otherwise(world, supposition)


def _among_others(world: World, supposition: GoesOnFrom | FollowedBy | BilledBefore) -> World:
    """Other subscriptions stand before or after one."""
    match supposition:
        case GoesOnFrom(subscription=subscription):
            return replace(world, goes_on={**world.goes_on, subscription: supposition})
        case FollowedBy(subscription=subscription):
            return replace(world, followed={**world.followed, subscription: supposition})
        case _:
            return replace(world, before=(*world.before, supposition))


def _owned(snapshot: Snapshot, changes: Iterable[At]) -> frozenset[str]:
    """The subscriptions whose boundaries follow from these records."""
    ids = {change.lago_id for change in changes}
    owned = (s for s in snapshot.subscriptions if {s.lago_id, s.lago_customer_id, s.plan and s.plan.lago_id} & ids)
    return frozenset(subscription.lago_id for subscription in owned)


def _computed_otherwise(world: World, supposition: PriceThen | ByCalendar | CountedAs | ByRules) -> World:
    """The same records, billed in another way."""
    match supposition:
        case PriceThen(subscription=subscription, cents=cents):
            return replace(world, prices={**world.prices, subscription: cents})
        case ByCalendar():
            return replace(world, calendar=True)
        case CountedAs(store=store):
            return replace(world, store=store)
        case ByRules(rules=rules):
            return replace(world, rules=rules)
        case _:
            assert_never(supposition)


def _with_windows(snapshot: Snapshot, windows: Windows) -> Snapshot:
    """Other boundaries of one subscription on one invoice."""

    def moved(_invoice: Invoice, period: BillingPeriod) -> BillingPeriod:
        if period.lago_subscription_id != windows.subscription:
            return period
        for family, (start, end) in windows.ends.items():
            period = with_values(period, _ends(family, Window(start, end)))
        return period

    return _with_periods(snapshot, windows.invoice, moved)


def _with_events(events: pa.Table, other: Events) -> pa.Table:
    """They keep their order of arrival; new ones come last."""
    rows = [_with_changes(row, other) for row in events.to_pylist() if not _is_gone(row, other)]
    rows += [{name: _in_table(getattr(event, name)) for name in COLUMNS} for event in other.more]
    columns = {name: [row.get(name) for row in rows] for name in events.schema.names}
    columns["position"] = list(range(len(rows)))
    return pa.table(columns, schema=events.schema)


def _is_gone(row: Mapping[str, object], other: Events) -> bool:
    return row["external_subscription_id"] == other.external_id and row["transaction_id"] in other.gone


def _with_changes(row: dict[str, object], other: Events) -> dict[str, object]:
    if row["external_subscription_id"] != other.external_id:
        return row
    changed = other.changed.get(str(row["transaction_id"]), {})
    return {**row, **{name: _in_table(value) for name, value in changed.items()}}


def _in_table(value: object) -> object:
    """The table's moments have no zone: they are in UTC."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
