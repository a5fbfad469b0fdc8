"""The addon's API under attack, over HTTP: keys, other services' data, hostile texts, hostile bodies, rights.

Whatever is sent, the answer is JSON in Lago's shape and never a 500; what is stored is what was sent.
"""

from __future__ import annotations

import hashlib
import json
import string
import uuid
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from migrate.errors import OdooError
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.errors import AccessDenied
from migrate.odoo.protocol import Odoo
from tests.lago.company import SERVICE, Api, invoice, issue_key
from tests.lago.samples import samples

pytestmark = pytest.mark.odoo

ERRORS = samples()["errors"]
HOSTILE = (
    "'; DROP TABLE res_partner; --",
    "x') OR 1=1 --",
    '" OR ""="',
    "%s %(name)s %% {0} {x}",
    "\\'; SELECT pg_sleep(10); --",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>&lt;b&gt;',
    "{{7*7}}${7*7}<t t-esc='7*7'/>",
    "bell\x07 escape\x1b[31m delete\x7f",
    "line\r\nX-Injected: yes\ttab",
    "right-to-left \u202e zero\u200bwidth \ufeff",
    "😀 Ünïcode \u0000".replace("\x00", "") + "𝔘",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "".join(Random(1).choices(string.ascii_letters, k=5000)),  # which does not compress
)
LONGEST = 255  # characters of what stands in an index
CUSTOMER_TEXTS = (
    "name", "email", "phone", "url", "legal_name", "legal_number", "address_line1", "address_line2", "city", "state",
    "zipcode", "firstname", "lastname",
)  # fmt: skip


@pytest.fixture(scope="module")
def http(lago_api: Api) -> Iterator[httpx.Client]:
    with lago_api.http() as client:
        yield client


@pytest.fixture(scope="module")
def foreign(lago_api: Api) -> Iterator[httpx.Client]:
    """A service without customers, with a key that is as good as any."""
    with lago_api.http(lago_api.other_key) as client:
        yield client


def name() -> str:
    return uuid.uuid4().hex[:12]


def json_of(response: httpx.Response) -> Any:
    """The body, which must be JSON and no server error."""
    assert response.headers["content-type"].startswith("application/json"), response.text[:200]
    assert response.status_code < 500, response.text[:500]
    return response.json()


