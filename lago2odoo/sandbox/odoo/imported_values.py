"""The texts of a file as values of Odoo's fields, converted and refused as Odoo's import does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import faults, values
from .orm import Env, Vals
from .schema import Model, RecordedField

Message = dict[str, Any]
Log = Callable[[Message], None]
YES, NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


@dataclass(frozen=True, slots=True)
class ImportedRow:
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


class Converter:
    """Text to values, with Odoo's complaints. Remembers the external ids of one call."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self.cache: dict[tuple[str, str], int | None] = {}

    def row(self, model: Model, record: Vals, info: Message, log: Log) -> ImportedRow:
        xid = str(record.get("id") or "")
        number = self._number(model, record.get(".id"), info, log)
        vals = self.vals(model, record, lambda name, label, error: log(_message(info, name, label, error)))
        return ImportedRow(_qualified(xid), number, vals, info)

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
        vals: Vals = {}
        for name, value in record.items():
            if name in ("id", ".id"):
                continue
            spec = model.fields[name]
            try:
                vals[name] = self.value(spec, value)
            except Unusable as error:
                log(name, spec.string, error)
        return vals

    def value(self, spec: RecordedField, value: Any) -> Any:
        if spec.type in ("many2one", "many2many"):
            return self._relation(spec, *value)
        if spec.type == "one2many":
            return [self._line(spec, line) for line in value]
        if not value:
            return False
        return CONVERTERS.get(spec.type, _as_is)(spec, value)

    def _relation(self, spec: RecordedField, key: str, value: Any) -> Any:
        if spec.type == "many2one":
            return self.find(spec, key, value) if value else False
        numbers = [self.find(spec, key, part.strip()) for part in str(value).split(",")] if value else []
        return [[6, 0, numbers]]

    def find(self, spec: RecordedField, key: str, value: Any) -> int:
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
        ids = self.env.search(spec.relation, [(target.record_name, "=", value)], limit=1)
        if not ids:
            raise Unusable(f"No matching record found for name '{value}' in field '%s'", _possible(spec, key))
        return ids[0]

    def _by_xid(self, spec: RecordedField, value: str) -> int:
        xid = _qualified(value)
        if (spec.relation, xid) not in self.cache:
            number = self.env.ref(xid)
            self.cache[spec.relation, xid] = number if number and self.env.existing(spec.relation, [number]) else None
        record = self.cache[spec.relation, xid]
        if not record:
            raise Unusable(f"No matching record found for external id '{value}' in field '%s'", _possible(spec, "id"))
        return record

    def _line(self, spec: RecordedField, record: Vals) -> list[Any]:
        target = self.env.model(spec.relation)

        def refuse(_name: str, label: str, error: Unusable) -> None:
            raise Unusable(error.message.replace("'%s'", f"'%s/{label}'"), error.extra)

        vals = self.vals(target, record, refuse)
        xid = _qualified(str(record.get("id") or ""))
        number = int(record[".id"]) if record.get(".id") else self._line_number(spec, xid)
        return [1, number, vals] if number else [0, 0, {**vals, **({"id": xid} if xid else {})}]

    def _line_number(self, spec: RecordedField, xid: str) -> int | None:
        number = self.env.ref(xid) if xid else None
        return number if number and self.env.existing(spec.relation, [number]) else None


def _qualified(xid: str) -> str:
    return xid if "." in xid or not xid else f"__import__.{xid}"


def _message(info: Message, name: str, label: str, error: Unusable) -> Message:
    message = {
        "rows": info["rows"],
        "type": "error",
        "record": info["record"],
        "field": name,
        "message": error.message.replace("%s", label, 1) if "'%s" in error.message else error.message,
    }
    if error.extra is not None:
        message["moreinfo"] = error.extra
    return {**message, "field_name": label}


def _possible(spec: RecordedField, key: str) -> Message:
    window: Message = {
        "name": "Possible Values", "type": "ir.actions.act_window", "target": "new", "view_mode": "list,form",
        "views": [[False, "list"], [False, "form"]], "context": {"create": False}, "help": "See all possible values",
    }  # fmt: skip
    if key in ("id", ".id"):
        return {**window, "res_model": "ir.model.data", "domain": [["model", "=", spec.relation]]}
    return {**window, "res_model": spec.relation}


def _boolean(_spec: RecordedField, value: Any) -> bool:
    if not hasattr(value, "lower"):
        raise faults.attribute_error(f"'{type(value).__name__}' object has no attribute 'lower'")
    if value.lower() in YES:
        return True
    if value.lower() in NO:
        return False
    raise Unusable(f"Unknown value '{value}' for boolean field '%s'", "Use '1' for yes and '0' for no")


def _integer(_spec: RecordedField, value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise Unusable(f"'{value}' does not seem to be an integer for field '%s'") from None


def _float(_spec: RecordedField, value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise Unusable(f"'{value}' does not seem to be a number for field '%s'") from None


def _date(_spec: RecordedField, value: Any) -> str:
    return _in_time(values.day, value, "date", "2012-12-31")


def _datetime(_spec: RecordedField, value: Any) -> str:
    return _in_time(values.moment, value, "datetime", "2012-12-31 23:59:59")


def _in_time(read: Callable[[str], str], value: Any, kind: str, example: str) -> str:
    try:
        return read(str(value))
    except faults.CallFault:
        text = f"'{value}' does not seem to be a valid {kind} for field '%s'"
        raise Unusable(text, f"Use the format '{example}'") from None


def _selection(spec: RecordedField, value: Any) -> Any:
    for key, label in spec.labels.items():
        if str(value).lower() in (key.lower(), label.lower()):
            return key
    raise Unusable(f"Value '{value}' not found in selection field '%s'", list(spec.labels.values()))


def _as_is(_spec: RecordedField, value: Any) -> Any:
    return value


CONVERTERS: dict[str, Callable[[RecordedField, Any], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "many2one_reference": _integer,
    "float": _float,
    "monetary": _float,
    "date": _date,
    "datetime": _datetime,
    "selection": _selection,
}
