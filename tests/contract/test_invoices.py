"""Invoices: taxes and rounding, precision, ledger lines, posting, numbering (facts/odoo19 §2c-2e)."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.errors import OdooRefused

HST = "account.1_hst_sale_tax_13"
QC = "account.1_gstqst_sale_tax_14975"


@pytest.fixture
def priced(shop: Any) -> Any:
    """An invoice of plain lines with these prices and this tax."""

    def make(tax: str, *prices: float, **vals: Any) -> int:
        taxes = [[6, 0, [shop.ref(tax)]]] if tax else [[6, 0, []]]
        return int(shop.invoice(*({"name": "x", "price_unit": price, "tax_ids": taxes} for price in prices), **vals))

    return make


@pytest.fixture
def per_line(shop: Any) -> Any:
    shop.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_per_line"})
    yield
    shop.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_globally"})


GLOBALLY = [
    (HST, (10.005, 33.33, 0.01), (43.35, 5.63, 48.98)),
    (HST, (0.04,) * 3, (0.12, 0.02, 0.14)),
    (HST, (10.05,) * 3, (30.15, 3.92, 34.07)),
    (HST, (0.004,) * 100, (0.40, 0.05, 0.45)),
    (QC, (10.005, 33.33, 0.01), (43.35, 6.49, 49.84)),
    ("", (10.005, 0.004), (10.01, 0.0, 10.01)),
    (HST, (100.0, -30.0), (70.0, 9.1, 79.1)),
]


@pytest.mark.parametrize(("tax", "prices", "expected"), GLOBALLY)
def test_round_globally(
    shop: Any, priced: Any, tax: str, prices: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    assert shop.totals("account.move", priced(tax, *prices)) == expected


@pytest.mark.parametrize(
    ("prices", "expected"),
    [((0.04,) * 3, (0.12, 0.03, 0.15)), ((10.05,) * 3, (30.15, 3.93, 34.08)), ((0.004,) * 100, (0.0, 0.0, 0.0))],
)
def test_round_per_line(
    shop: Any, priced: Any, per_line: None, prices: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    assert shop.totals("account.move", priced(HST, *prices)) == expected


def test_the_header_is_not_the_sum_of_the_lines(shop: Any, priced: Any) -> None:
    invoice = priced(HST, *(0.004,) * 100)
    lines = shop.call(
        "account.move.line",
        "read",
        shop.one("account.move", invoice, "invoice_line_ids"),
        fields=["price_subtotal", "balance"],
    )
    assert sum(line["price_subtotal"] for line in lines) == 0.0
    assert round(sum(line["balance"] for line in lines), 2) == -0.4


def test_a_group_tax_books_its_parts(shop: Any, priced: Any) -> None:
    invoice = priced(QC, 10.005, 33.33, 0.01)
    lines = shop.call(
        "account.move.line",
        "search_read",
        domain=[["move_id", "=", invoice], ["display_type", "=", "tax"]],
        fields=["name", "credit"],
    )
    assert sorted(line["credit"] for line in lines) == [2.17, 4.32]


def test_the_ledger_balances(shop: Any, priced: Any) -> None:
    for move_type in ("out_invoice", "out_refund"):
        invoice = priced(HST, 10.05, 10.05, 10.05, move_type=move_type)
        lines = shop.call(
            "account.move.line",
            "search_read",
            domain=[["move_id", "=", invoice]],
            fields=["balance", "debit", "credit", "display_type"],
        )
        assert sum(round(line["balance"] * 100) for line in lines) == 0
        due = next(line for line in lines if line["display_type"] == "payment_term")
        assert (due["debit"], due["credit"]) == ((34.07, 0.0) if move_type == "out_invoice" else (0.0, 34.07))


def test_orders_and_invoices_agree(shop: Any, priced: Any) -> None:
    prices = (10.05, 0.004, 33.333333, 7.5)
    taxes = [[6, 0, [shop.ref(QC)]]]
    order = shop.order(*({"name": "x", "price_unit": price, "tax_ids": taxes} for price in prices))
    assert shop.totals("sale.order", order) == shop.totals("account.move", priced(QC, *prices))


def test_taxes_come_from_product_and_position(shop: Any) -> None:
    variant, partner = shop.product(), shop.partner(state_id=shop.ref("base.state_ca_qc"))
    invoice = shop.invoice(
        {"product_id": variant, "price_unit": 100}, {"name": "no product", "price_unit": 100}, partner_id=partner
    )
    lines = shop.call(
        "account.move.line", "read", shop.one("account.move", invoice, "invoice_line_ids"), fields=["tax_ids"]
    )
    assert [line["tax_ids"] for line in lines] == [[shop.ref(QC)], []]


def test_customers_abroad_pay_none(shop: Any) -> None:
    partner = shop.partner(country_id=shop.ref("base.us"), state_id=False)
    invoice = shop.invoice({"product_id": shop.product(), "price_unit": 100}, partner_id=partner)
    assert shop.totals("account.move", invoice) == (100.0, 0.0, 100.0)
    line = shop.one("account.move", invoice, "invoice_line_ids")[0]
    assert shop.one("account.move.line", line, "tax_ids") == [shop.ref("account.1_int_sale_tax_0")]


def test_a_manual_position_wins(shop: Any) -> None:
    alberta = shop.ref("account.1_fiscal_position_template_ab")
    invoice = shop.invoice(
        {"product_id": shop.product(), "price_unit": 100}, partner_id=shop.partner(property_account_position_id=alberta)
    )
    assert shop.one("account.move", invoice, "amount_tax") == 5.0


def test_prices_are_not_rounded_quantities_are(shop: Any) -> None:
    variant = shop.product()
    invoice = shop.invoice(
        {"product_id": variant, "price_unit": 0.000123, "quantity": 1_000_000},
        {"product_id": variant, "price_unit": 1, "quantity": 1.2345},
    )
    lines = shop.call(
        "account.move.line",
        "read",
        shop.one("account.move", invoice, "invoice_line_ids"),
        fields=["price_unit", "quantity", "price_subtotal"],
    )
    assert [(line["price_unit"], line["quantity"], line["price_subtotal"]) for line in lines] == [
        (0.000123, 1_000_000.0, 123.0),
        (1.0, 1.23, 1.23),
    ]


def test_quantities_follow_the_precision(shop: Any) -> None:
    precision = shop.find("decimal.precision", ["name", "=", "Product Unit"])
    shop.call("decimal.precision", "write", precision, vals={"digits": 6})
    try:
        order = shop.order({"product_id": shop.product(), "product_uom_qty": 1.2345678, "price_unit": 1})
        assert (
            shop.one("sale.order.line", shop.one("sale.order", order, "order_line")[0], "product_uom_qty") == 1.234568
        )
    finally:
        shop.call("decimal.precision", "write", precision, vals={"digits": 2})


def test_a_changed_line_changes_everything(shop: Any, priced: Any) -> None:
    invoice = priced(HST, 100.0, 50.0)
    first = shop.one("account.move", invoice, "invoice_line_ids")[0]
    shop.call("account.move.line", "write", [first], vals={"price_unit": 10.0})
    assert shop.totals("account.move", invoice) == (60.0, 7.8, 67.8)
    shop.call(
        "account.move",
        "write",
        [invoice],
        vals={"invoice_line_ids": [[2, first, 0], [0, 0, {"name": "y", "price_unit": 1.0, "tax_ids": [[6, 0, []]]}]]},
    )
    assert shop.totals("account.move", invoice) == (51.0, 6.5, 57.5)


def test_drafts_have_no_name_and_use_no_number(shop: Any, priced: Any) -> None:
    journal = shop.journal()
    first, draft = priced(HST, 10.0, journal_id=journal), priced(HST, 10.0, journal_id=journal)
    assert shop.one("account.move", draft, "name") is False
    shop.call("account.move", "unlink", [draft])
    second = priced(HST, 10.0, journal_id=journal)
    shop.call("account.move", "action_post", [first])
    shop.call("account.move", "action_post", [second])
    names = [shop.one("account.move", number, "name") for number in (first, second)]
    code = shop.one("account.journal", journal, "code")
    year = shop.one("account.move", first, "invoice_date")[:4]
    assert names == [f"{code}/{year}/00001", f"{code}/{year}/00002"]


def test_credit_notes_have_their_own_numbers(shop: Any, priced: Any) -> None:
    journal = shop.journal()
    refund = priced(HST, 10.0, journal_id=journal, move_type="out_refund", invoice_date="2025-03-04")
    shop.call("account.move", "action_post", [refund])
    assert shop.one("account.move", refund, "name") == f"R{shop.one('account.journal', journal, 'code')}/2025/00001"


def test_a_named_draft_poisons_its_journal(shop: Any, priced: Any) -> None:
    journal = shop.journal()
    poison = priced(HST, 10.0, journal_id=journal, name="SHADOW/0001")
    invoice = priced(HST, 10.0, journal_id=journal)
    shop.call("account.move", "action_post", [invoice])
    assert shop.one("account.move", invoice, "name") == "SHADOW/0002"
    shop.call("account.move", "unlink", [poison])
    later = priced(HST, 10.0, journal_id=journal)
    shop.call("account.move", "action_post", [later])
    assert shop.one("account.move", later, "name") == "SHADOW/0003"


def test_posting(shop: Any, priced: Any) -> None:
    invoice = priced(HST, 10.0, ref="LAGO-1")
    shop.call("account.move", "action_post", [invoice])
    found = shop.get(
        "account.move", invoice, "state", "payment_state", "ref", "payment_reference", "name", "amount_residual"
    )
    assert (found["state"], found["payment_state"], found["ref"], found["amount_residual"]) == (
        "posted",
        "not_paid",
        "LAGO-1",
        11.3,
    )
    assert found["payment_reference"] == found["name"]
    with pytest.raises(OdooRefused, match="must be in draft"):
        shop.call("account.move", "action_post", [invoice])
    with pytest.raises(OdooRefused, match="You can't delete a posted journal item"):
        shop.call("account.move", "unlink", [invoice])
    shop.call("account.move", "button_draft", [invoice])
    assert shop.call("account.move", "unlink", [invoice]) is True


FROZEN = [
    ("partner_id", 1),
    ("invoice_date", "2026-01-01"),
    ("currency_id", 1),
    ("fiscal_position_id", 1),
    ("invoice_line_ids", [[0, 0, {"name": "z"}]]),
]


@pytest.mark.parametrize(("field", "value"), FROZEN)
def test_posted_invoices_are_frozen(shop: Any, priced: Any, field: str, value: Any) -> None:
    invoice = priced(HST, 10.0)
    shop.call("account.move", "action_post", [invoice])
    with pytest.raises(OdooRefused, match=f"You cannot modify the following readonly fields on a posted move: {field}"):
        shop.call("account.move", "write", [invoice], vals={field: value})
    assert shop.call("account.move", "write", [invoice], vals={"ref": "x", "payment_reference": "z"}) is True


def test_a_posted_line_can_be_corrupted(shop: Any, priced: Any) -> None:
    invoice = priced(HST, 10.0)
    shop.call("account.move", "action_post", [invoice])
    line = shop.one("account.move", invoice, "invoice_line_ids")[0]
    shop.call("account.move.line", "write", [line], vals={"price_unit": 99.0})
    found = shop.get("account.move.line", line, "price_subtotal", "balance")
    assert (found["price_subtotal"], found["balance"], shop.one("account.move", invoice, "amount_total")) == (
        99.0,
        -10.0,
        11.3,
    )


REFUSED = [
    ({"price": None}, "Even magicians can't post nothing!"),
    ({"partner_id": False}, "The 'Customer' field is required to validate the invoice"),
    ({"price": -5.0}, "You cannot validate an invoice with a negative total amount"),
    ({"currency": "EUR"}, "You cannot validate a document with an inactive currency: EUR"),
]


@pytest.mark.parametrize(("case", "text"), REFUSED, ids=[item[1][:30] for item in REFUSED])
def test_what_cannot_be_posted(shop: Any, case: dict[str, Any], text: str) -> None:
    price = case.get("price", 5.0)
    lines = [] if price is None else [{"name": "x", "price_unit": price, "tax_ids": [[6, 0, []]]}]
    vals: dict[str, Any] = {"partner_id": case.get("partner_id", shop.partner())}
    if case.get("currency"):
        vals["currency_id"] = shop.find("res.currency", ["name", "=", case["currency"]], ["active", "=", False])[0]
    invoice = shop.make(
        "account.move", move_type="out_invoice", invoice_line_ids=[[0, 0, line] for line in lines], **vals
    )
    with pytest.raises(OdooRefused, match=text):
        shop.call("account.move", "action_post", [invoice])


def test_a_zero_invoice_is_paid(shop: Any, priced: Any) -> None:
    invoice = priced(HST, 0.0)
    shop.call("account.move", "action_post", [invoice])
    assert shop.one("account.move", invoice, "payment_state") == "paid"


def test_nothing_is_created_posted(shop: Any, priced: Any) -> None:
    with pytest.raises(OdooRefused, match="You cannot create a move already in the posted state"):
        priced(HST, 1.0, state="posted")
    general = shop.find("account.journal", ["type", "=", "general"])[0]
    with pytest.raises(OdooRefused, match="Cannot create a sale document in a non sale journal"):
        shop.invoice(journal_id=general)
    with pytest.raises(OdooRefused, match="Missing required account on accountable line"):
        priced(HST, 1.0, journal_id=general)


def test_journals_need_their_own_code(shop: Any) -> None:
    with pytest.raises(OdooRefused, match=r"Journal codes must be unique per company\."):
        shop.make("account.journal", name="Again", code="INV", type="sale")


def test_a_journal_without_account_takes_no_plain_lines(shop: Any, word: str) -> None:
    journal = shop.make("account.journal", name=word, code=word[:5].upper(), type="sale")
    with pytest.raises(OdooRefused, match="Missing required account on accountable line"):
        shop.invoice({"name": "x", "price_unit": 1.0}, journal_id=journal)


def test_due_dates(shop: Any, priced: Any) -> None:
    term = shop.ref("account.account_payment_term_30days")
    assert (
        shop.one(
            "account.move",
            priced(HST, 1.0, invoice_date="2026-01-15", invoice_payment_term_id=term),
            "invoice_date_due",
        )
        == "2026-02-14"
    )
    partner = shop.partner(property_payment_term_id=term)
    invoice = priced(HST, 1.0, invoice_date="2026-03-01", partner_id=partner)
    assert shop.get("account.move", invoice, "invoice_date_due", "date") == {
        "id": invoice,
        "invoice_date_due": "2026-03-31",
        "date": "2026-03-01",
    }


def test_references_may_repeat(shop: Any, priced: Any, word: str) -> None:
    priced(HST, 1.0, ref=word)
    priced(HST, 1.0, ref=word)
    assert len(shop.find("account.move", ["ref", "=", word])) == 2
