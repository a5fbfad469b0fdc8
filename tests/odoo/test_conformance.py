"""The unmodified lago-python-client against the addon on a real Odoo: every call of Lago's runtime surface.

Each response is parsed by the client's own models, and its JSON is compared with Lago's samples: keys and types.
``call | ok`` is printed at the end of the run.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import (
    AddOn,
    AppliedCoupon,
    BatchEvent,
    BillableMetric,
    Charge,
    Charges,
    Coupon,
    Customer,
    Event,
    Invoice,
    InvoiceFee,
    InvoiceFeesList,
    InvoiceMetadata,
    InvoiceMetadataList,
    OneOffInvoice,
    Plan,
    Subscription,
    Tax,
    Wallet,
    WalletTransaction,
    WebhookEndpoint,
)

from tests.lago import client_calls
from tests.lago.company import Api, invoice, last_month
from tests.lago.samples import samples
from tests.lago.shapes import differences, unexplained

pytestmark = pytest.mark.odoo

# Where the answer may differ from Lago's samples: pattern of the difference -> why.
CUSTOMER: Mapping[str, str] = {
    "customer*: null instead of *": "not given when the customer was created",
    "*billing_configuration.provider_customer_id: missing": "Lago leaves the last three out without a provider, too",
    "*billing_configuration.provider_payment_methods: missing": "the same",
    "*billing_configuration.sync_with_provider: missing": "the same",
}
DELETED_CUSTOMER: Mapping[str, str] = {
    **CUSTOMER,
    "customer.applicable_invoice_custom_sections: missing": "Lago includes it in show only",
    "customer.error_details: missing": "the same",
    "customer.taxes: missing": "Lago includes it in show and lists only",
}
SUBSCRIPTION: Mapping[str, str] = {
    "*minimum_commitment: missing": "of the plan: Lago leaves the key out where it has none, too",
    "*minimum_commitment.invoice_display_name: null *": "Odoo has no name of its own for a commitment",
    "*metadata: missing": "of the plan: Lago leaves the key out where there is none, too",
}
INVOICE: Mapping[str, str] = {
    **{pattern.replace("customer", "invoice.customer", 1) if pattern.startswith("customer") else pattern: why
       for pattern, why in CUSTOMER.items()},
    "invoice.fees[[]].succeeded_at: null instead of string": "not paid yet",
    "invoice*.file_url: null instead of string": "no file was made yet; invoices.download gives its address",
}  # fmt: skip
PLAN: Mapping[str, str] = {
    "*minimum_commitment: missing": "Lago leaves the key out where a plan has none, too",
    "*metadata: missing": "Lago leaves the key out where there is none, too; plans have no metadata in Odoo",
    "*minimum_commitment.invoice_display_name: null instead of string": "has none here; may be null in Lago",
}
FEE: Mapping[str, str] = {
    "*amount_details*": "how an amount was rated stands on the line in Odoo (its steps)",
    "*succeeded_at: null instead of string": "not paid yet",
    "*: null instead of *": "what this fee has not: each kind has its own ids",
}
PAST: Mapping[str, str] = {
    "*usage_thresholds*": "Odoo has none",
    "*filters*": "of charges that have some",
    "*grouped_usage*": "of charges that have groups",
}
ENTITY: Mapping[str, str] = {
    "*: null instead of string": "what nobody wrote about the company",
    "*email_settings*": "Odoo sends by its own settings",
    "*selected_invoice_custom_sections*": "Odoo has none",
}
WRITTEN: Mapping[str, str] = {
    "*: null instead of *": "what was not given",
    "*filters*": "not given",
    "*fixed_charges*": "not given",
    "*taxes*": "not given",
}
WALLET: Mapping[str, str] = {
    "*last_consumed_credit_at: null instead of string": "nothing was consumed yet: null in Lago, too",
    "*wallet_transactions[[]].remaining_*: null instead of *": "null in Lago, too, for wallets it does not trace",
    "*wallet_transactions[[]].lago_invoice_id: null instead of string": "no invoice used these credits",
}


def name() -> str:
    return uuid.uuid4().hex[:12]


@dataclass
class World:
    """The client at work: ``lago``; the JSON of its last response: ``last``."""

    api: Api
    lago: Client
    sent: list[httpx.Response] = field(default_factory=list)

    @property
    def last(self) -> Any:
        return self.sent[-1].json()

    def customer(self, **more: Any) -> Any:
        given = {"external_id": name(), "name": "Maple", "currency": "EUR", "country": "FR", **more}
        return self.lago.customers.create(Customer(**given))

    def subscription(self, plan_code: str = "startup", external_id: str = "", **more: Any) -> Any:
        customer = more.pop("external_customer_id", None) or self.customer().external_id
        given = {"external_customer_id": customer, "plan_code": plan_code, "external_id": external_id or name(), **more}
        return self.lago.subscriptions.create(Subscription(**given))

    def event(self, **more: Any) -> Event:
        given = {"transaction_id": name(), "external_subscription_id": "sub_0001", "code": "api_calls"}
        properties = {"calls": 250, "region": "eu"}
        return Event(**{**given, "timestamp": time.time(), "properties": properties, **more})

    def invoice_id(self) -> str:
        """The invoice of a migrated subscription, made by native invoicing; the same one for every call."""
        query = {"external_customer_id": "cust_0001", "status": "finalized"}
        found = self.lago.invoices.find_all(query)["invoices"]
        if not found:
            self.lago.events.create(self.event(timestamp=last_month()))
            invoice(self.api.odoo, "sub_0001")
            found = self.lago.invoices.find_all(query)["invoices"]
        return str(found[0].lago_id)

    def wallet(self, **more: Any) -> Any:
        customer = self.customer().external_id
        given = {"external_customer_id": customer, "rate_amount": "1.0", "name": "Prepaid", "currency": "EUR"}
        return self.lago.wallets.create(Wallet(**{**given, "granted_credits": "25.5", **more}))


@pytest.fixture(scope="module")
def world(lago_api: Api) -> Iterator[World]:
    """The client is left as it is; only what httpx brings it is kept."""
    made = World(lago_api, Client(api_key=lago_api.key, api_url=f"{lago_api.url}/"))
    send = httpx.Client.send

    def kept(self: httpx.Client, *args: Any, **more: Any) -> httpx.Response:
        response = send(self, *args, **more)
        made.sent.append(response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", kept)
        yield made


# --- customers -------------------------------------------------------------------------------------------------------


def create_customer(w: World) -> None:
    given = {"external_id": name(), "name": "Maple", "email": "a@maple.example", "timezone": "America/Toronto"}
    made = w.lago.customers.create(Customer(**given, country="CA", currency="CAD"))
    assert (made.name, made.email, made.applicable_timezone) == ("Maple", "a@maple.example", "America/Toronto")


def update_customer(w: World) -> None:
    before = w.customer(email="old@maple.example")
    after = w.lago.customers.create(Customer(external_id=before.external_id, name="Oak"))
    assert (after.lago_id, after.name, after.email) == (before.lago_id, "Oak", "old@maple.example")


def find_customer(w: World) -> None:
    assert w.lago.customers.find("cust_0001").lago_id == "4a38cd13-aa70-523a-842f-8ad447c43a59"


def find_customers(w: World) -> None:
    pages = [w.lago.customers.find_all({"per_page": 1, "page": number}) for number in (1, 2)]
    assert pages[0]["meta"]["next_page"] == 2
    assert pages[0]["customers"][0].external_id != pages[1]["customers"][0].external_id


def destroy_customer(w: World) -> None:
    made = w.customer()
    assert w.lago.customers.destroy(made.external_id).lago_id == made.lago_id
    refused(404, w.lago.customers.find, made.external_id)
    w.sent.pop()


def current_usage(w: World) -> None:
    w.lago.events.create(w.event())
    usage = w.lago.customers.current_usage("cust_0001", "sub_0001")
    assert usage.currency == "EUR"
    assert usage.amount_cents == sum(charge.amount_cents for charge in usage.charges_usage) > 0
    assert usage.total_amount_cents == usage.amount_cents + usage.taxes_amount_cents


def portal_url(w: World) -> None:
    assert w.lago.customers.portal_url("cust_0001").startswith("http")


# --- subscriptions ---------------------------------------------------------------------------------------------------


def create_subscription(w: World) -> None:
    made = w.subscription(name="Fleet", billing_time="anniversary")
    assert (made.status, made.plan_code, made.plan_amount_cents) == ("active", "startup", "4900")
    assert w.lago.subscriptions.find(made.external_id).lago_id == made.lago_id


def same_subscription_again(w: World) -> None:
    made = w.subscription()
    again = w.subscription(external_id=made.external_id, external_customer_id=made.external_customer_id)
    assert again.lago_id == made.lago_id


def subscription_of_an_unknown_customer(w: World) -> None:
    customer = name()
    assert w.subscription(external_customer_id=customer).external_customer_id == customer
    assert w.lago.customers.find(customer).external_id == customer


def upgrade(w: World) -> None:
    made = w.subscription()
    after = w.subscription("scale", made.external_id, external_customer_id=made.external_customer_id)
    assert (after.status, after.plan_code, after.previous_plan_code) == ("active", "scale", "startup")
    assert after.lago_id != made.lago_id


def downgrade(w: World) -> None:
    made = w.subscription()
    after = w.subscription("tiny", made.external_id, external_customer_id=made.external_customer_id)
    assert (after.status, after.plan_code, after.next_plan_code) == ("active", "startup", "tiny")
    assert after.downgrade_plan_date and after.lago_id == made.lago_id


def update_subscription(w: World) -> None:
    made = w.subscription()
    assert w.lago.subscriptions.update(Subscription(name="Harbour"), made.external_id).name == "Harbour"


def destroy_subscription(w: World) -> None:
    made = w.subscription()
    ended = w.lago.subscriptions.destroy(made.external_id)
    assert (ended.lago_id, ended.status) == (made.lago_id, "terminated")
    refused(404, w.lago.subscriptions.find, made.external_id)
    w.sent.pop()


def find_subscription(w: World) -> None:
    assert w.lago.subscriptions.find("sub_0001").lago_id == "90219769-77a7-5740-a317-85f01e3eb3ad"


def find_terminated_subscription(w: World) -> None:
    made = w.subscription()
    w.lago.subscriptions.destroy(made.external_id)
    assert w.lago.subscriptions.find(made.external_id, {"status": "terminated"}).lago_id == made.lago_id


def find_subscriptions(w: World) -> None:
    found = w.lago.subscriptions.find_all({"external_customer_id": "cust_0001"})["subscriptions"]
    assert [(s.external_id, s.status) for s in found] == [("sub_0001", "active")]


def find_all_subscriptions(w: World) -> None:
    query = {"external_customer_id": "cust_0002", "status[]": ["pending", "canceled"]}
    found = w.lago.subscriptions.find_all(query)["subscriptions"]
    assert {(s.external_id, s.status) for s in found} == {("sub_0003", "pending"), ("sub_0004", "canceled")}


# --- events ----------------------------------------------------------------------------------------------------------


def create_event(w: World) -> None:
    event = w.event(timestamp=1787824800.25)
    made = w.lago.events.create(event)
    assert (made.transaction_id, made.timestamp) == (event.transaction_id, "2026-08-27T10:00:00.250Z")
    assert refused(422, w.lago.events.create, event)["error_details"] == {"transaction_id": ["value_already_exist"]}


def batch_create_events(w: World) -> None:
    events = [w.event(), w.event(code="seats", properties={"user_id": "u1"})]
    w.lago.events.batch_create(BatchEvent(events=events))
    assert len(w.last["events"]) == 2


def find_event(w: World) -> None:
    event = w.event()
    w.lago.events.create(event)
    assert w.lago.events.find(event.transaction_id).code == "api_calls"


# --- invoices --------------------------------------------------------------------------------------------------------


def find_invoice(w: World) -> None:
    lago_id = w.invoice_id()
    found = w.lago.invoices.find(lago_id)
    before_taxes = found.fees_amount_cents - found.coupons_amount_cents
    assert found.sub_total_including_taxes_amount_cents - found.taxes_amount_cents == before_taxes
    assert found.customer.external_id == "cust_0001"
    assert sum(fee.amount_cents for fee in found.fees.__root__) == found.fees_amount_cents


def find_invoices(w: World) -> None:
    lago_id = w.invoice_id()
    found = w.lago.invoices.find_all({"external_customer_id": "cust_0001", "payment_status": "pending"})
    assert lago_id in [one.lago_id for one in found["invoices"]]
    assert w.lago.invoices.find_all({"external_customer_id": "cust_0002"})["invoices"] == []
    w.sent.pop()


def download_invoice(w: World) -> None:
    lago_id = w.invoice_id()
    made = w.lago.invoices.download(lago_id)
    if made is None:  # as in Lago: the file is not there yet, and the answer empty
        assert (w.sent[-1].status_code, w.sent[-1].content) == (200, b"")
    else:
        assert httpx.get(made.file_url).content.startswith(b"%PDF")


def update_invoice(w: World) -> None:
    lago_id = w.invoice_id()
    metadata = InvoiceMetadataList(__root__=[InvoiceMetadata(key="crm", value="42")])
    assert w.lago.invoices.update(Invoice(metadata=metadata), lago_id).lago_id == lago_id


def provider(w: World) -> int:
    """A payment provider of Odoo's that asks nobody."""
    values = {"name": f"Test {name()}", "code": "none", "state": "test"}
    return int(w.api.odoo.call("payment.provider", "create", vals_list=[values])[0])


