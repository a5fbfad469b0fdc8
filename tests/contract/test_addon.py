"""fusion_billing: its checks, and a rerun that leaves no trace or a shadow draft."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

import json
from typing import Any

import pytest

from migrate.odoo.errors import BadCall, NoSuchMethod, OdooRefused

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
    shop.call("sale.order", "action_confirm", [order])
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


def lines_of(shop: Any, order: int, **more: Any) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """The rerun of June, and its lines: kind, discount, subtotal, what was rated."""
    (answer,) = shop.call("sale.order", "fusion_rerun", [order], billings=[{"order": order, **JULY}], **more)
    found = [(x["key"]["kind"], x["discount"], x["subtotal"], x["amount_cents"]) for x in answer["lines"]]
    return answer, found


def plan_line(shop: Any, order: int) -> int:
    return int(shop.find("sale.order.line", ["order_id", "=", order], order="sequence, id")[0])


def add(shop: Any, order: int, **vals: Any) -> int:
    return int(shop.make("sale.order.line", **{"order_id": order, **vals}))


CALLS = ("charge", "0.0", "0.05", 5)


def test_a_discount_on_the_plans_line_is_on_the_invoice(shop: Any, usage: dict[str, Any]) -> None:
    shop.call("sale.order.line", "write", [plan_line(shop, usage["order"])], vals={"discount": 10.0})
    answer, found = lines_of(shop, usage["order"])
    assert found == [("subscription", "10.0", "27.00", 3000), CALLS]
    assert (answer["untaxed"], answer["tax"], answer["total"]) == ("27.05", "4.05", "31.10")


def test_lines_that_somebody_added_are_on_the_invoice(shop: Any, usage: dict[str, Any]) -> None:
    """A fee, a goodwill below nothing, a section and a note; what is not ordered is not billed."""
    order = usage["order"]
    shop.call("sale.order.line", "write", [plan_line(shop, order)], vals={"sequence": 10})
    add(shop, order, display_type="line_section", name="More", sequence=20)
    fee = add(
        shop, order, product_id=shop.product(), price_unit=250.0, product_uom_qty=2, tax_ids=[[6, 0, []]], sequence=30
    )
    add(shop, order, product_id=shop.product(), price_unit=-20.0, tax_ids=[[6, 0, []]], sequence=40)
    add(shop, order, product_id=shop.product(), price_unit=9.0, product_uom_qty=0, sequence=50)
    add(shop, order, display_type="line_note", name="Thank you", sequence=60)
    answer, found = lines_of(shop, order)
    assert found == [
        ("subscription", "0.0", "30.00", 3000),
        CALLS,
        ("other", "0.0", "500.00", 50000),
        ("other", "0.0", "-20.00", -2000),
    ]
    beside = answer["lines"][2]
    assert beside["key"] == {"subscription": f"lago-{usage['word']}", "kind": "other", "item": f"sale.order.line,{fee}", "filter": "", "group": [], "event": ""}  # fmt: skip
    assert (beside["quantity"], beside["units"], beside["price_unit"], beside["tax_ids"]) == (
        "2.0",
        "2.0",
        "250.00",
        [],
    )
    assert (answer["untaxed"], answer["tax"], answer["total"]) == ("510.05", "4.50", "514.55")


@pytest.mark.parametrize(("quantity", "price"), [(1.0, -100.0), (-1.0, 100.0)])
def test_lines_that_cancel_out_are_both_billed_or_named(
    shop: Any, usage: dict[str, Any], quantity: float, price: float
) -> None:
    """A quantity below 0 is invoiced only where refunds are made too: Enterprise's scheduled action does."""
    order = usage["order"]
    add(shop, order, product_id=shop.product(), price_unit=100.0, tax_ids=[[6, 0, []]])
    add(shop, order, product_id=shop.product(), price_unit=price, product_uom_qty=quantity, tax_ids=[[6, 0, []]])
    answer, found = lines_of(shop, order)
    beside = [subtotal for kind, _, subtotal, _ in found if kind == "other"]
    told = [refusal["reason"] for refusal in answer["refusals"]]
    both = (["100.00", "-100.00"], "30.05", [])
    left_out = (["100.00"], "130.05", ["line_left_out"])
    assert (beside, answer["untaxed"], told) in ((both,) if quantity > 0 else (both, left_out))