def refused(response: httpx.Response, status: int) -> Any:
    body = json_of(response)
    assert (response.status_code, body["status"]) == (status, status), body
    assert body["error"]
    return body


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", "Bearer " + "0" * 48, "wrong", "Bearer ' OR 1=1 --", "Bearer é"],
)
@pytest.mark.parametrize("path", ["customers", "no/such/route", "events"])
def test_without_a_key_nothing_opens(lago_api: Api, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    response = httpx.get(f"{lago_api.url}/api/v1/{path}", headers=headers)
    assert (response.status_code, json_of(response)) == (401, ERRORS["401"])


def test_a_key_in_the_address_or_the_body_does_not_open(lago_api: Api) -> None:
    url = f"{lago_api.url}/api/v1/customers"
    assert httpx.get(url, params={"api_key": lago_api.key, "key": lago_api.key}).status_code == 401
    assert httpx.post(url, json={"api_key": lago_api.key, "customer": {"external_id": "x"}}).status_code == 401
    assert httpx.get(url, cookies={"Authorization": lago_api.key}).status_code == 401


def test_parts_of_a_key_are_no_key(lago_api: Api) -> None:
    for wrong in (lago_api.key[:-1], lago_api.key + "0", lago_api.key.upper(), lago_api.key[::-1]):
        with lago_api.http(wrong) as client:
            refused(client.get("customers"), 401)


def test_the_word_before_the_key_does_not_matter(lago_api: Api) -> None:
    url = f"{lago_api.url}/api/v1/customers"
    assert httpx.get(url, headers={"Authorization": f"Token {lago_api.key}"}).status_code == 200


def test_the_server_does_not_know_a_key_it_cannot_show(lago_api: Api) -> None:
    """What is stored is a fingerprint: comparing happens on it, so a guess learns nothing of a key from timing."""
    rows = lago_api.odoo.call("fusion.billing.key", "search_read", domain=[], fields=["digest", "hint"])
    assert hashlib.sha256(lago_api.key.encode()).hexdigest() in {row["digest"] for row in rows}
    assert lago_api.key not in json.dumps(rows)
    fingerprint = next(row["digest"] for row in rows)
    with lago_api.http(fingerprint) as client:  # who reads the database cannot use what stands there
        refused(client.get("customers"), 401)


@pytest.fixture
def service(lago_api: Api) -> int:
    made: int = lago_api.odoo.call("fusion.billing.service", "create", vals_list=[{"name": "T", "code": name()}])[0]
    return made


def test_a_revoked_key_is_dead_at_once(lago_api: Api, service: int) -> None:
    with lago_api.http(issue_key(lago_api.odoo, service)) as client:
        assert client.get("customers").status_code == 200
        keys = lago_api.odoo.call("fusion.billing.key", "search", domain=[["service_id", "=", service]])
        lago_api.odoo.call("fusion.billing.key", "action_revoke", keys)
        refused(client.get("customers"), 401)


def test_rotation_overlaps_as_long_as_was_asked(lago_api: Api, service: int) -> None:
    first, second = (issue_key(lago_api.odoo, service) for _ in range(2))
    third = issue_key(lago_api.odoo, service, overlap_hours=0)
    codes = []
    for key in (first, second, third):
        with lago_api.http(key) as client:
            codes.append(client.get("customers").status_code)
    assert codes == [401, 401, 200]


def test_an_archived_service_is_locked_out(lago_api: Api, service: int) -> None:
    with lago_api.http(issue_key(lago_api.odoo, service)) as client:
        lago_api.odoo.call("fusion.billing.service", "write", [service], vals={"active": False})
        refused(client.get("customers"), 401)


# --- other services' data --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belongings(lago_api: Api, http: httpx.Client) -> dict[str, str]:
    """One of everything that belongs to the company's service: resource -> its id."""
    event = {"transaction_id": name(), "external_subscription_id": "sub_0001", "code": "api_calls"}
    assert http.post("events", json={"event": event}).status_code == 200
    mine = {"external_customer_id": "cust_0002"}
    # made once: the tests of a module may be handed out in several parts, each with a fixture of its own
    if not http.get("invoices", params=mine).json()["invoices"]:
        assert invoice(lago_api.odoo, "sub_0002")
    invoices = http.get("invoices", params=mine).json()["invoices"]
    return {
        "customer": "cust_0001",
        "subscription": "sub_0001",
        "event": event["transaction_id"],
        "invoice": invoices[0]["lago_id"],
        "wallet": samples()["wallets"]["show"]["wallet"]["lago_id"],
        "fee": http.get("fees", params=mine).json()["fees"][0]["lago_id"],
        "applied_coupon": samples()["applied_coupons"]["show"]["applied_coupon"]["lago_id"],
    }


FOREIGN = (
    ("PUT", "invoices/{invoice}", {"invoice": {"metadata": [{"key": "a", "value": "b"}]}}, "invoice_not_found"),
    ("PUT", "invoices/{invoice}/finalize", {}, "invoice_not_found"),
    ("POST", "invoices/{invoice}/retry", {}, "invoice_not_found"),
    ("POST", "payments", {"payment": {"invoice_id": "{invoice}", "amount_cents": 1}}, "invoice_not_found"),
    (
        "POST",
        "invoices",
        {"invoice": {"external_customer_id": "cust_0001", "fees": [{"add_on_code": "support_pack"}]}},
        "customer_not_found",
    ),
    ("GET", "fees/{fee}", None, "fee_not_found"),
    ("GET", "customers/{customer}/past_usage?external_subscription_id=sub_0001", None, "customer_not_found"),
    ("GET", "customers/{customer}/wallets", None, "customer_not_found"),
    ("GET", "customers/{customer}/payment_methods", None, "customer_not_found"),
    ("GET", "customers/{customer}/invoices", None, "customer_not_found"),
    ("GET", "subscriptions/{subscription}/lifetime_usage", None, "subscription_not_found"),
    ("GET", "subscriptions/{subscription}/charges", None, "subscription_not_found"),
    ("GET", "customers/{customer}", None, "customer_not_found"),
    ("DELETE", "customers/{customer}", None, "customer_not_found"),
    ("GET", "customers/{customer}/portal_url", None, "customer_not_found"),
    ("GET", "customers/{customer}/current_usage?external_subscription_id=sub_0001", None, "customer_not_found"),
    ("DELETE", "customers/{customer}/applied_coupons/{applied_coupon}", None, "customer_not_found"),
    ("GET", "subscriptions/{subscription}", None, "subscription_not_found"),
    ("PUT", "subscriptions/{subscription}", {"subscription": {"name": "stolen"}}, "subscription_not_found"),
    ("DELETE", "subscriptions/{subscription}", None, "subscription_not_found"),
    ("GET", "subscriptions?external_customer_id={customer}", None, "customer_not_found"),
    ("GET", "events/{event}", None, "event_not_found"),
    ("GET", "invoices/{invoice}", None, "invoice_not_found"),
    ("PUT", "invoices/{invoice}", {"invoice": {"payment_status": "succeeded"}}, "invoice_not_found"),
    ("POST", "invoices/{invoice}/download", {}, "invoice_not_found"),
    ("POST", "invoices/{invoice}/payment_url", {}, "invoice_not_found"),
    ("POST", "invoices/{invoice}/retry_payment", {}, "invoice_not_found"),
    ("GET", "wallets/{wallet}", None, "wallet_not_found"),
    ("PUT", "wallets/{wallet}", {"wallet": {"expiration_at": "2040-01-01T00:00:00Z"}}, "wallet_not_found"),
    ("DELETE", "wallets/{wallet}", None, "wallet_not_found"),
    ("GET", "wallets/{wallet}/wallet_transactions", None, "wallet_not_found"),
)


@pytest.mark.parametrize(("method", "path", "body", "code"), FOREIGN, ids=lambda part: part if part else "-")
def test_another_service_finds_nothing(
    foreign: httpx.Client, belongings: dict[str, str], method: str, path: str, body: Any, code: str
) -> None:
    sent = json.loads(json.dumps(body).replace("{invoice}", belongings["invoice"]))
    answer = refused(foreign.request(method, path.format(**belongings), json=sent), 404)
    assert answer == {**ERRORS["404"], "code": code}


def test_another_service_lists_nothing(foreign: httpx.Client, belongings: dict[str, str]) -> None:
    assert belongings
    for resource in ("subscriptions", "invoices", "applied_coupons", "wallets", "fees", "credit_notes", "payments"):
        assert foreign.get(resource).json()[resource] == [], resource
    assert "cust_0001" not in foreign.get("customers").text


def test_another_service_meters_and_pays_nothing(
    http: httpx.Client, foreign: httpx.Client, belongings: dict[str, str]
) -> None:
    """Its events of that id are its own: it does not even learn whether somebody else has such a subscription."""
    usage = {"external_subscription_id": "sub_0001"}
    before = http.get("customers/cust_0001/current_usage", params=usage).json()
    event = {"transaction_id": name(), "external_subscription_id": "sub_0001", "code": "api_calls"}
    event |= {"properties": {"calls": 1000}}
    assert foreign.post("events", json={"event": event}).status_code == 200
    assert foreign.post("events/batch", json={"events": [{**event, "transaction_id": name()}]}).status_code == 200
    assert http.get("customers/cust_0001/current_usage", params=usage).json() == before
    refused(http.get(f"events/{event['transaction_id']}"), 404)
    given = {"wallet_id": belongings["wallet"], "granted_credits": "1000"}
    refused(foreign.post("wallet_transactions", json={"wallet_transaction": given}), 404)
    coupon = {"external_customer_id": "cust_0001", "coupon_code": "launch10"}
    refused(foreign.post("applied_coupons", json={"applied_coupon": coupon}), 404)
    refused(foreign.post("wallets", json={"wallet": {"external_customer_id": "cust_0001"}}), 404)


def test_the_same_customer_id_at_another_service_is_another_customer(http: httpx.Client, foreign: httpx.Client) -> None:
    before = http.get("customers/cust_0002").json()
    given = {"external_id": "cust_0002", "name": "Somebody else", "email": "thief@example.org"}
    made = foreign.post("customers", json={"customer": given}).json()["customer"]
    assert made["lago_id"] != before["customer"]["lago_id"]
    assert http.get("customers/cust_0002").json() == before


# --- hostile texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_of_a_customer_come_back_as_they_were(http: httpx.Client, text: str) -> None:
    external_id = f"{name()} {text}"
    given = {"external_id": external_id, **dict.fromkeys(CUSTOMER_TEXTS, text)}
    given |= {"metadata": [{"key": text[:20], "value": text[:255]}], "shipping_address": {"city": text}}
    response = http.post("customers", json={"customer": given})
    answer = json_of(response)
    if response.status_code == 422:  # what Odoo cannot keep is refused by field, and nothing of it is stored
        assert set(answer["error_details"]) <= {*given, "base", "metadata", "shipping_address"}
        assert http.get("customers", params={"external_id": external_id}).json()["customers"] == []
        return
    found = http.get("customers", params={"external_id": external_id}).json()["customers"]
    assert [customer["name"] for customer in found] == [text]
    assert found[0]["external_id"].strip() == external_id.strip()
    wrong = {field: found[0][field] for field in ("city", "email", "address_line1") if not same(found[0][field], text)}
    assert wrong == {}


def same(kept: str | None, sent: str) -> bool:
    """Odoo trims texts at their ends."""
    return (kept or "").strip() == sent.strip()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_of_an_event_come_back_as_they_were(http: httpx.Client, text: str) -> None:
    transaction_id = f"{name()} {text}"
    given = {"transaction_id": transaction_id, "external_subscription_id": text, "code": text}
    given |= {"properties": {text: text, "nested": [text, {"deep": text}]}}
    if len(transaction_id) > LONGEST:
        errors = refused(http.post("events", json={"event": given}), 422)["error_details"]
        assert errors == {key: ["value_is_too_long"] for key in ("transaction_id", "external_subscription_id", "code")}
        return
    answer = json_of(http.post("events", json={"event": given}))["event"]
    assert {key: answer[key] for key in given} == given
    assert refused(http.post("events", json={"event": given}), 422)["error_details"] == {
        "transaction_id": ["value_already_exist"]
    }


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_of_a_subscription_are_kept_or_refused(http: httpx.Client, text: str) -> None:
    external_id = f"{name()} {text}"
    given = {"external_customer_id": "cust_0002", "plan_code": "scale", "external_id": external_id, "name": text}
    response = http.post("subscriptions", json={"subscription": given})
    answer = json_of(response)
    if response.status_code == 200:
        assert (answer["subscription"]["name"], answer["subscription"]["external_id"]) == (text, external_id)
    for field in ("plan_code", "external_customer_id", "billing_time", "subscription_at", "ending_at"):
        json_of(http.post("subscriptions", json={"subscription": {**given, field: text}}))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_where_ids_codes_and_numbers_belong(http: httpx.Client, text: str) -> None:
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("applied_coupons", {"applied_coupon": {"external_customer_id": "cust_0001", "coupon_code": text}}),
        ("applied_coupons", {"applied_coupon": dict.fromkeys(("external_customer_id", "coupon_code"), text)}),
        ("wallets", {"wallet": {"external_customer_id": "cust_0001", "currency": text, "name": text}}),
        ("wallets", {"wallet": {"external_customer_id": "cust_0001", "granted_credits": text}}),
        ("wallets", {"wallet": {"external_customer_id": "cust_0001", "expiration_at": text}}),
        ("wallet_transactions", {"wallet_transaction": {"wallet_id": text, "granted_credits": text}}),
        ("events", {"event": {"transaction_id": name(), "timestamp": text, "code": "api_calls"}}),
        ("customers", {"customer": {"external_id": name(), "currency": text, "country": text, "timezone": text}}),
    )
    for path, body in calls:
        assert refused_or_404(http.post(path, json=body)), (path, body)