def payment_url(w: World) -> None:
    provider(w)
    assert w.lago.invoices.payment_url(w.invoice_id()).startswith("http")


def retry_payment(w: World) -> None:
    """Without a card Lago says no in the same words; with one it is charged."""
    answer = refused(422, w.lago.invoices.retry_payment, w.invoice_id())
    assert answer["error_details"] == {"base": ["no_linked_payment_provider"]}
    odoo, lago_id = w.api.odoo, w.invoice_id()
    partner = odoo.call("res.partner", "search", domain=[["ref", "=", "cust_0001"]])[0]
    method = odoo.call("payment.method", "search", domain=[["active", "in", [True, False]]], limit=1)[0]
    token = {"provider_id": provider(w), "payment_method_id": method, "partner_id": partner, "provider_ref": name()}
    odoo.call("payment.token", "create", vals_list=[token])
    assert w.lago.invoices.retry_payment(lago_id) is None
    charged = odoo.call("payment.transaction", "search_count", domain=[["partner_id", "=", partner]])
    assert charged == 1


# --- the catalogue ---------------------------------------------------------------------------------------------------


def find_plan(w: World) -> None:
    plan = w.lago.plans.find("startup")
    assert (plan.lago_id, plan.amount_cents, plan.interval) == (
        "fe223424-c75e-5a59-9016-63ac045e8d58",
        4900,
        "monthly",
    )
    lagos = {charge["lago_id"]: charge["properties"] for charge in samples()["plans"]["show"]["plan"]["charges"]}
    assert {charge.lago_id: charge.properties for charge in plan.charges.__root__} == lagos
    assert plan.minimum_commitment.amount_cents == 10000
    assert [tax.code for tax in plan.taxes.__root__] == ["vat_fr_20"]
    refused(404, w.lago.plans.find, "no_such_plan")
    w.sent.pop()


