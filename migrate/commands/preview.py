"""``preview``: what apply would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mappings.coverage import CoverageRow
from mappings.target import Phase
from migrate.apply import preview
from migrate.changes import ChangeSet
from migrate.commands import show
from migrate.commands.context import Context, Outcome
from migrate.commands.files import write_whole
from migrate.commands.migration import open_migration
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
    waived = context.config.waive.skipped
    reasons = show.open_reasons((c.skipped for c in changes.changes if c.skipped), waived)
    rows = migration.coverage()
    lines = [show.matrix(rows), "", *_lines(changes, waived), "", *_next(changes, reasons, out)]
    code = 1 if reasons else 2 if changes.pending else 0
    return Outcome(lambda: _data(changes, rows), "\n".join(lines), code)


def _data(changes: ChangeSet, rows: Sequence[CoverageRow]) -> dict[str, object]:
    document = json.loads(changes.to_json())
    coverage = [{name: getattr(row, name) for name in row.__slots__} for row in rows]
    return {"counts": changes.counts(), "coverage": coverage, **document}


def _lines(changes: ChangeSet, waived: Sequence[str]) -> Iterator[str]:
    """What is done, what that means field by field, and what is left out: each apart, if there is any."""
    parts = [[show.counts(changes.counts())], [*show.details(changes)], [*show.skipped(changes, waived)]]
    yield "\n\n".join("\n".join(part) for part in parts if part)


def _next(changes: ChangeSet, reasons: Mapping[str, int], out: Path | None) -> Iterator[str]:
    if out is not None:
        yield f"saved to {out}: apply exactly this with 'lago2odoo apply --changes {out}'"
    if reasons:
        yield show.remedy(reasons)
    elif changes.pending:
        yield "changes are pending; next: lago2odoo apply"
    else:
        yield "nothing to do"
