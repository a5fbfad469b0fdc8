"""``reconcile``: a month on three sides, compared and explained; its data is kept for ``report``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from lago2odoo import shipped_addon
from lago2odoo.cli import show, show_control
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.files import hold_folder, write_whole
from lago2odoo.cli.inputs import gather
from lago2odoo.cli.migration import account_of, cohort_of, mapped_but_usage, open_unlisted
from lago2odoo.cli.options import (
    cohort_option,
    config_option,
    format_option,
    out_dir_option,
    period_option,
    pseudonymise_option,
)
from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.cli.talk import some_lines
from mappings.left_out import left_out
from mappings.lost import UNLISTED
from mappings.records import Fee, Snapshot
from migrate.change_set.verdicts import Owners, verdicts
from migrate.errors import Blocked, ConfigError
from migrate.lago.extract import require_finished, require_latest
from migrate.odoo.door import Door
from migrate.odoo.push import PushScope, require_addon
from migrate.odoo.push import push as to_odoo
from migrate.phases import Cohort
from migrate.state.records import Run
from migrate.state.report_runs import ReportRuns, note_report_runs, report_runs
from reconcile.compare.waivers import unused
from reconcile.dual_run import Settings, dual_run
from reconcile.rating.rules import doubt_of_version
from reconcile.rerate.coverage import lapses_of
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.noise_floor import control as control_run
from reconcile.rerate.noise_floor import rerate
from reconcile.rerate.other_rules import fitting_version
from reconcile.rerate.shown_events import with_events
from reconcile.rerate.termination_notes import control_credit_notes
from reconcile.sides.lago import in_month, usage_begins
from reconcile.sides.odoo_events import in_odoo
from reconcile.sides.odoo_journal import find_shadow_journal
from reconcile.sides.odoo_taxes import led_to, tax_codes
from reports import json as report_json
from reports import junit, markdown, pseudonym_key, pseudonyms, stored, text
from reports.data import ReportData
from reports.evidence import ageing
from reports.evidence.ageing import Head
from reports.evidence.inputs import PackInputs
from reports.verdict import control_exit_code, judge
from reports.version import tool_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. ``alone``: Lago against the re-rate, without Odoo."""

    period: str
    cohort: str | None
    out: Path | None
    control: bool
    ci: bool
    key_file: Path | None
    push: bool
    alone: bool = False


@click.command("reconcile")
@config_option
@format_option
@period_option
@cohort_option
@out_dir_option
@click.option("--control", is_flag=True, help="Lago against the re-rate alone: the noise floor. Needs no Odoo.")
@click.option(
    "--ci",
    is_flag=True,
    help="Short summary; writes JUnit and JSON. Without [odoo] url: like --control, no secret needed.",
)
@pseudonymise_option
@click.option("--push", is_flag=True, help="Write the verdicts to Odoo too: Sales, Metering, Dual run.")
def command(config: Path, form: str, **options: Any) -> int:
    """Compare a month: Lago's invoices, Odoo's shadow invoices, and the re-rate from raw usage."""
    with open_context(config) as context:
        outcome = _run(context, Request(**options))
    return emit(outcome, form)


def _run(context: CommandContext, asked: Request) -> CommandOutcome:
    """Reconcile a period. Exit code 0 equal, 2 differences, 3 only waived ones.

    With a key file nothing is written or printed but the report for others; it cannot be signed.
    """
    key = pseudonym_key.load_key(asked.key_file) if asked.key_file else None
    asked = replace(asked, alone=asked.control or _without_odoo(context, asked.ci))
    if asked.push:
        _require_push(context, asked)
    folder = context.reports(asked.out)
    _require_history(context, folder)
    with context.store() as store:
        run, snapshot, inputs = require_finished(store), context.snapshot(store), gather(context, store)
        unlisted = open_unlisted(context, store, snapshot)
    if key is None:
        context.say_all(show.incomplete(snapshot.quarantined))
        context.say_all(filter(None, (doubt_of_version(snapshot.lago_version),)))
        context.say_all(_unlisted(snapshot, unlisted, asked.period))
    cohort = cohort_of(context, snapshot, asked.cohort)
    compared = _compare(context, snapshot, cohort, asked)
    _require_unmoved(context, run)
    data = ageing.apply(compared, ageing.read(folder))
    if key is not None:
        data = pseudonyms.pseudonymise(data, key, pseudonyms.originals(snapshot))
        with hold_folder(folder):
            path = _save(data, folder / pseudonyms.FOLDER, asked)
        return _say(context, data, path, asked.ci)
    _note_waivers(context, snapshot, compared)
    path = _keep(context, data, folder, asked, inputs)
    if asked.push:
        _push(context, snapshot, data, PushScope(period=asked.period, customers=cohort.customers))
    if asked.control:
        closer = _look_closer(context, snapshot, data, cohort, path)
        _require_unmoved(context, run)
        return closer
    return _say(context, data, path, asked.ci)


