"""What is left out, or is not as it was left, is told in one line with its remedy, and reaches the exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappings.quarantine import Quarantined
from mappings.target import Phase
from migrate.lago.control_totals import unread_sums
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.cases.conftest import Breaking, Case
from tests.cli.conftest import Result


def talk(result: Result) -> str:
    """The last line on stderr."""
    return (result.err.strip().splitlines() or [""])[-1]


def waive(case: Case, key: str, names: list[str]) -> None:
    case.project.replace("[waive]\n", f"[waive]\n{key} = {json.dumps(names)}\n")


def status(case: Case) -> tuple[int, dict[str, Any]]:
    shown = case.run("status", "--format", "json")
    return shown.code, json.loads(shown.out)


@pytest.mark.parametrize("number", ["11", "13", "20"])
def test_quarantine_ends_extract_and_status_with_1_until_it_is_waived(case: Callable[..., Case], number: str) -> None:
    company = case(number, "[waive]\n")
    first = company.run("extract")
    assert first.code == 1
    assert talk(first).startswith("lago2odoo: everything else is read; ")
    _, data = status(company)
    ids, reasons = ({q[name] for q in data["quarantined"]} for name in ("id", "reason"))
    assert set(data["not_waived"]["quarantined"]) == reasons
    for command in ("extract", "status"):
        shown = company.run(command)
        assert shown.code == 1, command
        assert f"{len(ids)} records of Lago are in quarantine" in talk(shown)
        assert f"[waive] skipped = {sorted(reasons)}" in talk(shown)
        assert talk(shown).endswith("; next: lago2odoo preview")
    assert company.run("doctor").out.count("are in quarantine (") == 1
    waive(company, "skipped", sorted(reasons))
    assert [company.run(command).code for command in ("extract", "status", "doctor")] == [0, 0, 0]
    company.project.replace(json.dumps(sorted(reasons)), json.dumps(sorted(ids)))
    assert [company.run(command).code for command in ("extract", "status", "doctor")] == [0, 0, 0]
    company.project.replace(json.dumps(sorted(ids)), json.dumps(sorted(ids)[1:]))
    assert [company.run(command).code for command in ("extract", "status", "doctor")] == [1, 1, 1]


def test_an_invoice_in_quarantine_is_told_beside_the_sums_in_money(case: Callable[..., Case]) -> None:
    company = case("20", "[waive]\n")
    company.run("extract")
    _, data = status(company)
    (row,) = data["unread"]
    assert (row["invoices"], row["billed_cents"] > 0, row["currency"]) == (1, True, "CAD")
    assert data["invoice_sums"] == []
    told = f"in none of these sums: 1 of {row['month']} in quarantine ({row['billed_cents'] / 100:,.2f} CAD)"
    assert told in company.run("status").out


def unread(raw: object, resource: str = "invoices") -> Quarantined:
    return Quarantined(resource=resource, id="i", field="f", reason="r", problem="p", raw=json.dumps(raw))


@pytest.mark.parametrize(
    ("roots", "wrong"),
    [
        (("wallets", "wallet"), {"rate_amount": "x"}),
        (("customers", "customer"), {"applicable_timezone": "Mars/Base"}),
        (("customers", "customer"), {"billing_entity_code": "ghost"}),
    ],
)
def test_prepaid_credits_that_wait_are_told_in_money(
    broken: Breaking, roots: tuple[str, ...], wrong: dict[str, Any]
) -> None:
    """By every command and the report, by currency; a wallet that is overdrawn lessens nobody else's."""
    company = broken("21", lambda root, record: [record | wrong] if root in roots else [record])
    amounts = {"CAD": "2 wallets (17.50 CAD)", "USD": "1 wallets (9.00 USD)"}
    for command in ("extract", "status", "preview"):
        assert all(told in company.run(command).out for told in amounts.values()), command
    waive(company, "skipped", [*{q["reason"] for q in status(company)[1]["quarantined"]}, "wallet_negative"])
    applied = company.run("apply")
    assert (applied.code, all(told in applied.out for told in amounts.values())) == (0, True)
    rows = {(r["currency"], r["wallets"], r["balance_cents"]) for r in status(company)[1]["unread_credits"]}
    assert rows >= {("CAD", 2, 1750), ("USD", 1, 900)}
    assert "17.50 CAD in 2 wallets" in company.run("reconcile", "--period", "all").out
    assert {"currency": "CAD", "wallets": 2, "balance_cents": 1750} in company.report("all")["credits"]
    assert company.run("report").code == 0
    (page,) = (company.project.folder / "report").glob("*.html")
    assert "17.50 CAD in 2 wallets" in page.read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")


