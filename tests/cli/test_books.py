"""``ledger`` on the embedded Odoo, as far as that goes: drafts of invoices, their taxes, and back again."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.conftest import Project

TABLES = """
[books]
prepaid = "298000"
rounding = "423100"
received = "111313"
[[income]]
match = "service:*"
account = "411230"
"""


def keep(project: Project, way: str) -> None:
    (project.folder / "tables.toml").write_text(TABLES, encoding="utf-8")
    project.replace("[mapping]\n", f'[books]\nkeep = "{way}"\n[mapping]\ntables = "tables.toml"\n')


def ledger(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = project.run("ledger", *arguments, "--format", "json")
    return done.code, json.loads(done.out)


def test_drafts_are_written_once_tie_and_go_again(heavier_project: Project) -> None:
    project = heavier_project
    keep(project, "ledger")
    assert project.run("extract").code in (0, 1)
    project.run("apply", "--phase", "catalog")
    assert project.run("apply", "--phase", "customers").code == 0
    code, drafted = ledger(project)
    assert {item["reason"] for item in drafted["refused"]} <= {
        "books_no_rate",
        "books_of_missing",
        "books_paid_without_payment",
        "payment_dispute_lost",
    }, drafted["refused"]
    assert (code, drafted["failures"]) == (1, [])
    check_the_cent_that_is_not_kept(drafted)
    written = drafted["written"][0]["books"]["create"]
    assert written > 5

    _, again = ledger(project)
    assert (again["calls"], again["written"]) == (0, [{}])
    _, month = ledger(project, "--period", "2026-03")
    assert month["calls"] == 0
    assert 0 < len(month["tie"]["rows"]) < len(again["tie"]["rows"])
    foreseen = json.loads(project.run("rollback", "--phase", "books", "--dry-run", "--format", "json").out)
    assert len(foreseen["delete"]) == written, "a month alone takes nothing of the others away"
    undone = json.loads(project.run("rollback", "--phase", "books", "--format", "json").out)
    assert (undone["deleted"], undone["refused"], undone["changed_since"]) == (written, [], [])


def check_the_cent_that_is_not_kept(drafted: dict[str, Any]) -> None:
    """The embedded Odoo computes taxes anew whatever is written on them, as no real one does: that is named."""
    (wrong,) = drafted["wrong"]
    assert (wrong["reason"], wrong["detail"][:22]) == ("books_drafted_otherwise", "Odoo has 4.31 CAD of a")
    differing = {(row["kind"].split()[0], row["difference"]) for row in drafted["tie"]["rows"] if row["difference"]}
    assert differing == {("tax", 1), ("total", 1)}, "a cent less of a credit note"


def test_balances_and_ledger_refuse_each_other(project: Project) -> None:
    refused = project.run("ledger")
    assert refused.code == 1
    assert 'never both: choose keep = "ledger"' in refused.err
    project.run("extract")
    assert json.loads(project.run("apply", "--format", "json").out)["written"]["balances"]["create"] > 1
    keep(project, "ledger")
    refused = project.run("ledger")
    assert refused.code == 1
    assert "kept by balances already" in refused.err
    assert "'lago2odoo rollback --phase balances' first" in refused.err