def refused_or_404(response: httpx.Response) -> bool:
    json_of(response)
    return response.status_code in (400, 404, 422)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_in_addresses_and_queries(http: httpx.Client, text: str) -> None:
    part = quote(text[:500], safe="")
    for resource in ("customers", "subscriptions", "events", "invoices", "plans", "coupons", "taxes", "wallets"):
        refused(http.get(f"{resource}/{part}"), 404)
    names = ("external_customer_id", "external_id", "status", "status[]", "page", "per_page", "search_term", text[:50])
    for resource in ("customers", "subscriptions", "invoices", "applied_coupons", "wallets"):
        json_of(http.get(resource, params=dict.fromkeys(names, text[:500])))
        json_of(http.get(resource, params={"search_term": text[:500], "status": text[:500], "page": text[:500]}))


def test_after_all_that_everything_stands(lago_api: Api, http: httpx.Client) -> None:
    """Nothing was dropped, nobody else was changed."""
    assert lago_api.odoo.call("res.partner", "search_count", domain=[]) > 2
    found = http.get("customers/cust_0001").json()["customer"]
    assert (found["name"], found["email"]) == ("Harbor Analytics", "ap@cust0001.example")


@pytest.mark.parametrize("text", ['"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff x"'])
def test_texts_that_no_database_can_keep_are_refused(http: httpx.Client, text: str) -> None:
    for body in ('{"customer":{"external_id":%s}}', '{"customer":{"external_id":"x","name":%s}}'):
        refused(http.post("customers", content=body % text), 400)
    event = '{"event":{"transaction_id":"%s","code":"c","external_subscription_id":"s","properties":{%s:1}}}'
    refused(http.post("events", content=event % (name(), text)), 400)


