"""Who would get Odoo's invoices: orders that were moved, and partners that were merged, bill somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mappings.records import Snapshot
from migrate.odoo.door import Door
from migrate.odoo.values import number_or_none
from reconcile.billed import BilledInvoice, Refusal, Side
from reconcile.sides.migrated import partners_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """``family``: the company (or person) that it belongs to, whose contacts may all receive invoices."""

    name: str
    family: int


def with_payers(odoo: Door, snapshot: Snapshot, side: Side) -> dict[str, BilledInvoice]:
    """Odoo's side, where an invoice that somebody else than its customer would get is refused by name."""
    billed = [invoice for invoice in side.values() if invoice.payers]
    migrated = partners_of(odoo, snapshot) if billed else {}  # all: a partner may stand for one who is not asked for
    own = {number for invoice in billed if (number := migrated.get(invoice.customer))}
    asked = {payer for invoice in billed for payer in invoice.payers} | own
    partners = _partners(odoo, sorted(asked))
    shared = _shared(migrated)
    refusals = {i.lago_id: _refusal(i, migrated, partners, shared) for i in billed}
    return {
        number: replace(invoice, refusals=(*invoice.refusals, why)) if (why := refusals.get(number)) else invoice
        for number, invoice in side.items()
    }


def _partners(odoo: Door, ids: Sequence[int]) -> dict[int, Payer]:
    rows = odoo.search_among("res.partner", "id", ids, ["display_name", "commercial_partner_id"])
    return {
        row["id"]: Payer(
            name=str(row["display_name"]), family=number_or_none(row["commercial_partner_id"]) or row["id"]
        )
        for row in rows
    }


def _shared(migrated: Mapping[str, int]) -> dict[int, tuple[str, ...]]:
    """Partners that stand for several customers: somebody merged them."""
    customers: dict[int, list[str]] = {}
    for customer, partner in migrated.items():
        customers.setdefault(partner, []).append(customer)
    return {partner: tuple(sorted(names)) for partner, names in customers.items() if len(names) > 1}


def _refusal(
    invoice: BilledInvoice,
    migrated: Mapping[str, int],
    partners: Mapping[int, Payer],
    shared: Mapping[int, tuple[str, ...]],
) -> Refusal | None:
    partner = migrated.get(invoice.customer)
    if partner is None or partner not in partners:
        return None
    if partner in shared:
        told = f"partner {partners[partner].name} stands for several customers: {', '.join(shared[partner])}"
        return Refusal(reason="other_customer", detail=told)
    family = partners[partner].family
    others = [partners[p].name for p in invoice.payers if p in partners and partners[p].family != family]
    if not others:
        return None
    detail = f"in Odoo {', '.join(others)} would get this invoice, not {partners[partner].name}"
    return Refusal(reason="other_customer", detail=detail)
