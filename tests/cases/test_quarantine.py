"""One record that cannot be read costs itself and what depends on it, by name; everybody else goes through."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.cases.conftest import Case
from tests.cases.test_not_comparable import refusals


def skipped(case: Case) -> dict[str, int]:
    """Reasons of what a preview leaves out, and how many records each stands for."""
    shown = json.loads(case.run("preview", "--format", "json").out)
    counts: dict[str, int] = {}
    for change in shown["changes"]:
        if change["skipped"]:
            counts[change["skipped"]["reason"]] = (
                counts.get(change["skipped"]["reason"], 0) + change["skipped"]["count"]
            )
    return counts


def quarantine(case: Case) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(case.run("status", "--format", "json").out)["quarantined"]
    return found


def test_an_interval_that_lago_adds_tomorrow(case: Callable[..., Case]) -> None:
    company = case("11")
    applied = company.migrate()
    assert applied.code == 1
    assert "everything else is written" in applied.err
    assert set(skipped(company)) == {"unknown_interval"}
    assert {(q["resource"], q["field"]) for q in quarantine(company)} >= {("plans", "interval")}
    assert company.run("reconcile", "--control", "--period", "all").code == 2
    report = company.report("all.control")
    assert refusals(report) == {("lago", "unknown_interval")}
    assert all("positions" not in invoice for invoice in report["invoices"])
    company.project.replace("skipped = []", "skipped = ['unknown_interval']")
    assert company.run("apply").code == 0


def test_what_is_in_quarantine_is_waived_by_its_id_with_what_depends_on_it(case: Callable[..., Case]) -> None:
    company = case("20")
    assert company.migrate().code == 1
    (customer,) = (q for q in quarantine(company) if q["resource"] == "customers")
    ids = [q["id"] for q in quarantine(company)]
    assert customer["reason"] == "unknown_time_zone"
    company.project.replace("skipped = []", f"skipped = {ids}")
    assert company.run("apply").code == 0


def test_an_event_in_milliseconds_falls_in_no_period(case: Callable[..., Case]) -> None:
    company = case("13")
    assert company.migrate(waived=("event_in_no_period",)).code == 0
    assert skipped(company) == {"event_in_no_period": 1}
    assert company.run("reconcile", "--period", "2026-08").code == 0


def test_a_payment_without_a_status_is_no_payment_received(case: Callable[..., Case]) -> None:
    company = case("14")
    assert company.migrate().code == 0
    assert quarantine(company) == []
    assert company.run("reconcile", "--period", "2026-08").code == 0


def test_a_failed_invoice_without_a_date(case: Callable[..., Case]) -> None:
    company = case("15")
    assert company.migrate().code == 1
    assert skipped(company) == {"invoice_not_final": 1}
    assert quarantine(company) == []


def test_a_time_zone_that_nobody_knows(case: Callable[..., Case]) -> None:
    company = case("20")
    assert company.migrate().code == 1
    assert set(skipped(company)) == {"unknown_time_zone"}
    assert company.run("reconcile", "--control", "--period", "all").code == 2
    assert refusals(company.report("all.control")) == {("lago", "unknown_time_zone")}


def test_events_of_a_store_without_ids(case: Callable[..., Case]) -> None:
    company = case("03")
    assert company.migrate().code == 0
    assert company.run("reconcile", "--period", "2026-08").code == 0
    (invoice,) = company.report("2026-08")["invoices"]
    usage = next(p for p in invoice["positions"] if p["kind"] == "charge")
    assert {side["cents"] for side in usage["sides"].values()} == {1600}
    assert company.run("apply").code == 0
    assert "nothing to do" in company.run("apply").out


def test_a_plan_made_again_under_an_old_code_is_another_plan(case: Callable[..., Case]) -> None:
    company = case("08")
    assert company.migrate(waived=("plan_unknown",)).code == 0
    assert skipped(company)["plan_unknown"] >= 1
