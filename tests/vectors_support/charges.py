"""Areas of single charges: units given, amounts and fees asked for. Also records and JSON for the timelines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings import period
from mappings.records import BillableMetric, Charge, ChargeFilter, Event, MetricFilter
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.buckets import Bucket
from reconcile.rating.charge_models import rate_case
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee, fee_of, true_up
from reconcile.rating.metric_rounding import round_units
from reconcile.rating.pricing import Priced, Rated
from reconcile.rerate.aggregating import pay_in_advance_fees
from reconcile.rerate.event_source import EventSource
from tests.vectors_support.calendar import moment
from tests.vectors_support.projection import projected

Case = dict[str, Any]
Raw = Mapping[str, Any]
_NO_TIME = datetime(2024, 1, 1, tzinfo=UTC)


# --- records ---


def metric_record(raw: Raw, code: str = "m") -> BillableMetric:
    return BillableMetric(
        lago_id=raw.get("code", code),
        code=raw.get("code", code),
        name=raw.get("code", code),
        aggregation_type=raw.get("aggregation_type", "sum_agg"),
        recurring=bool(raw.get("recurring")),
        field_name=raw.get("field_name", "value"),
        rounding_function=raw.get("rounding_function"),
        rounding_precision=raw.get("rounding_precision"),
        weighted_interval=raw.get("weighted_interval"),
        filters=tuple(MetricFilter(key=one["key"], values=tuple(one["values"])) for one in raw.get("filters") or ()),
    )


def charge_record(raw: Raw) -> Charge:
    code = raw.get("code", "c")
    return Charge(
        lago_id=code,
        code=code,
        lago_billable_metric_id=raw.get("billable_metric", {}).get("code", "m"),
        billable_metric_code=raw.get("billable_metric", {}).get("code", "m"),
        charge_model=raw["charge_model"],
        properties=raw["properties"],
        pay_in_advance=bool(raw.get("pay_in_advance")),
        prorated=bool(raw.get("prorated")),
        min_amount_cents=raw.get("min_amount_cents") or 0,
        filters=tuple(_filter(position, one) for position, one in enumerate(raw.get("filters") or ())),
    )


def _filter(position: int, raw: Raw) -> ChargeFilter:
    return ChargeFilter(
        lago_id=f"filter-{position}",
        properties=raw["properties"],
        values={key: tuple(values) for key, values in raw["values"].items()},
        invoice_display_name=raw.get("invoice_display_name"),
    )


def event_record(raw: Raw, external_id: str) -> Event:
    cents = raw.get("precise_total_amount_cents")
    return Event(
        transaction_id=raw["transaction_id"],
        external_subscription_id=raw.get("external_subscription_id", external_id),
        code=raw["code"],
        timestamp=moment(raw["timestamp"]),
        properties=raw["properties"],
        precise_total_amount_cents=None if cents is None else Decimal(cents),
    )


def event_records(raw: Iterable[Raw], external_id: str) -> tuple[Event, ...]:
    return tuple(event_record(one, external_id) for one in raw)


def charge_fee_json(fee: ChargeFee) -> dict[str, Any]:
    """A fee in the shape of the vectors."""
    return {
        "amount_cents": fee.amount_cents,
        "precise_amount_cents": fee.precise_amount_cents,
        "unit_amount_cents": fee.unit_amount_cents,
        "precise_unit_amount": fee.precise_unit_amount,
        "units": fee.units,
        "total_aggregated_units": fee.total_aggregated_units,
        "events_count": fee.events_count,
        "amount_details": fee.amount_details,
        "charge_code": fee.charge.code,
        "grouped_by": dict(fee.grouped_by),
        "charge_filter": filter_json(fee),
        "true_up": fee.true_up,
    }


def filter_json(fee: ChargeFee) -> dict[str, Any] | None:
    if fee.filter is None:
        return None
    return {
        "position": fee.filter_position,
        "values": {key: list(values) for key, values in fee.filter.values.items()},
    }


# --- charge models ---


def model(case: Case) -> Mapping[str, Any]:
    return model_json(case["input"], case["input"]["aggregation"])


def grouped(case: Case) -> Mapping[str, Any]:
    groups = [{**model_json(case["input"], raw), "grouped_by": raw["grouped_by"]} for raw in case["input"]["groups"]]
    return {
        "amount": sum((group["amount"] for group in groups), Decimal(0)),
        "units": sum((group["units"] for group in groups), Decimal(0)),
        "groups": groups,
    }


def model_json(given: Raw, raw: Raw) -> dict[str, Any]:
    charge, aggregation = charge_record(given["charge"]), aggregation_record(raw)
    currency = given["charge"]["amount_currency"]
    case = Priced(
        model=charge.charge_model,
        properties=charge.properties,
        aggregation=aggregation,
        currency=currency,
        prorated=charge.prorated,
        pay_in_advance=charge.pay_in_advance,
        premium=given["premium"],
    )
    rated = rate_case(case)
    return {
        "units": rated.units,
        "events_count": raw.get("events_count"),
        "amount": rated.amount,
        "unit_amount": rated.unit_amount,
        "amount_details": rated.amount_details,
        "full_units_number": aggregation.full_units,
        "total_aggregated_units": aggregation.total_aggregated_units,
        "fee": {**_fee(charge, aggregation, currency, given["premium"]), "events_count": raw.get("events_count")},
        **_projection(given, case, rated),
    }


def _projection(given: Raw, case: Priced, rated: Rated) -> dict[str, Any]:
    if "period_ratio" not in given:
        return {}
    units, amount = projected(case, rated, Decimal(given["period_ratio"]))
    return {"projected_units": units, "projected_amount": amount}


def _fee(charge: Charge, aggregation: Aggregation, currency: str, premium: bool) -> dict[str, Any]:
    window = ChargeWindow(
        external_subscription_id="sub",
        charges_from=_NO_TIME,
        charges_to=_NO_TIME,
        charges_duration=1,
        currency=currency,
    )
    demand = Demand(window=window, charge=charge, metric=metric_record({}))
    bucket = Bucket(filter=None, position=None, properties=charge.properties, aggregations=(aggregation,))
    return charge_fee_json(fee_of(demand, bucket, aggregation, premium=premium))


def aggregation_record(raw: Raw) -> Aggregation:
    custom = raw.get("custom_aggregation") or {}
    return Aggregation(
        units=Decimal(raw["units"]),
        events_count=raw.get("events_count") or 0,
        full_units=_decimal(raw.get("full_units_number")),
        current_usage_units=_decimal(raw.get("current_usage_units")),
        total_aggregated_units=_decimal(raw.get("total_aggregated_units")),
        running_total=_decimals(raw.get("running_total")),
        events=_decimals(raw.get("events")),
        events_prorated=_decimals(raw.get("events_prorated")),
        precise_total_amount_cents=_decimal(raw.get("precise_total_amount_cents")),
        custom_amount=_decimal(custom.get("amount")),
    )


def _decimal(raw: Any) -> Decimal | None:
    return None if raw is None else Decimal(str(raw))


def _decimals(raw: Iterable[Any] | None) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(value)) for value in raw or ())


# --- pay in advance ---


def pay_in_advance(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    raw = given["plan"]["charges"][0]
    charge, metric = charge_record(raw), metric_record(raw["billable_metric"])
    events = event_records(given["events"], "sub")
    timezone = given["customer"]["applicable_timezone"]
    started = moment(given.get("subscription", {}).get("started_at", "2024-01-01T00:00:00Z"))
    found: dict[str, list[dict[str, Any]]] = {}
    with EventSource.from_events(events) as source:
        for window in _months(events, started, timezone, given["plan"]["amount_currency"]):
            for fee in pay_in_advance_fees(source, Demand(window=window, charge=charge, metric=metric)):
                found.setdefault(fee.transaction_id or "", []).append(charge_fee_json(fee))
    return {
        "fees_per_event": [
            {"transaction_id": event.transaction_id, "fees": found.get(event.transaction_id, [])} for event in events
        ]
    }


def _months(events: Iterable[Event], started: datetime, timezone: str, currency: str) -> Iterable[ChargeWindow]:
    """The calendar months that hold events, as usage periods of a subscription."""
    cycle = period.Cycle(interval="monthly")
    for first in sorted({cycle.start(period.local_date(event.timestamp, timezone)) for event in events}):
        yield ChargeWindow(
            external_subscription_id="sub",
            charges_from=max(period.day_start(first, timezone), started),
            charges_to=period.day_end(cycle.end(first), timezone),
            charges_duration=cycle.days(first),
            currency=currency,
            timezone=timezone,
        )


# --- charge minimum, rounding ---


def minimum(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    window = ChargeWindow(
        external_subscription_id="sub",
        charges_from=moment(given["charges_from_datetime"]),
        charges_to=moment(given["charges_to_datetime"]),
        charges_duration=given["charges_duration_in_days"],
        currency=given["amount_currency"],
        timezone=given["timezone"],
        terminated_by_upgrade=given["upgraded"],
    )
    used, precise = given["used_amount_cents"], Decimal(given["used_precise_amount_cents"])
    found = true_up(window, given["min_amount_cents"], used, precise)
    if found is None:
        return {"true_up_fee": None}
    return {
        "true_up_fee": {
            "amount_cents": found.amount_cents,
            "precise_amount_cents": found.precise_amount_cents,
            "unit_amount_cents": found.amount_cents,
            "precise_unit_amount": found.precise_unit_amount,
            "units": 1,
            "events_count": 0,
        }
    }


def rounding(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    metric = metric_record({**given["billable_metric"], "aggregation_type": "sum_agg"})
    return {"units": round_units(replace(metric, recurring=False), Decimal(given["units"]))}


# --- events as they are sent to Lago ---


def ingestion(case: Case) -> Mapping[str, Any]:
    """A timeline whose events arrive as requests: what is accepted, then what is billed from it."""
    from tests.vectors_support.timeline import timeline  # it builds on this module

    given = case["input"]
    if "ingest_through" not in given:
        return timeline(case)
    owner = given["subscriptions"][0]["external_id"]
    requests = [{"external_subscription_id": owner, **raw} for raw in given["events"]]
    take = _batch if given["ingest_through"] == "batch" else _singles
    answers, accepted = take(requests)
    events = [{**raw, "timestamp": _sent_at(raw).isoformat()} for raw in accepted]
    return {**timeline({**case, "input": {**given, "events": events}}), "ingestion": answers}


def _singles(requests: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each request by itself; a transaction is unique within its subscription."""
    accepted: dict[tuple[str, str], dict[str, Any]] = {}
    answers = []
    for raw in requests:
        identity = (raw["external_subscription_id"], raw["transaction_id"])
        error = _error(raw, identity in accepted)
        accepted.setdefault(identity, raw) if error is None else None
        answers.append({"transaction_id": raw["transaction_id"], "accepted": error is None, "error": error})
    return answers, list(accepted.values())


