"""create, read, write, unlink, commands, defaults, one call = one transaction."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.connect import connect
from migrate.odoo.errors import (
    AccessDenied,
    BadCall,
    NoSuchMethod,
    OdooError,
    OdooRefused,
    RecordMissing,
    Retryable,
    Unauthorized,
)


def test_a_record_reads_back(shop: Any, word: str) -> None:
    number = shop.make(
        "res.partner", name=word, is_company=True, email="A@b.com", ref="r-1", country_id=shop.ref("base.ca")
    )
    assert shop.get("res.partner", number, "name", "company_type", "email", "ref", "parent_id", "active", "country_id") == {
        "id": number, "name": word, "company_type": "company", "email": "A@b.com", "ref": "r-1", "parent_id": False, "active": True,
        "country_id": [shop.ref("base.ca"), "Canada"],
    }  # fmt: skip


def test_values_are_converted(shop: Any, word: str) -> None:
    number = shop.make("res.partner", name=word, ref=12, is_company="anything", color=False, comment="plain & simple")
    found = shop.get("res.partner", number, "ref", "is_company", "color", "comment", "city")
    assert found == {
        "id": number,
        "ref": "12",
        "is_company": True,
        "color": 0,
        "comment": "<span>plain &amp; simple</span>",
        "city": False,
    }


def test_order_of_read_is_that_of_the_ids(shop: Any) -> None:
    first, second = shop.partner(), shop.partner()
    rows = shop.call("res.partner", "read", [second, first], fields=["name"])
    assert [row["id"] for row in rows] == [second, first]


def test_write_and_read_again(shop: Any) -> None:
    number = shop.partner()
    assert shop.call("res.partner", "write", [number], vals={"city": "Toronto", "ref": False}) is True
    assert shop.get("res.partner", number, "city", "ref") == {"id": number, "city": "Toronto", "ref": False}


def test_write_on_nothing_is_fine(shop: Any) -> None:
    assert shop.call("res.partner", "write", [], vals={"city": "x"}) is True


def test_one_call_is_one_transaction(shop: Any, word: str) -> None:
    with pytest.raises(OdooRefused):
        shop.call("res.partner", "create", vals_list=[{"name": word}, {"email": "no name"}])
    assert shop.call("res.partner", "search_count", domain=[["name", "=", word]]) == 0


def test_errors_are_told_apart(shop: Any) -> None:
    with pytest.raises(BadCall, match=r"Invalid field 'foo' in 'res.partner'"):
        shop.make("res.partner", name="x", foo=1)
    with pytest.raises(BadCall, match=r"Wrong value for res.partner.type: 'zz'"):
        shop.make("res.partner", name="x", type="zz")
    with pytest.raises(RecordMissing):
        shop.call("res.partner", "write", [999_999_999], vals={"name": "x"})
    with pytest.raises(NoSuchMethod):
        shop.call("no.such.model", "read", [1])
    with pytest.raises(OdooRefused, match=r"Missing required value for the field 'Customer' \(partner_id\)"):
        shop.make("sale.order")


def test_a_wrong_key_is_told(place: Any, transport: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        connect(place.settings(transport, key="nonsense-key"))
    assert "nonsense-key" not in str(caught.value)


def test_a_wrong_database_is_told(place: Any, transport: str) -> None:
    with pytest.raises(OdooError, match="no_such_db"):
        connect(place.settings(transport, database="no_such_db"))


def test_pointers_must_exist(shop: Any) -> None:
    with pytest.raises(OdooRefused, match=r"Thanks to the following constraint: 'Country' \(country_id\)"):
        shop.make("res.partner", name="x", country_id=999_999)


def test_used_records_stay(shop: Any) -> None:
    variant = shop.product()
    shop.order({"product_id": variant, "price_unit": 1})
    with pytest.raises(OdooRefused, match=r"The troublemaker is: 'Sales Order Line' \(sale.order.line\)"):
        shop.call("product.template", "unlink", [shop.one("product.product", variant, "product_tmpl_id")[0]])


def test_lines_by_command(shop: Any) -> None:
    product = shop.product()
    order = shop.order({"product_id": product, "price_unit": 1}, {"product_id": product, "price_unit": 2})
    first, second = shop.one("sale.order", order, "order_line")
    shop.call(
        "sale.order",
        "write",
        [order],
        vals={
            "order_line": [
                [1, first, {"price_unit": 5}],
                [2, second, 0],
                [0, 0, {"product_id": product, "price_unit": 7}],
            ]
        },
    )
    lines = shop.one("sale.order", order, "order_line")
    prices = sorted(row["price_unit"] for row in shop.call("sale.order.line", "read", lines, fields=["price_unit"]))
    assert (first in lines, second in lines, prices) == (True, False, [5, 7])


def test_links_by_command(shop: Any, word: str) -> None:
    tags = [shop.make("res.partner.category", name=f"{word}{index}") for index in range(3)]
    number = shop.partner(category_id=[[6, 0, tags[:2]]])
    assert sorted(shop.one("res.partner", number, "category_id")) == tags[:2]
    for command, expected in (
        ([4, tags[2]], tags),
        ([3, tags[0]], tags[1:]),
        ([5], []),
        ([0, 0, {"name": word}], None),
    ):
        shop.call("res.partner", "write", [number], vals={"category_id": [command]})
        found = sorted(shop.one("res.partner", number, "category_id"))
        assert found == expected if expected is not None else len(found) == 1


def test_links_as_plain_ids(shop: Any, word: str) -> None:
    tag = shop.make("res.partner.category", name=word)
    assert shop.one("res.partner", shop.partner(category_id=[tag]), "category_id") == [tag]


def test_unlink_takes_lines_along(shop: Any) -> None:
    order = shop.order({"product_id": shop.product(), "price_unit": 1})
    lines = shop.one("sale.order", order, "order_line")
    assert shop.call("sale.order", "unlink", [order]) is True
    assert shop.find("sale.order.line", ["id", "in", lines]) == []


def test_external_ids(shop: Any, word: str) -> None:
    number = shop.partner()
    pair = {"module": "lago", "name": word, "model": "res.partner", "res_id": number}
    shop.make("ir.model.data", **pair)
    # another writer may have been first, so our transports take it for a reason to look and try again
    with pytest.raises(Retryable, match="duplicate key value violates unique constraint"):
        shop.make("ir.model.data", **pair)
    with pytest.raises(OdooRefused, match="External IDs cannot contain spaces"):
        shop.make("ir.model.data", **{**pair, "name": "a b"})
    shop.call("res.partner", "unlink", [number])
    assert shop.find("ir.model.data", ["module", "=", "lago"], ["name", "=", word]) == []


def test_defaults(shop: Any) -> None:
    assert shop.call("res.partner", "default_get", fields=["lang", "type", "name"]) == {
        "lang": "en_US",
        "type": "contact",
    }
    template = shop.make("product.template", name="x")
    found = shop.get(
        "product.template", template, "type", "invoice_policy", "taxes_id", "uom_id", "list_price", "sale_ok"
    )
    hst = shop.ref("account.1_hst_sale_tax_13")
    company = shop.one("account.tax", hst, "company_id")[0]
    # a product without a company gets the default taxes of every company that there is: other tests make some
    taxes = shop.find("account.tax", ["id", "in", found["taxes_id"]], ["company_id", "=", company])
    assert (found["type"], found["invoice_policy"], taxes, found["list_price"], found["sale_ok"]) == (
        "consu",
        "order",
        [hst],
        1.0,
        True,
    )
    assert found["uom_id"][1] == "Units"


def test_context_defaults(shop: Any, word: str) -> None:
    number = shop.call(
        "res.partner",
        "create",
        vals_list=[{"name": word}],
        context={"default_city": "Ottawa", "tracking_disable": True},
    )[0]
    assert shop.one("res.partner", number, "city") == "Ottawa"


def test_who_am_i(shop: Any) -> None:
    assert shop.call("res.users", "context_get")["uid"] == 2
    assert shop.call("res.users", "has_group", [2], group_ext_id="base.group_system") is True


def test_commercial_partner_and_names(shop: Any, word: str) -> None:
    company = shop.partner(name=word, is_company=True, vat="123456789", city="Hull")
    billing = shop.make("res.partner", name="Bills", type="invoice", parent_id=company)
    unnamed = shop.make("res.partner", type="delivery", parent_id=company)
    contact = shop.make("res.partner", name="Ann", parent_id=company)
    found = shop.get("res.partner", billing, "display_name", "commercial_partner_id", "vat", "city")
    assert (found["display_name"], found["commercial_partner_id"][0], found["vat"], found["city"]) == (
        f"{word}, Bills",
        company,
        "123456789",
        False,
    )
    assert shop.one("res.partner", contact, "city") == "Hull"
    assert shop.one("res.partner", unnamed, "display_name").startswith(f"{word}, Delivery")
    shop.call("res.partner", "write", [company], vals={"name": f"{word}2", "vat": "987"})
    assert shop.get("res.partner", billing, "display_name", "vat") == {
        "id": billing,
        "display_name": f"{word}2, Bills",
        "vat": "987",
    }


def test_archived_records_are_hidden(shop: Any, word: str) -> None:
    number = shop.partner(name=word, active=False)
    assert shop.find("res.partner", ["name", "=", word]) == []
    assert shop.find("res.partner", ["name", "=", word], context={"active_test": False}) == [number]
    assert shop.find("res.partner", ["name", "=", word], ["active", "=", False]) == [number]
    shop.call("res.partner", "action_unarchive", [number])
    assert shop.find("res.partner", ["name", "=", word]) == [number]


def test_product_and_its_variant(shop: Any, word: str) -> None:
    template = shop.make("product.template", name=word, default_code=f"C-{word}", list_price=9.5, type="service")
    variant = shop.one("product.template", template, "product_variant_id")[0]
    found = shop.get(
        "product.product", variant, "name", "default_code", "lst_price", "type", "display_name", "product_tmpl_id"
    )
    assert (found["name"], found["default_code"], found["lst_price"], found["type"]) == (
        word,
        f"C-{word}",
        9.5,
        "service",
    )
    assert found["display_name"] == f"[C-{word}] {word}"
    shop.call("product.template", "write", [template], vals={"active": False})
    assert shop.one("product.product", variant, "active") is False


def test_fields_get(shop: Any) -> None:
    found = shop.call(
        "res.partner",
        "fields_get",
        allfields=["name", "type", "country_id", "zz"],
        attributes=["type", "relation", "required"],
    )
    assert found["name"]["type"] == "char" and found["country_id"]["relation"] == "res.country" and "zz" not in found
    fields = shop.call("res.partner", "fields_get", attributes=["type"])
    assert "mobile" not in fields and "title" not in fields


def test_name_search(shop: Any) -> None:
    assert [shop.ref("base.ca"), "Canada"] in shop.call("res.country", "name_search", name="Canada")


def test_a_card_has_a_code_of_its_own_and_no_group_may_delete_it(shop: Any, word: str) -> None:
    """Cases 21 and 23: with an administrator's key. What it may be is archived."""
    reward = {"reward_type": "discount", "discount_mode": "per_point", "discount": 1, "description": "Credits"}
    rules = {"program_type": "ewallet", "applies_on": "future", "trigger": "auto", "reward_ids": [[0, 0, reward]]}
    programme = shop.make("loyalty.program", name=word, currency_id=shop.ref("base.CAD"), **rules)
    cards = [shop.make("loyalty.card", program_id=programme, partner_id=shop.partner(), points=n) for n in (1, 2)]
    rows = shop.call("loyalty.card", "read", cards, fields=["code", "points", "active"])
    assert len({row["code"] for row in rows}) == 2
    allowed = {
        right: shop.call("loyalty.card", "has_access", [], operation=right) for right in ("create", "write", "unlink")
    }
    assert allowed == {"create": True, "write": True, "unlink": False}
    with pytest.raises(AccessDenied, match=r"loyalty\.card"):
        shop.call("loyalty.card", "unlink", cards)
    assert shop.call("loyalty.card", "write", cards, vals={"active": False}) is True
    assert [row["active"] for row in shop.call("loyalty.card", "read", cards, fields=["active"])] == [False, False]
