"""Which row of a state in SQLite holds text that is no UTF-8: the driver says what the text is, and not where.

Bytes that SQLite keeps as such are looked at, too: no column is for them, and a column of JSON is read as text.

Asked only once a read has failed. Nothing of the row is told but its name.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from migrate.errors import StoreError
from migrate.state.columns import COLUMNS, READ_AGAIN, RESTORE
from migrate.state.row_checks import NAMES, damaged_row

SAID = "Could not decode to UTF-8"  # the driver's word for it


def undecodable_row(path: Path) -> StoreError | None:
    """The first such row, with its column and the way out; None if there is none (any more)."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        for table in NAMES:
            for column in COLUMNS[table]:
                if (problem := _first(db, table, column)) is not None:
                    return problem
    return None


def _first(db: sqlite3.Connection, table: str, column: str) -> StoreError | None:
    blobs = ", ".join(f"cast({name} as blob)" for name in (column, *NAMES[table]))
    try:
        rows = db.execute(f"select {blobs} from {table} where typeof({column}) in ('text', 'blob')")  # noqa: S608
        for value, *named in rows:
            if isinstance(value, bytes) and not _is_text(value):
                values = {name: _shown(part) for name, part in zip(NAMES[table], named, strict=True)}
                remedy = READ_AGAIN if table == "lago_records" and column == "payload" else RESTORE
                return damaged_row(table, values, f"{column} holds bytes that are no UTF-8", remedy)
    except sqlite3.Error:
        return None  # the table is not there, or unreadable as a whole: what failed before says so
    return None


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(part: object) -> object:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part
