"""Subscriptions: states, chains, dates, prices, lines, taxes, overrides, in the dialects of Enterprise and OCA."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from mappings.context import Options
from mappings.names import order_names
from mappings.records import Customer, MinimumCommitment, Plan, Snapshot, Subscription
from mappings.subscriptions import next_invoice_date, predecessors
from mappings.target import Desired, Mapped, Ref, Skipped
from tests.mapping.build import (
    BTW,
    TABLES,
    TOURIST,
    at,
    charge,
    ctx,
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


def orders(items: tuple[Mapped, ...]) -> dict[str, Desired]:
    return {order.values["fusion_lago_id"]: order for order in of(items, "sale.order")}


def lines(order: Desired) -> list[dict[str, object]]:
    return [dict(line.values) for line in order.children["order_line"]]


def test_a_running_subscription() -> None:
    order = one(mapped(), "sale.order")
    assert order.xid == "lago.subscription_s1"
    assert order.after == ("action_confirm",)
    assert order.once == {"next_invoice_date"}
    assert order.customer == "klant-c1"
    native = {name: value for name, value in order.values.items() if not name.startswith("fusion_")}
    assert native == {
        "name": "LAGO/abo-1",
        "partner_id": Ref("lago.customer_c1"),
        "client_order_ref": "abo-1",
        "origin": None,
        "pricelist_id": Ref("lago.pricelist_EUR"),
        "payment_term_id": Ref("lago.payment_term_14"),
        "plan_id": Ref("lago.interval_monthly"),
        "start_date": date(2026, 2, 10),
        "end_date": None,
        "next_invoice_date": date(2026, 9, 1),
    }
    assert lines(order) == [
        {
            "product_id": Ref("lago.plan_variant_p1"),
            "name": "Kleine boot",
            "product_uom_qty": Decimal(1),
            "price_unit": Decimal("49.50"),
            "tax_ids": (Ref("account.7_btw_21"),),
        },
        {
            "product_id": Ref("lago.metric_variant_m1"),
            "name": "Trips",
            "product_uom_qty": Decimal(0),
            "price_unit": Decimal("1.25"),
            "tax_ids": (Ref("account.7_btw_21"),),
        },
    ]
    assert [line.xid for line in order.children["order_line"]] == ["lago.line_s1_base", "lago.line_s1_ch1"]


def test_the_addons_fields() -> None:
    snap = snapshot(
        plans=(
            plan(
                trial_period=Decimal("14.0"),
                interval="yearly",
                bill_charges_monthly=True,
                minimum_commitment=MinimumCommitment(amount_cents=100050),
            ),
        ),
        subscriptions=(
            subscription(
                started_at=at("2026-02-10 12:00:00.123456"),
                ending_at=at("2027-01-01 00:00"),
                billing_time="anniversary",
            ),
        ),
    )
    values = one(mapped(snap), "sale.order").values
    assert {name: value for name, value in values.items() if name.startswith("fusion_")} == {
        "fusion_service_id": Ref("lago.service_boot"),
        "fusion_account_id": Ref("lago.account_c1_boot"),
        "fusion_external_id": "abo-1",
        "fusion_lago_id": "s1",
        "fusion_plan_code": "boot_klein",
        "fusion_interval": "yearly",
        "fusion_billing_time": "anniversary",
        "fusion_anchor": at("2026-02-10 12:00"),
        "fusion_started_at": at("2026-02-10 12:00"),
        "fusion_started_us": 123456,
        "fusion_ended_at": None,
        "fusion_ended_us": 0,
        "fusion_ending_at": at("2027-01-01 00:00"),
        "fusion_created_at": at("2026-02-10 12:00"),
        "fusion_previous_order_id": None,
        "fusion_trial_days": "14.0",
        "fusion_pay_in_advance": True,
        "fusion_bill_charges_monthly": True,
        "fusion_bill_fixed_charges_monthly": False,
        "fusion_plan_amount": "49.50",
        "fusion_commitment": "1000.50",
        "fusion_timezone": "Europe/Amsterdam",
        "fusion_coupons": None,
        "fusion_details": None,
    }
    assert values["end_date"] == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("in_advance", "trial_ended", "billed_until"),
    [
        (True, None, "2026-07-31 22:00"),
        (True, "2026-02-24 12:00", "2026-07-31 22:00"),
        (True, "2026-08-14 12:00", "2026-08-14 12:00"),
        (False, "2026-08-14 12:00", "2026-07-31 22:00"),  # in arrears nothing is billed at a trial's end
    ],
)
def test_what_lago_has_billed_includes_the_end_of_a_trial_in_the_running_period(
    in_advance: bool, trial_ended: str | None, billed_until: str
) -> None:
    snap = snapshot(
        plans=(plan(pay_in_advance=in_advance, trial_period=Decimal(14)),),
        subscriptions=(subscription(trial_ended_at=at(trial_ended) if trial_ended else None),),
    )
    order = one(mapped(snap, models={"sale.order": frozenset({"fusion_billed_until"})}), "sale.order")
    assert order.values["fusion_billed_until"] == at(billed_until)


def test_pending_is_a_quotation_that_starts_on_its_day() -> None:
    coming = subscription(status="pending", subscription_at=at("2026-09-30 22:30"), started_at=None)
    order = one(mapped(snapshot(subscriptions=(coming,))), "sale.order")
    assert order.after == ()
    assert order.values["start_date"] == order.values["next_invoice_date"] == date(2026, 10, 1)
    assert "state" not in order.values and "subscription_state" not in order.values
    assert order.values["fusion_started_at"] is None
    assert lines(order)[0]["product_uom_qty"] == 1


def test_terminated_is_a_closed_order_on_which_nothing_can_be_invoiced() -> None:
    ended = subscription(status="terminated", terminated_at=at("2026-06-30 22:15:00.5"))
    order = one(mapped(snapshot(subscriptions=(ended,))), "sale.order")
    assert order.after == () and order.once == frozenset()
    assert (order.values["state"], order.values["subscription_state"]) == ("sale", "6_churn")
    assert order.values["end_date"] == date(2026, 7, 1)
    assert order.values["next_invoice_date"] is None
    assert (order.values["fusion_ended_at"], order.values["fusion_ended_us"]) == (at("2026-06-30 22:15"), 500000)
    assert {line["product_uom_qty"] for line in lines(order)} == {0}
    assert lines(order)[0]["price_unit"] == Decimal("49.50")


def test_cancelled_before_it_started() -> None:
    never = subscription(status="canceled", started_at=None, canceled_at=at("2026-05-01 10:00"))
    order = one(mapped(snapshot(subscriptions=(never,))), "sale.order")
    assert order.values["state"] == "cancel" and "subscription_state" not in order.values
    assert order.values["fusion_ended_at"] == at("2026-05-01 10:00")


def test_incomplete_is_a_named_gap() -> None:
    items = mapped(snapshot(subscriptions=(subscription(status="incomplete"),)))
    assert skips(items) == [("subscription abo-1 (s1)", "subscription_incomplete")]


def chain() -> tuple[Subscription, ...]:
    return (
        subscription("s1", status="terminated", terminated_at=at("2026-04-01 00:00"), next_plan_code="boot_groot"),
        subscription("s2", plan_code="boot_groot", previous_plan_code="boot_klein", created_at=at("2026-04-01 00:00")),
        subscription("s3", status="pending", previous_plan_code="boot_groot", created_at=at("2026-08-02 00:00")),
        subscription("s4", status="canceled", previous_plan_code="boot_groot", created_at=at("2026-07-02 00:00")),
        subscription(
            "s0", status="terminated", created_at=at("2026-01-01 00:00"), terminated_at=at("2026-01-09 00:00")
        ),
    )


def chained() -> Snapshot:
    return snapshot(plans=(plan(), plan("p2", code="boot_groot", amount_cents=9900)), subscriptions=chain())


def test_a_chain_links_every_order_to_the_one_it_replaces() -> None:
    found = orders(mapped(chained()))
    links = {k: getattr(o.values["fusion_previous_order_id"], "xid", None) for k, o in found.items()}
    assert links == {
        "s0": None,
        "s1": None,  # the external id was used again: not a chain
        "s2": "lago.subscription_s1",
        "s4": None,  # a change that was withdrawn replaces nothing
        "s3": "lago.subscription_s2",
    }
    assert list(found) == ["s0", "s1", "s2", "s4", "s3"]
    assert found["s2"].values["origin"] == "LAGO/abo-1/2"


def test_order_names_stay_when_the_chain_grows() -> None:
    before = order_names(chain())
    grown = order_names((*reversed(chain()), subscription("s9", created_at=at("2026-12-01 00:00"))))
    assert before == {
        "s0": "LAGO/abo-1",
        "s1": "LAGO/abo-1/2",
        "s2": "LAGO/abo-1/3",
        "s4": "LAGO/abo-1/4",
        "s3": "LAGO/abo-1/5",
    }
    assert {k: grown[k] for k in before} == before and grown["s9"] == "LAGO/abo-1/6"


def test_chains_do_not_cross_customers() -> None:
    other = replace(chain()[1], lago_customer_id="c2")
    assert predecessors([chain()[0], other]) == {}


def test_history_can_be_left_behind_without_dangling_links() -> None:
    found = orders(mapped(chained(), options=Options(history=False)))
    assert list(found) == ["s2", "s3"]
    assert found["s2"].values["fusion_previous_order_id"] is None
    assert found["s3"].values["fusion_previous_order_id"] == Ref("lago.subscription_s2")


def test_a_link_never_points_to_an_order_that_was_skipped() -> None:
    snap = chained()
    plans = (replace(snap.plans[0], taxes=(TOURIST,)), snap.plans[1])
    found = orders(mapped(replace(snap, plans=plans)))
    assert list(found) == ["s2"]
    assert found["s2"].values["fusion_previous_order_id"] is None


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({}, ("account.7_btw_21",)),  # the billing entity's
        ({"customer": (BTW, TOURIST)}, ("account.7_btw_toerist",)),
        ({"customer": (BTW, TOURIST), "plan": (BTW,)}, ("account.7_btw_21",)),
    ],
)
def test_the_first_level_that_has_taxes_wins(levels: dict[str, tuple[object, ...]], expected: tuple[str, ...]) -> None:
    snap = snapshot(
        customers=(customer(taxes=levels.get("customer", ())),),
        plans=(plan(charges=(charge(taxes=(BTW, TOURIST)),), taxes=levels.get("plan", ())),),
    )
    base, metered = lines(one(mapped(snap), "sale.order"))
    assert base["tax_ids"] == tuple(Ref(x) for x in expected)
    assert metered["tax_ids"] == (Ref("account.7_btw_toerist"),)


def test_no_taxes_at_all_is_said_explicitly() -> None:
    assert lines(one(mapped(snapshot(billing_entities=())), "sale.order"))[0]["tax_ids"] == ()


def test_a_set_of_taxes_the_table_lacks_stops_the_order_and_says_what_to_add() -> None:
    items = mapped(snapshot(customers=(customer(taxes=(TOURIST,)),)))
    (skip,) = [item for item in items if not isinstance(item, Desired)]
    assert (str(skip.source), skip.reason) == ("subscription abo-1 (s1)", "tax_not_in_table")
    assert skip.detail == 'no Odoo tax for toerist: add [[taxes]] with codes = ["toerist"] to dutch.toml'


def test_a_rate_that_differs_from_the_table_is_refused() -> None:
    items = mapped(snapshot(customers=(customer(taxes=(replace(BTW, rate=Decimal("19.5")),)),)))
    (skip,) = [item for item in items if not isinstance(item, Desired)]
    assert skip.reason == "tax_rate_differs"
    assert skip.detail.startswith("btw21 is 19.5 % in Lago and 21 % in dutch.toml")


@pytest.mark.parametrize("zero", [Decimal("21.000"), Decimal(21)])
def test_the_same_rate_in_another_notation_is_the_same(zero: Decimal) -> None:
    assert reasons(mapped(snapshot(customers=(customer(taxes=(replace(BTW, rate=zero),)),)))) == set()


@pytest.mark.parametrize(
    ("currency", "cents", "units"), [("EUR", 4950, "49.50"), ("JPY", 4950, "4950"), ("KWD", 4950, "4.950")]
)
def test_prices_in_the_subunits_of_their_currency(currency: str, cents: int, units: str) -> None:
    snap = snapshot(plans=(plan(amount_currency=currency, amount_cents=cents),))
    order = one(mapped(snap), "sale.order")
    assert lines(order)[0]["price_unit"] == Decimal(units)
    assert order.values["fusion_plan_amount"] == units
    assert order.values["pricelist_id"] == Ref(f"lago.pricelist_{currency}")


def test_the_subscription_pays_its_own_price_after_the_plan_changed() -> None:
    order = one(mapped(snapshot(subscriptions=(subscription(plan_amount_cents=3900),))), "sale.order")
    assert lines(order)[0]["price_unit"] == Decimal("39.00")
    assert order.values["fusion_plan_amount"] == "39.00"


def test_the_subscriptions_name_is_on_its_base_fee() -> None:
    named = lines(one(mapped(snapshot(subscriptions=(subscription(name="Boot van Jan"),))), "sale.order"))
    assert named[0]["name"] == "Boot van Jan"
    shown = lines(one(mapped(snapshot(plans=(plan(invoice_display_name="Boot"),))), "sale.order"))
    assert shown[0]["name"] == "Boot"


def test_fixed_charges_have_the_units_of_the_subscription() -> None:
    snap = snapshot(
        plans=(plan(fixed_charges=(fixed(), fixed("f2", charge_model="volume", properties={"volume_ranges": []}))),),
        subscriptions=(
            subscription(fixed_charges=(fixed(units=Decimal(5)), fixed("f2", charge_model="volume", units=Decimal(3)))),
            subscription("s2", external_id="abo-2"),
        ),
    )
    items = mapped(snap)
    own, standard = (lines(order)[1:] for order in of(items, "sale.order"))
    assert [(line["product_uom_qty"], line["price_unit"]) for line in own] == [(5, 40), (3, 0)]
    assert [(line["product_uom_qty"], line["price_unit"]) for line in standard] == [(2, 40), (2, 0)]
    special = [c for c in of(items, "fusion.billing.charge") if "order_id" in c.values]
    assert {(c.values["order_id"].xid, c.xid, c.values["units"]) for c in special} == {
        ("lago.subscription_s1", "lago.charge_f1_s1", "5"),
        ("lago.subscription_s1", "lago.charge_f2_s1", "3"),
    }


def test_metered_lines_with_filters_or_tiers_have_no_single_price() -> None:
    from mappings.records import ChargeFilter

    filtered = charge(filters=(ChargeFilter(lago_id="cf", properties={}, values={}),), invoice_display_name="Vaart")
    package = charge("ch2", charge_model="package", properties={"amount": "9", "package_size": 10})
    snap = snapshot(plans=(plan(charges=(filtered, package)),))
    _, first, second = lines(one(mapped(snap), "sale.order"))
    assert (first["name"], first["price_unit"], second["price_unit"]) == ("Vaart", 0, 0)


def override() -> Plan:
    own = (charge("ch9", lago_parent_id="ch1", properties={"amount": "0.000123"}),)
    return plan("p9", parent_id="p1", amount_cents=1999, name="Klein (afspraak)", charges=own)


def test_an_override_pays_its_own_price_for_its_parents_product() -> None:
    items = mapped(snapshot(subscriptions=(subscription(plan=override(), plan_amount_cents=1999),)))
    order = one(items, "sale.order")
    base, metered = lines(order)
    assert base["product_id"] == Ref("lago.plan_variant_p1")
    assert base["price_unit"] == Decimal("19.99")
    assert metered["price_unit"] == Decimal("0.000123")
    (own,) = [c for c in of(items, "fusion.billing.charge") if "order_id" in c.values]
    assert own.values["order_id"] == Ref("lago.subscription_s1")
    assert own.values["fusion_lago_id"] == "ch9"
    assert "plan_id" not in own.values
    assert own.customer == "klant-c1"
    assert len(of(items, "product.template")) == 3  # plan, metric, add-on: none for the override


def test_a_plan_on_the_subscriptions_own_page_that_is_no_override_changes_nothing() -> None:
    standard = plan(charges=(charge(),), fixed_charges=(fixed(),))
    page = replace(standard, fixed_charges=())
    snap = snapshot(plans=(standard,), subscriptions=(subscription(plan=page, fixed_charges=(fixed(),)),))
    items = mapped(snap)
    assert len(lines(one(items, "sale.order"))) == 3
    assert not [c for c in of(items, "fusion.billing.charge") if "order_id" in c.values]


def test_overrides_without_the_addon_have_their_price_only() -> None:
    items = mapped(snapshot(subscriptions=(subscription(plan=override()),)), addon=False)
    assert of(items, "fusion.billing.charge") == []
    order = one(items, "sale.order")
    assert lines(order)[0]["price_unit"] == Decimal("19.99")
    assert not [name for name in order.values if name.startswith("fusion_")]


def test_a_plan_nobody_knows_any_more() -> None:
    items = mapped(snapshot(subscriptions=(subscription(plan_code="weg"),)))
    assert skips(items) == [("subscription abo-1 (s1)", "plan_unknown")]


def test_a_customer_nobody_knows() -> None:
    items = mapped(snapshot(subscriptions=(subscription(lago_customer_id="c7", external_customer_id="k7"),)))
    (skip,) = [item for item in items if not isinstance(item, Desired)]
    assert (skip.reason, skip.customer) == ("customer_unknown", "k7")


@pytest.mark.parametrize(
    ("zone", "end", "expected"),
    [
        ("America/Los_Angeles", "2026-09-01 06:59:59", date(2026, 9, 1)),
        ("Asia/Tokyo", "2026-08-31 14:59:59", date(2026, 9, 1)),
        ("UTC", "2026-08-31 23:59:59.999", date(2026, 9, 1)),
    ],
)
def test_the_next_invoice_is_due_on_the_customers_day(zone: str, end: str, expected: date) -> None:
    snap = snapshot(
        customers=(customer(applicable_timezone=zone),),
        subscriptions=(subscription(current_billing_period_ending_at=at(end)),),
    )
    assert one(mapped(snap), "sale.order").values["next_invoice_date"] == expected


def no_period(**more: object) -> Subscription:
    return subscription(current_billing_period_ending_at=None, **more)


@pytest.mark.parametrize(
    ("item", "of_plan", "addon", "expected"),
    [
        (no_period(), plan(), True, date(2026, 9, 1)),
        (no_period(billing_time="anniversary"), plan(), True, date(2026, 9, 10)),
        (no_period(billing_time="anniversary"), plan(interval="yearly"), True, date(2027, 2, 10)),
        (no_period(), plan(interval="yearly", bill_charges_monthly=True), True, date(2026, 9, 1)),
        (subscription(), plan(interval="yearly", bill_charges_monthly=True), True, date(2026, 9, 1)),
        (subscription(), plan(interval="yearly", bill_charges_monthly=True), False, date(2027, 1, 1)),
        (no_period(), plan(interval="weekly"), True, date(2026, 8, 24)),
    ],
)
def test_the_next_invoice_without_lagos_word_or_with_monthly_parts(
    item: Subscription, of_plan: Plan, addon: bool, expected: date
) -> None:
    context = ctx(snapshot(plans=(of_plan,), subscriptions=(item,)), addon=addon)
    assert next_invoice_date(context, item, of_plan, "Europe/Amsterdam") == expected


def test_usage_thresholds_of_a_subscription_are_named_once() -> None:
    """Lago shows those in effect: its own, or the plan's, which the plan names."""
    step = {"amount_cents": 10000, "recurring": False}
    with_own = (subscription(applicable_usage_thresholds=(step,)),)
    named = skips(mapped(snapshot(plans=(plan(),), subscriptions=with_own)))
    assert named == [("subscription abo-1 (s1)", "progressive_billing")]
    of_plan = snapshot(plans=(plan(usage_thresholds=(step,)),), subscriptions=with_own)
    assert ("subscription abo-1 (s1)", "progressive_billing") not in skips(mapped(of_plan))


