"""Open balances, prepaid credits, coupons and payment tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from mappings.context import Options
from mappings.owed import due_cents, kept_cents
from mappings.quarantine import quarantined
from mappings.records import BillingConfiguration, Fee, FeeItem, Invoice, WalletScope
from mappings.tables import parse
from mappings.target import Find, Phase, Ref, Skipped
from migrate.shipped_tables import shipped
from tests.mapping.build import (
    at,
    coupon,
    credit_note,
    customer,
    held,
    invoice,
    mapped,
    method,
    of,
    one,
    plan,
    reasons,
    skips,
    snapshot,
    subscription,
    wallet,
)

STRIPE = BillingConfiguration(payment_provider="stripe", provider_customer_id="cus_9")


def moves(*invoices: Invoice, **more: object) -> dict[str, Decimal]:
    items = mapped(snapshot(invoices=invoices), **more)
    return {m.values["ref"]: m.children["invoice_line_ids"][0].values["price_unit"] for m in of(items, "account.move")}


def test_an_open_invoice_is_an_unnamed_draft_of_one_line_without_tax() -> None:
    amounts = {"total_paid_amount_cents": 2050, "total_due_amount_cents": 10050}
    items = mapped(snapshot(invoices=(invoice(**amounts, payment_due_date=date(2026, 8, 20)),)))
    move = one(items, "account.move")
    assert move.phase is Phase.BALANCES
    assert move.values == {
        "partner_id": Ref("lago.customer_c1"),
        "journal_id": Ref("lago.journal_opening"),
        "currency_id": Ref("base.EUR"),
        "invoice_payment_term_id": None,
        "fusion_lago_number": "BOOT-i1",
        "move_type": "out_invoice",
        "invoice_date": date(2026, 8, 1),
        "invoice_date_due": date(2026, 8, 20),
        "ref": "BOOT-i1",
        "payment_reference": "BOOT-i1",
    }
    (line,) = move.children["invoice_line_ids"]
    assert line.xid == "lago.invoice_i1_open"
    account = line.values["account_id"]
    assert isinstance(account, Find) and account.domain[0] == ("account_type", "=", "equity_unaffected")
    assert {k: v for k, v in line.values.items() if k != "account_id"} == {
        "name": "Open balance of Lago invoice BOOT-i1",
        "quantity": 1,
        "price_unit": Decimal("100.50"),
        "tax_ids": (),
    }
    journal = one(items, "account.journal")
    assert journal.values == {"name": "Opening balances from Lago", "code": "LGOPN", "type": "sale"}


def test_a_name_is_never_set() -> None:
    items = mapped(snapshot(invoices=(invoice(),), credit_notes=(credit_note(customer=customer()),)), addon=False)
    assert all(
        "name" not in move.values and "fusion_lago_number" not in move.values for move in of(items, "account.move")
    )


@pytest.mark.parametrize(
    ("more", "cents"),
    [
        ({}, 12100),
        ({"payment_status": "failed"}, 12100),
        ({"total_due_amount_cents": 100, "total_paid_amount_cents": 12000}, 100),
        ({"total_due_amount_cents": None, "total_paid_amount_cents": 2100}, 10000),
        # marked as paid through the API: Lago still shows the whole total as due
        ({"payment_status": "succeeded", "total_paid_amount_cents": 0}, 0),
        ({"status": "voided"}, 0),
        ({"cents": 0}, 0),
    ],
)
def test_what_is_due(more: dict[str, object], cents: int) -> None:
    bill = invoice(**more)
    assert due_cents(bill) == cents
    assert moves(bill) == ({"BOOT-i1": Decimal(cents) / 100} if cents else {})


@pytest.mark.parametrize(("currency", "expected"), [("JPY", "12100"), ("KWD", "12.100"), ("HUF", "12100")])
def test_balances_in_other_currencies(currency: str, expected: str) -> None:
    assert moves(invoice(currency=currency)) == {"BOOT-i1": Decimal(expected)}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": "draft"}, "invoice_not_final"),
        ({"status": "pending"}, "invoice_not_final"),
        ({"status": "failed"}, "invoice_not_final"),
        ({"payment_status": "succeeded", "payment_dispute_lost_at": at("2026-08-10 00:00")}, "payment_dispute_lost"),
        ({"self_billed": True}, "self_billed_invoice"),
        ({"customer": customer("c9")}, "customer_unknown"),
        ({"status": "voided", "payment_status": "succeeded", "total_paid_amount_cents": 0}, "voided_but_paid"),
        ({"status": "voided", "total_paid_amount_cents": 100}, "voided_but_paid"),
    ],
)
def test_invoices_finance_must_look_at(more: dict[str, object], reason: str) -> None:
    items = mapped(snapshot(invoices=(invoice(**more),)))
    assert skips(items) == [("invoice BOOT-i1 (i1)", reason)]
    assert of(items, "account.journal") == []


@pytest.mark.parametrize(
    ("given_back", "kept"), [((), 100), ((40,), 60), ((40, 60), 0), ((150,), 0)], ids=["none", "less", "all", "more"]
)
def test_what_was_paid_of_a_voided_invoice_and_not_given_back(given_back: tuple[int, ...], kept: int) -> None:
    """Lago's fault L6: no void is kept from it by a payment."""
    bill = invoice(status="voided", total_paid_amount_cents=100, total_due_amount_cents=0)
    notes = tuple(credit_note(f"n{cents}", total_amount_cents=cents) for cents in given_back)
    assert kept_cents(bill, notes) == kept
    assert kept_cents(bill, [replace(note, credit_status="voided") for note in notes]) == 100
    assert kept_cents(replace(bill, status="finalized"), notes) == 0


