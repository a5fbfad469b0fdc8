"""One request from one seed: a route, what a client would send there, and what was done to it."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from tests.odoo.api_fuzz import nasty

CONTROLLER = Path(__file__).parents[3] / "addons" / "fusion_billing" / "api" / "routes.py"
POOL = 12  # ids of each kind that requests share, so that many of them hit something
FILTERS = (
    "page", "per_page", "external_id", "external_customer_id", "external_subscription_id", "status", "status[]",
    "statuses[]", "payment_status", "payment_overdue", "issuing_date_from", "issuing_date_to", "currency",
    "currencies[]", "countries[]", "search_term", "plan_code", "overridden", "charge_id", "charge_code",
    "apply_taxes", "on_termination_credit_note", "on_termination_invoice",
)  # fmt: skip
TYPES = (
    "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=x", "application/json; charset=utf-16", "", "x", "application/xml",
)  # fmt: skip


def routes() -> tuple[tuple[str, str], ...]:
    """(method, pattern) of all of them, read from where they stand."""
    tree = ast.parse(CONTROLLER.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ROUTES":
            return tuple((method, pattern) for method, pattern, _ in ast.literal_eval(node.value))
    raise AssertionError("there are no ROUTES")


@dataclass(frozen=True)
class Request:
    """``kind``: what was done to it. ``route``: method and pattern, for the table."""

    seed: str
    kind: str
    route: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True)
class World:
    """What there is to be hit: names that were made before, by kind; ``charges``: Lago ids of the plan's."""

    prefix: str
    plan: str
    coupon: str
    charges: tuple[str, ...]
    found: Mapping[str, list[str]]

    def one(self, rng: Random, kind: str) -> str:
        known = self.found.get(kind)
        return rng.choice(known) if known else f"{self.prefix}-{kind}-{rng.randrange(POOL)}"


def good(rng: Random, world: World, pattern: str) -> dict[str, Any]:
    """A body that would be taken at this address."""
    customer, subscription = world.one(rng, "customer"), world.one(rng, "subscription")
    event = {
        "transaction_id": f"{rng.getrandbits(64):x}", "external_subscription_id": subscription,
        "code": f"{world.prefix}-{rng.choice(('calls', 'bytes', 'bought', 'nothing'))}", "timestamp": 1793000000.25,
        "properties": {"bytes": "12.5", "bought": 1, "region": "eu"}, "precise_total_amount_cents": "12.5",
    }  # fmt: skip
    address = {"address_line1": "1 King St", "city": "Toronto", "zipcode": "M5V", "state": "ON", "country": "CA"}
    metadata = [{"key": "k", "value": "v", "display_in_invoice": True}]
    configuration = {"invoice_grace_period": 3, "document_locale": "fr", "payment_provider": "stripe"}
    charge = {"id": rng.choice(world.charges), "properties": {"amount": "0.07"}, "min_amount_cents": 100}
    commitment = {"amount_cents": 5}
    overrides = {"amount_cents": 1000, "trial_period": 2, "minimum_commitment": commitment, "charges": [charge]}
    bodies: dict[str, dict[str, Any]] = {
        "events": {"event": event},
        "events/batch": {"events": [event, {**event, "transaction_id": f"{rng.getrandbits(64):x}"}]},
        "customers": {
            "customer": {
                "external_id": customer, "name": "Oak", "email": "a@b.example", "currency": "CAD", "phone": "1",
                "timezone": "America/Toronto", "net_payment_term": 30, "metadata": metadata, "tax_codes": [],
                "billing_configuration": configuration, "shipping_address": address, "customer_type": "company",
                "legal_name": "Oak Inc", "firstname": "A", "lastname": "B", "url": "https://oak.example",
                "tax_identification_number": "X1", "finalize_zero_amount_invoice": "skip", **address,
            }
        },
        "subscriptions": {
            "subscription": {
                "external_customer_id": customer, "external_id": subscription, "plan_code": world.plan, "name": "S",
                "billing_time": "anniversary", "subscription_at": "2026-09-20T00:00:00Z", "plan_overrides": overrides,
                "ending_at": "2029-01-01T00:00:00Z",
            }
        },
        "applied_coupons": {
            "applied_coupon": {
                "external_customer_id": customer, "coupon_code": world.coupon, "amount_cents": 500, "frequency": "once",
                "frequency_duration": 3, "amount_currency": "CAD", "percentage_rate": "5",
            }
        },
        "wallets": {
            "wallet": {
                "external_customer_id": customer, "name": "W", "currency": "CAD", "granted_credits": "10",
                "rate_amount": "1", "expiration_at": "2030-01-01T00:00:00Z",
            }
        },
        "wallet_transactions": {
            "wallet_transaction": {"wallet_id": world.one(rng, "wallet"), "granted_credits": "5", "voided_credits": "1"}
        },
    }  # fmt: skip
    bodies |= written(rng, world)
    if pattern in bodies:
        return bodies[pattern]
    for prefix, name in ALSO.items():
        if pattern.startswith(prefix):
            return bodies[name]
    if pattern.startswith("subscriptions"):
        return {"subscription": {"name": "T", "ending_at": "2029-01-01T00:00:00Z", "status": "active"}}
    if pattern.startswith("wallets"):
        return {"wallet": {"expiration_at": "2031-01-01T00:00:00Z"}}
    return {"invoice": {"payment_status": "pending", "metadata": metadata}}


