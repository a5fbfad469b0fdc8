"""The state that release 0.1 left, in each of the two databases."""

from __future__ import annotations

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from migrate.state.database import make_engine, parse_url
from migrate.state.release_0_1 import RELEASE_0_1

DATA = Path(__file__).parents[1] / "data" / "state"


def write_old_state(path: Path) -> Path:
    """The SQLite file as it was left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.decompress((DATA / "state-0.1.db.xz").read_bytes()))
    return path


def edit(path: Path, *statements: str) -> None:
    """Change a SQLite file as no command does; each statement changes something."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            assert db.execute(statement).rowcount


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of a SQLite file."""
    with sqlite3.connect(path) as db:
        names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by 1")]
        return {name: sorted(db.execute(f'select * from "{name}"'), key=repr) for name in names}


def copy_to_postgresql(path: Path, url: str) -> None:
    """The same rows in the tables that the release made on PostgreSQL."""
    source, target = make_engine(parse_url(path)), make_engine(parse_url(url))
    with source.connect() as old, target.begin() as new:
        for statement in (DATA / "state-0.1.postgresql.sql").read_text("utf-8").split(";"):
            if statement.strip():
                new.execute(sa.text(statement))
        for table in RELEASE_0_1.tables.values():
            if rows := [dict(row._mapping) for row in old.execute(sa.select(table))]:
                new.execute(table.insert(), rows)
    source.dispose()
    target.dispose()
