"""The second straight line: period -> (Lago facts, Odoo facts, re-rate) -> compare -> classify -> report data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from mappings.explain import Step
from mappings.records import Snapshot
from migrate.odoo.protocol import Odoo
from reconcile import facts, waivers
from reconcile.causes import CAUSES
from reconcile.classify import classify
from reconcile.compare import Compared, ComparedInvoice, Key, Side, compare
from reconcile.held import Held
from reconcile.held import read as held_by
from reconcile.hints import Known
from reconcile.lines import BilledInvoice, BilledLine, LineKey
from reconcile.usage import EventSource
from reconcile.verdict import Verdict, control_verdict, verdict
from reconcile.waivers import Waiver
from reconcile.whatif import Bill, Change, Recompute, recompute
from reconcile.world import Worlds
from reports.data import (
    Finding,
    InvoiceView,
    Position,
    RefusalView,
    ReportData,
    RunView,
    SideView,
    check_ties,
)

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
    shadow: facts.Shadow | None = None
    waivers: tuple[Waiver, ...] = ()


def reconcile(
    snapshot: Snapshot,
    settings: Settings,
    *,
    odoo: Odoo | None,
    rerate: Rerate,
    late: Rerate | None = None,
    unmapped: Mapping[str, str] | None = None,
    events: Path | EventSource | None = None,
    progress: facts.Progress = lambda what, done, total: None,
) -> ReportData:
    """Reconcile a period. Without ``odoo`` it is a control run: Lago against the re-rate alone.

    ``rerate`` is the third vote. To explain differences: ``late`` re-rates with events that arrived too late,
    ``unmapped`` tells what the migration left out (Lago id -> reason), and with ``events`` (the folder of the usage)
    Odoo's own records are read and invoices re-rated under what differs in them. Reads only, except for the shadow
    drafts that ``settings.shadow`` asks for.
    """
    lago = facts.lago_invoices(snapshot, settings.period, settings.customers)
    sides: dict[str, Side] = {"lago": {i.lago_id: i for i in lago}}
    if odoo is not None:
        sides["odoo"] = facts.odoo_invoices(
            odoo,
            lago,
            tax_codes=settings.tax_codes,
            shadow=settings.shadow,
            statuses={s.lago_id: s.status for s in snapshot.subscriptions} if events else None,
            unmapped=unmapped,
            aliases=facts.aliases(snapshot),
            progress=progress,
        )
    sides["rerate"] = rerate(lago)
    if odoo is not None and events is not None:
        sides = facts.with_balances(odoo, snapshot, sides)
    lines = {i: [line for side in sides.values() if i in side for line in side[i].lines] for i in sides["lago"]}
    bills = facts.bills(snapshot, sides["lago"], lines)
    compared = compare(sides, pair=_pair(odoo), tolerance_cents=settings.tolerance_cents)
    worlds, held = _worlds(snapshot, events, odoo, compared)
    known = Known(
        snapshot,
        late=(lambda: late(lago)) if late else dict,
        unmapped=unmapped,
        worlds=worlds,
        held=held,
        tax_codes=settings.tax_codes,
    )
    deeper = worlds.rerate if worlds else None
    names = facts.services(snapshot, settings.services)
    views = tuple(
        view(invoice, findings(invoice, bills, known, deeper), names, settings.tolerance_cents) for invoice in compared
    )
    data = ReportData(run=run_view(snapshot, settings, _pair(odoo)), invoices=views)
    data = waivers.apply(data, settings.waivers, settings.compared_at.date())
    check_ties(data)
    return data


def _worlds(
    snapshot: Snapshot, events: Path | EventSource | None, odoo: Odoo | None, compared: Sequence[ComparedInvoice]
) -> tuple[Worlds | None, Held | None]:
    """What invoices that differ are held against: their customers' worlds, and what Odoo holds of their orders."""
    differing = [i for i in compared if any(p.delta_cents for p in i.positions)]
    if events is None or odoo is None or not differing:
        return None, None
    subscriptions = {b.subscription for i in differing for b in i.base.facts.get("billings", ())}
    owners = {s.lago_customer_id for s in snapshot.subscriptions if s.lago_id in subscriptions}
    return Worlds(snapshot, events, owners), held_by(odoo, sorted(subscriptions))


def _pair(odoo: Odoo | None) -> tuple[str, str]:
    return ("lago", "odoo") if odoo is not None else ("lago", "rerate")


def run_view(snapshot: Snapshot, settings: Settings, pair: tuple[str, str]) -> RunView:
    """The conditions of the run, for the report's head."""
    return RunView(
        period=settings.period,
        organization=snapshot.organization.name,
        pair=pair,
        lago_version=snapshot.lago_version,
        odoo_version=settings.odoo_version,
        tool_version=settings.tool_version,
        snapshot_taken_at=snapshot.taken_at,
        compared_at=settings.compared_at,
        tolerance_cents=settings.tolerance_cents,
        materiality_cents=settings.materiality_cents,
        cohort=settings.cohort,
    )


def findings(
    invoice: ComparedInvoice,
    bills: Mapping[str, Bill],
    hints: Callable[[ComparedInvoice], Mapping[LineKey, Mapping[str, object]]],
    deeper: Recompute | None = None,
) -> dict[Key, tuple[Finding, ...]]:
    """Causes of one invoice; nothing is computed for one that agrees."""
    if not any(p.delta_cents for p in invoice.positions):
        return {}
    bill = bills.get(invoice.base.lago_id, Bill())

    def again(baseline: BilledInvoice, changes: tuple[Change, ...]) -> BilledInvoice | None:
        supposed = tuple(change for change in changes if change.name == "suppose")
        rest = tuple(change for change in changes if change.name != "suppose")
        if not supposed:
            return recompute(bill, baseline, rest)
        found = deeper(baseline, supposed) if deeper else None
        return recompute(found.facts["bill"], found, rest) if found and rest else found

    return classify(invoice, CAUSES, again, bill=bill, hints=hints(invoice))