def test_paid_self_billed_invoices_and_those_of_unknown_customers_are_nothing_to_move() -> None:
    done = {"payment_status": "succeeded"}
    assert (
        skips(
            mapped(
                snapshot(invoices=(invoice(self_billed=True, **done), invoice("i2", customer=customer("c9"), **done)))
            )
        )
        == []
    )


def test_an_inactive_currency_stops_its_balances() -> None:
    snap = snapshot(
        invoices=(invoice(currency="SEK"),), credit_notes=(credit_note(customer=customer(), currency="SEK"),)
    )
    items = mapped(snap, options=Options(activate_currencies=False))
    assert {s for s, r in skips(items) if r == "currency_inactive"} == {
        "currency SEK",
        "invoice BOOT-i1 (i1)",
        "credit_note BOOT-n1-CN (n1)",
    }


def test_the_due_date_follows_the_terms_where_lago_gives_none() -> None:
    for more, due in (({}, date(2026, 8, 15)), ({"net_payment_term": 0}, date(2026, 8, 1))):
        move = one(mapped(snapshot(invoices=(invoice(**more),))), "account.move")
        assert move.values["invoice_date_due"] == due


def test_an_unpaid_top_up_says_what_its_payment_must_lead_to() -> None:
    items = mapped(snapshot(invoices=(invoice(invoice_type="credit"),)))
    (line,) = one(items, "account.move").children["invoice_line_ids"]
    assert line.values["name"].endswith("(prepaid credits: grant them when it is paid)")


def test_the_owner_of_an_invoice_without_customer() -> None:
    fee = Fee(
        lago_id="f",
        item=FeeItem(type="add_on"),
        amount_cents=1,
        amount_currency="EUR",
        units=Decimal(1),
        taxes_amount_cents=0,
        taxes_rate=Decimal(0),
        created_at=at("2026-01-01 00:00"),
        lago_customer_id="c1",
    )
    by_subscription = invoice(customer=None, subscriptions=(subscription(),))
    by_fee, by_nothing = invoice("i2", cents=1, customer=None, fees=(fee,)), invoice("i3", customer=None)
    assert set(moves(by_subscription, by_fee)) == {"BOOT-i1", "BOOT-i2"}
    assert skips(mapped(snapshot(invoices=(by_nothing,)))) == [("invoice BOOT-i3 (i3)", "customer_unknown")]
    note = credit_note()
    items = mapped(snapshot(invoices=(replace(by_subscription, payment_status="succeeded"),), credit_notes=(note,)))
    assert one(items, "account.move").values["partner_id"] == Ref("lago.customer_c1")


