"""How Lago takes in events sent singly or in a batch (facts §1.6): which are accepted, with which time.

Only the vectors need it: the product reads events that Lago has accepted already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

Raw = Mapping[str, Any]
_SECONDS = re.compile(r"\s*[-+]?\d+(\.\d+)?([eE][-+]?\d+)?\s*\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DUPLICATE = {"transaction_id": ["value_already_exist"]}
BAD_TIME = {"timestamp": ["invalid_format"]}


def taken_in(given: Raw) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(events accepted, with ISO timestamps; what the requests answered)."""
    return _batch(given["events"]) if given["ingest_through"] == "batch" else _singly(given["events"])


def _singly(events: list[Raw]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    accepted, answers = [], []
    seen: set[tuple[str | None, str]] = set()
    for event in events:
        identity = (event.get("external_subscription_id"), event["transaction_id"])
        error = None if seconds(event["timestamp"]) is not None else BAD_TIME
        error = error or (DUPLICATE if identity in seen else None)
        if error is None:
            seen.add(identity)
            accepted.append(_timed(event))
        answers.append({"transaction_id": event["transaction_id"], "accepted": error is None, "error": error})
    return accepted, answers


def _batch(events: list[Raw]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All or nothing; within a batch an id must be unique whatever the subscription."""
    errors: dict[str, Any] = {}
    seen: set[str] = set()
    for index, event in enumerate(events):
        if seconds(event["timestamp"]) is None:
            errors[str(index)] = BAD_TIME
        elif event["transaction_id"] in seen:
            errors[str(index)] = DUPLICATE
        seen.add(event["transaction_id"])
    names = [event["transaction_id"] for event in events]
    accepted = [] if errors else [_timed(event) for event in events]
    return accepted, [{"batch": names, "accepted": not errors, "error": errors or None}]


def seconds(timestamp: Any) -> Decimal | None:
    """Seconds since 1970 as a request may write them; None if they are no number."""
    if isinstance(timestamp, str):
        return Decimal(timestamp.strip()) if _SECONDS.match(timestamp) else None
    return Decimal(timestamp)


def _timed(event: Raw) -> dict[str, Any]:
    moment = seconds(event["timestamp"])
    assert moment is not None
    micros = int((moment * 1_000_000).to_integral_value(rounding=ROUND_FLOOR))
    return {**event, "timestamp": (_EPOCH + timedelta(microseconds=micros)).isoformat()}
