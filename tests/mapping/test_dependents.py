"""What depends on a record in quarantine: by its resource and its id, as one id may be that of two kinds of record."""

from __future__ import annotations

import pytest

from mappings.dependents import find_dependents, unread_invoices, unread_subscriptions
from mappings.quarantine import quarantined
from mappings.records import BillingPeriod, Snapshot
from tests.mapping.build import customer, invoice, plan, snapshot, subscription


def company(resource: str, lago_id: str) -> Snapshot:
    """A customer, its subscription and an invoice of it; something in quarantine."""
    held = subscription("s1", plan=plan("p1"))
    period = BillingPeriod(lago_subscription_id="s1", external_subscription_id=held.external_id, lago_plan_id="p1")
    unread = quarantined(resource, lago_id, ("name", "value_wrong", "is odd"), "{}", {})
    return snapshot(
        customers=(customer("c1"),),
        plans=(plan("p1"),),
        subscriptions=(held,),
        invoices=(invoice("i1", billing_periods=(period,)),),
        quarantined=(unread,),
    )


@pytest.mark.parametrize("lago_id", ["c1", "p1", "s1"])
@pytest.mark.parametrize("resource", ["customers", "plans", "subscriptions", "taxes", "events", "wallets"])
def test_only_a_record_of_the_kind_that_is_named_takes_others_along(resource: str, lago_id: str) -> None:
    kind = {"c": "customers", "p": "plans", "s": "subscriptions"}[lago_id[0]]
    odd = company(resource, lago_id)
    billed = unread_invoices(odd, unread_subscriptions(odd))
    assert (set(billed) == {"i1"}) is (resource == kind)
    invoices = {key: found.invoices for key, found in find_dependents(odd).items() if found.invoices}
    assert invoices == ({(resource, lago_id): 1} if resource == kind else {})
