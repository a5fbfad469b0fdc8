"""What stands before and after an order in Odoo against Lago's chain of subscriptions. Pure.

An order that Lago does not have ends a trial, makes a first period another, and leaves usage that is carried over, or
takes it over: it is told by the field because of which Odoo goes on from it, or to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappings import read_back
from mappings.contracts import running_contract
from mappings.fields import Row
from mappings.phrases import Said
from mappings.read_back import Terms
from mappings.records import Subscription
from mappings.target import xid
from reconcile.causes.observed import NONE, Place, Suspect, remedy_at, shown
from reconcile.rerate.history import History
from reconcile.rerate.supposed_history import all_windows
from reconcile.rerate.suppositions import BilledBefore, FollowedBy, GoesOnFrom
from reconcile.sides.held_terms import HeldNeighbour, HeldOrder

CAUSE = "previous_order"
REPLACES, NAME = "fusion_previous_order_id", "fusion_external_id"


def of_neighbours(lago: Terms, order: HeldOrder, history: History) -> Iterator[Suspect]:
    """Orders before and after this one that Lago's subscription has not there."""
    subscription = history.subscriptions.get(lago.subscription.lago_id)
    if subscription is not None:
        yield from _of_chain(subscription, lago, order, history)
        yield from _of_followers(subscription, lago, order, history)
    yield from (_of_namesake(lago, stranger) for stranger in _strangers(lago, order, history))


# --- what it replaces ---------------------------------------------------------------------------------------------


def _of_chain(subscription: Subscription, lago: Terms, order: HeldOrder, history: History) -> Iterator[Suspect]:
    """The first order of the chain that replaces another one than Lago's subscription did."""
    current, row = subscription, order.row
    for other in order.chain:
        replaced = history.previous(current)
        if replaced is None or other.subscription != replaced.lago_id:
            yield _link(row, replaced, str(other.row["name"]), _goes_on(lago, order, history))
            return
        current, row = replaced, other.row


def _link(row: Row, replaced: Subscription | None, odoo: Said, suppose: GoesOnFrom | FollowedBy) -> Suspect:
    """``row``: of the order that replaces another one than Lago's ``replaced``."""
    lago = xid("subscription", replaced.lago_id) if replaced else NONE
    return Suspect(cause=CAUSE, place=_place(row, REPLACES), lago=lago, odoo=odoo, suppose=suppose)


def _goes_on(lago: Terms, order: HeldOrder, history: History) -> GoesOnFrom:
    """From the orders as Odoo has them."""
    starts = [read.subscription.started_at for read in (_read(lago, other.row) for other in order.chain)]
    begun = lago.subscription.started_at or lago.subscription.subscription_at
    return GoesOnFrom(
        subscription=lago.subscription.lago_id,
        replaced=_subscription(lago, order.chain[0], history),
        since=min([begun, *(start for start in starts if start)]),
    )


def _subscription(lago: Terms, other: HeldNeighbour, history: History) -> Subscription:
    """Lago's own, or what a stranger's order comes to: a plan of its code, at its own price."""
    if (known := history.subscriptions.get(other.subscription)) is not None:
        return known
    code = other.row["fusion_plan_code"]
    plan = next((p for p in history.plans.values() if p.code == code), None)
    charged = plan or replace(lago.plan, charges=(), fixed_charges=())
    read = read_back.terms(replace(lago, plan=replace(charged, charges=(), fixed_charges=())), other.row, ())
    cents = read.subscription.plan_amount_cents
    priced = replace(read.plan, charges=charged.charges, amount_cents=charged.amount_cents if cents is None else cents)
    return replace(read.subscription, lago_id=str(other.row["name"]), plan=priced, fixed_charges=())


# --- what replaces it ---------------------------------------------------------------------------------------------


def _of_followers(subscription: Subscription, lago: Terms, order: HeldOrder, history: History) -> Iterator[Suspect]:
    """Orders that go on from this one as no subscription of Lago's does, and the one that should and does not."""
    following = history.following(subscription)
    for other in order.followers:
        if following is None or other.subscription != following.lago_id:
            known = history.subscriptions.get(other.subscription)
            suppose = FollowedBy(subscription=subscription.lago_id, following=_subscription(lago, other, history))
            yield _link(other.row, history.previous(known) if known else None, str(order.row["name"]), suppose)
    if following is None or following.lago_id in {other.subscription for other in order.followers}:
        return
    for other in order.namesakes:
        if other.subscription == following.lago_id and REPLACES in other.row:
            suppose = FollowedBy(subscription=subscription.lago_id, following=None)
            yield _link(other.row, subscription, other.replaces or NONE, suppose)


# --- what has its external id -------------------------------------------------------------------------------------


def _strangers(lago: Terms, order: HeldOrder, history: History) -> Iterator[HeldNeighbour]:
    """Ended orders of its external id and plan that began before it, and that are no subscription of that id."""
    begun = str(order.row["fusion_started_at"] or "")
    for other in order.namesakes:
        known = history.subscriptions.get(other.subscription)
        if known is not None and known.external_id == lago.subscription.external_id:
            continue
        ended = other.row["fusion_ended_at"] and other.row["fusion_started_at"]
        is_before = bool(ended) and str(other.row["fusion_started_at"]) < begun
        if is_before and other.row["fusion_plan_code"] == order.row["fusion_plan_code"]:
            yield other


def _of_namesake(lago: Terms, stranger: HeldNeighbour) -> Suspect:
    place, read = _place(stranger.row, NAME), _read(lago, stranger.row)
    contract = running_contract(read.subscription, read.plan, read.customer.applicable_timezone)
    ended_at, created_at = read.subscription.terminated_at, read.subscription.created_at
    if not stranger.row.get("fusion_created_at"):
        created_at = contract.started_at
    windows = all_windows(contract, created_at, ended_at) if ended_at else ()
    return Suspect(
        cause=CAUSE,
        place=place,
        lago=NONE,
        odoo=shown(stranger.row[NAME]),
        suppose=BilledBefore(subscription=lago.subscription.lago_id, windows=tuple(windows)),
        remedy=remedy_at("mend_field", place, NONE),
    )


def _read(lago: Terms, row: Row) -> Terms:
    """The terms of an order that stands before; what it does not hold is as the subscription's own."""
    return read_back.terms(lago, row, ())


def _place(row: Row, field: str) -> Place:
    return Place("sale.order", str(row["name"]), field)
