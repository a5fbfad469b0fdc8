"""Whether the amounts that an invoice of Lago's states about itself fit together, to the cent. Pure.

    fees        = the sum of its fees
    sub-total   = fees - credit of progressive billing - coupons
    with taxes  = sub-total + taxes
    total       = with taxes - credit notes - prepaid credits
    due         = total - paid - credit notes that offset it

Invoices of Lago's versions 1 and 2 took coupons off after the taxes (lago-api facts: version_number): there the
sub-total is without them, and the total less them.

Lago computes each from the ones before it and rounds none of them again (facts §6.2, §6.6): there is no cent of
tolerance. Taxes are no sum of fees' taxes (facts §6.3), and a draft has neither coupons nor credits yet: both hold.
Which of two amounts is right, nobody knows: each contradiction is told with both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, TypedDict

from mappings.money import told_money
from mappings.records import CreditNote, Invoice

HEADER = "header_does_not_add_up"
OPEN = "open_amount_contradicts"
_FEES, _NET = "fees", "sub-total"
_SUMMED = ("draft", "finalized", "voided")  # of a failed or pending one the amounts may not all be there yet
_UNPAID = ("pending", "failed")  # payment states of fees
_COUPONS_BEFORE_TAXES = 3  # version of Lago's invoices


class HeaderAmounts(TypedDict):
    """The amounts of a header that no invoice is without."""

    fees_amount_cents: int
    taxes_amount_cents: int
    coupons_amount_cents: int
    credit_notes_amount_cents: int
    sub_total_excluding_taxes_amount_cents: int
    sub_total_including_taxes_amount_cents: int
    prepaid_credit_amount_cents: int
    total_amount_cents: int


NOTHING_BILLED: Final[HeaderAmounts] = {  # of an invoice of which nothing is rated yet
    "fees_amount_cents": 0,
    "taxes_amount_cents": 0,
    "coupons_amount_cents": 0,
    "credit_notes_amount_cents": 0,
    "sub_total_excluding_taxes_amount_cents": 0,
    "sub_total_including_taxes_amount_cents": 0,
    "prepaid_credit_amount_cents": 0,
    "total_amount_cents": 0,
}


def header_contradictions(invoice: Invoice) -> Iterator[str]:
    """What an invoice's header says against its own parts, one sentence each."""
    yield from (told for _, told in _contradictions(invoice))


def hidden_contradictions(invoice: Invoice) -> Iterator[str]:
    """Those that nobody sees who compares its lines, its sub-total and its taxes.

    A sub-total that its fees do not make, with or without the coupons, is a difference there, and has a cause: a fee
    that was lost, an edited header.
    """
    made = sum(fee.amount_cents for fee in invoice.fees) - invoice.progressive_billing_credit_amount_cents
    is_seen = invoice.sub_total_excluding_taxes_amount_cents not in (made, made - invoice.coupons_amount_cents)
    yield from (told for name, told in _contradictions(invoice) if not (is_seen and name in (_FEES, _NET)))


def _contradictions(invoice: Invoice) -> Iterator[tuple[str, str]]:
    """(which amount, the sentence)."""
    if invoice.status not in _SUMMED:
        return
    money = partial(told_money, currency=invoice.currency)
    for name, stated, told, parts in _sums(invoice, money):
        if stated != parts:
            yield name, f"its header says {name} {money(stated)}, and {told} make {money(parts)}"


def _sums(invoice: Invoice, money: Callable[[int], str]) -> Iterator[tuple[str, int, str, int]]:
    """(name, what is stated, what it is the sum of, what that comes to)."""
    fees, net, tax = (
        invoice.fees_amount_cents,
        invoice.sub_total_excluding_taxes_amount_cents,
        invoice.taxes_amount_cents,
    )
    gross = invoice.sub_total_including_taxes_amount_cents
    if {fee.amount_currency for fee in invoice.fees} == {invoice.currency}:  # else they are no sum at all
        yield _FEES, fees, f"its {len(invoice.fees)} fees", sum(fee.amount_cents for fee in invoice.fees)
    yield "sub-total with taxes", gross, f"sub-total {money(net)} and taxes {money(tax)}", net + tax
    credit, coupons = invoice.progressive_billing_credit_amount_cents, invoice.coupons_amount_cents
    before, after = (0, coupons) if takes_coupons_after_taxes(invoice) else (coupons, 0)
    told = f"fees {money(fees)} less progressive credit {money(credit)}"
    told += "" if after else f" and coupons {money(before)}"
    yield _NET, net, told, fees - credit - before
    notes, prepaid = invoice.credit_notes_amount_cents, invoice.prepaid_credit_amount_cents
    told = f"{money(gross)} with taxes less credit notes {money(notes)} and prepaid credits {money(prepaid)}"
    told += f" and coupons {money(after)}" if after else ""
    yield "total", invoice.total_amount_cents, told, gross - notes - prepaid - after


