"""fusion_billing: its checks, and what it computes, as its models do it in a real Odoo."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from .. import faults
from ..orm import Behaviour, Env, Vals
from .addon_rating import part

DECIMAL = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
JSON_FIELDS: dict[str, dict[str, type]] = {
    "fusion.billing.usage": {"properties": dict},
    "fusion.billing.charge": {"properties": dict, "filters": list, "tax_codes": list},
    "fusion.billing.metric": {"filters": list},
    "fusion.billing.account.link": {"coupons": list, "details": dict},
    "sale.order": {"fusion_coupons": list},
    "account.move.line": {"fusion_key": dict},
}
# the name of the shape in the addon's own ``rating.shapes``
SHAPES: dict[str, dict[str, str]] = {
    "fusion.billing.charge": {"properties": "PROPERTIES", "filters": "FILTERS"},
    "fusion.billing.metric": {"filters": "METRIC_FILTERS"},
}
DECIMAL_FIELDS: dict[str, tuple[str, ...]] = {
    "fusion.billing.usage": ("precise_total_amount_cents",),
    "fusion.billing.charge": ("min_amount", "units"),
    "sale.order": ("fusion_trial_days", "fusion_plan_amount", "fusion_commitment"),
}

TIMEZONE_FIELDS: dict[str, tuple[str, ...]] = {
    "sale.order": ("fusion_timezone",),
    "fusion.billing.account.link": ("timezone",),
}


def checker(model: str) -> Callable[[Env, list[int], set[str] | None], None]:
    """Refuse texts that hold neither JSON nor a plain decimal, as the addon's own constraints do."""
    kinds, decimals = JSON_FIELDS.get(model, {}), DECIMAL_FIELDS.get(model, ())
    zones = TIMEZONE_FIELDS.get(model, ())

    def check(env: Env, ids: list[int], fields: set[str] | None) -> None:
        known = env.model(model).fields
        wanted = [name for name in (*kinds, *decimals, *zones) if name in known and (fields is None or name in fields)]
        for row in env.rows(model, ids, wanted) if wanted else ():
            for name in wanted:
                if row[name]:
                    problem = _problem(row[name], kinds.get(name), name in zones)
                    problem = f"{name} {problem}" if problem else _flaw(model, name, row[name])
                    if problem:
                        label = env.names(model, [row["id"]])[row["id"]]
                        raise faults.validation(f"{label}: field {problem}")

    return check


def _problem(text: str, kind: type | None, zone: bool) -> str:
    if zone:
        return _timezone_problem(text)
    return _json_problem(text, kind) if kind else _decimal_problem(text)


def _flaw(model: str, name: str, text: str) -> str:
    """What the addon's own rating could not read of it."""
    shape = SHAPES.get(model, {}).get(name)
    shapes = part("shapes")
    flaw: str = shapes.first_flaw(getattr(shapes, shape), json.loads(text), name) if shape else ""
    return flaw and f"{flaw}."


def _timezone_problem(text: str) -> str:
    with suppress(KeyError, ValueError, OSError):
        ZoneInfo(text)
        return ""
    return f"must be an IANA time zone such as America/Toronto, not {text}."


def _json_problem(text: str, kind: type) -> str:
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"is not JSON ({error})."
    return "" if isinstance(value, kind) else f"must be a JSON {kind.__name__}."


def _decimal_problem(text: str) -> str:
    return "" if DECIMAL.match(text) else f"must be a plain decimal such as 12.50, not {text}."


_check_charge_texts = checker("fusion.billing.charge")


def _charge_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    """Its two constraints in SQL, then the checks of its texts."""
    for row in env.rows("fusion.billing.charge", ids, ("kind", "metric_id", "plan_id", "order_id")):
        if not row["plan_id"] and not row["order_id"]:
            raise faults.validation("A charge needs its plan or its order.")
        if row["kind"] == "usage" and not row["metric_id"]:
            raise faults.validation("A usage charge needs a metric.")
    _check_charge_texts(env, ids, fields)


PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z", re.ASCII)


def _verdict_changed(env: Env, ids: list[int], _fields: set[str] | None) -> None:
    for row in env.rows("fusion.billing.reconciliation", ids, ("period",)):
        if not PERIOD.match(row["period"]):
            raise faults.validation("A period is a month such as 2026-07.")


def _names(model: str, field: str) -> Callable[[Env, list[int]], dict[int, str]]:
    def names(env: Env, ids: list[int]) -> dict[int, str]:
        return {row["id"]: str(row[field] or "") for row in env.rows(model, ids, (field,))}

    return names


def _only(changed: Callable[[Env, list[int], set[str] | None], Any]) -> Behaviour:
    return Behaviour(changed=changed)


USAGE = _only(checker("fusion.billing.usage"))
RECONCILIATION = Behaviour(changed=_verdict_changed, names=_names("fusion.billing.reconciliation", "invoice_number"))


def _fill_lago_ids(_env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        vals.setdefault("fusion_lago_id", str(uuid.uuid4()))


METRIC = Behaviour(fill=_fill_lago_ids, changed=checker("fusion.billing.metric"))
CHARGE = Behaviour(fill=_fill_lago_ids, changed=_charge_changed)
ACCOUNT_LINK = Behaviour(fill=_fill_lago_ids, changed=checker("fusion.billing.account.link"))
