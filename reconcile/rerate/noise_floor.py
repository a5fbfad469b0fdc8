"""The control run: Lago's invoices against the re-rate alone, which is the noise floor of every other comparison.

    control(snapshot, events)  ->  per invoice: header and fees equal, different or refused (with the reason)

Apart from that, Lago's calendar is recomputed and compared with the boundaries that Lago stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from mappings.details import price_cents
from mappings.lost import REASON
from mappings.period import (
    trial_end,
)
from mappings.records import CreditNote, Fee, Invoice, Snapshot, Subscription
from migrate.progress import Progress, quiet
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.rating.rules import Rules, rules_for
from reconcile.rating.termination_credit import PaidFee, TerminationCredit, termination_credit
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.billing import TERMINATION_REASONS
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.hidden_invoices import CLOSED, LOST, STANDALONE, hidden_invoices
from reconcile.rerate.history import History
from reconcile.rerate.invoices import rerate
from reconcile.rerate.lago_calendar import calendar_differences
from reconcile.rerate.lines import refusal_of
from reconcile.sides.lago import ALL, lago_invoices

Rerate = Callable[[Sequence[BilledInvoice]], Mapping[str, BilledInvoice]]
_IS_LOST = Refusal(reason=REASON, detail="named by fees, and not in the snapshot: extract again")

__all__ = [
    "CreditNoteCheck",
    "FeeCheck",
    "InvoiceCheck",
    "control",
    "control_credit_notes",
    "remembering",
    "rerate",
    "same",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeCheck:
    """One fee of Lago against the re-rate (or one of the re-rate that Lago has not: ``lago`` is None)."""

    fee: str  # Lago's fee id
    kind: str
    label: str
    outcome: str  # equal | differs | refused
    lago: BilledLine | None
    rerate: BilledLine | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCheck:
    """One invoice: its fees, its header, and whether Lago's own calendar leads to the boundaries Lago stored.

    ``header`` is ``hidden`` where Lago shows no invoice, only fees. ``calendar`` names boundaries that differ.
    """

    lago_id: str
    number: str
    customer: str
    type: str
    state: str
    header: str  # equal | differs | refused | hidden
    fees: tuple[FeeCheck, ...]
    refusals: tuple[Refusal, ...] = ()
    lago: Totals | None = None
    rerate: Totals | None = None
    calendar: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        return self.header in ("equal", "hidden") and all(fee.outcome == "equal" for fee in self.fees)


def control(
    snapshot: Snapshot,
    events: Path | EventSource,
    *,
    period: str = ALL,
    progress: Progress = quiet,
    again: Rerate | None = None,
) -> tuple[InvoiceCheck, ...]:
    """Lago against the re-rate alone: the noise floor. Fees of hidden invoices are checked too.

    ``again``: the re-rate of these events, where it is used elsewhere too (``remembering``).
    """
    history = History(snapshot)
    hidden = replace(snapshot, invoices=hidden_invoices(snapshot))
    shown = (*lago_invoices(snapshot, period), *lago_invoices(hidden, period))
    mine = (again or rerate(snapshot, events, progress=progress))(shown)
    rules = rules_for(snapshot.lago_version)
    return tuple(_checked(invoice, mine[invoice.lago_id], history, rules) for invoice in shown)


def remembering(again: Rerate) -> Rerate:
    """The same re-rate, each invoice once: the bills of a run and their closer look are the same work."""
    known: dict[str, BilledInvoice] = {}

    def rerated(lago: Sequence[BilledInvoice]) -> Mapping[str, BilledInvoice]:
        known.update(again([invoice for invoice in lago if invoice.lago_id not in known]))
        return {invoice.lago_id: known[invoice.lago_id] for invoice in lago}

    return rerated


def _checked(lago: BilledInvoice, mine: BilledInvoice, history: History, rules: Rules) -> InvoiceCheck:
    invoice = history.invoices[lago.lago_id]
    is_hidden, is_lost = invoice.status in (CLOSED, STANDALONE), invoice.status == LOST
    header = "hidden" if is_hidden else "refused" if is_lost else _header(lago, mine)
    calendar = () if is_hidden or is_lost else _calendar(invoice, history, rules)
    broken = (calendar,) if isinstance(calendar, Refusal) else ()
    return InvoiceCheck(
        lago_id=lago.lago_id,
        number=lago.number,
        customer=lago.customer,
        type=invoice.invoice_type,
        state=invoice.status,
        header="refused" if broken else header,
        fees=tuple(_fee_checks(lago, mine)),
        refusals=(*_without_twins(lago.refusals, mine.refusals), *([_IS_LOST] if is_lost else []), *broken),
        lago=None if is_hidden or is_lost else lago.totals,
        rerate=None if is_hidden or is_lost else mine.totals,
        calendar=() if isinstance(calendar, Refusal) else calendar,
    )


def _calendar(invoice: Invoice, history: History, rules: Rules) -> tuple[str, ...] | Refusal:
    """Where Lago's calendar leads elsewhere than Lago did."""
    try:
        return tuple(calendar_differences(invoice, history, rules))
    except OF_DATA as error:
        return refusal_of(unforeseen(error), invoice.number)