def test_gaps_of_a_running_subscription() -> None:
    snap = snapshot(
        plans=(plan(fixed_charges=(fixed(units=Decimal("2.125")),)),),
        subscriptions=(subscription(purchase_order_number="PO 7"),),
    )
    assert skips(mapped(snap)) == [
        ("subscription abo-1 (s1)", "purchase_order_number"),
        ("subscription abo-1 (s1)", "quantity_precision"),
    ]
    assert skips(mapped(snap, quantity_digits=3)) == [("subscription abo-1 (s1)", "purchase_order_number")]


def test_units_of_any_size_are_looked_at() -> None:
    snap = snapshot(plans=(plan(fixed_charges=(fixed(units=Decimal("1e30")),)),), subscriptions=(subscription(),))
    assert skips(mapped(snap)) == []


def test_gaps_are_not_told_of_history() -> None:
    ended = subscription(status="terminated", terminated_at=at("2026-06-01 00:00"), purchase_order_number="PO 7")
    assert skips(mapped(snapshot(subscriptions=(ended,)))) == []


def test_gaps_without_the_addon() -> None:
    item = subscription(billing_time="anniversary", subscription_at=at("2026-01-30 23:30"))
    items = mapped(snapshot(plans=(plan(trial_period=Decimal(14)),), subscriptions=(item,)), addon=False)
    assert {reason for source, reason in skips(items) if source.startswith("subscription")} == {
        "trial_needs_addon",
        "anchor_needs_addon",
    }
    over = replace(item, trial_ended_at=at("2026-02-13 00:00"), subscription_at=at("2026-01-05 00:00"))
    calm = mapped(snapshot(plans=(plan(trial_period=Decimal(14)),), subscriptions=(over,)), addon=False)
    assert skips(calm) == []


