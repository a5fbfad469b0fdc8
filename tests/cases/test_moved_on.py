"""What Lago lost, ended or changed after apply: named by what stands in Odoo, and no order is closed for a loss."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cases.conftest import Case

Row = dict[str, Any]


def lines_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def edit(recording: Path, root: str, change: Callable[[Row], list[Row]]) -> None:
    """Each record that an answer shows under ``root`` (or ``root`` without its s), changed."""
    for path in sorted(recording.glob("*.jsonl")):
        calls = lines_of(path)
        for call in calls:
            body = call["body"]
            if isinstance(body.get(root), list):
                body[root] = [record for item in body[root] for record in change(item)]
                if "total_count" in (body.get("meta") or {}):
                    body["meta"]["total_count"] = len(body[root])
            one = root.removesuffix("s")
            if isinstance(body.get(one), dict):
                shown = change(body[one]) or [body[one]]
                body[one] = next((r for r in shown if str(r.get("status")) in call["query"]), shown[-1])
        path.chmod(0o600)
        path.write_text("".join(f"{json.dumps(call)}\n" for call in calls), encoding="utf-8")


def show(recording: Path, root: str, *records: Row) -> None:
    """One more in the list of Lago's."""
    (call,) = lines_of(recording / f"{root}.jsonl")
    call["body"][root] += records
    call["body"]["meta"]["total_count"] = len(call["body"][root])
    (recording / f"{root}.jsonl").chmod(0o600)
    (recording / f"{root}.jsonl").write_text(f"{json.dumps(call)}\n", encoding="utf-8")


def as_terminated(recording: Path) -> None:
    """The subscription's own page as Lago gives it of one that ended."""
    path = recording / "subscriptions.jsonl"
    calls = lines_of(path)
    more = [{**call, "query": "status=terminated"} for call in calls if call["query"] == "status=active"]
    path.chmod(0o600)
    path.write_text("".join(f"{json.dumps(call)}\n" for call in (*calls, *more)), encoding="utf-8")


def gone(_record: Row) -> list[Row]:
    return []


COUPON: Row = {
    "lago_id": "31f13133-3e1b-45ee-bea8-d774d5d13ab6",
    "name": "Ten",
    "code": "ten",
    "coupon_type": "percentage",
    "percentage_rate": "10.0",
    "frequency": "forever",
    "reusable": True,
    "limited_plans": False,
    "limited_billable_metrics": False,
    "plan_codes": [],
    "billable_metric_codes": [],
    "created_at": "2026-01-19T14:00:00Z",
    "expiration": "no_expiration",
}
HELD: Row = {
    "lago_id": "98b54bc6-26a5-4f3d-b337-d1d244dc561a",
    "lago_coupon_id": COUPON["lago_id"],
    "coupon_code": "ten",
    "coupon_name": "Ten",
    "coupon_status": "active",
    "lago_customer_id": "1a613544-c742-5152-95e9-765baded3f1c",
    "external_customer_id": "cust-1",
    "status": "active",
    "percentage_rate": "10.0",
    "frequency": "forever",
    "created_at": "2026-05-15T14:27:22Z",
    "credits": [],
}


@pytest.fixture
def applied(case: Callable[..., Case], companies: Path, tmp_path: Path) -> tuple[Case, Path]:
    """A company whose subscription is too young for an invoice, in Odoo; and its recording, to be changed."""
    (whole,) = companies.glob("14-*")
    recording = shutil.copytree(whole, tmp_path / "recording")
    edit(recording, "invoices", gone)
    edit(recording, "fees", gone)
    edit(recording, "payments", gone)
    as_terminated(recording)
    show(recording, "coupons", COUPON)
    show(recording, "applied_coupons", HELD)
    company = case("14", "[waive]\n")
    company.project.replace(str(whole), str(recording))
    assert company.migrate_as_it_is().code == 0
    assert company.run("status").code == 0
    return company, recording


