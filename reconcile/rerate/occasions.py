"""The calendar context of a billing, and which parts of a subscription it bills (facts §2.5, §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from mappings.period import Boundaries, Contract, Window, local_date, run_at, trial_end, utc_date
from mappings.records import Subscription
from reconcile.rerate.billing import Billed, base_fees, fixed_window, subscription_window, usage_window
from reconcile.rerate.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One subscription on one invoice.

    ``base_fee_moments``: when earlier invoices made a base fee for it. ``starts``: the invoice of what is paid in
    advance, at the start or at the end of a trial; of a plan in arrears it has fixed charges only. ``makes_up``: it
    bills what was due before and that no invoice billed.
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
    starts: bool = False
    makes_up: bool = True

    @property
    def trial_ends_at(self) -> datetime:
        return trial_end(self.initial_started_at, self.trial_days)

    @property
    def ends_trial(self) -> bool:
        """A starting invoice of a subscription that was entered while its trial ran is made at the trial's end."""
        return self.starts and bool(self.trial_days) and self.trial_ends_at > self.created_at

    @property
    def terminated(self) -> bool:
        return self.contract.terminated_at is not None

    @property
    def started_in_past(self) -> bool:
        return utc_date(self.contract.started_at) < utc_date(self.created_at)


def has_base_fee(occasion: Occasion) -> bool:
    """Whether this billing bills the base fee."""
    return owes_base_fee(occasion) and not _already_billed_today(occasion)


def owes_base_fee(occasion: Occasion) -> bool:
    """Whether this billing has to bill the base fee, unless one of the same day is taken for that of its period."""
    if occasion.starts and not occasion.contract.pay_in_advance:
        return False
    if not in_month_of_base_fee(occasion) or _in_trial(occasion):
        return False
    if not occasion.terminated or not occasion.contract.pay_in_advance:
        return True
    return occasion.contract.terminated_at is not None and occasion.contract.terminated_at > occasion.invoice_created_at


def has_charges(occasion: Occasion) -> bool:
    """Whether this billing bills usage. At a trial's end Lago stores the usage window before, and bills none of it."""
    window = occasion.boundaries.charges
    if occasion.starts and (occasion.ends_trial or not occasion.contract.pay_in_advance):
        return False
    return window is not None and window.start < window.end


def _already_billed_today(occasion: Occasion) -> bool:
    """In advance: Lago takes a base fee made on the (UTC) billing day for that of the period."""
    if not occasion.contract.pay_in_advance:
        return False
    day = local_date(occasion.billing_at, occasion.contract.timezone)
    return any(utc_date(moment) == day for moment in occasion.base_fee_moments)


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
    if occasion.makes_up and not occasion.base_fee_moments and not occasion.started_in_past:
        return True
    return run.in_first_month() and not (occasion.started_in_past and run.in_very_first_month())


def _in_trial(occasion: Occasion) -> bool:
    """Whether the trial still runs; on the local day it ends the base fee is billed."""
    if not occasion.trial_days:
        return False
    ends_at = occasion.trial_ends_at
    zone = occasion.contract.timezone
    return ends_at > occasion.billing_at and local_date(ends_at, zone) != local_date(occasion.billing_at, zone)


# --- the occasion of one of Lago's billings ---


def occasion_of(history: History, billed: Billed) -> Occasion:
    """Where in a subscription's life a billing stands."""
    earlier, previous = history.earlier(billed), history.previous(billed.subscription)
    created_at = billed.invoice.created_at
    starts = billed.period.invoicing_reason == "subscription_starting"
    return Occasion(
        contract=contract_of(history, billed),
        boundaries=stored_boundaries(history, billed),
        billing_at=created_at,
        invoice_created_at=created_at,
        created_at=billed.subscription.created_at,
        initial_started_at=history.initial_started_at(billed.subscription),
        trial_days=billed.plan.trial_period or Decimal(0),
        has_previous=previous is not None,
        previous_upgraded=previous is not None and _was_upgraded(history, previous),
        is_first_invoice=not earlier,
        base_fee_moments=base_fees(earlier),
        starts=starts,
        # one run makes up for a start that was not billed; where none did, that is a lapse, and not one of each run
        makes_up=starts or bool(billed.base_fees()),
    )


def _was_upgraded(history: History, previous: Subscription) -> bool:
    if previous.plan is None or previous.terminated_at is None:
        return False
    return history.contract(previous, previous.plan, "UTC", previous.terminated_at).upgraded


def contract_of(history: History, billed: Billed) -> Contract:
    """The subscription's contract as it was when the invoice was made."""
    return history.contract(billed.subscription, billed.plan, history.timezone(billed), billed.invoice.created_at)


def stored_boundaries(history: History, billed: Billed) -> Boundaries:
    """The boundaries Lago stored, with the lengths (in days) of the periods they lie in."""
    contract, created_at = contract_of(history, billed), billed.invoice.created_at
    run = run_at(contract, created_at)
    charges, fixed = run.family(contract.charges_monthly), run.family(contract.fixed_charges_monthly)
    window = subscription_window(billed.period) or Window(created_at, created_at)
    usage, fixed_usage = usage_window(billed.period), fixed_window(billed.period)
    zone = contract.timezone
    return Boundaries(
        subscription=window,
        subscription_days=contract.cycle().days(day_within(window, zone)),
        charges=usage,
        charges_days=charges.cycle.days(day_within(usage, zone)) if usage else 1,
        fixed_charges=fixed_usage,
        fixed_charges_days=fixed.cycle.days(day_within(fixed_usage, zone)) if fixed_usage else 1,
    )


def day_within(window: Window, timezone: str) -> date:
    """A day of the period that a window lies in: its middle, which another time zone does not move out of it."""
    return local_date(window.start + (window.end - window.start) / 2, timezone)
