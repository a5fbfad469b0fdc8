"""Odoo's orders, charges and metrics against Lago's: read back into Lago's records, and held against them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mappings import fields, read_back
from mappings.fields import FieldPair, Row, decimal_of, loaded
from mappings.money import from_subunits
from mappings.read_back import Terms
from mappings.records import (
    BillableMetric,
    Charge,
    Customer,
    FixedCharge,
    Plan,
    Subscription,
)
from mappings.target import xid
from reconcile.causes.cause_of import TIER, Around, RecordFault, cut_alike, faults, prices_in
from reconcile.causes.differences import Difference, differences
from reconcile.causes.observed import NAME, NONE, OWN, Place, Suspect, shown, suspect_of
from reconcile.rerate.billing import Billed
from reconcile.rerate.counterfactual import ABSENT, At, Path
from reconcile.rerate.history import History
from reconcile.rerate.suppositions import OtherRecords, PriceThen, Supposition
from reconcile.sides.held_terms import HeldOrder, HeldSettings
from reports.data import Phrase, Said, Told


def terms_of(billed: Billed, history: History) -> Terms:
    """What Lago billed by: the price of then, the charges there were, and the units of this subscription.

    Which subscription was replaced is named by the external id of its order: what a person sets in Odoo.
    """
    price = history.price_then(billed.subscription, billed.plan, billed.invoice.created_at)
    replaced = history.previous(billed.subscription)
    previous = xid("subscription", replaced.lago_id) if replaced else None
    return Terms(
        customer=history.customer(billed.invoice) or Customer(lago_id="", external_id=""),
        subscription=replace(billed.subscription, plan_amount_cents=price, previous_plan_code=previous),
        plan=replace(billed.plan, charges=history.charges(billed), fixed_charges=history.fixed_charges(billed)),
    )


Priced = Charge | FixedCharge
MODEL = "charge_model"
CHARGE = "fusion.billing.charge"


def of_order(
    lago: Terms,
    order: HeldOrder,
    unmapped: Mapping[str, str],
    plans: Mapping[str, Plan] | None = None,
    settings: HeldSettings | None = None,
) -> Iterator[Suspect]:
    """Fields of the order and of its charges that are not what Lago billed by.

    ``unmapped``: Lago id of a charge -> why the migration left it out. ``plans``: Lago's, by id: where the order's line
    sells another one, its own charges are not there because of that.
    """
    odoo = read_back.terms(lago, order.row, order.charges)
    charges, read = _charges(lago.plan), _charges(odoo.plan)
    swapped = _swapped(lago, order, plans or {})
    yield from swapped
    differing = tuple(differences(lago, odoo))
    for fault in _with_prices(tuple(faults(differing, _kept(settings, differing, odoo.plan)))):
        match fault.root:
            case ("plan", "charges" | "fixed_charges", str() as name, *_) if swapped and name not in read:
                pass
            case ("plan", "charges" | "fixed_charges", str() as name, *_) if name in read:
                row = read_back.charge_row(charges[name], order.charges)
                yield _of_charge(fault, charges[name], read[name], row or {}, lago.plan.amount_currency)
            case ("plan", "charges" | "fixed_charges", str() as name, *_):
                yield _left_out(fault, charges[name], order, unmapped.get(name), _place_of(name, lago, order))
            case _:
                yield _of_field(fault, lago, order)
    for charge in lago.plan.fixed_charges:
        yield from _changed_units(charge, read_back.charge_row(charge, order.charges) or {})


def _kept(settings: HeldSettings | None, differing: Sequence[Difference], odoo: Plan) -> Around:
    """How many digits Odoo keeps, by its settings or by all the order's prices. What was not read cuts nothing."""
    charged = _charges(odoo).values()
    properties = [charge.properties for charge in charged]
    properties += [part.properties for charge in charged if isinstance(charge, Charge) for part in charge.filters]
    alike = cut_alike(differing, (price for prices in properties for price in prices_in(prices)))
    if settings is None:
        return Around(prices=alike)
    return Around(prices=alike | {settings.price_digits}, units=frozenset((settings.unit_digits,)))


def _with_prices(differing: Sequence[RecordFault]) -> Iterator[RecordFault]:
    """A charge of another model has other prices because of that: neither can be told, or set, without the other."""
    models = {fault.root[:3]: fault for fault in differing if fault.root[3:] == (MODEL,)}
    priced: dict[Path, list[Difference]] = defaultdict(list)
    for fault in differing:
        if fault.root[:3] in models and "properties" in fault.root[3:]:
            priced[fault.root[:3]] += fault.differences
        elif fault.root[3:] != (MODEL,):
            yield fault
    for charge, fault in models.items():
        yield replace(fault, differences=(*fault.differences, *priced[charge]))


