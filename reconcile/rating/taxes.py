"""Taxes: which set applies to a fee, what each fee bears, and the header's own rounding (facts §6.3).

Odoo adds the same taxes up in other places. How they would be rounded there is told too, in exact decimals: it explains
differences, and bills nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from mappings.money import CONTEXT, round_float, round_half_up
from mappings.records import Tax
from reconcile.rating.coupons import CouponCredit

RATE_DIGITS = 5
PRECISE_DIGITS = 15


class Rounding(Enum):
    """Where taxes become whole cents."""

    INVOICE = "invoice"  # Lago: the sum of all taxes of the invoice once
    TAX = "tax"  # Odoo's round_globally: each tax once, then added up
    LINE = "line"  # Odoo's round_per_line: each tax of each line, then added up


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxable:
    """A fee as taxes see it: cents, what coupons took off it, and the set that applies."""

    amount_cents: int
    precise_cents: Decimal
    coupons_cents: Decimal
    taxes: tuple[Tax, ...]

    @property
    def base(self) -> Decimal:
        return self.amount_cents - self.coupons_cents

    @property
    def precise_base(self) -> Decimal:
        return self.precise_cents - self.coupons_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxAmount:
    """One tax on a fee or on an invoice. ``fees_cents`` (of an invoice): the sum of the bases, cut to whole cents."""

    code: str
    rate: Decimal
    amount_cents: int
    precise_cents: Decimal
    fees_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """Taxes of a fee or of an invoice. ``amount_cents`` is not the sum of ``taxes``: it is rounded on its own."""

    amount_cents: int
    precise_cents: Decimal
    rate: Decimal
    taxes: tuple[TaxAmount, ...]


def applicable(*sets: Sequence[Tax]) -> tuple[Tax, ...]:
    """The first set that is not empty: charge, plan, customer, billing entity. Sets never merge."""
    return next((tuple(taxes) for taxes in sets if taxes), ())


def fee_taxes(fee: Taxable) -> Taxed:
    """What one fee bears. Lago divides by 100 in doubles."""
    raw = [(tax, _percent(fee.base, tax), _precise(fee.precise_base, tax)) for tax in fee.taxes]
    return Taxed(
        amount_cents=round_float(_sum(amount for _, amount, _ in raw)),
        precise_cents=sum((precise for _, _, precise in raw), Decimal(0)),
        rate=Decimal(repr(_sum(float(tax.rate) for tax in fee.taxes))),
        taxes=tuple(
            TaxAmount(code=tax.code, rate=tax.rate, amount_cents=round_float(amount), precise_cents=precise)
            for tax, amount, precise in raw
        ),
    )


def invoice_taxes(fees: Sequence[Taxable], net_cents: int) -> Taxed:
    """Taxes of the header: bases summed per tax, one rounding per tax, and another one of the whole.

    ``net_cents``: the invoice before taxes. It only weighs the average rate.
    """
    by_code: dict[str, list[Taxable]] = {}
    rates: dict[str, Tax] = {}
    for fee in fees:
        for tax in fee.taxes:
            by_code.setdefault(tax.code, []).append(fee)
            rates[tax.code] = tax
    taxes, total, weighted = [], 0.0, Decimal(0)
    for code, taxed in by_code.items():
        tax, base = rates[code], sum((fee.base for fee in taxed), Decimal(0))
        amount = float(sum((CONTEXT.multiply(fee.base, tax.rate) for fee in taxed), Decimal(0))) / 100
        taxes.append(
            TaxAmount(
                code=code,
                rate=tax.rate,
                amount_cents=round_float(amount),
                precise_cents=Decimal(repr(amount)),
                fees_cents=int(base),
            )
        )
        total += amount
        weighted += _weight(base, net_cents, len(taxed) / len(fees)) * tax.rate
    return Taxed(
        amount_cents=round_float(total),
        precise_cents=Decimal(repr(total)),
        rate=round_half_up(weighted, RATE_DIGITS),
        taxes=tuple(taxes),
    )


def round_elsewhere(
    taxed: Taxed, fees: Sequence[Taxable], credits: Sequence[CouponCredit], rounding: Rounding
) -> Taxed:
    """Lago's taxes of the header, made whole cents where ``rounding`` says."""
    if rounding is Rounding.INVOICE:
        return taxed
    cents: dict[str, Decimal] = defaultdict(Decimal)
    for amount, taxes in (*((fee.amount_cents, fee.taxes) for fee in fees), *coupon_lines(fees, credits)):
        for tax in taxes:
            exact = CONTEXT.multiply(Decimal(amount), tax.rate) / 100
            cents[tax.code] += round_half_up(exact) if rounding is Rounding.LINE else exact
    taxes_rounded = tuple(replace(tax, amount_cents=int(round_half_up(cents[tax.code]))) for tax in taxed.taxes)
    return replace(taxed, amount_cents=sum(tax.amount_cents for tax in taxes_rounded), taxes=taxes_rounded)


def coupon_lines(fees: Sequence[Taxable], credits: Sequence[CouponCredit]) -> Iterator[tuple[int, tuple[Tax, ...]]]:
    """A coupon is a line of its own in Odoo, in whole cents, for each kind of taxation that it reduces."""
    for credit in credits:
        kinds: dict[tuple[Tax, ...], Decimal] = defaultdict(Decimal)
        for fee, share in zip(fees, credit.shares, strict=True):
            if share:
                kinds[fee.taxes] += share
        cents = whole_cents(list(kinds.values()), credit.cents)
        yield from ((-part, taxes) for part, taxes in zip(cents, kinds, strict=True))


def whole_cents(parts: Sequence[Decimal], total: int) -> list[int]:
    """Whole cents close to ``parts`` that add up to ``total``: the largest rests are rounded up."""
    whole = [int(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda index: whole[index] - parts[index])
    for index in by_rest[: max(total - sum(whole), 0)]:
        whole[index] += 1
    return whole


def _weight(base: Decimal, net_cents: int, by_number: float) -> Decimal:
    """Share of the invoice that bears a tax; where the invoice is 0, the share of its fees that do."""
    return CONTEXT.divide(base, Decimal(net_cents)) if net_cents > 0 else Decimal(by_number)


def _percent(base: Decimal, tax: Tax) -> float:
    return float(CONTEXT.multiply(base, tax.rate)) / 100


def _precise(base: Decimal, tax: Tax) -> Decimal:
    return round_half_up(CONTEXT.multiply(base, tax.rate) / 100, PRECISE_DIGITS)


def _sum(values: object) -> float:
    return sum(values, 0.0)  # type: ignore[call-overload, no-any-return]
