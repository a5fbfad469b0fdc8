"""``preview``: what apply would do, without doing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import click

from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.files import write_whole
from lago2odoo.cli.migration import Migration, accept, open_migration
from lago2odoo.cli.options import NewPath, cohort_option, config_option, format_option, phase_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.cli.own_files import require_foreign
from mappings.coverage import CoverageRow
from mappings.dependents import find_dependents
from mappings.partners import PartnerProposal
from mappings.target import Phase, Skipped
from migrate.change_set.changes import Action, ChangeSet, left_out
from migrate.change_set.saved import to_document, to_json
from migrate.lago.control_totals import unread_credits
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.preflight import look_at_mapping
from migrate.phases import chosen
from migrate.preview import preview
from migrate.state.ledger import Ledger
from migrate.state.store import Store


@click.command("preview")
@config_option
@format_option
@phase_option
@cohort_option
@click.option(
    "--out",
    type=NewPath(dir_okay=False),
    metavar="FILE",
    help="Save the preview, to be applied exactly.",
)
def command(config: Path, form: str, phase: str | None, cohort: str | None, out: Path | None) -> int:
    """Show what apply would do, field by field. Writes nothing to Odoo."""
    with open_context(config) as context:
        require_foreign(context, out)
        with context.store() as store, context.odoo() as odoo:
            migration = open_migration(context, store, odoo, cohort)
            misfits = _misfits(context, odoo, migration)
            changes = preview_of(context, store, odoo, migration, phase)
    if out is not None:
        write_whole(out, lambda path: path.write_text(to_json(changes), encoding="utf-8"), "preview")
    return emit(_outcome(changes, migration, misfits, out), form)


def _misfits(context: CommandContext, odoo: Door, migration: Migration) -> list[CheckFinding]:
    """Where the mapping leads to records of Odoo's that do not fit, and nobody accepted it."""
    looked = look_at_mapping(odoo, migration.target, migration.needs())
    return [finding for finding in accept(context, looked) if finding.level == "error"]


def preview_of(
    context: CommandContext, store: Store, odoo: Door, migration: Migration, phase: str | None = None
) -> ChangeSet:
    """What apply would do to the cohort of the migration: one phase of it, or all."""
    return preview(
        odoo,
        Ledger(store),
        migration.mapped,
        phases=chosen(Phase(phase) if phase else None),
        cohort=migration.cohort,
        snapshot_digest=migration.digest,
        keep_usage=migration.keep_usage,
        waived=migration.waived,
        progress=context.talk.progress,
    )


def _outcome(
    changes: ChangeSet,
    migration: Migration,
    misfits: Sequence[CheckFinding],
    out: Path | None,
) -> CommandOutcome:
    """Exit code 2 while there is something to do, 1 while something stands in the way.

    That is what is left out and nobody waived, what Odoo does not show, or a mapping that does not fit its records.
    """
    rows, snapshot, accepted = migration.coverage(), migration.snapshot, migration.waived
    left = left_out(changes.changes, accepted)
    credit_sums = unread_credits(snapshot, migration.cohort.customers)
    unread = [*show.quarantine(snapshot.quarantined, find_dependents(snapshot)), *show.unread_credits(credit_sums)]
    unread += show.lost(migration.lost)
    lines = [show.matrix(rows), "", *unread, *_lines(changes, accepted), "", *show.misfits(misfits)]
    lines += show.proposals(proposals := migration.proposals(), migration.tables.name)
    lost = migration.lost_of(changes.scope.phases)
    lines += filter(None, [show.remedy_of_unlisted(migration.unlisted), show.remedies_of_unread((), lost)])
    lines += _next(changes, left, misfits, out)
    stands_in_the_way = left or misfits or lost or any(changes.of(Action.WITHHELD))
    code = 1 if stands_in_the_way else 2 if changes.pending else 0
    return CommandOutcome(
        lambda: {
            "unread_credits": credit_sums,
            "lost": show.lost_data(migration.lost),
            **_data(changes, rows, misfits, proposals),
        },
        "\n".join(lines),
        code,
    )


def _data(
    changes: ChangeSet,
    rows: Sequence[CoverageRow],
    misfits: Sequence[CheckFinding],
    proposals: Sequence[PartnerProposal],
) -> dict[str, object]:
    document = to_document(changes)
    coverage = [{name: getattr(row, name) for name in row.__slots__} for row in rows]
    errors = [{"what": f.what, "remedy": f.remedy} for f in misfits]
    partners = [
        {
            "customer": proposal.customer.external_id,
            "candidates": [
                {"partner": m.partner.id, "name": m.partner.name, "same": list(m.rules)} for m in proposal.matches
            ],
        }
        for proposal in proposals
    ]
    found = {"counts": changes.counts(), "coverage": coverage, "mapping_errors": errors, "partners": partners}
    return {**found, **document}


def _lines(changes: ChangeSet, accepted: Collection[str]) -> Iterator[str]:
    """What is done, what that means field by field, and what is left out: each apart, if there is any."""
    parts = [
        [show.counts(changes.counts())],
        [*show.removals(changes)],
        [*show.details(changes)],
        [*show.withheld(changes)],
        [*show.skipped(changes, accepted)],
    ]
    yield "\n\n".join("\n".join(part) for part in parts if part)


def _next(
    changes: ChangeSet, left: Sequence[Skipped], misfits: Sequence[CheckFinding], out: Path | None
) -> Iterator[str]:
    """What stands in the way of all, else what is left out while the rest may be written, and the next command."""
    if out is not None:
        yield f"saved to {out}: apply exactly this with 'lago2odoo apply --changes {out}'"
    if misfits:
        yield "apply writes nothing until the mapping fits Odoo's records"
        return
    if lacking := show.lacking(left):
        yield lacking
        return
    if left:
        yield show.remedies(left, ())
    if any(removal.needs_consent for removal in changes.removals):
        yield f"if these removals are right: lago2odoo apply --allow-removals {changes.removed}"
    elif changes.pending:
        yield "changes are pending; next: lago2odoo apply"
    else:
        yield "nothing to do"
