"""Things of a customer's that another billing entity sells, or in another currency: refused, never the customer's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.records import BillingEntity
from mappings.tables import parse
from mappings.target import Mapped
from migrate.shipped_tables import shipped
from tests.mapping.build import (
    BTW,
    coupon,
    customer,
    held,
    invoice,
    mapped,
    of,
    one,
    skips,
    snapshot,
    subscription,
    wallet,
)

ENTITIES = tuple(
    BillingEntity(
        lago_id=code, code=code, default_currency="EUR", net_payment_term=14, is_default=code == "nl", taxes=(BTW,)
    )
    for code in ("nl", "be")
)
NL = customer(billing_entity_code="nl")
TABLES = (None, '[entity]\ncode = "be"\n')


def items(table: str | None = None, **more: Any) -> tuple[Mapped, ...]:
    snap = snapshot(billing_entities=ENTITIES, customers=(NL,), **more)
    return mapped(snap, tables=parse(table, "be.toml", shipped())) if table else mapped(snap)


@pytest.mark.parametrize("table", TABLES)
def test_a_subscription_that_another_entity_bills_goes_to_no_company(table: str | None) -> None:
    found = items(table, subscriptions=(subscription(billing_entity_code="be"),))
    assert ("subscription abo-1 (s1)", "other_billing_entity") in skips(found)
    assert of(found, "sale.order") == []
    told = [s.detail for s in found if getattr(s, "reason", "") == "other_billing_entity" and "abo-1" in str(s.source)]
    assert told == [
        "is of be, and its customer of nl, whose company of Odoo would bill it with its own taxes: "
        "enter it by hand in the books of be"
    ]


def test_a_wallet_of_another_entity_is_no_card_here() -> None:
    found = items(wallets=(wallet(billing_entity_code="be"),))
    assert ("wallet klant-c1/kaart (w1)", "other_billing_entity") in skips(found)
    assert of(found, "loyalty.card") == []


def test_a_coupon_for_another_entity_reduces_no_order_here() -> None:
    found = items(coupons=(coupon(),), applied_coupons=(held(billing_entity_code="be"),))
    assert ("applied_coupon klant-c1/zomer (h1)", "other_billing_entity") in skips(found)
    assert json.loads(str(one(found, "sale.order").values["fusion_coupons"] or "[]")) == []


def test_a_one_off_invoice_of_another_entity_is_owed_to_it() -> None:
    found = items(invoices=(invoice(invoice_type="one_off", billing_entity_code="be", customer=NL),))
    assert ("invoice BOOT-i1 (i1)", "other_billing_entity") in skips(found)


def test_what_names_its_customers_own_entity_is_moved() -> None:
    found = items(
        subscriptions=(subscription(billing_entity_code="nl", currency="EUR"),),
        wallets=(wallet(billing_entity_code="nl"),),
        coupons=(coupon(),),
        applied_coupons=(held(billing_entity_code="nl"),),
    )
    assert skips(found) == []
    assert [len(of(found, model)) for model in ("sale.order", "loyalty.card")] == [1, 1]


def test_a_subscription_in_another_currency_than_its_plan_is_refused() -> None:
    found = items(subscriptions=(subscription(currency="USD"),))
    assert ("subscription abo-1 (s1)", "currency_contradicted") in skips(found)


def test_subscriptions_of_one_customer_in_two_currencies_have_each_its_own() -> None:
    from tests.mapping.build import plan

    both = (subscription(), subscription("s2", external_id="abo-2", plan_code="dollar"))
    dollar = plan("p2", code="dollar", amount_currency="USD")
    found = items(subscriptions=both, plans=(plan(), dollar))
    orders = [order.values["pricelist_id"] for order in of(found, "sale.order")]
    assert [str(ref.xid) for ref in orders if hasattr(ref, "xid")] == ["lago.pricelist_EUR", "lago.pricelist_USD"]
