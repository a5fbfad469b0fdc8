"""Which tax of Odoo stands for which of Lago's, by finance's table."""

from __future__ import annotations

from mappings.records import Snapshot
from mappings.tables import Tables
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import records_named

FIELDS = ["name", "amount", "children_tax_ids"]


def tax_codes(odoo: Door, tables: Tables, snapshot: Snapshot) -> dict[str, str]:
    """Name of a tax in Odoo -> Lago's code; the parts of a group are told apart by their rate."""
    rates = {tax.code: float(tax.rate) for tax in snapshot.taxes}
    code_of: dict[str, str] = {}
    for entry in tables.taxes:
        reference = tables.ref(entry.odoo, odoo.company_id)
        for tax in _read_taxes(odoo, reference.xid if reference else ""):
            codes = [c for c in sorted(entry.codes) if len(entry.codes) == 1 or rates.get(c) == tax["amount"]]
            if codes:
                code_of[tax["name"]] = codes[0]
    return code_of


def led_to(odoo: Door, tables: Tables) -> dict[int, frozenset[str]]:
    """Tax of Odoo -> the set of Lago's codes that finance's table maps to it."""
    named = {ref.xid: entry.codes for entry in tables.taxes if (ref := tables.ref(entry.odoo, odoo.company_id))}
    return {number: named[name] for name, (of, number) in records_named(odoo, named).items() if of == "account.tax"}


def _read_taxes(odoo: Door, xid: str) -> list[Row]:
    """The tax of an external id, or its parts if it is a group; nothing if Odoo does not have it."""
    ids = [number for model, number in records_named(odoo, [xid]).values() if model == "account.tax"]
    taxes = odoo.read("account.tax", ids, FIELDS, active_test=True)
    parts = [child for tax in taxes for child in tax["children_tax_ids"]]
    return odoo.read("account.tax", parts, FIELDS) if parts else taxes
