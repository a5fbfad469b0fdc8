"""Which of Odoo's records an external id names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mappings.target import xid
from migrate.odoo.door import Door

_FIELDS = ("name", "model", "res_id")


def records_named(door: Door, xids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """External id (``module.name``) -> model and id of its record, which may be gone by now; unknown ones left out."""
    by_module: dict[str, set[str]] = {}
    for whole in xids:
        module, _, name = whole.partition(".")
        by_module.setdefault(module, set()).add(name)
    places: dict[str, tuple[str, int]] = {}
    for module, names in by_module.items():
        domain = [["module", "=", module]]
        rows = door.search_among("ir.model.data", "name", sorted(names), list(_FIELDS), domain=domain)
        places |= {f"{module}.{row['name']}": (row["model"], row["res_id"]) for row in rows}
    return places


def made_of(door: Door, model: str, kind: str, lago_ids: Iterable[str], *more: str) -> Mapping[str, int]:
    """Lago id -> the record of ``model`` that the migration made of it. ``kind``, ``more``: as in ``xid``."""
    names = {xid(kind, lago_id, *more): lago_id for lago_id in lago_ids}
    places = records_named(door, names)
    return {names[name]: number for name, (of, number) in places.items() if of == model}
