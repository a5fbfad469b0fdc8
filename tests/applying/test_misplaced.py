"""A row of Odoo's ``ir.model.data`` under an id of ours that is wrong costs the record that it belongs to, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired
from migrate.adopt import adopt, strangers
from migrate.preview import preview, since_apply
from migrate.rollback import foresee, rollback
from migrate.state.ledger import Ledger
from migrate.state.store import Store

PLACES = {  # what the row says instead
    "another model's": {"model": "res.country", "res_id": 3},
    "a model's that Odoo lacks": {"model": "x.gone"},
    "one that is gone": {"res_id": 999_999},
    "none": {"res_id": False},
}
NAMES = ("customer_1", "subscription_1", "line_1_0")
COUNTED = ("res.partner", "res.country", "sale.order", "sale.order.line")


def row_of(world: Any, name: str) -> dict[str, Any]:
    domain = [["module", "=", "lago"], ["name", "=", name]]
    (row,) = world.odoo.call("ir.model.data", "search_read", domain=domain, fields=["model", "res_id"])
    return dict(row)


def place(world: Any, name: str, **values: object) -> None:
    world.odoo.call("ir.model.data", "write", [row_of(world, name)["id"]], vals=values)


def alias(world: Any, name: str, new: str) -> None:
    row = row_of(world, name)
    values = {"module": "lago", "name": new, "model": row["model"], "res_id": row["res_id"]}
    world.odoo.call("ir.model.data", "create", vals_list=[values])


def renamed(world: Any) -> list[Desired]:
    return [replace(d, values={**d.values, "name": f"{d.values['name']}b"}) for d in world.all(3)]


def counts(world: Any) -> Mapping[str, int]:
    return {model: world.count(model) for model in COUNTED}


def costs_itself(world: Any, name: str) -> None:
    """In every command, in turn: nothing of anybody else's waits, and nothing comes or goes but by ``rollback``."""
    owner = "subscription_1" if name == "line_1_0" else name
    waits = ["lago.subscription_1"] if owner == "customer_1" else []
    before = counts(world)
    changes = preview(world.door, world.ledger, renamed(world)).changes
    assert {c.xid for c in changes if c.action.value != "update"} == {f"lago.{owner}"}
    (kept,) = (c for c in changes if c.action.value == "withheld")
    assert f"external id lago.{name} " in kept.note
    drift = since_apply(world.door, world.ledger).drift
    assert [(d.xid, d.diffs[0].field) for d in drift] == [(f"lago.{owner}", "id")]
    source = "customer NX-1" if owner == "customer_1" else "subscription 1"
    assert [text for text in foresee(world.door, world.ledger).unknown if text.startswith(f"{source}: ")]
    applied = world.apply(renamed(world))
    assert [f.change.xid for f in applied.failures] == [f"lago.{owner}", *waits]
    assert f"external id lago.{name} " in str(applied.error)
    assert sum(row.get("update", 0) for row in applied.written.values()) == 7 - 1 - len(waits)
    assert counts(world) == before
    undone = rollback(world.door, world.ledger)
    assert [text.partition(":")[0] for text in undone.refused] == [source]
    assert undone.changed_since == ()
    after = counts(world)
    assert after["res.country"] == before["res.country"]
    assert before["sale.order"] - after["sale.order"] == (3 if owner == "customer_1" else 2)
    assert before["res.partner"] - after["res.partner"] == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("what", PLACES)
def test_an_external_id_that_names_what_we_did_not_write_costs_its_record(world: Any, what: str, name: str) -> None:
    assert world.apply(world.all(3)).ok
    place(world, name, **PLACES[what])
    costs_itself(world, name)


@pytest.mark.parametrize("name", NAMES)
def test_one_that_names_anothers_record_costs_the_other_nothing(world: Any, name: str) -> None:
    """An order took its neighbour's lines away, and a line ended ``apply`` in a damaged state."""
    assert world.apply(world.all(3)).ok
    place(world, name, res_id=world.id(name.replace("_1", "_2", 1)))
    costs_itself(world, name)


@pytest.mark.parametrize("name", NAMES)
def test_one_whose_row_is_deleted_costs_its_record(world: Any, name: str) -> None:
    """It was written a second time, beside the first."""
    assert world.apply(world.all(3)).ok
    world.odoo.call("ir.model.data", "unlink", [row_of(world, name)["id"]])
    costs_itself(world, name)


