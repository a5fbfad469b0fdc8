"""What the gate of a cut-over asks of everything that knows: packs, snapshot, Lago's records, Odoo. Nothing is written.

Each check is made by what the other commands use for the same question (``preview``, ``status``, ``doctor``, ``report
verify``), so that a gate that is open here is one that they agree on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.migration import Migration, accept
from lago2odoo.cli.preview import preview_of
from lago2odoo.cli.status import look
from lago2odoo.cli.still_open import unfinished
from mappings.endings import Ending
from mappings.target import Phase, Skipped
from migrate.change_set.changes import ChangeSet, left_out
from migrate.gate import GateCheck, snapshot_is_fresh
from migrate.odoo.door import Door
from migrate.odoo.preflight import preflight
from migrate.odoo.schedulers import NATIVE, OURS, actions
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reports.errors import NotSigned
from reports.evidence.project_chain import read_intact
from reports.evidence.signed_months import months_before, signed_months


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTerms:
    """What the gate asks for: signed months before the snapshot's, and how old the snapshot may be."""

    months: int
    oldest: timedelta
    now: datetime


def gate_checks(
    context: CommandContext, store: Store, odoo: Door, migration: Migration, terms: GateTerms, ends: Sequence[Ending]
) -> Iterator[GateCheck]:
    """Every check of the cohort, in the order in which they are mended."""
    changes = preview_of(context, store, odoo, migration)
    yield snapshot_is_fresh(migration.snapshot.taken_at, terms.now, terms.oldest)
    yield _quarantine(migration)
    yield _applied(changes, migration)
    yield _drift(context, store, odoo, migration)
    yield _months(context, migration, terms)
    yield _paid_with(changes)
    yield _countries(migration)
    yield _server(context, odoo, migration)
    yield _biller(odoo, migration)
    yield _endings(ends)


def _quarantine(migration: Migration) -> GateCheck:
    unread = show.open_quarantine(migration.snapshot.quarantined, migration.waived)
    ours = [q for q in unread if not q.customer or migration.cohort.takes(q.customer)]
    return GateCheck(
        name="quarantine",
        told="every record of theirs could be read",
        problems=tuple(f"{q.resource} {q.name} is in quarantine" for q in ours),
        remedy="mend them in Lago and extract again, or waive them by id",
    )


def _applied(changes: ChangeSet, migration: Migration) -> GateCheck:
    left = left_out(changes.changes, migration.waived)
    lost = migration.lost_of(changes.scope.phases)
    pending = [f"{changes.pending:,} changes are pending"] if changes.pending else []
    return GateCheck(
        name="applied",
        told="everything of theirs is in Odoo as the snapshot has it",
        problems=(*pending, *map(_left_out, left), *(f"invoice {i.name} is not in the snapshot" for i in lost)),
        remedy="lago2odoo preview, then apply",
    )


def _left_out(skipped: Skipped) -> str:
    return f"{skipped.source}: {skipped.reason}"


def _drift(context: CommandContext, store: Store, odoo: Door, migration: Migration) -> GateCheck:
    """As ``status`` has it, of everybody: what somebody did in Odoo may be to any of them."""
    ledger = Ledger(store)
    drift = look(context, ledger, migration.snapshot)
    unknown = [f"drift is not known: {drift.unknown}"] if drift.unknown else []
    changed = drift.changed(context.config.waive.drift)
    alone = [f"only in Odoo: {extra.kind} {extra.name}" for extra in drift.alone(context.waivers())]
    phases = [f"phase {phase.phase.value} is unfinished" for phase in unfinished(ledger.phases())]
    return GateCheck(
        name="drift",
        told="nothing changed in Odoo since, and nothing stands there alone",
        problems=(*unknown, *changed, *alone, *phases, *map(str, drift.moved_on.ahead)),
        remedy="lago2odoo status",
    )


def _months(context: CommandContext, migration: Migration, terms: GateTerms) -> GateCheck:
    wanted = months_before(migration.snapshot.taken_at.date(), terms.months)
    try:
        signed = signed_months(read_intact(context.reports(None)), migration.cohort.name)
    except NotSigned as error:
        return GateCheck(name="signed", told="", problems=(str(error),), remedy="lago2odoo report verify")
    problems = [f"{month} is not signed" for month in wanted if month not in signed]
    problems += [f"{month} {signed[month].problem}" for month in wanted if month in signed and signed[month].problem]
    return GateCheck(
        name="signed",
        told=f"{', '.join(wanted)}: signed, everything compared, nothing to act on",
        problems=tuple(problems),
        remedy="lago2odoo reconcile and report sign, month by month",
    )


def _paid_with(changes: ChangeSet) -> GateCheck:
    """Also what is waived: a customer whose card did not come along has to be asked for it all the same."""
    lacking = [c.skipped for c in changes.changes if c.skipped and c.phase is Phase.TOKENS]
    return GateCheck(
        name="payment",
        told="every payment method that Lago has is linked in Odoo",
        problems=tuple(map(_left_out, lacking)),
        remedy="connect the provider, or ask these customers to enter one in Odoo's portal",
    )


def _countries(migration: Migration) -> GateCheck:
    """Without a country Odoo's fiscal positions give no tax, and nobody sees why."""
    ours = (c for c in migration.snapshot.customers if not c.deleted and migration.cohort.takes(c.external_id))
    return GateCheck(
        name="country",
        told="the country of each is known",
        problems=tuple(f"customer {c.external_id} has no country" for c in ours if not c.country),
        remedy="enter it in Lago, extract and apply",
    )


def _server(context: CommandContext, odoo: Door, migration: Migration) -> GateCheck:
    findings = accept(context, preflight(odoo, migration.target, migration.needs()))
    errors = tuple(finding.what for finding in findings if finding.level == "error")
    return GateCheck(name="odoo", told="Odoo has what is needed", problems=errors, remedy="lago2odoo doctor")


def _biller(odoo: Door, migration: Migration) -> GateCheck:
    """No two scheduled actions make their invoices. That none does is right until the first of them has left Lago."""
    native = NATIVE.get(migration.target.subscriptions, "")
    billing = [action for action in actions(odoo) if action.active and action.known in (native, OURS)]
    told = " and ".join(map(str, billing))
    problems = [f"two bill them: {told}"] if len(billing) > 1 else []
    return GateCheck(
        name="billing",
        told=f"they are billed by {told}" if billing else "no scheduled action bills anybody yet",
        problems=tuple(problems),
        remedy="Settings, Technical, Scheduled Actions: one of them, active",
    )


def _endings(ends: Sequence[Ending]) -> GateCheck:
    blocked = (f"{e.subscription} {block}" for e in ends for block in e.blocks)
    return GateCheck(
        name="endings",
        told=f"{len(ends):,} subscriptions can end where a period of theirs begins",
        problems=tuple(blocked) if ends else ("no subscription of theirs runs",),
        remedy="decide it in Lago, or name another cohort",
    )
