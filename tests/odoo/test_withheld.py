"""A record rule of a real Odoo hides one order from the migration's user: it costs that order and what stands on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.odoo.withheld import readable_rows
from tests.extracting.company import LIGHT, recorded
from tests.odoo.command import lago2odoo
from tests.odoo.conftest import Database

pytestmark = pytest.mark.odoo


class Hiding:
    """A small company that is applied, and a rule that hides its first confirmed order from every user."""

    def __init__(self, database: Database, recording: Path) -> None:
        self.database, self.odoo = database, database.connect()
        lago2odoo(database, "extract", "--recording", str(recording))
        lago2odoo(database, "apply")
        rows = self.odoo.call(
            "ir.model.data",
            "search_read",
            domain=[["module", "=", "lago"], ["model", "=", "sale.order"]],
            fields=["name", "res_id"],
            order="id",
        )
        self.orders = len(rows)
        self.xid, self.number = f"lago.{rows[0]['name']}", rows[0]["res_id"]
        (model,) = self.odoo.call("ir.model", "search", domain=[["model", "=", "sale.order"]])
        values = {"name": "one order is kept", "model_id": model, "domain_force": f"[('id', '!=', {self.number})]"}
        (self.rule,) = self.odoo.call("ir.rule", "create", vals_list=[values])

    def show(self) -> None:
        self.odoo.call("ir.rule", "unlink", [self.rule])

    def told(self, *arguments: str, code: int) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(lago2odoo(self.database, *arguments, "--format", "json", code=code))
        return answer


@pytest.fixture
def hiding(database: Database, tmp_path: Path) -> Iterator[Hiding]:
    made = Hiding(database, recorded(tmp_path, LIGHT))
    yield made
    made.odoo.close()


def test_a_hidden_order_costs_itself_in_every_command(hiding: Hiding) -> None:
    changes = {c["xid"]: c["action"] for c in hiding.told("preview", code=1)["changes"] if c["xid"]}
    assert changes.pop(hiding.xid) == "withheld"
    assert set(changes.values()) == {"unchanged"}
    said = lago2odoo(hiding.database, "preview", code=1)
    assert "withheld: 1 records stay as they are: Odoo does not show it" in said

    applied = hiding.told("apply", code=1)
    assert [f"(sale.order {hiding.xid}): Odoo does not show it" in text for text in applied["failures"]] == [True]

    undone = hiding.told("rollback", code=1)
    assert len([text for text in undone["refused"] if "Odoo does not show it" in text]) == 1
    left = hiding.odoo.call("sale.order", "search_count", domain=[])
    assert left == 0, "every other order is gone"
    hiding.show()
    assert hiding.odoo.call("sale.order", "search_count", domain=[]) == 1
    lago2odoo(hiding.database, "rollback")
    assert hiding.odoo.call("sale.order", "search_count", domain=[]) == 0


def test_adopt_names_a_hidden_order_and_takes_it_up_once_it_is_shown(hiding: Hiding) -> None:
    """The state is lost: what Odoo hides is neither gone nor known."""
    for path in hiding.database.folder.glob(".lago2odoo/state.db*"):
        path.unlink()
    told = hiding.told("adopt", code=1)
    assert (f"sale.order {hiding.xid}" in told["withheld"], told["gone"]) == (True, [])
    assert told["made"]["sale.order"] == hiding.orders - 1
    hiding.show()
    again = hiding.told("adopt", code=0)
    assert (again["made"], again["withheld"], again["gone"]) == ({"sale.order": 1}, [], [])
    lago2odoo(hiding.database, "rollback")
    assert hiding.odoo.call("sale.order", "search_count", domain=[]) == 0


def test_hidden_records_are_told_by_few_calls(hiding: Hiding) -> None:
    """1,999 of 2,000: a read for each of them took 4,001 calls."""
    ids = hiding.odoo.call("res.partner", "create", vals_list=[{"name": f"partner {n}"} for n in range(2000)])
    (model,) = hiding.odoo.call("ir.model", "search", domain=[["model", "=", "res.partner"]])
    values = {"name": "kept", "model_id": model, "domain_force": f"[('id', 'not in', {ids[1:]})]"}
    hiding.odoo.call("ir.rule", "create", vals_list=[values])
    counted = Counted(hiding.odoo)
    rows, kept = readable_rows(Door(counted), "res.partner", ids, ["name"])
    assert ([row["id"] for row in rows], {*kept}) == ([ids[0]], {*ids[1:]})
    assert counted.calls < 100


class Counted:
    """A connection, and how many calls went through it."""

    def __init__(self, odoo: Odoo) -> None:
        self.odoo, self.calls = odoo, 0
        self.server_version = odoo.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        self.calls += 1
        return self.odoo.call(model, method, ids, **arguments)

    def close(self) -> None:
        self.odoo.close()
