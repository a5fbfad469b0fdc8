"""Currencies, texts, wallets and payment methods that are not what is usual: to the cent, or by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mappings.money import _EXPONENTS, from_subunits, to_subunits
from migrate.odoo.door import Row
from tests.cases.conftest import Breaking, Case
from tests.cases.test_broken_references import fields
from tests.cases.test_exit_codes import waive
from tests.cases.test_quarantine import skipped


def stored(company: Case, model: str, *fields: str) -> list[Row]:
    """What Odoo holds."""
    return company.door().search_read(model, [], list(fields))


def test_forints_have_no_cents_in_lago_and_two_digits_in_odoo(case: Callable[..., Case]) -> None:
    company = case("02")
    assert company.migrate().code == 0
    assert company.run("reconcile", "--period", "2026-08").code == 0
    (invoice,) = company.report("2026-08")["invoices"]
    lines = {p["kind"]: {s["cents"] for s in p["sides"].values()} for p in invoice["positions"]}
    assert lines["subscription"] == {1000}
    assert lines["charge"] == {13}
    assert lines["tax"] == {132}


def test_every_currency_comes_back_as_it_was() -> None:
    assert all(to_subunits(from_subunits(12345, code), code) == 12345 for code in (*_EXPONENTS, "CAD", "EUR"))


def test_a_debit_is_no_card(case: Callable[..., Case]) -> None:
    company = case("16")
    assert company.migrate().code == 1
    assert set(skipped(company)) == {"stripe_provider_not_enabled"}
    odoo = company.door()
    providers = odoo.search("payment.provider", [["code", "=", "stripe"]])
    keys = {"stripe_publishable_key": "pk_live_x", "stripe_secret_key": "sk_live_x"}
    odoo.send("payment.provider", "write", providers, vals={"state": "enabled", **keys})
    applied = company.run("apply")
    assert applied.code == 0, applied.err
    (token,) = odoo.search_read("payment.token", [], ["payment_method_id"], names=True)
    assert token["payment_method_id"][1] == "SEPA Direct Debit"
    assert "nothing to do" in company.run("apply").out


def test_an_accent_of_its_own_is_the_same_letter(case: Callable[..., Case]) -> None:
    company = case("18")
    assert company.migrate().code == 0
    assert company.run("reconcile", "--period", "2026-08").code == 0


def test_a_mark_at_the_beginning_of_tables_and_recordings(case: Callable[..., Case], companies: Path) -> None:
    tables = next(companies.glob("19-*")) / "tables-bom.toml"
    company = case("19", f'tables = "{tables}"\n')
    text = company.project.config.read_text("utf-8")
    company.project.config.write_text(f"\N{ZERO WIDTH NO-BREAK SPACE}{text}", encoding="utf-8")
    assert company.run("extract").code == 0
    assert company.run("apply").code == 0


def test_several_wallets_and_one_below_nothing(case: Callable[..., Case]) -> None:
    company = case("21")
    assert company.migrate(waived=("wallet_negative",)).code == 0
    assert skipped(company) == {"wallet_negative": 1}
    cards = stored(company, "loyalty.card", "points", "code")
    assert sorted(card["points"] for card in cards) == [7.0, 9.0, 10.5]
    assert len({card["code"] for card in cards}) == 3


def test_a_wallet_against_its_own_credits_ends_with_1_on_a_first_migration(broken: Breaking) -> None:
    company = broken("23", fields(("wallets", "wallet"), balance_cents=0))
    assert company.run("extract").code == 0
    shown = company.run("preview")
    (line,) = (line for line in shown.out.splitlines() if line.strip().startswith("wallet_contradicts"))
    assert "0.00 CAD, and its 10.5 credits of 1.0 CAD make 10.50 CAD" in line
    assert (shown.code, company.run("apply").code, company.run("status").code) == (1, 1, 2)
    assert skipped(company) == {"wallet_contradicts": 1}
    waive(company, "skipped", ["wallet_contradicts"])
    assert company.run("apply").code == 0


def test_one_wallet(case: Callable[..., Case]) -> None:
    company = case("23")
    assert company.migrate().code == 0
    assert [card["points"] for card in stored(company, "loyalty.card", "points")] == [10.5]


def test_a_shared_report_has_no_value_of_a_group(case: Callable[..., Case]) -> None:
    company = case("25")
    assert company.migrate().code == 0
    company.run("reconcile", "--period", "2026-08", "--pseudonymise", str(company.project.folder / "key.txt"))
    (shared,) = (company.project.folder / "report" / "shared").glob("*.json")
    text = shared.read_text("utf-8").lower()
    assert "api · value-" in text
    assert [word for word in ("janedoe2", "jane.doe", "northwind", "acm-001") if word in text] == []


def test_a_card_that_no_group_may_delete_is_archived_by_rollback_and_stops_nothing(case: Callable[..., Case]) -> None:
    company = case("23")
    assert company.migrate().code == 0
    assert company.door().ask("loyalty.card", "has_access", (), active_test=True, operation="unlink") is False
    assert "WARNING  this user may not unlink loyalty.card" in company.run("doctor").out
    undone = company.run("rollback")
    assert undone.code == 0, undone.err
    assert "archived, because Odoo does not let it go: no group may delete it" in undone.out + undone.err
    assert [(card["points"], card["active"]) for card in stored(company, "loyalty.card", "points", "active")] == [
        (10.5, False)
    ]
    ours = company.door().search_read("ir.model.data", [["module", "=", "lago"]], ["model"])
    assert {row["model"] for row in ours} <= {"loyalty.card", "loyalty.program", "loyalty.reward"}
    assert company.run("rollback").code == 0
    assert company.run("apply").code == 0
    assert [(card["points"], card["active"]) for card in stored(company, "loyalty.card", "points", "active")] == [
        (10.5, True)
    ]
