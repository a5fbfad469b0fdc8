"""After the state was lost: whose work the records in Odoo are, what rollback can undo of them, and what it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired, Phase, Source
from migrate.adopt import adopt, phase_of, strangers
from migrate.change_set.changes import Action
from migrate.errors import Blocked, OdooError
from migrate.odoo.door import Door
from migrate.odoo.origin import NamedRecord
from migrate.preview import since_apply
from migrate.rollback import foresee, rollback
from migrate.rolled_back import RolledBack
from migrate.state.entries import SENT
from migrate.state.ledger import Ledger
from migrate.state.store import Store


@pytest.fixture
def lost(world: Any, tmp_path: Path) -> Iterator[Any]:
    """Everything is in Odoo, and the state is a new one."""
    assert world.apply(world.all(3)).ok
    with Store.open(tmp_path / "another.db") as store:
        world.ledger = Ledger(store)
        yield world


def make_older(tmp_path: Path, *xids: str) -> None:
    """As if these external ids had been given later than their records were made."""
    with closing(sqlite3.connect(tmp_path / "odoo.db", timeout=10)) as db, db:
        for xid in xids:
            db.execute("update ir_model_data set create_date = '2999-01-01 00:00:00' where name = ?", (xid,))


def ours(world: Any) -> int:
    number: int = world.count("ir.model.data", ["module", "=", "lago"])
    return number


def test_what_an_apply_meets_is_adopted_by_name_and_rollback_deletes_it(lost: Any) -> None:
    applied = lost.apply(lost.all(3))
    assert (applied.written, dict(applied.adopted.made), applied.adopted.older) == (
        {},
        {"product.product": 1, "res.partner": 3, "sale.order": 3},
        (),
    )
    assert all(e.created and e.sent for e in lost.ledger.entries()), "and it learned what is wanted"
    assert rollback(lost.door, lost.ledger) == RolledBack(deleted=7)
    assert (ours(lost), list(lost.ledger.entries())) == (0, [])


def test_a_rollback_without_the_state_does_not_say_that_all_is_done(lost: Any) -> None:
    undone = rollback(lost.door, lost.ledger)
    assert (undone.deleted, undone.restored, len(undone.unknown), undone.ok) == (0, 0, 13, False)
    assert "lago2odoo adopt" in undone.unknown[0]
    with pytest.raises(OdooError, match="13 records were not undone"):
        undone.raise_if_failed()
    assert (len(foresee(lost.door, lost.ledger).unknown), ours(lost)) == (13, 13)


def test_a_rollback_of_one_phase_without_the_state_does_not_say_so_either(lost: Any) -> None:
    assert not rollback(lost.door, lost.ledger, phases=[Phase.SUBSCRIPTIONS]).ok
    lost.apply(lost.all(3))
    assert rollback(lost.door, lost.ledger, phases=[Phase.SUBSCRIPTIONS]) == RolledBack(deleted=3)


def test_everything_is_adopted_by_external_id_alone(lost: Any) -> None:
    adoption = adopt(lost.door, lost.ledger)
    assert dict(adoption.made) == {"product.product": 1, "res.partner": 3, "sale.order": 3}
    entries = {e.xid: e for e in lost.ledger.entries()}
    assert {e.phase for e in entries.values() if e.model == "sale.order"} == {"subscriptions"}
    assert entries["lago.line_0_1"].parent == "lago.subscription_0"
    assert [e.seq for e in entries.values()] == list(range(1, 14))
    assert adopt(lost.door, lost.ledger).known == 7, "once"
    assert rollback(lost.door, lost.ledger) == RolledBack(deleted=7)
    assert ours(lost) == 0


def test_with_what_the_mappers_want_a_cohort_is_known_again(lost: Any) -> None:
    adopt(lost.door, lost.ledger, lost.all(3))
    found = {e.xid: (e.customer, e.source) for e in lost.ledger.entries()}
    assert found["lago.customer_1"] == ("NX-1", "customer NX-1")
    assert found["lago.line_1_0"] == ("NX-1", "subscription 1")
    assert lost.apply(lost.all(3)).written == {}
    assert rollback(lost.door, lost.ledger).deleted == 7


def test_what_is_older_than_its_external_id_is_never_deleted_and_is_named(lost: Any, tmp_path: Path) -> None:
    make_older(tmp_path, "customer_1")
    adoption = adopt(lost.door, lost.ledger, lost.all(3))
    assert adoption.older == ("customer NX-1 (res.partner lago.customer_1)",)
    planned = foresee(lost.door, lost.ledger)
    undone = rollback(lost.door, lost.ledger)
    assert (len(planned.delete), len(planned.unknown)) == (6, 1)
    assert (undone.deleted, undone.restored, undone.ok) == (6, 0, False)
    assert [text.partition(":")[0] for text in undone.unknown] == ["customer NX-1 (res.partner lago.customer_1)"]
    assert lost.count("res.partner", ["ref", "=", "NX-1"]) == 1


def test_what_a_rollback_left_of_before_is_named_by_the_next_one_word_for_word(lost: Any, tmp_path: Path) -> None:
    """To adopt it again would lead in a circle: nothing more is known of it than before."""
    make_older(tmp_path, "customer_1", "subscription_1", "line_1_0", "line_1_1")
    adopt(lost.door, lost.ledger, lost.all(3))
    wish = [lost.order(n, "5" if n == 1 else "1", "1") for n in range(3)]
    assert lost.apply([lost.product(), *(lost.partner(n) for n in range(3)), *wish]).ok
    first = rollback(lost.door, lost.ledger)
    assert (first.restored, len(first.unknown)) == (1, 2)
    assert all("delete its external id in Odoo" in text for text in first.unknown)
    for _ in range(2):
        assert foresee(lost.door, lost.ledger).unknown[::-1] == first.unknown[::-1]
        again = rollback(lost.door, lost.ledger)
        assert again == RolledBack(unknown=first.unknown, refused=first.refused)
    assert rollback(lost.door, lost.ledger, phases=[Phase.CUSTOMERS]).unknown == first.unknown[1:]
    assert lost.apply(lost.all(3)).ok, "and it may be applied again"
    assert rollback(lost.door, lost.ledger).unknown == first.unknown
    domain = [["module", "=", "lago"], ["name", "in", ["customer_1", "subscription_1", "line_1_0", "line_1_1"]]]
    lost.odoo.call("ir.model.data", "unlink", lost.odoo.call("ir.model.data", "search", domain=domain))
    assert rollback(lost.door, lost.ledger).unknown == ()
    assert list(lost.ledger.entries()) == []


def test_an_id_that_was_bound_to_somebody_elses_record_says_so_itself(lost: Any) -> None:
    domain = [["module", "=", "lago"], ["name", "=", "customer_2"]]
    number = lost.odoo.call("ir.model.data", "search", domain=domain)
    lost.odoo.call("ir.model.data", "write", number, vals={"noupdate": True})
    assert len(adopt(lost.door, lost.ledger).older) == 1


def test_what_we_change_of_an_adopted_record_after_that_comes_back(lost: Any, tmp_path: Path) -> None:
    make_older(tmp_path, "customer_1")
    wish = [lost.product(), *(lost.partner(n, city="Ottawa" if n == 1 else "Toronto") for n in range(3))]
    applied = lost.apply(wish, phases=[Phase.CATALOG, Phase.CUSTOMERS])
    assert (len(applied.adopted.older), applied.written) == (1, {"customers": {"update": 1}})
    undone = rollback(lost.door, lost.ledger, phases=[Phase.CUSTOMERS])
    assert (undone.restored, len(undone.unknown)) == (1, 1)
    assert lost.count("res.partner", ["ref", "=", "NX-1"], ["city", "=", "Toronto"]) == 1


def test_an_id_whose_record_is_gone_is_counted_and_not_adopted(lost: Any, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "odoo.db", timeout=10)) as db, db:
        db.execute("update ir_model_data set res_id = 999999 where name = 'line_0_0'")
    adoption = adopt(lost.door, lost.ledger)
    assert adoption.gone == ("lago.line_0_0",)
    assert "lago.line_0_0" not in {e.xid for e in lost.ledger.entries()}
    assert strangers(lost.door, lost.ledger) == ()


def test_a_state_that_knows_everything_adopts_nothing(world: Any) -> None:
    world.apply(world.all(2))
    before = list(world.ledger.entries())
    assert world.apply(world.all(2)).adopted.total == 0
    assert (adopt(world.door, world.ledger).total, list(world.ledger.entries())) == (0, before)


def currency() -> Desired:
    return Desired(
        phase=Phase.CATALOG,
        model="res.currency",
        xid="base.CAD",
        source=Source("currency", "CAD"),
        values={"active": True},
    )


def test_a_record_of_odoos_own_that_one_answer_hides_is_not_created(world: Any) -> None:
    """One empty answer must not make the company's currency a record of ours, which rollback would take away."""
    inner = world.odoo.inner

    class Blind:
        server_version = "19.0"

        def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
            answer = inner.call(model, method, ids, **arguments)
            hidden = model == "ir.model.data" and "'CAD'" in str(arguments.get("domain"))
            return [] if hidden and method == "search_read" else answer

        def close(self) -> None:
            inner.close()

    world.odoo = Blind()
    with pytest.raises(Blocked, match=r"currency CAD is to change base\.CAD, which is not in Odoo"):
        world.apply([currency()])