def test_amounts_in_quarantine_are_added_as_far_as_they_can_be_read() -> None:
    july = {"issuing_date": "2026-07-31", "currency": "JPY", "sub_total_including_taxes_amount_cents": 12}
    name = "sub_total_including_taxes_amount_cents"
    odd: list[object] = [july | {name: text} for text in ("12", 1.5, None, True, 10**30, [12])]
    sums = unread_sums([unread(july), unread(july), *map(unread, odd), unread(july, "fees")])
    assert sums == [
        {"month": "2026-07", "currency": "JPY", "invoices": 2, "billed_cents": 24},
        {"month": "2026-07", "currency": "JPY", "invoices": 6, "billed_cents": None},
    ]
    nothing = {"month": "", "currency": "", "invoices": 3, "billed_cents": None}
    assert unread_sums(map(unread, ([], {name: 5}, {name: 5, "currency": "franc", "issuing_date": "soon"}))) == [
        nothing
    ]
    assert unread_sums([unread(july | {name: 0})])[0]["billed_cents"] == 0


def test_drift_ends_status_with_2_until_it_is_waived(case: Callable[..., Case]) -> None:
    company = case("14")
    assert company.migrate().code == 0
    assert status(company)[0] == 0
    odoo = company.connection()
    (customer,) = odoo.call("res.partner", "search", domain=[["ref", "!=", False]])
    odoo.call("res.partner", "write", [customer], vals={"city": "Elsewhere"})
    code, data = status(company)
    (name,) = data["not_waived"]["drift"]
    assert (code, name.startswith("customer "), name.endswith(": city")) == (2, True, True)
    shown = company.run("status")
    (line,) = (line for line in shown.out.splitlines() if "NOT waived" in line)
    assert line.endswith(f"[waive] drift = [{json.dumps(name)}]; next: lago2odoo preview")
    waive(company, "drift", [name])
    assert status(company)[0] == 0
    odoo.call("res.partner", "write", [customer], vals={"street": "Elsewhere"})
    code, data = status(company)
    assert (code, data["not_waived"]["drift"]) == (2, [name.replace("city", "street")]), (
        "another field is another change"
    )


def test_a_posted_balance_is_told_and_left_alone_and_a_cancelled_one_is_drift(case: Callable[..., Case]) -> None:
    company = case("03")
    assert company.migrate().code == 0
    odoo = company.connection()
    (move, *_) = odoo.call("account.move", "search", domain=[["move_type", "=", "out_invoice"]])
    odoo.call("account.move", "action_post", [move])
    code, data = status(company)
    assert (code, data["drift"], [b["model"] for b in data["booked"]]) == (0, [], ["account.move"])
    name = data["booked"][0]["source"]
    assert f"posted in Odoo since: 1 open balances ({name})" in company.run("status").out
    foreseen = company.run("rollback", "--dry-run")
    assert (foreseen.code, f"left alone, changed in Odoo since: {name}" in foreseen.out) == (2, True)
    undone = company.run("rollback", "--phase", "balances")
    assert (undone.code, f"left alone, changed in Odoo since: {name}" in undone.out) == (1, True)
    assert odoo.call("account.move", "read", [move], fields=["state"])[0]["state"] == "posted"
    odoo.call("account.move", "button_draft", [move])
    odoo.call("account.move", "button_cancel", [move])
    code, data = status(company)
    assert (code, data["not_waived"]["drift"], data["booked"]) == (2, [f"{name}: state"], [])


