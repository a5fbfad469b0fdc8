"""Each check of preflight on a real database that is wrong in just that: it fails there, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from migrate.odoo.discover import discover
from migrate.odoo.protocol import Odoo
from migrate.preflight import SHADOW_JOURNAL, Needs, preflight
from tests.odoo.changed import changed

pytestmark = pytest.mark.odoo

TAX = "account.1_hst_sale_tax_13"
SOUND = Needs(
    currencies=frozenset({"CAD"}),
    languages=frozenset({"en"}),
    xids=frozenset({TAX}),
    writes=frozenset({"res.partner", "sale.order", "account.move"}),
    country="CA",
)


def found(odoo: Odoo, needs: Needs = SOUND) -> list[tuple[str, str]]:
    """Level and text of what is not in order, but what the stand-in and a server without Stripe always lack."""
    expected = ("module sale_subscription", "addon fusion_billing")
    findings = preflight(odoo, discover(odoo), needs)
    assert all(f.remedy for f in findings if f.level != "ok")
    return [(f.level, f.what) for f in findings if f.level != "ok" and not f.what.startswith(expected)]


def xid(odoo: Odoo, name: str) -> dict[str, Any]:
    module, _, rest = name.partition(".")
    domain = [["module", "=", module], ["name", "=", rest]]
    row: dict[str, Any] = odoo.call("ir.model.data", "search_read", domain=domain, fields=["model", "res_id"])[0]
    return row


def ids(odoo: Odoo, model: str, *domain: Any) -> list[int]:
    answer: list[int] = odoo.call(model, "search", domain=list(domain), context={"active_test": False})
    return answer


@pytest.fixture
def odoo(common: Any) -> Iterator[Odoo]:
    connection = common.connect()
    yield connection
    assert found(connection) == [], "put back"


def test_a_sound_database_passes(odoo: Odoo) -> None:
    assert found(odoo) == []


def test_the_company_has_no_country_or_another_one(odoo: Odoo) -> None:
    with changed(odoo, "res.company", [1], country_id=False):
        assert ("error", "company NexaSystems Inc. has no country") in found(odoo)
    assert [level for level, _ in found(odoo, replace(SOUND, country="FR"))] == ["warning"]


@pytest.mark.parametrize(
    ("chart", "level", "says"), [(False, "error", "no chart of accounts"), ("generic_coa", "warning", "generic chart")]
)
def test_the_company_has_no_chart_or_the_generic_one(odoo: Odoo, chart: Any, level: str, says: str) -> None:
    with changed(odoo, "res.company", [1], chart_template=chart):
        ((was, what),) = found(odoo)
    assert (was, says in what) == (level, True)


def test_a_currency_is_not_active_or_rounds_otherwise(odoo: Odoo) -> None:
    euros = replace(SOUND, currencies=frozenset({"EUR"}))
    number = ids(odoo, "res.currency", ["name", "=", "EUR"])
    with changed(odoo, "res.currency", number, active=False):
        assert found(odoo, euros) == [("warning", "currency EUR is not active")]
    with changed(odoo, "res.currency", number, active=True, rounding=0.05):
        assert found(odoo, euros) == [("warning", "currency EUR rounds to 0.05 in Odoo and to 0.01 in Lago")]


def test_quantities_are_cut(odoo: Odoo) -> None:
    fine = replace(SOUND, quantity_digits=5)
    number = ids(odoo, "decimal.precision", ["name", "=", "Product Unit"])
    with changed(odoo, "decimal.precision", number, digits=4):
        assert found(odoo, fine) == [("error", "quantities keep 4 decimals, the data has 5: Odoo cuts them")]
    with changed(odoo, "decimal.precision", number, digits=5):
        assert found(odoo, fine) == []


def test_a_tax_is_missing_or_archived(odoo: Odoo) -> None:
    row = xid(odoo, TAX)
    with changed(odoo, "ir.model.data", [row["id"]], name="another_name"):
        assert found(odoo) == [("error", f"{TAX} is not in Odoo")]
    with changed(odoo, "account.tax", [row["res_id"]], active=False):
        assert found(odoo) == [("error", f"{TAX} is archived in Odoo")]


def test_a_customer_of_canada_has_no_province(odoo: Odoo) -> None:
    """Odoo takes such a customer for foreign: without tax."""
    ((level, what),) = found(odoo, replace(SOUND, stateless=("NX-1", "NX-2")))
    assert (level, what) == ("warning", "2 customers have no province or state: NX-1, NX-2")


def test_a_language_is_not_installed(odoo: Odoo) -> None:
    french = replace(SOUND, languages=frozenset({"fr"}))
    assert found(odoo, french) == [("warning", "language fr is not installed")]
    with changed(odoo, "res.lang", ids(odoo, "res.lang", ["code", "=", "fr_CA"]), active=True):
        assert found(odoo, french) == []


def test_the_shadow_journal_is_of_another_kind(odoo: Odoo) -> None:
    taken = ids(odoo, "account.journal", ["code", "=", SHADOW_JOURNAL])
    with ExitStack() as stack:
        if taken:  # by another test of this database
            stack.enter_context(changed(odoo, "account.journal", taken, code="ELSE"))
        values = {"name": "Shadow", "code": SHADOW_JOURNAL, "type": "purchase"}
        made = odoo.call("account.journal", "create", vals_list=[values])
        stack.callback(lambda: odoo.call("account.journal", "unlink", made))
        assert found(odoo) == [("error", f"journal {SHADOW_JOURNAL} is not a sales journal")]


def test_payment_methods_without_a_stripe_provider(odoo: Odoo) -> None:
    ((level, what),) = found(odoo, replace(SOUND, tokens=True))
    assert (level, what.endswith("no Stripe provider is enabled in Odoo")) == ("warning", True)


def test_the_user_lacks_a_right(common: Any, odoo: Odoo) -> None:
    login, password = f"poor-{common.name}", "poor-password"
    group = xid(odoo, "base.group_user")["res_id"]
    user = {"name": "Poor", "login": login, "password": password, "group_ids": [[6, 0, [group]]]}
    odoo.call("res.users", "create", vals_list=[user])
    poor = common.connect(transport="odoorpc", user=login, key=password)
    lacking = [f.what for f in preflight(poor, discover(odoo), SOUND) if f.level == "error"]
    assert "this user may not create sale.order" in lacking
    assert "this user may not write ir.model.data" in lacking
