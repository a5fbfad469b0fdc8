"""The credit note when a subscription paid in advance ends before its period (facts §3.5). Doubles where Lago's are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from mappings.money import CONTEXT, round_half_up, truncate
from mappings.period import Contract, day_end, local_date, utc_date
from mappings.records import Tax
from reconcile.rating.taxes import TaxAmount

ITEM_DIGITS = 5  # scale of Lago's columns


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidFee:
    """The base fee that is given back in part, and the invoice it is on.

    ``plan_amount_cents``: the plan's price when it was billed. ``credited_cents``: given back on it before.
    """

    amount_cents: int
    plan_amount_cents: int
    from_datetime: datetime
    coupons_cents: Decimal
    taxes: tuple[Tax, ...]
    invoice_total_cents: int
    invoice_paid_cents: int
    credited_cents: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationCredit:
    """In cents. ``total`` is split into what is credited, refunded and offset against the unpaid invoice."""

    item_precise: Decimal
    coupons_precise: Decimal
    taxes_precise: Decimal
    total_precise: Decimal
    total_cents: int
    taxes_cents: int
    taxes_rate: Decimal
    taxes: tuple[TaxAmount, ...]
    credit_cents: int
    refund_cents: int
    offset_cents: int

    @property
    def whole_cents(self) -> int:
        """The precise total, rounded: Lago splits this one, and states ``total_cents``."""
        return int(round_half_up(self.total_precise))

    @property
    def coupons_cents(self) -> int:
        return int(round_half_up(self.coupons_precise))

    @property
    def net_cents(self) -> int:
        return int(round_half_up(self.item_precise - self.coupons_precise))


def termination_credit(
    contract: Contract,
    fee: PaidFee,
    terminated_at: datetime,
    *,
    mode: str = "credit",
    upgrade: bool = False,
    trial_ends_at: datetime | None = None,
) -> TerminationCredit | None:
    """What Lago gives back; None if nothing is left. ``mode``: credit | refund | offset (``skip`` never comes here)."""
    billed_from, end = _unused(contract, terminated_at, upgrade, trial_ends_at)
    duration = contract.cycle().days(local_date(terminated_at, contract.timezone))
    day_price = fee.plan_amount_cents / duration
    item = truncate(_price(day_price, max((end - billed_from).days, 0), fee) - fee.credited_cents, ITEM_DIGITS)
    credit = _priced(item, fee)
    if credit.total_cents <= 0:
        return None
    if mode == "refund":
        used_days = (billed_from - utc_date(fee.from_datetime)).days + 1
        used = _priced(_price(day_price, used_days, fee), fee)
        refund = max(min(fee.invoice_paid_cents - used.whole_cents, credit.whole_cents), 0)
        return _split(credit, refund_cents=refund, credit_cents=credit.whole_cents - refund)
    if mode == "offset":
        offset = min(fee.invoice_total_cents - fee.invoice_paid_cents, credit.whole_cents)
        return _split(credit, offset_cents=offset, refund_cents=credit.whole_cents - offset)
    return credit


def _split(
    credit: TerminationCredit, *, credit_cents: int = 0, refund_cents: int = 0, offset_cents: int = 0
) -> TerminationCredit:
    """The parts were rounded from the precise total; a cent that the note's own total differs goes to one of them."""
    if credit_cents + refund_cents + offset_cents != credit.total_cents:
        if credit_cents > 0:
            credit_cents = credit.total_cents - refund_cents
        else:
            refund_cents = credit.total_cents
    return replace(credit, credit_cents=credit_cents, refund_cents=refund_cents, offset_cents=offset_cents)


def _unused(
    contract: Contract, terminated_at: datetime, upgrade: bool, trial_ends_at: datetime | None
) -> tuple[date, date]:
    """First and last date of what was paid and not used; the day of an upgrade counts as not used.

    Lago compares UTC dates of local day ends, so the last date is excluded by the subtraction.
    """
    cycle, zone = contract.cycle(), contract.timezone
    day = local_date(terminated_at, zone)
    end = utc_date(day_end(cycle.end(cycle.start(day)), zone))
    billed_from = utc_date(day_end(day, zone))
    if upgrade:
        billed_from -= timedelta(days=1)
    if trial_ends_at is None:
        return billed_from, end
    trial_end = utc_date(trial_ends_at)
    if trial_end > end:
        return end, end
    return max(billed_from, trial_end - timedelta(days=1)), end


def _price(day_price: float, days: int, fee: PaidFee) -> Decimal:
    return min(Decimal(repr(day_price * days)), Decimal(fee.amount_cents))


def _priced(item: Decimal, fee: PaidFee) -> TerminationCredit:
    share = CONTEXT.divide(item, Decimal(fee.amount_cents)) if fee.amount_cents else Decimal(0)
    exact = CONTEXT.multiply(fee.coupons_cents, share)  # taxes are of this one; it is rounded where it is stored
    raw = [(tax, CONTEXT.multiply(item - exact, tax.rate) / 100) for tax in fee.taxes]
    taxes = round_half_up(sum((amount for _, amount in raw), Decimal(0)), ITEM_DIGITS)
    coupons = round_half_up(exact, ITEM_DIGITS)
    net = item - coupons
    cents = int(round_half_up(net)) + int(round_half_up(taxes))
    return TerminationCredit(
        item_precise=item,
        coupons_precise=coupons,
        taxes_precise=taxes,
        total_precise=net + taxes,
        total_cents=cents,
        taxes_cents=int(round_half_up(taxes)),
        taxes_rate=sum((tax.rate for tax in fee.taxes), Decimal(0)),
        taxes=tuple(
            TaxAmount(code=tax.code, rate=tax.rate, amount_cents=int(round_half_up(amount)), precise_cents=amount)
            for tax, amount in raw
        ),
        credit_cents=cents,
        refund_cents=0,
        offset_cents=0,
    )
