"""``doctor``: both ends, the state, the tables, the addon, and the one Stripe account, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from lago2odoo import shipped_addon
from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.interlock import check_billable
from lago2odoo.cli.migration import accept, open_migration
from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.counted import reason_of, tell
from mappings.errors import Lago2OdooError
from mappings.records import Snapshot
from mappings.target import Target
from migrate import config as settings
from migrate.errors import ConfigError, LagoRefused, OdooError
from migrate.lago.clock import check_clock
from migrate.lago.counted import count_all
from migrate.lago.source import Answer, LagoSource
from migrate.odoo.discover import addon_version, discover
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.needs import Needs
from migrate.odoo.preflight import preflight
from migrate.odoo.push import mismatch, remedy
from migrate.self_check import StateCheck, check_state
from migrate.state.event_files import check_event_files
from migrate.state.store import Store
from migrate.stripe import Proof, StripeApi, StripeError, prove_same_account, references_of
from reconcile.rating.rules import doubt_of_version

MARKS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}


@click.command("doctor")
@config_option
@format_option
@click.option("--state", "only_state", is_flag=True, help="Only the state: database, records, ledger, files of events.")
@click.option("--billable", is_flag=True, help="Only who would be billed by both systems, or by neither.")
def command(config: Path, form: str, only_state: bool, billable: bool) -> int:
    """Check both ends, the state and the mapping tables before anything is written."""
    asked = check_own_state if only_state else check_billable if billable else check
    with open_context(config) as context:
        findings = tuple(asked(context))
    return emit(_outcome(findings), form)


def _outcome(findings: Sequence[CheckFinding]) -> CommandOutcome:
    """Exit code 1 on errors."""
    failed = any(f.level == "error" for f in findings)
    data = {"findings": [{"level": f.level, "what": f.what, "remedy": f.remedy} for f in findings]}
    return CommandOutcome(data, "\n".join(map(render, findings)), 1 if failed else 0)


def render(finding: CheckFinding) -> str:
    """``ERROR   quantities keep 2 decimals ... -> what to do``."""
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{MARKS[finding.level]}  {finding.what}{remedy}"


def check(context: CommandContext) -> Iterator[CheckFinding]:
    """Everything that can be checked now; one check that fails does not hide the others."""
    try:
        context.tables()
        yield CheckFinding("ok", "mapping tables")
    except ConfigError as error:
        yield CheckFinding("error", str(error))
        return
    yield from _lago(context)
    try:
        with context.store() as store:
            yield from _events(context, store)
            yield from _odoo(context, store)
    except Lago2OdooError as error:
        yield CheckFinding("error", str(error))


NO_STATE = (
    "there is nothing in the state: run 'lago2odoo extract'; where records of ours stand in Odoo, 'lago2odoo adopt'"
)


def check_own_state(context: CommandContext) -> Iterator[CheckFinding]:
    """The state held against itself: all that is damaged, each with the way out."""
    try:
        with context.unchecked_store() as store:
            checked = check_state(store, context.events)
            if checked.is_empty:
                yield CheckFinding("error", NO_STATE)
            else:
                yield from _state(checked)
    except Lago2OdooError as error:
        yield CheckFinding("error", str(error))


def _state(checked: StateCheck) -> Iterator[CheckFinding]:
    yield from (CheckFinding("error", problem) for problem in checked.problems)
    if not checked.problems:
        said = f"{checked.records:,} records, {checked.rows:,} rows of the ledger, {checked.files} files of events"
        yield CheckFinding("ok", f"the state is as it was written: {said}")


def _lago(context: CommandContext) -> Iterator[CheckFinding]:
    try:
        with context.source(None) as source:
            organizations = source.get("/api/v1/organizations")
            health = source.get("/health")
            yield CheckFinding("ok", _lago_of(health, organizations, source.name))
            if doubt := doubt_of_version(str(health["version"].value)):
                yield CheckFinding("warning", doubt)
            yield from _unread_parts(source, context.config.waive.reasons)
            if source.has_clock:
                yield from _clock(context, datetime.fromisoformat(source.clock()), organizations["organization"].value)
    except Lago2OdooError as error:
        yield CheckFinding("error", str(error))


def _unread_parts(source: LagoSource, accepted: Collection[str]) -> Iterator[CheckFinding]:
    """What Lago has and nobody reads: its second engine, and orders that wait."""
    for counted in count_all(source):
        told, reason = tell(counted), reason_of(counted)
        if told and reason in accepted:
            yield CheckFinding("warning", f"{told} (waived)")
        elif told:
            yield CheckFinding("error", told, f"enter it in Odoo by hand, or add [waive] skipped = [{reason!r}]")


def _clock(context: CommandContext, moment: datetime, organization: object) -> Iterator[CheckFinding]:
    """Lago's clock, as ``extract`` would take it. Raises LagoRefused for one that it would refuse."""
    with context.store() as store:
        latest = store.latest()
    doubts = check_clock(moment, datetime.now(UTC), organization if isinstance(organization, dict) else {}, latest)
    yield from (CheckFinding("warning", doubt) for doubt in doubts)


