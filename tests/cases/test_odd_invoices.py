"""Open invoices that cannot be taken at their word: of an unknown type, or against their own amounts. Never moved."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.cases.conftest import Breaking, Case
from tests.cases.test_broken_references import fields
from tests.cases.test_exit_codes import waive
from tests.cases.test_not_comparable import refusals
from tests.cases.test_quarantine import skipped

INVOICES = ("invoices", "invoice")
FEES_HIGHER = {"fees_amount_cents": 2300, "sub_total_excluding_taxes_amount_cents": 2300}
ALL_HIGHER = FEES_HIGHER | dict.fromkeys(
    ("sub_total_including_taxes_amount_cents", "total_amount_cents", "total_due_amount_cents"), 2593
)


def opening_drafts(company: Case) -> list[dict[str, Any]]:
    domain = [["move_type", "=", "out_invoice"], ["ref", "like", "ACM-"]]
    found: list[dict[str, Any]] = company.connection().call(
        "account.move", "search_read", domain=domain, fields=["ref", "amount_total"]
    )
    return found


def require_left_out(company: Case, reason: str, *told: str) -> None:
    """By preview and apply, with the money; all else is written once somebody accepts it."""
    assert company.run("extract").code == 0
    shown = company.run("preview")
    assert shown.code == 1
    (line,) = (line for line in shown.out.splitlines() if line.strip().startswith(reason))
    assert all(text in line for text in told), line
    assert skipped(company) == {reason: 1}
    assert company.run("apply").code == 1
    waive(company, "skipped", [reason])
    assert company.run("apply").code == 0
    assert opening_drafts(company) == []


def test_an_unknown_type_of_invoice_is_moved_by_nobody(broken: Breaking) -> None:
    company = broken("14", fields(INVOICES, invoice_type="mystery"))
    require_left_out(company, "unknown_invoice_type", "'mystery'", "25.43 CAD due in Lago")
    assert company.run("reconcile", "--period", "all", "--control").code == 2
    assert ("lago", "unknown_invoice_type") in refusals(company.report("all.control"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"total_due_amount_cents": 99999}, ("says due 999.99 CAD", "make 25.43 CAD")),
        ({"total_due_amount_cents": 43}, ("says due 0.43 CAD", "make 25.43 CAD")),
        ({"total_paid_amount_cents": 99999}, ("its total is 25.43 CAD", "999.99 CAD are paid")),
    ],
)
def test_what_is_due_against_what_was_billed_and_paid(broken: Breaking, wrong: dict[str, int], told: str) -> None:
    """That is no matter of what was billed: the header is compared."""
    company = broken("14", fields(INVOICES, **wrong))
    require_left_out(company, "open_amount_contradicts", *told)
    company.run("reconcile", "--period", "all")
    assert ("lago", "header_does_not_add_up") not in refusals(company.report("all"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"total_amount_cents": 9999, "total_due_amount_cents": 9999}, ("says total 99.99 CAD", "make 25.43 CAD")),
        ({"taxes_amount_cents": 1}, ("says sub-total with taxes 25.43 CAD", "make 22.51 CAD")),
        ({"coupons_amount_cents": 50}, ("says sub-total 22.50 CAD", "make 22.00 CAD")),
    ],
)
def test_a_header_against_its_own_parts(broken: Breaking, wrong: dict[str, int], told: tuple[str, ...]) -> None:
    """Nobody is told a total that its own parts contradict: not the customer in Odoo, and not who compares."""
    company = broken("14", fields(INVOICES, **wrong))
    require_left_out(company, "header_does_not_add_up", *told)
    for name in ("all", "all.control"):
        arguments = ["--control"] if name == "all.control" else []
        shown = company.run("reconcile", "--period", "all", *arguments)
        assert (shown.code, "header_does_not_add_up" in shown.out) == (2, True)
        assert ("lago", "header_does_not_add_up") in refusals(company.report(name))
    assert all(text in shown.out for text in told)


def test_what_credit_notes_offset_is_not_due(broken: Breaking) -> None:
    less = {"total_offsetted_credit_note_amount_cents": 543, "total_due_amount_cents": 2000}
    company = broken("14", fields(INVOICES, **less))
    assert company.migrate_as_it_is().code == 0
    assert [Decimal(str(move["amount_total"])) for move in opening_drafts(company)] == [Decimal(20)]


def test_an_invoice_as_it_was_is_moved(case: Callable[..., Case]) -> None:
    company = case("14", "[waive]\n")
    assert company.migrate_as_it_is().code == 0
    assert [move["ref"] for move in opening_drafts(company)] == ["ACM-001-001"]


def test_a_header_that_its_lines_do_not_make_is_compared_and_has_a_cause(broken: Breaking) -> None:
    """A lost fee or an edited header shows as a difference of Lago's; it is not moved all the same."""
    company = broken("14", fields(INVOICES, **ALL_HIGHER))
    require_left_out(company, "header_does_not_add_up", "says fees 23.00 CAD", "its 2 fees make 22.50 CAD")
    assert company.run("reconcile", "--period", "all").code == 2
    report = company.report("all")
    assert ("lago", "header_does_not_add_up") not in refusals(report)
    found = [f for invoice in report["invoices"] for p in invoice["positions"] for f in p.get("findings", ())]
    assert ("edited_header", "lago", True) in {(f["cause"], f["side"], f["proven"]) for f in found}
