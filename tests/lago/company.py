"""The company of the samples on a real Odoo, put there by this project's own apply; two services with keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from mappings.context import Options
from mappings.desired import desired
from migrate.apply import apply
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.lago.samples import company, tables

SERVICE = "northwind_metering"  # named after the organization of the samples


@dataclass(frozen=True)
class Api:
    """The addon's API over HTTP: where it is, a key of the company's service, a key of a service without customers."""

    url: str
    key: str
    other_key: str
    odoo: Odoo
    place: OdooSettings  # where that is, for other users

    def http(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=60)


def settle(place: OdooSettings, folder: Path) -> Api:
    """Move the company, let its services have keys."""
    odoo = connect(place)
    target = discover(Door(odoo))
    with Store.open(folder / "state.db") as store:
        applied = apply(Door(odoo), Ledger(store), tuple(desired(company(), (), target, tables(), Options())))
        applied.raise_if_failed()
    accept_cards(odoo)
    other = odoo.call("fusion.billing.service", "create", vals_list=[{"name": "Other", "code": "other"}])[0]
    domain = [["code", "=", SERVICE]]
    own = odoo.call("fusion.billing.service", "search", domain=domain)[0]
    return Api(place.url, issue_key(odoo, own), issue_key(odoo, other), odoo, place)


def issue_key(odoo: Odoo, service: int, overlap_hours: int = 24) -> str:
    """A new key, as a person gets it: from the wizard, once."""
    values = {"service_id": service, "overlap_hours": overlap_hours}
    wizard = odoo.call("fusion.billing.issue.key", "create", vals_list=[values])
    shown: str = odoo.call("fusion.billing.issue.key", "action_issue", wizard)["context"]["default_key"]
    return shown


def invoice(odoo: Odoo, external_id: str) -> list[int]:
    """The invoices that are due of a running subscription, made and posted as a person would. Their ids in Odoo."""
    order = odoo.call(
        "sale.order", "search", domain=[["fusion_external_id", "=", external_id], ["fusion_ended_at", "=", False]]
    )
    values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, order]]}
    wizard = odoo.call("sale.advance.payment.inv", "create", vals_list=[values])
    odoo.call("sale.advance.payment.inv", "create_invoices", wizard)
    by_usage, by_line = "invoice_line_ids.fusion_order_id", "invoice_line_ids.sale_line_ids.order_id"
    drafts = ["|", [by_usage, "in", order], [by_line, "in", order], ["state", "=", "draft"]]
    made: list[int] = odoo.call("account.move", "search", domain=drafts)
    odoo.call("account.move", "action_post", made)
    return made


def accept_cards(odoo: Odoo) -> None:
    """A payment provider in its test mode: invoices get a page where they can be paid."""
    found = odoo.call("payment.provider", "search", domain=[["code", "=", "stripe"]], limit=1)
    keys = {"stripe_publishable_key": "pk_test_x", "stripe_secret_key": "sk_test_x"}
    odoo.call("payment.provider", "write", found, vals={"state": "test", "is_published": True, **keys})


def last_month() -> float:
    """A moment of the last whole month (unix seconds): its usage is due on the next invoice."""
    first = datetime.now(UTC).replace(day=1, hour=12)
    return (first - timedelta(days=10)).timestamp()
