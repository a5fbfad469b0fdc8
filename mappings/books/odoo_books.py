"""What a mapper of the books must know of Odoo: accounts, taxes, closed periods, rates. Read by ``migrate.books``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooTax:
    """One tax, or the parts of a group, by id and percent. Empty: it is no plain percentage on the price."""

    rates: Mapping[int, Decimal] = field(default_factory=dict)

    def part(self, rate: Decimal) -> int | None:
        """The one part of this rate; None where none or several have it."""
        fits = [number for number, percent in self.rates.items() if percent == rate]
        return fits[0] if len(fits) == 1 else None


NO_TAX = OdooTax()


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooBooks:
    """``accounts``: code -> id; ``taxes``: external id -> what it consists of; ``partners``: customers in Odoo.

    ``locked``: nothing is booked up to this day; ``tax_locked``: nothing with taxes.
    ``rated``: currency -> the first day of which Odoo has a rate. ``posted``: external ids of what is in the books.
    """

    currency: str
    accounts: Mapping[str, int] = field(default_factory=dict)
    taxes: Mapping[str, OdooTax] = field(default_factory=dict)
    partners: frozenset[str] = frozenset()  # Lago's ids
    locked: date | None = None
    tax_locked: date | None = None
    rated: Mapping[str, date] = field(default_factory=dict)
    posted: frozenset[str] = frozenset()

    def is_locked(self, day: date, *, taxed: bool) -> bool:
        """Whether a document of this day would be moved to another one."""
        ends = [self.locked, self.tax_locked if taxed else None]
        return any(end is not None and day <= end for end in ends)

    def has_rate(self, currency: str, day: date) -> bool:
        """Whether Odoo can tell what an amount of that day is in the company's currency."""
        since = self.rated.get(currency.upper())
        return currency.upper() == self.currency or (since is not None and since <= day)
