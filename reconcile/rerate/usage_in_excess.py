"""Usage that only Odoo has and nobody billed yet, of the running period or charged at once: which, and its worth.

``reconcile.sides.open_usage`` reads it. Lago's events and Odoo's records are held against each other by subscription
and transaction. What the surplus (entered in Odoo again, or never sent to Lago) is worth
is the difference between two invoices that nobody made yet: of the running period with Lago's usage, and with both;
and of events that are charged at once (``excess_at_once``) what each makes a line of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import islice

from mappings.names import customer_name
from mappings.period import boundaries, day_start, local_date
from mappings.phrases import Told
from mappings.records import Invoice, Plan, Snapshot, Subscription
from mappings.usage import MODEL as USAGE
from reconcile.billed import BilledInvoice, BilledLine
from reconcile.rerate.coverage import supposed_invoice
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.excess_at_once import worth_at_once
from reconcile.rerate.history import History
from reconcile.rerate.hypothesis import Worlds, rerate_in, supposed, worlds_of
from reconcile.rerate.lago_calendar import billing_days
from reconcile.rerate.lapses import last_plan, local_day, timezone_of_customer
from reconcile.rerate.missed_runs import AFTER_MIDNIGHT
from reconcile.rerate.owners import owners_of
from reconcile.rerate.suppositions import Events
from reconcile.rerate.suspicions import period_of
from reconcile.sides.extras import EXTRA_USAGE, Extra
from reconcile.sides.lago import lago_invoices
from reconcile.sides.open_usage import Named, Surplus

_SHOWN = 3
_RUNS_OF_A_YEAR = 13  # of parts that are billed monthly
_KNOWN = """select distinct asked.whose, asked.name
    from (select unnest($1) as whose, unnest($2) as name) asked
    join events on events.external_subscription_id = asked.whose and events.transaction_id = asked.name"""


def missing_in_lago(events: EventSource, named: Named) -> dict[int, tuple[str, str]]:
    """Odoo's records that no event of Lago's stands behind: (external id of the subscription, transaction) of each.

    A transaction that is several events has other names for the later ones: ``unknown_to_lago`` looks for those.
    """
    whose = [external_id for external_id, rows in named.items() for _ in rows]
    names = [transaction for rows in named.values() for transaction in rows.values()]
    known = set(events.db.execute(_KNOWN, [whose, names]).fetchall()) if names else set()
    return {
        number: (external_id, transaction)
        for external_id, rows in named.items()
        for number, transaction in rows.items()
        if (external_id, transaction) not in known
    }


def unknown_to_lago(
    events: EventSource, missing: Mapping[int, tuple[str, str]], names: Mapping[int, str]
) -> dict[str, dict[int, str]]:
    """Of these, by subscription, those that are no event of Lago's under their external ids (``names``) either."""
    owners = owners_of(events, {name: missing[number][1] for number, name in names.items()})
    unknown: dict[str, dict[int, str]] = defaultdict(dict)
    for number, (external_id, transaction) in missing.items():
        if owners.get(names.get(number, "")) != external_id:
            unknown[external_id][number] = transaction
    return unknown


def rate_surplus(snapshot: Snapshot, events: EventSource, surplus: Sequence[Surplus]) -> tuple[Extra, ...]:
    """One for each metric of an order, with what it is worth."""
    if not surplus:
        return ()
    worlds = worlds_of(snapshot, events, {each.order.subscription.lago_customer_id for each in surplus})
    return tuple(_extra(worlds, each) for each in surplus)


