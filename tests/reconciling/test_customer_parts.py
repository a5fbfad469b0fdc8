"""A snapshot and its usage, customer by customer: the same as by walking through all of it, and that only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from mappings.records import Snapshot
from reconcile.rerate.customer_parts import CustomerParts, UsageParts
from reconcile.rerate.hypothesis import worlds_of

PARTS = ("customers", "subscriptions", "applied_coupons", "invoices", "fees")


class Walked(tuple[Any, ...]):
    walks = 0

    def __iter__(self) -> Iterator[Any]:
        Walked.walks += 1
        return super().__iter__()


def walked(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, **{name: Walked(getattr(snapshot, name)) for name in PARTS})


def test_parts_are_what_a_customer_has(snapshot: Snapshot) -> None:
    """A fee of an older Lago names its customer by the external id alone."""
    older = replace(
        snapshot, fees=tuple(replace(f, lago_customer_id=None) if n % 2 else f for n, f in enumerate(snapshot.fees))
    )
    parts, seen = CustomerParts(older), 0
    for customer in older.customers:
        part = parts.of(customer.lago_id)
        assert part.customers == (customer,)
        assert part.subscriptions == tuple(s for s in older.subscriptions if s.lago_customer_id == customer.lago_id)
        assert part.invoices == tuple(
            i for i in older.invoices if i.customer and i.customer.lago_id == customer.lago_id
        )
        assert part.applied_coupons == tuple(a for a in older.applied_coupons if a.lago_customer_id == customer.lago_id)
        named = {s.external_customer_id for s in part.subscriptions}
        assert part.fees == tuple(
            f
            for f in older.fees
            if (f.lago_customer_id == customer.lago_id if f.lago_customer_id else f.external_customer_id in named)
        )
        assert part.plans == older.plans
        seen += len(part.fees)
    assert seen > 1000


def test_all_customers_are_one_walk(snapshot: Snapshot) -> None:
    counted = walked(snapshot)
    parts = CustomerParts(counted)
    Walked.walks = 0
    for customer in snapshot.customers:
        parts.of(customer.lago_id)
    assert Walked.walks == len(PARTS)


def test_a_customer_of_whom_nothing_is_known_has_the_catalog(snapshot: Snapshot) -> None:
    part = CustomerParts(snapshot).of("nobody")
    assert [getattr(part, name) for name in PARTS] == [()] * len(PARTS)
    assert part.plans == snapshot.plans


def usage(*names: str) -> pa.Table:
    chunks = pa.chunked_array([[name] for name in names], pa.string())
    return pa.table({"external_subscription_id": chunks, "position": pa.array(range(len(names)), pa.int64())})


def test_usage_keeps_its_order() -> None:
    parts = UsageParts(usage("b", "a", "b", "c", "a"))
    assert parts.of(["a", "b", "a"]).column("position").to_pylist() == [0, 1, 2, 4]
    assert parts.of(["c"]).column("position").to_pylist() == [3]
    for none in (parts.of([]), parts.of(["nobody"]), UsageParts(usage()).of(["a"])):
        assert (none.num_rows, none.schema) == (0, parts.usage.schema)


def test_worlds_have_the_usage_of_their_customers(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    customers = [customer.lago_id for customer in snapshot.customers[:5]]
    worlds = worlds_of(snapshot, events, customers)
    for customer in customers:
        world = worlds.of(customer)
        names = {subscription.external_id for subscription in world.snapshot.subscriptions}
        assert set(world.events.column("external_subscription_id").to_pylist()) <= names
        positions = world.events.column("position").to_pylist()
        assert positions == sorted(positions)