def oca(item: Subscription, addon: bool = False, who: Customer | None = None) -> tuple[Mapped, ...]:
    snap = snapshot(subscriptions=(item,), customers=(who or customer(),))
    return mapped(snap, subscriptions="oca", addon=addon)


def test_oca_a_running_subscription_starts_on_its_own_dates() -> None:
    found = one(oca(subscription()), "sale.subscription")
    assert found.values == {
        "code": "LAGO/abo-1",
        "partner_id": Ref("lago.customer_c1"),
        "template_id": Ref("lago.interval_monthly"),
        "pricelist_id": Ref("lago.pricelist_EUR"),
        "description": "abo-1",
        "stage_id": Ref("subscription_oca.subscription_stage_in_progress"),
        "in_progress": True,
        "date_start": date(2026, 2, 10),
        "recurring_next_date": date(2026, 9, 1),
    }
    assert found.late == {"in_progress", "date_start", "recurring_next_date"}
    assert found.once == {"recurring_next_date"}
    (base,) = found.children["sale_subscription_line_ids"]
    assert base.xid == "lago.line_s1_base_oca"
    assert base.values["product_uom_qty"] == 1


@pytest.mark.parametrize(
    ("item", "stage", "running", "quantity"),
    [
        (subscription(status="pending"), "draft", False, 1),
        (subscription(status="terminated", terminated_at=at("2026-06-01 00:00")), "closed", False, 0),
        (subscription(status="canceled", canceled_at=at("2026-06-01 00:00")), "closed", False, 0),
    ],
)
def test_oca_stages(item: Subscription, stage: str, running: bool, quantity: int) -> None:
    found = one(oca(item), "sale.subscription")
    assert found.values["stage_id"] == Ref(f"subscription_oca.subscription_stage_{stage}")
    assert found.values["in_progress"] is running
    assert found.children["sale_subscription_line_ids"][0].values["product_uom_qty"] == quantity


