"""``rollback``: undo exactly what apply did; ``--dry-run`` only says what that would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click

from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.migration import cohort_of
from lago2odoo.cli.options import any_phase_option, cohort_option, config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.target import Phase
from migrate.lago.snapshot import load_snapshot
from migrate.odoo.door import Door
from migrate.phases import EVERYONE, ORDER, Cohort, chosen
from migrate.rollback import foresee, rollback
from migrate.rolled_back import Foreseen, RolledBack
from migrate.shadow_invoices import remove_shadow_invoices, shadow_invoices
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reports.columns import table

SHOWN = 20


@click.command("rollback")
@config_option
@format_option
@any_phase_option
@cohort_option
@click.option("--shadow-invoices", "shadow", is_flag=True, help="Only remove the shadow invoices that reconcile kept.")
@click.option("--dry-run", is_flag=True, help="Only show what would be undone; exit code 2 if there is anything.")
def command(config: Path, form: str, phase: str | None, cohort: str | None, shadow: bool, dry_run: bool) -> int:
    """Undo exactly what apply did, in reverse order. Refuses what someone else changed since."""
    with open_context(config) as context, context.store() as store, context.odoo() as odoo:
        phases, members = chosen(Phase(phase) if phase else None, ORDER), _cohort(context, store, cohort)
        work = _shadow_work(context, odoo) if shadow else _applied_work(context, store, odoo, phases, members)
        outcome = _foresee(work) if dry_run else _undo(work, store)
    return emit(outcome, form)


@dataclass(frozen=True, slots=True)
class Work:
    """What a rollback is about: told beforehand, or undone."""

    foresee: Callable[[], Foreseen]
    undo: Callable[[], RolledBack]


def _shadow_work(context: CommandContext, odoo: Door) -> Work:
    """The shadow invoices that reconcile kept, and nothing else."""
    return Work(
        foresee=partial(shadow_invoices, odoo),
        undo=partial(remove_shadow_invoices, odoo, progress=context.talk.progress),
    )


def _applied_work(context: CommandContext, store: Store, odoo: Door, phases: tuple[Phase, ...], cohort: Cohort) -> Work:
    """What apply did in these phases, last first."""
    ledger, progress = Ledger(store), context.talk.progress
    return Work(
        foresee=partial(foresee, odoo, ledger, phases=phases, cohort=cohort, progress=progress),
        undo=partial(rollback, odoo, ledger, phases=phases, cohort=cohort, progress=progress),
    )


def _cohort(context: CommandContext, store: Store, name: str | None) -> Cohort:
    return cohort_of(context, load_snapshot(store), name) if name else EVERYONE


def _undo(work: Work, store: Store) -> CommandOutcome:
    with store.lock():
        done = work.undo()
    return CommandOutcome(asdict(done), render(done), error=done.error)


def _foresee(work: Work) -> CommandOutcome:
    """Exit code 2 while there is something to undo."""
    foreseen = work.foresee()
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
    yield from _some(f"left alone: {text}" for text in foreseen.kept)
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
    lines += _some(f"left alone: {name}" for name in done.kept)
    return "\n".join(lines)
