"""Writing lists of records by commands: lines of their own, and links to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from . import faults
from .commands import commands_of, parts_of, table_of
from .lists import read_list
from .schema import X2MANY, Model, RecordedField, Schema
from .store import SandboxStore

Vals = dict[str, Any]


class WritableRecords(Protocol):
    """What a list is written through: the records of a call."""

    schema: Schema
    store: SandboxStore
    context: dict[str, Any]

    def model(self, name: str) -> Model:
        """The recorded model."""

    def existing(self, model: str, ids: Iterable[int]) -> list[int]:
        """Those of the ids that exist."""

    def create(self, model: str, vals_list: Sequence[Mapping[str, Any]]) -> list[int]:
        """New records."""

    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
        """Change records."""

    def unlink(self, model: str, ids: Sequence[int]) -> bool:
        """Delete records."""


def write_lists(records: WritableRecords, spec: Model, pairs: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Carry out the commands that were given for list fields, field by field."""
    names = [name for name in spec.fields if any(name in vals for _number, vals in pairs)]
    for name in names:
        described = spec.fields[name]
        if described.type not in X2MANY or described.related:
            continue
        given = [(number, commands_of(vals[name])) for number, vals in pairs if name in vals and vals[name] is not None]
        if described.type == "one2many":
            _write_lines(records, described, given)
        elif described.table:
            _write_links(records, described, given)


def _write_lines(records: WritableRecords, spec: RecordedField, given: Sequence[tuple[int, list[Any]]]) -> None:
    created: list[Vals] = []
    for owner, commands in given:
        for command in commands:
            code, number, value = parts_of(command)
            if code == 0:
                created.append({**value, spec.relation_field: owner})
            elif code == 1:
                records.write(spec.relation, [number], value)
            elif code in (2, 3):
                _drop_line(records, spec, number, delete=code == 2)
            elif code == 4:
                records.write(spec.relation, [number], {spec.relation_field: owner})
            elif code in (5, 6):
                kept = set(value) if code == 6 else set()
                for line in _all_lines(records, spec, owner):
                    if line not in kept:
                        _drop_line(records, spec, line, delete=False)
                if kept:
                    records.write(spec.relation, sorted(kept), {spec.relation_field: owner})
    if created:
        records.create(spec.relation, created)


def _all_lines(records: WritableRecords, spec: RecordedField, owner: int) -> list[int]:
    context = {**records.context, "active_test": False}
    return read_list(records.schema, records.store, context, spec, [owner])[owner]


def _drop_line(records: WritableRecords, spec: RecordedField, number: int, *, delete: bool) -> None:
    """Unlinking a line whose parent is required, or goes with it, deletes it."""
    inverse = records.model(spec.relation).fields[spec.relation_field]
    if delete or inverse.required or inverse.on_delete == "cascade":
        records.unlink(spec.relation, [number])
    else:
        records.write(spec.relation, [number], {spec.relation_field: False})


def _write_links(records: WritableRecords, spec: RecordedField, given: Sequence[tuple[int, list[Any]]]) -> None:
    for owner, commands in given:
        for command in commands:
            code, number, value = parts_of(command)
            if code == 0:
                number = records.create(spec.relation, [value])[0]
            if code in (0, 4):
                _link(records, spec, owner, [number])
            elif code == 1:
                records.write(spec.relation, [number], value)
            elif code in (2, 3):
                records.store.unlink(table_of(spec), [(owner, number)])
                if code == 2:
                    records.unlink(spec.relation, [number])
            else:
                records.store.delete(table_of(spec)[0], [owner], table_of(spec)[1])
                _link(records, spec, owner, value if code == 6 else [])


def _link(records: WritableRecords, spec: RecordedField, owner: int, numbers: Sequence[int]) -> None:
    if set(numbers) - set(records.existing(spec.relation, numbers)):
        raise faults.still_used(spec.string, spec.relation, spec.string, spec.name)
    records.store.link(table_of(spec), [(owner, number) for number in numbers])
