"""Lago's own control totals: what its finalized invoices add up to, to be seen before anything is moved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TypeGuard

from mappings.known import is_currency
from mappings.lost import LostInvoice
from mappings.quarantine import Quarantined
from mappings.records import Invoice, Snapshot
from mappings.sellers import UnreadSellers
from migrate.rawjson import loads

SumsRow = dict[str, Any]  # names and cents
Sums = list[SumsRow]

SUMS = (
    "fees_amount_cents",
    "coupons_amount_cents",
    "sub_total_excluding_taxes_amount_cents",
    "taxes_amount_cents",
    "sub_total_including_taxes_amount_cents",
    "prepaid_credit_amount_cents",
    "credit_notes_amount_cents",
    "total_amount_cents",
    "total_paid_amount_cents",
)


def invoice_sums(invoices: Iterable[Invoice]) -> Sums:
    """Finalized invoices by issuing month and currency: Lago's own control totals, in cents."""
    rows: dict[tuple[str, str], SumsRow] = {}
    for invoice in invoices:
        if invoice.status != "finalized":
            continue
        key = (invoice.issuing_date.strftime("%Y-%m"), invoice.currency)
        empty = {"month": key[0], "currency": key[1], "invoices": 0, **dict.fromkeys(SUMS, 0)}
        row = rows.setdefault(key, empty)
        row["invoices"] += 1
        for name in SUMS:
            row[name] += getattr(invoice, name)
    return [rows[key] for key in sorted(rows)]


def unclaimed_sums(invoices: Iterable[Invoice]) -> Sums:
    """Invoices that are no claim, by state and currency: in none of the sums, and counted all the same."""
    rows: dict[tuple[str, str], SumsRow] = {}
    for invoice in invoices:
        if invoice.status == "finalized":
            continue
        key = (invoice.status, invoice.currency)
        row = rows.setdefault(key, {"state": key[0], "currency": key[1], "invoices": 0, "billed_cents": 0})
        row["invoices"] += 1
        row["billed_cents"] += invoice.sub_total_including_taxes_amount_cents
    return [rows[key] for key in sorted(rows)]


_MOST = 2**63  # cents: as many as Lago can keep


def unread_sums(quarantined: Iterable[Quarantined]) -> Sums:
    """Invoices in quarantine by month and currency, as far as their own text can be read: in none of the sums either.

    ``month`` and ``currency`` are empty where they cannot be read, ``billed_cents`` then is None: only counted.
    """
    rows: dict[tuple[str, str, bool], SumsRow] = {}
    for unread in quarantined:
        if unread.resource != "invoices":
            continue
        month, currency, cents = _readable(loads(unread.raw))
        key = (month, currency, cents is None)
        row = rows.setdefault(key, {"month": month, "currency": currency, "invoices": 0, "billed_cents": cents and 0})
        row["invoices"] += 1
        if cents is not None:
            row["billed_cents"] += cents
    return [rows[key] for key in sorted(rows)]


def lost_sums(lost: Iterable[LostInvoice]) -> Sums:
    """Invoices that were lost on the way, by the month and currency of their fees: ``reconcile`` counts them too.

    ``month`` is empty and ``billed_cents`` None where no fee tells of one.
    """
    rows: dict[tuple[str, str], SumsRow] = {}
    for invoice in lost:
        month = invoice.day.strftime("%Y-%m") if invoice.day else ""
        empty = {"month": month, "currency": invoice.currency, "invoices": 0, "billed_cents": 0 if month else None}
        row = rows.setdefault((month, invoice.currency), empty)
        row["invoices"] += 1
        if month:
            row["billed_cents"] += invoice.net_cents + invoice.tax_cents
    return [rows[key] for key in sorted(rows)]


def unread_credits(snapshot: Snapshot, customers: frozenset[str] | None = None) -> Sums:
    """Prepaid credits that nobody moves because of a quarantine, by currency.

    Of wallets that cannot be read, and of customers who cannot be, or of whom Lago shows nothing. ``customers``:
    external ids of a cohort. What is used up and more lessens nobody else's: it is a row of its own. As of invoices:
    ``currency`` is empty and ``balance_cents`` None where they cannot be read.
    """
    waiting = (*_unread_wallets(snapshot.quarantined), *_wallets_of_unread(snapshot))
    rows: dict[tuple[str, bool, bool], SumsRow] = {}
    for owner, currency, cents in waiting:
        if customers is not None and owner not in (*customers, ""):
            continue
        key = (currency, cents is None, cents is not None and cents < 0)
        row = rows.setdefault(key, {"currency": currency, "wallets": 0, "balance_cents": None if cents is None else 0})
        row["wallets"] += 1
        if cents is not None:
            row["balance_cents"] += cents
    return [rows[key] for key in sorted(rows)]


def _unread_wallets(quarantined: Iterable[Quarantined]) -> Iterator[tuple[str, str, int | None]]:
    """(external id of the owner, currency, balance) of wallets in quarantine, as far as their own text can be read."""
    for unread in quarantined:
        payload = loads(unread.raw) if unread.resource == "wallets" else None
        shown: dict[str, object] = payload if isinstance(payload, dict) else {}
        if unread.resource != "wallets" or shown.get("status") == "terminated":
            continue
        currency, cents = shown.get("currency"), shown.get("balance_cents")
        known = currency if isinstance(currency, str) and is_currency(currency) else ""
        yield unread.customer, known, cents if known and _is_cents(cents) else None


def _wallets_of_unread(snapshot: Snapshot) -> Iterator[tuple[str, str, int | None]]:
    """The same of wallets that can be read, and whose customers wait; one below 0 is named (``wallet_negative``)."""
    sellers = UnreadSellers.of(snapshot)
    movable = {customer.lago_id for customer in snapshot.customers if sellers.of_customer(customer) is None}
    for wallet in snapshot.wallets:
        if wallet.status == "active" and wallet.balance_cents > 0 and wallet.lago_customer_id not in movable:
            yield wallet.external_customer_id, wallet.currency, wallet.balance_cents


def _readable(payload: object) -> tuple[str, str, int | None]:
    """Month, currency and what it bills. An amount without its currency says nothing."""
    shown: dict[str, object] = payload if isinstance(payload, dict) else {}
    currency, cents = shown.get("currency"), shown.get("sub_total_including_taxes_amount_cents")
    known = currency if isinstance(currency, str) and is_currency(currency) else ""
    return _month(shown.get("issuing_date")), known, cents if known and _is_cents(cents) else None


def _is_cents(value: object) -> TypeGuard[int]:
    return type(value) is int and abs(value) < _MOST


def _month(day: object) -> str:
    try:
        return date.fromisoformat(str(day)).strftime("%Y-%m")
    except ValueError:
        return ""
