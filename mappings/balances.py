"""Open balances: what customers owe, and credit they have left -> drafts in a journal of their own.

One line without tax for the open amount: revenue and tax were booked when Lago issued the invoice. Lago's number goes
to ``ref`` and to the payment reference, never to ``name``: a draft with a name spoils the journal's numbering.

Not open: paid, voided, zero (`owed.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mappings.context import Context, Problem, currency_ref, partner_ref
from mappings.headers import HEADER, OPEN, given_back_contradictions, header_contradictions, open_contradictions
from mappings.known import INVOICE_TYPES
from mappings.money import from_subunits, told_money
from mappings.notes import contradicted_notes
from mappings.owed import billed_to, credit_cents, credited_to, due_cents, is_disputed, kept_cents
from mappings.payment_terms import UNKNOWN, due_day, net, term_of
from mappings.records import CreditNote, Invoice
from mappings.target import Desired, Find, Mapped, Phase, Ref, Source, Value, xid


def balances(context: Context) -> Iterator[Mapped]:
    """The journal, open invoices and open credit notes, each in the order of their dates."""
    if not context.options.open_items:
        return
    items = [*_invoices(context), *_credit_notes(context)]
    if any(isinstance(item, Desired) for item in items) and not context.tables.journal:
        yield _journal(context)
    yield from items


def invoice_source(invoice: Invoice) -> Source:
    """People know an invoice by its number; drafts share one, so the id's head is added."""
    return Source("invoice", f"{invoice.number} ({invoice.lago_id[:8]})", invoice.lago_id)


def credit_note_source(note: CreditNote) -> Source:
    """The note's number, and the head of its id."""
    return Source("credit_note", f"{note.number} ({note.lago_id[:8]})", note.lago_id)


def _invoices(context: Context) -> Iterator[Mapped]:
    for invoice in sorted(context.snapshot.invoices, key=lambda i: (i.issuing_date, i.number, i.lago_id)):
        customer = billed_to(invoice)
        problem = _invoice_problem(context, invoice, customer)
        if problem:
            yield problem.skips(Phase.BALANCES, invoice_source(invoice), context.external(customer))
        elif due_cents(invoice) > 0:
            yield _open_invoice(context, invoice, customer)


def _invoice_problem(context: Context, invoice: Invoice, customer: str) -> Problem | None:
    wrong = _undecided(context, invoice) or _wrong_invoice(context, invoice)
    if due_cents(invoice) <= 0 or wrong:
        return wrong
    if invoice.self_billed:
        amount = told_money(invoice.total_amount_cents, invoice.currency)
        return Problem("self_billed_invoice", f"{amount} is owed to a partner, not by one: enter it as a bill")
    problem = context.problem(customer) or context.seller_problem(invoice)
    return problem or context.currency_problem(invoice.currency) or _without_due_day(context, invoice, customer)


def _undecided(context: Context, invoice: Invoice) -> Problem | None:
    """What somebody has to decide first, in Lago or in the books."""
    amount = told_money(invoice.total_amount_cents, invoice.currency)
    if invoice.status == "draft":
        return Problem("invoice_not_final", f"a draft of {amount}: finalize it in Lago before the last extract")
    if invoice.status in ("pending", "failed"):
        return Problem(
            "invoice_not_final", f"{invoice.status} in Lago, {amount}: mend it there before the last extract"
        )
    if invoice.status == "finalized" and is_disputed(invoice):
        return Problem(
            "payment_dispute_lost", f"{amount} was paid and taken back by the bank: finance decides if it is owed"
        )
    if kept := kept_cents(invoice, context.notes.get(invoice.lago_id, ())):
        paid = told_money(kept, invoice.currency)
        return Problem(
            "voided_but_paid",
            f"{paid} were paid of it, and stand nowhere in Lago: give them back, or enter them by hand",
        )
    return None


def _without_due_day(context: Context, invoice: Invoice, customer: str) -> Problem | None:
    if _due(context, invoice, customer):
        return None
    return Problem(UNKNOWN, "neither Lago's invoice nor its customer says when it is due: enter it by hand")


def _due(context: Context, invoice: Invoice, customer: str) -> date | None:
    """The day that Lago wrote down, else the one that the invoice's term gives, else its customer's."""
    if invoice.payment_due_date:
        return invoice.payment_due_date
    written_there = invoice.payment_term or net(invoice.net_payment_term)
    term = written_there or term_of(context, context.customers[customer])
    return due_day(term, invoice.issuing_date) if term else None


def _wrong_invoice(context: Context, invoice: Invoice) -> Problem | None:
    """That a final invoice cannot be taken at its word: of a kind that nobody knows, or against its own amounts.

    A header that contradicts itself matters for what is still to be paid of it; too much that was paid always does.
    """
    is_open = due_cents(invoice) > 0
    due = told_money(due_cents(invoice), invoice.currency)
    if is_open and invoice.invoice_type not in INVOICE_TYPES:
        detail = f"of type {invoice.invoice_type[:40]!r}, which this version does not know: {due} due in Lago"
        return Problem("unknown_invoice_type", detail + "; collect it there, or enter it by hand")
    header = tuple(header_contradictions(invoice)) if is_open else ()
    notes = context.notes.get(invoice.lago_id, ())
    back = tuple(told for _, told in given_back_contradictions(invoice, notes)) if is_open else ()
    contradictions = (*header, *open_contradictions(invoice, notes), *back)
    if not contradictions:
        return None
    detail = f"{'; '.join(contradictions)}: find out in Lago what is owed, and enter it by hand"
    return Problem(HEADER if header else OPEN, detail)