def status(company: Case) -> tuple[int, Row]:
    shown = company.run("status", "--format", "json")
    return shown.code, json.loads(shown.out)


def order(company: Case) -> Row:
    (row,) = company.door().search_read("sale.order", [], ["name", "state", "subscription_state", "fusion_external_id"])
    return row


def test_a_subscription_that_only_its_order_names_is_lost_and_stays(applied: tuple[Case, Path]) -> None:
    company, recording = applied
    before = order(company)
    edit(recording, "subscriptions", gone)
    extracted = company.run("extract")
    assert (extracted.code, "subscription_lost" in extracted.out) == (1, True), extracted.out
    code, data = status(company)
    (unread,) = data["quarantined"]
    assert (code, unread["reason"], unread["label"]) == (1, "subscription_lost", before["fusion_external_id"])
    assert "is named by 1 order in Odoo" in unread["problem"]
    said = company.run("status").out
    assert "end none of them" in said
    assert "end them there" not in said
    shown = company.run("preview", "--format", "json")
    changes = json.loads(shown.out)
    assert changes["removals"] == [], "nobody is asked to agree that the order goes"
    events = [c["skipped"] for c in changes["changes"] if c["skipped"] and c["skipped"]["source"].startswith("event ")]
    assert [item["reason"] for item in events] == ["subscription_lost"], "usage alone is that of a lost subscription"
    assert company.run("apply").code == 1
    assert order(company) == before


def test_a_month_of_a_lost_subscription_tells_its_order_and_advises_nothing(applied: tuple[Case, Path]) -> None:
    company, recording = applied
    before = order(company)
    edit(recording, "subscriptions", gone)
    company.run("extract")
    said = company.run("reconcile", "--period", "2026-07")
    assert said.code == 2
    (shown,) = company.report("2026-07")["invoices"]
    (refusal,) = shown["refusals"]
    assert (refusal["side"], refusal["reason"], shown["number"]) == ("odoo", "subscription_lost", before["name"])
    assert "close nothing" in refusal["detail"]
    assert "Close" not in said.out


# --- Lago moved on ---


AT = "2026-08-20T10:00:00Z"


def ended(record: Row) -> list[Row]:
    return [{**record, "status": "terminated", "terminated_at": AT}]


def cancelled(record: Row) -> list[Row]:
    return [{**record, "status": "canceled", "canceled_at": AT}]


def replaced(record: Row) -> list[Row]:
    """By another one under the same external id, as a change of plan makes it."""
    other = "2b0d69f2-6a04-58b8-a483-6d7151c1b8c8"
    return [*ended(record), {**record, "lago_id": other, "started_at": AT, "created_at": AT}]


def raised(record: Row) -> list[Row]:
    return [{**record, "amount_cents": 12_00}]


def with_higher_plan(record: Row) -> list[Row]:
    plan = {"plan": {**record["plan"], "amount_cents": 12_00}} if "plan" in record else {}
    return [{**record, "plan_amount_cents": 12_00, **plan}]


def without_coupon(record: Row) -> list[Row]:
    return [{**record, "status": "terminated", "terminated_at": AT}]


