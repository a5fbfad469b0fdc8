"""The second straight line: three sides of a period -> compare -> explain -> report data. Two calls, no IO in either.

``compare_sides`` says what differs. What is known of that is read in between (``dual_run``), and only of that; then
``reconcile`` explains it. All of it is values but one: invoices are re-rated in worlds that are a little different
(``WhatIf``), from usage that has been read, by a DuckDB in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reconcile.billed import Side
from reconcile.causes.doubled import doubled_claims, with_doubled
from reconcile.causes.extras import explain_extra
from reconcile.causes.knowledge import Grounds
from reconcile.causes.observed import Suspect
from reconcile.causes.periods import Findings, with_givers, with_periods, with_refused_givers
from reconcile.causes.proving import classify, unexplained
from reconcile.causes.rules import CAUSES
from reconcile.compare import waivers
from reconcile.compare.positions import ComparedInvoice, Key, compare
from reconcile.compare.views import view
from reconcile.compare.waivers import Waiver
from reconcile.rating.unforeseen import OF_DATA, REASON, unforeseen
from reconcile.rerate.other_periods import PeriodRefusals
from reconcile.sides.extras import Extra
from reports.data import (
    LAGO,
    ODOO,
    RERATE,
    CreditsView,
    Evidence,
    Finding,
    InvoiceView,
    LapseView,
    ReceivableView,
    ReportData,
    RunView,
    SideName,
)
from reports.registers import check_registers
from reports.tallies import check_ties

GroundsOf = Callable[[ComparedInvoice], Grounds]  # what an invoice that differs is explained on: computed, not read


def compare_sides(lago: Side, odoo: Side | None, rerate: Side, run: RunView) -> tuple[ComparedInvoice, ...]:
    """All invoices of all sides, position by position. Without ``odoo``: Lago against the re-rate alone."""
    of_odoo: dict[SideName, Side] = {} if odoo is None else {ODOO: odoo}
    sides: dict[SideName, Side] = {LAGO: lago, **of_odoo, RERATE: rerate}
    return compare(sides, pair=run.pair, tolerance_cents=run.tolerance_cents)


def differing(
    compared: Sequence[ComparedInvoice], extras: Sequence[Extra], periods: Mapping[str, PeriodRefusals] | None = None
) -> list[ComparedInvoice]:
    """Those of which knowledge is needed: of amounts, or of ``periods``. Why only Odoo has one is known with it."""
    only_odoos, others = {extra.record for extra in extras}, periods or {}
    asked = (invoice for invoice in compared if invoice.differs or invoice.base.lago_id in others)
    return [invoice for invoice in asked if invoice.base.lago_id not in only_odoos]


def reconcile(
    compared: Sequence[ComparedInvoice],
    knowledge: GroundsOf,
    run: RunView,
    *,
    services: Mapping[str, str],
    lapses: Sequence[LapseView] = (),
    extras: Sequence[Extra] = (),
    periods: Mapping[str, PeriodRefusals] | None = None,
    receivables: Sequence[ReceivableView] = (),
    credits: Sequence[CreditsView] = (),
    waived: Sequence[Waiver] = (),
) -> ReportData:
    """The report of a period, of what was ``compared``; ``knowledge`` is asked for those that are ``differing``.

    ``run``: the conditions, among them the pair that is compared and the tolerance. ``services``: subscription -> name.
    ``lapses``: what Lago billed twice, or never; ``extras``: what only Odoo has, which is on Odoo's side already;
    ``periods``: invoice -> where Odoo bills another period than Lago, refused unless a proven cause explains it;
    ``receivables``: what Lago is owed against Odoo's accounts; ``credits``: prepaid credits that wait for a quarantine.
    Raises TieOutBroken if the report contradicts itself.
    """
    extra_of = {extra.record: extra for extra in extras}
    others_of, doubled = periods or {}, doubled_claims(lapses)

    named = [
        _explained(i, knowledge, extra_of.get(i.base.lago_id), others_of.get(i.base.lago_id, {})) for i in compared
    ]

    def shown(invoice: ComparedInvoice, causes: Findings) -> InvoiceView:
        others = others_of.get(invoice.base.lago_id, {})
        causes = with_doubled(causes, doubled.get(invoice.base.number, ()))
        told, causes = with_periods(invoice, causes, others, run.tolerance_cents)
        if others:
            causes = with_refused_givers(told, causes, others, _givers(invoice, knowledge))
        return view(told, causes, services, run.tolerance_cents)

    unwaived = ReportData(
        run=run,
        invoices=tuple(shown(invoice, causes) for invoice, causes in zip(compared, named, strict=True)),
        lapses=tuple(lapses),
        receivables=tuple(receivables),
        credits=tuple(credits),
    )
    data = waivers.apply(unwaived, waived, run.compared_at.date())
    check_ties(data)
    check_registers(data)
    return data


def _givers(invoice: ComparedInvoice, knowledge: GroundsOf) -> Mapping[str, Sequence[Suspect]]:
    """Records of its orders that give just the periods that Odoo bills."""
    try:
        orders = knowledge(invoice).known.orders
    except OF_DATA:  # what its data does not give is told where its amounts are explained
        return {}
    return orders.givers if orders else {}


def _explained(
    invoice: ComparedInvoice, knowledge: GroundsOf, extra: Extra | None, others: PeriodRefusals
) -> Mapping[Key, tuple[Finding, ...]]:
    """Causes of one invoice; nothing is computed for one that agrees, or that only Odoo has (``extra``)."""
    if extra is not None:
        return explain_extra(extra, invoice)
    if not invoice.differs:
        return {}
    try:
        grounds = knowledge(invoice)
        orders = grounds.known.orders
        return with_givers(invoice, classify(invoice, CAUSES, grounds), others, orders.givers if orders else {})
    except OF_DATA as error:
        return unexplained(invoice, Evidence(name=REASON, values={"why": unforeseen(error).detail}))
