"""Create, write, read, search, unlink as Odoo's ORM does them, on the recorded schema.

What single models add (computed fields, checks, methods) stands in ``behaviours``, in a visible table.
"""

# ruff: noqa: S608 - names of tables and columns come from the recorded schema, values are parameters
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from . import faults, values
from .columns import columns_of, guarded
from .deleting import delete
from .domains import Compiler
from .list_writing import write_lists
from .lists import read_list
from .schema import INHERITS, X2MANY, Model, RecordedField, Schema
from .store import SandboxStore, among, listed

Vals = dict[str, Any]
STAMPS = ("create_date", "write_date", "create_uid", "write_uid")
DIGITS_TTL = "decimal.precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What one model does beyond its fields. Every part is optional."""

    fill: Callable[[Env, list[Vals]], None] | None = None  # missing values before the insert
    before_write: Callable[[Env, list[int], Vals], None] | None = None  # checks; may complete the values
    changed: Callable[[Env, list[int], set[str] | None], None] | None = None  # None: just created
    before_unlink: Callable[[Env, list[int]], None] | None = None
    denied: frozenset[str] = frozenset()  # operations that no group of Odoo's allows a client, whoever it is
    names: Callable[[Env, list[int]], dict[int, str]] | None = None
    computed: Mapping[str, Callable[[Env, list[int]], dict[int, Any]]] = field(default_factory=dict)
    methods: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    model_methods: Mapping[str, Callable[..., Any]] = field(default_factory=dict)  # called without ids


NOTHING = Behaviour()


