"""Small Lago records for tests of the map: short to write, with every required field. Another company on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mappings.context import Context, Options, context
from mappings.desired import desired
from mappings.records import (
    AddOn,
    AppliedCoupon,
    BillableMetric,
    BillingEntity,
    Charge,
    Coupon,
    CreditNote,
    Customer,
    FixedCharge,
    Invoice,
    Organization,
    PaymentMethod,
    Plan,
    Snapshot,
    Subscription,
    Tax,
    Wallet,
)
from mappings.tables import Tables, parse
from mappings.target import Desired, Mapped, Skipped, Target
from mappings.usage import UsageRow
from migrate.shipped_tables import shipped

TARGET = Target(
    subscriptions="enterprise",
    addon=True,
    company_id=7,
    currencies=frozenset({"EUR"}),
    languages=frozenset({"en_US", "nl_NL"}),
    loyalty=True,
    stripe=True,
)
TABLES = parse(
    """
[[taxes]]
codes = ["btw21"]
odoo = "account.{company}_btw_21"
rate = 21
[[taxes]]
codes = ["btw21", "toerist"]
odoo = "account.{company}_btw_toerist"
[[services]]
code = "boot"
name = "Bootverhuur"
prefixes = ["boot_"]
""",
    "dutch.toml",
    shipped(),
)
BTW = Tax(lago_id="t1", code="btw21", name="BTW 21 %", rate=Decimal("21.0"))
TOURIST = Tax(lago_id="t2", code="toerist", name="Toeristenbelasting", rate=Decimal("7.5"))


def at(text: str) -> datetime:
    """``2026-07-01 04:00`` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def customer(lago_id: str = "c1", **more: Any) -> Customer:
    given = {
        "external_id": f"klant-{lago_id}",
        "name": "Rederij Zuiderzee",
        "currency": "EUR",
        "country": "NL",
        "applicable_timezone": "Europe/Amsterdam",
    }
    return Customer(lago_id=lago_id, **(given | more))


def metric(lago_id: str = "m1", code: str = "trips", **more: Any) -> BillableMetric:
    return BillableMetric(lago_id=lago_id, code=code, **({"name": "Trips", "aggregation_type": "count_agg"} | more))


def charge(lago_id: str = "ch1", **more: Any) -> Charge:
    given = {
        "lago_billable_metric_id": "m1",
        "billable_metric_code": "trips",
        "charge_model": "standard",
        "properties": {"amount": "1.25"},
        "code": "trips_standard",
    }
    return Charge(lago_id=lago_id, **(given | more))


def fixed(lago_id: str = "f1", **more: Any) -> FixedCharge:
    given = {
        "lago_add_on_id": "a1",
        "add_on_code": "berth",
        "charge_model": "standard",
        "units": Decimal(2),
        "properties": {"amount": "40"},
    }
    return FixedCharge(lago_id=lago_id, **(given | more))


def plan(lago_id: str = "p1", **more: Any) -> Plan:
    given = {
        "code": "boot_klein",
        "name": "Kleine boot",
        "interval": "monthly",
        "amount_cents": 4950,
        "amount_currency": "EUR",
        "pay_in_advance": True,
    }
    return Plan(lago_id=lago_id, **(given | more))


def subscription(lago_id: str = "s1", **more: Any) -> Subscription:
    given = {
        "external_id": "abo-1",
        "lago_customer_id": "c1",
        "external_customer_id": "klant-c1",
        "plan_code": "boot_klein",
        "status": "active",
        "billing_time": "calendar",
        "subscription_at": at("2026-02-10 12:00"),
        "started_at": at("2026-02-10 12:00"),
        "created_at": at("2026-02-10 12:00"),
        "current_billing_period_started_at": at("2026-07-31 22:00"),
        "current_billing_period_ending_at": at("2026-08-31 21:59:59"),
    }
    return Subscription(lago_id=lago_id, **(given | more))


def invoice(lago_id: str = "i1", **more: Any) -> Invoice:
    cents = more.pop("cents", 12100)
    given = {
        "number": f"BOOT-{lago_id}",
        "invoice_type": "subscription",
        "status": "finalized",
        "payment_status": "pending",
        "currency": "EUR",
        "issuing_date": date(2026, 8, 1),
        "fees_amount_cents": cents,
        "taxes_amount_cents": 0,
        "coupons_amount_cents": 0,
        "credit_notes_amount_cents": 0,
        "sub_total_excluding_taxes_amount_cents": cents,
        "sub_total_including_taxes_amount_cents": cents,
        "prepaid_credit_amount_cents": 0,
        "total_amount_cents": cents,
        "total_due_amount_cents": cents,
        "created_at": at("2026-08-01 00:10"),
        "customer": customer(),
    }
    return Invoice(lago_id=lago_id, **(given | more))


