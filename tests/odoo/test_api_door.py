"""What the addon's API refuses at its door, over HTTP, and what it does for ten clients at once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx
import pytest

from tests.odoo.conftest import CACHE
from tests.odoo.small import Small, small

pytestmark = pytest.mark.odoo

BEING_PAID = "payment_processor_is_currently_handling_payment"


@pytest.fixture(scope="module")
def company(kept_database: Any) -> Small:
    return small(kept_database.settings())


@pytest.fixture(scope="module")
def client(company: Small) -> Iterator[httpx.Client]:
    with company.http() as opened:
        yield opened


def random_text(length: int) -> str:
    """Which does not compress: a row of an index holds 2,700 bytes of it."""
    return "".join(map(chr, Random(length).choices(range(0x4E00, 0x9000), k=length)))


def customer(**given: Any) -> tuple[str, dict[str, Any]]:
    return "customers", {"customer": {"external_id": "door", **given}}


def refusals(company: Small) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(path, body, the field that is named)."""
    for field, given in (
        ("timestamp", {"timestamp": "1e400000"}),
        ("timestamp", {"timestamp": "1e999990"}),
        ("timestamp", {"timestamp": "9e99"}),
        ("precise_total_amount_cents", {"precise_total_amount_cents": "1e50000000"}),
        ("properties", {"properties": {"bytes": "9" * 400}}),
        ("properties", {"properties": "abc"}),
        ("transaction_id", {"transaction_id": random_text(3000)}),
        ("code", {"code": random_text(9000)}),
        ("external_subscription_id", {"external_subscription_id": random_text(1000)}),
    ):
        yield "events", company.event("door", "bytes", **given), field
    for field, given in (
        ("name", {"name": random_text(6000)}),
        ("tax_identification_number", {"tax_identification_number": random_text(3000)}),
        ("external_id", {"external_id": random_text(3000)}),
        ("net_payment_term", {"net_payment_term": 10**9}),
        ("invoice_grace_period", {"billing_configuration": {"invoice_grace_period": 10**9}}),
    ):
        yield *customer(**given), field
    own = {"external_id": "door", "external_customer_id": "door", "plan_code": company.plan}
    for field, given in (
        ("plan_overrides.charges.0.properties.amount", {"charges": [price(company, "calls", amount="abc")]}),
        ("plan_overrides.charges.0.properties.graduated_ranges", {"charges": [price(company, "bytes", x=[])]}),
        ("plan_overrides.amount_cents", {"amount_cents": "1e999990"}),
        ("plan_overrides.trial_period", {"trial_period": 10**9}),
    ):
        yield "subscriptions", {"subscription": {**own, "plan_overrides": given}}, field


def price(company: Small, code: str, **properties: Any) -> dict[str, Any]:
    return {"id": company.charge(code), "properties": properties}


def test_what_could_not_be_billed_is_refused_in_lagos_words(company: Small, client: httpx.Client) -> None:
    """By field, at once, in JSON, and nothing of it is in the log."""
    assert company.plan
    log = CACHE / f"odoo.{company.place.url.rpartition(':')[2]}.log"
    before = log.stat().st_size
    for path, body, field in refusals(company):
        started = time.monotonic()
        answer = client.post(path, json=body)
        taken = time.monotonic() - started
        shown = (path, field, answer.text[:200])
        assert answer.status_code == 422, shown
        assert list(answer.json()["error_details"]) == [field], shown
        assert taken < 5, (*shown, taken)  # 12 and 94 seconds they were
    said = log.read_bytes()[before:].decode(errors="replace")
    assert "bad query" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "invoices?issuing_date_from=2026-99-99", None, 422),
        ("GET", "invoices?issuing_date_to=x", None, 422),
        ("GET", f"customers?page={'9' * 5000}", None, 200),
        ("GET", "customers?page=999999999&per_page=999999999", None, 200),
        ("GET", "/customers", None, 404),  # two slashes: no redirection
        ("DELETE", "wallets//line%0D%0AX-Injected:%20yes", None, 404),
        ("POST", "events", b'{"event": {"properties": {"a": 1e999}}}', 400),
        ("POST", "events", b'{"event": {"transaction_id": Infinity}}', 400),
        ("POST", "events", b'{"event": {"transaction_id": "\\u0000"}}', 400),
        ("POST", "events", b'{"event": {"transaction_id": "\\ud800"}}', 400),
        ("POST", "events", b"[" * 100_000, 400),
        ("GET", "customers/%00", None, 400),
        ("GET", "customers/%0a", None, 404),
        ("PATCH", "customers", b"{}", 404),
    ],
)
def test_whatever_comes_is_answered_in_json(
    client: httpx.Client, method: str, path: str, content: bytes | None, status: int
) -> None:
    url = f"{str(client.base_url).rstrip('/')}/{path}"
    answer = client.request(method, url, content=content)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"].startswith("application/json")
    json.loads(answer.text)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "", "x/y"])
