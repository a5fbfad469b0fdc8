"""Charges of a billing: those in arrears from the period's usage, those in advance event by event."""

from __future__ import annotations

from mappings.phrases import Told
from mappings.records import Fee
from reconcile.rating.bill import FeeLine
from reconcile.rating.fees import ChargeFee
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.billing import Billed, charge_key
from reconcile.rerate.lines import InvoiceLines
from reconcile.rerate.lines_fixed import advance_fixed_line
from reconcile.rerate.usage_queries import BillingDraft, UsageAnswers, events_key


def add_charge_lines(draft: BillingDraft, usage: UsageAnswers, lines: InvoiceLines) -> None:
    """Add the usage fees of a billing; what cannot be rated is refused charge by charge."""
    billed = draft.billed
    for demand in draft.demands:
        name = demand.charge.code or demand.metric.code
        with lines.refusing(Told.CHARGE_OF.of(name, billed.subscription.external_id)):
            fees = usage.charges[id(demand)]
            if isinstance(fees, RerateRefused):
                raise fees
            lines.lines.extend(_charge_line(billed, fee, lines) for fee in fees)


def add_advance_lines(draft: BillingDraft, usage: UsageAnswers, lines: InvoiceLines) -> None:
    """The invoice of one event of a pay-in-advance charge, or of fixed charges paid in advance."""
    for fee in draft.billed.fees():
        with lines.refusing(Told.FEE.of(fee.lago_id)):
            if fee.item.type == "fixed_charge":
                lines.lines.append(advance_fixed_line(lines.history, draft.billed, fee, lines))
            else:
                lines.lines.append(_event_line(draft, fee, usage, lines))


def _event_line(draft: BillingDraft, stored: Fee, usage: UsageAnswers, lines: InvoiceLines) -> FeeLine:
    demand, event = draft.events[stored.lago_id], stored.event_transaction_id
    if isinstance(demand, RerateRefused):
        raise demand
    fees = usage.events[events_key(demand)]
    if isinstance(fees, RerateRefused):
        raise fees
    if event is None or event not in fees:
        raise RerateRefused("event_missing", Told.EVENT_ELSEWHERE.of(event))
    return _charge_line(draft.billed, fees[event], lines, event=event)


def _charge_line(billed: Billed, fee: ChargeFee, lines: InvoiceLines, event: str = "") -> FeeLine:
    key = charge_key(billed, fee, event)
    return FeeLine(
        key=key,
        plan_code=billed.plan.code,
        metric_code=fee.charge.billable_metric_code,
        taxes=lines.taxes(billed, key, fee.charge.taxes),
        amount_cents=fee.amount_cents,
        precise_cents=fee.precise_amount_cents,
        units=fee.units,
        events=fee.events_count,
        steps=fee.steps,
    )
