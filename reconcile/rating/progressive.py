"""What a progressive invoice billed comes off the next one of its period, before coupons and taxes (facts §7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconcile.billed import LineKey


class Charged(Protocol):
    """A line of an invoice, as far as a credit of usage that was billed before asks for it."""

    @property
    def key(self) -> LineKey: ...

    @property
    def amount_cents(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressiveCredit:
    """What comes off an invoice, in cents; ``shares``: by how much less each line is taxed.

    The shares are what was billed before coupons, the credit is what was billed after them: they add up to more.
    """

    cents: int = 0
    shares: Mapping[LineKey, int] = field(default_factory=dict)


NOTHING_BEFORE = ProgressiveCredit()


def progressive_credit(
    lines: Sequence[Charged], billed_before: Sequence[Charged], available_cents: int
) -> ProgressiveCredit:
    """The credit of one progressive invoice. ``billed_before``: its fees; ``available_cents``: what is left of it.

    No more comes off than the same charges cost now: the rest Lago gives back as a credit note.
    """
    items = {fee.key.item for fee in billed_before}
    now = sum(line.amount_cents for line in lines if line.key.kind == "charge" and line.key.item in items)
    before = {fee.key: fee.amount_cents for fee in billed_before}
    shares = {line.key: min(before[line.key], line.amount_cents) for line in lines if line.key in before}
    return ProgressiveCredit(cents=max(min(available_cents, now), 0), shares=shares)


def together(credits: Iterable[ProgressiveCredit]) -> ProgressiveCredit:
    """Of all subscriptions on one invoice."""
    parts = list(credits)
    shares = {key: cents for part in parts for key, cents in part.shares.items()}
    return ProgressiveCredit(cents=sum(part.cents for part in parts), shares=shares)
