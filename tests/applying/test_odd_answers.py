"""Odoo, or what stands before it, answers a value that its field cannot hold: one line with record and field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from migrate.errors import OdooError
from migrate.odoo.protocol import Odoo
from migrate.preview import preview, since_apply
from migrate.rollback import foresee
from tests.applying.conftest import World


@dataclass
class Odd:
    """Answers every read with a value of its own in one field."""

    inner: Odoo
    name: str
    value: object

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        if method == "read":
            return [{**row, self.name: self.value} if self.name in row else row for row in answer]
        return answer

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("value", ["[]", "{not json", ["x"], {"a": 1}])
def test_a_price_that_is_no_number_is_named(world: World, value: object) -> None:
    wanted = world.all(1)
    assert world.apply(wanted).ok
    odd = replace(world, odoo=Odd(world.odoo, "list_price", value))
    for look in (
        lambda: since_apply(odd.door, odd.ledger),
        lambda: preview(odd.door, odd.ledger, wanted),
        lambda: foresee(odd.door, odd.ledger),
    ):
        with pytest.raises(OdooError, match=r"product.product \d+: Odoo answers .* as list_price, which is no float"):
            look()
