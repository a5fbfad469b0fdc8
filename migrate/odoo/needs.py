"""What a snapshot asks of Odoo, beyond what its mapped records tell themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mappings.mapped_to import MappedTo, mapped_to
from mappings.records import Snapshot
from mappings.tables import Tables
from mappings.target import Desired, Mapped, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the data at hand asks of Odoo. ``quantity_digits``: decimals of the finest quantity that will be written."""

    currencies: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    xids: frozenset[str] = frozenset()  # external ids of Odoo's own that are referred to: taxes, accounts, journals
    quantity_digits: int = 2
    stateless: tuple[str, ...] = ()  # customers of Canada or the USA without a province or state
    writes: frozenset[str] = frozenset()  # models that will be written to
    tokens: bool = False  # payment methods are to be moved
    country: str | None = None  # the seller's, in Lago
    mapped: tuple[MappedTo, ...] = ()  # what finance's tables name, and the data uses


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


def needs_of(desired: Iterable[Desired]) -> Needs:
    """What the mapped records themselves tell: models written to, references to Odoo's own records, finest quantity."""
    writes: set[str] = set()
    xids: set[str] = set()
    digits = 0
    tokens = False
    for record in desired:
        tokens = tokens or record.model == "payment.token"
        for part in (record, *(line for lines in record.children.values() for line in lines)):
            writes.add(part.model)
            xids |= {r.xid for r in _refs(part) if not r.xid.startswith("lago.")}
            digits = max(digits, *(_decimals(part.values.get(n)) for n in ("product_uom_qty", "quantity")))
    return Needs(writes=frozenset(writes), xids=frozenset(xids), quantity_digits=max(digits, 2), tokens=tokens)


def _refs(record: Desired) -> Iterator[Ref]:
    for value in record.values.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Ref):
                yield each


def _decimals(value: Any) -> int:
    text = format(value, "f") if hasattr(value, "as_tuple") else str(value or 0)
    return len(text.partition(".")[2].rstrip("0"))


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
