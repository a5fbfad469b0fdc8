"""``load``: all or nothing, external ids, lines on continuation rows, messages (facts/odoo19 §2b)."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.errors import BadCall, NoSuchMethod, OdooError


@pytest.fixture
def load(shop: Any) -> Any:
    def run(model: str, fields: list[str], *rows: list[Any]) -> Any:
        return shop.call(model, "load", fields=fields, data=[list(row) for row in rows])

    return run


def done(answer: Any) -> list[int]:
    assert answer["messages"] == [] and answer["nextrow"] == 0
    assert isinstance(answer["ids"], list)
    return list(answer["ids"])


def message(answer: Any) -> str:
    assert answer["ids"] is False
    errors = [item for item in answer["messages"] if item["type"] == "error"]
    return str(errors[0]["message"])


PARTNER = ["id", "name", "country_id/id", "state_id/.id", "is_company", "ref"]


def test_creates_then_updates(shop: Any, load: Any, word: str) -> None:
    ontario = str(shop.ref("base.state_ca_on"))
    rows = [[f"lago.{word}_1", "One", "base.ca", ontario, "1", "r"], [f"lago.{word}_2", "Two", "base.ca", "", "0", ""]]
    first = done(load("res.partner", PARTNER, *rows))
    rows[0][1:] = ["One again", "base.us", "", "true", ""]
    assert done(load("res.partner", PARTNER, *rows)) == first
    found = shop.get("res.partner", first[0], "name", "country_id", "state_id", "is_company", "ref")
    assert (found["name"], found["country_id"][0], found["state_id"], found["is_company"], found["ref"]) == (
        "One again", shop.ref("base.us"), False, True, False,
    )  # fmt: skip
    assert shop.ref(f"lago.{word}_2") == first[1]


MESSAGES = [
    ("res.partner", ["name", "country_id/id"], ["x", "base.zz"], "No matching record found for external id 'base.zz' in field 'Country'"),
    ("res.partner", ["name", "country_id/.id"], ["x", "999999"], "No matching record found for database id '999999' in field 'Country'"),
    ("res.partner", ["name", "country_id/.id"], ["x", "yy"], "Invalid database id 'yy' for the field 'Country'"),
    ("res.partner", ["name", "country_id"], ["x", "Canadaz"], "No matching record found for name 'Canadaz' in field 'Country'"),
    ("res.partner", ["name", "category_id/id"], ["x", "lago.zz"], "No matching record found for external id 'lago.zz' in field 'Tags'"),
    ("res.partner", ["name", "is_company"], ["x", "maybe"], "Unknown value 'maybe' for boolean field 'Is a Company'"),
    ("res.partner", ["name", "type"], ["x", "zz"], "Value 'zz' not found in selection field 'Address Type'"),
    ("res.partner", ["name", "color"], ["x", "zz"], "'zz' does not seem to be an integer for field 'Color Index'"),
    ("res.partner", ["name", "partner_latitude"], ["x", "zz"], "'zz' does not seem to be a number for field 'Geo Latitude'"),
    ("res.partner", [".id", "name"], ["999999", "x"], "Unknown database identifier '999999'"),
    ("res.partner", ["email"], ["x"], "Contacts require a name"),
    ("sale.order", ["partner_id/.id", "validity_date"], ["1", "zz"], "'zz' does not seem to be a valid date for field 'Expiration'"),
    ("sale.order", ["partner_id/.id", "date_order"], ["1", "2026-01-02T10:11:12"], "'2026-01-02T10:11:12' does not seem to be a valid datetime for field 'Order Date'"),
    ("sale.order", ["partner_id/.id", "order_line/price_unit"], ["1", "zz"], "'zz' does not seem to be a number for field 'Order Lines/Unit Price'"),
    ("sale.order", ["partner_id/.id", "order_line/product_id/.id"], ["1", "999999"], "No matching record found for database id '999999' in field 'Order Lines/Product'"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "fields", "row", "text"), MESSAGES, ids=[item[3][:40] for item in MESSAGES])
def test_messages(load: Any, word: str, model: str, fields: list[str], row: list[str], text: str) -> None:
    own = fields if ".id" in fields else ["id", *fields]
    answer = load(model, own, row if ".id" in fields else [f"lago.{word}", *row])
    assert message(answer) == text
    assert answer["messages"][0]["rows"] == {"from": 0, "to": 0} and answer["messages"][0]["record"] == 0


def test_a_missing_value_names_its_field(load: Any, word: str) -> None:
    answer = load("sale.order", ["id", "client_order_ref"], [f"lago.{word}", "x"])
    assert message(answer).startswith("Missing required value for the field 'Customer' (partner_id).")
    assert answer["messages"][0]["field"] == "partner_id"


def test_all_or_nothing(shop: Any, load: Any, word: str) -> None:
    answer = load("res.partner", ["id", "name", "color"], [f"lago.{word}_1", word, "1"], [f"lago.{word}_2", word, "zz"])
    assert answer["messages"][0]["rows"] == {"from": 1, "to": 1}
    assert shop.find("res.partner", ["name", "=", word]) == []
    assert shop.find("ir.model.data", ["name", "like", word]) == []


def test_an_unknown_column_is_an_error(load: Any, word: str) -> None:
    with pytest.raises(BadCall, match="Invalid field name 'foo'"):
        load("res.partner", ["id", "foo"], [f"lago.{word}", "x"])


def test_json_booleans_crash(load: Any, word: str) -> None:
    with pytest.raises(OdooError, match="'bool' object has no attribute 'lower'"):
        load("res.partner", ["id", "name", "is_company"], [f"lago.{word}", "x", True])
    assert issubclass(NoSuchMethod, OdooError)


def test_numbers_and_labels(shop: Any, load: Any, word: str) -> None:
    number = done(
        load(
            "res.partner", ["id", "name", "color", "type", "country_id"], [f"lago.{word}", "x", 3, "Invoice", "Canada"]
        )
    )[0]
    found = shop.get("res.partner", number, "color", "type", "country_id")
    assert (found["color"], found["type"], found["country_id"][1]) == (3, "invoice", "Canada")


def test_the_last_of_two_rows_wins(shop: Any, load: Any, word: str) -> None:
    first, second = done(load("res.partner", ["id", "name"], [f"lago.{word}", "A"], [f"lago.{word}", "B"]))
    assert first == second and shop.one("res.partner", first, "name") == "B"


def test_deleted_records_come_back(shop: Any, load: Any, word: str) -> None:
    rows = [f"lago.{word}", "A"]
    first = done(load("res.partner", ["id", "name"], rows))[0]
    shop.call("res.partner", "unlink", [first])
    assert done(load("res.partner", ["id", "name"], rows))[0] > first


def test_an_external_id_belongs_to_one_model(load: Any) -> None:
    answer = load("res.partner", ["id", "name"], ["base.ca", "A"])
    assert (
        "trying to create/update a record of model res.partner found record of different model res.country"
        in message(answer)
    )


def test_external_ids_without_module_and_with_spaces(shop: Any, load: Any, word: str) -> None:
    done(load("res.partner", ["id", "name"], [word, "A"]))
    assert shop.ref(f"__import__.{word}")
    assert "ir_model_data_name_nospaces" in message(load("res.partner", ["id", "name"], [f"lago.{word} x", "A"]))


ORDER = [
    "id",
    "partner_id/.id",
    "order_line/id",
    "order_line/product_id/.id",
    "order_line/price_unit",
    "order_line/product_uom_qty",
]


def test_lines_with_ids_are_updated(shop: Any, load: Any, word: str) -> None:
    product, partner = str(shop.product()), str(shop.partner())
    rows = [
        [f"lago.{word}_o", partner, f"lago.{word}_l1", product, "3", "1"],
        ["", "", f"lago.{word}_l2", product, "4", "2"],
        [f"lago.{word}_p", partner, f"lago.{word}_l3", product, "5", "1"],
    ]
    orders = done(load("sale.order", ORDER, *rows))
    assert [shop.one("sale.order", order, "amount_untaxed") for order in orders] == [11.0, 5.0]
    assert shop.one("sale.order", orders[0], "order_line") == [shop.ref(f"lago.{word}_l1"), shop.ref(f"lago.{word}_l2")]
    assert (
        done(load("sale.order", ORDER, [f"lago.{word}_o", partner, f"lago.{word}_l1", product, "30", "1"]))
        == orders[:1]
    )
    # the line that is no longer sent stays
    assert shop.one("sale.order", orders[0], "amount_untaxed") == 38.0


def test_lines_without_ids_are_appended_again(shop: Any, load: Any, word: str) -> None:
    fields = [field for field in ORDER if field != "order_line/id"]
    row = [f"lago.{word}", str(shop.partner()), str(shop.product()), "3", "1"]
    order = done(load("sale.order", fields, row))[0]
    done(load("sale.order", fields, row))
    assert len(shop.one("sale.order", order, "order_line")) == 2


def test_a_faulty_line_names_its_rows(shop: Any, load: Any, word: str) -> None:
    product, partner = str(shop.product()), str(shop.partner())
    rows = [
        [f"lago.{word}_o", partner, f"lago.{word}_1", product, "3", "1"],
        ["", "", f"lago.{word}_2", product, "3", "1"],
        [f"lago.{word}_p", partner, f"lago.{word}_3", product, "bad", "1"],
    ]
    first = load("sale.order", ORDER, *rows)["messages"][0]
    assert (first["rows"], first["record"], first["field"], first["field_name"]) == (
        {"from": 2, "to": 2},
        1,
        "order_line",
        "Order Lines",
    )


def test_cascaded_lines_leave_their_external_ids(shop: Any, load: Any, word: str) -> None:
    row = [f"lago.{word}_o", str(shop.partner()), f"lago.{word}_l", str(shop.product()), "3", "1"]
    order = done(load("sale.order", ORDER, row))[0]
    shop.call("sale.order", "unlink", [order])
    left = shop.call("ir.model.data", "search_read", domain=[["name", "like", word]], fields=["model"])
    assert [item["model"] for item in left] == ["sale.order.line"]
    again = done(load("sale.order", ORDER, row))[0]
    assert shop.one("sale.order", again, "order_line") == [shop.ref(f"lago.{word}_l")]
