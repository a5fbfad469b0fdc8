"""How an amount came about, in one shape for rating, comparing and reporting."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of how an amount came about: ``20 units × 0.05 = 1.00``. Money in units of the currency."""

    label: str
    units: Decimal | None = None
    unit_price: Decimal | None = None
    flat: Decimal | None = None
    amount: Decimal | None = None
