"""A living Lago of one customer, as a vector of a cut-over describes it; its timeline, done; what then stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from lago2odoo.sandbox.living.lago import LivingLago
from migrate.lago.filters import moment
from migrate.lago.recording import Recording
from tests.timelines.catalog import RATES, SHARED_COUPONS, coupon_json, metric_json, plan_json, taxes_of

Raw = Mapping[str, Any]
HOURS = frozenset({0, 1, 5, 6, 12, 15, 19})  # in which the schedulers ran, where the vectors were made
CUSTOMER = "customer-1"
API = "/api/v1"
_END = moment("2026-04-02T00:00:00Z")


def company(given: Raw) -> LivingLago:
    """The catalog and the customer, before anything is subscribed."""
    lago = LivingLago(Recording(Path("vector"), _nothing_yet()))
    for code in RATES:
        lago.add("taxes", taxes_of([code])[0])
    for code in ("calls", "sms", "gb"):
        lago.add("billable_metrics", metric_json(code))
    for raw in SHARED_COUPONS:
        lago.add("coupons", coupon_json(raw, "CAD"))
    for raw in given["plans"]:
        lago.add("plans", plan_json(raw, "CAD"))
    lago.add("billing_entities", {"lago_id": "entity", "code": "entity", "document_number_prefix": "NEX"})
    lago.add("customers", _customer(given))
    return lago


_LISTS = (
    *("billing_entities", "taxes", "billable_metrics", "add_ons", "coupons", "plans", "customers", "subscriptions"),
    *("wallets", "applied_coupons", "invoices", "fees", "credit_notes", "payments", "events"),
)


def _nothing_yet() -> dict[str, bytes]:
    """A recording of an organization that has no records."""
    organization = {"lago_id": "organization", "default_currency": "CAD", "timezone": "UTC"}
    bodies: dict[str, Raw] = {"organizations": {"organization": organization}} | {
        name: {name: [], "meta": {"total_pages": 1, "total_count": 0}} for name in _LISTS
    }
    call = {"method": "GET", "query": None, "status": 200}
    return {
        f"{name}.jsonl": json.dumps({**call, "path": f"{API}/{name}", "body": body}).encode()
        for name, body in bodies.items()
    }


def _customer(given: Raw) -> Raw:
    zone = given["customer"].get("timezone")
    grace = given["customer"].get("invoice_grace_period")
    return {
        "lago_id": CUSTOMER,
        "external_id": CUSTOMER,
        "billing_entity_code": "entity",
        "sequential_id": 1,
        "currency": "CAD",
        "timezone": zone,
        "applicable_timezone": zone or "UTC",
        "billing_configuration": {"invoice_grace_period": grace},
        "taxes": taxes_of(given["taxes"]),
    }


def lived(given: Raw) -> LivingLago:
    """After the whole timeline."""
    lago = company(given)
    lago.now = moment(given["timeline"][0]["at"]) - timedelta(days=1)
    for step in given["timeline"]:
        at = moment(step["at"])
        if at > lago.now:
            # what is asked at the minute of a job comes before that job
            lago.move_clock(at - timedelta(microseconds=1), HOURS)
            lago.now = at
        DOES[step["do"]](lago, step)
    lago.move_clock(_END, HOURS)
    return lago


def asked(lago: LivingLago, method: str, path: str, body: Any = None, query: Raw | None = None) -> Any:
    reply = lago.answer(method, f"{API}{path}", list((query or {}).items()), body)
    assert reply.status == 200, reply.text
    return json.loads(reply.text, parse_float=Decimal)


def _subscribe(lago: LivingLago, step: Raw) -> None:
    named = {name: step[name] for name in ("plan_code", "billing_time", "subscription_at") if name in step}
    body = {"external_customer_id": CUSTOMER, "external_id": "sub", **named}
    asked(lago, "POST", "/subscriptions", {"subscription": body})


def _events(lago: LivingLago, step: Raw) -> None:
    events = [{"external_subscription_id": "sub", **event} for event in step["events"]]
    asked(lago, "POST", "/events/batch", {"events": events})


def _terminate(lago: LivingLago, step: Raw) -> None:
    asked(lago, "DELETE", "/subscriptions/sub", query=step.get("params"))


def _update(lago: LivingLago, step: Raw) -> None:
    asked(lago, "PUT", "/subscriptions/sub", {"subscription": step["params"]})


def _coupon(lago: LivingLago, step: Raw) -> None:
    """Applied before: how a coupon is applied is no part of a cut-over."""
    raw = next(raw for raw in lago.listed("coupons") if raw["code"] == step["coupon"])
    terms = ("frequency", "frequency_duration", "amount_cents", "amount_currency", "percentage_rate")
    lago.add(
        "applied_coupons",
        {
            "lago_id": lago.new_id("applied coupon"),
            "lago_coupon_id": raw["lago_id"],
            "coupon_code": raw["code"],
            "lago_customer_id": CUSTOMER,
            "external_customer_id": CUSTOMER,
            "status": "active",
            "created_at": step["at"],
            "terminated_at": None,
            "credits": [],
            **{name: raw.get(name) for name in terms if name != "amount_currency" or raw.get("amount_cents")},
        },
    )


DOES = {
    "subscribe": _subscribe,
    "events": _events,
    "terminate": _terminate,
    "update_subscription": _update,
    "coupon": _coupon,
}


# --- what stands in it, in the form of the vectors


def stands(lago: LivingLago) -> dict[str, Any]:
    invoices = list(reversed(list(lago.listed("invoices"))))
    places = {invoice["lago_id"]: place for place, invoice in enumerate(invoices)}
    notes = list(reversed(list(lago.listed("credit_notes"))))
    shown: dict[str, Any] = {
        "subscriptions": [_subscription(raw) for raw in reversed(list(lago.listed("subscriptions")))],
        "invoices": [_invoice(lago.own_page("invoices", raw)) for raw in invoices],
    }
    return {**shown, "credit_notes": [_note(raw, places) for raw in notes]} if notes else shown


def _subscription(raw: Raw) -> Raw:
    names = "external_id plan_code status subscription_at ending_at on_termination_credit_note on_termination_invoice"
    started_at = raw["started_at"][:19]  # as the vectors have it
    return {
        **{name: raw[name] for name in names.split()},
        "started_at": started_at,
        "terminated_at": raw["terminated_at"],
    }


def _invoice(page: Raw) -> Raw:
    names = [name for name in page if name.endswith("_amount_cents")]
    return {
        **{name: page[name] for name in (*names, "invoice_type", "status", "payment_status", "currency")},
        "issuing_date": page["issuing_date"],
        "created_at": f"{page['created_at'][:16]}Z",
        "billing_periods": [_period(raw) for raw in page["billing_periods"]],
        "applied_taxes": [
            {name: tax[name] for name in ("tax_code", "tax_rate", "amount_cents", "fees_amount_cents")}
            for tax in page["applied_taxes"]
        ],
        "fees": sorted(map(_fee, page["fees"]), key=lambda fee: (fee["type"], fee["code"], fee["amount_cents"])),
        "credits": list(_credits(page)),
    }


def _credits(page: Raw) -> Iterator[Raw]:
    for credit in page["credits"]:
        item = credit["item"]
        code = item["code"] if item["type"] == "coupon" else None
        yield {"type": item["type"], "code": code, **{n: credit[n] for n in ("amount_cents", "before_taxes")}}


def _period(raw: Raw) -> Raw:
    named = {name: value for name, value in raw.items() if not name.startswith(("lago_", "external_"))}
    return {**named, "subscription": raw["external_subscription_id"]}


def _fee(raw: Raw) -> dict[str, Any]:
    names = (
        "amount_cents precise_amount units total_aggregated_units events_count taxes_amount_cents taxes_rate "
        "pay_in_advance invoiceable from_date to_date"
    )
    item = {name: raw["item"][name] for name in ("type", "code", "grouped_by")}
    return {**{name: raw[name] for name in names.split()}, **item}


def _note(raw: Raw, places: Mapping[str, int]) -> Raw:
    items = [{"amount_cents": item["amount_cents"], "fee_type": item["fee"]["item"]["type"]} for item in raw["items"]]
    return {**raw, "invoice": places[raw["lago_invoice_id"]], "items": items}
