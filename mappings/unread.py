"""Records in quarantine -> what is skipped of them, each in the phase that its kind would be moved in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mappings.context import Context
from mappings.quarantine import Quarantined
from mappings.target import Phase, Skipped, Source

# Lago's resource -> what the mappers call it, and where it belongs. History counts too: what it says is used.
KINDS: Mapping[str, tuple[str, Phase]] = {
    "billing_entities": ("billing_entity", Phase.CATALOG),
    "taxes": ("tax", Phase.CATALOG),
    "billable_metrics": ("billable_metric", Phase.CATALOG),
    "add_ons": ("add_on", Phase.CATALOG),
    "plans": ("plan", Phase.CATALOG),
    "coupons": ("coupon", Phase.CATALOG),
    "customers": ("customer", Phase.CUSTOMERS),
    "subscriptions": ("subscription", Phase.SUBSCRIPTIONS),
    "applied_coupons": ("applied_coupon", Phase.SUBSCRIPTIONS),
    "fees": ("fee", Phase.SUBSCRIPTIONS),
    "events": ("event", Phase.USAGE),
    "invoices": ("invoice", Phase.BALANCES),
    "credit_notes": ("credit_note", Phase.BALANCES),
    "payments": ("payment", Phase.BALANCES),
    "wallets": ("wallet", Phase.BALANCES),
    "wallet_transactions": ("wallet_transaction", Phase.BALANCES),
    "payment_methods": ("payment_method", Phase.TOKENS),
}


def unread_records(context: Context, phase: Phase) -> Iterator[Skipped]:
    """What is skipped in ``phase`` because it cannot be read."""
    for unread in context.snapshot.quarantined:
        kind, of_phase = KINDS[unread.resource]
        if of_phase is phase:
            yield _skipped(unread, kind, phase)


def _skipped(unread: Quarantined, kind: str, phase: Phase) -> Skipped:
    return Skipped(
        phase=phase,
        source=Source(kind, unread.name, unread.id),
        reason=unread.reason,
        detail=unread.detail,
        customer=unread.customer or None,
        because=unread.id,
    )
