"""Days that the last invoice of a subscription in arrears leaves out, although it should bill up to the end.

Lago's fault L2: a long plan whose usage is billed monthly, ended at the boundary of a mere month before that day's run,
is billed the base fee of one day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from mappings.period import Window, day_start, local_date
from mappings.records import Plan, Subscription
from reconcile.rerate.billing import Billed
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lapses import PERIOD_NEVER, timezone_of_customer
from reconcile.rerate.missed_runs import is_end_due
from reconcile.rerate.suspicions import Suspicion, base_windows, period_of

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def lost_ends(
    inputs: RerateInputs, subscription: Subscription, plan: Plan, based: Sequence[Billed]
) -> Iterator[Suspicion]:
    """From the day after the last that a base fee covers (``based``) to the day before the end."""
    history, ended_at = inputs.history, subscription.terminated_at
    if plan.pay_in_advance or ended_at is None or not is_end_due(history, subscription):
        return
    ends = [billed for billed in based if billed.invoice.created_at >= ended_at - _DAY]
    covered = [window.end for window in base_windows(ends)]
    timezone = timezone_of_customer(history, subscription)
    if not covered or local_date(max(covered), timezone) >= local_date(ended_at, timezone) - _DAY:
        return
    after = day_start(local_date(max(covered), timezone) + _DAY, timezone)
    lost = Window(after, day_start(local_date(ended_at, timezone), timezone) - _MICROSECOND)
    yield Suspicion(
        kind=PERIOD_NEVER,
        subscription=replace(subscription, next_plan_code=None),  # these days alone, also before a downgrade
        plan=plan,
        window=lost,
        at=ended_at,
        period=replace(period_of(subscription, plan, lost, None, None), invoicing_reason="subscription_terminating"),
    )
