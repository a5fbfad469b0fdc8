"""What somebody types into Odoo after the migration costs what it concerns: named, and no command ends for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case
from tests.cases.test_not_comparable import refusals


@pytest.mark.parametrize("days", [5_000_000, 2_000_000_000])
def test_a_payment_term_that_no_calendar_reaches(case: Callable[..., Case], days: int) -> None:
    company = case("02")
    assert company.migrate().code == 0
    odoo = company.door()
    odoo.send(
        "account.payment.term.line", "write", odoo.search("account.payment.term.line", []), vals={"nb_days": days}
    )
    assert company.run("reconcile", "--period", "2026-08").code == 2
    assert refusals(company.report("2026-08")) == {("odoo", "rerun_failed")}
    assert company.run("status").code == 2
    assert company.run("apply").code == 0


def test_half_a_forint_on_an_open_balance(case: Callable[..., Case]) -> None:
    """Odoo keeps two digits of forints, Lago none."""
    company = case("02")
    assert company.migrate().code == 0
    odoo = company.door()
    (move,) = odoo.search("account.move", [["move_type", "=", "out_invoice"]])
    (line,) = odoo.search("account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]])
    odoo.send("account.move", "write", [move], vals={"invoice_line_ids": [[1, line, {"price_unit": 1200.5}]]})
    reconciled = company.run("reconcile", "--period", "2026-08")
    assert reconciled.code == 2, reconciled.err
    assert company.run("status").code == 2
