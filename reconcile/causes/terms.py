"""Odoo's orders, charges and metrics against Lago's: read back into Lago's records, and held against them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mappings import fields, read_back
from mappings.fields import FieldPair, Row, decimal_of, loaded
from mappings.money import from_subunits
from mappings.phrases import Phrase, Said, Told
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
from reconcile.causes.moved_charges import Home, moved, under_others_ids
from reconcile.causes.observed import CHARGE, NAME, NONE, OWN, Place, Suspect, remedy_at, shown, suspect_of
from reconcile.causes.plan_lines import of_plan_line
from reconcile.rerate.billing import Billed
from reconcile.rerate.counterfactual import ABSENT, At, Path
from reconcile.rerate.history import History
from reconcile.rerate.suppositions import BilledIn, OtherRecords, PriceThen, Supposition
from reconcile.sides.held_terms import HeldOrder, HeldSettings
from reports.data import Evidence


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


def of_order(
    lago: Terms,
    order: HeldOrder,
    unmapped: Mapping[str, str],
    plans: Mapping[str, Plan] | None = None,
    settings: HeldSettings | None = None,
) -> Iterator[Suspect]:
    """Fields of the order and of its charges that are not what Lago billed by.

    ``unmapped``: Lago id of a charge -> why the migration left it out. ``plans``: Lago's, by id: where another line
    passes for the plan's, or sells something else, its charges are not there because of that.
    """
    suspects = _of_order(lago, order, unmapped, plans or {}, settings)
    return under_others_ids(suspects, _charges(lago.plan).values(), order)


def _of_order(
    lago: Terms,
    order: HeldOrder,
    unmapped: Mapping[str, str],
    plans: Mapping[str, Plan],
    settings: HeldSettings | None,
) -> Iterator[Suspect]:
    odoo = read_back.terms(lago, order.row, order.charges)
    charges, read = _charges(lago.plan), _charges(odoo.plan)
    other_line = of_plan_line(lago, order, plans)
    yield from other_line
    differing = tuple(differences(lago, odoo))
    for fault in _with_prices(tuple(faults(differing, _kept(settings, differing, odoo.plan)))):
        match fault.root:
            case ("plan", "charges" | "fixed_charges", str() as name, *_) if other_line and name not in read:
                pass
            case ("plan", "charges" | "fixed_charges", str() as name, *_) if name in read:
                row = read_back.charge_row(charges[name], order.charges) or {}
                suspect = _of_charge(fault, charges[name], read[name], row, lago.plan.amount_currency)
                plan = plans.get(lago.plan.parent_id or "")
                away = _of_odoo_alone(suspect, charges[name], row, lago.subscription.lago_id, order)
                yield _lost(suspect, charges[name], read[name], plan, order) or away or suspect
            case ("plan", "charges" | "fixed_charges", str() as name, *_):
                yield _left_out(fault, charges[name], order, unmapped.get(name), _place_of(charges[name], lago, order))
            case _:
                yield _of_field(fault, lago, order)
    for charge in lago.plan.fixed_charges:
        yield from _changed_units(charge, read_back.charge_row(charge, order.charges) or {})
    for priced in charges.values():
        yield from _other_kind(priced, read_back.charge_row(priced, order.charges) or {})


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


def _other_kind(charge: Priced, row: Row) -> Iterator[Suspect]:
    """Odoo bills usage as fixed units, or the other way round: that line, under the same id, in place of Lago's."""
    kind, billed_kind = "usage" if isinstance(charge, Charge) else "fixed", row.get("kind")
    if billed_kind and billed_kind != kind:
        gone = At(record=type(charge), lago_id=charge.lago_id)
        yield Suspect(
            cause="charge_terms",
            place=_of_row(row, "kind"),
            lago=kind,
            odoo=str(billed_kind),
            suppose=OtherRecords(changes=(gone,)),
            other_names=(str(row["fusion_lago_id"]),),
        )


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
    if side == "customer":  # one order of several: Lago has the zone of all of them
        suppose = BilledIn(subscription=lago.subscription.lago_id, timezone=str(difference.odoo))
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
    fault: RecordFault,
    charge: Priced,
    order: HeldOrder,
    reason: str | None,
    record: tuple[Home, Evidence | None] | None,
) -> Suspect:
    """A charge that Odoo does not bill. The migration may have said why, or a record that is there.

    ``record``: that record, and the remedy if its field is not simply to be set.
    """
    suppose = OtherRecords(changes=(At(record=type(charge), lago_id=charge.lago_id),))
    if reason is None and record is not None:
        home, remedy = record
        names = tuple(_names_of(home.place, order)) if home.place.field == NAME else ()
        return replace(suspect_of(fault, home.place, (home.lago, home.odoo), suppose), remedy=remedy, other_names=names)
    where, model = _in_order(order, Phrase(Told.CHARGE, (charge.code or charge.lago_id,))), charge.charge_model
    if reason is None:
        return replace(
            suspect_of(fault, where, (model, NONE), suppose), remedy=remedy_at("restore_charge", where, model)
        )
    named = suspect_of(replace(fault, cause="mapping_gap"), where, (model, reason), suppose)
    return replace(named, remedy=Evidence(name="mend_mapping", values={"reason": reason}))


