"""The whole way once, with the ordinary commands: what each says, writes, and exits with."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from pathlib import Path

from lago2odoo.cli import status
from migrate.shipped_tables import SHIPPED
from migrate.state.store import Store
from tests.cli.conftest import Project, command


def everything(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of an embedded Odoo."""
    with sqlite3.connect(database) as db:
        tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by 1")]
        return {name: sorted(db.execute(f'select * from "{name}"'), key=repr) for name in tables}


def test_the_whole_way(project: Project, tmp_path: Path) -> None:
    first = project.run("extract")
    assert first.code == 0, first.err
    assert "next: lago2odoo preview" in first.out
    assert "nothing changed" in project.run("extract").out

    shown = project.run("preview")
    assert (shown.code, "changes are pending" in shown.out) == (2, True), shown.err

    applied = project.run("apply")
    assert applied.code == 0, applied.err
    assert re.search(r"[\d,]+ records written in \d+ calls", applied.out)

    before = everything(tmp_path / "odoo.db")
    again = project.run("apply")
    assert (again.code, again.out.splitlines()[-1]) == (0, "nothing to do"), again.err
    assert everything(tmp_path / "odoo.db") == before
    assert project.run("preview").code == 0

    compared = project.run("reconcile", "--period", "2026-07")
    data = json.loads((tmp_path / "report" / "2026-07.json").read_text("utf-8"))
    assert compared.code == data["exit_code"], compared.err
    assert data["exit_code"] in (0, 2)
    assert {t["currency"] for t in data["ties"]} == {"CAD", "USD"}
    assert everything(tmp_path / "odoo.db") == before, "reconcile leaves no trace in Odoo"

    written = project.run("report")
    assert written.code == 0, written.err
    assert "2026-07.html" in written.out
    assert "default-src 'none'" in html.unescape((tmp_path / "report" / "2026-07.html").read_text("utf-8"))

    status = json.loads(project.run("status", "--format", "json").out)
    assert status["snapshot"]["counts"]["customers"] == 7  # of the eight, one is deleted in Lago
    assert {p["phase"]: p["finished"] for p in status["phases"]}.keys() == {p["phase"] for p in status["phases"]}
    assert all(p["finished"] for p in status["phases"])
    assert status["drift"] == []


def test_control_needs_no_odoo_and_finds_lago_right(project: Project) -> None:
    project.replace("[odoo]\n", "[odoo]\nkey_env = 'NOT_SET_ANYWHERE'\n")
    assert project.run("extract").code == 0
    result = project.run("reconcile", "--control", "--period", "all", "--format", "json")
    assert result.code == 0, result.err
    data = json.loads(result.out)
    assert data["summary"]["invoices"] == {"equal": len(data["invoices"])}
    assert set(data["summary"]["fees"]) == {"equal"}
    assert data["summary"]["fees"]["equal"] > 100


