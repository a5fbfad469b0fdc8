"""The re-rate of one invoice in a world that is a little different: this is how a supposition is tested.

A world is one customer's part of the snapshot, with its usage. A supposition changes one thing in it: another price, a
time zone, events that are not there. The whole invoice is then re-rated, so that minimums, proration, coupons and taxes
follow by themselves; what comes out is held against what a side billed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from mappings.period import Boundaries, Window
from mappings.records import BillingPeriod, Fee, Invoice, Plan, Snapshot, Subscription
from reconcile.control import expected_boundaries
from reconcile.facts import bill_of
from reconcile.history import IN_ADVANCE, History
from reconcile.lines import BilledInvoice
from reconcile.rerate import Work
from reconcile.rules import Rules, rules_for
from reconcile.usage import EventSource, Store
from reconcile.whatif import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """``events``: rows as the extract wrote them. ``calendar``: boundaries by Lago's calendar, not as it stored them.

    ``prices``: subscription -> cents of a full period. ``store``: repeated events count as that store counts them.
    """

    snapshot: Snapshot
    events: pa.Table
    rules: Rules
    premium: bool
    late: bool = False
    calendar: bool = False
    prices: Mapping[str, int] = field(default_factory=dict)
    store: Store | None = None


COLUMNS = (
    "transaction_id", "external_subscription_id", "code", "timestamp", "created_at", "properties",
    "precise_total_amount_cents", "lago_id",
)  # fmt: skip
Supposition = Callable[[World], World]


class Supposed(History):
    """A history in which some prices are others."""

    def __init__(self, snapshot: Snapshot, *, late: bool, prices: Mapping[str, int]) -> None:
        super().__init__(snapshot, late=late)
        self.prices = prices

    def price_then(self, subscription: Subscription, plan: Plan, at: datetime) -> int:
        own = self.prices.get(subscription.lago_id)
        return super().price_then(subscription, plan, at) if own is None else own


class Worlds:
    """The worlds of a snapshot's customers. ``customers``: Lago ids of those that will be asked for."""

    def __init__(self, snapshot: Snapshot, events: Path | EventSource, customers: Iterable[str]) -> None:
        self.snapshot = snapshot
        self.history = History(snapshot)
        self._events = events
        self._customers = frozenset(customers)
        self._worlds: dict[str, World] = {}
        self._done: dict[tuple[str, tuple[str, ...]], BilledInvoice | None] = {}

    def of(self, customer: str) -> World:
        """The world as it is, of the customer with this Lago id."""
        if customer not in self._worlds:
            part = part_of(self.snapshot, customer)
            own = {s.external_id for s in part.subscriptions}
            wanted = pa.compute.is_in(self.usage.column("external_subscription_id"), pa.array(sorted(own), pa.string()))
            self._worlds[customer] = World(
                snapshot=part,
                events=self.usage.filter(wanted),
                rules=rules_for(self.snapshot.lago_version),
                premium=self.history.premium,
            )
        return self._worlds[customer]

    @cached_property
    def usage(self) -> pa.Table:
        """The events of all customers in question, read once."""
        own = sorted({s.external_id for s in self.snapshot.subscriptions if s.lago_customer_id in self._customers})
        if isinstance(self._events, EventSource):
            return _of_subscriptions(self._events, own)
        with EventSource.from_parquet(self._events) as source:
            return _of_subscriptions(source, own)

    def customer_of(self, lago_id: str) -> str | None:
        """Lago id of an invoice's customer."""
        invoice = self.history.invoices.get(lago_id)
        return invoice.customer.lago_id if invoice and invoice.customer else None

    def rerate(self, baseline: BilledInvoice, changes: Sequence[Change]) -> BilledInvoice | None:
        """The invoice under all suppositions of ``changes``; ``facts["bill"]`` holds what its header follows from.

        None where it cannot be told: an unknown customer, or a supposition that the re-rate refuses.
        """
        customer = self.customer_of(baseline.lago_id)
        if customer is None or customer not in self._customers:
            return None
        key = (baseline.lago_id, tuple(str(change.values["id"]) for change in changes))
        if key not in self._done:
            world = self.of(customer)
            for change in changes:
                world = change.values["suppose"](world)
            self._done[key] = rerate_in(world, baseline)
        return self._done[key]


