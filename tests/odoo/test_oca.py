"""OCA's subscriptions on the real module: its ``write`` and ``create`` move stages and dates on their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired, Phase, Ref
from migrate.apply import apply
from migrate.odoo.door import Door
from migrate.odoo.errors import OutcomeUnknown
from migrate.odoo.protocol import Odoo
from migrate.preview import preview, since_apply
from migrate.rollback import rollback
from migrate.state.ledger import Ledger
from migrate.state.store import Store

pytestmark = [pytest.mark.odoo, pytest.mark.parametrize("common", ["oca"], indirect=True)]
STAGE = "subscription_oca.subscription_stage_"
DATES = {"date_start": date(2026, 2, 3), "recurring_next_date": date(2026, 8, 3)}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Store.open(tmp_path / "state.db") as store:
        yield Ledger(store)


NUMBERS = count()
OWN: list[str] = []  # what marks the records of the test that runs: the database is shared


@pytest.fixture(autouse=True)
def own() -> None:
    OWN[:] = [f"oca{os.getpid()}n{next(NUMBERS)}"]


def mine(name: str) -> str:
    """External id of a record of this test alone."""
    return f"lago.{OWN[0]}_{name}"


def wish(model: str, xid: str, phase: Phase = Phase.CATALOG, **values: Any) -> Desired:
    return Desired(phase=phase, model=model, xid=mine(xid), source=xid, values=values)


def catalog() -> list[Desired]:
    template = {"name": "Monthly", "code": OWN[0], "recurring_interval": 1, "recurring_rule_type": "months"}
    return [
        wish("product.product", "product", name="Basic", type="service", taxes_id=()),
        wish("product.pricelist", "pricelist", name="CAD", currency_id=Ref("base.CAD")),
        wish("sale.subscription.template", "template", **template, recurring_rule_boundary="unlimited"),
        wish("res.partner", "customer", Phase.CUSTOMERS, name="Ada", country_id=Ref("base.ca")),
    ]


def subscription(stage: str, *prices: str, **values: Any) -> Desired:
    """As ``mappings.dialects`` makes it."""
    lines = tuple(
        wish("sale.subscription.line", f"line_{place}", Phase.SUBSCRIPTIONS, name=f"line {place}",
             product_id=Ref(mine("product")), product_uom_qty=Decimal(1), price_unit=Decimal(price), tax_ids=())
        for place, price in enumerate(prices)
    )  # fmt: skip
    made = wish(
        "sale.subscription",
        "subscription",
        Phase.SUBSCRIPTIONS,
        code=OWN[0],
        partner_id=Ref(mine("customer")),
        template_id=Ref(mine("template")),
        pricelist_id=Ref(mine("pricelist")),
        stage_id=Ref(STAGE + stage),
        in_progress=stage == "in_progress",
        **{**DATES, **values},
    )
    late = frozenset({"in_progress", *DATES})
    once = frozenset({"recurring_next_date"})
    return replace(made, children={"sale_subscription_line_ids": lines}, late=late, once=once)


def stands(odoo: Any) -> tuple[str, bool, str, str, int]:
    fields = ["stage_type", "in_progress", "date_start", "recurring_next_date", "sale_subscription_line_ids"]
    (row,) = odoo.call("sale.subscription", "search_read", domain=[["code", "=", OWN[0]]], fields=fields)
    stage, runs, start, following, lines = (row[name] for name in fields)
    return stage, runs, start, following, len(lines)


@pytest.mark.parametrize("transport", ["json2", "odoorpc"])
def test_a_running_subscription_keeps_its_own_dates(common: Any, ledger: Ledger, transport: str) -> None:
    odoo = common.connect(transport=transport)

    def settle(*prices: str, stage: str = "in_progress", **values: Any) -> tuple[str, bool, str, str, int]:
        wanted = [*catalog(), subscription(stage, *prices, **values)]
        assert apply(Door(odoo), ledger, wanted, allow_removals=1).ok
        again = apply(Door(odoo), ledger, wanted)
        assert (again.calls, preview(Door(odoo), ledger, wanted).pending) == (0, False)
        return stands(odoo)

    assert settle("10", "20", stage="draft") == ("draft", False, "2026-02-03", "2026-08-03", 2)
    # with a changed and a vanished line in one go
    assert settle("11") == ("in_progress", True, "2026-02-03", "2026-08-03", 1)
    assert settle("11", date_start=date(2026, 2, 5)) == ("in_progress", True, "2026-02-05", "2026-08-03", 1)
    assert settle("11", stage="closed")[:2] == ("post", False)
    assert settle("11") == ("in_progress", True, "2026-02-03", "2026-08-03", 1)
    undone = rollback(Door(odoo), ledger)
    assert (undone.refused, undone.changed_since) == ((), ())
    assert odoo.call("ir.model.data", "search_count", domain=[["name", "like", OWN[0]]]) == 0
    assert odoo.call("sale.subscription.line", "search_count", domain=[["sale_subscription_id", "=", False]]) == 0


def test_what_odoo_moved_on_stays(common: Any, ledger: Ledger) -> None:
    """The next invoice's date is Odoo's own from the start on: other changes leave it alone."""
    odoo = common.connect()
    apply(Door(odoo), ledger, [*catalog(), subscription("in_progress", "10")])
    number = odoo.call("sale.subscription", "search", domain=[["code", "=", OWN[0]]])
    odoo.call("sale.subscription", "write", number, values={"recurring_next_date": "2026-09-03"})
    changed = [*catalog(), subscription("in_progress", "12", description="upgraded")]
    assert apply(Door(odoo), ledger, changed).ok
    assert stands(odoo) == ("in_progress", True, "2026-02-03", "2026-09-03", 1)


@pytest.mark.parametrize("stage", ["closed", "draft"])
def test_a_subscription_of_before_us_gets_its_stage_and_its_dates_back(common: Any, ledger: Ledger, stage: str) -> None:
    """Its stage alone would date it today, and closing it empties a date that we never sent."""
    odoo = common.connect()
    assert apply(Door(odoo), ledger, [*catalog(), subscription("in_progress", "10")]).ok
    before = stands(odoo)
    ledger.forget([mine("subscription"), mine("line_0")])  # as if it had stood before us, and had been given our id
    ids = odoo.call(
        "ir.model.data", "search", domain=[["module", "=", "lago"], ["name", "=", f"{OWN[0]}_subscription"]]
    )
    odoo.call("ir.model.data", "write", ids, vals={"noupdate": True})
    changed = subscription(stage, "10", description="ended", date_start=date(2026, 3, 4))
    assert apply(Door(odoo), ledger, [*catalog(), changed]).ok
    assert stands(odoo) != before
    undone = rollback(Door(odoo), ledger, phases=[Phase.SUBSCRIPTIONS])
    assert (undone.refused, undone.restored) == ((), 1)
    assert before == ("in_progress", True, "2026-02-03", "2026-08-03", 1)
    assert stands(odoo)[:4] == before[:4]


class Killed(BaseException):
    """The end of a client: nothing of ours may catch it."""


@dataclass
class Cut:
    """A connection that is cut after the work was done: ``at(model, method, arguments)`` says when."""

    inner: Odoo
    error: BaseException
    at: Callable[[str, str, dict[str, Any]], bool]
    cuts: int = 0

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        if self.cuts == 0 and self.at(model, method, arguments):
            self.cuts += 1
            raise self.error
        return answer

    def close(self) -> None:
        self.inner.close()


def writes_stage(model: str, method: str, arguments: dict[str, Any]) -> bool:
    return model == "sale.subscription" and method == "load" and any("stage_id" in c for c in arguments["fields"])


def creates(model: str, method: str, arguments: dict[str, Any]) -> bool:
    return model == "sale.subscription" and method == "load" and "id" in arguments["fields"]


@pytest.mark.parametrize("at", [creates, writes_stage])
@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), Killed()], ids=["lost", "killed"])
def test_dates_survive_a_run_that_ends_where_odoo_has_just_moved_them(
    common: Any, ledger: Ledger, error: BaseException, at: Any
) -> None:
    """Between the stage and the dates nothing of ours says that today's date is not somebody's wish."""
    odoo = common.connect()
    if at is writes_stage:
        assert apply(Door(odoo), ledger, [*catalog(), subscription("draft", "10")]).ok
    wish = [*catalog(), subscription("in_progress", "10", date_start=date(2026, 3, 4))]
    cut = Cut(odoo, error, at)
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            apply(Door(cut), ledger, wish)
        assert stands(odoo)[2:4] != ("2026-03-04", "2026-08-03")
        assert since_apply(Door(odoo), ledger).drift == (), "half our own work is nobody's change"
        cut.error = AssertionError("cut once")
    apply(Door(cut), ledger, wish).raise_if_failed()
    assert (cut.cuts, stands(odoo)) == (1, ("in_progress", True, "2026-03-04", "2026-08-03", 1))
    assert apply(Door(odoo), ledger, wish).calls == 0
    undone = rollback(Door(odoo), ledger)
    assert (undone.refused, undone.changed_since) == ((), ())
    assert not any(OWN[0] in said for said in undone.unknown), "others' records of this database are no matter of ours"


def test_a_date_that_someone_set_stays_when_the_stage_moves(common: Any, ledger: Ledger) -> None:
    odoo = common.connect()
    assert apply(Door(odoo), ledger, [*catalog(), subscription("draft", "10")]).ok
    number = odoo.call("sale.subscription", "search", domain=[["code", "=", OWN[0]]])
    odoo.call("sale.subscription", "write", number, values={"date_start": "2026-01-15"})
    applied = apply(Door(odoo), ledger, [*catalog(), subscription("in_progress", "10")])
    assert applied.ok
    assert stands(odoo) == ("in_progress", True, "2026-01-15", "2026-08-03", 1)
