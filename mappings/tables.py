"""The tables finance owns (``tables.toml``): read, checked, and asked.

A file is checked as a whole before anything is mapped; what is wrong is one line with file, line and remedy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from mappings.books.table import BooksTable, IncomeEntry
from mappings.partners import NEW
from mappings.target import Ref
from mappings.text import composed
from mappings.toml import NotTomlError, read_toml
from mappings.toml_lines import TomlLines

T = TypeVar("T")

_KINDS: dict[type[Any], str] = {str: "text in quotes", list: "a list", dict: "a table", Decimal: "a number"}
_RATES = (Decimal(0), Decimal(1000))  # percent; no tax is more than that
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_{}-]+\.[A-Za-z0-9_{}.-]+")
_ENTRIES = {
    "taxes": ("codes", "odoo"),
    "services": ("code", "name", "prefixes"),
    "products": ("match",),
    "income": ("match", "account"),
}
_OPTIONAL = {"taxes": ("rate",), "services": (), "products": ("income_account",), "income": ()}
BOOKS_ACCOUNTS = ("prepaid", "rounding", "received", "marked_as_paid")
_SECTIONS: dict[str, tuple[str, ...]] = {
    "accounts": ("income", "opening"),
    "opening": ("journal_code", "journal_name", "existing"),
    "states": ("countries",),
    "stripe": ("account",),
    "entity": ("code",),
    "books": ("journal_code", "journal_name", "payments_code", "payments_name", *BOOKS_ACCOUNTS),
}
_FREE = ("payment_terms", "languages", "provinces", "partners")  # sections whose keys are data


class TableError(ValueError):
    """A table is wrong; ``str()`` is one line: file, line, key, remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxEntry:
    """A set of Lago tax codes, the one tax of Odoo that stands for it, and the sum of rates it is meant for."""

    codes: frozenset[str]
    odoo: str
    rate: Decimal | None = None
    place: str = field(default="", compare=False)  # file:line of ``odoo``; two sets may name one tax


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A service, and the beginnings of the plans' codes that belong to it."""

    code: str
    name: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEntry:
    """Products whose code matches, and the account that they are booked to."""

    match: str
    income_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All look-ups. ``places``: external id as written in the file -> ``file:line``, for messages about it."""

    name: str
    taxes: tuple[TaxEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    products: tuple[ProductEntry, ...] = ()
    income: str = ""
    opening: str = ""
    journal_code: str = "LGOPN"
    journal_name: str = "Opening balances from Lago"
    journal: str = ""
    payment_terms: Mapping[int, str] = field(default_factory=dict)
    languages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provinces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    countries: frozenset[str] = frozenset()
    stripe_account: str = ""
    entity: str = ""
    partners: Mapping[str, int | str] = field(default_factory=dict)  # external id -> partner of Odoo, or NEW
    books: BooksTable = field(default_factory=BooksTable)
    income_entries: tuple[IncomeEntry, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    def tax(self, codes: Iterable[str]) -> TaxEntry | None:
        """The entry of exactly this set of tax codes."""
        code_set = frozenset(codes)
        return next((entry for entry in self.taxes if entry.codes == code_set), None)

    def service(self, code: str) -> ServiceEntry | None:
        """The service whose prefix is the longest beginning of a plan's or add-on's code."""
        fits = [(len(p), entry) for entry in self.services for p in entry.prefixes if code.startswith(p)]
        return max(fits, key=lambda fit: fit[0])[1] if fits else None

    def income_account(self, kind: str, code: str, company_id: int) -> Ref | None:
        """The income account of a product (``kind``: plan, metric, add_on), or None for Odoo's default."""
        account = next((e.income_account for e in self.products if fnmatchcase(f"{kind}:{code}", e.match)), "")
        return self.ref(account or self.income, company_id)

    def ref(self, external_id: str, company_id: int) -> Ref | None:
        """An external id of the file, with the company filled in; None where the file leaves it empty."""
        return Ref(external_id.replace("{company}", str(company_id))) if external_id else None


def parse(text: str, name: str, base: Tables | None) -> Tables:
    """Check the text of a table file called ``name``. Sections it lacks are taken from ``base``, if given.

    Raises TableError.
    """
    try:
        raw = read_toml(text, parse_float=Decimal)
    except NotTomlError as error:
        raise TableError(f"{name}: not valid TOML: {error}") from error
    reader = _TableReader(name, TomlLines(text))
    reader.require_known(raw, (*_ENTRIES, *_SECTIONS, *_FREE), "", 0)
    sections = _entries(reader, raw) | _sections(reader, raw) | _free(reader, raw)
    kept = {} if base is None else {key: getattr(base, key) for key in _fields() - set(sections) - {"name", "places"}}
    places = dict(base.places if base else {}) | reader.places
    return Tables(name=name, places=places, **kept, **sections)


