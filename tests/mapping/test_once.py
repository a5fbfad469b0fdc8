"""Each external id becomes one record of Odoo, of records and of lines: the second one costs its record, by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mappings import desired as whole
from mappings.context import Context
from mappings.target import Desired, Mapped, Phase, Skipped, Source
from tests.mapping.build import charge, mapped, of, plan, skips, snapshot, subscription


def record(xid: str, *lines: str) -> Desired:
    def made(name: str, model: str, children: dict[str, tuple[Desired, ...]]) -> Desired:
        source = Source("subscription", xid, xid)
        return Desired(
            phase=Phase.SUBSCRIPTIONS, model=model, xid=name, values={}, source=source, customer="C", children=children
        )

    return made(xid, "sale.order", {"order_line": tuple(made(line, "sale.order.line", {}) for line in lines)})


@pytest.mark.parametrize(
    ("records", "named"),
    [
        ([record("lago.a", "lago.a1"), record("lago.b", "lago.b1")], []),
        ([record("lago.a", "lago.a1"), record("lago.a", "lago.a2")], [("lago.a", "lago.a")]),
        ([record("lago.a", "lago.a1", "lago.a1"), record("lago.b", "lago.b1")], [("lago.a", "lago.a1")]),
        ([record("lago.a", "lago.a1"), record("lago.b", "lago.b1", "lago.a1")], [("lago.b", "lago.a1")]),
        ([record("lago.a", "lago.a")], [("lago.a", "lago.a")]),
        # what is left out takes no name from others
        ([record("lago.a", "lago.a1", "lago.a1"), record("lago.b", "lago.a1")], [("lago.a", "lago.a1")]),
    ],
)
def test_a_name_that_comes_twice_costs_the_record_it_comes_with(
    monkeypatch: pytest.MonkeyPatch, records: list[Desired], named: list[tuple[str, str]]
) -> None:
    def mapper(context: Context) -> Iterator[Mapped]:
        yield from records

    monkeypatch.setattr(whole, "MAPPERS", ((Phase.SUBSCRIPTIONS, mapper),))
    items = mapped()
    left_out = [item for item in items if isinstance(item, Skipped)]
    assert [(item.source.lago_id, item.reason, item.customer) for item in left_out] == [
        (lago_id, "id_not_unique", "C") for lago_id, _ in named
    ]
    assert all(f"would be {twice} in Odoo" in item.detail for item, (_, twice) in zip(left_out, named, strict=True))
    assert len(of(items, "sale.order")) == len(records) - len(named)


def test_two_charges_of_one_id_cost_the_orders_that_hold_them() -> None:
    twice = plan("p2", code="dubbel", charges=(charge("ch7"), charge("ch7", properties={"amount": "9"})))
    orders = (subscription(), subscription("s2", external_id="abo-2", plan_code="dubbel", plan=twice))
    items = mapped(snapshot(plans=(plan(), twice), subscriptions=orders))
    assert ("subscription abo-2 (s2)", "id_not_unique") in skips(items)
    assert [order.values["client_order_ref"] for order in of(items, "sale.order")] == ["abo-1"]
