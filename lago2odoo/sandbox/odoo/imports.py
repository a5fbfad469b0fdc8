"""``load``: rows of text, external ids, lines on continuation rows; all or nothing per call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import faults
from .imported_values import Converter, ImportedRow, Message
from .orm import Env, Vals
from .schema import X2MANY, Model
from .values import DATETIME

Path = list[str]
TOO_MANY = (
    "Found more than 10 errors and more than one error per 10 records, interrupted to avoid showing too many errors."
)


def load(env: Env, model: str, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Odoo's ``load``: ``ids`` in the order of the rows, or False and ``messages``, with nothing kept."""
    messages: list[Message] = []
    ids: list[int] | bool = []
    try:
        with env.store.savepoint("load"):
            ids = _load(env, env.model(model), [_path(field) for field in fields], data, messages)
            if any(message["type"] == "error" for message in messages):
                raise _ImportUndo
    except _ImportUndo:
        ids = False
        env.todo.clear()
    return {"ids": ids, "messages": messages, "nextrow": 0}


class _ImportUndo(Exception):
    pass


def _load(
    env: Env, model: Model, paths: list[Path], data: Sequence[Sequence[Any]], messages: list[Message]
) -> list[int]:
    converter = Converter(env)
    rows = [converter.row(model, record, info, messages.append) for record, info in extract(env, model, paths, data)]
    try:
        with env.store.savepoint("batch"):
            return _store_rows(env, model, rows)
    except faults.CallFault as fault:
        env.todo.clear()
        overall = (
            {**rows[0].info, "type": "error", "message": fault.message}
            if _is_user_error(fault) and not fault.database
            else None
        )
    _one_by_one(env, model, rows, messages, overall)
    return []


def _one_by_one(
    env: Env, model: Model, rows: list[ImportedRow], messages: list[Message], overall: Message | None
) -> None:
    """After a failed batch: which records are to blame. Nothing is kept either way."""
    errors = 0
    for position, row in enumerate(rows, 1):
        try:
            with env.store.savepoint("single"):
                _store_rows(env, model, [row])
        except faults.CallFault as fault:
            env.todo.clear()
            errors += 1
            messages.append({**row.info, "type": "error", **_blame(fault)})
        if errors >= 10 and errors >= position / 10:
            messages.append({"type": "warning", "message": TOO_MANY})
            break
    if errors and overall and overall not in messages:
        messages.insert(0, overall)


def _is_user_error(fault: faults.CallFault) -> bool:
    return fault.name.startswith("odoo.exceptions.")


def _blame(fault: faults.CallFault) -> Message:
    if _is_user_error(fault):
        field = re.match(r"Missing required value for the field '.*' \((\w+)\)", fault.message)
        return {"message": fault.message, **({"field": field[1]} if field and fault.database else {})}
    kind = fault.name.rpartition(".")[2]
    return {
        "message": f"Unknown error during import: <class '{kind}'>: {fault.message}",
        "moreinfo": "Resolve other errors first",
    }


def _store_rows(env: Env, model: Model, rows: list[ImportedRow]) -> list[int]:
    """Create the new ones in one go, update the known ones; ids in the order of the rows."""
    known = {row.xid: _known(env, model, row) for row in rows if row.xid}
    fresh: dict[str, ImportedRow] = {}
    created: list[ImportedRow] = []
    updates: list[tuple[ImportedRow, int | None]] = []
    for row in rows:
        number = known.get(row.xid) if row.xid else row.number or None
        if number or (row.xid and row.xid in fresh):
            updates.append((row, number))
        else:
            created.append(row)
            if row.xid:
                fresh[row.xid] = row
    ids = dict(zip(map(id, created), _create(env, model, created), strict=True))
    for row, number in updates:
        ids[id(row)] = number or ids[id(fresh[row.xid])]
        _write(env, model.name, ids[id(row)], row.vals)
    return [ids[id(row)] for row in rows]


def _create(env: Env, model: Model, rows: list[ImportedRow]) -> list[int]:
    ids = env.create(model.name, [_plain(row.vals) for row in rows])
    name_records(env, model.name, [(row.xid, number) for row, number in zip(rows, ids, strict=True) if row.xid])
    for row, number in zip(rows, ids, strict=True):
        _name_lines(env, model, number, row.vals)
    return ids


def _write(env: Env, model: str, number: int, vals: Vals) -> None:
    before = _line_ids(env, model, number, vals)
    env.write(model, [number], _plain(vals))
    _name_lines(env, env.model(model), number, vals, before)


