"""Where Odoo's own records differ from Lago's, as suppositions: "if this were so, the invoice would be ..."

Pure. Every difference names the cause it would be, the field it stands in, and both values. It claims nothing by
itself: ``classify`` re-rates the invoice under it, and believes it only if that gives the deviation to the cent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from mappings.money import from_subunits, to_subunits
from mappings.period import Boundaries, Window
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    Charge,
    ChargeFilter,
    Coupon,
    Fee,
    FixedCharge,
    MinimumCommitment,
    Plan,
)
from mappings.text import json_text
from reconcile.control import expected_boundaries
from reconcile.held import Held, HeldOrder, Row
from reconcile.history import Billed, History, fixed_window, subscription_window, usage_window
from reconcile.lines import LineKey
from reconcile.world import (
    Supposition,
    World,
    both,
    with_events,
    with_metric,
    with_plan,
    with_price,
    with_subscription,
    with_timezone,
    with_windows,
    without_fees,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """``where``: Odoo's record, ``what``: its field; ``lago`` and ``odoo``: what each side has there."""

    cause: str
    where: str
    what: str
    lago: str
    odoo: str
    suppose: Supposition
    header: bool = False  # moves coupons and taxes only, no line

    @property
    def id(self) -> str:
        return f"{self.cause}|{self.where}|{self.what}|{self.odoo}"


def suspects(
    billings: Sequence[Billed],
    held: Held,
    history: History,
    world: World,
    unmapped: Mapping[str, str] | None = None,
    windows: Mapping[LineKey, tuple[datetime, datetime] | None] | None = None,
) -> tuple[Suspect, ...]:
    """All differences that could move an invoice with these ``billings``. ``world``: its customer's, as it is.

    ``windows``: the periods that Odoo's lines bill.
    """
    found: list[Suspect] = []
    seen: set[str] = set()
    for one in billings:
        order = held.orders.get(one.subscription.lago_id)
        if order is None or one.subscription.lago_id in seen:
            continue
        seen.add(one.subscription.lago_id)
        found.extend(_of_order(one, order, history))
        found.extend(_of_charges(one, order, history, unmapped or {}))
        found.extend(_of_usage(one, order, world, history))
    found.extend(_of_metrics(held, history))
    orders = [held.orders[name] for name in seen]
    if orders:
        found.extend(_of_coupons(billings[0], orders, history))
    for one in billings:
        found.extend(_of_windows(one, windows or {}, found, history))
    return tuple({suspect.id: suspect for suspect in found}.values())


# --- the order ----------------------------------------------------------------------------------------------------


def _of_order(one: Billed, order: HeldOrder, history: History) -> Iterator[Suspect]:
    row, subscription, plan = order.row, one.subscription, one.plan
    where = f"sale.order {row['name']}"

    def differs(cause: str, what: str, lago: Any, odoo: Any, suppose: Supposition) -> Iterator[Suspect]:
        if lago != odoo:
            yield Suspect(cause=cause, where=where, what=what, lago=shown(lago), odoo=shown(odoo), suppose=suppose)

    zone = history.customer(one.invoice)
    own_zone = zone.applicable_timezone if zone else "UTC"
    their_zone = row["fusion_timezone"] or "UTC"
    yield from differs("time_zone", "fusion_timezone", own_zone, their_zone, with_timezone(their_zone))
    yield from _price(one, row, history, where)
    for cause, what, name in ORDER_DATES:
        micros = row.get(what.replace("_at", "_us")) if what.endswith("_at") else 0
        lago, odoo = getattr(subscription, name), _moment(row[what], micros)
        if _second(lago) != _second(odoo):
            yield from differs(cause, what, lago, odoo, with_subscription(subscription.lago_id, **{name: odoo}))
    yield from differs(
        "period_boundary",
        "fusion_billing_time",
        subscription.billing_time,
        row["fusion_billing_time"],
        with_subscription(subscription.lago_id, billing_time=row["fusion_billing_time"]),
    )
    yield from differs(
        "missing_usage",
        "fusion_external_id",
        subscription.external_id,
        row["fusion_external_id"],
        with_subscription(subscription.lago_id, external_id=row["fusion_external_id"] or ""),
    )
    for cause, what, name in ORDER_TERMS:
        own, held = _term(name, getattr(plan, name)), _term(name, row[what])
        yield from differs(cause, what, own, held, with_plan(plan.lago_id, _setting(name, held), calendar=True))
    yield from _commitment(one, row, where)