def test_a_saved_preview_is_applied_exactly_or_refused(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    saved = tmp_path / "changes.json"
    assert project.run("preview", "--phase", "catalog", "--out", str(saved)).code == 2
    assert project.run("apply", "--changes", str(saved)).code == 0, "its phase is in the file"
    stale = project.run("apply", "--phase", "catalog", "--changes", str(saved))
    assert stale.code == 1
    assert "preview again" in stale.err
    other = project.run("apply", "--cohort", "pilot", "--changes", str(saved))
    assert (other.code, "saved for everyone, phase catalog" in other.err) == (1, True)


def test_a_phase_waits_for_its_predecessor(project: Project) -> None:
    project.run("extract")
    refused = project.run("apply", "--phase", "subscriptions")
    assert refused.code == 1
    assert "lago2odoo apply --phase catalog" in refused.err


def test_a_cohort_moves_alone(project: Project) -> None:
    project.run("extract")
    assert project.run("apply", "--cohort", "pilot").code == 0
    assert project.run("preview", "--cohort", "pilot").code == 0
    assert project.run("preview").code == 2, "the others are still to come"
    unknown = project.run("preview", "--cohort", "pilots")
    assert (unknown.code, "add [cohorts.pilots]" in unknown.err) == (1, True)


def test_nothing_is_lost_unseen_and_the_rest_is_written(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    project.replace("'stripe_provider_not_enabled'", "'another_reason'")
    shown = project.run("preview")
    assert (shown.code, "NOT waived" in shown.out) == (1, True)
    applied = project.run("apply")
    assert applied.code == 1
    assert "everything else is written; " in applied.err
    assert "stripe_provider_not_enabled" in applied.err
    written = everything(tmp_path / "odoo.db")
    project.replace("'another_reason'", "'stripe_provider_not_enabled'")
    assert project.run("apply").code == 0
    assert everything(tmp_path / "odoo.db") == written, "all but what is left out was there already"


def test_reasons_in_their_old_spelling_still_waive_and_are_told(project: Project) -> None:
    assert project.run("extract").code == 0
    assert "new spelling" not in project.run("preview").err
    project.replace("'stripe_provider_not_enabled'", "'stripe-provider-not-enabled'")
    shown = project.run("preview")
    assert (shown.code, "NOT waived" in shown.out) == (2, False)
    assert "the reason 'stripe-provider-not-enabled' is read as 'stripe_provider_not_enabled'" in shown.err


def test_a_second_run_at_once_exits_4(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    with Store.open(tmp_path / ".lago2odoo" / "state.db") as store, store.lock():
        assert project.run("apply").code == 4
        assert project.run("extract").code == 4


def test_rollback_leaves_odoo_as_it_was(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    assert project.run("apply").code == 0
    before = everything(tmp_path / "odoo.db")
    foreseen = project.run("rollback", "--dry-run", "--format", "json")
    assert (foreseen.code, everything(tmp_path / "odoo.db") == before) == (2, True)
    assert "nothing was written" in project.run("rollback", "--dry-run").out
    undone = project.run("rollback", "--format", "json")
    assert undone.code == 0, undone.err
    data, plan = json.loads(undone.out), json.loads(foreseen.out)
    assert data["deleted"] + len(data["archived"]) == len(plan["delete"])
    assert (data["restored"], project.run("rollback", "--dry-run").code) == (len(plan["restore"]), 0)
    assert project.run("rollback").out.strip() == "nothing to undo"
    assert project.run("preview").code == 2


def test_a_rollback_that_leaves_something_says_what_in_data_and_on_stderr(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    assert project.run("apply").code == 0
    with sqlite3.connect(tmp_path / "odoo.db") as db:
        db.execute(
            "update res_partner set city = 'Elsewhere' where ref is not null and id = (select max(id) from res_partner)"
        )
    refused = project.run("rollback", "--format", "json")
    assert (refused.code, len(json.loads(refused.out)["changed_since"])) == (1, 1)
    assert "changed in Odoo since" in refused.err


def test_init_writes_a_configuration_once(tmp_path: Path) -> None:
    path = tmp_path / "lago2odoo.toml"
    assert command("init", "--config", str(path)).code == 0
    written = path.read_text("utf-8")
    again = command("init", "--config", str(path))
    assert (again.code, "exists already" in again.err) == (1, True)
    assert path.read_text("utf-8") == written


def test_the_addon_is_exported_whole(tmp_path: Path) -> None:
    assert command("addon", "export", str(tmp_path)).code == 0
    assert (tmp_path / "fusion_billing" / "__manifest__.py").is_file()
    assert not list(tmp_path.rglob("__pycache__"))
    assert command("addon", "export", str(tmp_path)).code == 0, "an older copy is replaced"
    (tmp_path / "other" / "fusion_billing").mkdir(parents=True)
    assert command("addon", "export", str(tmp_path / "other")).code == 1


def test_doctor_before_and_after_extract(project: Project) -> None:
    before = project.run("doctor")
    assert before.code == 0, before.out + before.err
    assert "nothing is extracted yet" in before.out
    assert "subscriptions: enterprise" in before.out
    assert "WARNING  Lago's clock says" in before.out, "that of a recording is behind"
    extracted = project.run("extract")
    assert (extracted.code, extracted.err.count("warning: Lago's clock says")) == (0, 1)
    after = project.run("doctor")
    assert "references to Odoo's own records are there" in after.out
    assert "ERROR" not in after.out, after.out
    assert after.code == 0


def test_a_table_that_does_not_fit_odoo_is_named_before_anything_is_written(project: Project, tmp_path: Path) -> None:
    """The tax of 14 % that the table maps to Odoo's 15 %, seen by doctor, preview and apply; a wish can be waived."""
    shipped = SHIPPED.read_text("utf-8")
    (tmp_path / "tables.toml").write_text(shipped.replace("_hst_sale_tax_14", "_hst_sale_tax_15"), encoding="utf-8")
    project.replace("[mapping]", '[mapping]\ntables = "tables.toml"')
    project.run("extract")
    said = "tax for hst_ns, account.1_hst_sale_tax_15: is 15 % in Odoo, Lago charges 14 %"
    for name in ("doctor", "preview", "apply"):
        shown = project.run(name)
        assert (shown.code, said in shown.out + shown.err) == (1, True), name
        assert f"tables.toml:{line_of(shipped, '_hst_sale_tax_14')}: {said}" in shown.out + shown.err
    assert json.loads(project.run("preview", "--format", "json").out)["mapping_errors"][0]["what"].endswith(said)
    assert json.loads(project.run("status", "--format", "json").out)["applied"] == {}


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_kinds_of_runs_keep_their_own_files(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    assert project.run("reconcile", "--control", "--period", "2026-07").code == 0
    assert project.run("reconcile", "--control", "--period", "2026-07", "--cohort", "pilot").code == 0
    assert {p.name for p in (tmp_path / "report").glob("*.json")} == {
        "2026-07.control.json",
        "2026-07.pilot.control.json",
    }


def test_usage_that_odoo_was_not_given_is_said_beforehand(project: Project) -> None:
    project.replace("usage_since = 2025-01-01", "")
    project.run("extract")
    project.run("apply")
    assert "set [mapping] usage_since" in project.run("reconcile", "--period", "2026-05").err


def test_a_reconciled_month_is_signed_by_somebody_else(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    assert project.run("apply").code == 0
    project.run("reconcile", "--period", "2026-07")
    people = ("--period", "2026-07", "--preparer", "ana@example.com")
    alone = project.run("report", "sign", *people, "--reviewer", "ana@example.com", "--accept-open", "a test")
    assert alone.code == 1
    pack = tmp_path / "pack.zip"
    signed = project.run(
        "report", "sign", *people, "--reviewer", "bo@example.com", "--accept-open", "a test", "--out", str(pack)
    )
    assert signed.code == 0, signed.err
    seal = signed.out.partition("seal: ")[2].split()[0]
    told = command("report", "verify", str(pack), "--seal", seal, "--format", "json")
    assert told.code == 0
    facts = json.loads(told.out)["packs"][0]["facts"]
    assert facts["records_extracted"] + facts["records_refused"] == facts["records_loaded"] + facts["records_left_out"]
    assert (facts["records_loaded"] > 0, facts["records_unaccounted"]) == (True, 0)
    assert facts["receivable CAD posted"] + facts["receivable CAD other"] == facts["receivable CAD account"]
    assert {"not_compared CAD lago", "outside CAD odoo"} <= set(facts)
    assert command("report", "verify", str(pack)).code == 1, "its own hashes prove nothing"
    changed = bytearray(pack.read_bytes())
    changed[len(changed) // 2] ^= 1
    pack.write_bytes(bytes(changed))
    assert command("report", "verify", str(pack)).code == 1


def test_verdicts_are_pushed_once(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    assert project.run("apply").code == 0
    plain = project.run("reconcile", "--period", "2026-07")
    first = project.run("reconcile", "--period", "2026-07", "--push")
    positions = sum(len(i["positions"]) for i in json.loads((tmp_path / "report" / "2026-07.json").read_text("utf-8"))["invoices"])  # fmt: skip  # noqa: E501
    assert (first.code, first.out) == (plain.code, plain.out), first.err
    assert f"verdicts in Odoo: {positions} new, 0 updated, 0 unchanged" in first.err
    before = everything(tmp_path / "odoo.db")
    again = project.run("reconcile", "--period", "2026-07", "--push", "--format", "json")
    assert f"verdicts in Odoo: 0 new, 0 updated, {positions} unchanged" in again.err
    assert json.loads(again.out)["exit_code"] == again.code
    assert everything(tmp_path / "odoo.db") == before
    everyone = project.run("reconcile", "--period", "2026-07", "--cohort", "pilot", "--push").err
    assert "archived" not in everyone, "a cohort says nothing of the others"


def test_a_push_that_cannot_be_is_refused_before_the_work(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    control = project.run("reconcile", "--control", "--period", "2026-07", "--push")
    assert (control.code, "leave one of them out" in control.err, control.out) == (1, True, "")
    hidden = project.run("reconcile", "--period", "2026-07", "--push", "--pseudonymise", str(tmp_path / "key"))
    assert (hidden.code, "leave one of them out" in hidden.err, hidden.out) == (1, True, "")
    with sqlite3.connect(tmp_path / "odoo.db") as db:
        db.execute("update ir_module_module set latest_version = '19.0.0.9.0' where name = 'fusion_billing'")
    older = project.run("reconcile", "--period", "2026-07", "--push")
    assert (older.code, older.out, (tmp_path / "report").exists()) == (1, "", False)
    assert "addon fusion_billing is 19.0.0.9.0 in Odoo" in older.err
    assert "then upgrade the module" in older.err
    assert len(older.err.strip().splitlines()) == 1
    with sqlite3.connect(tmp_path / "odoo.db") as db:
        db.execute("update ir_module_module set state = 'uninstalled' where name = 'fusion_billing'")
    gone = project.run("reconcile", "--period", "2026-07", "--push")
    assert (gone.code, gone.out, (tmp_path / "report").exists()) == (1, "", False)
    assert "the addon fusion_billing is not installed in Odoo" in gone.err
    assert len(gone.err.strip().splitlines()) == 1


def test_what_an_older_version_did_not_note_is_told_by_status() -> None:
    data = {
        "snapshot": {"taken_at": "now", "lago_version": "1", "counts": {}},
        "unclaimed": [],
        "unread": [],
        "lost_sums": [],
    }
    said = status.render(data, [], [], status.DriftReport(unwatched={"res.partner: parent_id": 1_200}))
    assert "not watched until the next apply notes it" in said
    assert said.endswith("res.partner: parent_id (1,200)")
    assert "not watched" not in status.render(data, [], [], status.DriftReport())
