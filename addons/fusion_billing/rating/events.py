"""Which events count: windows, values, filters and groups, as Lago reads them from PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .exact import decimal
from .inputs import Charge, ChargeFilter, Metric
from .moments import moment
from .numbers import rated
from .rows import Json, Properties, UsageRow

FEW_BITS = 64  # an integer that is written at once
NUMERIC = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
DIGITS = "[0-9]+(?:_[0-9]+)*"
WRITTEN = re.compile(rf"[+-]?(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:[eE][+-]?[0-9]{{1,4}})?\Z")
ALL_VALUES = "__ALL_FILTER_VALUES__"
Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``order`` breaks ties of equal timestamps (order of arrival)."""

    at: datetime
    order: int
    transaction_id: str
    properties: Mapping[str, Json]
    cents: Decimal | None = None
    received: datetime | None = None

    def text(self, key: str) -> str | None:
        return as_text(self.properties.get(key))


def as_text(value: Json) -> str | None:
    """A JSON value as PostgreSQL's ``->>`` gives it: 1e3 is 1000, true is "true", null is nothing. Raises Unratable."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= FEW_BITS:
        return str(value)
    if isinstance(value, (int, float, Decimal)):
        return f"{rated(value):f}"
    return json.dumps(value, ensure_ascii=False, default=str)


def number(text: str | None) -> Decimal | None:
    """The value of a numeric property; texts such as ``1e3``, ``+5`` or ``.5`` are none. Raises Unratable."""
    return rated(text) if text is not None and NUMERIC.match(text) else None


def written_number(text: str | None) -> Decimal | None:
    """The value of an event that is paid at once, in more forms: ``1e3`` and ``1_000`` are 1000. Raises Unratable."""
    known = (text or "").strip()
    return rated(known.replace("_", "")) if WRITTEN.match(known) else number(text)


def read_events(usage: Iterable[UsageRow]) -> dict[tuple[str, str], list[Event]]:
    """Rows of usage as events in time order, per (external subscription, metric code). Shape: see the package."""
    events: dict[tuple[str, str], list[Event]] = {}
    for order, row in enumerate(usage):
        events.setdefault((row["external_subscription_id"], row["code"]), []).append(read_event(row, order))
    for rows in events.values():
        rows.sort(key=lambda event: (event.at, event.order))
    return events


def read_event(row: UsageRow, order: int) -> Event:
    at = moment(row["timestamp"], row.get("timestamp_us") or 0)
    if at is None:
        raise ValueError(f"event {row.get('transaction_id')} has no timestamp")
    amount = row.get("precise_total_amount_cents")
    return Event(
        at=at,
        order=order,
        transaction_id=row.get("transaction_id") or "",
        properties=read_properties(row.get("properties")),
        cents=None if amount in (None, "", False) else decimal(amount),
        received=moment(row.get("received_at"), row.get("received_us") or 0),
    )


def read_properties(stored: str | Mapping[str, Json] | bool | None) -> Mapping[str, Json]:
    """An event's properties; what is no object holds none, as in Lago. Decimals stay as they are written."""
    value = json.loads(stored, parse_float=Decimal) if isinstance(stored, str) and stored else stored
    return value if isinstance(value, Mapping) else {}


def floor_millisecond(at: datetime) -> datetime:
    """The lower bound of a window has only milliseconds."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def within(events: Sequence[Event], start: datetime | None, end: datetime) -> list[Event]:
    """Events of the window, both ends included; no ``start``: from the beginning of history."""
    low = floor_millisecond(start) if start else None
    return [event for event in events if event.at <= end and (low is None or event.at >= low)]


def events_known(events: Iterable[Event], at: datetime) -> list[Event]:
    """Those that had come by ``at``; one of which nobody says when it came had."""
    return [event for event in events if event.received is None or event.received <= at]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A charge filter, or (``filter`` None) what no filter takes."""

    filter: ChargeFilter | None
    properties: Properties
    events: list[Event]

    @property
    def filter_id(self) -> str:
        return self.filter.lago_id if self.filter else ""


Values = dict[str, frozenset[str]]


def declared(metric: Metric) -> Values:
    return {entry.key: entry.values for entry in metric.filters}


def expanded(values: Mapping[str, Sequence[str]], known: Values) -> Values:
    """``__ALL_FILTER_VALUES__`` stands for the values that the metric declares."""
    return {
        key: known.get(key, frozenset()) if ALL_VALUES in listed else frozenset(listed)
        for key, listed in values.items()
    }


def matches(event: Event, values: Values) -> bool:
    return all(event.text(key) in listed for key, listed in values.items())


def takes_over(child: Values, child_older: bool, parent: Values) -> bool:
    """Does ``child`` (another filter of the charge) take its events away from ``parent``?

    A filter with more keys does; one with the same keys only if it is narrower, or equal and older. Filters that
    merely overlap both count the event.
    """
    if not all(key in child and child[key] & values for key, values in parent.items()):
        return False
    if child.keys() != parent.keys():
        return True
    if child == parent:
        return child_older
    return all(child[key] <= values for key, values in parent.items())


def buckets(charge: Charge, metric: Metric, events: Sequence[Event]) -> list[Bucket]:
    """The charge's filters in order, then its default bucket, each with its events."""
    known = declared(metric)
    values = [expanded(entry.values, known) for entry in charge.filters]
    found: list[Bucket] = []
    for index, entry in enumerate(charge.filters):
        others = [v for i, v in enumerate(values) if i != index and takes_over(v, i < index, values[index])]
        taken = [e for e in events if matches(e, values[index]) and not any(matches(e, v) for v in others)]
        found.append(Bucket(entry, entry.properties, taken))
    rest = [event for event in events if not any(matches(event, v) for v in values)]
    return [*found, Bucket(None, charge.properties, rest)]


def filter_of(event: Event, charge: Charge, metric: Metric) -> ChargeFilter | None:
    """The one filter that prices an event paid in advance: most keys first, then the first one."""
    known = declared(metric)
    fitting = [entry for entry in charge.filters if matches(event, expanded(entry.values, known))]
    return max(fitting, key=lambda entry: len(entry.values)) if fitting else None


def group_keys(properties: Properties) -> tuple[str, ...]:
    return tuple(properties.get("pricing_group_keys") or properties.get("grouped_by") or ())


def group_of(event: Event, keys: Sequence[str]) -> Group:
    return tuple(event.text(key) for key in keys)


def shown(keys: Sequence[str], group: Group) -> dict[str, str | None]:
    """A group as it is presented: an empty text is nothing."""
    return {key: value or None for key, value in zip(keys, group, strict=True)}


def by_group(events: Iterable[Event], keys: Sequence[str]) -> dict[Group, list[Event]]:
    groups: dict[Group, list[Event]] = {}
    for event in events:
        groups.setdefault(group_of(event, keys), []).append(event)
    return groups


def same_group(event: Event, keys: Sequence[str], group: Group) -> bool:
    """Lago's second look at a group (running totals, single events): texts only, and "" is the same as nothing."""
    for key, wanted in zip(keys, group, strict=True):
        value = event.properties.get(key)
        if (value or None) != (wanted or None) if wanted else as_text(value) not in (None, ""):
            return False
    return True
