"""What is still open of Lago's invoices, on Lago's side and in Odoo: open balances, held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mappings.owed import billed_to, due_cents, is_disputed
from mappings.phrases import Told
from mappings.records import Invoice, Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of
from migrate.values import number_or_none
from reconcile.billed import BilledInvoice, OpenLine, Refusal, Side, ThreeSides
from reconcile.sides.numbers import decimal_in, nearest_cents_of

BALANCE_CURRENCY = "balance_currency"


def with_balances(odoo: Door, snapshot: Snapshot, sides: ThreeSides, brought: Mapping[int, str]) -> ThreeSides:
    """The sides with ``settled_cents``: what was taken off after tax until today, paid amounts included.

    Odoo tells it by the open balance that the phase ``balances`` brought, and for customers of whom it has any: by the
    draft, also of an invoice that Lago has been paid or that was voided there since; by what is left of a posted one,
    if that is not less than Lago is owed. Everything else stays unsaid. ``brought``: Odoo's ids of what the migration
    brought to account.move, with their external ids.
    """
    invoices = {i.lago_id: i for i in snapshot.invoices}
    balances = _open_balances(odoo, snapshot, brought)
    open_in_odoo = _told(snapshot, sides.lago, balances)
    gross = {i: totals.gross_cents for i in open_in_odoo if (totals := sides.lago[i].totals) is not None}
    settled_in_lago = {i: due_cents(invoices[i]) - cents for i, cents in gross.items()}
    settled_in_odoo = {i: open_in_odoo[i] - cents for i, cents in gross.items()}
    of_odoo = _with_settled(sides.odoo, settled_in_odoo)
    lines = _lines(odoo, {i: b for i, b in balances.items() if settled_in_odoo.get(i) != settled_in_lago.get(i)})
    return ThreeSides(
        lago=_with_settled(sides.lago, settled_in_lago),
        odoo={
            i: _stated(invoice, open_in_odoo.get(i), balances.get(i), lines.get(i)) for i, invoice in of_odoo.items()
        },
        rerate=_with_settled(sides.rerate, settled_in_lago),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Balance:
    """An open balance in Odoo. ``cents``: None where it went on living there (paid in part or whole, cancelled).

    ``partner``: who owes it. ``foreign``: what it says in another currency than Lago's invoice, which is no number of
    that invoice.
    """

    cents: int | None
    partner: int | None
    foreign: str = ""
    posted: bool = False


_NONE = _Balance(cents=0, partner=None)


def _stated(
    invoice: BilledInvoice, cents: int | None, balance: _Balance | None, line: OpenLine | None
) -> BilledInvoice:
    """The invoice with what is open of it in Odoo, and who owes it, if anybody; refused if in another currency."""
    debtor = (balance.partner,) if balance and balance.partner else ()
    stated = replace(invoice, open_cents=cents, open_line=line, payers=(*invoice.payers, *debtor))
    if balance is None or not balance.foreign:
        return stated
    wrong = Told.POSTED_IN_OTHER if balance.posted else Told.BALANCE_IN_OTHER
    told = wrong.of(balance.foreign, invoice.currency)
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
    return {invoice.lago_id: owner for invoice in snapshot.invoices if (owner := billed_to(invoice))}


def _with_settled(side: Side, settled: Mapping[str, int]) -> dict[str, BilledInvoice]:
    return {i: replace(one, settled_cents=settled.get(i)) if one.totals else one for i, one in side.items()}


def _open_balances(odoo: Door, snapshot: Snapshot, brought: Mapping[int, str]) -> dict[str, _Balance]:
    """Lago's invoice -> its balance in Odoo, whether or not Lago is still owed anything of it."""
    owners = _owners(snapshot)
    invoices = {i.lago_id: i for i in snapshot.invoices if owners.get(i.lago_id) and is_judged(i)}
    prefix = xid("invoice", "").removeprefix("lago.")
    names = {number: name.removeprefix(prefix) for number, name in brought.items()}
    numbers = {number: lago_id for number, lago_id in names.items() if lago_id in invoices}
    rows = odoo.search_among("account.move", "id", sorted(numbers), list(MOVE), names=True)
    return {(lago_id := numbers[row["id"]]): _balance(row, invoices[lago_id]) for row in rows}


def is_judged(invoice: Invoice) -> bool:
    """Whether Lago says what it is owed of it: not of one that is not final, or whose payment the bank took back."""
    return invoice.status in ("finalized", "voided") and not is_disputed(invoice)


def _lines(odoo: Door, balances: Mapping[str, _Balance]) -> dict[str, OpenLine]:
    """Lago's open invoice -> the line of its balance that the migration made."""
    made = made_of(odoo, "account.move.line", "invoice", balances, "open")
    numbers = {number: lago_id for lago_id, number in made.items()}
    fields = ["quantity", "price_unit", "discount", "tax_ids"]
    rows = odoo.search_among("account.move.line", "id", sorted(numbers), fields)
    return {(lago_id := numbers[row["id"]]): _line(row, posted=balances[lago_id].posted) for row in rows}


def _line(row: Row, *, posted: bool) -> OpenLine:
    return OpenLine(
        quantity=decimal_in(row["quantity"]),
        price=decimal_in(row["price_unit"]),
        discount=decimal_in(row["discount"]),
        taxed=bool(row["tax_ids"]),
        posted=posted,
    )


def _balance(row: Row, invoice: Invoice) -> _Balance:
    partner, left = number_or_none(row["partner_id"]), open_in(row)
    if left is None:
        return _Balance(cents=None, partner=partner)
    posted, (amount, currency) = row["state"] == "posted", left
    if currency != invoice.currency:
        settled = posted and not amount and not due_cents(invoice)  # on both sides
        foreign = "" if settled else f"{row['amount_total']} {currency}"
        return _Balance(cents=None, partner=partner, foreign=foreign, posted=posted)
    cents = nearest_cents_of(amount, currency)
    paid_in_odoo = posted and cents < due_cents(invoice)  # Lago does not hear of it
    return _Balance(cents=None if paid_in_odoo else cents, partner=partner, posted=posted)


MOVE = ("state", "amount_total", "amount_residual", "currency_id", "partner_id")


def open_in(row: Row) -> tuple[object, str] | None:
    """What a document of Odoo's (its ``MOVE``) is still open of: (units, currency); None of one that is cancelled."""
    amounts = {"draft": row["amount_total"], "posted": row["amount_residual"]}
    return (amounts[row["state"]], currency_of(row)) if row["state"] in amounts else None


def currency_of(row: Row) -> str:
    """The code of a row's currency, which was read with its name; empty where it has none."""
    return str(row["currency_id"][1]) if isinstance(row["currency_id"], list | tuple) else ""
