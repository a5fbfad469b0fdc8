"""How a subscription of a living Lago ends: what is credited, what is billed, what is cancelled with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from urllib.parse import quote

from lago2odoo.sandbox.living.billing import TERMINATING, holding_of, make_invoice
from lago2odoo.sandbox.living.company import customer_snapshot
from lago2odoo.sandbox.living.credit_notes import add_note
from lago2odoo.sandbox.living.documents import told
from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.details import price_cents
from mappings.period import Window, boundaries, trial_end
from mappings.records import Fee
from reconcile.rating.termination_credit import PaidFee, termination_credit
from reconcile.rerate.billing import Billed, subscription_window
from reconcile.rerate.history import History


def end(lago: LivingRecords, raw: Record) -> Record:
    """End a subscription now, with what it says of a last invoice and a credit note."""
    for other in [o for o in lago.listed("subscriptions") if o["external_id"] == raw["external_id"]]:
        if other["status"] == "pending":  # a change of plan that waited
            lago.change("subscriptions", other, status="canceled", canceled_at=told(lago.now))
    if holding_of(lago, raw).plan.pay_in_advance:
        raw = lago.change(
            "subscriptions", raw, on_termination_credit_note=raw["on_termination_credit_note"] or "credit"
        )
    if raw["on_termination_credit_note"] not in (None, "skip"):
        _credit_unused(lago, raw)
    ended = lago.change("subscriptions", raw, status="terminated", terminated_at=told(lago.now), next_plan_code=None)
    if raw["on_termination_invoice"] != "skip":
        make_invoice(lago, [ended], TERMINATING)
    lago.forget_below(f"/subscriptions/{quote(raw['external_id'], safe='')}/fixed_charges")
    return ended


def _credit_unused(lago: LivingRecords, raw: Record) -> None:
    """Of the running period, if it was billed in advance: what is left after today."""
    holding = holding_of(lago, raw)
    history = History(customer_snapshot(lago, holding.customer.lago_id))
    running = boundaries(holding.contract(), lago.now, current_usage=True).subscription
    paid = [b for b in history.billed.get(holding.record.lago_id, ()) if b.base_fees() and _is_of(b, running)]
    if not paid or paid[-1].invoice.status == "voided":
        return
    (fee,) = paid[-1].base_fees()
    days = holding.plan.trial_period
    credit = termination_credit(
        replace(holding.contract(), terminated_at=lago.now),
        _paid_fee(history, paid[-1], fee),
        lago.now,
        mode=raw["on_termination_credit_note"],
        trial_ends_at=trial_end(history.initial_started_at(holding.record), days) if days else None,
    )
    if credit is not None:
        add_note(lago, paid[-1].invoice, fee, credit)


def _is_of(billed: Billed, running: Window) -> bool:
    window = subscription_window(billed.period)
    return window is not None and told(window.end) == told(running.end)


def _paid_fee(history: History, billed: Billed, fee: Fee) -> PaidFee:
    price, begins = price_cents(fee), subscription_window(billed.period)
    assert begins is not None  # noqa: S101 - it is of the running period
    notes = history.credit_notes.get(billed.invoice.lago_id, ())
    before = (
        item.amount_cents for note in notes for item in note.items if item.fee and item.fee.lago_id == fee.lago_id
    )
    return PaidFee(
        amount_cents=fee.amount_cents,
        plan_amount_cents=billed.plan.amount_cents if price is None else price,
        from_datetime=fee.from_date or begins.start,
        coupons_cents=fee.precise_coupons_amount_cents,
        taxes=history.fee_taxes(fee),
        invoice_total_cents=billed.invoice.total_amount_cents,
        invoice_paid_cents=billed.invoice.total_paid_amount_cents,
        credited_cents=Decimal(sum(before)),
    )