def credit_note(lago_id: str = "n1", **more: Any) -> CreditNote:
    given = {
        "number": f"BOOT-{lago_id}-CN",
        "lago_invoice_id": "i1",
        "invoice_number": "BOOT-i1",
        "currency": "EUR",
        "issuing_date": date(2026, 8, 3),
        "total_amount_cents": 900,
        "taxes_amount_cents": 0,
        "credit_amount_cents": 900,
        "refund_amount_cents": 0,
        "balance_amount_cents": 650,
        "credit_status": "available",
        "created_at": at("2026-08-03 10:00"),
    }
    return CreditNote(lago_id=lago_id, **(given | more))


def coupon(lago_id: str = "k1", **more: Any) -> Coupon:
    given = {"code": "zomer", "name": "Zomer", "coupon_type": "fixed_amount", "frequency": "forever"}
    return Coupon(lago_id=lago_id, **(given | more))


def held(lago_id: str = "h1", **more: Any) -> AppliedCoupon:
    given = {
        "lago_coupon_id": "k1",
        "coupon_code": "zomer",
        "lago_customer_id": "c1",
        "external_customer_id": "klant-c1",
        "status": "active",
        "frequency": "forever",
        "created_at": at("2026-03-01 00:00"),
        "amount_cents": 500,
        "amount_currency": "EUR",
    }
    return AppliedCoupon(lago_id=lago_id, **(given | more))


def wallet(lago_id: str = "w1", **more: Any) -> Wallet:
    given = {
        "lago_customer_id": "c1",
        "external_customer_id": "klant-c1",
        "status": "active",
        "currency": "EUR",
        "rate_amount": Decimal("0.5"),
        "credits_balance": Decimal(40),
        "balance_cents": 2000,
        "code": "kaart",
    }
    return Wallet(lago_id=lago_id, **(given | more))


def method(lago_id: str = "pm1", **more: Any) -> PaymentMethod:
    given = {
        "external_customer_id": "klant-c1",
        "provider_method_id": "pm_123",
        "is_default": True,
        "payment_provider_code": "stripe_nl",
        "payment_provider_type": "stripe",
    }
    return PaymentMethod(lago_id=lago_id, **(given | more))


def row(transaction_id: str = "tx1", timestamp: str = "2026-08-05 10:00:00.250001", **more: Any) -> UsageRow:
    given = {
        "external_subscription_id": "abo-1",
        "code": "trips",
        "timestamp": at(timestamp),
        "created_at": at(timestamp),
        "properties": '{"n":"1"}',
        "lago_id": f"e-{transaction_id}",
    }
    return UsageRow(transaction_id=transaction_id, **(given | more))


def snapshot(**more: Any) -> Snapshot:
    """One customer with one running subscription to one plan with one charge, in the Netherlands."""
    given = {
        "lago_version": "1.51.0",
        "organization": Organization(lago_id="o1", name="Boten & Zo B.V.", default_currency="EUR"),
        "taken_at": at("2026-08-20 12:00"),
        "billing_entities": (
            BillingEntity(
                lago_id="b1",
                code="nl",
                name="Boten & Zo",
                default_currency="EUR",
                net_payment_term=14,
                is_default=True,
                taxes=(BTW,),
            ),
        ),
        "taxes": (BTW,),
        "billable_metrics": (metric(),),
        "add_ons": (AddOn(lago_id="a1", code="berth", name="Ligplaats", amount_cents=4000, amount_currency="EUR"),),
        "plans": (plan(charges=(charge(),)),),
        "customers": (customer(),),
        "subscriptions": (subscription(),),
    }
    return Snapshot(**(given | more))


def ctx(
    snap: Snapshot | None = None, options: Options | None = None, tables: Tables = TABLES, **target: Any
) -> Context:
    return context(snap or snapshot(), replace(TARGET, **target), tables, options or Options())


def mapped(
    snap: Snapshot | None = None,
    rows: Iterable[UsageRow] = (),
    options: Options | None = None,
    tables: Tables = TABLES,
    **target: Any,
) -> tuple[Mapped, ...]:
    return desired(snap or snapshot(), rows, replace(TARGET, **target), tables, options or Options())


def of(items: Iterable[Mapped], model: str) -> list[Desired]:
    """The records of one model."""
    return [item for item in items if isinstance(item, Desired) and item.model == model]


def one(items: Iterable[Mapped], model: str) -> Desired:
    found = of(items, model)
    assert len(found) == 1, [item.xid for item in found]
    return found[0]


def skips(items: Iterable[Mapped]) -> list[tuple[str, str]]:
    """(source, reason) of everything skipped."""
    return [(str(item.source), item.reason) for item in items if isinstance(item, Skipped)]


def reasons(items: Iterable[Mapped]) -> set[str]:
    return {reason for _, reason in skips(items)}
