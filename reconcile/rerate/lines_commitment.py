"""The minimum commitment of a billing's plan: what is missing to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from mappings.period import Window
from mappings.phrases import Told
from mappings.records import MinimumCommitment
from reconcile.rating.bill import FeeLine
from reconcile.rating.commitment import CommitmentFee, commitment_fee, committed_days, committed_period
from reconcile.rerate.billing import Billed, fee_window, subscription_window
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lines import InvoiceLines
from reconcile.rerate.occasions import in_month_of_base_fee, occasion_of
from reconcile.sides.lago import lago_line

Spent = tuple[int, Decimal]  # of a fee that counts: its cents, and the same before rounding


def add_commitment_line(inputs: RerateInputs, billed: Billed, lines: InvoiceLines) -> None:
    """After all other lines of the billing: they count towards it."""
    commitment = billed.plan.minimum_commitment
    if commitment is None:
        return
    with lines.refusing(Told.COMMITMENT_OF.of(billed.subscription.external_id)):
        fee = _commitment_fee(inputs, billed, commitment, lines.lines)
        if fee is not None:
            lines.add_of_period("commitment", billed, fee, commitment.taxes)


def _commitment_fee(
    inputs: RerateInputs, billed: Billed, commitment: MinimumCommitment, lines: Sequence[FeeLine]
) -> CommitmentFee | None:
    occasion, window = occasion_of(inputs.history, billed), subscription_window(billed.period)
    contract = occasion.contract
    if not in_month_of_base_fee(occasion) or window is None:
        return None
    if contract.pay_in_advance and not contract.terminated_at and occasion.is_first_invoice:
        return None
    period = committed_period(window, _paid_periods(inputs, billed), in_advance=contract.pay_in_advance)
    if period is None:
        return None
    spent = [*_spent_now(billed, lines), *_spent_before(inputs, billed, period)]
    days, whole = committed_days(contract, window if contract.terminated_at else period)
    return commitment_fee(
        commitment.amount_cents,
        days,
        whole,
        sum(cents for cents, _ in spent),
        sum((precise for _, precise in spent), Decimal(0)),
        rules=inputs.rules,
    )


def _paid_periods(inputs: RerateInputs, billed: Billed) -> list[Window]:
    """What the base fees before this invoice cover, oldest first."""
    paid = (subscription_window(earlier.period) for earlier in inputs.history.earlier(billed) if earlier.base_fees())
    return [window for window in paid if window is not None]


def _spent_now(billed: Billed, lines: Sequence[FeeLine]) -> Iterator[Spent]:
    for line in lines:
        of_next_period = billed.plan.pay_in_advance and line.key.kind == "subscription"
        if line.key.subscription == billed.subscription.lago_id and not of_next_period:
            yield line.amount_cents, line.precise_cents


def _spent_before(inputs: RerateInputs, billed: Billed, period: Window) -> Iterator[Spent]:
    for earlier in inputs.history.all_earlier(billed):
        for fee in earlier.invoice.fees:
            window = fee_window(fee)
            mine = fee.lago_subscription_id == billed.subscription.lago_id and fee.item.type != "commitment"
            if mine and window is not None and period.start <= window.start and window.end <= period.end:
                line = lago_line(fee)
                yield line.amount_cents, line.precise_cents or Decimal(line.amount_cents)
