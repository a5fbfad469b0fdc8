"""What a living Lago is asked to do: start, change and end subscriptions, take events. Lago's answers and its no."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from lago2odoo.sandbox.living.billing import STARTING, holding_of, make_invoice
from lago2odoo.sandbox.living.documents import told
from lago2odoo.sandbox.living.ending import end
from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.period import local_date, utc_date
from migrate.errors import LagoError
from migrate.lago.filters import Payload, is_time, moment
from migrate.lago.recorded import API, Reply, error
from migrate.lago.source import Query

_SETTINGS: Mapping[str, frozenset[str]] = {
    "on_termination_invoice": frozenset({"generate", "skip"}),
    "on_termination_credit_note": frozenset({"credit", "skip", "refund", "offset"}),
}


def answer(lago: LivingRecords, method: str, path: str, query: Query, body: object) -> Reply | None:
    """The answer to a write; None for one that is not modelled."""
    parts = [unquote(part) for part in path.removeprefix(API).strip("/").split("/")]
    match method, parts:
        case "PUT", ["subscriptions", external_id]:
            return _update(lago, external_id, _asked(body, "subscription"))
        case "DELETE", ["subscriptions", external_id]:
            return _terminate(lago, external_id, dict(query))
        case "POST", ["subscriptions"]:
            return _subscribe(lago, _asked(body, "subscription"))
        case "POST", ["events", "batch"]:
            return _take(lago, _asked(body, "events"))
    return None


def _asked(body: object, root: str) -> Any:
    """What a request holds, as it was written. Any: JSON."""
    return body.get(root) or {} if isinstance(body, dict) else {}


def _update(lago: LivingRecords, external_id: str, asked: Record) -> Reply:
    """``ending_at`` and the settings of an end; of one that has ended nothing changes."""
    ours = [s for s in lago.listed("subscriptions") if s["external_id"] == external_id]
    raw = lago.running(external_id) or next(iter(ours), None)
    if raw is None:
        return error(404, "subscription_not_found")
    _require_modelled(asked, {"ending_at", *_SETTINGS})
    invalid = _wrong_setting(asked) or _wrong_end(lago, raw, asked.get("ending_at"))
    if invalid:
        return invalid
    if raw["status"] != "active":
        return _shown(lago, raw)
    changed = _settings(lago, raw, asked)
    if "ending_at" in asked:
        changed["ending_at"] = asked["ending_at"] and told(moment(asked["ending_at"]).astimezone(UTC))
    return _shown(lago, lago.change("subscriptions", raw, **changed))


def _wrong_end(lago: LivingRecords, raw: Record, ending_at: object) -> Reply | None:
    """An end is after today, in UTC, and after the subscription's own begin."""
    if ending_at is None:
        return None
    text = str(ending_at)
    begins = moment(raw["subscription_at"])
    if is_time(text) and utc_date(moment(text)) > utc_date(lago.now) and moment(text) > begins:
        return None
    return error(422, "validation_errors", {"ending_at": ["invalid_date"]})


def _terminate(lago: LivingRecords, external_id: str, asked: Mapping[str, str]) -> Reply:
    """At once: Lago knows no other moment, and no trial run. What it does not know of the request, it ignores."""
    invalid = _wrong_setting(asked)
    if invalid:
        return invalid
    if asked.get("status") == "pending":
        return _cancel(lago, external_id)
    raw = lago.running(external_id)
    if raw is None:
        return error(404, "subscription_not_found")
    changed = lago.change("subscriptions", raw, **_settings(lago, raw, asked))
    return _shown(lago, end(lago, changed))


def _cancel(lago: LivingRecords, external_id: str) -> Reply:
    for raw in lago.listed("subscriptions"):
        if raw["external_id"] == external_id and raw["status"] == "pending":
            return _shown(lago, lago.change("subscriptions", raw, status="canceled", canceled_at=told(lago.now)))
    return error(404, "subscription_not_found")


def _wrong_setting(asked: Payload) -> Reply | None:
    for name, values in _SETTINGS.items():
        if asked.get(name) is not None and asked[name] not in values:
            return error(422, "validation_errors", {name: ["invalid_value"]})
    return None


def _settings(lago: LivingRecords, raw: Record, asked: Payload) -> Record:
    """A credit note is given of plans in advance alone; of another the setting is taken and not kept."""
    changed: Record = {}
    if asked.get("on_termination_invoice"):
        changed["on_termination_invoice"] = asked["on_termination_invoice"]
    if asked.get("on_termination_credit_note") and holding_of(lago, raw).plan.pay_in_advance:
        changed["on_termination_credit_note"] = asked["on_termination_credit_note"]
    return changed


