"""The three-way comparison: what is written, what is kept, what is a conflict, and the file that saves it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.target import Desired, Find, Phase, Ref, Skipped, Source
from migrate.change_set.changes import (
    Action,
    Change,
    ChangeScope,
    ChangeSet,
    FieldDiff,
    Known,
    LineChange,
    Observed,
    Seen,
)
from migrate.change_set.compare import diff, drift
from migrate.change_set.saved import from_json, to_json
from migrate.change_set.wire import desired_from_json, desired_to_json
from migrate.errors import ConfigError
from migrate.values import OdooField

FIELDS = {
    "res.partner": {
        "name": OdooField("char"),
        "city": OdooField("char"),
        "comment": OdooField("html"),
        "customer_rank": OdooField("integer"),
        "country_id": OdooField("many2one", "res.country"),
        "tag_ids": OdooField("many2many", "res.tag"),
        "active": OdooField("boolean"),
    },
    "sale.order": {
        "partner_id": OdooField("many2one", "res.partner"),
        "date_order": OdooField("datetime"),
        "validity_date": OdooField("date"),
        "order_line": OdooField("one2many", "sale.order.line"),
        "state": OdooField("selection"),
    },
    "sale.order.line": {
        "name": OdooField("char"),
        "product_uom_qty": OdooField("float", digits=2),
        "price_unit": OdooField("float"),
    },
}
CANADA = Find("res.country", (("code", "=", "CA"),), "add Canada")


def partner(name: str = "Ada", **values: Any) -> Desired:
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid="lago.customer_1",
        source=Source("customer", "1"),
        customer="C1",
        values={"name": name, **values},
    )


def order(*lines: Desired, **values: Any) -> Desired:
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid="lago.subscription_1",
        source=Source("subscription", "1"),
        values={"partner_id": Ref("lago.customer_1"), **values},
        children={"order_line": lines},
        after=("action_confirm",),
    )


def line(number: int, quantity: str = "1", price: str = "10") -> Desired:
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order.line",
        xid=f"lago.line_{number}",
        source=Source("subscription", "1"),
        values={"name": f"line {number}", "product_uom_qty": Decimal(quantity), "price_unit": Decimal(price)},
    )


def seen_line(number: int, quantity: str = "1", price: str = "10") -> Seen:
    return Seen(
        "sale.order.line", 100 + number, {"name": f"line {number}", "product_uom_qty": quantity, "price_unit": price}
    )


def known_line(number: int, quantity: str = "1", price: str = "10", **more: Any) -> Known:
    return Known("sale.order.line", 100 + number, dict(seen_line(number, quantity, price).values), **more)


def seen_order(*lines: Seen, confirmed: bool = True, foreign: int = 0) -> Seen:
    ours = {f"lago.line_{line.res_id - 100}": line for line in lines}
    values = {"partner_id": "lago.customer_1", "action_confirm()": confirmed}
    return Seen("sale.order", 7, values, {"order_line": ours}, foreign)


def known_order(**lines: Known) -> Known:
    sent = {"partner_id": "lago.customer_1", "action_confirm()": True}
    return Known("sale.order", 7, sent, {}, {f"lago.{x}": k for x, k in lines.items()}, "subscriptions", None, "sub 1")


def observed(records: Mapping[str, Seen] = {}, **more: Any) -> Observed:
    ids = {x: (s.model, s.res_id) for x, s in records.items()} | more.pop("ids", {})
    return Observed(FIELDS, records, ids, **more)


def known_partner(stored: Mapping[str, Any] | None = None, res_id: int = 5, **sent: Any) -> Known:
    sent = {"name": "Ada", "active": True, **sent}
    return Known("res.partner", res_id, sent, stored or {}, {}, "customers", "C1", "customer 1")


def seen_partner(**values: Any) -> Seen:
    return Seen("res.partner", 5, {"name": "Ada", "active": True, **values})


def only(changes: ChangeSet) -> Any:
    assert len(changes.changes) == 1
    return changes.changes[0]


def test_a_record_that_is_not_there_is_created_with_everything_once_fields_included() -> None:
    wish = replace(partner(customer_rank=1), once=frozenset({"customer_rank"}))
    change = only(diff([wish], observed(), {}))
    assert change.action is Action.CREATE
    assert {d.field: d.after for d in change.diffs} == {"name": "Ada", "customer_rank": 1}
    assert not change.note


def test_a_record_that_was_deleted_by_hand_is_created_again_and_says_so() -> None:
    change = only(diff([partner()], observed(), {"lago.customer_1": known_partner()}))
    assert change.action is Action.CREATE
    assert "created again" in change.note


# base (None: unknown to the ledger), stored, wanted, observed -> verdict
CASES: list[tuple[str | None, str | None, str | None, str | None, Action]] = [
    ("A", None, "A", "A", Action.UNCHANGED),
    ("A", None, "B", "A", Action.UPDATE),
    ("A", None, "A", "B", Action.KEPT),
    ("A", None, "B", "B", Action.UNCHANGED),
    ("A", None, "B", "C", Action.CONFLICT),
    ("A", "a", "A", "a", Action.UNCHANGED),  # Odoo keeps it in its own form
    ("A", "a", "B", "a", Action.UPDATE),
    ("A", "a", "A", "A", Action.UNCHANGED),
    ("A", "a", "A", "x", Action.KEPT),
    ("A", "a", "B", "x", Action.CONFLICT),
    ("A", None, None, "A", Action.UPDATE),  # cleared in Lago
    ("A", None, "A", None, Action.KEPT),  # cleared in Odoo
]


@pytest.mark.parametrize(("base", "stored", "wanted", "stands", "verdict"), CASES)
def test_three_ways(
    base: str | None, stored: str | None, wanted: str | None, stands: str | None, verdict: Action
) -> None:
    memory = known_partner({"city": stored} if stored else {}, city=base)
    change = only(
        diff(
            [partner(city=wanted)],
            observed({"lago.customer_1": seen_partner(city=stands)}),
            {"lago.customer_1": memory},
        )
    )
    assert change.action is verdict
    assert change.updates == ({"city"} if verdict is Action.UPDATE else set())


@given(base=st.sampled_from("ABC"), want=st.sampled_from("ABC"), stands=st.sampled_from("ABC"))
def test_what_someone_changed_in_odoo_is_never_overwritten(base: str, want: str, stands: str) -> None:
    memory = {"lago.customer_1": known_partner(city=base)}
    change = only(diff([partner(city=want)], observed({"lago.customer_1": seen_partner(city=stands)}), memory))
    if stands not in (base, want):
        assert "city" not in change.updates
    if change.updates:
        assert stands == base != want


def test_without_a_ledger_a_record_is_adopted_by_its_external_id_and_brought_in_line() -> None:
    change = only(diff([partner(city="Paris")], observed({"lago.customer_1": seen_partner(city=None)}), {}))
    assert (change.action, change.updates, change.res_id, change.fresh) == (Action.UPDATE, {"city"}, 5, True)


def test_a_record_found_as_wanted_but_unknown_is_fresh_so_that_the_ledger_learns_it() -> None:
    change = only(diff([partner()], observed({"lago.customer_1": seen_partner()}), {}))
    assert (change.action, change.fresh) == (Action.UNCHANGED, True)


@pytest.mark.parametrize(
    ("memory", "fresh"),
    [
        (known_partner(city="A"), False),
        (known_partner(city="B"), True),  # Lago and Odoo moved to the same value
        (known_partner({"city": "a"}, city="A"), True),  # Odoo lets it stand as sent now
        (known_partner(res_id=6, city="A"), True),  # another record bears the external id
        (known_partner(), True),  # a field that is new in the mapping
    ],
)
def test_the_ledger_learns_what_moved_by_itself(memory: Known, fresh: bool) -> None:
    change = only(
        diff([partner(city="A")], observed({"lago.customer_1": seen_partner(city="A")}), {"lago.customer_1": memory})
    )
    assert (change.action, change.fresh) == (Action.UNCHANGED, fresh)


def test_once_fields_are_left_to_odoo_afterwards() -> None:
    wish = replace(partner(customer_rank=1), once=frozenset({"customer_rank"}))
    change = only(diff([wish], observed({"lago.customer_1": seen_partner(customer_rank=9)}), {}))
    assert change.action is Action.UNCHANGED


def test_a_wanted_record_that_was_archived_is_kept_if_known_and_revived_if_not() -> None:
    there = observed({"lago.customer_1": seen_partner(active=False)})
    assert only(diff([partner()], there, {"lago.customer_1": known_partner()})).action is Action.KEPT
    assert only(diff([partner()], there, {})).updates == {"active"}


def test_a_mapper_may_want_a_record_archived() -> None:
    there = observed({"lago.customer_1": seen_partner(active=False)})
    assert only(diff([partner(active=False)], there, {})).action is Action.UNCHANGED


def test_relations_compare_by_name_whether_they_exist_or_not() -> None:
    there = seen_partner(country_id="base.ca", tag_ids=("a.x", "a.y"))
    wish = partner(country_id=CANADA, tag_ids=(Ref("a.y"), Ref("a.x"), Ref("a.y")))
    world = observed({"lago.customer_1": there}, found={CANADA: 38}, names={("res.country", 38): "base.ca"})
    assert only(diff([wish], world, {})).action is Action.UNCHANGED
    without = observed({"lago.customer_1": there}, found={CANADA: 39})
    assert only(diff([wish], without, {})).diffs[0].after == "res.country#39"


def test_a_reference_goes_by_the_name_of_what_it_leads_to() -> None:
    world = observed(ids={"base.cad": ("res.currency", 3)}, names={("res.currency", 3): "base.CAD"})
    assert world.name(Ref("base.cad")) == "base.CAD"
    assert world.name(Ref("lago.coming")) == "lago.coming"


def test_methods_are_called_until_their_effect_shows_and_not_again_after_someone_undid_it() -> None:
    there = observed({"lago.subscription_1": seen_order(confirmed=False)})
    change = only(diff([order()], there, {}))
    assert (change.action, change.after) == (Action.UPDATE, ("action_confirm",))
    change = only(diff([order()], there, {"lago.subscription_1": known_order()}))
    assert (change.action, change.after) == (Action.KEPT, ())


def test_lines_come_change_stay_and_go() -> None:
    wish = order(line(1), line(2, quantity="3"), line(3))
    there = seen_order(seen_line(1), seen_line(2), seen_line(4))
    memory = known_order(line_1=known_line(1), line_2=known_line(2), line_4=known_line(4))
    change = only(diff([wish], observed({"lago.subscription_1": there}), {"lago.subscription_1": memory}))
    actions = {x.xid: x.action for x in change.lines}
    assert change.action is Action.UPDATE
    assert actions == {
        "lago.line_1": Action.UNCHANGED,
        "lago.line_2": Action.UPDATE,
        "lago.line_3": Action.CREATE,
        "lago.line_4": Action.REMOVE,
    }


def test_a_line_of_ours_that_the_ledger_does_not_know_goes_too() -> None:
    there = observed({"lago.subscription_1": seen_order(seen_line(4))})
    change = only(diff([order()], there, {}))
    assert [(x.xid, x.action, x.res_id) for x in change.lines] == [("lago.line_4", Action.REMOVE, 104)]


def test_a_vanished_line_that_someone_changed_is_a_conflict() -> None:
    there = observed({"lago.subscription_1": seen_order(seen_line(4, quantity="8"))})
    change = only(diff([order()], there, {"lago.subscription_1": known_order(line_4=known_line(4))}))
    assert change.action is Action.CONFLICT


def test_a_line_that_odoo_would_not_delete_is_not_removed_again_unless_someone_revives_it() -> None:
    memory = {"lago.subscription_1": known_order(line_4=known_line(4, quantity="0", zeroed=True))}
    asleep = observed({"lago.subscription_1": seen_order(seen_line(4, quantity="0"))})
    assert only(diff([order()], asleep, memory)).action is Action.UNCHANGED
    awake = observed({"lago.subscription_1": seen_order(seen_line(4, quantity="2"))})
    assert only(diff([order()], awake, memory)).action is Action.CONFLICT


def test_a_line_changed_on_both_sides_makes_the_record_a_conflict_and_nothing_else_of_it_is_written() -> None:
    there = observed({"lago.subscription_1": seen_order(seen_line(1, price="12"))})
    memory = {"lago.subscription_1": known_order(line_1=known_line(1))}
    assert only(diff([order(line(1, price="11"))], there, memory)).action is Action.CONFLICT


def test_lines_added_in_odoo_are_said_and_left() -> None:
    there = observed({"lago.subscription_1": seen_order(foreign=2)})
    change = only(diff([order()], there, {"lago.subscription_1": known_order()}))
    assert (change.action, change.note) == (Action.UNCHANGED, "2 lines were added in Odoo")


def test_a_quantity_that_odoo_cut_differs() -> None:
    there = observed({"lago.subscription_1": seen_order(seen_line(1, quantity="1.23"))})
    change = only(diff([order(line(1, quantity="1.2345"))], there, {}))
    assert [d.field for d in change.lines[0].diffs if d.verdict is Action.UPDATE] == ["product_uom_qty"]


def test_vanished_records_are_removed_last_first_unless_changed_or_staying() -> None:
    base = {
        "lago.customer_1": known_partner(),
        "lago.customer_2": replace(known_partner(), res_id=6),
        "lago.customer_3": replace(known_partner(), res_id=8),
        "lago.customer_4": known_partner(),
    }
    there = observed(
        {
            "lago.customer_1": seen_partner(),
            "lago.customer_2": replace(seen_partner(), res_id=6),
            "lago.customer_3": replace(seen_partner(name="Eve"), res_id=8),
        }
    )
    changes = diff([], there, base, staying=frozenset({"lago.customer_1"}))
    found = [(c.xid, c.action, c.res_id) for c in changes.changes]
    assert found == [
        ("lago.customer_4", Action.REMOVE, None),
        ("lago.customer_3", Action.CONFLICT, 8),
        ("lago.customer_2", Action.REMOVE, 6),
    ]
    assert [(d.field, d.before) for d in changes.changes[1].diffs] == [("name", "Eve")]


@pytest.mark.parametrize(("writing", "action"), [(False, Action.CONFLICT), (True, Action.REMOVE)])
def test_a_removal_that_was_stopped_goes_on_whatever_it_left(writing: bool, action: Action) -> None:
    base = {"lago.customer_1": replace(known_partner(), writing=writing)}
    change = only(diff([], observed({"lago.customer_1": seen_partner(active=False)}), base))
    assert (change.action, bool(change.diffs)) == (action, not writing)


def test_skipped_records_are_counted_with_what_they_stand_for() -> None:
    skipped = Skipped(phase=Phase.USAGE, source=Source("events", ""), reason="before_cut", detail="older", count=40)
    changes = diff([skipped, partner()], observed(), {})
    assert changes.counts() == {"usage": {"skipped": 40}, "customers": {"create": 1}}
    assert changes.pending
    assert not diff([skipped], observed(), {}).pending
    assert next(changes.of(Action.SKIPPED)).note == "before_cut: older"


def test_drift_names_fields_lines_and_deleted_lines() -> None:
    memory = known_order(line_1=known_line(1), line_2=known_line(2))
    stands = seen_order(seen_line(1, price="99"), confirmed=False)
    found = [(d.field, d.before, d.after) for d in drift(stands, memory)]
    assert found == [
        ("action_confirm()", False, True),
        ("lago.line_1: price_unit", "99", "10"),
        ("lago.line_2: deleted", True, False),
    ]


def everything() -> ChangeSet:
    rich = partner(country_id=CANADA, tag_ids=(Ref("a.x"),), comment=None, active=True)
    wish = order(line(1), date_order=datetime(2026, 7, 1, 3, tzinfo=UTC), validity_date=date(2026, 8, 1))
    skipped = Skipped(phase=Phase.TOKENS, source=Source("x", ""), reason="r", detail="d", customer="C1")
    world = observed({"lago.subscription_1": seen_order(seen_line(4))}, found={CANADA: 38})
    gone = {"lago.customer_9": known_partner()}
    return diff([rich, wish, skipped], world, gone, snapshot_digest="abc")


def test_a_saved_preview_reads_back_as_the_same_tuple() -> None:
    changes = everything()
    again = from_json(to_json(changes))
    assert again.digest == changes.digest
    assert again.changes[0].desired == changes.changes[0].desired
    assert again.changes[1].lines == changes.changes[1].lines
    assert again == changes


def test_a_file_of_before_removals_were_counted_is_read() -> None:
    changes = replace(everything(), kept_usage=3)
    assert from_json(to_json(changes)).kept_usage == 3
    older = {
        name: value for name, value in json.loads(to_json(changes)).items() if name not in ("removals", "kept_usage")
    }
    again = from_json(json.dumps(older))
    assert (again.removals, again.kept_usage, again.digest) == ((), 0, changes.digest)


def test_an_edited_or_foreign_file_is_refused() -> None:
    text = to_json(everything())
    for wrong in ("", "[]", "{}", text[:-20], text.replace("Ada", "Eve")):
        with pytest.raises(ConfigError, match="preview again"):
            from_json(wrong, "changes.json")
    older = json.loads(text) | {"format": 0}
    with pytest.raises(ConfigError, match="another version"):
        from_json(json.dumps(older))


def test_the_digest_moves_with_the_snapshot_with_odoo_and_with_the_mapping() -> None:
    there = observed({"lago.customer_1": seen_partner(city="A")})
    base = {"lago.customer_1": known_partner(city="A")}
    first = diff([partner(city="B")], there, base, snapshot_digest="1")
    assert diff([partner(city="B")], there, base, snapshot_digest="1").digest == first.digest
    moved = observed({"lago.customer_1": seen_partner(city="C")})
    others = [
        diff([partner(city="B")], there, base, snapshot_digest="2"),
        diff([partner(city="D")], there, base, snapshot_digest="1"),
        diff([partner(city="B")], moved, base, snapshot_digest="1"),
        diff([], there, base, snapshot_digest="1"),
    ]
    assert len({first.digest, *(o.digest for o in others)}) == 5
    assert others[1].moved_since(first) == ("customer 1",)
    assert others[3].moved_since(first) == ("customer 1",)
    assert first.moved_since(first) == ()


@pytest.mark.parametrize(
    ("wish", "there", "action"),
    [
        ((1,), (1,), Action.UNCHANGED),
        ((1, 2), (1,), Action.UPDATE),  # nothing but a new line
        ((1,), (1, 2), Action.UPDATE),  # nothing but a line that goes
    ],
)
def test_lines_alone_decide_what_happens_to_a_record(
    wish: tuple[int, ...], there: tuple[int, ...], action: Action
) -> None:
    memory = known_order(**{f"line_{n}": known_line(n) for n in there})
    stands = observed({"lago.subscription_1": seen_order(*map(seen_line, there))})
    assert only(diff([order(*map(line, wish))], stands, {"lago.subscription_1": memory})).action is action


def test_a_line_that_nobody_would_touch_is_kept_with_its_record() -> None:
    there = observed({"lago.subscription_1": seen_order(seen_line(1, price="12"))})
    change = only(diff([order(line(1))], there, {"lago.subscription_1": known_order(line_1=known_line(1))}))
    assert (change.action, change.lines[0].action) == (Action.KEPT, Action.KEPT)


@pytest.mark.parametrize(
    ("known", "stands", "fresh"),
    [
        (None, {}, True),  # found as wanted, the ledger has to learn it
        (known_partner(), {}, False),
        (known_partner(res_id=6), {}, True),  # made anew by hand, under our external id
        (replace(known_partner(), writing=True), {}, True),
        (known_partner(name="Eve"), {}, True),  # someone brought it to what is wanted now
        (known_partner(name="Eve"), {"name": "Eve"}, False),  # to be written: nothing is learnt before
        (known_partner({"name": "ADA"}), {"name": "ADA"}, False),  # Odoo's own form, known already
        (known_partner({"name": "ADA"}), {}, True),  # Odoo keeps our form now
        (known_partner({"name": "Ada"}, name="ada"), {}, True),  # what Odoo made of it is wanted now
    ],
)
def test_the_ledger_learns_what_it_does_not_know(known: Known | None, stands: dict[str, Any], fresh: bool) -> None:
    there = observed({"lago.customer_1": seen_partner(**stands)})
    memory = {"lago.customer_1": known} if known else {}
    assert only(diff([partner()], there, memory)).fresh is fresh


def test_fields_written_once_count_at_creation_and_late_ones_while_a_run_was_stopped() -> None:
    wish = replace(partner(city="Toronto", comment="x"), once=frozenset({"city", "comment"}), late=frozenset({"city"}))
    there = observed({"lago.customer_1": seen_partner(city="Elsewhere", comment="y")})
    assert only(diff([wish], there, {"lago.customer_1": known_partner()})).action is Action.UNCHANGED
    stopped = replace(known_partner(city="Toronto"), writing=True)
    change = only(diff([wish], there, {"lago.customer_1": stopped}))
    assert {d.field: d.verdict for d in change.diffs} == {"city": Action.UPDATE}, "ours, whatever the ledger says"
    settled = only(diff([wish], there, {"lago.customer_1": replace(stopped, writing=False)}))
    assert settled.diffs == ()


def test_a_record_is_wanted_active_where_that_is_a_choice() -> None:
    there = observed({"lago.customer_1": seen_partner(active=False)})
    change = only(diff([partner()], there, {}))
    assert [(d.field, d.after) for d in change.diffs] == [("active", True)]
    asleep = only(diff([partner(active=False)], there, {}))
    assert asleep.action is Action.UNCHANGED, "the mapper says otherwise"
    created = only(diff([partner()], observed(), {}))
    assert [d.field for d in created.diffs] == ["name"], "Odoo creates it active"


def test_names_of_what_exists_and_of_what_does_not_yet() -> None:
    there = observed(
        ids={"a.x": ("res.tag", 3), "a.y": ("res.tag", 4)}, names={("res.tag", 3): "other.x"}, found={CANADA: 38}
    )
    assert there.name(Ref("a.x")) == "other.x", "one record, one name"
    assert there.name(Ref("a.y")) == "a.y"
    assert there.name(Ref("a.z")) == "a.z"
    assert there.name(CANADA) == "res.country#38"
    assert there.name_of("res.tag", 3) == "other.x"


def test_a_scope_says_whom_and_what() -> None:
    assert str(ChangeScope()) == "everyone, all phases"
    assert str(ChangeScope((Phase.USAGE, Phase.TOKENS), "pilot")) == "cohort pilot, phase usage, tokens"


def one(action: Action = Action.UPDATE, **more: Any) -> Change:
    values = {"phase": Phase.CUSTOMERS, "model": "res.partner", "xid": "lago.customer_1", "source": "customer 1"}
    return Change(action, **{**values, **more})


@pytest.mark.parametrize("action", Action)
def test_what_is_pending(action: Action) -> None:
    waits = action in (Action.CREATE, Action.UPDATE, Action.REMOVE, Action.CONFLICT, Action.WITHHELD)
    assert ChangeSet((one(Action.UNCHANGED), one(action))).pending is waits


LINE = LineChange("order_line", "sale.order.line", "lago.line_1", Action.CREATE)
DIFF = FieldDiff("name", "a", "b", Action.UPDATE)


@pytest.mark.parametrize(
    "other",
    [
        one(Action.KEPT),
        one(phase=Phase.USAGE),
        one(model="sale.order"),
        one(xid="lago.customer_2"),
        one(source="customer 2"),
        one(res_id=1),
        one(note="n"),
        one(after=("act",)),
        one(fresh=True),
        one(diffs=(DIFF,)),
        one(diffs=(replace(DIFF, before=None),)),
        one(diffs=(replace(DIFF, after="c"),)),
        one(lines=(LINE,)),
        one(lines=(replace(LINE, field="x"),)),
        one(lines=(replace(LINE, xid="x"),)),
        one(lines=(replace(LINE, action=Action.REMOVE),)),
        one(lines=(replace(LINE, diffs=(DIFF,)),)),
    ],
)
def test_whatever_differs_moves_the_digest_and_is_named(other: Change) -> None:
    digests = {ChangeSet((each,)).digest for each in (one(), other, one(diffs=(replace(DIFF, field="z"),)))}
    assert len(digests) == 3
    assert ChangeSet((one(),)).moved_since(ChangeSet((other,))), "named"
    assert ChangeSet((one(),)).moved_since(ChangeSet((one(),))) == ()
    assert ChangeSet((one(),)).moved_since(ChangeSet(())) == ("customer 1",)
    assert ChangeSet(()).moved_since(ChangeSet((one(),))) == ("customer 1",)


def test_the_digest_knows_the_snapshot_and_the_scope() -> None:
    assert len({ChangeSet((), *more).digest for more in ((), ("a",), ("", ChangeScope(cohort="a")))}) == 3


def test_drift_is_what_moved_from_where_odoo_left_it() -> None:
    memory = known_partner({"name": "ADA"}, city="Toronto")
    assert drift(seen_partner(name="ADA", city="Toronto"), memory) == ()
    moved = drift(seen_partner(name="Ada", city="Toronto"), memory)
    assert [(d.field, d.before, d.after, d.verdict) for d in moved] == [("name", "Ada", "ADA", Action.KEPT)]
    assert drift(Seen("res.partner", 5, {}), memory) == (), "what was not read is not known to have moved"


VALUES = ["text", 3, True, None, Decimal("1.50"), date(2026, 7, 1), datetime(2026, 7, 1, 3, 4, 5, tzinfo=UTC)]


@pytest.mark.parametrize("value", [*VALUES, CANADA, Ref("a.x"), (Ref("a.x"), CANADA), ()])
def test_every_kind_of_value_reads_back(value: Any) -> None:
    wish = partner(value=value)
    there = desired_from_json(json.loads(json.dumps(desired_to_json(wish))))
    assert there == wish
    assert type(there.values["value"]) is type(value)


@pytest.mark.parametrize("raw", [{"ref": 3}, {"find": "m", "domain": [["a", "="]], "hint": "h"}, {"other": "x"}, ["x"]])
def test_no_value_is_made_of_something_else(raw: Any) -> None:
    wish = desired_to_json(partner())
    with pytest.raises(ValueError, match="is no"):
        desired_from_json({**wish, "values": {"name": raw}})
