"""Events -> units: which events count for which bucket, set-wise in DuckDB over Parquet (facts/lago-billing §5).

    aggregate(source, demands)  ->  for each demand (a charge in a window) its buckets of units

All demands of a period are answered together: one pass over the events per class of demands (same property, same
filter and group keys), never one query per subscription. In-memory events (tests, single questions) go the same way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mappings.records import ChargeFilter, Event, Json
from mappings.text import plain
from reconcile import bulk
from reconcile.aggregate import NOTHING, Scope, Start, Use, aggregate_scope, rounded
from reconcile.exact import WIDE, numeric
from reconcile.filters import DEFAULT, buckets_of, check_filters
from reconcile.rate import Aggregation
from reconcile.refusal import Refused
from reconcile.rules import LATEST, Rules
from reconcile.tiers import ZERO
from reconcile.usage_keys import group_keys, pointer
from reconcile.windows import ChargeWindow, Demand

Thing = TypeVar("Thing")
Numbered = tuple[int, Demand]
Texts = tuple[str | None, ...]  # values of a bucket's group keys
_MANY = 1_000  # rows
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT, _TIME = pa.string(), pa.timestamp("us")
_COLUMNS: Mapping[str, pa.DataType] = {
    "transaction_id": _TEXT,
    "external_subscription_id": _TEXT,
    "code": _TEXT,
    "timestamp": _TIME,
    "created_at": _TIME,
    "properties": _TEXT,
    "precise_total_amount_cents": _TEXT,
    "lago_id": _TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One filter of a charge (None: the default bucket, or no filters) and its units, one entry per pricing group."""

    filter: ChargeFilter | None
    position: int | None  # of the filter; None for the default bucket
    properties: Json
    aggregations: tuple[Aggregation, ...]


class Store(StrEnum):
    """Where Lago kept the events: it decides which repeated ones count (facts §9.2).

    PostgreSQL refuses a transaction twice in a subscription: the first one counts. ClickHouse takes all; only an
    organization with deduplication counts the last received of those with the same code, transaction and time.
    """

    POSTGRES = "postgres"
    CLICKHOUSE = "clickhouse"
    CLICKHOUSE_DEDUPLICATED = "clickhouse_deduplicated"


_SAME = {
    Store.POSTGRES: ("external_subscription_id, transaction_id", "created_at, position"),
    Store.CLICKHOUSE_DEDUPLICATED: (
        "external_subscription_id, code, transaction_id, timestamp",
        "created_at desc, position desc",
    ),
}


_FIRST_OF_SAME = (
    "with repeated as (select IDENTITY from before group by all having count(*) > 1)"
    " select * from before anti join repeated using (IDENTITY)"
    " union all by name select * from before semi join repeated using (IDENTITY)"
    " qualify row_number() over (partition by IDENTITY order by ORDER) = 1"
)