def test_what_ended_in_lago_and_runs_in_odoo_is_told(applied: tuple[Case, Path]) -> None:
    company, recording = applied
    edit(recording, "subscriptions", ended)
    assert company.run("extract").code == 0
    code, data = status(company)
    (ahead,) = (record for record in data["moved_on"] if record["ended"])
    assert (code, ahead["model"], ahead["ended"], data["drift"]) == (2, "sale.order", "terminated", [])
    assert data["not_waived"]["moved_on"] == len(data["moved_on"])
    said = company.run("status").out
    assert "terminated in Lago, and still runs in Odoo" in said
    assert "1 of them of what ended in Lago and still runs in Odoo; next: lago2odoo preview" in said
    assert company.run("apply").code == 0
    assert status(company)[0] == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"subscriptions": cancelled}, ["canceled in Lago, and still runs in Odoo"]),
        ({"subscriptions": replaced}, ["terminated in Lago, and still runs in Odoo", "new in Lago"]),
        (
            {"subscriptions": ended, "customers": gone},
            ["still runs in Odoo", "customer cust-1 (deleted, 1a613544): changed in Lago: "],
        ),
        ({"applied_coupons": without_coupon}, ["fusion_coupons (what is taken off)"]),
        ({"plans": raised, "subscriptions": with_higher_plan}, ["fusion_plan_amount (the base fee)"]),
    ],
)
def test_whatever_else_lago_changed_since_is_told_too(
    applied: tuple[Case, Path], changes: dict[str, Callable[[Row], list[Row]]], told: list[str]
) -> None:
    company, recording = applied
    for root, change in changes.items():
        edit(recording, root, change)
    extracted = company.run("extract")
    assert extracted.code == 0, extracted.err
    shown = company.run("status")
    assert shown.code == 2, shown.out
    assert "drift: none" in shown.out
    assert "next: lago2odoo preview, then apply" in shown.out
    for sentence in told:
        assert sentence in shown.out
    company.run("apply", "--allow-removals", "10")
    assert status(company)[1]["moved_on"] == [], "now Odoo has it"


def test_what_somebody_changed_in_odoo_is_drift_and_not_lagos(applied: tuple[Case, Path]) -> None:
    company, _ = applied
    odoo = company.connection()
    (line,) = odoo.call("sale.order.line", "search", domain=[["price_unit", "=", 10.0]])
    odoo.call("sale.order.line", "write", [line], vals={"price_unit": 11.0})
    (customer,) = odoo.call("res.partner", "search", domain=[["ref", "!=", False]])
    odoo.call("res.partner", "write", [customer], vals={"city": "Elsewhere"})
    code, data = status(company)
    assert (code, len(data["drift"]), data["moved_on"]) == (2, 2, [])


def test_a_phase_that_is_not_done_is_unfinished_and_not_behind(applied: tuple[Case, Path]) -> None:
    company, recording = applied
    assert company.run("rollback", "--phase", "usage").code == 0
    assert company.run("rollback", "--phase", "subscriptions").code == 0
    edit(recording, "subscriptions", ended)
    assert company.run("extract").code == 0
    assert status(company)[1]["moved_on"] == []


# --- usage that is not billed yet ---


def of_july(record: Row) -> list[Row]:
    ends = {"current_billing_period_started_at": "2026-07-01T04:00:00Z"}
    return [{**record, **ends, "current_billing_period_ending_at": "2026-08-01T03:59:59Z"}]


def test_usage_of_the_running_period_that_only_odoo_has_or_lacks_is_told(applied: tuple[Case, Path]) -> None:
    company, recording = applied
    edit(recording, "subscriptions", of_july)
    assert (company.run("extract").code, company.run("apply").code, company.run("status").code) == (0, 0, 0)
    odoo = company.connection()
    again = {"transaction_id": "again", "external_subscription_id": "sub-1", "code": "api", "properties": "{}"}
    (number,) = odoo.call("fusion.billing.usage", "create", vals_list=[{**again, "timestamp": "2026-07-10 10:00:00"}])
    code, data = status(company)
    assert (code, [extra["kind"] for extra in data["only_odoo"]]) == (2, ["extra_open_usage"])
    said = company.run("status").out
    assert f"fusion.billing.usage {number}) are in Odoo alone, and not billed yet" in said
    assert "1 that only Odoo has are NOT waived" in said
    odoo.call("fusion.billing.usage", "unlink", [number])
    assert status(company)[0] == 0
    (first, *_) = odoo.call("fusion.billing.usage", "search", domain=[])
    odoo.call("fusion.billing.usage", "unlink", [first])
    code, data = status(company)
    assert (code, [(record["model"], record["deleted"]) for record in data["drift"]]) == (
        2,
        [("fusion.billing.usage", True)],
    )
