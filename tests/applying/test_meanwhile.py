"""What somebody changes in Odoo while ``apply`` reads and writes stays, is named, and is never taken for ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lago2odoo.cli import show
from mappings.target import Desired
from migrate.change_set.changes import Action
from migrate.errors import OdooError
from migrate.odoo.errors import OdooRefused
from migrate.odoo.meanwhile import is_form_of
from migrate.preview import preview, since_apply
from migrate.values import OdooField

READ = ("read", 1)  # of the comparison; the next one is the look before the call
LOAD, WRITE = ("load", 1), ("write", 1)


def edit(
    world: Any, when: tuple[str, str, int], record: tuple[str, str], values: Mapping[str, Any], *, later: bool = False
) -> None:
    """Somebody writes ``values`` onto a record: after the call of that number if it reads, before it if it writes.

    ``later``: after one that writes too, before it is read back.
    """
    model, method, number = when
    start = world.odoo.calls.count((model, method))

    def act(called_model: str, called: str, now: int) -> None:
        if (called_model, called, now - start) == (model, method, number):
            world.odoo.before = world.odoo.after = lambda *_: None
            world.odoo.inner.call(record[0], "write", [world.id(record[1])], vals=dict(values))

    setattr(world.odoo, "after" if later or method == "read" else "before", act)


def held(world: Any, model: str, name: str, *fields: str) -> list[Any]:
    row = world.odoo.inner.call(model, "read", [world.id(name)], fields=list(fields))[0]
    return [row[field] for field in fields]


def renamed(world: Any, number: int = 1, **values: Any) -> list[Desired]:
    """Product, customer and an order whose first line has another name (or other values)."""
    order = world.order(number, "1", "2")
    first, *others = order.children["order_line"]
    first = replace(first, values={**first.values, **(values or {"name": "Renamed by Lago"})})
    return [world.product(), world.partner(number), replace(order, children={"order_line": (first, *others)})]


def drifting(world: Any) -> dict[str, Any]:
    return {d.field: d.before for drift in since_apply(world.door, world.ledger).drift for d in drift.diffs}


PARTNER = ("res.partner", "customer_1")


@pytest.mark.parametrize("when", [READ, LOAD])
@pytest.mark.parametrize(("name", "typed"), [("name", "Typed by Ann"), ("is_company", False)])
def test_a_field_beside_the_written_one_stays_as_typed(world: Any, when: Any, name: str, typed: Any) -> None:
    """Before the look that precedes the call, and between that look and the call."""
    world.apply([world.partner(1)])
    edit(world, ("res.partner", *when), PARTNER, {name: typed})
    applied = world.apply([world.partner(1, city="Ottawa")])
    assert held(world, *PARTNER, "city", name) == ["Ottawa", typed]
    assert not applied.ok
    assert [edited.fields for edited in applied.meanwhile] == [(f"{name} is {typed!r} now",)]
    assert (applied.altered, applied.failures) == ((), ())
    assert applied.counts() == {"customers": {"update": 1, "changed meanwhile": 1}}
    assert "changed meanwhile" in show.counts(applied.counts())
    with pytest.raises(OdooError, match=r"1 record was changed in Odoo during this command: customer NX-1 "):
        applied.raise_if_failed()
    assert drifting(world) == {name: typed}
    again = world.apply([world.partner(1, city="Ottawa")])
    assert (again.written, [c.xid for c in again.changes.of(Action.KEPT)]) == ({}, ["lago.customer_1"])


def test_a_field_that_both_changed_stays_and_the_rest_is_written(world: Any) -> None:
    world.apply([world.partner(1)])
    edit(world, ("res.partner", *READ), PARTNER, {"city": "Paris"})
    wanted = world.partner(1, city="Ottawa", name="Renamed by Lago")
    applied = world.apply([wanted])
    assert held(world, *PARTNER, "city", "name") == ["Paris", "Renamed by Lago"]
    assert applied.written == {"customers": {"update": 1}}
    assert drifting(world) == {"city": "Paris"}
    (conflict,) = world.apply([wanted]).conflicts
    assert [(d.field, d.verdict) for d in conflict.diffs] == [("city", Action.CONFLICT)]


def test_what_somebody_types_over_what_we_just_wrote_stays(world: Any) -> None:
    """A text and a number: neither what was sent, nor what stood there before, nor made of it by Odoo itself."""
    world.apply([world.partner(1, color=1)])
    edit(world, ("res.partner", *LOAD), PARTNER, {"city": "Paris", "color": 7}, later=True)
    applied = world.apply([world.partner(1, color=2, city="Ottawa")])
    assert held(world, *PARTNER, "city", "color") == ["Paris", 7]
    assert [edited.fields for edited in applied.meanwhile] == [("city is 'Paris' now", "color is 7 now")]
    assert (applied.altered, drifting(world)) == ((), {"city": "Paris", "color": 7})


def test_what_is_spared_whole_is_not_counted_as_written(world: Any) -> None:
    world.apply([world.partner(1)])
    edit(world, ("res.partner", *READ), PARTNER, {"city": "Paris"})
    applied = world.apply([world.partner(1, city="Ottawa")])
    assert (applied.calls, applied.written) == (0, {})
    assert applied.counts() == {"customers": {"update": 0, "not written": 1, "changed meanwhile": 1}}


LINE = ("sale.order.line", "line_1_0")


@pytest.mark.parametrize("when", [("sale.order.line", *READ), ("sale.order", *WRITE)])
def test_a_price_typed_into_a_line_of_which_lago_changed_the_name_stays(world: Any, when: Any) -> None:
    world.apply([world.product(), world.partner(1), world.order(1, "1", "2")])
    edit(world, when, LINE, {"price_unit": 1.0, "product_uom_qty": 3})
    applied = world.apply(renamed(world))
    assert held(world, *LINE, "name", "price_unit", "product_uom_qty") == ["Renamed by Lago", 1.0, 3.0]
    (edited,) = applied.meanwhile
    place = "line lago.line_1_0: "
    assert set(edited.fields) == {f"{place}price_unit is '1' now", f"{place}product_uom_qty is '3' now"}
    assert set(drifting(world)) == {"lago.line_1_0: price_unit", "lago.line_1_0: product_uom_qty"}
    assert [c.action for c in world.apply(renamed(world)).changes.changes][-1] is Action.KEPT


def test_a_line_that_nobody_changed_in_lago_stays_as_typed_too(world: Any) -> None:
    """Another line of the order is written, the record's second attempt would write all."""
    world.apply([world.product(), world.partner(1), world.order(1, "1", "2")])
    edit(world, ("sale.order.line", *READ), ("sale.order.line", "line_1_1"), {"price_unit": 1.0})
    applied = world.apply(renamed(world, product_uom_qty=Decimal(5)))
    assert held(world, "sale.order.line", "line_1_1", "price_unit", "product_uom_qty") == [1.0, 2.0]
    assert held(world, *LINE, "price_unit", "product_uom_qty") == [12.345, 5.0]
    assert [edited.fields for edited in applied.meanwhile] == [("line lago.line_1_1: price_unit is '1' now",)]


