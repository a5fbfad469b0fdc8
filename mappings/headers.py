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
from mappings.phrases import Phrase, Told
from mappings.records import CreditNote, Invoice

HEADER = "header_does_not_add_up"
OPEN = "open_amount_contradicts"
_FEES, _NET = Told.FEES_AMOUNT, Told.NET_AMOUNT
_SUMMED = ("draft", "finalized", "voided")  # of a failed or pending one the amounts may not all be there yet
_UNPAID = ("pending", "failed")  # payment states of fees
_COUPONS_BEFORE_TAXES = 3  # version of Lago's invoices
_ROUNDED = 2  # cents by which a credit note may be rounded apart from its invoice, whose taxes Lago rounds once


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
    yield from (str(told) for _, told in _contradictions(invoice))


def hidden_contradictions(invoice: Invoice) -> Iterator[Phrase]:
    """Those that nobody sees who compares its lines, its sub-total and its taxes.

    A sub-total that its fees do not make, with or without the coupons, is a difference there, and has a cause: a fee
    that was lost, an edited header.
    """
    made = sum(fee.amount_cents for fee in invoice.fees) - invoice.progressive_billing_credit_amount_cents
    is_seen = invoice.sub_total_excluding_taxes_amount_cents not in (made, made - invoice.coupons_amount_cents)
    yield from (told for name, told in _contradictions(invoice) if not (is_seen and name in (_FEES, _NET)))


def _contradictions(invoice: Invoice) -> Iterator[tuple[Told, Phrase]]:
    """(which amount, the sentence)."""
    if invoice.status not in _SUMMED:
        return
    money = partial(told_money, currency=invoice.currency)
    for name, stated, told, parts in _sums(invoice, money):
        if stated != parts:
            yield name, Told.STATED_AND_MADE.of(name.of(), money(stated), told, money(parts))


def _sums(invoice: Invoice, money: Callable[[int], str]) -> Iterator[tuple[Told, int, Phrase, int]]:
    """(name, what is stated, what it is the sum of, what that comes to)."""
    fees, net, tax = (
        invoice.fees_amount_cents,
        invoice.sub_total_excluding_taxes_amount_cents,
        invoice.taxes_amount_cents,
    )
    gross = invoice.sub_total_including_taxes_amount_cents
    if {fee.amount_currency for fee in invoice.fees} == {invoice.currency}:  # else they are no sum at all
        yield _FEES, fees, Told.ITS_FEES.of(len(invoice.fees)), sum(fee.amount_cents for fee in invoice.fees)
    yield Told.GROSS_AMOUNT, gross, Told.NET_AND_TAXES.of(money(net), money(tax)), net + tax
    credit, coupons = invoice.progressive_billing_credit_amount_cents, invoice.coupons_amount_cents
    before, after = (0, coupons) if takes_coupons_after_taxes(invoice) else (coupons, 0)
    parts = (money(fees), money(credit))
    told = Told.FEES_LESS_CREDIT.of(*parts) if after else Told.FEES_LESS_COUPONS.of(*parts, money(before))
    yield _NET, net, told, fees - credit - before
    notes, prepaid = invoice.credit_notes_amount_cents, invoice.prepaid_credit_amount_cents
    settled = (money(gross), money(notes), money(prepaid))
    told = Told.GROSS_LESS_COUPONS.of(*settled, money(after)) if after else Told.GROSS_LESS_SETTLED.of(*settled)
    yield Told.TOTAL_AMOUNT, invoice.total_amount_cents, told, gross - notes - prepaid - after


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
    if offset and paid + offset > total + _ROUNDED:
        yield f"its total is {money(total)}, {money(paid)} are paid of it, and credit notes offset {money(offset)}"
        return
    settled = invoice.payment_status == "succeeded"
    stated = {total - paid - offset, total - paid} if settled else {total - paid - offset}  # whoever marked it as paid
    if due is not None and due not in stated:
        told = f"total {money(total)} less paid {money(paid)} and offset by credit notes {money(offset)}"
        yield f"its header says due {money(due)}, and {told} make {money(total - paid - offset)}"
    yield from map(str, status_contradictions(invoice, total - paid - offset))


def offset_cents(invoice: Invoice, notes: Iterable[CreditNote]) -> int:
    """What credit notes have taken off an invoice. An older Lago tells it with the notes alone."""
    stated = invoice.total_offsetted_credit_note_amount_cents
    return sum(note.offset_amount_cents for note in notes) if stated is None else stated


def status_contradictions(invoice: Invoice, left_cents: int) -> Iterator[Phrase]:
    """A payment status against the rest. Whoever marks an invoice as paid in Lago leaves its amounts as they were.

    Lago then takes "overdue" from it, and gives its fees the same status; an invoice of 0 is paid by itself.
    """
    money = partial(told_money, currency=invoice.currency)
    status, total = invoice.payment_status, invoice.total_amount_cents
    if status != "succeeded":
        if total > 0 and invoice.total_paid_amount_cents == total:
            yield Told.PAID_BY_AMOUNT.of(money(total), status)
        return
    if left_cents <= 0:
        return
    if invoice.payment_overdue:
        yield Told.PAID_AND_OVERDUE.of(status, money(left_cents))
    of_fees = sorted({fee.payment_status for fee in invoice.fees if fee.payment_status in _UNPAID})
    if of_fees:
        yield Told.PAID_AND_FEES_NOT.of(status, " and ".join(of_fees), money(left_cents))


