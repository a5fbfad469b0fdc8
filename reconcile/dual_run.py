"""A period of a snapshot, read on three sides and reconciled: all the reading that ``run`` does without."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from mappings.records import Snapshot
from mappings.usage import MODEL as USAGE
from migrate.lago.control_totals import unread_credits
from migrate.odoo.door import Door
from migrate.progress import Progress, quiet
from reconcile.billed import BilledInvoice, Billing, Side, ThreeSides
from reconcile.causes.odoo_records import usage_to_find
from reconcile.compare.positions import ComparedInvoice
from reconcile.compare.waivers import Waiver
from reconcile.knowledge_base import KnowledgeBase
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.history import History
from reconcile.rerate.hypothesis import Worlds, worlds_of
from reconcile.rerate.lapses import Lapse
from reconcile.rerate.other_periods import PeriodRefusals, other_periods
from reconcile.rerate.owners import owners_of
from reconcile.rerate.usage_in_excess import missing_in_lago, rate_surplus, unknown_to_lago
from reconcile.run import compare_sides, differing, reconcile
from reconcile.sides.extras import Extra, as_invoices, foreign_bills
from reconcile.sides.held_terms import Held
from reconcile.sides.lago import ALL, lago_invoices, services
from reconcile.sides.left_open import left_open
from reconcile.sides.migrated import balances_of
from reconcile.sides.odoo_balances import with_balances
from reconcile.sides.odoo_extras import extras
from reconcile.sides.odoo_homes import own_names
from reconcile.sides.odoo_next import with_next_dates
from reconcile.sides.odoo_payers import with_payers
from reconcile.sides.odoo_receivables import receivables
from reconcile.sides.odoo_rerun import Shadow, aliases, odoo_invoices
from reconcile.sides.odoo_terms import names_of_usage, with_owners, with_whereabouts
from reconcile.sides.odoo_terms import read as held_by
from reconcile.sides.open_usage import OpenUsage, read_open_usage, read_surplus
from reconcile.sides.unread import set_apart, without_blame
from reports.data import LAGO, ODOO, RERATE, CreditsView, LapseView, ReceivableView, ReportData, RunView

Rerate = Callable[[Sequence[BilledInvoice]], Mapping[str, BilledInvoice]]  # Lago's invoices -> the same, re-rated


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything declared before the run. ``compared_at`` is the clock, given from outside."""

    period: str  # 2026-07, or all
    compared_at: datetime
    tool_version: str
    odoo_version: str = ""
    tolerance_cents: int = 0
    materiality_cents: int = 0
    customers: frozenset[str] | None = None  # external ids of the cohort; None: everybody
    cohort: str = ""  # its name, for the report's head
    services: Mapping[str, str] = field(default_factory=dict)  # plan code -> service
    tax_codes: Mapping[str, str] = field(default_factory=dict)  # name of a tax in Odoo -> Lago's code
    mapped_taxes: Mapping[int, frozenset[str]] = field(
        default_factory=dict
    )  # tax of Odoo -> Lago's codes, by the table
    shadow: Shadow | None = None
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SidesRead:
    """What was read of a period. ``odoo``: None in a control run; ``extras``: what only Odoo has, also on its side.

    ``periods``: invoice -> where Odoo bills another period than Lago.
    """

    lago: Side
    odoo: Side | None = None
    rerate: Side
    extras: tuple[Extra, ...] = ()
    periods: Mapping[str, PeriodRefusals] = field(default_factory=dict)
    receivables: tuple[ReceivableView, ...] = ()


