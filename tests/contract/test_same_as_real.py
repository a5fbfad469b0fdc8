"""The same random documents on both servers at once: every amount and every field we rely on must be equal."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from migrate.odoo.connect import connect
from migrate.odoo.protocol import Odoo

pytestmark = pytest.mark.odoo

TAXES = [
    "hst_sale_tax_13",
    "hst_sale_tax_15",
    "gst_sale_tax_5",
    "gstqst_sale_tax_14975",
    "gstpst_sale_tax_12_bc",
    "int_sale_tax_0",
]
MOVE_FIELDS = [
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "amount_residual",
    "amount_total_signed",
    "amount_tax_signed",
    "state",
]
LINE_FIELDS = [
    "price_subtotal",
    "price_total",
    "balance",
    "debit",
    "credit",
    "amount_currency",
    "quantity",
    "price_unit",
]


@pytest.fixture(scope="module")
def both(places: Any) -> Iterator[tuple[Odoo, Odoo]]:
    servers = [connect(places(name, "enterprise").settings("json2")) for name in ("embedded", "real")]
    yield servers[0], servers[1]
    for server in servers:
        server.close()


def line(rng: random.Random) -> dict[str, Any]:
    """Prices with many digits, ties of half a cent, discounts, negatives, none or several taxes."""
    price = rng.choice(
        [
            rng.uniform(0, 100),
            round(rng.uniform(0, 50), 2) + 0.005,
            0.004,
            rng.uniform(0, 0.01),
            -rng.uniform(0, 5),
            10.05,
        ]
    )
    return {
        "price_unit": round(price, rng.choice([2, 3, 6])),
        "quantity": rng.choice([1, 2, 3, 0.5, 1.2345, 1000]),
        "discount": rng.choice([0, 0, 0, 10, 33.33]),
        # never GST twice on a line (alone and in a group): which of the two books it depends on the order of the call
        "taxes": rng.choice(
            [
                [],
                *([tax] for tax in TAXES),
                ["hst_sale_tax_13", "gst_sale_tax_5"],
                ["hst_sale_tax_15", "gstqst_sale_tax_14975"],
            ]
        ),
    }


def documents(seed: int, count: int) -> list[list[dict[str, Any]]]:
    rng = random.Random(seed)
    found = [[line(rng) for _ in range(rng.randint(1, 8))] for _ in range(count)]
    return [[{"price_unit": 1000, "quantity": 1, "discount": 0, "taxes": TAXES[:1]}, *lines] for lines in found]


def tax_ids(odoo: Odoo) -> dict[str, int]:
    domain = [["module", "=", "account"], ["name", "in", [f"1_{name}" for name in TAXES]]]
    rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["name", "res_id"])
    return {row["name"][2:]: row["res_id"] for row in rows}


def invoices(odoo: Odoo, docs: list[list[dict[str, Any]]], move_type: str) -> list[Any]:
    taxes = tax_ids(odoo)
    partner = odoo.call("res.partner", "create", vals_list=[{"name": "Random"}])[0]
    vals = [
        {
            "move_type": move_type,
            "partner_id": partner,
            "invoice_line_ids": [
                [0, 0, {"name": "x", "price_unit": row["price_unit"], "quantity": row["quantity"], "discount": row["discount"],
                        "tax_ids": [[6, 0, [taxes[name] for name in row["taxes"]]]]}]
                for row in doc
            ],
        }
        for doc in docs
    ]  # fmt: skip
    ids = odoo.call("account.move", "create", vals_list=vals)
    found = []
    for move, header in zip(ids, odoo.call("account.move", "read", ids, fields=MOVE_FIELDS), strict=True):
        rows = odoo.call(
            "account.move.line",
            "search_read",
            domain=[["move_id", "=", move]],
            fields=[*LINE_FIELDS, "name", "display_type"],
            order="sequence, id",
        )
        header.pop("id")
        lines = [
            [
                row["display_type"],
                row["name"] if row["display_type"] == "tax" else "",
                *(row[name] for name in LINE_FIELDS),
            ]
            for row in rows
        ]
        found.append(
            (
                header,
                [item for item in lines if item[0] == "product"],
                sorted(item for item in lines if item[0] != "product"),
            )
        )
    return found


def near(left: Any, right: Any) -> bool:
    if isinstance(left, float | int) and isinstance(right, float | int):
        return abs(left - right) < 1e-9
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(near(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(near(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


@pytest.mark.parametrize("method", ["round_globally", "round_per_line"])
@pytest.mark.parametrize("move_type", ["out_invoice", "out_refund"])
def test_random_invoices(both: tuple[Odoo, Odoo], method: str, move_type: str) -> None:
    docs = documents(hash_of(method, move_type), 12)
    results = []
    for odoo in both:
        odoo.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": method})
        results.append(invoices(odoo, docs, move_type))
        odoo.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_globally"})
    for doc, embedded, real in zip(docs, *results, strict=True):
        assert near(embedded, real), f"{doc}\nembedded {embedded}\nreal     {real}"


def hash_of(*words: str) -> int:
    return sum(ord(letter) for letter in "".join(words))


def test_random_orders(both: tuple[Odoo, Odoo]) -> None:
    docs = documents(7, 12)
    results = []
    for odoo in both:
        taxes = tax_ids(odoo)
        partner = odoo.call("res.partner", "create", vals_list=[{"name": "Random"}])[0]
        lines = [
            [[0, 0, {"name": "x", "price_unit": row["price_unit"], "product_uom_qty": row["quantity"], "discount": row["discount"],
                     "tax_ids": [[6, 0, [taxes[name] for name in row["taxes"]]]]}] for row in doc]
            for doc in docs
        ]  # fmt: skip
        ids = odoo.call("sale.order", "create", vals_list=[{"partner_id": partner, "order_line": doc} for doc in lines])
        headers = odoo.call("sale.order", "read", ids, fields=["amount_untaxed", "amount_tax", "amount_total"])
        rows = odoo.call(
            "sale.order.line",
            "search_read",
            domain=[["order_id", "in", ids]],
            fields=["price_subtotal", "price_tax", "price_total"],
            order="id",
        )
        results.append(([[row[key] for key in ("amount_untaxed", "amount_tax", "amount_total")] for row in headers],
                        [[row[key] for key in ("price_subtotal", "price_tax", "price_total")] for row in rows]))  # fmt: skip
    assert near(results[0], results[1])


def test_the_schema_is_that_of_the_server(both: tuple[Odoo, Odoo]) -> None:
    """The recording is not older than the modules: every field of every model we write to, with type, relation and choices."""
    models = [
        "res.partner", "product.template", "product.product", "product.pricelist.item", "sale.order", "sale.order.line", "account.move",
        "account.move.line", "account.journal", "payment.token", "loyalty.program", "sale.subscription.plan", "fusion.billing.metric",
        "fusion.billing.charge", "fusion.billing.usage", "fusion.billing.account.link", "fusion.billing.reconciliation",
    ]  # fmt: skip
    wanted = ["type", "relation", "required", "readonly", "store"]
    for model in models:
        shown = [odoo.call(model, "fields_get", attributes=wanted) for odoo in both]
        different = {name for name in shown[0].keys() | shown[1].keys() if shown[0].get(name) != shown[1].get(name)}
        assert not different, f"{model}: {sorted(different)}: run tests/odoo/server record"
