"""``reconcile``: a month on three sides, compared and explained; its data is kept for ``report``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mappings.records import Snapshot
from mappings.tables import Tables
from migrate.commands import control as fee_by_fee
from migrate.commands import history, shared
from migrate.commands.addon import version as addon_version
from migrate.commands.context import Context, Outcome
from migrate.commands.files import run_name, write_whole
from migrate.commands.inputs import gather
from migrate.commands.migration import cohort_of, unmapped
from migrate.errors import Blocked, ConfigError
from migrate.extract import load_snapshot
from migrate.odoo.discover import company_id
from migrate.odoo.protocol import Odoo
from migrate.phases import Cohort
from migrate.push import Scope, require_addon
from migrate.push import push as to_odoo
from migrate.rollback import SHADOW_JOURNAL
from migrate.verdicts import Owners, verdicts
from reconcile import waivers
from reconcile.causes import CAUSES
from reconcile.control import control as control_run
from reconcile.control import rerate
from reconcile.facts import Shadow, in_period
from reconcile.run import Settings, reconcile
from reconcile.shown_events import with_events
from reports import json as report_json
from reports import junit, markdown, text
from reports.data import ReportData


def run(
    context: Context,
    *,
    period: str,
    cohort: str | None,
    out: Path | None,
    control: bool,
    ci: bool,
    pseudonymise: Path | None = None,
    push: bool = False,
) -> Outcome:
    """Reconcile a period. Exit code 0 equal, 2 differences, 3 only waived ones.

    With ``pseudonymise`` (a key file) nothing is written or printed but the report for others; it cannot be signed.
    """
    key = shared.key_of(pseudonymise) if pseudonymise else None
    if push:
        _require_push(context, control or _without_odoo(context, ci), pseudonymise)
    with context.store() as store:
        snapshot, inputs = load_snapshot(store), gather(context, store)
    alone = control or _without_odoo(context, ci)
    data = _compared(context, snapshot, period, cohort, alone)
    path = context.reports(out) / f"{run_name(period, cohort, control=alone)}.json"
    data = history.aged(data, path.parent)
    if key is not None:
        data = shared.under_pseudonyms(data, key, snapshot)
        path = path.parent / shared.FOLDER / path.name
    _save(data, path, ci)
    if key is None:
        history.note(data, path, inputs)
    if push:
        _push(context, snapshot, data, Scope(period=period, customers=cohort_of(context, snapshot, cohort).customers))
    if control and key is None:
        return _controlled(context, snapshot, data, cohort_of(context, snapshot, cohort), path)
    return _said(context, data, path, ci)


def _require_push(context: Context, alone: bool, pseudonymise: Path | None) -> None:
    """What a push needs, asked before the long work and not after it."""
    if alone:
        raise ConfigError(
            "--push writes verdicts on Odoo's invoices, and a control run has none: leave one of them out"
        )
    if pseudonymise:
        raise ConfigError("--push writes names, --pseudonymise hides them: leave one of them out")
    with context.odoo() as odoo:
        require_addon(odoo, addon_version())


def _push(context: Context, snapshot: Snapshot, data: ReportData, scope: Scope) -> None:
    """The verdicts to Odoo; the report's data is safe on disk by now."""
    wanted = verdicts(data, Owners.of(snapshot), context.config.report.language)
    with context.odoo() as odoo:
        pushed = to_odoo(odoo, wanted, scope, progress=context.talk.progress)
    context.talk.say(str(pushed))
    pushed.raise_if_failed()


def _without_odoo(context: Context, ci: bool) -> bool:
    """In CI, a configuration that names no Odoo has none: a snapshot is all it needs, and no secret."""
    lacking = ci and context.config.odoo.url is None
    if lacking:
        context.talk.say(f"note: {context.config_file} names no Odoo: Lago is held against the re-rate alone")
    return lacking


def _said(context: Context, data: ReportData, path: Path, ci: bool) -> Outcome:
    summary = markdown if ci else text
    shown = [summary.render(data, context.config.report.language), "", f"data: {path}", "next: lago2odoo report"]
    return Outcome(partial(report_json.document, data), "\n".join(shown), data.exit_code)


def _compared(context: Context, snapshot: Snapshot, period: str, cohort: str | None, alone: bool) -> ReportData:
    with _odoo(context, alone) as odoo:
        settings = _settings(context, snapshot, odoo, period, cohort)
        if odoo is not None:
            _warn_of_usage(context, snapshot, settings)
        data = reconcile(
            snapshot,
            settings,
            odoo=odoo,
            rerate=rerate(snapshot, context.events, progress=context.talk.progress),
            late=rerate(snapshot, context.events, late=True),
            unmapped=unmapped(context, snapshot, odoo) if odoo else None,
            events=context.events if odoo else None,
            progress=context.talk.progress,
        )
        data = with_events(data, snapshot, context.events, odoo)
    if not data.invoices:
        raise Blocked(f"Lago issued no invoice in {period}; 'lago2odoo status' shows the months it has")
    return data


