"""What finance says about the books: journals, and which account each family of lines goes to (codes of accounts)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeEntry:
    """Lines whose ``service:CODE``, ``plan:CODE``, ``add_on:CODE`` or ``metric:CODE`` matches, and their account."""

    match: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksTable:
    """``[books]`` and ``[[income]]``. Accounts are named by their code in Odoo; an empty one was not decided."""

    journal_code: str = "LAGO"
    journal_name: str = "Lago"
    payments_code: str = "LGPAY"
    payments_name: str = "Payments in Lago"
    prepaid: str = ""  # liability: credits that were bought and not used yet
    rounding: str = ""  # the cents by which Lago's tax is not the sum of its taxes
    received: str = ""  # payments until the bank's statement shows them
    marked_as_paid: str = ""  # invoices that Lago calls paid without a payment


def account_of(entries: Iterable[IncomeEntry], names: Iterable[str]) -> str:
    """The account of a family: that of the first entry which matches one of its names; empty if none does."""
    every = tuple(names)
    fits = (entry.account for entry in entries if any(fnmatchcase(name, entry.match) for name in every))
    return next(fits, "")


def codes_of(table: BooksTable, entries: Iterable[IncomeEntry]) -> frozenset[str]:
    """Every account that is named."""
    named = {table.prepaid, table.rounding, table.received, table.marked_as_paid, *(e.account for e in entries)}
    return frozenset(named - {""})