def find_plans(w: World) -> None:
    found = w.lago.plans.find_all({"per_page": 2})
    assert (len(found["plans"]), found["meta"]["total_count"], found["meta"]["next_page"]) == (2, 3, 2)
    assert {plan.code for plan in w.lago.plans.find_all()["plans"]} == {"startup", "scale", "tiny"}


def find_metric(w: World) -> None:
    metric = w.lago.billable_metrics.find("storage_gb")
    assert (metric.aggregation_type, metric.recurring, metric.field_name) == ("weighted_sum_agg", True, "gb")


def find_metrics(w: World) -> None:
    found = w.lago.billable_metrics.find_all()["billable_metrics"]
    assert {metric.code for metric in found} == {"api_calls", "storage_gb", "seats"}


def find_add_on(w: World) -> None:
    add_on = w.lago.add_ons.find("support_pack")
    assert (add_on.amount_cents, add_on.amount_currency) == (1000, "EUR")


def find_add_ons(w: World) -> None:
    assert [add_on.code for add_on in w.lago.add_ons.find_all()["add_ons"]] == ["support_pack"]


def find_coupon(w: World) -> None:
    coupon = w.lago.coupons.find("fifty")
    assert (coupon.amount_cents, coupon.expiration, coupon.frequency_duration) == (5000, "time_limit", 3)
    assert w.lago.coupons.find("launch10").percentage_rate == 10.0