def _line_ids(env: Env, model: str, number: int, vals: Vals) -> dict[str, set[int]]:
    specs = env.model(model).fields
    lists = [name for name in vals if specs[name].type == "one2many"]
    return {name: set(env.with_context(active_test=False).values(model, [number], name)[number]) for name in lists}


def _plain(vals: Vals) -> Vals:
    """New lines carry their external id beside the values until they exist."""
    return {name: _bare(value) for name, value in vals.items()}


def _bare(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        [0, 0, {k: v for k, v in item[2].items() if k != "id"}] if item[0] == 0 and item[2] else item for item in value
    ]


def _name_lines(env: Env, model: Model, owner: int, vals: Vals, before: dict[str, set[int]] | None = None) -> None:
    for name, value in vals.items():
        spec = model.fields[name]
        if spec.type != "one2many":
            continue
        created = [item[2] for item in value if item[0] == 0] if value else []
        if not created:
            continue
        present = env.with_context(active_test=False).values(model.name, [owner], name)[owner]
        fresh = sorted(set(present) - (before or {}).get(name, set()))[: len(created)]
        pairs = [(str(line["id"]), number) for line, number in zip(created, fresh, strict=True) if line.get("id")]
        name_records(env, spec.relation, pairs)


def name_records(env: Env, model: str, pairs: Sequence[tuple[str, int]]) -> None:
    """Give records their external ids; an id whose record is gone moves on."""
    for xid, number in pairs:
        module, _dot, name = xid.partition(".")
        if " " in name:
            raise faults.constraint(
                'new row for relation "ir_model_data" violates check constraint "ir_model_data_name_nospaces"'
            )
        env.store.execute("DELETE FROM ir_model_data WHERE module = ? AND name = ?", (module, name))
        env.store.execute(
            "INSERT INTO ir_model_data (module, name, model, res_id, noupdate, create_date) VALUES (?, ?, ?, ?, 0, ?)",
            (module, name, model, number, env.now().strftime(DATETIME)),
        )


def _known(env: Env, model: Model, row: ImportedRow) -> int | None:
    module, _dot, name = row.xid.partition(".")
    found = env.store.query("SELECT id, model, res_id FROM ir_model_data WHERE module = ? AND name = ?", (module, name))
    if not found:
        return None
    number, owner, record = found[0]
    if owner != model.name:
        raise faults.validation(
            f"For external id {row.xid} when trying to create/update a record of model {model.name} "
            f"found record of different model {owner} ({number})"
        )
    return record if env.existing(owner, [record]) else None


# ---- rows -> records


def _path(field: str) -> Path:
    return re.sub(r"([^/])\.id", r"\1/.id", re.sub(r"([^/]):id", r"\1/id", field)).split("/")


def extract(env: Env, model: Model, paths: list[Path], data: Sequence[Sequence[Any]]) -> Iterator[tuple[Vals, Message]]:
    """Records with their lines: a row that only fills one2many columns continues the record above."""
    for path in paths:
        if path[0] not in model.fields and path[0] not in ("id", ".id"):
            raise faults.value_error(f"Invalid field name {path[0]!r}")
    lines = [index for index, path in enumerate(paths) if _is_lines(model, path[0])]
    others = [index for index in range(len(paths)) if index not in lines]
    start, position = 0, 0
    while start < len(data):
        end = start + 1
        while end < len(data) and any(data[end][i] for i in lines) and not any(data[end][i] for i in others):
            end += 1
        record = _record(env, model, paths, data[start:end])
        yield record, {"rows": {"from": start, "to": end - 1}, "record": position}
        start, position = end, position + 1


def _is_lines(model: Model, name: str) -> bool:
    return name in model.fields and model.fields[name].type == "one2many"


def _record(env: Env, model: Model, paths: list[Path], span: Sequence[Sequence[Any]]) -> Vals:
    record: Vals = {}
    for index, path in enumerate(paths):
        spec = model.fields.get(path[0])
        if path[0] in ("id", ".id") or (len(path) == 1 and spec is not None and spec.type not in ("many2one", *X2MANY)):
            record[path[0]] = span[0][index]
        elif spec is not None and spec.type != "one2many":
            record[path[0]] = (path[1] if len(path) > 1 else "", span[0][index])
    for name in dict.fromkeys(path[0] for path in paths if _is_lines(model, path[0])):
        columns = [index for index, path in enumerate(paths) if path[0] == name]
        target = env.model(model.fields[name].relation)
        inner = [paths[index][1:] or ["id"] for index in columns]
        rows = [row for row in ([line[index] for index in columns] for line in span) if any(row)]
        record[name] = [line for line, _info in extract(env, target, inner, rows)]
    return record