class EventSource:
    """The usage events of one Lago, opened for aggregating. Close it (or use ``with``) when done."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self.db = db
        self.layers = 0
        self.is_view = False

    def __enter__(self) -> EventSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()

    @classmethod
    def from_parquet(cls, folder: Path, *, memory_limit: str | None = None, threads: int | None = None) -> EventSource:
        """Events as ``migrate.events`` wrote them. Raises Refused when a file is not of that shape."""
        source = cls(_connect(memory_limit, threads))
        if next(folder.rglob("*.parquet"), None) is None:
            source.db.execute(f"create table events ({_ddl()}, position bigint)")
            return source
        with readable(str(folder)):
            source.db.read_parquet(
                f"{folder}/**/*.parquet", hive_partitioning=False, file_row_number=True, union_by_name=True
            ).create_view("files")
            source.db.execute("create view events as select *, file_row_number as position from files")
            source.is_view = True
        source._check(str(folder))
        return source

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> EventSource:
        """Events in memory, in the order Lago received them (the tie-break when times are equal)."""
        source = cls(_connect(None, 1))
        source.db.register("listed", _arrow(events))
        source.db.execute("create table events as select * from listed")
        source.db.unregister("listed")
        return source

    def deduplicate(self, store: Store) -> int:
        """Leave out repeated events as ``store`` does; returns how many. Events of an extract have none (see there).

        ClickHouse keeps milliseconds only, so times are cut to them.
        """
        total = self._count()
        if store is not Store.POSTGRES:
            self._replace("select * replace (date_trunc('millisecond', timestamp) as timestamp) from before")
        if store in _SAME:
            identity, order = _SAME[store]
            self._replace(_FIRST_OF_SAME.replace("IDENTITY", identity).replace("ORDER", order))
        return total - self._count()

    def _replace(self, query: str) -> None:
        """``events`` becomes ``query`` over what it was (``before``)."""
        self.layers += 1
        kind = "view" if self.is_view else "table"
        self.db.execute(f"alter {kind} events rename to events_{self.layers}")
        self.db.execute(f"create view events as {query.replace('before', f'events_{self.layers}')}")
        self.is_view = True

    def _count(self) -> int:
        ((rows,),) = self.db.execute("select count(*) from events").fetchall()
        return int(rows)

    @contextmanager
    def demanded(self, members: Sequence[Numbered]) -> Iterator[str]:
        """Within: the tables of ``members`` (see ``_tables``). Gives the query of their events, each with its pair."""
        tables = _tables(members)
        for name, table in tables.items():
            self._hold(name, table)
        try:
            yield PAIRED + _bounds(tables)
        finally:
            for name, table in tables.items():
                self._drop(name, table)

    def _hold(self, name: str, table: pa.Table) -> None:
        """A table of DuckDB's own is joined in half the time of a registered one, but takes a while to make."""
        if table.num_rows < _MANY:
            self.db.register(name, table)
        else:
            self.db.from_arrow(table).create(name)

    def _drop(self, name: str, table: pa.Table) -> None:
        if table.num_rows < _MANY:
            self.db.unregister(name)
        else:
            self.db.execute(f"drop table {name}")

    def _check(self, place: str) -> None:
        found = {name: kind for name, kind, *_ in self.db.execute("describe events").fetchall()}
        for name, kind in _COLUMNS.items():
            expected = "TIMESTAMP" if kind == _TIME else "VARCHAR"
            if found.get(name) != expected:
                raise Refused(
                    "bad_event_file", f"{place}: column {name} is {found.get(name, 'missing')}, not {expected}"
                )


@contextmanager
def readable(place: str) -> Iterator[None]:
    """Events that DuckDB cannot read (no Parquet, cut off, malformed JSON...) are refused by name and place."""
    try:
        yield
    except duckdb.Error as error:
        raise Refused("bad_event_file", f"{place}: {str(error).splitlines()[0]}") from None


def aggregate(
    source: EventSource, demands: Sequence[Demand], *, rules: Rules = LATEST, in_bulk: bool = True
) -> Iterator[tuple[int, tuple[Bucket, ...] | Refused]]:
    """(index of the demand, its buckets in billing order) for every demand; a refused one gives its refusal.

    ``in_bulk`` False answers every demand event by event (the reference, slower). Raises Refused for unreadable events.
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
            kind = bulk.plain_kind(demand, rules) if in_bulk else None
            place = others if kind is None else plain.setdefault((kind, demand.metric.field_name), [])
            places[pair] = place
        place.append(numbered)
    return plain, others


def aggregate_one(source: EventSource, demand: Demand, *, rules: Rules = LATEST) -> tuple[Bucket, ...]:
    """The buckets of a single demand. Raises Refused."""
    ((_, buckets),) = aggregate(source, [demand], rules=rules)
    if isinstance(buckets, Refused):
        raise buckets
    return buckets


# --- plain demands: inside DuckDB ---


def _in_bulk(
    source: EventSource, kind: str, field: str | None, members: Sequence[Numbered], rules: Rules
) -> Iterator[tuple[int, tuple[Bucket, ...] | Refused]]:
    left = dict(members)
    misfits: list[Numbered] = []
    with source.demanded(members) as paired:
        for index, found in bulk.answer(source.db, kind, pointer(field or ""), paired):
            demand = left.pop(index)
            if found is None:
                misfits.append((index, demand))
            else:
                yield index, _plain_answer(demand, found)
    for index, demand in left.items():
        yield index, _answer(demand, (), [], rules)
    if misfits:
        yield from _one_by_one(source, misfits, rules)


def _plain_answer(demand: Demand, found: Aggregation) -> tuple[Bucket, ...] | Refused:
    properties = demand.charge.properties
    if demand.metric.rounding_function is not None:
        try:
            with localcontext(WIDE):
                found = rounded(demand.metric, found)
        except Refused as refused:
            return refused
    return (Bucket(filter=None, position=None, properties=properties, aggregations=(found,)),)


# --- demands that need the same columns are answered together ---


@dataclass(frozen=True, slots=True)
class _Class:
    """What the selection of events depends on: the aggregated property and the keys of filters and groups."""

    field: str | None
    keys: tuple[str, ...]


def _classes(demands: Sequence[Numbered], rules: Rules) -> dict[_Class, list[Numbered]]:
    found: dict[_Class, list[Numbered]] = {}
    for index, demand in demands:
        keys = {*buckets_of(demand.charge, demand.metric, rules).keys}
        for properties in bucket_properties(demand):
            keys.update(group_keys(properties))
        found.setdefault(_Class(demand.metric.field_name, tuple(sorted(keys))), []).append((index, demand))
    return found


def bucket_properties(demand: Demand) -> Iterator[Json]:
    """The prices of every filter, then the charge's own (default bucket)."""
    yield from (one.properties for one in demand.charge.filters)
    yield demand.charge.properties


