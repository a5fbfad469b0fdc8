"""``rollback``: undo exactly what apply did; ``--dry-run`` only says what that would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from mappings.target import Phase
from migrate.commands.context import Context, Outcome
from migrate.commands.migration import cohort_of
from migrate.extract import load_snapshot
from migrate.ledger import Ledger
from migrate.odoo.discover import company_id
from migrate.odoo.protocol import Odoo
from migrate.phases import EVERYONE, Cohort, chosen
from migrate.rollback import Foreseen, RolledBack, foresee, remove_shadow_invoices, rollback, shadow_invoices
from migrate.store import Store
from reports.text import table

SHOWN = 20


def run(context: Context, *, phase: str | None, cohort: str | None, shadow: bool, dry_run: bool) -> Outcome:
    """Undo the phases, last first; or only remove the shadow invoices that reconcile kept."""
    phases = chosen(Phase(phase) if phase else None)
    with context.store() as store, context.odoo() as odoo:
        who = _cohort(context, store, cohort)
        if dry_run:
            return _foreseen(_look(context, store, odoo, phases, who, shadow))
        with store.lock():
            if shadow:
                done = remove_shadow_invoices(odoo, company_id(odoo), progress=context.talk.progress)
            else:
                company, progress = company_id(odoo), context.talk.progress
                done = rollback(odoo, Ledger(store), company_id=company, phases=phases, cohort=who, progress=progress)
    return Outcome(asdict(done), render(done), error=done.error)


def _cohort(context: Context, store: Store, name: str | None) -> Cohort:
    return cohort_of(context, load_snapshot(store), name) if name else EVERYONE


def _look(
    context: Context, store: Store, odoo: Odoo, phases: tuple[Phase, ...], cohort: Cohort, shadow: bool
) -> Foreseen:
    if shadow:
        return shadow_invoices(odoo, company_id(odoo))
    company, progress = company_id(odoo), context.talk.progress
    return foresee(odoo, Ledger(store), company_id=company, phases=phases, cohort=cohort, progress=progress)


def _foreseen(found: Foreseen) -> Outcome:
    """Exit code 2 while there is something to undo."""
    return Outcome(asdict(found), "\n".join(_plan(found)), 2 if found.pending else 0)


def _plan(found: Foreseen) -> Iterator[str]:
    if not found.pending:
        yield "nothing to undo"
        return
    deleted, restored = (Counter(p.model for p in some) for some in (found.delete, found.restore))
    rows = [(m, f"{deleted[m]:,}", f"{restored[m]:,}") for m in dict.fromkeys([*deleted, *restored])]
    if rows:
        yield table(("model", "to delete", "to restore"), rows)
    yield from _some(f"restore {p.source} ({p.model}): {', '.join(p.fields)}" for p in found.restore)
    yield from _some(f"left alone, changed in Odoo since: {text}" for text in found.changed_since)
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
    return "\n".join(lines)