def takes_coupons_after_taxes(invoice: Invoice) -> bool:
    """Whether an invoice's coupons came off what was taxed already: those of old versions, if they have any."""
    return invoice.version_number < _COUPONS_BEFORE_TAXES and bool(invoice.coupons_amount_cents)


def open_contradictions(invoice: Invoice, notes: Iterable[CreditNote]) -> Iterator[str]:
    """What an invoice says against itself of what is still to be paid. ``notes``: its credit notes.

    A Lago that does not tell how much of it notes have offset tells it with the notes.
    """
    total, paid, due = invoice.total_amount_cents, invoice.total_paid_amount_cents, invoice.total_due_amount_cents
    money = partial(told_money, currency=invoice.currency)
    if invoice.status == "voided":
        if due:
            yield f"it is voided, and its header says due {money(due)}"
        return
    if invoice.status != "finalized":  # named as such, whatever it says
        return
    if paid > total:
        yield f"its total is {money(total)}, and {money(paid)} are paid of it"
        return
    offset = offset_cents(invoice, notes)
    settled = invoice.payment_status == "succeeded"
    stated = {total - paid - offset, total - paid} if settled else {total - paid - offset}  # whoever marked it as paid
    if due is not None and due not in stated:
        told = f"total {money(total)} less paid {money(paid)} and offset by credit notes {money(offset)}"
        yield f"its header says due {money(due)}, and {told} make {money(total - paid - offset)}"
    yield from status_contradictions(invoice, total - paid - offset)


def offset_cents(invoice: Invoice, notes: Iterable[CreditNote]) -> int:
    """What credit notes have taken off an invoice. An older Lago tells it with the notes alone."""
    stated = invoice.total_offsetted_credit_note_amount_cents
    return sum(note.offset_amount_cents for note in notes) if stated is None else stated


def status_contradictions(invoice: Invoice, left_cents: int) -> Iterator[str]:
    """A payment status against the rest. Whoever marks an invoice as paid in Lago leaves its amounts as they were.

    Lago then takes "overdue" from it, and gives its fees the same status; an invoice of 0 is paid by itself.
    """
    money = partial(told_money, currency=invoice.currency)
    status, total = invoice.payment_status, invoice.total_amount_cents
    if status != "succeeded":
        if total > 0 and invoice.total_paid_amount_cents == total:
            yield f"its whole total of {money(total)} is paid, and its payment status says {status}"
        return
    if left_cents <= 0:
        return
    unpaid = f"nothing says how {money(left_cents)} of it were paid"
    if invoice.payment_overdue:
        yield f"its payment status says {status}, it is overdue, and {unpaid}"
    of_fees = sorted({fee.payment_status for fee in invoice.fees if fee.payment_status in _UNPAID})
    if of_fees:
        yield f"its payment status says {status}, that of its fees {' and '.join(of_fees)}, and {unpaid}"


def note_contradictions(note: CreditNote) -> Iterator[str]:
    """What a credit note says against itself of what it gives and what is left of it, one sentence each.

    One that is voided keeps its balance in older versions of Lago, and means none by it.
    """
    money = partial(told_money, currency=note.currency)
    given, refund, offset = note.credit_amount_cents, note.refund_amount_cents, note.offset_amount_cents
    if not _is_rounded_offset(note):
        if note.total_amount_cents != given + refund + offset:
            parts = f"credit {money(given)}, refund {money(refund)} and offset {money(offset)}"
            total = money(note.total_amount_cents)
            yield f"its total is {total}, and {parts} make {money(given + refund + offset)}"
        if refund > 0 and note.refund_status is None:
            yield f"it refunds {money(refund)}, and no status says whether that was paid out"
    yield from _left_contradictions(note, money)


def _left_contradictions(note: CreditNote, money: Callable[[int], str]) -> Iterator[str]:
    """Lago calls a note consumed once nothing is left of it; one that only offsets is available with a credit of 0."""
    given, left, status = note.credit_amount_cents, note.balance_amount_cents, note.credit_status
    if left > given and status != "voided":
        yield f"it gives a credit of {money(given)}, and {money(left)} of it are left"
    elif left > 0 and status == "consumed":
        yield f"it is consumed, and {money(left)} of it are left"
    elif status is None and given > 0:
        yield f"it gives a credit of {money(given)}, {money(left)} of it are left, and it has no status"
    elif status == "available" and left == 0 < given:
        yield f"it gives a credit of {money(given)}, is available, and nothing of it is left"


def _is_rounded_offset(note: CreditNote) -> bool:
    """A termination that Lago offsets whole, and whose total was rounded apart from it by a cent.

    Lago then writes the total as a refund too, of which nothing is to be paid out: it has no status.
    """
    is_refunded_on_paper = note.refund_status is None and note.refund_amount_cents == note.total_amount_cents
    by = abs(note.offset_amount_cents - note.total_amount_cents)
    return is_refunded_on_paper and note.credit_amount_cents == 0 < note.offset_amount_cents and by <= 1
