"""Causes that stand in the records of Odoo's taxes: how one is computed, where Lago takes a percentage of the net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mappings.records import Tax
from reconcile.billed import LineKey
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import TaxByTerms, TaxLines
from reconcile.causes.knowledge import TaxRecord
from reconcile.rating.header import coupon_lines
from reconcile.rating.tax_terms import PERCENT, TaxTerms, Terms, document_taxes
from reports.data import Evidence

Records = Mapping[str, TaxRecord]  # by code
Taxes = Mapping[LineKey, tuple[Tax, ...]]


def tax_included(case: Case) -> Iterator[Proposal]:
    """The price on Odoo's line holds a tax already, by a setting of the tax: the net amount is lower."""
    records, copies = _records(case), _copies(case)
    included = {code: TaxTerms(included=r.terms.included, place=r.terms.place) for code, r in records.items()}
    if _matters(case, included, copies):
        names = ", ".join(record.label for record in records.values() if record.terms.included)
        yield Proposal(
            changes=(
                *((TaxLines(copies),) if copies else ()),
                TaxByTerms(included, _rounds_lines(case)),
            ),
            evidence=(Evidence(name="tax_in_price", values={"tax": names}),),
            remedy=Evidence(name="mend_tax_in_price", values={"tax": names}),
            observed=True,
        )


def tax_terms(case: Case) -> Iterator[Proposal]:
    """A tax on Odoo's lines is a fixed amount, or the next one is computed on it too: its record says so."""
    records = _records(case)
    terms = {code: record.terms for code, record in records.items()}
    plain = {code: TaxTerms(place=tax.place) for code, tax in terms.items()}
    for code, tax in terms.items():
        differing = _told(tax)
        if differing and _matters(case, {**plain, code: replace(tax, included=False)}):
            lago, odoo = (", ".join(values) for values in ((a for _, a, _ in differing), (b for _, _, b in differing)))
            values = {
                "where": f"account.tax {records[code].label}",
                "what": ", ".join(field for field, _, _ in differing),
                "lago": lago,
            }
            yield Proposal(
                changes=(TaxByTerms(terms, _rounds_lines(case)),),
                evidence=(Evidence(name="held", values={**values, "odoo": odoo}),),
                remedy=Evidence(name="mend_field", values=values),
                observed=True,
            )


def early_discount(case: Case) -> Iterator[Proposal]:
    """The order's payment term gives an early discount, and its taxes are computed as if it were taken."""
    orders = case.known.orders
    if orders is None or not case.is_of_odoo:
        return
    for early in orders.early:
        kept = 1 - early.percent / 100
        taxes = {
            key: tuple(replace(tax, rate=tax.rate * kept) for tax in charged)
            for key, charged in case.terms.taxes.items()
        }
        values = {"term": early.term, "where": ", ".join(f"sale.order {name}" for name in orders.names.values())}
        yield Proposal(
            changes=(TaxLines(taxes),),
            evidence=(Evidence(name="early_term", values={**values, "percent": early.percent.normalize()}),),
            remedy=Evidence(name="mend_term", values=values),
            observed=True,
        )


def _copies(case: Case) -> Taxes:
    """Lines of Odoo's that bear a tax which stands for none of Lago's codes: a copy of one, by another name."""
    on_lines = case.odoo_taxes.on_lines
    codes = {tax.code for taxes in case.terms.taxes.values() for tax in taxes}
    return {key: taxes for key, taxes in on_lines.items() if {tax.code for tax in taxes} - codes}


def _records(case: Case) -> Records:
    return case.odoo_taxes.records if case.is_of_odoo else {}


def _rounds_lines(case: Case) -> bool:
    settings = case.odoo_settings
    return settings is not None and settings.per_line


def _told(terms: TaxTerms) -> list[tuple[str, str, str]]:
    """Odoo's fields that are not as Lago computes: field, what it has to be, what it is."""
    kind = [] if terms.kind == PERCENT else [("amount_type", PERCENT, terms.kind)]
    return kind + ([("include_base_amount", "false", "true")] if terms.on_next else [])


def _matters(case: Case, terms: Terms, copies: Taxes | None = None) -> bool:
    """Whether the invoice is another by these terms: a rounding alone would speak for anything."""
    baseline, header = case.baseline, replace(case.terms, taxes={**case.terms.taxes, **(copies or {})})
    coupons = coupon_lines(baseline.lines, header, baseline.currency)
    items = (*((line.amount_cents, header.taxes.get(line.key, ())) for line in baseline.lines), *coupons)
    plain = {code: TaxTerms(place=tax.place) for code, tax in terms.items()}
    return document_taxes(items, terms, baseline.currency) != document_taxes(items, plain, baseline.currency)