ORDER_DATES = (  # cause, field of Odoo, field of Lago's subscription
    ("period_boundary", "fusion_anchor", "subscription_at"),
    ("plan_change_date", "fusion_started_at", "started_at"),
    ("plan_change_date", "fusion_ended_at", "terminated_at"),
    ("plan_change_date", "fusion_created_at", "created_at"),
)
CALENDAR_FIELDS = frozenset({
    "fusion_timezone", "fusion_billing_time", "fusion_anchor", "fusion_started_at", "fusion_ended_at",
    "fusion_created_at", "fusion_interval", "fusion_pay_in_advance", "fusion_bill_charges_monthly",
    "fusion_bill_fixed_charges_monthly", "fusion_trial_days",
})  # fmt: skip
ORDER_TERMS = (  # cause, field of Odoo, field of Lago's plan
    ("period_boundary", "fusion_interval", "interval"),
    ("period_boundary", "fusion_pay_in_advance", "pay_in_advance"),
    ("period_boundary", "fusion_bill_charges_monthly", "bill_charges_monthly"),
    ("period_boundary", "fusion_bill_fixed_charges_monthly", "bill_fixed_charges_monthly"),
    ("trial", "fusion_trial_days", "trial_period"),
)


def _term(name: str, value: Any) -> Any:
    """A term of a plan, so that both sides write it alike."""
    if name == "interval":
        return value
    return _decimal(value) or Decimal(0) if name == "trial_period" else bool(value)


def _setting(name: str, value: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **{name: value})


def _price(one: Billed, row: Row, history: History, where: str) -> Iterator[Suspect]:
    """The price that Odoo has today, where Lago billed another one then."""
    held = _decimal(row["fusion_plan_amount"])
    currency = one.invoice.currency
    then = history.price_then(one.subscription, one.plan, one.invoice.created_at)
    cents = None if held is None else to_subunits(held, currency)
    if cents is not None and cents != then:
        yield Suspect(
            cause="price",
            where=where,
            what="fusion_plan_amount",
            lago=shown(from_subunits(then, currency)),
            odoo=shown(held),
            suppose=with_price(one.subscription.lago_id, cents),
        )


def _commitment(one: Billed, row: Row, where: str) -> Iterator[Suspect]:
    own, held = one.plan.minimum_commitment, _decimal(row["fusion_commitment"])
    theirs = to_subunits(held, one.invoice.currency) if held else 0
    mine = own.amount_cents if own else 0
    if mine == theirs:
        return
    changed = replace(own or MinimumCommitment(amount_cents=0), amount_cents=theirs) if theirs else None
    yield Suspect(
        cause="minimum",
        where=where,
        what="fusion_commitment",
        lago=shown(from_subunits(mine, one.invoice.currency)),
        odoo=shown(held or 0),
        suppose=with_plan(one.plan.lago_id, _setting("minimum_commitment", changed)),
    )


FAMILIES = {"subscription": "subscription", "charge": "charges", "fixed_charge": "fixed_charges"}
CALENDAR = ("time_zone", "period_boundary", "plan_change_date", "trial")


def _of_windows(
    one: Billed, windows: Mapping[LineKey, tuple[datetime, datetime] | None], found: Sequence[Suspect], history: History
) -> Iterator[Suspect]:
    """Odoo's lines bill another period than Lago stored. A record that tells why gives it its name.

    A period that is Lago's own by its calendar is no fault of Odoo's.
    """
    theirs: dict[str, tuple[datetime, datetime]] = {}
    calendar = _calendar(one, history)
    stored = {"subscription": subscription_window, "charges": usage_window, "fixed_charges": fixed_window}
    for key, window in windows.items():
        family = FAMILIES.get(key.kind, "")
        if key.subscription != one.subscription.lago_id or window is None or not family or key.event:
            continue
        lagos = (stored[family](one.period), getattr(calendar, family))
        if all(own is None or _ends(own) != _ends(Window(*window)) for own in lagos):
            theirs[family] = window
    if theirs:
        why = next((s.cause for s in found if s.cause in CALENDAR and s.what in CALENDAR_FIELDS), "period_boundary")
        family, window = next(iter(theirs.items()))
        own = stored[family](one.period)
        yield Suspect(
            cause=why,
            where=f"subscription {one.subscription.external_id}",
            what=f"period of {family}",
            lago=f"{shown(own.start)} – {shown(own.end)}" if own else "none",
            odoo=f"{shown(window[0])} – {shown(window[1])}",
            suppose=with_windows(one.invoice.lago_id, one.subscription.lago_id, theirs),
        )