def test_credit_left_is_a_draft_refund() -> None:
    items = mapped(snapshot(credit_notes=(credit_note(customer=customer()),)))
    move = one(items, "account.move")
    assert (move.values["move_type"], move.values["ref"], move.xid) == (
        "out_refund",
        "BOOT-n1-CN",
        "lago.credit_note_n1",
    )
    assert move.children["invoice_line_ids"][0].values["price_unit"] == Decimal("6.50")
    assert move.values["invoice_date_due"] == date(2026, 8, 3)


@pytest.mark.parametrize("more", [{"balance_amount_cents": 0}, {"credit_status": "voided"}, {"credit_status": None}])
def test_used_or_voided_credit_is_nothing_to_move(more: dict[str, object]) -> None:
    assert of(mapped(snapshot(credit_notes=(credit_note(customer=customer(), **more),))), "account.move") == []


@pytest.mark.parametrize(("status", "told"), [("pending", True), ("failed", True), ("succeeded", False), (None, False)])
def test_refunds_that_were_not_paid_out(status: str | None, told: bool) -> None:
    refund = {"refund_amount_cents": 900, "refund_status": status, "credit_amount_cents": 0, "balance_amount_cents": 0}
    note = credit_note(customer=customer(), **refund)
    assert ("refund_not_done" in reasons(mapped(snapshot(credit_notes=(note,))))) is told


def test_credit_of_an_unknown_customer_is_named() -> None:
    assert skips(mapped(snapshot(credit_notes=(credit_note(),)))) == [
        ("credit_note BOOT-n1-CN (n1)", "customer_unknown")
    ]


def test_journal_and_account_of_finances_choice() -> None:
    text = '[opening]\nexisting = "account.{company}_opening"\n[accounts]\nopening = "account.{company}_3000"\n'
    items = mapped(snapshot(invoices=(invoice(),)), tables=parse(text, "t.toml", shipped()))
    assert of(items, "account.journal") == []
    move = one(items, "account.move")
    assert move.values["journal_id"] == Ref("account.7_opening")
    assert move.children["invoice_line_ids"][0].values["account_id"] == Ref("account.7_3000")


def test_a_wallet_is_a_card_worth_its_balance_in_money() -> None:
    snap = snapshot(
        wallets=(
            wallet(expiration_at=at("2027-01-31 12:00")),
            wallet("w2", currency="JPY", balance_cents=700, credits_balance=Decimal(1400)),
        )
    )
    items = mapped(snap)
    first, second = of(items, "loyalty.card")
    assert first.values == {
        "program_id": Ref("lago.wallet_program_EUR"),
        "partner_id": Ref("lago.customer_c1"),
        "points": Decimal("20.00"),
        "expiration_date": date(2027, 1, 31),
    }
    assert first.once == {"points"}
    assert (second.values["points"], second.values["program_id"]) == (700, Ref("lago.wallet_program_JPY"))
    programme = of(items, "loyalty.program")[0]
    assert (programme.values["program_type"], programme.values["currency_id"]) == ("ewallet", Ref("base.EUR"))
    (reward,) = programme.children["reward_ids"]
    assert (reward.values["discount_mode"], reward.values["discount"]) == ("per_point", 1)


@pytest.mark.parametrize("more", [{}, {"status": "terminated"}])
def test_empty_wallets_are_nothing_to_move(more: dict[str, object]) -> None:
    empty = wallet(balance_cents=0, credits_balance=Decimal(0), **more)
    items = mapped(snapshot(wallets=(empty,)), loyalty=False)
    assert skips(items) == [] and of(items, "loyalty.card") == []


def test_wallets_that_cannot_move_or_lose_something() -> None:
    snap = snapshot(wallets=(wallet(applies_to=WalletScope(fee_types=("charge",)), recurring_transaction_rules=({},)),))
    name = "wallet klant-c1/kaart (w1)"
    assert skips(mapped(snap, loyalty=False)) == [(name, "wallet_needs_loyalty")]
    assert skips(mapped(snap)) == [(name, "wallet_scope"), (name, "wallet_top_up_rule")]
    scoped = snapshot(wallets=(wallet(applies_to=WalletScope(billable_metric_codes=("x",))),))
    assert reasons(mapped(scoped)) == {"wallet_scope"}
    lost = snapshot(wallets=(wallet(lago_customer_id="c9"),))
    assert reasons(mapped(lost)) == {"customer_unknown"}
    assert of(mapped(lost), "loyalty.program") == []