def find_coupons(w: World) -> None:
    assert {coupon.code for coupon in w.lago.coupons.find_all()["coupons"]} == {"fifty", "launch10"}


def find_tax(w: World) -> None:
    tax = w.lago.taxes.find("vat_fr_20")
    assert (tax.rate, tax.applied_to_organization) == (20.0, True)


def find_taxes(w: World) -> None:
    assert [tax.code for tax in w.lago.taxes.find_all()["taxes"]] == ["vat_fr_20"]


# --- coupons that customers hold -------------------------------------------------------------------------------------


def apply_coupon(w: World) -> None:
    customer = w.customer().external_id
    made = w.lago.applied_coupons.create(AppliedCoupon(external_customer_id=customer, coupon_code="launch10"))
    assert (made.status, made.percentage_rate, made.frequency) == ("active", 10.0, "forever")


def find_applied_coupons(w: World) -> None:
    found = w.lago.applied_coupons.find_all({"external_customer_id": "cust_0001"})["applied_coupons"]
    assert [held.lago_id for held in found] == ["acbb046f-ebb8-540d-b905-6e9f19bb0b49"]


def destroy_applied_coupon(w: World) -> None:
    customer = w.subscription().external_customer_id
    given = AppliedCoupon(external_customer_id=customer, coupon_code="fifty", amount_cents=700, amount_currency="EUR")
    made = w.lago.applied_coupons.create(given)
    assert (made.amount_cents, made.frequency_duration_remaining) == (700, 3)
    assert w.lago.applied_coupons.destroy(customer, made.lago_id).status == "terminated"
    found = w.lago.applied_coupons.find_all({"external_customer_id": customer})["applied_coupons"]
    assert [held.status for held in found] == ["terminated"]
    w.sent.pop()


