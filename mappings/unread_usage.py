"""Invoices whose usage is not whole: they bill a stretch of time of which Lago does not give an event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mappings.quarantine import Quarantined
from mappings.records import BillingPeriod, Invoice, Plan, Snapshot

IN_ADVANCE = "in_advance_charge"


class UnreadUsage:
    """Which gaps an invoice's usage may have. Whose a missing event is, nobody knows: it may be of any subscription."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._gaps = snapshot.usage_gaps
        self._paid = {s.lago_id: s.plan for s in snapshot.subscriptions}
        plans = (*(s.plan for s in snapshot.subscriptions if s.plan), *snapshot.plans) if self._gaps else ()
        self._plans: Mapping[str, Plan] = {plan.lago_id: plan for plan in plans}
        self._recurring = {metric.lago_id for metric in snapshot.billable_metrics if metric.recurring}

    def of(self, invoice: Invoice) -> Quarantined | None:
        """The first gap that may hold an event which the invoice bills; None: its usage is whole."""
        if not self._gaps:
            return None
        windows = [w for period in invoice.billing_periods if (w := self._window(invoice, period)) is not None]
        return next((gap.unread for gap in self._gaps for start, end in windows if gap.touches(start, end)), None)

    def _window(self, invoice: Invoice, period: BillingPeriod) -> tuple[datetime | None, datetime | None] | None:
        """Since when (None: ever) and until when events count for what is billed of a subscription; None: none do."""
        is_in_advance = period.invoicing_reason == IN_ADVANCE
        start, end = period.charges_from_datetime, period.charges_to_datetime
        if not is_in_advance and (start is None or end is None or start >= end):
            return None
        metrics = self._metrics(invoice, period)
        if metrics is not None and not metrics:
            return None
        if is_in_advance:  # the stored window may be an older one
            end = max(end, invoice.created_at) if end else invoice.created_at
        return (None if metrics is None or self._recurring & metrics else start), end

    def _metrics(self, invoice: Invoice, period: BillingPeriod) -> frozenset[str] | None:
        """What of usage is billed: ids of metrics; None where the plan is not known."""
        paid = self._paid.get(period.lago_subscription_id)
        plan = self._plans.get(period.lago_plan_id or (paid.lago_id if paid else ""), paid)
        if plan is None:
            return None
        billed = (fee for fee in invoice.fees if fee.lago_subscription_id == period.lago_subscription_id)
        charged = (fee.item.lago_item_id or "" for fee in billed if fee.item.type == "charge")
        return frozenset((*(charge.lago_billable_metric_id for charge in plan.charges), *charged))
