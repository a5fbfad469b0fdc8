"""What the header of one of Lago's invoices follows from: the taxes of its lines, and the coupons held then."""

from __future__ import annotations

from mappings.records import Invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rerate.held_coupons import usable_coupons
from reconcile.rerate.history import History
from reconcile.sides.lago import lago_key


def header_terms(history: History, invoice: Invoice) -> HeaderTerms:
    """The terms of one invoice's header, as Lago stored them with it."""
    return HeaderTerms(
        taxes={lago_key(fee): history.fee_taxes(fee) for fee in invoice.fees if fee.lago_id in history.fees},
        coupons=usable_coupons(history, invoice),
        plan_codes=history.plan_codes,
        metric_codes=history.metric_codes,
    )
