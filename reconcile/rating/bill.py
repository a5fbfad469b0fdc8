"""Amounts -> invoice, in one readable function (facts §6.2).

    lines -> coupons -> taxes per line -> taxes of the header -> credit notes -> prepaid credits -> total

Each step lives in its own module: coupons, taxes, wallets. Drafts stop after the taxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mappings.explain import Step
from mappings.records import Tax
from reconcile.billed import LineKey
from reconcile.rating.coupons import CouponResult, HeldCoupon, Reducible, apply_coupons
from reconcile.rating.progressive import NOTHING_BEFORE, ProgressiveCredit
from reconcile.rating.taxes import Rounding, Taxable, Taxed, fee_taxes, invoice_taxes, round_elsewhere
from reconcile.rating.wallets import Drawn, PrepaidWallet, Spendable, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeLine:
    """A fee before coupons and taxes. ``taxes`` is the set that applies to it (``taxes.applicable``).

    ``rated_cents``: what coupons count of it, where that is not its amount (a discount of Odoo's comes after them).
    """

    key: LineKey
    plan_code: str
    amount_cents: int
    precise_cents: Decimal
    taxes: tuple[Tax, ...] = ()
    metric_code: str | None = None
    units: Decimal | None = None
    events: int | None = None
    steps: tuple[Step, ...] = ()
    rated_cents: int | None = None

    @property
    def fee_type(self) -> str:
        """Lago's name of the kind: a true-up is a charge there."""
        return "charge" if self.key.kind == "true_up" else self.key.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledFee:
    """A line of an invoice with its share of the coupons and its taxes."""

    line: FeeLine
    coupons_cents: Decimal
    taxed: Taxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An invoice, in cents of its currency. ``net`` is before taxes, ``gross`` with them."""

    fees: tuple[BilledFee, ...]
    fees_cents: int
    coupons: CouponResult
    progressive_cents: int
    net_cents: int
    taxed: Taxed
    gross_cents: int
    credit_notes: tuple[int, ...]  # taken from each credit note offered, in their order
    prepaid: Drawn
    total_cents: int


def bill(
    lines: Sequence[FeeLine],
    currency: str,
    *,
    coupons: Sequence[HeldCoupon] = (),
    credit_notes: Sequence[int] = (),
    wallets: Sequence[PrepaidWallet] = (),
    progressive: ProgressiveCredit = NOTHING_BEFORE,
    draft: bool = False,
    rounding: Rounding = Rounding.INVOICE,
) -> Bill:
    """The invoice over ``lines``.

    ``coupons`` and ``wallets``: as held before this invoice. ``credit_notes``: balances in cents, oldest first. A
    ``draft`` uses none of them: they are applied when it is finalised. ``progressive``: what comes off first, for usage
    that was billed before. ``rounding`` is Lago's, or one of Odoo's ways.
    """
    fees_cents = sum(line.amount_cents for line in lines)
    used = apply_coupons(
        [_reducible(line) for line in lines],
        coupons,
        currency,
        already_off_cents=fees_cents if draft else progressive.cents,
        shares_before=[Decimal(progressive.shares.get(line.key, 0)) for line in lines],
    )
    taxables = [taxable(line, share) for line, share in zip(lines, used.shares, strict=True)]
    fees = tuple(
        BilledFee(line=line, coupons_cents=share, taxed=fee_taxes(taxable))
        for line, share, taxable in zip(lines, used.shares, taxables, strict=True)
    )
    net = fees_cents - progressive.cents - used.total_cents
    taxed = round_elsewhere(invoice_taxes(taxables, net), taxables, used.credits, rounding)
    gross = net + taxed.amount_cents
    notes = (0,) * len(credit_notes) if draft else take_from(credit_notes, gross)
    due = gross - sum(notes)
    prepaid = draw(wallets, [_spendable(fee) for fee in fees], 0 if draft else due, sum(notes), gross, currency)
    return Bill(
        fees=fees,
        fees_cents=fees_cents,
        coupons=used,
        progressive_cents=progressive.cents,
        net_cents=net,
        taxed=taxed,
        gross_cents=gross,
        credit_notes=notes,
        prepaid=prepaid,
        total_cents=due - prepaid.total_cents,
    )


def take_from(balances: Sequence[int], amount: int) -> tuple[int, ...]:
    """What each balance pays of ``amount``, in order, until nothing is left."""
    taken = []
    for balance in balances:
        taken.append(max(min(balance, amount), 0))
        amount -= taken[-1]
    return tuple(taken)


def _reducible(line: FeeLine) -> Reducible:
    return Reducible(
        amount_cents=line.amount_cents if line.rated_cents is None else line.rated_cents,
        kind=line.fee_type,
        plan_code=line.plan_code,
        metric_code=line.metric_code,
    )


def taxable(line: FeeLine, share: Decimal) -> Taxable:
    """A line after coupons, of which ``share`` is its part, as taxes are computed on it."""
    return Taxable(
        amount_cents=line.amount_cents, precise_cents=line.precise_cents, coupons_cents=share, taxes=line.taxes
    )


def _spendable(fee: BilledFee) -> Spendable:
    return Spendable(
        fee_type=fee.line.fee_type,
        metric_code=fee.line.metric_code,
        amount_cents=fee.line.amount_cents,
        coupons_cents=fee.coupons_cents,
        taxes_cents=fee.taxed.precise_cents,
    )
