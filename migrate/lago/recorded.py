"""A recording that answers as Lago does: pages, filters, own pages, error bodies. No network.

Pages are cut anew from all recorded records, so any ``page`` and ``per_page`` works; what cannot be derived from
records (usage, analytics) is answered as it was recorded. It only reads: a write that was recorded gets its recorded
answer, any other is refused. ``lago2odoo extract --recording`` reads from it; ``lago2odoo.sandbox.lago`` puts it
behind HTTP.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from mappings.ranges import YEARS
from migrate.errors import LagoError
from migrate.lago.filters import FILTERS, LAST, Invalid, Keep, Payload, is_time, moment
from migrate.lago.recording import Call, Recording, bundled
from migrate.lago.source import Answer, LagoRefusal, Query
from migrate.rawjson import Piece, members

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: HTTP status and JSON text."""

    status: int
    text: str


def error(status: int, code: str | None = None, details: Mapping[str, Any] | None = None) -> Reply:
    """Lago's error body."""
    names = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
    body: dict[str, Any] = {"status": status, "error": names.get(status, "Unprocessable Entity")}
    if code:
        body["code"] = code
    if details:
        body["error_details"] = details
    return Reply(status, json.dumps(body))


@dataclass(frozen=True, slots=True)
class Shelf:
    """One listable resource: the recording's file, the root of its own page, and the field its page is found by.

    ``own_file``: the own page holds more than the list and was recorded (in that file); without, it is the record of
    the list again. ``optional`` files may be missing from a recording: their list is then empty.
    """

    name: str
    root: str
    key: str = "lago_id"
    own_file: str | None = None
    optional: bool = False
    paged: bool = True


SHELVES: Mapping[str, Shelf] = {
    shelf.name: shelf
    for shelf in (
        Shelf("billing_entities", "billing_entity", key="code", own_file="billing_entities", paged=False),
        Shelf("taxes", "tax", key="code"),
        Shelf("billable_metrics", "billable_metric", key="code", own_file="billable_metrics"),
        Shelf("add_ons", "add_on", key="code"),
        Shelf("coupons", "coupon", key="code"),
        Shelf("plans", "plan", key="code", own_file="plans"),
        Shelf("customers", "customer", key="external_id", own_file="customers"),
        Shelf("subscriptions", "subscription", key="external_id", own_file="subscriptions"),
        Shelf("wallets", "wallet"),
        Shelf("applied_coupons", "applied_coupon"),
        Shelf("invoices", "invoice", own_file="invoices_show"),
        Shelf("fees", "fee"),
        Shelf("credit_notes", "credit_note"),
        Shelf("payments", "payment"),
        Shelf("payment_requests", "payment_request", optional=True),
        Shelf("payment_receipts", "payment_receipt", optional=True),
        Shelf("events", "event", key="transaction_id"),
        Shelf("features", "feature", key="code", optional=True),
        Shelf("webhook_endpoints", "webhook_endpoint", optional=True),
    )
}

# What hangs below a record in the URL, when it is a selection of a list.
OF_CUSTOMER = (
    "applied_coupons",
    "credit_notes",
    "invoices",
    "payments",
    "payment_requests",
    "subscriptions",
    "wallets",
)
# Lists below a record that were recorded with it; true: a record without one is a hole in the recording.
BELOW = {"charges": False, "fixed_charges": False, "payment_methods": False, "wallet_transactions": True}
PREMIUM = {"projected_usage": "projected_usage_not_enabled", "events_enriched": "endpoint_not_available"}
PREMIUM |= dict.fromkeys(("activity_logs", "api_logs", "security_logs", "quotes", "orders"), "feature_unavailable")


STATES = frozenset({"active", "pending", "terminated", "canceled", "incomplete"})  # all that a subscription can be in


