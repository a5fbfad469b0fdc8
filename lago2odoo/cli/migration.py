"""The first straight line, put together: snapshot -> map -> everything that preview, apply and status need."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from functools import partial

from lago2odoo.cli import show
from lago2odoo.cli.books_choice import require_choice
from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.talk import some_lines, some_names
from mappings.accounting import RecordsAccount, account
from mappings.cohorts import CohortError, customers_of
from mappings.context import Context, Options, proposals
from mappings.context import context as mapping_context
from mappings.coverage import CoverageRow, coverage
from mappings.desired import desired, iterate
from mappings.lost import REASON as LOST
from mappings.lost import UNLISTED, LostInvoice, lost_invoices, unlisted_fees
from mappings.partners import PartnerProposal
from mappings.quarantine import with_ids
from mappings.reasons import note_old_spellings, spell
from mappings.records import Fee, Snapshot
from mappings.tables import Tables
from mappings.target import Desired, Mapped, Phase, Skipped, Target
from mappings.usage import UsageRow
from migrate.errors import ConfigError
from migrate.lago.extract import require_finished
from migrate.lago.snapshot import load_snapshot
from migrate.odoo.dangling import without_dangling
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding, waived
from migrate.odoo.needs import Needs, needs_of_snapshot
from migrate.odoo.preflight import prepare
from migrate.odoo.standing import find_standing
from migrate.phases import EVERYONE, Cohort
from migrate.preview import KeepUsage
from migrate.state import events
from migrate.state.cutover_stages import leaving, stage_notes
from migrate.state.digest import digest
from migrate.state.event_files import CheckedFiles, check_event_files
from migrate.state.kept_usage import find_kept_usage
from migrate.state.ledger import Ledger
from migrate.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What is wanted of this Odoo. ``digest`` names the snapshot it was made from."""

    snapshot: Snapshot
    tables: Tables
    target: Target
    mapped: tuple[Mapped, ...]
    waived: frozenset[str]  # names of what may be left out
    cohort: Cohort
    digest: str
    events: int  # in the snapshot
    keep_usage: KeepUsage
    unlisted: tuple[Fee, ...]  # that nobody accepted
    lost: tuple[LostInvoice, ...]  # the same

    def coverage(self) -> tuple[CoverageRow, ...]:
        """The coverage matrix of everything mapped, whatever the cohort."""
        return coverage(self.snapshot, self.mapped, self.events)

    def proposals(self) -> tuple[PartnerProposal, ...]:
        """Customers of the cohort about whom finance has to decide whether they stand in Odoo already."""
        found = proposals(self.snapshot, self.target, self.tables)
        return tuple(proposal for proposal in found if self.cohort.takes(proposal.customer.external_id))

    def lost_of(self, phases: Collection[Phase]) -> tuple[LostInvoice, ...]:
        """Invoices of the cohort that the snapshot lacks: what is open of them is no balance in Odoo."""
        takes = self.cohort.takes
        return tuple(i for i in self.lost if Phase.BALANCES in phases and (not i.customer or takes(i.customer)))

    def needs(self) -> Needs:
        """What all of it asks of Odoo."""
        return needs_of_snapshot(self.snapshot, self.mapped, self.tables, self.target.company_id)


def open_migration(context: CommandContext, store: Store, odoo: Door, cohort: str | None) -> Migration:
    """Read the snapshot, ask Odoo what it can express, and map."""
    tables = context.tables()
    require_choice(context, store, context.config.books.keep)
    context.talk.say("reading the snapshot")
    snapshot = load_snapshot(store)
    check_events(context, store)
    target = target_of(odoo, snapshot)
    options = _options(context, snapshot, store)
    context.talk.say("mapping")
    wanted = desired(snapshot, usage_rows(context), target, tables, options)
    mapped = (*prepare(), *without_dangling(odoo, wanted))
    _note_names(context, _left_out_names(store, snapshot, mapped))
    return Migration(
        snapshot=snapshot,
        tables=tables,
        target=target,
        mapped=mapped,
        waived=options.waived,
        cohort=cohort_of(context, snapshot, cohort),
        digest=digest(store),
        events=sum(file.events for file in store.event_files()),
        keep_usage=partial(find_kept_usage, context.events),
        unlisted=open_unlisted(context, store, snapshot),
        lost=show.open_lost(lost_invoices(snapshot), options.waived),
    )


def _options(context: CommandContext, snapshot: Snapshot, store: Store) -> Options:
    since = context.config.mapping.usage_since
    accepted = with_ids(context.config.waive.reasons, snapshot.quarantined)
    moment = datetime.combine(since, time(), UTC) if since else None
    return Options(
        usage_since=moment,
        waived=accepted,
        open_items=context.config.books.keep == "balances",
        left=leaving(stage_notes(store).values()),
    )


