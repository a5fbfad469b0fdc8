"""Odoo's search domains as SQL. A dotted path becomes a nested IN, a related field a correlated subquery."""

# ruff: noqa: S608 - names of tables and columns come from the recorded schema, values are parameters
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import faults, values
from .schema import Model, RecordedField, Schema
from .store import among, listed

COMPARISONS = {"=", "!=", "<", "<=", ">", ">=", "in", "not in", "=?"}
PATTERNS = {"like", "ilike", "not like", "not ilike", "=like", "=ilike", "not =like", "not =ilike"}
HIERARCHY = {"child_of", "parent_of"}
NESTED = {"any", "not any"}
NEGATIONS = {"!=", "not in", "not like", "not ilike", "not any", "not =like", "not =ilike"}
Part = tuple[str, list[Any]]
PARENTS = {"res.partner": "parent_id", "product.category": "parent_id", "res.company": "parent_id"}


class Compiler:
    """``where`` gives the SQL condition on table alias ``t`` and its parameters."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.serial = 0

    def where(self, model: Model, domain: Sequence[Any], alias: str = "t") -> Part:
        tokens = [_token(item) for item in domain]
        if not tokens:
            return "1", []
        stack: list[Part] = []
        for item in reversed(tokens):
            self._reduce(model, item, stack, alias)
        text = " AND ".join(f"({sql})" for sql, _parameters in reversed(stack))
        return text, [parameter for _sql, parameters in reversed(stack) for parameter in parameters]

    def _reduce(self, model: Model, item: Any, stack: list[Part], alias: str) -> None:
        if item == "!":
            sql, parameters = _pop(stack)
            stack.append((f"NOT COALESCE(({sql}), 0)", parameters))
        elif item in ("&", "|"):
            (left, first), (right, second) = _pop(stack), _pop(stack)
            stack.append((f"({left}) {'AND' if item == '&' else 'OR'} ({right})", first + second))
        else:
            stack.append(self.leaf(model, item, alias))

    def leaf(self, model: Model, leaf: tuple[Any, str, Any], alias: str) -> Part:
        path, operator, value = leaf
        if path in (1, 0):
            return ("1" if path == value else "0") if operator == "=" else ("0" if path == value else "1"), []
        if operator not in COMPARISONS | PATTERNS | HIERARCHY | NESTED:
            raise faults.value_error(f"Invalid operator in condition {leaf!r}")
        name, _dot, rest = path.partition(".")
        spec = model.fields.get(name)
        if spec is None:
            raise faults.value_error(f"Invalid field {model.name}.{name} in condition {leaf!r}")
        if rest and spec.type in ("date", "datetime", "properties"):
            raise faults.unsupported(f"date parts in a domain: {leaf!r}")
        if rest:
            return self._path(model, spec, rest, operator, value, alias)
        if spec.type in ("one2many", "many2many"):
            return self._many(model, spec, operator, value, alias)
        return self._single(model, spec, operator, value, alias)

    def _path(self, model: Model, spec: RecordedField, rest: str, operator: str, value: Any, alias: str) -> Part:
        if operator in NEGATIONS and spec.type in ("one2many", "many2many"):
            sql, parameters = self._path(model, spec, rest, _positive(operator), value, alias)
            return f"NOT COALESCE(({sql}), 0)", parameters
        return self._any(model, spec, [(rest, operator, value)], alias)

    def _any(self, model: Model, spec: RecordedField, domain: Sequence[Any], alias: str) -> Part:
        target = self.schema.models.get(spec.relation)
        if target is None:
            raise faults.value_error(f"Cannot search through {model.name}.{spec.name}")
        inner = self._alias()
        where, parameters = self.where(target, domain, inner)
        ids = f'SELECT {inner}.id FROM "{target.table}" {inner} WHERE {where}'
        if spec.type in ("one2many", "many2many"):
            ids += self._active(target, spec, inner)
        return self._holds(model, spec, ids, parameters, alias)

    def _active(self, target: Model, spec: RecordedField, inner: str) -> str:
        context = spec.raw.get("context") or {}
        wanted = "active" in target.fields and isinstance(context, dict) and context.get("active_test", True)
        return f' AND {inner}."active" = 1' if wanted else ""

    def _holds(self, model: Model, spec: RecordedField, ids: str, parameters: list[Any], alias: str) -> Part:
        """The record's relation meets the records that ``ids`` selects."""
        if spec.type == "many2one":
            return f"{self.expression(model, spec, alias)} IN ({ids})", parameters
        if spec.related:
            raise faults.unsupported(f"search on the related list {model.name}.{spec.name}")
        if spec.type == "one2many":
            target = self.schema.models[spec.relation]
            inverse = target.fields[spec.relation_field]
            return f'{alias}.id IN (SELECT "{inverse.name}" FROM "{target.table}" WHERE id IN ({ids}))', parameters
        if spec.table is None:
            raise faults.value_error(f"Cannot convert {model.name}.{spec.name} to SQL because it is not stored")
        table, column, other = spec.table
        return f'{alias}.id IN (SELECT "{column}" FROM "{table}" WHERE "{other}" IN ({ids}))', parameters

    def _many(self, model: Model, spec: RecordedField, operator: str, value: Any, alias: str) -> Part:
        if operator in NESTED:
            sql, parameters = self._any(model, spec, value, alias)
            return (f"NOT COALESCE(({sql}), 0)" if operator == "not any" else sql), parameters
        positive = operator not in NEGATIONS
        target = self.schema.models[spec.relation]
        if value is False or value is None or value == [False]:
            sql, parameters = self._holds(model, spec, f'SELECT id FROM "{target.table}"', [], alias)
            return (f"NOT COALESCE(({sql}), 0)" if positive else sql), parameters
        if operator in PATTERNS or isinstance(value, str):
            sql, parameters = self._any(model, spec, [(target.record_name, _positive(operator), value)], alias)
        elif operator in HIERARCHY:
            sql, parameters = self._any(model, spec, [("id", operator, value)], alias)
        else:
            items = [item for item in (value if isinstance(value, list | tuple) else [value]) if item]
            sql, parameters = self._holds(model, spec, among(), [listed(items)], alias)
        return (sql if positive else f"NOT COALESCE(({sql}), 0)"), parameters

    def _single(self, model: Model, spec: RecordedField, operator: str, value: Any, alias: str) -> Part:  # noqa: PLR0911
        # one way out per kind of condition
        if operator in NESTED:
            sql, parameters = self._any(model, spec, value, alias)
            return (f"NOT COALESCE(({sql}), 0)" if operator == "not any" else sql), parameters
        if operator in HIERARCHY:
            return self._hierarchy(model, spec, operator, value, alias)
        if spec.type == "many2one" and (operator in PATTERNS or isinstance(value, str)):
            return self._named(model, spec, operator, value, alias)
        if spec.name == "display_name" and not spec.column:
            return self._single(model, model.fields[model.record_name], operator, value, alias)
        expression = self.expression(model, spec, alias)
        if operator in PATTERNS:
            return _pattern(expression, operator, value)
        if operator == "=?":
            return ("1", []) if value in (None, False) else self._single(model, spec, "=", value, alias)
        return _compare(model, spec, expression, operator, value)

    def _named(self, model: Model, spec: RecordedField, operator: str, value: Any, alias: str) -> Part:
        target = self.schema.models[spec.relation]
        named = _positive(operator)
        sql, parameters = self._any(model, spec, [(target.record_name or "id", named, value)], alias)
        return (f"NOT COALESCE(({sql}), 0)" if operator in NEGATIONS else sql), parameters

    def _hierarchy(self, model: Model, spec: RecordedField, operator: str, value: Any, alias: str) -> Part:
        target = self.schema.models[spec.relation] if spec.type == "many2one" else model
        parent = PARENTS.get(target.name)
        roots = listed(item for item in (value if isinstance(value, list | tuple) else [value]) if item)
        expression = self.expression(model, spec, alias)
        if parent is None:
            return f"{expression} IN {among()}", [roots]
        step = "p.id = r.up" if operator == "parent_of" else f'p."{parent}" = r.id'
        return (
            f"{expression} IN (WITH RECURSIVE r(id, up) AS "
            f'(SELECT id, "{parent}" FROM "{target.table}" WHERE id IN {among()} '
            f'UNION SELECT p.id, p."{parent}" FROM "{target.table}" p JOIN r ON {step}) SELECT id FROM r)',
            [roots],
        )

    def expression(self, model: Model, spec: RecordedField, alias: str) -> str:
        """The SQL of a single-valued field: its column, or for a related one the column at the end of the path."""
        if spec.column:
            return f'{alias}."{spec.name}"'
        if not spec.related:
            raise faults.value_error(f"Cannot convert {model.name}.{spec.name} to SQL because it is not stored")
        first, _dot, rest = spec.related.partition(".")
        hop = model.fields[first]
        if not rest:
            return self.expression(model, hop, alias)
        if hop.type != "many2one":
            raise faults.value_error(f"Cannot convert {model.name}.{spec.name} to SQL because it is not stored")
        target, inner = self.schema.models[hop.relation], self._alias()
        step, _dot, deeper = rest.partition(".")
        end = target.fields[step]
        if deeper:
            end = RecordedField(
                spec.name, spec.type, spec.string, spec.raw, relation=spec.relation, related=rest, column=False
            )
        value = self.expression(target, end, inner)
        return f'(SELECT {value} FROM "{target.table}" {inner} WHERE {inner}.id = {self.expression(model, hop, alias)})'

    def order(self, model: Model, order: str) -> str:
        """An ORDER BY list. PostgreSQL sorts nulls as the largest value."""
        parts = []
        for item in (order or model.order or "id").split(","):
            words = item.strip().split()
            name, direction = words[0], (words[1].upper() if len(words) > 1 else "ASC")
            spec = model.fields.get(name.partition(".")[0].partition(":")[0])
            if spec is None:
                raise faults.value_error(f"Invalid field {name!r} on model {model.name!r}")
            if not order and not spec.column and not spec.related:
                continue  # a model's own order may end in a field that only its code can sort by (placeholder_code)
            parts.append(
                f"{self._sort_key(model, spec)} {direction} NULLS {'FIRST' if direction == 'DESC' else 'LAST'}"
            )
        return ", ".join(parts)

    def _sort_key(self, model: Model, spec: RecordedField) -> str:
        expression = self.expression(model, spec, "t")
        target = self.schema.models.get(spec.relation)
        if spec.type != "many2one" or target is None:
            return expression
        words = (target.order or "id").split(",")[0].split()
        key = target.fields.get(words[0])
        if key is None or not key.column or key.type == "many2one":
            return expression
        return f'(SELECT o."{key.name}" FROM "{target.table}" o WHERE o.id = {expression})'

    def _alias(self) -> str:
        self.serial += 1
        return f"t{self.serial}"


