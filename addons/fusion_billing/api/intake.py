"""Usage events as Lago's API takes them: parsed, checked, and said no to in Lago's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

Errors = dict[str, list[str]]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
BATCH_LIMIT = 100
SECONDS = re.compile(r"\s*[+-]?\d[\d_]*(\.\d+)?(e[+-]?\d+)?\s*\Z", re.IGNORECASE | re.ASCII)


def event_time(value: Any, now: datetime) -> datetime | None:
    """Seconds since 1970 as number or text, cut to microseconds; nothing is ``now``; None: not a time."""
    if value is None or value == "":
        return now
    if isinstance(value, bool) or not SECONDS.match(str(value)):
        return None
    try:
        moment = EPOCH + timedelta(microseconds=int(Decimal(str(value).strip()) * 1_000_000))
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return moment if moment <= LATEST else None


def event_amount(value: Any) -> str | None:
    """``precise_total_amount_cents`` in plain notation, or None."""
    if value in (None, "") or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return f"{number:f}" if number.is_finite() else None


def event_row(event: Mapping[str, Any], now: datetime) -> tuple[dict[str, Any] | None, Errors]:
    """(row of ``fusion.billing.usage``, {}) or (None, {field: [code]})."""
    at = event_time(event.get("timestamp"), now)
    errors: Errors = {}
    if not event.get("transaction_id"):
        errors["transaction_id"] = ["value_is_mandatory"]
    if at is None:
        errors["timestamp"] = ["invalid_format"]
    if errors or at is None:
        return None, errors
    return {
        "transaction_id": str(event["transaction_id"]),
        "external_subscription_id": str(event.get("external_subscription_id") or ""),
        "code": str(event.get("code") or ""),
        "timestamp": at.replace(microsecond=0, tzinfo=None),
        "timestamp_us": at.microsecond,
        "received_at": now.replace(microsecond=0, tzinfo=None),
        "received_us": now.microsecond,
        "properties": json.dumps(event.get("properties") or {}, ensure_ascii=False, default=str),
        "precise_total_amount_cents": event_amount(event.get("precise_total_amount_cents")),
    }, {}


def batch_rows(
    events: Sequence[Mapping[str, Any]], now: datetime, taken: frozenset[tuple[str, str]] = frozenset()
) -> tuple[list[dict[str, Any]], dict[str, Errors]]:
    """(rows, {}) or ([], {index: errors}): one bad event refuses the whole batch.

    ``taken``: (external subscription, transaction) already stored. Within a batch a transaction id is used once only,
    whatever its subscription.
    """
    rows: list[dict[str, Any]] = []
    errors: dict[str, Errors] = {}
    seen: set[str] = set()
    for index, event in enumerate(events):
        row, wrong = event_row(event, now)
        if row is not None:
            key = (row["external_subscription_id"], row["transaction_id"])
            if key in taken or row["transaction_id"] in seen:
                wrong = {"transaction_id": ["value_already_exist"]}
            seen.add(row["transaction_id"])
            rows.append(row)
        if wrong:
            errors[str(index)] = wrong
    return ([], errors) if errors else (rows, {})
