"""Drift: what decides a bill and was changed in Odoo since apply, whether we wrote it or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mappings.target import Desired, Phase, Ref, Source
from migrate.apply import apply
from migrate.odoo.door import Door
from migrate.odoo.errors import AccessDenied
from migrate.preview import preview, since_apply
from migrate.state.entries import row_from_entry
from migrate.state.ledger import Ledger
from migrate.state.seals import seal_everything
from migrate.state.tables import APPLIED_RECORDS


def wish(model: str, xid: str, phase: Phase = Phase.SUBSCRIPTIONS, **values: Any) -> Desired:
    return Desired(phase=phase, model=model, xid=f"lago.{xid}", source=Source("thing", xid), values=values)


def wished() -> list[Desired]:
    """A running subscription of Ada's."""
    line = {"product_id": Ref("lago.product"), "name": "Basic", "product_uom_qty": Decimal(1)}
    order = wish(
        "sale.order",
        "order",
        partner_id=Ref("lago.ada"),
        pricelist_id=Ref("lago.list"),
        plan_id=Ref("lago.plan"),
        next_invoice_date=date(2026, 8, 1),
    )
    lines = (wish("sale.order.line", "line", **line, price_unit=Decimal("9.5"), tax_ids=()),)
    return [
        wish("product.product", "product", Phase.CATALOG, name="Basic", type="service", recurring_invoice=True),
        wish("product.pricelist", "list", Phase.CATALOG, name="CAD", currency_id=Ref("base.CAD")),
        wish("sale.subscription.plan", "plan", Phase.CATALOG, name="Monthly"),
        wish("res.partner", "ada", Phase.CUSTOMERS, name="Ada"),
        wish("res.partner", "bob", Phase.CUSTOMERS, name="Bob"),
        replace(
            order,
            children={"order_line": lines},
            after=("action_confirm",),
            once=frozenset({"next_invoice_date"}),
        ),
    ]


@pytest.fixture
def numbers(odoo: Any, ledger: Ledger) -> dict[str, int]:
    assert apply(Door(odoo), ledger, wished()).ok
    assert since_apply(Door(odoo), ledger).drift == ()
    domain = [["module", "=", "lago"]]
    rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["name", "res_id"])
    return {row["name"]: row["res_id"] for row in rows}


def fields(odoo: Any, ledger: Ledger) -> set[str]:
    return {d.field for record in since_apply(Door(odoo), ledger).drift for d in record.diffs}


def write(odoo: Any, model: str, number: int, **vals: Any) -> None:
    odoo.call(model, "write", [number], vals=vals)


def test_a_next_date_moved_by_a_day_or_a_year(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    for day in ("2026-08-02", "2027-08-01"):
        write(odoo, "sale.order", numbers["order"], next_invoice_date=day)
        assert fields(odoo, ledger) == {"next_invoice_date"}


@pytest.mark.parametrize(
    ("day", "drifts"),
    [("2026-09-01", False), ("2026-08-01", False), ("2026-09-08", True), ("2027-08-01", True), ("2026-07-01", True)],
)
def test_a_next_date_moves_with_a_bill_and_no_further(
    odoo: Any, ledger: Ledger, numbers: dict[str, int], day: str, drifts: bool
) -> None:
    write(odoo, "sale.order", numbers["order"], next_invoice_date=day)
    period = {"order_id": numbers["order"], "at": "2026-08-01 04:00:00", "reason": "subscription_periodic"}
    odoo.call("fusion.billing.period", "create", vals_list=[period])
    write(odoo, "sale.order", numbers["order"], fusion_interval="monthly")
    assert ("next_invoice_date" in fields(odoo, ledger)) is drifts


class Keeping:
    """Odoo's rules between companies: a record of another company is not found, and reading it is denied."""

    def __init__(self, odoo: Any, model: str, number: int) -> None:
        self.odoo, self.kept, self.asked = odoo, (model, number), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.odoo, name)

    def call(self, model: str, method: str, ids: Any = (), /, **arguments: Any) -> Any:
        answer = self.odoo.call(model, method, ids, **arguments)
        if model != self.kept[0]:
            return answer
        if method == "read" and self.kept[1] in ids:
            raise AccessDenied(f"{model}.read: you are not allowed to access this record")
        return [number for number in answer if number != self.kept[1]] if method == "search" else answer


