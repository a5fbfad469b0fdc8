"""What Odoo keeps from the user (a record rule, another company) costs itself and what refers to it, each by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired, Phase, Source
from migrate.adopt import adopt, strangers
from migrate.change_set.changes import Action
from migrate.change_set.saved import from_json, to_json
from migrate.errors import OdooError
from migrate.odoo.door import Door
from migrate.odoo.errors import AccessDenied
from migrate.odoo.standing import find_standing
from migrate.odoo.withheld import readable_rows
from migrate.preview import preview, since_apply, waiting_for_withheld
from migrate.rollback import foresee, rollback
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.applying.conftest import IMPATIENT
from tests.applying.test_staying import metered
from tests.mapping.build import customer


@dataclass
class Ruled:
    """Odoo with record rules: kept records are found by no search, and reading or writing one denies the whole call.

    ``load`` answers as Odoo does: no id, and the AccessError's sentence as a message.
    """

    inner: Any
    kept: dict[str, set[int]] = field(default_factory=dict)
    writing_only: bool = False  # shown, but not to be touched
    asked: int = 0  # calls, those that are denied too

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        self.asked += 1
        kept = self.kept.get(model, set())
        touched = kept & {*(ids or ())}
        is_read = method in ("read", "search", "search_read", "has_access")
        if touched and not (is_read and self.writing_only):
            raise AccessDenied(f"{model}.{method}: you are not allowed to access {model}: {sorted(touched)}")
        if method == "load" and (hidden := self._loaded(model, **arguments) & kept):
            message = {"type": "error", "message": f"not allowed to modify {model}: {sorted(hidden)}"}
            return {"ids": False, "messages": [message], "nextrow": 0}
        answer = self.inner.call(model, method, ids, **arguments)
        if self.writing_only or method not in ("search", "search_read"):
            return answer
        return [row for row in answer if (row if method == "search" else row["id"]) not in kept]

    def _loaded(self, model: str, fields: Sequence[str], data: Sequence[Sequence[str]], **_: Any) -> set[int]:
        """The records that rows of ``load`` write onto."""
        if ".id" in fields:
            return {int(row[fields.index(".id")]) for row in data if row[fields.index(".id")]}
        names = [row[fields.index("id")].partition(".")[2] for row in data if row[fields.index("id")]]
        domain = [["module", "=", "lago"], ["model", "=", model], ["name", "in", names]]
        rows = self.inner.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])
        return {row["res_id"] for row in rows}


@pytest.fixture
def ruled(world: Any) -> Any:
    """Six customers with an order each, applied; the rules come afterwards."""
    assert world.apply(world.all()).ok
    world.odoo = Ruled(world.odoo)
    return world


def keep(world: Any, model: str, *names: str) -> None:
    world.odoo.kept[model] = {world.id(name) for name in names}


def renamed(world: Any) -> list[Desired]:
    """Every record differs from what stands."""
    return [replace(d, values={**d.values, "name": f"{d.values['name']}b"}) for d in world.all()]


def actions(world: Any, mapped: Sequence[Desired]) -> Mapping[str, str]:
    changes = preview(world.door, world.ledger, mapped)
    return {c.xid.removeprefix("lago."): c.action.value for c in changes.changes}


def test_a_withheld_order_costs_itself_in_preview(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_3")
    told = actions(ruled, renamed(ruled))
    assert {x for x, action in told.items() if action == "withheld"} == {"subscription_3"}
    assert {action for x, action in told.items() if x != "subscription_3"} == {"update"}


def test_what_refers_to_a_withheld_record_is_told_by_preview_and_waits_in_apply(ruled: Any) -> None:
    keep(ruled, "res.partner", "customer_2", "customer_4")
    changes = preview(ruled.door, ruled.ledger, renamed(ruled))
    assert [c.source for c in waiting_for_withheld(changes)] == ["subscription 2", "subscription 4"]
    applied = ruled.apply(renamed(ruled))
    assert [(f.change.xid, f.because) for f in applied.failures] == [
        ("lago.customer_2", ""),
        ("lago.customer_4", ""),
        ("lago.subscription_2", "lago.customer_2"),
        ("lago.subscription_4", "lago.customer_4"),
    ]
    done = {"catalog": {"update": 1}, "customers": {"update": 4}, "subscriptions": {"update": 4}}
    assert applied.written == done
    with pytest.raises(OdooError, match=r"customer NX-2 \(res.partner lago.customer_2\): Odoo does not show it"):
        applied.raise_if_failed()
    assert {p.phase for p in ruled.ledger.phases() if not p.finished} == {Phase.CUSTOMERS, Phase.SUBSCRIPTIONS}


def test_the_next_run_writes_what_is_shown_again(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_0", "subscription_5")
    assert not ruled.apply(renamed(ruled)).ok
    ruled.odoo.kept.clear()
    again = ruled.apply(renamed(ruled))
    assert (again.ok, again.written) == (True, {"subscriptions": {"update": 2}})


def test_all_orders_may_be_withheld(ruled: Any) -> None:
    keep(ruled, "sale.order", *(f"subscription_{n}" for n in range(6)))
    applied = ruled.apply(renamed(ruled))
    assert applied.written == {"catalog": {"update": 1}, "customers": {"update": 6}}
    assert len(applied.failures) == 6


def test_a_withheld_record_that_left_lago_is_not_taken_for_gone(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_3")
    left = [d for d in ruled.all() if d.xid not in ("lago.subscription_3", "lago.customer_3")]
    applied = ruled.apply(left)
    assert next(str(f).partition(":")[0] for f in applied.failures) == "subscription 3 (sale.order lago.subscription_3)"
    assert "lago.subscription_3" in {entry.xid for entry in ruled.ledger.entries()}


def test_one_that_is_gone_among_those_that_are_withheld_is_created_again(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_3")
    ruled.odoo.inner.call("sale.order", "unlink", [ruled.id("subscription_1")])
    told = actions(ruled, ruled.all())
    assert (told["subscription_1"], told["subscription_3"]) == ("create", "withheld")


def test_a_record_that_is_shown_and_must_not_be_written_costs_itself(ruled: Any) -> None:
    ruled.odoo.writing_only = True
    keep(ruled, "sale.order", "subscription_3")
    wish = [ruled.order(n, "5", "2") if d.xid == f"lago.subscription_{n}" else d
            for n, d in ((int(d.xid[-1]), d) for d in ruled.all())]  # fmt: skip
    applied = ruled.apply(wish)
    assert [f.change.xid for f in applied.failures] == ["lago.subscription_3"]
    assert applied.written == {"subscriptions": {"update": 5}}


def test_a_saved_preview_with_a_withheld_record_is_applied(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_3")
    saved = from_json(to_json(preview(ruled.door, ruled.ledger, renamed(ruled))), "saved")
    assert [c.xid for c in saved.of(Action.WITHHELD)] == ["lago.subscription_3"]
    assert len(ruled.apply(renamed(ruled), saved=saved).failures) == 1


def test_rollback_leaves_a_withheld_order_and_what_it_stands_on_and_undoes_the_rest(ruled: Any) -> None:
    """Also its charges, and the metrics of these: it would bill less without them."""
    assert ruled.apply([*ruled.all(), *metered(2), *metered(3)]).ok
    keep(ruled, "sale.order", "subscription_3")
    foreseen, undone = foresee(ruled.door, ruled.ledger), rollback(ruled.door, ruled.ledger)
    assert [text.partition(":")[0] for text in foreseen.unknown] == ["subscription 3"]
    with_it = {f"{what}: stays with subscription 3" for what in ("charge 3", "metric 3", "customer NX-3", "plan basic")}
    assert set(undone.kept) == set(foreseen.kept) == with_it
    assert [text.partition(":")[0] for text in undone.refused] == ["subscription 3"]
    assert "subscription 3: Odoo does not show it to this user" in str(undone.error)
    assert (undone.deleted, undone.archived) == (12, ())
    ruled.odoo.kept.clear()
    lines = {"lago.line_3_0", "lago.line_3_1"}
    stands = {"lago.product_1", "lago.customer_3", "lago.subscription_3", "lago.charge_3", "lago.metric_3"}
    assert {entry.xid for entry in ruled.ledger.entries()} == stands | lines
    again = rollback(ruled.door, ruled.ledger)
    assert (again.ok, again.deleted, ruled.ours("sale.order"), ruled.ours("res.partner")) == (True, 5, 0, 0)


def test_rollback_names_a_record_that_must_not_be_deleted(ruled: Any) -> None:
    ruled.odoo.writing_only = True
    keep(ruled, "sale.order", "subscription_3")
    undone = rollback(ruled.door, ruled.ledger, phases=[Phase.SUBSCRIPTIONS])
    assert [text.partition(":")[0] for text in undone.refused] == ["subscription 3"]
    assert undone.deleted == 5


def usage(number: int) -> Desired:
    """What one order was reported to use."""
    return Desired(
        phase=Phase.USAGE,
        model="fusion.billing.usage",
        xid=f"lago.usage_{number}",
        source=Source("usage", str(number)),
        customer=f"NX-{number}",
        values={
            "code": f"calls-{number}",
            "external_subscription_id": f"sub-{number}",
            "transaction_id": f"t{number}",
            "timestamp": datetime(2026, 7, 1, tzinfo=UTC),
        },
    )


def test_an_order_that_odoo_does_not_let_go_keeps_its_charges_and_usage(ruled: Any) -> None:
    """And its customer, its metric and its product, none of them archived; everything else goes, in one run."""
    named = [ruled.order(n, "1", "2", fusion_external_id=f"sub-{n}") for n in (2, 3)]
    others = [d for d in ruled.all() if d.xid not in {order.xid for order in named}]
    assert ruled.apply([*others, *named, *metered(2), *metered(3), usage(2), usage(3)]).ok
    ruled.odoo.writing_only = True
    keep(ruled, "sale.order", "subscription_3")
    undone = rollback(ruled.door, ruled.ledger)
    assert [text.partition(":")[0] for text in undone.refused] == ["subscription 3"]
    parts = ("usage 3", "charge 3", "metric 3", "customer NX-3", "plan basic")
    assert set(undone.kept) == {f"{what}: stays with subscription 3" for what in parts}
    assert (undone.deleted, undone.archived) == (13, ())
    assert ruled.count("fusion.billing.charge", ["order_id", "=", ruled.id("subscription_3")]) == 1
    assert (ruled.ours("fusion.billing.usage"), ruled.ours("fusion.billing.charge")) == (1, 1)
    ruled.odoo.kept.clear()
    again = rollback(ruled.door, ruled.ledger)
    assert (again.ok, again.deleted, list(ruled.ledger.entries())) == (True, 6, [])
    assert ruled.count("ir.model.data", ["module", "=", "lago"]) == 0


def test_a_withheld_line_costs_its_order(ruled: Any) -> None:
    keep(ruled, "sale.order.line", "line_3_0")
    assert [x for x, action in actions(ruled, ruled.all()).items() if action == "withheld"] == ["subscription_3"]
    drift = since_apply(ruled.door, ruled.ledger).drift
    assert [(d.xid, d.deleted) for d in drift] == [("lago.subscription_3", False)]


def test_a_right_that_lacks_altogether_ends_the_command(ruled: Any) -> None:
    keep(ruled, "sale.order", "subscription_3")
    call = ruled.odoo.inner.call

    def without(model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        return False if method == "has_access" else call(model, method, ids, **arguments)

    ruled.odoo.inner.call = without
    with pytest.raises(AccessDenied):
        preview(ruled.door, ruled.ledger, ruled.all())


def asked(world: Any, hidden: int, gone: int) -> tuple[int, int, set[int]]:
    """How many calls it takes to read 2,000 partners, how many rows come, and which are kept from us."""
    names = [{"name": f"partner {n}"} for n in range(2000)]
    ids = world.odoo.inner.call("res.partner", "create", vals_list=names)
    world.odoo.inner.call("res.partner", "unlink", ids[hidden : hidden + gone])
    world.odoo.kept["res.partner"] = {*ids[:hidden]}
    door = Door(world.odoo, IMPATIENT)
    assert door.company_id
    before = world.odoo.asked
    rows, kept = readable_rows(door, "res.partner", ids, ["name"])
    assert {*kept} == {*ids[: len(kept)]} or not gone
    return world.odoo.asked - before, len(rows), {*kept}


@pytest.mark.parametrize(("hidden", "gone", "most"), [(1999, 0, 80), (1, 0, 10), (2000, 0, 80), (0, 1999, 6)])
def test_what_no_search_shows_is_told_in_a_few_calls(ruled: Any, hidden: int, gone: int, most: int) -> None:
    calls, rows, kept = asked(ruled, hidden, gone)
    assert (rows, len(kept)) == (2000 - hidden - gone, hidden)
    assert calls <= most


def test_the_hidden_one_of_many_that_are_gone_is_told_from_them(ruled: Any) -> None:
    calls, rows, kept = asked(ruled, 1, 1990)
    assert (rows, len(kept)) == (9, 1)
    assert calls <= 60


@pytest.mark.parametrize("extracted", [True, False])
def test_adopt_takes_what_is_kept_from_the_user_for_neither_gone_nor_known(
    ruled: Any, tmp_path: Path, extracted: bool
) -> None:
    """Nor its lines: a rollback would take them out of an order that stays."""
    keep(ruled, "sale.order", "subscription_3")
    with Store.open(tmp_path / "another.db") as store:
        again = Ledger(store)
        with store.lock():
            adoption = adopt(ruled.door, again, ruled.all() if extracted else ())
        lines = ("sale.order.line lago.line_3_0", "sale.order.line lago.line_3_1")
        assert (adoption.gone, {*adoption.withheld}) == ((), {"sale.order lago.subscription_3", *lines})
        assert adoption.made["sale.order"] == 5
        assert {"lago.subscription_3", "lago.line_3_0"} & {entry.xid for entry in again.entries()} == set()
        assert next(record.xid for record in strangers(ruled.door, again)) == "lago.subscription_3", "rollback names it"
        ruled.odoo.kept.clear()
        later = adopt(ruled.door, again, ruled.all() if extracted else ())
        assert (later.total, later.withheld, len(list(again.entries()))) == (1, (), 25)


def test_lines_that_odoo_does_not_show_keep_their_external_ids_in_a_rollback(ruled: Any) -> None:
    """Their order is not found by its external id any more: they were taken for gone with it, and nobody's."""
    domain = [["module", "=", "lago"], ["name", "=", "subscription_3"]]
    ruled.odoo.inner.call("ir.model.data", "unlink", ruled.odoo.inner.call("ir.model.data", "search", domain=domain))
    keep(ruled, "sale.order.line", "line_3_0", "line_3_1")
    undone = rollback(ruled.door, ruled.ledger)
    (told,) = (text for text in undone.refused if text.startswith("subscription 3"))
    assert "stands in Odoo, and its external id lago.subscription_3 is gone" in told
    assert ruled.count("ir.model.data", ["name", "in", ["line_3_0", "line_3_1"]]) == 2
    assert ruled.ours("sale.order") == 0
    assert [e.xid for e in ruled.ledger.entries() if e.model == "sale.order"] == ["lago.subscription_3"]


