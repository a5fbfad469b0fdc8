"""What finance's tables name, held against Odoo's own record of it, before the first write.

    check_mapped(door, entries) -> problems, each with its place in the tables, what Odoo has, and the remedy

A record may exist and still be wrong: another rate, a price that includes it, another company's, a journal of
purchases. What does not exist, or is archived, ``preflight`` says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from mappings.mapped_to import MappedTo, Role
from mappings.text import plain
from migrate.odoo.door import Door, Row
from migrate.odoo.external_ids import records_named
from migrate.odoo.findings import CheckFinding

Problem = tuple[str, str, str]  # what Odoo has, the remedy, the name that waives it ("" if nothing does)

MODELS: Mapping[Role, str] = {
    Role.TAX: "account.tax",
    Role.INCOME: "account.account",
    Role.OPENING: "account.account",
    Role.JOURNAL: "account.journal",
    Role.TERM: "account.payment.term",
}
TAX_FIELDS = (
    "name",
    "active",
    "amount",
    "amount_type",
    "type_tax_use",
    "price_include_override",
    "include_base_amount",
    "is_base_affected",
    "country_id",
    "children_tax_ids",
)
WHOLE = Decimal(100)  # percent
ANOTHER = "correct the table, or the record in Odoo"


def check_mapped(door: Door, entries: Sequence[MappedTo]) -> Iterator[CheckFinding]:
    """One finding for each thing that is wrong with an entry's record; one of level ok if nothing is."""
    places = records_named(door, [entry.xid for entry in entries])
    present = [entry for entry in entries if entry.xid in places]
    problems = [finding for entry in present for finding in _entry_problems(door, entry, places[entry.xid])]
    yield from problems
    if present and not problems:
        yield CheckFinding("ok", f"{len(present)} entries of the mapping tables fit Odoo's records")


def _entry_problems(door: Door, entry: MappedTo, place: tuple[str, int]) -> Iterator[CheckFinding]:
    for what, remedy, name in _problems(door, entry, *place):
        subject = f"{entry.place}: {entry.role} for {entry.stands_for}, {entry.xid}"
        yield CheckFinding("error", f"{subject}: {what}", remedy, name)


def _problems(door: Door, entry: MappedTo, model: str, number: int) -> Iterator[Problem]:
    if model != MODELS[entry.role]:
        yield f"is a {model} in Odoo, not a {MODELS[entry.role]}", "name another one in the table", ""
    elif not door.search(model, [["id", "=", number]]):
        yield "belongs to another company in Odoo", f"name one of company {door.company_id} in the table", ""
    else:
        yield from CHECKS[entry.role](door, entry, number)


# --- taxes -----------------------------------------------------------------------------------------------------------


def _tax(door: Door, entry: MappedTo, number: int) -> Iterator[Problem]:
    tax = door.read_one("account.tax", number, TAX_FIELDS)
    children = door.read("account.tax", tax["children_tax_ids"], TAX_FIELDS, active_test=False)
    parts = children if tax["amount_type"] == "group" else [tax]
    if tax["type_tax_use"] != "sale":
        yield f"is a tax of type {tax['type_tax_use']!r} in Odoo, not of sales", "name a tax of sales in the table", ""
    for part in parts:
        yield from _part(door, part)
    if all(part["amount_type"] == "percent" for part in parts):
        yield from _rates(entry, parts)
    if len(parts) > 1:
        yield from _compound(parts)
    yield from _country(door, tax)


def _part(door: Door, part: Row) -> Iterator[Problem]:
    """What each tax of a group must be, and one that stands alone."""
    name = part["name"]
    if part["amount_type"] != "percent":
        yield f"{name!r} is computed as {part['amount_type']!r} in Odoo, Lago's are percentages", ANOTHER, ""
    if _is_included(door, part):
        remedy = "set 'Included in Price' of the tax to 'Tax Excluded', or name another tax in the table"
        yield f"{name!r} is included in the price in Odoo, Lago adds it to the price", remedy, ""
    yield from _repartition(door, part)
    if not part["active"]:
        yield f"{name!r} is archived in Odoo", "reactivate it, or name another tax in the table", ""


def _repartition(door: Door, part: Row) -> Iterator[Problem]:
    """Lines of tax that do not add up to the whole of it: two that cancel out charge nothing at all."""
    asked = ["document_type", "repartition_type", "factor_percent"]
    rows = door.search_read("account.tax.repartition.line", [["tax_id", "=", part["id"]]], asked)
    for document in sorted({str(row["document_type"]) for row in rows}):
        taxed = [row for row in rows if row["document_type"] == document and row["repartition_type"] == "tax"]
        share = sum((Decimal(str(row["factor_percent"])) for row in taxed), Decimal(0))
        if share != WHOLE:
            remedy = "make the tax lines of its distribution add up to 100 %, or name another tax in the table"
            charged = f"{plain(share.normalize())} % of it"
            yield f"{part['name']!r} charges {charged} on documents of type {document!r} in Odoo", remedy, ""