def _require_unmoved(context: CommandContext, run: Run) -> None:
    """Usage is read from files, which an extract exchanges: a month is never made of two. Raises Blocked."""
    with context.store() as store:
        require_latest(store, run)


def _keep(context: CommandContext, data: ReportData, folder: Path, asked: Request, inputs: PackInputs) -> Path:
    """The file of a run, noted in the history of the folder: from now on it can be reported and signed."""
    with hold_folder(folder):
        path = _save(data, folder, asked)
        ageing.append(path, data, inputs.hashes)
        _note_history(context, folder)
    return path


def _require_history(context: CommandContext, folder: Path) -> None:
    """The clock stands behind all runs that were noted, and all runs that the state knows of are noted still."""
    now = datetime.now(UTC)
    ageing.require_clock(ageing.read(folder), now)
    with context.store() as store:
        known = report_runs(store, context.place(folder))
    head = Head(runs=known.runs, sha256=known.head, compared_at=known.compared_at) if known else None
    ageing.require_continued(folder, head, now)


def _note_history(context: CommandContext, folder: Path) -> None:
    head = ageing.head(folder)
    if head is not None:
        known = ReportRuns(runs=head.runs, head=head.sha256, compared_at=head.compared_at)
        with context.store() as store:
            note_report_runs(store, context.place(folder), known)


def _note_waivers(context: CommandContext, snapshot: Snapshot, data: ReportData) -> None:
    """Which waivers covered nothing: one with a wrong name looks like one that is not needed."""
    customers = {customer.external_id for customer in snapshot.customers}
    customers |= {name for q in snapshot.quarantined for name in (q.customer, q.label) if name}
    notes = unused(context.waivers(), data, customers, data.run.compared_at.date())
    file = context.config.reconcile.waivers
    rest = f"{file}: {{}} more waivers cover nothing (used = 0 in the report's JSON)"
    context.say_all(some_lines([f"{file}: {note}" for note in notes], rest))


def _require_push(context: CommandContext, asked: Request) -> None:
    """What a push needs, asked before the long work and not after it."""
    if asked.alone:
        raise ConfigError(
            "--push writes verdicts on Odoo's invoices, and a control run has none: leave one of them out"
        )
    if asked.key_file:
        raise ConfigError("--push writes names, --pseudonymise hides them: leave one of them out")
    with context.odoo() as odoo:
        require_addon(odoo, shipped_addon.version())


def _push(context: CommandContext, snapshot: Snapshot, data: ReportData, scope: PushScope) -> None:
    """The verdicts to Odoo; the report's data is safe on disk by now."""
    desired = verdicts(data, Owners.of(snapshot), context.config.report.language)
    with context.odoo() as odoo:
        pushed = to_odoo(odoo, desired, scope, progress=context.talk.progress)
    context.talk.say(str(pushed))
    pushed.raise_if_failed()


def _without_odoo(context: CommandContext, ci: bool) -> bool:
    """In CI, a configuration that names no Odoo has none: a snapshot is all it needs, and no secret."""
    lacking = ci and context.config.odoo.url is None
    if lacking:
        context.talk.say(f"note: {context.config_file} names no Odoo: Lago is held against the re-rate alone")
    return lacking


def _say(context: CommandContext, data: ReportData, path: Path, ci: bool) -> CommandOutcome:
    summary = markdown if ci else text
    shown = [summary.render(data, context.config.report.language), "", f"data: {path}", "next: lago2odoo report"]
    return CommandOutcome(partial(report_json.document, data), "\n".join(shown), judge(data).exit_code)


def _compare(context: CommandContext, snapshot: Snapshot, cohort: Cohort, asked: Request) -> ReportData:
    """The month's report; the files of usage are opened once for all of it."""
    with _odoo(context, asked.alone) as odoo, EventSource.from_parquet(context.events) as usage:
        settings = _settings(context, snapshot, odoo, cohort, asked.period)
        if odoo is not None:
            _warn_of_usage(context, snapshot, asked.period)
        mapped = mapped_but_usage(context, snapshot, odoo) if odoo else ()
        data = dual_run(
            snapshot,
            settings,
            odoo=odoo,
            rerate=rerate(snapshot, usage, progress=context.talk.progress),
            late=rerate(snapshot, usage, late=True),
            unmapped=left_out(snapshot, mapped) if odoo else None,
            events=usage if odoo else None,
            lapses=lapses_of(snapshot, usage, period=asked.period, customers=cohort.customers),
            progress=context.talk.progress,
        )
        data = with_events(data, snapshot, usage, partial(in_odoo, odoo) if odoo else None)
        data = replace(data, records=account_of(context, snapshot, mapped) if odoo else ())
    if not data.invoices and not data.lapses:
        raise Blocked(f"Lago issued no invoice in {asked.period}; 'lago2odoo status' shows the months it has")
    return data


