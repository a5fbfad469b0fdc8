"""A record that Odoo cannot express costs itself: the rest is written, it is named and counted, and ends apply with 1.

Until somebody accepts it, by its reason or by its own id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate.phases import MIGRATED
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.cli.broken import Broken, each, inside, opened
from tests.cli.conftest import WAIVED, Project

OTHER = "NX-1061"  # a customer of whom nothing is broken
CUSTOMER = "cust_0044"

Mark = Callable[[Any], Iterator[dict[str, Any]]]  # an answer -> the records in it that are broken


@pytest.fixture
def broken(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as company:
        yield company


def charge(body: Any) -> Iterator[dict[str, Any]]:
    plans = (plan for root in ("plan", "plans") for plan in each(body, root) if plan.get("charges"))
    yield from (plan["charges"][0] for plan in plans if plan["code"] == "nexadesk_team")


def metric(body: Any) -> Iterator[dict[str, Any]]:
    found = (record for root in ("billable_metric", "billable_metrics") for record in each(body, root))
    yield from (record for record in found if record["code"] == "tickets")


def customer(body: Any) -> Iterator[dict[str, Any]]:
    found = (record for root in ("customer", "customers") for record in each(body, root))
    yield from (record for record in found if record["external_id"] == CUSTOMER)


def plan(body: Any) -> Iterator[dict[str, Any]]:
    found = (record for root in ("plan", "plans") for record in each(body, root))
    yield from (record for record in found if record["code"] == "nexadesk_team")


def invoice(body: Any) -> Iterator[dict[str, Any]]:
    found = (record for root in ("invoice", "invoices") for record in each(body, root))
    yield from (record for record in found if record["number"] == "NEX-005-001")


def xids(company: Broken) -> dict[str, int]:
    rows = company.door().search_read("ir.model.data", [["module", "=", "lago"]], ["name", "res_id"])
    return {row["name"]: row["res_id"] for row in rows}


def left_out(project: Project) -> set[str]:
    """Phases that are unfinished because something is left out; every other one is finished."""
    with Store.open(f"sqlite:///{project.folder}/.lago2odoo/state.db") as store:
        phases = Ledger(store).phases()
    assert {p.phase for p in phases} == set(MIGRATED)
    assert all(p.finished or p.left_out for p in phases)
    return {p.phase.value for p in phases if not p.finished}


@pytest.mark.parametrize(
    ("mark", "wrong", "reason", "phase"),
    [
        (charge, {"charge_model": "custom"}, "custom_aggregation", "catalog"),
        (metric, {"aggregation_type": "custom_agg"}, "custom_aggregation", "catalog"),
        (customer, {"country": "US", "state": "Nowhere"}, "state_not_linked", "customers"),
        (plan, {"amount_currency": "KWD"}, "currency_contradicted", "subscriptions"),
        (
            invoice,
            {"total_due_amount_cents": 99_999_999, "payment_status": "pending"},
            "open_amount_contradicts",
            "balances",
        ),
    ],
)
def test_one_record_costs_itself(broken: Broken, mark: Mark, wrong: dict[str, Any], reason: str, phase: str) -> None:
    broken.change(lambda body: [record.update(wrong) for record in mark(body)])
    project = broken.project
    assert project.run("extract").code == 0
    shown = project.run("preview")
    assert (shown.code, reason in shown.out) == (1, True)
    assert "changes are pending; next: lago2odoo apply" in shown.out
    applied = project.run("apply")
    assert (applied.code, f"[waive] skipped = ['{reason}'], or their ids" in applied.err) == (1, True), applied.err
    assert applied.err.strip().splitlines()[-1].startswith("lago2odoo: everything else is written; ")
    assert "NOT waived" in applied.out
    partners = {row["ref"] for row in broken.door().search_read("res.partner", [["ref", "!=", False]], ["ref"])}
    assert {OTHER, CUSTOMER} <= partners
    written = xids(broken)
    assert left_out(project) >= {phase}

    status = project.run("status")
    assert (status.code, "unfinished (left out: " in status.out) == (2, True)
    again = project.run("apply")
    assert (again.code, "nothing to do" in again.out, "NOT waived" in again.out) == (1, True, True)
    assert again.err.strip().splitlines()[-1] == applied.err.strip().splitlines()[-1]
    assert project.run("apply", "--phase", "tokens").code == 0, "the next phases need not wait"

    ids = ids_of(broken, reason)
    broken.waive(*WAIVED, *ids)
    accepted = project.run("apply")
    assert (accepted.code, written.items() <= xids(broken).items()) == (0, True), accepted.err
    orders = {name for name in xids(broken).keys() - written.keys() if name.startswith("subscription_")}
    assert bool(orders) is (reason == "custom_aggregation"), "what waited for its charge is written without it"
    assert ids
    assert not any(name in accepted.err for name in ids), "each covers something"
    assert left_out(project) == set()
    assert project.run("status").code == 0
    again = project.run("apply")
    assert (again.code, "nothing to do" in again.out) == (0, True)


def ids_of(company: Broken, reason: str) -> set[str]:
    """Lago's ids of what is skipped for it, found in the recording by what the preview calls it; not who waits."""
    changes = json.loads(company.project.run("preview", "--format", "json").out)["changes"]
    named = [c["skipped"]["source"] for c in changes if c["skipped"] and c["skipped"]["reason"] == reason]
    named = [name for name in named if "charge" in name] or named
    lines = (line for path in company.recording.glob("*.jsonl") for line in path.read_text("utf-8").splitlines())
    records = (record for line in lines if line.strip() for record in inside(json.loads(line)["body"]))
    shown = {record["lago_id"] for record in records if isinstance(record.get("lago_id"), str)}
    ids = {lago_id for lago_id in shown if any(lago_id[:8] in name for name in named)}
    return {CUSTOMER} if reason == "state_not_linked" else ids


