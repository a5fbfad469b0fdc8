"""A rollback by halves: what a record that stays needs stays with it, and is named."""

from __future__ import annotations

from typing import Any

from mappings.target import Desired, Phase, Ref, Source
from migrate.rollback import foresee, rollback
from migrate.state.entries import Entry
from migrate.staying import staying_with


def metered(number: int) -> list[Desired]:
    """A metric, and the charge of it on one order."""
    metric = Desired(
        phase=Phase.CATALOG,
        model="fusion.billing.metric",
        xid=f"lago.metric_{number}",
        source=Source("metric", str(number)),
        values={"name": "Calls", "code": f"calls-{number}", "aggregation": "count_agg"},
    )
    charge = Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="fusion.billing.charge",
        xid=f"lago.charge_{number}",
        source=Source("charge", str(number)),
        customer=f"NX-{number}",
        values={
            "name": "Calls",
            "charge_model": "standard",
            "properties": '{"amount": "1"}',
            "metric_id": Ref(metric.xid),
            "order_id": Ref(f"lago.subscription_{number}"),
        },
    )
    return [metric, charge]


def test_what_a_record_that_stays_needs_stays_with_it_and_is_named(world: Any) -> None:
    """An order without its charges would bill less than it did; nor may its customer or product be archived."""
    charges = [*metered(0), *metered(1)]
    world.apply([*world.all(2), *charges])
    order = world.id("subscription_1")
    world.odoo.call("sale.order", "write", [order], vals={"client_order_ref": "typed", "name": "typed"})
    foreseen, undone = foresee(world.door, world.ledger), rollback(world.door, world.ledger)
    assert undone.changed_since == foreseen.changed_since == ("subscription 1 (sale.order: name)",)
    with_it = {f"{what}: stays with subscription 1" for what in ("charge 1", "metric 1", "customer NX-1", "plan basic")}
    assert set(undone.kept) == set(foreseen.kept) == with_it
    assert (undone.deleted, undone.archived, undone.refused, undone.ok) == (4, (), (), False)
    assert "5 records were not undone: subscription 1 (sale.order: name): changed in Odoo since" in str(undone.error)
    assert world.count("fusion.billing.charge", ["order_id", "=", order]) == 1
    assert world.count("product.product", ["id", "=", world.id("product_1")]) == 1, "still active"
    world.odoo.call("sale.order", "write", [order], vals={"name": "LAGO/1"})
    assert (rollback(world.door, world.ledger).ok, list(world.ledger.entries())) == (True, [])


def entry(xid: str, model: str, **sent: Any) -> Entry:
    given = {"seq": 1, "parent": "", "res_id": 1, "phase": "usage", "customer": None, "source": xid, "state": "applied"}
    return Entry(xid=xid, model=model, created=xid != "theirs", sent=sent, **given)


def test_usage_and_a_plans_charges_are_parts_and_what_stood_before_us_is_given_back() -> None:
    order = entry("order", "sale.order", fusion_external_id="s1", tags=("tag", "none of ours"), country_id="theirs")
    plan = entry("plan", "product.template")
    others = [
        entry("charge", "fusion.billing.charge", plan_id="plan", metric_id="metric"),
        entry("other", "fusion.billing.charge", plan_id="another", metric_id="metric"),
        *(entry(name, "res.partner") for name in ("metric", "tag", "theirs", "apart")),
        entry("event", "fusion.billing.usage", external_subscription_id="s1"),
        entry("stranger", "fusion.billing.usage", external_subscription_id="s2"),
    ]
    lines = {"order": [entry("line", "sale.order.line", product_id="plan")]}
    found = staying_with([order, plan, *others], lines, ["order"])
    assert found == dict.fromkeys(("plan", "charge", "metric", "tag", "event"), "order")
    assert staying_with([order, plan, *others], lines, []) == {}
