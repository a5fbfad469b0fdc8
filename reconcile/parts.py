"""Which parts of a subscription an invoice bills: base fee, usage, fixed charges (facts §2.5, §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mappings.period import Boundaries, Contract, local_date, run_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One subscription on one invoice.

    ``base_fee_days``: UTC days on which earlier invoices made a base fee for it. ``starts_fixed_only``: the invoice of
    the in-advance fixed charges of a plan in arrears.
    """

    contract: Contract
    boundaries: Boundaries
    billing_at: datetime
    invoice_created_at: datetime
    created_at: datetime  # of the subscription
    initial_started_at: datetime
    trial_days: Decimal = Decimal(0)
    has_previous: bool = False
    previous_upgraded: bool = False
    is_first_invoice: bool = True
    base_fee_moments: tuple[datetime, ...] = ()
    starts_fixed_only: bool = False

    @property
    def terminated(self) -> bool:
        return self.contract.terminated_at is not None

    @property
    def started_in_past(self) -> bool:
        return self.contract.started_at.astimezone(UTC).date() < self.created_at.astimezone(UTC).date()


def has_base_fee(occasion: Occasion) -> bool:
    if occasion.starts_fixed_only or _already_billed_today(occasion):
        return False
    if not in_month_of_base_fee(occasion) or _in_trial(occasion):
        return False
    if not occasion.terminated or not occasion.contract.pay_in_advance:
        return True
    return occasion.contract.terminated_at is not None and occasion.contract.terminated_at > occasion.invoice_created_at


def has_charges(occasion: Occasion) -> bool:
    window = occasion.boundaries.charges
    return not occasion.starts_fixed_only and window is not None and window.start < window.end


def _already_billed_today(occasion: Occasion) -> bool:
    """In advance: a base fee made on the billing day covers the period already."""
    if not occasion.contract.pay_in_advance:
        return False
    day = local_date(occasion.billing_at, occasion.contract.timezone)
    return any(moment.astimezone(UTC).date() == day for moment in occasion.base_fee_moments)


def in_month_of_base_fee(occasion: Occasion) -> bool:
    """Yearly and semiannual plans bill their base fee in the first month of the period (their usage may come monthly).

    In advance also at once when none was billed yet, unless the subscription was entered with a start in the past.
    """
    contract = occasion.contract
    if not contract.splits:
        return True
    run = run_at(contract, occasion.billing_at)
    if not contract.pay_in_advance:
        return occasion.terminated or run.in_first_month()
    if not occasion.base_fee_moments and not occasion.started_in_past:
        return True
    return run.in_first_month() and not (occasion.started_in_past and run.in_very_first_month())


def _in_trial(occasion: Occasion) -> bool:
    """Whether the trial still runs; on the local day it ends the base fee is billed."""
    if not occasion.trial_days:
        return False
    ends_at = occasion.initial_started_at + timedelta(days=float(occasion.trial_days))
    zone = occasion.contract.timezone
    return ends_at > occasion.billing_at and local_date(ends_at, zone) != local_date(occasion.billing_at, zone)
