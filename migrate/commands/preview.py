"""``preview``: what apply would do, without doing it."""

from __future__ import annotations

import json
from pathlib import Path

from mappings.target import Phase
from migrate.apply import preview
from migrate.changes import ChangeSet
from migrate.commands import show
from migrate.commands.context import Context, Outcome
from migrate.commands.files import write_whole
from migrate.commands.migration import Migration, open_migration
from migrate.ledger import Ledger
from migrate.phases import chosen


def run(context: Context, *, phase: str | None, cohort: str | None, out: Path | None) -> Outcome:
    """Work the changes out, save them if asked to. Exit code 2 while there is something to do."""
    with context.store() as store, context.odoo() as odoo:
        migration = open_migration(context, store, odoo, cohort)
        changes = preview(
            odoo,
            Ledger(store),
            migration.mapped,
            target=migration.target,
            phases=chosen(Phase(phase) if phase else None),
            cohort=migration.cohort,
            snapshot=migration.digest,
            progress=context.talk.progress,
        )
    if out is not None:
        write_whole(out, lambda path: path.write_text(changes.to_json(), encoding="utf-8"), "preview")
    return Outcome(_data(changes, migration), _text(changes, migration, context, out), _code(changes, context))


def _code(changes: ChangeSet, context: Context) -> int:
    if show.open_reasons(changes, context.config.waive.skipped):
        return 1
    return 2 if changes.pending else 0


def _data(changes: ChangeSet, migration: Migration) -> dict[str, object]:
    document = json.loads(changes.to_json())
    rows = [{name: getattr(row, name) for name in row.__slots__} for row in migration.coverage()]
    return {"counts": changes.counts(), "coverage": rows, **document}


def _text(changes: ChangeSet, migration: Migration, context: Context, out: Path | None) -> str:
    waived = context.config.waive.skipped
    reasons = show.open_reasons(changes, waived)
    lines = [show.matrix(migration.coverage()), "", show.counts(changes.counts()), ""]
    lines += [*show.details(changes), *show.skipped(changes, waived)]
    if out is not None:
        lines.append(f"saved to {out}: apply exactly this with 'lago2odoo apply --changes {out}'")
    if reasons:
        lines.append(show.remedy(reasons))
    elif changes.pending:
        lines.append("changes are pending; next: lago2odoo apply")
    else:
        lines.append("nothing to do")
    return "\n".join(lines)