def _header(lago: BilledInvoice, mine: BilledInvoice) -> str:
    """Two headers that nobody can tell are not equal."""
    if lago.totals is None or mine.totals is None:
        return "refused"
    return "equal" if lago.totals == mine.totals else "differs"


def _without_twins(lago: Sequence[Refusal], mine: Sequence[Refusal]) -> Iterator[Refusal]:
    """What either side refuses; what both refuse for one reason is said once."""
    told = {refusal.reason for refusal in mine}
    yield from (refusal for refusal in lago if refusal.reason not in told)
    yield from mine


def _fee_checks(lago: BilledInvoice, mine: BilledInvoice) -> Iterator[FeeCheck]:
    """Lines by their keys; twins (a null and a blank group are one key) in the order of their amounts."""
    left: dict[LineKey, list[BilledLine]] = {}
    for line in sorted(mine.lines, key=_amount):
        left.setdefault(line.key, []).append(line)
    reason = "; ".join(sorted({refusal.reason for refusal in mine.refusals}))
    for line in sorted(lago.lines, key=_amount):
        twins = left.get(line.key)
        twin = twins.pop(0) if twins else None
        outcome = "equal" if twin and same(line, twin) else "refused" if twin is None and reason else "differs"
        yield FeeCheck(
            fee=line.origin.fee if line.origin else "",
            kind=line.key.kind,
            label=line.label,
            outcome=outcome,
            lago=line,
            rerate=twin,
            reason=reason if outcome == "refused" else "",
        )
    for line in (line for lines in left.values() for line in lines):
        yield FeeCheck(
            fee="", kind=line.key.kind, label=line.label, outcome="differs", lago=None, rerate=line, reason="only ours"
        )


def same(lago: BilledLine, mine: BilledLine) -> bool:
    """Amount, tax, units and number of events, exactly (Lago's API rounds nothing of them)."""
    units = lago.units is None or lago.units == mine.units
    events = lago.events is None or mine.events is None or lago.events == mine.events
    return (lago.amount_cents, lago.tax_cents) == (mine.amount_cents, mine.tax_cents) and units and events


def _amount(line: BilledLine) -> tuple[int, Decimal]:
    return (line.amount_cents, line.units or Decimal(0))


# --- credit notes of terminations ---


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteCheck:
    """A credit note for the unused days of a period paid in advance; totals in cents."""

    lago_id: str
    number: str
    outcome: str  # equal | differs
    lago_cents: int
    rerate_cents: int | None  # None: nothing should have been given back
    item_precise: Decimal | None = None


def control_credit_notes(snapshot: Snapshot) -> tuple[CreditNoteCheck, ...]:
    """Lago's credit notes on terminations and upgrades, computed again. Notes of other origin are left out."""
    history = History(snapshot)
    return tuple(check for note in snapshot.credit_notes if (check := _note_check(note, history)) is not None)


def _note_check(note: CreditNote, history: History) -> CreditNoteCheck | None:
    fee = note.items[0].fee if len(note.items) == 1 else None
    subscription = history.subscriptions.get(fee.lago_subscription_id or "") if fee else None
    invoice = history.invoices.get(note.lago_invoice_id)
    if fee is None or subscription is None or invoice is None or fee.item.type != "subscription":
        return None
    if subscription.terminated_at is None or note.reason not in TERMINATION_REASONS:
        return None
    credit = _termination(fee, subscription, invoice, history)
    cents = credit.total_cents if credit else None
    return CreditNoteCheck(
        lago_id=note.lago_id,
        number=note.number,
        outcome="equal" if cents == note.total_amount_cents else "differs",
        lago_cents=note.total_amount_cents,
        rerate_cents=cents,
        item_precise=credit.item_precise if credit else None,
    )


def _termination(fee: Fee, subscription: Subscription, invoice: Invoice, history: History) -> TerminationCredit | None:
    ended_at = subscription.terminated_at
    listed = history.fees.get(fee.lago_id, fee)
    billed = next((billing for billing in history.billed[subscription.lago_id] if billing.invoice is invoice), None)
    if ended_at is None or billed is None or listed.from_date is None:
        return None
    contract = history.contract(subscription, billed.plan, history.timezone(billed), ended_at)
    trial = billed.plan.trial_period
    started_at = history.initial_started_at(subscription)
    stored_price = price_cents(listed)
    paid = PaidFee(
        amount_cents=listed.amount_cents,
        plan_amount_cents=billed.plan.amount_cents if stored_price is None else stored_price,
        from_datetime=listed.from_date,
        coupons_cents=listed.precise_coupons_amount_cents,
        taxes=history.fee_taxes(listed),
        invoice_total_cents=invoice.total_amount_cents,
        invoice_paid_cents=invoice.total_paid_amount_cents,
    )
    return termination_credit(
        contract,
        paid,
        ended_at,
        mode=subscription.on_termination_credit_note or "credit",
        upgrade=contract.upgraded,
        trial_ends_at=trial_end(started_at, trial) if trial else None,
    )
