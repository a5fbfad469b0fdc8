"""Both kinds of subscriptions: Enterprise's public fields (the stand-in) and OCA's subscription_oca."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.errors import BadCall, OdooRefused


@pytest.fixture
def enterprise(shop: Any, flavour: str) -> Any:
    if flavour != "enterprise":
        pytest.skip("fields of Enterprise")
    return shop


@pytest.fixture
def oca(shop: Any, flavour: str) -> Any:
    if flavour != "oca":
        pytest.skip("models of subscription_oca")
    return shop


def test_discovery(shop: Any, flavour: str) -> None:
    models = {
        row["model"]
        for row in shop.call(
            "ir.model", "search_read", domain=[["model", "like", "sale.subscription"]], fields=["model"]
        )
    }
    fields = set(shop.call("sale.order", "fields_get", attributes=["type"]))
    assert ("sale.subscription.plan" in models, "sale.subscription" in models) == (
        flavour == "enterprise",
        flavour == "oca",
    )
    assert ({"plan_id", "is_subscription", "subscription_state"} <= fields) == (flavour == "enterprise")
    names = ["lago2odoo_subscription_standin", "subscription_oca"]
    rows = shop.call(
        "ir.module.module", "search_read", domain=[["name", "in", names], ["state", "=", "installed"]], fields=["name"]
    )
    assert [row["name"] for row in rows] == [names[0] if flavour == "enterprise" else names[1]]


def plan(shop: Any, **vals: Any) -> int:
    return int(shop.make("sale.subscription.plan", **{"name": "Monthly", "billing_period_unit": "month", **vals}))


def subscription(shop: Any, plan_id: int, price: float = 30.0, **vals: Any) -> int:
    product = shop.product(recurring_invoice=True)
    return int(shop.order({"product_id": product, "price_unit": price}, plan_id=plan_id, **vals))


def test_a_plan(enterprise: Any) -> None:
    found = enterprise.get(
        "sale.subscription.plan",
        plan(enterprise),
        "billing_period_value",
        "auto_close_limit",
        "active",
        "user_closable",
    )
    assert (found["billing_period_value"], found["active"], found["user_closable"]) == (1, True, False)
    with pytest.raises(BadCall, match=r"Wrong value for sale.subscription.plan.billing_period_unit: 'day'"):
        plan(enterprise, billing_period_unit="day")


def test_an_order_with_plan_and_recurring_product_is_a_subscription(enterprise: Any) -> None:
    monthly = plan(enterprise)
    order = subscription(enterprise, monthly)
    found = enterprise.get(
        "sale.order", order, "is_subscription", "subscription_state", "recurring_total", "recurring_monthly"
    )
    assert found == {
        "id": order,
        "is_subscription": True,
        "subscription_state": "1_draft",
        "recurring_total": 30.0,
        "recurring_monthly": 30.0,
    }
    plain = enterprise.order({"product_id": enterprise.product(), "price_unit": 5}, plan_id=monthly)
    assert enterprise.get("sale.order", plain, "is_subscription", "subscription_state") == {
        "id": plain,
        "is_subscription": False,
        "subscription_state": False,
    }
    yearly = subscription(enterprise, plan(enterprise, billing_period_unit="year"), 120.0)
    assert enterprise.one("sale.order", yearly, "recurring_monthly") == 10.0


def test_life_of_a_subscription(enterprise: Any) -> None:
    order = subscription(enterprise, plan(enterprise), start_date="2026-02-01", next_invoice_date="2026-08-01")
    with pytest.raises(OdooRefused, match="only a subscription in progress"):
        enterprise.call("sale.order", "set_close", [order])
    enterprise.call("sale.order", "action_confirm", [order])
    assert enterprise.get("sale.order", order, "subscription_state", "start_date", "next_invoice_date", "state") == {
        "id": order, "subscription_state": "3_progress", "start_date": "2026-02-01", "next_invoice_date": "2026-08-01", "state": "sale",
    }  # fmt: skip
    enterprise.call("sale.order", "pause_subscription", [order])
    assert enterprise.one("sale.order", order, "subscription_state") == "4_paused"
    enterprise.call("sale.order", "resume_subscription", [order])
    reason = enterprise.find("sale.order.close.reason")[0]
    enterprise.call("sale.order", "set_close", [order], close_reason_id=reason)
    found = enterprise.get("sale.order", order, "subscription_state", "close_reason_id", "end_date")
    assert (found["subscription_state"], found["close_reason_id"][0]) == ("6_churn", reason) and found["end_date"]


def template(shop: Any, **vals: Any) -> int:
    return int(shop.make("sale.subscription.template", **{"name": "Monthly", "code": "M", **vals}))


@pytest.fixture
def contract(shop: Any, word: str) -> Any:
    def make(*lines: dict[str, Any], **vals: Any) -> int:
        own = {
            "partner_id": shop.partner(),
            "template_id": template(shop),
            "pricelist_id": shop.make("product.pricelist", name=word, currency_id=shop.ref("base.CAD")),
        }
        return int(
            shop.make(
                "sale.subscription", **{**own, **vals}, sale_subscription_line_ids=[[0, 0, line] for line in lines]
            )
        )

    return make


def test_oca_amounts(oca: Any, contract: Any) -> None:
    product = oca.product(list_price=9.5)
    number = contract(
        {"product_id": product},
        {"product_id": product, "price_unit": 10.005, "product_uom_qty": 1.2345, "discount": 10},
    )
    assert oca.get("sale.subscription", number, "recurring_total", "amount_tax", "amount_total") == {
        "id": number, "recurring_total": 20.62, "amount_tax": 2.69, "amount_total": 23.31,
    }  # fmt: skip
    line = oca.one("sale.subscription", number, "sale_subscription_line_ids")[1]
    found = oca.get(
        "sale.subscription.line", line, "price_subtotal", "price_total", "product_uom_qty", "amount_tax_line_amount"
    )
    assert (
        found["price_subtotal"],
        found["price_total"],
        found["product_uom_qty"],
        found["amount_tax_line_amount"],
    ) == (11.12, 12.56, 1.2345, 1.45)


def test_oca_names_and_stage(oca: Any, contract: Any, word: str) -> None:
    number = contract(
        code=word,
        date_start="2026-02-01",
        recurring_next_date="2026-08-01",
        stage_id=oca.find("sale.subscription.stage", ["type", "=", "in_progress"])[0],
    )
    found = oca.get("sale.subscription", number, "name", "stage_type", "in_progress", "recurring_rule_boundary")
    assert (found["name"], found["stage_type"], found["in_progress"], found["recurring_rule_boundary"]) == (
        f"M/{word}",
        "draft",
        False,
        True,
    )


def test_oca_limited_template_has_an_end(oca: Any, contract: Any) -> None:
    number = contract(
        template_id=template(oca, recurring_rule_boundary="limited", recurring_rule_count=3), date_start="2026-01-31"
    )
    assert oca.one("sale.subscription", number, "date") == "2026-04-30"


def test_oca_write_names_its_argument_otherwise(oca: Any, contract: Any) -> None:
    number, stage = contract(), oca.find("sale.subscription.stage", ["type", "=", "in_progress"])[0]
    with pytest.raises(BadCall, match=r"vals|values"):
        oca.call("sale.subscription", "write", [number], vals={"stage_id": stage})
    oca.call("sale.subscription", "write", [number], values={"stage_id": stage})
    assert oca.one("sale.subscription", number, "in_progress") is True


def test_oca_starting_overwrites_the_dates(oca: Any, contract: Any) -> None:
    number = contract(date_start="2026-02-01", recurring_next_date="2026-08-01")
    oca.call("sale.subscription", "action_start_subscription", [number])
    found = oca.get("sale.subscription", number, "stage_type", "date_start", "recurring_next_date", "in_progress")
    assert (found["stage_type"], found["in_progress"]) == ("in_progress", True)
    assert found["date_start"] == found["recurring_next_date"] > "2026-08-01"
    oca.call(
        "sale.subscription", "write", [number], values={"date_start": "2026-02-01", "recurring_next_date": "2026-08-01"}
    )
    assert oca.one("sale.subscription", number, "date_start") == "2026-02-01"


def test_oca_closing(oca: Any, contract: Any) -> None:
    number = contract(date_start="2026-02-01")
    oca.call("sale.subscription", "action_start_subscription", [number])
    reason = oca.find("sale.subscription.close.reason")[0]
    oca.call("sale.subscription", "close_subscription", [number], close_reason_id=reason)
    found = oca.get("sale.subscription", number, "stage_type", "in_progress", "recurring_next_date", "close_reason_id")
    assert (found["stage_type"], found["in_progress"], found["recurring_next_date"], found["close_reason_id"][0]) == (
        "post",
        False,
        False,
        reason,
    )
