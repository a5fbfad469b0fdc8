"""Where a price or dates stand in Odoo is told by external id, with what the mapping wants there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from mappings.records import Charge
from mappings.target import Desired, Ref
from migrate.shipped_tables import shipped
from reconcile.billed import LineKey
from reconcile.causes.own_fields import NOTHING, Values, dates_of_order, price_of_order, prices_of_charge
from reconcile.rerate.history import History
from tests.reconciling import planted
from tests.reconciling.planted import Base


@pytest.fixture(scope="module")
def wanted(base: Base, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Desired]:
    with planted.copied(base, tmp_path_factory.mktemp("wanted")) as company:
        mapped = planted.mapping(base, company.odoo, base.snapshot, shipped())
    return {item.xid: item for item in mapped if isinstance(item, Desired)}


def record(values: Values, wanted: dict[str, Desired]) -> tuple[str, Any, str]:
    """The field, the record that the mapping wants under the name that is told, and the value that is told."""
    model, _, xid = str(values["where"]).partition(" ")
    assert wanted[xid].model == model
    return str(values["what"]), wanted[xid].values, str(values["lago"])


def as_told(value: object) -> str:
    if isinstance(value, Ref):
        return str(value.xid)
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value or NOTHING)


def test_an_orders_price_and_dates_are_those_that_the_mapping_wants(base: Base, wanted: dict[str, Desired]) -> None:
    history, replaced = History(base.snapshot), set()
    orders = [s for s in base.snapshot.subscriptions if f"lago.subscription_{s.lago_id}" in wanted]
    assert len(orders) > 10
    for subscription in orders:
        plan = subscription.plan or next(p for p in base.snapshot.plans if p.code == subscription.plan_code)
        name, values, told = record(price_of_order(subscription, plan), wanted)
        assert float(str(values[name])) == float(told)
        names, values, told = record(dates_of_order(history, subscription), wanted)
        assert [as_told(values.get(name)) for name in names.split(", ")] == told.split(", ")
        replaced.add(told.rpartition(", ")[2])
    assert len(replaced) > 1, "one of them replaced another"


def priced(base: Base) -> Iterator[tuple[Values, tuple[tuple[str, ...], ...]]]:
    """Where each price stands, and the values of the filter that it is of."""
    overridden = {s.plan.lago_id: s for s in base.snapshot.subscriptions if s.plan and s.plan.parent_id}
    plans = [*base.snapshot.plans, *(s.plan for s in overridden.values() if s.plan)]
    for plan in plans:
        owner = overridden[plan.lago_id].lago_id if plan.lago_id in overridden else "s"
        for charge in (*plan.charges, *plan.fixed_charges):
            yield prices_of_charge(charge, plan, LineKey(owner, "charge", charge.lago_id)), ()
            for part in charge.filters if isinstance(charge, Charge) else ():
                key = LineKey(owner, "charge", charge.lago_id, part.lago_id)
                yield prices_of_charge(charge, plan, key), tuple(map(tuple, part.values.values()))


def test_a_charges_prices_are_those_that_the_mapping_wants(base: Base, wanted: dict[str, Desired]) -> None:
    fields = set()
    for told, values in priced(base):
        if str(told["where"]).partition(" ")[2] not in wanted:
            continue  # it was left out, and that is told
        field, row, lago = record(told, wanted)
        fields.add(field.partition(": ")[0])
        if values:
            parts = json.loads(row["filters"])
            (held,) = [p["properties"] for p in parts if sorted(map(tuple, p["values"].values())) == sorted(values)]
            assert held == json.loads(lago)
        else:
            assert json.loads(row["properties"]) == json.loads(lago)
    assert fields == {"properties", "filters"}
