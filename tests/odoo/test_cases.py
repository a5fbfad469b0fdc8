"""Odd companies (``tests/data/cases``) on a real Odoo: what an embedded one might let pass."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.odoo.door import Door
from tests.cases.conftest import CASES
from tests.cli.conftest import Project, Result
from tests.odoo.conftest import Database

pytestmark = pytest.mark.odoo


class RealCase:
    """A project whose Lago is a recorded case, and its own real database."""

    def __init__(self, database: Database, number: str, folder: Path) -> None:
        with tarfile.open(CASES) as archive:
            archive.extractall(folder / "cases", filter="data")
        (recording,) = (folder / "cases").glob(f"{number}-*")
        place = database.settings()
        self.project, self.door = Project(folder), Door(database.connect())
        self.project.config.write_text(
            f'[lago]\nrecording = "{recording}"\n[odoo]\nurl = "{place.url}"\ndatabase = "{place.database}"\n'
            f"[mapping]\nusage_since = 2025-01-01\n[waive]\nskipped = ['wallet_negative', 'partner_undecided']\n",
            encoding="utf-8",
        )

    def run(self, *arguments: str) -> Result:
        return self.project.run(*arguments)

    def migrate(self) -> None:
        assert self.run("extract").code == 0
        applied = self.run("apply")
        assert applied.code == 0, applied.err
        assert "nothing to do" in self.run("apply").out


@pytest.fixture
def case(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RealCase]:
    monkeypatch.setenv("ODOO_KEY", database.settings().key)
    return lambda number: RealCase(database, number, tmp_path)


def test_wallets_without_the_right_to_delete_their_cards(case: Callable[[str], RealCase]) -> None:
    """Cases 23 and 21: no group of Odoo 19 may delete a loyalty card; each gets a code of its own."""
    company = case("21")
    assert company.door.ask("loyalty.card", "has_access", (), active_test=True, operation="unlink") is False
    company.migrate()
    cards = company.door.search_read("loyalty.card", [], ["points", "code"])
    assert sorted(card["points"] for card in cards) == [7.0, 9.0, 10.5]
    assert len({card["code"] for card in cards}) == 3
    doctor = company.run("doctor")
    assert "WARNING  this user may not unlink loyalty.card" in doctor.out
    assert doctor.code == 0, doctor.out


def test_one_wallet_and_its_card_that_nobody_may_delete(case: Callable[[str], RealCase]) -> None:
    company = case("23")
    company.migrate()
    assert [card["points"] for card in company.door.search_read("loyalty.card", [], ["points"])] == [10.5]
    undone = company.run("rollback")
    assert undone.code == 0, undone.err
    assert "archived, because Odoo does not let it go: no group may delete it" in undone.out + undone.err
    rows = company.door.search_read("loyalty.card", [], ["points", "active"])
    assert [(card["points"], card["active"]) for card in rows] == [(10.5, False)]
    assert not company.door.count("res.partner", [["ref", "like", "cust-"]])
    assert company.run("rollback").code == 0


def test_a_sepa_debit_is_kept_as_one(case: Callable[[str], RealCase]) -> None:
    company = case("16")
    providers = company.door.search("payment.provider", [["code", "=", "stripe"]])
    keys = {"stripe_publishable_key": "pk_live_x", "stripe_secret_key": "sk_live_x"}
    company.door.send("payment.provider", "write", providers, vals={"state": "enabled", **keys})
    company.migrate()
    (token,) = company.door.search_read("payment.token", [], ["payment_method_id", "stripe_payment_method"], names=True)
    assert token["payment_method_id"][1] == "SEPA Direct Debit"
    assert token["stripe_payment_method"].startswith("pm_")


def test_forints(case: Callable[[str], RealCase]) -> None:
    company = case("02")
    company.migrate()
    assert company.run("reconcile", "--period", "2026-08").code in (0, 2)
    (currency,) = company.door.search_read("res.currency", [["name", "=", "HUF"]], ["rounding"])
    assert currency["rounding"] in (0.01, 1.0)