def test_other_content_types_are_read_as_json_or_refused(client: httpx.Client, kind: str) -> None:
    answer = client.post("customers", content=b"--x\r\nContent-Disposition: form-data", headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")


@pytest.fixture
def unpaid(company: Small, client: httpx.Client) -> Iterator[tuple[str, int]]:
    """(Lago id, number) of a posted invoice whose customer saved a card at a provider that takes its time."""
    subscription = company.subscribe(client, "retry")
    company.use(client, subscription, 3)
    assert client.delete(f"subscriptions/{subscription}").status_code == 200
    (shown, *_) = client.get("invoices", params={"external_customer_id": subscription}).json()["invoices"]
    order = company.rows("sale.order", [["fusion_external_id", "=", subscription]], "partner_id")[0]
    method = company.call("payment.method", "search", domain=[["active", "in", [True, False]]], limit=1)[0]
    provider = company.make("payment.provider", name="Slow", state="test")
    company.make(
        "payment.token", provider_id=provider, payment_method_id=method, partner_id=order["partner_id"][0],
        provider_ref="ref", payment_details="4242",
    )  # fmt: skip
    yield shown["lago_id"], int(shown["sequential_id"])
    company.call("payment.provider", "write", [provider], vals={"state": "disabled"})


def test_ten_retries_at_once_are_one_payment(company: Small, client: httpx.Client, unpaid: tuple[str, int]) -> None:
    """Each would charge the card. A retry after a failure is another matter: that one may."""
    lago_id, number = unpaid

    def retry(_: int) -> tuple[int, str]:
        with company.http() as own:
            answer = own.post(f"invoices/{lago_id}/retry_payment")
            return answer.status_code, answer.json()["code"] if answer.content else ""

    with ThreadPoolExecutor(10) as pool:
        told = Counter(pool.map(retry, range(10)))
    assert told == {(200, ""): 1, (405, BEING_PAID): 9}
    made = company.call("payment.transaction", "search", domain=[["invoice_ids", "in", [number]]])
    assert len(made) == 1
    assert retry(0) == (405, BEING_PAID)
    company.call("payment.transaction", "write", made, vals={"state": "error"})
    assert retry(0) == (200, "")


def test_an_event_in_the_second_of_the_end_is_billed(company: Small, client: httpx.Client) -> None:
    """Sent before the subscription was ended, in the same second: seconds cut both, microseconds tell them apart."""
    for attempt in range(8):
        subscription = company.subscribe(client, f"second-{attempt}")
        event = company.event(subscription, timestamp=None)
        time.sleep(1.05 - time.time() % 1)  # early in a second
        at = client.post("events", json=event).json()["event"]["timestamp"]
        ended = client.delete(f"subscriptions/{subscription}").json()["subscription"]["terminated_at"]
        if at[:19] == ended[:19]:
            break
    assert at[:19] == ended[:19], "eight times not in one second"
    domain = [["fusion_order_id.fusion_external_id", "=", subscription], ["fusion_kind", "=", "charge"]]
    counted = company.rows("account.move.line", [*domain, ["fusion_events", ">", 0]], "fusion_events")
    assert [row["fusion_events"] for row in counted] == [1]