@pytest.mark.parametrize(("model", "name"), [("sale.order", "order"), ("res.partner", "bob")])
def test_a_record_that_may_not_be_read_costs_itself_alone(
    odoo: Any, ledger: Ledger, numbers: dict[str, int], model: str, name: str
) -> None:
    write(odoo, "res.partner", numbers["ada"], name="Eve")
    drift = since_apply(Door(Keeping(odoo, model, numbers[name])), ledger).drift
    told = {(d.xid.removeprefix("lago."), d.deleted, tuple(f.field for f in d.diffs)) for d in drift}
    assert told == {("ada", False, ("name",)), (name, False, ("company_id",))}


def test_a_right_that_lacks_is_no_record_of_another_company(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    class Without(Keeping):
        def call(self, model: str, method: str, ids: Any = (), /, **arguments: Any) -> Any:
            if (model, method) == ("res.partner", "read"):
                raise AccessDenied("no right")
            return self.odoo.call(model, method, ids, **arguments)

    with pytest.raises(AccessDenied):
        since_apply(Door(Without(odoo, "", 0)), ledger)


def test_a_discount_and_added_lines(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    write(odoo, "sale.order.line", numbers["line"], discount=10.0)
    assert fields(odoo, ledger) == {"lago.line: discount"}
    line = {"order_id": numbers["order"], "product_id": numbers["product"], "price_unit": 500.0}
    odoo.call("sale.order.line", "create", vals_list=[line])
    assert fields(odoo, ledger) == {"lago.line: discount", "lines added"}


def test_who_gets_the_invoice(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    write(odoo, "sale.order", numbers["order"], partner_invoice_id=numbers["bob"])
    assert fields(odoo, ledger) == {"partner_invoice_id"}
    write(odoo, "sale.order", numbers["order"], partner_id=numbers["bob"])
    assert {"partner_id", "partner_invoice_id", "partner_shipping_id"} <= fields(odoo, ledger)


def test_who_owes_it(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    """A contact's bills are its company's: Odoo books them there."""
    write(odoo, "res.partner", numbers["ada"], parent_id=numbers["bob"])
    assert "parent_id" in fields(odoo, ledger)


NATIVE = {
    "sale.order": (
        *("journal_id", "fiscal_position_id", "payment_term_id", "partner_shipping_id"),
        *("plan_id", "start_date", "end_date"),
    ),
    "sale.order.line": ("product_id", "product_uom_qty", "price_unit", "tax_ids"),
}


def other_value(odoo: Any, model: str, name: str, now: Any) -> Any:
    """Something else than what stands in a field: another record, a day, a number."""
    told = odoo.call(model, "fields_get", allfields=[name])[name]
    if told["type"] in ("many2one", "many2many"):
        single = told["type"] == "many2one"
        current = {now[0] if isinstance(now, list) else now} if single else set(now)
        found = odoo.call(told["relation"], "search", domain=[])
        another = next((number for number in found if number not in current), None)
        if another is None:
            (another,) = odoo.call(told["relation"], "create", vals_list=[{"name": "Another"}])
        return another if single else [[6, 0, [another]]]
    return "2027-03-01" if told["type"] == "date" else 77.0


@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in NATIVE.items() for name in names])
def test_each_field_of_odoos_own_that_decides_a_bill(
    odoo: Any, ledger: Ledger, numbers: dict[str, int], model: str, name: str
) -> None:
    """Whether the migration wrote it or not: where it is posted, under which taxes and terms, how often, until when."""
    number = numbers["order" if model == "sale.order" else "line"]
    now = odoo.call(model, "read", [number], fields=[name])[0][name]
    write(odoo, model, number, **{name: other_value(odoo, model, name, now)})
    assert (name if model == "sale.order" else f"lago.line: {name}") in fields(odoo, ledger)


def test_what_an_older_release_did_not_note_is_told_until_an_apply_notes_it(
    odoo: Any, ledger: Ledger, numbers: dict[str, int]
) -> None:
    assert since_apply(Door(odoo), ledger).unwatched == {}
    for entry in ledger.entries():
        older = replace(entry, stored={name: value for name, value in entry.stored.items() if name != "parent_id"})
        with ledger.store.begin() as db:
            row = row_from_entry(older)
            db.execute(APPLIED_RECORDS.update().where(APPLIED_RECORDS.c.xid == row["xid"]).values(**row))
            seal_everything(db)
    write(odoo, "res.partner", numbers["ada"], parent_id=numbers["bob"])
    told = since_apply(Door(odoo), ledger)
    assert (told.unwatched, told.drift) == ({"res.partner: parent_id": 2}, ())
    assert apply(Door(odoo), ledger, wished()).ok
    assert since_apply(Door(odoo), ledger).unwatched == {}
    write(odoo, "res.partner", numbers["ada"], parent_id=False)
    assert fields(odoo, ledger) >= {"parent_id"}


def test_an_external_id_that_stands_for_another_record(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    """Odoo's merging of contacts moves the external ids of those that go."""
    domain = [["module", "=", "lago"], ["name", "=", "ada"]]
    xid = odoo.call("ir.model.data", "search", domain=domain)
    odoo.call("ir.model.data", "write", xid, vals={"res_id": numbers["bob"]})
    assert "id" in fields(odoo, ledger)


def test_a_paused_subscription(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    odoo.call("sale.order", "pause_subscription", [numbers["order"]])
    assert "subscription_state" in fields(odoo, ledger)


def test_what_is_watched_is_never_written(odoo: Any, ledger: Ledger, numbers: dict[str, int]) -> None:
    write(odoo, "sale.order.line", numbers["line"], discount=10.0)
    write(odoo, "sale.order", numbers["order"], partner_invoice_id=numbers["bob"], next_invoice_date="2026-08-02")
    assert not preview(Door(odoo), ledger, wished()).pending
    assert apply(Door(odoo), ledger, wished()).calls == 0
    assert fields(odoo, ledger) == {"lago.line: discount", "partner_invoice_id", "next_invoice_date"}


@pytest.fixture
def card(odoo: Any, ledger: Ledger) -> int:
    """Ada's prepaid credits: 50.00."""
    programme = wish(
        "loyalty.program",
        "credits",
        Phase.BALANCES,
        name="Credits",
        program_type="ewallet",
        currency_id=Ref("base.CAD"),
    )
    reward = wish("loyalty.reward", "reward", Phase.BALANCES, description="Credits", discount_mode="per_point")
    card = wish("loyalty.card", "card", Phase.BALANCES, partner_id=Ref("lago.ada"), points=Decimal(50))
    wishes = [
        wish("res.partner", "ada", Phase.CUSTOMERS, name="Ada"),
        replace(programme, children={"reward_ids": (reward,)}),
        replace(card, values={**card.values, "program_id": Ref("lago.credits")}, once=frozenset({"points"})),
    ]
    applied = apply(Door(odoo), ledger, wishes)
    assert applied.ok, [failure.reason for failure in applied.failures]
    assert since_apply(Door(odoo), ledger).drift == ()
    domain = [["module", "=", "lago"], ["name", "=", "card"]]
    return int(odoo.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])[0]["res_id"])


def moved(odoo: Any, card: int, points: float, **values: Any) -> None:
    history = {"card_id": card, "description": "Used", **values}
    odoo.call("loyalty.history", "create", vals_list=[history])
    write(odoo, "loyalty.card", card, points=points)


def test_prepaid_credits_that_somebody_typed(odoo: Any, ledger: Ledger, card: int) -> None:
    for points in (1e15, 0, 49.99):
        write(odoo, "loyalty.card", card, points=points)
        assert fields(odoo, ledger) == {"points"}
    moved(odoo, card, 60.0, issued=10.0)  # Odoo's own wizard of a new balance: no order did it
    assert fields(odoo, ledger) == {"points"}


def test_prepaid_credits_that_an_order_spent(odoo: Any, ledger: Ledger, card: int) -> None:
    moved(odoo, card, 30.5, used=19.5, order_model="sale.order", order_id=7)
    assert fields(odoo, ledger) == set()
    moved(odoo, card, 40.5, issued=10.0, order_model="sale.order", order_id=8)
    assert fields(odoo, ledger) == set()
    write(odoo, "loyalty.card", card, points=40.6)
    assert fields(odoo, ledger) == {"points"}
