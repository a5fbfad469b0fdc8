"""The coupons on Odoo's orders against those of Lago's customer: missing, in excess, or with other terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from mappings import read_back
from mappings.phrases import Phrase, Said, Told
from mappings.read_back import DefinedCoupon
from mappings.records import AppliedCoupon, Coupon
from mappings.text import plain
from reconcile.causes.cause_of import RecordFault, faults
from reconcile.causes.differences import Difference, differences
from reconcile.causes.observed import NONE, Place, Suspect, remedy_at, shown, suspect_of
from reconcile.rerate.counterfactual import ABSENT, At, Path
from reconcile.rerate.history import History
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import HeldOrder
from reports.data import Evidence

HELD = Phrase(Told.HELD)
CREDITS = ("applied", "credits")


def of_coupons(customer: str, orders: Sequence[HeldOrder], history: History) -> Iterator[Suspect]:
    """``customer``: Lago id of the owner of these orders."""
    lago = held_coupons(customer, history)
    entries = tuple(entry for order in orders for entry in read_back.coupon_entries(order.row["fusion_coupons"]))
    odoo = read_back.coupons(lago, customer, entries)
    where = ", sale.order ".join(str(order.row["name"]) for order in orders)
    for fault in faults(differences(lago, odoo, ("coupons",))):
        name, inside = str(fault.root[1]), fault.root[2:]
        code = (lago.get(name) or odoo[name]).applied.coupon_code
        place = Place("sale.order", where, f"fusion_coupons: {' '.join([code, *_fields(fault, inside)])}")
        suppose = OtherRecords(changes=tuple(_changes(fault, lago, odoo)))
        if name not in lago:
            place = _entries_of(name, code, orders)
        suspect = suspect_of(fault, place, _told(fault, inside, lago, odoo), suppose)
        yield replace(suspect, remedy=_remedy(name, code, place, lago, odoo))


def _entries_of(name: str, code: str, orders: Sequence[HeldOrder]) -> Place:
    """The very entries that Lago does not have: a coupon of the same code may be there that it has."""
    places = {
        str(order.row["name"]): number
        for order in orders
        for number, entry in enumerate(read_back.coupon_entries(order.row["fusion_coupons"]), 1)
        if read_back.coupon_key(entry) == name
    }
    entries = ", ".join(map(str, dict.fromkeys(places.values())))
    lago_id = f"lago_id {name}" if name != code else "without lago_id"
    return Place("sale.order", ", sale.order ".join(places), f"fusion_coupons: entry {entries} ({code}, {lago_id})")


def _remedy(
    name: str, code: str, place: Place, lago: Mapping[str, DefinedCoupon], odoo: Mapping[str, DefinedCoupon]
) -> Evidence | None:
    """A whole coupon is carried over, or taken out; of one that both have, a field is set."""
    if name not in lago:
        return remedy_at("remove_coupon", place, NONE)
    return None if name in odoo else Evidence(name="carry_coupon", values={"coupon": code, "where": place.label})


def held_coupons(customer: str, history: History) -> dict[str, DefinedCoupon]:
    """Lago's coupons of a customer, with what they are limited to."""
    applied = (one for one in history.snapshot.applied_coupons if one.lago_customer_id == customer)
    return {one.lago_id: DefinedCoupon(applied=one, coupon=_definition(one, history.coupons)) for one in applied}


def _definition(applied: AppliedCoupon, coupons: Mapping[str, Coupon]) -> Coupon:
    """A coupon that was deleted in Lago limits nothing."""
    unlimited = Coupon(
        lago_id=applied.lago_coupon_id,
        code=applied.coupon_code,
        name=applied.coupon_code,
        coupon_type="percentage" if applied.percentage_rate is not None else "fixed_amount",
        frequency=applied.frequency,
    )
    return coupons.get(applied.lago_coupon_id, unlimited)


def _fields(fault: RecordFault, inside: Path) -> list[str]:
    """Lago's names: the entries of ``fusion_coupons`` have them too. A scope is named by its codes."""
    if inside != ("coupon",):
        return [str(step) for step in inside[1:]]
    return [", ".join(str(d.path[3]) for d in _codes(fault))]


def _codes(fault: RecordFault) -> list[Difference]:
    return [d for d in fault.differences if str(d.path[3]).endswith("_codes")]


def _told(
    fault: RecordFault, inside: Path, lago: Mapping[str, DefinedCoupon], odoo: Mapping[str, DefinedCoupon]
) -> tuple[Said, Said]:
    name = str(fault.root[1])
    if not inside:
        return (HELD, NONE) if name not in odoo else (NONE, HELD)
    if inside == CREDITS:
        return shown(_taken(lago[name])), shown(_taken(odoo[name]))
    told = _codes(fault) if inside == ("coupon",) else list(fault.differences)
    return shown([_listed(d.lago) for d in told]), shown([_in_text(_listed(d.odoo)) for d in told])


def _listed(value: object) -> object:
    return sorted(value) if isinstance(value, tuple) else value


def _in_text(value: object) -> object:
    """Numbers are texts in Odoo's JSON."""
    return plain(value) if isinstance(value, Decimal) else value


def _taken(held: DefinedCoupon) -> int:
    return sum(credit.amount_cents for credit in held.applied.credits)


def _changes(fault: RecordFault, lago: Mapping[str, DefinedCoupon], odoo: Mapping[str, DefinedCoupon]) -> Iterable[At]:
    name, inside = str(fault.root[1]), fault.root[2:]
    if not inside:
        return _whole(name, odoo.get(name))
    applied, coupon = lago[name].applied, lago[name].coupon
    if inside == CREDITS:  # Odoo does not name the invoices: so much more (or less) of it was used before
        left = (applied.amount_cents or 0) - (_taken(odoo[name]) - _taken(lago[name]))
        return [At(record=AppliedCoupon, lago_id=name, path=("amount_cents",), value=left)]
    record, lago_id = (AppliedCoupon, name) if inside[0] == "applied" else (Coupon, coupon.lago_id)
    return [At(record=record, lago_id=lago_id, path=d.path[3:], value=d.odoo) for d in fault.differences]


def _whole(name: str, odoo: DefinedCoupon | None) -> list[At]:
    """A coupon that Odoo has and Lago has not, or the other way round."""
    if odoo is None:
        return [At(record=AppliedCoupon, lago_id=name, value=ABSENT)]
    return [
        At(record=AppliedCoupon, lago_id=name, value=odoo.applied),
        At(record=Coupon, lago_id=odoo.coupon.lago_id, value=odoo.coupon),
    ]
