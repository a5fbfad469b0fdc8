"""Which progressive invoice an invoice credits, and what is left of that one, by Lago's own documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mappings.records import Fee, Invoice
from reconcile.billed import LineKey
from reconcile.rating.progressive import Charged, ProgressiveCredit, progressive_credit, together
from reconcile.rerate.billing import Billed, made_order, usage_window, voided_by
from reconcile.rerate.history import History
from reconcile.sides.lago import lago_key

_MADE = ("finalized", "failed", "voided")  # a progressive invoice is credited until it is voided
_GIVEN_BACK = ("available", "consumed")  # a credit note that was voided takes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFee:
    """A fee of Lago's as a line."""

    key: LineKey
    amount_cents: int


def stored_fees(fees: Iterable[Fee]) -> list[StoredFee]:
    """Fees of Lago's as lines."""
    return [StoredFee(key=lago_key(fee), amount_cents=fee.amount_cents) for fee in fees]


def credit_of_progressive(history: History, invoice: Invoice, lines: Sequence[Charged]) -> ProgressiveCredit:
    """What comes off ``invoice``, whose ``lines`` these are, for usage that progressive invoices billed before."""
    return together(_credits(history, invoice, lines))


def credits_progressive(history: History, invoice: Invoice) -> bool:
    """Whether the snapshot has a progressive invoice that this one may credit."""
    return any(newest_progressive(history, billed) is not None for billed in history.billings(invoice))


def _credits(history: History, invoice: Invoice, lines: Sequence[Charged]) -> Iterator[ProgressiveCredit]:
    for billed in history.billings(invoice):
        before = newest_progressive(history, billed)
        if before is not None:
            yield progressive_credit(lines, stored_fees(before.fees()), left_of_progressive(history, before, billed))


def newest_progressive(history: History, billed: Billed) -> Billed | None:
    """The last progressive invoice of the subscription whose usage window holds the start of this one's."""
    window = usage_window(billed.period)
    if window is None or window.start >= window.end:
        return None
    for earlier in reversed(history.earlier_progressive(billed)):
        covered = usage_window(earlier.period)
        invoice = earlier.invoice
        is_standing = invoice.status in _MADE and not voided_by(invoice, billed.invoice.created_at)
        if is_standing and covered and covered.start <= window.start < covered.end:
            return earlier
    return None


def left_of_progressive(history: History, before: Billed, billed: Billed) -> int:
    """Fees after coupons, less what other invoices have credited of it and what credit notes gave back."""
    invoice = before.invoice
    return (
        sum(fee.amount_cents for fee in invoice.fees)
        - invoice.coupons_amount_cents
        - sum(_taken(history, before, billed))
        - sum(_given_back(history, invoice, billed.invoice))
    )


def _taken(history: History, before: Billed, billed: Billed) -> Iterator[int]:
    for other in history.all_earlier(billed):
        if made_order(other.invoice) > made_order(before.invoice) and not voided_by(
            other.invoice, billed.invoice.created_at
        ):
            yield from credits_of(other.invoice, before.invoice)


def credits_of(invoice: Invoice, progressive: Invoice) -> Iterator[int]:
    """What an invoice took off for a progressive one, in cents; a credit that names none is taken for its."""
    for credit in invoice.credits:
        if credit.item.type == "invoice" and credit.item.lago_item_id in (None, "", progressive.lago_id):
            yield credit.amount_cents


def _given_back(history: History, invoice: Invoice, later: Invoice) -> Iterator[int]:
    for note in history.credit_notes.get(invoice.lago_id, ()):
        if note.created_at < later.created_at and note.credit_status in _GIVEN_BACK:
            yield note.credit_amount_cents