def _lago_of(health: Answer, organizations: Answer, place: str) -> str:
    """Version and organization. Raises LagoRefused if the answers are not Lago's."""
    version, organization = health.get("version"), organizations.get("organization")
    if version is None or organization is None or not isinstance(organization.value, dict):
        raise LagoRefused(f"{place} does not show its version and an organization; check that it is Lago's API")
    return f"Lago {version.value}, organization {organization.value.get('name')}"


def _events(context: CommandContext, store: Store) -> Iterator[CheckFinding]:
    """The files of events. Damaged ones end the check: what else there is to say is made from them."""
    run = store.latest()
    if run is None or not run.finished:
        return
    checked = check_event_files(store.event_files(), context.events)
    if checked.note:
        yield CheckFinding("warning", checked.note)
    yield CheckFinding("ok", f"{len(checked.hashes)} files of events are as the state knows them")


def _odoo(context: CommandContext, store: Store) -> Iterator[CheckFinding]:
    with context.odoo() as odoo:
        if store.latest() is None:
            target = discover(odoo)
            yield from preflight(odoo, target, Needs())
            yield from _addon(odoo, target)
            yield CheckFinding(
                "warning", "nothing is extracted yet: what the data needs is checked after 'lago2odoo extract'"
            )
            return
        migration = open_migration(context, store, odoo, None)
        yield from accept(context, preflight(odoo, migration.target, migration.needs()))
        yield from _quarantine(migration.snapshot, context.config.waive.reasons)
        yield from _addon(odoo, migration.target)
        yield from _stripe(context, migration.snapshot)


def _quarantine(snapshot: Snapshot, accepted: Collection[str]) -> Iterator[CheckFinding]:
    """What cannot be read is moved with nobody: somebody has to look at it, before or after."""
    still_open = show.open_quarantine(snapshot.quarantined, accepted)
    if still_open:
        yield CheckFinding("error", show.remedy_of_unread(still_open), "lago2odoo preview shows what depends on them")
    if count := len(snapshot.quarantined) - len(still_open):
        yield CheckFinding("warning", f"{count:,} records of Lago are in quarantine (waived)")


def _addon(odoo: Door, target: Target) -> Iterator[CheckFinding]:
    """The installed addon must be the version that this tool speaks to."""
    if not target.addon:
        return
    try:
        installed = addon_version(odoo)
    except OdooError as error:
        yield CheckFinding("warning", f"the version of the addon could not be asked: {error}")
        return
    shipped = shipped_addon.version()
    if installed == shipped:
        yield CheckFinding("ok", f"addon fusion_billing {installed}")
    else:
        yield CheckFinding("warning", mismatch(installed, shipped), remedy(installed, shipped))


def _stripe(context: CommandContext, snapshot: Snapshot) -> Iterator[CheckFinding]:
    if not snapshot.payment_methods:
        return
    try:
        proof = _prove(context, snapshot)
    except StripeError as error:
        yield CheckFinding("error", str(error))
        return
    yield CheckFinding("ok" if proof.proven else "warning", proof.sentence)


def _prove(context: CommandContext, snapshot: Snapshot) -> Proof:
    access = context.config.stripe
    references = references_of(snapshot)
    try:
        key = settings.secret(access.key_env, access.key_file, context.config.folder, "Stripe key")
    except ConfigError:
        return prove_same_account(references, None)
    return prove_same_account(references, StripeApi(key))
