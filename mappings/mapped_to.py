"""The records of Odoo that finance's tables name and the data uses, with what Lago expects of each. Pure.

A table may be right by itself and wrong for the server at hand: its 14 % tax may be 15 % there. What is collected here
is held against Odoo's own records before anything is written (``migrate.odoo.mapped``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mappings.records import Snapshot
from mappings.tables import Tables


class Role(StrEnum):
    """What a record is used for; the value is the word for people."""

    TAX = "tax"
    INCOME = "income account"
    OPENING = "counterpart of open balances"
    JOURNAL = "journal of open balances"
    TERM = "payment term"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedTo:
    """One entry of the tables that is used."""

    role: Role
    xid: str
    place: str  # tables.toml:14
    stands_for: str  # what of Lago's: "gst + qst", "30 days"
    rates: Mapping[str, Decimal] | None = None  # of a tax: Lago's code -> percent
    days: int = 0  # of a payment term


def mapped_to(tables: Tables, snapshot: Snapshot, used: Collection[str], company_id: int) -> tuple[MappedTo, ...]:
    """The entries whose record is among the external ids ``used``, each once."""
    entries = (*_taxes(tables, snapshot, company_id), *_accounts(tables, company_id), *_others(tables, company_id))
    return tuple(entry for entry in entries if entry.xid in used)


def _taxes(tables: Tables, snapshot: Snapshot, company_id: int) -> Iterator[MappedTo]:
    """A set with a code that Lago does not have (any more) is used by nobody."""
    rates = {tax.code: tax.rate for tax in snapshot.taxes}
    for entry in tables.taxes:
        if entry.codes <= rates.keys():
            codes = sorted(entry.codes)
            yield MappedTo(
                role=Role.TAX,
                xid=_filled(entry.odoo, company_id),
                place=entry.place,
                stands_for=" + ".join(codes),
                rates={code: rates[code] for code in codes},
            )


def _accounts(tables: Tables, company_id: int) -> Iterator[MappedTo]:
    named = [(tables.income, "all products"), *((e.income_account, e.match) for e in tables.products)]
    for account, stands_for in named:
        if account:
            yield _entry(tables, Role.INCOME, account, stands_for, company_id)


def _others(tables: Tables, company_id: int) -> Iterator[MappedTo]:
    if tables.opening:
        yield _entry(tables, Role.OPENING, tables.opening, "opening", company_id)
    if tables.journal:
        yield _entry(tables, Role.JOURNAL, tables.journal, "existing", company_id)
    for days, term in sorted(tables.payment_terms.items()):
        if term:
            yield _entry(tables, Role.TERM, term, f"{days} days", company_id, days)


def _entry(tables: Tables, role: Role, xid: str, stands_for: str, company_id: int, days: int = 0) -> MappedTo:
    place = tables.places.get(xid, tables.name)
    return MappedTo(role=role, xid=_filled(xid, company_id), place=place, stands_for=stands_for, days=days)


def _filled(xid: str, company_id: int) -> str:
    return xid.replace("{company}", str(company_id))
