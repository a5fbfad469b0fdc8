"""fusion_billing: its checks, and a rerun that leaves no trace or a shadow draft."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

import json
from typing import Any

import pytest

from migrate.odoo.errors import Refused

JULY = {"at": "2026-07-01 04:10:00", "reason": "subscription_periodic"}


@pytest.fixture
def usage(shop: Any, word: str) -> dict[str, Any]:
    """A monthly order of 30.00 whose plan charges 0.015 a call, with three calls in June and one in July."""
    metric = shop.make("fusion.billing.metric", name="Calls", code=f"calls-{word}", aggregation="count_agg")
    variant = shop.product(name="Plan", default_code=f"plan-{word}", fusion_lago_id=f"plan-{word}", recurring_invoice=True) if _enterprise(shop) else (
        shop.product(name="Plan", default_code=f"plan-{word}", fusion_lago_id=f"plan-{word}")
    )  # fmt: skip
    template = shop.one("product.product", variant, "product_tmpl_id")[0]
    shop.make(
        "fusion.billing.charge", name="Calls", code="calls", kind="usage", metric_id=metric, plan_id=template, charge_model="standard",
        properties=json.dumps({"amount": "0.015"}), fusion_lago_id=f"charge-{word}", product_id=shop.product(),
    )  # fmt: skip
    order = shop.order(
        {"product_id": variant, "price_unit": 30.0},
        partner_id=shop.partner(state_id=shop.ref("base.state_ca_qc")),
        fusion_external_id=f"sub-{word}", fusion_lago_id=f"lago-{word}", fusion_plan_code=f"plan-{word}", fusion_interval="monthly",
        fusion_billing_time="calendar", fusion_anchor="2026-01-01 05:00:00", fusion_started_at="2026-01-01 05:00:00",
        fusion_created_at="2026-01-01 05:00:00", fusion_plan_amount="30.00", fusion_timezone="America/Toronto",
    )  # fmt: skip
    times = ["2026-06-01 04:00:00", "2026-06-15 12:00:00", "2026-07-01 03:59:59", "2026-07-01 04:00:00"]
    for index, at in enumerate(times):
        shop.make(
            "fusion.billing.usage",
            transaction_id=f"{word}-{index}",
            external_subscription_id=f"sub-{word}",
            code=f"calls-{word}",
            timestamp=at,
            received_at=at,
        )
    return {"order": order, "word": word}


def _enterprise(shop: Any) -> bool:
    return "recurring_invoice" in shop.call("product.template", "fields_get", attributes=["type"])


def test_rerun_leaves_no_trace(shop: Any, usage: dict[str, Any]) -> None:
    before = shop.call("account.move", "search_count", domain=[])
    answer = shop.call("sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": usage["order"], **JULY}])[0]
    assert [(line["key"]["kind"], line["amount_cents"], line["subtotal"], line["events"]) for line in answer["lines"]] == [
        ("subscription", 3000, "30.00", 0), ("charge", 5, "0.05", 3),
    ]  # fmt: skip
    assert (answer["untaxed"], answer["tax"], answer["total"], answer["currency"]) == ("30.05", "4.50", "34.55", "CAD")
    assert sorted(answer["taxes"].values()) == ["1.50", "3.00"]
    assert (answer["move_id"], answer["refusals"]) == (False, [])
    assert answer["lines"][1]["key"]["item"] == f"charge-{usage['word']}"
    assert shop.call("account.move", "search_count", domain=[]) == before


def test_rerun_keeps_a_shadow_draft(shop: Any, usage: dict[str, Any]) -> None:
    journal = shop.journal()
    more = {"keep": True, "journal_id": journal, "ref": "LAGO-7"}
    answer = shop.call(
        "sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": usage["order"], **JULY}], **more
    )[0]
    found = shop.get(
        "account.move",
        answer["move_id"],
        "name",
        "state",
        "ref",
        "amount_total",
        "fusion_shadow",
        "journal_id",
        "invoice_date",
    )
    assert (found["name"], found["state"], found["ref"], found["amount_total"], found["fusion_shadow"]) == (
        False,
        "draft",
        "LAGO-7",
        34.55,
        True,
    )
    assert (found["journal_id"][0], found["invoice_date"]) == (journal, "2026-07-01")
    lines = shop.call(
        "account.move.line",
        "read",
        shop.one("account.move", answer["move_id"], "invoice_line_ids"),
        fields=["fusion_key", "fusion_from", "quantity"],
    )
    assert json.loads(lines[1]["fusion_key"])["kind"] == "charge"
    assert (lines[1]["fusion_from"], lines[1]["quantity"]) == ("2026-06-01 04:00:00", 1.0)


def test_rerun_knows_only_the_orders_it_was_given(shop: Any, usage: dict[str, Any]) -> None:
    other = shop.order()
    with pytest.raises(Refused, match="not among the orders given"):
        shop.call("sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": other, **JULY}])
    with pytest.raises(Refused, match="Keep shadow invoices in a sale journal"):
        shop.call(
            "sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": usage["order"], **JULY}], keep=True
        )


def test_usage_is_unique_per_subscription(shop: Any, usage: dict[str, Any]) -> None:
    vals = {"transaction_id": f"{usage['word']}-0", "code": "x", "timestamp": "2026-06-01 04:00:00"}
    with pytest.raises(Refused, match="This subscription has an event with this transaction id already"):
        shop.make("fusion.billing.usage", **vals, external_subscription_id=f"sub-{usage['word']}")
    assert shop.make("fusion.billing.usage", **vals, external_subscription_id=f"other-{usage['word']}")


def test_texts_are_checked(shop: Any, word: str) -> None:
    metric = {"name": word, "code": word, "aggregation": "count_agg"}
    with pytest.raises(Refused, match="field filters is not JSON"):
        shop.make("fusion.billing.metric", **metric, filters="{")
    number = shop.make("fusion.billing.metric", **metric)
    with pytest.raises(Refused, match="A metric with this code exists already"):
        shop.make("fusion.billing.metric", **metric)
    charge = {"name": word, "charge_model": "standard"}
    template = shop.one("product.product", shop.product(), "product_tmpl_id")[0]
    with pytest.raises(Refused, match="A usage charge needs a metric"):
        shop.make("fusion.billing.charge", **charge, plan_id=template)
    for owner in ({}, {"plan_id": False}, {"plan_id": False, "order_id": False}):
        with pytest.raises(Refused, match="A charge needs its plan or its order"):
            shop.make("fusion.billing.charge", **charge, metric_id=number, **owner)
    made = shop.make("fusion.billing.charge", **charge, metric_id=number, plan_id=template)
    with pytest.raises(Refused, match="A charge needs its plan or its order"):
        shop.call("fusion.billing.charge", "write", [made], vals={"plan_id": False})
    with pytest.raises(Refused, match="A period is a month such as 2026-07"):
        shop.make("fusion.billing.reconciliation", period="2026-13")
    with pytest.raises(Refused, match=r"must be a plain decimal such as 12.50, not 1e3"):
        shop.order(fusion_plan_amount="1e3")
