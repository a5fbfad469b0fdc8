"""Prices of a charge as rows and single fields of a form, and as Lago's ``properties``: the JSON alone is kept.

What a form does not show of the properties stays as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from . import lists

SINGLE = {
    "standard": ("amount",),
    "package": ("amount", "package_size", "free_units"),
    "percentage": (
        "rate", "fixed_amount", "free_units_per_events", "free_units_per_total_aggregation",
        "per_transaction_min_amount", "per_transaction_max_amount",
    ),
}  # fmt: skip
TIERS = {
    "graduated": "graduated_ranges",
    "volume": "volume_ranges",
    "graduated_percentage": "graduated_percentage_ranges",
}
GROUPS = "pricing_group_keys"
BOUNDS = ("from_value", "to_value")
OF_TIER = {
    "graduated": ("per_unit_amount", "flat_amount"),
    "volume": ("per_unit_amount", "flat_amount"),
    "graduated_percentage": ("rate", "flat_amount"),
}
WHOLE = frozenset({"package_size", "free_units", "free_units_per_events", *BOUNDS})  # Lago keeps them as numbers
FIELDS = tuple(dict.fromkeys(name for names in SINGLE.values() for name in names))

Json = Mapping[str, object]


@dataclass(frozen=True)
class Prices:
    """``single``, each of ``tiers``: field -> its text, empty where there is nothing. ``rest``: what is not shown."""

    single: Mapping[str, str] = field(default_factory=dict)
    tiers: Sequence[Mapping[str, str]] = ()
    groups: str = ""
    rest: Json = field(default_factory=dict)


def shown(model: str, properties: Json) -> Prices:
    """The properties as a form shows them."""
    tiers = properties.get(TIERS.get(model, ""), ())
    names = {*SINGLE.get(model, ()), TIERS.get(model, ""), GROUPS}
    return Prices(
        single={name: text(properties.get(name)) for name in SINGLE.get(model, ())},
        tiers=[{name: text(tier.get(name)) for name in (*BOUNDS, *OF_TIER[model])} for tier in tiers],
        groups=lists.written(properties.get(GROUPS) or ()),
        rest={name: value for name, value in properties.items() if name not in names},
    )


def properties(model: str, prices: Prices) -> dict[str, object]:
    """What a form says, as Lago's properties: fields left empty are not there."""
    made: dict[str, object] = {
        name: kept(name, prices.single[name]) for name in SINGLE.get(model, ()) if prices.single.get(name)
    }
    if model in TIERS:
        made[TIERS[model]] = _ranges(model, prices.tiers)
    if prices.groups.strip():
        made[GROUPS] = list(lists.read(prices.groups))
    return {**made, **prices.rest}


def _ranges(model: str, tiers: Sequence[Mapping[str, str]]) -> list[dict[str, object]]:
    """A range without a beginning goes on after the one before it; one without an end is open."""
    found: list[dict[str, object]] = []
    following = "0"
    for tier in tiers:
        start = tier.get("from_value") or following
        end = tier.get("to_value") or ""
        prices = {name: kept(name, tier.get(name) or "0") for name in OF_TIER[model]}
        found.append(
            {"from_value": kept("from_value", start), "to_value": kept("to_value", end) if end else None, **prices}
        )
        following = _after(end)
    return found


def _after(end: str) -> str:
    """Where the next range begins, as Lago's own form has it; nowhere, where the end is none."""
    return str(int(end) + 1) if end.isascii() and end.isdigit() and len(end) < 40 else ""


def text(value: object) -> str:
    """A value of the JSON for people."""
    if value is None:
        return ""
    return f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)


def kept(name: str, given: str) -> object:
    """A text of the form for the JSON. What is no number stays what it is: it is refused by its name."""
    plain = given.strip()
    if name in WHOLE and plain.isascii() and plain.isdigit() and len(plain) < 40:
        return int(plain)
    return plain


def parsed(stored: str | None) -> dict[str, object]:
    """The JSON of a charge, empty where there is none."""
    found = json.loads(stored or "{}")
    return found if isinstance(found, dict) else {}
