"""An invoice whose taxes are computed by the terms of Odoo's records: lines, coupons and header follow from them."""

from __future__ import annotations

from dataclasses import replace

from reconcile.billed import BilledLine, Totals
from reconcile.causes.changes import TaxByTerms
from reconcile.rating.header import HeaderTerms, coupon_lines
from reconcile.rating.tax_terms import document_taxes

Lines = tuple[BilledLine, ...]


def taxed_by_terms(
    lines: Lines, terms: HeaderTerms, by: TaxByTerms, stated: Totals, currency: str
) -> tuple[Lines, Totals]:
    """The lines at their net amounts, and the header over them. ``stated``: the header without those terms."""
    coupons = coupon_lines(lines, terms, currency)
    priced = tuple((line.amount_cents, terms.taxes.get(line.key, ())) for line in lines)
    document = document_taxes((*priced, *coupons), by.terms, currency, whole=by.per_line)
    net = tuple(
        line if cents == line.amount_cents else replace(line, amount_cents=cents, precise_cents=None)
        for line, cents in zip(lines, document.lines, strict=False)
    )
    return net, Totals.of(
        document.net,
        coupons_cents=-sum(document.lines[len(lines) :]),
        taxes=document.taxes,
        credit_notes_cents=stated.credit_notes_cents,  # what was taken off after tax stays
        prepaid_cents=stated.prepaid_cents,
    )