def inputs_of(context: CommandContext, snapshot: Snapshot, odoo: Door) -> Context:
    """What a mapper may look at."""
    with context.store() as store:
        options = _options(context, snapshot, store)
    return mapping_context(snapshot, target_of(odoo, snapshot), context.tables(), options)


def open_unlisted(context: CommandContext, store: Store, snapshot: Snapshot) -> tuple[Fee, ...]:
    """Fees that their invoices show and Lago's list does not any more, unless that is accepted."""
    accepted = UNLISTED in context.config.waive.reasons
    return () if accepted else unlisted_fees(snapshot, store.missed("fees", require_finished(store)))


def _left_out_names(store: Store, snapshot: Snapshot, mapped: Iterable[Mapped]) -> set[str]:
    """All that ``[waive] skipped`` may name here: reasons, and ids of what is left out, unread or not there."""
    names = {name for item in mapped if isinstance(item, Skipped) for name in item.names}
    names |= {name for item in snapshot.quarantined for name in item.names}
    lost = lost_invoices(snapshot)
    names |= {UNLISTED} if unlisted_fees(snapshot, store.missed("fees", require_finished(store))) else set()
    return names | {item.lago_id for item in lost} | ({LOST} if lost else set())


def _note_names(context: CommandContext, names: Collection[str]) -> None:
    """What is waived under an old spelling, and what nothing has. An id may look like an old spelling, and is none."""
    given, place = context.config.waive.skipped, f"{context.config_file} [waive]"
    old = [name for name in given if name not in names and spell(name) in names]
    context.say_all(note_old_spellings(old, place))
    context.say_all(note_unused(set(given) - set(old), names, place))


def accept(context: CommandContext, findings: Sequence[CheckFinding]) -> tuple[CheckFinding, ...]:
    """The same, with the errors that ``[waive] checks`` accepts as warnings; what of it accepts nothing is said.

    It is not, where a check could not be made: nobody knows what it would find.
    """
    checks = context.config.waive.checks
    names = {finding.name for finding in findings if finding.level == "error" and finding.name}
    if not any(finding.unasked for finding in findings):
        context.say_all(note_unused(checks, names, f"{context.config_file} [waive] checks", "no check fails as"))
    return waived(findings, checks)


def note_unused(
    accepted: Collection[str], names: Collection[str], place: str, nothing: str = "nothing is left out as"
) -> Iterator[str]:
    """What somebody waived and nothing has: one that is called almost so, or none."""
    unused, others = sorted(set(accepted) - set(names)), set(names) - set(accepted)
    near = {name: difflib.get_close_matches(name, others, 1, 0.8) for name in unused}
    close = [f"{place}: {nothing} {name!r}; did you mean {near[name][0]!r}?" for name in unused if near[name]]
    yield from some_lines(close, f"{place}: {{}} more are called almost so")
    if hollow := [name for name in unused if not near[name]]:
        yield f"{place}: {nothing} {some_names(hollow)}: take out what is not needed any more"


def target_of(odoo: Door, snapshot: Snapshot) -> Target:
    """What this Odoo can express, and which of its partners may be customers already."""
    return replace(discover(odoo), standing=find_standing(odoo, snapshot.customers))


def check_events(context: CommandContext, store: Store) -> CheckedFiles:
    """The files of events, held against the state; what could not be checked is said. Raises StoreError."""
    checked = check_event_files(store.event_files(), context.events)
    if checked.note:
        context.talk.say(f"note: {checked.note}")
    return checked


def mapped_but_usage(context: CommandContext, snapshot: Snapshot, odoo: Door) -> tuple[Mapped, ...]:
    """What is wanted of this Odoo and what is left out, without the usage events, of which there may be millions."""
    phases = frozenset(Phase) - {Phase.USAGE}
    with context.store() as store:
        options = _options(context, snapshot, store)
    wanted = tuple(iterate(snapshot, (), target_of(odoo, snapshot), context.tables(), options, phases))
    return without_dangling(odoo, wanted)


def account_of(context: CommandContext, snapshot: Snapshot, mapped: Sequence[Mapped]) -> tuple[RecordsAccount, ...]:
    """Every record that Lago gave: in Odoo, as the ledger says, or left out."""
    with context.store() as store:
        loaded = Ledger(store).loaded([item.xid for item in mapped if isinstance(item, Desired)])
    return account(snapshot, mapped, loaded)


def usage_rows(context: CommandContext) -> Iterator[UsageRow]:
    """The usage events at hand, one by one."""
    for row in events.rows(context.events):
        yield UsageRow(**{**row, "external_subscription_id": row["external_subscription_id"] or ""})


def cohort_of(context: CommandContext, snapshot: Snapshot, name: str | None) -> Cohort:
    """The customers of a cohort of the configuration; everyone without a name."""
    if name is None:
        return EVERYONE
    cohort = context.config.cohort(name)
    try:
        return Cohort(name, customers_of(snapshot, name, cohort.customers, cohort.plans))
    except CohortError as error:
        raise ConfigError(f"{context.config_file}: {error}") from None
