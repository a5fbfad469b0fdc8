"""``rollback``: undo exactly what apply did."""

from __future__ import annotations

from dataclasses import asdict

from mappings.target import Phase
from migrate.commands.context import Context, Outcome
from migrate.commands.migration import cohort_of
from migrate.extract import load_snapshot
from migrate.ledger import Ledger
from migrate.odoo.discover import company_id
from migrate.phases import EVERYONE, chosen
from migrate.rollback import SHADOW_JOURNAL, RolledBack, remove_shadow_invoices, rollback


def run(context: Context, *, phase: str | None, cohort: str | None, shadow_invoices: bool) -> Outcome:
    """Undo the phases, last first; or only remove the shadow invoices that reconcile kept."""
    with context.store() as store, store.lock(), context.odoo() as odoo:
        if shadow_invoices:
            done = remove_shadow_invoices(odoo, company_id(odoo), SHADOW_JOURNAL)
        else:
            done = rollback(
                odoo,
                Ledger(store),
                company_id=company_id(odoo),
                phases=chosen(Phase(phase) if phase else None),
                cohort=cohort_of(context, load_snapshot(store), cohort) if cohort else EVERYONE,
                progress=context.talk.progress,
            )
    done.raise_if_failed()
    return Outcome(asdict(done), render(done))


def render(done: RolledBack) -> str:
    """What was undone, and what could only be deactivated."""
    if not (done.deleted or done.restored or done.archived):
        return "nothing to undo"
    lines = [f"{done.deleted:,} records deleted, {done.restored:,} restored, {len(done.archived):,} deactivated"]
    lines += [f"deactivated, because Odoo does not let it go: {name}" for name in done.archived[:20]]
    if len(done.archived) > 20:
        lines.append(f"and {len(done.archived) - 20:,} more")
    return "\n".join(lines)
