"""Usage events as Parquet: read page by page into columns, kept as one file per month of their timestamp.

Columns: transaction_id, external_subscription_id, code, timestamp and created_at (UTC, microseconds, without zone),
properties (the JSON text as Lago gave it), precise_total_amount_cents (decimal text or null), lago_id. The folders
are hive partitions: ``month=2026-07/events.parquet``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from migrate.errors import PayloadError, StoreError
from migrate.lago.rawjson import Piece, members

_FIELDS: list[tuple[str, pa.DataType]] = [
    ("transaction_id", pa.string()),
    ("external_subscription_id", pa.string()),
    ("code", pa.string()),
    ("timestamp", pa.timestamp("us")),
    ("created_at", pa.timestamp("us")),
    ("properties", pa.string()),
    ("precise_total_amount_cents", pa.string()),
    ("lago_id", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)
_TIMES = ("timestamp", "created_at")
_ORDER = "timestamp, external_subscription_id, transaction_id, lago_id, code, created_at, properties"


@dataclass(frozen=True, slots=True)
class EventFile:
    """One month's file: its path below the events folder and the number of its events."""

    path: str
    rows: int


def table(events: Iterable[Piece]) -> pa.Table:
    """The events as one Arrow table. Raises PayloadError naming the event and the field."""
    columns: dict[str, list[str | None]] = {name: [] for name in SCHEMA.names}
    for event in events:
        for name, value in _texts(event):
            columns[name].append(value)
    return pa.table({name: _column(name, columns) for name in SCHEMA.names}, schema=SCHEMA)


def unique(events: Iterable[Piece]) -> Iterator[Piece]:
    """Leave out events met before: pages that shift while they are read repeat some.

    Lago's ClickHouse store gives events no id; such an event is the same if all of its text is.
    """
    seen: set[str] = set()
    for event in events:
        identity = event.value.get("lago_id") or event.text
        if identity not in seen:
            seen.add(identity)
            yield event


def write_parquet(content: pa.Table, target: Path) -> None:
    """Write beside ``target``, then rename: a file with its final name is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    try:
        pq.write_table(content, partial, compression="zstd")
        partial.replace(target)
    except OSError as error:
        raise StoreError(f"events: {target} cannot be written: {error}") from None


def partition(staged: Path, events_dir: Path) -> tuple[EventFile, ...]:
    """Sort all ``staged/*.parquet`` into one file per month and put them in the place of ``events_dir`` as a whole.

    The order within a file depends on the events alone, so that the same events always make the same content.
    """
    fresh, old = _sibling(events_dir, "new"), _sibling(events_dir, "old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    written = tuple(_write_months(sorted(staged.glob("*.parquet")), fresh))
    if events_dir.exists():
        events_dir.rename(old)
    fresh.rename(events_dir)
    shutil.rmtree(old, ignore_errors=True)
    return written


def rows(events_dir: Path, batch: int = 20_000) -> Iterator[dict[str, Any]]:
    """Every event, month by month, as its columns; times are naive and in UTC. Memory is bounded by ``batch``."""
    for path in sorted(events_dir.glob("month=*/events.parquet")):
        with pq.ParquetFile(path) as file:
            for some in file.iter_batches(batch, columns=SCHEMA.names):
                yield from some.to_pylist()


def _sibling(events_dir: Path, suffix: str) -> Path:
    return events_dir.with_name(f"{events_dir.name}.{suffix}")


def _write_months(staged: Sequence[Path], target: Path) -> Iterator[EventFile]:
    if not staged:
        return
    with duckdb.connect() as db:
        db.execute("set preserve_insertion_order = true")
        db.read_parquet([str(path) for path in staged]).create_view("staged")
        months = db.execute(
            "select strftime(timestamp, '%Y-%m'), count(*) from staged group by 1 order by 1"
        ).fetchall()
        for month, rows in months:
            yield _write_month(db, month, rows, target)


def _write_month(db: duckdb.DuckDBPyConnection, month: str, rows: int, target: Path) -> EventFile:
    path = f"month={month}/events.parquet"
    (target / path).parent.mkdir()
    first = f"timestamp '{month}-01 00:00:00'"  # a range, not strftime: files without the month are not opened
    selection = f"""
        select * from staged where timestamp >= {first} and timestamp < {first} + interval 1 month order by {_ORDER}
    """  # noqa: S608
    try:
        db.execute(f"copy ({selection}) to '{_quoted(target / path)}' (format parquet, compression zstd)")
    except duckdb.IOException as error:
        raise StoreError(f"events: {target / path} cannot be written: {error}") from None
    return EventFile(path, rows)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _texts(event: Piece) -> Iterator[tuple[str, str | None]]:
    """The event's columns as text; ``properties`` as Lago wrote them, digit by digit."""
    value = event.value
    if not isinstance(value, dict):
        raise PayloadError(f"events: an event should be an object, is {type(value).__name__}")
    for name in SCHEMA.names:
        if name == "properties":
            yield name, _properties(event)
        else:
            yield name, _text(name, value)


def _text(name: str, value: dict[str, object]) -> str | None:
    text = value.get(name)
    if isinstance(text, str):
        return text
    if text is None and name not in ("transaction_id", "code", "timestamp"):
        return None
    problem = f"should be a string, is {text!r:.60}" if name in value else "is missing"
    raise PayloadError(f"events {_name(value)}: field {name} {problem}")


def _properties(event: Piece) -> str:
    properties = members(event.text).get("properties")
    if properties is None or properties.value is None:
        return "{}"
    if not isinstance(properties.value, dict):
        raise PayloadError(f"events {_name(event.value)}: field properties should be an object")
    return properties.text


def _name(value: dict[str, object]) -> str:
    return str(value.get("lago_id") or value.get("transaction_id") or "(no id)")


def _column(name: str, columns: dict[str, list[str | None]]) -> pa.Array[Any]:
    texts = pa.array(columns[name], pa.string())
    if name not in _TIMES:
        return texts
    try:
        return _utc(texts)
    except pa.ArrowInvalid:
        raise _bad_time(name, columns) from None


def _utc(texts: pa.Array[Any]) -> pa.Array[Any]:
    return pc.cast(pc.cast(texts, pa.timestamp("us", tz="UTC")), pa.timestamp("us"))


def _bad_time(name: str, columns: dict[str, list[str | None]]) -> PayloadError:
    """Only now, after the bulk conversion failed, is every event looked at by itself."""
    for identity, text in zip(columns["lago_id"], columns[name], strict=True):
        try:
            _utc(pa.array([text], pa.string()))
        except pa.ArrowInvalid:
            return PayloadError(f"events {identity}: field {name} should be a time in UTC (ISO 8601), is {text!r:.60}")
    raise AssertionError("every time converts by itself")