@pytest.mark.parametrize(
    ("status", "state"), [("active", "sale"), ("pending", None), ("terminated", "sale"), ("canceled", "cancel")]
)
def test_oca_with_the_addon_a_carrier_that_can_never_be_invoiced(status: str, state: str | None) -> None:
    items = oca(subscription(status=status), addon=True)
    carrier, native = one(items, "sale.order"), one(items, "sale.subscription")
    assert native.values["sale_order_id"] == Ref(carrier.xid)
    assert carrier.values.get("state") == state
    assert carrier.after == ()
    assert carrier.values["fusion_external_id"] == "abo-1"
    assert {line["product_uom_qty"] for line in lines(carrier)} == {0}
    assert json.loads(str(carrier.values["fusion_coupons"] or "[]")) == []


def test_oca_cannot_plan_an_end() -> None:
    assert "planned_end" in reasons(oca(subscription(ending_at=at("2027-01-01 00:00"))))


def test_another_company_moves_without_one_word_of_canada() -> None:
    from mappings.tables import parse

    bare = parse("", "empty.toml", None)
    seller = replace(snapshot().organization, net_payment_term=14)
    items = mapped(snapshot(billing_entities=(), organization=seller), tables=bare)
    assert reasons(items) == set()
    assert one(items, "sale.order").values["fusion_service_id"] == Ref("lago.service_boten_zo_b_v")
    assert TABLES.taxes


