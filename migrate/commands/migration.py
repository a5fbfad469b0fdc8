"""The first straight line, put together: snapshot -> map -> everything that preview, apply and status need."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from mappings.cohorts import CohortError, customers_of
from mappings.context import Options
from mappings.coverage import CoverageRow, coverage
from mappings.desired import desired, iterate
from mappings.records import Snapshot
from mappings.subscriptions import source as subscription_source
from mappings.target import Desired, Mapped, Phase, Skipped, Target
from mappings.usage import UsageRow
from migrate import events
from migrate.commands.context import Context
from migrate.errors import ConfigError
from migrate.extract import load_snapshot
from migrate.odoo.discover import discover
from migrate.odoo.protocol import Odoo
from migrate.phases import EVERYONE, Cohort
from migrate.preflight import prepare
from migrate.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What is wanted of this Odoo. ``digest`` names the snapshot it was made from."""

    snapshot: Snapshot
    target: Target
    mapped: tuple[Mapped, ...]
    cohort: Cohort
    digest: str
    events: int  # in the snapshot

    def coverage(self) -> tuple[CoverageRow, ...]:
        """The coverage matrix of everything mapped, whatever the cohort."""
        return coverage(self.snapshot, self.mapped, self.events)


def open_migration(context: Context, store: Store, odoo: Odoo, cohort: str | None) -> Migration:
    """Read the snapshot, ask Odoo what it can express, and map."""
    tables = context.tables()
    context.talk.say("reading the snapshot")
    snapshot = load_snapshot(store)
    target = discover(odoo)
    since = context.config.mapping.usage_since
    options = Options(usage_since=datetime.combine(since, time(), UTC) if since else None)
    context.talk.say("mapping")
    return Migration(
        snapshot=snapshot,
        target=target,
        mapped=(*prepare(target), *desired(snapshot, usage_rows(context), target, tables, options)),
        cohort=cohort_of(context, snapshot, cohort),
        digest=digest(store),
        events=sum(store.event_files().values()),
    )


def unmapped(context: Context, snapshot: Snapshot, odoo: Odoo) -> dict[str, str]:
    """Lago id of each subscription and charge that is not in Odoo -> why; it explains what Odoo does not bill."""
    phases = frozenset({Phase.CATALOG, Phase.CUSTOMERS, Phase.SUBSCRIPTIONS})
    return left_out(snapshot, tuple(iterate(snapshot, (), discover(odoo), context.tables(), Options(), phases)))


_CHARGE = re.compile(r"(?:order_)?(?:fixed_)?charge .*\((?P<start>\w{8})\)")  # as the mappers call their sources


def left_out(snapshot: Snapshot, mapped: Sequence[Mapped]) -> dict[str, str]:
    """The same of a finished mapping."""
    there = {item.source for item in mapped if isinstance(item, Desired)}
    why = {item.source: item.reason for item in mapped if isinstance(item, Skipped) and item.source not in there}
    held = ((subscription, why.get(subscription_source(subscription))) for subscription in snapshot.subscriptions)
    found = {subscription.lago_id: reason for subscription, reason in held if reason}
    starts = {match["start"]: reason for source, reason in why.items() if (match := _CHARGE.fullmatch(source))}
    plans = (*snapshot.plans, *(s.plan for s in snapshot.subscriptions if s.plan))
    charges = {charge.lago_id for plan in plans for charge in plan.charges}
    charges |= {charge.lago_id for plan in plans for charge in plan.fixed_charges}
    return found | {charge: starts[charge[:8]] for charge in charges if charge[:8] in starts}


def usage_rows(context: Context) -> Iterator[UsageRow]:
    """The usage events at hand, one by one."""
    for row in events.rows(context.events):
        yield UsageRow(**{**row, "external_subscription_id": row["external_subscription_id"] or ""})


def cohort_of(context: Context, snapshot: Snapshot, name: str | None) -> Cohort:
    """The customers of a cohort of the configuration; everyone without a name."""
    if name is None:
        return EVERYONE
    cohort = context.config.cohort(name)
    try:
        return Cohort(name, customers_of(snapshot, name, cohort.customers, cohort.plans))
    except CohortError as error:
        raise ConfigError(f"{context.config_file}: {error}") from None


def digest(store: Store) -> str:
    """A digest of everything that was read from Lago: it moves when a record does."""
    run = store.latest()
    if run is None:
        return ""
    hasher = hashlib.sha256()
    for resource in sorted(store.changes(run)):
        for raw in store.seen(resource, run):
            hasher.update(f"{resource}\0{raw.key}\0{raw.sha256}\n".encode())
    for path, rows in sorted(store.event_files().items()):
        hasher.update(f"{path}\0{rows}\n".encode())
    return hasher.hexdigest()
