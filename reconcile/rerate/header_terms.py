"""What the header of one of Lago's invoices follows from: the taxes of its lines, and the coupons held then."""

from __future__ import annotations

from collections.abc import Iterable

from mappings.records import Fee, Invoice, Tax
from reconcile.billed import LineKey
from reconcile.rating.header import HeaderTerms
from reconcile.rerate.held_coupons import usable_coupons
from reconcile.rerate.history import History
from reconcile.rerate.progressive_credits import credit_of_progressive, stored_fees
from reconcile.sides.lago import lago_key


def header_terms(history: History, invoice: Invoice) -> HeaderTerms:
    """The terms of one invoice's header, as Lago stored them with it."""
    return HeaderTerms(
        taxes=stored_taxes(history, (fee for fee in invoice.fees if fee.lago_id in history.fees)),
        coupons=usable_coupons(history, invoice),
        plan_codes=history.plan_codes,
        metric_codes=history.metric_codes,
        progressive=credit_of_progressive(history, invoice, stored_fees(invoice.fees)),
    )


def stored_taxes(history: History, fees: Iterable[Fee]) -> dict[LineKey, tuple[Tax, ...]]:
    """The taxes that Lago stored with fees, by line. A fee that is there twice has those of the one that has any."""
    taxes: dict[LineKey, tuple[Tax, ...]] = {}
    for fee in fees:
        key = lago_key(fee)
        taxes[key] = history.fee_taxes(fee) or taxes.get(key, ())
    return taxes