def dual_run(
    snapshot: Snapshot,
    settings: Settings,
    *,
    odoo: Door | None,
    rerate: Rerate,
    late: Rerate | None = None,
    unmapped: Mapping[str, str] | None = None,
    events: Path | EventSource | None = None,
    lapses: Sequence[Lapse] = (),
    progress: Progress = quiet,
) -> ReportData:
    """Reconcile a period. Without ``odoo`` it is a control run.

    ``rerate`` is the third vote. To explain differences: ``late`` re-rates with events that arrived too late,
    ``unmapped`` tells what the migration left out (Lago id -> reason), and with ``events`` (the folder of the usage)
    Odoo's own records are read and invoices re-rated under what differs in them, and what only Odoo has is asked for.
    Reads only, except for the shadow drafts that ``settings.shadow`` asks for. ``lapses``: what Lago billed twice, or
    never (``rerate.coverage``).
    """
    shown = lago_invoices(snapshot, settings.period, settings.customers)
    lago, apart = set_apart(snapshot, shown, settings.period, settings.customers)
    billed_by_lago = {invoice.lago_id: invoice for invoice in (*lago, *apart)}
    if odoo is None:
        sides = SidesRead(lago=billed_by_lago, rerate=rerate(lago))
    else:
        rerun = odoo_invoices(
            odoo,
            lago,
            tax_codes=settings.tax_codes,
            shadow=settings.shadow,
            statuses={s.lago_id: s.status for s in snapshot.subscriptions} if events else None,
            unmapped=unmapped,
            aliases=aliases(snapshot),
            progress=progress,
        )
        billed = ThreeSides(lago=billed_by_lago, odoo=rerun, rerate=rerate(lago))
        billings = [billing for invoice in lago for billing in invoice.billings] if events is not None else None
        sides = _with_records(odoo, snapshot, settings, billed, billings, frozenset(unmapped or ()), events)

    run = run_view(snapshot, settings, is_control=odoo is None)
    compared = compare_sides(sides.lago, sides.odoo, sides.rerate, run)
    to_explain = differing(compared, sides.extras, sides.periods)
    worlds, held = _read_records(snapshot, events, odoo, to_explain)
    knowledge = KnowledgeBase(
        snapshot,
        late=_rerate_late(late, lago, to_explain) if late else None,
        unmapped=unmapped,
        worlds=worlds,
        held=held,
        tax_codes=settings.tax_codes,
        mapped_taxes=settings.mapped_taxes,
    )
    return reconcile(
        compared,
        knowledge.grounds,
        run,
        services=services(snapshot, settings.services),
        lapses=[_lapse_view(lapse) for lapse in lapses],
        extras=sides.extras,
        periods=sides.periods,
        receivables=sides.receivables,
        credits=[CreditsView(**row) for row in unread_credits(snapshot, settings.customers)],
        waived=settings.waivers,
    )


def _with_records(
    odoo: Door,
    snapshot: Snapshot,
    settings: Settings,
    billed: ThreeSides,
    billings: Sequence[Billing] | None,
    unmapped: Collection[str],
    events: Path | EventSource | None,
) -> SidesRead:
    """The sides, with what Odoo's records say beside what it bills. Without ``billings``: only who would pay."""
    if billings is None or events is None:
        return SidesRead(lago=billed.lago, odoo=with_payers(odoo, snapshot, billed.odoo), rerate=billed.rerate)
    brought = balances_of(odoo)
    balanced = without_blame(with_balances(odoo, snapshot, billed, brought))
    periods = other_periods(balanced.lago, balanced.odoo, History(snapshot))
    going_on = with_next_dates(odoo, snapshot, balanced.odoo)
    lacking = extras(odoo, snapshot, billings, brought, period=settings.period, customers=settings.customers)
    left = left_open(
        odoo,
        snapshot,
        balanced.odoo,
        brought,
        unmapped=unmapped,
        period=settings.period,
        customers=settings.customers,
    )
    used = usage_in_excess(odoo, snapshot, events, settings.customers)
    only_odoos = (*foreign_bills(balanced.lago, balanced.odoo), *lacking, *left, *used)
    whole = {**going_on, **as_invoices(only_odoos, _last_day(settings))}
    return SidesRead(
        lago=balanced.lago,
        odoo=with_payers(odoo, snapshot, whole),
        rerate=balanced.rerate,
        extras=only_odoos,
        periods=periods,
        receivables=receivables(odoo, snapshot, brought, settings.customers),
    )


