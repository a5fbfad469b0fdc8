"""Subscriptions that ``apply`` made orders of, as the ledger tells: Lago had them once, whatever it shows today."""

from __future__ import annotations

from mappings.lost_records import AppliedSubscription
from mappings.target import Phase, xid
from migrate.state.entries import SENT
from migrate.state.ledger import Ledger
from migrate.state.store import Store

_PREFIX = xid("subscription", "")


def applied_subscriptions(store: Store) -> tuple[AppliedSubscription, ...]:
    """All of them, in the order in which they were applied; a creation that did not come to an end is none."""
    return tuple(
        AppliedSubscription(
            lago_id=entry.xid.removeprefix(_PREFIX),
            external_id=str(entry.sent.get("fusion_external_id") or ""),
            customer=entry.customer or "",
        )
        for entry in Ledger(store).entries([Phase.SUBSCRIPTIONS])
        if entry.model == "sale.order" and not entry.parent and entry.state != SENT and entry.xid.startswith(_PREFIX)
    )
