"""Customers of Lago that may stand in Odoo already: found by rule, decided by a person, never guessed. Pure.

A rule says that a customer and a partner look the same: by reference, by VAT, by e-mail, by name and address. A match
is only proposed (``preview`` shows it); finance's table decides whether the customer becomes that partner or a new one.
Until then nothing of the customer is moved: two partners for one customer would share its invoices between them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mappings.names import customer_name
from mappings.records import Customer
from mappings.text import composed

NEW = "new"  # a decision: the customer becomes a partner of its own

Key = tuple[str, str]  # a rule, and what both sides must share


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner of Odoo that is nobody's contact and no customer of Lago's yet. Texts are empty, never None."""

    id: int
    name: str = ""
    ref: str = ""
    vat: str = ""
    email: str = ""
    street: str = ""
    city: str = ""
    zip: str = ""
    active: bool = True

    def __str__(self) -> str:
        place = f", {self.city}" if self.city else ""
        return f"{self.name}{place}" + ("" if self.active else ", archived")


@dataclass(frozen=True, slots=True)
class Match:
    """A partner that a customer may be, and by which rules."""

    partner: Partner
    rules: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.partner}: same {', '.join(self.rules)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Odoo's partners before anything is written. ``bound``: a customer's Lago id -> the partner that it is."""

    partners: Mapping[int, Partner] = field(default_factory=dict)
    bound: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartnerProposal:
    """A customer about whom finance has to decide."""

    customer: Customer
    matches: tuple[Match, ...]


def find_proposals(
    customers: Iterable[Customer], standing: Standing, decisions: Mapping[str, int | str]
) -> tuple[PartnerProposal, ...]:
    """Every customer that looks like a partner of Odoo and about whom the table says nothing.

    A deleted customer becomes an archived partner of its own, whatever it looks like.
    """
    open_cases = [c for c in customers if not c.deleted and composed(c.external_id) not in decisions]
    partners = _by_key(standing.partners.values())
    matched = ((c, _matches(c, partners)) for c in open_cases if c.lago_id not in standing.bound)
    return tuple(PartnerProposal(customer, matches) for customer, matches in matched if matches)


def _by_key(partners: Iterable[Partner]) -> Mapping[Key, list[Partner]]:
    by_key: dict[Key, list[Partner]] = defaultdict(list)
    for partner in partners:
        for key in _keys(partner.name, partner.ref, partner.vat, partner.email, partner):
            by_key[key].append(partner)
    return by_key


def _matches(customer: Customer, partners: Mapping[Key, list[Partner]]) -> tuple[Match, ...]:
    """The most alike first."""
    rules: dict[int, list[str]] = defaultdict(list)
    partners_by_id: dict[int, Partner] = {}
    for rule, text in dict.fromkeys(_customer_keys(customer)):
        for partner in partners.get((rule, text), ()):
            partners_by_id[partner.id] = partner
            if rule not in rules[partner.id]:
                rules[partner.id].append(rule)
    order = sorted(partners_by_id, key=lambda number: (-len(rules[number]), number))
    return tuple(Match(partners_by_id[number], tuple(rules[number])) for number in order)


def _customer_keys(customer: Customer) -> Iterator[Key]:
    address = Partner(
        id=0,
        street=customer.address_line1 or "",
        city=customer.city or "",
        zip=customer.zipcode or "",
    )
    vat, email = customer.tax_identification_number or "", customer.email or ""
    for name in {customer_name(customer), customer.legal_name or ""}:
        yield from _keys(name, customer.external_id, vat, email, address)


def _keys(name: str, ref: str, vat: str, email: str, address: Partner) -> Iterator[Key]:
    """What must be the same for each rule; a rule without a text does not speak."""
    named = _words(name)
    keys = (
        ("reference", _words(ref)),
        ("VAT", _code(vat)),
        ("e-mail", _words(email)),
        ("name and postal code", _pair(named, _code(address.zip))),
        ("name and street", _pair(named, _pair(_words(address.street), _words(address.city)))),
    )
    return ((rule, text) for rule, text in keys if text)


def _pair(one: str, other: str) -> str:
    return f"{one}\n{other}" if one and other else ""


def _words(text: str) -> str:
    """Without regard to case, accents' form and blanks."""
    return " ".join(composed(text).casefold().split())


def _code(text: str) -> str:
    """Letters and digits alone: ``BE 0477.472.701`` is ``BE0477472701``."""
    return re.sub(r"[\W_]", "", composed(text)).upper()
