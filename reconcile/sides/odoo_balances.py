"""What is still open of Lago's invoices, on Lago's side and in Odoo: open balances, held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mappings.balances import due_cents
from mappings.records import Snapshot
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of
from migrate.odoo.values import number_or_none
from reconcile.billed import BilledInvoice, OpenLine, Refusal, Side, ThreeSides
from reconcile.sides.numbers import decimal_in, nearest_cents_of

BALANCE_CURRENCY = "balance_currency"


def with_balances(odoo: Door, snapshot: Snapshot, sides: ThreeSides) -> ThreeSides:
    """The sides with ``settled_cents``: what was taken off after tax until today, paid amounts included.

    Odoo tells it by the open balance that the phase ``balances`` brought: as long as that is a draft, and for
    customers of whom it has any. Everything else stays unsaid.
    """
    invoices = {i.lago_id: i for i in snapshot.invoices}
    balances = _open_balances(odoo, snapshot)
    open_in_odoo = _told(snapshot, sides.lago, balances)
    gross = {i: totals.gross_cents for i in open_in_odoo if (totals := sides.lago[i].totals) is not None}
    settled_in_lago = {i: due_cents(invoices[i]) - cents for i, cents in gross.items()}
    settled_in_odoo = {i: open_in_odoo[i] - cents for i, cents in gross.items()}
    of_odoo = _with_settled(sides.odoo, settled_in_odoo)
    lines = _lines(odoo, (i for i in balances if settled_in_odoo.get(i) != settled_in_lago.get(i)))
    return ThreeSides(
        lago=_with_settled(sides.lago, settled_in_lago),
        odoo={
            i: _stated(invoice, open_in_odoo.get(i), balances.get(i), lines.get(i)) for i, invoice in of_odoo.items()
        },
        rerate=_with_settled(sides.rerate, settled_in_lago),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Balance:
    """An open balance in Odoo. ``cents``: None where it went on living there (posted, cancelled).

    ``partner``: who owes it. ``foreign``: what it says in another currency than Lago's invoice, which is no number of
    that invoice.
    """

    cents: int | None
    partner: int | None
    foreign: str = ""


_NONE = _Balance(cents=0, partner=None)


def _stated(
    invoice: BilledInvoice, cents: int | None, balance: _Balance | None, line: OpenLine | None
) -> BilledInvoice:
    """The invoice with what is open of it in Odoo, and who owes it, if anybody; refused if in another currency."""
    debtor = (balance.partner,) if balance and balance.partner else ()
    stated = replace(invoice, open_cents=cents, open_line=line, payers=(*invoice.payers, *debtor))
    if balance is None or not balance.foreign:
        return stated
    told = (
        f"its open balance in Odoo is {balance.foreign}, Lago's invoice is in {invoice.currency}: set its currency back"
    )
    return replace(stated, refusals=(*stated.refusals, Refusal(reason=BALANCE_CURRENCY, detail=told)))


def _told(snapshot: Snapshot, lago: Side, balances: Mapping[str, _Balance]) -> dict[str, int]:
    """Lago's invoice -> cents that are open in Odoo, of those that Odoo speaks of; also where it bills nothing else."""
    owners = _owners(snapshot)
    customers = {owners[lago_id] for lago_id in balances}
    return {
        lago_id: cents
        for lago_id in lago
        if owners.get(lago_id) in customers and (cents := balances.get(lago_id, _NONE).cents) is not None
    }


def _owners(snapshot: Snapshot) -> dict[str, str]:
    return {i.lago_id: i.customer.lago_id for i in snapshot.invoices if i.customer}


def _with_settled(side: Side, settled: Mapping[str, int]) -> dict[str, BilledInvoice]:
    return {i: replace(one, settled_cents=settled.get(i)) if one.totals else one for i, one in side.items()}


def _open_balances(odoo: Door, snapshot: Snapshot) -> dict[str, _Balance]:
    """Lago's open invoice -> its balance in Odoo."""
    owners = _owners(snapshot)
    due = [i.lago_id for i in snapshot.invoices if owners.get(i.lago_id) and due_cents(i)]
    numbers = {number: lago_id for lago_id, number in made_of(odoo, "account.move", "invoice", due).items()}
    fields = ["state", "amount_total", "currency_id", "partner_id"]
    rows = odoo.search_among("account.move", "id", sorted(numbers), fields, names=True)
    currencies = {i.lago_id: i.currency for i in snapshot.invoices}
    return {(lago_id := numbers[row["id"]]): _balance(row, currencies[lago_id]) for row in rows}


def _lines(odoo: Door, invoices: Iterable[str]) -> dict[str, OpenLine]:
    """Lago's open invoice -> the line of its balance that the migration made."""
    made = made_of(odoo, "account.move.line", "invoice", invoices, "open")
    numbers = {number: lago_id for lago_id, number in made.items()}
    fields = ["quantity", "price_unit", "discount", "tax_ids"]
    rows = odoo.search_among("account.move.line", "id", sorted(numbers), fields)
    return {numbers[row["id"]]: _line(row) for row in rows}


def _line(row: Row) -> OpenLine:
    return OpenLine(
        quantity=decimal_in(row["quantity"]),
        price=decimal_in(row["price_unit"]),
        discount=decimal_in(row["discount"]),
        taxed=bool(row["tax_ids"]),
    )


def _balance(row: Row, invoiced_in: str) -> _Balance:
    currency = row["currency_id"][1] if isinstance(row["currency_id"], list | tuple) else ""
    partner = number_or_none(row["partner_id"])
    if row["state"] != "draft":
        return _Balance(cents=None, partner=partner)
    if currency != invoiced_in:
        return _Balance(cents=None, partner=partner, foreign=f"{row['amount_total']} {currency}")
    return _Balance(cents=nearest_cents_of(row["amount_total"], currency), partner=partner)