def test_a_line_before_the_plans_stands_before_its_fees(shop: Any, usage: dict[str, Any]) -> None:
    order = usage["order"]
    shop.call("sale.order.line", "write", [plan_line(shop, order)], vals={"sequence": 30})
    add(shop, order, product_id=shop.product(), price_unit=7.0, tax_ids=[[6, 0, []]], sequence=20)
    assert [kind for kind, *_ in lines_of(shop, order)[1]] == ["other", "subscription", "charge"]


def test_quantity_and_price_of_the_plans_line_are_not_what_is_rated(shop: Any, usage: dict[str, Any]) -> None:
    for vals in ({"product_uom_qty": 3.0, "price_unit": 99.0}, {"product_uom_qty": 0.0}):
        shop.call("sale.order.line", "write", [plan_line(shop, usage["order"])], vals=vals)
        assert lines_of(shop, usage["order"])[1] == [("subscription", "0.0", "30.00", 3000), CALLS]


def test_taxes_of_the_plans_line_are_the_invoices(shop: Any, usage: dict[str, Any]) -> None:
    tax = shop.ref("account.1_gst_sale_tax_5")
    shop.call("sale.order.line", "write", [plan_line(shop, usage["order"])], vals={"tax_ids": [[6, 0, [tax]]]})
    answer, found = lines_of(shop, usage["order"])
    assert found == [("subscription", "0.0", "30.00", 3000), CALLS]
    assert [line["tax_ids"] for line in answer["lines"]] == [[tax], [tax]]
    assert list(answer["taxes"].values()) == ["1.50"]


def test_the_customer_who_gets_the_invoice_is_told(shop: Any, usage: dict[str, Any]) -> None:
    payer, order = shop.partner(), usage["order"]
    partner = shop.one("sale.order", order, "partner_id")[0]
    shop.call("sale.order", "write", [order], vals={"partner_invoice_id": payer})
    answer, _found = lines_of(shop, order)
    assert (answer["partner_id"], answer["invoice_partner_id"]) == (partner, payer)
    other = shop.partner()
    shop.call("sale.order", "write", [order], vals={"partner_id": other})
    answer, _found = lines_of(shop, order)
    assert (answer["partner_id"], answer["invoice_partner_id"]) == (other, other)


def test_what_native_invoicing_would_not_bill_by_usage_is_refused(shop: Any, usage: dict[str, Any]) -> None:
    order = usage["order"]
    fee = add(shop, order, product_id=shop.product(), price_unit=-99.0)
    answer, _found = lines_of(shop, order)
    assert [refusal["reason"] for refusal in answer["refusals"]] == ["invoice_refused"]
    shop.call("sale.order.line", "write", [fee], vals={"product_uom_qty": 0.0})
    shop.call("sale.order", "write", [order], vals={"fusion_interval": False})
    assert reasons(shop, order) == ["order_incomplete"]
    shop.call("sale.order", "write", [order], vals={"fusion_interval": "monthly", "state": "cancel"})
    assert reasons(shop, order) == ["order_not_metered"]


def reasons(shop: Any, order: int) -> list[str]:
    """Why it is refused; then nothing of it is told."""
    answer, found = lines_of(shop, order)
    assert (found, answer["total"], answer["move_id"]) == ([], "0.00", False)
    return [refusal["reason"] for refusal in answer["refusals"]]


def test_a_paused_subscription_bills_nothing(shop: Any, usage: dict[str, Any], flavour: str) -> None:
    order = usage["order"]
    if flavour == "enterprise":
        shop.call("sale.order", "write", [order], vals={"subscription_state": "4_paused"})
    else:
        template = shop.make("sale.subscription.template", name=usage["word"], code=usage["word"], recurring_interval=1)
        vals = {"partner_id": shop.partner(), "template_id": template, "sale_order_id": order, "in_progress": True}
        native = shop.make("sale.subscription", **vals, pricelist_id=shop.make("product.pricelist", name=usage["word"]))
        assert lines_of(shop, order)[1]
        shop.call("sale.subscription", "write", [native], values={"is_paused": True})
    assert reasons(shop, order) == ["order_stopped"]


