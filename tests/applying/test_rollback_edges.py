"""Rollback where it is easily wrong unseen: halves, groups, lines of records of before, what Odoo deleted already."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Phase
from migrate.odoo.errors import OdooRefused
from migrate.odoo.preflight import prepare
from migrate.odoo.remove import drop_lines, remove
from migrate.odoo.resolve import OdooReader
from migrate.rollback import foresee, rollback
from migrate.rolled_back import RolledBack
from migrate.state.ledger import Ledger
from tests.applying.test_adopt import make_older


def undo(world: Any, **more: Any) -> RolledBack:
    return rollback(world.door, world.ledger, **more)


@pytest.fixture
def theirs(world: Any, tmp_path: Path) -> Any:
    """Somebody's order with a line, to which our external ids were given; nothing of it is in the ledger."""
    assert world.apply([world.product(), world.partner(1), world.order(1, "1")]).ok
    world.ledger.forget(["lago.subscription_1"])
    make_older(tmp_path, "subscription_1", "line_1_0")
    return world


def quantities(world: Any) -> list[float]:
    lines = world.odoo.call("sale.order", "read", [world.id("subscription_1")], fields=["order_line"])[0]["order_line"]
    return [
        row["product_uom_qty"] for row in world.odoo.call("sale.order.line", "read", lines, fields=["product_uom_qty"])
    ]


def test_lines_of_an_order_of_before_get_their_values_back_and_ours_go(theirs: Any) -> None:
    assert theirs.apply([theirs.product(), theirs.partner(1), theirs.order(1, "3", "5")]).ok
    assert quantities(theirs) == [3.0, 5.0]
    (planned,) = foresee(theirs.door, theirs.ledger, phases=[Phase.SUBSCRIPTIONS]).restore
    assert planned.fields == ("lago.line_1_0: product_uom_qty", "lago.line_1_1: created")
    undone = undo(theirs, phases=[Phase.SUBSCRIPTIONS])
    assert (undone.restored, undone.deleted, undone.refused) == (1, 0, ())
    assert quantities(theirs) == [1.0]


def test_a_restoring_that_is_killed_half_way_is_taken_up(theirs: Any) -> None:
    """What it wrote until then is half our work, and nobody else's change."""
    wish = theirs.order(1, "3", client_order_ref="ours")
    assert theirs.apply([theirs.product(), theirs.partner(1), wish]).ok
    number = theirs.id("subscription_1")

    def killed(model: str, method: str, _number: int) -> None:
        if (model, method) == ("sale.order", "write"):
            theirs.odoo.inner.call("sale.order", "write", [number], vals={"client_order_ref": "half way"})
            raise KeyboardInterrupt

    theirs.odoo.after = killed
    with pytest.raises(KeyboardInterrupt):
        undo(theirs, phases=[Phase.SUBSCRIPTIONS])
    theirs.odoo.after = lambda *_: None
    undone = undo(theirs, phases=[Phase.SUBSCRIPTIONS])
    assert (undone.changed_since, undone.restored, quantities(theirs)) == ((), 1, [1.0])
    assert theirs.odoo.call("sale.order", "read", [number], fields=["client_order_ref"])[0]["client_order_ref"] is False


def test_what_odoo_moves_along_when_values_come_back_is_put_back_too(theirs: Any) -> None:
    number = [theirs.id("subscription_1")]
    theirs.odoo.call("sale.order", "write", number, vals={"next_invoice_date": "2026-03-01"})
    wish = theirs.order(1, "1", client_order_ref="ours")
    assert theirs.apply([theirs.product(), theirs.partner(1), wish]).ok

    def moves(model: str, method: str, times: int) -> None:
        if (model, method, times) == ("sale.order", "write", 1):
            theirs.odoo.inner.call(model, method, number, vals={"next_invoice_date": "2031-12-31"})

    theirs.odoo.calls.clear()
    theirs.odoo.after = moves
    assert undo(theirs, phases=[Phase.SUBSCRIPTIONS]).restored == 1
    row = theirs.odoo.inner.call("sale.order", "read", number, fields=["next_invoice_date", "client_order_ref"])[0]
    assert (row["next_invoice_date"], row["client_order_ref"]) == ("2026-03-01", False)


def test_a_deletion_of_many_that_is_refused_is_halved_until_all_are_gone(world: Any) -> None:
    world.apply([world.partner(n) for n in range(5)])

    def refused(model: str, method: str, number: int) -> None:
        if (model, method) == ("res.partner", "unlink") and number in (1, 2):
            raise OdooRefused("one of them is in use")

    world.odoo.before = refused
    assert undo(world) == RolledBack(deleted=5)
    assert (world.ours("res.partner"), list(world.ledger.entries())) == (0, [])


def test_records_of_several_models_in_one_phase_all_go(world: Any) -> None:
    of_catalog = [replace(world.partner(n), phase=Phase.CATALOG) for n in range(2)]
    assert world.apply([of_catalog[0], world.product(), of_catalog[1]]).ok
    assert undo(world) == RolledBack(deleted=3)
    assert world.count("ir.model.data", ["module", "=", "lago"]) == 0
    assert world.count("res.partner", ["ref", "in", ["NX-0", "NX-1"]]) == 0


