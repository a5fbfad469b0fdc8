"""``doctor --billable``: both systems are asked, now, who bills whom; the state only knows who left with this tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.cutover_plan import OURS as LEAVING
from mappings.errors import Lago2OdooError
from mappings.period import local_date
from migrate.cutover.interlock import Billable, violations
from migrate.lago.ends import Shown, listed, timezones
from migrate.lago.resources import ALL_STATES
from migrate.lago.source import LagoSource
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.schedulers import NATIVE, OURS, actions
from migrate.state.cutover_stages import stage_notes
from migrate.state.store import Store
from reconcile.sides.odoo_next import NextDay, next_days

_MEND = "switch Odoo's scheduled invoicing off, then 'lago2odoo cutover --confirm', and mend the one that is wrong"


def check_billable(context: CommandContext) -> Iterator[CheckFinding]:
    """One finding a subscription that is billed by both or by neither; else one for all."""
    try:
        with context.store() as store, context.source(None) as lago, context.odoo() as odoo:
            today = datetime.fromisoformat(lago.clock()).date()
            billables = tuple(_billables(store, lago, odoo))
    except Lago2OdooError as error:
        yield CheckFinding("error", str(error))
        return
    wrong = tuple(violations(billables, today))
    for billable, problem in wrong:
        yield CheckFinding("error", f"{billable.customer} {billable.subscription}: {problem}", _MEND)
    if not wrong:
        lagos = sum(b.until is None or b.until > today for b in billables)
        odoos = sum(b.since is not None or b.is_billed for b in billables)
        told = f"nobody is billed by both or by neither: {lagos:,} subscriptions by Lago, {odoos:,} by Odoo"
        yield CheckFinding("ok", told)


def _billables(store: Store, lago: LagoSource, odoo: Door) -> Iterator[Billable]:
    """Of every subscription that Lago has or had."""
    shown = list(listed(lago, "subscriptions", ALL_STATES))
    zones = timezones(lago)
    left = {note.lago_id for note in stage_notes(store).values() if note.stage in LEAVING}
    orders = next_days(odoo, [s["lago_id"] for s in shown])
    bills = any(action.active and action.known in (OURS, *NATIVE.values()) for action in actions(odoo))
    for raw in shown:
        if raw["status"] in ("active", "terminated"):
            yield _billable(raw, zones, orders.get(raw["lago_id"]), bills=bills, has_left=raw["lago_id"] in left)


def _billable(raw: Shown, zones: Mapping[str, str], order: NextDay | None, *, bills: bool, has_left: bool) -> Billable:
    ends = raw["terminated_at"] if raw["status"] == "terminated" else raw["ending_at"]
    zone = zones.get(raw["external_customer_id"], "UTC")
    begins = order is not None and bills and order.day
    return Billable(
        subscription=raw["external_id"],
        customer=raw["external_customer_id"],
        until=local_date(datetime.fromisoformat(ends), zone) if ends else None,
        since=date.fromisoformat(begins) if begins else None,
        is_billed=order is not None and order.is_billed,
        has_left=has_left,
    )