def test_rerun_reads_the_company_of_the_order_only(shop: Any, usage: dict[str, Any]) -> None:
    """Another company may have the same codes and the same ids."""
    word = usage["word"]
    name = f"Other {word}"
    other = shop.make("res.company", name=name, partner_id=shop.partner(name=name), paperformat_id=False)
    of_other = {"code": f"calls-{word}", "company_id": other}
    shop.make("fusion.billing.metric", **of_other, name="Calls", aggregation="max_agg", field_name="n")
    at = {"timestamp": "2026-06-02 04:00:00", "received_at": "2026-06-02 04:00:00"}
    event = {"transaction_id": f"{word}-0", "external_subscription_id": f"sub-{word}", "properties": '{"n": 900000}'}
    shop.make("fusion.billing.usage", **of_other, **event, **at)
    answer = shop.call("sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": usage["order"], **JULY}])[0]
    assert [(line["amount_cents"], line["events"]) for line in answer["lines"]] == [(3000, 0), (5, 3)]
    assert answer["refusals"] == []


def test_an_invoice_in_an_archived_currency_is_refused(shop: Any, usage: dict[str, Any]) -> None:
    """Odoo drafts it, and does not post it.

    The currency is none that is made here: that would switch price lists on for everybody.
    """
    prices = shop.make("product.pricelist", name=usage["word"], currency_id=shop.ref("base.AOA"))
    for vals in ({"state": "draft"}, {"pricelist_id": prices}, {"state": "sale"}):
        shop.call("sale.order", "write", [usage["order"]], vals=vals)
    answer, _ = lines_of(shop, usage["order"])
    assert [refusal["reason"] for refusal in answer["refusals"]] == ["invoice_refused"]
    assert "not active" in answer["refusals"][0]["detail"]


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
    with pytest.raises(OdooRefused, match="not among the orders given"):
        shop.call("sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": other, **JULY}])
    with pytest.raises(OdooRefused, match="Keep shadow invoices in a sale journal"):
        shop.call(
            "sale.order", "fusion_rerun", [usage["order"]], billings=[{"order": usage["order"], **JULY}], keep=True
        )


def test_usage_is_unique_per_subscription(shop: Any, usage: dict[str, Any]) -> None:
    vals = {"transaction_id": f"{usage['word']}-0", "code": "x", "timestamp": "2026-06-01 04:00:00"}
    with pytest.raises(OdooRefused, match="This subscription has an event with this transaction id already"):
        shop.make("fusion.billing.usage", **vals, external_subscription_id=f"sub-{usage['word']}")
    assert shop.make("fusion.billing.usage", **vals, external_subscription_id=f"other-{usage['word']}")


def test_texts_are_checked(shop: Any, word: str) -> None:
    metric = {"name": word, "code": word, "aggregation": "count_agg"}
    with pytest.raises(OdooRefused, match="field filters is not JSON"):
        shop.make("fusion.billing.metric", **metric, filters="{")
    number = shop.make("fusion.billing.metric", **metric)
    with pytest.raises(OdooRefused, match="A metric with this code exists already"):
        shop.make("fusion.billing.metric", **metric)
    charge = {"name": word, "charge_model": "standard"}
    template = shop.one("product.product", shop.product(), "product_tmpl_id")[0]
    with pytest.raises(OdooRefused, match="A usage charge needs a metric"):
        shop.make("fusion.billing.charge", **charge, plan_id=template)
    for owner in ({}, {"plan_id": False}, {"plan_id": False, "order_id": False}):
        with pytest.raises(OdooRefused, match="A charge needs its plan or its order"):
            shop.make("fusion.billing.charge", **charge, metric_id=number, **owner)
    made = shop.make("fusion.billing.charge", **charge, metric_id=number, plan_id=template)
    with pytest.raises(OdooRefused, match="A charge needs its plan or its order"):
        shop.call("fusion.billing.charge", "write", [made], vals={"plan_id": False})
    with pytest.raises(OdooRefused, match="A period is a month such as 2026-07"):
        shop.make("fusion.billing.reconciliation", period="2026-13")
    with pytest.raises(OdooRefused, match=r"must be a plain decimal such as 12.50, not 1e3"):
        shop.order(fusion_plan_amount="1e3")