@dataclass(slots=True)
class Env:
    """One call: its user, its context, and what must be recomputed before it ends."""

    schema: Schema
    store: SandboxStore
    behaviours: Mapping[str, Behaviour]
    context: dict[str, Any]
    uid: int = 2
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    depth: int = 0
    todo: dict[str, tuple[Callable[[Env, list[int]], None], dict[int, None]]] = field(default_factory=dict)
    digits: dict[str, int] = field(default_factory=dict)

    # ---- looking

    def model(self, name: str) -> Model:
        spec = self.schema.models.get(name)
        if spec is None:
            raise faults.not_found(f"the model {name!r} does not exist")
        return spec

    def behaviour(self, model: str) -> Behaviour:
        return self.behaviours.get(model, NOTHING)

    def with_context(self, **more: Any) -> Env:
        return replace(self, context={**self.context, **more})

    def rows(self, model: str, ids: Iterable[Any], columns: Sequence[str], by: str = "id") -> list[Vals]:
        return self.store.rows(self.model(model), ids, columns, by)

    def row(self, model: str, number: int, columns: Sequence[str]) -> Vals:
        rows = self.rows(model, [number], columns)
        if not rows:
            raise faults.missing(model, [number], self.uid)
        return rows[0]

    def ref(self, xid: str) -> int | None:
        module, _dot, name = xid.partition(".")
        found = self.store.query("SELECT res_id FROM ir_model_data WHERE module = ? AND name = ?", (module, name))
        return int(found[0][0]) if found else None

    def search(
        self, model: str, domain: Sequence[Any], *, offset: int = 0, limit: int | None = None, order: str = ""
    ) -> list[int]:
        sql, parameters = self._selection(model, domain)
        keys = Compiler(self.schema).order(self.model(model), order or "")
        sql += f" ORDER BY {keys} LIMIT {int(limit) if limit else -1} OFFSET {int(offset or 0)}"
        return [int(row[0]) for row in self.store.query("SELECT t.id " + sql, parameters)]

    def count(self, model: str, domain: Sequence[Any], limit: int | None = None) -> int:
        sql, parameters = self._selection(model, domain)
        found = int(self.store.query("SELECT count(*) " + sql, parameters)[0][0])
        return min(found, limit) if limit else found

    def _selection(self, name: str, domain: Sequence[Any]) -> tuple[str, list[Any]]:
        model = self.model(name)
        where, parameters = Compiler(self.schema).where(model, domain)
        active = "active" in model.fields and model.fields["active"].column and self.context.get("active_test", True)
        if active and not any(isinstance(leaf, list | tuple) and leaf[0] == "active" for leaf in domain):
            where = f'({where}) AND t."active" = 1'
        return f'FROM "{model.table}" t WHERE {where}', parameters

    def first(self, model: str, domain: Sequence[Any], order: str = "") -> int | None:
        """The first record that matches, if any."""
        found = self.search(model, domain, limit=1, order=order)
        return found[0] if found else None

    def existing(self, model: str, ids: Iterable[int]) -> list[int]:
        return [int(row["id"]) for row in self.rows(model, ids, ())]

    def must_exist(self, model: str, ids: Sequence[int]) -> None:
        existing = set(self.existing(model, ids))
        lost = [number for number in ids if number not in existing]
        if lost:
            raise faults.missing(model, lost, self.uid)

    # ---- reading

    def values(self, model: str, ids: Sequence[int], name: str) -> dict[int, Any]:
        """The raw value of one field per record: an id for many2one, a list of ids for x2many."""
        spec = self.model(model).fields[name]
        computed = self.behaviour(model).computed.get(name)
        if computed:
            return computed(self, list(ids))
        if spec.column:
            return {row["id"]: row[name] for row in self.rows(model, ids, [name])}
        if spec.type in X2MANY and not spec.related:
            return read_list(self.schema, self.store, self.context, spec, ids)
        if spec.related:
            return self._related(model, ids, spec)
        if name == "display_name":
            return self.names(model, ids)
        raise faults.unsupported(f"the computed field {model}.{name}")

    def _related(self, model: str, ids: Sequence[int], spec: RecordedField) -> dict[int, Any]:
        first, _dot, rest = spec.related.partition(".")
        reached_by_id = self.values(model, ids, first)
        current = model
        while rest:
            current = self.model(current).fields[first].relation
            first, _dot, rest = rest.partition(".")
            hops = {
                number: (value[0] if value else None) if isinstance(value, list) else value
                for number, value in reached_by_id.items()
            }
            reached = self.values(current, sorted({value for value in hops.values() if value}), first)
            reached_by_id = {number: reached.get(value) if value else None for number, value in hops.items()}
        empty: Any = [] if spec.type in X2MANY else None
        return {number: empty if value is None else value for number, value in reached_by_id.items()}

    def read(
        self, model: str, ids: Sequence[int], fields: Sequence[str] | None = None, *, classic: bool = True
    ) -> list[Vals]:
        spec = self.model(model)
        chosen = self._readable(model) if not fields else list(dict.fromkeys(fields))
        for name in chosen:
            if name not in spec.fields:
                raise faults.value_error(f"Invalid field {name!r} on {model!r}")
        columns = [name for name in chosen if spec.fields[name].column and name not in self.behaviour(model).computed]
        rows_by_id = {row["id"]: row for row in self.rows(model, ids, columns)}
        present = [number for number in ids if number in rows_by_id]
        answer: dict[int, Vals] = {number: {"id": number} for number in present}
        for name in chosen:
            if name == "id":
                continue
            raw = (
                {number: rows_by_id[number][name] for number in present}
                if name in columns
                else self.values(model, present, name)
            )
            for number, value in self._shown(spec.fields[name], raw, classic).items():
                answer[number][name] = value
        return [answer[number] for number in present]

    def _readable(self, model: str) -> list[str]:
        """All fields that can be answered truthfully: stored, related, and those computed here."""
        computed = self.behaviour(model).computed
        chosen = []
        for name, spec in self.model(model).fields.items():
            lists = spec.type in X2MANY and spec.relation in self.schema.models
            inverse = (
                self.schema.models[spec.relation].fields.get(spec.relation_field)
                if lists and spec.type == "one2many"
                else None
            )
            readable = spec.column or name in computed or name == "display_name"
            if readable or (
                lists
                and not spec.related
                and (spec.table or (inverse and inverse.column and inverse.type == "many2one"))
            ):
                chosen.append(name)
        return chosen

    def _shown(self, spec: RecordedField, raw: Mapping[int, Any], classic: bool) -> dict[int, Any]:
        if spec.type == "many2one":
            if not classic:
                return {number: value or False for number, value in raw.items()}
            names = self.names(spec.relation, sorted({value for value in raw.values() if value}))
            return {
                number: [value, names[value]] if value and value in names else False for number, value in raw.items()
            }
        if spec.type in X2MANY:
            return {number: list(value or []) for number, value in raw.items()}
        return {number: values.to_client(spec, value) for number, value in raw.items()}

    def names(self, model: str, ids: Sequence[int]) -> dict[int, str]:
        """display_name per record."""
        if model not in self.schema.models:
            return {number: f"{model},{number}" for number in ids}
        special = self.behaviour(model).names
        if special:
            return special(self, list(ids))
        key = self.model(model).record_name
        if not key:
            return {number: f"{model},{number}" for number in self.existing(model, ids)}
        return {number: str(value or "") for number, value in self.values(model, ids, key).items()}

    # ---- writing

    def create(self, model: str, vals_list: Sequence[Mapping[str, Any]]) -> list[int]:
        spec = self.model(model)
        filled = [self._with_defaults(spec, dict(vals)) for vals in vals_list]
        fill = self.behaviour(model).fill
        with _Level(self):
            if fill:
                fill(self, filled)
            self._create_parents(spec, filled)
            stamp = self.now().strftime(values.DATETIME)
            stamps = {
                name: value
                for name, value in zip(STAMPS, (stamp, stamp, self.uid, self.uid), strict=True)
                if name in spec.fields
            }
            rows = [{**stamps, **columns_of(spec, vals, self._digits, creating=True)} for vals in filled]
            self._check_pointers(spec, rows)
            ids: list[int] = guarded(spec, lambda: self.store.insert(spec, rows))
            write_lists(self, spec, list(zip(ids, filled, strict=True)))
            self._write_related(spec, list(zip(ids, filled, strict=True)))
            self._changed(model, ids, None)
        return ids

    def _with_defaults(self, spec: Model, vals: Vals) -> Vals:
        for name in vals:
            if name not in spec.fields:
                raise faults.value_error(f"Invalid field {name!r} in {spec.name!r}")
        link = INHERITS.get(spec.name, "")
        for name, value in self.defaults(spec.name).items():
            # what belongs to the record it delegates to has its default there
            if not (link and spec.fields[name].related.startswith(f"{link}.")):
                vals.setdefault(name, value)
        vals.pop("id", None)
        return vals

    def defaults(self, model: str) -> Vals:
        spec = self.model(model)
        vals = dict(spec.defaults)
        for name in vals:
            if spec.fields[name].type == "date":
                vals[name] = self.now().strftime(values.DATE)
            elif spec.fields[name].type == "datetime":
                vals[name] = self.now().strftime(values.DATETIME)
        named = {
            key[8:]: value
            for key, value in self.context.items()
            if key.startswith("default_") and key[8:] in spec.fields
        }
        return {**vals, **named}

    def _create_parents(self, spec: Model, filled: list[Vals]) -> None:
        """Records that inherit from another one by delegation create it when it is not given."""
        link = INHERITS.get(spec.name)
        for vals in filled if link else ():
            if link and not vals.get(link):
                vals_of_parent = {
                    name: vals.pop(name)
                    for name in list(vals)
                    if spec.fields[name].related == f"{link}.{name}" and not spec.fields[name].column
                }
                vals[link] = self.with_context(create_product_product=False).create(
                    spec.fields[link].relation, [vals_of_parent]
                )[0]

    def _digits(self, spec: RecordedField) -> int | None:
        if not spec.precision:
            return spec.digits
        if spec.precision not in self.digits:
            digit_rows = self.store.query("SELECT digits FROM decimal_precision WHERE name = ?", (spec.precision,))
            self.digits[spec.precision] = int(digit_rows[0][0]) if digit_rows else 2
        return self.digits[spec.precision]

    def _check_pointers(self, spec: Model, rows: Sequence[Vals]) -> None:
        for name, described in spec.fields.items():
            if described.type != "many2one" or not described.column or described.relation not in self.schema.models:
                continue
            pointed = {row[name] for row in rows if row.get(name)}
            if pointed and pointed - set(self.existing(described.relation, pointed)):
                raise faults.still_used(spec.description, spec.name, described.string, name)

    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
        spec = self.model(model)
        for name in vals:
            if name not in spec.fields:
                raise faults.key_error(name)
        self.must_exist(model, ids)
        changes = dict(vals)
        changes.pop("id", None)
        check = self.behaviour(model).before_write
        with _Level(self):
            if check:
                check(self, list(ids), changes)
            row = columns_of(spec, changes, self._digits, creating=False)
            self._check_pointers(spec, [row])
            stamps = {"write_date": self.now().strftime(values.DATETIME), "write_uid": self.uid}
            stamped = {**row, **{name: value for name, value in stamps.items() if name in spec.fields}}
            guarded(spec, lambda: self.store.update(spec, ids, stamped))
            write_lists(self, spec, [(number, changes) for number in ids])
            self._write_related(spec, [(number, changes) for number in ids])
            if model == DIGITS_TTL:
                self.digits.clear()
            self._changed(model, list(ids), set(changes))
        return True

    def set_columns(self, model: str, rows: Mapping[int, Mapping[str, Any]]) -> None:
        """Computed values straight into their columns, without checks or further consequences."""
        self.store.update_each(self.model(model), rows)

    def _write_related(self, spec: Model, pairs: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """A writable related field belongs to the record at the end of its path."""
        for number, vals in pairs:
            changes_by_hop: dict[str, Vals] = {}
            for name, value in vals.items():
                described = spec.fields[name]
                hop, _dot, end = described.related.partition(".")
                if described.related and not described.column and not described.readonly and end and "." not in end:
                    changes_by_hop.setdefault(hop, {})[end] = value
            for hop, changes in changes_by_hop.items():
                target = self.values(spec.name, [number], hop)[number]
                if isinstance(target, int) and target:
                    self.write(spec.fields[hop].relation, [target], changes)

    # ---- deleting

    def unlink(self, model: str, ids: Sequence[int]) -> bool:
        self.must_exist(model, ids)
        check = self.behaviour(model).before_unlink
        with _Level(self):
            if check:
                check(self, list(ids))
            delete(self.schema, self.store, self.model(model), list(ids))
            self.store.execute(
                f"DELETE FROM ir_model_data WHERE model = ? AND res_id IN {among()}", (model, listed(ids))
            )
        return True

    # ---- consequences

    def later(self, key: str, function: Callable[[Env, list[int]], None], ids: Iterable[int]) -> None:
        """Recompute once, at the end of the outermost write, in the order of ``behaviours.ORDER``."""
        self.todo.setdefault(key, (function, {}))[1].update(dict.fromkeys(ids))

    def _changed(self, model: str, ids: list[int], fields: set[str] | None) -> None:
        hook = self.behaviour(model).changed
        if hook:
            hook(self, ids, fields)

    def settle(self) -> None:
        while self.todo:
            key = min(self.todo)
            function, ids = self.todo.pop(key)
            function(self, list(ids))


class _Level:
    """Nesting of writes: what was queued is settled when the outermost one ends."""

    def __init__(self, env: Env) -> None:
        self.env = env

    def __enter__(self) -> None:
        self.env.depth += 1

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None and self.env.depth == 1:
            self.env.settle()
        self.env.depth -= 1