def _changed_units(charge: FixedCharge, row: Row) -> Iterator[Suspect]:
    """The units are Lago's by now, and Odoo remembers that they were others until then."""
    changes = loaded(row.get("unit_changes"))
    first = changes[0] if isinstance(changes, list) and changes else None
    was = decimal_of(first.get("was")) if isinstance(first, Mapping) else None
    if was is None or was == charge.units or decimal_of(row["units"]) != charge.units:
        return
    change = At(record=FixedCharge, lago_id=charge.lago_id, path=("units",), value=was)
    yield Suspect(
        cause="missing_usage" if was < charge.units else "extra_usage",
        place=_of_row(row, "unit_changes"),
        lago=shown(charge.units),
        odoo=shown(was),
        suppose=OtherRecords(changes=(change,)),
    )


def _swapped(lago: Terms, order: HeldOrder, plans: Mapping[str, Plan]) -> list[Suspect]:
    """The order's line sells another plan: its charges are billed, unless the order has charges of its own."""
    sold, plan_ids = order.plan, {lago.plan.lago_id, lago.plan.parent_id}
    if sold is None or not sold.lago_id or sold.lago_id in plan_ids or any(row["order_id"] for row in order.charges):
        return []
    plan = plans.get(sold.lago_id)
    gone = (At(record=type(charge), lago_id=charge.lago_id) for charge in _charges(lago.plan).values())
    instead = (
        At(record=Plan, lago_id=lago.plan.lago_id, path=(name,), value=getattr(plan, name) if plan else ())
        for name in ("charges", "fixed_charges")
    )
    line = Place("sale.order.line", str(order.row["name"]), "product_id", str(sold.line))
    return [
        Suspect(
            cause="base_product_swapped",
            place=line,
            lago=lago.plan.code,
            odoo=sold.product,
            suppose=OtherRecords(changes=(*gone, *instead)),
            subscription=lago.subscription.lago_id,
        )
    ]


def _charges(plan: Plan) -> dict[str, Priced]:
    charges: tuple[Priced, ...] = (*plan.charges, *plan.fixed_charges)
    return {charge.lago_id: charge for charge in charges}


def of_metrics(metrics: Iterable[BillableMetric], rows: Mapping[str, Row]) -> Iterator[Suspect]:
    """Metrics that count in another way. ``rows``: Odoo's, by Lago id (by code where Odoo has none)."""
    pairs = ((metric, rows.get(metric.lago_id) or rows.get(metric.code)) for metric in metrics)
    both = [(metric, row) for metric, row in pairs if row is not None]
    lago = {metric.lago_id: metric for metric, _ in both}
    odoo = {metric.lago_id: read_back.metric(metric, row) for metric, row in both}
    for fault in faults(differences(lago, odoo, ("metrics",))):
        name, step = (str(step) for step in fault.root[1:])
        sets = shown(_accepted(lago[name])), shown(_accepted(odoo[name]))
        place = Place("fusion.billing.metric", odoo[name].code, _name(fields.METRIC, step))
        told = sets if step == "filters" else _both(fault)
        yield suspect_of(fault, place, told, _records(fault, BillableMetric, name, 2))


def _accepted(metric: BillableMetric) -> list[dict[str, object]]:
    return [{"key": accepted.key, "values": sorted(accepted.values)} for accepted in metric.filters]


# --- the order ----------------------------------------------------------------------------------------------------


def _of_field(fault: RecordFault, lago: Terms, order: HeldOrder) -> Suspect:
    side, step = (str(step) for step in fault.root[:2])
    record: Customer | Subscription | Plan = getattr(lago, side)
    place, (difference, *_) = _in_order(order, _order_field(side, step)), fault.differences
    suppose: Supposition = _records(fault, type(record), record.lago_id, 1)
    if step not in ("plan_amount_cents", "minimum_commitment"):
        return suspect_of(fault, place, _both(fault), suppose)
    currency = lago.plan.amount_currency
    if step == "plan_amount_cents":
        suppose = PriceThen(subscription=record.lago_id, cents=int(str(difference.odoo)))
        if difference.odoo == lago.plan.amount_cents:  # Odoo has today's price, as the mapping wants it
            fault = replace(fault, cause="price_then")
    return suspect_of(fault, place, (_money(difference.lago, currency), _money(difference.odoo, currency)), suppose)


def _in_order(order: HeldOrder, field: Said) -> Place:
    return Place("sale.order", str(order.row["name"]), field)


def _order_field(side: str, step: str) -> str:
    rows = {"customer": fields.CUSTOMER, "subscription": fields.SUBSCRIPTION, "plan": fields.PLAN}
    links = {"minimum_commitment": fields.COMMITMENT[0].odoo, "previous_plan_code": "fusion_previous_order_id"}
    return links.get(step) or _name(rows[side], step)


def _money(amount: object, currency: str) -> Said:
    """Of an amount in cents, or of a commitment; none is 0."""
    cents = getattr(amount, "amount_cents", amount)
    return shown(from_subunits(cents if isinstance(cents, int) else 0, currency))


# --- its charges --------------------------------------------------------------------------------------------------