def _warn_of_usage(context: Context, snapshot: Snapshot, settings: Settings) -> None:
    """Odoo can only bill usage that it was given; what is missing would look like an error of Odoo's."""
    since = context.config.mapping.usage_since
    invoices = [i for i in snapshot.invoices if in_period(i, settings.period)]
    begins = [p.charges_from_datetime for i in invoices for p in i.billing_periods if p.charges_from_datetime]
    first = min(begins, default=None)
    if first is not None and (since is None or since > first.date()):
        context.talk.say(
            f"note: this period needs usage from {first.date()} on, Odoo was given that of the open periods"
            f"{f' and from {since} on' if since else ''}: set [mapping] usage_since, then lago2odoo apply --phase usage"
        )


def _controlled(context: Context, snapshot: Snapshot, data: ReportData, cohort: Cohort, path: Path) -> Outcome:
    """The control run looks closer: units and events of each fee, fees without an invoice, Lago's calendar."""
    context.talk.say("checking fee by fee")
    run = control_run(snapshot, context.events, period=data.run.period)
    checks = tuple(check for check in run if cohort.takes(check.customer))
    code = data.exit_code if all(check.is_equal for check in checks) else data.exit_code or 2
    return Outcome(partial(fee_by_fee.document, checks), f"{fee_by_fee.render(checks)}\ndata: {path}", code)


@contextmanager
def _odoo(context: Context, control: bool) -> Iterator[Odoo | None]:
    """A control run asks no Odoo, and needs no key for it."""
    if control:
        yield None
        return
    with context.odoo() as odoo:
        yield odoo


def _settings(context: Context, snapshot: Snapshot, odoo: Odoo | None, period: str, cohort: str | None) -> Settings:
    tables, declared = context.tables(), context.config.reconcile
    services = {plan.code: entry.name for plan in snapshot.plans if (entry := tables.service(plan.code))}
    return Settings(
        period=period,
        compared_at=datetime.now(UTC),
        tool_version=_version(),
        odoo_version=odoo.server_version if odoo else "",
        tolerance_cents=declared.tolerance_cents,
        materiality_cents=declared.materiality_cents,
        customers=cohort_of(context, snapshot, cohort).customers,
        cohort=cohort or "",
        services=services,
        tax_codes=tax_codes(odoo, tables, snapshot) if odoo else {},
        shadow=_shadow(odoo) if odoo and declared.keep_shadow_invoices else None,
        waivers=_waivers(context),
    )


def tax_codes(odoo: Odoo, tables: Tables, snapshot: Snapshot) -> dict[str, str]:
    """Name of a tax in Odoo -> Lago's code, by finance's table; the parts of a group are told apart by their rate."""
    rates = {tax.code: float(tax.rate) for tax in snapshot.taxes}
    company = company_id(odoo)
    named: dict[str, str] = {}
    for entry in tables.taxes:
        reference = tables.ref(entry.odoo, company)
        for tax in _taxes(odoo, reference.xid if reference else ""):
            codes = [c for c in sorted(entry.codes) if len(entry.codes) == 1 or rates.get(c) == tax["amount"]]
            if codes:
                named[tax["name"]] = codes[0]
    return named


def _taxes(odoo: Odoo, xid: str) -> list[Mapping[str, Any]]:
    """The tax of an external id, or its parts if it is a group; nothing if Odoo does not have it."""
    module, _, name = xid.partition(".")
    domain = [["module", "=", module], ["name", "=", name], ["model", "=", "account.tax"]]
    held = odoo.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])
    fields = ["name", "amount", "children_tax_ids"]
    found: list[Mapping[str, Any]] = odoo.call("account.tax", "read", [row["res_id"] for row in held], fields=fields)
    parts = [child for tax in found for child in tax["children_tax_ids"]]
    return odoo.call("account.tax", "read", parts, fields=fields) if parts else found


def _shadow(odoo: Odoo) -> Shadow:
    domain = [["code", "=", SHADOW_JOURNAL], ["company_id", "=", company_id(odoo)]]
    found = odoo.call("account.journal", "search", domain=domain)
    if not found:
        raise Blocked(
            f"the shadow journal {SHADOW_JOURNAL} is not in Odoo: run 'lago2odoo apply --phase catalog' first"
        )
    return Shadow(journal_id=found[0])


def _waivers(context: Context) -> tuple[waivers.Waiver, ...]:
    name = context.config.reconcile.waivers
    return waivers.load(context.config.path(name), [cause.name for cause in CAUSES]) if name else ()


def _save(data: ReportData, path: Path, ci: bool) -> None:
    if ci:
        write_whole(path.with_suffix(".xml"), partial(junit.write, data), "result")
    write_whole(path, partial(report_json.write, data), "result")


def _version() -> str:
    try:
        return version("lago2odoo")
    except PackageNotFoundError:
        return "checkout"
