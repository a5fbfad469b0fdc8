"""Coupons that customers hold. They are kept as JSON in Lago's shape, on the orders that they reduce."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeGuard

from ..rating.moments import moment
from . import amounts
from .answers import invalid, seconds
from .rows import Answer, CreditRow, Given, Held, Holder, ShownCoupon
from .texts import Errors, scalar

FREQUENCIES = ("once", "recurring", "forever")
MOST_PERIODS = 2**31 - 1  # what Lago's column holds


def parse(text: str | None) -> list[Held]:
    """The applied coupons of a text field."""
    return list(json.loads(text)) if text else []


def dump(held: Sequence[Held]) -> str | None:
    return json.dumps(held, ensure_ascii=False, sort_keys=True) if held else None


def distinct(lists: Iterable[Sequence[Held]]) -> list[Held]:
    """One of each, the newest first: a coupon stands on every order that it may reduce."""
    found = {held["lago_id"]: held for held_list in lists for held in held_list}
    return sorted(found.values(), key=lambda held: (str(held.get("created_at") or ""), held["lago_id"]), reverse=True)


def active(held: Held) -> bool:
    return held.get("status") == "active"


def reduces(held: Held, plan_code: str) -> bool:
    """Whether a coupon may reduce orders of this plan."""
    return not held.get("limited_plans") or plan_code in (held.get("plan_codes") or ())


def create(given: Given, coupon: ShownCoupon, now: datetime) -> Held:
    """What a customer holds who gets ``coupon`` (Lago's shape), with what the request gives instead.

    Raises Refused, with the fields that are wrong.
    """
    fixed = coupon["coupon_type"] == "fixed_amount"
    frequency = coupon["frequency"] if given.get("frequency") is None else given["frequency"]
    periods = coupon["frequency_duration"] if given.get("frequency_duration") is None else given["frequency_duration"]
    amount = coupon["amount_cents"] if given.get("amount_cents") is None else given["amount_cents"]
    rate = coupon["percentage_rate"] if given.get("percentage_rate") is None else given["percentage_rate"]
    errors = _frequency_errors(frequency, periods) | (_amount_errors(amount) if fixed else _rate_errors(rate))
    if errors:
        raise invalid(errors)
    duration = periods if isinstance(periods, int) and frequency == "recurring" else None
    cents = amount if isinstance(amount, int) and fixed else None
    return {
        "lago_id": str(uuid.uuid4()),
        "lago_coupon_id": coupon["lago_id"],
        "coupon_code": coupon["code"],
        "coupon_name": coupon["name"],
        "coupon_type": coupon["coupon_type"],
        "status": "active",
        "frequency": str(frequency),
        "frequency_duration": duration,
        "frequency_duration_remaining": duration,
        "amount_cents": cents,
        "amount_cents_remaining": cents if frequency == "once" else None,
        "amount_currency": scalar(given.get("amount_currency")) or coupon["amount_currency"] if fixed else None,
        "percentage_rate": None if fixed else amounts.text(amounts.given(rate)),
        "created_at": seconds(now),
        "terminated_at": None,
        "limited_plans": coupon["limited_plans"],
        "plan_codes": coupon["plan_codes"],
        "limited_billable_metrics": coupon["limited_billable_metrics"],
        "billable_metric_codes": coupon["billable_metric_codes"],
    }


def _frequency_errors(frequency: object, periods: object) -> Errors:
    errors: Errors = {}
    if frequency not in FREQUENCIES:
        errors["frequency"] = ["value_is_invalid"]
    if frequency == "recurring" and not (_is_whole(periods) and 1 <= periods <= MOST_PERIODS):
        errors["frequency_duration"] = ["value_is_mandatory" if periods is None else "value_is_out_of_range"]
    return errors


def _amount_errors(amount: object) -> Errors:
    if amount is None or (_is_whole(amount) and 0 < amount < 2**63):
        return {}
    return {"amount_cents": ["value_is_out_of_range"]}


def _rate_errors(rate: object) -> Errors:
    wrong = rate is not None and not 0 < (amounts.given(rate) or -1) <= 100
    return {"percentage_rate": ["value_is_out_of_range"]} if wrong else {}


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def terminate(held: Held, now: datetime) -> Held:
    return {**held, "status": "terminated", "terminated_at": seconds(now)}


def shown(held: Held, customer: Holder, coupon: ShownCoupon | None, credits: Sequence[Answer] | None = None) -> Answer:
    """An applied coupon as Lago shows it. ``coupon``: its definition, None if there is none any more.

    ``credits``: only Lago's lists show what it took off.
    """
    ended = bool(coupon and coupon["terminated_at"])
    return {
        "lago_id": held["lago_id"],
        "lago_coupon_id": held["lago_coupon_id"],
        "coupon_code": held["coupon_code"],
        "coupon_name": held.get("coupon_name"),
        "coupon_description": coupon["description"] if coupon else None,
        "coupon_status": "terminated" if ended else "active",
        "coupon_deleted_at": None,
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": customer["external_id"],
        "status": held["status"],
        "amount_cents": held.get("amount_cents"),
        "amount_cents_remaining": held.get("amount_cents_remaining"),
        "amount_currency": held.get("amount_currency"),
        "percentage_rate": amounts.text(held.get("percentage_rate")),
        "frequency": held["frequency"],
        "frequency_duration": held.get("frequency_duration"),
        "frequency_duration_remaining": held.get("frequency_duration_remaining"),
        "expiration_at": coupon["expiration_at"] if coupon else None,
        "created_at": seconds(moment(held.get("created_at"))),
        "terminated_at": seconds(moment(held.get("terminated_at"))),
        **({} if credits is None else {"credits": list(credits)}),
    }


def credit(line: CreditRow, held: Held) -> Answer:
    """What a coupon took off an invoice: ``line`` with id, cents, currency, invoice id and its payment status."""
    return {
        "lago_id": line["lago_id"],
        "amount_cents": line["amount_cents"],
        "amount_currency": line["currency"],
        "before_taxes": True,
        "item": {
            "lago_item_id": held["lago_id"],
            "type": "coupon",
            "code": held["coupon_code"],
            "name": held.get("coupon_name"),
            "description": None,
        },
        "invoice": {"lago_id": line["lago_invoice_id"], "payment_status": line["payment_status"]},
    }
