"""The company with its twins, migrated once to an embedded Odoo in which some things are then changed."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.migration import open_migration
from lago2odoo.cli.talk import Talk
from lago2odoo.sandbox import odoo as embedded_odoo
from migrate import config as settings
from migrate.apply import apply
from migrate.lago.extract import extract
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.state.ledger import Ledger
from tests.fuzz.company import small_company
from tests.reruns.company import with_twins

LOST = 3  # events that Odoo does not have
CLOCK = datetime(2026, 8, 21, 12, tzinfo=UTC)
CONFIG = """
[lago]
recording = "."
[odoo]
url = "http://127.0.0.1:1"
database = "demo"
key_file = "key"
[store]
url = "sqlite:///state.db"
events = "events"
[mapping]
usage_since = 2025-01-01
[waive]
skipped = ["language_not_installed"]
[reconcile]
waivers = "waivers.toml"
"""
WAIVERS = """
[[waiver]]
rule = "price"
customer = "acct59a"
reason = "looked at"
author = "ana@example.com"
approver = "bo@example.com"
expires = 2099-01-01
"""


@contextlib.contextmanager
def migrated(folder: Path) -> Iterator[None]:
    """The folder as ``program.py`` wants it, while Odoo runs."""
    company = with_twins(small_company())
    (folder / "outputs").mkdir()
    (folder / "company.pickle").write_bytes(pickle.dumps(company))
    (folder / "lago2odoo.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "organizations.jsonl").touch()
    (folder / "waivers.toml").write_text(WAIVERS, encoding="utf-8")
    (folder / "key").write_text("key", encoding="utf-8")
    server = embedded_odoo.serve(folder / "odoo.db", clock=lambda: CLOCK)
    try:
        access = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        (folder / "odoo.json").write_text(json.dumps(asdict(access)), encoding="utf-8")
        odoo = connect(access)
        file = folder / "lago2odoo.toml"
        context = CommandContext(config=settings.load(file), config_file=file, talk=Talk())
        with contextlib.redirect_stderr(io.StringIO()), context.store() as store, store.lock():
            extract(company.source({}), store, context.events)
            migration = open_migration(context, store, Door(odoo), None)
            apply(Door(odoo), Ledger(store), migration.mapped, snapshot_digest=migration.digest).raise_if_failed()
        plant(odoo)
        yield
    finally:
        server.close()


def plant(odoo: Odoo) -> None:
    """Faults that several customers have alike, so that what is found ties too."""
    lines = odoo.call("sale.order.line", "search_read", domain=[["price_unit", ">", 0]], fields=["price_unit"])
    for line in lines:
        odoo.call("sale.order.line", "write", [line["id"]], vals={"price_unit": line["price_unit"] + 10})
    domain = [["code", "=", "charges_0"]]
    charges = odoo.call("fusion.billing.charge", "search_read", domain=domain, fields=["properties"], order="id")
    for charge in charges:
        if "amount" in (properties := json.loads(charge["properties"] or "{}")):
            raised = json.dumps({**properties, "amount": str(Decimal(properties["amount"]) * 2)})
            odoo.call("fusion.billing.charge", "write", [charge["id"]], vals={"properties": raised})
    rows = odoo.call("fusion.billing.usage", "search_read", domain=[], fields=["transaction_id"], order="id")
    lost = sorted({row["transaction_id"] for row in rows})[:LOST]  # twins have them both
    odoo.call("fusion.billing.usage", "unlink", [row["id"] for row in rows if row["transaction_id"] in lost])
