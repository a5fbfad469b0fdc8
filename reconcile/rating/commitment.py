"""Minimum commitment: what is missing to the amount a plan commits to, for the days of the period (facts §7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from mappings.explain import Step, StepKind
from mappings.money import from_subunits, round_float
from mappings.period import Contract, Window, days_between, local_date
from mappings.phrases import Told
from reconcile.rating.rules import LATEST, Rules, unknown_before


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
        days = {"days": Decimal(self.days), "whole": Decimal(self.duration)}
        return (
            Step(kind=StepKind.COMMITMENT, values=days, amount=from_subunits(self.due_cents, currency)),
            Step(kind=StepKind.FEES_OF_PERIOD, amount=from_subunits(self.precise_cents - self.due_cents, currency)),
        )


def committed_period(window: Window, paid: Sequence[Window], *, in_advance: bool) -> Window | None:
    """The period whose fees count towards the commitment that a billing of ``window`` asks for; None: nothing is due.

    In arrears it is the period that is billed; in advance the last one that a base fee was ``paid`` for. Where none
    was (in a trial, after a start entered in the past) Lago asks for no commitment.
    """
    if not in_advance:
        return window
    return paid[-1] if paid else None


def committed_days(contract: Contract, window: Window) -> tuple[int, int]:
    """(days of ``window`` that are committed, days of the whole period).

    In advance, a subscription that ended before the invoice of the next period is billed as if it went on (facts
    §2.6): Lago counts the days until the end, and divides by this period and the one before together.
    """
    end, day = window.end, local_date(window.start + (window.end - window.start) / 2, contract.timezone)
    whole = contract.cycle().days(day)
    if contract.pay_in_advance and contract.terminated_at and end > contract.terminated_at:
        end = contract.terminated_at
        whole += contract.cycle().days(local_date(window.start, contract.timezone) - timedelta(days=1))
    return days_between(window.start, end, contract.timezone), whole


def commitment_fee(
    commitment_cents: int, days: int, duration: int, used_cents: int, used_precise: Decimal, *, rules: Rules = LATEST
) -> CommitmentFee | None:
    """The true-up over ``days`` of a period of ``duration`` days; None if the fees of the period reach it.

    Lago multiplies by the share of days as a double, then rounds. After a downgrade the days can be more than the
    period has: never more than the whole commitment is due. Raises RerateRefused for an older Lago: it asked for more.
    """
    if days > duration and not rules.commitment_downgrade_cap:
        raise unknown_before("commitment_downgrade_cap", Told.COMMITMENT_DAYS.of(days, duration))
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