# --- wallets ---------------------------------------------------------------------------------------------------------


def create_wallet(w: World) -> None:
    made = w.wallet(expiration_at="2030-12-31T23:59:59Z")
    assert (made.status, made.balance_cents, made.credits_balance) == ("active", 2550, "25.5")


def find_wallet(w: World) -> None:
    found = w.lago.wallets.find("33496a7f-e3f5-52d9-9836-413958ce7ac9")
    assert (found.external_customer_id, found.balance_cents, found.currency) == ("cust_0001", 9200, "EUR")


def find_wallets(w: World) -> None:
    found = w.lago.wallets.find_all({"external_customer_id": "cust_0001"})["wallets"]
    assert [wallet.lago_id for wallet in found] == ["33496a7f-e3f5-52d9-9836-413958ce7ac9"]


def update_wallet(w: World) -> None:
    made = w.wallet()
    changed = w.lago.wallets.update(Wallet(expiration_at="2031-01-31T00:00:00Z"), made.lago_id)
    assert changed.expiration_at.startswith("2031-01-31")


def destroy_wallet(w: World) -> None:
    made = w.wallet()
    ended = w.lago.wallets.destroy(made.lago_id)
    assert (ended.lago_id, ended.status) == (made.lago_id, "terminated")


def create_wallet_transactions(w: World) -> None:
    made = w.wallet()
    given = WalletTransaction(wallet_id=made.lago_id, granted_credits="10.0", paid_credits="0.0")
    (granted,) = w.lago.wallet_transactions.create(given)["wallet_transactions"]
    assert (granted.amount, granted.transaction_status, granted.status) == ("10.0", "granted", "settled")
    assert w.lago.wallets.find(made.lago_id).balance_cents == 3550
    w.sent.pop()


def find_wallet_transactions(w: World) -> None:
    made = w.wallet()
    found = w.lago.wallet_transactions.find_all(made.lago_id)["wallet_transactions"]
    assert [(one.transaction_type, one.amount) for one in found] == [("inbound", "25.5")]


# --- webhooks --------------------------------------------------------------------------------------------------------


def public_key(w: World) -> None:
    assert b"BEGIN PUBLIC KEY" in w.lago.webhooks.public_key()


