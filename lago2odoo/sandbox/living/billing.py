"""An invoice of a living Lago: which windows it has, what the re-rate makes of them, and what pays for it.

    subscriptions at a moment -> windows (the calendar) -> lines (the re-rate) -> bill -> documents

The re-rate is asked as it is of any Lago's invoice: one with these windows, and no fees yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lago2odoo.sandbox.living.company import customer_snapshot, events_of
from lago2odoo.sandbox.living.credit_notes import usable_notes, use_credits
from lago2odoo.sandbox.living.documents import finalised, keep_invoice, new_invoice
from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.contracts import running_contract, timezone_of
from mappings.decode import decode
from mappings.period import Boundaries, Contract, boundaries
from mappings.records import BillingPeriod, Customer, Invoice, Plan, Snapshot, Subscription
from migrate.errors import LagoError
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import rules_for
from reconcile.rerate.billing import Billed, usage_window
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.held_coupons import usable_coupons
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.invoices import fee_lines
from reconcile.rerate.lago_calendar import end_boundaries
from reconcile.sides.lago import lago_invoices

STARTING, PERIODIC, TERMINATING = "subscription_starting", "subscription_periodic", "subscription_terminating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One subscription as it stands: its record, its plan and its customer."""

    record: Subscription
    plan: Plan
    customer: Customer

    @property
    def timezone(self) -> str:
        return timezone_of(self.customer)

    def contract(self) -> Contract:
        """As it is known now; a plan that follows is not modelled."""
        running = running_contract(self.record, self.plan, self.timezone)
        return replace(running, terminated_at=self.record.terminated_at)


def holding_of(lago: LivingRecords, raw: Record) -> Holding:
    """A subscription of the list, with its plan and its customer. Read once, as jobs ask every hour."""
    known, holding = lago.decoded.get(raw["lago_id"], (None, None))
    if known is not raw or not isinstance(holding, Holding):
        holding = _read_holding(lago, raw)
        lago.decoded[raw["lago_id"]] = (raw, holding)
    return holding


def _read_holding(lago: LivingRecords, raw: Record) -> Holding:
    shown = lago.own_page("subscriptions", raw)["plan"]
    plan = next((plan for plan in lago.listed("plans") if plan["lago_id"] == shown["lago_id"]), None)
    (customer,) = (c for c in lago.listed("customers") if c["lago_id"] == raw["lago_customer_id"])
    return Holding(
        record=decode(Subscription, raw, "subscriptions"),
        plan=decode(Plan, lago.own_page("plans", plan) if plan else shown, "plans"),
        customer=decode(Customer, customer, "customers"),
    )


def make_invoice(lago: LivingRecords, raws: Sequence[Record], reason: str) -> None:
    """One invoice over subscriptions of a customer, as of now. Raises LagoError for what cannot be computed."""
    snapshot = customer_snapshot(lago, raws[0]["lago_customer_id"])
    history = History(snapshot)
    subscriptions = [holding_of(lago, raw) for raw in raws]
    periods = [_period(history, holding, reason, lago.now) for holding in subscriptions]
    _write(lago, snapshot, new_invoice(lago, subscriptions[0].customer, raws, periods))


def finalise(lago: LivingRecords, raw: Record) -> None:
    """Compute a draft for the last time: with what came during its grace, and what pays for it."""
    snapshot = customer_snapshot(lago, raw["customer"]["lago_id"])
    _write(lago, snapshot, finalised(lago, lago.own_page("invoices", raw)))


def _write(lago: LivingRecords, snapshot: Snapshot, page: Record) -> None:
    """Compute an invoice whose windows stand, and put it among the records."""
    invoice = decode(Invoice, page, "invoices")
    others = tuple(other for other in snapshot.invoices if other.lago_id != invoice.lago_id)
    whole = replace(snapshot, invoices=(*others, invoice))
    history = History(whole)
    lines = _lines(lago, history, invoice)
    _require_no_wallet(snapshot, invoice)
    notes = usable_notes(lago, invoice)
    made = bill(
        lines,
        invoice.currency,
        coupons=usable_coupons(history, invoice),
        credit_notes=[int(note["balance_amount_cents"]) for note in notes],
        draft=invoice.status == "draft",
    )
    use_credits(lago, keep_invoice(lago, whole, page, invoice, made, notes), notes, made)


def _require_no_wallet(snapshot: Snapshot, invoice: Invoice) -> None:
    """Raises LagoError for a customer whose prepaid credits would pay: what they pay is not modelled."""
    for wallet in snapshot.wallets:
        if wallet.status == "active" and wallet.balance_cents and wallet.currency == invoice.currency:
            raise LagoError(f"the embedded Lago bills no customer with prepaid credits: {wallet.external_customer_id}")


def _lines(lago: LivingRecords, history: History, invoice: Invoice) -> list[FeeLine]:
    ours = frozenset(subscription.external_id for subscription in history.snapshot.subscriptions)
    (shown,) = (each for each in lago_invoices(history.snapshot) if each.lago_id == invoice.lago_id)
    with EventSource.from_events(events_of(lago, ours)) as source:
        rules = rules_for(history.snapshot.lago_version)
        inputs = RerateInputs(history=history, source=source, rules=rules, premium=history.premium)
        try:
            made = fee_lines(inputs, shown)
        except RerateRefused as refused:
            raise LagoError(f"the embedded Lago cannot bill {shown.customer}: {refused}") from None
    if made.refusals:
        why = "; ".join(f"{refusal.reason}: {refusal.detail}" for refusal in made.refusals)
        raise LagoError(f"the embedded Lago cannot bill {shown.customer}: {why}")
    return [line for line in made.lines if not _is_never_billed(history, invoice, line)]


def _is_never_billed(history: History, invoice: Invoice, line: FeeLine) -> bool:
    """Lago's fault L8: in advance, the commitment of a last period that ends at its boundary is never trued up."""
    billed = next(b for b in history.billings(invoice) if b.subscription.lago_id == line.key.subscription)
    at_boundary = billed.period.invoicing_reason == TERMINATING and _ends_before(billed)
    return line.key.kind == "commitment" and billed.plan.pay_in_advance and at_boundary


def _ends_before(billed: Billed) -> bool:
    """Whether the usage on a last invoice is that of the period that had closed before."""
    window, ended_at = usage_window(billed.period), billed.subscription.terminated_at
    return window is not None and ended_at is not None and window.end < ended_at - timedelta(seconds=1)


def _period(history: History, holding: Holding, reason: str, at: datetime) -> BillingPeriod:
    windows = _boundaries(history, holding, reason, at)
    families = {
        "subscription": windows.subscription,
        "charges": windows.charges,
        "fixed_charges": windows.fixed_charges,
    }
    ends = {
        f"{name}_{end}_datetime": getattr(window, field)
        for name, window in families.items()
        if window is not None
        for end, field in (("from", "start"), ("to", "end"))
    }
    return BillingPeriod(
        lago_subscription_id=holding.record.lago_id,
        external_subscription_id=holding.record.external_id,
        lago_plan_id=holding.plan.lago_id,
        invoicing_reason=reason,
        **ends,
    )


def _boundaries(history: History, holding: Holding, reason: str, at: datetime) -> Boundaries:
    if reason != TERMINATING:
        return boundaries(holding.contract(), at)
    earlier = history.billed.get(holding.record.lago_id, ())
    return end_boundaries(holding.contract(), at, [usage_window(billed.period) for billed in earlier])
