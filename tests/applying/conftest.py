"""An embedded Odoo, a ledger, a few records to write, and a connection that fails on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.sandbox.odoo import Server, serve
from mappings.target import Desired, Find, Mapped, Phase, Ref, Source, Target
from migrate.apply import Applied, apply
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door, Patience
from migrate.odoo.protocol import Odoo
from migrate.state.ledger import Ledger
from migrate.state.store import Store

IMPATIENT = Patience(seconds=2, pause=0.01, sleep=lambda _: None)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = serve(tmp_path / "odoo.db")
    yield running
    running.close()


@pytest.fixture(params=["json2"])
def odoo(server: Server, request: pytest.FixtureRequest) -> Iterator[Odoo]:
    connection = connect(
        OdooSettings(
            url=server.url, database=server.database_name, user=server.user, key=server.key, transport=request.param
        )
    )
    yield connection
    connection.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Store.open(tmp_path / "state.db") as store:
        yield Ledger(store)


TARGET = Target(
    subscriptions="enterprise",
    addon=False,
    company_id=1,
    currencies=frozenset({"CAD"}),
    languages=frozenset({"en_US"}),
    loyalty=False,
    stripe=False,
)


@pytest.fixture
def target() -> Target:
    return TARGET


REAL = object()  # from ``Faulty.instead``: the call is passed on


@dataclass
class Passing:
    """A connection before another one: the rest of it, but for ``call``."""

    inner: Odoo

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def close(self) -> None:
        self.inner.close()


@dataclass
class Faulty(Passing):
    """Passes calls on; a script may raise before or after the call (then Odoo has done the work), or answer itself."""

    before: Callable[[str, str, int], None] = lambda model, method, number: None
    after: Callable[[str, str, int], None] = lambda model, method, number: None
    instead: Callable[[str, str, int], Any] = lambda model, method, number: REAL
    calls: list[tuple[str, str]] = field(default_factory=list)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        self.calls.append((model, method))
        number = self.calls.count((model, method))
        self.before(model, method, number)
        if (answer := self.instead(model, method, number)) is not REAL:
            return answer
        answer = self.inner.call(model, method, ids, **arguments)
        self.after(model, method, number)
        return answer

    def writes(self) -> int:
        reading = {"search_read", "read", "search", "fields_get", "context_get", "has_access"}
        return sum(method not in reading for _, method in self.calls)


@pytest.fixture
def faulty(odoo: Odoo) -> Faulty:
    return Faulty(odoo)


ONTARIO = Find("res.country.state", (("code", "=", "ON"), ("country_id.code", "=", "CA")), "add Ontario")


def partner(number: int, **values: Any) -> Desired:
    common = {
        "name": f"Customer {number}",
        "ref": f"NX-{number}",
        "city": "Toronto",
        "country_id": Ref("base.ca"),
        "state_id": ONTARIO,
        "is_company": True,
        "vat": None,
    }
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid=f"lago.customer_{number}",
        source=Source("customer", f"NX-{number}"),
        customer=f"NX-{number}",
        values={**common, **values},
    )


def product() -> Desired:
    return Desired(
        phase=Phase.CATALOG,
        model="product.product",
        xid="lago.product_1",
        source=Source("plan", "basic"),
        values={"name": "Basic", "type": "service", "list_price": Decimal("10"), "taxes_id": ()},
    )


def order(number: int, *quantities: str, **values: Any) -> Desired:
    lines = tuple(
        Desired(
            phase=Phase.SUBSCRIPTIONS,
            model="sale.order.line",
            xid=f"lago.line_{number}_{place}",
            source=Source("subscription", str(number)),
            values={
                "product_id": Ref("lago.product_1"),
                "name": f"line {place}",
                "product_uom_qty": Decimal(quantity),
                "price_unit": Decimal("12.345"),
                "tax_ids": (),
            },
        )
        for place, quantity in enumerate(quantities)
    )
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid=f"lago.subscription_{number}",
        source=Source("subscription", str(number)),
        customer=f"NX-{number}",
        values={"name": f"LAGO/{number}", "partner_id": Ref(f"lago.customer_{number}"), **values},
        children={"order_line": lines},
    )


@dataclass
class World:
    """The records to write, and a shortcut to apply them."""

    odoo: Any
    ledger: Ledger
    target: Target

    def partner(self, number: int, **values: Any) -> Desired:
        return partner(number, **values)

    def order(self, number: int, *quantities: str, **values: Any) -> Desired:
        return order(number, *quantities, **values)

    def product(self) -> Desired:
        return product()

    def all(self, count: int = 6) -> list[Mapped]:
        return [
            product(),
            *(partner(n) for n in range(count)),
            *(order(n, "1", "2") for n in range(count)),
        ]

    @property
    def door(self) -> Door:
        """Opened anew for each use, as each command does."""
        return Door(self.odoo, IMPATIENT)

    def apply(self, mapped: Sequence[Mapped], **more: Any) -> Applied:
        """Removals are agreed to beforehand: ``test_removals`` is about those that are not."""
        return apply(self.door, self.ledger, mapped, **{"allow_removals": 1000, **more})

    def count(self, model: str, *domain: Any) -> int:
        found: int = self.odoo.call(model, "search_count", domain=list(domain))
        return found

    def ours(self, model: str) -> int:
        return self.count("ir.model.data", ["module", "=", "lago"], ["model", "=", model])

    def id(self, xid: str) -> int:
        rows = self.odoo.call(
            "ir.model.data", "search_read", domain=[["module", "=", "lago"], ["name", "=", xid]], fields=["res_id"]
        )
        return int(rows[0]["res_id"])


@pytest.fixture
def world(faulty: Faulty, ledger: Ledger, target: Target) -> World:
    return World(faulty, ledger, target)