def _calendar(one: Billed, history: History) -> Boundaries:
    """The boundaries that Lago's own calendar gives."""
    customer = history.customer(one.invoice)
    zone = customer.applicable_timezone if customer else "UTC"
    contract = history.contract(one.subscription, one.plan, zone, one.invoice.created_at)
    return expected_boundaries(contract, one, history)


def _ends(window: Window) -> tuple[datetime, datetime]:
    return window.start.replace(microsecond=0), window.end.replace(microsecond=0)


# --- charges ------------------------------------------------------------------------------------------------------


def _of_charges(one: Billed, order: HeldOrder, history: History, unmapped: Mapping[str, str]) -> Iterator[Suspect]:
    charges: tuple[PriceItem, ...] = (*history.charges(one), *history.fixed_charges(one))
    for charge in charges:
        found = [c for c in order.charges if c["fusion_lago_id"] in (charge.lago_id, charge.lago_parent_id)]
        if not found:
            cause = "mapping_gap" if charge.lago_id in unmapped else "missing_line"
            yield Suspect(
                cause=cause,
                where=f"sale.order {order.row['name']}",
                what=f"charge {charge.code or charge.lago_id}",
                lago=charge.charge_model,
                odoo=unmapped.get(charge.lago_id, "none"),
                suppose=both(_on_charge(one, charge, lambda c: None), without_fees(partial(_is_of, charge.lago_id))),
            )
            continue
        yield from _of_charge(one, charge, found[0])


def _is_of(charge: str, fee: Fee) -> bool:
    return charge in (fee.lago_charge_id, fee.lago_fixed_charge_id)


PriceItem = Charge | FixedCharge


def _on_charge(one: Billed, charge: PriceItem, change: Callable[[Any], Any]) -> Supposition:
    """Another charge in its plan, or (None) no such charge."""

    def listed(charges: Iterable[Any]) -> tuple[Any, ...]:
        changed = (change(c) if c.lago_id == charge.lago_id else c for c in charges)
        return tuple(c for c in changed if c is not None)

    if isinstance(charge, Charge):
        return with_plan(one.plan.lago_id, lambda plan: replace(plan, charges=listed(plan.charges)))

    def suppose(world: World) -> World:
        plan = with_plan(one.plan.lago_id, lambda p: replace(p, fixed_charges=listed(p.fixed_charges)))(world)
        held = tuple(
            replace(s, fixed_charges=listed(s.fixed_charges)) if s.fixed_charges else s
            for s in plan.snapshot.subscriptions
        )
        return replace(plan, snapshot=_feefrom_subunits(replace(plan.snapshot, subscriptions=held), charge, listed))

    return suppose


