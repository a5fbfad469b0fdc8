"""What an extract could not read of Lago's pages, as records in quarantine: named, counted, waived like any other.

A record's own page that is missing costs that record. A page of a list costs whatever stands on it: nobody knows what
that is, so that a customer or a plan which others name and no page shows is not deleted, but unread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from mappings.phrases import Told
from mappings.quarantine import Quarantined, quarantined
from mappings.records import Customer, Plan, Subscription
from mappings.unread import KINDS
from migrate.lago.unreadable_pages import UNREADABLE, why_unread

Pages = Mapping[str, Mapping[str, str]]  # resource -> record or place in the list -> why Lago does not give it
_PAGE = "(page)"
_OWN = {  # resources of records' own pages -> the records that they are of
    "billing_entity_details": "billing_entities",
    "plan_details": "plans",
    "subscription_details": "subscriptions",
    "subscription_fixed_charges": "subscriptions",
    "invoice_details": "invoices",
}


def unread_pages(notes: Mapping[str, str | None]) -> Pages:
    """From the units of a run and what is noted of them."""
    pages: dict[str, dict[str, str]] = {}
    for unit, note in notes.items():
        why = why_unread(note)
        if why is not None:
            name, _, place = unit.partition("/")
            pages.setdefault(name, {})[place] = why
    return pages


def gaps(pages: Pages, refused: Collection[str]) -> Iterator[Quarantined]:
    """Of lists, and of own pages that stay as they were before. ``refused``: records that are left out for theirs."""
    for name, places in pages.items():
        kind = _OWN.get(name, name)
        for place, why in places.items() if kind in KINDS else ():
            if not (name in _OWN and place in refused):
                page = quarantined(kind, f"{name}/{place}", (_PAGE, UNREADABLE, why), "null", None)
                yield replace(page, of_page=True)


def behind_gaps(
    pages: Pages, gone: Iterable[Customer], plans: Iterable[Plan], subscriptions: Iterable[Subscription]
) -> Iterator[Quarantined]:
    """Customers and plans that others name and no page shows. ``gone``: such customers."""
    if "customers" in pages:
        yield from (_behind("customers", customer.lago_id, customer.external_id) for customer in gone)
    listed = {plan.lago_id for plan in plans}
    named = {(s.plan.parent_id or s.plan.lago_id, s.plan.code) for s in subscriptions if s.plan}
    if "plans" in pages:
        yield from (_behind("plans", lago_id, code) for lago_id, code in sorted(named) if lago_id not in listed)


def _behind(resource: str, lago_id: str, label: str) -> Quarantined:
    payload = {"lago_id": lago_id, "external_id" if resource == "customers" else "code": label}
    return quarantined(resource, lago_id, (_PAGE, UNREADABLE, Told.MAYBE_ON_PAGE.of()), "null", payload)
