"""``status``: the snapshot, the phases, and what changed since it was applied, in Odoo and in Lago."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.cutover_status import cohort_lines, cohort_stages
from lago2odoo.cli.migration import check_events, open_unlisted
from lago2odoo.cli.moved_on import MovedOn, find_moved_on
from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.cli.still_open import StillOpen, is_waived, names_of, unfinished
from lago2odoo.cli.talk import some_names
from mappings.dependents import find_dependents
from mappings.lost import lost_invoices
from mappings.money import from_subunits, told_money
from mappings.records import Snapshot
from migrate.errors import ConfigError, OdooError
from migrate.lago.control_totals import SUMS, invoice_sums, lost_sums, unclaimed_sums, unread_credits, unread_sums
from migrate.lago.extract import counts, report
from migrate.preview import Drift, since_apply
from migrate.state.cutover_stages import stage_notes
from migrate.state.ledger import Ledger
from migrate.state.records import PhaseProgress
from migrate.state.store import Store
from reconcile.compare.waivers import Waiver
from reconcile.dual_run import usage_in_excess
from reconcile.sides.extras import Extra
from reconcile.sides.lago import billings
from reconcile.sides.migrated import balances_of
from reconcile.sides.odoo_extras import extras
from reports.columns import table

SHOWN = 20  # of a list, on a terminal


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What changed in Odoo since, what was posted there, what only Odoo has, and what Lago changed since.

    Or why that could not be asked.
    """

    found: tuple[Drift, ...] = ()
    booked: tuple[Drift, ...] = ()
    unwatched: Mapping[str, int] = field(default_factory=dict)  # as ``SinceApply.unwatched``
    extras: tuple[Extra, ...] = ()
    moved_on: MovedOn = field(default_factory=MovedOn)
    unknown: str = ""

    def changed(self, waived: Collection[str]) -> tuple[str, ...]:
        """What changed and nobody waived, as the configuration names it."""
        return tuple(name for record in self.found for name in names_of(record) if name not in waived)

    def alone(self, waivers: Sequence[Waiver]) -> tuple[Extra, ...]:
        """What only Odoo has and nobody waived."""
        return tuple(extra for extra in self.extras if not is_waived(extra, waivers))


@click.command("status")
@config_option
@format_option
def command(config: Path, form: str) -> int:
    """Show the snapshot, the phases, and what changed in Odoo, and in Lago, since it was applied."""
    with open_context(config) as context, context.store() as store:
        outcome = _outcome(context, store)
    return emit(outcome, form)


def _outcome(context: CommandContext, store: Store) -> CommandOutcome:
    """Everything the state knows, and a look at Odoo for drift.

    Exit code 1 while a record is in quarantine, or Odoo cannot be asked; else 2 while Odoo is not as it was left, or
    a phase is unfinished. What somebody waived by name counts for neither.
    """
    if store.latest() is None:
        return CommandOutcome({"snapshot": None}, "nothing is extracted yet; next: lago2odoo extract")
    snapshot, waive = context.snapshot(store), context.config.waive
    sums, unread = invoice_sums(snapshot.invoices), _quarantine(snapshot)
    check_events(context, store)
    ledger, waivers = Ledger(store), context.waivers()
    applied, phases = ledger.count(), ledger.phases()
    drift = look(context, ledger, snapshot) if applied else DriftReport()
    missing = lost_invoices(snapshot)
    if not drift.unknown:
        _note_unused(context, drift.found)
    still = StillOpen(
        quarantined=show.open_quarantine(snapshot.quarantined, waive.reasons),
        lost=show.open_lost(missing, waive.reasons),
        unlisted=open_unlisted(context, store, snapshot),
        drift=drift.changed(waive.drift),
        extras=drift.alone(waivers),
        phases=unfinished(phases),
        moved_on=drift.moved_on,
        unknown=drift.unknown,
    )
    registers = {"invoice_sums": sums, "unclaimed": unclaimed_sums(snapshot.invoices)}
    told = {"quarantined": unread, "lost": show.lost_data(missing)}
    registers["lost_sums"] = lost_sums(missing)
    registers |= {"unread": unread_sums(snapshot.quarantined), "unread_credits": unread_credits(snapshot)}
    applied_now = {"not_waived": still.counts(), **_applied(applied, phases, drift)}
    cohorts = tuple(cohort_stages(stage_notes(store).values()))
    data = {**_snapshot(store), **told, **registers, **applied_now, "cutover": [asdict(c) for c in cohorts]}
    waiting = show.unread_credits(registers["unread_credits"])
    lines = [*show.quarantine(snapshot.quarantined, find_dependents(snapshot)), *waiting]
    lines += [*show.lost(missing), *still.lines(), *cohort_lines(cohorts)]
    return CommandOutcome(data, "\n".join([render(data, sums, phases, drift), *lines]), still.exit_code, still.error)