def _token(item: Any) -> Any:
    if item in ("&", "|", "!"):
        return item
    if isinstance(item, list | tuple) and len(item) == 3 and (isinstance(item[0], str) or item[0] in (0, 1)):
        operator = item[1].lower() if isinstance(item[1], str) else item[1]
        return (item[0], {"<>": "!=", "==": "="}.get(operator, operator), item[2])
    raise faults.value_error(f"Domain() invalid item in domain: {item!r}")


def _pop(stack: list[Part]) -> Part:
    if not stack:
        raise faults.value_error("Domain() malformed: an operator lacks its operands")
    return stack.pop()


def _positive(operator: str) -> str:
    return {"!=": "=", "not in": "in", "not like": "like", "not ilike": "ilike", "not any": "any"}.get(
        operator, operator.removeprefix("not ")
    )


def _pattern(expression: str, operator: str, value: Any) -> Part:
    negated, bare = operator.startswith("not "), operator.removeprefix("not ")
    text = str(value or "")
    if bare in ("like", "ilike"):
        text = f"%{text}%"
    sql = f"odoo_like({expression}, ?, {int(bare.endswith('ilike'))})"
    return (f"COALESCE(NOT ({sql}), 1)" if negated else f"COALESCE({sql}, 0)"), [text]


def _compare(model: Model, spec: RecordedField, expression: str, operator: str, value: Any) -> Part:
    if isinstance(value, list | tuple):
        return _membership(model, spec, expression, operator in ("in", "="), list(value))
    if operator in ("in", "not in"):
        return _membership(model, spec, expression, operator == "in", [value])
    if operator in ("=", "!="):
        return _membership(model, spec, expression, operator == "=", [value])
    if value in (None, False) and spec.type not in ("integer", "float", "monetary"):
        return "0", []
    empty = f"COALESCE({expression}, 0)" if spec.type in ("integer", "float", "monetary") else expression
    return f"{empty} {operator} ?", [_searched(model, spec, value)]


def _membership(model: Model, spec: RecordedField, expression: str, positive: bool, items: list[Any]) -> Part:
    if spec.type == "boolean":
        kept = {bool(item) for item in items}
        return f"(COALESCE({expression}, 0) IN {among()}) = ?", [listed(int(item) for item in kept), int(positive)]
    nothing = any(item is False or item is None for item in items)
    if spec.type in ("integer", "float", "monetary"):
        nothing = nothing or 0 in items
    searched = [_searched(model, spec, item) for item in items if item is not False and item is not None]
    sql = f"COALESCE({expression} IN {among()}, 0)"
    if nothing:
        empty = f"{expression} IS NULL" + (
            f" OR {expression} = 0" if spec.type in ("integer", "float", "monetary") else ""
        )
        empty += f" OR {expression} = ''" if spec.type in ("char", "text", "html") else ""
        sql = f"({sql} OR {empty})"
    return (sql if positive else f"NOT ({sql})"), [listed(searched)]


def _searched(model: Model, spec: RecordedField, value: Any) -> Any:
    if spec.type == "datetime" and isinstance(value, str):
        return values.moment(value)
    if spec.type == "date" and isinstance(value, str):
        return values.day(value)
    return int(value) if isinstance(value, bool) else value