# --- hostile bodies --------------------------------------------------------------------------------------------------

WRITES = (
    ("events", "event"),
    ("customers", "customer"),
    ("subscriptions", "subscription"),
    ("applied_coupons", "applied_coupon"),
    ("wallets", "wallet"),
    ("wallet_transactions", "wallet_transaction"),
)


@pytest.mark.parametrize(("path", "root"), WRITES)
def test_bodies_of_any_other_shape_are_refused(http: httpx.Client, path: str, root: str) -> None:
    raw = (b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b"\xff\xfe", b"NaN", b'{"a":1}', b"<xml/>", b"a=1&b=2")
    for body in raw:
        refused(http.post(path, content=body), 400)
    for value in (None, [], {}, "x", 1, True, [{}], ["x"]):
        refused(http.post(path, json={root: value}), 400)


FIELDS = {
    "event": "transaction_id external_subscription_id code timestamp properties precise_total_amount_cents",
    "customer": "external_id name email currency country timezone metadata billing_configuration shipping_address"
    " tax_codes net_payment_term finalize_zero_amount_invoice customer_type",
    "subscription": "external_id external_customer_id plan_code name billing_time subscription_at ending_at"
    " plan_overrides",
    "applied_coupon": "external_customer_id coupon_code amount_cents amount_currency percentage_rate frequency"
    " frequency_duration",
    "wallet": "external_customer_id name currency granted_credits paid_credits rate_amount expiration_at applies_to",
    "wallet_transaction": "wallet_id granted_credits paid_credits voided_credits",
}


