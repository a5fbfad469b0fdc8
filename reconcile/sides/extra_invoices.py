"""Invoices of migrated customers in Odoo's books that Lago does not have, or of what Lago billed as well.

Not among them: shadow invoices, open balances that the migration brought, and what Odoo bills of its own orders since
it took them over (a credit note of that included), as long as Lago did not bill the same subscription on the same day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mappings.phrases import Told
from migrate.odoo.door import Door, Row
from migrate.values import number_or_none
from reconcile.billed import Billing
from reconcile.sides.extra_orders import FAMILY
from reconcile.sides.extras import EXTRA_INVOICE, Extra
from reconcile.sides.lago import ALL
from reconcile.sides.migrated import MigratedScope, owner_of, owners_of
from reconcile.sides.numbers import nearest_cents_of

MOVE = (
    "name",
    "ref",
    "state",
    "move_type",
    "invoice_date",
    "partner_id",
    "currency_id",
    "amount_untaxed",
    "amount_tax",
    "reversed_entry_id",
)
SIGNS = {"out_invoice": 1, "out_refund": -1, "out_receipt": 1}  # all documents that a customer owes or is owed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """What Odoo billed of its own orders: invoice -> its orders; and the invoices that bill what Lago billed too."""

    orders: Mapping[int, frozenset[int]]
    both: frozenset[int]


def extra_invoices(
    odoo: Door, scope: MigratedScope, billings: Iterable[Billing], brought: Mapping[int, str], period: str
) -> Iterator[Extra]:
    """Those of the period or without a date, and what takes back a balance (``brought``) of the period on any day."""
    moves = [row for row in _moves(odoo, scope, period) if row["id"] not in brought]
    moves += [row for row in _reversals(odoo, scope, period) if number_or_none(row["reversed_entry_id"]) in brought]
    our_orders = _own(odoo, scope, [row["id"] for row in moves], _billed(billings))
    extra = [row for row in moves if _is_extra(row, scope, our_orders)]
    owners = owners_of(odoo, scope, (row["partner_id"] for row in extra))
    for row in extra:
        yield _extra(row, scope, owners, both=row["id"] in our_orders.both)


def _moves(odoo: Door, scope: MigratedScope, period: str) -> Iterator[Row]:
    domain = _standing(odoo)
    if period != ALL:
        first, last = _ends(period)
        within = ["&", ["invoice_date", ">=", first], ["invoice_date", "<=", last]]
        domain += ["|", ["invoice_date", "=", False], *within]
    return odoo.search_among("account.move", FAMILY, sorted(scope.families), list(MOVE), domain=domain, names=True)


def _standing(odoo: Door) -> list[object]:
    domain: list[object] = [["move_type", "in", list(SIGNS)], ["state", "in", ["draft", "posted"]]]
    if "fusion_shadow" in odoo.fields_get("account.move", ("fusion_shadow",)):
        domain.append(["fusion_shadow", "=", False])
    return domain


def _ends(period: str) -> tuple[str, str]:
    year, month = (int(part) for part in period.split("-"))
    return f"{period}-01", str(date(year, month, calendar.monthrange(year, month)[1]))


def _reversals(odoo: Door, scope: MigratedScope, period: str) -> Iterator[Row]:
    """What takes back a document of the period on a day of another: Odoo's wizard writes that of today."""
    if period == ALL:
        return
    first, last = _ends(period)
    taken_back = [["reversed_entry_id.invoice_date", ">=", first], ["reversed_entry_id.invoice_date", "<=", last]]
    elsewhere = ["|", ["invoice_date", "<", first], ["invoice_date", ">", last]]
    domain = [*_standing(odoo), *taken_back, *elsewhere]
    yield from odoo.search_among("account.move", FAMILY, sorted(scope.families), list(MOVE), domain=domain, names=True)


def _billed(billings: Iterable[Billing]) -> frozenset[tuple[str, str]]:
    """(subscription, day) of all that Lago billed; its clock may be late, or be past midnight in UTC already."""
    return frozenset(
        (billing.subscription, str((billing.at + timedelta(days=shift)).date()))
        for billing in billings
        for shift in (-1, 0, 1)
    )


def _own(odoo: Door, scope: MigratedScope, moves: Sequence[int], billed: frozenset[tuple[str, str]]) -> _Own:
    orders: dict[int, frozenset[int]] = {}
    both = set()
    if "fusion_order_id" in odoo.fields_get("account.move.line", ("fusion_order_id",)):
        domain = [["fusion_order_id", "!=", False]]
        fields = ["move_id", "fusion_order_id"]
        for row in odoo.search_among("account.move.line", "move_id", moves, fields, domain=domain):
            move, order = number_or_none(row["move_id"]) or 0, number_or_none(row["fusion_order_id"]) or 0
            orders[move] = orders.get(move, frozenset()) | {order}
        periods = odoo.search_among("fusion.billing.period", "move_id", moves, ["move_id", "order_id", "at"])
        for row in periods:
            subscription = scope.orders.get(number_or_none(row["order_id"]) or 0, "")
            if (subscription, str(row["at"])[:10]) in billed:
                both.add(number_or_none(row["move_id"]) or 0)
    return _Own(orders=orders, both=frozenset(both))


def _is_extra(row: Row, scope: MigratedScope, our_orders: _Own) -> bool:
    """What no order of ours was billed on, or what was billed twice; a credit note goes with what it takes back."""
    move = number_or_none(row["reversed_entry_id"]) if row["reversed_entry_id"] else row["id"]
    of_ours = any(scope.has(order) for order in our_orders.orders.get(move or 0, ()))
    return move in our_orders.both or not of_ours


def _extra(row: Row, scope: MigratedScope, owners: Mapping[int, str], *, both: bool) -> Extra:
    customer = owner_of(row, owners)
    currency = str(row["currency_id"][1])
    name = row["name"] or row["ref"] or f"draft {row['id']}"
    facts = {"what": str(name), "day": row["invoice_date"] or "–", "state": str(row["state"])}
    sign = SIGNS[row["move_type"]]
    detail = Told.BILLED_BY_BOTH if both else Told.ONLY_INVOICE
    return Extra(
        kind=EXTRA_INVOICE,
        record=f"account.move,{row['id']}",
        name=facts["what"],
        customer=customer,
        customer_name=scope.names.get(customer, customer),
        currency=currency,
        net_cents=sign * nearest_cents_of(row["amount_untaxed"], currency),
        tax_cents=sign * nearest_cents_of(row["amount_tax"], currency),
        detail=detail.of(facts["what"], facts["day"], facts["state"]),
        facts=facts,
        day=date.fromisoformat(row["invoice_date"]) if row["invoice_date"] else None,
    )
