"""Who would get and owe Odoo's invoices: orders that were moved, and partners merged or put under another, bill others.

The partner of a migrated customer is nobody's contact (the migration takes and makes no other): it owes its own bills.
Odoo books what a contact owes on the company above it, its commercial partner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mappings.phrases import Told
from mappings.records import Snapshot
from migrate.odoo.door import Door, Row
from migrate.odoo.withheld import standing
from migrate.values import number_or_none
from reconcile.billed import BilledInvoice, Refusal, Side
from reconcile.sides.migrated import partners_of

WITHHELD_PARTNER = "partner_withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """``family``: the company (or person) that it belongs to and that owes what its contacts are billed."""

    name: str
    family: int
    owes: str  # the family's name


def with_payers(odoo: Door, snapshot: Snapshot, side: Side) -> dict[str, BilledInvoice]:
    """Odoo's side, where an invoice that somebody else than its customer would get is refused by name."""
    billed = [invoice for invoice in side.values() if invoice.payers]
    migrated = partners_of(odoo, snapshot) if billed else {}  # all: a partner may stand for one who is not asked for
    customers = {number for invoice in billed if (number := migrated.get(invoice.customer))}
    asked = {payer for invoice in billed for payer in invoice.payers} | customers
    partners = _partners(odoo, sorted(asked))
    hidden = standing(odoo, "res.partner", sorted(asked - partners.keys()))[1]
    shared = _shared(migrated)
    refusals = {i.lago_id: _hidden(i, migrated, hidden) or _refusal(i, migrated, partners, shared) for i in billed}
    return {
        number: replace(invoice, refusals=(*invoice.refusals, why)) if (why := refusals.get(number)) else invoice
        for number, invoice in side.items()
    }


def _partners(odoo: Door, ids: Sequence[int]) -> dict[int, Payer]:
    rows = odoo.search_among("res.partner", "id", ids, ["display_name", "commercial_partner_id"], names=True)
    return {row["id"]: _payer(row) for row in rows}


def _payer(row: Row) -> Payer:
    name, family = str(row["display_name"]), row["commercial_partner_id"]
    owes = str(family[1]) if isinstance(family, list | tuple) else name
    return Payer(name=name, family=number_or_none(family) or row["id"], owes=owes)


def _shared(migrated: Mapping[str, int]) -> dict[int, tuple[str, ...]]:
    """Partners that stand for several customers: somebody merged them."""
    customers: dict[int, list[str]] = {}
    for customer, partner in migrated.items():
        customers.setdefault(partner, []).append(customer)
    return {partner: tuple(sorted(names)) for partner, names in customers.items() if len(names) > 1}


def _hidden(invoice: BilledInvoice, migrated: Mapping[str, int], hidden: Collection[int]) -> Refusal | None:
    """Where Odoo keeps its customer, or who would get it, from this user: whose invoice it is there nobody can tell."""
    asked = (migrated.get(invoice.customer), *invoice.payers)
    number = next((partner for partner in asked if partner in hidden), None)
    return Refusal(reason=WITHHELD_PARTNER, detail=Told.PARTNER_WITHHELD.of(number)) if number else None


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
        told = Told.SEVERAL_CUSTOMERS.of(partners[partner].name, partner, ", ".join(shared[partner]))
        return Refusal(reason="other_customer", detail=told)
    customer, payers = partners[partner], [partners[p] for p in invoice.payers if p in partners]
    others = [payer for payer in payers if payer.family != partner]
    if not others:
        return None
    if all(payer.family == customer.family for payer in others):
        told = Told.CONTACT_OF.of(customer.name, partner, customer.owes)
    else:
        told = Told.OTHERS_WOULD_GET.of(", ".join(payer.name for payer in others), customer.name, partner)
    return Refusal(reason="other_customer", detail=told)
