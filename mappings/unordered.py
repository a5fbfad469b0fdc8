"""Records within others of which Lago promises no order: they are read in one of our own. Pure.

Its database shows one that was changed last, say, or two of one moment either way round. What is made from them (lines
of an order, positions of a report, verdicts in Odoo) would be another one after the next extract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TypeVar

from mappings import records as r

T = TypeVar("T")

# Not filters of a charge: Lago asks them in the order in which it shows them.
UNORDERED: frozenset[type] = frozenset(
    (r.AppliedTax, r.BillingPeriod, r.Charge, r.Credit, r.CreditNoteItem, r.Fee, r.FixedCharge)
) | {r.MetadataItem, r.Subscription, r.Tax}


def in_order(shown: Sequence[Mapping[str, object]], items: tuple[T, ...]) -> tuple[T, ...]:
    """``items``, made from what was ``shown`` one by one."""
    if len(items) < 2:
        return items
    return tuple(item for _, item in sorted(zip(map(_place, shown), items, strict=True), key=itemgetter(0)))


def _place(shown: Mapping[str, object]) -> tuple[str, ...]:
    """The oldest first, as Lago mostly shows them; what came together by its id, a stretch by where it begins."""
    names = ("created_at", "lago_id", "lago_subscription_id", "subscription_from_datetime", "charges_from_datetime")
    return tuple(str(shown.get(name) or "") for name in names)
