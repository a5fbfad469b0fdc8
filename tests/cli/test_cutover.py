"""``cutover --check``: a gate that evidence opens, and the plan of who leaves Lago when."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.applying.test_schedulers import action
from tests.cli.conftest import Project
from tests.cli.test_cutover_steps import connected
from tests.cli.test_journey import everything

ARGUMENTS = ("cutover", "--cohort", "pilot", "--check")
# The snapshot is as old as the recording, and the plan begins after it.
LONG_AGO = ("--max-age", "87600", "--not-before", "2026-09-01")
NOT_HERE = {"payment", "endings"}  # no Stripe; a plan is paid in advance


def gate(project: Project, *more: str) -> tuple[int, dict[str, Any]]:
    result = project.run(*ARGUMENTS, "--format", "json", *more)
    found: dict[str, Any] = json.loads(result.out)
    return result.code, found


def closed(found: dict[str, Any]) -> dict[str, list[str]]:
    return {check["name"]: check["problems"] for check in found["checks"] if not check["open"]}


def test_the_gate_of_a_cohort(heavier_project: Project) -> None:
    project = heavier_project
    assert project.run("extract").code == 0
    code, found = gate(project)
    assert (code, found["open"], set(closed(found))) == (2, False, {"snapshot", "applied", "signed"} | NOT_HERE)
    assert closed(found)["applied"][0].endswith("changes are pending")

    assert project.run("apply", "--cohort", "pilot").code == 0
    before = everything(project.folder / "odoo.db")
    code, found = gate(project, *LONG_AGO)
    assert (code, set(closed(found))) == (2, {"signed"} | NOT_HERE)
    assert closed(found)["signed"] == ["2026-07 is not signed", "2026-06 is not signed"]
    assert everything(project.folder / "odoo.db") == before, "nothing is written"

    assert [check["told"] for check in found["checks"] if check["name"] == "billing"] == [
        "no scheduled action bills anybody yet"
    ]
    odoo = connected(project)
    action(odoo, "Bill", "model._fusion_cron_invoice()")
    action(odoo, "Bill too", "model._cron_recurring_create_invoice()")
    (two,) = closed(gate(project, *LONG_AGO)[1])["billing"]
    assert two.startswith("two bill them: ")
    odoo.call("ir.cron", "write", odoo.call("ir.cron", "search", domain=[]), vals={"active": False})

    for ending in found["endings"]:
        zone = ZoneInfo(ending["timezone"])
        local = datetime.fromisoformat(ending["ending_at"]).astimezone(zone)
        assert (local.time(), f"{local.date()}") == (time(), ending["day"])
    assert {ending["day"] for ending in found["endings"]} == {"2026-09-01", "2027-01-01"}  # one plan is yearly

    database = project.folder / "odoo.db"
    with sqlite3.connect(database) as db:
        (drafts,) = db.execute(
            "select sum(round(amount_total * 100)) from account_move where move_type = 'out_invoice'"
        )
    assert sum(each["owed_cents"] for each in found["carried"]) == drafts[0]

    with sqlite3.connect(database) as db:
        db.execute("update sale_order set fusion_plan_amount = '1.00' where fusion_external_id = 'sub_035'")
    (changed,) = closed(gate(project, *LONG_AGO)[1])["drift"]
    assert changed.endswith("fusion_plan_amount")


def test_months_that_were_signed_with_a_reason_open_nothing(heavier_project: Project) -> None:
    project = heavier_project
    assert project.run("extract").code == 0
    assert project.run("apply", "--cohort", "pilot").code == 0
    people = ("--preparer", "Ann", "--reviewer", "Bob")
    for month in ("2026-06", "2026-07"):
        assert project.run("reconcile", "--cohort", "pilot", "--period", month).code in (0, 2)
        signed = project.run(
            "report", "sign", "--cohort", "pilot", "--period", month, *people, "--accept-open", "later"
        )
        assert signed.code == 0
    found = gate(project, *LONG_AGO)[1]
    assert closed(found)["signed"] == [f"2026-{m} was signed with open differences (later)" for m in ("07", "06")]


def test_who_has_no_cohort_or_no_check_is_told(heavier_project: Project) -> None:
    project = heavier_project
    assert project.run("extract").code == 0
    unknown = project.run("cutover", "--cohort", "nobody", "--check")
    assert (unknown.code, "nobody" in unknown.err) == (1, True)
    assert project.run("cutover", "--cohort", "pilot").code != 0
