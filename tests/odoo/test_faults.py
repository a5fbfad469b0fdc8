"""Faults on a real Odoo 19: wrong doors, hands in the data, servers that stop and die, clients that are killed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Wallet
from mappings.target import Phase, Ref
from mappings.wallets import card_of, programme_of
from migrate.apply import apply
from migrate.change_set.changes import Action
from migrate.change_set.saved import from_json, to_json
from migrate.errors import Blocked
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.errors import DatabaseMissing, OdooUnreachable, Unauthorized
from migrate.odoo.preflight import prepare
from migrate.odoo.protocol import Odoo
from migrate.preview import preview, since_apply
from migrate.rollback import rollback
from migrate.rolled_back import RolledBack
from migrate.shadow_invoices import remove_shadow_invoices
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.odoo.changed import changed
from tests.odoo.export import export

pytestmark = pytest.mark.odoo

both = pytest.mark.parametrize("transport", ["json2", "odoorpc"])


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "state.db") as store:
        yield Ledger(store)


def count(odoo: Odoo, model: str, *domain: Any) -> int:
    found: int = odoo.call(model, "search_count", domain=list(domain))
    return found


def number(odoo: Odoo, xid: str) -> int:
    domain = [["module", "=", "lago"], ["name", "=", xid]]
    rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])
    return int(rows[0]["res_id"])


def is_whole(odoo: Odoo, customers: int, prefix: str = "KILL") -> None:
    """Nothing doubled, nothing lost: every record of the program stands once, with its lines and its state."""
    orders = customers // 2
    assert count(odoo, "res.partner", ["ref", "like", f"{prefix}-%"]) == customers
    assert count(odoo, "sale.order", ["name", "like", f"{prefix}/%"]) == orders
    assert count(odoo, "sale.order.line", ["order_id.name", "like", f"{prefix}/%"]) == orders * 2
    assert count(odoo, "sale.order", ["name", "like", f"{prefix}/%"], ["state", "=", "sale"]) == orders // 2


def left_of(undone: RolledBack, records: Any) -> list[str]:
    """What a rollback left, but for what other tests put into the database that they share."""
    ours = f"lago.{records.prefix}_"
    return [*undone.changed_since, *undone.refused, *(text for text in undone.unknown if ours in text)]


# --- the door --------------------------------------------------------------------------------------------------------


@both
def test_a_wrong_database_key_or_address_is_named(common: Any, transport: str) -> None:
    with pytest.raises(DatabaseMissing, match=r"odoo\.database"):
        common.connect(transport=transport, database="no_such_database")
    with pytest.raises(Unauthorized, match="user or key") as refused:
        common.connect(transport=transport, key="f" * 40)
    assert "f" * 40 not in str(refused.value)
    with pytest.raises(OdooUnreachable, match="no Odoo at"):
        common.connect(transport=transport, url="http://127.0.0.1:1")


@pytest.mark.parametrize("common", ["plain"], indirect=True)
def test_without_subscriptions_the_module_is_named(common: Any) -> None:
    with pytest.raises(Blocked, match="subscription_oca"):
        discover(Door(common.connect()))


@pytest.mark.parametrize(("common", "kind"), [("enterprise", "enterprise"), ("oca", "oca")], indirect=["common"])
def test_the_kind_of_subscriptions_is_found(common: Any, kind: str) -> None:
    target = discover(Door(common.connect()))
    assert (target.subscriptions, target.addon, target.quantity_digits) == (kind, True, 2)
    assert {"CAD", "USD"} <= target.currencies
    assert "en_US" in target.languages


def test_a_state_of_another_database_is_refused(common: Any, ledger: Ledger, records: Any, program: Any) -> None:
    """Else a wrong database in the configuration would look as if someone had deleted everything."""
    odoo = common.connect()
    apply(Door(odoo), ledger, records(2))
    parameter = odoo.call("ir.config_parameter", "search", domain=[["key", "=", "database.uuid"]])
    with (
        changed(odoo, "ir.config_parameter", parameter, value="x"),
        pytest.raises(Blocked, match="another Odoo database"),
    ):
        apply(Door(odoo), ledger, records(2))


# --- hands in the data -----------------------------------------------------------------------------------------------


@both
def test_applied_once_then_nothing_to_do_then_undone(common: Any, ledger: Ledger, records: Any, transport: str) -> None:
    odoo = common.connect(transport=transport)
    applied = apply(Door(odoo), ledger, records(40))
    assert applied.ok
    is_whole(odoo, 40, records.prefix)
    again = apply(Door(odoo), ledger, records(40))
    assert (again.calls, again.changes.pending) == (0, False)
    undone = rollback(Door(odoo), ledger)
    assert (left_of(undone, records), undone.deleted, undone.archived) == ([], 61, ())
    assert count(odoo, "ir.model.data", ["module", "=", "lago"], ["name", "like", f"{records.prefix}%"]) == 0
    assert count(odoo, "sale.order", ["name", "like", f"{records.prefix}/%"]) == 0
    assert count(odoo, "res.partner", ["ref", "like", f"{records.prefix}-%"], ["active", "in", [True, False]]) == 0


def test_a_record_deleted_between_preview_and_apply(common: Any, ledger: Ledger, records: Any) -> None:
    odoo = common.connect()
    apply(Door(odoo), ledger, records(4))
    changed = [replace(r, values={**r.values, "city": "Ottawa"}) if r.model == "res.partner" else r for r in records(4)]
    saved = from_json(to_json(preview(Door(odoo), ledger, changed)))
    odoo.call("res.partner", "unlink", [number(odoo, records.xid("customer_3"))])
    with pytest.raises(Blocked, match="customer 3"):
        apply(Door(odoo), ledger, changed, saved=saved)
    applied = apply(Door(odoo), ledger, changed)
    assert applied.written == {"customers": {"create": 1, "update": 3}}
    is_whole(odoo, 4, records.prefix)


def test_an_archived_partner_is_drift_and_stays(common: Any, ledger: Ledger, records: Any) -> None:
    odoo = common.connect()
    apply(Door(odoo), ledger, records(4))
    odoo.call("res.partner", "write", [number(odoo, records.xid("customer_3"))], vals={"active": False})
    applied = apply(Door(odoo), ledger, records(4))
    assert (applied.ok, applied.calls) == (True, 0)
    assert [c.source for c in applied.changes.of(Action.KEPT)] == ["customer 3"]
    assert [(d.source, d.diffs[0].field) for d in since_apply(Door(odoo), ledger).drift] == [("customer 3", "active")]
    refused = rollback(Door(odoo), ledger)
    assert refused.changed_since == ("customer 3 (res.partner: active)",)


def test_prepaid_credits_that_an_order_spent_are_no_drift_those_that_somebody_typed_are(
    common: Any, ledger: Ledger, records: Any
) -> None:
    odoo = common.connect()
    customer = next(record for record in records(1) if record.model == "res.partner")
    wallet = Wallet(
        lago_id=records.xid("purse"), lago_customer_id="", external_customer_id="", status="active", currency="CAD",
        credits_balance=Decimal(50), balance_cents=5000, rate_amount=Decimal(1),
    )  # fmt: skip
    programme, card = programme_of("CAD"), card_of(wallet)
    name = f"lago.{records.xid('credits')}"
    (reward,) = programme.children["reward_ids"]
    programme = replace(programme, xid=name, children={"reward_ids": (replace(reward, xid=f"{name}_reward"),)})
    card = replace(card, values={**card.values, "partner_id": Ref(customer.xid), "program_id": Ref(name)})
    applied = apply(Door(odoo), ledger, [customer, programme, card])
    assert applied.ok, [failure.reason for failure in applied.failures]
    held = number(odoo, card.xid.removeprefix("lago."))
    spent = {"card_id": held, "description": "An order", "used": 20.0, "order_model": "sale.order", "order_id": 1}
    odoo.call("loyalty.history", "create", vals_list=[spent])
    odoo.call("loyalty.card", "write", [held], vals={"points": 30.0})
    assert since_apply(Door(odoo), ledger).drift == ()
    odoo.call("loyalty.card", "write", [held], vals={"points": 1000.0})
    assert [d.diffs[0].field for d in since_apply(Door(odoo), ledger).drift] == ["points"]


def test_a_partner_with_a_posted_invoice_is_archived_by_rollback(common: Any, ledger: Ledger, records: Any) -> None:
    odoo = common.connect()
    people = [r for r in records(4) if r.phase is Phase.CUSTOMERS]
    apply(Door(odoo), ledger, people)
    post_invoice(odoo, number(odoo, records.xid("customer_1")))
    undone = rollback(Door(odoo), ledger)
    assert (left_of(undone, records), undone.deleted, len(undone.archived)) == ([], 3, 1)
    assert undone.archived[0].startswith("customer 1: archived")
    again = apply(Door(odoo), ledger, people)
    assert again.written == {"customers": {"create": 3, "update": 1}}
    assert count(odoo, "res.partner", ["ref", "like", f"{records.prefix}-%"]) == 4


def test_a_line_of_a_confirmed_order_is_taken_out_of_account(common: Any, ledger: Ledger, records: Any) -> None:
    odoo = common.connect()
    apply(Door(odoo), ledger, records(4))
    order = number(odoo, records.xid("subscription_1"))
    shorter = [
        replace(r, children={"order_line": r.children["order_line"][:1]})
        if r.xid == f"lago.{records.xid('subscription_1')}"
        else r
        for r in records(4)
    ]
    assert apply(Door(odoo), ledger, shorter, allow_removals=len(shorter)).ok
    rows = odoo.call("sale.order.line", "search_read", domain=[["order_id", "=", order]], fields=["product_uom_qty"])
    assert sorted(row["product_uom_qty"] for row in rows) == [0, 1]
    assert not apply(Door(odoo), ledger, shorter).changes.pending
    assert apply(Door(odoo), ledger, records(4)).ok
    rows = odoo.call("sale.order.line", "search_read", domain=[["order_id", "=", order]], fields=["product_uom_qty"])
    assert sorted(row["product_uom_qty"] for row in rows) == [1, 2]


def test_moments_survive_a_user_in_another_time_zone(common: Any, ledger: Ledger, records: Any) -> None:
    odoo = common.connect()
    moment = datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)
    wish = [
        replace(r, values={**r.values, "date_order": moment}) if r.xid == f"lago.{records.xid('subscription_0')}" else r
        for r in records(2)
    ]
    with changed(odoo, "res.users", [2], tz="Asia/Tokyo"):
        assert apply(Door(odoo), ledger, wish).ok
    row = odoo.call("sale.order", "read", [number(odoo, records.xid("subscription_0"))], fields=["date_order"])[0]
    assert row["date_order"] == "2026-03-08 06:59:59"


def test_quantities_beyond_the_precision_are_refused_and_kept_once_it_is_raised(
    common: Any, ledger: Ledger, records: Any
) -> None:
    odoo = common.connect()
    fine = records(2)
    order = fine[-1]
    line = order.children["order_line"][0]
    finer = replace(line, values={**line.values, "product_uom_qty": Decimal("1.234567")})
    wish = [*fine[:-1], replace(order, children={"order_line": (finer,)})]
    first = apply(Door(odoo), ledger, wish)
    assert "decimal precision" in first.failures[0].reason
    digits = odoo.call("decimal.precision", "search", domain=[["name", "=", "Product Unit"]])
    with changed(odoo, "decimal.precision", digits, digits=6):
        assert apply(Door(odoo), ledger, wish).ok
        domain = [["order_id.name", "=", f"{records.prefix}/0"]]
        rows = odoo.call("sale.order.line", "search_read", domain=domain, fields=["product_uom_qty"])
    assert [row["product_uom_qty"] for row in rows] == [1.234567]


# --- shadow invoices -------------------------------------------------------------------------------------------------


def post_invoice(odoo: Odoo, partner: int) -> str:
    lines = [[0, 0, {"name": "x", "quantity": 1, "price_unit": 10, "tax_ids": [[6, 0, []]]}]]
    vals = {"move_type": "out_invoice", "partner_id": partner, "invoice_date": "2026-07-01", "invoice_line_ids": lines}
    made = odoo.call("account.move", "create", vals_list=[vals])
    odoo.call("account.move", "action_post", made)
    name: str = odoo.call("account.move", "read", made, fields=["name"])[0]["name"]
    return name


def test_shadow_drafts_leave_the_real_numbering_untouched(
    common: Any, ledger: Ledger, records: Any, program: Any
) -> None:
    odoo = common.connect()
    people = [r for r in records(2) if r.phase is Phase.CUSTOMERS]
    assert apply(Door(odoo), ledger, [*prepare(), *people]).ok
    partner, journal = number(odoo, records.xid("customer_0")), number(odoo, "journal_shadow")
    first = post_invoice(odoo, partner)
    lines = [[0, 0, {"name": "x", "quantity": 1, "price_unit": 10}]]
    draft = {"move_type": "out_invoice", "partner_id": partner, "journal_id": journal, "invoice_line_ids": lines}
    drafts = [{**draft, "ref": f"LAGO-{n:04}"} for n in range(20)]
    made = odoo.call("account.move", "create", vals_list=drafts)
    assert {row["name"] for row in odoo.call("account.move", "read", made, fields=["name"])} == {False}
    second = post_invoice(odoo, partner)
    removed = remove_shadow_invoices(Door(odoo))
    assert (removed.deleted, removed.ok) == (20, True)
    third = post_invoice(odoo, partner)
    numbers = [int(name.rpartition("/")[2]) for name in (first, second, third)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert count(odoo, "account.move", ["journal_id", "=", journal]) == 0


# --- servers that stop and die ---------------------------------------------------------------------------------------


def finished(process: Any) -> str:
    """What the program said, once it ended well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return str(out)