@pytest.mark.parametrize("what", ["one that is gone", "none"])
def test_what_is_gone_with_what_we_wrote_is_created_again(world: Any, what: str) -> None:
    assert world.apply(world.all(3)).ok
    number = world.id("subscription_1")
    place(world, "subscription_1", **PLACES[what])
    world.odoo.call("sale.order", "unlink", [number])
    applied = world.apply(world.all(3))
    assert (applied.ok, applied.written) == (True, {"subscriptions": {"create": 1}})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("new", ["aaa", "zzz"])
def test_a_second_external_id_of_a_record_changes_nothing(world: Any, name: str, new: str) -> None:
    """By the one that sorts first a record was taken for another."""
    assert world.apply(world.all(3)).ok
    alias(world, name, new)
    assert {c.action.value for c in preview(world.door, world.ledger, world.all(3)).changes} == {"unchanged"}
    assert since_apply(world.door, world.ledger).drift == ()
    assert world.apply(renamed(world)).ok
    assert rollback(world.door, world.ledger).deleted == 7


def test_a_line_whose_id_names_somebody_elses_is_no_line_of_ours(world: Any) -> None:
    """The order is gone, and so are its lines: what an id of theirs names now was deleted for one of them."""
    assert world.apply(world.all(3)).ok
    values = {
        "partner_id": world.id("customer_2"),
        "order_line": [[0, 0, {"name": "theirs", "product_id": world.id("product_1")}]],
    }
    (theirs,) = world.odoo.call("sale.order", "create", vals_list=[values])
    (order,) = world.odoo.call("sale.order", "read", [theirs], fields=["order_line"])
    world.odoo.call("sale.order", "unlink", [world.id("subscription_1")])
    place(world, "line_1_0", res_id=order["order_line"][0])
    rollback(world.door, world.ledger)
    assert world.count("sale.order.line", ["id", "in", order["order_line"]]) == 1


def test_a_record_whose_id_names_somebody_elses_is_not_deleted_for_it(world: Any) -> None:
    """It is like what we wrote in all that we compare."""
    assert world.apply([world.product(), world.partner(1)]).ok
    ours = world.id("customer_1")
    (like,) = world.odoo.call("res.partner", "read", [ours], fields=["name", "ref", "city", "country_id", "state_id"])
    values = {n: v[0] if isinstance(v, list) else v for n, v in like.items() if n != "id"}
    (theirs,) = world.odoo.call("res.partner", "create", vals_list=[{**values, "is_company": True}])
    world.odoo.call("res.partner", "unlink", [ours])
    alias_row = {"module": "lago", "name": "customer_1", "model": "res.partner", "res_id": theirs}
    world.odoo.call("ir.model.data", "create", vals_list=[alias_row])
    assert rollback(world.door, world.ledger).changed_since == ("customer NX-1 (res.partner: id)",)
    assert world.count("res.partner", ["id", "=", theirs]) == 1


@pytest.mark.parametrize("what", ["another model's", "a model's that Odoo lacks"])
def test_a_lost_state_takes_up_what_is_named_rightly(world: Any, tmp_path: Path, what: str) -> None:
    assert world.apply(world.all(3)).ok
    place(world, "customer_1", **PLACES[what])
    with Store.open(tmp_path / "lost.db") as store:
        ledger = Ledger(store)
        adoption = adopt(world.door, ledger, world.all(3))
        assert sum(adoption.made.values()) == 6
        assert adoption.older == ()
        (said,) = adoption.withheld
        assert "lago.customer_1" in said
        assert [record.xid for record in strangers(world.door, ledger)] == ["lago.customer_1"]


def test_a_lost_state_takes_a_record_up_once(world: Any, tmp_path: Path) -> None:
    """Under the id by which it is wanted; of two that are, nobody knows whose it is."""
    assert world.apply(world.all(3)).ok
    alias(world, "customer_1", "aaa")
    place(world, "subscription_1", res_id=world.id("subscription_2"))
    with Store.open(tmp_path / "lost.db") as store:
        ledger = Ledger(store)
        adoption = adopt(world.door, ledger, world.all(3))
        names = {entry.xid for entry in ledger.entries()}
        assert {"lago.customer_1"} <= names
        assert not {"lago.aaa", "lago.subscription_1", "lago.subscription_2"} & names
        told = " ".join(adoption.withheld)
        assert all(f"lago.{name}: " in told for name in ("aaa", "subscription_1", "subscription_2"))
