"""``apply``: the changes of preview, written."""

from __future__ import annotations

from pathlib import Path

from mappings.target import Phase, Skipped
from migrate.apply import Applied, apply
from migrate.changes import ChangeSet
from migrate.commands import show
from migrate.commands.context import Context, Outcome
from migrate.commands.doctor import needs
from migrate.commands.migration import Migration, open_migration
from migrate.errors import Blocked, ConfigError
from migrate.ledger import Ledger
from migrate.phases import chosen
from migrate.preflight import preflight, raise_on_errors


def run(context: Context, *, phase: str | None, cohort: str | None, changes: Path | None) -> Outcome:
    """Write the changes; nothing is written while records are skipped for a reason that nobody waived."""
    saved = _saved(changes)
    if saved is not None:
        phase, cohort = _scope(saved, phase, cohort)
    with context.store() as store, store.lock(), context.odoo() as odoo:
        migration = open_migration(context, store, odoo, cohort)
        phases = chosen(Phase(phase) if phase else None)
        _require_waived(context, migration, phases)
        raise_on_errors(preflight(odoo, migration.target, needs(migration)))
        applied = apply(
            odoo,
            Ledger(store),
            migration.mapped,
            target=migration.target,
            phases=phases,
            cohort=migration.cohort,
            snapshot=migration.digest,
            saved=saved,
            progress=context.talk.progress,
        )
    return Outcome(_data(applied), _text(applied, context), error=applied.error)


def _saved(path: Path | None) -> ChangeSet | None:
    if path is None:
        return None
    try:
        return ChangeSet.from_json(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the saved preview cannot be read: {error}") from None


def _scope(saved: ChangeSet, phase: str | None, cohort: str | None) -> tuple[str | None, str | None]:
    """Phase and cohort as given, else those of the saved preview; others than its own are refused by ``apply``."""
    own = saved.scope.phases[0].value if len(saved.scope.phases) == 1 else None
    return phase or own, cohort or saved.scope.cohort or None


def _require_waived(context: Context, migration: Migration, phases: tuple[Phase, ...]) -> None:
    """Before the first write: what cannot be expressed must have been accepted by name."""
    skipped = (item for item in migration.mapped if isinstance(item, Skipped))
    ours = (item for item in skipped if item.phase in phases and migration.cohort.takes(item.customer))
    reasons = show.open_reasons(ours, context.config.waive.skipped)
    if reasons:
        raise Blocked(show.remedy(reasons))


def _data(applied: Applied) -> dict[str, object]:
    return {
        "counts": applied.changes.counts(),
        "written": applied.written,
        "calls": applied.calls,
        "seconds": round(applied.seconds, 3),
        "altered": applied.altered,
        "leftovers": applied.leftovers,
        "failures": [str(failure) for failure in applied.failures],
        "conflicts": [change.source for change in applied.conflicts],
        "blocked": applied.blocked,
    }


def _text(applied: Applied, context: Context) -> str:
    lines = [show.counts(applied.changes.counts()), ""]
    lines += [*show.skipped(applied.changes, context.config.waive.skipped)]
    lines += [*(f"kept in Odoo's own form: {text}" for text in applied.altered), *applied.leftovers]
    records = sum(sum(row.values()) for row in applied.written.values())
    if not records and not applied.calls:
        return "\n".join([*lines, "nothing to do"])
    lines.append(f"{records:,} records written in {applied.calls:,} calls, {applied.seconds:.1f} s")
    lines.append("next: lago2odoo reconcile --period MONTH")
    return "\n".join(lines)
