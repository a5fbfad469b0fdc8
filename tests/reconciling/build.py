"""Small invoices for tests of the comparison: short to write, complete in their totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from reconcile.lines import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.whatif import Bill, CouponUse, LineTax, header_of

HST = (LineTax("hst", Decimal(13)),)


def key(item: str = "c1", kind: str = "charge", **more: Any) -> LineKey:
    return LineKey(subscription=more.pop("subscription", "s1"), kind=kind, item=item, **more)


def line(
    cents: int, item: str = "c1", *, units: str | None = None, events: int | None = None, **more: Any
) -> BilledLine:
    number = None if units is None else Decimal(units)
    return BilledLine(key=key(item, **more), amount_cents=cents, label=f"line {item}", units=number, events=events)


def bill(lines: Sequence[BilledLine], coupons: Sequence[CouponUse] = (), taxes: tuple[LineTax, ...] = HST) -> Bill:
    return Bill(taxes={one.key: taxes for one in lines}, coupons=tuple(coupons))


def totals(lines: Sequence[BilledLine], rules: Bill | None = None) -> Totals:
    found = header_of(lines, rules or bill(lines))
    assert found is not None
    return found


def invoice(
    *lines: BilledLine,
    lago_id: str = "i1",
    header: Totals | None = None,
    rules: Bill | None = None,
    refusals: Sequence[Refusal] = (),
    silent: bool = False,
    facts: Mapping[str, Any] | None = None,
    currency: str = "CAD",
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
        facts=dict(facts or {}),
    )