def test_a_record_that_is_gone_while_its_external_id_stands_is_forgotten(world: Any, tmp_path: Path) -> None:
    world.apply([world.partner(1), world.partner(2)])
    number = world.id("customer_1")
    with closing(sqlite3.connect(tmp_path / "odoo.db", timeout=10)) as db, db:
        db.execute("delete from res_partner where id = ?", (number,))
    reader = OdooReader(world.door)
    assert remove(reader, "res.partner", {"lago.customer_1": number}).gone == ["lago.customer_1"]
    undone = undo(world)
    assert (undone.ok, undone.deleted) == (True, 1)
    assert list(world.ledger.entries()) == []


def test_lines_that_outlive_their_record_are_deleted_with_their_external_ids(world: Any) -> None:
    world.apply([world.partner(1), world.partner(2)])
    drop_lines(OdooReader(world.door), dict.fromkeys(["lago.customer_1", "lago.nobody"], ("res.partner", 0)))
    assert world.count("res.partner", ["ref", "=", "NX-1"]) == 0
    assert world.ours("res.partner") == 1


def test_an_invoice_that_somebody_posted_is_a_draft_again_before_it_goes(world: Any) -> None:
    assert world.apply([*prepare(), world.partner(1)]).ok
    common = {
        "move_type": "out_invoice",
        "partner_id": world.id("customer_1"),
        "journal_id": world.id("journal_shadow"),
    }
    (move,) = world.odoo.call("account.move", "create", vals_list=[{**common, "invoice_date": "2026-07-01"}])
    world.odoo.call("account.move", "button_cancel", [move])
    world.odoo.calls.clear()
    outcome = remove(OdooReader(world.door), "account.move", {"lago.invoice_1": move})
    assert outcome.deleted == ["lago.invoice_1"]
    assert ("account.move", "button_draft") in world.odoo.calls


def test_the_error_names_three_of_each_kind_and_counts_them_all() -> None:
    some = tuple(f"{n}" for n in "abcde")
    undone = RolledBack(
        changed_since=some, refused=tuple(f"refused {n}" for n in some), unknown=tuple(f"stray {n}" for n in some)
    )
    said = str(undone.error)
    assert said.startswith("15 records were not undone: a: changed in Odoo since; b: changed in Odoo since; c: changed")
    assert [said.count(word) for word in ("changed in", "refused", "stray")] == [3, 3, 3]


def test_before_a_run_begins_none_has_a_number(ledger: Ledger) -> None:
    assert ledger.run == 0


def test_an_order_whose_external_id_is_gone_costs_itself_alone(world: Any) -> None:
    """Odoo lets no line of a confirmed order go: that is told of this order, and all the others are undone."""
    orders = [replace(world.order(n, "1"), after=("action_confirm",)) for n in range(5)]
    assert world.apply([world.product(), *(world.partner(n) for n in range(5)), *orders]).ok
    stands = world.id("subscription_2")
    domain = [["module", "=", "lago"], ["name", "=", "subscription_2"]]
    row = world.odoo.call("ir.model.data", "search_read", domain=domain, fields=["id"])[0]
    world.odoo.call("ir.model.data", "unlink", [row["id"]])
    undone = undo(world)
    (told,) = undone.refused
    assert told.startswith(
        f"subscription 2: sale.order {stands} stands in Odoo, and its external id lago.subscription_2 is gone"
    )
    assert (world.ours("sale.order"), world.count("sale.order", ["id", "=", stands])) == (0, 1)
    left = ["lago.product_1", "lago.customer_2", "lago.subscription_2"]
    assert [e.xid for e in world.ledger.entries() if not e.parent] == left, "what it needs stays"
    world.odoo.call("sale.order", "action_cancel", [stands])
    world.odoo.call("sale.order", "unlink", [stands])
    assert undo(world).ok
    assert list(world.ledger.entries()) == []
    assert world.ours("sale.order.line") == 0


@dataclass
class EmptyOnce:
    """Odoo, of which something answers one question after what there is with nothing, once."""

    inner: Any
    at: int = 0
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        self.asked += method in ("read", "search", "search_read")
        if method in ("read", "search", "search_read") and self.asked == self.at:
            return []
        return self.inner.call(model, method, ids, **arguments)


def test_what_one_empty_answer_says_is_gone_is_neither_counted_nor_forgotten(world: Any) -> None:
    """It was counted as deleted, and forgotten: nobody would ever have taken it out of Odoo."""
    wanted, odoo = world.all(1), world.odoo
    wrong, at = {}, 0
    while True:
        assert replace(world, odoo=odoo).apply(wanted).ok
        at += 1
        once = EmptyOnce(odoo, at)
        undone = undo(replace(world, odoo=once))
        counted = (undone.deleted, undone.ok, world.count("ir.model.data", ["module", "=", "lago"]))
        if counted != (3, True, 0) or list(world.ledger.entries()):
            wrong[at] = counted
            assert undo(world).ok
        if once.asked < at:
            break
    assert at > 15
    assert wrong == {}