# what a path that begins so takes, too
ALSO = {
    "plans/(?P<code>[^/]+)/charges": "charges", "plans/(?P<code>[^/]+)/fixed_charges": "fixed_charges",
    "plans/": "plans", "billable_metrics/": "billable_metrics", "add_ons/": "add_ons", "coupons/": "coupons",
    "taxes/": "taxes", "webhook_endpoints/": "webhook_endpoints", "customers/(?P<external_id>[^/]+)/wallets": "wallets",
    "subscriptions/(?P<external_id>[^/]+)/lifetime_usage": "lifetime_usage",
}  # fmt: skip


def written(rng: Random, world: World) -> dict[str, dict[str, Any]]:
    """Bodies of what is written into the catalogue, invoiced and paid."""
    code = f"{world.prefix}-made-{rng.randrange(POOL)}"
    tiers = [{"from_value": 0, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "1"}]
    filters = [{"values": {"region": ["eu"]}, "properties": {"amount": "2"}, "invoice_display_name": "EU"}]
    charge = {
        "billable_metric_code": f"{world.prefix}-calls", "charge_model": "standard", "properties": {"amount": "0.07"},
        "min_amount_cents": 5, "filters": rng.choice(([], filters)), "pay_in_advance": False, "tax_codes": [],
    }  # fmt: skip
    fixed = {"add_on_code": code, "charge_model": "graduated", "properties": {"graduated_ranges": tiers}, "units": "2"}
    offer = {"name": "Made", "code": code, "amount_cents": 1000, "amount_currency": "CAD", "description": "D"}
    fee = {"add_on_code": code, "units": "2.5", "unit_amount_cents": 150, "description": "D"}
    return {
        "plans": {
            "plan": {
                **offer, "interval": "monthly", "pay_in_advance": False, "trial_period": 2.5, "charges": [charge],
                "fixed_charges": rng.choice(([], [fixed])), "minimum_commitment": {"amount_cents": 50},
            }
        },
        "charges": {"charge": charge},
        "fixed_charges": {"fixed_charge": fixed},
        "billable_metrics": {
            "billable_metric": {
                "name": "Made", "code": code, "aggregation_type": "sum_agg", "field_name": "bytes", "recurring": False,
                "rounding_function": "ceil", "rounding_precision": 2, "filters": [{"key": "a", "values": ["b"]}],
            }
        },
        "add_ons": {"add_on": offer},
        "coupons": {
            "coupon": {
                "name": "C", "code": code, "coupon_type": "fixed_amount", "amount_cents": 5, "amount_currency": "CAD",
                "frequency": "recurring", "frequency_duration": 2, "expiration": "time_limit", "reusable": True,
                "expiration_at": "2030-01-01T00:00:00Z", "applies_to": {"plan_codes": [world.plan]},
            }
        },
        "taxes": {"tax": {"name": "T", "code": code, "rate": "13.0", "description": "D"}},
        "invoices": {
            "invoice": {"external_customer_id": world.one(rng, "customer"), "currency": "CAD", "fees": [fee]}
        },
        "payments": {"payment": {"invoice_id": world.one(rng, "invoice"), "amount_cents": 5, "reference": "R"}},
        "webhook_endpoints": {
            "webhook_endpoint": {"webhook_url": "http://127.0.0.1:9/", "signature_algo": "hmac", "event_types": None}
        },
        "lifetime_usage": {"lifetime_usage": {"external_historical_usage_amount_cents": 7}},
    }  # fmt: skip


