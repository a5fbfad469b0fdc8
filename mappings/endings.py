"""Where each subscription can leave Lago: the beginning of its plan's next period, in its customer's days. Pure.

    endings(snapshot, customers, earliest)  ->  per running subscription the day, ``ending_at`` of it, what to know

Lago bills a subscription right to its end, and nothing after it, only where ``ending_at`` is the local midnight at
which a period of its plan begins (facts/lago-cutover §3.3, §8). So nothing else is ever proposed; what Lago bills
wrongly even then (its fault L8) is told with the way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from mappings.contracts import running_contract
from mappings.period import day_start, local_date
from mappings.planned_ends import lacking_commitment
from mappings.records import Customer, Plan, Snapshot, Subscription

RUNNING = ("active", "pending")
_DAY = timedelta(days=1)
NO_ENDS: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one subscription leaves Lago.

    ``day``: the first one that Odoo bills, local to the customer; ``ending_at``: its midnight, in UTC. ``base_cents``:
    the plan's price of a whole period, in the smallest unit of ``currency``. ``blocks``: why it cannot end there;
    ``notes``: what somebody has to do beside it. ``is_set``: Lago has this very end already.
    """

    subscription: str  # external id
    lago_id: str
    customer: str  # external id
    plan: str  # code
    timezone: str
    day: date
    ending_at: datetime
    base_cents: int
    currency: str
    is_set: bool = False
    blocks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def endings(
    snapshot: Snapshot,
    customers: frozenset[str] | None,
    earliest: date,
    ours: Mapping[str, datetime] = NO_ENDS,
) -> Iterator[Ending]:
    """Of every running subscription of the customers (external ids; None: of all), by customer and external id.

    ``earliest``: no period that begins before this local day; Lago takes an end from the next day on. ``ours``: ends
    that were set before, by Lago's id: those stay, however near they are by now.
    """
    plans = {plan.code: plan for plan in snapshot.plans}
    active = {s.external_id for s in snapshot.subscriptions if s.status == "active"}
    holders = {customer.lago_id: customer for customer in snapshot.customers}
    theirs = (s for s in snapshot.subscriptions if customers is None or s.external_customer_id in customers)
    for subscription in sorted(theirs, key=lambda s: (s.external_customer_id, s.external_id, s.lago_id)):
        plan = subscription.plan or plans.get(subscription.plan_code)
        holder = holders.get(subscription.lago_customer_id)
        is_change = subscription.status == "pending" and subscription.external_id in active  # the end cancels it
        if subscription.status in RUNNING and not is_change and plan is not None and holder is not None:
            yield _ending(subscription, plan, holder, earliest, ours.get(subscription.lago_id))


def _ending(
    subscription: Subscription, plan: Plan, customer: Customer, earliest: date, known: datetime | None
) -> Ending:
    timezone = customer.applicable_timezone
    day = local_date(known, timezone) if known else _first_day(subscription, plan, timezone, earliest)
    ending_at = day_start(day, timezone).astimezone(UTC)
    return Ending(
        subscription=subscription.external_id,
        lago_id=subscription.lago_id,
        customer=customer.external_id,
        plan=plan.code,
        timezone=timezone,
        day=day,
        ending_at=ending_at,
        base_cents=plan.amount_cents,
        currency=plan.amount_currency,
        is_set=subscription.ending_at == ending_at,
        blocks=(
            *_blocks(subscription, ending_at, timezone, is_ours=known is not None),
            *_in_advance(subscription, plan),
        ),
        notes=tuple(_notes(subscription, plan)),
    )


def _first_day(subscription: Subscription, plan: Plan, timezone: str, earliest: date) -> date:
    """The first day of a period of the plan, not before ``earliest``, nor on the day on which it starts."""
    contract = running_contract(subscription, plan, timezone)
    from_day = max(earliest, local_date(contract.started_at, timezone) + _DAY)
    cycle = contract.cycle()
    begins = cycle.start(from_day)
    return begins if begins == from_day else cycle.end(begins) + _DAY


def _blocks(subscription: Subscription, ending_at: datetime, timezone: str, *, is_ours: bool) -> Iterator[str]:
    if subscription.status == "pending":
        starts = subscription.started_at or subscription.subscription_at
        day = local_date(starts, timezone)
        yield f"starts on {day} only: take it back in Lago (DELETE with status=pending) and make it in Odoo, or wait"
    planned = subscription.ending_at
    if planned is not None and (planned != ending_at or not is_ours):
        stands = f"{planned.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        yield f"is to end in Lago at {stands} already, for another reason: decide which"


def _in_advance(subscription: Subscription, plan: Plan) -> Iterator[str]:
    """Odoo's first invoice would be of the boundary, and hold the usage of the period before, which Lago bills."""
    fixed = subscription.fixed_charges if subscription.fixed_charges is not None else plan.fixed_charges
    if plan.pay_in_advance or any(charge.pay_in_advance for charge in fixed):
        yield (
            "is paid in advance: the addon cannot yet begin with what is paid in advance alone, without the usage of "
            "the period before, which Lago bills; it stays in Lago for now"
        )


def _notes(subscription: Subscription, plan: Plan) -> Iterator[str]:
    if subscription.next_plan_code is not None:
        yield f"the change to plan {subscription.next_plan_code} that waits is cancelled by the end: make it in Odoo"
    if plan.pay_in_advance and plan.minimum_commitment is not None:
        yield lacking_commitment(plan)
    if any(charge.pay_in_advance for charge in plan.charges):
        yield "charges in advance: Lago bills events of before the end whenever they come: switch their senders first"
