"""Whether records can be told apart by the names that others know them by, and whose they are. Pure.

    lago_id of a record -> what is wrong with it: path, reason, sentence

Two that have one name are both named: whose usage, orders and invoices are meant by it, nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mappings.phrases import Told
from mappings.prices import Wrong
from mappings.records import Customer, Subscription

DOUBLED = "external_id_not_unique"
NOBODYS = "customer_unknown"
_RUNNING = ("active", "pending", "incomplete")  # Lago ends what a customer has when it deletes the customer


def doubled_customers(customers: Iterable[Customer]) -> dict[str, Wrong]:
    """Customers that Lago lists under one external id. One that was deleted may well have been made again."""
    return _doubled(((c.external_id, c.lago_id) for c in customers), Told.OF_CUSTOMERS)


def doubled_subscriptions(subscriptions: Iterable[Subscription]) -> dict[str, Wrong]:
    """Active subscriptions of one external id. Those before and after it may have it too: that is how Lago moves on."""
    active = ((s.external_id, s.lago_id) for s in subscriptions if s.status == "active")
    return _doubled(active, Told.OF_ACTIVE_SUBSCRIPTIONS)


def nobodys_subscriptions(subscriptions: Iterable[Subscription], known: Collection[str]) -> dict[str, Wrong]:
    """Those that run, and whose customer no list and no document of Lago's shows. ``known``: ids of those that are.

    One that ended may be of a customer who was deleted, and whom only it names.
    """
    running = (s for s in subscriptions if s.status in _RUNNING and s.lago_customer_id not in known)
    return {s.lago_id: Wrong("lago_customer_id", NOBODYS, Told.OF_NOBODY.of(s.lago_customer_id)) for s in running}


def _doubled(pairs: Iterable[tuple[str, str]], told: Told) -> dict[str, Wrong]:
    """By the ids of all that share an external id with another."""
    ids: dict[str, list[str]] = {}
    for external, lago_id in pairs:
        ids.setdefault(external, []).append(lago_id)
    return {
        lago_id: Wrong("external_id", DOUBLED, told.of(len(twins), ", ".join(sorted(twins)[:5])))
        for twins in ids.values()
        if len(twins) > 1
        for lago_id in twins
    }
