"""Preview and apply against the embedded Odoo: what is written, once, in spite of whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mappings.target import Desired, Find, Phase, Ref, Skipped, Source
from migrate.change_set.changes import Action
from migrate.change_set.saved import from_json, to_json
from migrate.errors import Blocked, OdooError
from migrate.odoo.errors import AccessDenied, OdooRefused, OdooUnreachable, OutcomeUnknown, Retryable
from migrate.phases import Cohort
from migrate.preview import in_order, preview, since_apply
from tests.applying.conftest import REAL


def totals(applied: Any) -> dict[str, int]:
    return {phase: sum(row.values()) for phase, row in applied.written.items()}


@pytest.mark.parametrize("odoo", ["json2", "odoorpc"], indirect=True)
def test_everything_is_written_once_and_the_second_run_writes_nothing(world: Any) -> None:
    first = world.apply(world.all())
    assert first.ok
    assert totals(first) == {"catalog": 1, "customers": 6, "subscriptions": 6}
    before = world.odoo.writes()
    second = world.apply(world.all())
    assert (second.ok, second.written, second.calls, world.odoo.writes()) == (True, {}, 0, before)
    assert not second.changes.pending
    assert world.ours("sale.order.line") == 12
    row = world.odoo.call("res.partner", "read", [world.id("customer_3")], fields=["name", "state_id", "is_company"])[0]
    assert (row["name"], row["state_id"][1][:7], row["is_company"]) == ("Customer 3", "Ontario", True)


def test_preview_writes_nothing_and_says_what_apply_does(world: Any) -> None:
    changes = preview(world.door, world.ledger, world.all())
    assert world.odoo.writes() == 0
    assert changes.counts() == {
        "catalog": {"create": 1},
        "customers": {"create": 6},
        "subscriptions": {"create": 6},
    }
    assert world.apply(world.all()).changes == changes


def test_a_changed_customer_is_updated_alone_and_only_in_what_changed(world: Any) -> None:
    world.apply(world.all())
    world.odoo.call("res.partner", "write", [world.id("customer_2")], vals={"comment": "noted by hand"})
    applied = world.apply(
        [world.partner(n, city="Ottawa" if n == 2 else "Toronto") for n in range(6)], phases=[Phase.CUSTOMERS]
    )
    assert applied.written == {"customers": {"update": 1}}
    row = world.odoo.call("res.partner", "read", [world.id("customer_2")], fields=["city", "comment"])[0]
    assert row["city"] == "Ottawa"
    assert "noted by hand" in row["comment"]


def test_lines_change_come_and_go_and_the_prices_stay_ours(world: Any) -> None:
    world.apply(world.all(2))
    longer = [world.product(), world.partner(0), world.partner(1), world.order(0, "5", "2", "7"), world.order(1, "1")]
    applied = world.apply(longer)
    assert applied.ok
    assert applied.written == {"subscriptions": {"update": 2}}
    domain = [["order_id", "=", world.id("subscription_0")]]
    rows = world.odoo.call("sale.order.line", "search_read", domain=domain, fields=["product_uom_qty", "price_unit"])
    assert sorted(row["product_uom_qty"] for row in rows) == [2, 5, 7]
    assert {row["price_unit"] for row in rows} == {12.345}
    assert world.ours("sale.order.line") == 4
    assert not world.apply(longer).changes.pending


def test_what_someone_changed_in_odoo_is_kept_and_named(world: Any) -> None:
    world.apply(world.all())
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Paris"})
    applied = world.apply(world.all())
    assert applied.ok
    assert [c.source for c in applied.changes.of(Action.KEPT)] == ["customer NX-1"]
    found = since_apply(world.door, world.ledger).drift
    assert [(d.source, d.diffs[0].before, d.diffs[0].after) for d in found] == [("customer NX-1", "Paris", "Toronto")]


def test_a_field_changed_on_both_sides_is_a_conflict_that_fails_the_run_and_is_not_written(world: Any) -> None:
    world.apply(world.all())
    world.odoo.call("res.partner", "write", [world.id("customer_1")], vals={"city": "Paris"})
    applied = world.apply(
        [world.partner(1, city="Ottawa")], phases=[Phase.CUSTOMERS], cohort=Cohort("one", frozenset({"NX-1"}))
    )
    assert not applied.ok
    with pytest.raises(OdooError, match=r"customer NX-1 \(city\)"):
        applied.raise_if_failed()
    assert world.odoo.call("res.partner", "read", [world.id("customer_1")], fields=["city"])[0]["city"] == "Paris"


def test_an_archived_partner_is_drift_not_a_second_partner(world: Any) -> None:
    world.apply(world.all())
    world.odoo.call("res.partner", "write", [world.id("customer_4")], vals={"active": False})
    applied = world.apply(world.all())
    assert applied.ok
    assert applied.written == {}
    assert [c.source for c in applied.changes.of(Action.KEPT)] == ["customer NX-4"]
    assert world.ours("res.partner") == 6


def test_the_guilty_record_is_found_in_its_batch_named_and_the_rest_goes_through(world: Any) -> None:
    guilty = world.partner(77, name=None)
    applied = world.apply([*(world.partner(n) for n in range(40)), guilty, *(world.partner(n) for n in range(41, 60))])
    assert [f.change.xid for f in applied.failures] == ["lago.customer_77"]
    assert world.ours("res.partner") == 59
    with pytest.raises(OdooError, match="customer NX-77"):
        applied.raise_if_failed()
    assert [p.finished for p in world.ledger.phases() if p.phase is Phase.CUSTOMERS] == [False]


def test_what_needs_a_failed_record_is_not_sent_and_says_why(world: Any) -> None:
    guilty = world.partner(1, name=None)
    child = replace(world.partner(2), values={**world.partner(2).values, "parent_id": Ref("lago.customer_1")})
    applied = world.apply([guilty, child, world.partner(3)])
    assert [str(f).split(": ")[-1] for f in applied.failures][1] == "needs customer NX-1, which failed"
    assert applied.written == {"customers": {"create": 1}}
    assert applied.counts() == {"customers": {"create": 1, "not written": 2}}, "not what was planned"


def test_an_unfinished_phase_blocks_the_next_alone_and_says_the_way_out(world: Any) -> None:
    broken = [world.product(), world.partner(1, name=None), world.partner(2), world.order(2, "1")]
    applied = world.apply(broken)
    assert [f.change.xid for f in applied.failures] == ["lago.customer_1"]
    assert world.ours("sale.order") == 1
    with pytest.raises(Blocked, match="run 'lago2odoo apply --phase customers'"):
        world.apply(broken, phases=[Phase.SUBSCRIPTIONS])
    mended = [world.product(), world.partner(1), world.partner(2), world.order(2, "1")]
    assert world.apply(mended).ok
    assert world.ours("sale.order") == 1


def test_a_cohort_takes_its_customers_and_what_all_share(world: Any) -> None:
    pilot = Cohort("pilot", frozenset({"NX-1", "NX-2"}))
    applied = world.apply(world.all(), cohort=pilot)
    assert totals(applied) == {"catalog": 1, "customers": 2, "subscriptions": 2}
    assert not world.apply(world.all(), cohort=pilot).changes.pending
    assert totals(world.apply(world.all())) == {"customers": 4, "subscriptions": 4}


def test_a_record_that_left_lago_is_removed(world: Any) -> None:
    world.apply(world.all(3))
    applied = world.apply(world.all(2))
    assert applied.ok
    assert applied.written == {"customers": {"remove": 1}, "subscriptions": {"remove": 1}}
    assert applied.leftovers == ()
    assert (world.ours("sale.order"), world.ours("res.partner")) == (2, 2)
    assert world.count("sale.order", ["name", "=", "LAGO/2"]) == 0


def test_skipped_records_are_part_of_the_result(world: Any) -> None:
    skipped = Skipped(phase=Phase.TOKENS, source=Source("payment_method", "x"), reason="no_stripe", detail="d")
    assert world.apply([world.partner(1), skipped]).changes.counts()["tokens"] == {"skipped": 1}


# --- saved previews -------------------------------------------------------------------------------------------------


def test_a_saved_preview_is_applied_exactly(world: Any) -> None:
    saved = from_json(to_json(preview(world.door, world.ledger, world.all())))
    assert world.apply(world.all(), saved=saved).ok


def test_a_saved_preview_is_refused_once_odoo_or_the_snapshot_moved(world: Any) -> None:
    saved = preview(world.door, world.ledger, world.all(), snapshot_digest="monday")
    with pytest.raises(Blocked, match="snapshot"):
        world.apply(world.all(), saved=saved, snapshot_digest="tuesday")
    world.apply([world.partner(3)])
    with pytest.raises(Blocked, match="customer NX-3"):
        world.apply(world.all(), saved=saved, snapshot_digest="monday")
    assert world.ours("sale.order") == 0


# --- a record that moves between preview and write ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saved", "applied", "says"),
    [
        (
            {},
            {"cohort": Cohort("pilot", frozenset({"NX-1"}))},
            "for everyone, all phases, and this is for cohort pilot",
        ),
        ({"phases": [Phase.CATALOG]}, {}, "for everyone, phase catalog, and this is for everyone, all phases"),
    ],
)
def test_a_preview_of_another_scope_is_told_so(world: Any, saved: Any, applied: Any, says: str) -> None:
    """Not "moved": nothing did."""
    shown = preview(world.door, world.ledger, world.all(), **saved)
    with pytest.raises(Blocked, match=f"saved {says}"):
        world.apply(world.all(), saved=from_json(to_json(shown)), **applied)


def test_a_record_deleted_by_hand_in_the_meantime_is_created_again_whole(world: Any) -> None:
    world.apply(world.all(2))
    number = world.id("customer_5") if world.ours("res.partner") > 5 else None
    assert number is None
    world.apply([*world.all(2), world.partner(5)])
    victim = world.id("customer_5")

    def delete(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "read"):
            world.odoo.after = lambda *_: None
            world.odoo.inner.call("res.partner", "unlink", [victim])

    world.odoo.after = delete
    applied = world.apply([*world.all(2), world.partner(5, city="Ottawa")])
    assert applied.ok
    row = world.odoo.call("res.partner", "read", [world.id("customer_5")], fields=["city", "name", "ref"])[0]
    assert (row["city"], row["name"], row["ref"]) == ("Ottawa", "Customer 5", "NX-5")


def test_a_field_changed_by_hand_in_the_meantime_is_not_overwritten(world: Any) -> None:
    world.apply([world.partner(1)])
    victim = world.id("customer_1")

    def change(model: str, method: str, _number: int) -> None:
        if (model, method) == ("res.partner", "read"):
            world.odoo.after = lambda *_: None
            world.odoo.inner.call("res.partner", "write", [victim], vals={"city": "Paris"})

    world.odoo.after = change
    applied = world.apply([world.partner(1, city="Ottawa")])
    assert [str(edited) for edited in applied.meanwhile] == [
        "customer NX-1 (res.partner lago.customer_1): changed in Odoo a moment ago, and kept: city is 'Paris' now"
    ]
    assert world.odoo.call("res.partner", "read", [victim], fields=["city"])[0]["city"] == "Paris"


# --- faults of the line and of the server ---------------------------------------------------------------------------


def fail_on(model: str, method: str, numbers: set[int], error: Exception) -> Any:
    def script(called_model: str, called: str, number: int) -> None:
        if (called_model, called) == (model, method) and number in numbers:
            raise error

    return script


def test_a_timeout_after_the_commit_is_resolved_by_looking(world: Any) -> None:
    world.odoo.after = fail_on("res.partner", "load", {1}, OutcomeUnknown("timed out"))
    assert world.apply(world.all()).ok
    assert world.ours("res.partner") == 6
    assert world.count("res.partner", ["ref", "like", "NX-%"]) == 6


def test_a_broken_line_before_the_commit_is_repeated(world: Any) -> None:
    world.odoo.before = fail_on("res.partner", "load", {1, 2}, OutcomeUnknown("reset by peer"))
    assert world.apply(world.all()).ok
    assert world.count("res.partner", ["ref", "like", "NX-%"]) == 6


def test_a_server_that_stays_away_ends_the_run_and_the_next_one_finishes(world: Any) -> None:
    def away(model: str, method: str, _number: int) -> None:
        if ("sale.order", "load") in world.odoo.calls:
            raise OdooUnreachable("connection refused")

    world.odoo.before = away
    with pytest.raises(OdooUnreachable, match="run the same command again"):
        world.apply(world.all())
    world.odoo.before = lambda *_: None
    applied = world.apply(world.all())
    assert (applied.ok, totals(applied)) == (True, {"subscriptions": 6})


def test_serialization_failures_are_repeated(world: Any) -> None:
    world.odoo.before = fail_on("res.partner", "load", {1, 2, 3}, Retryable("could not serialize access"))
    assert world.apply(world.all()).ok


def test_serialization_failures_that_load_swallows_are_repeated_not_blamed(world: Any) -> None:
    genuine = world.odoo.inner.call
    lies = {"left": 2}

    def call(model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        if method == "load" and lies["left"]:
            lies["left"] -= 1
            message = "could not serialize access due to concurrent update"
            return {"ids": False, "messages": [{"type": "error", "message": message}], "nextrow": 0}
        return genuine(model, method, ids, **arguments)

    world.odoo.inner.call = call
    assert world.apply(world.all()).ok
    assert lies["left"] == 0


def test_a_success_that_was_never_committed_is_noticed_and_sent_again(world: Any) -> None:
    """Odoo answers 200 with ids while it shuts down, and commits nothing (facts §2h)."""
    genuine = world.odoo.inner.call
    lies = {"left": 1}

    def call(model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        if (model, method) == ("res.partner", "load") and lies["left"]:
            lies["left"] -= 1
            return {"ids": list(range(900, 906)), "messages": [], "nextrow": 0}
        return genuine(model, method, ids, **arguments)

    world.odoo.inner.call = call
    assert world.apply(world.all()).ok
    assert world.ours("res.partner") == 6


def test_missing_rights_end_the_run_at_once(world: Any) -> None:
    world.odoo.before = fail_on("res.partner", "load", {1, 2, 3, 4}, AccessDenied("not allowed to create"))
    world.odoo.instead = lambda _model, method, _number: False if method == "has_access" else REAL
    with pytest.raises(AccessDenied):
        world.apply(world.all())
    assert world.odoo.calls.count(("res.partner", "load")) == 1


def test_a_quantity_that_odoo_cuts_fails_the_record_and_names_the_remedy(world: Any) -> None:
    applied = world.apply([world.product(), world.partner(1), world.order(1, "1.2345")])
    assert "decimal precision" in applied.failures[0].reason
    assert "1.2345" in applied.failures[0].reason
    again = world.apply([world.product(), world.partner(1), world.order(1, "1.2345")])
    assert not again.ok


def test_a_method_is_not_called_twice_when_its_answer_was_lost(world: Any) -> None:
    wish = replace(world.order(1, "1"), after=("action_confirm",))
    world.odoo.after = fail_on("sale.order", "action_confirm", {1}, OutcomeUnknown("timed out"))
    applied = world.apply([world.product(), world.partner(1), wish])
    assert applied.ok
    assert world.odoo.calls.count(("sale.order", "action_confirm")) == 1
    row = world.odoo.call("sale.order", "read", [world.id("subscription_1")], fields=["state"])[0]
    assert row["state"] == "sale"
    assert not world.apply([world.product(), world.partner(1), wish]).changes.pending


def test_an_order_left_unconfirmed_by_a_killed_run_is_confirmed_by_the_next(world: Any) -> None:
    wish = replace(world.order(1, "1"), after=("action_confirm",))
    world.odoo.before = fail_on("sale.order", "action_confirm", {1}, KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        world.apply([world.product(), world.partner(1), wish])
    applied = world.apply([world.product(), world.partner(1), wish])
    assert applied.ok
    row = world.odoo.call("sale.order", "read", [world.id("subscription_1")], fields=["state"])[0]
    assert row["state"] == "sale"


def test_stopped_anywhere_the_next_run_reaches_the_same_state(world: Any) -> None:
    """Ctrl-C before or after every single call, one after the other, in one long apply."""
    mapped = [*world.all(3)[:-1], replace(world.order(2, "1"), after=("action_confirm",))]
    for number in range(1, 60):
        seen = {"calls": 0}

        def stop(_model: str, _method: str, _number: int, seen: Any = seen, number: int = number) -> None:
            seen["calls"] += 1
            if seen["calls"] == number:
                raise KeyboardInterrupt

        world.odoo.before, world.odoo.after = (stop, lambda *_: None) if number % 2 else (lambda *_: None, stop)
        try:
            applied = world.apply(mapped)
        except KeyboardInterrupt:
            continue
        break
    world.odoo.before = world.odoo.after = lambda *_: None
    assert applied.ok
    assert not world.apply(mapped).changes.pending
    assert (world.ours("res.partner"), world.ours("sale.order"), world.ours("sale.order.line")) == (3, 3, 5)
    assert world.count("res.partner", ["ref", "like", "NX-%"]) == 3
    assert all(entry.created for entry in world.ledger.entries())


# --- what cannot be begun -------------------------------------------------------------------------------------------


def test_a_reference_that_leads_nowhere_is_named_with_its_user(world: Any) -> None:
    with pytest.raises(Blocked, match=r"customer NX-1 needs account\.1_hst"):
        world.apply([world.partner(1, property_payment_term_id=Ref("account.1_hst_nowhere"))])


def test_a_search_without_its_one_record_gives_the_hint(world: Any) -> None:
    nowhere = Find("res.country.state", (("code", "=", "ZZ"),), "add the province")
    many = Find("res.country.state", (("country_id.code", "=", "CA"),), "choose one")
    with pytest.raises(Blocked, match=r"no res\.country\.state .*add the province; more than one .*choose one"):
        world.apply([world.partner(1, state_id=nowhere), world.partner(2, state_id=many)])


def test_a_field_or_model_that_the_server_lacks_is_blocked(world: Any) -> None:
    with pytest.raises(Blocked, match=r"res\.partner has no field shoe_size"):
        world.apply([world.partner(1, shoe_size=43)])
    wish = Desired(
        phase=Phase.CATALOG, model="fusion.nothing", xid="lago.x", source=Source("x", ""), values={"name": "x"}
    )
    with pytest.raises(Blocked, match=r"no model fusion\.nothing"):
        world.apply([wish])


def test_an_external_id_that_belongs_to_something_else_is_named(world: Any) -> None:
    world.apply([world.partner(1)])
    other = replace(world.product(), xid="lago.customer_1", phase=Phase.CUSTOMERS)
    (change,) = preview(world.door, world.ledger, [other], phases=[Phase.CUSTOMERS]).changes
    assert (change.action, change.xid) == (Action.WITHHELD, "lago.customer_1")
    assert "its external id lago.customer_1 names res.partner" in change.note
    assert "which is no product.product" in change.note


def test_a_method_we_cannot_check_is_never_called(world: Any) -> None:
    with pytest.raises(OdooError, match="action_explode"):
        world.apply([replace(world.partner(1), after=("action_explode",))])


def test_what_is_referred_to_comes_first_and_circles_are_refused(world: Any) -> None:
    child = replace(world.partner(1), values={"name": "x", "parent_id": Ref("lago.customer_2")})
    assert [d.xid for d in in_order([child, world.partner(2)])] == ["lago.customer_2", "lago.customer_1"]
    parent = replace(world.partner(2), values={"name": "y", "parent_id": Ref("lago.customer_1")})
    with pytest.raises(OdooError, match="circle"):
        in_order([child, parent])


def test_a_refusal_is_an_error_of_its_record(world: Any) -> None:
    world.odoo.before = fail_on("res.partner", "load", {1}, OdooRefused("no"))
    applied = world.apply([world.partner(1)])
    assert [f.reason for f in applied.failures] == ["no"]