# --- views -------------------------------------------------------------------------------------------------------


def view(
    invoice: ComparedInvoice,
    found: Mapping[Key, tuple[Finding, ...]],
    services: Mapping[str, str],
    tolerance_cents: int = 0,
) -> InvoiceView:
    """A compared invoice as report data."""
    base = invoice.base
    names = {p.key: position_id(base.lago_id, p.key) for p in invoice.positions}
    return InvoiceView(
        id=base.lago_id,
        number=base.number,
        customer=base.customer,
        customer_name=str(base.facts.get("customer_name") or base.customer),
        currency=base.currency,
        month=base.issued_on.strftime("%Y-%m"),
        issued_on=base.issued_on,
        type=str(base.facts.get("type") or ""),
        state=str(base.facts.get("state") or ""),
        positions=tuple(
            _position_view(p, invoice, found.get(p.key, ()), names, services, tolerance_cents)
            for p in invoice.positions
        ),
        refusals=tuple(
            RefusalView(side=name, reason=r.reason, detail=r.detail)
            for name, side in invoice.sides.items()
            for r in side.refusals
        ),
        notes=_notes(invoice),
    )


def _notes(invoice: ComparedInvoice) -> dict[str, str]:
    """What a person should know of an invoice that was not compared, or that was kept as a draft."""
    notes = {}
    for name, side in invoice.sides.items():
        if side.facts.get("outside"):
            notes[f"outside_{name}"] = str(side.facts["outside"])
        if side.facts.get("unnamed_taxes"):
            notes[f"unnamed_taxes_{name}"] = ", ".join(side.facts["unnamed_taxes"])
        if side.facts.get("moves"):
            notes[f"drafts_{name}"] = ", ".join(map(str, side.facts["moves"]))
    return notes


def position_id(invoice_id: str, key: Key) -> str:
    """A short name that stays the same from run to run."""
    return hashlib.sha256(f"{invoice_id}|{key!r}".encode()).hexdigest()[:12]


def _position_view(
    position: Compared,
    invoice: ComparedInvoice,
    found: tuple[Finding, ...],
    names: Mapping[Key, str],
    services: Mapping[str, str],
    tolerance_cents: int,
) -> Position:
    key = position.key
    line = isinstance(key, LineKey)
    return Position(
        id=names[key],
        kind=key.kind if isinstance(key, LineKey) else key.part,
        header=not line,
        label=_label(position, invoice),
        service=services.get(key.subscription, "") if isinstance(key, LineKey) else "",
        key=key_fields(key),
        status=position.status,
        shape=position.shape,
        delta_cents=position.delta_cents,
        verdict=_verdict(position, invoice.pair, tolerance_cents, found),
        sides={name: _side_view(position, name) for name in position.cents},
        findings=found,
        lookalikes=tuple(names[other] for other in position.lookalikes),
    )


def _verdict(position: Compared, pair: tuple[str, str], tolerance_cents: int, found: tuple[Finding, ...] = ()) -> str:
    """The reading of the votes; a proof that the re-rate followed a wrong record of Lago's overrules them."""
    if position.delta_cents and found and all(f.proven for f in found) and {f.side for f in found} == {"lago"}:
        return Verdict.LAGO
    lago, odoo, rerate = (position.cents.get(name) for name in ("lago", "odoo", "rerate"))
    if "odoo" not in pair:
        return control_verdict(lago, rerate, tolerance_cents)
    return verdict(lago, odoo, rerate, tolerance_cents)


def _label(position: Compared, invoice: ComparedInvoice) -> str:
    """Lago's name for the line, else the first other side's; a header part is named by its code."""
    for name in invoice.sides:
        for line in position.lines.get(name, ()):
            if line.label:
                return line.label
    return position.key.item if isinstance(position.key, LineKey) else position.key.code


def key_fields(key: Key) -> dict[str, str]:
    """The key as flat text, without its empty parts."""
    if not isinstance(key, LineKey):
        return {"part": key.part, **({"code": key.code} if key.code else {})}
    group = ", ".join(f"{name}={value}" for name, value in key.group)
    flat = {
        "subscription": key.subscription,
        "kind": key.kind,
        "item": key.item,
        "filter": key.filter,
        "group": group,
        "event": key.event,
    }
    return {name: value for name, value in flat.items() if value}


def _side_view(position: Compared, name: str) -> SideView:
    lines = position.lines.get(name, ())
    events = [line.events for line in lines]
    return SideView(
        cents=position.cents[name],
        lines=len(lines),
        units=_sum([line.units for line in lines]),
        events=sum(e for e in events if e is not None) if events and None not in events else None,
        precise_cents=_sum([line.precise_cents for line in lines]),
        source="; ".join(line.source for line in lines if line.source),
        steps=tuple(step for line in lines for step in _steps(line, len(lines))),
    )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    """Sum, if every line knows its part."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(values) else None


def _steps(line: BilledLine, lines: int) -> tuple[Step, ...]:
    """Where several lines are one position, each step says whose it is."""
    prefix = f"{line.label}: " if lines > 1 and line.label else ""
    return tuple(replace(step, label=prefix + step.label) for step in line.steps) if prefix else line.steps
