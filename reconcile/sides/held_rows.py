"""Rows of Odoo's as they are read to be held against Lago's records: nothing is ``None``, as the decoders expect it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mappings.fields import Row
from migrate.odoo.door import Door
from migrate.values import number_or_none

Rows = list[dict[str, object]]


def held_rows(odoo: Door, model: str, domain: list[object], names: Sequence[str]) -> Rows:
    """``False`` is Odoo's way to say that there is nothing (and that a flag is not set).

    A field that an older addon does not have is in no row: nothing is known of it.
    """
    known = odoo.fields_get(model, names)
    rows = odoo.search_read(model, domain, [name for name in names if name in known])
    return [{name: None if value is False else value for name, value in row.items()} for row in rows]


def by_id(rows: Rows) -> dict[int, dict[str, object]]:
    """Rows by Odoo's id."""
    return {number: row for row in rows if (number := number_or_none(row["id"]))}


def linked(rows: Mapping[int, Row], field: str) -> set[int]:
    """Odoo's ids of what the rows are linked to by a field."""
    return {number for row in rows.values() if (number := number_or_none(row.get(field)))}