def coupons_of(items: tuple[object, ...]) -> dict[str, list[str]]:
    orders = of(items, "sale.order")
    return {
        str(o.values["fusion_lago_id"]): [c["lago_id"] for c in json.loads(str(o.values["fusion_coupons"] or "[]"))]
        for o in orders
    }


def test_coupons_stand_on_the_running_orders_they_may_reduce_oldest_first() -> None:
    snap = snapshot(
        plans=(plan(), plan("p2", code="boot_groot")),
        subscriptions=(
            subscription(),
            subscription("s2", external_id="abo-2", plan_code="boot_groot", status="pending"),
            subscription("s3", external_id="abo-3", status="terminated", terminated_at=at("2026-05-01 00:00")),
        ),
        coupons=(coupon(), coupon("k2", code="groot", limited_plans=True, plan_codes=("boot_groot",))),
        applied_coupons=(
            held("h3", created_at=at("2026-04-01 00:00")),
            held("h2", lago_coupon_id="k2", created_at=at("2026-03-15 00:00")),
            held("h1"),
            held("h0", status="terminated"),
        ),
    )
    items = mapped(snap)
    assert coupons_of(items) == {"s1": ["h1", "h3"], "s2": ["h1", "h2", "h3"], "s3": []}
    assert skips(items) == []


def test_to_rerun_the_past_coupons_and_orders_that_ended_since_count_too() -> None:
    ended = {"status": "terminated", "terminated_at": at("2026-07-15 00:00")}
    snap = snapshot(
        subscriptions=(subscription(), subscription("s2", external_id="abo-2", **ended)),
        coupons=(coupon(),),
        applied_coupons=(held(**ended), held("h2", status="terminated", terminated_at=at("2026-06-30 23:59"))),
    )
    july = mapped(snap, options=Options(usage_since=at("2026-07-01 00:00")))
    assert coupons_of(july) == {"s1": ["h1"], "s2": ["h1"]}
    assert coupons_of(mapped(snap)) == {"s1": [], "s2": []}
    alone = replace(snap, subscriptions=())
    assert skips(mapped(alone, options=Options(usage_since=at("2026-07-01 00:00")))) == []


def test_a_coupon_is_told_in_lagos_shape() -> None:
    terms = coupon(coupon_type="percentage", limited_billable_metrics=True, billable_metric_codes=("b", "a"))
    mine = held(
        percentage_rate=Decimal("12.50"), amount_cents=None, amount_currency=None, frequency_duration_remaining=3
    )
    order = one(mapped(snapshot(coupons=(terms,), applied_coupons=(mine,))), "sale.order")
    assert json.loads(str(order.values["fusion_coupons"])) == [
        {
            "lago_id": "h1",
            "lago_coupon_id": "k1",
            "coupon_code": "zomer",
            "coupon_name": "Zomer",
            "coupon_type": "percentage",
            "status": "active",
            "frequency": "forever",
            "frequency_duration": None,
            "frequency_duration_remaining": 3,
            "amount_cents": None,
            "amount_cents_remaining": None,
            "amount_currency": None,
            "percentage_rate": "12.50",
            "created_at": "2026-03-01T00:00:00Z",
            "terminated_at": None,
            "limited_plans": False,
            "plan_codes": [],
            "limited_billable_metrics": True,
            "billable_metric_codes": ["a", "b"],
            "credits": [],
        }
    ]


@pytest.mark.parametrize(
    ("more", "target", "reason"),
    [
        ({}, {"addon": False}, "coupon_needs_addon"),
        ({"coupons": ()}, {}, "coupon_unknown"),
        ({"subscriptions": ()}, {}, "coupon_without_order"),
        ({"coupons": (coupon(limited_plans=True, plan_codes=("x",)),)}, {}, "coupon_without_order"),
        ({"applied_coupons": (held(lago_customer_id="c9"),)}, {}, "customer_unknown"),
    ],
)
def test_coupons_no_order_expresses(more: dict[str, object], target: dict[str, bool], reason: str) -> None:
    snap = snapshot(**({"coupons": (coupon(),), "applied_coupons": (held(),)} | more))
    assert skips(mapped(snap, **target)) == [("applied_coupon klant-c1/zomer (h1)", reason)] or (
        reason == "coupon_needs_addon"
        and ("applied_coupon klant-c1/zomer (h1)", reason) in skips(mapped(snap, **target))
    )


