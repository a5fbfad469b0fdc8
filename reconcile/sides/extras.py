"""What Odoo bills a migrated customer and Lago has not: as an invoice that only Odoo has, or as a named refusal.

What Odoo bills in another currency than Lago is on no invoice of Lago's either: it stands in its own currency.

An order bills its amount every interval, whatever month is looked at: it stands in every run, once. So does an invoice
without a date, which is billed on the day on which somebody posts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from mappings.lost_records import SUBSCRIPTION
from mappings.phrases import Phrase, Told
from reconcile.billed import BilledInvoice, BilledLine, ForeignSum, LineKey, Refusal, Totals
from reconcile.sides.numbers import nearest_cents_of
from reconcile.sides.odoo_answers import SETTLED_ELSEWHERE

FOREIGN = "currency"  # the cause: Odoo's bill, in the currency that it is in
EXTRA_ORDER, EXTRA_INVOICE, EXTRA_CHARGE, EXTRA_COUPON, EXTRA_BALANCE, LACKING_BALANCE, EXTRA_USAGE = (
    "extra_order",  # a running order that no subscription of Lago's stands behind
    "extra_invoice",  # an invoice that Lago did not make, or of what Lago billed too
    "extra_charge",  # a charge on a migrated plan or order
    "extra_coupon",  # a coupon on a migrated order
    "extra_balance",  # an open balance that the migration brought, of what is open in Lago no more
    "lacking_balance",  # less is open of it than in Lago
    "extra_open_usage",  # usage of the running period that Lago has not
)
LOST_ORDER = SUBSCRIPTION  # a running order whose subscription Lago had: a refusal, as nothing says it is in excess
NAME_ORDER = "name_order"  # the remedy of an order that has only lost its external id


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One thing that only Odoo has.

    ``record``: Odoo's, as ``sale.order,12``; ``customer``: external id, empty for what several customers share.
    ``net_cents``, ``tax_cents``: what it bills each time; None where its record does not tell. ``detail``: what
    it is, in short; ``facts`` fill its evidence; ``remedy``: another than that of its kind. ``day``: of an invoice, if
    it has one. ``state``: of Lago's invoice, where it bills the same.
    """

    kind: str
    record: str
    name: str
    customer: str
    customer_name: str
    currency: str
    detail: Phrase
    net_cents: int | None = None
    tax_cents: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""
    day: date | None = None
    state: str = ""
    refusals: tuple[Refusal, ...] = ()

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
    amount = f"{foreign.amount} {foreign.currency}"
    orders = ", ".join(f"sale.order {name}" for name in foreign.orders.values())
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
        detail=Told.BILLS_IN_OTHER.of(amount, lago.number, lago.currency),
        facts={"amount": amount, "currency": lago.currency, "where": orders or "sale.order"},
        day=lago.issued_on,
        state=lago.state,
        refusals=foreign.refusals,
    )


def as_invoices(extras: Iterable[Extra], day: date) -> dict[str, BilledInvoice]:
    """Odoo's side of them, by record. ``day``: where those stand that have none."""
    return {extra.record: _as_invoice(extra, extra.day or day) for extra in extras}


def _as_invoice(extra: Extra, day: date) -> BilledInvoice:
    net, tax = extra.net_cents, extra.tax_cents or 0
    known = net is not None and (net or tax) != 0 and not extra.refusals
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
        refusals=() if known else extra.refusals or (Refusal(reason=extra.kind, detail=extra.detail),),
        unstated=SETTLED_ELSEWHERE,
    )
