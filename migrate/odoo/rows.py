"""Records as the matrix that ``load`` reads, and as the values that ``write`` takes. Pure.

A record is a row; its lines are columns ``order_line/...`` of that row and of continuation rows, whose other cells are
empty. Every record and every line carries its external id, so that ``load`` never appends a line twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from mappings.target import Desired, Find, Ref, Value
from migrate.values import OdooField, cell, related

IdOf = Callable[[Ref | Find], int]
Matrix = tuple[list[str], list[list[str]]]


def matrix(
    records: Sequence[tuple[Desired, Collection[str], Mapping[str, Sequence[Desired]]]],
    id_of: IdOf,
    *,
    by_id: bool = False,
) -> Matrix:
    """(columns, rows) for ``load``. Each record comes with the fields and the lines to send.

    Cells of relations hold external ids where all of a column's targets have one, else database ids: ``id_of``
    answers those of records that exist. ``by_id``: the records themselves go by database id, and must exist.
    """
    own_columns = _columns([(record, names) for record, names, _ in records], "", id_of)
    lines: dict[str, list[tuple[Desired, Collection[str]]]] = {}
    for _, _, children in records:
        for name, some in children.items():
            lines.setdefault(name, []).extend((line, line.values) for line in some)
    below = {name: _columns(some, f"{name}/", id_of) for name, some in lines.items()}
    header = [c for c, _ in own_columns] + [c for columns in below.values() for c, _ in columns]
    key: Column = (".id", lambda record: str(id_of(Ref(record.xid)))) if by_id else ("id", _xid)
    columns = [key, *own_columns]
    rows = [row for record, _, children in records for row in _rows(record, children, columns, below)]
    return [key[0], *header], rows


Column = tuple[str, Callable[[Desired], str]]


def _rows(
    record: Desired,
    children: Mapping[str, Sequence[Desired]],
    own_columns: Sequence[Column],
    below: Mapping[str, Sequence[Column]],
) -> Iterable[list[str]]:
    head = _cells(record, own_columns)
    empty = [""] * len(head)
    columns = [[_cells(line, below[name]) for line in children.get(name, ())] for name in below]
    blanks = [[""] * len(some) for some in below.values()]
    for parts in zip_longest(*columns) if any(columns) else [tuple(blanks)]:
        yield head + [c for part, blank in zip(parts, blanks, strict=True) for c in (blank if part is None else part)]
        head = empty


def _cells(line: Desired, columns: Sequence[Column]) -> list[str]:
    return [read(line) for _, read in columns]


def _columns(records: Sequence[tuple[Desired, Collection[str]]], prefix: str, id_of: IdOf) -> list[Column]:
    names = list(dict.fromkeys(name for record, fields in records for name in record.values if name in fields))
    columns: list[Column] = [(f"{prefix}id", _xid)] if prefix else []
    return columns + [_column(name, [r.values.get(name) for r, _ in records], prefix, id_of) for name in names]


def _xid(record: Desired) -> str:
    return record.xid


def _column(name: str, values: Sequence[Value], prefix: str, id_of: IdOf) -> Column:
    targets = [t for value in values for t in related(value)]
    if not targets and not any(isinstance(value, tuple) for value in values):
        return f"{prefix}{name}", lambda record: cell(record.values.get(name))
    if all(isinstance(target, Ref) for target in targets):
        return f"{prefix}{name}/id", lambda record: ",".join(
            t.xid for t in related(record.values.get(name)) if isinstance(t, Ref)
        )
    return f"{prefix}{name}/.id", lambda record: ",".join(str(id_of(t)) for t in related(record.values.get(name)))


def written(record: Desired, names: Iterable[str], fields: Mapping[str, OdooField], id_of: IdOf) -> dict[str, Any]:
    """Plain JSON values for ``write``."""
    return {name: _json(record.values.get(name), fields[name], id_of) for name in names}


def _json(value: Value, field: OdooField, id_of: IdOf) -> Any:
    if field.type == "many2many":
        return [[6, 0, [id_of(t) for t in related(value)]]]
    if isinstance(value, Ref | Find):
        return id_of(value)
    if value is None or isinstance(value, bool | int):
        return False if value is None else value
    text = cell(value)
    return float(text) if field.type in ("float", "monetary") else text