@pytest.mark.parametrize("owner", [{"lago_customer_id": "c1"}, {"external_customer_id": "klant-c1"}])
def test_a_coupon_waits_for_a_subscription_that_cannot_be_read(owner: dict[str, str]) -> None:
    """Its order is not lacking, only unread: else one broken record asks for a waiver, and nobody is moved."""
    unread = quarantined("subscriptions", "s1", ("status", "value_missing", "is null"), "{}", owner)
    snap = snapshot(coupons=(coupon(),), applied_coupons=(held(),), subscriptions=(), quarantined=(unread,))
    of_coupon = [item for item in mapped(snap) if isinstance(item, Skipped) and item.source.lago_id == "h1"]
    assert [(item.reason, item.because) for item in of_coupon] == [("value_missing", "s1")]
    others = replace(unread, customer="klant-c9", customer_id="c9")
    assert ("applied_coupon klant-c1/zomer (h1)", "coupon_without_order") in skips(
        mapped(replace(snap, quarantined=(others,)))
    )


def test_a_customer_waits_for_a_payment_method_that_cannot_be_read() -> None:
    of_customer = {"external_customer_id": "klant-c1"}
    unread = quarantined("payment_methods", "pm1", ("is_default", "value_missing", "is null"), "{}", of_customer)
    snap = snapshot(customers=(customer(billing_configuration=STRIPE),), quarantined=(unread,))
    reasons = {item.reason for item in mapped(snap) if isinstance(item, Skipped) and item.phase is Phase.TOKENS}
    assert reasons == {"value_missing"}
    assert "payment_customer_without_method" in {reason for _, reason in skips(mapped(replace(snap, quarantined=())))}


def test_a_payment_method_waits_for_a_customer_that_cannot_be_read() -> None:
    """Else nothing is written of anybody, until somebody waives ``customer_unknown``, which is not so."""
    who = {"lago_id": "c1", "external_id": "klant-c1"}
    unread = quarantined("customers", "c1", ("timezone", "unknown_time_zone", "is unknown"), "{}", who)
    snap = snapshot(customers=(), subscriptions=(), payment_methods=(method(),), quarantined=(unread,))
    of_method = [item for item in mapped(snap) if isinstance(item, Skipped) and item.phase is Phase.TOKENS]
    assert [(item.reason, item.because, item.customer) for item in of_method] == [
        ("unknown_time_zone", "c1", "klant-c1")
    ]
    another = replace(unread, label="klant-c9")
    assert ("payment_method klant-c1/pm_123", "customer_unknown") in skips(
        mapped(replace(snap, quarantined=(another,)))
    )


def test_a_payment_method_is_a_token_of_references() -> None:
    snap = snapshot(customers=(customer(billing_configuration=STRIPE),), payment_methods=(method(),))
    token = one(mapped(snap), "payment.token")
    assert token.phase is Phase.TOKENS
    assert token.xid == "lago.payment_method_pm1"
    assert (token.values["provider_ref"], token.values["stripe_payment_method"]) == ("cus_9", "pm_123")
    provider, card = token.values["provider_id"], token.values["payment_method_id"]
    assert isinstance(provider, Find) and ("state", "=", "enabled") in provider.domain
    assert isinstance(card, Find) and card.domain == (("code", "=", "card"),)


def test_the_default_token_pays_the_running_subscriptions_where_the_addon_can_say_so() -> None:
    who = customer(billing_configuration=STRIPE)
    methods = (method("pm1"), method("pm2", is_default=False))
    ended = subscription("s2", external_id="abo-2", status="terminated", terminated_at=at("2026-08-01 00:00"))
    snap = snapshot(customers=(who,), payment_methods=methods, subscriptions=(subscription(), ended))
    default, other = of(mapped(snap), "payment.token")
    assert default.values["fusion_order_ids"] == (Ref("lago.subscription_s1"),)
    assert "fusion_order_ids" not in other.values
    older = {"payment.token": frozenset({"provider_id", "provider_ref"})}
    assert "fusion_order_ids" not in of(mapped(snap, models=older), "payment.token")[0].values


