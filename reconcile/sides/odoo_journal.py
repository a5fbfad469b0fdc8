"""The journal in which Odoo keeps shadow invoices, where they are asked for."""

from __future__ import annotations

from migrate.errors import Blocked
from migrate.odoo.door import Door
from migrate.odoo.preflight import SHADOW_JOURNAL
from reconcile.sides.odoo_rerun import Shadow


def find_shadow_journal(odoo: Door) -> Shadow:
    """The company's shadow journal. Raises Blocked if apply has not made it yet."""
    domain = [["code", "=", SHADOW_JOURNAL], ["company_id", "=", odoo.company_id]]
    journals = odoo.search("account.journal", domain, active_test=True)
    if not journals:
        raise Blocked(
            f"the shadow journal {SHADOW_JOURNAL} is not in Odoo: run 'lago2odoo apply --phase catalog' first"
        )
    return Shadow(journal_id=journals[0])
