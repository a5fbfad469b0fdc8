"""All of Odoo's records that differ from Lago's and could move an invoice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

from mappings.fields import Row
from mappings.phrases import Phrase, Told
from reconcile.causes.coupons import of_coupons
from reconcile.causes.neighbours import of_neighbours
from reconcile.causes.observed import NONE, SUBSCRIPTION, Place, Suspect, shown
from reconcile.causes.terms import of_metrics, of_order, terms_of
from reconcile.causes.usage import Usage, lacking, of_usage, owned, placed, surplus
from reconcile.rerate.billing import Billed, usage_window
from reconcile.rerate.counterfactual import counterfactual
from reconcile.rerate.history import History
from reconcile.rerate.other_periods import STORED, LineWindows, gives_periods, other_windows
from reconcile.rerate.supposed import WhatIf, World, events_of
from reconcile.rerate.supposed_history import Supposed
from reconcile.rerate.suppositions import BilledIn, Events, FollowedBy, OtherRecords, Windows
from reconcile.sides.held_terms import Held, HeldOrder


def suspected_of(
    billings: Sequence[Billed],
    held: Held,
    history: History,
    world: World,
    unmapped: Mapping[str, str],
    windows: LineWindows,
) -> tuple[Suspect, ...]:
    """All differences that could move an invoice with these ``billings``. ``world``: its customer's, as it is.

    ``windows``: the periods that Odoo's lines bill. A record that tells why one is another is named in its place.
    """
    first = {b.subscription.lago_id: b for b in reversed(billings)}  # a subscription's first billing on the invoice
    orders = orders_of(billings, held)
    records: list[Suspect] = []
    for name, order in orders.items():
        usage = _of_usage(first[name], order, world, history)
        terms = of_order(terms_of(first[name], history), order, unmapped, history.plans, held.settings)
        records += [*_not_in(terms, {suspect.place for suspect in usage}), *usage]
        records += of_neighbours(terms_of(first[name], history), order, history)
    records += of_metrics(tuple(history.metrics.values()), held.metrics)
    if orders:
        customer = billings[0].invoice.customer
        records += of_coupons(customer.lago_id if customer else "", tuple(orders.values()), history)
    called = names_of(orders)
    periods = (
        suspect
        for billed in billings
        for suspect in _of_windows(billed, called.get(billed.subscription.lago_id, ""), windows, records, history)
    )
    return distinct([*records, *periods])


def orders_of(billings: Sequence[Billed], held: Held) -> dict[str, HeldOrder]:
    """The orders that these billings bill, by subscription; those that are there."""
    names = dict.fromkeys(billed.subscription.lago_id for billed in billings)
    return {name: held.orders[name] for name in names if name in held.orders}


def names_of(orders: Mapping[str, HeldOrder]) -> dict[str, str]:
    """Subscription -> how its order is called."""
    return {subscription: str(order.row["name"]) for subscription, order in orders.items()}


def _not_in(suspects: Iterable[Suspect], places: Collection[Place]) -> Iterator[Suspect]:
    return (suspect for suspect in suspects if suspect.place not in places)


def distinct(found: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """Each once. Two that read alike (a charge and a fixed charge of one code) are two."""
    return tuple(suspect for number, suspect in enumerate(found) if suspect not in found[:number])


@dataclass(frozen=True, slots=True)
class UsageToFind:
    """What is to be read before orders are held against Lago's, by subscription: usage that only one side has there.

    ``lacking``: external ids of Lago's that the order lacks; ``surplus``: records of Odoo's in excess, and their
    transactions. Not of an order that counts another subscription's: that field says where its usage is.
    """

    lacking: Mapping[str, Sequence[str]]
    surplus: Mapping[str, Mapping[int, str]]


def usage_to_find(held: Held, worlds: WhatIf) -> UsageToFind:
    """The usage of both sides is held against each other once, order by order."""
    missing: dict[str, Sequence[str]] = {}
    more: dict[str, Mapping[int, str]] = {}
    for name, lago, odoo in _compared(held, worlds):
        missing[name], more[name] = lacking(lago, odoo), surplus(lago, odoo)
    return UsageToFind(
        lacking={name: external_ids for name, external_ids in missing.items() if external_ids},
        surplus={name: transactions for name, transactions in more.items() if transactions},
    )


def _compared(held: Held, worlds: WhatIf) -> Iterator[tuple[str, Usage, list[Row]]]:
    """Subscriptions whose own usage their orders count: what Lago has of it, and what Odoo has."""
    subscriptions = worlds.history.subscriptions
    codes = _codes(worlds.history)
    for name, order in held.orders.items():
        if name in subscriptions and order.row["fusion_external_id"] == subscriptions[name].external_id:
            world = worlds.of(subscriptions[name].lago_customer_id)
            yield name, *_both_sides(subscriptions[name].external_id, order, world, codes)


def _codes(history: History) -> frozenset[str]:
    """Of the metrics that Lago knows: it bills no others."""
    return frozenset(metric.code for metric in history.metrics.values())


def _both_sides(external_id: str, order: HeldOrder, world: World, codes: Collection[str]) -> tuple[Usage, list[Row]]:
    """The usage of a subscription, as Lago has it and as Odoo does."""
    lago = {event.transaction_id: event for event in events_of(world, external_id) if event.code in codes}
    return lago, [row for row in order.usage if row["code"] in codes]


def _of_usage(billed: Billed, order: HeldOrder, world: World, history: History) -> Sequence[Suspect]:
    external_id = billed.subscription.external_id
    lago, odoo = _both_sides(external_id, order, world, _codes(history))
    differing = list(of_usage(external_id, lago, odoo, usage_window(billed.period)))
    counted = order.row["fusion_external_id"]
    if counted == external_id or not differing:
        return list(placed(owned(differing, order.foreign), lago, order.elsewhere))
    return [_of_others(differing, external_id, order)]


def _of_others(differing: Sequence[Suspect], external_id: str, order: HeldOrder) -> Suspect:
    """The order counts another subscription's usage: its field says so, and no event is missing or too many."""
    told = [suspect.suppose for suspect in differing if isinstance(suspect.suppose, Events)]
    more = (replace(event, external_subscription_id=external_id) for events in told for event in events.more)
    return Suspect(
        cause="missing_usage",
        place=Place("sale.order", str(order.row["name"]), "fusion_external_id"),
        lago=external_id,
        odoo=shown(order.row["fusion_external_id"]),
        suppose=Events(
            external_id=external_id,
            gone=frozenset(name for events in told for name in events.gone),
            changed={name: fields for events in told for name, fields in events.changed.items()},
            more=tuple(more),
        ),
    )


