"""The line of an order's price plan: it sells something else, stands on another order, or another line passes for it.

Odoo rates an order by the charges of what that line sells. The line that the migration made is the one to mend, never
the one that Odoo takes instead of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mappings.phrases import Said
from mappings.read_back import Terms
from mappings.records import Charge, FixedCharge, Plan
from mappings.target import xid
from reconcile.causes.observed import LINE, NONE, OWN, Place, Suspect, remedy_at
from reconcile.rerate.counterfactual import At
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import HeldLine, HeldOrder, HeldPlan, HeldProduct

PRODUCT = "product_id"


@dataclass(frozen=True, slots=True)
class _Fault:
    """What differs, and what each side has there. ``remedy``: its name, if the field is not simply to be set."""

    cause: str
    place: Place
    lago: Said
    odoo: Said
    remedy: str = ""

    def supposing(self, suppose: OtherRecords) -> Suspect:
        remedy = remedy_at(self.remedy, self.place, self.lago) if self.remedy else None
        return Suspect(
            cause=self.cause, place=self.place, lago=self.lago, odoo=self.odoo, suppose=suppose, remedy=remedy
        )


def of_plan_line(lago: Terms, order: HeldOrder, plans: Mapping[str, Plan]) -> list[Suspect]:
    """Odoo takes another line for the plan's, or another product: its charges are billed instead of the plan's.

    Charges of the order's own are billed whatever its lines sell. ``plans``: Lago's, by id.
    """
    taken, plan_ids = order.plan, {lago.plan.lago_id, lago.plan.parent_id}
    if taken is None or taken.sold.plan in plan_ids or any(row["order_id"] for row in order.charges):
        return []
    fault = _fault(lago.plan, order, taken)
    if fault is None:
        return []
    plan = plans.get(taken.sold.plan)
    charges: tuple[Charge | FixedCharge, ...] = (*lago.plan.charges, *lago.plan.fixed_charges)
    gone = (At(record=type(charge), lago_id=charge.lago_id) for charge in charges)
    instead = (
        At(record=Plan, lago_id=lago.plan.lago_id, path=(name,), value=getattr(plan, name) if plan else ())
        for name in ("charges", "fixed_charges")
    )
    suspect = fault.supposing(OtherRecords(changes=(*gone, *instead)))
    return [replace(suspect, subscription=lago.subscription.lago_id)]


def _fault(plan: Plan, order: HeldOrder, taken: HeldPlan) -> _Fault | None:
    """``taken``: what Odoo takes for the plan's line, and is not. None where nothing is known of the right one."""
    stranger, place = order.strangers.get(taken.line), Place(LINE, str(order.row["name"]), PRODUCT, str(taken.line))
    if stranger is not None:
        return _Fault("order_line_added", _of_line(stranger, OWN), stranger.home, stranger.order, "return_line")
    if order.base is not None:
        own_fault = _of_own_line(plan, order.base)
        return own_fault or _Fault("order_line_added", place, NONE, taken.sold.product, "lower_line")
    if order.lines:
        place = Place("sale.order", str(order.row["name"]), "order_line")
        return _Fault("missing_line", place, plan.code, NONE, "restore_line")
    return _swapped(plan, place, taken.sold) if taken.sold.plan else None


def _of_own_line(plan: Plan, base: HeldLine) -> _Fault | None:
    """What is wrong with the line that the migration made for the plan, if anything."""
    if base.order != base.home:
        return _Fault("missing_line", _of_line(base, OWN), base.home, base.order or NONE)
    if not base.sells:
        return _Fault("missing_line", _of_line(base, "display_type"), NONE, "note")
    if base.sold.plan not in (plan.lago_id, plan.parent_id):
        return _swapped(plan, _of_line(base, PRODUCT), base.sold)
    return None


def _of_line(line: HeldLine, field: str) -> Place:
    return Place(LINE, line.order, field, str(line.number))


def _swapped(plan: Plan, place: Place, sold: HeldProduct) -> _Fault:
    """The plan's product by its code; by its external id where Odoo's product has that code too."""
    code = xid("plan_variant", plan.parent_id or plan.lago_id) if sold.code == plan.code else plan.code
    return _Fault("base_product_swapped", place, code, sold.product)
