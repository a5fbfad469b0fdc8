"""Customers that stand in Odoo already: proposed, decided by finance's table, never guessed, and given back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from migrate.odoo.door import Door
from tests.cases.conftest import Case

FIELDS = ["name", "ref", "vat", "email", "street", "city", "zip", "active", "customer_rank"]
TWIN = {"name": "Northwind (old books)", "email": "AP@example.test", "ref": "N-77", "street": "1 Pier"}


@pytest.fixture
def company(case: Callable[..., Case]) -> Case:
    """One customer, ``cust-1``, whose twin stands in Odoo; a table file that decides nothing yet."""
    opened = case("18", 'tables = "tables.toml"\n')
    decide(opened)
    assert opened.run("extract").code == 0
    return opened


@pytest.fixture
def twin(company: Case) -> int:
    return make(company.door(), **TWIN)


def decide(company: Case, *lines: str) -> None:
    text = "\n".join(["[partners]", *lines])
    (company.project.folder / "tables.toml").write_text(text, encoding="utf-8")


def make(odoo: Door, **values: Any) -> int:
    (number,) = odoo.send("res.partner", "create", None, vals_list=[values])
    return int(number)


def standing(odoo: Door, number: int) -> dict[str, Any]:
    return odoo.read("res.partner", [number], FIELDS)[0]


def ours(odoo: Door) -> dict[int, bool]:
    """Partners that carry an external id of ours, and whether it says that they stood there before us."""
    domain = [["module", "=", "lago"], ["model", "=", "res.partner"]]
    return {row["res_id"]: row["noupdate"] for row in odoo.search_read("ir.model.data", domain, ["res_id", "noupdate"])}


def test_what_looks_the_same_is_proposed_and_nothing_is_written(company: Case, twin: int) -> None:
    shown = company.run("preview")
    assert shown.code == 1
    assert f'#"cust-1" = {twin}  # Northwind (old books): same e-mail' in shown.out
    assert '#"cust-1" = "new"' in shown.out
    data = json.loads(company.run("preview", "--format", "json").out)
    candidate = {"partner": twin, "name": "Northwind (old books)", "same": ["e-mail"]}
    assert data["partners"] == [{"customer": "cust-1", "candidates": [candidate]}]
    refused = company.run("apply")
    assert refused.code == 1
    assert "partner_undecided" in refused.err
    assert ours(company.door()) == {}


def test_the_partner_that_finance_names_becomes_the_customer_once(company: Case, twin: int) -> None:
    odoo = company.door()
    before, number_of_partners = standing(odoo, twin), odoo.count("res.partner", [])
    decide(company, f'"cust-1" = {twin}')
    shown = company.run("preview")
    assert "email: 'AP@example.test' -> 'ap@example.test'" in shown.out
    applied = company.run("apply")
    assert applied.code == 0, applied.err
    assert ours(odoo) == {twin: True}
    assert (standing(odoo, twin)["name"], standing(odoo, twin)["ref"]) == ("Northwind Test Ltd", "cust-1")
    assert odoo.count("res.partner", []) == number_of_partners
    assert odoo.search("sale.order", [["partner_id", "=", twin]])
    assert "nothing to do" in company.run("apply").out
    undone = company.run("rollback")
    assert undone.code == 0, undone.err
    assert standing(odoo, twin) == before
    assert ours(odoo) == {}


def test_a_partner_of_its_own_if_finance_says_so(company: Case, twin: int) -> None:
    odoo = company.door()
    before = standing(odoo, twin)
    decide(company, '"cust-1" = "new"')
    assert company.run("apply").code == 0
    assert list(ours(odoo).values()) == [False]
    assert standing(odoo, twin) == before
    assert "nothing to do" in company.run("apply").out


@pytest.mark.parametrize("kind", ["gone", "contact", "bound"])
def test_a_partner_that_cannot_be_it_is_refused_with_its_line(company: Case, twin: int, kind: str) -> None:
    odoo = company.door()
    number = 987654
    if kind == "contact":
        number = make(odoo, name="Ana", parent_id=twin)
    if kind == "bound":
        number = twin
        row = {"module": "lago", "name": "customer_x", "model": "res.partner", "res_id": twin}
        odoo.send("ir.model.data", "create", None, vals_list=[row])
    decide(company, f'"cust-1" = {number}')
    refused = company.run("apply")
    assert refused.code == 1
    assert "partner_not_found" in refused.err
    assert f"tables.toml:2: Odoo has no partner {number}" in company.run("preview").out


def test_a_decision_cannot_change_once_it_is_carried_out(company: Case, twin: int) -> None:
    decide(company, f'"cust-1" = {twin}')
    assert company.run("apply").code == 0
    other = make(company.door(), name="Somebody")
    decide(company, f'"cust-1" = {other}')
    refused = company.run("apply")
    assert refused.code == 1
    assert "partner_already_chosen" in refused.err


def test_a_lost_state_does_not_make_the_partner_ours_to_delete(company: Case, twin: int) -> None:
    """What stood before us is told in Odoo itself."""
    odoo = company.door()
    decide(company, f'"cust-1" = {twin}')
    assert company.run("apply").code == 0
    for path in (company.project.folder / ".lago2odoo").glob("state.db*"):
        path.unlink()
    for path in (company.project.folder / ".lago2odoo" / "events").rglob("*.parquet"):
        path.unlink()
    assert company.run("extract").code == 0
    assert company.run("apply").code == 0
    company.run("rollback")
    assert odoo.existing("res.partner", [twin]) == {twin}
    assert ours(odoo) == {}


def test_without_a_twin_nobody_is_asked(company: Case) -> None:
    make(company.door(), name="Northwind Test Ltd", zip="X1X 1X1")  # of that name, elsewhere
    assert json.loads(company.run("preview", "--format", "json").out)["partners"] == []
    assert company.run("apply").code == 0