def test_the_server_is_stopped_and_killed_in_the_middle_of_batches(mortal: Any, undisturbed: Any) -> None:
    """Gracefully (then Odoo may answer 200 and not commit), and with kill -9; both process models."""
    customers = 160
    odoo = mortal.connect()  # loads the registry, so that what follows falls into the writing
    process = mortal.start("client", customers)
    for end, model, written in (("stop", "res.partner", 20), ("kill", "sale.order", 2)):
        wait_until(lambda model=model, least=written: count(odoo, model) >= least)
        getattr(mortal.server, end)()
        mortal.server.up(mortal.name)
    finished(process)
    assert export(mortal.connect()) == undisturbed(customers)
    assert '"written": {}' in finished(mortal.start("client", customers))


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


# --- clients that are killed -----------------------------------------------------------------------------------------


def test_clients_killed_at_many_moments_end_where_an_undisturbed_one_does(database: Any, undisturbed: Any) -> None:
    customers, killed = 160, 0
    moments = random.Random(19)
    while killed < 26:
        process = database.start("client", customers, transport=("json2", "odoorpc")[killed % 2])
        time.sleep(moments.uniform(0.02, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if process.returncode == 0:  # a machine quick enough to finish in between gets more to do
            customers += 80
    finished(database.start("client", customers))
    odoo = database.connect()
    is_whole(odoo, customers)
    assert export(odoo) == undisturbed(customers)
    with Store.open(database.folder / "client.db") as store:
        entries = list(Ledger(store).entries())
    assert all(entry.created and entry.state == "applied" for entry in entries)


def test_two_runs_at_once(database: Any) -> None:
    """On one state the second is refused with exit code 4; on two states the external ids keep the records single."""
    first = database.start("shared", 60, "wait")
    second = database.start("shared", 60)
    _, err = second.communicate(timeout=60)
    first.communicate("go on\n", timeout=120)
    assert (first.returncode, second.returncode) == (0, 4), err
    for run in [database.start(name, 100) for name in ("left", "right")]:
        finished(run)
    is_whole(database.connect(), 100)
