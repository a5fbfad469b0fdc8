"""Deleting rows as a database with Odoo's foreign keys does."""

from __future__ import annotations

from . import faults
from .schema import Model, Schema
from .store import SandboxStore


def delete(schema: Schema, store: SandboxStore, spec: Model, ids: list[int]) -> None:
    """The row and what the database's foreign keys take with it. Cascaded rows leave their external ids behind."""
    if not ids:
        return
    for name, column in schema.inverse.get(spec.name, ()):
        pointing = schema.models[name]
        found = [
            row["id"]
            for row in store.rows(pointing, ids, (), by=column)
            if not (name == spec.name and row["id"] in ids)
        ]
        if not found:
            continue
        described = pointing.fields[column]
        rule = described.on_delete or ("restrict" if described.required else "set null")
        if rule == "cascade":
            delete(schema, store, pointing, found)
        elif rule == "restrict":
            raise faults.still_used(pointing.description, name, described.string, column)
        else:
            store.update(pointing, found, {column: None})
    for described in spec.fields.values():
        if described.table:
            store.delete(described.table[0], ids, described.table[1])
    store.delete(spec.table, ids)