def _credit_notes(context: Context) -> Iterator[Mapped]:
    invoices = {invoice.lago_id: invoice for invoice in context.snapshot.invoices}
    contradicted = contradicted_notes(context.snapshot)
    for note in sorted(context.snapshot.credit_notes, key=lambda n: (n.issuing_date, n.number, n.lago_id)):
        invoice = invoices.get(note.lago_invoice_id)
        customer = credited_to(note, invoice)
        name, external = credit_note_source(note), context.external(customer)
        if note.refund_amount_cents > 0 and note.refund_status in ("pending", "failed"):
            amount = f"{from_subunits(note.refund_amount_cents, note.currency)} {note.currency}"
            refund = Problem(
                "refund_not_done", f"a refund of {amount} is {note.refund_status}: pay it out from Lago first"
            )
            yield refund.skips(Phase.BALANCES, name, external)
        problem = _note_problem(context, note, invoice, contradicted.get(note.lago_id, ""))
        if problem:
            yield problem.skips(Phase.BALANCES, name, external)
        elif credit_cents(note) > 0:
            yield _open_credit(context, note, customer)


def _note_problem(context: Context, note: CreditNote, invoice: Invoice | None, told: str) -> Problem | None:
    """That a note cannot be taken at its word (``told``), or that what is left of it cannot be moved."""
    customer = credited_to(note, invoice)
    if told:
        return Problem(OPEN, f"{told}: find out in Lago what is left of it, and enter it by hand")
    if credit_cents(note) <= 0:
        return None
    if note.self_billed or (invoice is not None and invoice.self_billed):
        left = told_money(note.balance_amount_cents, note.currency)
        return Problem("self_billed_invoice", f"{left} are left of it for us, not for a partner: enter it as a bill's")
    return context.problem(customer) or context.seller_problem(note) or context.currency_problem(note.currency)


def _open_invoice(context: Context, invoice: Invoice, customer: str) -> Desired:
    label = f"Open balance of Lago invoice {invoice.number}"
    if invoice.invoice_type == "credit":
        label += " (prepaid credits: grant them when it is paid)"
    return _move(
        context,
        xid("invoice", invoice.lago_id),
        invoice_source(invoice),
        customer,
        {
            "move_type": "out_invoice",
            "invoice_date": invoice.issuing_date,
            "invoice_date_due": _due(context, invoice, customer),
            "ref": invoice.number,
            "payment_reference": invoice.number,
        },
        (label, due_cents(invoice), invoice.currency),
    )


def _open_credit(context: Context, note: CreditNote, customer: str) -> Desired:
    return _move(
        context,
        xid("credit_note", note.lago_id),
        credit_note_source(note),
        customer,
        {
            "move_type": "out_refund",
            "invoice_date": note.issuing_date,
            "invoice_date_due": note.issuing_date,
            "ref": note.number,
            "payment_reference": note.number,
        },
        (f"Credit left of Lago credit note {note.number}", note.balance_amount_cents, note.currency),
    )


def _move(
    context: Context, record: str, source: Source, customer: str, values: dict[str, Value], line: tuple[str, int, str]
) -> Desired:
    label, cents, currency = line
    owner = context.external(customer)
    content: dict[str, Value] = {
        "name": label,
        "quantity": 1,
        "price_unit": from_subunits(cents, currency),
        "account_id": _counterpart(context),
        "tax_ids": (),
    }
    common: dict[str, Value] = {
        "partner_id": partner_ref(customer),
        "journal_id": _journal_ref(context),
        "currency_id": currency_ref(currency),
        "invoice_payment_term_id": None,  # the due date is Lago's
    }
    if context.target.addon:
        common["fusion_lago_number"] = values["ref"]
    model = "account.move.line"
    child = Desired(
        phase=Phase.BALANCES, model=model, xid=f"{record}_open", values=content, source=source, customer=owner
    )
    return Desired(
        phase=Phase.BALANCES,
        model="account.move",
        xid=record,
        values={**common, **values},
        source=source,
        customer=owner,
        children={"invoice_line_ids": (child,)},
    )


def _counterpart(context: Context) -> Ref | Find:
    """The account finance names, else the one Odoo itself balances opening entries with; every company has one."""
    company = context.target.company_id
    unaffected = Find(
        "account.account",
        (("account_type", "=", "equity_unaffected"), ("company_ids", "=", company)),
        f"name the counterpart of open balances: [accounts] opening in {context.tables.name}",
    )
    return context.tables.ref(context.tables.opening, company) or unaffected


def _journal_ref(context: Context) -> Ref:
    existing = context.tables.ref(context.tables.journal, context.target.company_id)
    return existing or Ref(xid("journal", "opening"))


def _journal(context: Context) -> Desired:
    tables = context.tables
    values: dict[str, Value] = {"name": tables.journal_name, "code": tables.journal_code, "type": "sale"}
    return Desired(
        phase=Phase.BALANCES,
        model="account.journal",
        xid=_journal_ref(context).xid,
        values=values,
        source=Source("journal", "opening"),
    )
