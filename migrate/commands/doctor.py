"""``doctor``: both ends, the state, the tables, the addon, and the one Stripe account, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappings.records import Snapshot
from mappings.target import Desired, Target
from migrate import config as settings
from migrate.commands.addon import version
from migrate.commands.context import Context, Outcome
from migrate.commands.migration import Migration, open_migration
from migrate.errors import ConfigError, Lago2OdooError, OdooError
from migrate.odoo.discover import addon_version, discover
from migrate.odoo.protocol import Odoo
from migrate.preflight import Finding, Needs, needs_of, preflight
from migrate.push import mismatch, remedy
from migrate.store import Store
from migrate.stripe import Proof, Reference, StripeApi, StripeError, prove_same_account

MARKS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}


def run(context: Context) -> Outcome:
    """Check everything that can be checked now; one that fails does not hide the others. Exit code 1 on errors."""
    findings = list(_findings(context))
    failed = any(f.level == "error" for f in findings)
    data = {"findings": [{"level": f.level, "what": f.what, "remedy": f.remedy} for f in findings]}
    return Outcome(data, "\n".join(map(render, findings)), 1 if failed else 0)


def render(finding: Finding) -> str:
    """``ERROR   quantities keep 2 decimals ... -> what to do``."""
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{MARKS[finding.level]}  {finding.what}{remedy}"


def _findings(context: Context) -> Iterator[Finding]:
    try:
        context.tables()
        yield Finding("ok", "mapping tables")
    except ConfigError as error:
        yield Finding("error", str(error))
        return
    yield from _lago(context)
    try:
        with context.store() as store:
            yield from _odoo(context, store)
    except Lago2OdooError as error:
        yield Finding("error", str(error))


def _lago(context: Context) -> Iterator[Finding]:
    try:
        with context.source(None) as source:
            version_text = source.get("/health")["version"].value
            name = source.get("/api/v1/organizations")["organization"].value["name"]
        yield Finding("ok", f"Lago {version_text}, organization {name}")
    except Lago2OdooError as error:
        yield Finding("error", str(error))


def _odoo(context: Context, store: Store) -> Iterator[Finding]:
    with context.odoo() as odoo:
        if store.latest() is None:
            target = discover(odoo)
            yield from preflight(odoo, target, Needs())
            yield from _addon(odoo, target)
            yield Finding(
                "warning", "nothing is extracted yet: what the data needs is checked after 'lago2odoo extract'"
            )
            return
        migration = open_migration(context, store, odoo, None)
        yield from preflight(odoo, migration.target, needs(migration))
        yield from _addon(odoo, migration.target)
        yield from _stripe(context, migration.snapshot)


def needs(migration: Migration) -> Needs:
    """What this snapshot asks of Odoo, beyond what the mapped records tell themselves."""
    snapshot = migration.snapshot
    locales = {c.billing_configuration.document_locale for c in snapshot.customers}
    stateless = [c.external_id for c in snapshot.customers if c.country in ("CA", "US") and not c.state]
    seller = next((e.country for e in snapshot.billing_entities if e.is_default), None)
    return replace(
        needs_of(item for item in migration.mapped if isinstance(item, Desired)),
        currencies=frozenset(i.currency for i in snapshot.invoices) | {p.amount_currency for p in snapshot.plans},
        languages=frozenset(locale for locale in locales if locale),
        stateless=tuple(stateless),
        tokens=bool(snapshot.payment_methods),
        country=seller,
    )


def _addon(odoo: Odoo, target: Target) -> Iterator[Finding]:
    """The installed addon must be the version that this tool speaks to."""
    if not target.addon:
        return
    try:
        installed = addon_version(odoo)
    except OdooError as error:
        yield Finding("warning", f"the version of the addon could not be asked: {error}")
        return
    if installed == version():
        yield Finding("ok", f"addon fusion_billing {installed}")
    else:
        yield Finding("warning", mismatch(installed, version()), remedy(installed, version()))


def _stripe(context: Context, snapshot: Snapshot) -> Iterator[Finding]:
    if not snapshot.payment_methods:
        return
    try:
        proof = _prove(context, snapshot)
    except StripeError as error:
        yield Finding("error", str(error))
        return
    yield Finding("ok" if proof.proven else "warning", proof.sentence)


def _prove(context: Context, snapshot: Snapshot) -> Proof:
    held = {c.external_id: c.billing_configuration.provider_customer_id for c in snapshot.customers}
    references = [
        Reference(method.external_customer_id, held[method.external_customer_id] or "", method.provider_method_id)
        for method in snapshot.payment_methods
        if held.get(method.external_customer_id)
    ]
    access = context.config.stripe
    try:
        key = settings.secret(access.key_env, access.key_file, context.config.folder, "Stripe key")
    except ConfigError:
        return prove_same_account(references, None)
    return prove_same_account(references, StripeApi(key))
