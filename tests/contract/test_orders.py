"""Orders: what is filled in, amounts, confirmation, cancellation."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.errors import OdooRefused


def test_what_is_filled_in(shop: Any, word: str) -> None:
    term = shop.ref("account.account_payment_term_30days")
    partner = shop.partner(state_id=shop.ref("base.state_ca_qc"), property_payment_term_id=term)
    billing = shop.make("res.partner", name="Bills", type="invoice", parent_id=partner)
    variant = shop.product(list_price=9.5, description_sale="Nice", default_code=word)
    order = shop.order({"product_id": variant}, partner_id=partner)
    found = shop.get(
        "sale.order",
        order,
        "partner_invoice_id",
        "partner_shipping_id",
        "payment_term_id",
        "currency_id",
        "fiscal_position_id",
        "state",
        "locked",
    )
    assert (found["partner_invoice_id"][0], found["partner_shipping_id"][0], found["payment_term_id"][0]) == (
        billing,
        partner,
        term,
    )
    assert (found["currency_id"][1], found["state"], found["locked"]) == ("CAD", "draft", False)
    assert found["fiscal_position_id"][0] == shop.ref("account.1_fiscal_position_template_qc")
    line = shop.get(
        "sale.order.line",
        shop.one("sale.order", order, "order_line")[0],
        "name",
        "price_unit",
        "product_uom_qty",
        "tax_ids",
        "product_uom_id",
    )
    assert line["name"].endswith("Nice") and (line["price_unit"], line["product_uom_qty"]) == (9.5, 1.0)
    assert line["tax_ids"] == [shop.ref("account.1_gstqst_sale_tax_14975")]


def test_names_come_from_the_sequence_or_from_us(shop: Any, word: str) -> None:
    first = shop.one("sale.order", shop.order(), "name")
    assert shop.one("sale.order", shop.order(name=f"LAGO-{word}"), "name") == f"LAGO-{word}"
    second = shop.one("sale.order", shop.order(), "name")
    assert first[0] == "S" and int(second[1:]) == int(first[1:]) + 1


def test_price_list(shop: Any, word: str) -> None:
    variant = shop.product(list_price=9.5)
    template = shop.one("product.product", variant, "product_tmpl_id")[0]
    rule = {
        "applied_on": "1_product",
        "product_tmpl_id": template,
        "compute_price": "fixed",
        "fixed_price": 7.123456,
        "min_quantity": 3,
    }
    pricelist = shop.make("product.pricelist", name=word, currency_id=shop.ref("base.USD"), item_ids=[[0, 0, rule]])
    order = shop.order(
        {"product_id": variant, "product_uom_qty": 3},
        {"product_id": variant, "product_uom_qty": 2},
        pricelist_id=pricelist,
    )
    lines = shop.call("sale.order.line", "read", shop.one("sale.order", order, "order_line"), fields=["price_unit"])
    assert shop.one("sale.order", order, "currency_id")[1] == "USD"
    assert lines[0]["price_unit"] == 7.123456


def test_a_price_rule_is_called_after_what_it_is_for(shop: Any, word: str) -> None:
    variant = shop.product(name=word, default_code="SKU")
    template = shop.one("product.product", variant, "product_tmpl_id")[0]
    category = shop.find("product.category", limit=1, order="id")[0]
    pricelist = shop.make("product.pricelist", name=word, currency_id=shop.ref("base.USD"))
    rules: dict[str, dict[str, Any]] = {
        "All Products": {"applied_on": "3_global"},
        "All Categories": {"applied_on": "3_global", "display_applied_on": "2_product_category"},
        f"Category: {shop.one('product.category', category, 'display_name')}": {
            "applied_on": "2_product_category",
            "categ_id": category,
        },
        f"[SKU] {word}": {"applied_on": "1_product", "product_tmpl_id": template},
        f"Variant: [SKU] {word}": {
            "applied_on": "0_product_variant",
            "product_id": variant,
            "product_tmpl_id": template,
        },
    }
    for told, vals in rules.items():
        rule = shop.make("product.pricelist.item", pricelist_id=pricelist, fixed_price=1, **vals)
        assert shop.get("product.pricelist.item", rule, "name", "display_name") == {
            "id": rule, "name": told, "display_name": told
        }  # fmt: skip
        assert shop.get("product.pricelist.item", rule)["name"] == told, "asked for no field, it answers with all"


def test_a_partner_has_no_price_list_unless_they_are_switched_on(shop: Any) -> None:
    assert shop.one("res.partner", shop.partner(), "property_product_pricelist") is False
    assert shop.one("sale.order", shop.order(), "pricelist_id") is False


def test_amounts_follow_the_lines(shop: Any) -> None:
    variant = shop.product()
    order = shop.order({"product_id": variant, "price_unit": 10.0, "product_uom_qty": 2, "discount": 10})
    assert shop.totals("sale.order", order) == (18.0, 2.34, 20.34)
    line = shop.one("sale.order", order, "order_line")[0]
    shop.call("sale.order.line", "write", [line], vals={"price_unit": 5.0})
    assert shop.totals("sale.order", order) == (9.0, 1.17, 10.17)
    shop.call("sale.order.line", "unlink", [line])
    assert shop.totals("sale.order", order) == (0.0, 0.0, 0.0)


def test_explicit_taxes_stay(shop: Any) -> None:
    hst, partner = shop.ref("account.1_hst_sale_tax_13"), shop.partner(state_id=shop.ref("base.state_ca_qc"))
    variant = shop.product()
    order = shop.order(
        {"product_id": variant, "price_unit": 100, "tax_ids": [[6, 0, [hst]]]},
        {"product_id": variant, "price_unit": 1, "tax_ids": [[6, 0, []]]},
        partner_id=partner,
    )
    lines = shop.call(
        "sale.order.line", "read", shop.one("sale.order", order, "order_line"), fields=["tax_ids", "price_total"]
    )
    assert [(line["tax_ids"], line["price_total"]) for line in lines] == [([hst], 113.0), ([], 1.0)]


def test_confirm_and_cancel(shop: Any) -> None:
    order = shop.order({"product_id": shop.product(), "price_unit": 10}, date_order="2026-01-02 03:04:05")
    assert shop.call("sale.order", "action_confirm", [order]) is True
    found = shop.get("sale.order", order, "state", "invoice_status", "date_order")
    assert (found["state"], found["invoice_status"]) == ("sale", "to invoice")
    assert found["date_order"] > "2026-01-02 03:04:05"  # confirming dates the order anew
    line = shop.one("sale.order", order, "order_line")[0]
    with pytest.raises(OdooRefused, match="Once a sales order is confirmed, you can't remove one of its lines"):
        shop.call("sale.order.line", "unlink", [line])
    shop.call("sale.order.line", "write", [line], vals={"price_unit": 7})
    assert shop.one("sale.order", order, "amount_untaxed") == 7.0
    with pytest.raises(OdooRefused, match="You must first cancel it"):
        shop.call("sale.order", "unlink", [order])
    with pytest.raises(OdooRefused, match="not in a state requiring confirmation"):
        shop.call("sale.order", "action_confirm", [order])
    shop.call("sale.order", "action_cancel", [order])
    assert shop.one("sale.order", order, "state") == "cancel"
    shop.call("sale.order", "action_draft", [order])
    assert shop.one("sale.order", order, "state") == "draft"
    assert shop.call("sale.order", "unlink", [order]) is True


def test_a_line_without_product_cannot_be_confirmed(shop: Any) -> None:
    order = shop.order({"name": "just text", "price_unit": 10})
    with pytest.raises(OdooRefused, match="Some order lines are missing a product"):
        shop.call("sale.order", "action_confirm", [order])


def test_locked_orders_stay(shop: Any) -> None:
    order = shop.order({"product_id": shop.product(), "price_unit": 10})
    shop.call("sale.order", "action_lock", [order])
    with pytest.raises(OdooRefused, match="You cannot cancel a locked order"):
        shop.call("sale.order", "action_cancel", [order])
    shop.call("sale.order", "action_unlock", [order])
    assert shop.call("sale.order", "action_cancel", [order]) is True
