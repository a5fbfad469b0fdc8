"""Search domains: operators, logic, dotted paths, lists, dates, order, limits."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def people(odoo: Any) -> dict[str, Any]:
    """Five partners of one reference prefix, with tags and children."""
    import uuid

    mark = uuid.uuid4().hex[:8]
    tags = odoo.call("res.partner.category", "create", vals_list=[{"name": f"{mark} red"}, {"name": f"{mark} blue"}])
    countries = {
        row["code"]: row["id"]
        for row in odoo.call("res.country", "search_read", domain=[["code", "in", ["CA", "US"]]], fields=["code"])
    }
    vals = [
        {
            "name": f"{mark} Ann",
            "ref": "a",
            "color": 1,
            "country_id": countries["CA"],
            "category_id": [[6, 0, [tags[0]]]],
        },
        {"name": f"{mark} bob", "ref": "b_1", "color": 2, "country_id": countries["US"], "category_id": [[6, 0, tags]]},
        {"name": f"{mark} Cid", "color": 3, "is_company": True},
        {"name": f"{mark} Dee", "ref": "d%", "color": 4, "city": "Hull", "type": "other"},
        {"name": f"{mark} Eve", "ref": "", "color": 0},
    ]
    ids = odoo.call("res.partner", "create", vals_list=vals)
    odoo.call("res.partner", "write", [ids[2]], vals={"city": "Gatineau"})
    odoo.call("res.partner", "write", [ids[3]], vals={"parent_id": ids[2]})
    return {"mark": mark, "ids": ids, "tags": tags, "CA": countries["CA"]}


DOMAINS: list[tuple[list[Any], str]] = [
    ([["ref", "=", "a"]], "a"),
    ([["ref", "!=", "a"]], "bcde"),
    ([["ref", "=", False]], "ce"),
    ([["ref", "!=", False]], "abd"),
    ([["ref", "in", ["a", "b_1"]]], "ab"),
    ([["ref", "in", ["a", False]]], "ace"),
    ([["ref", "not in", ["a"]]], "bcde"),
    ([["ref", "like", "_1"]], "b"),
    ([["ref", "=like", "b_%"]], "b"),
    ([["ref", "not like", "a"]], "bcde"),
    ([["name", "ilike", "BOB"]], "b"),
    ([["name", "like", "BOB"]], ""),
    ([["name", "=ilike", "% eve"]], "e"),
    ([["color", ">", 2]], "cd"),
    ([["color", "<=", 1]], "ae"),
    ([["color", "=", 0]], "e"),
    ([["color", "=", False]], "e"),
    ([["color", "!=", 3]], "abde"),
    ([["is_company", "=", True]], "c"),
    ([["is_company", "=", False]], "abde"),
    ([["is_company", "!=", True]], "abde"),
    ([["country_id", "=", "CA"]], "a"),
    ([["country_id.code", "=", "CA"]], "a"),
    ([["country_id.code", "!=", "CA"]], "b"),
    ([["country_id", "=", False]], "cde"),
    ([["country_id", "!=", "CA"]], "bcde"),
    ([["category_id", "=", "red"]], "ab"),
    ([["category_id", "in", "both"]], "ab"),
    ([["category_id", "not in", "blue"]], "acde"),
    ([["category_id", "=", False]], "cde"),
    ([["category_id", "!=", False]], "ab"),
    ([["category_id.name", "ilike", "blue"]], "b"),
    ([["parent_id.name", "ilike", "cid"]], "d"),
    ([["child_ids.city", "=", "Hull"]], "c"),
    ([["child_ids", "any", [["city", "=", "Hull"]]]], "c"),
    ([["child_ids", "=", False]], "abde"),
    ([["id", "child_of", "c"]], "cd"),
    ([["id", "parent_of", "d"]], "cd"),
    (["|", ["color", "=", 1], ["color", "=", 2]], "ab"),
    (["!", ["color", "=", 1]], "bcde"),
    (["|", "&", ["color", ">", 0], ["color", "<", 2], "!", ["ref", "!=", False]], "ace"),
    ([["city", "=?", False]], "abcde"),
    ([["city", "=?", "Hull"]], "d"),
    ([[1, "=", 1]], "abcde"),
    ([[0, "=", 1]], ""),
]  # fmt: skip


@pytest.mark.parametrize(("domain", "expected"), DOMAINS, ids=[str(domain) for domain, _found in DOMAINS])
def test_operators(odoo: Any, people: dict[str, Any], domain: list[Any], expected: str) -> None:
    by_letter = dict(zip("abcde", people["ids"], strict=True))
    named = {"CA": people["CA"], "red": people["tags"][0], "blue": people["tags"][1], "both": people["tags"]}

    def real(item: Any) -> Any:
        if not isinstance(item, list) or len(item) != 3:
            return item
        name, operator, value = item
        if name in ("country_id", "category_id") and isinstance(value, str):
            return [name, operator, named[value] if operator != "not in" else [named[value]]]
        return [name, operator, by_letter[value]] if operator in ("child_of", "parent_of") else item

    full = [["id", "in", people["ids"]], *map(real, domain)]
    found = odoo.call("res.partner", "search", domain=full, order="id")
    assert found == [by_letter[letter] for letter in expected]


def test_order_offset_limit(odoo: Any, people: dict[str, Any]) -> None:
    only = [["id", "in", people["ids"]]]
    a, b, c, d, e = people["ids"]
    search = lambda **options: odoo.call("res.partner", "search", domain=only, **options)  # noqa: E731
    assert search(order="color desc", limit=2) == [d, c]
    assert search(order="color", offset=3) == [c, d]
    assert search(order="name") == [a, c, d, e, b]  # bytes, not an alphabet: capitals first
    assert search(order="country_id, id")[:2] == [a, b]
    assert search(order="ref, id")[-1] == c and search(order="ref desc, id")[0] == c  # nothing is the greatest
    assert odoo.call("res.partner", "search_count", domain=only) == 5
    assert odoo.call("res.partner", "search_count", domain=only, limit=2) == 2


def test_dates(odoo: Any, people: dict[str, Any]) -> None:
    orders = odoo.call(
        "sale.order",
        "create",
        vals_list=[{"partner_id": people["ids"][0], "date_order": f"2026-0{m}-01 10:00:00"} for m in (1, 2, 3)],
    )
    find = lambda *leaf: odoo.call("sale.order", "search", domain=[["id", "in", orders], list(leaf)], order="id")  # noqa: E731
    assert find("date_order", ">=", "2026-02-01") == orders[1:]
    assert find("date_order", "<", "2026-02-01 10:00:00") == orders[:1]
    assert find("date_order", "=", "2026-03-01 10:00:00") == orders[2:]


def test_related_fields_can_be_searched(odoo: Any, people: dict[str, Any]) -> None:
    order = odoo.call(
        "sale.order",
        "create",
        vals_list=[
            {"partner_id": people["ids"][1], "order_line": [[0, 0, {"name": "x", "display_type": "line_note"}]]}
        ],
    )
    found = odoo.call(
        "sale.order.line",
        "search_read",
        domain=[["order_partner_id", "=", people["ids"][1]]],
        fields=["order_id", "state"],
    )
    assert [(row["order_id"][0], row["state"]) for row in found] == [(order[0], "draft")]
