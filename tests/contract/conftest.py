"""One suite, two servers: the embedded Odoo and a real one, each through both transports and with both kinds of subscriptions."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

import os
import re
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.sandbox.odoo import serve
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.protocol import Odoo

SCRIPT = Path(__file__).parents[1] / "odoo" / "server"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one database of one server is."""

    server: str
    flavour: str
    url: str
    database: str
    user: str
    key: str

    def settings(self, transport: str, **changed: str) -> OdooSettings:
        own = {"url": self.url, "database": self.database, "user": self.user, "key": self.key, **changed}
        return OdooSettings(**own, transport=transport, timeout=120)


def script(*arguments: str, **environment: str) -> str:
    """Run tests/odoo/server; what it says on stderr is shown when it fails."""
    done = subprocess.run(
        [SCRIPT, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"tests/odoo/server {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def real_port() -> Iterator[str]:
    if os.environ.get("ODOO_URL"):
        yield ""
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script("ready", ODOO_PORT=port)
    script("up", ODOO_PORT=port)
    yield port
    script("down", ODOO_PORT=port)


Maker = Callable[[str, str], Place]


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Make each database once, when the first test asks for it."""
    made: dict[tuple[str, str], Place] = {}
    endings: list[Callable[[], object]] = []

    def embedded(flavour: str) -> Place:
        server = serve(tmp_path_factory.mktemp("odoo") / f"{flavour}.sqlite", flavour=flavour, api_key=uuid.uuid4().hex)
        endings.append(server.close)
        return Place("embedded", flavour, server.url, server.database_name, server.user, server.key)

    def real(flavour: str) -> Place:
        port = request.getfixturevalue("real_port")
        name = f"contract_{flavour}_{os.getpid()}"
        said = dict(
            re.findall(r"^(\w+)=(.*)$", script("reset", name, "--flavour", flavour, ODOO_PORT=port), re.MULTILINE)
        )
        if port:
            endings.append(lambda: script("drop", name, ODOO_PORT=port))
        return Place("real", flavour, said["ODOO_URL"], said["ODOO_DB"], said["ODOO_USER"], said["ODOO_KEY"])

    def make(server: str, flavour: str) -> Place:
        if (server, flavour) not in made:
            made[server, flavour] = embedded(flavour) if server == "embedded" else real(flavour)
        return made[server, flavour]

    yield make
    for end in endings:
        end()


@pytest.fixture(scope="session", params=["enterprise", "oca"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session", params=["embedded", pytest.param("real", marks=pytest.mark.odoo)])
def place(request: pytest.FixtureRequest, places: Maker, flavour: str) -> Place:
    found = places(request.param, flavour)
    if found.server == "real" and os.environ.get("ODOO_URL") and actual_flavour(found) != flavour:
        pytest.skip(f"the server of ODOO_URL has not the subscriptions of {flavour}")
    return found


def actual_flavour(place: Place) -> str:
    odoo = connect(place.settings("json2"))
    models = {
        row["model"]
        for row in odoo.call(
            "ir.model", "search_read", domain=[["model", "like", "sale.subscription"]], fields=["model"]
        )
    }
    odoo.close()
    return "enterprise" if "sale.subscription.plan" in models else "oca" if "sale.subscription" in models else "plain"


@pytest.fixture(scope="session", params=["json2", "odoorpc"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def odoo(place: Place, transport: str) -> Iterator[Odoo]:
    connection = connect(place.settings(transport))
    yield connection
    connection.close()


REFS: dict[int, dict[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Shop:
    """What most tests need: a way to make records, and the usual Canadian setting."""

    odoo: Odoo

    def call(self, model: str, method: str, ids: list[int] | None = None, /, **arguments: Any) -> Any:
        return self.odoo.call(model, method, *([] if ids is None else [ids]), **arguments)

    def make(self, model: str, /, **vals: Any) -> int:
        return int(self.call(model, "create", vals_list=[vals])[0])

    def get(self, model: str, number: int, *fields: str) -> dict[str, Any]:
        return dict(self.call(model, "read", [number], fields=list(fields))[0])

    def one(self, model: str, number: int, field: str) -> Any:
        return self.get(model, number, field)[field]

    def find(self, model: str, *domain: Any, **options: Any) -> list[int]:
        return list(self.call(model, "search", domain=list(domain), **options))

    def ref(self, xid: str) -> int:
        module, name = xid.split(".", 1)
        known = REFS.setdefault(id(self.odoo), {})
        if module in ("base", "account"):  # Odoo's own stay where they are
            return known.get(xid) or known.setdefault(xid, self._ref(xid, module, name))
        return self._ref(xid, module, name)

    def _ref(self, xid: str, module: str, name: str) -> int:
        found = self.call(
            "ir.model.data", "search_read", domain=[["module", "=", module], ["name", "=", name]], fields=["res_id"]
        )
        assert found, f"no external id {xid}"
        return int(found[0]["res_id"])

    def partner(self, **vals: Any) -> int:
        here = {"country_id": self.ref("base.ca"), "state_id": self.ref("base.state_ca_on")}
        return self.make("res.partner", **{"name": unique("Customer"), **here, **vals})

    def product(self, **vals: Any) -> int:
        """A service; answers its variant."""
        template = self.make("product.template", **{"name": unique("Service"), "type": "service", **vals})
        return int(self.one("product.template", template, "product_variant_id")[0])

    def journal(self) -> int:
        account = self.one(
            "account.journal", self.find("account.journal", ["code", "=", "INV"])[0], "default_account_id"
        )[0]
        code = uuid.uuid4().hex[:5].upper()
        return self.make("account.journal", name=unique("Shadow"), code=code, type="sale", default_account_id=account)

    def invoice(self, *lines: dict[str, Any], **vals: Any) -> int:
        own = {"move_type": "out_invoice", "partner_id": vals.pop("partner_id", None) or self.partner()}
        return self.make("account.move", **{**own, **vals}, invoice_line_ids=[[0, 0, line] for line in lines])

    def order(self, *lines: dict[str, Any], **vals: Any) -> int:
        partner = vals.pop("partner_id", None) or self.partner()
        return self.make("sale.order", partner_id=partner, order_line=[[0, 0, line] for line in lines], **vals)

    def totals(self, model: str, number: int) -> tuple[float, float, float]:
        row = self.get(model, number, "amount_untaxed", "amount_tax", "amount_total")
        return row["amount_untaxed"], row["amount_tax"], row["amount_total"]


def unique(word: str = "x") -> str:
    return f"{word} {uuid.uuid4().hex[:10]}"


@pytest.fixture
def shop(odoo: Odoo) -> Shop:
    return Shop(odoo)


@pytest.fixture
def word() -> str:
    """A text nobody else uses."""
    return uuid.uuid4().hex[:12]