def test_the_default_method_comes_first() -> None:
    who = customer(billing_configuration=STRIPE)
    methods = (method("pm2", is_default=False), method("pm3"), method("pm1", is_default=False))
    tokens = of(mapped(snapshot(customers=(who,), payment_methods=methods)), "payment.token")
    assert [t.xid[-3:] for t in tokens] == ["pm3", "pm1", "pm2"]


@pytest.mark.parametrize(
    ("who", "what", "target", "reason"),
    [
        (customer(billing_configuration=STRIPE), method(), {"stripe": False}, "stripe_provider_not_enabled"),
        (
            customer(billing_configuration=STRIPE),
            method(payment_provider_type="gocardless"),
            {},
            "payment_provider_unsupported",
        ),
        (customer(), method(payment_provider_type=None), {}, "payment_provider_unsupported"),
        (customer(), method(), {}, "stripe_customer_missing"),
        (customer(external_id="other"), method(), {}, "customer_unknown"),
        (customer(deleted=True, billing_configuration=STRIPE), method(), {}, "customer_unknown"),
        (customer(country="CA", billing_configuration=STRIPE), method(), {}, "customer_without_province"),
    ],
)
def test_payment_methods_that_stay_behind(who: object, what: object, target: dict[str, bool], reason: str) -> None:
    items = mapped(snapshot(customers=(who,), subscriptions=(), payment_methods=(what,)), **target)
    assert ("payment_method klant-c1/pm_123", reason) in skips(items)
    assert of(items, "payment.token") == []


def test_a_stripe_customer_without_method_is_named() -> None:
    who, gone = customer(billing_configuration=STRIPE), customer("c2", billing_configuration=STRIPE, deleted=True)
    items = mapped(snapshot(customers=(who, gone)))
    assert skips(items) == [("customer klant-c1", "payment_customer_without_method")]


def test_the_class_name_of_lagos_provider_is_stripe_too() -> None:
    who = customer(billing_configuration=STRIPE)
    named = method(payment_provider_type="PaymentProviders::StripeProvider", payment_provider_code=None)
    assert len(of(mapped(snapshot(customers=(who,), payment_methods=(named,))), "payment.token")) == 1


def test_two_stripe_accounts_need_finances_word() -> None:
    who = customer(billing_configuration=STRIPE)
    methods = (method(), method("pm2", provider_method_id="pm_2", payment_provider_code="stripe_be"))
    snap = snapshot(customers=(who,), payment_methods=methods)
    assert [r for _, r in skips(mapped(snap))] == ["stripe_account_differs"] * 2
    chosen = parse('[stripe]\naccount = "stripe_be"\n', "t.toml", shipped())
    items = mapped(replace(snap, subscriptions=()), tables=chosen)
    assert [t.values["stripe_payment_method"] for t in of(items, "payment.token")] == ["pm_2"]
    assert skips(items) == [("payment_method klant-c1/pm_123", "stripe_account_differs")]


def test_what_is_owed_to_another_listed_seller_than_the_customers_is_not_ours() -> None:
    """Lago lets a subscription be billed by another entity than its customer; that one is who is owed."""
    main = snapshot().billing_entities[0]
    entities = (main, replace(main, lago_id="b2", code="be", is_default=False))
    theirs = {"billing_entity_code": "be"}
    invoices = (invoice(), invoice("i2", billing_entity_code="nl"), invoice("i3", **theirs))
    notes = (credit_note(customer=customer()), credit_note("n2", customer=customer(), **theirs))
    items = mapped(snapshot(billing_entities=entities, invoices=invoices, credit_notes=notes))
    named = [item for item in items if isinstance(item, Skipped) and item.reason == "other_billing_entity"]
    assert sorted(item.source.lago_id for item in named) == ["i3", "n2"]
    assert all("is owed to be, and this company of Odoo stands for nl" in item.detail for item in named)
    assert len(of(items, "account.move")) == 3
