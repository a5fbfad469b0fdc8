"""What a living Lago says to requests about ends, and what its jobs miss (facts/lago-cutover §3, L3, L4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from lago2odoo.sandbox.lago import serve
from lago2odoo.sandbox.living.lago import LivingLago
from migrate.errors import LagoError
from migrate.lago.source import Query
from tests.lago.living_company import API, CUSTOMER, asked, company

PLAN = {"code": "p", "interval": "monthly", "amount_cents": 3100, "pay_in_advance": False}
BEGIN = datetime(2026, 9, 15, 9, tzinfo=UTC)
BOUNDARY = "2026-10-01T00:00:00Z"


def lago(zone: str | None = None, **of_plan: Any) -> LivingLago:
    """With a subscription since 15 September 2026."""
    found = company({"customer": {"timezone": zone}, "taxes": [], "plans": [{**PLAN, **of_plan}]})
    found.now = BEGIN
    asked(found, "POST", "/subscriptions", subscribing())
    return found


def subscribing(**more: str) -> dict[str, Any]:
    return {"subscription": {"external_customer_id": CUSTOMER, "external_id": "sub", "plan_code": "p", **more}}


def ending(moment: str | None) -> dict[str, Any]:
    return {"subscription": {"ending_at": moment}}


def told(found: LivingLago, method: str, query: Query = (), body: Any = None, name: str = "sub") -> tuple[int, Any]:
    reply = found.answer(method, f"{API}/subscriptions/{name}", query, body)
    return reply.status, json.loads(reply.text)


def status(found: LivingLago, status: str = "active") -> int:
    return told(found, "GET", [("status", status)])[0]


def reasons(found: LivingLago) -> list[str]:
    pages = (found.own_page("invoices", raw) for raw in found.listed("invoices"))
    return [period["invoicing_reason"] for page in pages for period in page["billing_periods"]]


def to(found: LivingLago, day: int, month: int = 10, **hours: Any) -> None:
    found.move_clock(datetime(2026, month, day, 12, tzinfo=UTC), **hours)


def test_an_end_that_is_taken_back_leaves_no_trace() -> None:
    found, other = lago(), lago()
    assert told(found, "PUT", body=ending(BOUNDARY))[1]["subscription"]["ending_at"] == BOUNDARY
    assert told(found, "PUT", body=ending(None))[1]["subscription"]["ending_at"] is None
    to(found, 2)
    to(other, 2)
    assert found.records == other.records
    assert reasons(found) == ["subscription_periodic"]


@pytest.mark.parametrize("moment", ["2026-09-15T20:00:00Z", "2026-09-01T00:00:00Z", "soon"])
def test_an_end_is_after_today(moment: str) -> None:
    code, answer = told(lago(), "PUT", body=ending(moment))
    assert (code, answer["error_details"]) == (422, {"ending_at": ["invalid_date"]})


def test_what_has_ended_ends_no_second_time() -> None:
    found = lago()
    wrong = told(found, "DELETE", [("on_termination_invoice", "never")])
    assert (wrong[0], wrong[1]["error_details"]) == (422, {"on_termination_invoice": ["invalid_value"]})
    assert told(found, "DELETE", [("on_termination_invoice", "skip"), ("terminate_at", BOUNDARY)])[0] == 200
    assert (status(found), status(found, "terminated"), reasons(found)) == (404, 200, [])
    assert told(found, "DELETE")[0] == 404
    assert told(found, "PUT", body=ending(BOUNDARY))[1]["subscription"]["ending_at"] is None
    assert told(found, "PUT", body=ending(BOUNDARY), name="nobody")[0] == 404


@pytest.mark.parametrize(
    ("zone", "moment", "ended_at"),
    [
        (None, "2026-09-30T23:59:59Z", "2026-09-30T00:05:00Z"),  # a date, whatever its hour: the last day is lost
        ("America/New_York", BOUNDARY, "2026-09-30T04:05:00Z"),  # 30 September there
        ("America/New_York", "2026-10-01T04:00:00Z", "2026-10-01T04:05:00Z"),
    ],
)
def test_an_end_is_a_day_of_the_customers(zone: str | None, moment: str, ended_at: str) -> None:
    found = lago(zone)
    told(found, "PUT", body=ending(moment))
    to(found, 3)
    page = told(found, "GET", [("status", "terminated")])[1]["subscription"]
    assert (page["terminated_at"], reasons(found)) == (ended_at, ["subscription_terminating"])


def test_a_boundary_without_a_run_is_missed_for_ever() -> None:
    """Lago's fault L4: nobody ends it, September is billed by nobody, and October as if nothing had been asked."""
    found = lago()
    told(found, "PUT", body=ending(BOUNDARY))
    to(found, 30, 9)
    found.move_clock(datetime(2026, 10, 2, tzinfo=UTC), hours=())
    to(found, 31)
    assert (status(found), reasons(found)) == (200, [])
    to(found, 2, 11)
    assert (status(found), reasons(found)) == (200, ["subscription_periodic"])