def _extra(worlds: Worlds, surplus: Surplus) -> Extra:
    order, history = surplus.order, worlds.history
    subscription = order.subscription
    worth = _worth(worlds, surplus)
    customer = history.customers.get(subscription.lago_customer_id)
    number, units = len(surplus.numbers), "" if worth is None else f"{worth[1].normalize():f}"
    facts = {
        "what": order.name,
        "code": surplus.code,
        "events": f"{number:,}",
        "units": units or "–",
        "since": str(local_day(history, subscription, _since(surplus))),
        "records": ", ".join(str(each) for each in surplus.numbers[:_SHOWN]) + (", …" if number > _SHOWN else ""),
    }
    told = (facts["events"], surplus.code, order.name, facts["since"], facts["units"], facts["records"])
    return Extra(
        kind=EXTRA_USAGE,
        record=f"{USAGE},{surplus.numbers[0]}",
        name=f"{order.name} {surplus.code}",
        customer=subscription.external_customer_id,
        customer_name=customer_name(customer) if customer else subscription.external_customer_id,
        currency=subscription.plan_amount_currency or (subscription.plan.amount_currency if subscription.plan else ""),
        net_cents=worth[0] if worth else None,
        detail=Told.ONLY_USAGE.of(*told),
        facts=facts,
    )


def _since(surplus: Surplus) -> datetime:
    """From when on: of the running period, or of the first event before it that is charged at once."""
    alone = (event.timestamp for event in surplus.usage if event.transaction_id in surplus.at_once)
    return min((surplus.order.since, *alone))


def _worth(worlds: Worlds, surplus: Surplus) -> tuple[int, Decimal] | None:
    """(cents before taxes, units) that it adds to the next bill; None where that cannot be told."""
    history, subscription = worlds.history, surplus.order.subscription
    plan = last_plan(history, subscription)
    if plan is None:
        return None
    at_once = worth_at_once(worlds.of(subscription.lago_customer_id), history, plan, surplus)
    in_period = _of_the_period(worlds, plan, surplus)
    if at_once is None or in_period is None:
        return None
    return at_once[0] + in_period[0], at_once[1] + in_period[1]


def _of_the_period(worlds: Worlds, plan: Plan, surplus: Surplus) -> tuple[int, Decimal] | None:
    """What it adds to the bill of the running period."""
    subscription = surplus.order.subscription
    invoice = _coming(worlds.history, subscription, plan)
    if invoice is None:
        return None
    world = worlds.of(subscription.lago_customer_id)
    world = replace(world, snapshot=replace(world.snapshot, invoices=(*world.snapshot.invoices, invoice)))
    (shown,) = lago_invoices(replace(world.snapshot, invoices=(invoice,)))
    more = Events(external_id=surplus.order.external_id, more=surplus.usage)
    rated = [rerate_in(each, shown) for each in (world, supposed(world, more))]
    without, with_it = (_billed(each.invoice if each else None) for each in rated)
    if without is None or with_it is None:
        return None
    items = {charge.lago_id for charge in plan.charges if charge.billable_metric_code == surplus.code}
    cents = _cents(with_it) - _cents(without)
    return cents, _units(with_it, items) - _units(without, items)


def _billed(rated: BilledInvoice | None) -> list[BilledLine] | None:
    """What it bills of usage."""
    return None if rated is None else [line for line in rated.lines if line.key.kind in ("charge", "true_up")]


def _cents(lines: Sequence[BilledLine]) -> int:
    return sum(line.amount_cents for line in lines)


def _units(lines: Sequence[BilledLine], items: Collection[str]) -> Decimal:
    """Of the lines of these charges."""
    return sum((line.units or Decimal(0) for line in lines if line.key.item in items), Decimal(0))


def _coming(history: History, subscription: Subscription, plan: Plan) -> Invoice | None:
    """The next invoice of its usage, before anything is rated; None where the runs of a year bill none.

    A run may bill fixed charges alone: the usage of a longer plan waits for its end.
    """
    taken_at, timezone = history.snapshot.taken_at, timezone_of_customer(history, subscription)
    contract = history.contract(subscription, plan, timezone, taken_at)
    for day in islice(billing_days(contract, local_date(taken_at, timezone)), _RUNS_OF_A_YEAR):
        at = day_start(day, timezone) + AFTER_MIDNIGHT
        window = boundaries(contract, at).charges
        if window is not None:
            period = period_of(subscription, plan, None, window, None)
            return supposed_invoice(history, subscription, plan, period=period, at=at)
    return None