def _note_unused(context: CommandContext, found: Sequence[Drift]) -> None:
    """Waived changes that are none in Odoo, or none any more."""
    changed = {name for record in found for name in names_of(record)}
    unused = [name for name in context.config.waive.drift if name not in changed]
    if unused:
        named = some_names(unused)
        context.talk.say(f"{context.config_file} [waive] drift: nothing is changed in Odoo as {named}: take it out")


def _quarantine(snapshot: Snapshot) -> list[dict[str, str]]:
    """What could not be read, all of it, with what depends on it; the raw text stays in the state."""
    dependents = find_dependents(snapshot)
    names = ("resource", "id", "label", "customer", "field", "reason")
    return [
        {
            **{name: getattr(q, name) for name in names},
            "problem": str(q.problem),
            "dependents": str(dependents.get((q.resource, q.id), "")),
        }
        for q in snapshot.quarantined
    ]


def look(context: CommandContext, ledger: Ledger, snapshot: Snapshot) -> DriftReport:
    """Ask Odoo; a server that cannot be asked leaves the rest of the status as it is."""
    try:
        with context.odoo() as odoo:
            billed = (billing for invoice in snapshot.invoices for billing in billings(invoice))
            lacking = extras(odoo, snapshot, billed, balances_of(odoo))
            alone = (*lacking, *usage_in_excess(odoo, snapshot, context.events))
            since = since_apply(odoo, ledger, context.talk.progress)
            ahead = find_moved_on(context, odoo, ledger, snapshot)
            return DriftReport(since.drift, since.booked, since.unwatched, alone, ahead)
    except (OdooError, ConfigError) as error:
        return DriftReport(unknown=str(error))


def _snapshot(store: Store) -> dict[str, Any]:
    extract = report(store)
    return {
        "snapshot": {
            "taken_at": extract.taken_at.isoformat(),
            "lago_version": extract.lago_version,
            "counts": counts(store),
            "unknown_fields": {name: list(paths) for name, paths in extract.unknown_fields.items()},
            "left_out": list(extract.left_out),
        }
    }


def _applied(applied: dict[str, int], phases: Sequence[PhaseProgress], drift: DriftReport) -> dict[str, Any]:
    return {
        "applied": applied,
        "phases": [{**asdict(phase), "phase": phase.phase.value} for phase in phases],
        "drift": [{**asdict(d), "diffs": [str(x.field) for x in d.diffs]} for d in drift.found],
        "booked": [{"source": d.source, "model": d.model, "xid": d.xid} for d in drift.booked],
        "drift_unknown": drift.unknown,
        "moved_on": [asdict(record) for record in drift.moved_on.ahead],
        "unwatched": dict(drift.unwatched),
        "only_odoo": [_extra(extra) for extra in drift.extras],
    }


def _extra(extra: Extra) -> dict[str, Any]:
    names = ("kind", "record", "name", "customer", "currency", "net_cents", "gross_cents")
    return {**{name: getattr(extra, name) for name in names}, "detail": str(extra.detail)}


