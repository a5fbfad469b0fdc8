"""Somebody else's records with other values for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from migrate.odoo.protocol import Odoo


@contextmanager
def changed(odoo: Odoo, model: str, ids: list[int], **values: Any) -> Iterator[None]:
    """As they stood, they stand again afterwards."""
    before = odoo.call(model, "read", ids, fields=list(values), load="")
    odoo.call(model, "write", ids, vals=values)
    try:
        yield
    finally:
        for row in before:
            odoo.call(model, "write", [row["id"]], vals={name: row[name] for name in values})
