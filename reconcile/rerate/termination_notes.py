"""Lago's credit notes for days that were paid in advance and not used, computed again: a part of the control run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mappings.details import price_cents
from mappings.period import trial_end
from mappings.phrases import Told
from mappings.records import CreditNote, Fee, Invoice, Snapshot, Subscription
from reconcile.billed import Refusal
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.termination_credit import PaidFee, TerminationCredit, termination_credit
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.billing import is_of_termination
from reconcile.rerate.history import History
from reconcile.rerate.lines import refusal_of
from reconcile.sides.lago import ALL, in_month


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteCheck:
    """A credit note for the unused days of a period paid in advance; totals in cents."""

    lago_id: str
    number: str
    customer: str  # external id
    outcome: str  # equal | differs | refused
    lago_cents: int
    rerate_cents: int | None  # None: nothing should have been given back, or it is refused
    refusal: Refusal | None = None

    @property
    def is_equal(self) -> bool:
        return self.outcome == "equal"


@dataclass(frozen=True, slots=True)
class _Given:
    """A note that Lago made by itself when a subscription ended, and what it gives back in part."""

    note: CreditNote
    fee: Fee
    invoice: Invoice
    subscription: Subscription


def control_credit_notes(snapshot: Snapshot, period: str = ALL) -> tuple[CreditNoteCheck, ...]:
    """Those of terminations and upgrades that were issued in the month. Notes of other origin are left out."""
    history = History(snapshot)
    notes = (note for note in snapshot.credit_notes if in_month(note.issuing_date, period))
    return tuple(_checked(given, history) for note in notes if (given := _given(note, history)) is not None)


def _given(note: CreditNote, history: History) -> _Given | None:
    fee = note.items[0].fee if len(note.items) == 1 else None
    subscription = history.subscriptions.get(fee.lago_subscription_id or "") if fee else None
    invoice = history.invoices.get(note.lago_invoice_id)
    if fee is None or subscription is None or invoice is None or fee.item.type != "subscription":
        return None
    if subscription.terminated_at is None or not is_of_termination(note):
        return None
    return _Given(note, history.fees.get(fee.lago_id, fee), invoice, subscription)


def _checked(given: _Given, history: History) -> CreditNoteCheck:
    note, refusal, cents = given.note, None, None
    try:
        credit = _credit(given, history)
        cents = credit.total_cents if credit else None
    except RerateRefused as refused:
        refusal = refusal_of(refused, note.number)
    except OF_DATA as error:
        refusal = refusal_of(unforeseen(error), note.number)
    return CreditNoteCheck(
        lago_id=note.lago_id,
        number=note.number,
        customer=given.subscription.external_customer_id,
        outcome="refused" if refusal else "equal" if cents == note.total_amount_cents else "differs",
        lago_cents=note.total_amount_cents,
        rerate_cents=cents,
        refusal=refusal,
    )


def _credit(given: _Given, history: History) -> TerminationCredit | None:
    """Raises RerateRefused where the invoice does not say which period it bills."""
    subscription, invoice, fee = given.subscription, given.invoice, given.fee
    ended_at = subscription.terminated_at
    billed = next((billing for billing in history.billed[subscription.lago_id] if billing.invoice is invoice), None)
    if ended_at is None or billed is None or fee.from_date is None:
        raise RerateRefused("boundaries_missing", Told.NO_BASE_PERIOD.of(invoice.number))
    contract = history.contract(subscription, billed.plan, history.timezone(billed), ended_at)
    trial = billed.plan.trial_period
    stored_price = price_cents(fee)
    paid = PaidFee(
        amount_cents=fee.amount_cents,
        plan_amount_cents=billed.plan.amount_cents if stored_price is None else stored_price,
        from_datetime=fee.from_date,
        coupons_cents=fee.precise_coupons_amount_cents,
        taxes=history.fee_taxes(fee),
        invoice_total_cents=invoice.total_amount_cents,
        invoice_paid_cents=invoice.total_paid_amount_cents,
        credited_cents=_credited_before(given, history),
    )
    return termination_credit(
        contract,
        paid,
        ended_at,
        mode=subscription.on_termination_credit_note or "credit",
        upgrade=contract.upgraded,
        trial_ends_at=trial_end(history.initial_started_at(subscription), trial) if trial else None,
    )


def _credited_before(given: _Given, history: History) -> Decimal:
    """What earlier notes gave back of the fee."""
    earlier = (n for n in history.credit_notes.get(given.invoice.lago_id, ()) if n.created_at < given.note.created_at)
    items = (item for note in earlier for item in note.items)
    return Decimal(sum(item.amount_cents for item in items if item.fee and item.fee.lago_id == given.fee.lago_id))
