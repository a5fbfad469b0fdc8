"""What a recurring weighted sum goes on from, where a subscription was always billed by another calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from mappings.records import Snapshot
from reconcile.rating.rules import LATEST
from reconcile.rerate.billing import Billed
from reconcile.rerate.history import History
from reconcile.rerate.supposed import World
from reconcile.rerate.supposed_history import Supposed
from tests.faults import PRO, UPGRADES
from tests.reconciling.planted import Base

AUCKLAND = "Pacific/Auckland"


def last_billing(snapshot: Snapshot, customer: str, month: str) -> Billed:
    (subscription,) = [s for s in snapshot.subscriptions if s.external_customer_id == customer and s.status == "active"]
    billings = History(snapshot).billed[subscription.lago_id]
    return next(b for b in billings if b.invoice.issuing_date.strftime("%Y-%m") == month)


def windows(snapshot: Snapshot, billed: Billed, moved: frozenset[str]) -> list[tuple[datetime | None, datetime]]:
    zones = dict.fromkeys(moved, AUCKLAND)
    world = World(snapshot=snapshot, events=pa.table({}), rules=LATEST, premium=True, moved=moved, zones=zones)
    carry = Supposed(snapshot, world).carry(billed, billed.plan.charges[0])
    return [(one.since, one.until.replace(microsecond=0)) for one in carry.chain()] if carry else []


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_goes_on_from_the_billings_that_the_calendar_implies(base: Base) -> None:
    """In Auckland the subscription of 9 March started on the 10th: what Lago billed on the 9th ends on another day."""
    billed = last_billing(base.snapshot, PRO, "2026-07")
    assert windows(base.snapshot, billed, frozenset({billed.subscription.lago_id})) == [
        (at("2026-03-09 15:46"), at("2026-04-09 11:59:59")),
        (at("2026-04-09 12:00"), at("2026-05-09 11:59:59")),
        (at("2026-05-09 12:00"), at("2026-06-09 11:59:59")),
    ]
    stored = windows(base.snapshot, billed, frozenset())
    assert stored[-1] == (at("2026-05-09 04:00"), at("2026-06-09 03:59:59")), "as Lago stored them, where nothing moved"


def test_others_of_its_external_id_are_told_by_invoices_alone(base: Base) -> None:
    billed = last_billing(base.snapshot, UPGRADES, "2026-07")
    stored = windows(base.snapshot, billed, frozenset())
    assert stored == windows(base.snapshot, billed, frozenset({billed.subscription.lago_id})) != []


def test_an_invoice_that_was_voided_and_made_again_goes_on_from_where_the_first_did(base: Base) -> None:
    """It went on from the voided one's own window, so that what that had summed up counted twice."""
    billed = last_billing(base.snapshot, PRO, "2026-07")
    voided = replace(
        billed.invoice, lago_id="voided", status="voided", created_at=billed.invoice.created_at - timedelta(hours=1)
    )
    again = replace(base.snapshot, invoices=(voided, *base.snapshot.invoices))
    made = next(
        b for b in History(again).billed[billed.subscription.lago_id] if b.invoice.lago_id == billed.invoice.lago_id
    )
    assert windows(again, made, frozenset()) == windows(base.snapshot, billed, frozenset()) != []
