"""Minimum commitment: what is missing to the amount a plan commits to, for the days of the period (facts §7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mappings.explain import Step
from mappings.money import from_subunits, round_float
from reconcile.rules import LATEST, Rules, unknown_before


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentFee:
    """``due_cents`` is the commitment for the days, rounded; ``precise_cents`` keeps the precision of the fees."""

    amount_cents: int
    precise_cents: Decimal
    due_cents: int
    days: int
    duration: int

    def steps(self, currency: str) -> tuple[Step, ...]:
        """How it came about; amounts of steps are in units of ``currency``."""
        label = f"commitment for {self.days} of {self.duration} days"
        return (
            Step(label=label, amount=from_subunits(self.due_cents, currency)),
            Step(label="fees of the period", amount=from_subunits(self.precise_cents - self.due_cents, currency)),
        )


def commitment_fee(
    commitment_cents: int, days: int, duration: int, used_cents: int, used_precise: Decimal, *, rules: Rules = LATEST
) -> CommitmentFee | None:
    """The true-up over ``days`` of a period of ``duration`` days; None if the fees of the period reach it.

    Lago multiplies by the share of days as a double, then rounds. After a downgrade the days can be more than the
    period has: never more than the whole commitment is due. Raises Refused for an older Lago, which asked for more.
    """
    if days > duration and not rules.commitment_downgrade_cap:
        raise unknown_before("commitment_downgrade_cap", f"commitment for {days} of {duration} days")
    due = round_float(commitment_cents * (min(days, duration) / duration))
    if used_cents >= due:
        return None
    return CommitmentFee(
        amount_cents=due - used_cents,
        precise_cents=due - used_precise,
        due_cents=due,
        days=days,
        duration=duration,
    )
