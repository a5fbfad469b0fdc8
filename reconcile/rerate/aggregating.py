"""Demands -> buckets of units, set-wise in DuckDB over the events (facts/lago-billing §5).

    aggregate(source, demands)  ->  for each demand (a charge in a window) its buckets of units

All demands of a period are answered together: one pass over the events per class of demands (same property, same
filter and group keys), never one query per subscription. In-memory events (tests, single questions) go the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Any

from reconcile.rating.advance import fees_of_events
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.buckets import Bucket, Picked, answer_of, text_keys
from reconcile.rating.demand import Demand
from reconcile.rating.fees import ChargeFee
from reconcile.rating.metric_rounding import rounded
from reconcile.rating.pg_numeric import WIDE
from reconcile.rating.refusal import RerateRefused, in_range
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.scope import Use
from reconcile.rating.usage_keys import pointer
from reconcile.rerate import sql_sums
from reconcile.rerate.event_source import EventSource, Numbered, readable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def aggregate(
    source: EventSource, demands: Sequence[Demand], *, rules: Rules = LATEST, in_bulk: bool = True
) -> Iterator[tuple[int, tuple[Bucket, ...] | RerateRefused]]:
    """(index of the demand, its buckets in billing order) for every demand; a refused one gives its refusal.

    ``in_bulk`` False answers every demand event by event (the reference, slower). Raises RerateRefused for events that
    cannot be read.
    """
    plain, others = _sorted(demands, rules, in_bulk)
    with readable("events"):
        for (kind, field), members in plain.items():
            yield from _in_bulk(source, kind, field, members, rules)
        for members in _classes(others, rules).values():
            yield from _one_by_one(source, members, rules)


def _sorted(
    demands: Sequence[Demand], rules: Rules, in_bulk: bool
) -> tuple[dict[tuple[str, str | None], list[Numbered]], list[Numbered]]:
    """The plain demands by query and property, and the others."""
    plain: dict[tuple[str, str | None], list[Numbered]] = {}
    others: list[Numbered] = []
    places: dict[tuple[int, int], list[Numbered]] = {}  # demands share charges and metrics: look at each pair once
    for numbered in enumerate(demands):
        demand = numbered[1]
        pair = (id(demand.charge), id(demand.metric))
        place = places.get(pair)
        if place is None:
            kind = sql_sums.plain_kind(demand, rules) if in_bulk else None
            place = others if kind is None else plain.setdefault((kind, demand.metric.field_name), [])
            places[pair] = place
        place.append(numbered)
    return plain, others


# --- fees of single events ---


def pay_in_advance_fees(
    source: EventSource, demand: Demand, *, rules: Rules = LATEST, premium: bool = True
) -> tuple[ChargeFee, ...]:
    """The fees of every event in the window, in the order Lago received the events. Raises RerateRefused."""
    ((_, fees),) = advance_fees(source, [demand], rules=rules, premium=premium)
    if isinstance(fees, RerateRefused):
        raise fees
    return fees


def advance_fees(
    source: EventSource, demands: Sequence[Demand], *, rules: Rules = LATEST, premium: bool = True
) -> Iterator[tuple[int, tuple[ChargeFee, ...] | RerateRefused]]:
    """(index of the demand, the fees of its events in the order Lago received them), each demand's events read once."""
    with readable("events"):
        for kind, members in _classes(list(enumerate(demands)), rules).items():
            for index, events in _events_of(source, members, kind.keys):
                try:
                    yield index, fees_of_events(demands[index], kind.keys, events, rules=rules, premium=premium)
                except RerateRefused as refused:
                    yield index, refused


# --- plain demands: inside DuckDB ---


def _in_bulk(
    source: EventSource, kind: str, field: str | None, members: Sequence[Numbered], rules: Rules
) -> Iterator[tuple[int, tuple[Bucket, ...] | RerateRefused]]:
    left = dict(members)
    misfits: list[Numbered] = []
    with source.demanded(members) as paired:
        for index, aggregation in sql_sums.answer(source.db, kind, pointer(field or ""), paired):
            demand = left.pop(index)
            if aggregation is None:
                misfits.append((index, demand))
            else:
                yield index, _plain_answer(demand, aggregation)
    for index, demand in left.items():
        yield index, answer_of(demand, (), [], rules)
    if misfits:
        yield from _one_by_one(source, misfits, rules)


