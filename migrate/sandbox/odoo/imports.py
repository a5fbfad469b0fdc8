"""``load``: rows of text, external ids, lines on continuation rows; all or nothing per call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import faults, values
from .orm import Env, Vals
from .schema import X2MANY, Field, Model

Message = dict[str, Any]
Path = list[str]
Log = Callable[[Message], None]
TOO_MANY = (
    "Found more than 10 errors and more than one error per 10 records, interrupted to avoid showing too many errors."
)
YES, NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file: its external id, or database id, its values, and its rows for the messages."""

    xid: str
    number: int
    vals: Vals
    info: Message


class Unusable(Exception):
    """One value that cannot be converted; ``extra`` is Odoo's ``moreinfo``."""

    def __init__(self, message: str, extra: Any = None) -> None:
        super().__init__(message)
        self.message, self.extra = message, extra


def load(env: Env, model: str, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Odoo's ``load``: ``ids`` in the order of the rows, or False and ``messages``, with nothing kept."""
    messages: list[Message] = []
    ids: list[int] | bool = []
    try:
        with env.store.savepoint("load"):
            ids = _load(env, env.model(model), [_path(field) for field in fields], data, messages)
            if any(message["type"] == "error" for message in messages):
                raise _Undo
    except _Undo:
        ids = False
        env.todo.clear()
    return {"ids": ids, "messages": messages, "nextrow": 0}


class _Undo(Exception):
    pass


def _load(
    env: Env, model: Model, paths: list[Path], data: Sequence[Sequence[Any]], messages: list[Message]
) -> list[int]:
    converter = Converter(env)
    rows = [converter.row(model, record, info, messages.append) for record, info in extract(env, model, paths, data)]
    try:
        with env.store.savepoint("batch"):
            return _store_rows(env, model, rows)
    except faults.Fault as fault:
        env.todo.clear()
        overall = (
            {**rows[0].info, "type": "error", "message": fault.message}
            if _is_user_error(fault) and not fault.database
            else None
        )
    _one_by_one(env, model, rows, messages, overall)
    return []


def _one_by_one(env: Env, model: Model, rows: list[Row], messages: list[Message], overall: Message | None) -> None:
    """After a failed batch: which records are to blame. Nothing is kept either way."""
    errors = 0
    for position, row in enumerate(rows, 1):
        try:
            with env.store.savepoint("single"):
                _store_rows(env, model, [row])
        except faults.Fault as fault:
            env.todo.clear()
            errors += 1
            messages.append({**row.info, "type": "error", **_blame(fault)})
        if errors >= 10 and errors >= position / 10:
            messages.append({"type": "warning", "message": TOO_MANY})
            break
    if errors and overall and overall not in messages:
        messages.insert(0, overall)


def _is_user_error(fault: faults.Fault) -> bool:
    return fault.name.startswith("odoo.exceptions.")


def _blame(fault: faults.Fault) -> Message:
    if _is_user_error(fault):
        field = re.match(r"Missing required value for the field '.*' \((\w+)\)", fault.message)
        return {"message": fault.message, **({"field": field[1]} if field and fault.database else {})}
    kind = fault.name.rpartition(".")[2]
    return {
        "message": f"Unknown error during import: <class '{kind}'>: {fault.message}",
        "moreinfo": "Resolve other errors first",
    }


def _store_rows(env: Env, model: Model, rows: list[Row]) -> list[int]:
    """Create the new ones in one go, update the known ones; ids in the order of the rows."""
    known = {row.xid: _known(env, model, row) for row in rows if row.xid}
    fresh: dict[str, Row] = {}
    created: list[Row] = []
    updates: list[tuple[Row, int | None]] = []
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


def _create(env: Env, model: Model, rows: list[Row]) -> list[int]:
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
            "INSERT INTO ir_model_data (module, name, model, res_id, noupdate) VALUES (?, ?, ?, ?, 0)",
            (module, name, model, number),
        )


def _known(env: Env, model: Model, row: Row) -> int | None:
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


# ---- text -> values


