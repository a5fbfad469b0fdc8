"""``doctor --billable``: both systems are asked, now, who bills whom; the state only knows who left with this tool."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from lago2odoo.cli.context import CommandContext
from mappings.errors import Lago2OdooError
from mappings.period import local_date
from migrate.cutover.interlock import Billable, stops, violations
from migrate.lago.ends import Shown, listed, timezones
from migrate.lago.resources import ALL_STATES
from migrate.lago.source import LagoSource
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.schedulers import NATIVE, OURS, actions
from migrate.state.cutover_stages import leaving, stage_notes
from migrate.state.store import Store
from reconcile.sides.odoo_next import NextDay, next_days

_MEND = "switch Odoo's scheduled invoicing off, then 'lago2odoo cutover --confirm', and mend the one that is wrong"


def check_billable(context: CommandContext) -> Iterator[CheckFinding]:
    """One finding a subscription that is billed by both or by neither; else one for all."""
    try:
        with context.store() as store, context.source(None) as lago, context.odoo() as odoo:
            now = datetime.fromisoformat(lago.clock())
            billables = tuple(_billables(store, lago, odoo, now))
    except Lago2OdooError as error:
        yield CheckFinding("error", str(error))
        return
    today = now.date()
    wrong = tuple(violations(billables, today))
    for billable, problem in wrong:
        yield CheckFinding("error", f"{billable.customer} {billable.subscription}: {problem}", _MEND)
    if not wrong:
        lagos = sum(b.until is None or b.until > today for b in billables)
        odoos = sum(b.since is not None or b.is_billed for b in billables)
        told = f"nobody is billed by both or by neither: {lagos:,} subscriptions by Lago, {odoos:,} by Odoo"
        yield CheckFinding("ok", told)


def _billables(store: Store, lago: LagoSource, odoo: Door, now: datetime) -> Iterator[Billable]:
    """Of every external id that Lago has or had: an upgrade, or one that was made again, is the same to a customer."""
    shown = list(listed(lago, "subscriptions", ALL_STATES))
    zones = timezones(lago)
    left = leaving(stage_notes(store).values())
    orders = next_days(odoo, [s["lago_id"] for s in shown])
    bills = any(action.active and action.known in (OURS, *NATIVE.values()) for action in actions(odoo))
    chains: dict[tuple[str, str], list[Shown]] = {}
    for raw in shown:
        if raw["status"] in ("active", "terminated"):
            chains.setdefault((raw["external_customer_id"], raw["external_id"]), []).append(raw)
    for (customer, subscription), chain in chains.items():
        zone, ids = zones.get(customer, "UTC"), [raw["lago_id"] for raw in chain]
        begun = [order for lago_id in ids if (order := orders.get(lago_id))]
        first = min((day for order in begun if (day := _first_day(order, zone))), default=None)
        yield Billable(
            subscription=subscription,
            customer=customer,
            until=stops(chain, zone, now),
            since=first if bills else None,
            is_billed=any(order.is_billed for order in begun),
            has_left=any(lago_id in left for lago_id in ids),
        )


def _first_day(order: NextDay, zone: str) -> date | None:
    """The first that Odoo bills: where its periods begin, not the day on which it makes the invoice of them."""
    if order.since is not None:
        return local_date(order.since, zone)
    return date.fromisoformat(order.day) if order.day else None