CHARGE_TEXTS = [
    ("filters", [{"values": None, "properties": {}}], r"field filters\[0\]\.values is null, must be an object"),
    ("filters", [None], r"field filters\[0\] is null, must be an object"),
    ("filters", [1], r"field filters\[0\] is 1, must be an object"),
    ("filters", [{}], r"field filters\[0\]\.values is null, must be an object"),
    ("filters", [{"values": {"region": 1}}], r"field filters\[0\]\.values\.region is 1, must be a list"),
    ("properties", {"pricing_group_keys": 5}, r"field properties\.pricing_group_keys is 5, must be a list"),
    ("properties", {"grouped_by": [["a"]]}, r"field properties\.grouped_by\[0\] is 'list', must be a text"),
    ("properties", {"graduated_ranges": [1]}, r"field properties\.graduated_ranges\[0\] is 1, must be an object"),
]


@pytest.mark.parametrize(("field", "value", "said"), CHARGE_TEXTS, ids=lambda value: str(value)[:40])
def test_a_charge_of_no_shape_is_refused_where_it_is_entered(
    shop: Any, usage: dict[str, Any], field: str, value: Any, said: str
) -> None:
    charge = shop.find("fusion.billing.charge", ["fusion_lago_id", "=", f"charge-{usage['word']}"])
    with pytest.raises(OdooRefused, match=said):
        shop.call("fusion.billing.charge", "write", charge, vals={field: json.dumps(value)})
    assert lines_of(shop, usage["order"])[1] == [("subscription", "0.0", "30.00", 3000), CALLS]


@pytest.mark.parametrize("filters", [[1], [{}], [{"key": None, "values": None}], [{"key": "region", "values": "ca"}]])
def test_a_metric_of_no_shape_is_refused_where_it_is_entered(shop: Any, word: str, filters: Any) -> None:
    metric = {"name": word, "code": word, "aggregation": "count_agg"}
    with pytest.raises(OdooRefused, match=r"field filters\[0\]\S* is .*, must be an? (object|text|list)"):
        shop.make("fusion.billing.metric", **metric, filters=json.dumps(filters))


def test_a_mistake_within_a_method_is_no_missing_method(shop: Any, usage: dict[str, Any]) -> None:
    """Both are an AttributeError by JSON-RPC: the second ends the run, the first costs its call."""
    with pytest.raises(BadCall, match="object has no attribute 'lower'"):
        shop.call("res.partner", "load", fields=["name", "active"], data=[[usage["word"], True]])
    with pytest.raises(NoSuchMethod, match=r"'sale\.order\.fusion_nothing' does not exist"):
        shop.call("sale.order", "fusion_nothing", [usage["order"]])


def test_ids_are_each_services_own(shop: Any, word: str) -> None:
    """Events and running subscriptions of two services may have the same ids; of one, or of nobody, only once."""
    mine, theirs = (shop.make("fusion.billing.service", name=one, code=f"{one}-{word}") for one in ("mine", "theirs"))
    event = {"transaction_id": "t", "external_subscription_id": f"sub-{word}", "code": "calls",
             "timestamp": "2026-06-15 12:00:00"}  # fmt: skip
    for service in (mine, theirs, False):
        shop.make("fusion.billing.usage", **event, service_id=service)
        with pytest.raises(OdooRefused, match="has an event with this transaction id already"):
            shop.make("fusion.billing.usage", **event, service_id=service)


def test_charges_and_metrics_made_by_hand_have_an_id(shop: Any, word: str) -> None:
    """Plans, usage and fees name them by it."""
    metrics = [shop.make("fusion.billing.metric", name="M", code=f"{n}-{word}", aggregation="count_agg") for n in "ab"]
    plan = shop.one("product.product", shop.product(), "product_tmpl_id")[0]
    charges = [shop.make("fusion.billing.charge", name="C", kind="usage", metric_id=metric, plan_id=plan,
                         charge_model="standard", properties='{"amount": "1"}') for metric in metrics]  # fmt: skip
    for model, ids in (("fusion.billing.metric", metrics), ("fusion.billing.charge", charges)):
        rows = shop.call(model, "read", ids, fields=["fusion_lago_id"])
        named = {row["fusion_lago_id"] for row in rows}
        assert len(named) == len(ids)
        assert all(named)