@pytest.mark.parametrize(("path", "root"), WRITES)
def test_values_of_any_other_type_are_refused_or_kept(http: httpx.Client, path: str, root: str) -> None:
    """A list, an object, a number, a truth value where something else belongs: never an error of ours."""
    for field in FIELDS[root].split():
        for value in ([], {"a": [None]}, 1e308, True, ["x", {"y": "z"}]):
            json_of(http.post(path, json={root: {**good(root), field: value}}))


def good(root: str) -> dict[str, Any]:
    """A body that would be taken."""
    goods: dict[str, dict[str, Any]] = {
        "event": {"transaction_id": name(), "external_subscription_id": name(), "code": "api_calls"},
        "customer": {"external_id": name()},
        "subscription": {"external_id": name(), "external_customer_id": "cust_0002", "plan_code": "tiny"},
        "applied_coupon": {"external_customer_id": "nobody", "coupon_code": "fifty"},
        "wallet": {"external_customer_id": "nobody"},
        "wallet_transaction": {"wallet_id": name()},
    }
    return goods[root]


def test_deeply_nested_json_is_refused(http: httpx.Client) -> None:
    for deep in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000):
        refused(http.post("events", content=deep), 400)
        refused(http.post("customers", content=b'{"customer":{"external_id":"x","metadata":' + deep + b"}}"), 400)


