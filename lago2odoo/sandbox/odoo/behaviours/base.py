"""External ids, users, groups, currencies; and the company, which several behaviours need."""

from __future__ import annotations

import re
from typing import Any

from .. import faults
from ..orm import Behaviour, Env, Vals


def company_of(env: Env, number: int | None = None) -> Vals:
    """The company: its currency, country, rounding method and accounts."""
    columns = (
        "currency_id", "partner_id", "account_fiscal_country_id", "tax_calculation_rounding_method",
        "income_account_id", "quotation_validity_days", "portal_confirmation_sign",
        "portal_confirmation_pay", "prepayment_percent",
    )  # fmt: skip
    return env.row("res.company", number or 1, columns)


def _with_partners(env: Env, vals_list: list[Vals]) -> None:
    """A company is a partner, too. Its defaults may point to what is not recorded here: formats of paper."""
    pointers = [spec for spec in env.model("res.company").fields.values() if spec.type == "many2one" and spec.column]
    recorded = [spec for spec in pointers if spec.relation in env.schema.models]
    for vals in vals_list:
        vals |= {s.name: False for s in recorded if vals.get(s.name) and not env.existing(s.relation, [vals[s.name]])}
        if not vals.get("partner_id"):
            country = vals.get("account_fiscal_country_id") or vals.get("country_id") or False
            owner = {"name": vals["name"], "is_company": True, "country_id": country}
            vals["partner_id"] = env.create("res.partner", [owner])[0]
            vals.setdefault("account_fiscal_country_id", country)


def _for_its_maker(env: Env, ids: list[int], fields: set[str] | None) -> None:
    """Whoever makes a company may work in it."""
    if fields is None:
        env.write("res.users", [env.uid], {"company_ids": [[4, number, 0] for number in ids]})


COMPANY = Behaviour(fill=_with_partners, changed=_for_its_maker)


def rounding_of(env: Env, currency: int) -> float:
    """The smallest amount of a currency, as a float like Odoo's: 0.01."""
    return float(env.row("res.currency", currency, ("rounding",))["rounding"])


def _check_name(env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        if " " in str(vals.get("name") or ""):
            raise faults.constraint("External IDs cannot contain spaces")


def _complete_name(env: Env, ids: list[int]) -> dict[int, Any]:
    return {row["id"]: f"{row['module']}.{row['name']}" for row in env.rows("ir.model.data", ids, ("module", "name"))}


EXTERNAL_ID = Behaviour(fill=_check_name, computed={"complete_name": _complete_name})


def _context_get(env: Env) -> Vals:
    return {"lang": "en_US", "tz": False, "uid": env.uid}


def _has_group(env: Env, ids: list[int], group_ext_id: str) -> bool:
    group = env.ref(group_ext_id)
    user = ids[0] if ids else env.uid
    groups_of_user = set(env.values("res.users", [user], "group_ids")[user])
    return bool(group) and group in with_implied(env, groups_of_user)


def with_implied(env: Env, groups: set[int]) -> set[int]:
    """Groups and all that they imply."""
    implied: set[int] = set()
    todo = set(groups)
    while todo:
        implied |= todo
        reached = env.values("res.groups", sorted(todo), "implied_ids")
        todo = {number for numbers in reached.values() for number in numbers} - implied
    return implied


def feature_enabled(env: Env, group: str) -> bool:
    """Every internal user has the group: how Odoo's settings switch features on."""
    everybody = env.ref("base.group_user")
    number = env.ref(group)
    return bool(everybody and number and number in with_implied(env, {everybody}))


USER = Behaviour(methods={"has_group": _has_group}, model_methods={"context_get": _context_get})


def _group_names(env: Env, ids: list[int]) -> dict[int, str]:
    return {row["id"]: str(row["name"] or "") for row in env.rows("res.groups", ids, ("name",))}


GROUP = Behaviour(names=_group_names)


def _decimal_places(env: Env, ids: list[int]) -> dict[int, Any]:
    rows = env.rows("res.currency", ids, ("rounding",))
    return {row["id"]: max(0, len(re.sub(r"0+$", "", f"{row['rounding']:.12f}".partition(".")[2]))) for row in rows}


CURRENCY = Behaviour(computed={"decimal_places": _decimal_places})


def _state_names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("res.country.state", ids, ("name", "country_id"))
    codes = {row["id"]: row["code"] for row in env.rows("res.country", {row["country_id"] for row in rows}, ("code",))}
    return {row["id"]: f"{row['name']} ({codes.get(row['country_id'])})" for row in rows}


STATE = Behaviour(names=_state_names)
