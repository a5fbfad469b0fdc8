"""The base fee of a billing."""

from __future__ import annotations

from reconcile.rating.subscription_fee import BaseFee, FeeHistory, PlanPrice, subscription_fee
from reconcile.rerate.billing import Billed, subscription_window
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lines import InvoiceLines
from reconcile.rerate.occasions import Occasion, has_base_fee, occasion_of


def add_base_line(inputs: RerateInputs, billed: Billed, lines: InvoiceLines) -> None:
    """Add the base fee, where the occasion has one."""
    fee = _base_fee(inputs, billed, occasion_of(inputs.history, billed))
    if fee is not None:
        lines.add_of_period("subscription", billed, fee)


def _base_fee(inputs: RerateInputs, billed: Billed, occasion: Occasion) -> BaseFee | None:
    window = subscription_window(billed.period)
    if window is None or not has_base_fee(occasion):
        return None
    created_at = billed.invoice.created_at
    price_cents = inputs.history.price_then(billed.subscription, billed.plan, created_at)
    return subscription_fee(
        occasion.contract,
        PlanPrice(amount_cents=price_cents, trial_days=occasion.trial_days),
        window,
        created_at,
        FeeHistory(
            created_at=occasion.created_at,
            initial_started_at=occasion.initial_started_at,
            has_earlier_fee=bool(occasion.base_fee_moments),
            has_previous=occasion.has_previous,
            previous_upgraded=occasion.previous_upgraded,
            is_first_invoice=occasion.is_first_invoice,
        ),
        inputs.rules,
    )
