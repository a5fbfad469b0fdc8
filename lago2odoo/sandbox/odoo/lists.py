"""Reading lists of records: one2many by their inverse, many2many by their table."""

# ruff: noqa: S608 - names of tables and columns come from the recorded schema, values are parameters
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import faults
from .commands import table_of
from .domains import Compiler
from .schema import Model, RecordedField, Schema
from .store import SandboxStore, among, listed


def read_list(
    schema: Schema, store: SandboxStore, context: Mapping[str, Any], spec: RecordedField, ids: Sequence[int]
) -> dict[int, list[int]]:
    """The ids in a list field, by record, in the order of the model they are of."""
    ids_by_record: dict[int, list[int]] = {number: [] for number in ids}
    target = schema.models.get(spec.relation)
    if target is None or (spec.type == "many2many" and spec.table is None):
        return ids_by_record
    keys = Compiler(schema).order(target, "")
    context_of_field = spec.raw.get("context")
    context = {**context, **(context_of_field if isinstance(context_of_field, dict) else {})}
    active = ' AND t."active" = 1' if "active" in target.fields and context.get("active_test", True) else ""
    if spec.type == "one2many":
        inverse = target.fields[spec.relation_field]
        if not inverse.column:
            raise faults.unsupported(f"the list {spec.name} through {target.name}.{inverse.name}")
        if inverse.type != "many2one":
            raise faults.unsupported(f"the list {spec.name}")
        where, parameters = _own_domain(schema, spec, target)
        sql = (
            f'SELECT t."{inverse.name}", t.id FROM "{target.table}" t '
            f'WHERE t."{inverse.name}" IN {among()}{active} AND ({where}) ORDER BY {keys}'
        )
        return _gather(store, ids_by_record, sql, [listed(ids), *parameters])
    name, mine, other = table_of(spec)
    sql = (
        f'SELECT l."{mine}", t.id FROM "{name}" l JOIN "{target.table}" t ON t.id = l."{other}" '
        f'WHERE l."{mine}" IN {among()}{active} ORDER BY {keys}'
    )
    return _gather(store, ids_by_record, sql, [listed(ids)])


def _own_domain(schema: Schema, spec: RecordedField, target: Model) -> tuple[str, list[Any]]:
    """A list that shows only some of the lines (``invoice_line_ids``) says so in its domain."""
    domain = spec.raw.get("domain")
    return Compiler(schema).where(target, domain) if isinstance(domain, list) else ("1", [])


def _gather(store: SandboxStore, found: dict[int, list[int]], sql: str, parameters: list[Any]) -> dict[int, list[int]]:
    for owner, number in store.query(sql, parameters):
        found[int(owner)].append(int(number))
    return found
