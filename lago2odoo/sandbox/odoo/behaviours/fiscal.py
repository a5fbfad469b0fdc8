"""Which taxes apply, and the percentages they consist of."""

from __future__ import annotations

from dataclasses import replace

from .. import faults, taxes
from ..orm import Env


def map_taxes(env: Env, position: int | None, tax_ids: list[int]) -> list[int]:
    """A fiscal position's taxes stand in for the original taxes they name (Odoo 19 keeps the map on the tax)."""
    if not position:
        return list(tax_ids)
    replacing = list(env.values("account.fiscal.position", [position], "tax_ids")[position])
    if not replacing:
        return []
    originals = env.values("account.tax", replacing, "original_tax_ids")
    mapped: list[int] = []
    for tax in tax_ids:
        mapped += [number for number in replacing if tax in originals[number]] or [tax]
    return list(dict.fromkeys(mapped))


def flat_taxes(env: Env, ids: list[int]) -> dict[int, tuple[taxes.PercentTax, ...]]:
    """Each tax as the percent taxes it consists of: itself, or a group's children in order."""
    taxes_by_id: dict[int, tuple[taxes.PercentTax, ...]] = {}
    columns = ("amount_type", "amount", "sequence", "include_base_amount", "is_base_affected", "price_include_override")
    for row in env.rows("account.tax", ids, columns):
        if row["amount_type"] == "group":
            children = env.with_context(active_test=False).values("account.tax", [row["id"]], "children_tax_ids")[
                row["id"]
            ]
            inner = flat_taxes(env, children)
            taxes_by_id[row["id"]] = tuple(replace(tax, group=row["id"]) for child in children for tax in inner[child])
        elif row["amount_type"] == "percent" and row["price_include_override"] != "tax_included":
            affects, affected = bool(row["include_base_amount"]), bool(row["is_base_affected"])
            taxes_by_id[row["id"]] = (
                taxes.PercentTax(row["id"], float(row["amount"] or 0.0), row["sequence"], affects, affected),
            )
        else:
            raise faults.unsupported(f"taxes other than percent and group, price excluded (tax {row['id']})")
    return taxes_by_id
