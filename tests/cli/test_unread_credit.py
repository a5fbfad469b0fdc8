"""Credit in quarantine, or against itself, through the command line: its month is refused with it, and never equal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.broken import Broken, each, opened
from tests.extracting.company import recorded

NOTE, NOTE_ID, CUSTOMER = "NEX-005-004-CN001", "05d905a8-7823-4236-b8d7-fc04c642f6e4", "cust_0044"
MONTH = "2026-07"
SIGNING = ("report", "sign", "--period", MONTH, "--preparer", "Ana", "--reviewer", "Bo")
WAIVER = """
[[waiver]]
rule = "refused:{reason}"
customer = "{customer}"
reason = "known"
author = "a"
approver = "b"
expires = 2099-12-31
"""

Change = Callable[[dict[str, Any]], None]


def frozen(note: dict[str, Any]) -> None:
    note["credit_status"] = "frozen"


def against_itself(note: dict[str, Any]) -> None:
    note["items"][0]["amount_cents"] += 100


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("customer"), [CUSTOMER])


@contextmanager
def with_usage(folder: Path, recording: Path) -> Iterator[Broken]:
    with opened(folder, recording) as company:
        company.project.replace("usage_since = 2026-08-01", "usage_since = 2025-01-01")
        yield company


@pytest.fixture
def alone(tmp_path: Path, customer: Path) -> Iterator[Broken]:
    """The customer of the credit note."""
    with with_usage(tmp_path, customer) as company:
        yield company


@pytest.fixture
def broken(tmp_path: Path, heavier: Path) -> Iterator[Broken]:
    """With coupons, prepaid credits and payments."""
    with with_usage(tmp_path, heavier) as company:
        yield company


def change(company: Broken, roots: tuple[str, str], how: Change, **which: str) -> None:
    def changed(body: Any) -> None:
        for record in (record for root in roots for record in each(body, root)):
            if all(record.get(name) == value for name, value in which.items()):
                how(record)

    company.change(changed)


def told(company: Broken, month: str) -> dict[str, Any]:
    """The month's report as data."""
    data: dict[str, Any] = json.loads((company.project.folder / f"report/{month}.json").read_text("utf-8"))
    return data


def refusals(company: Broken, month: str) -> dict[str, tuple[str, str]]:
    """Id -> (reason, detail) of what is refused."""
    views = (view for view in told(company, month)["invoices"] if view.get("refusals"))
    return {view["id"]: (view["refusals"][0]["reason"], view["refusals"][0]["detail"]) for view in views}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("how", "reason"), [(frozen, "unknown_credit_status"), (against_itself, "open_amount_contradicts")]
)
def test_a_credit_note_is_a_refusal_of_its_month_with_its_money(
    alone: Broken, how: Change, reason: str, *, first: bool
) -> None:
    project = alone.project
    if not first:
        assert [project.run(command).code for command in ("extract", "apply")] == [0, 0]
        assert project.run("reconcile", "--period", MONTH).code == 0
    change(alone, ("credit_note", "credit_notes"), how, number=NOTE)
    project.run("extract")
    assert project.run("apply").code == 1
    assert project.run("reconcile", "--control", "--period", MONTH).code == 2
    assert project.run("reconcile", "--period", "2026-04").code == 0, "of another month"
    shown = project.run("reconcile", "--period", MONTH)
    assert (shown.code, reason in shown.out) == (2, True)
    assert refusals(alone, MONTH).keys() == {NOTE_ID}
    name, detail = refusals(alone, MONTH)[NOTE_ID]
    assert (name, "not compared, Lago says 0.15 CAD left" in detail) == (reason, True)
    (cad,) = (row for row in told(alone, MONTH)["receivables"] if row["currency"] == "CAD")
    assert cad["missing_cents"] == (-15 if first else 0), "Lago owes it all the same"
    assert cad["draft_cents"] == cad["lago_cents"]
    assert project.run("report").code == 0
    page = next((project.folder / "report").glob(f"{MONTH}*.html")).read_text("utf-8")
    assert NOTE in page
    assert project.run(*SIGNING).code == 1
    (project.folder / "waivers.toml").write_text(WAIVER.format(reason=reason, customer=CUSTOMER), encoding="utf-8")
    with project.config.open("a", encoding="utf-8") as file:
        file.write('[reconcile]\nwaivers = "waivers.toml"\n')
    assert project.run("reconcile", "--period", MONTH).code == 3
    assert project.run(*SIGNING).code == 0


