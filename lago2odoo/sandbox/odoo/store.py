"""The embedded Odoo's tables in one SQLite file. SQL lives here and in ``domains``; nothing here knows Odoo's rules."""

# ruff: noqa: S608 - names of tables and columns come from the recorded schema, values are parameters
from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from .schema import NUMBERS, Model, Schema

META = "embedded_odoo"
AFFINITY = {**dict.fromkeys(NUMBERS, "INTEGER"), "float": "REAL", "monetary": "REAL"}


class SandboxStore:
    """One connection, one writer at a time: the server holds a lock around every call."""

    def __init__(self, path: str | Path) -> None:
        self.connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self.connection.create_function("odoo_like", 3, _like, deterministic=True)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        self.connection.close()

    def meta(self) -> dict[str, str]:
        """What the file says of itself; empty for a new file."""
        if not self.query("SELECT 1 FROM sqlite_master WHERE name = ?", (META,)):
            return {}
        return {str(key): str(value) for key, value in self.query(f"SELECT key, value FROM {META}")}

    def create_tables(self, schema: Schema, meta: Mapping[str, str]) -> None:
        self.connection.execute(f"CREATE TABLE {META} (key TEXT PRIMARY KEY, value TEXT)")
        self.connection.executemany(f"INSERT INTO {META} VALUES (?, ?)", meta.items())
        for model in schema.models.values():
            columns = "".join(
                f', "{spec.name}" {AFFINITY.get(spec.type, "TEXT")}'
                for spec in model.fields.values()
                if spec.column and spec.name != "id"
            )
            self.connection.execute(f'CREATE TABLE "{model.table}" (id INTEGER PRIMARY KEY AUTOINCREMENT{columns})')
        self._create_relations(schema)
        self._create_indexes(schema)

    def _create_relations(self, schema: Schema) -> None:
        for table, first, second in sorted(
            {spec.table for m in schema.models.values() for spec in m.fields.values() if spec.table}
        ):
            self.connection.execute(
                f'CREATE TABLE IF NOT EXISTS "{table}" '
                f'("{first}" INTEGER, "{second}" INTEGER, PRIMARY KEY ("{first}", "{second}"))'
            )
            self.connection.execute(f'CREATE INDEX IF NOT EXISTS "{table}_back" ON "{table}" ("{second}")')

    def _create_indexes(self, schema: Schema) -> None:
        for model in schema.models.values():
            lines = {
                (spec.relation, spec.relation_field)
                for spec in model.fields.values()
                if spec.type == "one2many" and spec.relation in schema.models
            }
            for name, column in sorted(lines):
                target = schema.models[name]
                if column in target.fields and target.fields[column].column:
                    index = f'"{target.table}_{column}_index"'
                    self.connection.execute(f'CREATE INDEX IF NOT EXISTS {index} ON "{target.table}" ("{column}")')
            for unique in model.uniques:
                if not all(model.fields[column].column for column in unique.columns):
                    continue  # of a related field, which is not stored: SQLite would take its quoted name for a text
                columns = ", ".join(f'"{column}"' for column in unique.columns)
                where = f" WHERE {unique.where}" if unique.where else ""
                self.connection.execute(
                    f'CREATE UNIQUE INDEX IF NOT EXISTS "{unique.index}" ON "{model.table}" ({columns}){where}'
                )
        self.connection.execute("CREATE INDEX ir_model_data_record ON ir_model_data (model, res_id)")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. One call of a client is one transaction (facts/odoo19 §2a)."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        self.connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.connection.execute(f"ROLLBACK TO {name}")
            self.connection.execute(f"RELEASE {name}")
            raise
        self.connection.execute(f"RELEASE {name}")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.connection.execute(sql, parameters)

    def insert(self, model: Model, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Rows with any columns; their ids in order."""
        new_ids = []
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            sql = (
                f'INSERT INTO "{model.table}" ({names}) VALUES ({marks})'
                if row
                else f'INSERT INTO "{model.table}" DEFAULT VALUES'
            )
            new_ids.append(int(self.connection.execute(sql, tuple(row.values())).lastrowid or 0))
        return new_ids

    def update(self, model: Model, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        if values and ids:
            sets = ", ".join(f'"{name}" = ?' for name in values)
            self.execute(f'UPDATE "{model.table}" SET {sets} WHERE id IN {among()}', (*values.values(), listed(ids)))

    def update_each(self, model: Model, rows: Mapping[int, Mapping[str, Any]]) -> None:
        """Own values per record; all rows name the same columns."""
        if rows:
            names = list(next(iter(rows.values())))
            sets = ", ".join(f'"{name}" = ?' for name in names)
            self.connection.executemany(
                f'UPDATE "{model.table}" SET {sets} WHERE id = ?',
                [(*(row[name] for name in names), number) for number, row in rows.items()],
            )

    def delete(self, table: str, ids: Iterable[int], column: str = "id") -> None:
        self.execute(f'DELETE FROM "{table}" WHERE "{column}" IN {among()}', (listed(ids),))

    def rows(self, model: Model, ids: Iterable[Any], columns: Sequence[str], by: str = "id") -> list[dict[str, Any]]:
        """The named columns (and id) of records, by id or by another column, in id order."""
        names = ["id", *(column for column in columns if column != "id")]
        shown = ", ".join(f'"{name}"' for name in names)
        sql = f'SELECT {shown} FROM "{model.table}" WHERE "{by}" IN {among()} ORDER BY id'
        return [dict(zip(names, row, strict=True)) for row in self.query(sql, (listed(ids),))]

    def links(self, table: tuple[str, str, str], ids: Iterable[int]) -> list[tuple[int, int]]:
        name, column, other = table
        return [
            (int(left), int(right))
            for left, right in self.query(
                f'SELECT "{column}", "{other}" FROM "{name}" WHERE "{column}" IN {among()} ORDER BY "{other}"',
                (listed(ids),),
            )
        ]

    def link(self, table: tuple[str, str, str], pairs: Iterable[tuple[int, int]]) -> None:
        name, own, other = table
        self.connection.executemany(f'INSERT OR IGNORE INTO "{name}" ("{own}", "{other}") VALUES (?, ?)', list(pairs))

    def unlink(self, table: tuple[str, str, str], pairs: Iterable[tuple[int, int]]) -> None:
        name, own, other = table
        self.connection.executemany(f'DELETE FROM "{name}" WHERE "{own}" = ? AND "{other}" = ?', list(pairs))


def among() -> str:
    """A list of ids as one parameter: SQLite limits the number of parameters, not their length."""
    return "(SELECT value FROM json_each(?))"


def listed(values: Iterable[Any]) -> str:
    """Values as the one JSON parameter that ``json_each`` takes."""
    return json.dumps(list(values))


def _like(text: str | None, pattern: str, insensitive: int) -> int | None:
    """PostgreSQL's LIKE: backslash escapes, which SQLite's does not."""
    return None if text is None else int(_pattern(pattern, bool(insensitive)).fullmatch(str(text)) is not None)


@lru_cache(maxsize=256)
def _pattern(pattern: str, insensitive: bool) -> re.Pattern[str]:
    parts = re.findall(r"\\.|[\s\S]", pattern)
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if insensitive else 0))