def _subscribe(lago: LivingRecords, asked: Record) -> Reply:
    """A new subscription. It begins no earlier than the last one of its external id was billed to."""
    known = {"external_customer_id", "plan_code", "external_id", "billing_time", "subscription_at", "name"}
    _require_modelled(asked, known)
    if lago.running(asked["external_id"]):
        raise LagoError(f"the embedded Lago does not change the plan of {asked['external_id']}")
    customer = _named(lago.listed("customers"), "external_id", asked["external_customer_id"])
    plan = _named(lago.listed("plans"), "code", asked["plan_code"])
    if customer is None or plan is None:
        return error(404, "customer_not_found" if customer is None else "plan_not_found")
    begins = moment(asked.get("subscription_at") or told(lago.now)).astimezone(UTC)
    raw = _new_subscription(lago, asked, customer, plan, begins)
    zone = lago.timezone(customer["lago_id"])
    lago.add("subscriptions", raw, {"plan": lago.own_page("plans", plan)})
    if raw["status"] == "active" and _pays_at_once(plan) and local_date(begins, zone) == local_date(lago.now, zone):
        make_invoice(lago, [raw], STARTING)  # a start in the past is never billed its base fee: fault L5
    return _shown(lago, raw)


def _pays_at_once(plan: Record) -> bool:
    """Whether something is paid in advance when it starts: the base fee when a trial is over."""
    fixed = any(charge["pay_in_advance"] for charge in plan.get("fixed_charges") or ())
    return fixed or bool(plan["pay_in_advance"] and not plan.get("trial_period"))


def _named(records: Iterable[Record], field: str, value: object) -> Record | None:
    return next((record for record in records if record[field] == value), None)


def _new_subscription(lago: LivingRecords, asked: Record, customer: Record, plan: Record, begins: datetime) -> Record:
    waits = begins > lago.now
    started = max((begins, *_billed_to(lago, asked["external_id"])))
    return {
        "lago_id": lago.new_id("subscription"),
        "external_id": asked["external_id"],
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": customer["external_id"],
        "name": asked.get("name") or "",
        "plan_code": plan["code"],
        "plan_amount_cents": plan["amount_cents"],
        "plan_amount_currency": plan["amount_currency"],
        "status": "pending" if waits else "active",
        "billing_time": asked.get("billing_time") or "calendar",
        "subscription_at": told(begins),
        "started_at": None if waits else f"{started:%Y-%m-%dT%H:%M:%S.000Z}",
        "created_at": told(lago.now),
        "on_termination_credit_note": None,
        "on_termination_invoice": "generate",
        "consolidate_invoice": True,
        **dict.fromkeys(("trial_ended_at", "ending_at", "terminated_at", "canceled_at"), None),
        **dict.fromkeys(("previous_plan_code", "next_plan_code", "downgrade_plan_date"), None),
    }


def _billed_to(lago: LivingRecords, external_id: str) -> list[datetime]:
    """When earlier subscriptions of an external id ended with a last invoice."""
    ours = (s for s in lago.listed("subscriptions") if s["external_id"] == external_id)
    return [moment(s["terminated_at"]) for s in ours if s["terminated_at"] and s["on_termination_invoice"] != "skip"]


def _take(lago: LivingRecords, events: list[Record]) -> Reply:
    """Events are taken whatever they name, and for ever. Those that are charged one by one are not modelled."""
    for event in events:
        raw = lago.running(event["external_subscription_id"])
        charges = holding_of(lago, raw).plan.charges if raw else ()
        if any(charge.pay_in_advance and charge.billable_metric_code == event["code"] for charge in charges):
            raise LagoError(f"the embedded Lago bills no event of {event['code']} in advance")
        lago.add("events", {**event, "lago_id": lago.new_id("event"), "created_at": told(lago.now)})
    return Reply(200, json.dumps({"events": events}, default=float))


def _require_modelled(asked: Payload, known: set[str]) -> None:
    """Raises LagoError for a field of a request that a real Lago may take and this one would leave out."""
    for name in asked.keys() - known:
        raise LagoError(f"the embedded Lago does not know {name} of a subscription")


def _shown(lago: LivingRecords, raw: Record) -> Reply:
    return Reply(200, json.dumps({"subscription": lago.own_page("subscriptions", raw)}, default=float))
