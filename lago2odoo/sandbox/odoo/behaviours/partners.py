"""Customers: commercial partner, names, fields shared within a company, fiscal position, price list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .. import faults
from ..orm import Behaviour, Env, Vals
from .base import feature_enabled

ADDRESS = ("street", "street2", "city", "zip", "state_id", "country_id")
# What a company's contacts and addresses take over from it.
COMMERCIAL = (
    "vat", "company_registry", "industry_id", "property_account_position_id", "property_account_receivable_id",
    "property_account_payable_id", "property_payment_term_id", "property_supplier_payment_term_id",
    "specific_property_product_pricelist",
)  # fmt: skip


def _fill(env: Env, vals_list: list[Vals]) -> None:
    for vals in vals_list:
        _inverse(env, vals)
        vals.setdefault("partner_share", True)
        if vals.get("type", "contact") == "contact" and not vals.get("name"):
            raise faults.constraint("Contacts require a name")


def _inverse(env: Env, vals: Vals) -> None:
    if "company_type" in vals:
        vals.setdefault("is_company", vals.pop("company_type") == "company")
    if "property_product_pricelist" in vals:
        vals["specific_property_product_pricelist"] = vals.pop("property_product_pricelist")


def _before_write(env: Env, ids: list[int], vals: Vals) -> None:
    _inverse(env, vals)
    if "name" in vals and not vals["name"]:
        kinds = {row["type"] for row in env.rows("res.partner", ids, ("type",))}
        if "contact" in kinds:
            raise faults.constraint("Contacts require a name")


def _changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    shown = {"name", "parent_id", "is_company", "type", "email", *ADDRESS, *COMMERCIAL}
    if fields is None or fields & shown:
        env.later("10 partner", _recompute, ids)
    if fields is None or fields & {"parent_id", "type", *ADDRESS}:
        _sync_addresses(env, ids, joined=fields is None or bool(fields & {"parent_id", "type"}))


def _sync_addresses(env: Env, ids: list[int], *, joined: bool) -> None:
    """A contact lives where its company does: it takes the company's address, or gives its own to one without."""
    for row in env.rows("res.partner", ids, ("type", "parent_id", *ADDRESS)):
        if not row["parent_id"]:
            _to_contacts(env, row["id"], row)
            continue
        parent = env.row("res.partner", row["parent_id"], ("is_company", "parent_id", *ADDRESS))
        address, there = ({name: place[name] for name in ADDRESS} for place in (row, parent))
        if row["type"] == "contact" and joined and any(there.values()):
            env.store.update(env.model("res.partner"), [row["id"]], there)
        elif (row["type"] == "contact" and any(address.values()) and address != there) or (
            joined and any(address.values()) and not any(there.values()) and _is_first(env, parent)
        ):
            env.write("res.partner", [row["parent_id"]], address)


def _is_first(env: Env, parent: Vals) -> bool:
    return (
        bool(parent["is_company"] or not parent["parent_id"])
        and len(env.rows("res.partner", [parent["id"]], (), by="parent_id")) == 1
    )


def _to_contacts(env: Env, number: int, row: Vals) -> None:
    contacts = [
        child["id"]
        for child in env.rows("res.partner", [number], ("type",), by="parent_id")
        if child["type"] == "contact"
    ]
    env.store.update(env.model("res.partner"), contacts, {name: row[name] for name in ADDRESS})


def _recompute(env: Env, ids: list[int]) -> None:
    rows = {row["id"]: row for row in _family(env, ids)}
    updates = {}
    for number in sorted(rows):
        commercial = _commercial(rows, number)
        updates[number] = {
            "commercial_partner_id": commercial,
            "commercial_company_name": rows[commercial]["name"]
            if rows[commercial]["is_company"]
            else rows[number]["company_name"],
            "complete_name": _complete_name(env, rows, number, commercial),
            "email_normalized": _normalized(rows[number]["email"]),
        }
        if commercial != number:
            updates[number] |= {name: rows[commercial][name] for name in COMMERCIAL}
        else:
            updates[number] |= {name: rows[number][name] for name in COMMERCIAL}
    env.set_columns("res.partner", updates)


def _family(env: Env, ids: Iterable[int]) -> list[Vals]:
    """The partners, all their ancestors, and all their descendants."""
    columns = ("name", "parent_id", "is_company", "type", "email", "company_name", *COMMERCIAL)
    partners_by_id: dict[int, Vals] = {}
    todo = set(ids)
    while todo:
        fresh = env.rows("res.partner", todo, columns)
        children = env.rows("res.partner", todo, columns, by="parent_id")
        partners_by_id |= {row["id"]: row for row in [*fresh, *children]}
        todo = {row["id"] for row in children} | {
            row["parent_id"] for row in partners_by_id.values() if row["parent_id"]
        }
        todo -= {row["id"] for row in fresh} | (set(partners_by_id) - {row["id"] for row in children})
    return list(partners_by_id.values())