def legacy_public_key(w: World) -> None:
    """The client has no call for it; applications fetch it by hand."""
    key = w.lago.webhooks.public_key()
    with w.api.http() as http:
        assert base64.b64decode(http.get("webhooks/public_key").text) == key
    w.sent.pop()


# --- what was billed, paid, used ------------------------------------------------------------------------------------


def find_fees(w: World) -> None:
    lago_id = w.invoice_id()
    found = w.lago.fees.find_all({"external_customer_id": "cust_0001", "per_page": 500})["fees"]
    of_invoice = [fee.lago_id for fee in w.lago.invoices.find(lago_id).fees.__root__]
    w.sent.pop()
    assert set(of_invoice) <= {fee.lago_id for fee in found}


def find_fee(w: World) -> None:
    fee = w.lago.invoices.find(w.invoice_id()).fees.__root__[0]
    assert w.lago.fees.find(fee.lago_id).amount_cents == fee.amount_cents


def find_credit_notes(w: World) -> None:
    assert w.lago.credit_notes.find_all({"external_customer_id": "cust_0002"})["credit_notes"] == []


def find_payments(w: World) -> None:
    assert w.lago.payments.find_all({"external_customer_id": "cust_0002"})["meta"]["total_count"] == 0


def past_usage(w: World) -> None:
    lago_id = w.invoice_id()
    found = w.lago.customers.past_usage("cust_0001", "sub_0001")["usage_periods"]
    assert lago_id in [period.lago_invoice_id for period in found]


def lifetime_usage(w: World) -> None:
    w.invoice_id()
    found = w.lago.subscriptions.lifetime_usage("sub_0001")
    assert found.invoiced_usage_amount_cents > 0


def billing_entities(w: World) -> None:
    (entity,) = w.lago.billing_entities.find_all()["billing_entities"]
    assert w.lago.billing_entities.find(entity.code).lago_id == entity.lago_id


def webhook_endpoint(w: World) -> None:
    given = WebhookEndpoint(webhook_url="https://app.example/hooks", signature_algo="hmac")
    made = w.lago.webhook_endpoints.create(given)
    try:
        assert [one.lago_id for one in w.lago.webhook_endpoints.find_all()["webhook_endpoints"]] == [made.lago_id]
    finally:
        w.lago.webhook_endpoints.destroy(made.lago_id)


def one_off(w: World) -> None:
    customer = w.customer().external_id
    fee = InvoiceFee(add_on_code="support_pack", units="3", unit_amount_cents=150)
    fees = InvoiceFeesList(__root__=[fee])
    made = w.lago.invoices.create(OneOffInvoice(external_customer_id=customer, currency="EUR", fees=fees))
    assert (made.invoice_type, made.fees_amount_cents, made.status) == ("one_off", 450, "finalized")


# --- the catalogue, written -----------------------------------------------------------------------------------------


def write_metric(w: World) -> None:
    code = name()
    given = {"name": "Written", "code": code, "aggregation_type": "sum_agg", "field_name": "x", "recurring": False}
    made = w.lago.billable_metrics.create(BillableMetric(**given))
    assert w.lago.billable_metrics.update(BillableMetric(name="Again"), code).lago_id == made.lago_id
    assert w.lago.billable_metrics.destroy(code).code == code