def _of_subscriptions(source: EventSource, external: list[str]) -> pa.Table:
    query = "select * from events where list_contains($1, external_subscription_id) order by position"
    found: pa.Table = source.db.sql(query, params=[external]).to_arrow_table()
    return found.select([*COLUMNS, "position"])


def part_of(snapshot: Snapshot, customer: str) -> Snapshot:
    """One customer's records, and the catalog."""
    subscriptions = tuple(s for s in snapshot.subscriptions if s.lago_customer_id == customer)
    external = {s.external_customer_id for s in subscriptions}
    return replace(
        snapshot,
        customers=tuple(c for c in snapshot.customers if c.lago_id == customer),
        subscriptions=subscriptions,
        applied_coupons=tuple(a for a in snapshot.applied_coupons if a.lago_customer_id == customer),
        invoices=tuple(i for i in snapshot.invoices if i.customer and i.customer.lago_id == customer),
        fees=tuple(f for f in snapshot.fees if _is_of(f.lago_customer_id, f.external_customer_id, customer, external)),
    )


def _is_of(lago_id: str | None, external: str | None, customer: str, names: set[str]) -> bool:
    return lago_id == customer if lago_id else external in names


def rerate_in(world: World, shown: BilledInvoice) -> BilledInvoice | None:
    """Re-rate one invoice in a world; None if anything of it is refused."""
    history: History = Supposed(world.snapshot, late=world.late, prices=world.prices)
    if world.calendar:
        snapshot = by_calendar(world.snapshot, history, shown.lago_id)
        history = Supposed(snapshot, late=world.late, prices=world.prices)
    if shown.lago_id not in history.invoices:
        return None
    with source_of(world) as source:
        work = Work(history=history, source=source, rules=world.rules, premium=world.premium)
        draft = work.draft(shown)
        found = work.invoice(draft, work.usage(list(draft.demands)))
    if found.refusals or found.totals is None:
        return None
    return replace(found, facts={**found.facts, "bill": bill_of(history, draft.invoice, found.lines)})


def source_of(world: World) -> EventSource:
    source = EventSource.from_events(())
    source.db.register("supposed", world.events)
    source.db.execute("insert into events by name select * from supposed")
    source.db.unregister("supposed")
    if world.store is not None:
        source.deduplicate(world.store)
    return source


# --- the calendar instead of what Lago stored ---------------------------------------------------------------------


def by_calendar(snapshot: Snapshot, history: History, lago_id: str) -> Snapshot:
    """The snapshot in which one invoice has the boundaries that the calendar gives."""
    invoices = (_by_calendar(i, history) if i.lago_id == lago_id else i for i in snapshot.invoices)
    return replace(snapshot, invoices=tuple(invoices))


def _by_calendar(invoice: Invoice, history: History) -> Invoice:
    periods = tuple(_period(invoice, period, history) for period in invoice.billing_periods)
    return replace(invoice, billing_periods=periods)


def _period(invoice: Invoice, period: BillingPeriod, history: History) -> BillingPeriod:
    one = history.billed_on(invoice, period)
    if one is None or period.invoicing_reason == IN_ADVANCE:
        return period
    customer = history.customer(invoice)
    zone = customer.applicable_timezone if customer else "UTC"
    contract = history.contract(one.subscription, one.plan, zone, invoice.created_at)
    found: Boundaries = expected_boundaries(contract, one, history)
    return replace(
        period,
        **_ends("subscription", found.subscription),
        **_ends("charges", found.charges),
        **_ends("fixed_charges", found.fixed_charges),
    )


def _ends(name: str, window: Window | None) -> dict[str, Any]:
    """Whole seconds, as the API gives them."""
    start, end = (window.start, window.end) if window else (None, None)
    return {
        f"{name}_from_datetime": start.replace(microsecond=0) if start else None,
        f"{name}_to_datetime": end.replace(microsecond=0) if end else None,
    }


# --- ways to change a world ---------------------------------------------------------------------------------------