# --- events of the demands, one by one ---


@dataclass(frozen=True, slots=True)
class Picked:
    """An event with the texts (and JSON types) of the class's keys."""

    use: Use
    texts: tuple[str | None, ...]
    types: tuple[str | None, ...]
    transaction_id: str = ""
    position: tuple[Any, ...] = ()  # sorts events as Lago received them


def picked_events(source: EventSource, demand: Demand, rules: Rules = LATEST) -> tuple[tuple[str, ...], list[Picked]]:
    """The keys of a demand's filters and groups, and its events with their texts, by time."""
    keys = next(iter(_classes([(0, demand)], rules))).keys
    with readable("events"):
        return keys, [picked for _, picked in _select(source, [(0, demand)], keys)]


def _one_by_one(
    source: EventSource, members: Sequence[Numbered], rules: Rules
) -> Iterator[tuple[int, tuple[Bucket, ...] | Refused]]:
    keys = next(iter(_classes([members[0]], rules))).keys
    rows = _select(source, members, keys)
    by_demand = dict(members)
    answered = set()
    for index, events in groupby(rows, key=lambda row: row[0]):
        answered.add(index)
        yield index, _answer(by_demand[index], keys, [picked for _, picked in events], rules)
    for index, demand in members:
        if index not in answered:
            yield index, _answer(demand, keys, [], rules)


def _answer(
    demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules
) -> tuple[Bucket, ...] | Refused:
    try:
        return tuple(_buckets(demand, keys, events, rules))
    except Refused as refused:
        return refused


def _buckets(demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules) -> Iterator[Bucket]:
    buckets = buckets_of(demand.charge, demand.metric, rules)
    held: dict[int, list[Picked]] = {position: [] for position in buckets.positions()}
    for event in events:
        for position in buckets.arrears(dict(zip(keys, event.texts, strict=True))):
            held[position].append(event)
    check_filters(demand.charge, buckets, rules, [position for position, members in held.items() if members])
    for position, members in held.items():
        one = None if position == DEFAULT else demand.charge.filters[position]
        properties = demand.charge.properties if one is None else one.properties
        yield Bucket(
            filter=one,
            position=None if one is None else position,
            properties=properties,
            aggregations=tuple(aggregate_scope(one) for one in scopes(demand, properties, keys, members, rules)),
        )


def scopes(
    demand: Demand, properties: Json, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules = LATEST
) -> Iterator[Scope]:
    """A bucket's events split into pricing groups; without any event one empty group with null values."""
    wanted = group_keys(properties)
    places = tuple(keys.index(key) for key in wanted)
    groups: dict[Texts, list[Picked]] = {}
    for event in events:
        groups.setdefault(tuple(event.texts[place] for place in places), []).append(event)
    if demand.metric.aggregation_type == "weighted_sum_agg":
        starts = starting_levels(demand, groups)
    else:
        starts = dict.fromkeys((values for values, members in groups.items() if _counted(demand, members)), NOTHING)
    shown = Counter(map(presented, starts))
    for values in sorted(starts, key=_order) or [(None,) * len(wanted)]:
        uses = tuple(event.use for event in groups.get(values, ()))
        yield Scope(
            demand=demand,
            properties=properties,
            uses=uses,
            listed=tuple(_listed(events, places, values)) if wanted else uses,
            grouped=bool(wanted),
            group=tuple(zip(wanted, presented(values), strict=True)),
            null_group=None in values,
            twin=shown[presented(values)] > 1,
            start_level=starts.get(values, NOTHING),
            rules=rules,
        )


