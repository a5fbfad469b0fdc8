"""What a snapshot asks of Odoo, beyond what its mapped records tell themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mappings.mapped_to import mapped_to
from mappings.records import Snapshot
from mappings.tables import Tables
from mappings.target import Desired, Mapped
from migrate.odoo.preflight import Needs, needs_of


def needs_of_snapshot(snapshot: Snapshot, mapped: Iterable[Mapped], tables: Tables, company_id: int) -> Needs:
    """Currencies and languages in use, addresses that lack what taxes depend on, the seller's country.

    And what the tables name for all that, as far as it is used.
    """
    locales = {c.billing_configuration.document_locale for c in snapshot.customers}
    stateless = [c.external_id for c in snapshot.customers if c.country in ("CA", "US") and not c.state]
    seller = next((e.country for e in snapshot.billing_entities if e.is_default), None)
    needs = needs_of(item for item in mapped if isinstance(item, Desired))
    return replace(
        needs,
        currencies=_currencies(snapshot),
        languages=frozenset(locale for locale in locales if locale),
        stateless=tuple(stateless),
        tokens=bool(snapshot.payment_methods),
        country=seller,
        mapped=mapped_to(tables, snapshot, needs.xids, company_id),
    )


def _currencies(snapshot: Snapshot) -> frozenset[str]:
    """Every currency in which something is written, in Odoo's spelling."""
    named = (
        *(invoice.currency for invoice in snapshot.invoices),
        *(plan.amount_currency for plan in snapshot.plans),
        *(add_on.amount_currency for add_on in snapshot.add_ons),
        *(note.currency for note in snapshot.credit_notes),
        *(wallet.currency for wallet in snapshot.wallets),
        *(coupon.amount_currency for coupon in snapshot.coupons),
        *(customer.currency for customer in snapshot.customers),
    )
    return frozenset(code.upper() for code in named if code)
