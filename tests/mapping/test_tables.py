"""Finance's tables: what the shipped ones say, how a file overrides them, and what a wrong one is told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.tables import TableError, parse
from mappings.target import Ref
from migrate.shipped_tables import shipped


def test_shipped_tables_are_sound() -> None:
    tables = shipped()
    assert tables.tax(["qst", "gst"]).rate == Decimal("14.975")
    assert tables.tax(["gst"]).odoo == "account.{company}_gst_sale_tax_5"
    assert tables.tax(["qst"]) is None
    assert tables.service("nexacloud_pro").name == "NexaCloud"
    assert tables.service("something") is None
    assert tables.ref(tables.tax(["hst_on"]).odoo, 3) == Ref("account.3_hst_sale_tax_13")
    assert tables.ref("", 3) is None


def test_a_section_of_a_file_replaces_the_whole_shipped_section_and_leaves_the_others() -> None:
    mine = parse('[[taxes]]\ncodes = ["vat"]\nodoo = "account.{company}_vat"\n', "mine.toml", shipped())
    assert [entry.codes for entry in mine.taxes] == [frozenset({"vat"})]
    assert mine.services == shipped().services
    assert mine.name == "mine.toml"
    assert mine.taxes[0].rate is None


def test_longest_prefix_wins() -> None:
    text = """
[[services]]
code = "a"
name = "A"
prefixes = ["x_", "y_"]
[[services]]
code = "b"
name = "B"
prefixes = ["x_long_"]
"""
    tables = parse(text, "t.toml", None)
    assert [tables.service(code).code for code in ("x_1", "x_long_1", "y_")] == ["a", "b", "a"]


def test_accounts_by_product_first_match_then_the_general_one() -> None:
    text = """
[accounts]
income = "account.{company}_sales"
[[products]]
match = "plan:club_*"
income_account = "account.{company}_dues"
[[products]]
match = "plan:*"
"""
    tables = parse(text, "t.toml", None)
    assert tables.income_account("plan", "club_gold", 2) == Ref("account.2_dues")
    assert tables.income_account("plan", "other", 2) == Ref("account.2_sales")
    assert tables.income_account("metric", "club_gold", 2) == Ref("account.2_sales")
    assert parse("", "t.toml", None).income_account("plan", "x", 1) is None


def test_the_place_of_an_external_id_is_known_for_messages() -> None:
    tables = parse('\n[[taxes]]\ncodes = ["vat"]\nodoo = "account.{company}_vat"\n', "mine.toml", shipped())
    assert tables.places["account.{company}_vat"] == "mine.toml:4"
    assert tables.places["account.{company}_hst_sale_tax_13"].startswith("tables.toml:")
    assert "base.CAD" not in tables.places


def test_every_free_section() -> None:
    text = """
[payment_terms]
30 = "account.account_payment_term_30days"
[languages]
nl = ["nl_BE"]
[provinces]
ON = ["ontario"]
[states]
countries = ["US"]
[stripe]
account = "main"
[entity]
code = "be"
[opening]
journal_code = "OPEN"
existing = "account.7_open"
"""
    tables = parse(text, "t.toml", shipped())
    assert tables.payment_terms == {30: "account.account_payment_term_30days"}
    assert tables.languages == {"nl": ("nl_BE",)}
    assert tables.provinces == {"ON": ("ontario",)}
    assert (tables.countries, tables.stripe_account, tables.entity) == (frozenset({"US"}), "main", "be")
    assert (tables.journal_code, tables.journal) == ("OPEN", "account.7_open")
    assert tables.journal_name == shipped().journal_name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[taxes]\n", "t.toml: not valid TOML: "),
        ("\n[taxez]\n", "t.toml:2: taxez is unknown; did you mean 'taxes'?"),
        ("[zzzz]\n", "t.toml:1: zzzz is unknown; known here: taxes, services, products, "),
        ("[taxes]\na = 1\n", "t.toml:1: taxes must be a list, not {'a': 1}"),
        ("taxes = [1]\n", "t.toml:1: taxes must be a table, not 1"),
        ('[[taxes]]\ncodes = ["a"]\n', "t.toml:1: taxes.odoo is missing: add odoo = ..."),
        ('[[taxes]]\ncodes = "a"\nodoo = "a.b"\n', "t.toml:2: taxes.codes must be a list, not 'a'"),
        ('[[taxes]]\ncodes = [""]\nodoo = "a.b"\n', "t.toml:2: taxes.codes must not be empty"),
        ('[[taxes]]\ncodes = ["a"]\nodoo = ""\n', "t.toml:3: taxes.odoo must be an external id like account."),
        ('[[taxes]]\ncodes = ["a"]\nodoo = "a.b"\nrate = "5"\n', "t.toml:4: taxes.rate must be a number, not '5'"),
        (
            '[[taxes]]\ncodes = ["a"]\nodoo = "a.b"\n[[taxes]]\nodoo = "a.c"\ncodes = ["a"]\n',
            "t.toml:6: taxes.codes stands in the table twice: remove one of the two",
        ),
        (
            '[[taxes]]\ncodes = ["a"]\nodoo = "a.b"\n[[taxes]]\ncodes = ["c"]\noddo = "a.c"\n',
            "t.toml:6: taxes.oddo is unknown; did you mean 'odoo'?",
        ),
        (
            '[[services]]\ncode = "a"\nname = "A"\nprefixes = []\n'
            '[[services]]\ncode = "a"\nname = "B"\nprefixes = []\n',
            "t.toml:6: services.code stands in the table twice",
        ),
        ('[[products]]\nmatch = "foo:x"\n', "t.toml:2: products.match must begin with plan:, metric: or add_on:"),
        ("[accounts]\nincome = 400000\n", "t.toml:2: accounts.income must be text in quotes, not 400000"),
        ('[accounts]\nincome = "sales"\n', "t.toml:2: accounts.income must be an external id like account."),
        ('[accounts]\nincom = ""\n', "t.toml:2: accounts.incom is unknown; did you mean 'income'?"),
        ('[opening]\njournal_code = "TOOLONG"\n', "t.toml:2: opening.journal_code has more than the 5 characters"),
        ('[opening]\njournal_name = " "\n', "t.toml:2: opening.journal_name must not be empty"),
        ('[payment_terms]\nthirty = "a.b"\n', "t.toml:2: payment_terms.thirty must be a number of days"),
        ("accounts = 3\n", "t.toml:1: accounts must be a table, not 3"),
        ("[stripe]\naccount = 3\n", "t.toml:2: stripe.account must be text in quotes, not 3"),
    ],
)
def test_what_is_wrong_is_one_line_with_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(TableError) as error:
        parse(text, "t.toml", shipped())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
