"""What decides the periods of a subscription: it with its plan, and the time zone. Pure."""

from __future__ import annotations

from mappings.period import Contract
from mappings.records import Customer, Plan, Subscription


def running_contract(subscription: Subscription, plan: Plan, timezone: str) -> Contract:
    """While it runs: no end, and no plan that follows."""
    return Contract(
        interval=plan.interval,
        anniversary=subscription.billing_time == "anniversary",
        pay_in_advance=plan.pay_in_advance,
        timezone=timezone,
        subscription_at=subscription.subscription_at,
        started_at=subscription.started_at or subscription.subscription_at,
        charges_monthly=bool(plan.bill_charges_monthly),
        fixed_charges_monthly=bool(plan.bill_fixed_charges_monthly),
    )


def timezone_of(customer: Customer | None) -> str:
    """The time zone that a customer is billed in; UTC for one that the snapshot does not have."""
    return customer.applicable_timezone if customer else "UTC"
