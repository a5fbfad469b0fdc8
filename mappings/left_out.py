"""What the migration left out of Odoo, by the Lago record: it explains what Odoo does not bill. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappings.records import Snapshot
from mappings.target import Desired, Mapped, Skipped

RESOURCES = (
    *("subscription", "charge", "fixed_charge", "order_charge", "order_fixed_charge"),
    *("invoice", "credit_note"),  # as open balances
)


def left_out(snapshot: Snapshot, mapped: Iterable[Mapped]) -> dict[str, str]:
    """Lago id of each subscription, charge and open balance that is not in Odoo -> why, by a mapping's outcome."""
    items = [item for item in mapped if item.source.resource in RESOURCES]
    expressed = {item.source for item in items if isinstance(item, Desired)}
    skipped = (item for item in items if isinstance(item, Skipped) and item.source not in expressed)
    reasons = {item.source.lago_id: item.reason for item in skipped}
    return {lago_id: reasons[lago_id] for lago_id in _billing(snapshot) if lago_id in reasons}


def _billing(snapshot: Snapshot) -> Iterator[str]:
    """Lago ids of all that an invoice may bill (subscriptions, and the charges of their plans), and of documents."""
    yield from (subscription.lago_id for subscription in snapshot.subscriptions)
    for plan in (*snapshot.plans, *(s.plan for s in snapshot.subscriptions if s.plan)):
        yield from (charge.lago_id for charge in plan.charges)
        yield from (charge.lago_id for charge in plan.fixed_charges)
    yield from (invoice.lago_id for invoice in snapshot.invoices)
    yield from (note.lago_id for note in snapshot.credit_notes)
