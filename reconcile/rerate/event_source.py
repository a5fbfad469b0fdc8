"""The usage events of one Lago in DuckDB: Parquet of an extract, or events in memory; and the events of demands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mappings.phrases import Told
from mappings.records import Event
from mappings.text import plain
from migrate.state.usage_errors import is_of_files
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.event_stores import EventStore

Thing = TypeVar("Thing")
Numbered = tuple[int, Demand]
Column: TypeAlias = "pa.Array[Any]"  # Any: what it is of is for pyarrow to know
_MANY = 1_000  # rows
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


_SAME = {
    EventStore.POSTGRES: ("external_subscription_id, transaction_id", "created_at, position"),
    EventStore.CLICKHOUSE_DEDUPLICATED: (
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
        """Events as ``migrate.state.events`` wrote them. Raises RerateRefused when a file is not of that shape."""
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
        """Events in memory, in the order Lago received them (the tie-break when times are equal).

        Only there: its DuckDB is shut off from files and the network.
        """
        source = cls(_connect(None, 1))
        source.db.execute("set enable_external_access = false")
        source.db.register("listed", _arrow(events))
        source.db.execute("create table events as select * from listed")
        source.db.unregister("listed")
        return source

    def deduplicate(self, store: EventStore) -> int:
        """Leave out repeated events as ``store`` does; returns how many. Events of an extract have none (see there).

        ClickHouse keeps milliseconds only, so times are cut to them.
        """
        total = self._count()
        if store is not EventStore.POSTGRES:
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

    def came_later(self, windows: Sequence[ChargeWindow]) -> dict[int, frozenset[str]]:
        """Place of a window -> the metrics (codes) of its events that came after its ``known_until``."""
        with readable("events"):
            self._hold("windows", table := _window_table(windows, pa.array(range(len(windows)), pa.int64())))
            try:
                found = self.db.execute(_CAME_LATER).fetchall()
            finally:
                self._drop("windows", table)
        return {int(place): frozenset(map(str, codes)) for place, codes in found}

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
        columns = {name: kind for name, kind, *_ in self.db.execute("describe events").fetchall()}
        for name, kind in _COLUMNS.items():
            expected = "TIMESTAMP" if kind == _TIME else "VARCHAR"
            if columns.get(name) != expected:
                stands = columns.get(name)
                lacks = Told.COLUMN_LACKS.of(place, name, expected)
                told = Told.COLUMN_OF_TYPE.of(place, name, stands, expected) if stands else lacks
                raise RerateRefused("bad_event_file", told)


@contextmanager
def readable(place: str) -> Iterator[None]:
    """Events that DuckDB cannot count (malformed JSON...) are refused by name and place.

    Files that are not there, or are no Parquet, are nobody's invoice: that ends the command (``cli/lost_usage.py``).
    """
    try:
        yield
    except duckdb.Error as error:
        if is_of_files(error):
            raise
        raise RerateRefused("bad_event_file", Told.OF_PLACE.of(place, str(error).splitlines()[0])) from None


# --- the demands, as tables ---

# Events meet windows by their subscription and metrics by their code: two small joins instead of one with every demand.
PAIRED = """
        select w.first + m.number as pair, m.kind, w.seconds, w.ending, e.*
        from events e join windows w on e.external_subscription_id = w.subscription join metrics m on e.code = m.code
        where e.timestamp <= w.until and (m.recurring or e.timestamp >= w.since)
          and (w.known_until is null or e.created_at is null or e.created_at <= w.known_until)"""

_CAME_LATER = """
        select w.first, list(distinct e.code)
        from events e join windows w on e.external_subscription_id = w.subscription
        where e.timestamp between w.since and w.until and e.created_at > w.known_until group by all"""


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


def _window_table(windows: Sequence[ChargeWindow], firsts: Column) -> pa.Table:
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


def _distinct(things: Sequence[Thing]) -> tuple[list[Thing], Column]:
    """The objects that occur, and for each of ``things`` the place of its object among them."""
    ids = [id(thing) for thing in things]
    by_id: dict[int | None, Thing] = dict(zip(ids, things, strict=True))
    encoded = pa.array(ids, pa.int64()).dictionary_encode()
    return [by_id[one] for one in encoded.dictionary.to_pylist()], encoded.indices


def _times(moments: Sequence[datetime | None]) -> Column:
    """Aware times as DuckDB has them here: UTC without saying so."""
    return pa.array(moments, pa.timestamp("us", "UTC")).cast(_TIME)


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


def _cell(event: Event, name: str) -> object:
    value = getattr(event, name)
    if name == "properties":
        return _json(value)
    if isinstance(value, datetime):
        return _naive(value)
    return str(value) if isinstance(value, Decimal) else value


def _naive(moment: datetime) -> datetime:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(tzinfo=None)


def _json(value: object) -> str:
    """JSON text in which a Decimal is the number it stands for."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_json(item) for item in value) + "]"
    return plain(value) if isinstance(value, Decimal) else json.dumps(value)
