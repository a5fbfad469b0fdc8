"""Taxes by the terms of Odoo's records, held against drafts that a real Odoo 19 made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Tax
from reconcile.rating.tax_terms import TaxTerms, document_taxes

TRUTH = json.loads((Path(__file__).parents[1] / "data" / "odoo_taxes.json").read_text("utf-8"))
TAXES = tuple(Tax(lago_id="", code=code, name=code, rate=Decimal(rate)) for code, rate in TRUTH["taxes"].items())


def terms_of(record: Mapping[str, Any], place: int) -> TaxTerms:
    return TaxTerms(
        kind=record.get("amount_type", "percent"),
        included=record.get("price_include_override") == "tax_included",
        on_next=record.get("include_base_amount", False),
        affected=record.get("is_base_affected", True),
        place=(place, place),
    )


@pytest.mark.parametrize("draft", TRUTH["drafts"], ids=lambda d: f"{d['name']}, {'per line' * d['per_line']}")
def test_a_document_of_a_real_odoo(draft: Mapping[str, Any]) -> None:
    terms = {"gst": terms_of(draft["first"], 1), "qst": terms_of(draft["second"], 2)}
    items = [(cents, TAXES) for cents in TRUTH["prices"]]
    made = document_taxes(items, terms, "CAD", whole=draft["per_line"])
    assert (list(made.lines), made.net, dict(made.taxes)) == (
        draft["lines"],
        draft["net"],
        {"gst": draft["gst"], "qst": draft["qst"]},
    )


def test_a_fixed_tax_is_in_units_of_the_currency() -> None:
    made = document_taxes([(500, TAXES[:1])], {"gst": TaxTerms(kind="fixed")}, "JPY")
    assert made.taxes == {"gst": 5}


@pytest.mark.parametrize(
    ("on_next", "affected", "qst"),
    [
        (True, True, 1047),  # 9.975 % of 105.00: the tax in the price is part of its base
        (True, False, 998),  # of 100.00: the second tax's own record says no
        (False, True, 998),
        (False, False, 998),
    ],
)
def test_a_tax_in_the_price_is_in_the_base_of_the_next_only_where_both_records_say_so(
    on_next: bool, affected: bool, qst: int
) -> None:
    first = TaxTerms(included=True, on_next=on_next, place=(1, 1))
    made = document_taxes([(10500, TAXES)], {"gst": first, "qst": TaxTerms(affected=affected, place=(2, 2))}, "CAD")
    assert (made.net, dict(made.taxes)) == (10000, {"gst": 500, "qst": qst})


@pytest.mark.parametrize(("on_next", "affected", "qst"), [(True, True, 1047), (True, False, 998), (False, True, 998)])
def test_a_tax_on_top_is_in_the_base_of_the_next_only_where_both_records_say_so(
    on_next: bool, affected: bool, qst: int
) -> None:
    first = TaxTerms(on_next=on_next, place=(1, 1))
    made = document_taxes([(10000, TAXES)], {"gst": first, "qst": TaxTerms(affected=affected, place=(2, 2))}, "CAD")
    assert (made.net, dict(made.taxes)) == (10000, {"gst": 500, "qst": qst})
