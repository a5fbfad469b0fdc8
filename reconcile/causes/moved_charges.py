"""Charges that do not count because they hang elsewhere: on another plan, on another order, or on one where none may.

Or count as others, by whose Lago ids they go. The migration's own charges are found by their external ids, wherever
somebody moved them, and under whatever Lago id they stand there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mappings.fields import Row
from mappings.phrases import Said
from mappings.read_back import charge_row
from mappings.records import Charge, FixedCharge, Plan
from mappings.target import xid
from reconcile.causes.knowledge import OtherOrdersLine
from reconcile.causes.observed import CHARGE, LINE, NAME, NONE, OWN, Place, Suspect, shown
from reconcile.rerate.counterfactual import At
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import HeldOrder

PLAN = "plan_id"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a charge stands, and where it belongs: a field of it, what that has to be, and what it is."""

    place: Place
    lago: Said
    odoo: Said


def moved(charge: Charge | FixedCharge, plan: Plan, subscription: str, order: HeldOrder) -> Home | None:
    """The migration's record of a charge that hangs elsewhere; None where it stands in its place, or nowhere."""
    orders_own = order.anywhere.get(xid("charge", charge.lago_id, subscription))
    name = str(order.row["name"])
    if orders_own is not None:
        at_home = orders_own["subscription"] == xid("subscription", subscription)
        return None if at_home else _home(orders_own, OWN, name, str(orders_own["order"]) or NONE)
    row = order.anywhere.get(xid("charge", charge.lago_id))
    return of_plan(row, plan) if row is not None else None


def of_plan(row: Row, plan: Plan) -> Home | None:
    """A plan's charge on an order, or on another plan. ``row``: of ``HeldOrder.anywhere``."""
    if row["order"]:
        return _home(row, OWN, NONE, str(row["order"]))
    if row["plan"] in (plan.lago_id, plan.parent_id):
        return None
    return _home(row, PLAN, plan.code, str(row["sold"]) or NONE)


def belongs(name: str, row: Row, owners: Mapping[str, Plan]) -> Home | None:
    """Where the migration's charge with this external id belongs, if it hangs elsewhere. ``owners``: charge -> plan.

    The charge of one order is of another one here: it has replaced that one's own.
    """
    lago_id, subscription = _owner(name), name.removeprefix(xid("charge", "")).partition("_")[2]
    if subscription:
        home = xid("subscription", subscription)
        return None if row["subscription"] == home else _home(row, OWN, home, str(row["order"]) or NONE)
    return of_plan(row, owners[lago_id]) if lago_id in owners else None


def under_others_ids(
    suspects: Iterable[Suspect], charges: Iterable[Charge | FixedCharge], order: HeldOrder
) -> Iterator[Suspect]:
    """The same, where charges bear each other's Lago ids: of each, that id differs, and none of its terms."""
    owners = {str(row["id"]): _owner(name) for name, row in order.anywhere.items()}
    standing = {charge.lago_id: row for charge in charges if (row := charge_row(charge, order.charges))}
    takers = {number: row for row in standing.values() if owners.get(number := str(row["id"]), row[NAME]) != row[NAME]}
    merged: dict[str, list[At]] = defaultdict(list)
    for suspect in suspects:
        number = suspect.place.number if suspect.place.model == CHARGE else ""
        if number not in takers or not isinstance(suspect.suppose, OtherRecords):
            yield suspect
        elif suspect.place.field == NAME:
            yield replace(suspect, other_names=())  # what it bills is told of the charge whose id it took
        else:
            merged[number] += suspect.suppose.changes
    yield from (_named(takers[number], owners[number], changes) for number, changes in merged.items())
    for row in order.charges:
        owner, name = owners.get(str(row["id"]), ""), str(row[NAME] or "")
        if owner in standing and str(standing[owner]["id"]) in takers and name not in standing:
            yield replace(_named(row, owner, ()), other_names=(name or str(row["code"]),))


def _named(row: Row, owner: str, changes: Iterable[At]) -> Suspect:
    """A charge's record that bears another Lago id. ``changes``: to the charge of that id, as which it counts."""
    return Suspect(
        cause="missing_line",
        place=Place(CHARGE, str(row["code"]), NAME, str(row["id"])),
        lago=owner,
        odoo=shown(row[NAME]),
        suppose=OtherRecords(changes=tuple(changes)),
    )


def _owner(name: str) -> str:
    """Lago id of the charge of which the migration made the record with this external id."""
    return name.removeprefix(xid("charge", "")).partition("_")[0]


def moved_here(orders: Iterable[HeldOrder | None], owners: Mapping[str, Plan]) -> dict[str, tuple[Said, Said]]:
    """Charges that these orders bill and that belong elsewhere: where each stands -> a field, and its right value."""
    homes_by_place: dict[str, tuple[Said, Said]] = {}
    for order in filter(None, orders):
        billed = {row["id"] for row in order.charges}
        homes = (belongs(name, row, owners) for name, row in order.anywhere.items() if row["id"] in billed)
        homes_by_place |= {str(home.place.label): (home.place.field, home.lago) for home in homes if home is not None}
    return homes_by_place


def others_lines(orders: Iterable[HeldOrder | None]) -> dict[str, OtherOrdersLine]:
    """Lines on these orders that were made for others, as Odoo's invoice names them."""
    lines = (line for order in filter(None, orders) for line in order.strangers.values())
    return {
        f"{LINE},{line.number}": OtherOrdersLine(f"{LINE} {line.order} ({line.number})", line.home) for line in lines
    }


def _home(row: Row, field: str, lago: Said, odoo: Said) -> Home:
    return Home(Place(CHARGE, str(row["code"]), field, str(row["id"])), lago, odoo)