def render(
    data: dict[str, Any], sums: Sequence[dict[str, Any]], phases: Sequence[PhaseProgress], drift: DriftReport
) -> str:
    """For people: counts, control totals, phases, drift."""
    snapshot = data["snapshot"]
    lines = [f"snapshot of {snapshot['taken_at']}, Lago {snapshot['lago_version']}", ""]
    lines.append(table(("resource", "records"), [(n, f"{c:,}") for n, c in snapshot["counts"].items() if c]))
    heads = (
        "month",
        "currency",
        "invoices",
        "fees",
        "coupons",
        "net",
        "taxes",
        "billed",
        "prepaid",
        "credit notes",
        "total",
        "paid",
    )
    rows = [
        (r["month"], r["currency"], str(r["invoices"]), *(f"{from_subunits(r[n], r['currency']):,}" for n in SUMS))
        for r in sums
    ]
    lines += ["", "finalized invoices", table(heads, rows), *_beside(data), *_tied(sums, data["lost_sums"]), ""]
    lines += [
        f"phase {p.phase.value}{f' of {p.cohort}' if p.cohort else ''}: "
        f"{'done' if p.finished else f'unfinished ({p.detail})'} {p.updated_at}"
        for p in phases
    ] or ["nothing is applied yet; next: lago2odoo preview"]
    lines += [*_drift_lines(drift), *_unwatched_lines(drift.unwatched), *_booked_lines(drift.booked)]
    lines += drift.moved_on.lines()
    return "\n".join([*lines, *_extra_lines(drift.extras)])


def _beside(data: dict[str, Any]) -> list[str]:
    """``in none of these sums: 2 draft (103.83 EUR), 1 of 2026-07 in quarantine (114.00 CAD)``, and what was lost."""
    told = [f"{r['invoices']:,} {r['state']} ({_money(r)})" for r in data["unclaimed"]]
    for name, where in (("unread", "in quarantine"), ("lost_sums", "lost")):
        told += [
            f"{r['invoices']:,}{' of ' if r['month'] else ''}{r['month']} {where} ({_money(r)})" for r in data[name]
        ]
    return [f"in none of these sums: {', '.join(told)}"] if told else []


def _tied(sums: Sequence[dict[str, Any]], lost: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What ``reconcile`` has as billed of a month of which something was lost: it counts that, too."""
    billed = {(r["month"], r["currency"]): r["sub_total_including_taxes_amount_cents"] for r in sums}
    for row in (row for row in lost if row["month"]):
        month, currency = row["month"], row["currency"]
        parts = (billed.get((month, currency), 0), row["billed_cents"])
        here, gone, both = (f"{from_subunits(cents, currency):,}" for cents in (*parts, sum(parts)))
        yield f"with what was lost, as reconcile counts it, of {month}: {here} + {gone} = {both} {currency} billed"


def _money(row: dict[str, Any]) -> str:
    return show.readable_money(row["billed_cents"], row["currency"])


def _extra_lines(extras: Sequence[Extra]) -> list[str]:
    """What only Odoo has, with what it bills each time."""
    if not extras:
        return []
    lines = [f"only in Odoo: {len(extras):,} that bill or change a bill, and that the snapshot has not"]
    for extra in extras[:SHOWN]:
        worth = "" if extra.gross_cents is None else f"{told_money(extra.gross_cents, extra.currency)}: "
        lines.append(f"    {extra.kind} {worth}{extra.detail}")
    return lines + [f"    and {len(extras) - SHOWN:,} more: --format json"] * (len(extras) > SHOWN)


def _booked_lines(booked: Sequence[Drift]) -> list[str]:
    """For information: their way goes on in Odoo."""
    if not booked:
        return []
    named = ", ".join(d.source for d in booked[:3]) + (", ..." if len(booked) > 3 else "")
    return [f"posted in Odoo since: {len(booked):,} open balances ({named}); no rollback touches them any more"]


def _unwatched_lines(unwatched: Mapping[str, int]) -> list[str]:
    """What an older release did not look at: a change in it, made since, is no drift that anybody could see."""
    if not unwatched:
        return []
    told = ", ".join(f"{name} ({number:,})" for name, number in unwatched.items())
    return [f"not watched until the next apply notes it, as an older version applied it: {told}"]


def _drift_lines(drift: DriftReport) -> list[str]:
    if drift.unknown:
        return [f"drift: not known: {drift.unknown}"]
    if not drift.found:
        return ["drift: none"]
    lines = [f"drift: {len(drift.found):,} applied records changed in Odoo since"]
    for d in drift.found[:SHOWN]:
        lines.append(f"    {d.source}: {'deleted' if d.deleted else ', '.join(x.field for x in d.diffs)}")
    return lines
