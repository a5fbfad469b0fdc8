"""Prepaid credits on an invoice: what each wallet may pay, and from which of its top-ups (facts §7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mappings.money import CONTEXT, from_subunits, round_half_up

CREDIT_DIGITS = 5  # scale of Lago's column


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Credits that came into a wallet. ``source``: granted | purchased."""

    source: str
    remaining_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaidWallet:
    """A wallet before an invoice, in cents of its currency. Empty ``fee_types`` and ``metric_codes``: pays anything."""

    code: str
    currency: str
    rate_amount: Decimal
    balance_cents: int
    credits_balance: Decimal = Decimal(0)
    priority: int = 50
    fee_types: tuple[str, ...] = ()
    metric_codes: tuple[str, ...] = ()
    top_ups: tuple[TopUp, ...] = ()
    consumed_cents: int = 0
    consumed_credits: Decimal = Decimal(0)

    def pays(self, fee_type: str, metric_code: str | None) -> bool:
        unlimited = not self.fee_types and not self.metric_codes
        return unlimited or fee_type in self.fee_types or (fee_type == "charge" and metric_code in self.metric_codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spendable:
    """A fee that prepaid credits may pay."""

    fee_type: str
    metric_code: str | None
    amount_cents: int
    coupons_cents: Decimal
    taxes_cents: Decimal

    @property
    def gross(self) -> Decimal:
        return self.amount_cents - self.coupons_cents + self.taxes_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What one wallet paid. ``consumed``: (source, cents) per top-up, in order."""

    wallet: str
    amount_cents: int
    credits: Decimal
    consumed: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What wallets paid, and what they hold afterwards."""

    draws: tuple[Draw, ...]
    wallets: tuple[PrepaidWallet, ...]  # afterwards, in the order given

    @property
    def total_cents(self) -> int:
        return sum(one.amount_cents for one in self.draws)


Bucket = tuple[str, str | None]


def draw(
    wallets: Sequence[PrepaidWallet],
    fees: Sequence[Spendable],
    due_cents: int,
    credit_notes_cents: int,
    gross_cents: int,
    currency: str,
) -> Drawn:
    """Pay ``due_cents`` (the gross amount less credit notes) from ``wallets``, in their order of creation."""
    left = _buckets(fees, due_cents, credit_notes_cents, gross_cents)
    after, draws = list(wallets), []
    for index in sorted(range(len(wallets)), key=lambda index: wallets[index].priority):
        wallet = wallets[index]
        if due_cents <= 0 or wallet.balance_cents <= 0 or wallet.currency != currency:
            continue
        paid = _pay(wallet, left)
        cents = int(min(round_half_up(paid), Decimal(due_cents)))
        if cents <= 0:
            continue
        drawn = _draw(wallet, cents)
        draws.append(drawn)
        after[index] = _drained(wallet, drawn)
        due_cents -= cents
    return Drawn(draws=tuple(draws), wallets=tuple(after))


def credits_of(cents: int, wallet: PrepaidWallet) -> Decimal:
    """Credits of a wallet that so many cents are worth."""
    amount = CONTEXT.divide(from_subunits(cents, wallet.currency), wallet.rate_amount)
    return round_half_up(amount, CREDIT_DIGITS)


def _buckets(
    fees: Sequence[Spendable], due_cents: int, credit_notes_cents: int, gross_cents: int
) -> dict[Bucket, Decimal]:
    """What may be paid per (fee type, metric), largest first. Rounding of the header goes to the largest one."""
    sums: dict[Bucket, Decimal] = {}
    for fee in fees:
        noted = CONTEXT.divide(fee.gross * credit_notes_cents, Decimal(gross_cents)) if gross_cents else Decimal(0)
        bucket = (fee.fee_type, fee.metric_code)
        sums[bucket] = sums.get(bucket, Decimal(0)) + fee.gross - noted
    ordered = dict(sorted(sums.items(), key=lambda item: -item[1]))
    rounding = due_cents - sum(ordered.values(), Decimal(0))
    if ordered and 0 < rounding <= len(ordered):
        largest = next(iter(ordered))
        ordered[largest] += rounding
    return ordered


def _pay(wallet: PrepaidWallet, left: dict[Bucket, Decimal]) -> Decimal:
    """Take from each bucket the wallet may pay, until it is empty; ``left`` shrinks."""
    balance = Decimal(wallet.balance_cents)
    for bucket, amount in left.items():
        if wallet.pays(*bucket):
            taken = max(min(amount, balance), Decimal(0))
            left[bucket] -= taken
            balance -= taken
    return wallet.balance_cents - balance


def _draw(wallet: PrepaidWallet, cents: int) -> Draw:
    consumed, missing = [], cents
    for top_up in wallet.top_ups:
        taken = min(top_up.remaining_cents, missing)
        if taken:
            consumed.append((top_up.source, taken))
        missing -= taken
    return Draw(wallet=wallet.code, amount_cents=cents, credits=credits_of(cents, wallet), consumed=tuple(consumed))


def _drained(wallet: PrepaidWallet, drawn: Draw) -> PrepaidWallet:
    missing, top_ups = drawn.amount_cents, []
    for top_up in wallet.top_ups:
        taken = min(top_up.remaining_cents, missing)
        top_ups.append(replace(top_up, remaining_cents=top_up.remaining_cents - taken))
        missing -= taken
    return replace(
        wallet,
        balance_cents=wallet.balance_cents - drawn.amount_cents,
        credits_balance=wallet.credits_balance - drawn.credits,
        consumed_cents=wallet.consumed_cents + drawn.amount_cents,
        consumed_credits=wallet.consumed_credits + drawn.credits,
        top_ups=tuple(top_ups),
    )