def test_a_line_that_is_to_go_and_was_changed_stays_and_is_known(world: Any) -> None:
    world.apply([world.product(), world.partner(1), world.order(1, "1", "2")])
    edit(world, ("sale.order.line", *READ), ("sale.order.line", "line_1_1"), {"price_unit": 1.0})
    shorter = [world.product(), world.partner(1), world.order(1, "1")]
    applied = world.apply(shorter)
    assert held(world, "sale.order.line", "line_1_1", "price_unit") == [1.0]
    assert len(applied.meanwhile) == 1
    assert [change.xid for change in preview(world.door, world.ledger, shorter).of(Action.CONFLICT)] == [
        "lago.subscription_1"
    ]


def test_a_line_that_odoo_keeps_and_we_take_out_of_account_is_nobody_elses_edit(world: Any) -> None:
    """Odoo deletes no line of a confirmed order: its quantity is 0 then, and that is of our writing."""
    world.apply([world.product(), world.partner(1), world.order(1, "1", "2")])
    start = world.odoo.calls.count(("sale.order", "write"))

    def refuse(model: str, method: str, number: int) -> None:
        if (model, method, number - start) == ("sale.order", *WRITE):
            raise OdooRefused("Once a sales order is confirmed, you can't remove one of its lines.")

    world.odoo.before = refuse
    shorter = [world.product(), world.partner(1), world.order(1, "1")]
    applied = world.apply(shorter)
    assert (applied.ok, applied.meanwhile) == (True, ())
    assert held(world, "sale.order.line", "line_1_1", "product_uom_qty") == [0.0]
    assert not world.apply(shorter).changes.pending


def test_a_record_that_is_to_go_and_was_changed_stays_and_is_named(world: Any) -> None:
    world.apply([world.partner(1), world.partner(2)])
    edit(world, ("res.partner", *READ), PARTNER, {"city": "Paris"})
    applied = world.apply([world.partner(2)])
    assert held(world, *PARTNER, "city") == ["Paris"]
    assert [str(failure) for failure in applied.failures] == [
        "customer NX-1 (res.partner lago.customer_1): cannot be removed: changed in Odoo a moment ago: city"
    ]
    assert [c.xid for c in world.apply([world.partner(2)]).conflicts] == ["lago.customer_1"]


def test_what_the_state_did_not_know_is_not_overwritten_by_the_next_run_either(world: Any) -> None:
    """Found as wanted, and changed while it was written: what it was then is what it is held against."""
    world.apply([world.partner(1)])
    world.ledger.forget(["lago.customer_1"])
    edit(world, ("res.partner", *READ), PARTNER, {"name": "Typed by Ann"})
    world.apply([world.partner(1, city="Ottawa")])
    world.apply([world.partner(1, city="Hull")])
    assert held(world, *PARTNER, "city", "name") == ["Hull", "Typed by Ann"]


@pytest.mark.parametrize(
    ("sent", "stored", "is_form"),
    [
        ("be 0477.472.701", "BE0477472701", True),
        ("0477472701", "BE0477472701", True),
        ("0475 12 34 56", "+32 475 12 34 56", True),
        ("northwind.example", "https://northwind.example", True),
        ("Ann <Ann@northwind.example>", "ann@northwind.example", True),
        ("Montréal ", "Montréal", True),
        ("x" * 100, "x" * 64, True),
        ("27 Main St", "Ann's street", False),
        ("27 Main St", "27 Main St, app. 4", False),
        ("27 Main St", "7 Main St", False),
        ("27 Main St", None, False),
        ("ann@northwind.example", "bob@northwind.example", False),
    ],
)
def test_what_odoo_makes_of_a_text_by_itself(sent: str, stored: str | None, is_form: bool) -> None:
    assert is_form_of(stored, sent, OdooField("char")) is is_form


@pytest.mark.parametrize(
    ("sent", "stored", "digits", "is_form"),
    [("1.2345", "1.23", 2, True), ("1.2345", "1", 2, False), ("1.235", "1.24", None, True), ("3", "1", None, False)],
)
def test_what_odoo_makes_of_a_number_by_itself(sent: str, stored: str, digits: int | None, is_form: bool) -> None:
    assert is_form_of(stored, sent, OdooField("float", digits=digits)) is is_form
    assert is_form_of(stored, stored, OdooField("float", digits=digits))
