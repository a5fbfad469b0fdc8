"""What a charge model is given and what it answers; the arithmetic that all of them share.

Amounts are in units of the currency and unrounded: a fee is rounded once, in ``reconcile.rating.fees``. Everything is
Decimal except where Lago itself computes in doubles and it shows (package counts).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mappings.explain import Step
from mappings.money import CONTEXT
from mappings.records import Json
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.tiers import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """An amount and how it came about. ``amount`` and ``unit_amount`` are in units of the currency, unrounded."""

    amount: Decimal
    unit_amount: Decimal
    units: Decimal
    amount_details: Json  # in the shape Lago stores with the fee
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a charge model needs: the charge's prices, one bucket's units, and the rules in force."""

    model: str
    properties: Json
    aggregation: Aggregation
    currency: str
    prorated: bool = False
    pay_in_advance: bool = False
    premium: bool = True
    rules: Rules = LATEST


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Quotient with Ruby's BigDecimal precision (32 significant digits), 0 for a division by 0."""
    if not divisor:
        return ZERO
    context = CONTEXT.copy()
    context.prec = 32
    return context.divide(dividend, divisor)


def quantity_of(case: Priced) -> Decimal:
    """What the unit price divides by: units without proration where they are known."""
    full = case.aggregation.full_units
    return case.aggregation.units if full is None else full


def rated_of(case: Priced, amount: Decimal, details: Json, steps: tuple[Step, ...]) -> Rated:
    """What a charge model answers."""
    return Rated(
        amount=amount,
        unit_amount=divide(amount, quantity_of(case)),
        units=case.aggregation.units,
        amount_details=details,
        steps=steps,
    )