def _batch(requests: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All or nothing, and a transaction is unique within the batch whatever its subscription."""
    seen: set[str] = set()
    errors = {}
    for index, raw in enumerate(requests):
        error = _error(raw, raw["transaction_id"] in seen)
        seen.add(raw["transaction_id"])
        if error is not None:
            errors[str(index)] = error
    answer = {"batch": [raw["transaction_id"] for raw in requests], "accepted": not errors, "error": errors or None}
    return [answer], [] if errors else requests


def _error(raw: Raw, known: bool) -> dict[str, list[str]] | None:
    if known:
        return {"transaction_id": ["value_already_exist"]}
    return {"timestamp": ["invalid_format"]} if _sent_at(raw) is None else None


def _sent_at(raw: Raw) -> Any:
    """Seconds since 1970 with any number of decimals, cut to microseconds; None if it is not a number."""
    try:
        seconds = Decimal(str(raw["timestamp"]).strip())
    except InvalidOperation:
        return None
    micros = int(seconds * 1_000_000)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def current_usage(case: Case) -> Mapping[str, Any]:
    from tests.vectors_support.usage_api import current_usage as answer  # it builds on this module

    return answer(case)


_TIERED = ("graduated", "graduated_percentage", "volume", "prorated_graduated")
_MODELS = ("standard", "package", "percentage", "dynamic", "custom", *_TIERED)

AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = {
    **{f"charge_{name}": model for name in _MODELS},
    "charge_grouped": grouped,
    "charge_min_amount_true_up": minimum,
    "rounding": rounding,
    "events_selection": ingestion,
    "current_usage": current_usage,
    "charge_pay_in_advance": pay_in_advance,
    "charge_filters_pay_in_advance": pay_in_advance,
}
