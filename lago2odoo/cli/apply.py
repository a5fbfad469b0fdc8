"""``apply``: the changes of preview, written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.migration import Migration, accept, open_migration
from lago2odoo.cli.options import cohort_option, config_option, format_option, phase_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.dependents import find_dependents
from mappings.target import Phase, Skipped
from mappings.text import NotTextError, decode_text
from migrate.apply import Applied, apply
from migrate.change_set.changes import ChangeSet
from migrate.change_set.saved import from_json, removal_to_json
from migrate.errors import Blocked, ConfigError
from migrate.lago.control_totals import unread_credits
from migrate.odoo.door import Door
from migrate.odoo.findings import raise_on_errors
from migrate.odoo.preflight import preflight
from migrate.phases import chosen
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reports.paths import whole_file


@click.command("apply")
@config_option
@format_option
@phase_option
@cohort_option
@click.option(
    "--changes",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Apply exactly this saved preview.",
)
@click.option(
    "--allow-removals",
    "allowed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Let up to N records go, usage or many of a kind, that Lago does not show any more.",
)
def command(config: Path, form: str, phase: str | None, cohort: str | None, file: Path | None, allowed: int) -> int:
    """Write the changes to Odoo, phase by phase. Safe to interrupt; a second run has nothing to do.

    What is left out costs itself: everything else is written, and the exit code is 1 until it is waived by name.
    """
    saved = _read_saved(file) if file else None
    phase, cohort = _scope(saved, phase, cohort) if saved else (phase, cohort)
    with open_context(config) as context, context.store() as store, store.lock(), context.odoo() as odoo:
        migration = open_migration(context, store, odoo, cohort)
        phases = chosen(Phase(phase) if phase else None)
        applied = _apply(context, store, odoo, migration, phases=phases, saved=saved, allow_removals=allowed)
    error = applied.error or _left_out(migration, phases)
    return emit(CommandOutcome(_data(applied, migration), _text(applied, migration), error=error), form)


def _apply(
    context: CommandContext,
    store: Store,
    odoo: Door,
    migration: Migration,
    *,
    phases: tuple[Phase, ...],
    saved: ChangeSet | None,
    allow_removals: int,
) -> Applied:
    """Nothing is written while Odoo lacks what everybody needs, or is not ready; else what is left out costs itself."""
    _require_server(migration, phases)
    raise_on_errors(accept(context, preflight(odoo, migration.target, migration.needs())))
    return apply(
        odoo,
        Ledger(store),
        migration.mapped,
        phases=phases,
        cohort=migration.cohort,
        snapshot_digest=migration.digest,
        saved=saved,
        keep_usage=migration.keep_usage,
        waived=migration.waived,
        allow_removals=allow_removals,
        progress=context.talk.progress,
    )


def _read_saved(path: Path) -> ChangeSet:
    try:
        return from_json(decode_text(whole_file(path)), str(path))
    except NotTextError as error:
        raise ConfigError(f"{path}: the saved preview cannot be read: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: the saved preview cannot be read: {error.strerror}") from None


def _scope(saved: ChangeSet, phase: str | None, cohort: str | None) -> tuple[str | None, str | None]:
    """Phase and cohort as given, else those of the saved preview; others than its own are refused by ``apply``."""
    saved_phase = saved.scope.phases[0].value if len(saved.scope.phases) == 1 else None
    return phase or saved_phase, cohort or saved.scope.cohort or None


def _require_server(migration: Migration, phases: tuple[Phase, ...]) -> None:
    """Before the first write: what the server lacks for everybody must have been accepted by name."""
    if lacking := show.lacking(_open(migration, phases)):
        raise Blocked(lacking)


def _open(migration: Migration, phases: tuple[Phase, ...]) -> Iterator[Skipped]:
    """What is left out within the command's scope, and nobody waived."""
    skipped = (item for item in migration.mapped if isinstance(item, Skipped) and not item.is_waived(migration.waived))
    return (item for item in skipped if item.phase in phases and migration.cohort.takes(item.customer))


def _left_out(migration: Migration, phases: tuple[Phase, ...]) -> Blocked | None:
    """How the command ends although everything else is written: somebody must mend or waive what is left out."""
    told = (show.remedies(_open(migration, phases), ()), show.remedies_of_unread((), migration.lost_of(phases)))
    remedies = "; ".join(filter(None, told))
    return Blocked(f"everything else is written; {remedies}") if remedies else None


def _data(applied: Applied, migration: Migration) -> dict[str, object]:
    return {
        "counts": applied.changes.counts(),
        "written": applied.written,
        "removals": [removal_to_json(removal) for removal in applied.changes.removals],
        "kept_usage": applied.changes.kept_usage,
        "calls": applied.calls,
        "seconds": round(applied.seconds, 3),
        "altered": applied.altered,
        "leftovers": applied.leftovers,
        "adopted": {"made": dict(applied.adopted.made), "older": list(applied.adopted.older)},
        "failures": [str(failure) for failure in applied.failures],
        "lost": show.lost_data(migration.lost),
        "meanwhile": [str(edited) for edited in applied.meanwhile],
        "conflicts": [change.source for change in applied.conflicts],
    }


def _text(applied: Applied, migration: Migration) -> str:
    lines = [show.counts(applied.counts()), ""]
    lines += show.quarantine(migration.snapshot.quarantined, find_dependents(migration.snapshot))
    lines += show.unread_credits(unread_credits(migration.snapshot, migration.cohort.customers))
    lines += show.lost(migration.lost)
    lines += [*show.removals(applied.changes)]
    lines += [*show.skipped(applied.changes, migration.waived)]
    lines += [*(f"kept in Odoo's own form: {text}" for text in applied.altered), *applied.leftovers]
    lines += show.adopted(applied.adopted)
    lines += show.refused(applied.refused)
    lines += [str(edited) for edited in applied.meanwhile]
    records = sum(sum(row.values()) for row in applied.written.values())
    if not records and not applied.calls and not applied.failures and not applied.meanwhile:
        return "\n".join([*lines, "nothing to do"])
    lines.append(f"{records:,} records written in {applied.calls:,} calls, {applied.seconds:.1f} s")
    mend = "lago2odoo apply, once what was not taken is mended"
    then = "lago2odoo status" if applied.meanwhile else "lago2odoo reconcile --period MONTH"
    lines.append(f"next: {mend if applied.failures else then}")
    return "\n".join(lines)