def test_whatever_was_planned_only_our_external_ids_make_a_record_ours(world: Any) -> None:
    """A creation that a saved preview or an older version planned under another's external id."""
    applied = world.apply([currency()])
    change = applied.changes.changes[0]
    world.ledger.forget(["base.CAD"])
    world.ledger.intend([replace(change, action=Action.CREATE)])
    (entry,) = world.ledger.entries()
    assert (entry.created, entry.state) == (False, SENT)


def test_of_records_of_which_nothing_is_known_as_sent_nothing_is_read(
    lost: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for no field at all, Odoo would read and compute every one that it has."""
    adopt(lost.door, lost.ledger)
    read, asked = Door.read_apart, []

    def told(self: Door, model: str, ids: Any, fields: Any, **more: Any) -> Any:
        asked.append((model, list(fields)))
        return read(self, model, ids, fields, **more)

    monkeypatch.setattr(Door, "read_apart", told)
    assert since_apply(lost.door, lost.ledger).drift == ()
    assert asked
    assert [model for model, fields in asked if not fields] == []


def test_what_is_of_the_books_is_taken_up_as_the_books() -> None:
    named = {
        name: NamedRecord(xid=name, model="account.move", res_id=1, made="")
        for name in ("lago.books_invoice_x", "lago.invoice_x")
    }
    assert [phase_of(record) for record in named.values()] == [Phase.BOOKS, Phase.BALANCES], "apply would take it out"
