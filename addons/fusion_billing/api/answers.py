"""Lago's answers: error bodies, paging, and the shapes of the objects that apps read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from .rows import Answer, EventRow, Given

T = TypeVar("T")

NAMES = uuid.UUID("6f1f1c1e-6f0a-5d0e-9f4e-0d1c7a0f2b11")
PER_PAGE = 100
PAGE_DIGITS = 9  # page times page size must fit a database's offset
VARIANT = 1 << 63  # of a UUID: the first bits of its second half


class Refused(Exception):
    """An answer that is not 200: ``status`` and the JSON ``body``."""

    def __init__(self, status: int, body: Given) -> None:
        super().__init__(body.get("code") or body["error"])
        self.status = status
        self.body = {"status": status, **body}


def bad_request(text: str) -> Refused:
    return Refused(400, {"error": f"BadRequest: {text}"})


def missing(root: str) -> Refused:
    return bad_request(f"param is missing or the value is empty or invalid: {root}")


def unauthorized() -> Refused:
    return Refused(401, {"error": "Unauthorized"})


def not_found(resource: str) -> Refused:
    return Refused(404, {"error": "Not Found", "code": f"{resource}_not_found"})


def not_allowed(code: str) -> Refused:
    return Refused(405, {"error": "Method Not Allowed", "code": code})


def elsewhere(code: str, instead: str) -> Refused:
    """A call of Lago's that is not done here: what it is called, and where to do it instead."""
    return Refused(405, {"error": "Method Not Allowed", "code": code, "error_details": {"instead": [instead]}})


def invalid(details: Given) -> Refused:
    body = {"error": "Unprocessable Entity", "code": "validation_errors", "error_details": dict(details)}
    return Refused(422, body)


def too_late() -> Refused:
    """Other requests changed the same records again and again: nothing was done, and it may be asked again."""
    return Refused(422, {"error": "Unprocessable Entity", "code": "failed_to_acquire_lock"})


def broken() -> Refused:
    """A bug of ours: its details belong in the log, not in the answer."""
    return Refused(500, {"error": "Internal Server Error", "code": "internal_error"})


def root(body: object, name: str, kind: type[T]) -> T:
    """The object under its root key, or Lago's 400."""
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, kind) or not value:
        raise missing(name)
    return value


def page(query: Mapping[str, str]) -> tuple[int, int]:
    """(page, per page) of a list; what is no positive number falls back as in Lago."""
    return positive(query.get("page"), 1, 1), positive(query.get("per_page"), PER_PAGE, 25)


def positive(text: str | None, missing_value: int, wrong_value: int) -> int:
    if text is None:
        return missing_value
    known = text.isascii() and text.isdigit() and len(text) <= PAGE_DIGITS
    return int(text) if known and int(text) > 0 else wrong_value


def meta(number: int, per_page: int, total: int) -> Answer:
    pages = -(-total // per_page)
    return {
        "current_page": number if total else 0,
        "next_page": number + 1 if number < pages else None,
        "prev_page": number - 1 if 1 < number <= pages else None,
        "total_pages": pages,
        "total_count": total,
    }


def page_of(name: str, rows: Sequence[Answer], query: Mapping[str, str]) -> Answer:
    """The page of a list that was made before."""
    number, per_page = page(query)
    shown = list(rows[(number - 1) * per_page :][:per_page])
    return {name: shown, "meta": meta(number, per_page, len(rows))}


def empty_page(name: str, query: Mapping[str, str]) -> Answer:
    """A list of what nobody can have here."""
    return page_of(name, (), query)


def seconds(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def millis(at: datetime | None, microseconds: int = 0) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{microseconds // 1000:03d}Z" if at else None


def stable_id(kind: str, number: int) -> str:
    """The UUID under which a row without one of its own is shown; ``row_number`` reads it back."""
    return str(uuid.UUID(bytes=uuid.uuid5(NAMES, kind).bytes[:8] + (VARIANT | number).to_bytes(8, "big")))


def row_number(kind: str, text: str) -> int:
    """The row that ``stable_id`` named so; 0 if it named none."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return 0
    number = int.from_bytes(found.bytes[8:], "big") & ~VARIANT
    return number if number < 2**31 and stable_id(kind, number) == str(found) else 0


def event(row: EventRow) -> Answer:
    """A row of ``fusion.billing.usage`` as Lago shows an event."""
    return {
        "lago_id": stable_id("event", row["id"]),
        "transaction_id": row["transaction_id"],
        "lago_customer_id": None,
        "code": row["code"],
        "timestamp": millis(row["timestamp"], row["timestamp_us"] or 0),
        "precise_total_amount_cents": row["precise_total_amount_cents"] or None,
        "properties": json.loads(row["properties"] or "{}"),
        "lago_subscription_id": None,
        "external_subscription_id": row["external_subscription_id"],
        "created_at": seconds(row["received_at"]),
    }