class Converter:
    """Text to values, with Odoo's complaints. Remembers the external ids of one call."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self.cache: dict[tuple[str, str], int | None] = {}

    def row(self, model: Model, record: Vals, info: Message, log: Log) -> Row:
        xid = str(record.get("id") or "")
        number = self._number(model, record.get(".id"), info, log)
        vals = self.vals(model, record, lambda name, label, error: log(_message(info, name, label, error)))
        return Row(_qualified(xid), number, vals, info)

    def _number(self, model: Model, value: Any, info: Message, log: Log) -> int:
        if not value:
            return 0
        if not str(value).isdigit():
            log({**info, "type": "error", "field": ".id", "message": f"Invalid database identifier '{value}'"})
            return 0
        if not self.env.existing(model.name, [int(value)]):
            log({**info, "type": "error", "field": ".id", "message": f"Unknown database identifier '{value}'"})
            return 0
        return int(value)

    def vals(self, model: Model, record: Vals, log: Callable[[str, str, Unusable], None]) -> Vals:
        found: Vals = {}
        for name, value in record.items():
            if name in ("id", ".id"):
                continue
            spec = model.fields[name]
            try:
                found[name] = self.value(spec, value)
            except Unusable as error:
                log(name, spec.string, error)
        return found

    def value(self, spec: Field, value: Any) -> Any:
        if spec.type in ("many2one", "many2many"):
            return self._relation(spec, *value)
        if spec.type == "one2many":
            return [self._line(spec, line) for line in value]
        if not value:
            return False
        return CONVERTERS.get(spec.type, _as_is)(spec, value)

    def _relation(self, spec: Field, key: str, value: Any) -> Any:
        if spec.type == "many2one":
            return self.find(spec, key, value) if value else False
        numbers = [self.find(spec, key, part.strip()) for part in str(value).split(",")] if value else []
        return [[6, 0, numbers]]

    def find(self, spec: Field, key: str, value: Any) -> int:
        if key == "id":
            return self._by_xid(spec, str(value))
        if key == ".id":
            if not str(value).isdigit():
                raise Unusable(f"Invalid database id '{value}' for the field '%s'", _possible(spec, key))
            if not self.env.existing(spec.relation, [int(value)]):
                raise Unusable(
                    f"No matching record found for database id '{value}' in field '%s'", _possible(spec, key)
                )
            return int(value)
        target = self.env.model(spec.relation)
        found = self.env.search(spec.relation, [(target.record_name, "=", value)], limit=1)
        if not found:
            raise Unusable(f"No matching record found for name '{value}' in field '%s'", _possible(spec, key))
        return found[0]

    def _by_xid(self, spec: Field, value: str) -> int:
        xid = _qualified(value)
        if (spec.relation, xid) not in self.cache:
            number = self.env.ref(xid)
            self.cache[spec.relation, xid] = number if number and self.env.existing(spec.relation, [number]) else None
        found = self.cache[spec.relation, xid]
        if not found:
            raise Unusable(f"No matching record found for external id '{value}' in field '%s'", _possible(spec, "id"))
        return found

    def _line(self, spec: Field, record: Vals) -> list[Any]:
        target = self.env.model(spec.relation)

        def refuse(_name: str, label: str, error: Unusable) -> None:
            raise Unusable(error.message.replace("'%s'", f"'%s/{label}'"), error.extra)

        vals = self.vals(target, record, refuse)
        xid = _qualified(str(record.get("id") or ""))
        number = int(record[".id"]) if record.get(".id") else self._line_number(spec, xid)
        return [1, number, vals] if number else [0, 0, {**vals, **({"id": xid} if xid else {})}]

    def _line_number(self, spec: Field, xid: str) -> int | None:
        number = self.env.ref(xid) if xid else None
        return number if number and self.env.existing(spec.relation, [number]) else None


def _qualified(xid: str) -> str:
    return xid if "." in xid or not xid else f"__import__.{xid}"


def _message(info: Message, name: str, label: str, error: Unusable) -> Message:
    found = {
        "rows": info["rows"],
        "type": "error",
        "record": info["record"],
        "field": name,
        "message": error.message.replace("%s", label, 1) if "'%s" in error.message else error.message,
    }
    if error.extra is not None:
        found["moreinfo"] = error.extra
    return {**found, "field_name": label}


def _possible(spec: Field, key: str) -> Message:
    window: Message = {
        "name": "Possible Values", "type": "ir.actions.act_window", "target": "new", "view_mode": "list,form",
        "views": [[False, "list"], [False, "form"]], "context": {"create": False}, "help": "See all possible values",
    }  # fmt: skip
    if key in ("id", ".id"):
        return {**window, "res_model": "ir.model.data", "domain": [["model", "=", spec.relation]]}
    return {**window, "res_model": spec.relation}


def _boolean(_spec: Field, value: Any) -> bool:
    if not hasattr(value, "lower"):
        raise faults.attribute_error(f"'{type(value).__name__}' object has no attribute 'lower'")
    if value.lower() in YES:
        return True
    if value.lower() in NO:
        return False
    raise Unusable(f"Unknown value '{value}' for boolean field '%s'", "Use '1' for yes and '0' for no")


def _integer(_spec: Field, value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise Unusable(f"'{value}' does not seem to be an integer for field '%s'") from None


def _float(_spec: Field, value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise Unusable(f"'{value}' does not seem to be a number for field '%s'") from None


def _date(_spec: Field, value: Any) -> str:
    try:
        return values.day(str(value))
    except faults.Fault:
        text = f"'{value}' does not seem to be a valid date for field '%s'"
        raise Unusable(text, "Use the format '2012-12-31'") from None


def _datetime(_spec: Field, value: Any) -> str:
    try:
        return values.moment(str(value))
    except faults.Fault:
        text = f"'{value}' does not seem to be a valid datetime for field '%s'"
        raise Unusable(text, "Use the format '2012-12-31 23:59:59'") from None


def _selection(spec: Field, value: Any) -> Any:
    for key, label in spec.labels.items():
        if str(value).lower() in (key.lower(), label.lower()):
            return key
    raise Unusable(f"Value '{value}' not found in selection field '%s'", list(spec.labels.values()))


def _as_is(_spec: Field, value: Any) -> Any:
    return value


CONVERTERS: dict[str, Callable[[Field, Any], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "many2one_reference": _integer,
    "float": _float,
    "monetary": _float,
    "date": _date,
    "datetime": _datetime,
    "selection": _selection,
}
