"""The catalog: currencies, intervals, products, prices, metrics and charges."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from mappings.context import Options
from mappings.records import AddOn, ChargeFilter, MetricFilter, MinimumCommitment, PricingUnit
from mappings.tables import parse
from mappings.target import Desired, Phase, Ref
from mappings.text import json_text
from tests.mapping.build import (
    BTW,
    TABLES,
    TOURIST,
    at,
    charge,
    coupon,
    customer,
    fixed,
    mapped,
    metric,
    of,
    one,
    plan,
    reasons,
    skips,
    snapshot,
    subscription,
)


def by_xid(items: tuple[object, ...]) -> dict[str, Desired]:
    return {item.xid: item for item in items if isinstance(item, Desired)}


def test_currencies_are_activated_and_get_a_price_list() -> None:
    snap = snapshot(plans=(plan(), plan("p2", code="boot_k", amount_currency="KWD", amount_cents=12345)))
    items = mapped(snap)
    assert [(c.xid, c.values) for c in of(items, "res.currency")] == [
        ("base.EUR", {"active": True}),  # active already, and still wished for: what vanishes would look like drift
        ("base.KWD", {"active": True}),
    ]
    assert [(p.xid, p.values["currency_id"]) for p in of(items, "product.pricelist")] == [
        ("lago.pricelist_EUR", Ref("base.EUR")),
        ("lago.pricelist_KWD", Ref("base.KWD")),
    ]
    price = by_xid(items)["lago.price_p2"]
    assert price.values["fixed_price"] == Decimal("12.345")
    assert price.values["pricelist_id"] == Ref("lago.pricelist_KWD")


def test_an_inactive_currency_can_be_refused_instead() -> None:
    snap = snapshot(plans=(plan(amount_currency="JPY"),), subscriptions=(subscription(plan_amount_currency="JPY"),))
    items = mapped(snap, options=Options(activate_currencies=False))
    assert set(skips(items)) == {
        ("currency JPY", "currency_inactive"),
        ("plan boot_klein", "currency_inactive"),
        ("subscription abo-1 (s1)", "currency_inactive"),
    }
    assert of(items, "product.pricelist.item") == []
    assert [c.xid for c in of(items, "res.currency")] == ["base.EUR"]


@pytest.mark.parametrize(
    ("interval", "value", "unit"),
    [
        ("weekly", 1, "week"),
        ("monthly", 1, "month"),
        ("quarterly", 3, "month"),
        ("semiannual", 6, "month"),
        ("yearly", 1, "year"),
    ],
)
def test_every_interval_in_both_dialects(interval: str, value: int, unit: str) -> None:
    snap = snapshot(plans=(plan(interval=interval),))
    enterprise = one(mapped(snap), "sale.subscription.plan")
    assert enterprise.xid == f"lago.interval_{interval}"
    assert (enterprise.values["billing_period_value"], enterprise.values["billing_period_unit"]) == (value, unit)
    oca = one(mapped(snap, subscriptions="oca"), "sale.subscription.template")
    assert (oca.values["recurring_interval"], oca.values["recurring_rule_type"]) == (value, unit + "s")
    assert oca.values["recurring_rule_boundary"] == "unlimited"


@pytest.mark.parametrize(
    ("addon", "more", "expected"),
    [
        (True, {"bill_charges_monthly": True}, "monthly"),
        (True, {"bill_fixed_charges_monthly": True}, "monthly"),
        (False, {"bill_charges_monthly": True}, "yearly"),
        (True, {}, "yearly"),
    ],
)
def test_a_yearly_plan_with_monthly_parts_is_looked_at_monthly_by_the_addon(
    addon: bool, more: dict[str, bool], expected: str
) -> None:
    items = mapped(snapshot(plans=(plan(interval="yearly", **more),)), addon=addon)
    assert one(items, "sale.order").values["plan_id"] == Ref(f"lago.interval_{expected}")
    assert ("monthly_parts_need_addon" in reasons(items)) is (not addon)


def test_a_plan_is_a_product_with_one_named_variant_and_no_taxes_of_its_own() -> None:
    template = by_xid(mapped())["lago.plan_product_p1"]
    assert template.model == "product.template"
    assert template.values == {
        "name": "Kleine boot",
        "type": "service",
        "sale_ok": True,
        "purchase_ok": False,
        "list_price": Decimal(0),
        "invoice_policy": "order",
        "taxes_id": (),
        "supplier_taxes_id": (),
        "recurring_invoice": True,
        "fusion_lago_id": "p1",
        "fusion_kind": "plan",
        "fusion_interval": "monthly",
        "fusion_amount": "49.50",
        "fusion_currency_id": Ref("base.EUR"),
        "fusion_invoice_name": None,
        "fusion_description": None,
        "fusion_tax_codes": None,
        "fusion_pay_in_advance": True,
        "fusion_trial_days": None,
        "fusion_bill_charges_monthly": False,
        "fusion_bill_fixed_charges_monthly": False,
        "fusion_commitment": None,
    }
    (variant,) = template.children["product_variant_ids"]
    assert (variant.model, variant.xid) == ("product.product", "lago.plan_variant_p1")
    assert variant.values == {"default_code": "boot_klein"}


def test_only_what_lago_lists_is_offered_to_new_customers() -> None:
    items = by_xid(mapped(snapshot(plans=(), subscriptions=(subscription(plan=plan("p9", code="weg")),))))
    assert "fusion_kind" not in items["lago.plan_product_p9"].values
    assert "fusion_kind" not in by_xid(mapped(addon=False))["lago.plan_product_p1"].values
    yen = plan(amount_currency="JPY", amount_cents=4950, minimum_commitment=MinimumCommitment(amount_cents=700))
    values = by_xid(mapped(snapshot(plans=(yen,))))["lago.plan_product_p1"].values
    assert (values["fusion_amount"], values["fusion_commitment"]) == ("4950", "700")


def test_add_ons_are_offered_with_their_price_and_taxes() -> None:
    add_on = AddOn(lago_id="a1", code="lig", name="Lig", amount_cents=1250, amount_currency="EUR", taxes=(BTW,))
    values = by_xid(mapped(snapshot(add_ons=(add_on,), taxes=(BTW,))))["lago.add_on_product_a1"].values
    assert (values["fusion_kind"], values["fusion_amount"]) == ("add_on", "12.50")
    assert values["fusion_tax_codes"] == json_text([BTW.code])
    assert "fusion_interval" not in values


def test_tax_codes_and_coupons_are_kept_for_the_api() -> None:
    ended = at("2026-04-01 08:00")
    snap = snapshot(
        taxes=(replace(BTW, rate=Decimal("20.5")),),
        coupons=(coupon(amount_cents=500, amount_currency="EUR", terminated_at=ended, plan_codes=("b", "a")),),
    )
    items = mapped(snap)
    assert one(items, "fusion.billing.tax").values["rate"] == "20.5"
    values = one(items, "fusion.billing.coupon").values
    assert (values["amount"], values["currency_id"], values["terminated_at"]) == ("5.00", Ref("base.EUR"), ended)
    assert values["plan_codes"] == '["a","b"]'
    older = mapped(snap, models={"product.template": frozenset({"name"})})
    assert of(older, "fusion.billing.tax") == of(older, "fusion.billing.coupon") == []


def test_products_in_oca_name_no_template_of_their_own() -> None:
    items = by_xid(mapped(subscriptions="oca"))
    assert items["lago.plan_product_p1"].values["subscribable"] is True
    assert items["lago.add_on_product_a1"].values["subscribable"] is False
    assert "subscription_template_id" not in items["lago.plan_product_p1"].values


def test_income_accounts_come_from_the_table() -> None:
    text = '[accounts]\nincome = "account.{company}_omzet"\n'
    items = by_xid(mapped(tables=parse(text, "t.toml", TABLES)))
    assert items["lago.metric_product_m1"].values["property_account_income_id"] == Ref("account.7_omzet")


def test_the_price_carries_the_interval_only_where_price_lists_know_intervals() -> None:
    fields = frozenset(["pricelist_id", "applied_on", "product_tmpl_id", "compute_price", "fixed_price", "plan_id"])
    knows = mapped(models={"product.pricelist.item": fields})
    assert one(knows, "product.pricelist.item").values["plan_id"] == Ref("lago.interval_monthly")
    assert "plan_id" not in one(mapped(), "product.pricelist.item").values


def test_deleted_plans_that_are_still_paid_are_in_the_catalog() -> None:
    gone = plan("p9", code="boot_oud", charges=(charge("ch9"),))
    orphan = plan("p8", code="boot_apart", parent_id="p7")
    snap = snapshot(
        customers=(customer(),),
        subscriptions=(
            subscription(plan_code="boot_oud", plan=gone),
            subscription("s2", external_id="abo-2", plan_code="boot_apart", plan=orphan),
        ),
    )
    items = by_xid(mapped(snap))
    assert {"lago.plan_product_p9", "lago.charge_ch9", "lago.plan_product_p8", "lago.plan_product_p1"} <= set(items)
    assert items["lago.subscription_s1"].children["order_line"][0].values["product_id"] == Ref("lago.plan_variant_p9")
    assert items["lago.subscription_s2"].children["order_line"][0].values["product_id"] == Ref("lago.plan_variant_p8")


def test_add_ons_also_those_that_only_a_fixed_charge_knows() -> None:
    snap = snapshot(
        add_ons=(AddOn(lago_id="a1", code="berth", name="Ligplaats", amount_cents=1, amount_currency="EUR"),),
        plans=(
            plan(
                fixed_charges=(fixed(), fixed("f2", lago_add_on_id="a2", add_on_code="old", invoice_display_name="Oud"))
            ),
        ),
        subscriptions=(subscription(fixed_charges=(fixed("f3", lago_add_on_id="a3", add_on_code="apart"),)),),
    )
    names = {k: v.values["name"] for k, v in by_xid(mapped(snap)).items() if k.startswith("lago.add_on_product")}
    assert names == {
        "lago.add_on_product_a1": "Ligplaats",
        "lago.add_on_product_a2": "Oud",
        "lago.add_on_product_a3": "apart",
    }


def test_a_metric() -> None:
    filters = (MetricFilter(key="soort", values=("zeil", "motor")),)
    one_metric = metric(
        aggregation_type="sum_agg",
        field_name="uren",
        recurring=True,
        rounding_function="ceil",
        rounding_precision=-1,
        filters=filters,
    )
    values = one(mapped(snapshot(billable_metrics=(one_metric,))), "fusion.billing.metric").values
    assert values == {
        "name": "Trips",
        "code": "trips",
        "description": None,
        "aggregation": "sum_agg",
        "field_name": "uren",
        "recurring": True,
        "rounding_function": "ceil",
        "rounding_precision": -1,
        "has_rounding_precision": True,
        "weighted_interval": None,
        "filters": '[{"key":"soort","values":["zeil","motor"]}]',
        "fusion_lago_id": "m1",
    }
    plain = one(mapped(), "fusion.billing.metric").values
    assert (plain["rounding_precision"], plain["has_rounding_precision"]) == (0, False)


def test_a_charge_has_all_that_prices_it() -> None:
    item = charge(
        charge_model="graduated",
        properties={
            "graduated_ranges": [
                {"from_value": 0, "to_value": None, "flat_amount": "0", "per_unit_amount": Decimal("1E-6")}
            ]
        },
        filters=(
            ChargeFilter(
                lago_id="cf", properties={"amount": "2"}, values={"soort": ("zeil",)}, invoice_display_name="Zeil"
            ),
        ),
        min_amount_cents=2050,
        prorated=True,
        invoice_display_name="Vaarten",
        taxes=(BTW,),
    )
    values = one(mapped(snapshot(plans=(plan(charges=(item,)),))), "fusion.billing.charge").values
    assert values == {
        "plan_id": Ref("lago.plan_product_p1"),
        "sequence": 10,
        "code": "trips_standard",
        "charge_model": "graduated",
        "properties": (
            '{"graduated_ranges":[{"flat_amount":"0","from_value":0,"per_unit_amount":"0.000001","to_value":null}]}'
        ),
        "pay_in_advance": False,
        "prorated": True,
        "tax_codes": json_text([BTW.code]),
        "tax_ids": (Ref("account.7_btw_21"),),
        "fusion_lago_id": "ch1",
        "name": "Vaarten",
        "kind": "usage",
        "metric_id": Ref("lago.metric_m1"),
        "product_id": Ref("lago.metric_variant_m1"),
        "filters": json_text(
            [
                {
                    "lago_id": "cf",
                    "values": {"soort": ["zeil"]},
                    "properties": {"amount": "2"},
                    "invoice_display_name": "Zeil",
                }
            ]
        ),
        "invoiceable": True,
        "min_amount": "20.50",
        "units": None,
    }


def test_a_fixed_charge() -> None:
    snap = snapshot(plans=(plan(fixed_charges=(fixed(units=Decimal("2.50"), pay_in_advance=True, code="fx"),)),))
    values = one(mapped(snap), "fusion.billing.charge").values
    assert (values["kind"], values["units"], values["metric_id"], values["code"]) == ("fixed", "2.50", None, "fx")
    assert values["product_id"] == Ref("lago.add_on_variant_a1")
    assert json.loads(values["properties"]) == {"amount": "40"}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (charge(charge_model="custom"), "custom_aggregation"),
        (charge(applied_pricing_unit=PricingUnit(conversion_rate=Decimal(2))), "pricing_unit"),
        (charge(regroup_paid_fees="invoice"), "regroup_paid_fees"),
        (charge(lago_billable_metric_id="gone"), "metric_unknown"),
        (charge(taxes=(TOURIST,)), "tax_not_in_table"),
    ],
)
def test_charges_odoo_cannot_bill_are_named(item: object, reason: str) -> None:
    items = mapped(snapshot(plans=(plan(charges=(item,)),), subscriptions=()))
    assert skips(items) == [("charge boot_klein/trips_standard (ch1)", reason)]
    assert of(items, "fusion.billing.charge") == []


def test_gaps_of_metrics_and_plans() -> None:
    snap = snapshot(
        billable_metrics=(metric(expression="event.a * 2"), metric("m2", code="script", aggregation_type="custom_agg")),
        plans=(plan(charges=(charge(lago_billable_metric_id="m2"),), usage_thresholds=({"amount_cents": 1},)),),
    )
    assert set(skips(mapped(snap))) == {
        ("billable_metric trips", "metric_expression"),
        ("plan boot_klein", "progressive_billing"),
        ("charge boot_klein/trips_standard (ch1)", "custom_aggregation"),
        ("subscription abo-1 (s1)", "custom_aggregation"),
    }


@pytest.mark.parametrize(
    ("amount", "named"),
    [
        ("0.1", False),
        ("0.000123", False),
        ("19.9900000000", False),
        ("123456789012.123", False),
        ("0.12345678901234567890", True),
        ("1234567890123.456789", True),
    ],
)
def test_a_price_that_no_double_holds_is_billed_by_the_addon_alone(amount: str, named: bool) -> None:
    dear = plan(fixed_charges=(fixed(properties={"amount": amount}),))
    without = mapped(
        snapshot(plans=(dear,)), options=Options(waived=frozenset({"price_not_kept_by_odoo"})), addon=False
    )
    assert (("fixed_charge boot_klein/berth (f1)", "price_not_kept_by_odoo") in set(skips(without))) is named
    lines = one(without, "sale.order").children["order_line"]
    assert [Decimal(repr(float(str(line.values["price_unit"])))) for line in lines][1:] == (
        [] if named else [Decimal(amount)]
    )
    assert "price_not_kept_by_odoo" not in reasons(mapped(snapshot(plans=(dear,))))


def test_what_only_the_addon_can_express() -> None:
    dear = plan(
        pay_in_advance=False,
        charges=(charge(),),
        fixed_charges=(fixed(), fixed("f2", charge_model="volume", add_on_code="tier")),
        minimum_commitment=MinimumCommitment(amount_cents=100000),
    )
    items = mapped(snapshot(plans=(dear,)), addon=False)
    assert set(skips(items)) == {
        ("plan boot_klein", "commitment_needs_addon"),
        ("plan boot_klein", "arrears_needs_addon"),
        ("charge boot_klein/trips_standard (ch1)", "charge_needs_addon"),
        ("fixed_charge boot_klein/tier (f2)", "charge_needs_addon"),
    }
    names = [line.values["name"] for line in one(items, "sale.order").children["order_line"]]
    assert names == ["Kleine boot", "berth"]
    assert of(items, "fusion.billing.charge") == []
    assert of(items, "fusion.billing.metric") == []


def test_free_plans_in_arrears_lose_nothing_without_the_addon() -> None:
    assert reasons(mapped(snapshot(plans=(plan(amount_cents=0, pay_in_advance=False),)), addon=False)) == set()


def test_json_is_exact_and_the_same_every_time() -> None:
    value = {"b": Decimal("1E+3"), "a": (at("2026-01-01 00:00"), None, "é", 1.5)}
    assert json_text(value) == '{"a":["2026-01-01T00:00:00Z",null,"é",1.5],"b":"1000"}'


def test_catalog_records_belong_to_nobody() -> None:
    assert {i.customer for i in mapped() if isinstance(i, Desired) and i.phase is Phase.CATALOG} == {None}