@pytest.mark.parametrize(
    ("interval", "monthly", "price", "fixed_price"),
    [
        ("yearly", {"bill_charges_monthly": True}, "4.13", "0.83"),
        ("yearly", {"bill_charges_monthly": True, "bill_fixed_charges_monthly": True}, "4.13", "10"),
        ("semiannual", {"bill_charges_monthly": True}, "8.25", "1.67"),
        ("yearly", {}, "49.50", "10"),
        ("monthly", {}, "49.50", "10"),
    ],
)
def test_what_recurs_each_month_is_the_months_share(
    interval: str, monthly: dict[str, bool], price: str, fixed_price: str
) -> None:
    """A year whose usage is billed every month is looked at every month: its totals must not count it 12 times."""
    seats = fixed(properties={"amount": "10"}, units=Decimal(2))
    snap = snapshot(plans=(plan(interval=interval, fixed_charges=(seats,), charges=(), **monthly),))
    order = one(mapped(snap), "sale.order")
    assert [line["price_unit"] for line in lines(order)] == [Decimal(price), Decimal(fixed_price)]
    assert order.values["fusion_plan_amount"] == "49.50"


def test_a_subscription_in_another_currency_than_its_plan_is_refused() -> None:
    """The plan's cents are none of another currency."""
    items = mapped(snapshot(subscriptions=(subscription(plan_amount_currency="USD"),)))
    assert of(items, "sale.order") == []
    (skipped,) = [item for item in items if isinstance(item, Skipped) and item.source.resource == "subscription"]
    assert skipped.reason == "currency_contradicted"
    assert "pays in USD" in skipped.detail