def _plain_answer(demand: Demand, aggregation: Aggregation) -> tuple[Bucket, ...] | RerateRefused:
    properties = demand.charge.properties
    if demand.metric.rounding_function is not None:
        try:
            with localcontext(WIDE), in_range():
                aggregation = rounded(demand.metric, aggregation)
        except RerateRefused as refused:
            return refused
    return (Bucket(filter=None, position=None, properties=properties, aggregations=(aggregation,)),)


# --- demands that need the same columns are answered together ---


@dataclass(frozen=True, slots=True)
class _Class:
    """What the selection of events depends on: the aggregated property and the keys of filters and groups."""

    field: str | None
    keys: tuple[str, ...]


def _classes(demands: Sequence[Numbered], rules: Rules) -> dict[_Class, list[Numbered]]:
    members: dict[_Class, list[Numbered]] = {}
    for index, demand in demands:
        members.setdefault(_Class(demand.metric.field_name, text_keys(demand, rules)), []).append((index, demand))
    return members


# --- events of the demands, one by one ---


def _one_by_one(
    source: EventSource, members: Sequence[Numbered], rules: Rules
) -> Iterator[tuple[int, tuple[Bucket, ...] | RerateRefused]]:
    keys = next(iter(_classes([members[0]], rules))).keys
    demands = dict(members)
    for index, events in _events_of(source, members, keys):
        yield index, answer_of(demands[index], keys, events, rules)


def _events_of(
    source: EventSource, members: Sequence[Numbered], keys: tuple[str, ...]
) -> Iterator[tuple[int, list[Picked]]]:
    """Each demand's events by time, none for some. Only one demand's events are held at a time."""
    answered = set()
    for index, rows in groupby(_select(source, members, keys), key=lambda row: row[0]):
        answered.add(index)
        yield index, [picked for _, picked in rows]
    yield from ((index, []) for index, _ in members if index not in answered)


def _select(source: EventSource, members: Sequence[Numbered], keys: tuple[str, ...]) -> Iterator[tuple[int, Picked]]:
    """The demands' events in order: (index, event). Read in batches, so that memory stays bounded."""
    field = members[0][1].metric.field_name
    with source.demanded(members) as paired:
        result = source.db.execute(_selection(keys, paired), [pointer(name) for name in (field or "", *keys)])
        while rows := result.fetchmany(50_000):
            yield from (_picked(row, len(keys)) for row in rows)


def _selection(keys: tuple[str, ...], paired: str) -> str:
    texts = "".join(
        f", json_extract_string(properties, ${n}), json_type(properties, ${n})" for n in range(2, len(keys) + 2)
    )
    return f"""
        select demand, timestamp, json_extract_string(properties, $1), json_type(properties, $1),
               json_extract_string(properties, '/operation_type'), precise_total_amount_cents, created_at,
               transaction_id, position{texts}
        from ({paired}) join (select demand, pair from demands) using (pair)
        order by demand, timestamp, created_at, position"""  # noqa: S608 (only parameter numbers)


def _picked(row: Sequence[Any], keys: int) -> tuple[int, Picked]:  # Any: a row of DuckDB's, by its query above
    demand, moment, value, json_type, operation, cents, received, transaction_id, position, *texts = row
    use = Use(
        moment=moment.replace(tzinfo=UTC),
        value=value,
        json_type=json_type,
        operation=operation,
        cents=None if cents is None else Decimal(cents),
        received=received and received.replace(tzinfo=UTC),
    )
    order = (use.received or _EPOCH, position)
    return demand, Picked(use, tuple(texts[0 : 2 * keys : 2]), tuple(texts[1 : 2 * keys : 2]), transaction_id, order)
