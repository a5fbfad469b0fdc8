"""Graduated tiers on days-weighted quantities: events fill and leave tiers one by one (facts/lago-billing §4.9).

Each event has a full value (which decides the tier) and a prorated one (which is priced there). An event that crosses
a tier's edge is split: the part beyond the edge is the overflow and waits for the tier it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from mappings.explain import Step, StepKind
from reconcile.rating.pricing import divide
from reconcile.rating.tiers import ZERO, Tier


@dataclass(slots=True)
class _Walk:
    """Running state: the letters are those of the facts, ``ratio`` is prorated/full of the last consumed event."""

    full: Decimal = ZERO  # F
    highest: Decimal = ZERO  # M
    pending: Decimal = ZERO  # P: prorated units of the current tier, not yet priced
    overflow: Decimal = ZERO  # O: full units of the last event that belong to another tier
    ratio: Decimal = ZERO  # c
    amount: Decimal = ZERO  # A
    steps: list[Step] = field(default_factory=list)

    def price(self, tier: Tier) -> None:
        """Close the current tier: what is pending is charged at its price."""
        charged = self.pending * tier.price
        self.amount += charged
        if self.pending:
            values = {"lower": tier.lower}
            self.steps.append(
                Step(kind=StepKind.TIER_FROM, values=values, units=self.pending, unit_price=tier.price, amount=charged)
            )
        self.pending = ZERO

    def consume(self, full: Decimal, prorated: Decimal) -> None:
        self.full += full
        self.highest = max(self.highest, self.full)
        self.pending += prorated
        self.ratio = divide(prorated, full)

    def spill(self, units: Decimal) -> None:
        """Take ``units`` of the last event out of the current tier: they belong to another one."""
        self.overflow = units
        self.pending -= units * self.ratio


def prorated_graduated(
    ranges: tuple[Tier, ...], full: tuple[Decimal, ...], prorated: tuple[Decimal, ...]
) -> tuple[Decimal, tuple[Step, ...]]:
    """Amount and steps for events of ``full`` and ``prorated`` values, in order of time."""
    walk = _Walk()
    queue = list(zip(full, prorated, strict=True))
    queue.reverse()
    tier = ranges[0]
    while queue or walk.overflow:
        tier = _tier_for(ranges, walk, queue[-1][0] if queue else None)
        if walk.overflow and _place_overflow(walk, tier):
            continue
        _drop_ignored(walk, queue)
        if not queue:
            break
        walk.consume(*queue.pop())
        _leave_tier(walk, tier)
    walk.price(tier)
    if walk.full < 0:
        return ZERO, ()
    flat = _flat_fees(ranges, walk.highest)
    flats = Step(kind=StepKind.FLAT_FEES_UP_TO, values={"units": walk.highest}, flat=flat, amount=flat)
    return max(walk.amount, ZERO) + flat, (*walk.steps, flats)


def _tier_for(ranges: tuple[Tier, ...], walk: _Walk, upcoming: Decimal | None) -> Tier:
    if walk.full <= 0:
        return ranges[0]
    probe = walk.full
    if walk.overflow > 0:
        probe = walk.full - walk.overflow + 1
    elif walk.overflow < 0:
        probe = walk.full + walk.overflow
    for index, tier in enumerate(ranges):
        if tier.upper is not None and probe == tier.upper:
            rising = upcoming is not None and upcoming > 0
            return ranges[index + 1] if rising else tier
        if tier.lower <= probe and (tier.upper is None or probe < tier.upper):
            return tier
    return ranges[0]


def _place_overflow(walk: _Walk, tier: Tier) -> bool:
    """Put the overflow into ``tier``; true when it fills the tier and a rest goes on to the next."""
    walk.pending += walk.overflow * walk.ratio
    if tier.upper is not None and walk.full >= tier.upper:
        walk.spill(walk.full - tier.upper)
        walk.price(tier)
        return True
    walk.overflow = ZERO
    return False


def _drop_ignored(walk: _Walk, queue: list[tuple[Decimal, Decimal]]) -> None:
    """Events without weight in the period: adds always, removes when nothing is left to remove."""
    while queue and queue[-1][1] == 0 and (queue[-1][0] > 0 or walk.full + queue[-1][0] < 0):
        queue.pop()


def _leave_tier(walk: _Walk, tier: Tier) -> None:
    if tier.upper is None and walk.full >= tier.lower - 1:
        return
    if tier.upper is not None and tier.lower <= walk.full < tier.upper:
        return
    above = tier.upper is not None and walk.full >= tier.upper
    walk.spill(walk.full - tier.upper if above and tier.upper is not None else walk.full - tier.lower + 1)
    walk.price(tier)


def _flat_fees(ranges: tuple[Tier, ...], highest: Decimal) -> Decimal:
    flat = ZERO
    for tier in ranges:
        flat += tier.flat
        if tier.upper is None or tier.upper >= highest:
            break
    return flat
