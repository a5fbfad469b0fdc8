"""Which partners of Odoo look like a customer of Lago, rule by rule, and what finance's table may say about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappings.partners import Partner, Standing, find_proposals
from mappings.records import Customer
from mappings.tables import TableError, parse
from tests.mapping.build import customer

HERE = customer(
    "c1",
    name="Rederij Zuiderzee",
    legal_name="Zuiderzee Holding NV",
    email="boek@zee.example",
    tax_identification_number="NL 0012.34.567 B01",
    address_line1="Kade  4",
    city="Hoorn",
    zipcode="1621 AB",
)


def rules(one: Customer, *partners: Partner) -> dict[int, tuple[str, ...]]:
    """Partner -> the rules by which it was found, the most alike first."""
    found = find_proposals([one], Standing({partner.id: partner for partner in partners}), {})
    return {match.partner.id: match.rules for proposal in found for match in proposal.matches}


@pytest.mark.parametrize(
    ("partner", "expected"),
    [
        (Partner(id=1, name="x", ref="KLANT-c1"), ("reference",)),
        (Partner(id=1, name="x", vat="nl001234567b01"), ("VAT",)),
        (Partner(id=1, name="x", email=" Boek@Zee.example"), ("e-mail",)),
        (Partner(id=1, name="rederij  zuiderzee", zip="1621ab"), ("name and postal code",)),
        (Partner(id=1, name="ZUIDERZEE HOLDING NV", street="kade 4", city="HOORN"), ("name and street",)),
        (Partner(id=1, name="Rederij Zuiderzee"), ()),
        (Partner(id=1, name="Rederij Zuiderzee", zip="1621 AC", street="Kade 4"), ()),
        (Partner(id=1, name="Other", zip="1621 AB", street="Kade 4", city="Hoorn"), ()),
    ],
)
def test_a_rule_needs_all_of_what_it_names(partner: Partner, expected: tuple[str, ...]) -> None:
    assert rules(HERE, partner).get(1, ()) == expected


def test_nothing_matches_nothing() -> None:
    assert rules(customer("c1", name="", external_id="-"), Partner(id=1), Partner(id=2, name=" ", vat="-")) == {}


def test_accents_are_the_same_in_either_form() -> None:
    composed, apart = "Café Noé", "Cafe\u0301 Noe\u0301"
    assert rules(replace(HERE, name=composed), Partner(id=1, name=apart, zip="1621AB")) == {
        1: ("name and postal code",)
    }


def test_the_most_alike_stands_first_and_nobody_is_chosen() -> None:
    weak, strong = Partner(id=1, email="boek@zee.example"), Partner(id=9, ref="klant-c1", vat="NL001234567B01")
    assert list(rules(HERE, weak, strong)) == [9, 1]


def test_who_is_decided_deleted_or_bound_is_not_asked_about() -> None:
    standing = Standing({1: Partner(id=1, ref="klant-c1")})
    assert find_proposals([HERE], standing, {})
    assert not find_proposals([HERE], standing, {"klant-c1": "new"})
    assert not find_proposals([replace(HERE, deleted=True)], standing, {})
    assert not find_proposals([HERE], replace(standing, bound={"c1": 5}), {})


def test_decisions_are_read_with_dots_in_the_id() -> None:
    text = '[partners]\n"a" = "new"\n"acme.inc" = 42\n'
    read = parse(text, "t.toml", None)
    assert read.partners == {"a": "new", "acme.inc": 42}
    assert read.places["partners.acme.inc"] == "t.toml:3"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('"b" = "42"', "t.toml:3: partners.b must be the id of a partner in Odoo or 'new', not '42'"),
        ('"b" = 0', "t.toml:3: partners.b must be"),
        ('"b" = true', "t.toml:3: partners.b must be"),
        ('"b" = 42', "t.toml:3: partners.b is partner 42, which stands in the table already"),
    ],
)
def test_a_wrong_decision_is_named_with_its_line(line: str, says: str) -> None:
    with pytest.raises(TableError) as caught:
        parse(f'[partners]\n"a" = 42\n{line}\n', "t.toml", None)
    assert str(caught.value).startswith(says)