def test_an_oversized_body_is_refused(http: httpx.Client) -> None:
    large = b'{"event":{"transaction_id":"' + b"x" * (11 * 1024 * 1024) + b'"}}'
    refused(http.post("events", content=large), 413)
    refused(http.post("events", content=iter([large])), 413)  # in chunks, with no length said beforehand
    assert http.get("customers").status_code == 200


def test_too_many_events_are_refused_as_in_lago(http: httpx.Client) -> None:
    events = [{"transaction_id": name(), "code": "c", "external_subscription_id": "s"} for _ in range(101)]
    assert refused(http.post("events/batch", json={"events": events}), 422) == ERRORS["422_too_many_events"]


def test_replayed_events_are_refused(http: httpx.Client) -> None:
    event = {"transaction_id": name(), "external_subscription_id": "sub_0001", "code": "api_calls"}
    assert http.post("events", json={"event": event}).status_code == 200
    assert refused(http.post("events", json={"event": event}), 422) == ERRORS["422_event_duplicate"]
    assert refused(http.post("events/batch", json={"events": [event]}), 422) == ERRORS["422_batch"]
    twice = {**event, "transaction_id": name()}
    answer = refused(http.post("events/batch", json={"events": [twice, twice]}), 422)
    assert answer["error_details"] == {"1": {"transaction_id": ["value_already_exist"]}}
    assert http.post("events", json={"event": twice}).status_code == 200  # nothing of that batch was kept


