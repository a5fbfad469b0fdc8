"""What stands before and after an order in Odoo: what it replaces, what replaces it, and what has its external id.

Odoo goes on from them (trial, first period, usage that is carried over), whoever made them. Only the reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.fields import Row
from mappings.target import xid
from migrate.odoo.door import Door
from migrate.odoo.external_ids import made_of
from migrate.values import number_or_none
from reconcile.sides.held_rows import by_id, held_rows, linked
from reconcile.sides.held_terms import HeldNeighbour
from reconcile.sides.odoo_homes import own_names

ORDER, BEFORE = "sale.order", "fusion_previous_order_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Of one order: as ``HeldOrder`` has them."""

    chain: tuple[HeldNeighbour, ...]
    followers: tuple[HeldNeighbour, ...]
    namesakes: tuple[HeldNeighbour, ...]


def neighbours_of(odoo: Door, orders: Mapping[int, Row], names: Sequence[str]) -> dict[int, Neighbours]:
    """By order. ``names``: the fields that are read of the others."""
    named, after = _of_their_names(odoo, orders, names), _replacing(odoo, orders, names)
    rows = _with_replaced(odoo, {**orders, **named, **after}, names)
    owners = _owners(odoo, rows)
    neighbours = {
        number: HeldNeighbour(row=row, subscription=owners.get(number, ""), replaces=_replaced(row, rows))
        for number, row in rows.items()
    }
    return {
        number: Neighbours(
            chain=tuple(neighbours[other] for other in _chain(number, rows)),
            followers=tuple(neighbours[other] for other in after if number_or_none(rows[other][BEFORE]) == number),
            namesakes=tuple(neighbours[other] for other in named if other != number and _alike(rows[other], row)),
        )
        for number, row in orders.items()
    }


def _alike(row: Row, other: Row) -> bool:
    return row["fusion_external_id"] == other["fusion_external_id"]


def _of_their_names(odoo: Door, orders: Mapping[int, Row], names: Sequence[str]) -> dict[int, Row]:
    external = sorted({str(row["fusion_external_id"]) for row in orders.values() if row["fusion_external_id"]})
    return dict(by_id(held_rows(odoo, ORDER, [["fusion_external_id", "in", external]], names))) if external else {}


def _replacing(odoo: Door, orders: Mapping[int, Row], names: Sequence[str]) -> dict[int, Row]:
    """The orders that replace one of these; an older addon has no such link."""
    if not odoo.fields_get(ORDER, [BEFORE]):
        return {}
    return dict(by_id(held_rows(odoo, ORDER, [[BEFORE, "in", sorted(orders)]], names)))


def _with_replaced(odoo: Door, orders: Mapping[int, Row], names: Sequence[str]) -> dict[int, Row]:
    """The orders, and all that they replace, however far back."""
    rows = dict(orders)
    while more := linked(rows, BEFORE) - rows.keys():
        replaced = by_id(held_rows(odoo, ORDER, [["id", "in", sorted(more)]], names))
        if not replaced:
            break
        rows |= replaced
    return rows


def _replaced(row: Row, rows: Mapping[int, Row]) -> str:
    before = rows.get(number_or_none(row.get(BEFORE)) or 0)
    return str(before["name"]) if before else ""


def _chain(number: int, rows: Mapping[int, Row]) -> Iterator[int]:
    """What an order replaces, nearest first; of a ring each one once."""
    seen = {number}
    before = number_or_none(rows[number].get(BEFORE))
    while before is not None and before in rows and before not in seen:
        yield before
        seen.add(before)
        before = number_or_none(rows[before].get(BEFORE))


def _owners(odoo: Door, rows: Mapping[int, Row]) -> dict[int, str]:
    """Order -> subscription (Lago id). Without an external id the field tells, unless another order is made of it."""
    prefix = xid("subscription", "")
    owners = {number: name.removeprefix(prefix) for number, name in own_names(odoo, ORDER, rows).items()}
    told = {number: str(row.get("fusion_lago_id") or "") for number, row in rows.items() if number not in owners}
    taken = made_of(odoo, ORDER, "subscription", sorted({lago_id for lago_id in told.values() if lago_id}))
    return {**{number: lago_id for number, lago_id in told.items() if lago_id not in taken}, **owners}
