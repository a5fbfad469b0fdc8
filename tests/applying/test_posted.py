"""Open balances are posted by people: that is no drift, and then they are not ours to undo. Cancelled is drift."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mappings.target import Desired, Find, Phase, Ref, Source
from migrate.odoo.preflight import prepare
from migrate.preview import since_apply
from migrate.rollback import foresee, rollback
from migrate.rolled_back import RolledBack
from migrate.state.entries import row_from_entry
from migrate.state.ledger import Ledger
from migrate.state.seals import seal_everything
from migrate.state.tables import APPLIED_RECORDS
from tests.applying.conftest import World

POSTED = "invoice A-1 (account.move: state)"


def balance(xid: str, kind: str = "out_invoice") -> Desired:
    """As ``mappings.balances`` makes them."""
    source = Source("invoice", "A-1")
    income = Find("account.account", (("account_type", "=", "equity_unaffected"),), "an account")
    line = Desired(
        phase=Phase.BALANCES,
        model="account.move.line",
        xid=f"lago.{xid}_open",
        source=source,
        values={"name": "open", "quantity": 1, "price_unit": Decimal(7), "account_id": income, "tax_ids": ()},
    )
    return Desired(
        phase=Phase.BALANCES,
        model="account.move",
        xid=f"lago.{xid}",
        source=source,
        values={
            "move_type": kind,
            "partner_id": Ref("lago.customer_1"),
            "journal_id": Ref("lago.journal_shadow"),
            "invoice_date": date(2026, 7, 1),
            "ref": "A-1",
        },
        children={"invoice_line_ids": (line,)},
    )


def wished(world: World) -> list[Any]:
    return [*prepare(), world.partner(1), balance("invoice_1"), balance("note_1", "out_refund")]


@pytest.mark.parametrize(
    "values", [{"discount": 10.0}, {"quantity": 2.0}, {"price_unit": 6.0}, {"quantity": 2.0, "price_unit": 3.5}]
)
def test_what_somebody_changed_on_the_line_of_a_balance_is_drift(owed: World, values: dict[str, float]) -> None:
    owed.odoo.call("account.move.line", "write", [owed.id("invoice_1_open")], vals=values)
    (drifted,) = since_apply(owed.door, owed.ledger).drift
    assert {diff.field for diff in drifted.diffs} == {f"lago.invoice_1_open: {name}" for name in values}


@pytest.fixture
def owed(world: World) -> World:
    """An invoice and a credit note, open, in a ledger that knows of nothing else."""
    assert world.apply(wished(world)).ok
    assert since_apply(world.door, world.ledger).drift == ()
    return world


def call(world: World, xid: str, *methods: str) -> None:
    for method in methods:
        world.odoo.call("account.move", method, [world.id(xid)])


def state(world: World, xid: str) -> str:
    return str(world.odoo.call("account.move", "read", [world.id(xid)], fields=["state"])[0]["state"])


@pytest.mark.parametrize("xid", ["invoice_1", "note_1"])
@pytest.mark.parametrize(
    ("methods", "stands", "field"),
    [
        (["action_post"], "posted", "state"),
        (["button_cancel"], "cancel", "state"),
        (["action_post", "button_draft", "button_cancel"], "cancel", "state"),
        (["action_post", "button_draft"], "draft", "posted_before"),
    ],
)
def test_what_a_person_did_with_an_entry_is_left_alone_foreseen_and_named(
    owed: World, xid: str, methods: list[str], stands: str, field: str
) -> None:
    call(owed, xid, *methods)
    says = (f"invoice A-1 (account.move: {field})",)
    foreseen = foresee(owed.door, owed.ledger)
    assert (foreseen.changed_since, [p.model for p in foreseen.delete].count("account.move")) == (says, 1)
    undone = rollback(owed.door, owed.ledger)
    assert (undone.ok, undone.changed_since, state(owed, xid)) == (False, says, stands)
    assert owed.ours("account.move") == 1, "the other one is ours as ever"


def test_an_entry_that_nobody_touched_goes(owed: World) -> None:
    undone = rollback(owed.door, owed.ledger)
    assert (undone.ok, owed.ours("account.move")) == (True, 0)


def test_posting_is_the_next_step_and_no_drift(owed: World) -> None:
    call(owed, "invoice_1", "action_post")
    call(owed, "note_1", "action_post", "button_draft")
    since = since_apply(owed.door, owed.ledger)
    assert (since.drift, {d.xid for d in since.booked}) == ((), {"lago.invoice_1", "lago.note_1"})


@pytest.mark.parametrize("before", [[], ["action_post", "button_draft"]])
def test_a_cancelled_balance_is_drift(owed: World, before: list[str]) -> None:
    call(owed, "invoice_1", *before, "button_cancel")
    since = since_apply(owed.door, owed.ledger)
    assert [(d.xid, [x.field for x in d.diffs]) for d in since.drift] == [("lago.invoice_1", ["state"])]
    assert since.booked == ()


def test_what_was_posted_before_a_later_apply_is_no_more_ours_for_it(owed: World) -> None:
    """A ledger of an older release learns what it watches with the next apply, whatever stands there by then."""
    rows = [row_from_entry(replace(entry, stored={})) for entry in owed.ledger.entries()]
    with owed.ledger.store.begin() as db:
        for row in rows:
            db.execute(APPLIED_RECORDS.update().where(APPLIED_RECORDS.c.xid == row["xid"]).values(**row))
        seal_everything(db)
    call(owed, "invoice_1", "action_post")
    assert owed.apply(wished(owed)).ok
    assert foresee(owed.door, owed.ledger).changed_since == (POSTED,)


def test_a_run_that_was_stopped_posts_nothing(owed: World) -> None:
    """An invoice that a killed rollback had begun with, and that was posted since."""
    owed.ledger.begin_undoing(["lago.invoice_1"])
    call(owed, "invoice_1", "action_post")
    undone = rollback(owed.door, Ledger(owed.ledger.store))
    assert (undone.changed_since, state(owed, "invoice_1")) == ((POSTED,), "posted")


def test_a_posted_entry_that_lago_has_no_more_is_a_conflict_and_stays(owed: World) -> None:
    call(owed, "invoice_1", "action_post")
    applied = owed.apply([item for item in wished(owed) if item.xid != "lago.invoice_1"])
    assert [change.xid for change in applied.conflicts] == ["lago.invoice_1"]
    assert state(owed, "invoice_1") == "posted"


def test_what_we_posted_ourselves_is_ours_to_undo(world: World) -> None:
    """No mapper asks for it so far; one that did would have its entries back."""
    posted = replace(balance("invoice_1"), after=("action_post",))
    assert world.apply([*prepare(), world.partner(1), posted]).ok
    assert state(world, "invoice_1") == "posted"
    assert since_apply(world.door, world.ledger).booked == ()
    assert rollback(world.door, world.ledger) == RolledBack(deleted=3)