@pytest.mark.parametrize("content_type", ["text/xml", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_content_type_does_not_decide(http: httpx.Client, content_type: str) -> None:
    """Like Lago, the body is what it is; a form is no JSON and is refused as such."""
    body = json.dumps({"customer": {"external_id": name()}})
    headers = {"Content-Type": content_type}
    assert json_of(http.post("customers", content=body, headers=headers))
    refused(http.post("customers", content="customer[external_id]=x", headers=headers), 400)


ROUTES = (
    ("GET", ""), ("GET", "no_such"), ("GET", "customers/x/y/z"), ("PUT", "plans"), ("PUT", "customers"),
    ("PATCH", "customers/cust_0001"), ("DELETE", "events/x"), ("POST", "invoices/x"), ("GET", "events/a/b/c"),
    ("DELETE", "analytics/mrr"), ("POST", "customers/cust_0001"), ("GET", "%2e%2e/web"), ("GET", "customers%2Fx"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_route_or_method_is_404_in_json(http: httpx.Client, method: str, path: str) -> None:
    answer = refused(http.request(method, path, json={} if method != "GET" else None), 404)
    assert answer["error"] == "Not Found"


# --- what a key and an API user can reach beyond the API -------------------------------------------------------------


def test_a_service_key_opens_nothing_else_of_odoo(lago_api: Api) -> None:
    headers = {"Authorization": f"Bearer {lago_api.key}", "Content-Type": "application/json"}
    answer = httpx.post(f"{lago_api.url}/json/2/res.partner/search_read", headers=headers, json={"domain": []})
    assert answer.status_code in (401, 403)
    call = {"jsonrpc": "2.0", "params": {"db": lago_api.odoo.call("res.users", "context_get") and "", "login": "admin"}}
    call["params"] |= {"password": lago_api.key}
    session = httpx.post(f"{lago_api.url}/web/session/authenticate", json=call)
    assert "error" in session.json()
    assert httpx.get(f"{lago_api.url}/odoo", headers=headers).status_code in (303, 401, 403)


@pytest.fixture(scope="module")
def robot(lago_api: Api) -> Odoo:
    """A user who has the integration group and nothing else."""
    admin = lago_api.odoo
    xid = [["module", "=", "fusion_billing"], ["name", "=", "group_integration"]]
    group = admin.call("ir.model.data", "search_read", domain=xid, fields=["res_id"])[0]["res_id"]
    user = {"name": "Robot", "login": "robot", "password": "robot-password", "group_ids": [[6, 0, [group]]]}
    admin.call("res.users", "create", vals_list=[user])
    place = lago_api.place
    return connect(OdooSettings(url=place.url, database=place.database, user="robot", key="robot-password",
                                transport="odoorpc"))  # fmt: skip


BEYOND = (
    "res.partner", "res.users", "res.users.apikeys", "sale.order", "account.move", "account.move.line",
    "ir.config_parameter", "ir.model.access", "ir.cron", "mail.message", "payment.token", "loyalty.card",
    "fusion.billing.key", "fusion.billing.issue.key", "fusion.billing.signing.key",
)  # fmt: skip


@pytest.mark.parametrize("model", BEYOND)
def test_the_api_user_reaches_no_other_model(robot: Odoo, model: str) -> None:
    with pytest.raises(AccessDenied):
        robot.call(model, "search_read", domain=[], limit=1)
    with pytest.raises(OdooError):  # whatever Odoo looks at first
        robot.call(model, "create", vals_list=[{"name": "x"}])


def test_the_api_user_sees_nobody_elses_files(lago_api: Api, robot: Odoo) -> None:
    """Odoo lets everybody ask for attachments, and answers with public ones only."""
    secret = {"name": "secret", "res_model": "res.partner", "res_id": 1, "type": "url", "url": "https://example.org"}
    made = lago_api.odoo.call("ir.attachment", "create", vals_list=[secret])
    assert robot.call("ir.attachment", "search", domain=[["id", "in", made]]) == []


def test_the_api_user_writes_usage_and_configures_nothing(robot: Odoo) -> None:
    usage = {"transaction_id": name(), "external_subscription_id": "s", "code": "api_calls"}
    assert robot.call("fusion.billing.usage", "create", vals_list=[usage])
    services = robot.call("fusion.billing.service", "search_read", domain=[["code", "=", SERVICE]], fields=["name"])
    for model in ("fusion.billing.service", "fusion.billing.metric", "fusion.billing.charge", "fusion.billing.coupon"):
        found = robot.call(model, "search", domain=[], limit=1)
        with pytest.raises(AccessDenied):
            robot.call(model, "write", found, vals={"name": "mine"})
    with pytest.raises(AccessDenied):
        robot.call("fusion.billing.service", "read", [services[0]["id"]], fields=["webhook_secret"])