class RecordedLago:
    """Lago's answers, made from a recording. Thread-safe; ``records`` may be changed (tests do), then ``touch``."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.records: dict[str, list[Piece]] = {}
        self._lock = threading.RLock()
        self._selected: dict[object, list[Piece]] = {}
        self._replies: dict[tuple[str, str, tuple[tuple[str, str], ...]], Call] = {}
        self._own: dict[tuple[str, str], Piece] = {}
        self._times: list[datetime] = []  # of the events, oldest first
        self._sorted = False
        self._lists: dict[str, str] = {}  # path of a recorded list -> its file
        for name in sorted(recording.names):
            for call in recording.calls(name):
                self._put(name, call)

    def answer(self, method: str, path: str, query: Query = (), body: Any = None) -> Reply:
        """The answer to an authorized call; ``path`` is still percent-encoded. Raises LagoError for a hole."""
        if path == "/health":
            return self._replayed(method, path, ()) or error(404, "resource_not_found")
        parts = [unquote(part) for part in path.removeprefix(API).strip("/").split("/")]
        if not path.startswith(f"{API}/"):  # the second engine: calls are replayed as they were recorded
            return self._replayed(method, path, query) or error(404, "resource_not_found")
        if method != "GET":
            return self._written(method, path, query, body)
        if parts[0] == "customers" and len(parts) > 1 and "." in parts[1]:
            return error(404, "resource_not_found")  # Rails reads the dot as a format
        try:
            return self._get(path, parts, query)
        except Invalid as invalid:
            return error(422, "validation_errors", invalid.details)

    def _get(self, path: str, parts: Sequence[str], query: Query) -> Reply:
        shelf = SHELVES.get(parts[0])
        if shelf and len(parts) == 1:
            return self._list(shelf, query)
        if shelf and len(parts) == 2:
            return self._show(shelf, parts[1], query)
        if len(parts) == 3 and parts[2] in OF_CUSTOMER and parts[0] == "customers":
            return self._list(SHELVES[parts[2]], [*query, ("external_customer_id", parts[1])])
        if len(parts) == 3 and parts[2] in BELOW:
            return self._below(parts, path, query)
        return self._other(path, parts, query)

    def _list(self, shelf: Shelf, query: Query) -> Reply:
        filters = sorted(pair for pair in query if pair[0] not in ("page", "per_page"))
        with self._lock:
            key = (shelf.name, tuple(filters))
            if key not in self._selected:
                self._selected = dict(list(self._selected.items())[-50:])
                self._selected[key] = self._select(shelf, filters)
            lacking = 0 if filters else self.recording.lacking.get(shelf.name, 0)
            return _page(shelf.name, self._selected[key], query, with_meta=shelf.paged, lacking=lacking)

    def _select(self, shelf: Shelf, query: Query) -> list[Piece]:
        known = FILTERS.get(shelf.name, {})
        filters: dict[str, list[Keep]] = {}
        for name, value in query:
            if name in known:
                filters.setdefault(name, []).append(known[name](value))
        if shelf.name == "subscriptions":
            if ("overridden", "true") in query:
                filters["overridden"] = [self._is_overridden]
            # Lago ignores a status that is no array, and then shows the active ones.
            filters.setdefault("status[]", [lambda item: item.get("status") == "active"])
            if {value for name, value in query if name == "status[]"} >= STATES:
                del filters["status[]"]  # whatever state is recorded: who reads it has to name it
        items = self._records(shelf)
        if shelf.name == "events" and self._newest_first(items):
            items = self._in_time(items, dict(query))
            filters = {name: keeps for name, keeps in filters.items() if not name.startswith("timestamp_")}
        return [item for item in items if _passes(item, filters.values())]

    def _newest_first(self, events: list[Piece]) -> bool:
        """Whether they are in the order of Lago's PostgreSQL store, so that a window is one stretch of them."""
        if len(self._times) != len(events):
            self._times = [_when(event) for event in reversed(events)]
            self._sorted = all(a <= b for a, b in pairwise(self._times))
        return self._sorted

    def _in_time(self, events: list[Piece], query: Mapping[str, str]) -> list[Piece]:
        """The stretch of ``events`` (newest first) between timestamp_from and timestamp_to, both included."""
        first = bisect_left(self._times, moment(query["timestamp_from"])) if "timestamp_from" in query else 0
        end = bisect_right(self._times, moment(query["timestamp_to"])) if "timestamp_to" in query else len(events)
        return events[len(events) - end : len(events) - first]

    def _records(self, shelf: Shelf) -> list[Piece]:
        if shelf.name not in self.records:
            path = f"{API}/{shelf.name}"
            file = self._lists.get(path, shelf.name) if shelf.optional else shelf.name
            empty = shelf.optional and path not in self._lists
            self.records[shelf.name] = [] if empty else self.recording.listed(file, path, shelf.name)
        return self.records[shelf.name]

    def _is_overridden(self, item: Payload) -> bool:
        path = f"{API}/subscriptions/{quote(str(item.get('external_id')), safe='')}"
        shown = self._own.get((path, str(item.get("status"))))
        return bool(shown and (shown.value.get("plan") or {}).get("parent_id"))

    def _show(self, shelf: Shelf, key: str, query: Query) -> Reply:
        listed = [item for item in self._records(shelf) if _of(item, shelf.key) == key]
        path = f"{API}/{shelf.name}/{quote(key, safe='')}"
        status = ""
        if shelf.name == "subscriptions":
            status = dict(query).get("status", "active")
            listed = [item for item in listed if _of(item, "status") == status]
        if not listed:
            return error(404, f"{shelf.root}_not_found")
        own_page = self._own.get((path, status))
        if own_page is None and shelf.own_file:
            if self._lacks_pages(shelf):
                raise LagoError(
                    f"recording {self.recording.path}: {shelf.own_file}.jsonl lacks {path} {status}".rstrip()
                )
            return error(404, f"{shelf.root}_not_found")  # Lago's list shows it under an id that no page has
        return Reply(200, f'{{"{shelf.root}":{(own_page or listed[0]).text}}}')

    def _lacks_pages(self, shelf: Shelf) -> bool:
        """Whether pages were not recorded. One that is listed under another id leaves its page without a record."""
        begin, states = f"{API}/{shelf.name}/", shelf.name == "subscriptions"
        listed = {
            (f"{begin}{quote(str(_of(item, shelf.key)), safe='')}", str(_of(item, "status")) if states else "")
            for item in self._records(shelf)
        }
        recorded = {page for page in self._own if page[0].startswith(begin)}
        return len(recorded - listed) < len(listed - recorded)

    def _below(self, parts: Sequence[str], path: str, query: Query) -> Reply:
        """A recorded list below a record. Below a subscription only the active one's were recorded."""
        owner, key, name = parts
        asked = dict(query)
        if owner == "subscriptions":
            query = [pair for pair in query if pair[0] != "subscription_status"]
        if asked.get("subscription_status", "active") != "active":
            return error(404, "subscription_not_found")
        if path in self._lists:
            return _page(name, self._recorded_below(path, name), query)
        shelf = SHELVES.get(owner)
        listed = shelf and any(_of(item, shelf.key) == key for item in self._records(shelf))
        if not shelf or not listed:
            return error(404, f"{shelf.root if shelf else 'resource'}_not_found")
        if BELOW[name]:
            raise LagoError(f"recording {self.recording.path}: {name}.jsonl lacks {path}")
        return _page(name, [], query)

    def _recorded_below(self, path: str, root: str) -> list[Piece]:
        if path not in self.records:
            self.records[path] = self.recording.listed(self._lists[path], path, root)
        return self.records[path]

    def _other(self, path: str, parts: Sequence[str], query: Query) -> Reply:
        replayed = self._replayed("GET", path, query)
        if replayed:
            return replayed
        if parts[-1] in PREMIUM:
            return error(403, PREMIUM[parts[-1]])
        if len(parts) == 3 and parts[0] == "customers" and parts[2] == "current_usage":
            known = any(_of(item, "external_id") == parts[1] for item in self._records(SHELVES["customers"]))
            return error(405, "no_active_subscription") if known else error(404, "customer_not_found")
        if len(parts) == 3 and parts[2] == "lifetime_usage":
            return error(404, "lifetime_usage_not_found")
        return error(404, "resource_not_found")

    def _replayed(self, method: str, path: str, query: Query) -> Reply | None:
        call = self._replies.get((method, path, tuple(sorted(query))))
        return Reply(call.status, call.body.text) if call and call.status != 401 else None

    def _written(self, method: str, path: str, query: Query, body: object) -> Reply:
        """A write that was recorded gets its recorded answer."""
        for call in self.recording.calls("errors") if "errors" in self.recording.names else ():
            if call.method == method and call.path == path and call.request_body == body:
                return Reply(call.status, call.body.text)
        return error(403, "recording_is_read_only")

    def _put(self, name: str, call: Call) -> None:
        """Put a call where ``answer`` finds it."""
        if call.method != "GET":
            return
        self._replies.setdefault((call.method, call.path, tuple(sorted(call.query))), call)
        parts = call.path.removeprefix(f"{API}/").split("/")
        if call.status == 200 and parts[-1] in call.body.value:
            self._lists.setdefault(call.path, name)
        shelf = SHELVES.get(parts[0])
        if shelf and len(parts) == 2 and call.status == 200 and shelf.root in call.body.value:
            piece = members(call.body.text)[shelf.root]
            status = str(_of(piece, "status")) if shelf.name == "subscriptions" else ""
            self._own.setdefault((call.path, status), piece)

    def touch(self) -> None:
        """Forget what was selected from ``records``."""
        with self._lock:
            self._selected.clear()
            self._times.clear()

    def clock(self) -> datetime:
        """The latest moment anything recorded was made: the recording shows the state of then.

        A year that no calendar has is a mistake in a record, and no time to be at.
        """
        fields = ("created_at", "updated_at")
        shelves = ("events", "invoices", "fees", "payments", "subscriptions", "customers")
        times = (
            moment(str(_of(item, name)))
            for shelf in shelves
            for item in self._records(SHELVES[shelf])
            for name in fields
            if is_time(str(_of(item, name)))
        )
        return max((time for time in times if time.year in YEARS), default=datetime(2000, 1, 1, tzinfo=UTC))