def write_plan(w: World) -> None:
    code = name()
    metric = w.lago.billable_metrics.find("api_calls").lago_id
    charge = Charge(billable_metric_id=metric, charge_model="standard", properties={"amount": "0.5"}, filters=None)
    given = {"name": "Written", "code": code, "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
    plan = Plan(**given, pay_in_advance=False, charges=Charges(__root__=[charge]))
    made = w.lago.plans.create(plan)
    assert [one.properties for one in made.charges.__root__] == [{"amount": "0.5"}]
    found = w.lago.plan_charges.find(code, made.charges.__root__[0].code)
    assert found.lago_id == made.charges.__root__[0].lago_id
    assert w.lago.plans.update(Plan(name="Again"), code).lago_id == made.lago_id
    assert w.lago.plans.destroy(code).code == code


def write_add_on(w: World) -> None:
    code = name()
    made = w.lago.add_ons.create(AddOn(name="Written", code=code, amount_cents=100, amount_currency="EUR"))
    assert w.lago.add_ons.update(AddOn(name="Again"), code).lago_id == made.lago_id
    assert w.lago.add_ons.destroy(code).code == code


def write_coupon(w: World) -> None:
    code = name()
    given = {"name": "W", "code": code, "coupon_type": "percentage", "percentage_rate": 10.0, "frequency": "once"}
    made = w.lago.coupons.create(Coupon(**given, expiration="no_expiration", reusable=True))
    assert w.lago.coupons.update(Coupon(name="Again"), code).lago_id == made.lago_id
    assert w.lago.coupons.destroy(code).code == code


def write_tax(w: World) -> None:
    code = name()
    made = w.lago.taxes.create(Tax(name="W", code=code, rate=7.77))
    assert w.lago.taxes.update(Tax(name="Again"), code).lago_id == made.lago_id
    assert w.lago.taxes.destroy(code).code == code


# --- all of them -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A call of the client, the sample that its last response is compared with, and where it may differ."""

    title: str
    do: Callable[[World], None]
    sample: tuple[str, str] | None = None
    allowed: Mapping[str, str] = field(default_factory=dict)


CALLS = (
    Call("customers.create", create_customer, ("customers", "show"), CUSTOMER),
    Call("customers.create (update)", update_customer, ("customers", "show"), CUSTOMER),
    Call("customers.find", find_customer, ("customers", "show"), CUSTOMER),
    Call("customers.find_all", find_customers, ("customers", "list"), CUSTOMER),
    Call("customers.destroy", destroy_customer, ("customers", "show"), DELETED_CUSTOMER),
    Call("customers.current_usage", current_usage, ("customer_current_usage", "show")),
    Call("customers.portal_url", portal_url),
    Call("subscriptions.create", create_subscription, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.create (same plan)", same_subscription_again, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.create (new customer)", subscription_of_an_unknown_customer, ("customers", "show"), CUSTOMER),
    Call("subscriptions.create (upgrade)", upgrade, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.create (downgrade)", downgrade, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.update", update_subscription, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.destroy", destroy_subscription, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.find", find_subscription, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.find (terminated)", find_terminated_subscription, ("subscriptions", "show"), SUBSCRIPTION),
    Call("subscriptions.find_all", find_subscriptions, ("subscriptions", "list"), SUBSCRIPTION),
    Call("subscriptions.find_all (states)", find_all_subscriptions, ("subscriptions", "list"), SUBSCRIPTION),
    Call("events.create", create_event, ("errors", "422_event_duplicate")),
    Call("events.batch_create", batch_create_events, ("events", "batch")),
    Call("events.find", find_event, ("events", "show")),
    Call("invoices.find", find_invoice, ("invoices", "show"), INVOICE),
    Call("invoices.find_all", find_invoices, ("invoices", "list"), INVOICE),
    Call("invoices.download", download_invoice, None, INVOICE),
    Call("invoices.update", update_invoice, ("invoices", "show"), INVOICE),
    Call("invoices.payment_url", payment_url, ("invoices", "payment_url"), INVOICE),
    Call("invoices.retry_payment", retry_payment, None, INVOICE),
    Call("plans.find", find_plan, ("plans", "show"), PLAN),
    Call("plans.find_all", find_plans, ("plans", "list"), PLAN),
    Call("billable_metrics.find", find_metric, ("billable_metrics", "show")),
    Call("billable_metrics.find_all", find_metrics, ("billable_metrics", "list")),
    Call("add_ons.find", find_add_on, ("add_ons", "show")),
    Call("add_ons.find_all", find_add_ons, ("add_ons", "list")),
    Call("coupons.find", find_coupon, ("coupons", "show")),
    Call("coupons.find_all", find_coupons, ("coupons", "list")),
    Call("taxes.find", find_tax, ("taxes", "show")),
    Call("taxes.find_all", find_taxes, ("taxes", "list")),
    Call("applied_coupons.create", apply_coupon, ("applied_coupons", "show")),
    Call("applied_coupons.find_all", find_applied_coupons, ("applied_coupons", "list")),
    Call(
        "applied_coupons.destroy",
        destroy_applied_coupon,
        ("applied_coupons", "show"),
        {"*percentage_rate: null instead of string": "a coupon of an amount, the sample's is a percentage"},
    ),
    Call("wallets.create", create_wallet, ("wallets", "show"), WALLET),
    Call("wallets.find", find_wallet, ("wallets", "show"), WALLET),
    Call("wallets.find_all", find_wallets, ("wallets", "list"), WALLET),
    Call("wallets.update", update_wallet, ("wallets", "show"), WALLET),
    Call("wallets.destroy", destroy_wallet, ("wallets", "show"), WALLET),
    Call("wallet_transactions.create", create_wallet_transactions, ("wallet_transactions", "create"), WALLET),
    Call("wallet_transactions.find_all", find_wallet_transactions, ("wallet_transactions", "list"), WALLET),
    Call("fees.find_all", find_fees, ("fees", "list"), FEE),
    Call("fees.find", find_fee, ("fees", "show"), FEE),
    Call("credit_notes.find_all", find_credit_notes),
    Call("payments.find_all", find_payments),
    Call("customers.past_usage", past_usage, ("customer_past_usage", "list"), PAST),
    Call("subscriptions.lifetime_usage", lifetime_usage, ("lifetime_usage", "show"), PAST),
    Call("billing_entities.find", billing_entities, ("billing_entities", "show"), ENTITY),
    Call("webhook_endpoints", webhook_endpoint, ("webhook_endpoints", "show")),
    Call("invoices.create", one_off),
    Call("billable_metrics.create, update, destroy", write_metric, ("billable_metrics", "show"), WRITTEN),
    Call("plans.create, update, destroy", write_plan, ("plans", "show"), {**PLAN, **WRITTEN}),
    Call("add_ons.create, update, destroy", write_add_on, ("add_ons", "show"), WRITTEN),
    Call("coupons.create, update, destroy", write_coupon, ("coupons", "show"), WRITTEN),
    Call("taxes.create, update, destroy", write_tax, ("taxes", "show"), WRITTEN),
    Call("webhooks.public_key", public_key, ("webhook_public_key", "show")),
    Call("GET webhooks/public_key", legacy_public_key),
)


def refused(status: int, call: Callable[..., Any], *arguments: Any) -> Any:
    """The JSON body with which the addon refuses a call, as the client hands it on."""
    with pytest.raises(LagoApiError) as caught:
        call(*arguments)
    assert caught.value.status_code == status
    return caught.value.response


@pytest.mark.parametrize(("number", "call"), list(enumerate(CALLS)), ids=[call.title for call in CALLS])
def test_the_client_works_unmodified(world: World, number: int, call: Call, record_property: Any) -> None:
    record_property("conformance", (number, call.title))
    call.do(world)
    if call.sample:
        resource, part = call.sample
        wrong = unexplained(differences(world.last, samples()[resource][part]), call.allowed)
        assert not wrong, "\n".join(wrong)


def test_what_the_client_cannot_do_by_its_own_fault(world: World) -> None:
    """The calls that are not in the table: a real Lago refuses them, too."""
    for resource in ("customer_invoices", "customer_subscriptions", "customer_wallets", "customer_applied_coupons"):
        refused(401, getattr(world.lago, resource).find_all, "cust_0001")
        assert "authorization" not in world.sent[-1].request.headers  # it forgets its key
    refused(404, world.lago.invoices.lose_dispute, world.invoice_id())
    assert world.sent[-1].request.method == "PUT"  # Lago's route is POST


def test_no_call_is_answered_with_html_or_by_nobody(world: World) -> None:
    """All that the client has, with names of nothing: found by nobody, or refused in Lago's words."""
    with world.api.http() as http:
        for call in client_calls.listed():
            body = None if call.method in ("GET", "DELETE") else {}
            answer = http.request(call.method, call.path, json=body)
            told = (call.title, answer.status_code, answer.text[:200])
            assert answer.status_code < 500, told
            assert answer.headers["content-type"].startswith("application/json"), told
            if answer.status_code == 404 and call.title not in ("invoices.destroy", "invoices.lose_dispute"):
                assert answer.json()["code"] != "resource_not_found", told
            if answer.status_code == 405 and "error_details" in answer.json():
                assert answer.json()["error_details"]["instead"], told