def _fields() -> set[str]:
    return set(Tables.__dataclass_fields__)


def _entries(reader: _TableReader, raw: Mapping[str, Any]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    if "taxes" in raw:
        sections["taxes"] = tuple(_tax(reader, item, at) for item, at in reader.items(raw, "taxes"))
        reader.require_unique([entry.codes for entry in sections["taxes"]], "taxes", "codes")
    if "services" in raw:
        sections["services"] = tuple(_service(reader, item, at) for item, at in reader.items(raw, "services"))
        reader.require_unique([entry.code for entry in sections["services"]], "services", "code")
    if "products" in raw:
        sections["products"] = tuple(_product(reader, item, at) for item, at in reader.items(raw, "products"))
    if "income" in raw:
        sections["income_entries"] = tuple(_income(reader, item, at) for item, at in reader.items(raw, "income"))
    return sections


def _tax(reader: _TableReader, item: Mapping[str, Any], at: int) -> TaxEntry:
    rate = item.get("rate")
    if rate is not None:
        rate = reader.rate(rate, "taxes.rate", at)
    return TaxEntry(
        codes=frozenset(reader.texts(item["codes"], "taxes.codes", at)),
        odoo=reader.external_id(item["odoo"], "taxes.odoo", at, empty=False),
        rate=rate,
        place=reader.place("taxes.odoo", at),
    )


def _service(reader: _TableReader, item: Mapping[str, Any], at: int) -> ServiceEntry:
    return ServiceEntry(
        code=reader.filled(item["code"], "services.code", at),
        name=reader.filled(item["name"], "services.name", at),
        prefixes=tuple(reader.texts(item["prefixes"], "services.prefixes", at)),
    )


def _product(reader: _TableReader, item: Mapping[str, Any], at: int) -> ProductEntry:
    match = reader.filled(item["match"], "products.match", at)
    if not re.match(r"(plan|metric|add_on):.", match):
        raise reader.error("products.match", at, f"must begin with plan:, metric: or add_on:, not {match!r}")
    return ProductEntry(
        match=match, income_account=reader.external_id(item.get("income_account", ""), "products.income_account", at)
    )


def _income(reader: _TableReader, item: Mapping[str, object], at: int) -> IncomeEntry:
    match = reader.filled(item["match"], "income.match", at)
    if not re.match(r"(service|plan|metric|add_on):.", match):
        raise reader.error("income.match", at, f"must begin with service:, plan:, metric: or add_on:, not {match!r}")
    return IncomeEntry(match=match, account=reader.filled(item["account"], "income.account", at))


def _sections(reader: _TableReader, raw: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for section, keys in _SECTIONS.items():
        if section in raw:
            table = reader.of(dict, raw[section], section, 0)
            reader.require_known(table, keys, f"{section}.", 0)
            values |= _section(reader, section, table)
    return values


def _section(reader: _TableReader, section: str, table: Mapping[str, Any]) -> dict[str, Any]:
    if section == "accounts":
        return {key: reader.external_id(table.get(key, ""), f"accounts.{key}", 0) for key in ("income", "opening")}
    if section == "opening":
        return _opening(reader, table)
    if section == "books":
        return {"books": _books(reader, table)}
    if section == "states":
        return {"countries": frozenset(reader.texts(table.get("countries", []), "states.countries", 0))}
    key, name = ("account", "stripe_account") if section == "stripe" else ("code", "entity")
    return {name: reader.of(str, table.get(key, ""), f"{section}.{key}", 0)}


def _books(reader: _TableReader, table: Mapping[str, object]) -> BooksTable:
    """Accounts by their code, which may have dashes and blanks; one that is empty is not decided."""
    named = [key for key in table if key not in BOOKS_ACCOUNTS]
    values = {key: reader.filled(table[key], f"books.{key}", 0) for key in named}
    values |= {key: reader.of(str, table[key], f"books.{key}", 0).strip() for key in BOOKS_ACCOUNTS if key in table}
    for key in ("journal_code", "payments_code"):
        if len(values.get(key, "")) > 5:
            raise reader.error(f"books.{key}", 0, "has more than the 5 characters Odoo allows: shorten it")
    return BooksTable(**values)


def _opening(reader: _TableReader, table: Mapping[str, Any]) -> dict[str, Any]:
    values = {"journal": reader.external_id(table.get("existing", ""), "opening.existing", 0)}
    for key in ("journal_code", "journal_name"):
        if key in table:
            values[key] = reader.filled(table[key], f"opening.{key}", 0)
    if len(values.get("journal_code", "")) > 5:
        raise reader.error("opening.journal_code", 0, "has more than the 5 characters Odoo allows: shorten it")
    return values


def _free(reader: _TableReader, raw: Mapping[str, Any]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for section in ("languages", "provinces"):
        if section in raw:
            table = reader.of(dict, raw[section], section, 0)
            sections[section] = {k: tuple(reader.texts(v, f"{section}.{k}", 0)) for k, v in table.items()}
    if "payment_terms" in raw:
        table = reader.of(dict, raw["payment_terms"], "payment_terms", 0)
        sections["payment_terms"] = {
            reader.days(k): reader.external_id(v, f"payment_terms.{k}", 0) for k, v in table.items()
        }
    if "partners" in raw:
        sections["partners"] = _partners(reader, reader.of(dict, raw["partners"], "partners", 0))
    return sections


def _partners(reader: _TableReader, table: Mapping[str, Any]) -> dict[str, int | str]:
    """Two customers cannot become one partner."""
    decisions: dict[str, int | str] = {}
    taken: set[int | str] = set()
    for customer, value in table.items():
        if value != NEW and (type(value) is not int or value < 1):
            raise reader.error(
                f"partners.{customer}", 0, f"must be the id of a partner in Odoo or '{NEW}', not {value!r}"
            )
        if value != NEW and value in taken:
            raise reader.error(f"partners.{customer}", 0, f"is partner {value}, which stands in the table already")
        taken.add(value)
        decisions[composed(customer)] = value
        reader.places[f"partners.{composed(customer)}"] = reader.place(f"partners.{customer}", 0)
    return decisions


@dataclass
class _TableReader:
    """Checks values and says where a wrong one stands. ``at`` counts the ``[[entries]]`` of a section from 1."""

    name: str
    lines: TomlLines
    places: dict[str, str] = field(default_factory=dict)

    def error(self, key: str, at: int, problem: str) -> TableError:
        return TableError(f"{self.place(key, at)}: {key} {problem}")

    def place(self, key: str, at: int) -> str:
        """``tables.toml:14``."""
        return f"{self.name}:{self.lines.of(key, at)}"

    def require_known(self, table: Mapping[str, Any], known: Iterable[str], prefix: str, at: int) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, list(known), 1)
                advice = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                raise self.error(prefix + key, at, f"is unknown; {advice}")

    def items(self, raw: Mapping[str, Any], section: str) -> list[tuple[Mapping[str, Any], int]]:
        """The ``[[section]]`` entries with their number, each with all its required keys and no unknown one."""
        items: list[tuple[Mapping[str, Any], int]] = [
            (self.of(dict, item, section, at), at) for at, item in enumerate(self.of(list, raw[section], section, 0), 1)
        ]
        for item, at in items:
            self.require_known(item, _ENTRIES[section] + _OPTIONAL[section], f"{section}.", at)
            for key in _ENTRIES[section]:
                if key not in item:
                    raise self.error(f"{section}.{key}", at, f"is missing: add {key} = ...")
        return items

    def of(self, kind: type[T], value: Any, key: str, at: int) -> T:
        if type(value) is not kind:
            raise self.error(key, at, f"must be {_KINDS[kind]}, not {value!r}")
        return value

    def filled(self, value: Any, key: str, at: int) -> str:
        if not self.of(str, value, key, at).strip():
            raise self.error(key, at, "must not be empty")
        return str(value)

    def rate(self, value: Any, key: str, at: int) -> Decimal:
        number = Decimal(value) if type(value) is int else self.of(Decimal, value, key, at)
        if not (number.is_finite() and _RATES[0] <= number <= _RATES[1]):
            raise self.error(key, at, f"must be a rate in percent, from {_RATES[0]} to {_RATES[1]:,}, not {number}")
        return number

    def texts(self, value: Any, key: str, at: int) -> list[str]:
        return [self.filled(item, key, at) for item in self.of(list, value, key, at)]

    def external_id(self, value: Any, key: str, at: int, *, empty: bool = True) -> str:
        text = self.of(str, value, key, at)
        if (text or not empty) and not _EXTERNAL_ID.fullmatch(text):
            raise self.error(key, at, f"must be an external id like account.{{company}}_hst_sale_tax_13, not {text!r}")
        if text:
            self.places[text] = self.place(key, at)
        return text

    def days(self, key: str) -> int:
        if not key.isdecimal():
            raise self.error(f"payment_terms.{key}", 0, "must be a number of days")
        return int(key)

    def require_unique(self, values: list[Any], section: str, key: str) -> None:
        seen: set[object] = set()
        for position, value in enumerate(values):
            if value in seen:
                raise self.error(f"{section}.{key}", position + 1, "stands in the table twice: remove one of the two")
            seen.add(value)
