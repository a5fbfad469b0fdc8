"""Lago's list filters, on recorded payloads: parameter -> which records stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Payload = Mapping[str, Any]
Keep = Callable[[Payload], bool]
LAST = datetime.max.replace(tzinfo=UTC)


@lru_cache(maxsize=1 << 17)  # the same times are compared again and again
def moment(text: str) -> datetime:
    """A time or a date of a payload or a parameter; without zone it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def is_time(text: str) -> bool:
    """Whether Lago would read the text as a time."""
    try:
        moment(text)
    except ValueError:
        return False
    return True


class Invalid(Exception):
    """A filter that Lago answers with 422."""

    def __init__(self, details: Mapping[str, Any]) -> None:
        super().__init__()
        self.details = details


def _equal(name: str) -> Callable[[str], Keep]:
    return lambda wanted: lambda item: str(item.get(name)) == wanted


def _truth(test: Callable[[Payload], bool]) -> Callable[[str], Keep]:
    return lambda wanted: lambda item: test(item) == (wanted == "true")


def _since(name: str) -> Callable[[str], Keep]:
    return lambda text: lambda item: is_time(str(item.get(name))) and moment(str(item[name])) >= moment(text)


def _until(name: str) -> Callable[[str], Keep]:
    return lambda text: lambda item: is_time(str(item.get(name))) and moment(str(item[name])) <= moment(text)


def _event_time(item: Payload) -> datetime:
    """What is no date of Python's comes after all others: Lago's database keeps the year 58471."""
    text = str(item.get("timestamp"))
    return moment(text) if is_time(text) else LAST


def _strict(parameter: str, make: Callable[[str], Keep]) -> Callable[[str], Keep]:
    """Fees refuse a date that is none; invoices ignore it."""

    def checked(text: str) -> Keep:
        if not is_time(text):
            raise Invalid({parameter: ["invalid_date"]})
        return make(text)

    return checked


def _lenient_day(name: str, keep: Callable[[str, str], bool]) -> Callable[[str], Keep]:
    def checked(text: str) -> Keep:
        return (lambda item: keep(str(item.get(name)), text[:10])) if is_time(text) else (lambda item: True)

    return checked


def _search(wanted: str) -> Keep:
    names = ("external_id", "name", "firstname", "lastname", "legal_name", "email")
    return lambda item: any(wanted.lower() in str(item.get(name) or "").lower() for name in names)


INVOICE_STATES = ("draft", "finalized", "voided", "failed", "pending")


def _invoice_status(status: str) -> Keep:
    if status not in INVOICE_STATES:
        raise Invalid({"status": [f"must be one of: {', '.join(INVOICE_STATES)} or must be an array"]})
    return lambda item: item.get("status") == status


def _of_customer(item: Payload) -> str:
    return str(item.get("external_customer_id") or (item.get("customer") or {}).get("external_id"))


def _customer(wanted: str) -> Keep:
    return lambda item: _of_customer(item) == wanted


def _in_invoice(wanted: str) -> Keep:
    return lambda item: wanted in (item.get("invoice_ids") or [item.get("lago_invoice_id")])


_DAYS = {
    "issuing_date_from": _lenient_day("issuing_date", lambda day, limit: day >= limit),
    "issuing_date_to": _lenient_day("issuing_date", lambda day, limit: day <= limit),
}

# resource -> parameter -> filter. A parameter that is not here is ignored, as Rails ignores it.
FILTERS: Mapping[str, Mapping[str, Callable[[str], Keep]]] = {
    "customers": {
        "external_id": _equal("external_id"),
        "search_term": _search,
        "currencies[]": _equal("currency"),
        "countries[]": _equal("country"),
        "account_type[]": _equal("account_type"),
        "customer_type": _equal("customer_type"),
        "billing_entity_codes[]": _equal("billing_entity_code"),
    },
    "subscriptions": {
        "status[]": _equal("status"),
        "external_id": _equal("external_id"),
        "external_customer_id": _customer,
        "plan_code": _equal("plan_code"),
    },
    "invoices": {
        "status": _invoice_status,
        "statuses[]": _equal("status"),
        "payment_status": _equal("payment_status"),
        "payment_statuses[]": _equal("payment_status"),
        "invoice_type": _equal("invoice_type"),
        "currency": _equal("currency"),
        "external_customer_id": _customer,
        "customer_external_id": _customer,
        "payment_overdue": _truth(lambda item: bool(item.get("payment_overdue"))),
        "payment_dispute_lost": _truth(lambda item: item.get("payment_dispute_lost_at") is not None),
        **_DAYS,
    },
    "fees": {
        "fee_type": lambda wanted: lambda item: (item.get("item") or {}).get("type") == wanted,
        "currency": _equal("amount_currency"),
        "payment_status": _equal("payment_status"),
        "external_subscription_id": _equal("external_subscription_id"),
        "external_customer_id": _customer,
        "created_at_from": _strict("created_at_from", _since("created_at")),
        "created_at_to": _strict("created_at_to", _until("created_at")),
    },
    "credit_notes": {"external_customer_id": _customer, "currency": _equal("currency"), **_DAYS},
    "applied_coupons": {"status": _equal("status"), "external_customer_id": _customer},
    "wallets": {"external_customer_id": _customer},
    "payments": {"external_customer_id": _customer, "invoice_id": _in_invoice},
    "payment_requests": {"external_customer_id": _customer},
    "payment_receipts": {"invoice_id": _in_invoice},
    "events": {
        "code": _equal("code"),
        "external_subscription_id": _equal("external_subscription_id"),
        "timestamp_from": _strict("timestamp_from", lambda text: lambda item: _event_time(item) >= moment(text)),
        "timestamp_to": _strict("timestamp_to", lambda text: lambda item: _event_time(item) <= moment(text)),
    },
}