PERIODS = {
    "subscription": Phrase(Told.PERIOD_OF_SUBSCRIPTION),
    "charges": Phrase(Told.PERIOD_OF_CHARGES),
    "fixed_charges": Phrase(Told.PERIOD_OF_FIXED_CHARGES),
}

# --- periods ------------------------------------------------------------------------------------------------------


def _of_windows(
    billed: Billed, order: str, windows: LineWindows, found: Sequence[Suspect], history: History
) -> Iterator[Suspect]:
    """Odoo's lines bill another period than Lago stored. A record that tells why is the one to name, and to mend.

    A period that is Lago's own by its calendar is no fault of Odoo's. ``order``: the subscription's, by name.
    """
    subscription = billed.subscription
    odoo = other_windows(billed, windows, history)
    if odoo:
        family, (start, end) = next(iter(odoo.items()))
        stored = STORED[family](billed.period)
        symptom = Suspect(
            cause="period_boundary",
            place=Place(SUBSCRIPTION, subscription.external_id, PERIODS[family]),
            lago=f"{shown(stored.start)} – {shown(stored.end)}" if stored else NONE,
            odoo=f"{shown(start)} – {shown(end)}",
            suppose=Windows(invoice=billed.invoice.lago_id, subscription=subscription.lago_id, ends=odoo),
        )
        mover = next((suspect for suspect in found if _moves(suspect, billed, order)), symptom)
        yield replace(mover, suppose=symptom.suppose)


def period_givers(
    billings: Sequence[Billed],
    orders: Mapping[str, str],
    suspects: Sequence[Suspect],
    windows: LineWindows,
    world: World,
) -> dict[str, tuple[Suspect, ...]]:
    """Subscription -> records of its own order that give just the periods that Odoo bills, whatever the amounts.

    One, or all that it takes. ``orders``: their names, by subscription.
    """
    givers: dict[str, tuple[Suspect, ...]] = {}
    for billed in billings:
        order = orders.get(billed.subscription.lago_id, "")
        movers = [suspect for suspect in suspects if _moves(suspect, billed, order)]
        giving = _giving(movers, partial(_gives, billed, windows, world))
        if giving:
            givers.setdefault(billed.subscription.lago_id, giving)
    return givers


def _giving(movers: Sequence[Suspect], gives: Callable[[Sequence[Suspect]], bool]) -> tuple[Suspect, ...]:
    """The first that gives the periods alone; else, where all of them do, those without which they do not."""
    alone = next((mover for mover in movers if gives([mover])), None)
    if alone is not None:
        return (alone,)
    if len(movers) < 2 or not gives(movers):
        return ()
    return tuple(mover for mover in movers if not gives([other for other in movers if other is not mover]))


def _gives(billed: Billed, windows: LineWindows, world: World, suspects: Sequence[Suspect]) -> bool:
    supposed = [suspect.suppose for suspect in suspects]
    changes = (change for records in supposed if isinstance(records, OtherRecords) for change in records.changes)
    zones = {zoned.subscription: zoned.timezone for zoned in supposed if isinstance(zoned, BilledIn)}
    followed = {told.subscription: told for told in supposed if isinstance(told, FollowedBy)}
    snapshot = reduce(counterfactual, changes, world.snapshot)
    history = Supposed(snapshot, replace(world, zones=zones, followed=followed))
    invoice = history.invoices.get(billed.invoice.lago_id)
    rebilled = history.billed_on(invoice, billed.period) if invoice else None
    return rebilled is not None and gives_periods(rebilled, windows, history)


def _moves(suspect: Suspect, billed: Billed, order: str) -> bool:
    """Whether a record of this subscription's own order differs, and moves its boundaries."""
    if isinstance(suspect.suppose, BilledIn | FollowedBy):
        return suspect.suppose.subscription == billed.subscription.lago_id
    if not isinstance(suspect.suppose, OtherRecords) or not suspect.suppose.calendar or suspect.place.record != order:
        return False
    customer = billed.invoice.customer
    owners = {billed.subscription.lago_id, billed.plan.lago_id, customer.lago_id if customer else ""}
    return any(change.lago_id in owners for change in suspect.suppose.changes)