def _counted(demand: Demand, members: Sequence[Picked]) -> bool:
    """Whether Lago's query gives a row for the group: not if its events are all ignored."""
    uses = [event.use for event in members]
    counts_any = demand.metric.aggregation_type in ("count_agg", "unique_count_agg")
    return counts_any or any(_number(use) is not None for use in uses)


def presented(values: Texts) -> Texts:
    """A group as Lago shows it: blank is null."""
    return tuple(value or None for value in values)


def _order(values: Texts) -> tuple[tuple[bool, str], ...]:
    """By group value, null last: the order in which PostgreSQL gives them."""
    return tuple((value is None, value or "") for value in values)


# --- where weighted sums start ---


def starting_levels(demand: Demand, groups: Mapping[Texts, Sequence[Picked]]) -> dict[Texts, Start]:
    """The groups of a weighted sum, each with the level it starts from.

    A start belongs to the group as it is shown. So a blank group starts from nothing, the null group (made if it has
    no events) gets what was remembered, and once more for every group that looks like it (facts §5.6).
    """
    window = demand.window
    current = {
        values: [event.use for event in events if _between(event.use, _floored(window.charges_from), window.charges_to)]
        for values, events in groups.items()
    }
    return _starts(current, _remembered(demand, groups))


def _starts(current: Mapping[Texts, Sequence[Use]], levels: Mapping[Texts, Decimal]) -> dict[Texts, Start]:
    present = [values for values, uses in current.items() if any(_number(use) is not None for use in uses)]
    rows = Counter(map(presented, present))
    for values in levels:
        rows[values] = rows[values] or 1
    starts = {values: Start(level=count * levels.get(values, ZERO), rows=count) for values, count in rows.items()}
    blanks = {values: Start(level=ZERO, rows=0) for values in present if presented(values) != values}
    return {**starts, **blanks}


def _remembered(demand: Demand, groups: Mapping[Texts, Sequence[Picked]]) -> dict[Texts, Decimal]:
    """Running total of each shown group at the last billing. Where two look the same, the first one is kept."""
    levels: dict[Texts, Decimal] = {}
    if not demand.metric.recurring or demand.window.carry is None:
        return levels
    for billing in demand.window.carry.chain():
        since = billing.since and _floored(billing.since)
        billed = {
            values: [event.use for event in events if _between(event.use, since, billing.until, billing.known_until)]
            for values, events in groups.items()
        }
        starts = _starts(billed, levels)
        totals: dict[Texts, Decimal] = {}
        for values in sorted(starts, key=_order):
            total = starts[values].level + sum((_number(use) or ZERO for use in billed.get(values, ())), ZERO)
            totals.setdefault(presented(values), total)
        levels = totals
    return levels


def _number(use: Use) -> Decimal | None:
    return numeric(use.value, use.json_type)


def _between(use: Use, since: datetime | None, until: datetime, known_until: datetime | None = None) -> bool:
    known = known_until is None or use.received is None or use.received <= known_until
    return known and use.moment <= until and (since is None or use.moment >= since)


def _floored(moment: datetime) -> datetime:
    """Lago's lower bounds are cut to the millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _listed(events: Iterable[Picked], places: Sequence[int], values: Sequence[str | None]) -> Iterator[Use]:
    """Events that Lago's per-event queries find for a group: blank and null alike, values only if texts in JSON."""
    for event in events:
        if all(
            finds(value, event.texts[place], event.types[place]) for place, value in zip(places, values, strict=True)
        ):
            yield event.use


def finds(wanted: str | None, text: str | None, json_type: str | None) -> bool:
    """Whether a per-event query for a group value finds an event (facts §5.6)."""
    return text == wanted and json_type == "VARCHAR" if wanted else not text


def _select(source: EventSource, members: Sequence[Numbered], keys: tuple[str, ...]) -> Iterator[tuple[int, Picked]]:
    """The demands' events in order: (index, event). Read in batches, so that memory stays bounded."""
    field = members[0][1].metric.field_name
    with source.demanded(members) as paired:
        result = source.db.execute(_selection(keys, paired), [pointer(name) for name in (field or "", *keys)])
        while rows := result.fetchmany(50_000):
            yield from (_picked(row, len(keys)) for row in rows)


# Events meet windows by their subscription and metrics by their code: two small joins instead of one with every demand.
PAIRED = """
        select w.first + m.number as pair, m.kind, w.seconds, w.ending, e.*
        from events e join windows w on e.external_subscription_id = w.subscription join metrics m on e.code = m.code
        where e.timestamp <= w.until and (m.recurring or e.timestamp >= w.since)
          and (w.known_until is null or e.created_at is null or e.created_at <= w.known_until)"""