def usage_in_excess(
    odoo: Door, snapshot: Snapshot, events: Path | EventSource, customers: frozenset[str] | None = None
) -> tuple[Extra, ...]:
    """Usage of the running period that only Odoo has. ``customers``: external ids of a cohort. Reads only."""
    usage = read_open_usage(odoo, snapshot, customers)
    if not usage.transactions:
        return ()
    if isinstance(events, EventSource):
        return _in_excess(odoo, snapshot, events, usage)
    with EventSource.from_parquet(events) as source:
        return _in_excess(odoo, snapshot, source, usage)


def _in_excess(odoo: Door, snapshot: Snapshot, events: EventSource, usage: OpenUsage) -> tuple[Extra, ...]:
    missing = missing_in_lago(events, usage.transactions)
    unknown = unknown_to_lago(events, missing, own_names(odoo, USAGE, missing)) if missing else {}
    return rate_surplus(snapshot, events, tuple(read_surplus(odoo, snapshot, usage.orders, unknown)))


def _last_day(settings: Settings) -> date:
    """Where those stand that have no day of their own: at the end of the month, or on the day of the run."""
    if settings.period == ALL:
        return settings.compared_at.date()
    year, month = (int(part) for part in settings.period.split("-"))
    return date(year, month, monthrange(year, month)[1])


def _read_records(
    snapshot: Snapshot, events: Path | EventSource | None, odoo: Door | None, to_explain: Sequence[ComparedInvoice]
) -> tuple[Worlds | None, Held | None]:
    """What invoices that differ are held against: their customers' worlds, and what Odoo holds of their orders.

    All of it is read here, once: first the usage on both sides, then where Odoo has what its orders lack of Lago's, and
    whose in Lago that is which they have in excess.
    """
    if events is None or odoo is None or not to_explain:
        return None, None
    subscriptions = {billing.subscription for invoice in to_explain for billing in invoice.base.billings}
    owners = {s.lago_customer_id for s in snapshot.subscriptions if s.lago_id in subscriptions}
    metrics = {metric.lago_id for metric in snapshot.billable_metrics}
    worlds, held = worlds_of(snapshot, events, owners), held_by(odoo, sorted(subscriptions), metrics)
    asked = usage_to_find(held, worlds)
    held = with_whereabouts(odoo, held, asked.lacking)
    names = names_of_usage(odoo, asked.surplus)
    transactions = {number: name for records in asked.surplus.values() for number, name in records.items()}
    lagos = owners_of(events, {name: transactions[number] for number, name in names.items()})
    return worlds, with_owners(held, asked.surplus, names, lagos)


def _rerate_late(
    late: Rerate, lago: Sequence[BilledInvoice], to_explain: Sequence[ComparedInvoice]
) -> Mapping[str, BilledInvoice]:
    """Invoices of which a line differs, as they would be if no event had come too late."""
    asked = {invoice.base.lago_id for invoice in to_explain if invoice.differs_in_lines}
    invoices = [invoice for invoice in lago if invoice.lago_id in asked]
    return late(invoices) if invoices else {}


def _lapse_view(lapse: Lapse) -> LapseView:
    return LapseView(
        kind=lapse.kind,
        customer=lapse.customer,
        customer_name=lapse.customer_name,
        subscription=lapse.subscription,
        begins=lapse.window.start,
        ends=lapse.window.end,
        day=lapse.day,
        currency=lapse.currency,
        cents=lapse.cents,
        events=lapse.events,
        invoices=lapse.invoices,
    )


def run_view(snapshot: Snapshot, settings: Settings, *, is_control: bool) -> RunView:
    """The conditions of the run, for the report's head."""
    return RunView(
        period=settings.period,
        organization=snapshot.organization.name,
        pair=(LAGO, RERATE) if is_control else (LAGO, ODOO),
        lago_version=snapshot.lago_version,
        odoo_version=settings.odoo_version,
        tool_version=settings.tool_version,
        snapshot_taken_at=snapshot.taken_at,
        compared_at=settings.compared_at,
        tolerance_cents=settings.tolerance_cents,
        materiality_cents=settings.materiality_cents,
        cohort=settings.cohort,
    )