def _place_of(charge: Priced, lago: Terms, order: HeldOrder) -> tuple[Home, Evidence | None] | None:
    """The record because of which a charge does not count, what each side has there, and a remedy of its own.

    It hangs elsewhere; it stands there under another Lago id; or the order has charges that replace its plan's.
    """
    home = moved(charge, lago.plan, lago.subscription.lago_id, order)
    if home is not None:
        return home, None
    for row in renamed(lago.plan, lago.subscription.lago_id, order):
        if row["code"] == charge.code:
            return Home(_of_row(row, NAME), charge.lago_id, shown(row["fusion_lago_id"])), None
    replacing = [row for row in order.charges if row["order_id"]]
    if not replacing or lago.plan.parent_id is not None or not _replaces(replacing, lago, order):
        return None
    name = str(order.row["name"])
    ours = {row["id"] for row in order.anywhere.values()}
    strays = [row for row in replacing if row["id"] not in ours]
    if not strays:
        return Home(_of_row(replacing[0], OWN), NONE, name), None
    place = Place(CHARGE, ", ".join(f"{row['code']} ({row['id']})" for row in strays), OWN)
    return Home(place, NONE, name), Evidence(name="remove_charge", values={"where": place.label})


def _replaces(replacing: Sequence[Row], lago: Terms, order: HeldOrder) -> bool:
    """The migration gave this order no charges of its own; where nothing says so, they are far too few."""
    if not order.anywhere:
        return 2 * len(replacing) < len(_charges(lago.plan))
    names = (xid("charge", charge, lago.subscription.lago_id) for charge in _charges(lago.plan))
    return not any(name in order.anywhere for name in names)


def renamed(plan: Plan, subscription: str, order: HeldOrder) -> Iterator[Row]:
    """Charges of Odoo's that are one of the plan's by their code, and bear another id, or none.

    Where the migration's own record is there, it is that one, even under the id of another of the plan: no copy of it.
    """
    known = {name for charge in _charges(plan).values() for name in (charge.lago_id, charge.lago_parent_id) if name}
    records = {c.code: _records_of(c, subscription, order) for c in _charges(plan).values() if c.code}
    standing = {c.code for c in _charges(plan).values() if _stands(c, records.get(c.code or "", set()), order)}
    for row in order.charges:
        ours = records.get(str(row["code"])) if row["code"] not in standing else None
        if ours is not None and (row["id"] in ours or (not ours and row["fusion_lago_id"] not in known)):
            yield row


def _stands(charge: Priced, ours: set[object], order: HeldOrder) -> bool:
    """Whether a charge is there under its id, and no other charge's record is in its place."""
    row = read_back.charge_row(charge, order.charges)
    return row is not None and (not ours or row["id"] in ours)


def _records_of(charge: Priced, subscription: str, order: HeldOrder) -> set[object]:
    """Odoo's ids of the migration's own records of a charge."""
    names = (xid("charge", charge.lago_id), xid("charge", charge.lago_id, subscription))
    return {order.anywhere[name]["id"] for name in names if name in order.anywhere}


def _lost(suspect: Suspect, lago: Priced, odoo: Priced, plan: Plan | None, order: HeldOrder) -> Suspect | None:
    """The order has lost the charges that it had of its own: its plan's are as Lago has them, and not to be changed."""
    standard = _charges(plan).get(lago.lago_parent_id or "") if plan else None
    if standard is None or any(row["order_id"] for row in order.charges) or not _priced_alike(standard, odoo):
        return None
    place = _in_order(order, Phrase(Told.CHARGE, (lago.code or lago.lago_id,)))
    return replace(suspect, place=place, remedy=remedy_at("restore_charge", place, suspect.lago))


def _of_odoo_alone(suspect: Suspect, lago: Priced, row: Row, subscription: str, order: HeldOrder) -> Suspect | None:
    """A charge that only Odoo has stands for Lago's, whose own record is there: it goes, and nothing of it is set."""
    migrated = {charge["id"] for charge in order.anywhere.values()}
    if not _records_of(lago, subscription, order) or row.get("id") in migrated:
        return None
    return replace(suspect, remedy=Evidence(name="remove_charge", values={"where": suspect.place.label}))


def _priced_alike(one: Priced, other: Priced) -> bool:
    return not any(differences((one.charge_model, one.properties), (other.charge_model, other.properties)))


def _names_of(place: Place, order: HeldOrder) -> Iterator[str]:
    """How lines of Odoo's name the charge at a place, which bears another id there, or none."""
    for row in order.charges:
        if str(row["id"]) == place.number:
            yield from (str(name) for name in (row["fusion_lago_id"], row["code"]) if name)


def _of_row(row: Row, field: Said) -> Place:
    return Place(CHARGE, str(row["code"]), field, str(row["id"]))


def _of_charge(fault: RecordFault, lago: Priced, odoo: Priced, row: Row, currency: str) -> Suspect:
    place, suppose = _of_row(row, _charge_field(fault, fault.root[3:])), _records(fault, type(lago), lago.lago_id, 3)
    if isinstance(odoo, Charge) and odoo.lago_billable_metric_id == odoo.billable_metric_code:
        suppose = OtherRecords(changes=(At(record=Charge, lago_id=lago.lago_id),))  # Lago has no usage of that metric
    return suspect_of(fault, place, _told(fault, lago, odoo, currency), suppose)


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
        return "metric_id"
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
