"""A record's values as a row of its table, and what a table refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from . import faults, values
from .schema import Model, RecordedField

T = TypeVar("T")


def columns_of(
    spec: Model, vals: Mapping[str, Any], digits: Callable[[RecordedField], int | None], *, creating: bool
) -> dict[str, Any]:
    """The row of a record as given; what is required and lacks is refused."""
    row: dict[str, Any] = {}
    for name, value in vals.items():
        described = spec.fields[name]
        if described.column and name != "id":
            row[name] = values.to_column(spec.name, described, value, digits(described))
    for name, described in spec.fields.items():
        wanted = described.required and described.column and name != "id" and described.type != "boolean"
        if (
            wanted
            and (name in row or creating)
            and row.get(name) is None
            and not (described.type in values.EMPTY_NUMBERS and name in row)
        ):
            raise _required(spec, described)
    return row


def _required(spec: Model, described: RecordedField) -> faults.CallFault:
    return faults.required(described.string, described.name, spec.description, spec.name)


def guarded(spec: Model, action: Callable[[], T]) -> T:
    """Run it; a broken unique index is said as Odoo says it."""
    try:
        return action()
    except sqlite3.IntegrityError as error:
        raise _duplicate(spec, str(error)) from None


def _duplicate(spec: Model, text: str) -> faults.CallFault:
    columns = tuple(part.rpartition(".")[2].strip() for part in text.partition(": ")[2].split(","))
    for unique in spec.uniques:
        if set(unique.columns) == set(columns):
            return (
                faults.constraint(unique.message)
                if unique.message
                else faults.duplicate(unique.index, unique.columns, columns)
            )
    raise RuntimeError(f"{spec.name}: a constraint without a name: {text}")
