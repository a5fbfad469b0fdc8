"""What Lago is owed, held against Odoo's receivable accounts: the trial balance of all months.

Odoo knows the migration's balances by their external ids, as drafts or posted. Everything else that is open on a
receivable account belongs to other documents: Odoo's own invoices, payments on account, customers of before.
Of some customers alone: their balances, and what stands on the accounts in the name of their partners.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mappings.owed import billed_to, credit_cents, credited_to, due_cents
from mappings.records import Snapshot
from mappings.target import xid
from migrate.odoo.door import Door, Row
from migrate.values import number_or_none
from reconcile.sides.migrated import scope_of
from reconcile.sides.numbers import nearest_cents_of
from reconcile.sides.odoo_balances import currency_of
from reconcile.sides.unread import unread_owed
from reports.data import ReceivableView

OPEN = (
    ["account_id.account_type", "=", "asset_receivable"],
    ["parent_state", "=", "posted"],
    ["reconciled", "=", False],
)
OPEN_FIELDS = ["move_id", "partner_id", "currency_id", "amount_residual_currency"]
BALANCE_FIELDS = ("state", "move_type", "currency_id", "amount_total", "amount_residual")
SIGNS = {"out_invoice": 1, "out_refund": -1}
Sums = dict[str, int]  # currency -> cents


def receivables(
    odoo: Door, snapshot: Snapshot, brought: Mapping[int, str], customers: frozenset[str] | None = None
) -> tuple[ReceivableView, ...]:
    """One view per currency in which anything is open on either side; nothing before any balance was brought.

    ``brought``: ``balances_of`` Odoo. ``customers``: external ids of those that are asked about; None: of all, and of
    everybody else in the accounts.
    """
    if customers is not None:
        names = frozenset(_names(snapshot, customers))
        brought = {number: name for number, name in brought.items() if name in names}
    owed = {name: due for name, due in _owed(snapshot).items() if customers is None or name in names}
    if not any(name in owed for name in brought.values()):
        return ()
    lago, missing = _split(owed, frozenset(brought.values()))
    rows = list(odoo.search_among("account.move", "id", sorted(brought), list(BALANCE_FIELDS), names=True))
    draft, posted, paid = _of_balances(rows)
    astray = _astray([(row, owed[brought[row["id"]]]) for row in rows if brought[row["id"]] in owed])
    partners = None if customers is None else frozenset(scope_of(odoo, snapshot, customers).families)
    other, account = _of_accounts(odoo, brought, partners)
    sums = (lago, missing, draft, posted, paid, other, account, astray)
    return tuple(
        ReceivableView(
            currency=currency,
            lago_cents=lago[currency],
            missing_cents=missing[currency],
            draft_cents=draft[currency],
            posted_cents=posted[currency],
            paid_cents=paid[currency],
            other_cents=other[currency],
            account_cents=account[currency],
            astray_cents=astray[currency],
        )
        for currency in sorted({c for each in sums for c, cents in each.items() if cents})
    )


def _owed(snapshot: Snapshot) -> dict[str, tuple[str, int]]:
    """External id of the balance -> (currency, what Lago is owed); a credit note that is left is owed by Lago.

    What is in quarantine is owed all the same.
    """
    invoices = {xid("invoice", i.lago_id): (i.currency, due_cents(i)) for i in snapshot.invoices}
    notes = {xid("credit_note", n.lago_id): (n.currency, -credit_cents(n)) for n in snapshot.credit_notes}
    unread = {name: (currency, cents) for name, _, currency, cents in unread_owed(snapshot)}
    return {name.removeprefix("lago."): due for name, due in (unread | invoices | notes).items() if due[1]}


def _names(snapshot: Snapshot, customers: frozenset[str]) -> Iterator[str]:
    """External ids of the balances of these customers."""
    invoices = {invoice.lago_id: invoice for invoice in snapshot.invoices}
    owners = {xid("invoice", i.lago_id): billed_to(i) for i in snapshot.invoices}
    owners |= {
        xid("credit_note", n.lago_id): credited_to(n, invoices.get(n.lago_invoice_id)) for n in snapshot.credit_notes
    }
    asked = {customer.lago_id for customer in snapshot.customers if customer.external_id in customers}
    unread = (name for name, owner, _, _ in unread_owed(snapshot) if owner in customers)
    theirs = (*(name for name, owner in owners.items() if owner in asked), *unread)
    return (name.removeprefix("lago.") for name in theirs)


def _split(owed: Mapping[str, tuple[str, int]], brought: frozenset[str]) -> tuple[Sums, Sums]:
    """What is in Odoo, and what is not."""
    sums: tuple[Sums, Sums] = (defaultdict(int), defaultdict(int))
    for name, (currency, cents) in owed.items():
        sums[name not in brought][currency] += cents
    return sums


def _of_balances(rows: Sequence[Row]) -> tuple[Sums, Sums, Sums]:
    """(drafts, what is left of posted ones, what was settled of these), also of those that Lago is owed no more."""
    draft: Sums = defaultdict(int)
    posted: Sums = defaultdict(int)
    paid: Sums = defaultdict(int)
    for row in rows:
        currency, sign = currency_of(row), SIGNS.get(row["move_type"], 0)
        if row["state"] == "draft":
            draft[currency] += sign * nearest_cents_of(row["amount_total"], currency)
        elif row["state"] == "posted":
            left = nearest_cents_of(row["amount_residual"], currency)
            posted[currency] += sign * left
            paid[currency] += sign * (nearest_cents_of(row["amount_total"], currency) - left)
    return draft, posted, paid


def _astray(balances: Sequence[tuple[Row, tuple[str, int]]]) -> Sums:
    """Posted ones in another currency than Lago's: they lack in the one, and are none of the other's."""
    astray: Sums = defaultdict(int)
    for row, (owed_in, cents) in balances:
        currency = currency_of(row)
        if row["state"] == "posted" and currency != owed_in:
            astray[owed_in] += cents
            astray[currency] -= SIGNS.get(row["move_type"], 0) * nearest_cents_of(row["amount_residual"], currency)
    return astray


def _of_accounts(odoo: Door, brought: Mapping[int, str], partners: frozenset[int] | None) -> tuple[Sums, Sums]:
    """(other documents, all): open lines of the receivable accounts, of these partners besides (None: of everybody)."""
    other: Sums = defaultdict(int)
    account: Sums = defaultdict(int)
    for row in odoo.search_read("account.move.line", list(OPEN), OPEN_FIELDS, names=True):
        is_ours = number_or_none(row["move_id"]) in brought
        if partners is not None and not is_ours and number_or_none(row["partner_id"]) not in partners:
            continue
        currency = currency_of(row)
        cents = nearest_cents_of(row["amount_residual_currency"], currency)
        account[currency] += cents
        if not is_ours:
            other[currency] += cents
    return other, account