def with_subscription(lago_id: str, **values: Any) -> Supposition:
    """Other values on a subscription; boundaries follow."""

    def suppose(world: World) -> World:
        changed = tuple(replace(s, **values) if s.lago_id == lago_id else s for s in world.snapshot.subscriptions)
        return replace(world, snapshot=replace(world.snapshot, subscriptions=changed), calendar=True)

    return suppose


def with_plan(lago_id: str, change: Callable[[Plan], Plan], *, calendar: bool = False) -> Supposition:
    """Another plan, in the catalog and on the subscriptions that hold it."""

    def suppose(world: World) -> World:
        plans = tuple(change(p) if p.lago_id == lago_id else p for p in world.snapshot.plans)
        subscriptions = tuple(
            replace(s, plan=change(s.plan)) if s.plan and s.plan.lago_id == lago_id else s
            for s in world.snapshot.subscriptions
        )
        changed = replace(world.snapshot, plans=plans, subscriptions=subscriptions)
        return replace(world, snapshot=changed, calendar=world.calendar or calendar)

    return suppose


def with_timezone(zone: str) -> Supposition:
    """Another time zone of the customer; boundaries follow."""

    def suppose(world: World) -> World:
        customers = tuple(replace(c, applicable_timezone=zone) for c in world.snapshot.customers)
        invoices = tuple(
            replace(i, customer=replace(i.customer, applicable_timezone=zone)) if i.customer else i
            for i in world.snapshot.invoices
        )
        return replace(world, snapshot=replace(world.snapshot, customers=customers, invoices=invoices), calendar=True)

    return suppose


Windows = Mapping[str, tuple[datetime, datetime]]  # subscription, charges, fixed_charges -> both ends


def with_windows(invoice: str, subscription: str, windows: Windows) -> Supposition:
    """Other boundaries of one subscription on one invoice."""

    def changed(period: BillingPeriod) -> BillingPeriod:
        ends: dict[str, Any] = {}
        for name, (start, end) in windows.items():
            ends |= _ends(name, Window(start, end))
        return replace(period, **ends)

    def suppose(world: World) -> World:
        return _on_invoice(
            world,
            invoice,
            lambda i: replace(
                i,
                billing_periods=tuple(
                    changed(p) if p.lago_subscription_id == subscription else p for p in i.billing_periods
                ),
            ),
        )

    return suppose


def _on_invoice(world: World, lago_id: str, change: Callable[[Invoice], Invoice]) -> World:
    invoices = tuple(change(i) if i.lago_id == lago_id else i for i in world.snapshot.invoices)
    return replace(world, snapshot=replace(world.snapshot, invoices=invoices))


def without_fees(gone: Callable[[Fee], bool]) -> Supposition:
    """Lago never made these fees: what is not there cannot be missed."""

    def suppose(world: World) -> World:
        snapshot = world.snapshot
        invoices = tuple(replace(i, fees=tuple(f for f in i.fees if not gone(f))) for i in snapshot.invoices)
        fees = tuple(f for f in snapshot.fees if not gone(f))
        return replace(world, snapshot=replace(snapshot, invoices=invoices, fees=fees))

    return suppose


def both(first: Supposition, second: Supposition) -> Supposition:
    return lambda world: second(first(world))


def with_price(subscription: str, cents: int) -> Supposition:
    return lambda world: replace(world, prices={**world.prices, subscription: cents})


def with_events(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Supposition:
    """Other events. They keep their order of arrival; new ones come last."""

    def suppose(world: World) -> World:
        rows = change(world.events.to_pylist())
        schema = world.events.schema
        columns = {name: [row.get(name) for row in rows] for name in schema.names}
        columns["position"] = list(range(len(rows)))
        return replace(world, events=pa.table(columns, schema=schema))

    return suppose


def with_metric(code: str, **values: Any) -> Supposition:
    def suppose(world: World) -> World:
        metrics = tuple(replace(m, **values) if m.code == code else m for m in world.snapshot.billable_metrics)
        return replace(world, snapshot=replace(world.snapshot, billable_metrics=metrics))

    return suppose
