"""Usage events that an earlier extract read and this one could not: they stay, as what else is known of Lago does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from migrate.errors import StoreError
from migrate.state.events import hash_file, write_parquet
from migrate.state.records import EventFile

KEPT = "known-from-before.parquet"  # among the files of this extract's windows
Stretch = tuple[datetime | None, datetime | None]


def keep_known_events(known: Iterable[EventFile], events_dir: Path, staged: Path, stretches: Sequence[Stretch]) -> None:
    """Put what stands in files of ``events_dir`` that are whole, lies in a stretch and was not shown, beside the rest.

    Once: an extract that resumes may find its own files there.
    """
    target = staged / KEPT
    if not stretches or target.exists():
        return
    before = [path for file in known if _is_whole(path := events_dir / file.path, file)]
    shown = [str(path) for path in sorted(staged.glob("*.parquet"))]
    if not before:
        return
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.read_parquet([str(path) for path in before], hive_partitioning=False).create_view("before")
        db.read_parquet(shown).create_view("shown")
        inside = " or ".join(_condition(stretch) for stretch in stretches)
        # An event without an id is known by all that it says, and may be there several times.
        query = f"""
            select * from before where ({inside})
                and (lago_id is null or lago_id not in (select lago_id from shown where lago_id is not null))
            except all select * from shown
        """  # noqa: S608
        try:
            kept: pa.Table = db.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError(f"events: {events_dir} cannot be read: {error}") from None
    write_parquet(kept, target)


def _is_whole(path: Path, file: EventFile) -> bool:
    return path.is_file() and hash_file(path) == file.sha256


def _condition(stretch: Stretch) -> str:
    since, until = stretch
    ends = [f"timestamp {sign} timestamp '{_naive(end)}'" for sign, end in ((">=", since), ("<=", until)) if end]
    return f"({' and '.join(ends) or 'true'})"


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