def _bounds(tables: Mapping[str, pa.Table]) -> str:
    """What no demand reaches, said in constants: files of other months are then not even opened."""
    windows, metrics = tables["windows"], tables["metrics"]
    latest = f" and e.timestamp <= timestamp '{pc.max(windows['until'])}'"
    if pc.any(metrics["recurring"]).as_py():
        return latest
    return f"{latest} and e.timestamp >= timestamp '{pc.min(windows['since'])}'"


def _tables(members: Sequence[Numbered]) -> dict[str, pa.Table]:
    """``windows``, ``metrics``, and ``demands``: each a pair of one of both, many of which share one."""
    windows, window_of = _distinct([demand.window for _, demand in members])
    metrics, metric_of = _distinct([demand.metric for _, demand in members])
    firsts = pa.array(range(0, len(windows) * len(metrics), len(metrics)), pa.int64())
    pairs = pc.add(firsts.take(window_of), metric_of.cast(pa.int64()))
    kinds = pa.array([metric.aggregation_type for metric in metrics], _TEXT)
    return {
        "windows": _window_table(windows, firsts),
        "metrics": pa.table(
            {
                "number": pa.array(range(len(metrics)), pa.int64()),
                "code": pa.array([metric.code for metric in metrics], _TEXT),
                "kind": kinds,
                "recurring": pa.array([metric.recurring for metric in metrics], pa.bool_()),  # counts all history
            }
        ),
        "demands": pa.table(
            {
                "demand": pa.array([index for index, _ in members], pa.int64()),
                "pair": pairs,
                "kind": kinds.take(metric_of),
            }
        ),
    }


def _window_table(windows: Sequence[ChargeWindow], firsts: pa.Array[Any]) -> pa.Table:
    until = _times([window.charges_to for window in windows])
    return pa.table(
        {
            "first": firsts,
            "subscription": pa.array([window.external_subscription_id for window in windows], _TEXT),
            "seconds": pa.array([window.charges_duration * 86_400 for window in windows], pa.int64()),
            "since": pc.floor_temporal(_times([window.charges_from for window in windows]), unit="millisecond"),
            "until": until,
            "ending": pc.ceil_temporal(until, unit="second"),
            "known_until": _times([window.known_until for window in windows]),
        }
    )


def _distinct(things: Sequence[Thing]) -> tuple[list[Thing], pa.Array[Any]]:
    """The objects that occur, and for each of ``things`` the place of its object among them."""
    ids = [id(thing) for thing in things]
    by_id: dict[int | None, Thing] = dict(zip(ids, things, strict=True))
    encoded = pa.array(ids, pa.int64()).dictionary_encode()
    return [by_id[one] for one in encoded.dictionary.to_pylist()], encoded.indices


def _times(moments: Sequence[datetime | None]) -> pa.Array[Any]:
    """Aware times as DuckDB has them here: UTC without saying so."""
    return pa.array(moments, pa.timestamp("us", "UTC")).cast(_TIME)


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


def _picked(row: Sequence[Any], keys: int) -> tuple[int, Picked]:
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


# --- events in DuckDB ---


def _connect(memory_limit: str | None, threads: int | None) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    if threads:
        db.execute(f"set threads = {int(threads)}")
    if memory_limit:
        db.execute("set memory_limit = $1", [memory_limit])
    return db


def _ddl() -> str:
    return ", ".join(f"{name} {'timestamp' if kind == _TIME else 'varchar'}" for name, kind in _COLUMNS.items())


def _arrow(events: Iterable[Event]) -> pa.Table:
    rows = list(events)
    columns = {name: pa.array([_cell(event, name) for event in rows], kind) for name, kind in _COLUMNS.items()}
    return pa.table({**columns, "position": pa.array(range(len(rows)), pa.int64())})


def _cell(event: Event, name: str) -> Any:
    value = getattr(event, name)
    if name == "properties":
        return _json(value)
    if isinstance(value, datetime):
        return _naive(value)
    return str(value) if isinstance(value, Decimal) else value


def _naive(moment: datetime) -> datetime:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(tzinfo=None)


def _json(value: Any) -> str:
    """JSON text in which a Decimal is the number it stands for."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_json(item) for item in value) + "]"
    return plain(value) if isinstance(value, Decimal) else json.dumps(value)