def test_what_only_odoo_has_ends_status_with_2_until_it_is_waived(case: Callable[..., Case], tmp_path: Path) -> None:
    company = case("03")
    assert company.migrate().code == 0
    odoo = company.connection()
    (order,), (metric, *_) = (
        odoo.call(model, "search", domain=[]) for model in ("sale.order", "fusion.billing.metric")
    )
    charge = {"name": "By hand", "code": "by_hand", "order_id": order, "charge_model": "standard", "metric_id": metric}
    odoo.call("fusion.billing.charge", "create", vals_list=[charge])
    code, data = status(company)
    assert (code, len(data["not_waived"]["only_odoo"])) == (2, 1)
    assert "1 that only Odoo has are NOT waived" in company.run("status").out
    waiver = 'reason = "looked at"\nauthor = "a@example.com"\napprover = "b@example.com"\nexpires = 2099-01-01\n'
    (tmp_path / "waivers.toml").write_text(f'[[waiver]]\nrule = "refused:extra_charge"\n{waiver}', "utf-8")
    company.project.replace("[waive]\n", '[reconcile]\nwaivers = "waivers.toml"\n[waive]\n')
    assert status(company)[0] == 0
    (tmp_path / "waivers.toml").write_text(
        f'[[waiver]]\nrule = "refused:extra_charge"\n{waiver}'.replace("2099", "2020"), "utf-8"
    )
    assert status(company)[0] == 2


def test_an_odoo_that_cannot_be_asked_is_no_sound_status(case: Callable[..., Case]) -> None:
    company = case("14")
    assert company.migrate().code == 0
    company.project.replace(company.odoo.url, "http://127.0.0.1:1")
    shown = company.run("status")
    assert (shown.code, "drift: not known" in shown.out) == (1, True)
    assert talk(shown).startswith("lago2odoo: drift is not known: ")


def test_an_unfinished_phase_ends_status_with_2(case: Callable[..., Case], tmp_path: Path) -> None:
    company = case("14")
    assert company.migrate().code == 0
    with Store.open(f"sqlite:///{tmp_path}/.lago2odoo/state.db") as store:
        Ledger(store).set_phase(Phase.BALANCES, "", finished=False, detail="stopped")
    code, data = status(company)
    assert (code, data["not_waived"]["unfinished"]) == (2, ["balances"])
    assert "unfinished: balances; next: lago2odoo apply" in company.run("status").out
    assert company.run("apply").code == 0
    assert status(company)[0] == 0


def test_a_lost_invoice_ends_extract_and_status_with_1_until_it_is_waived(
    case: Callable[..., Case], companies: Path, tmp_path: Path
) -> None:
    (whole,) = companies.glob("16-*")
    recording = shutil.copytree(whole, tmp_path / "recording")
    answer = json.loads((recording / "invoices.jsonl").read_text("utf-8"))
    assert answer["body"]["invoices"]
    answer["body"] |= {"invoices": [], "meta": {**answer["body"]["meta"], "total_count": 0, "total_pages": 0}}
    (recording / "invoices.jsonl").write_text(json.dumps(answer), "utf-8")
    company = case("16", "[waive]\n")
    company.project.replace(str(whole), str(recording))
    for command in ("extract", "status"):
        shown = company.run(command)
        assert (shown.code, "that Lago names are not in the snapshot" in talk(shown)) == (1, True), shown.err
    _, data = status(company)
    assert data["not_waived"]["lost"] == len(data["lost"]) > 0
    waive(company, "skipped", ["invoice_lost"])
    assert [company.run(command).code for command in ("extract", "status")] == [0, 0]