def _left_out(
    fault: RecordFault, charge: Priced, order: HeldOrder, reason: str | None, place: tuple[Place, Said, Said] | None
) -> Suspect:
    """A charge that Odoo does not have. The migration may have said why, or a record that is there (``place``)."""
    suppose = OtherRecords(changes=(At(record=type(charge), lago_id=charge.lago_id),))
    if reason is None and place is not None:
        where, lagos, odoos = place
        suspect = suspect_of(fault, where, (lagos, odoos), suppose)
        return replace(suspect, other_names=tuple(_names_of(where, order)) if where.field == NAME else ())
    where = _in_order(order, Phrase(Told.CHARGE, (charge.code or charge.lago_id,)))
    named = fault if reason is None else replace(fault, cause="mapping_gap")
    return suspect_of(named, where, (charge.charge_model, reason or NONE), suppose)


def _place_of(name: str, lago: Terms, order: HeldOrder) -> tuple[Place, Said, Said] | None:
    """The record because of which a charge does not count, and what each side has there.

    It stands there under another Lago id, or somebody gave the order charges of its own, which replace its plan's.
    """
    charge = _charges(lago.plan)[name]
    for row in renamed(lago.plan, order):
        if row["code"] == charge.code:
            return (
                _of_row(row, NAME),
                charge.lago_id,
                shown(row["fusion_lago_id"]),
            )
    replacing = [row for row in order.charges if row["order_id"]]
    if replacing and lago.plan.parent_id is None and 2 * len(replacing) < len(_charges(lago.plan)):
        names = ", ".join(f"{row['code']} ({row['id']})" for row in replacing)
        return Place(CHARGE, names, OWN), NONE, str(order.row["name"])
    return None


def renamed(plan: Plan, order: HeldOrder) -> Iterator[Row]:
    """Charges of Odoo's that are one of the plan's by their code, and bear an id that the plan has not, or none."""
    known = {name for charge in _charges(plan).values() for name in (charge.lago_id, charge.lago_parent_id) if name}
    missing = {c.code for c in _charges(plan).values() if c.code and read_back.charge_row(c, order.charges) is None}
    yield from (row for row in order.charges if row["code"] in missing and row["fusion_lago_id"] not in known)


def _names_of(place: Place, order: HeldOrder) -> Iterator[str]:
    """How lines of Odoo's name the charge at a place, which bears another id there, or none."""
    for row in order.charges:
        if str(row["id"]) == place.number:
            yield from (str(name) for name in (row["fusion_lago_id"], row["code"]) if name)


def _of_row(row: Row, field: Said) -> Place:
    return Place(CHARGE, str(row["code"]), field, str(row["id"]))


def _of_charge(fault: RecordFault, lago: Priced, odoo: Priced, row: Row, currency: str) -> Suspect:
    place = _of_row(row, _charge_field(fault, fault.root[3:]))
    return suspect_of(fault, place, _told(fault, lago, odoo, currency), _records(fault, type(lago), lago.lago_id, 3))


def _told(fault: RecordFault, lago: Priced, odoo: Priced, currency: str) -> tuple[Said, Said]:
    """Of a metric its code; of a minimum its money; of filters all that each side has; else what differs."""
    inside = fault.root[3:]
    if isinstance(lago, Charge) and isinstance(odoo, Charge) and not inside:
        return lago.billable_metric_code, odoo.billable_metric_code
    if inside == (MODEL,) and len(fault.differences) > 1:
        return shown([lago.charge_model, lago.properties]), shown([odoo.charge_model, odoo.properties])
    if inside == ("min_amount_cents",):
        return _money(fault.differences[0].lago, currency), _money(fault.differences[0].odoo, currency)
    if isinstance(lago, Charge) and isinstance(odoo, Charge) and inside == ("filters",):
        return shown([one.values for one in lago.filters]), shown([one.values for one in odoo.filters])
    return _both(fault)


def _charge_field(fault: RecordFault, inside: Path) -> Said:
    """``properties: graduated_ranges.0.to_value``: Odoo's field, and the place in it."""
    if not inside:
        return Phrase(Told.METRIC)
    name = _name((*fields.CHARGE, *fields.FIXED_CHARGE), str(inside[0]))
    if inside == (MODEL,) and len(fault.differences) > 1:
        return Phrase(Told.WITH_PROPERTIES, (name,))
    if inside[-1] != "properties":
        return name
    within = (".".join(map(str, difference.path[len(fault.root) :])) for difference in fault.differences)
    return f"{name}: {', '.join(within)}"


# --- what they have in common -------------------------------------------------------------------------------------


def _name(rows: Iterable[FieldPair], step: str) -> str:
    """Odoo's name of a field of Lago's; what has no row (filters) is called the same."""
    return next((row.odoo for row in rows if row.lago == step), step)


def _both(fault: RecordFault) -> tuple[Said, Said]:
    return shown([d.lago for d in fault.differences]), shown([d.odoo for d in fault.differences])


def _records(fault: RecordFault, record: type[object], lago_id: str, steps: int) -> OtherRecords:
    """The record with Odoo's values. ``steps``: so many of a path lead to it."""
    changes = tuple(At(record=record, lago_id=lago_id, path=d.path[steps:], value=_value(d)) for d in fault.differences)
    return OtherRecords(changes=changes, calendar=fault.row.calendar)


def _value(difference: Difference) -> object:
    """The last tier has no end: an edge is never taken away."""
    return None if difference.odoo is ABSENT and difference.path[-1] in TIER else difference.odoo
