"""``rollback``: undo exactly what apply did; ``--dry-run`` only says what that would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.migration import cohort_of
from lago2odoo.cli.options import cohort_option, config_option, format_option, phase_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.target import Phase
from migrate.lago.snapshot import load_snapshot
from migrate.odoo.door import Door
from migrate.phases import EVERYONE, Cohort, chosen
from migrate.rollback import Foreseen, RolledBack, foresee, rollback
from migrate.shadow_invoices import remove_shadow_invoices, shadow_invoices
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reports.columns import table

SHOWN = 20


@click.command("rollback")
@config_option
@format_option
@phase_option
@cohort_option
@click.option("--shadow-invoices", "shadow", is_flag=True, help="Only remove the shadow invoices that reconcile kept.")
@click.option("--dry-run", is_flag=True, help="Only show what would be undone; exit code 2 if there is anything.")
def command(config: Path, form: str, phase: str | None, cohort: str | None, shadow: bool, dry_run: bool) -> int:
    """Undo exactly what apply did, in reverse order. Refuses what someone else changed since."""
    with open_context(config) as context, context.store() as store, context.odoo() as odoo:
        phases, members = chosen(Phase(phase) if phase else None), _cohort(context, store, cohort)
        undo = _foresee if dry_run else _undo
        outcome = undo(context, store, odoo, phases, members, shadow)
    return emit(outcome, form)


def _undo(
    context: CommandContext, store: Store, odoo: Door, phases: tuple[Phase, ...], cohort: Cohort, shadow: bool
) -> CommandOutcome:
    """Undo the phases, last first; or only remove the shadow invoices that reconcile kept."""
    with store.lock():
        if shadow:
            done = remove_shadow_invoices(odoo, progress=context.talk.progress)
        else:
            done = rollback(odoo, Ledger(store), phases=phases, cohort=cohort, progress=context.talk.progress)
    return CommandOutcome(asdict(done), render(done), error=done.error)


def _cohort(context: CommandContext, store: Store, name: str | None) -> Cohort:
    return cohort_of(context, load_snapshot(store), name) if name else EVERYONE


def _foresee(
    context: CommandContext, store: Store, odoo: Door, phases: tuple[Phase, ...], cohort: Cohort, shadow: bool
) -> CommandOutcome:
    """Exit code 2 while there is something to undo."""
    if shadow:
        foreseen = shadow_invoices(odoo)
    else:
        foreseen = foresee(odoo, Ledger(store), phases=phases, cohort=cohort, progress=context.talk.progress)
    return CommandOutcome(asdict(foreseen), "\n".join(_plan(foreseen)), 2 if foreseen.pending else 0)


def _plan(foreseen: Foreseen) -> Iterator[str]:
    if not foreseen.pending:
        yield "nothing to undo"
        return
    deleted, restored = (Counter(p.model for p in some) for some in (foreseen.delete, foreseen.restore))
    rows = [(m, f"{deleted[m]:,}", f"{restored[m]:,}") for m in dict.fromkeys([*deleted, *restored])]
    if rows:
        yield table(("model", "to delete", "to restore"), rows)
    yield from _some(f"restore {p.source} ({p.model}): {', '.join(p.fields)}" for p in foreseen.restore)
    yield from _some(f"left alone, changed in Odoo since: {text}" for text in foreseen.changed_since)
    yield from _some(f"left alone: {text}" for text in foreseen.unknown)
    yield "nothing was written; 'lago2odoo rollback' without --dry-run does it"


def _some(lines: Iterator[str]) -> Iterator[str]:
    every = list(lines)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield f"and {len(every) - SHOWN:,} more: --format json shows all"


def render(done: RolledBack) -> str:
    """What was undone, what could only be deactivated, and what still stands."""
    if not (done.deleted or done.restored or done.archived or not done.ok):
        return "nothing to undo"
    lines = [f"{done.deleted:,} records deleted, {done.restored:,} restored, {len(done.archived):,} deactivated"]
    lines += _some(f"deactivated, because Odoo does not let it go: {name}" for name in done.archived)
    lines += _some(f"left alone, changed in Odoo since: {name}" for name in done.changed_since)
    lines += _some(f"refused: {name}" for name in done.refused)
    lines += _some(f"left alone: {name}" for name in done.unknown)
    return "\n".join(lines)
