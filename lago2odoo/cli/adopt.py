"""``adopt``: after the state was lost, the ledger again, from the external ids that Odoo's records bear."""

from __future__ import annotations

from pathlib import Path

import click

from lago2odoo.cli import show
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.migration import open_migration
from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.target import Mapped
from migrate.adopt import Adoption, adopt
from migrate.odoo.door import Door
from migrate.state.ledger import Ledger
from migrate.state.store import Store


@click.command("adopt")
@config_option
@format_option
def command(config: Path, form: str) -> int:
    """Take up again what stands in Odoo under our external ids, after the state was lost."""
    with open_context(config) as context, context.store() as store, store.lock(), context.odoo() as odoo:
        mapped = _mapped(context, store, odoo)
        adoption = adopt(odoo, Ledger(store), mapped, context.talk.progress)
    return emit(CommandOutcome(_data(adoption), _text(adoption, bool(mapped)), 1 if adoption.withheld else 0), form)


def _mapped(context: CommandContext, store: Store, odoo: Door) -> tuple[Mapped, ...]:
    """What the snapshot wants, if there is one: it says whose a record is. Odoo's external ids alone do not."""
    latest = store.latest()
    if latest is None or not latest.finished:
        return ()
    return open_migration(context, store, odoo, None).mapped


def _data(adoption: Adoption) -> dict[str, object]:
    return {
        "made": dict(adoption.made),
        "older": list(adoption.older),
        "gone": list(adoption.gone),
        "withheld": list(adoption.withheld),
        "known": adoption.known,
    }


def _text(adoption: Adoption, extracted: bool) -> str:
    lines = show.adopted(adoption)
    if adoption.gone:
        lines.append(f"{len(adoption.gone):,} external ids of ours name records that are gone from Odoo")
    lines += show.not_adopted(adoption)
    if adoption.known:
        lines.append(f"{adoption.known:,} records were known already")
    if not adoption.total:
        return "\n".join([*lines, "nothing to adopt"])
    if not extracted:
        lines.append("nothing is extracted: whose these records are is not known, a cohort cannot be undone by itself")
    learn = "lago2odoo apply" if extracted else "lago2odoo extract, then lago2odoo apply,"
    lines.append(f"next: {learn} learns again what is wanted; lago2odoo rollback --dry-run shows what would go")
    return "\n".join(lines)
