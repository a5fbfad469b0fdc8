"""What Odoo bills a migrated customer and Lago has not: as an invoice that only Odoo has, or as a named refusal.

What Odoo bills in another currency than Lago is on no invoice of Lago's either: it stands in its own currency.

An order bills its amount every interval, whatever month is looked at: it stands in every run, once. So does an invoice
without a date, which is billed on the day on which somebody posts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from reconcile.billed import BilledInvoice, BilledLine, ForeignSum, LineKey, Refusal, Totals
from reconcile.sides.numbers import nearest_cents_of
from reconcile.sides.odoo_answers import SETTLED_ELSEWHERE

FOREIGN = "currency"  # the cause: Odoo's bill, in the currency that it is in
EXTRA_ORDER, EXTRA_INVOICE, EXTRA_CHARGE, EXTRA_COUPON, EXTRA_BALANCE = KINDS = (
    "extra_order",  # a running order that no subscription of Lago's stands behind
    "extra_invoice",  # an invoice that Lago did not make, or of what Lago billed too
    "extra_charge",  # a charge on a migrated plan or order
    "extra_coupon",  # a coupon on a migrated order
    "extra_balance",  # an open balance that the migration brought, of what is open in Lago no more
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One thing that only Odoo has.

    ``record``: Odoo's, as ``sale.order,12``; ``customer``: external id, empty for what several customers share.
    ``net_cents``, ``tax_cents``: what it bills each time; None where its record does not tell. ``told``: name of the
    evidence, which ``facts`` fill; ``detail`` says it in English. ``day``: of an invoice, if it has one. ``state``: of
    Lago's invoice, where it bills the same.
    """

    kind: str
    record: str
    name: str
    customer: str
    customer_name: str
    currency: str
    told: str
    detail: str
    net_cents: int | None = None
    tax_cents: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None
    state: str = ""

    @property
    def gross_cents(self) -> int | None:
        """What it bills each time; None where its record does not tell."""
        return None if self.net_cents is None else self.net_cents + (self.tax_cents or 0)


def foreign_bills(lago: Mapping[str, BilledInvoice], odoo: Mapping[str, BilledInvoice]) -> Iterator[Extra]:
    """What Odoo bills in other currencies than Lago's invoices are in."""
    for number, invoice in odoo.items():
        for foreign in invoice.foreign if number in lago else ():
            yield _foreign_bill(lago[number], foreign)


def _foreign_bill(lago: BilledInvoice, foreign: ForeignSum) -> Extra:
    told = f"{foreign.amount} {foreign.currency}"
    tax = nearest_cents_of(foreign.tax, foreign.currency)
    return Extra(
        kind=FOREIGN,
        record=f"{lago.lago_id},{foreign.currency}",
        name=f"{lago.number} ({foreign.currency})",
        customer=lago.customer,
        customer_name=lago.customer_name or lago.customer,
        currency=foreign.currency,
        net_cents=nearest_cents_of(foreign.amount, foreign.currency) - tax,
        tax_cents=tax,
        told="other_currency",
        detail=f"Odoo bills {told} of {lago.number}, which is in {lago.currency}",
        facts={"amount": told, "currency": lago.currency},
        day=lago.issued_on,
        state=lago.state,
    )


def as_invoices(extras: Iterable[Extra], day: date) -> dict[str, BilledInvoice]:
    """Odoo's side of them, by record. ``day``: where those stand that have none."""
    return {extra.record: _as_invoice(extra, extra.day or day) for extra in extras}


def _as_invoice(extra: Extra, day: date) -> BilledInvoice:
    net, tax = extra.net_cents, extra.tax_cents or 0
    known = net is not None and (net or tax) != 0
    line = BilledLine(key=LineKey("", extra.kind, extra.record), amount_cents=net or 0, label=extra.name)
    return BilledInvoice(
        lago_id=extra.record,
        number=extra.name,
        customer=extra.customer,
        customer_name=extra.customer_name,
        currency=extra.currency,
        issued_on=day,
        type="only_odoo",
        state=extra.state,
        lines=(line,) if known else (),
        totals=Totals.of(net or 0, tax) if known else None,
        refusals=() if known else (Refusal(reason=extra.kind, detail=extra.detail),),
        unstated=SETTLED_ELSEWHERE,
    )