def test_an_order_of_a_waived_customer_stays_behind_and_is_not_written_short(broken: Broken) -> None:
    """To accept what is left of a customer is not to accept that Odoo bills them less."""
    broken.change(lambda body: [record.update({"charge_model": "custom"}) for record in charge(body)])
    project = broken.project
    assert project.run("extract").code == 0
    changes = json.loads(project.run("preview", "--format", "json").out)["changes"]
    waiting = [c["skipped"] for c in changes if c["skipped"] and c["skipped"]["source"].startswith("subscription ")]
    assert {item["reason"] for item in waiting} == {"custom_aggregation"}
    broken.waive(*WAIVED, *(item["customer"] for item in waiting))
    assert project.run("apply").code == 1, "the charge itself is accepted by nobody"
    ids = {item["source"].partition("(")[2][:8] for item in waiting}
    assert not [name for name in xids(broken) if name.startswith(tuple(f"subscription_{i}" for i in ids))]


def test_what_is_left_out_now_stays_in_odoo_until_that_is_accepted(broken: Broken) -> None:
    project = broken.project
    assert [project.run(name).code for name in ("extract", "apply")] == [0, 0]
    before = xids(broken)
    broken.change(lambda body: [record.update({"charge_model": "custom"}) for record in charge(body)])
    assert project.run("extract").code == 0
    assert project.run("apply").code == 1
    assert before.keys() - xids(broken).keys() == set(), "nobody agreed that a price goes"
    broken.waive(*WAIVED, "custom_aggregation")
    assert project.run("apply", "--allow-removals", "1000").code == 0
    assert before.keys() - xids(broken).keys(), "now it goes"


def test_a_server_without_what_everybody_needs_is_told_before_the_first_write(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = broken.project
    assert project.run("extract").code == 0
    monkeypatch.setattr("mappings.context.Context.has", lambda _self, _model, name: name != "fusion_plan_amount")
    shown = project.run("preview")
    assert (shown.code, "apply writes nothing, for Odoo lacks a module or a field: " in shown.out) == (1, True)
    refused = project.run("apply")
    assert (refused.code, "[waive] skipped = ['field_missing']" in refused.err) == (1, True), refused.err
    assert xids(broken) == {}
    broken.waive(*WAIVED, "field_missing")
    assert project.run("apply").code == 0