def test_an_external_id_that_odoo_keeps_costs_the_removal_that_it_belongs_to(ruled: Any) -> None:
    """The removals after it were not made."""
    ruled.odoo.kept["ir.model.data"] = {*named(ruled, "line_3_0")}
    ruled.odoo.writing_only = True
    staying = [d for d in ruled.all() if d.xid not in ("lago.subscription_3", "lago.subscription_1")]
    applied = ruled.apply(staying)
    (failure,) = applied.failures
    assert failure.change.xid == "lago.subscription_3"
    assert "lines of it stand in Odoo" in failure.reason
    assert ruled.ours("sale.order") == 4


def named(world: Any, name: str) -> list[int]:
    domain = [["module", "=", "lago"], ["name", "=", name]]
    found: list[int] = world.odoo.inner.call("ir.model.data", "search", domain=domain)
    return found


def test_a_customer_whose_partner_odoo_does_not_show_is_bound_all_the_same(ruled: Any) -> None:
    """It was taken for one that has no partner yet, so that others of its name were proposed."""
    keep(ruled, "res.partner", "customer_2")
    found = find_standing(ruled.door, [customer("2"), customer("3")])
    assert found.bound == {"2": ruled.id("customer_2"), "3": ruled.id("customer_3")}
    assert found.partners == {}
