"""Subscriptions that leave Lago with ``cutover``: in Odoo they go on from the boundary. Pure.

Lago bills them right to their end and ends them; the customer has ended nothing. So an end of ours never reaches Odoo:
the order runs on, and what it bills begins at the boundary (``fusion_billed_until``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from mappings.records import Snapshot, Subscription

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def going_on(snapshot: Snapshot, left: Mapping[str, datetime]) -> Snapshot:
    """The snapshot in which those that leave run without an end. ``left``: Lago id -> the boundary, in UTC.

    One whose end Lago has lost, moved or missed, or that ended on another day, stays as Lago has it.
    """
    if not left:
        return snapshot
    subscriptions = (
        _running(s, left[s.lago_id]) if s.lago_id in left and _fits(s, left[s.lago_id], snapshot.taken_at) else s
        for s in snapshot.subscriptions
    )
    return replace(snapshot, subscriptions=tuple(subscriptions))


def _fits(subscription: Subscription, boundary: datetime, now: datetime) -> bool:
    """Whether it is to end at the boundary, or did on that day."""
    if subscription.status == "active":
        return subscription.ending_at == boundary and now < boundary + _DAY
    ended = subscription.terminated_at
    return subscription.status == "terminated" and ended is not None and boundary <= ended < boundary + _DAY


def _running(subscription: Subscription, boundary: datetime) -> Subscription:
    return replace(
        subscription,
        status="active",
        ending_at=None,
        terminated_at=None,
        current_billing_period_started_at=boundary,  # all before it is Lago's
        current_billing_period_ending_at=boundary - _SECOND,  # whose day is the next one
    )
