"""Terms of payment that are no number of days, taken to an Odoo and read back from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cases.conftest import Breaking, Case
from tests.cases.test_quarantine import quarantine, skipped


def having(broken: Breaking, term: dict[str, object]) -> Case:
    """A company whose customers all have a term; the older number is null then, as Lago gives it."""

    def change(root: str, record: dict[str, Any]) -> list[dict[str, Any]]:
        if root in ("customers", "customer"):
            return [{**record, "payment_term": term, "net_payment_term": None}]
        return [{**record, "customer": change("customer", record["customer"])[0]} if "customer" in record else record]

    return broken("14", change)


@pytest.mark.parametrize(
    ("term", "line"),
    [
        ({"term_type": "end_of_month"}, ("days_after_end_of_month", 0)),
        ({"term_type": "net_end_of_month", "days": 20}, ("days_after_end_of_month", 20)),
        ({"term_type": "days_end_of_month", "days": 20}, ("days_end_of_month_on_the", 20, "0")),
        ({"term_type": "day_of_month", "day_of_month": 15, "month_offset": 1}, ("days_end_of_month_on_the", 0, "15")),
    ],
)
def test_a_term_is_written_and_read_back(
    broken: Breaking, term: dict[str, object], line: tuple[str | int, ...]
) -> None:
    company = having(broken, term)
    assert company.migrate_as_it_is().code == 0
    door = company.door()
    (partner, *_) = door.search_read("res.partner", [["ref", "!=", False]], ["property_payment_term_id"])
    number = partner["property_payment_term_id"]
    fields = ["delay_type", "nb_days", "days_next_month"]
    (written,) = door.search_read("account.payment.term.line", [["payment_id", "=", number]], fields)
    assert tuple(written[field] for field in fields)[: len(line)] == line
    shown = json.loads(company.run("preview", "--format", "json").out)
    assert {change["action"] for change in shown["changes"]} == {"unchanged"}
    company.connection().call("account.payment.term.line", "write", [written["id"]], vals={"nb_days": 3})
    assert "_line: nb_days" in company.run("status").out


def test_a_term_that_odoo_cannot_say_ends_with_1_until_it_is_waived(broken: Breaking) -> None:
    company = having(broken, {"term_type": "day_of_month", "day_of_month": 15, "month_offset": 0})
    assert company.migrate_as_it_is().code == 1
    assert set(skipped(company)) == {"payment_term_inexpressible"}
    company.project.replace("[waive]\n", "[waive]\nskipped = ['payment_term_inexpressible']\n")
    assert company.run("apply").code == 0
    (partner, *_) = company.door().search_read("res.partner", [["ref", "!=", False]], ["property_payment_term_id"])
    assert not partner["property_payment_term_id"]


def test_a_kind_that_lago_adds_tomorrow_is_refused_by_name(broken: Breaking) -> None:
    company = having(broken, {"term_type": "net_quarter", "days": 5})
    extracted = company.run("extract")
    assert (extracted.code, "'unknown_payment_term'" in extracted.err) == (1, True)
    assert {q["reason"] for q in quarantine(company)} >= {"unknown_payment_term"}
    assert company.run("apply").code == 1
