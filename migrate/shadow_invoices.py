"""The drafts that a dual run kept in the shadow journal: shown, and taken back out of Odoo.

remove_shadow_invoices(odoo, journal_code) -> RolledBack
shadow_invoices(odoo, journal_code) -> Foreseen                                   writes nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.odoo.door import Door
from migrate.odoo.preflight import SHADOW_JOURNAL
from migrate.odoo.resolve import OdooReader
from migrate.progress import Progress, quiet
from migrate.rollback import BATCH
from migrate.rolled_back import Foreseen, Planned, RolledBack


def remove_shadow_invoices(odoo: Door, journal_code: str = SHADOW_JOURNAL, progress: Progress = quiet) -> RolledBack:
    """Delete every draft of the shadow journal. One that someone posted or named is not a shadow any more: refused."""
    reader = OdooReader(odoo, progress)
    drafts, real = _shadows(reader, journal_code)
    ids = [row["id"] for row in drafts]
    for start in range(0, len(ids), BATCH):
        reader.write("account.move", "unlink", ids[start : start + BATCH])
        progress("removing shadow invoices", min(start + BATCH, len(ids)), len(ids))
    refused = tuple(f"{_shadow(row)}: was posted or numbered in Odoo" for row in real)
    return RolledBack(deleted=len(ids), refused=refused)


def shadow_invoices(odoo: Door, journal_code: str = SHADOW_JOURNAL) -> Foreseen:
    """What ``remove_shadow_invoices`` would do. Reads only."""
    drafts, real = _shadows(OdooReader(odoo), journal_code)
    delete = tuple(Planned("account.move", _shadow(row)) for row in drafts)
    return Foreseen(delete, changed_since=tuple(f"{_shadow(row)}: posted or numbered" for row in real))


def _shadows(reader: OdooReader, journal_code: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(drafts, those that are drafts no more) of the shadow journal."""
    door = reader.door
    domain = [["journal_id.code", "=", journal_code], ["journal_id.company_id", "=", door.company_id]]
    rows = door.search_read("account.move", domain, ["ref", "state", "name"])
    real = [row for row in rows if row["state"] != "draft" or row["name"] not in (False, "", "/")]
    return [row for row in rows if row not in real], real


def _shadow(row: Mapping[str, Any]) -> str:
    return f"shadow invoice {row['ref'] or row['id']}"
