"""A small company of a test's own behind the addon's API: a service with its key, and one plan with three metrics.

Everything is named after a prefix, so that several live in one database beside each other.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx

from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.protocol import Odoo
from tests.lago.company import issue_key

JOBS = ("cron_invoice", "cron_lifecycle", "cron_check_events", "cron_overdue", "cron_deliver")
TIERS = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
    {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
]
CHARGES = (
    ("calls", "count_agg", None, "standard", {"amount": "0.05"}),
    ("bytes", "sum_agg", "bytes", "graduated", {"graduated_ranges": TIERS}),
    ("bought", "sum_agg", "bought", "dynamic", {}),
)


@dataclass(frozen=True)
class Small:
    """``prefix``: of the codes and of the ids that the tests give."""

    place: OdooSettings
    prefix: str

    @cached_property
    def odoo(self) -> Odoo:
        return connect(self.place)

    def call(self, model: str, method: str, *args: Any, **arguments: Any) -> Any:
        return self.odoo.call(model, method, *args, **arguments)

    def make(self, model: str, /, **vals: Any) -> int:
        return int(self.call(model, "create", vals_list=[vals])[0])

    def rows(self, model: str, domain: list[Any], *names: str) -> list[dict[str, Any]]:
        return list(self.call(model, "search_read", domain=domain, fields=list(names)))

    def one(self, model: str, domain: list[Any], name: str) -> Any:
        (row,) = self.rows(model, domain, name)
        return row[name]

    def name(self, of: str) -> str:
        return f"{self.prefix}-{of}"

    @cached_property
    def service(self) -> int:
        return self.make("fusion.billing.service", name=f"App {self.prefix}", code=self.name("app"))

    @cached_property
    def key(self) -> str:
        return issue_key(self.odoo, self.service)

    def http(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}", "X-Odoo-Database": self.place.database}
        return httpx.Client(base_url=f"{self.place.url}/api/v1/", headers=headers, timeout=60)

    @cached_property
    def plan(self) -> str:
        """The code of a plan of 30.00 a month in arrears: calls at 0.05, bytes in tiers, bought at its own price."""
        currency = self.rows("res.company", [], "currency_id")[0]["currency_id"][0]
        own = {"default_code": self.name("plan"), "fusion_lago_id": str(uuid.uuid4()), "fusion_kind": "plan"}
        price = {"fusion_interval": "monthly", "fusion_amount": "30.00", "fusion_currency_id": currency}
        template = self.make("product.template", name="Plan", type="service", **own, **price)
        for code, aggregation, field, model, properties in CHARGES:
            metric = self.make(
                "fusion.billing.metric", name=code, code=self.name(code), aggregation=aggregation, field_name=field
            )
            self.make(
                "fusion.billing.charge", name=code, code=self.name(code), metric_id=metric, plan_id=template,
                charge_model=model, properties=json.dumps(properties), fusion_lago_id=self.charge(code),
            )  # fmt: skip
        return self.name("plan")

    def charge(self, code: str) -> str:
        """The Lago id of a charge."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.name(code)))

    def subscribe(self, http: httpx.Client, of: str, **given: Any) -> str:
        """A customer and a subscription that has run since before last month, which nobody billed: its id."""
        external_id = self.name(of)
        asked = {"external_customer_id": external_id, "external_id": external_id, "plan_code": self.plan, **given}
        answer = http.post("subscriptions", json={"subscription": {**asked, "subscription_at": days_ago(70)}})
        assert answer.status_code == 200, answer.text
        orders = self.call("sale.order", "search", domain=[["fusion_external_id", "=", external_id]])
        created = {"fusion_created_at": days_ago(70)[:10] + " 00:00:00"}
        self.call("sale.order", "write", orders, vals={"fusion_billed_until": day_of_last_month(2), **created})
        return external_id

    def event(self, subscription: str, metric: str = "calls", **given: Any) -> dict[str, Any]:
        """The body of an event of last month."""
        own = {"transaction_id": uuid.uuid4().hex, "external_subscription_id": subscription, "code": self.name(metric)}
        return {"event": {**own, "timestamp": middle_of_last_month(), **given}}

    def use(self, http: httpx.Client, subscription: str, times: int = 1, metric: str = "calls", **given: Any) -> None:
        for _ in range(times):
            answer = http.post("events", json=self.event(subscription, metric, **given))
            assert answer.status_code == 200, answer.text

    def run(self, *jobs: str) -> None:
        """Scheduled jobs, as the server's own dispatcher runs them: each must end well, and stay active."""
        for job in jobs or JOBS:
            domain = [["module", "=", "fusion_billing"], ["name", "=", job]]
            number = self.one("ir.model.data", domain, "res_id")
            self.call("ir.cron", "write", [number], vals={"active": True})
            said = self.call("ir.cron", "method_direct_trigger", [number])
            assert said is True, (job, said)
            (row,) = self.rows("ir.cron", [["id", "=", number]], "active", "failure_count")
            assert (row["active"], row["failure_count"]) == (True, 0), (job, row)

    def invoices(self, subscription: str) -> list[float]:
        """Totals before taxes of what was billed to it."""
        domain = [["fusion_order_id.fusion_external_id", "=", subscription], ["parent_state", "!=", "cancel"]]
        moves = {row["move_id"][0] for row in self.rows("account.move.line", domain, "move_id")}
        rows = self.rows("account.move", [["id", "in", sorted(moves)]], "amount_untaxed")
        return sorted(row["amount_untaxed"] for row in rows)

    def activities(self, subscription: str) -> list[dict[str, Any]]:
        """The open activities on its orders: whose, and what they say."""
        orders = self.call("sale.order", "search", domain=[["fusion_external_id", "=", subscription]])
        domain = [["res_model", "=", "sale.order"], ["res_id", "in", orders]]
        return self.rows("mail.activity", domain, "user_id", "summary", "note")


def day_of_last_month(day: int) -> str:
    first = datetime.now(UTC).replace(day=1)
    return f"{(first - timedelta(days=1)).replace(day=day).date()} 00:00:00"


def middle_of_last_month() -> float:
    return datetime.fromisoformat(f"{day_of_last_month(15)}+00:00").timestamp()


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


def small(place: OdooSettings) -> Small:
    return Small(place, f"s{uuid.uuid4().hex[:8]}")
