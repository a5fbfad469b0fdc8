"""Graduated prices on a quantity that changed within the period: every change is placed into the tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .exact import ONE, ZERO, decimal, of_double, plain
from .rows import Tier
from .steps import Step, step
from .unratable import Unratable


def tier_bounds(tier: Tier) -> tuple[Decimal, Decimal | None]:
    to = tier.get("to_value")
    return decimal(tier.get("from_value")), None if to is None else decimal(to)


def visited(tiers: Sequence[Tier], units: Decimal) -> list[Tier]:
    """The tiers up to the one that holds ``units``: an upper bound belongs to its tier, a gap to the upper one."""
    reached: list[Tier] = []
    for tier in tiers:
        reached.append(tier)
        to = tier_bounds(tier)[1]
        if to is None or to >= units:
            break
    return reached


@dataclass(slots=True)
class Walk:
    """State of the walk: full units, their peak, prorated units waiting to be priced, overflow of the last event."""

    tiers: Sequence[Tier]
    events: list[tuple[Decimal, Decimal]]
    full: Decimal = ZERO
    peak: Decimal = ZERO
    pending: Decimal = ZERO
    overflow: Decimal = ZERO
    amount: Decimal = ZERO
    share: Decimal = ZERO  # prorated part of one unit of the last event

    def tier(self) -> Tier:
        if self.full <= 0:
            return self.tiers[0]
        units = self.full
        if self.overflow > 0:
            units = self.full - self.overflow + ONE
        elif self.overflow < 0:
            units = self.full + self.overflow
        for index, tier in enumerate(self.tiers):
            start, to = tier_bounds(tier)
            if to is not None and units == to:
                rising = bool(self.events) and self.events[0][0] > 0
                if rising and tier is self.tiers[-1]:
                    raise no_tier_after(to)
                return self.tiers[index + 1] if rising else tier
            if start <= units and (to is None or units < to):
                return tier
        return self.tiers[0]

    def price(self, tier: Tier) -> None:
        self.amount += self.pending * decimal(tier.get("per_unit_amount"))
        self.pending = ZERO

    def place_overflow(self, tier: Tier) -> bool:
        """Put the overflow into ``tier``; true if some of it goes on to the next tier.

        What no tier holds comes back to the first one, and would go round for ever: Lago fails there too.
        """
        to, before = tier_bounds(tier)[1], self.overflow
        self.pending += self.overflow * self.share
        if to is None or self.full < to:
            self.overflow = ZERO
            return False
        self.overflow = self.full - to
        if 0 < before <= self.overflow:
            raise no_tier_after(self.full - before)
        self.pending -= self.overflow * self.share
        self.price(tier)
        return True

    def take(self) -> bool:
        """Consume the next event that counts; false if there is none."""
        while self.events:
            full, prorated = self.events.pop(0)
            if prorated == 0 and (full > 0 or self.full + full < 0):
                continue
            self.full += full
            self.peak = max(self.peak, self.full)
            self.pending += prorated
            self.share = of_double(float(prorated) / float(full)) if full else ZERO
            return True
        return False

    def leaves(self, tier: Tier) -> bool:
        """Did the last event lead out of ``tier``? Then its overflow is set."""
        start, to = tier_bounds(tier)
        inside = self.full >= start - ONE if to is None else start <= self.full < to
        if inside:
            return False
        self.overflow = self.full - to if to is not None and self.full >= to else self.full - start + ONE
        self.pending -= self.overflow * self.share
        self.price(tier)
        return True

    def run(self) -> Decimal:
        tier = self.tier()
        while self.events or self.overflow:
            tier = self.tier()
            if self.overflow and self.place_overflow(tier):
                continue
            if not self.take():
                break
            self.leaves(tier)
        self.price(tier)
        return self.amount


def no_tier_after(units: Decimal) -> Unratable:
    return Unratable("charge_unreadable", f"properties.graduated_ranges: no tier goes on after {plain(units)} units")


def rate_events(
    tiers: Sequence[Tier], units: Decimal, events: list[tuple[Decimal, Decimal]]
) -> tuple[Decimal, list[Step]]:
    """(amount, steps) of ``events``: what each counts in full, and prorated. ``units``: what they come to."""
    if not tiers:
        return ZERO, []
    if not units:
        flat = decimal(tiers[0].get("flat_amount"))
        return flat, [step("first_tier", flat=flat, amount=flat)]
    walk = Walk(tiers, events)
    variable = walk.run()
    if walk.full < 0:
        return ZERO, []
    flats = sum((decimal(tier.get("flat_amount")) for tier in visited(tiers, walk.peak)), ZERO)
    variable = max(variable, ZERO)
    steps = [
        step("prorated_units", units=units, amount=variable),
        step("flat_fees_up_to", {"units": walk.peak}, flat=flats, amount=flats),
    ]
    return variable + flats, steps
