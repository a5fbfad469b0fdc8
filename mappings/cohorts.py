"""Cohorts: named sets of customers that move together."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from mappings.records import Snapshot
from mappings.text import composed


class CohortError(ValueError):
    """A cohort that names nobody, or someone who does not exist; ``str()`` is one line."""


def customers_of(snapshot: Snapshot, name: str, customers: Iterable[str], plans: Iterable[str]) -> frozenset[str]:
    """External ids of the cohort ``name``: those listed, and all who hold or held one of ``plans`` (``*`` matches any).

    Who once held a plan belongs to it too: their open invoices move with it. Raises CohortError.
    """
    known = {composed(customer.external_id): customer.external_id for customer in snapshot.customers}
    listed, patterns = set(map(composed, customers)), tuple(plans)
    unknown = sorted(listed - known.keys())
    if unknown:
        raise CohortError(
            f"cohort {name}: no customer {unknown[0]!r} in this snapshot: correct [cohorts.{name}] customers"
        )
    codes = {plan.code for plan in snapshot.plans} | {s.plan_code for s in snapshot.subscriptions}
    for pattern in patterns:
        if not any(fnmatchcase(code, pattern) for code in codes):
            raise CohortError(f"cohort {name}: no plan is called {pattern!r}: correct [cohorts.{name}] plans")
    holders = {
        s.external_customer_id for s in snapshot.subscriptions if any(fnmatchcase(s.plan_code, p) for p in patterns)
    }
    return frozenset({known[name] for name in listed} | holders)