def _of(item: Piece, name: str) -> object:
    """A field of a record; a record may be anything that was recorded in its place."""
    return item.value.get(name) if isinstance(item.value, dict) else None


def _passes(item: Piece, filters: Iterable[Sequence[Keep]]) -> bool:
    """Whether a record is shown. What is no object has nothing to be left out for: who reads it has to name it."""
    return not isinstance(item.value, dict) or all(any(keep(item.value) for keep in some) for some in filters)


def _when(event: Piece) -> datetime:
    """When an event happened: Lago's database keeps years that Python has no date for, after all others."""
    text = str(_of(event, "timestamp"))
    return moment(text) if is_time(text) else LAST


def _number(text: str | None, default: int, wrong: int) -> int:
    """Lago's paging parameters: absent, a positive number, or nonsense."""
    if text is None:
        return default
    return int(text) if text.isdecimal() and int(text) > 0 else wrong


def _page(root: str, items: Sequence[Piece], query: Query, *, with_meta: bool = True, lacking: int = 0) -> Reply:
    """``lacking``: how many Lago counted that were not recorded."""
    asked = dict(query)
    if not with_meta:
        return Reply(200, f'{{"{root}":[{_joined(items)}]}}')
    page = _number(asked.get("page"), 1, 1)
    size = _number(asked.get("per_page"), 100, 25)
    total = -(-len(items) // size)
    meta = {
        "current_page": page if items else 0,
        "next_page": page + 1 if page < total else None,
        "prev_page": page - 1 if items and page > 1 else None,
        "total_pages": total,
        "total_count": len(items) + lacking,
    }
    some = items[(page - 1) * size : page * size]
    return Reply(200, f'{{"{root}":[{_joined(some)}],"meta":{json.dumps(meta)}}}')


def _joined(items: Iterable[Piece]) -> str:
    return ",".join(item.text for item in items)


class RecordingSource:
    """A recording as ``migrate.lago.source.Source``."""

    connections = 1  # nothing to wait for
    has_clock = False  # its time is that of its latest record

    def __init__(self, lago: RecordedLago) -> None:
        self.lago = lago
        self.name = str(lago.recording.path)

    @staticmethod
    def open(path: Path | None = None) -> RecordingSource:
        """``path``: directory or archive (default: the bundled NexaSystems). Raises LagoError."""
        return RecordingSource(RecordedLago(Recording.open(path or bundled())))

    def get(self, path: str, query: Query = ()) -> Answer:
        reply = self.lago.answer("GET", path, query)
        answer = members(reply.text)
        if reply.status >= 400:
            code = answer["code"].value if "code" in answer else ""
            raise LagoRefusal(f"{self.name} {path}", reply.status, code)
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def clock(self) -> str:
        return self.lago.clock().isoformat()
