"""A snapshot and its usage, customer by customer. Pure: indexed once, however many customers are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mappings.records import AppliedCoupon, Customer, Fee, Invoice, Snapshot, Subscription

Record = TypeVar("Record")
Key = TypeVar("Key")
Numbered = tuple[int, Fee]  # a fee, and its place in Lago's list
SUBSCRIPTION = "external_subscription_id"  # of a row of usage
Places: TypeAlias = "pa.Array[Any]"  # Any: what it is of is for pyarrow to know


class CustomerParts:
    """A snapshot's records, by customer."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def of(self, customer: str) -> Snapshot:
        """The records of the customer with this Lago id, and the catalog."""
        subscriptions = self._subscriptions.get(customer, ())
        return replace(
            self.snapshot,
            customers=self._customers.get(customer, ()),
            subscriptions=subscriptions,
            applied_coupons=self._applied_coupons.get(customer, ()),
            invoices=self._invoices.get(customer, ()),
            fees=self._fees_of(customer, {s.external_customer_id for s in subscriptions}),
        )

    @cached_property
    def _customers(self) -> Mapping[str, tuple[Customer, ...]]:
        return _by(self.snapshot.customers, lambda customer: customer.lago_id)

    @cached_property
    def _subscriptions(self) -> Mapping[str, tuple[Subscription, ...]]:
        return _by(self.snapshot.subscriptions, lambda subscription: subscription.lago_customer_id)

    @cached_property
    def _applied_coupons(self) -> Mapping[str, tuple[AppliedCoupon, ...]]:
        return _by(self.snapshot.applied_coupons, lambda applied: applied.lago_customer_id)

    @cached_property
    def _invoices(self) -> Mapping[str, tuple[Invoice, ...]]:
        return _by(self.snapshot.invoices, lambda invoice: invoice.customer.lago_id if invoice.customer else None)

    @cached_property
    def _fees(self) -> Mapping[tuple[str, str], tuple[Numbered, ...]]:
        """By what a fee names its customer with: Lago's id, or the external one where it has none."""
        return _by(enumerate(self.snapshot.fees), lambda numbered: _customer_named(numbered[1]))

    def _fees_of(self, customer: str, external_ids: Iterable[str]) -> tuple[Fee, ...]:
        names = [("lago", customer), *(("external", name) for name in external_ids)]
        return tuple(fee for _, fee in sorted((n for name in names for n in self._fees.get(name, ())), key=_place))


def _place(numbered: Numbered) -> int:
    return numbered[0]


def _customer_named(fee: Fee) -> tuple[str, str] | None:
    if fee.lago_customer_id:
        return "lago", fee.lago_customer_id
    return ("external", fee.external_customer_id) if fee.external_customer_id is not None else None


def _by(records: Iterable[Record], key_of: Callable[[Record], Key | None]) -> Mapping[Key, tuple[Record, ...]]:
    grouped: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        key = key_of(record)
        if key is not None:
            grouped[key].append(record)
    return {key: tuple(alike) for key, alike in grouped.items()}


class UsageParts:
    """Usage in the order of its arrival, by the external id of its subscription."""

    def __init__(self, usage: pa.Table) -> None:
        self.usage = usage

    def of(self, external_ids: Iterable[str]) -> pa.Table:
        """The events of these subscriptions, in the same order."""
        rows = [self._rows[name] for name in sorted(set(external_ids)) if name in self._rows]
        places = pa.concat_arrays(rows) if rows else pa.array([], pa.int64())
        return self.usage.take(places.take(pc.sort_indices(places)))

    @cached_property
    def _rows(self) -> Mapping[str, Places]:
        """Subscription -> the rows of its events, in their order."""
        numbers = pa.array(range(self.usage.num_rows), pa.int64())
        rows = self.usage.select([SUBSCRIPTION]).append_column("row", numbers)
        grouped = rows.group_by(SUBSCRIPTION, use_threads=False).aggregate([("row", "list")])
        names = grouped.column(SUBSCRIPTION).to_pylist()
        return {str(name): listed.values for name, listed in zip(names, grouped.column("row_list"), strict=True)}