def test_a_draft_waits_for_its_grace() -> None:
    given = {"customer": {"invoice_grace_period": 3}, "taxes": [], "plans": [{**PLAN, "charges": [CALLS]}]}
    found = company(given)
    found.now = BEGIN
    asked(found, "POST", "/subscriptions", subscribing())
    told(found, "PUT", body=ending(BOUNDARY))
    to(found, 2)
    (draft,) = found.listed("invoices")
    event = {"external_subscription_id": "sub", "code": "calls", "timestamp": "2026-09-20T00:00:00Z"}
    asked(found, "POST", "/events/batch", {"events": [{**event, "transaction_id": "late", "properties": {}}]})
    to(found, 5)
    (final,) = found.listed("invoices")
    assert (draft["status"], final["status"]) == ("draft", "finalized")
    assert final["fees_amount_cents"] - draft["fees_amount_cents"] == 100
    assert (draft["number"], final["number"]) == ("NEX-DRAFT", "NEX-001-001")


CALLS = {"billable_metric_code": "calls", "charge_model": "standard", "properties": {"amount": "1"}}


def test_what_it_does_not_know_it_refuses_by_name() -> None:
    found = lago(charges=[{**CALLS, "pay_in_advance": True}])
    event = {"external_subscription_id": "sub", "code": "calls", "timestamp": BOUNDARY, "transaction_id": "1"}
    for path, body in (
        ("/events/batch", {"events": [event]}),
        ("/subscriptions", subscribing()),
        ("/subscriptions", subscribing(plan_overrides="none")),
    ):
        with pytest.raises(LagoError, match="the embedded Lago"):
            found.answer("POST", f"{API}{path}", (), body)
    assert found.answer("POST", f"{API}/plans", (), {}).status == 403


def test_over_http_with_the_clock_that_was_moved() -> None:
    with serve(api_key="key", living=True) as server:
        assert isinstance(server.lago, LivingLago)
        server.lago.move_clock(datetime(2026, 8, 21, tzinfo=UTC))
        headers = {"Authorization": "Bearer key"}
        with httpx.Client(base_url=f"{server.url}{API}", headers=headers) as http:
            answer = http.put("/subscriptions/sub_035", json=ending("2026-09-01T04:00:00Z"))
            assert answer.json()["subscription"]["ending_at"] == "2026-09-01T04:00:00Z"
            assert http.get("/subscriptions/sub_035").json() == answer.json()
            assert answer.headers["date"] == "Fri, 21 Aug 2026 00:00:00 GMT"
            clock = f"{server.url}/sandbox/clock"
            assert http.post(clock, json={"to": "2026-08-20T00:00:00Z"}).status_code == 422, "time goes one way"
            assert http.post(clock, json={"to": "2026-08-21T06:00:00Z"}).json() == {"now": "2026-08-21T06:00:00Z"}
