"""The methods that every model answers to a client, with Odoo's names and arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from . import companies, faults, imports
from .orm import Env, Vals
from .schema import description

Method = Callable[..., Any]


def create(env: Env, model: str, vals_list: Any) -> Any:
    vals = [vals_list] if isinstance(vals_list, dict) else list(vals_list)
    return env.create(model, vals)


def write(env: Env, model: str, ids: list[int], vals: Vals) -> bool:
    return env.write(model, ids, vals)


def unlink(env: Env, model: str, ids: list[int]) -> bool:
    if "unlink" in env.behaviour(model).denied:
        raise faults.denied("delete", env.model(model).description, model)
    return env.unlink(model, ids)


def read(
    env: Env, model: str, ids: list[int], fields: Sequence[str] | None = None, load: str | None = "_classic_read"
) -> Any:
    companies.check_readable(env, model, ids)
    return env.read(model, ids, fields, classic=load == "_classic_read")


def search(
    env: Env, model: str, domain: Any, offset: int = 0, limit: int | None = None, order: str | None = None
) -> list[int]:
    return env.search(model, _seen(env, model, domain), offset=offset, limit=limit, order=order or "")


def _seen(env: Env, model: str, domain: Any) -> list[Any]:
    return [*companies.rule(env, model), *(domain or [])]


def search_read(
    env: Env,
    model: str,
    domain: Any = None,
    fields: Sequence[str] | None = None,
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
    load: str | None = "_classic_read",
) -> list[Vals]:
    ids = env.search(model, _seen(env, model, domain), offset=offset, limit=limit, order=order or "")
    return env.read(model, ids, fields, classic=load == "_classic_read")


def search_count(env: Env, model: str, domain: Any, limit: int | None = None) -> int:
    return env.count(model, _seen(env, model, domain), limit)


def fields_get(
    env: Env, model: str, allfields: Sequence[str] | None = None, attributes: list[str] | None = None
) -> Any:
    fields = env.model(model).fields
    chosen = [name for name in fields if not allfields or name in allfields]
    described = {name: description(fields[name], attributes) for name in chosen}
    for name, shown in described.items():
        if "digits" in shown and fields[name].precision:
            shown["digits"] = [16, env._digits(fields[name])]
    return described


def load(env: Env, model: str, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> Any:
    return imports.load(env, model, fields, data)


def default_get(env: Env, model: str, fields: Sequence[str]) -> Vals:
    return {name: value for name, value in env.defaults(model).items() if name in fields}


def name_search(
    env: Env, model: str, name: str = "", domain: Any = None, operator: str = "ilike", limit: int = 100
) -> list[list[Any]]:
    key = env.model(model).record_name
    by_name = [(key, operator, name)] if name and key else []
    ids = env.search(model, _seen(env, model, [*by_name, *(domain or [])]), limit=limit)
    names = env.names(model, ids)
    return [[number, names[number]] for number in ids]


def name_create(env: Env, model: str, name: str) -> list[Any]:
    number = env.create(model, [{env.model(model).record_name: name}])[0]
    return [number, env.names(model, [number])[number]]


def has_access(env: Env, model: str, ids: list[int], operation: str) -> bool:
    return bool(env.model(model) and operation) and operation not in env.behaviour(model).denied


def get_metadata(env: Env, model: str, ids: list[int]) -> list[Vals]:
    xid_rows = env.store.query("SELECT res_id, module || '.' || name FROM ir_model_data WHERE model = ?", (model,))
    xids = {int(number): xid for number, xid in xid_rows}
    rows = env.read(model, ids, ["create_uid", "create_date", "write_uid", "write_date"])
    return [{**row, "xmlid": xids.get(row["id"], False)} for row in rows]


def action_archive(env: Env, model: str, ids: list[int]) -> None:
    env.write(model, ids, {"active": False})


def action_unarchive(env: Env, model: str, ids: list[int]) -> None:
    env.write(model, ids, {"active": True})


RECORD_METHODS: dict[str, Method] = {
    "write": write,
    "unlink": unlink,
    "read": read,
    "has_access": has_access,
    "get_metadata": get_metadata,
    "action_archive": action_archive,
    "action_unarchive": action_unarchive,
}
MODEL_METHODS: dict[str, Method] = {
    "create": create,
    "search": search,
    "search_read": search_read,
    "search_count": search_count,
    "fields_get": fields_get,
    "load": load,
    "default_get": default_get,
    "name_search": name_search,
    "name_create": name_create,
}


def find(env: Env, model: str, name: str) -> tuple[Method, bool]:
    """The method and whether it works on records (ids). Odoo's refusals for private and unknown ones."""
    behaviour = env.behaviour(env.model(model).name)
    if name.startswith("_") or name in ("exists", "browse", "sudo", "with_context", "mapped", "filtered"):
        raise faults.access(f"Private methods (such as '{model}.{name}') cannot be called remotely.")
    if name in behaviour.methods:
        return _for_model(behaviour.methods[name]), True
    if name in behaviour.model_methods:
        return _for_model(behaviour.model_methods[name]), False
    if name in RECORD_METHODS:
        return RECORD_METHODS[name], True
    if name in MODEL_METHODS:
        return MODEL_METHODS[name], False
    raise faults.not_found(f"The method '{model}.{name}' does not exist")


def _for_model(method: Method) -> Method:
    """Methods of one model are written without the model's name; clients' calls are bound the same way."""

    def call(env: Env, _model: str, *arguments: Any, **named: Any) -> Any:
        return method(env, *arguments, **named)

    parameters = list(inspect.signature(method).parameters.values())
    leading = [parameters[0], inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    call.__signature__ = inspect.Signature([*leading, *parameters[1:]])  # type: ignore[attr-defined]
    return call


class WrongArguments(faults.CallFault):
    """JSON-2 answers 422, JSON-RPC a TypeError."""


def invoke(
    env: Env,
    method: Method,
    on_records: bool,
    model: str,
    ids: list[int],
    positional: Sequence[Any],
    named: dict[str, Any],
) -> Any:
    """Bind the client's arguments and call."""
    leading = (env, model, ids) if on_records else (env, model)
    try:
        bound = inspect.signature(method).bind(*leading, *positional, **named)
    except TypeError as error:
        raise WrongArguments("werkzeug.exceptions.UnprocessableEntity", str(error), 422) from None
    return method(*bound.args, **bound.kwargs)
