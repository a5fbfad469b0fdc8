"""Usage events as Parquet: read page by page into columns, kept as one file per month of their timestamp.

Columns: transaction_id, external_subscription_id, code, timestamp and created_at (UTC, microseconds, without zone),
properties (the JSON text as Lago gave it), precise_total_amount_cents (decimal text or null), lago_id. The folders
are hive partitions: ``month=2026-07/events.parquet``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mappings.errors import of_writing
from migrate.errors import StoreError
from migrate.rawjson import Piece, members
from migrate.state.private import close_to_others, make_folder, open_private
from migrate.state.records import EventFile
from migrate.state.usage_errors import errno_told_by
from reports.paths import opened

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


def table(events: Iterable[Piece]) -> pa.Table:
    """The events as one Arrow table. Raises pa.ArrowInvalid for a time that is none (``have_times`` finds it)."""
    columns: dict[str, list[str | None]] = {name: [] for name in SCHEMA.names}
    for event in events:
        for name, value in _texts(event):
            columns[name].append(value)
    return pa.table({name: _column(name, columns[name]) for name in SCHEMA.names}, schema=SCHEMA)


def have_times(events: Sequence[Piece]) -> bool:
    """Whether the times of all these events can be kept."""
    try:
        for name in _TIMES:
            values = [event.value.get(name) for event in events]
            _column(name, [None if value is None else str(value) for value in values])
    except pa.ArrowInvalid:
        return False
    return True


def unique(events: Iterable[Piece]) -> Iterator[Piece]:
    """Leave out events met before: pages that shift while they are read repeat some.

    Lago's ClickHouse store gives events no id; such an event is the same if all of its text is.
    """
    seen: set[object] = set()
    for event in events:
        identity = (event.value.get("lago_id") if isinstance(event.value, dict) else None) or event.text
        if identity not in seen:
            seen.add(identity)
            yield event


def without_copies(events: Iterable[Piece]) -> Iterator[Piece]:
    """Leave out an event with the id and the text of one before. Events without an id are all there is of each."""
    seen: set[tuple[object, str]] = set()
    for event in events:
        identity = event.value.get("lago_id") if isinstance(event.value, dict) else None
        if isinstance(identity, str):
            if (identity, event.text) in seen:
                continue
            seen.add((identity, event.text))
        yield event


def write_parquet(content: pa.Table, target: Path) -> None:
    """Write beside ``target``, then rename: a file with its final name is complete."""
    make_folder(target.parent)
    partial = target.with_suffix(".partial")
    try:
        open_private(partial).close()
        pq.write_table(content, partial, compression="zstd")
        partial.replace(target)
    except OSError as error:
        raise of_writing(StoreError(f"events: {target} cannot be written: {error}"), error.errno) from None


def partition(staged: Path, events_dir: Path) -> tuple[EventFile, ...]:
    """Sort all ``staged/*.parquet`` into one file per month and put them in the place of ``events_dir`` as a whole.

    The order within a file depends on the events alone, so that the same events always make the same content.
    """
    fresh, old = _sibling(events_dir, "new"), _sibling(events_dir, "old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    make_folder(fresh)
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


def hash_file(path: Path) -> str:
    """SHA-256 of a file that may be larger than memory. Raises OSError, for what is no file too."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    make_folder((target / path).parent)
    first = f"timestamp '{month}-01 00:00:00'"  # a range, not strftime: files without the month are not opened
    selection = f"""
        select * from staged where timestamp >= {first} and timestamp < {first} + interval 1 month order by {_ORDER}
    """  # noqa: S608
    try:
        db.execute(f"copy ({selection}) to '{_quoted(target / path)}' (format parquet, compression zstd)")
        close_to_others(target / path)
    except duckdb.IOException as error:
        told = StoreError(f"events: {target / path} cannot be written: {error}")
        raise of_writing(told, errno_told_by(error)) from None
    return EventFile(path=path, events=rows, sha256=hash_file(target / path))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _texts(event: Piece) -> Iterator[tuple[str, str | None]]:
    """The event's columns as text; ``properties`` as Lago wrote them, digit by digit."""
    for name in SCHEMA.names:
        value = event.value.get(name)
        yield name, _properties(event) if name == "properties" else None if value is None else str(value)


def _properties(event: Piece) -> str:
    properties = members(event.text).get("properties")
    return "{}" if properties is None or properties.value is None else properties.text


def _column(name: str, texts: list[str | None]) -> pa.Array[Any]:
    column = pa.array(texts, pa.string())
    return _utc(column) if name in _TIMES else column


def _utc(texts: pa.Array[Any]) -> pa.Array[Any]:
    return pc.cast(pc.cast(texts, pa.timestamp("us", tz="UTC")), pa.timestamp("us"))
