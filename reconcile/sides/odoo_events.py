"""Which usage events Odoo has."""

from __future__ import annotations

from collections.abc import Sequence

from migrate.odoo.door import Door


def in_odoo(odoo: Door, pairs: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the events (external id of the subscription, transaction) that Odoo has."""
    fields = ["external_subscription_id", "transaction_id"]
    transactions = sorted({transaction for _, transaction in pairs})
    rows = odoo.search_among("fusion.billing.usage", "transaction_id", transactions, fields)
    return frozenset((row["external_subscription_id"], row["transaction_id"]) for row in rows)