def test_coupons_and_prepaid_credits_are_refusals_of_the_months_that_they_last(broken: Broken) -> None:
    """A coupon where its customer is billed; a wallet with something on it from its first month on."""
    project = broken.project
    begun, ended = {"created_at": "2026-05-10T00:00:00Z"}, {"terminated_at": "2026-06-15T00:00:00Z"}
    change(broken, ("applied_coupon", "applied_coupons"), lambda r: r.update(begun | ended | {"frequency": "zz"}))
    change(broken, ("wallet", "wallets"), lambda r: r.update(begun | {"status": "frozen", "balance_cents": 1234}))
    project.run("extract")

    def reasons(month: str) -> dict[str, str]:
        code = project.run("reconcile", "--control", "--period", month).code
        named = refusals(broken, f"{month}.control")
        assert code == (2 if named else 0), month
        return dict(named.values())

    assert reasons("2026-04") == {}, "neither was there"
    assert reasons("2026-06").keys() == {"unknown_frequency", "unknown_wallet_status"}
    assert reasons("2026-07").keys() == {"unknown_wallet_status"}, "the coupon has ended"
    assert "Lago says 12.34 CAD left" in reasons("2026-07")["unknown_wallet_status"]
    change(broken, ("wallet", "wallets"), lambda r: r.update(balance_cents=0))
    project.run("extract")
    assert reasons("2026-07") == {}, "nothing is left on it"


def test_prepaid_credits_against_themselves_are_refusals_of_the_months_since_they_began(broken: Broken) -> None:
    """``preview`` and ``apply`` named them; each month was told as equal."""
    project = broken.project
    begun = {"created_at": "2026-05-10T00:00:00Z"}
    change(broken, ("wallet", "wallets"), lambda r: r.update(begun | {"status": "active", "balance_cents": 1234}))
    assert project.run("extract").code == 0
    assert project.run("reconcile", "--control", "--period", "2026-04").code == 0, "they had not begun"
    assert project.run("reconcile", "--control", "--period", MONTH).code == 2
    told_of = dict(refusals(broken, f"{MONTH}.control").values())
    assert told_of.keys() == {"wallet_contradicts"}
    assert "its balance says 12.34 CAD" in told_of["wallet_contradicts"]
    assert "not compared, Lago says 12.34 CAD left" in told_of["wallet_contradicts"]


def test_payments_in_quarantine_are_refusals_of_the_months_that_they_paid(broken: Broken) -> None:
    project, invoices = broken.project, {}

    def noted(body: Any) -> None:
        for root in ("invoice", "invoices"):
            invoices.update({invoice["lago_id"]: invoice["issuing_date"][:7] for invoice in each(body, root)})

    broken.change(noted)
    paid: list[str] = []

    def cut(payment: dict[str, Any]) -> None:
        months = {invoices.get(lago_id) for lago_id in payment["invoice_ids"]}
        if months == {MONTH} and payment["lago_id"] in (paid or [payment["lago_id"]]):
            paid.append(payment["lago_id"])
            payment |= {"created_at": None, "amount_cents": 4321}

    change(broken, ("payment", "payments"), cut)
    assert paid
    assert project.run("extract").code == 1
    assert project.run("reconcile", "--control", "--period", "2026-04").code == 0, "of another month"
    assert project.run("reconcile", "--control", "--period", MONTH).code == 2
    shown = refusals(broken, f"{MONTH}.control")
    assert shown.keys() == {paid[0]}
    assert "not compared, Lago says 43.21 " in shown[paid[0]][1]
