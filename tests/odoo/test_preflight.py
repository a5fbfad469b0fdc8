"""Each check of preflight on a real database that is wrong in just that: it fails there, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.mapped_to import MappedTo, Role
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.needs import Needs
from migrate.odoo.preflight import SHADOW_JOURNAL, preflight
from migrate.odoo.protocol import Odoo
from migrate.odoo.schedulers import look_at_schedulers
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
    """Level and text of what is not in order, but what the stand-in and a server without Stripe always lack.

    The stand-in has no scheduled action, and the addon's is switched off at first.
    """
    expected = ("module sale_subscription", "addon fusion_billing", "no scheduled action bills")
    findings = preflight(Door(odoo), discover(Door(odoo)), needs)
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
        assert found(odoo, euros) == [("error", "currency EUR rounds to 0.05 in Odoo and to 0.01 in Lago")]


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


def of_table(name: str, **rates: str) -> MappedTo:
    exact = {code: Decimal(rate) for code, rate in rates.items()}
    stands_for = " + ".join(exact)
    return MappedTo(role=Role.TAX, xid=f"account.1_{name}", place="tables.toml:3", stands_for=stands_for, rates=exact)


def test_the_tables_fit_odoos_chart_or_the_difference_is_named(odoo: Odoo) -> None:
    """Canada's chart as it is installed, groups included; then a rate that is another, and a price that includes it."""
    quebec = of_table("gstqst_sale_tax_14975", gst="5", qst="9.975")
    ontario, wrong = of_table("hst_sale_tax_13", hst_on="13"), of_table("hst_sale_tax_15", hst_ns="14")
    assert found(odoo, replace(SOUND, mapped=(quebec, ontario))) == []
    said = "tables.toml:3: tax for hst_ns, account.1_hst_sale_tax_15: is 15 % in Odoo, Lago charges 14 %"
    assert found(odoo, replace(SOUND, mapped=(quebec, wrong))) == [("error", said)]
    gst = [xid(odoo, "account.1_gst_sale_tax_5")["res_id"]]
    with changed(odoo, "account.tax", gst, price_include_override="tax_included"):
        ((level, what),) = found(odoo, replace(SOUND, mapped=(quebec, ontario)))
        assert (level, "is included in the price in Odoo" in what) == ("error", True)
    with changed(odoo, "account.tax", gst, amount=6.0):
        ((level, what),) = found(odoo, replace(SOUND, mapped=(quebec,)))
        assert (level, what.endswith("is 6 + 9.975 % in Odoo, Lago charges 5 + 9.975 %")) == ("error", True)


def test_no_sales_journal_is_active(odoo: Odoo) -> None:
    taken = odoo.call("account.journal", "search", domain=[["type", "=", "sale"]])
    with changed(odoo, "account.journal", taken, active=False):
        assert ("error", "there is no active sales journal: Odoo refuses every invoice") in found(odoo)


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
    lacking = [f.what for f in preflight(Door(poor), discover(Door(odoo)), SOUND) if f.level == "error"]
    assert "this user may not create sale.order" in lacking
    assert "this user may not write ir.model.data" in lacking


OURS = "fusion_billing.cron_invoice"


def schedulers(odoo: Odoo) -> list[tuple[str, str]]:
    """What is said of the scheduled actions that bill."""
    target = discover(Door(odoo))
    return [(f.level, f.what) for f in look_at_schedulers(Door(odoo), target)]


def test_nobody_bills_as_long_as_the_addons_action_is_off(odoo: Odoo) -> None:
    ((level, said),) = schedulers(odoo)
    assert level == "warning"
    assert said.startswith(
        "no scheduled action bills the migrated orders: 'Fusion Billing: invoice what is due' (switched"
    )
    with changed(odoo, "ir.cron", [xid(odoo, OURS)["res_id"]], active=True):
        ((level, said),) = schedulers(odoo)
    assert level == "ok"
    assert said.startswith("the migrated orders are billed by 'Fusion Billing: invoice what is due' (next 2")
    assert "as OdooBot, every 1 hours)" in said


@pytest.mark.parametrize("common", ["oca"], indirect=True)
def test_two_that_bill_are_named(common: Any) -> None:
    odoo = common.connect()
    ((level, said),) = schedulers(odoo)
    assert (level, said[:62]) == ("ok", "the migrated orders are billed by 'Subscriptions management' (")
    with changed(odoo, "ir.cron", [xid(odoo, OURS)["res_id"]], active=True):
        ((level, said),) = schedulers(odoo)
    assert (level, said[:47]) == ("warning", "two scheduled actions bill the migrated orders:")
    assert "Subscriptions management" in said
    assert "Fusion Billing: invoice what is due" in said
    without = replace(discover(Door(odoo)), addon=False)
    said = [f.what for f in look_at_schedulers(Door(odoo), without) if f.level == "warning"][-1]
    assert said.endswith("bills the lines of orders as they stand, without their usage")


def test_an_action_that_somebody_wrote_is_named(odoo: Odoo) -> None:
    model = ids(odoo, "ir.model", ["model", "=", "sale.order"])[0]
    code = "env['sale.order'].search([])._create_invoices()"
    vals = {"name": "Invoice all", "model_id": model, "state": "code", "code": code, "interval_type": "days"}
    (made,) = odoo.call("ir.cron", "create", vals_list=[vals])
    try:
        assert any(level == "warning" and "'Invoice all'" in said for level, said in schedulers(odoo))
    finally:
        odoo.call("ir.cron", "unlink", [made])
