"""Documents and payments of the books -> records of Odoo's. Pure.

Lago's number goes to ``ref`` and to the payment reference, never to ``name``: Odoo refuses a number whose digits look
like a year or a month that is not the document's, and counts on from any that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings.books.documents import BookedDocument, BookedLine, BookedPayment, BooksMap
from mappings.books.odoo_books import OdooBooks
from mappings.context import Context, currency_ref, partner_ref
from mappings.money import from_subunits
from mappings.target import Desired, Find, Phase, Ref, Source, Value, xid

JOURNAL = xid("books", "journal")
PAYMENTS_JOURNAL = xid("books", "payments_journal")
RECEIVED = xid("books", "received")
MARKED = xid("books", "marked")
MANUAL = Ref("account.account_payment_method_manual_in")
POST = ("action_post",)


def journals(context: Context, odoo: OdooBooks, books: BooksMap) -> Iterator[Desired]:
    """The journal of documents, and that of payments if there are some."""
    table = context.tables.books
    if books.documents:
        values: dict[str, Value] = {"name": table.journal_name, "code": table.journal_code, "type": "sale"}
        yield _journal(JOURNAL, values, ())
    if books.payments:
        values = {"name": table.payments_name, "code": table.payments_code, "type": "bank"}
        # else Odoo makes an account of cash for it, and leaves that behind when the journal goes
        values["default_account_id"] = account_ref(odoo, table.received or table.marked_as_paid)
        yield _journal(PAYMENTS_JOURNAL, values, tuple(_methods(context, odoo, books)))


def _journal(name: str, values: dict[str, Value], methods: tuple[Desired, ...]) -> Desired:
    children = {"inbound_payment_method_line_ids": methods} if methods else {}
    source = Source("journal", str(values["code"]))
    return Desired(
        phase=Phase.BOOKS, model="account.journal", xid=name, values=values, source=source, children=children
    )


def _methods(context: Context, odoo: OdooBooks, books: BooksMap) -> Iterator[Desired]:
    table = context.tables.books
    accounts = {RECEIVED: ("Received (Lago)", table.received), MARKED: ("Marked as paid (Lago)", table.marked_as_paid)}
    for method in sorted({method_of(payment) for payment in books.payments}):
        label, account = accounts[method]
        yield Desired(
            phase=Phase.BOOKS,
            model="account.payment.method.line",
            xid=method,
            values={"name": label, "payment_method_id": MANUAL, "payment_account_id": account_ref(odoo, account)},
            source=Source("payment method", label),
        )


def method_of(payment: BookedPayment) -> str:
    """By which method, and so over which account, it comes in."""
    return MARKED if payment.marked else RECEIVED


def account_ref(odoo: OdooBooks, code: str) -> Find:
    """An account of Odoo's by its code."""
    return Find("account.account", (("id", "=", odoo.accounts[code]),), f"account {code}")


def move(context: Context, odoo: OdooBooks, document: BookedDocument) -> Desired:
    """The draft of a document; its taxes are Odoo's own until they are set to Lago's."""
    source = Source(document.kind.value, f"{document.number} ({document.lago_id[:8]})", document.lago_id)
    owner = context.external(document.customer)
    values: dict[str, Value] = {
        "move_type": "out_invoice" if document.sign > 0 else "out_refund",
        "journal_id": Ref(JOURNAL),
        "partner_id": partner_ref(document.customer),
        "currency_id": currency_ref(document.currency),
        "invoice_date": document.day,
        "invoice_date_due": document.due,
        "invoice_payment_term_id": None,  # the due date is Lago's
        "ref": document.number,
        "payment_reference": document.number,
    }
    lines = tuple(
        Desired(
            phase=Phase.BOOKS,
            model="account.move.line",
            xid=f"{document.xid}_{place}",
            values=_line(odoo, document, line),
            source=source,
            customer=owner,
        )
        for place, line in enumerate(document.lines, 1)
    )
    return Desired(
        phase=Phase.BOOKS,
        model="account.move",
        xid=document.xid,
        values=values,
        source=source,
        customer=owner,
        children={"invoice_line_ids": lines},
    )


def _line(odoo: OdooBooks, document: BookedDocument, line: BookedLine) -> dict[str, Value]:
    return {
        "name": line.label,
        "quantity": 1,
        "price_unit": from_subunits(line.cents, document.currency),
        "account_id": account_ref(odoo, line.account),
        "tax_ids": (Ref(line.tax),) if line.tax else (),
    }


def payment_record(context: Context, payment: BookedPayment) -> Desired:
    """The draft of a payment."""
    return Desired(
        phase=Phase.BOOKS,
        model="account.payment",
        xid=payment.xid,
        values={
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": partner_ref(payment.customer),
            "amount": from_subunits(payment.cents, payment.currency),
            "currency_id": currency_ref(payment.currency),
            "date": payment.day,
            "journal_id": Ref(PAYMENTS_JOURNAL),
            "payment_method_line_id": Ref(method_of(payment)),
            "memo": payment.label,
        },
        source=Source("payment", payment.label, payment.lago_id),
        customer=context.external(payment.customer),
    )


def records(context: Context, odoo: OdooBooks, books: BooksMap) -> Iterator[Desired]:
    """All of it, in the order in which it is written."""
    yield from journals(context, odoo, books)
    yield from (move(context, odoo, document) for document in books.documents)
    yield from (payment_record(context, payment) for payment in books.payments)