def address(rng: Random, world: World, pattern: str, wrong: bool) -> str:
    """The path, its parts filled with what there may be; ``wrong``: with something else."""
    resource = pattern.partition("/")[0].rstrip("s")
    kinds = {"code": "plan", "transaction_id": "transaction"}

    def part(found: re.Match[str]) -> str:
        value = any_value(rng) if wrong else world.one(rng, kinds.get(found[1], resource))
        return quote(value.encode("utf-8", "surrogatepass")[:4000], safe="" if rng.random() < 0.9 else "/")

    return re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", part, pattern)


def any_value(rng: Random) -> str:
    return str(nasty.VALUES[rng.choice(sorted(nasty.VALUES))](rng))


def query(rng: Random, world: World, wrong: bool) -> str:
    """Filters, with ids that there are; ``wrong``: with values of all kinds."""
    parts = []
    for _ in range(rng.choice((0, 1, 1, 3))):
        name = rng.choice(FILTERS)
        kinds = {"external_id": "customer", "external_customer_id": "customer", "plan_code": "plan"}
        value = any_value(rng) if wrong else world.one(rng, kinds.get(name, "subscription"))
        parts.append(f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass')[:6000])}")
    return f"?{'&'.join(parts)}" if parts else ""


def harm(rng: Random, body: dict[str, Any]) -> str:
    """Replace, drop or add something in the body; what was done."""
    kind = rng.choice(sorted(nasty.VALUES))
    places = nasty.spots(body)
    if not places:  # nothing is left of it
        return "missing"
    holder, key = rng.choice(places)
    way = rng.random()
    if way < 0.8:
        holder[key] = nasty.VALUES[kind](rng)
        return kind
    if way < 0.9:
        del holder[key]
        return "missing"
    if isinstance(holder, dict):
        holder[str(nasty.text(rng))] = nasty.VALUES[kind](rng)
    return "unknown name"


def request(seed: str, world: World, key: str) -> Request:
    """The request of a seed, in a world."""
    rng = Random(seed)
    method, pattern = rng.choice(routes())
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    kind = rng.choices(("good", "body", "raw", "address", "query", "method", "header"), (4, 8, 2, 2, 2, 1, 1))[0]
    route = f"{method} {pattern}"
    has_body = method in ("POST", "PUT")
    body = good(rng, world, pattern) if has_body else None
    if kind == "body" and body is not None:
        found = copy.deepcopy(body)
        kind = harm(rng, found)
        for _ in range(rng.choice((0, 0, 1))):
            harm(rng, found)
        body = found
    elif kind in ("body", "raw") and body is None:
        kind = "query"
    sent = None if body is None else json.dumps(body).encode()
    if kind == "raw" and sent is not None:
        sent = nasty.raw(rng, sent)
    if kind == "method":
        method = rng.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "FOO"))
    if kind == "header":
        headers["Content-Type"] = rng.choice(TYPES)
        keys = (f"Bearer {key}", f"Bearer {key}", "Bearer", f"Bearer {'x' * 5000}", "é", "a b c")
        headers["Authorization"] = rng.choice(keys)
    path = address(rng, world, pattern, kind == "address")
    path = path.replace("/", "//", 1) if kind == "address" and rng.random() < 0.1 else path
    asked = query(rng, world, kind == "query") if method != "POST" else ""
    return Request(seed, kind, route, method, f"{path}{asked}", headers, sent)
