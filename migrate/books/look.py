"""What Odoo has that the books need: accounts, taxes, closed periods, rates, partners. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from mappings.books.documents import BOOKS
from mappings.books.odoo_books import NO_TAX, OdooBooks, OdooTax
from mappings.books.table import codes_of
from mappings.tables import Tables
from mappings.target import OURS
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import made_of, records_named
from migrate.values import related_id

_LOCKS = ("fiscalyear_lock_date", "sale_lock_date", "hard_lock_date")  # of what is booked in a journal of sales
_TAX_LOCK = "tax_lock_date"
BOOKED_MODELS = ("account.move", "account.payment")
_INCLUDE, INCLUDED = "account_price_include", "tax_included"


def odoo_books(odoo: Door, tables: Tables, customers: Iterable[str]) -> OdooBooks:
    """Ask Odoo. ``customers``: Lago's ids of those whose documents there are."""
    locks = _locks(odoo)
    dates = [locks[name] for name in _LOCKS if name in locks]
    return OdooBooks(
        currency=_company_currency(odoo),
        accounts=_accounts(odoo, codes_of(tables.books, tables.income_entries)),
        taxes=_taxes(odoo, tables),
        partners=frozenset(made_of(odoo, "res.partner", "customer", customers)),
        locked=max(dates, default=None),
        tax_locked=locks.get(_TAX_LOCK),
        rated=_rates(odoo),
        posted=_posted(odoo),
    )


def _posted(odoo: Door) -> frozenset[str]:
    """Documents and payments of the books that are no drafts any more."""
    return frozenset(xid for model in BOOKED_MODELS for xid in _posted_of(odoo, model))


def _posted_of(odoo: Door, model: str) -> Iterable[str]:
    ids = books_of(odoo, model)
    return (ids[row["id"]] for row in odoo.read(model, sorted(ids), ["state"]) if row["state"] != "draft")


def books_of(odoo: Door, model: str) -> dict[int, str]:
    """Records of a model that are of the books: id -> external id."""
    domain = [["module", "=", OURS], ["model", "=", model], ["name", "=like", f"{BOOKS.partition('.')[2]}%"]]
    rows = odoo.search_read("ir.model.data", domain, ["res_id", "name"])
    return {int(row["res_id"]): f"{OURS}.{row['name']}" for row in rows}


def _company_currency(odoo: Door) -> str:
    row = odoo.read_one("res.company", odoo.company_id, ["currency_id"])
    return str(odoo.read_one("res.currency", related_id(row["currency_id"]), ["name"])["name"])


def _accounts(odoo: Door, codes: Iterable[str]) -> dict[str, int]:
    rows = odoo.search_among("account.account", "code", sorted(codes), ["code"], active_test=True)
    return {str(row["code"]): int(row["id"]) for row in rows}


def _locks(odoo: Door) -> dict[str, date]:
    """The lock dates that are set; an older Odoo lacks some of them."""
    there = odoo.fields_get("res.company", [*_LOCKS, _TAX_LOCK])
    row = odoo.read_one("res.company", odoo.company_id, sorted(there))
    return {name: date.fromisoformat(str(row[name])) for name in there if row[name]}


def _rates(odoo: Door) -> dict[str, date]:
    """Currency -> its first rate. Without one Odoo takes any amount for as much of its own currency."""
    rows = odoo.search_read("res.currency.rate", [], ["currency_id", "name"], names=True)
    first: dict[str, date] = {}
    for row in rows:
        code, day = str(row["currency_id"][1]), date.fromisoformat(str(row["name"]))
        first[code] = min(day, first.get(code, day))
    return first


def _taxes(odoo: Door, tables: Tables) -> dict[str, OdooTax]:
    """The taxes that finance's table names, with the parts of those that are groups."""
    xids = [ref.xid for entry in tables.taxes if (ref := tables.ref(entry.odoo, odoo.company_id))]
    ids = {xid: number for xid, (model, number) in records_named(odoo, xids).items() if model == "account.tax"}
    rows, company = _tax_rows(odoo, ids.values()), odoo.read_one("res.company", odoo.company_id, [_INCLUDE])
    included = (INCLUDED,) if company[_INCLUDE] != INCLUDED else (INCLUDED, False)  # of which taxes do not say
    parts = _tax_rows(odoo, {part for row in rows.values() for part in row["children_tax_ids"]})
    return {xid: _tax(rows[number], parts, included) for xid, number in ids.items() if number in rows}


def _tax_rows(odoo: Door, ids: Iterable[int]) -> dict[int, Row]:
    names = ["amount", "amount_type", "price_include_override", "include_base_amount", "children_tax_ids"]
    return {row["id"]: row for row in odoo.read("account.tax", sorted(ids), names)}


def _tax(row: Row, parts: Mapping[int, Row], included: Sequence[object]) -> OdooTax:
    rows = [parts[part] for part in row["children_tax_ids"]] if row["amount_type"] == "group" else [row]
    is_plain = all(_is_plain(row, included) for row in rows)
    return OdooTax(rates={row["id"]: _percent(row["amount"]) for row in rows}) if is_plain else NO_TAX


def _is_plain(row: Row, included: Sequence[object]) -> bool:
    """A percentage on top of the price, and of nothing else."""
    within = row["price_include_override"] in included or row["include_base_amount"]
    return row["amount_type"] == "percent" and not within


def _percent(amount: object) -> Decimal:
    return Decimal(str(amount))
