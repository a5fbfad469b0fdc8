"""Fees of Lago that nothing in today's catalog can give: they are named, not silently left out."""

from __future__ import annotations

from mappings.phrases import Told
from mappings.records import Fee
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.billing import Billed
from reconcile.rerate.history import History
from reconcile.rerate.lines import InvoiceLines
from reconcile.rerate.usage_queries import InvoiceDraft
from reconcile.sides.lago import lago_key


def refuse_unexplained(history: History, draft: InvoiceDraft, lines: InvoiceLines) -> None:
    """Refuse what Lago billed and nothing in the snapshot explains: something was deleted since.

    What is of the plan of another subscription on the invoice was never this one's: the re-rate has it there, and Lago
    is wrong.
    """
    explained = {line.key for line in lines.lines}
    for billing in draft.billings:
        others = [other.billed for other in draft.billings if other is not billing]
        for fee in billing.billed.fees():
            explains = lago_key(fee) in explained or any(_is_of(history, fee, billing.billed, b) for b in others)
            gone = None if explains else _what_is_gone(history, billing.billed, fee)
            if gone is not None:
                lines.refuse(gone, Told.FEE.of(fee.lago_id))


def _is_of(history: History, fee: Fee, billed: Billed, other: Billed) -> bool:
    """Whether a fee is for a charge of ``other``'s plan, and that plan is not one that ``billed``'s was made from."""
    plan, others = billed.plan, other.plan
    if others.lago_id in (plan.lago_id, plan.parent_id) or others.parent_id == plan.lago_id:
        return False
    charges = {charge.lago_id for charge in history.charges(other)}
    charges |= {charge.lago_id for charge in history.fixed_charges(other)}
    return (fee.lago_charge_id or fee.lago_fixed_charge_id or "") in charges


def _what_is_gone(history: History, billed: Billed, fee: Fee) -> RerateRefused | None:
    """Why today's catalog does not have what a fee was for; None if it has."""
    fixed = {charge.lago_id for charge in history.fixed_charges(billed)}
    if fee.lago_fixed_charge_id is not None and fee.lago_fixed_charge_id not in fixed:
        return RerateRefused("charge_deleted", Told.FIXED_CHARGE_GONE.of())
    if fee.lago_charge_id is None:
        return None
    charge = next((charge for charge in history.charges(billed) if charge.lago_id == fee.lago_charge_id), None)
    if charge is None:
        return RerateRefused("charge_deleted", Told.CHARGE_GONE.of())
    if charge.lago_billable_metric_id not in history.metrics:
        return RerateRefused("metric_deleted", Told.METRIC_GONE.of())
    filters = {charge_filter.lago_id for charge_filter in charge.filters}
    if fee.lago_charge_filter_id is not None and fee.lago_charge_filter_id not in filters:
        return RerateRefused("filter_deleted", Told.FILTER_GONE.of())
    return None
