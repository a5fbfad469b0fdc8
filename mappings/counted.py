"""What Lago has and this version counts only -> gaps by name: its product catalog, and orders that wait. Pure.

The product catalog is Lago's second engine: contracts are billed by rate cards, beside subscriptions and their plans.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from mappings.context import Context
from mappings.records import Counted
from mappings.target import Phase, Skipped, Source

CATALOG, ORDER = "product_catalog_unread", "order_not_executed"

# resource -> the reason of its gap, and what it is called
KINDS: Mapping[str, tuple[str, str]] = {
    "contract": (CATALOG, "contracts of the product catalog"),
    "rate_card": (CATALOG, "rate cards of the product catalog"),
    "catalog_product": (CATALOG, "products of the product catalog"),
    "catalog_plan": (CATALOG, "plans of the product catalog"),
    "order": (ORDER, "orders"),
    "quote": (ORDER, "quotes"),
}
_LEFT = {CATALOG: "are not read", ORDER: "are signed and not executed yet: they will bill what is not here"}


def counted_gaps(context: Context) -> Iterator[Skipped]:
    """One gap for each kind that Lago has some of, or of which nobody could count them."""
    for counted in context.snapshot.counted:
        if told := tell(counted):
            yield Skipped(
                phase=Phase.CATALOG,
                source=Source(counted.resource, KINDS[counted.resource][1]),
                reason=reason_of(counted),
                detail=told,
                count=counted.unread or 1,
            )


def reason_of(counted: Counted) -> str:
    """The name by which it is waived."""
    return KINDS[counted.resource][0]


def tell(counted: Counted) -> str:
    """``37 contracts of the product catalog are not read``; empty where nothing is missing."""
    reason, called = KINDS[counted.resource]
    if counted.unknown:
        return f"whether there are {called} is not known: {counted.unknown}"
    return f"{counted.unread:,} {called} {_LEFT[reason]}" if counted.unread else ""


def open_counted(items: Collection[Counted], waived: Collection[str]) -> tuple[str, ...]:
    """What is told of those that nobody waived."""
    told = ((counted, tell(counted)) for counted in items if reason_of(counted) not in waived)
    return tuple(text for _, text in told if text)
