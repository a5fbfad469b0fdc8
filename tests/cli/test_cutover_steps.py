"""``cutover --end``, ``--confirm`` and ``--revert``, on a living Lago and an embedded Odoo."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.cli import cutover_plan
from lago2odoo.sandbox import lago as embedded_lago
from lago2odoo.sandbox import odoo as embedded_odoo
from lago2odoo.sandbox.living.lago import LivingLago
from migrate.config import load
from migrate.gate import GateCheck
from migrate.odoo.connect import OdooSettings, connect
from tests.applying.test_schedulers import action
from tests.cli.conftest import LAGO_KEY, ODOO_KEY, Project, new_project

LONG_AGO = ("--max-age", "87600", "--not-before", "2026-09-01")
PILOT = ("cutover", "--cohort", "pilot")


@pytest.fixture(scope="module")
def migrated(heavier: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, LivingLago]]:
    """The pilot is in Odoo; its Lago goes on."""
    folder = tmp_path_factory.mktemp("cutover")
    with (
        pytest.MonkeyPatch.context() as patched,
        embedded_lago.serve(heavier, api_key=LAGO_KEY, living=True) as server,
        closing(embedded_odoo.serve(folder / "odoo.db", api_key=ODOO_KEY)) as odoo,
    ):
        patched.setenv("LAGO_API_KEY", LAGO_KEY)
        patched.setenv("ODOO_KEY", ODOO_KEY)
        patched.setenv("LAGO_WRITE_KEY", LAGO_KEY)
        project = new_project(folder, server.url, odoo.url)
        assert project.run("extract").code == 0
        assert project.run("apply", "--cohort", "pilot").code == 0
        assert isinstance(server.lago, LivingLago)
        yield project, server.lago


def told(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    result = project.run(*PILOT, "--format", "json", *arguments)
    assert result.out, result.err
    found: dict[str, Any] = json.loads(result.out)
    return result.code, found


def ends(lago: LivingLago) -> dict[str, str]:
    return {s["external_id"]: s["ending_at"] for s in lago.listed("subscriptions") if s["ending_at"]}


def connected(project: Project) -> Any:
    """To the project's Odoo."""
    url = load(project.config).odoo.url or ""
    return connect(OdooSettings(url=url, database=embedded_odoo.DEFAULT_DATABASE, user="admin", key=ODOO_KEY))


def switch(project: Project, *, on: bool) -> None:
    """The addon's scheduled action that makes invoices; made when it is first switched on."""
    odoo = connected(project)
    there = odoo.call("ir.cron", "search", domain=[["cron_name", "=", "Bill"]], context={"active_test": False})
    if there:
        odoo.call("ir.cron", "write", there, vals={"active": on})
    else:
        action(odoo, "Bill", "model._fusion_cron_invoice()", active=on)


def billable(project: Project) -> tuple[int, list[str]]:
    """Exit code of ``doctor --billable``, and what is wrong with whom."""
    result = project.run("doctor", "--billable", "--format", "json")
    errors = [f["what"] for f in json.loads(result.out)["findings"] if f["level"] == "error"]
    return result.code, [what.partition(": ")[2] for what in errors]


def begins(project: Project) -> dict[str, str]:
    """Subscription -> the day (UTC) from which its running order bills, of those that leave; none of them ends."""
    with sqlite3.connect(project.folder / "odoo.db") as db:
        rows = db.execute(
            "select fusion_external_id, fusion_billed_until from sale_order where subscription_state = '3_progress'"
            " and fusion_ending_at is null and end_date is null"
        ).fetchall()
    return {name: until[:10] for name, until in rows}


def test_a_cohort_leaves_step_by_step(migrated: tuple[Project, LivingLago], monkeypatch: pytest.MonkeyPatch) -> None:
    project, lago = migrated
    before = ends(lago)
    assert billable(project) == (0, [])
    switch(project, on=True)
    assert {problem[:4] for problem in billable(project)[1]} == {"both"}, "the dual run, and Odoo bills too"
    switch(project, on=False)
    code, found = told(project, "--end", *LONG_AGO)
    assert (code, found["open"], ends(lago)) == (2, False, before), "a closed gate: nothing is written"
    assert project.run(*PILOT, "--confirm").code == 1
    assert told(project, "--revert") == (0, {"cohort": "pilot", "back": []})

    monkeypatch.setattr(cutover_plan, "gate_checks", lambda *_: [GateCheck(name="all", told="as it should be")])
    planned = {e["subscription"]: e["ending_at"] for e in told(project, "--check", *LONG_AGO)[1]["endings"]}
    code, found = told(project, "--end", *LONG_AGO)
    assert (code, {e["problem"] for e in found["ends"]}) == (0, {""})
    assert ends(lago) == before | planned
    again = project.run(*PILOT, "--end", *LONG_AGO)
    assert (again.code, again.out.split(":")[0]) == (0, "nothing to do")
    later = told(project, "--check", *LONG_AGO[:2], "--not-before", "2026-12-24")[1]["endings"]
    assert {e["subscription"]: e["ending_at"] for e in later} == planned, "what is set stays where it is"

    (cohort,) = json.loads(project.run("status", "--format", "json").out)["cutover"]
    assert (cohort["counts"]["ending"], cohort["next"].split("--")[-1]) == (len(planned), "confirm")

    code, found = told(project, "--confirm")
    assert (code, {"bills from" in s["odoo"] for s in found["subscriptions"]}) == (1, {True}), "Odoo is to be told"
    assert [project.run("extract").code, project.run("apply", "--cohort", "pilot").code] == [0, 0]
    assert begins(project) == {name: moment[:10] for name, moment in planned.items()}
    assert told(project, "--confirm")[0] == 2

    lago.move_clock(datetime(2026, 9, 2, 12, tzinfo=UTC))
    gone = {name for name, moment in planned.items() if moment < "2026-09-03"}
    assert [project.run("extract").code, project.run("apply", "--cohort", "pilot").code] == [0, 0]
    assert begins(project) == {name: moment[:10] for name, moment in planned.items()}, "what ended in Lago goes on"
    code, found = told(project, "--confirm")
    assert {s["subscription"] for s in found["subscriptions"] if s["ended"]} == gone
    assert [s for s in found["subscriptions"] if s["problems"] or s["odoo"]] == []
    assert (code, found["ended"], found["running"], 0 < len(gone) < len(planned)) == (2, len(gone), [], True)

    code, problems = billable(project)
    assert (code, len(problems), {p[:8] for p in problems}) == (1, len(gone), {"neither:"}), "nothing in Odoo bills"
    switch(project, on=True)
    assert billable(project) == (0, []), "Odoo goes on where Lago ends, a yearly plan next year"
    switch(project, on=False)

    code, found = told(project, "--revert")
    assert (code, {b["subscription"] for b in found["back"] if "taken back" in b["what"]}) == (2, planned.keys() - gone)
    assert ends(lago).keys() - before.keys() == gone
    (cohort,) = json.loads(project.run("status", "--format", "json").out)["cutover"]
    assert (cohort["counts"]["ended"], cohort["counts"]["back"]) == (len(gone), len(planned) - len(gone))


def test_an_end_needs_a_key_of_its_own(migrated: tuple[Project, LivingLago], monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = migrated
    monkeypatch.delenv("LAGO_WRITE_KEY")
    monkeypatch.setattr(cutover_plan, "gate_checks", lambda *_: [GateCheck(name="all", told="as it should be")])
    result = project.run(*PILOT, "--end", *LONG_AGO)
    assert (result.code, "LAGO_WRITE_KEY" in result.err) == (1, True)