def _unlisted(snapshot: Snapshot, fees: Sequence[Fee], period: str) -> Iterator[str]:
    """Of a month's invoices: fees whose taxes only the invoices tell, as Lago's list of fees lacks them."""
    lacking = {fee.lago_id for fee in fees}
    of_month = (invoice for invoice in snapshot.invoices if in_month(invoice.issuing_date, period))
    number = sum(fee.lago_id in lacking for invoice in of_month for fee in invoice.fees)
    if number:
        yield (
            f"incomplete: fees, {number:,} of this month's invoices are not in Lago's list of fees any more "
            f"({UNLISTED}); {show.or_waive(UNLISTED)}"
        )


def _warn_of_usage(context: CommandContext, snapshot: Snapshot, period: str) -> None:
    """Odoo can only bill usage that it was given; what is missing would look like an error of Odoo's."""
    given, needed = context.config.mapping.usage_since, usage_begins(snapshot, period)
    if needed is not None and (given is None or given > needed.date()):
        context.talk.say(
            f"note: this period needs usage from {needed.date()} on, Odoo was given that of the open periods"
            f"{f' and from {given} on' if given else ''}: set [mapping] usage_since, then lago2odoo apply --phase usage"
        )


def _look_closer(
    context: CommandContext, snapshot: Snapshot, data: ReportData, cohort: Cohort, path: Path
) -> CommandOutcome:
    """The control run looks closer: units and events of each fee, fees without an invoice, calendar, credit notes."""
    context.talk.say("checking fee by fee")
    run = control_run(snapshot, context.events, period=data.run.period)
    checks = tuple(check for check in run if cohort.takes(check.customer))
    of_notes = control_credit_notes(snapshot, data.run.period)
    notes = tuple(check for check in of_notes if cohort.takes(check.customer))
    all_agree = all(check.is_equal for check in checks) and all(note.is_equal for note in notes)
    code = control_exit_code(data, all_agree=all_agree)
    language = context.config.report.language
    version = fitting_version(snapshot, context.events, checks, data.run.period)
    parts = [
        show_control.render(checks, notes),
        show_control.hint(version, checks) if version else "",
        text.lapses(data, language),
        text.totals(data, language),
        f"data: {path}",
    ]
    return CommandOutcome(
        lambda: {**show_control.document(checks, notes), "totals": report_json.totals(data)},
        "\n".join(part for part in parts if part),
        code,
    )


@contextmanager
def _odoo(context: CommandContext, alone: bool) -> Iterator[Door | None]:
    """A control run asks no Odoo, and needs no key for it."""
    if alone:
        yield None
        return
    with context.odoo() as odoo:
        yield odoo


def _settings(context: CommandContext, snapshot: Snapshot, odoo: Door | None, cohort: Cohort, period: str) -> Settings:
    tables, declared = context.tables(), context.config.reconcile
    services = {plan.code: entry.name for plan in snapshot.plans if (entry := tables.service(plan.code))}
    return Settings(
        period=period,
        compared_at=datetime.now(UTC),
        tool_version=tool_version(),
        odoo_version=odoo.server_version if odoo else "",
        tolerance_cents=declared.tolerance_cents,
        materiality_cents=declared.materiality_cents,
        customers=cohort.customers,
        cohort=cohort.name,
        services=services,
        tax_codes=tax_codes(odoo, tables, snapshot) if odoo else {},
        mapped_taxes=led_to(odoo, tables) if odoo else {},
        shadow=find_shadow_journal(odoo) if odoo and declared.keep_shadow_invoices else None,
        waivers=context.waivers(),
    )


def _save(data: ReportData, folder: Path, asked: Request) -> Path:
    """The data under its name; in CI a JUnit file lies beside it."""
    path = folder / f"{stored.run_name(asked.period, asked.cohort, control=asked.alone)}.json"
    if asked.ci:
        write_whole(path.with_suffix(".xml"), partial(junit.write, data), "result")
    return write_whole(path, partial(report_json.write, data), "result")
