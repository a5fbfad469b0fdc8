"""One embedded database: the file, its schema and base data, and calls that are transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from migrate.errors import StoreError

from . import schema as schemas
from .behaviours import BEHAVIOURS
from .orm import Env
from .schema import X2MANY, Schema
from .store import SandboxStore

FORMAT = "1"
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Database:
    """``call`` runs one function on an ``Env`` in one transaction, one at a time, as a single Odoo worker would."""

    uid = 2

    def __init__(self, path: Path | str, flavour: str, addon: bool, clock: Clock | None = None) -> None:
        self.schema = schemas.load(flavour, addon)
        self.clock = clock or _now
        self.lock = threading.Lock()
        self.store = SandboxStore(path)
        self._open(path, {"format": FORMAT, "flavour": flavour, "addon": str(addon)})

    def _open(self, path: Path | str, kind_asked: dict[str, str]) -> None:
        kind = self.store.meta()
        if not kind:
            _new(*kind_asked.items()).connection.backup(self.store.connection)  # all or nothing
        elif kind != kind_asked:
            self.store.close()
            raise StoreError(
                f"{path} is an embedded Odoo of another kind ({kind}): use another file or remove this one"
            )

    def call(self, function: Callable[[Env], Any], context: dict[str, Any]) -> Any:
        with self.lock, self.store.transaction():
            moment = self.clock()  # of the transaction: all that it makes bears the same
            return function(Env(self.schema, self.store, BEHAVIOURS, dict(context), self.uid, lambda: moment))

    def close(self) -> None:
        with self.lock:
            self.store.close()


@lru_cache
def _new(*kind_asked: tuple[str, str]) -> SandboxStore:
    """A database of a kind with its base data, in memory: thousands of rows, which each new file is a copy of."""
    kind, store = dict(kind_asked), SandboxStore(":memory:")
    schema = schemas.load(kind["flavour"], kind["addon"] == str(True))
    with store.transaction():
        store.create_tables(schema, kind)
        fill(store, schema)
    return store


def fill(store: SandboxStore, schema: Schema) -> None:
    """The recorded base data, with its ids."""
    for name, rows in schema.rows.items():
        model = schema.models[name]
        plain = [spec for spec in model.fields.values() if spec.column]
        for row in rows:
            values = {spec.name: _kept(row[spec.name]) for spec in plain if spec.name in row}
            store.insert(model, [{**values, "id": row["id"]}])
        for spec in model.fields.values():
            if spec.type == X2MANY[1] and spec.table:
                store.link(spec.table, [(row["id"], other) for row in rows for other in row.get(spec.name, ())])
    store.connection.executemany(
        "INSERT INTO ir_model_data (module, name, model, res_id, noupdate) VALUES (?, ?, ?, ?, ?)", schema.xids
    )


def _kept(value: Any) -> Any:
    if isinstance(value, list | dict):
        return None
    return None if value is False else value
