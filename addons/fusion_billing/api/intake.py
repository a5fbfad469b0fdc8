"""Usage events as Lago's API takes them: parsed, checked, and said no to in Lago's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, NoneType
from typing import TypedDict

from ..rating import numbers
from .rows import Given
from .texts import Errors, is_kept, scalar, too_long

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH_LIMIT = 100
UNKNOWN: Mapping[str, str] = MappingProxyType({})
NUMERIC = re.compile(r"\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*\Z", re.IGNORECASE | re.ASCII)
SECONDS = re.compile(r"\s*[+-]?\d[\d_]*(\.\d+)?(e[+-]?\d+)?\s*\Z", re.IGNORECASE | re.ASCII)


class TakenEvent(TypedDict):
    """Values of a row of ``fusion.billing.usage``."""

    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: datetime
    timestamp_us: int
    received_at: datetime
    received_us: int
    properties: str
    precise_total_amount_cents: str | None


def event_time(value: object, now: datetime) -> datetime | None:
    """Seconds since 1970 as number or text, cut to microseconds; nothing is ``now``; None: no time, as is ""."""
    if value is None:
        return now
    seconds = numbers.parsed(value)
    if seconds is None or not SECONDS.match(str(value)):
        return None
    try:
        moment = EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        return None
    return moment if is_kept(moment) else None


def event_amount(value: object) -> str | None:
    """``precise_total_amount_cents`` in plain notation; None: nothing that is a number. Raises ValueError: too large.

    Lago drops what is no number.
    """
    if value in (None, "") or isinstance(value, bool):
        return None
    number = numbers.parsed(value)
    if number is not None:
        return f"{number:f}"
    if NUMERIC.match(str(value)):
        raise ValueError("a number of too many digits")
    return None


def event_row(event: Given, now: datetime, valued: Mapping[str, str] = UNKNOWN) -> tuple[TakenEvent | None, Errors]:
    """(row of ``fusion.billing.usage``, {}) or (None, {field: [code]}).

    ``valued``: code of a metric -> the property that it takes a number from.
    """
    at = event_time(event.get("timestamp"), now)
    errors = event_errors(event, valued)
    if at is None:
        errors["timestamp"] = ["invalid_format"]
    if errors or at is None:
        return None, errors
    return {
        "transaction_id": scalar(event["transaction_id"]) or "",
        "external_subscription_id": scalar(event.get("external_subscription_id")) or "",
        "code": scalar(event.get("code")) or "",
        "timestamp": at.replace(microsecond=0, tzinfo=None),
        "timestamp_us": at.microsecond,
        "received_at": now.replace(microsecond=0, tzinfo=None),
        "received_us": now.microsecond,
        "properties": json.dumps(event.get("properties") or {}, ensure_ascii=False, default=str),
        "precise_total_amount_cents": event_amount(event.get("precise_total_amount_cents")),
    }, {}


def event_errors(event: Given, valued: Mapping[str, str]) -> Errors:
    """What no event may hold, whatever its time: {field: [code]}."""
    errors = too_long(event, ("transaction_id", "external_subscription_id", "code"))
    if not scalar(event.get("transaction_id")):
        errors["transaction_id"] = ["value_is_mandatory"]
    properties = event.get("properties")
    if not isinstance(properties, (Mapping, NoneType)):
        errors["properties"] = ["invalid_format"]
    elif not _is_ratable((properties or {}).get(valued.get(scalar(event.get("code")) or "", ""))):
        errors["properties"] = ["value_is_out_of_range"]
    try:
        event_amount(event.get("precise_total_amount_cents"))
    except ValueError:
        errors["precise_total_amount_cents"] = ["value_is_out_of_range"]
    return errors


def _is_ratable(value: object) -> bool:
    """A metric's value that is no number is not counted, as in Lago; one of too many digits could not be billed."""
    looks = isinstance(value, (int, float)) or (isinstance(value, str) and NUMERIC.match(value))
    return not looks or isinstance(value, bool) or numbers.parsed(value) is not None


def batch_rows(
    events: Sequence[Given],
    now: datetime,
    taken: frozenset[tuple[str, str]] = frozenset(),
    valued: Mapping[str, str] = UNKNOWN,
) -> tuple[list[TakenEvent], dict[str, Errors]]:
    """(rows, {}) or ([], {index: errors}): one bad event refuses the whole batch. ``valued``: as for ``event_row``.

    ``taken``: (external subscription, transaction) already stored. Within a batch a transaction id is used once only,
    whatever its subscription.
    """
    rows: list[TakenEvent] = []
    errors: dict[str, Errors] = {}
    seen: set[str] = set()
    for index, event in enumerate(events):
        row, wrong = event_row(event, now, valued)
        if row is not None:
            key = (row["external_subscription_id"], row["transaction_id"])
            if key in taken or row["transaction_id"] in seen:
                wrong = {"transaction_id": ["value_already_exist"]}
            seen.add(row["transaction_id"])
            rows.append(row)
        if wrong:
            errors[str(index)] = wrong
    return ([], errors) if errors else (rows, {})