def test_a_price_of_its_own_that_no_double_holds_is_named_with_the_subscription() -> None:
    """The catalog's price of the same add-on is fine: nobody else would name it."""
    dear = fixed(properties={"amount": "40.12345678901234567890"})
    item = subscription(plan=replace(override(), fixed_charges=(dear,)))
    catalog = (plan(fixed_charges=(fixed(),)),)
    items = mapped(snapshot(plans=catalog, subscriptions=(item,)), addon=False)
    assert [name for name, why in skips(items) if why == "price_not_kept_by_odoo"] == ["subscription abo-1 (s1)"]
    assert "price_not_kept_by_odoo" not in {why for _, why in skips(mapped(snapshot(plans=catalog), addon=False))}


def test_lagos_own_period_decides_before_its_clock() -> None:
    """A clock that is a day ahead at the turn of a year would skip a year."""
    of_plan = plan(interval="yearly", bill_charges_monthly=True)
    item = subscription(current_billing_period_ending_at=at("2026-12-31 22:59:59"))
    snap = replace(snapshot(plans=(of_plan,), subscriptions=(item,)), taken_at=at("2027-01-01 10:00"))
    assert next_invoice_date(ctx(snap, addon=False), item, of_plan, "Europe/Amsterdam") == date(2027, 1, 1)


