"""Small invoices for tests of the comparison: short to write, complete in their totals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from mappings.records import Snapshot, Tax
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.causes.changes import Edit
from reconcile.causes.recompute import edited
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.header import HeaderTerms, basis, header_of
from reconcile.rerate.header_terms import header_terms
from reconcile.rerate.history import History


def tax(code: str, rate: str) -> Tax:
    return Tax(lago_id="", code=code, name=code, rate=Decimal(rate))


HST = (tax("hst", "13"),)
GST_QST = (tax("gst", "5"), tax("qst", "9.975"))


def coupon(code: str, cents: int | None = None, *, percent: int | None = None, items: Sequence[str] = ()) -> HeldCoupon:
    """A coupon for ``cents`` or ``percent``; limited to the metrics of ``items``, which are called like these."""
    return HeldCoupon(
        code=code,
        coupon_type="percentage" if percent else "fixed_amount",
        frequency="forever",
        amount_cents=cents,
        currency=None if percent else "CAD",
        rate=None if percent is None else Decimal(percent),
        metric_codes=tuple(items) or None,
    )


def key(item: str = "c1", kind: str = "charge", **more: Any) -> LineKey:
    return LineKey(subscription=more.pop("subscription", "s1"), kind=kind, item=item, **more)


def line(
    cents: int, item: str = "c1", *, units: str | None = None, events: int | None = None, **more: Any
) -> BilledLine:
    number = None if units is None else Decimal(units)
    return BilledLine(key=key(item, **more), amount_cents=cents, label=f"line {item}", units=number, events=events)


def terms(lines: Sequence[BilledLine], coupons: Sequence[HeldCoupon] = (), taxes: tuple[Tax, ...] = HST) -> HeaderTerms:
    return HeaderTerms(
        taxes={line.key: taxes for line in lines},
        coupons=tuple(coupons),
        plan_codes={line.key.subscription: line.key.subscription for line in lines},
        metric_codes={line.key.item: line.key.item for line in lines},
    )


def terms_by_invoice(snapshot: Snapshot) -> dict[str, HeaderTerms]:
    """What the header of each of Lago's invoices follows from."""
    history = History(snapshot)
    return {lago_id: header_terms(history, invoice) for lago_id, invoice in history.invoices.items()}


def totals(lines: Sequence[BilledLine], rules: HeaderTerms | None = None) -> Totals:
    follows = header_of(lines, rules or terms(lines), "CAD")
    assert follows is not None
    return follows


def invoice(
    *lines: BilledLine,
    lago_id: str = "i1",
    header: Totals | None = None,
    rules: HeaderTerms | None = None,
    refusals: Sequence[Refusal] = (),
    silent: bool = False,
    currency: str = "CAD",
    **more: Any,
) -> BilledInvoice:
    """An invoice whose header follows Lago's rules (13 % on everything), unless another is given or it is silent."""
    stated = None if silent else header or totals(lines, rules)
    return BilledInvoice(
        lago_id=lago_id,
        number=f"NX-{lago_id}",
        customer="cust",
        currency=currency,
        issued_on=date(2026, 7, 1),
        lines=lines,
        totals=stated,
        refusals=tuple(refusals),
        **more,
    )


def under(terms: HeaderTerms, baseline: BilledInvoice, edits: Sequence[Edit]) -> BilledInvoice:
    """The invoice under ``edits``, its header added up again if it follows from the terms."""
    return edited(basis(terms, baseline), baseline, edits)
