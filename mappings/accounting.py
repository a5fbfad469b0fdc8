"""Every record that Lago gave, accounted for: it is in Odoo, or left out for a reason. Pure.

    extracted + refused = loaded + left out          per resource; refused: it could not be read, which is its reason

Usage events are counted where they are billed: each line of a report tells how many of them either side has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mappings.coverage import CoverageRow, coverage
from mappings.records import Snapshot
from mappings.target import Desired, Mapped, Skipped
from mappings.unread import KINDS

NOT_APPLIED = "not_applied"  # wanted, and not written yet
NOTHING = "nothing_to_move"  # paid, ended, history: ``mappings.coverage`` says what of each resource
_EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsAccount:
    """The records of one resource. ``left_out``: reason -> records, those of the refused ones included."""

    resource: str
    extracted: int
    refused: int
    loaded: int
    left_out: Mapping[str, int] = field(default_factory=dict)


def account(snapshot: Snapshot, mapped: Iterable[Mapped], loaded: Collection[str]) -> tuple[RecordsAccount, ...]:
    """The account of each resource. ``loaded``: external ids of what is in Odoo, as the ledger says."""
    refused: dict[str, int] = {}
    for unread in snapshot.quarantined:
        kind = KINDS[unread.resource][0]
        refused[kind] = refused.get(kind, 0) + 1
    rows = coverage(snapshot, _as_applied(mapped, loaded))
    return tuple(_account(row, refused.get(row.resource, 0)) for row in rows if row.records and row.resource != _EVENT)


def _as_applied(mapped: Iterable[Mapped], loaded: Collection[str]) -> Iterator[Mapped]:
    """What is wanted and not in Odoo is left out, too."""
    for item in mapped:
        if isinstance(item, Desired) and item.xid not in loaded:
            yield Skipped(
                phase=item.phase, source=item.source, reason=NOT_APPLIED, detail="apply has not written it",
                customer=item.customer,
            )  # fmt: skip
        else:
            yield item


def _account(row: CoverageRow, refused: int) -> RecordsAccount:
    """What has nothing to move is that of a resource of which it is said why; the rest would be unaccounted for."""
    idle = {NOTHING: row.nothing_to_move} if row.nothing_to_move and row.why_nothing else {}
    return RecordsAccount(
        resource=row.resource,
        extracted=(row.records or 0) - refused,
        refused=refused,
        loaded=row.expressed,
        left_out={**row.skipped, **idle},
    )