ODD = charge("ch9", lago_billable_metric_id="gone")


@pytest.mark.parametrize(
    ("status", "waived", "is_written"),
    [
        ("active", (), False),
        ("pending", (), False),
        ("active", ("metric_unknown",), True),
        ("active", ("ch9",), True),
        ("active", ("s1", "boot-1"), False),
        ("terminated", (), True),
    ],
)
def test_an_order_waits_for_a_charge_that_stays_behind(status: str, waived: tuple[str, ...], is_written: bool) -> None:
    """Without it Odoo would bill less: only who names that charge, or its reason, has accepted it."""
    snap = snapshot(plans=(plan(charges=(charge(), ODD)),), subscriptions=(subscription(status=status),))
    items = mapped(snap, options=Options(waived=frozenset(waived)))
    assert bool(of(items, "sale.order")) is is_written
    waiting = [item for item in items if isinstance(item, Skipped) and item.source.resource == "subscription"]
    assert [item.reason for item in waiting] == ([] if is_written else ["metric_unknown"])
    assert all("waits for its charge trips_standard (ch9), without which" in item.detail for item in waiting)


@pytest.mark.parametrize(
    ("status", "waived", "is_written"),
    [
        ("active", (), False),
        ("pending", (), False),
        ("active", ("metric_expression",), True),
        ("active", ("m1",), True),
        ("active", ("ch1",), True),
        ("active", ("s1", "boot-1"), False),
        ("terminated", (), True),
    ],
)
def test_an_order_waits_for_a_charge_whose_metric_is_an_expression(
    status: str, waived: tuple[str, ...], is_written: bool
) -> None:
    """Odoo takes events as they are, and would bill other units: only who names it has accepted that."""
    snap = snapshot(
        billable_metrics=(metric(expression="event.properties.a * 2"),),
        plans=(plan(charges=(charge(),)),),
        subscriptions=(subscription(status=status),),
    )
    items = mapped(snap, options=Options(waived=frozenset(waived)))
    assert bool(of(items, "sale.order")) is is_written
    waiting = [item for item in items if isinstance(item, Skipped) and item.source.resource == "subscription"]
    assert [item.reason for item in waiting] == ([] if is_written else ["metric_expression"])
    assert all("waits for its charge trips_standard (ch1), whose usage it" in item.detail for item in waiting)
    assert of(items, "fusion.billing.charge"), "the charge itself stays expressed"


def test_an_order_waits_for_its_own_charge_too() -> None:
    """The catalog's charges are all expressed: only the order's own is not."""
    item = subscription(plan=replace(override(), charges=(ODD,)))
    items = mapped(snapshot(subscriptions=(item,)))
    assert (of(items, "sale.order"), skips(items)) == ([], [("subscription abo-1 (s1)", "metric_unknown")])
