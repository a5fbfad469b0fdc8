"""What cannot be compared is said to be so: it blames nobody, and it moves the exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.conftest import Case


def refusals(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(r["side"], r["reason"]) for i in report["invoices"] for r in i.get("refusals", ())}


def findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [f for i in report["invoices"] for p in i["positions"] for f in p.get("findings", ())]


def test_an_invoice_that_does_not_say_what_it_bills(case: Callable[..., Case]) -> None:
    company = case("05")
    assert company.migrate().code == 0
    assert company.run("reconcile", "--control", "--period", "all").code == 2
    assert refusals(company.report("all.control")) >= {("rerate", "boundaries_missing")}
    assert company.run("reconcile", "--period", "2026-08").code == 2
    report = company.report("2026-08")
    assert refusals(report) >= {("lago", "boundaries_missing"), ("odoo", "boundaries_missing")}
    assert findings(report) == []


def test_fees_paid_in_advance_that_an_invoice_regroups(case: Callable[..., Case]) -> None:
    company = case("07")
    assert company.migrate(waived=("regroup_paid_fees", "invoice_not_final")).code == 0
    assert company.run("reconcile", "--period", "2026-08").code == 2
    report = company.report("2026-08")
    assert refusals(report) == {("odoo", "advance_charges_invoice"), ("rerate", "advance_charges_invoice")}
    assert findings(report) == []
    periodic = next(i for i in report["invoices"] if i["number"] == "ACM-001-001")
    assert {p["status"] for p in periodic["positions"]} == {"equal"}


def test_a_type_of_fee_that_nobody_knows(case: Callable[..., Case]) -> None:
    company = case("10")
    assert company.migrate().code == 0
    for arguments, name in (
        (("--control", "--period", "all"), "all.control"),
        (("--period", "2026-08"), "2026-08"),
    ):
        assert company.run("reconcile", *arguments).code == 2
        report = company.report(name)
        assert ("lago", "unknown_fee_type") in refusals(report)
        assert findings(report) == []
        (invoice,) = report["invoices"]
        lines = [p for p in invoice["positions"] if not p["header"]]
        assert lines
        assert {p["status"] for p in lines} == {"equal"}
