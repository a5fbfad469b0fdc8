"""What Lago billed twice, or never: the record, and what it is told with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from mappings.contracts import timezone_of
from mappings.names import customer_name
from mappings.period import Window, local_date
from mappings.records import BillingPeriod, Plan, Subscription
from reconcile.rerate.history import History

BILLED_TWICE, PERIOD_TWICE = "usage_billed_twice", "period_billed_twice"
USAGE_NEVER, PERIOD_NEVER = "usage_never_billed", "period_never_billed"
USAGE_LATE = "usage_came_late"
KINDS = (BILLED_TWICE, PERIOD_TWICE, USAGE_NEVER, PERIOD_NEVER, USAGE_LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A stretch of a subscription's life that Lago billed twice, or never.

    ``cents``: what it is worth before taxes, below 0 where late usage would have made the bill smaller, None where the
    re-rate refuses it; ``day``: when it was billed the second
    time, or should have been billed; ``invoices``: Lago's numbers of those that bill it; ``with_usage``: whether a
    period that was billed twice has its usage in ``cents``.
    """

    kind: str
    customer: str  # external id
    customer_name: str
    subscription: str  # external id
    window: Window
    day: date
    currency: str
    cents: int | None
    events: int
    invoices: tuple[str, ...] = ()
    with_usage: bool = False


def last_plan(history: History, subscription: Subscription) -> Plan | None:
    """The plan as it was billed last; that of the subscription where nothing was billed yet."""
    billed = history.billed.get(subscription.lago_id, ())
    if billed:
        return billed[-1].plan
    return history.plan_of(BillingPeriod(lago_subscription_id="", external_subscription_id=""), subscription)


def timezone_of_customer(history: History, subscription: Subscription) -> str:
    """The customer's time zone; UTC for one that is not in the snapshot."""
    return timezone_of(history.customers.get(subscription.lago_customer_id))


def local_day(history: History, subscription: Subscription, moment: datetime) -> date:
    """The customer's day at a moment."""
    return local_date(moment, timezone_of_customer(history, subscription))


def name_of_customer(history: History, subscription: Subscription) -> str:
    """The customer's name, else its external id."""
    customer = history.customers.get(subscription.lago_customer_id)
    return customer_name(customer) if customer else subscription.external_customer_id
