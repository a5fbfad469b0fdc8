"""What the migration left out, by Lago id: read off the sources of what was mapped, and never off their words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from mappings.left_out import left_out
from mappings.target import Desired, Mapped, Phase, Skipped, Source
from tests.mapping.build import BTW, charge, customer, fixed, mapped, plan, snapshot


def skipped(resource: str, lago_id: str, reason: str) -> Skipped:
    source = Source(resource, "as somebody calls it", lago_id)
    return Skipped(phase=Phase.CATALOG, source=source, reason=reason, detail="")


def test_a_subscription_whose_order_is_refused_is_named_with_the_reason() -> None:
    snap = snapshot(customers=(customer(taxes=(replace(BTW, rate=Decimal("19.5")),)),))
    assert left_out(snap, mapped(snap)) == {"s1": "tax_rate_differs"}


def test_what_is_mapped_whole_leaves_nothing_out() -> None:
    assert left_out(snapshot(), mapped(snapshot())) == {}


def test_charges_are_told_apart_by_their_whole_id_whatever_they_are_called() -> None:
    first, second = "12345678-aaaa", "12345678-bbbb"
    snap = snapshot(plans=(plan(charges=(charge(first), charge(second)), fixed_charges=(fixed("f1"), fixed("f2"))),))
    items: list[Mapped] = [
        skipped("charge", first, "a"),
        skipped("order_fixed_charge", "f1", "b"),
        skipped("customer", "f2", "the id of another resource"),
        skipped("charge", "not of this snapshot", "c"),
    ]
    assert left_out(snap, items) == {first: "a", "f1": "b"}


def test_a_part_that_is_missing_of_what_is_there_is_not_left_out() -> None:
    part = skipped("charge", "ch1", "a")
    whole = Desired(phase=Phase.CATALOG, model="fusion.billing.charge", xid="lago.x", values={}, source=part.source)
    assert left_out(snapshot(), [part, whole]) == {}
    assert left_out(snapshot(), [part]) == {"ch1": "a"}


def test_a_source_reads_as_people_are_told() -> None:
    assert str(Source("customer", "NX-1", "uuid")) == "customer NX-1"
    saved = Source("", "customer NX-1")
    assert (str(saved), saved == Source("customer", "NX-1", "uuid")) == ("customer NX-1", True)
    assert len({saved, Source("customer", "NX-1", "uuid"), Source("customer", "NX-2", "uuid")}) == 2
