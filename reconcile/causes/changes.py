"""What a cause may change in an invoice, as values: a closed set, each applied in one place (``recompute``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from mappings.records import Tax
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Totals
from reconcile.rating.tax_terms import Terms
from reconcile.rating.taxes import Rounding
from reconcile.rerate.supposed import Hypothesis


@dataclass(frozen=True, slots=True)
class DropLine:
    """The lines of this key are not billed."""

    key: LineKey


@dataclass(frozen=True, slots=True)
class RepeatLine:
    """The line is billed ``times`` more than once."""

    key: LineKey
    times: int


@dataclass(frozen=True, slots=True)
class SetLine:
    """Another amount for a line (that a re-rating of its units or price gave)."""

    key: LineKey
    cents: int


@dataclass(frozen=True, slots=True)
class TakeOff:
    """A share is taken off what the line comes to, whatever that is under other changes."""

    key: LineKey
    percent: Decimal


@dataclass(frozen=True, slots=True)
class AddLine:
    """A line that only the other side has, taxed like its relatives."""

    line: BilledLine


@dataclass(frozen=True, slots=True)
class FollowMinimum:
    """A charge's true-up tops up what its lines now are: together they were ``minimum_cents`` (facts §4.10)."""

    true_up: LineKey
    minimum_cents: int


@dataclass(frozen=True, slots=True)
class RoundAmounts:
    """Every amount, of lines, of taxes and of the header, is rounded to multiples of ``step`` (in the smallest unit).

    The header's follow from the exact lines, unless the company rounds on each line (``per_line``).
    """

    step: int
    per_line: bool = False


@dataclass(frozen=True, slots=True)
class RoundTax:
    """Taxes are rounded in another place."""

    rounding: Rounding


@dataclass(frozen=True, slots=True)
class DropTax:
    """No line bears the tax with this code."""

    code: str


@dataclass(frozen=True, slots=True)
class SetTaxes:
    """The same taxes on every line."""

    taxes: tuple[Tax, ...]


@dataclass(frozen=True, slots=True)
class TaxLines:
    """Other taxes on some lines."""

    taxes: Mapping[LineKey, tuple[Tax, ...]]


@dataclass(frozen=True, slots=True)
class TaxByTerms:
    """Taxes are computed by the terms of Odoo's records. ``per_line``: rounded on each line, as the company chose."""

    terms: Terms
    per_line: bool = False


@dataclass(frozen=True, slots=True)
class KeepHeader:
    """Only the lines are changed: the header states these totals, whatever follows from its lines."""

    totals: Totals


@dataclass(frozen=True, slots=True)
class DropCoupon:
    """The coupon with this code takes nothing off."""

    code: str


@dataclass(frozen=True, slots=True)
class DropProgressive:
    """Nothing comes off for usage that progressive invoices billed before."""


@dataclass(frozen=True, slots=True)
class DropSettlement:
    """Nothing is taken off after tax by this part of the header: ``credit_notes`` or ``prepaid``."""

    part: str


@dataclass(frozen=True, slots=True)
class Settle:
    """More (or less) was taken off after tax than the baseline knows; no part of the header's arithmetic."""

    cents: int


@dataclass(frozen=True, slots=True)
class Suppose:
    """The invoice is re-rated from usage under a hypothesis. ``header``: it moves coupons and taxes only, no line."""

    hypothesis: Hypothesis
    header: bool = False


LineEdit = DropLine | RepeatLine | SetLine | TakeOff | AddLine | FollowMinimum
HeaderEdit = (
    RoundAmounts
    | RoundTax
    | DropTax
    | SetTaxes
    | TaxLines
    | TaxByTerms
    | KeepHeader
    | DropCoupon
    | DropProgressive
    | DropSettlement
    | Settle
)
Edit = LineEdit | HeaderEdit  # what the header's arithmetic can redo without usage
Change = Edit | Suppose


def touched_charge(change: Change) -> str | None:
    """The charge whose lines a change edits, so that its minimum may have to follow."""
    match change:
        case DropLine(key=key) | RepeatLine(key=key) | SetLine(key=key) | AddLine(line=BilledLine(key=key)):
            return key.item if key.kind == "charge" else None
        case _:
            return None


def minimums(invoice: BilledInvoice) -> tuple[FollowMinimum, ...]:
    """For each charge minimum that was not reached: the change that lets it follow its charge's lines."""
    return tuple(
        FollowMinimum(line.key, line.amount_cents + charge_cents(invoice.lines, line.key))
        for line in invoice.lines
        if line.key.kind == "true_up" and line.amount_cents > 0
    )


def charge_cents(lines: tuple[BilledLine, ...], true_up: LineKey) -> int:
    """What the lines of a true-up's charge come to."""
    charge = ("charge", true_up.subscription, true_up.item)
    return sum(line.amount_cents for line in lines if (line.key.kind, line.key.subscription, line.key.item) == charge)