def given_back_contradictions(
    invoice: Invoice, notes: Iterable[CreditNote]
) -> Iterator[tuple[tuple[CreditNote, ...], str]]:
    """(credit notes, what they give back together) where it is more than their invoice can give.

    Lago gives back what was billed with taxes, whatever paid it: prepaid credits and older notes too; no fee more than
    its amount; and pays out no more than was paid. What a note that is voided gave as credit, it gives no more.
    """
    money = partial(told_money, currency=invoice.currency)
    comparable = tuple(note for note in notes if note.currency.upper() == invoice.currency.upper())
    if invoice.status not in _SUMMED or not comparable:
        return
    rounded, number = _ROUNDED * len(comparable), invoice.number
    gross, given = invoice.sub_total_including_taxes_amount_cents, {n.lago_id: _given_cents(n) for n in comparable}
    if sum(given.values()) > gross + rounded:
        giving = tuple(note for note in comparable if given[note.lago_id] > 0)
        told = f"{money(sum(given.values()))} in all, and {money(gross)} with taxes are billed"
        yield giving, f"the credit notes of invoice {number} ({_numbers(giving)}) give back {told}"
    paid, refunded = _received_cents(invoice), {n.lago_id: _refunded_cents(n) for n in comparable}
    if sum(refunded.values()) > paid + rounded:
        refunding = tuple(note for note in comparable if refunded[note.lago_id] > 0)
        told = f"refund {money(sum(refunded.values()))} in all, and {money(paid)} of it are paid"
        yield refunding, f"the credit notes of invoice {number} ({_numbers(refunding)}) {told}"
    yield from _fee_contradictions(invoice, comparable, money)


def _fee_contradictions(
    invoice: Invoice, notes: tuple[CreditNote, ...], money: Callable[[int], str]
) -> Iterator[tuple[tuple[CreditNote, ...], str]]:
    """Of each fee more than its amount. An item is shown in whole cents, and was credited in parts of them."""
    credited: dict[str, list[tuple[CreditNote, int]]] = {}
    for note in notes:
        for item in note.items if note.credit_status != "voided" else ():
            if item.fee and item.amount_cents > 0:
                credited.setdefault(item.fee.lago_id, []).append((note, item.amount_cents))
    for fee in invoice.fees:
        shares = credited.get(fee.lago_id, [])
        back = sum(cents for _, cents in shares)
        if back > fee.amount_cents + len(shares):
            crediting = tuple({note.lago_id: note for note, _ in shares}.values())
            told = f"{money(back)} of its fee {fee.lago_id[:8]}, which is {money(fee.amount_cents)}"
            yield crediting, f"the credit notes of invoice {invoice.number} ({_numbers(crediting)}) give back {told}"


def _numbers(notes: Iterable[CreditNote]) -> str:
    return ", ".join(sorted(note.number for note in notes))


def _given_cents(note: CreditNote) -> int:
    return (
        note.offset_amount_cents + _refunded_cents(note) if note.credit_status == "voided" else note.total_amount_cents
    )


def _refunded_cents(note: CreditNote) -> int:
    """What a note pays out. Of one that is voided, what was paid out by then."""
    stands = note.refund_status == "succeeded" if note.credit_status == "voided" else not _is_rounded_offset(note)
    return note.refund_amount_cents if stands else 0


def _received_cents(invoice: Invoice) -> int:
    """What was paid; whoever marks an invoice as paid writes no amount down."""
    marked = invoice.total_amount_cents if invoice.payment_status == "succeeded" else 0
    return max(invoice.total_paid_amount_cents, marked)


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
    yield from _item_contradictions(note, money)
    yield from _left_contradictions(note, money)


def _item_contradictions(note: CreditNote, money: Callable[[int], str]) -> Iterator[str]:
    """Its items less its share of coupons make its sub-total, and with taxes its total.

    Lago rounds each item, the coupons and the sums by themselves, and gives the last note of an invoice what all of its
    notes lost by rounding taxes.
    """
    if not note.items:
        return
    items, coupons = sum(item.amount_cents for item in note.items), note.coupons_adjustment_amount_cents
    less = f"items of {money(items)}" + (f" less coupons of {money(coupons)}" if coupons else "")
    net, stated, rounded = items - coupons, note.sub_total_excluding_taxes_amount_cents, len(note.items) + 2
    if stated is not None and 2 * abs(stated - net) > rounded:
        yield f"its sub-total is {money(stated)}, and {less} make {money(net)}"
        return
    before_taxes, taxes = net if stated is None else stated, note.taxes_amount_cents
    if abs(note.total_amount_cents - before_taxes - taxes) > rounded:
        base = less if stated is None else f"a sub-total of {money(stated)}"
        made = money(before_taxes + taxes)
        yield f"its total is {money(note.total_amount_cents)}, and {base} and taxes of {money(taxes)} make {made}"


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