def _feefrom_subunits(snapshot: Any, charge: PriceItem, listed: Callable[[Iterable[Any]], tuple[Any, ...]]) -> Any:
    """Units of a fixed charge are taken from Lago's fee: the supposition holds there too."""
    changed = listed([charge])
    if isinstance(charge, Charge) or not changed or changed[0].units == charge.units:
        return snapshot
    units: Decimal = changed[0].units

    def fees(own: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(replace(f, units=units) if f.lago_fixed_charge_id == charge.lago_id else f for f in own)

    return replace(snapshot, invoices=tuple(replace(i, fees=fees(i.fees)) for i in snapshot.invoices))


def _of_charge(one: Billed, charge: PriceItem, row: Row) -> Iterator[Suspect]:
    where = f"fusion.billing.charge {row['code']} ({row['id']})"

    def suspect(cause: str, what: str, lago: Any, odoo: Any, change: Callable[[Any], Any]) -> Suspect:
        return Suspect(
            cause=cause,
            where=where,
            what=what,
            lago=shown(lago),
            odoo=shown(odoo),
            suppose=_on_charge(one, charge, change),
        )

    for name, cause in (("charge_model", "price"), ("prorated", "proration"), ("pay_in_advance", "charge_terms")):
        mine, theirs = getattr(charge, name), row[name]
        if mine != theirs:
            yield suspect(cause, name, mine, theirs, _changing(name, theirs))
    for cause, what, lago, odoo, properties in _prices(_plain(charge.properties), _loads(row["properties"]) or {}):
        yield suspect(cause, f"properties: {what}", lago, odoo, _changing("properties", properties))
    if isinstance(charge, FixedCharge):
        units = _decimal(row["units"])
        if units is not None and units != charge.units:
            yield suspect(_cause_of_units(charge.units, units), "units", charge.units, units, _changing("units", units))
        return
    if charge.invoiceable and row["invoiceable"] is False:
        yield suspect("charge_terms", "invoiceable", True, False, _changing("invoiceable", False))
    minimum = to_subunits(_decimal(row["min_amount"]) or Decimal(0), one.invoice.currency)
    if minimum != charge.min_amount_cents:
        yield suspect("minimum", "min_amount", charge.min_amount_cents, minimum, _changing("min_amount_cents", minimum))
    if row["metric"] and row["metric"] != charge.billable_metric_code:
        yield suspect("aggregation", "metric", charge.billable_metric_code, row["metric"], lambda c: None)
    yield from _of_filters(charge, row, suspect)


def _changing(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda thing: replace(thing, **{name: value})


def _cause_of_units(mine: Decimal, theirs: Decimal) -> str:
    if is_cut(mine, theirs):
        return "quantity_precision"
    return "missing_usage" if theirs < mine else "extra_usage"


def _of_filters(charge: Charge, row: Row, suspect: Callable[..., Suspect]) -> Iterator[Suspect]:
    """A filter that is not there, matches other values, or has other prices."""
    held = _loads(row["filters"]) or []
    pairs = [(own, _same_filter(own, held)) for own in charge.filters]
    if any(theirs is None or _values(own.values) != _values(theirs["values"]) for own, theirs in pairs) or len(
        held
    ) != len(charge.filters):
        listed = tuple(_filter(entry, charge) for entry in held)
        mine = [own.values for own in charge.filters]
        found: Suspect = suspect("filter", "filters", mine, [f.values for f in listed], _changing("filters", listed))
        gone = frozenset(own.lago_id for own in charge.filters) - {f.lago_id for f in listed}
        yield replace(found, suppose=both(found.suppose, without_fees(lambda f: f.lago_charge_filter_id in gone)))
        return
    for own, theirs in pairs:
        mine, other = _plain(own.properties), (theirs or {}).get("properties") or {}
        for cause, what, lago, odoo, properties in _prices(mine, other):
            changed = tuple(replace(f, properties=properties) if f is own else f for f in charge.filters)
            yield suspect(cause, f"filters: {what}", lago, odoo, _changing("filters", changed))


def _same_filter(own: ChargeFilter, held: Sequence[Row]) -> Row | None:
    by_id = next((entry for entry in held if entry.get("lago_id") == own.lago_id), None)
    return by_id or next((entry for entry in held if _values(entry["values"]) == _values(own.values)), None)


def _values(values: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    return {key: sorted(listed) for key, listed in values.items()}


def _filter(entry: Row, charge: Charge) -> ChargeFilter:
    """A filter of Odoo's as a record; an own name where Lago has none."""
    known = next((own for own in charge.filters if own.lago_id == entry.get("lago_id")), None)
    values = {key: tuple(listed) for key, listed in entry["values"].items()}
    if known is not None:
        return replace(known, values=values, properties=entry.get("properties") or {})
    return ChargeFilter(
        lago_id=str(entry.get("lago_id") or ""), values=values, properties=entry.get("properties") or {}
    )


# cause, path, Lago's value, Odoo's value, Lago's properties with Odoo's value there
Price = tuple[str, str, Any, Any, Any]

TIER = ("from_value", "to_value")
FREE = ("free_units", "free_units_per_events", "free_units_per_total_aggregation")
GROUPS = ("pricing_group_keys", "grouped_by")


def _prices(mine: Any, theirs: Any) -> Iterator[Price]:
    """Differences of prices, put together by cause: two edges of one tier are one fault."""
    leaves = list(_leaves(mine, theirs, ()))
    by_cause: dict[str, list[tuple[tuple[Any, ...], Any, Any]]] = {}
    for path, lago, odoo in leaves:
        by_cause.setdefault(cause_of_price(path, lago, odoo), []).append((path, lago, odoo))
    for cause, own in by_cause.items():
        changed = mine
        for path, _, odoo in own:
            changed = _at(changed, path, odoo)
        what = ", ".join(".".join(map(str, path)) for path, _, _ in own)
        yield cause, what, [v for _, v, _ in own], [v for _, _, v in own], changed


def _leaves(mine: Any, theirs: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for key in dict.fromkeys((*mine, *theirs)):
            yield from _leaves(mine.get(key), theirs.get(key), (*path, key))
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for index, (left, right) in enumerate(zip(mine, theirs, strict=True)):
            yield from _leaves(left, right, (*path, index))
    elif not _alike(mine, theirs):
        yield path, mine, theirs


def _alike(mine: Any, theirs: Any) -> bool:
    left, right = _decimal(mine), _decimal(theirs)
    return left == right if left is not None and right is not None else mine == theirs


def _at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """``value`` with ``new`` at ``path``; nothing there if it is None."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_at(item, rest, new) if index == key else item for index, item in enumerate(value)]
    inner = _at((value or {}).get(key), rest, new)
    kept = {name: item for name, item in (value or {}).items() if name != key}
    return kept if inner is None and not rest and new is None and key not in TIER else {**kept, key: inner}


def cause_of_price(path: tuple[Any, ...], lago: Any, odoo: Any) -> str:
    """What a difference at this place of a charge's prices is called."""
    name = str(path[-1]) if path else ""
    if name in TIER or isinstance(lago, list) or isinstance(odoo, list):
        return "filter" if any(key in GROUPS for key in path) else "tier_edge"
    if name in FREE:
        return "free_units"
    if name == "per_transaction_min_amount":
        return "minimum"
    if any(key in GROUPS for key in path):
        return "filter"
    mine, theirs = _decimal(lago), _decimal(odoo)
    if mine is not None and theirs is not None and is_cut(mine, theirs):
        return "price_precision"
    return "price"


def is_cut(exact: Decimal, cut: Decimal) -> bool:
    """Whether ``cut`` is ``exact`` with fewer digits: rounded, or cut off."""
    digits = max(-int(_normal(cut).as_tuple().exponent), 0)
    return digits < max(-int(_normal(exact).as_tuple().exponent), 0) and abs(exact - cut) < Decimal(1).scaleb(-digits)


def _normal(value: Decimal) -> Decimal:
    return value.normalize() if value else Decimal(0)


# --- metrics ------------------------------------------------------------------------------------------------------

METRIC_FIELDS = (  # field of Odoo, field of Lago, cause
    ("aggregation", "aggregation_type", "aggregation"),
    ("field_name", "field_name", "aggregation"),
    ("recurring", "recurring", "aggregation"),
    ("rounding_function", "rounding_function", "quantity_precision"),
)


def _of_metrics(held: Held, history: History) -> Iterator[Suspect]:
    for metric in history.metrics.values():
        row = held.metrics.get(metric.code)
        if row is not None:
            yield from _of_metric(metric, row)


def _of_metric(metric: BillableMetric, row: Row) -> Iterator[Suspect]:
    where = f"fusion.billing.metric {metric.code}"
    precision = row["rounding_precision"] or 0 if row["has_rounding_precision"] else None
    entries = [(what, name, cause, row[what]) for what, name, cause in METRIC_FIELDS]
    entries.append(("rounding_precision", "rounding_precision", "quantity_precision", precision))
    for what, name, cause, theirs in entries:
        mine = getattr(metric, name)
        if (mine or None) != (theirs or None):
            suppose = with_metric(metric.code, **{name: theirs})
            yield Suspect(cause=cause, where=where, what=what, lago=shown(mine), odoo=shown(theirs), suppose=suppose)
    listed = _loads(row["filters"]) or []
    own = [{"key": f.key, "values": sorted(f.values)} for f in metric.filters]
    theirs = [{"key": f["key"], "values": sorted(f["values"])} for f in listed]
    if own != theirs and len(own) == len(theirs):
        changed = tuple(
            replace(f, key=entry["key"], values=tuple(entry["values"]))
            for f, entry in zip(metric.filters, listed, strict=True)
        )
        yield Suspect(
            cause="filter",
            where=where,
            what="filters",
            lago=shown(own),
            odoo=shown(theirs),
            suppose=with_metric(metric.code, filters=changed),
        )


# --- usage --------------------------------------------------------------------------------------------------------

Events = list[dict[str, Any]]


def _of_usage(one: Billed, order: HeldOrder, world: World, history: History) -> Iterator[Suspect]:
    """Events that one side lacks, or has with another time, value or moment of arrival."""
    external = one.subscription.external_id
    codes = {m.code for m in history.metrics.values()}
    mine = {
        e["transaction_id"]: e
        for e in world.events.to_pylist()
        if e["external_subscription_id"] == external and e["code"] in codes
    }
    theirs = {row["transaction_id"]: _event(row) for row in order.usage if row["code"] in codes}
    where = f"fusion.billing.usage of {external}"
    window = usage_window(one.period)

    def suspect(cause: str, what: str, names: Sequence[str], suppose: Supposition) -> Suspect:
        inside = [n for n in names if any(_inside(side.get(n), window) for side in (mine, theirs))]
        examples = ", ".join((inside or list(names))[:3])
        return Suspect(
            cause=cause,
            where=where,
            what=what,
            lago=f"{sum(n in mine for n in inside)} ({examples})",
            odoo=f"{sum(n in theirs for n in inside)}",
            suppose=suppose,
        )

    lacking = [n for n in mine if n not in theirs]
    if lacking:
        yield suspect("missing_usage", "not there", lacking, with_events(_without(external, frozenset(lacking))))
    extra = [n for n in theirs if n not in mine]
    copies = _copies(extra, theirs, mine)
    for cause, names in (("duplicate_events", copies), ("extra_usage", [n for n in extra if n not in copies])):
        if names:
            yield suspect(cause, "in excess", names, with_events(_with([theirs[n] for n in names])))
    both = [n for n in theirs if n in mine]
    for cause, what, names in _changed(both, mine, theirs):
        changed = {n: {field: theirs[n][field] for field in EVENT_FIELDS[what]} for n in names}
        yield suspect(cause, what, names, with_events(_changing_events(external, changed)))


EVENT_FIELDS = {
    "timestamp": ("timestamp",),
    "received_at": ("created_at",),
    "properties": ("properties", "precise_total_amount_cents"),
    "code": ("code",),
}


def _changed(
    both: Sequence[str], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, str, list[str]]]:
    moved = [n for n in both if mine[n]["timestamp"] != theirs[n]["timestamp"]]
    if moved:
        yield _cause_of_shift([theirs[n]["timestamp"] - mine[n]["timestamp"] for n in moved]), "timestamp", moved
    arrived = [n for n in both if (mine[n]["created_at"] or mine[n]["timestamp"]) != theirs[n]["created_at"]]
    if arrived:
        yield "late_events", "received_at", arrived
    valued = [n for n in both if not _same_value(mine[n], theirs[n])]
    if valued:
        less = sum(_size(theirs[n]) - _size(mine[n]) for n in valued) < 0
        yield ("missing_usage" if less else "extra_usage"), "properties", valued
    other = [n for n in both if mine[n]["code"] != theirs[n]["code"]]
    if other:
        yield "missing_usage", "code", other


def _cause_of_shift(shifts: Sequence[timedelta]) -> str:
    """The same shift of quarter hours on several events is a time zone (summer time makes two of them)."""
    quarters = {abs(shift) for shift in shifts}
    zone = all(s % timedelta(minutes=15) == timedelta(0) and s <= timedelta(hours=14) for s in quarters)
    return "time_zone" if zone and len(shifts) > 1 and len(set(shifts)) <= 2 else "period_boundary"


def _same_value(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    left, right = _loads(mine["properties"]) or {}, _loads(theirs["properties"]) or {}
    precise = (_decimal(mine["precise_total_amount_cents"]), _decimal(theirs["precise_total_amount_cents"]))
    return json_text(left) == json_text(right) and precise[0] == precise[1]


def _size(event: Mapping[str, Any]) -> Decimal:
    values = [v for v in (_decimal(x) for x in (_loads(event["properties"]) or {}).values()) if v is not None]
    return sum(values, _decimal(event["precise_total_amount_cents"]) or Decimal(0))


def _copies(extra: Sequence[str], theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """Of the extra events, those that repeat another one under another name."""
    known = {_content(event) for event in mine.values()}
    return [n for n in extra if _content(theirs[n]) in known]


def _content(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return (event["code"], event["timestamp"], json_text(_loads(event["properties"]) or {}))


def _inside(event: Mapping[str, Any] | None, window: Any) -> bool:
    if event is None or window is None:
        return False
    return bool(window.start <= event["timestamp"].replace(tzinfo=UTC) <= window.end)


def _event(row: Row) -> dict[str, Any]:
    """A row of Odoo's usage as an event of the extract."""
    at, received = _moment(row["timestamp"], row["timestamp_us"]), _moment(row["received_at"], row["received_us"])
    return {
        "transaction_id": row["transaction_id"],
        "external_subscription_id": row["external_subscription_id"],
        "code": row["code"],
        "timestamp": at.replace(tzinfo=None) if at else None,
        "created_at": received.replace(tzinfo=None) if received else None,
        "properties": row["properties"] or "{}",
        "precise_total_amount_cents": row["precise_total_amount_cents"],
        "lago_id": None,
    }


def _without(external: str, names: frozenset[str]) -> Callable[[Events], Events]:
    return lambda rows: [
        r for r in rows if r["external_subscription_id"] != external or r["transaction_id"] not in names
    ]


def _with(more: Events) -> Callable[[Events], Events]:
    return lambda rows: [*rows, *more]


def _changing_events(external: str, changed: Mapping[str, Mapping[str, Any]]) -> Callable[[Events], Events]:
    return lambda rows: [
        {**r, **changed.get(r["transaction_id"], {})} if r["external_subscription_id"] == external else r for r in rows
    ]


# --- coupons ------------------------------------------------------------------------------------------------------

LIMITS = ("amount_cents", "percentage_rate", "frequency", "amount_currency")
SCOPES = (("plan_codes", "limited_plans"), ("billable_metric_codes", "limited_billable_metrics"))


def _of_coupons(one: Billed, orders: Sequence[HeldOrder], history: History) -> Iterator[Suspect]:
    """Coupons that Odoo's orders lack, have in excess, or have with other terms."""
    customer = one.invoice.customer.lago_id if one.invoice.customer else ""
    mine = [a for a in history.snapshot.applied_coupons if a.lago_customer_id == customer]
    held = {str(entry.get("lago_id")): entry for order in orders for entry in order.coupons}
    where = ", ".join(f"sale.order {order.row['name']}" for order in orders)

    def suspect(cause: str, what: str, lago: Any, odoo: Any, suppose: Supposition) -> Suspect:
        return Suspect(
            cause=cause,
            where=where,
            what=f"fusion_coupons: {what}",
            lago=shown(lago),
            odoo=shown(odoo),
            suppose=suppose,
            header=True,
        )

    for own in mine:
        entry = held.get(own.lago_id)
        if entry is None:
            yield suspect("coupon_missing", own.coupon_code, "held", "none", _on_coupon(own.lago_id, lambda c: None))
            continue
        yield from _of_coupon(own, history.coupons.get(own.lago_coupon_id), entry, suspect)
    known = {own.lago_id for own in mine}
    for lago_id, entry in held.items():
        if lago_id not in known:
            code = str(entry.get("coupon_code") or lago_id)
            yield suspect("coupon_extra", code, "none", "held", _adding_coupon(entry, customer))


def _of_coupon(
    own: AppliedCoupon, coupon: Coupon | None, entry: Row, suspect: Callable[..., Suspect]
) -> Iterator[Suspect]:
    for name in ("terminated_at", "created_at"):
        mine, theirs = getattr(own, name), _iso(entry.get(name))
        if _second(mine) != _second(theirs):
            change = _on_coupon(own.lago_id, _changing(name, theirs or (mine if name == "created_at" else None)))
            yield suspect("coupon_expired", f"{own.coupon_code} {name}", mine, theirs, change)
    for name in LIMITS:
        limit, other = getattr(own, name), entry.get(name)
        if not _alike(limit, other) and (limit or other):
            value = _decimal(other) if name == "percentage_rate" else other
            yield suspect(
                "coupon_limit",
                f"{own.coupon_code} {name}",
                limit,
                other,
                _on_coupon(own.lago_id, _changing(name, value)),
            )
    taken = sum(c.amount_cents for c in own.credits)
    spent = sum(int(c["amount_cents"]) for c in entry.get("credits") or ())
    if entry.get("credits") is not None and taken != spent and own.frequency == "once":
        change = _on_coupon(own.lago_id, _using(spent - taken))
        yield suspect("coupon_limit", f"{own.coupon_code} credits", taken, spent, change)
    for name, flag in SCOPES:
        scope = sorted(getattr(coupon, name)) if coupon and getattr(coupon, flag) else []
        listed = sorted(entry.get(name) or ())
        if scope != listed:
            change = _on_definition(own.lago_coupon_id, **{name: tuple(listed), flag: bool(listed)})
            yield suspect("coupon_limit", f"{own.coupon_code} {name}", scope, listed, change)


def _on_coupon(lago_id: str, change: Callable[[AppliedCoupon], AppliedCoupon | None]) -> Supposition:
    def suppose(world: World) -> World:
        changed = (change(a) if a.lago_id == lago_id else a for a in world.snapshot.applied_coupons)
        return replace(
            world, snapshot=replace(world.snapshot, applied_coupons=tuple(a for a in changed if a is not None))
        )

    return suppose


def _on_definition(lago_id: str, **values: Any) -> Supposition:
    def suppose(world: World) -> World:
        changed = tuple(replace(c, **values) if c.lago_id == lago_id else c for c in world.snapshot.coupons)
        return replace(world, snapshot=replace(world.snapshot, coupons=changed))

    return suppose


def _using(more: int) -> Callable[[AppliedCoupon], AppliedCoupon]:
    """So much more (or less) of it was used before."""
    return lambda held: replace(held, amount_cents=(held.amount_cents or 0) - more)


def _adding_coupon(entry: Row, customer: str) -> Supposition:
    name = str(entry.get("lago_id") or entry.get("coupon_code"))
    rate = _decimal(entry.get("percentage_rate"))
    coupon = Coupon(
        lago_id=name,
        code=str(entry.get("coupon_code") or name),
        name=name,
        coupon_type="fixed_amount" if rate is None else "percentage",
        frequency=str(entry.get("frequency") or "forever"),
        limited_plans=bool(entry.get("plan_codes")),
        limited_billable_metrics=bool(entry.get("billable_metric_codes")),
        plan_codes=tuple(entry.get("plan_codes") or ()),
        billable_metric_codes=tuple(entry.get("billable_metric_codes") or ()),
    )
    held = AppliedCoupon(
        lago_id=name,
        lago_coupon_id=name,
        coupon_code=coupon.code,
        lago_customer_id=customer,
        external_customer_id="",
        status="active",
        frequency=coupon.frequency,
        created_at=_iso(entry.get("created_at")) or datetime(1970, 1, 1, tzinfo=UTC),
        amount_cents=entry.get("amount_cents"),
        amount_currency=entry.get("amount_currency"),
        percentage_rate=rate,
        terminated_at=_iso(entry.get("terminated_at")),
    )

    def suppose(world: World) -> World:
        snapshot = world.snapshot
        return replace(
            world,
            snapshot=replace(
                snapshot, coupons=(*snapshot.coupons, coupon), applied_coupons=(*snapshot.applied_coupons, held)
            ),
        )

    return suppose


# --- values -------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value for a person."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, list) and len(value) == 1:
        return shown(value[0])
    return json_text(value)


def _plain(properties: Any) -> Any:
    """Lago's properties as Odoo holds them: through the same JSON text."""
    return _loads(json_text(properties))


def _loads(text: Any) -> Any:
    return json.loads(text, parse_float=Decimal) if isinstance(text, str) and text else None


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool | list | dict) or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _moment(text: Any, microseconds: Any = 0) -> datetime | None:
    """Odoo's moment: UTC without zone, whole seconds."""
    if not text:
        return None
    at = datetime.strptime(str(text)[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return at + timedelta(microseconds=int(microseconds or 0))


def _iso(text: Any) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _second(moment: datetime | None) -> datetime | None:
    return moment.replace(microsecond=0) if moment else None
