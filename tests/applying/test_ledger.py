"""The ledger, row by row: what it remembers before a write and after it, what it forgets, and how far phases are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from mappings.target import Desired, Phase, Source
from migrate.change_set.changes import Action, Change, FieldDiff, Known, LineChange, Observed, Seen
from migrate.change_set.compare import diff
from migrate.errors import Blocked
from migrate.state.entries import APPLIED, SENT, WRITING, ZEROED, Entry
from migrate.state.ledger import Ledger
from migrate.state.records import PhaseProgress
from migrate.state.tables import APPLY_RUNS
from migrate.values import OdooField

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
FIELDS = {
    "res.partner": {
        "name": OdooField("char"),
        "city": OdooField("char"),
        "zip": OdooField("char"),
        "tag_ids": OdooField("many2many"),
    },
    "sale.order": {"client_order_ref": OdooField("char"), "order_line": OdooField("one2many", "sale.order.line")},
    "sale.order.line": {"name": OdooField("char"), "price_unit": OdooField("float")},
}


def partner(number: int = 1, customer: str | None = "C1", **values: Any) -> Desired:
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid=f"lago.customer_{number}",
        source=Source("customer", str(number)),
        customer=customer,
        values={"name": "Ada", "city": "Toronto", **values},
    )


def line(number: int, price: str = "10") -> Desired:
    values = {"name": f"line {number}", "price_unit": Decimal(price)}
    xid = f"lago.line_{number}"
    source = Source("order", "1")
    return Desired(phase=Phase.SUBSCRIPTIONS, model="sale.order.line", xid=xid, source=source, values=values)


def order(*lines: Desired) -> Desired:
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid="lago.order_1",
        source=Source("order", "1"),
        customer="C1",
        values={"client_order_ref": "A"},
        children={"order_line": lines},
    )


def seen_partner(res_id: int = 5, **values: Any) -> Seen:
    return Seen("res.partner", res_id, {"name": "Ada", "city": "Toronto", **values})


def seen_order(lines: Mapping[int, str]) -> Seen:
    inner = {
        f"lago.line_{n}": Seen("sale.order.line", 100 + n, {"name": f"line {n}", "price_unit": price})
        for n, price in lines.items()
    }
    return Seen("sale.order", 7, {"client_order_ref": "A"}, {"order_line": inner})


def observed(*records: tuple[str, Seen]) -> Observed:
    return Observed(FIELDS, dict(records))


def changes(ledger: Ledger, wanted: Iterable[Desired], stands: Observed) -> list[Change]:
    records = list(wanted)
    base = {xid: known for xid, known in ledger.known().items() if xid in {record.xid for record in records}}
    return list(diff(records, stands, base).changes)


def write(ledger: Ledger, wanted: Desired, stands: Observed, then: Seen, **more: Any) -> None:
    """One change, begun and verified."""
    some = changes(ledger, [wanted], stands)
    ledger.intend(some)
    ledger.finish(some, {wanted.xid: then}, stands, **more)


def entry(ledger: Ledger, xid: str = "lago.customer_1") -> Entry:
    return {e.xid: e for e in ledger.entries()}[xid]


ONE = "lago.customer_1"


# --- creations ------------------------------------------------------------------------------------------------------


def test_a_creation_under_way_is_ours_although_nothing_is_known_as_sent(ledger: Ledger) -> None:
    run = ledger.begin("apply")
    ledger.intend(changes(ledger, [partner()], observed()))
    row = Entry(ONE, 1, "", "res.partner", 0, "customers", "C1", "customer 1", SENT, created=True, run=run)
    assert entry(ledger) == row
    assert ledger.known() == {
        ONE: Known("res.partner", 0, {}, phase="customers", customer="C1", source="customer 1", writing=True)
    }
    assert ledger.count() == {}, "not applied yet"


def test_a_verified_creation_knows_what_was_sent_and_what_odoo_made_of_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner(city="TORONTO", zip="M5V"))
    found = entry(ledger)
    assert (found.state, found.created, found.res_id, found.seq) == (APPLIED, True, 5, 1)
    assert found.sent == {"name": "Ada", "city": "Toronto"}
    assert found.stored == {"city": "TORONTO"}
    assert found.before == {}, "what was not there has no before"
    assert ledger.known()[ONE].writing is False
    assert ledger.count() == {"customers": 1}


def test_a_creation_that_is_begun_again_is_still_ours(ledger: Ledger) -> None:
    ledger.begin("apply")
    some = changes(ledger, [partner()], observed())
    ledger.intend(some)
    ledger.begin("apply")
    ledger.intend(some)
    found = entry(ledger)
    assert (found.state, found.created, found.seq) == (SENT, True, 1)


def test_what_was_deleted_by_hand_and_is_created_again_is_a_creation_with_no_past(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed((ONE, seen_partner(city="Old"))), seen_partner())
    assert (entry(ledger).created, entry(ledger).before) == (False, {"city": "Old"})
    ledger.intend(changes(ledger, [partner()], observed()))
    assert (entry(ledger).state, entry(ledger).created, entry(ledger).before) == (SENT, True, {})


# --- changes of what stood there ------------------------------------------------------------------------------------


def test_the_values_of_before_are_those_before_our_first_change(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed((ONE, seen_partner(name="Eve", city="Old"))), seen_partner())
    assert entry(ledger).before == {"name": "Eve", "city": "Old"}
    write(
        ledger,
        partner(city="Ottawa", zip="K1A"),
        observed((ONE, seen_partner(zip="X"))),
        seen_partner(city="Ottawa", zip="K1A"),
    )
    found = entry(ledger)
    assert found.before == {"name": "Eve", "city": "Old", "zip": "X"}, (
        "a field's first value stays, a new field's is added"
    )
    assert (found.sent, found.created) == ({"name": "Ada", "city": "Ottawa", "zip": "K1A"}, False)


def test_what_we_created_has_no_before_whatever_is_changed_later(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner())
    write(ledger, partner(city="Ottawa"), observed((ONE, seen_partner())), seen_partner(city="Ottawa"))
    assert (entry(ledger).created, entry(ledger).before, entry(ledger).seq) == (True, {}, 1)


def test_a_change_under_way_is_marked_until_it_is_verified(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner())
    some = changes(ledger, [partner(city="Ottawa")], observed((ONE, seen_partner())))
    ledger.intend(some)
    assert (entry(ledger).state, ledger.known()[ONE].writing) == (WRITING, True)
    assert entry(ledger).sent == {"name": "Ada", "city": "Toronto"}, "what is verified, not what is hoped"
    assert ledger.count() == {"customers": 1}
    ledger.intend(some)
    assert entry(ledger).state == WRITING
    ledger.finish(some, {ONE: seen_partner(city="Ottawa")}, observed((ONE, seen_partner())))
    assert (entry(ledger).state, entry(ledger).sent["city"]) == (APPLIED, "Ottawa")


def test_an_adoption_that_is_cut_remembers_what_stood(ledger: Ledger) -> None:
    ledger.begin("apply")
    ledger.intend(changes(ledger, [partner()], observed((ONE, seen_partner(city="Old")))))
    found = entry(ledger)
    assert (found.state, found.created, found.before, found.sent) == (SENT, False, {"city": "Old"}, {})


def test_what_odoo_moved_along_on_a_record_of_before_us_is_given_back_too(ledger: Ledger) -> None:
    ledger.begin("apply")
    stood = seen_partner(name="Eve", zip="A")
    write(ledger, partner(), observed((ONE, stood)), seen_partner(zip="B"))
    assert entry(ledger).before == {"name": "Eve", "zip": "A"}


def test_a_field_that_was_kept_stays_as_the_ledger_had_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner(city="TORONTO"))
    moved = observed((ONE, seen_partner(city="Elsewhere")))
    some = changes(ledger, [partner(name="Bea")], moved)
    assert {d.field: d.verdict for d in some[0].diffs} == {"name": Action.UPDATE, "city": Action.KEPT}
    ledger.intend(some)
    ledger.finish(some, {ONE: seen_partner(name="BEA", city="Elsewhere")}, moved)
    found = entry(ledger)
    assert found.sent == {"name": "Bea", "city": "Toronto"}
    assert found.stored == {"name": "BEA", "city": "TORONTO"}, "someone else's city is not what Odoo made of ours"


def test_a_field_in_conflict_stays_as_the_ledger_had_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner())
    conflict = FieldDiff("city", "Elsewhere", "Ottawa", Action.CONFLICT)
    some = [
        replace(c, diffs=(conflict,))
        for c in changes(ledger, [partner(city="Ottawa")], observed((ONE, seen_partner())))
    ]
    ledger.finish(some, {ONE: seen_partner(city="Elsewhere")}, observed())
    assert (entry(ledger).sent["city"], entry(ledger).stored) == ("Toronto", {})


def test_many_relations_read_back_as_they_were_sent(ledger: Ledger) -> None:
    ledger.begin("apply")
    stands = observed((ONE, seen_partner(tag_ids=("a.x", "a.y"))))
    write(ledger, partner(tag_ids=()), stands, seen_partner(tag_ids=()))
    assert (entry(ledger).before["tag_ids"], entry(ledger).sent["tag_ids"]) == (("a.x", "a.y"), ())


# --- lines ----------------------------------------------------------------------------------------------------------


def test_lines_are_rows_of_their_own_and_know_their_record(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, order(line(1), line(2)), observed(), seen_order({1: "10", 2: "10.50"}))
    rows = {e.xid: e for e in ledger.entries()}
    assert [(e.parent, e.model, e.res_id, e.created) for e in rows.values()] == [
        ("", "sale.order", 7, True),
        ("lago.order_1", "sale.order.line", 101, True),
        ("lago.order_1", "sale.order.line", 102, True),
    ]
    assert (rows["lago.line_1"].stored, rows["lago.line_2"].stored) == ({}, {"price_unit": "10.50"})
    known = ledger.known()
    assert known.keys() == {"lago.order_1"}
    assert known["lago.order_1"].lines.keys() == {"lago.line_1", "lago.line_2"}
    lines = {"lago.line_1": ("sale.order.line", 101), "lago.line_2": ("sale.order.line", 102)}
    assert ledger.lines_of(["lago.order_1"]) == lines
    assert ledger.lines_of(["lago.line_1"]) == {}
    assert ledger.count() == {"subscriptions": 1}, "lines are not counted"


def test_a_line_that_changes_remembers_its_own_before(ledger: Ledger) -> None:
    ledger.begin("apply")
    stands = observed(("lago.order_1", seen_order({1: "8", 2: "10"})))
    some = changes(ledger, [order(line(1), line(2), line(3))], stands)
    ledger.intend(some)
    rows = {e.xid: e for e in ledger.entries()}
    assert (rows["lago.line_1"].before, rows["lago.line_1"].created) == ({"price_unit": "8"}, False)
    assert "lago.line_2" not in rows, "nothing of it is written"
    assert (rows["lago.line_3"].created, rows["lago.line_3"].state) == (True, SENT)
    ledger.finish(some, {"lago.order_1": seen_order({1: "10", 2: "10", 3: "10"})}, stands)
    rows = {e.xid: e for e in ledger.entries()}
    assert {x: (e.created, e.before) for x, e in rows.items() if e.parent} == {
        "lago.line_1": (False, {"price_unit": "8"}),
        "lago.line_2": (False, {}),
        "lago.line_3": (True, {}),
    }


def test_what_odoo_moved_along_on_a_line_of_before_us_is_given_back_too(ledger: Ledger) -> None:
    ledger.begin("apply")
    stood = seen_order({1: "8"})
    then = seen_order({1: "10"})
    stood.lines["order_line"]["lago.line_1"].values["tax"] = "a"  # type: ignore[index]
    then.lines["order_line"]["lago.line_1"].values["tax"] = "b"  # type: ignore[index]
    write(ledger, order(line(1)), observed(("lago.order_1", stood)), then)
    assert entry(ledger, "lago.line_1").before == {"price_unit": "8", "tax": "a"}


def test_a_kept_field_of_a_line_stays_as_the_ledger_had_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, order(line(1), line(2)), observed(), seen_order({1: "10", 2: "10"}))
    moved = observed(("lago.order_1", seen_order({1: "99", 2: "10"})))
    write(ledger, order(line(1), line(2, "12")), moved, seen_order({1: "99", 2: "12"}))
    assert entry(ledger, "lago.line_1").sent["price_unit"] == "10"
    assert entry(ledger, "lago.line_1").stored == {}
    assert entry(ledger, "lago.line_2").sent["price_unit"] == "12"


def test_a_line_that_went_is_forgotten_and_one_that_stays_sleeps(ledger: Ledger) -> None:
    ledger.begin("apply")
    both = seen_order({1: "10", 2: "10.50"})
    write(ledger, order(line(1), line(2)), observed(), both)
    some = changes(ledger, [order(line(1))], observed(("lago.order_1", both)))
    assert [(x.xid, x.action) for x in some[0].lines] == [
        ("lago.line_1", Action.UNCHANGED),
        ("lago.line_2", Action.REMOVE),
    ]
    ledger.intend(some)
    assert entry(ledger, "lago.line_2").state == WRITING
    then = seen_order({1: "10", 2: "0"})
    zeroed = {"lago.line_2": {"price_unit": "0", "qty": "0"}}
    ledger.finish(some, {"lago.order_1": then}, observed(("lago.order_1", both)), zeroed)
    asleep = entry(ledger, "lago.line_2")
    assert (asleep.state, asleep.stored, asleep.created) == (ZEROED, {}, True)
    assert asleep.sent == {"name": "line 2", "price_unit": "0", "qty": "0"}, "as it stands; the rest as it was zeroed"
    assert ledger.known()["lago.order_1"].lines["lago.line_2"].zeroed is True
    assert ledger.known()["lago.order_1"].lines["lago.line_1"].zeroed is False
    ledger.finish(some, {"lago.order_1": seen_order({1: "10"})}, observed())
    assert "lago.line_2" not in {e.xid for e in ledger.entries()}


def test_a_change_that_wants_nothing_is_not_verified(ledger: Ledger) -> None:
    removal = Change(Action.REMOVE, Phase.CUSTOMERS, "res.partner", ONE, "customer 1")
    ledger.begin("apply")
    ledger.finish([removal], {ONE: seen_partner()}, observed())
    assert list(ledger.entries()) == []


def test_a_line_in_conflict_is_not_begun_one_that_goes_is(ledger: Ledger) -> None:
    lines = (
        LineChange("order_line", "sale.order.line", "lago.line_1", Action.CONFLICT, line(1)),
        LineChange("order_line", "sale.order.line", "lago.line_2", Action.CONFLICT, None),
    )
    ledger.begin("apply")
    ledger.intend([Change(Action.UPDATE, Phase.SUBSCRIPTIONS, "sale.order", "lago.order_1", "order 1", lines=lines)])
    assert [e.xid for e in ledger.entries()] == ["lago.order_1", "lago.line_2"]


# --- reading, forgetting --------------------------------------------------------------------------------------------


def some_of_each(ledger: Ledger) -> None:
    ledger.begin("apply")
    for number, customer in ((1, "C1"), (2, "C2"), (3, None)):
        write(ledger, partner(number, customer), observed(), seen_partner(number))
    write(ledger, order(line(1)), observed(), seen_order({1: "10"}))


def test_entries_come_in_order_by_phase_and_customer(ledger: Ledger) -> None:
    some_of_each(ledger)
    assert [e.xid[5:] for e in ledger.entries()] == ["customer_1", "customer_2", "customer_3", "order_1", "line_1"]
    assert [e.xid[5:] for e in ledger.entries([Phase.SUBSCRIPTIONS])] == ["order_1", "line_1"]
    assert [e.xid[5:] for e in ledger.entries(customers=frozenset({"C2"}))] == ["customer_2"]
    assert [e.xid[5:] for e in ledger.entries([Phase.CUSTOMERS], frozenset({"C1"}))] == ["customer_1"]
    assert list(ledger.entries([])) == []
    assert list(ledger.known([Phase.CUSTOMERS], frozenset({"C1", "C2"}))) == [ONE, "lago.customer_2"]
    assert ledger.count() == {"customers": 3, "subscriptions": 1}


def test_the_order_goes_on_in_the_next_run(ledger: Ledger) -> None:
    some_of_each(ledger)
    last = max(e.seq for e in ledger.entries())
    again = Ledger(ledger.store)
    number = again.begin("apply")
    write(again, partner(9), observed(), seen_partner(9))
    assert entry(again, "lago.customer_9").seq == last + 1
    assert entry(again, "lago.customer_9").run == number == again.run
    assert entry(again).run == number - 1


def test_more_than_a_statement_takes_is_read_and_forgotten_whole(ledger: Ledger) -> None:
    numbers = range(1002)
    wanted = [replace(order(line(n)), xid=f"lago.order_{n}") for n in numbers]
    some = changes(ledger, wanted, observed())
    ledger.begin("apply")
    ledger.intend(some)
    ledger.finish(some, {w.xid: seen_order({n: "10"}) for n, w in zip(numbers, wanted, strict=True)}, observed())
    assert all(e.created for e in ledger.entries())
    assert ledger.count() == {"subscriptions": 1002}
    assert len(ledger.lines_of([w.xid for w in wanted])) == 1002
    ledger.forget([w.xid for w in wanted])
    assert list(ledger.entries()) == []


def test_a_record_is_forgotten_with_its_lines_and_nothing_else(ledger: Ledger) -> None:
    some_of_each(ledger)
    ledger.forget(["lago.order_1", "lago.customer_2"])
    assert [e.xid for e in ledger.entries()] == [ONE, "lago.customer_3"]
    ledger.forget([])
    assert len(list(ledger.entries())) == 2


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_is_noted_with_its_moments_its_target_and_its_counts(ledger: Ledger) -> None:
    first = ledger.begin("apply", "pilot", "uuid-1", NOW)
    ledger.end({"customers": {"create": 2}}, NOW.replace(hour=13))
    second = ledger.begin("rollback")
    with ledger.store.begin() as db:
        rows = [dict(row._mapping) for row in db.execute(sa.select(APPLY_RUNS).order_by(APPLY_RUNS.c.id))]
    assert (first, second) == (rows[0]["id"], rows[1]["id"])
    assert (rows[0]["command"], rows[0]["cohort"], rows[0]["target"]) == ("apply", "pilot", "uuid-1")
    assert (rows[0]["started_at"], rows[0]["finished_at"]) == ("2031-05-01T12:00:00+00:00", "2031-05-01T13:00:00+00:00")
    assert json.loads(rows[0]["counts"]) == {"customers": {"create": 2}}
    assert (rows[1]["finished_at"], rows[1]["cohort"], rows[1]["counts"]) == (None, "", "{}")


def test_another_odoo_is_refused_only_while_the_ledger_tells_of_records(ledger: Ledger) -> None:
    ledger.begin("apply", target="uuid-1")
    ledger.require_same("uuid-2")
    some_of_each(ledger)  # runs that name no target change nothing
    for act in (ledger.require_same, lambda target: ledger.begin("apply", target=target)):
        with pytest.raises(Blocked, match=r"this state tells of 5 records in another Odoo database \(uuid-1\)"):
            act("uuid-2")
    ledger.require_same("uuid-1")
    ledger.require_same("")
    ledger.forget([e.xid for e in ledger.entries()])
    ledger.begin("apply", target="uuid-2")
    some_of_each(ledger)
    with pytest.raises(Blocked, match="uuid-2"):
        ledger.require_same("uuid-1")


# --- phases ---------------------------------------------------------------------------------------------------------


def test_phases_are_told_in_their_order_then_by_cohort(ledger: Ledger) -> None:
    ledger.set_phase(Phase.USAGE, "", finished=False, detail="interrupted", now=NOW)
    ledger.set_phase(Phase.CATALOG, "pilot", finished=False, now=NOW)
    ledger.set_phase(Phase.CATALOG, "", finished=True, now=NOW)
    ledger.set_phase(Phase.CATALOG, "pilot", finished=True, detail="2 refused", now=NOW)
    at = "2031-05-01T12:00:00+00:00"
    assert ledger.phases() == (
        PhaseProgress(Phase.CATALOG, "", True, "", at),
        PhaseProgress(Phase.CATALOG, "pilot", True, "2 refused", at),
        PhaseProgress(Phase.USAGE, "", False, "interrupted", at),
    )


def test_what_blocks_is_a_value_and_no_text(ledger: Ledger) -> None:
    ledger.set_phase(Phase.CATALOG, "", finished=False, detail="left out: of a text", now=NOW)
    ledger.set_phase(Phase.CUSTOMERS, "", finished=False, detail="any text", left_out=True, now=NOW)
    assert [p.blocks for p in ledger.phases()] == [True, False]


@pytest.mark.parametrize(
    ("cohort", "left"),
    [
        ("", [(Phase.CATALOG, "pilot")]),  # for everyone: every cohort's goes
        ("pilot", [(Phase.CATALOG, "pilot"), (Phase.CUSTOMERS, "rest")]),
        ("nobody", [(Phase.CATALOG, "pilot"), (Phase.CUSTOMERS, "pilot"), (Phase.CUSTOMERS, "rest")]),
    ],
)
def test_a_phase_that_is_undone_is_no_longer_finished(ledger: Ledger, cohort: str, left: object) -> None:
    for phase, name in ((Phase.CATALOG, "pilot"), (Phase.CUSTOMERS, ""), (Phase.CUSTOMERS, "pilot"), (Phase.CUSTOMERS, "rest")):  # fmt: skip  # noqa: E501
        ledger.set_phase(phase, name, finished=True)
    ledger.drop_phase(Phase.CUSTOMERS, cohort)
    assert [(p.phase, p.cohort) for p in ledger.phases()] == left


# --- more than one statement bears, and what was found in Odoo -------------------------------------------------------


def many(ledger: Ledger, count: int) -> list[str]:
    """So many records with a line each, written as ``adopt`` does."""
    found = [
        replace(BLANK, xid=f"lago.order_{number}", model="sale.order", created=number % 2 == 0, adopted=number % 2 == 1)
        for number in range(count)
    ]
    lines = [
        replace(BLANK, xid=f"lago.line_{n}", model="sale.order.line", parent=f"lago.order_{n}") for n in range(count)
    ]
    ledger.begin("adopt")
    ledger.take_up([*found, *lines])
    return [entry.xid for entry in found]


BLANK = Entry("", 0, "", "", 7, "subscriptions", "C1", "order", APPLIED, created=True)


@pytest.mark.parametrize("parameters", [1, 3, 500])
def test_however_many_there_are_each_is_found_and_forgotten_once(
    ledger: Ledger, parameters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.state.ledger.PARAMETERS", parameters)
    xids = many(ledger, 7)
    assert ledger.knows([*xids, "lago.nobody"]) == frozenset(xids)
    assert ledger.knows([]) == frozenset()
    assert sorted(ledger.lines_of(xids)) == [f"lago.line_{n}" for n in range(7)]
    ledger.forget(xids[:6])
    assert [e.xid for e in ledger.entries()] == ["lago.order_6", "lago.line_6"]


def test_what_is_taken_up_has_numbers_in_its_order_and_the_run_that_found_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner())
    xids = many(ledger, 2)
    rows = [(e.xid, e.seq, e.run, e.created, e.adopted) for e in ledger.entries()]
    assert rows == [
        (ONE, 1, 1, True, False),
        (xids[0], 2, 2, True, False),
        (xids[1], 3, 2, False, True),
        ("lago.line_0", 4, 2, True, False),
        ("lago.line_1", 5, 2, True, False),
    ]
    assert ledger.known()[xids[0]].lines.keys() == {"lago.line_0"}


def test_an_adopted_record_stays_one_whatever_is_written_to_it(ledger: Ledger) -> None:
    ledger.begin("adopt")
    ledger.take_up([replace(BLANK, xid=ONE, model="res.partner", phase="customers", created=False, adopted=True)])
    write(ledger, partner(city="Paris"), observed((ONE, seen_partner())), seen_partner(city="Paris"))
    found = entry(ledger)
    assert (found.created, found.adopted, found.before, found.sent["city"]) == (
        False,
        True,
        {"city": "Toronto"},
        "Paris",
    )
    ledger.intend(changes(ledger, [partner()], observed()))
    assert (entry(ledger).created, entry(ledger).adopted) == (True, False), "deleted by hand, and ours from then on"


def test_a_line_that_was_not_read_back_is_still_under_way(ledger: Ledger) -> None:
    """Odoo answered without it: whether it is there is not known, so that it is not forgotten."""
    ledger.begin("apply")
    some = changes(ledger, [order(line(1), line(2))], observed())
    ledger.intend(some)
    ledger.finish(some, {"lago.order_1": seen_order({1: "10"})}, observed())
    states = {e.xid: e.state for e in ledger.entries()}
    assert states == {"lago.order_1": APPLIED, "lago.line_1": APPLIED, "lago.line_2": SENT}


def test_only_what_was_verified_is_marked_as_being_undone(ledger: Ledger) -> None:
    """A creation under way may not be there at all, and a line that sleeps is no half work of an undoing."""
    ledger.begin("apply")
    ledger.intend(changes(ledger, [partner()], observed()))
    ledger.begin_undoing([ONE])
    assert entry(ledger).state == SENT
    write(ledger, partner(), observed(), seen_partner())
    ledger.begin_undoing([ONE])
    assert entry(ledger).state == WRITING

    write(ledger, order(line(1), line(2)), observed(), seen_order({1: "10", 2: "10"}))
    both = observed(("lago.order_1", seen_order({1: "10", 2: "10"})))
    zeroed = {"lago.line_2": {"price_unit": "0"}}
    ledger.finish(changes(ledger, [order(line(1))], both), {"lago.order_1": seen_order({1: "10"})}, both, zeroed)
    ledger.begin_undoing(["lago.order_1", "lago.line_1", "lago.line_2"])
    states = [entry(ledger, f"lago.{name}").state for name in ("order_1", "line_1", "line_2")]
    assert states == [WRITING, WRITING, ZEROED]


# --- what a rollback leaves behind -----------------------------------------------------------------------------------


def test_what_is_left_standing_is_ours_by_name_only_and_lines_that_went_are_forgotten(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, order(line(1), line(2)), observed(("lago.order_1", seen_order({1: "8"}))), seen_order({1: "10.50"}))
    rows = {e.xid: e for e in ledger.entries()}
    assert rows["lago.line_1"].sent and rows["lago.line_1"].stored and rows["lago.line_1"].before
    ledger.begin_undoing(["lago.order_1", "lago.line_1"])
    ledger.leave_standing([entry(ledger, "lago.order_1"), entry(ledger, "lago.line_1")], ["lago.line_2"])
    left = {e.xid: (e.state, e.sent, e.stored, e.before) for e in ledger.entries()}
    assert left == {xid: (APPLIED, {}, {}, {}) for xid in ("lago.order_1", "lago.line_1")}


def test_what_rollbacks_archived_is_told_together_and_stays_told_when_the_run_ends(ledger: Ledger) -> None:
    ledger.begin("apply")
    ledger.leave_archived({"lago.of_an_apply": 1})
    ledger.begin("rollback")
    ledger.leave_archived({"lago.a": 3})
    ledger.leave_archived({})
    ledger.leave_archived({"lago.b": 4})
    ledger.end({"customers": {"delete": 1}})
    ledger.begin("rollback")
    ledger.leave_archived({"lago.c": 5})
    assert ledger.left_archived() == {"lago.a": 3, "lago.b": 4, "lago.c": 5}, "an apply archives nothing"


@pytest.mark.parametrize(
    ("finished", "left_out", "blocks"),
    [
        (True, False, False),
        (True, True, False),
        (False, True, False),  # what nobody can write costs itself
        (False, False, True),
    ],
)
def test_a_phase_that_is_not_finished_blocks_unless_all_it_lacks_was_left_out(
    finished: bool, left_out: bool, blocks: bool
) -> None:
    for detail in ("", "interrupted", "left out: 2 cards"):  # the words say it to a reader only
        assert PhaseProgress(Phase.USAGE, "", finished, detail, "", left_out).blocks is blocks


def test_only_what_was_verified_is_loaded(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), seen_partner())
    ledger.intend(changes(ledger, [partner(2)], observed()))
    assert ledger.loaded([ONE, "lago.customer_2", "lago.nobody"]) == {ONE}


def test_a_later_change_that_is_cut_remembers_what_stood_in_its_fields_too(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed((ONE, seen_partner(city="Old"))), seen_partner())
    ledger.intend(changes(ledger, [partner(zip="K1A")], observed((ONE, seen_partner(zip="X")))))
    assert (entry(ledger).state, entry(ledger).before) == (WRITING, {"city": "Old", "zip": "X"})


def test_a_field_that_is_not_read_back_was_sent_and_nothing_else_is_known_of_it(ledger: Ledger) -> None:
    ledger.begin("apply")
    write(ledger, partner(), observed(), Seen("res.partner", 5, {"name": "ADA"}))
    assert (entry(ledger).sent, entry(ledger).stored) == ({"name": "Ada", "city": "Toronto"}, {"name": "ADA"})
