"""Taxes: which set applies to a fee, what each fee bears, and the header's own rounding (facts §6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mappings.money import CONTEXT, round_float, round_half_up
from mappings.records import Tax

RATE_DIGITS = 5
PRECISE_DIGITS = 15


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
class AppliedTax:
    """One tax on a fee or on an invoice. ``fees_cents`` (of an invoice): the sum of the bases, cut to whole cents."""

    code: str
    rate: Decimal
    amount_cents: int
    precise_cents: Decimal = Decimal(0)
    fees_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """Taxes of a fee or of an invoice. ``amount_cents`` is not the sum of ``taxes``: it is rounded on its own."""

    amount_cents: int
    precise_cents: Decimal
    rate: Decimal
    taxes: tuple[AppliedTax, ...]


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
            AppliedTax(code=tax.code, rate=tax.rate, amount_cents=round_float(amount), precise_cents=precise)
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
            AppliedTax(
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


def _weight(base: Decimal, net_cents: int, by_number: float) -> Decimal:
    """Share of the invoice that bears a tax; where the invoice is 0, the share of its fees that do."""
    return CONTEXT.divide(base, Decimal(net_cents)) if net_cents > 0 else Decimal(by_number)


def _percent(base: Decimal, tax: Tax) -> float:
    return float(CONTEXT.multiply(base, tax.rate)) / 100


def _precise(base: Decimal, tax: Tax) -> Decimal:
    return round_half_up(CONTEXT.multiply(base, tax.rate) / 100, PRECISE_DIGITS)


def _sum(values: object) -> float:
    return sum(values, 0.0)  # type: ignore[call-overload, no-any-return]
