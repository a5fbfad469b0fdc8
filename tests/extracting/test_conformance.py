"""The embedded Lago answers as the recorded one did: every recorded call is made again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lago2odoo.sandbox.lago import LagoServer, serve
from migrate.lago.recorded import API, RecordedLago
from migrate.lago.recording import Call, bundled
from migrate.rawjson import loads

KEY = "a-key-for-tests"

# Lago keeps the count of invoices for half an hour under a key that forgets the customer: the recording has another
# customer's count there. And it gives the credits of an applied coupon in no particular order.
CACHED_COUNT = ("customers", "invoices")


def calls(lago: RecordedLago) -> Iterator[Call]:
    for name in sorted(lago.recording.names):
        yield from lago.recording.calls(name)


def comparable(call: Call, body: Any) -> Any:
    parts = call.path.removeprefix(f"{API}/").split("/")
    if isinstance(body, dict) and (parts[0], parts[-1]) == CACHED_COUNT:
        return body["invoices"]
    if isinstance(body, dict) and parts == ["applied_coupons"]:
        sort = {"credits": lambda coupon: sorted(coupon["credits"], key=lambda credit: str(credit["lago_id"]))}
        return [{**coupon, "credits": sort["credits"](coupon)} for coupon in body["applied_coupons"]]
    return body


def test_every_recorded_call_gets_its_recorded_answer(nexasystems: RecordedLago) -> None:
    checked = 0
    for call in calls(nexasystems):
        if call.status == 401:  # the server's matter: below
            continue
        reply = nexasystems.answer(call.method, call.path, call.query, call.request_body)
        said = f"{call.method} {call.path} {call.query}"
        assert reply.status == call.status, said
        assert comparable(call, loads(reply.text)) == comparable(call, call.body.value), said
        checked += 1
    assert checked == 1418


@pytest.fixture(scope="module")
def server() -> Iterator[LagoServer]:
    with serve(bundled(), api_key=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: LagoServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client


def test_over_http_the_same(http: httpx.Client, nexasystems: RecordedLago) -> None:
    for name in ("customers", "customers_p7", "plans", "subscriptions", "errors", "misc", "wallet_transactions"):
        for call in nexasystems.recording.calls(name):
            if call.status == 401:
                continue
            body = None if call.request_body is None else json.dumps(call.request_body, default=float)
            response = http.request(call.method, call.path, params=list(call.query), content=body)
            assert (response.status_code, loads(response.text)) == (call.status, call.body.value), call.path
            assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", KEY])
def test_without_the_key_401(server: LagoServer, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = httpx.get(f"{server.url}/api/v1/customers", headers=headers)
    assert (response.status_code, response.json()) == (401, {"status": 401, "error": "Unauthorized"})


def test_health_needs_no_key(server: LagoServer) -> None:
    response = httpx.get(f"{server.url}/health")
    assert response.json()["version"] == "v1.51.0-live"
    assert response.headers["date"] == "Thu, 20 Aug 2026 22:58:40 GMT"


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "x"])
def test_the_word_before_the_key_does_not_matter(server: LagoServer, scheme: str) -> None:
    response = httpx.get(f"{server.url}/api/v1/organizations", headers={"Authorization": f"{scheme} {KEY}"})
    assert response.status_code == 200


@pytest.mark.parametrize("size", [1, 3, 64, 65, 66, 1000])
def test_any_page_size_gives_every_customer_once(http: httpx.Client, size: int) -> None:
    seen: list[str] = []
    page: int | None = 1
    while page:
        body = http.get("/api/v1/customers", params={"page": page, "per_page": size}).json()
        assert body["meta"]["total_pages"] == -(-65 // size)
        seen += [customer["lago_id"] for customer in body["customers"]]
        page = body["meta"]["next_page"]
    assert len(seen) == len(set(seen)) == 65


@pytest.mark.parametrize(("asked", "size"), [("-3", 25), ("many", 25), ("0", 25), ("", 25)])
def test_a_page_size_that_is_none(http: httpx.Client, asked: str, size: int) -> None:
    assert len(http.get("/api/v1/customers", params={"per_page": asked}).json()["customers"]) == size


def test_a_body_that_is_no_json_is_answered_in_json(http: httpx.Client) -> None:
    response = http.post("/api/v1/customers", content=b"{half")
    assert (response.status_code, response.json()["status"]) == (400, 400)


def test_a_write_that_was_not_recorded_is_refused(http: httpx.Client) -> None:
    response = http.post("/api/v1/customers", json={"customer": {"external_id": "new"}})
    assert (response.status_code, response.json()["code"]) == (403, "recording_is_read_only")
