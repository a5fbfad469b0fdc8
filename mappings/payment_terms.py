"""When invoices are due: Lago's terms of payment -> lines of Odoo's, and the day itself. Pure.

Since July 2026 Lago keeps a term as an object, and the number of days is null where it says no such thing. A term that
Odoo has no line for is a named gap of its customer, and is left to finance: no days would be a day of its own, the
invoice's.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from mappings.context import Context, Problem
from mappings.records import Customer, PaymentTerm, Subscription
from mappings.target import Desired, Phase, Ref, Source, Value, xid

UNKNOWN, INEXPRESSIBLE = "payment_term_unknown", "payment_term_inexpressible"
_SHORTEST = 28  # days that every month has: up to them the day of a month is so many days after the month before
_LONGEST = 31
_NEXT = 1  # months from the invoice's to the one that is meant, where Lago says none


def net(days: int | None) -> PaymentTerm | None:
    """The older number of days, as a term."""
    return None if days is None else PaymentTerm(term_type="net", days=days)


def term_of(context: Context, customer: Customer, subscription: Subscription | None = None) -> PaymentTerm | None:
    """The subscription's own, else the customer's, the billing entity's, the organization's. None: nobody says one."""
    seller = context.entity or context.snapshot.organization
    of_subscription = subscription.payment_term if subscription else None
    of_customer = customer.payment_term or net(customer.net_payment_term)
    return of_subscription or of_customer or seller.payment_term or net(seller.net_payment_term)


def payment_terms(context: Context) -> Iterator[Desired]:
    """One of Odoo's for each that somebody has, unless the table names one of Odoo's own."""
    terms = {_key(term): term for term in _in_use(context) if odoo_line(term) is not None}
    for key, term in sorted(terms.items(), key=lambda item: (item[1].days or 0, item[0])):
        if _named(context, term):
            continue
        record, source = xid("payment_term", key), Source("payment_term", key)
        line = Desired(
            phase=Phase.CATALOG,
            model="account.payment.term.line",
            xid=f"{record}_line",
            values={"value": "percent", "value_amount": 100, **(odoo_line(term) or {})},
            source=source,
        )
        yield Desired(
            phase=Phase.CATALOG,
            model="account.payment.term",
            xid=record,
            values={"name": f"{_called(term)} (Lago)"},
            source=source,
            children={"line_ids": (line,)},
        )


def term_ref(context: Context, customer: Customer, subscription: Subscription | None = None) -> Ref | None:
    """What a partner or an order refers to. None: Odoo has no such term; an order is made with its partner's then."""
    term = term_of(context, customer, subscription)
    if term is None or odoo_line(term) is None:
        return None
    return _named(context, term) or Ref(xid("payment_term", _key(term)))


def term_gap(context: Context, customer: Customer) -> Problem | None:
    """That a customer's term is not known, or none of Odoo's says it."""
    term = term_of(context, customer)
    if term is None:
        detail = "neither Lago's customer nor its seller says when invoices are due: set a payment term on the partner"
        return Problem(UNKNOWN, detail)
    return None if odoo_line(term) is not None else _inexpressible(term, "partner")


def own_term_gap(subscription: Subscription) -> Iterator[Problem]:
    """The same of a term that a subscription has of its own."""
    term = subscription.payment_term
    if term is not None and odoo_line(term) is None:
        yield _inexpressible(term, "order")


def odoo_line(term: PaymentTerm) -> Mapping[str, Value] | None:
    """What the one line of such a term of Odoo's holds; None: Odoo cannot say it."""
    days = term.days or 0
    if term.term_type == "day_of_month":
        return _line_of_day(_day(term), _offset(term))
    if term.term_type == "days_end_of_month":
        return {"delay_type": "days_end_of_month_on_the", "nb_days": days, "days_next_month": "0"}
    after_month = term.term_type in ("end_of_month", "net_end_of_month")
    return {"delay_type": "days_after_end_of_month" if after_month else "days_after", "nb_days": days}


def due_day(term: PaymentTerm, issued: date) -> date:
    """The day on which Lago says that an invoice of this term is due."""
    days = timedelta(days=term.days or 0)
    if term.term_type == "day_of_month":
        day = _in_month(issued, _offset(term), _day(term))
        return day if day >= issued else _in_month(issued, _offset(term) + 1, _day(term))
    if term.term_type == "days_end_of_month":
        return _in_month(issued + days, 0, _LONGEST)
    after_month = term.term_type in ("end_of_month", "net_end_of_month")
    return (_in_month(issued, 0, _LONGEST) if after_month else issued) + days


def _line_of_day(day: int, months: int) -> Mapping[str, Value] | None:
    """Odoo counts a day of the next month, and days after the end of this month or the next; no day of this month."""
    if months == 0 and day == _LONGEST:  # the end of the month, which is never past
        return {"delay_type": "days_after_end_of_month", "nb_days": 0}
    if months == 1:
        return {"delay_type": "days_end_of_month_on_the", "nb_days": 0, "days_next_month": str(day)}
    if months == 2 and day <= _SHORTEST:
        return {"delay_type": "days_after_end_of_next_month", "nb_days": day}
    return None


def _in_month(first: date, months: int, day: int) -> date:
    """The day of the month so many months later, or its last."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def _day(term: PaymentTerm) -> int:
    return term.day_of_month or 1  # always there: ``wrong_payment_term``


def _offset(term: PaymentTerm) -> int:
    return _NEXT if term.month_offset is None else term.month_offset


def _in_use(context: Context) -> Iterator[PaymentTerm]:
    for customer in context.customers.values():
        if term := term_of(context, customer):
            yield term
        for subscription in context.held.get(customer.lago_id, ()):
            if subscription.payment_term:
                yield subscription.payment_term


def _named(context: Context, term: PaymentTerm) -> Ref | None:
    """Finance's own of as many days."""
    if term.term_type not in ("net", "due_on_receipt"):
        return None
    named = context.tables.payment_terms.get(term.days or 0, "")
    return context.tables.ref(named, context.target.company_id)


def _key(term: PaymentTerm) -> str:
    """What parts its external id from others'."""
    days = term.days or 0
    if term.term_type in ("net", "due_on_receipt"):
        return str(days)
    if term.term_type == "day_of_month":
        return f"day_{_day(term)}_month_{_offset(term)}"
    return term.term_type if term.term_type == "end_of_month" else f"{term.term_type}_{days}"


def _called(term: PaymentTerm) -> str:
    days = term.days or 0
    months = {0: "this month or the next", 1: "the next month"}.get(_offset(term), f"{_offset(term)} months later")
    return {
        "end_of_month": "End of the month",
        "net_end_of_month": f"{days} days after the end of the month",
        "days_end_of_month": f"{days} days, then the end of the month",
        "day_of_month": f"Day {_day(term)} of {months}" if _offset(term) < 2 else f"Day {_day(term)}, {months}",
    }.get(term.term_type, f"{days} days")


def _inexpressible(term: PaymentTerm, record: str) -> Problem:
    detail = f"pays by the term {_called(term)!r}, and Odoo has no payment term that says so"
    return Problem(INEXPRESSIBLE, f"{detail}: set one on the {record} by hand, it is left as it is")
