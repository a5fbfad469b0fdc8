"""From units to an amount: one function per charge model, with the steps that explain it.

``properties`` are Lago's, in currency units. Each model returns ``Rated``; amounts are not rounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from .exact import HUNDRED, ONE, ZERO, ceiling, decimal, divide, exponent, plain
from .prorated_tiers import rate_events, tier_bounds, visited
from .rows import Properties, Tier
from .steps import Step, step
from .unratable import Unratable


@dataclass(frozen=True, slots=True)
class Usage:
    """What aggregation hands to a charge model.

    ``units`` are prorated if the charge is; ``full_units`` are not. ``running`` is the running total that free units
    of percentage charges are taken from; ``values`` and ``prorated_values`` are those of each event, in time order.
    """

    units: Decimal = ZERO
    events: int = 0
    full_units: Decimal | None = None
    total_units: Decimal | None = None
    running: Sequence[Decimal] = ()
    values: Sequence[Decimal] = ()
    prorated_values: Sequence[Decimal] = ()
    dynamic_cents: Decimal = ZERO
    custom_amount: Decimal = ZERO  # of the events, as the metric's own code left it

    @property
    def whole_units(self) -> Decimal:
        return self.units if self.full_units is None else self.full_units


@dataclass(frozen=True, slots=True)
class Rated:
    amount: Decimal
    unit_amount: Decimal
    steps: list[Step] = field(default_factory=list)


def per_unit(amount: Decimal, units: Decimal) -> Decimal:
    return divide(amount, units) if units else ZERO


def standard(usage: Usage, properties: Properties) -> Rated:
    price = decimal(properties.get("amount"))
    amount = usage.units * price
    unit_amount = per_unit(amount, usage.whole_units)
    return Rated(amount, unit_amount, [step("units_price", units=usage.units, unit_price=price, amount=amount)])


def package(usage: Usage, properties: Properties) -> Rated:
    price, free = decimal(properties.get("amount")), decimal(properties.get("free_units"))
    paid = max(usage.units - free, ZERO)
    # Lago counts packages in doubles
    packages = ceiling(Decimal(float(paid) / package_size(properties))) if paid else ZERO
    amount = packages * price
    return Rated(amount, per_unit(amount, paid), [step("packages", units=packages, unit_price=price, amount=amount)])


def package_size(properties: Properties) -> float:
    size = decimal(properties.get("package_size"))
    if size <= 0:
        raise Unratable("charge_unreadable", f"properties.package_size is {plain(size)}, must be above 0")
    return float(size)


def adjacent(tiers: Sequence[Tier]) -> bool:
    """Tiers that share their bounds (0-0.5, 0.5-1), as opposed to whole numbers (0-10, 11-20)."""
    return len(tiers) > 1 and all(tier_bounds(b)[0] == tier_bounds(a)[1] for a, b in pairwise(tiers))


def graduated(usage: Usage, properties: Properties) -> Rated:
    tiers = properties.get("graduated_ranges") or []
    gap = ZERO if adjacent(tiers) else ONE
    amount, steps = ZERO, []
    for tier in visited(tiers, usage.units):
        start, to = tier_bounds(tier)
        top = usage.units if to is None else min(usage.units, to)
        units = top if start == 0 else top - start + gap
        price, flat = decimal(tier.get("per_unit_amount")), decimal(tier.get("flat_amount"))
        part = units * price + flat
        amount += part
        steps.append(step("tier", tier_values(tier), units=units, unit_price=price, flat=flat, amount=part))
    return Rated(amount, per_unit(amount, usage.whole_units), steps)


def tier_values(tier: Tier) -> dict[str, Decimal | None]:
    lower, upper = tier_bounds(tier)
    return {"lower": lower, "upper": upper}


def graduated_percentage(usage: Usage, properties: Properties) -> Rated:
    amount, steps = ZERO, []
    for tier in visited(properties.get("graduated_percentage_ranges") or [], usage.units):
        start, to = tier_bounds(tier)
        if to is not None and usage.units >= to:
            units = to - (start or ONE) + ONE
        else:
            units = usage.units if start == 0 else usage.units - start + ONE
        rate, flat = decimal(tier.get("rate")), decimal(tier.get("flat_amount"))
        part = units * rate / HUNDRED + flat
        amount += part
        steps.append(step("tier", {**tier_values(tier), "rate": rate}, units=units, flat=flat, amount=part))
    return Rated(amount, per_unit(amount, usage.whole_units), steps)


def volume(usage: Usage, properties: Properties) -> Rated:
    units = usage.whole_units
    tiers = sorted(properties.get("volume_ranges") or [], key=lambda tier: tier_bounds(tier)[0])
    for tier in tiers:
        start, to = tier_bounds(tier)
        if start <= ceiling(units) and (to is None or units <= to):
            break
    else:
        raise Unratable("volume_without_tier", f"no volume tier for {plain(units)} units")
    price, flat = decimal(tier.get("per_unit_amount")), decimal(tier.get("flat_amount"))
    amount = usage.units * price + flat
    steps = [step("tier", tier_values(tier), units=usage.units, unit_price=price, flat=flat, amount=amount)]
    return Rated(amount, per_unit(amount, units), steps)


def free_units(usage: Usage, events: int, total: Decimal) -> Decimal:
    if not usage.running or not usage.running[-1]:
        return ZERO
    if events and events < len(usage.running):
        return usage.running[events - 1]
    return min(usage.running[-1], total) if total else usage.running[-1]


def free_events(usage: Usage, events: int, total: Decimal) -> int:
    """Events that pay no fixed fee; one that exactly reaches the free total does pay."""
    below = sum(1 for value in usage.running if value < total)
    return min((count for count in (events, below) if count), default=0)


def percentage(usage: Usage, properties: Properties) -> Rated:
    rate, fixed = decimal(properties.get("rate")), decimal(properties.get("fixed_amount"))
    events, total = (
        int(decimal(properties.get("free_units_per_events"))),
        decimal(properties.get("free_units_per_total_aggregation")),
    )
    free, free_count = free_units(usage, events, total), free_events(usage, events, total)
    paid = ZERO if free > usage.units else usage.units - free
    paid_count = 0 if not usage.units or free_count >= usage.events else usage.events - free_count
    share, fees = paid * rate / HUNDRED, paid_count * fixed
    steps = [
        step("rate_after_free", {"rate": rate}, units=paid, amount=share),
        step("fixed_fee_per_event", units=Decimal(paid_count), unit_price=fixed, amount=fees),
    ]
    return Rated(share + fees, per_unit(share + fees, usage.whole_units), steps)


def bounded(properties: Properties) -> bool:
    bounds = (properties.get("per_transaction_min_amount"), properties.get("per_transaction_max_amount"))
    return any(bound not in (None, "") for bound in bounds)


def percentage_per_event(usage: Usage, properties: Properties) -> Rated:
    """Each event priced alone, between the bounds; the first events use up what is free."""
    events = int(decimal(properties.get("free_units_per_events")))
    total = decimal(properties.get("free_units_per_total_aggregation"))
    amount = ZERO
    for value in usage.values:
        paid: Decimal | None = value
        if events > 0 or total > 0:
            events, total, paid = use_free(events, total, value)
        if paid is not None:
            amount += event_amount(paid, properties)
    steps = [step("bounded_events", units=usage.units, amount=amount)]
    return Rated(amount, per_unit(amount, usage.whole_units), steps)


def use_free(events: int, total: Decimal, value: Decimal) -> tuple[int, Decimal, Decimal | None]:
    """One event against what is still free: (free events left, free total left, value to pay or None)."""
    if total <= 0:
        return events - 1, total, None
    if total > value:
        return events - 1, total - value, None
    return 0, ZERO, value - total


def event_amount(value: Decimal, properties: Properties) -> Decimal:
    amount = value * decimal(properties.get("rate")) / HUNDRED + decimal(properties.get("fixed_amount"))
    least, most = properties.get("per_transaction_min_amount"), properties.get("per_transaction_max_amount")
    if least not in (None, ""):
        amount = max(amount, decimal(least))
    if most not in (None, ""):
        amount = min(amount, decimal(most))
    return amount


MODELS: dict[str, Callable[[Usage, Properties], Rated]] = {
    "standard": standard,
    "package": package,
    "graduated": graduated,
    "graduated_percentage": graduated_percentage,
    "volume": volume,
    "percentage": percentage,
}


def dynamic(usage: Usage, currency: str) -> Rated:
    """The events bring their own amounts, in cents."""
    amount = usage.dynamic_cents.scaleb(-exponent(currency)) if usage.units else ZERO
    return Rated(amount, per_unit(amount, usage.whole_units), [step("event_amounts", amount=amount)])


def rate(
    model: str, properties: Properties, usage: Usage, *, currency: str, prorated: bool = False, premium: bool = True
) -> Rated:
    """The amount of ``usage`` in currency units, unrounded. Raises Unratable."""
    if model == "dynamic":
        return dynamic(usage, currency)
    if model == "percentage" and premium and bounded(properties):
        return percentage_per_event(usage, properties)
    if model == "graduated" and prorated:
        return prorated_graduated(usage, properties)
    if model == "custom":
        return Rated(usage.custom_amount, per_unit(usage.custom_amount, usage.whole_units))
    if model not in MODELS:
        raise Unratable("charge_model", f"charge model {model} cannot be rated")
    return MODELS[model](usage, properties)


def prorated_graduated(usage: Usage, properties: Properties) -> Rated:
    tiers = properties.get("graduated_ranges") or []
    events = list(zip(usage.values, usage.prorated_values, strict=True))
    amount, steps = rate_events(tiers, usage.units, events)
    # by what the events come to, which the metric's rounding does not touch
    whole = sum(usage.values, ZERO) if usage.units else usage.whole_units
    return Rated(amount, per_unit(amount, whole), steps)
