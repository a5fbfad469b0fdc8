"""Billing entities: which of them a customer or an invoice is billed by, and those that nothing is known of. Pure.

An entity's taxes, days of grace and terms are those of its customers. Without it they are not none, but unknown: one
that cannot be read, or that records name and Lago's list lacks, takes along whatever it sells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

from mappings.phrases import Told
from mappings.quarantine import Quarantined, quarantined
from mappings.records import BillingEntity, Customer, Invoice, Snapshot

RESOURCE = "billing_entities"
UNKNOWN = "billing_entity_unknown"
# what names it: one of them, several
_BY = {"customers": (Told.A_CUSTOMER, Told.CUSTOMERS), "invoices": (Told.AN_INVOICE, Told.INVOICES)}


def unlisted_entities(
    entities: Iterable[BillingEntity],
    customers: Iterable[Customer],
    invoices: Iterable[Invoice],
    unread: Iterable[Quarantined],
) -> Iterator[Quarantined]:
    """Those that customers or invoices name and that Lago's list does not show, each once, by its code.

    One that is listed and cannot be read is named as that already.
    """
    listed = {entity.code for entity in entities} | {q.label for q in unread if q.resource == RESOURCE}
    named: dict[str, dict[str, int]] = {}
    for kind, records in (("customers", customers), ("invoices", invoices)):
        for record in records:
            code = record.billing_entity_code
            if code is not None and code not in listed:
                numbers = named.setdefault(code, {})
                numbers[kind] = numbers.get(kind, 0) + 1
    for code, numbers in sorted(named.items()):
        told = [_BY[kind][number > 1].of(f"{number:,}") for kind, number in numbers.items()]
        problem = Told.SELLER_UNLISTED.of(repr(code), reduce(Told.AND_ALSO.of, told))
        yield quarantined(RESOURCE, code, ("code", UNKNOWN, problem), "{}", {"code": code})


@dataclass(frozen=True, slots=True)
class UnreadSellers:
    """Billing entities of which nothing is known, by code. ``unnamed``: whom those that name none may be billed by."""

    by_code: Mapping[str, Quarantined] = field(default_factory=dict)
    unnamed: Quarantined | None = None

    @staticmethod
    def of(snapshot: Snapshot) -> UnreadSellers:
        unread = {q.label: q for q in snapshot.quarantined if q.resource == RESOURCE}
        has_default = any(entity.is_default for entity in snapshot.billing_entities)
        return UnreadSellers(unread, None if has_default else next(iter(unread.values()), None))

    def of_customer(self, customer: Customer) -> Quarantined | None:
        """Why nothing can be said of what this customer is billed; None: its seller is known."""
        code = customer.billing_entity_code
        return self.unnamed if code is None else self.by_code.get(code)

    def of_invoice(self, invoice: Invoice, customer: Customer | None) -> Quarantined | None:
        """The same of one invoice, by the seller that it names and by its customer's."""
        own = self.by_code.get(invoice.billing_entity_code or "")
        if own is not None or customer is None:
            return own
        named_there = customer.billing_entity_code is None and invoice.billing_entity_code is not None
        return None if named_there else self.of_customer(customer)
