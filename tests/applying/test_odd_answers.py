"""Odoo, or what stands before it, answers a value that its field cannot hold: one line with record and field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from migrate.adopt import adopt
from migrate.change_set.changes import Action
from migrate.odoo.protocol import Odoo
from migrate.preview import preview, since_apply
from migrate.rollback import foresee
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.applying.conftest import REAL, World


@dataclass
class Odd:
    """Answers reads with a value of its own in one field, of one record or of all."""

    inner: Odoo
    name: str
    value: object
    only: tuple[str, int] | None = None

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        if method == "read":
            return [
                {**row, self.name: self.value} if self.name in row and self.only in (None, (model, row["id"])) else row
                for row in answer
            ]
        return answer

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("value", ["[]", "{not json", ["x"], {"a": 1}])
def test_a_price_that_is_no_number_costs_its_product_by_name(world: World, value: object) -> None:
    """It ended the command for everybody."""
    wanted = world.all(1)
    assert world.apply(wanted).ok
    odd = replace(world, odoo=Odd(world.odoo, "list_price", value))
    told = re.compile(r"product.product \d+: Odoo answers .* as list_price, which is no float: mend the record there")
    (drift,) = since_apply(odd.door, odd.ledger).drift
    assert (drift.xid, drift.diffs[0].field) == ("lago.product_1", "answer")
    assert told.match(str(drift.diffs[0].before))
    kept = {change.xid: change.note for change in preview(odd.door, odd.ledger, wanted).of(Action.WITHHELD)}
    assert kept.keys() == {"lago.product_1"}
    assert told.match(kept["lago.product_1"])
    foreseen = foresee(odd.door, odd.ledger)
    assert len(foreseen.delete) == 2, "the order and its customer"
    (stays,) = foreseen.unknown
    assert told.match(stays.partition(": ")[2])


def test_a_moment_that_is_none_costs_its_record_when_a_lost_state_is_taken_up(world: World, tmp_path: Path) -> None:
    assert world.apply(world.all(3)).ok
    odd = replace(world, odoo=Odd(world.odoo, "create_date", "yesterday", ("sale.order", world.id("subscription_1"))))
    with Store.open(tmp_path / "lost.db") as store:
        adoption = adopt(odd.door, Ledger(store), world.all(3))
    assert adoption.made == {"product.product": 1, "res.partner": 3, "sale.order": 2}
    told = [text for text in adoption.withheld if text.startswith("sale.order lago.subscription_1")]
    assert "Odoo answers 'yesterday' as create_date, which is no datetime" in told[0]


@pytest.mark.parametrize("answer", [None, [], {}, {"ids": False, "messages": None}, {"ids": False, "messages": ["x"]}])
def test_what_is_no_answer_to_a_load_is_looked_after_and_sent_again(world: World, answer: object) -> None:
    world.odoo.instead = lambda model, method, number: answer if (method, number) == ("load", 1) else REAL
    assert world.apply(world.all(2)).ok
    assert (world.ours("res.partner"), world.count("res.partner", ["ref", "=", "NX-1"])) == (2, 1)