def _is_included(door: Door, part: Row) -> bool:
    """The tax's own word, else that of the company."""
    own = part["price_include_override"]
    if own:
        return bool(own == "tax_included")
    company = door.read_one("res.company", door.company_id, ["account_price_include"])
    return bool(company["account_price_include"] == "tax_included")


def _rates(entry: MappedTo, parts: Sequence[Row]) -> Iterator[Problem]:
    """The sum, and with several of Lago's codes each part of it: they are declared apart."""
    lago = sorted((entry.rates or {}).values())
    odoo = sorted(Decimal(str(part["amount"])) for part in parts)
    if sum(lago) != sum(odoo):
        yield f"is {_percent(odoo)} in Odoo, Lago charges {_percent(lago)}", ANOTHER, ""
    elif _some(lago) != _some(odoo):
        remedy = "name a group of one tax for each of Lago's, or waive it: the sum is the same"
        yield f"is split as {_percent(odoo)} in Odoo, as {_percent(lago)} in Lago", remedy, "tax_split"


def _some(rates: Sequence[Decimal]) -> list[Decimal]:
    return [rate for rate in rates if rate]


def _percent(rates: Sequence[Decimal]) -> str:
    return " + ".join(plain(rate.normalize()) for rate in rates) + " %"


def _compound(parts: Sequence[Row]) -> Iterator[Problem]:
    """A tax on a tax: Lago's taxes are all on the net amount."""
    for first in parts:
        after = [part["name"] for part in parts if part is not first and part["is_base_affected"]]
        if first["include_base_amount"] and after:
            remedy = "switch off 'Affect Base of Subsequent Taxes' on it, or name another group in the table"
            yield f"{first['name']!r} is itself taxed by {after[0]!r} in Odoo, in Lago it is not", remedy, ""


def _country(door: Door, tax: Row) -> Iterator[Problem]:
    fields = ["account_fiscal_country_id"]
    company = door.read_one("res.company", door.company_id, fields, names=True)
    fiscal = company["account_fiscal_country_id"]
    if fiscal and tax["country_id"] and tax["country_id"] != fiscal[0]:
        remedy = "set the company's fiscal country, or name a tax of that country: Odoo refuses invoices with this one"
        yield f"is not a tax of {fiscal[1]}, the company's fiscal country in Odoo", remedy, ""


# --- accounts, journal, terms ----------------------------------------------------------------------------------------


def _income(door: Door, entry: MappedTo, number: int) -> Iterator[Problem]:
    kind = _account_type(door, number)
    if kind not in ("income", "income_other"):
        remedy = "name an account of income in the table, or waive it"
        yield f"is an account of type {kind!r} in Odoo", remedy, "income_account_type"


def _opening(door: Door, entry: MappedTo, number: int) -> Iterator[Problem]:
    kind = _account_type(door, number)
    if kind in ("asset_receivable", "liability_payable", "off_balance"):
        yield f"is an account of type {kind!r} in Odoo, which no line of an invoice may have", "name another one", ""


def _account_type(door: Door, number: int) -> str:
    account = door.read_one("account.account", number, ["account_type"])
    return str(account["account_type"])


def _journal(door: Door, entry: MappedTo, number: int) -> Iterator[Problem]:
    journal = door.read_one("account.journal", number, ["type", "currency_id"], names=True)
    if journal["type"] != "sale":
        yield f"is a journal of type {journal['type']!r} in Odoo, not of sales", "name a sales journal in the table", ""
    if journal["currency_id"]:
        currency = journal["currency_id"][1]
        yield f"holds {currency} only in Odoo", "name a journal without a currency of its own", ""


def _term(door: Door, entry: MappedTo, number: int) -> Iterator[Problem]:
    term = door.read_one("account.payment.term", number, ["line_ids"])
    fields = ["value", "value_amount", "nb_days", "delay_type"]
    lines = door.read("account.payment.term.line", term["line_ids"], fields)
    expected = [("percent", 100, entry.days, "days_after")]
    if [(line["value"], line["value_amount"], line["nb_days"], line["delay_type"]) for line in lines] != expected:
        said = ", ".join(f"{line['value_amount']:g} {line['value']} after {line['nb_days']} days" for line in lines)
        yield f"is {said or 'empty'} in Odoo", f"name a term of {entry.days} days in the table", ""


Check = Callable[[Door, MappedTo, int], Iterator[Problem]]

CHECKS: Mapping[Role, Check] = {
    Role.TAX: _tax,
    Role.INCOME: _income,
    Role.OPENING: _opening,
    Role.JOURNAL: _journal,
    Role.TERM: _term,
}
