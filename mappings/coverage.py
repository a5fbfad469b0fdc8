"""The coverage matrix: for every Lago resource how many records are expressed, how, and what is skipped why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mappings.records import Snapshot
from mappings.target import Desired, Mapped, Skipped
from mappings.unread import KINDS

# Why records of a resource may be neither expressed nor skipped: there is nothing to move.
NOTHING_TO_MOVE: Mapping[str, str] = {
    "applied_coupon": "ended",
    "coupon": "definitions, which an older addon cannot keep: those that customers hold stand on their orders",
    "tax": "Odoo's own are used, by the table of taxes",
    "event": "billed by Lago",
    "fee": "history: stays in Lago's archive",
    "payment": "history: stays in Lago's archive and at the payment provider",
    "wallet_transaction": "history: the balance counts",
    "fixed_charge": "a line on every order of its plan",
    "invoice": "paid, voided or zero",
    "credit_note": "used up or voided",
    "wallet": "empty or terminated",
    "subscription": "history that was not asked for",
    "feature": "what the product lets customers do: Odoo has no such thing, it stays with the product",
    "entitlement": "what the product lets customers do: Odoo has no such thing, it stays with the product",
    "order": "executed: its subscriptions and invoices stand here themselves",
    "quote": "an offer: what was not ordered is billed by nobody",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One resource. ``records`` (in the snapshot; None where it is not listed there) = expressed + skipped + nothing.

    ``skipped`` counts records of which nothing is expressed, ``parts`` what is missing of expressed ones, by reason.
    """

    resource: str
    records: int | None
    expressed: int
    models: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)
    nothing_to_move: int = 0
    why_nothing: str = ""


def coverage(snapshot: Snapshot, mapped: Iterable[Mapped], events: int | None = None) -> tuple[CoverageRow, ...]:
    """The matrix, in the order in which resources first appear; resources without records are left out.

    ``events`` is the number of usage events at hand, if known. Reads ``mapped`` once and keeps only names and counts.
    """
    tally = _Tally()
    for item in mapped:
        tally.add(item)
    counts = _counts(snapshot) | ({} if events is None else {"event": events})
    for unread in snapshot.quarantined:
        kind = KINDS[unread.resource][0]
        counts[kind] = counts.get(kind, 0) + 1
    resources = dict.fromkeys([*tally.order, *counts])
    rows = (_row(resource, counts.get(resource), tally) for resource in resources)
    return tuple(row for row in rows if row.records or row.models or row.skipped or row.parts)


@dataclass(slots=True)
class _Tally:
    order: dict[str, None] = field(default_factory=dict)
    models: dict[str, Counter[str]] = field(default_factory=dict)
    expressed: dict[str, set[str]] = field(default_factory=dict)
    skipped: dict[str, dict[str, list[Skipped]]] = field(default_factory=dict)
    events: int = 0

    def add(self, item: Mapped) -> None:
        resource = item.source.resource
        self.order[resource] = None
        if isinstance(item, Skipped):
            self.skipped.setdefault(resource, {}).setdefault(str(item.source), []).append(item)
            return
        self.models.setdefault(resource, Counter()).update(_models(item))
        self._count_coupons(item)
        if resource == "event":
            self.events += 1  # there may be millions: their names are not kept
        else:
            self.expressed.setdefault(resource, set()).add(str(item.source))

    def _count_coupons(self, item: Desired) -> None:
        """Coupons have no record of their own: they stand on the orders they reduce."""
        for coupon in json.loads(str(item.values.get("fusion_coupons") or "[]")):
            self.expressed.setdefault("applied_coupon", set()).add(coupon["lago_id"])
            self.models.setdefault("applied_coupon", Counter())["sale.order (fusion_coupons)"] += 1


def _models(item: Desired) -> list[str]:
    children = (child for lines in item.children.values() for child in lines)
    return [item.model, *(child.model for child in children)]


def _row(resource: str, records: int | None, tally: _Tally) -> CoverageRow:
    expressed = tally.expressed.get(resource, set())
    whole: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for source, items in tally.skipped.get(resource, {}).items():
        for position, item in enumerate(items):
            # a record counts once as skipped, whatever else is missing of it
            is_part = source in expressed or position > 0
            (parts if is_part else whole)[item.reason] += item.count
    count = tally.events if resource == "event" else len(expressed)
    nothing = max(0, records - count - whole.total()) if records is not None else 0
    return CoverageRow(
        resource=resource,
        records=records,
        expressed=count,
        models=dict(sorted(tally.models.get(resource, Counter()).items())),
        skipped=dict(sorted(whole.items())),
        parts=dict(sorted(parts.items())),
        nothing_to_move=nothing,
        why_nothing=NOTHING_TO_MOVE.get(resource, "") if nothing else "",
    )


def _counts(snapshot: Snapshot) -> dict[str, int]:
    plans, subscriptions = snapshot.plans, snapshot.subscriptions
    return {
        "billable_metric": len(snapshot.billable_metrics),
        "add_on": len(snapshot.add_ons),
        "plan": len(snapshot.plans),
        "charge": sum(len(plan.charges) for plan in snapshot.plans),
        "fixed_charge": sum(len(plan.fixed_charges) for plan in snapshot.plans),
        "tax": len(snapshot.taxes),
        "coupon": len(snapshot.coupons),
        "customer": len(snapshot.customers),
        "subscription": len(snapshot.subscriptions),
        "applied_coupon": len(snapshot.applied_coupons),
        "wallet": len(snapshot.wallets),
        "invoice": len(snapshot.invoices),
        "credit_note": len(snapshot.credit_notes),
        "payment_method": len(snapshot.payment_methods),
        "fee": len(snapshot.fees),
        "payment": len(snapshot.payments),
        "wallet_transaction": len(snapshot.wallet_transactions),
        "feature": snapshot.features,
        "entitlement": sum(map(len, (*(p.entitlements for p in plans), *(s.entitlements for s in subscriptions)))),
        **{counted.resource: counted.number for counted in snapshot.counted},
    }