def _commercial(rows: dict[int, Vals], number: int) -> int:
    row = rows[number]
    return number if row["is_company"] or not row["parent_id"] else _commercial(rows, row["parent_id"])


def _complete_name(env: Env, rows: dict[int, Vals], number: int, commercial: int) -> str:
    row = rows[number]
    name = str(row["name"] or "")
    company = rows[commercial]["name"] if rows[commercial]["is_company"] else row["company_name"]
    if (row["parent_id"] or row["company_name"]) and not row["is_company"]:
        if not name and row["type"] in ("invoice", "delivery", "other"):
            name = str(env.model("res.partner").fields["type"].labels[row["type"]])
        name = f"{company or rows[row['parent_id']]['name']}, {name}"
    return name.strip()


def _normalized(email: str | None) -> str | None:
    found = re.findall(r"[^\s<>,;\"]+@[^\s<>,;\"]+", email or "")
    return found[0].lower() if len(found) == 1 else None


def _names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("res.partner", ids, ("complete_name", "name"))
    return {row["id"]: str(row["complete_name"] or row["name"] or "") for row in rows}


def _company_type(env: Env, ids: list[int]) -> dict[int, Any]:
    rows = env.rows("res.partner", ids, ("is_company",))
    return {row["id"]: "company" if row["is_company"] else "person" for row in rows}


def _currency(env: Env, ids: list[int]) -> dict[int, Any]:
    from .base import company_of  # noqa: PLC0415

    return dict.fromkeys(ids, company_of(env)["currency_id"])


def pricelists(env: Env, ids: list[int]) -> dict[int, Any]:
    """Nothing at all unless price lists are switched on, as in a fresh Odoo."""
    if not feature_enabled(env, "product.group_product_pricelist"):
        return dict.fromkeys(ids)
    fallback = env.first("product.pricelist", [("country_group_ids", "=", False)])
    rows = env.rows("res.partner", ids, ("specific_property_product_pricelist",))
    return {row["id"]: row["specific_property_product_pricelist"] or fallback for row in rows}


def address_of(env: Env, partner: int, kind: str) -> int:
    """The first address of this kind below the partner's company, else the partner itself."""
    row = env.row("res.partner", partner, ("type", "commercial_partner_id"))
    if row["type"] == kind:
        return partner
    children = env.rows(
        "res.partner",
        [partner, row["commercial_partner_id"] or partner],
        ("type", "is_company", "active"),
        by="parent_id",
    )
    child_ids = [
        child["id"] for child in children if child["type"] == kind and not child["is_company"] and child["active"]
    ]
    return int(child_ids[0]) if child_ids else partner


def fiscal_position(env: Env, partner: int, delivery: int) -> int | None:
    """A manual position wins, then the first automatic one whose conditions all hold."""
    columns = ("property_account_position_id", "country_id", "state_id", "zip", "vat")
    person, place = env.row("res.partner", partner, columns), env.row("res.partner", delivery, columns)
    manual = place["property_account_position_id"] or person["property_account_position_id"]
    if manual or not person["country_id"]:
        return int(manual) if manual else None
    positions = env.rows(
        "account.fiscal.position",
        env.search("account.fiscal.position", [("auto_apply", "=", True)]),
        ("sequence", "country_id", "country_group_id", "vat_required", "zip_from", "zip_to"),
    )
    states = env.values("account.fiscal.position", [row["id"] for row in positions], "state_ids")
    for row in sorted(positions, key=lambda item: (item["sequence"], item["id"])):
        if _applies(env, row, states[row["id"]], place):
            return int(row["id"])
    return None


def _applies(env: Env, position: Vals, states: list[int], place: Vals) -> bool:
    group = position["country_group_id"]
    countries = env.values("res.country.group", [group], "country_ids")[group] if group else ()
    return (
        (not position["vat_required"] or bool(place["vat"]))
        and (
            not position["zip_from"]
            or bool(place["zip"] and position["zip_from"] <= place["zip"] <= position["zip_to"])
        )
        and (not states or place["state_id"] in states)
        and (not position["country_id"] or place["country_id"] == position["country_id"])
        and (not group or place["country_id"] in countries)
    )


def _before_unlink(env: Env, ids: list[int]) -> None:
    users = [row for row in env.rows("res.users", ids, ("active",), by="partner_id") if row["active"]]
    if users:
        raise faults.validation(
            "You cannot delete contacts linked to an active user.\n"
            "Ask an administrator to archive their associated user first."
        )


PARTNER = Behaviour(
    fill=_fill,
    before_write=_before_write,
    changed=_changed,
    before_unlink=_before_unlink,
    names=_names,
    computed={
        "company_type": _company_type,
        "currency_id": _currency,
        "property_product_pricelist": pricelists,
        "display_name": _names,
    },
)
