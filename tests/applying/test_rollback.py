"""Rollback undoes exactly what the ledger says, newest first, and leaves alone what someone else changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired, Phase, Source
from migrate.change_set.changes import Action
from migrate.errors import Blocked, OdooError
from migrate.odoo.errors import AccessDenied, OdooRefused, OutcomeUnknown
from migrate.odoo.findings import raise_on_errors
from migrate.odoo.needs import needs_of
from migrate.odoo.preflight import preflight, prepare
from migrate.phases import Cohort
from migrate.preview import preview
from migrate.rollback import foresee, rollback
from migrate.rolled_back import Planned, RolledBack
from migrate.shadow_invoices import remove_shadow_invoices, shadow_invoices
from tests.applying.conftest import REAL
from tests.applying.test_adopt import make_older


def undo(world: Any, **more: Any) -> RolledBack:
    return rollback(world.door, world.ledger, **more)


def test_everything_of_ours_goes_and_nothing_else(world: Any) -> None:
    others = world.count("res.partner")
    world.apply(world.all(4))
    undone = undo(world)
    assert (undone.ok, undone.deleted) == (True, 9)
    assert world.count("res.partner") == others
    assert world.count("ir.model.data", ["module", "=", "lago"]) == 0
    assert list(world.ledger.entries()) == []
    assert world.ledger.phases() == ()


def test_apply_rollback_apply_is_apply(world: Any) -> None:
    world.apply(world.all(4))
    undo(world)
    again = world.apply(world.all(4))
    assert (again.ok, sum(n for row in again.written.values() for n in row.values())) == (True, 9)


def test_a_record_changed_by_someone_else_is_refused_and_named(world: Any) -> None:
    world.apply([world.partner(1), world.partner(2)])
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Paris"})
    undone = undo(world)
    assert undone.changed_since == ("customer NX-1 (res.partner: city)",)
    assert world.ours("res.partner") == 1
    with pytest.raises(OdooError, match="customer NX-1"):
        undone.raise_if_failed()
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Toronto"})
    assert undo(world) == RolledBack(deleted=1)


def test_a_changed_line_counts_as_a_changed_record(world: Any) -> None:
    world.apply(world.all(1))
    world.odoo.call("sale.order.line", "write", [world.id("line_0_1")], vals={"product_uom_qty": 9})
    undone = undo(world)
    assert undone.changed_since[0].startswith("subscription 0 (sale.order: lago.line_0_1: product_uom_qty")


def test_earlier_phases_wait_for_later_ones(world: Any) -> None:
    world.apply(world.all(2))
    with pytest.raises(Blocked, match="rollback --phase subscriptions"):
        undo(world, phases=[Phase.CUSTOMERS])
    assert undo(world, phases=[Phase.SUBSCRIPTIONS]).deleted == 2
    assert undo(world, phases=[Phase.CUSTOMERS]).deleted == 2
    assert world.ours("product.product") == 1


def test_a_cohort_goes_and_what_all_share_stays(world: Any) -> None:
    world.apply(world.all(3))
    pilot = Cohort("pilot", frozenset({"NX-1"}))
    assert undo(world, cohort=pilot).deleted == 2
    assert (world.ours("res.partner"), world.ours("sale.order"), world.ours("product.product")) == (2, 2, 1)


def test_a_record_that_stood_before_us_gets_its_values_back(world: Any) -> None:
    wish = Desired(
        phase=Phase.CUSTOMERS,
        model="res.country",
        xid="base.ca",
        values={"phone_code": 99},
        source=Source("country", "CA"),
    )
    number = world.odoo.call("res.country", "search", domain=[["code", "=", "CA"]])
    before = world.odoo.call("res.country", "read", number, fields=["phone_code"])
    world.apply([wish])
    assert world.odoo.call("res.country", "read", number, fields=["phone_code"])[0]["phone_code"] == 99
    undone = undo(world)
    assert (undone.restored, undone.deleted) == (1, 0)
    assert world.odoo.call("res.country", "read", number, fields=["phone_code"]) == before


def test_what_would_be_undone_is_foreseen_without_a_write(world: Any) -> None:
    number = world.odoo.call("res.country", "search", domain=[["code", "=", "CA"]])
    country = Desired(
        phase=Phase.CATALOG,
        model="res.country",
        xid="base.ca",
        values={"phone_code": 99},
        source=Source("country", "CA"),
    )
    world.apply([country, *world.all(2)])
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Paris"})
    world.odoo.calls.clear()
    found = foresee(world.door, world.ledger)
    assert world.odoo.writes() == 0
    assert [p.source for p in found.delete] == ["subscription 1", "subscription 0", "customer NX-0", "plan basic"]
    assert found.restore == (Planned("res.country", "country CA", ("phone_code",)),)
    assert found.changed_since == ("customer NX-1 (res.partner: city)",)
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Toronto"})
    again = foresee(world.door, world.ledger)
    undone = undo(world)
    assert (undone.deleted, undone.restored) == (len(again.delete), len(again.restore)) == (5, 1)
    assert world.odoo.call("res.country", "read", number, fields=["phone_code"])[0]["phone_code"] == 1
    assert not foresee(world.door, world.ledger).pending


def test_foreseeing_refuses_what_rollback_refuses(world: Any) -> None:
    world.apply(world.all(2))
    with pytest.raises(Blocked, match="rollback --phase subscriptions"):
        foresee(world.door, world.ledger, phases=[Phase.CUSTOMERS])


def test_a_method_called_on_a_record_of_before_us_is_not_passed_over(world: Any, tmp_path: Path) -> None:
    """It stood, we confirmed it: no way back is known, so it is named until a person took it back."""
    world.apply([world.product(), world.partner(1), world.order(1, "1")])
    world.ledger.forget(["lago.subscription_1"])
    make_older(tmp_path, "subscription_1", "line_1_0")  # somebody's order, to which our external id was given
    confirmed = replace(world.order(1, "1"), after=("action_confirm",))
    assert world.apply([world.product(), world.partner(1), confirmed]).ok
    undone = undo(world, phases=[Phase.SUBSCRIPTIONS])
    assert [text.partition(":")[0] for text in undone.refused] == ["subscription 1"]
    assert "action_confirm() was called" in undone.refused[0]
    order = [world.id("subscription_1")]
    world.odoo.call("sale.order", "action_cancel", order)
    world.odoo.call("sale.order", "action_draft", order)
    undone = undo(world, phases=[Phase.SUBSCRIPTIONS])
    assert (undone.refused, [text.partition(" (")[0] for text in undone.unknown]) == ((), ["subscription 1"])


def test_what_odoo_does_not_let_go_is_archived_and_said_so_and_comes_back_alive(world: Any) -> None:
    world.apply([world.partner(1)])

    def used(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "unlink"):
            raise OdooRefused("it has invoices")

    world.odoo.before = used
    undone = undo(world)
    assert undone.archived == ("customer NX-1: archived, because Odoo does not let it go: it has invoices",)
    assert undone.ok
    again = undo(world)
    assert (again.ok, again.deleted, again.archived) == (True, 0, ())
    world.odoo.before = lambda *_: None
    applied = world.apply([world.partner(1)])
    assert [c.updates for c in applied.changes.of(Action.UPDATE)] == [{"active"}]
    assert world.count("res.partner", ["ref", "=", "NX-1"]) == 1


def test_a_record_that_went_along_with_another_leaves_no_external_id(world: Any, tmp_path: Path) -> None:
    """PostgreSQL cascades, and Odoo does not hear of it."""
    world.apply([world.partner(n) for n in range(2)])
    number = world.id("customer_1")
    with closing(sqlite3.connect(tmp_path / "odoo.db", timeout=10)) as db, db:
        db.execute("delete from res_partner where id = ?", [number])
    assert undo(world).ok
    assert world.count("ir.model.data", ["module", "=", "lago"]) == 0


def without_rights(_model: str, method: str, _number: int) -> object:
    """Odoo, asked whether the user may do so at all: no."""
    return False if method == "has_access" else REAL


def test_what_a_killed_rollback_archived_is_no_stranger_to_the_next_one(world: Any) -> None:
    world.apply([world.partner(1), world.product()])

    def dies(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "unlink"):
            raise OdooRefused("it has invoices")
        if (model, method) == ("product.product", "unlink"):
            raise AccessDenied("the key was taken away")

    world.odoo.before, world.odoo.instead = dies, without_rights
    with pytest.raises(AccessDenied):
        undo(world)
    world.odoo.before, world.odoo.instead = lambda *_: None, lambda *_: REAL
    again = undo(world)
    assert (again.ok, again.deleted, again.unknown) == (True, 1, ())


def test_what_was_archived_and_is_in_use_again_is_not_taken_for_undone(world: Any) -> None:
    world.apply([world.partner(1)])

    def used(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "unlink"):
            raise OdooRefused("it has invoices")

    world.odoo.before = used
    assert undo(world).ok
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"active": True})
    assert [text.partition(":")[0] for text in undo(world).unknown] == ["res.partner lago.customer_1"]


@pytest.mark.parametrize("answer", [None, [], {}])
def test_what_is_not_odoos_answer_to_a_deletion_deletes_nothing(world: Any, answer: object) -> None:
    """A proxy answers in its place: twice to the deletion, so that nothing is deleted; the record goes in the end."""
    world.apply([world.partner(n) for n in range(3)])
    said: list[str] = []

    def instead(model: str, method: str, _number: int) -> object:
        if (model, method) == ("res.partner", "unlink") and len(said) < 2:
            said.append(method)
            return answer
        return REAL

    world.odoo.instead = instead
    undone = undo(world)
    assert (undone.ok, undone.deleted, undone.archived) == (True, 3, ())
    assert world.ours("res.partner") == 0


def test_a_deletion_that_never_happens_is_refused(world: Any) -> None:
    world.apply([world.partner(1)])
    world.odoo.instead = lambda model, method, _: None if method in ("unlink", "write") else REAL
    undone = undo(world)
    assert (undone.ok, undone.deleted, undone.archived) == (False, 0, ())
    assert "stands after it was archived" in undone.refused[0]
    assert [entry.xid for entry in world.ledger.entries()] == ["lago.customer_1"]


def test_a_read_that_leaves_out_records_that_are_there_is_asked_again(world: Any) -> None:
    world.apply([world.partner(n) for n in range(3)])
    said: list[str] = []

    def instead(model: str, method: str, _number: int) -> object:
        if (model, method) == ("res.partner", "read") and len(said) < 2:
            said.append(method)
            return []
        return REAL

    world.odoo.instead = instead
    assert (undo(world).deleted, len(said)) == (3, 2)


def test_a_lost_answer_to_a_deletion_is_no_failure(world: Any) -> None:
    world.apply([world.partner(n) for n in range(3)])

    def lost(model: str, method: str, number: int) -> None:
        if (model, method) == ("res.partner", "unlink") and number == 1:
            raise OutcomeUnknown("timed out")

    world.odoo.after = lost
    assert undo(world).ok
    assert world.ours("res.partner") == 0


def test_missing_rights_stop_it(world: Any) -> None:
    world.apply([world.partner(1)])

    def forbidden(model: str, method: str, _number: int) -> None:
        if method == "unlink":
            raise AccessDenied("not allowed to delete")

    world.odoo.before, world.odoo.instead = forbidden, without_rights
    with pytest.raises(AccessDenied):
        undo(world)


def test_a_record_sent_by_a_killed_run_is_undone_too(world: Any) -> None:
    def killed(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "load"):
            raise KeyboardInterrupt

    world.odoo.after = killed
    with pytest.raises(KeyboardInterrupt):
        world.apply([world.partner(1)])
    world.odoo.after = lambda *_: None
    assert [e.state for e in world.ledger.entries()] == ["sent"]
    assert undo(world).deleted == 1
    assert world.ours("res.partner") == 0


def test_shadow_drafts_go_and_posted_ones_are_refused(world: Any) -> None:
    assert world.apply([*prepare(), world.partner(1)]).ok
    income = world.odoo.call("account.account", "search", domain=[["account_type", "=", "income"]], limit=1, order="id")
    line = {"name": "x", "quantity": 1, "price_unit": 10, "tax_ids": [[6, 0, []]], "account_id": income[0]}
    lines = [[0, 0, line]]
    common = {
        "move_type": "out_invoice",
        "partner_id": world.id("customer_1"),
        "journal_id": world.id("journal_shadow"),
    }
    common |= {"invoice_line_ids": lines, "invoice_date": "2026-07-01"}
    made = world.odoo.call("account.move", "create", vals_list=[{**common, "ref": f"LAGO-{n}"} for n in range(3)])
    world.odoo.call("account.move", "action_post", made[2:])
    foreseen = shadow_invoices(world.door)
    removed = remove_shadow_invoices(world.door)
    assert (removed.deleted, len(foreseen.delete), len(foreseen.changed_since)) == (2, 2, 1)
    assert removed.refused == ("shadow invoice LAGO-2: was posted or numbered in Odoo",)


def test_preflight_of_a_sound_server_has_no_errors(world: Any) -> None:
    found = preflight(world.door, world.target, needs_of(world.all(1)))
    raise_on_errors(found)
    assert any("shadow journal" in f.what for f in found)


def test_preflight_names_what_is_wrong_with_its_remedy(world: Any) -> None:
    needs = replace(
        needs_of([world.order(1, "1.23456")]),
        currencies=frozenset({"EUR"}),
        languages=frozenset({"fr"}),
        xids=frozenset({"account.1_nowhere"}),
        stateless=("NX-1",),
        tokens=True,
    )
    found = {f.what.split()[0]: f for f in preflight(world.door, world.target, needs)}
    assert found["quantities"].level == found["account.1_nowhere"].level == "error"
    assert {found[n].level for n in ("currency", "language", "1", "payment")} == {"warning"}
    assert all(f.remedy for f in found.values() if f.level != "ok")
    with pytest.raises(OdooError, match=r"quantities keep 2 decimals.*'Product Unit' to 6"):
        raise_on_errors(found.values())


def test_a_state_of_another_database_is_refused(world: Any) -> None:
    """Else a wrong database in the configuration would look as if someone had deleted everything."""
    world.apply([world.partner(1)])
    domain = [["key", "=", "database.uuid"]]
    parameter = world.odoo.call("ir.config_parameter", "search", domain=domain)
    world.odoo.call("ir.config_parameter", "write", parameter, vals={"value": "another"})
    for act in (lambda: undo(world), lambda: world.apply([world.partner(1)]), lambda: show(world)):
        with pytest.raises(Blocked, match="another Odoo database"):
            act()


def show(world: Any) -> Any:
    return preview(world.door, world.ledger, [world.partner(1)])


def confirmed(world: Any) -> list[Any]:
    return [world.product(), world.partner(1), replace(world.order(1, "1"), after=("action_confirm",))]


def test_a_rollback_that_is_killed_between_cancelling_and_deleting_is_taken_up(world: Any) -> None:
    """What it left there is half its own work, and nobody else's change."""
    assert world.apply(confirmed(world)).ok

    def killed(model: str, method: str, _number: int) -> None:
        if (model, method) == ("sale.order", "action_cancel"):
            raise KeyboardInterrupt

    world.odoo.after = killed
    with pytest.raises(KeyboardInterrupt):
        undo(world)
    world.odoo.after = lambda *_: None
    assert len(foresee(world.door, world.ledger).delete) == 3
    assert undo(world) == RolledBack(deleted=3)


def test_a_removal_that_is_killed_between_cancelling_and_deleting_is_taken_up(world: Any) -> None:
    assert world.apply(confirmed(world)).ok

    def killed(model: str, method: str, _number: int) -> None:
        if (model, method) == ("sale.order", "action_cancel"):
            raise KeyboardInterrupt

    world.odoo.after = killed
    gone = confirmed(world)[:2]
    with pytest.raises(KeyboardInterrupt):
        world.apply(gone)
    world.odoo.after = lambda *_: None
    again = world.apply(gone)
    assert (again.ok, again.written, world.ours("sale.order")) == (True, {"subscriptions": {"remove": 1}}, 0)
