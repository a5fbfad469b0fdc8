"""Lines and charges that somebody moved or copied: the remedy names the record that differs, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.data import Finding, ReportData
from tests.faults import (
    OVERRIDE,
    PRO,
    STARTER,
    TEAM,
    Company,
    Fault,
    Plant,
    charge_on_order,
    copied_values,
    copy_charge,
    copy_metric,
    drop_override,
    move_charge,
    move_line,
    plans_line,
    sell_instead,
)
from tests.reconciling import planted
from tests.reconciling.planted import Base

STORAGE = ("storage_gb", "nexacloud_starter")


@pytest.fixture
def company(base: Base, tmp_path: Path) -> Iterator[Company]:
    with planted.copied(base, tmp_path / "company") as copy:
        yield copy


def reconciled(company: Company, *customers: str) -> ReportData:
    fault = Fault(name="", side="", causes=frozenset(), customers=customers, plant=lambda company: None)
    return planted.reconciled(company, fault, planted.codes_of(company.odoo, company.snapshot))


def findings(company: Company, *customers: str) -> tuple[Finding, ...]:
    rows = reconciled(company, *customers).rows()
    return tuple(f for _, p in rows for f in p.findings if f.cause != "tax_rounding")


def told(found: tuple[Finding, ...]) -> set[tuple[str, ...]]:
    """Remedies: name, where, field and value; all of them are proven."""
    assert all(finding.proven and finding.remedy for finding in found)
    remedies = [finding.remedy for finding in found if finding.remedy]
    return {
        (r.name, *(str(r.values[name]) for name in ("where", "what", "lago") if name in r.values)) for r in remedies
    }


@pytest.mark.parametrize("copy", [False, True])
def test_what_the_line_of_the_plan_sells_is_set_back(company: Company, copy: bool) -> None:
    line, order = plans_line(company, STARTER), company.order(STARTER)
    sell_instead(STARTER, copy=copy)(company)
    product = "nexacloud_starter"
    if copy:  # of one code there are two products by now
        names = company.rows(
            "ir.model.data", [["model", "=", "product.product"], ["res_id", "=", line["product_id"][0]]]
        )
        product = f"lago.{names[0]['name']}"
    where = f"sale.order.line {order['name']} ({line['id']})"
    assert told(findings(company, STARTER)) == {("mend_product", where, "product_id", product)}


@pytest.mark.parametrize(("customer", "other", "tax"), [(STARTER, TEAM, "hst_on 13 %"), (TEAM, STARTER, "gst 5 %")])
def test_the_line_of_the_plan_goes_back_to_its_order(company: Company, customer: str, other: str, tax: str) -> None:
    """Neither the line that passes for it, nor the other order's own is to be changed; Odoo computes its taxes anew."""
    line, order, there = plans_line(company, customer), company.order(customer), company.order(other)
    move_line(customer, other)(company)
    where = f"sale.order.line {there['name']} ({line['id']})"
    found, place = findings(company, customer, other), (where, "order_id", order["name"])
    assert told(found) == {("mend_line_order", *place), ("return_line", *place)}
    assert {f.remedy.values["tax"] for f in found if f.remedy and "tax" in f.remedy.values} == {tax}
    company.write("sale.order.line", [["id", "=", line["id"]]], order_id=order["id"])
    assert findings(company, customer, other) == ()


@pytest.mark.parametrize(
    ("plant", "field", "value"),
    [
        (move_charge(*STORAGE, "nexacloud_pro"), "plan_id", "nexacloud_starter"),
        (charge_on_order(*STORAGE, PRO), "order_id", "none"),
    ],
)
def test_a_charge_goes_back_to_where_it_belongs(company: Company, plant: Plant, field: str, value: str) -> None:
    charge = company.charge(*STORAGE)
    plant(company)
    where = f"fusion.billing.charge storage_gb_standard ({charge['id']})"
    found = findings(company, STARTER, PRO)
    assert {finding.cause for finding in found} == {"missing_line", "extra_line"}
    assert told(found) == {("mend_field", where, field, value)}


def test_a_charge_of_one_order_on_another_one(company: Company) -> None:
    order = company.order(OVERRIDE)
    charge = company.rows("fusion.billing.charge", [["order_id", "=", order["id"]]])[0]
    own = [["id", "=", charge["id"]]]
    company.write("fusion.billing.charge", own, order_id=company.order(STARTER)["id"])
    where = f"fusion.billing.charge {charge['code']} ({charge['id']})"
    assert ("mend_field", where, "order_id", order["name"]) in told(findings(company, OVERRIDE))


def test_a_copy_of_a_charge_is_removed_and_nothing_else(company: Company) -> None:
    copy_charge(*STORAGE, STARTER)(company)
    (copy,) = company.rows("fusion.billing.charge", [["order_id", "=", company.order(STARTER)["id"]]])
    where = f"fusion.billing.charge storage_gb_standard ({copy['id']})"
    assert told(findings(company, STARTER)) == {("remove_charge", where)}
    company.unlink("fusion.billing.charge", [["id", "=", copy["id"]]])
    assert findings(company, STARTER) == ()


def test_a_charge_of_odoos_alone_with_a_price_of_its_own_has_one_remedy(company: Company) -> None:
    """It bears Lago's id: its price differs, and it is removed. Set and removed, it would be told two things."""
    row, order = company.charge(*STORAGE), company.order(STARTER)
    values = {**copied_values(row, "plan_id"), "order_id": order["id"], "fusion_lago_id": row["fusion_lago_id"]}
    values["properties"] = json.dumps({"amount": "0.0925"})
    (made,) = company.odoo.call("fusion.billing.charge", "create", vals_list=[values])
    found = findings(company, STARTER)
    assert "price" in {finding.cause for finding in found}
    assert told(found) == {("remove_charge", f"fusion.billing.charge storage_gb_standard ({made})")}
    company.unlink("fusion.billing.charge", [["id", "=", made]])
    assert findings(company, STARTER) == ()


def test_a_copied_metric_is_a_field_of_the_charge(company: Company) -> None:
    charge = company.charge(*STORAGE)
    copy_metric(*STORAGE)(company)
    where = f"fusion.billing.charge storage_gb_standard ({charge['id']})"
    assert told(findings(company, STARTER)) == {("mend_field", where, "metric_id", "storage_gb")}
    company.write("fusion.billing.charge", [["id", "=", charge["id"]]], metric_id=charge["metric_id"][0])
    assert findings(company, STARTER) == ()


def test_a_plan_is_never_set_to_the_prices_of_one_order(company: Company) -> None:
    """The order has lost its own charges; those of the plan, which it pays now, are everybody's."""
    drop_override(company)
    found = findings(company, OVERRIDE)
    assert {remedy[0] for remedy in told(found)} == {"restore_charge"}
    assert {remedy[1] for remedy in told(found)} == {f"sale.order {company.order(OVERRIDE)['name']}"}


def test_the_line_of_the_plan_is_gone(base: Base, tmp_path: Path) -> None:
    """Odoo lets nobody delete it while the order runs. No line of usage becomes the plan's; apply makes it anew."""
    with planted.copied(base, tmp_path / "company", ledger=True) as company:
        line, order = plans_line(company, STARTER), company.order(STARTER)
        company.write("sale.order", [["id", "=", order["id"]]], state="draft")
        company.unlink("sale.order.line", [["id", "=", line["id"]]])
        company.write("sale.order", [["id", "=", order["id"]]], state="sale")
        where = f"sale.order {order['name']}"
        assert told(findings(company, STARTER)) == {("restore_line", where, "order_line", "nexacloud_starter")}
        company.apply("")
        assert findings(company, STARTER) == ()


@pytest.mark.parametrize("name", ["another", False])
def test_an_order_under_another_id_is_found_by_its_external_id(company: Company, name: str | bool) -> None:
    order = company.order(STARTER)
    company.write("sale.order", [["id", "=", order["id"]]], fusion_lago_id=name)
    refusals = {(r.reason, str(r.detail)) for i in reconciled(company, STARTER).invoices for r in i.refusals}
    (why,) = {detail for reason, detail in refusals if reason == "order_missing"}
    assert f"sale.order {order['name']} is lago.subscription_{order['fusion_lago_id']}" in why
    assert f"fusion_lago_id is {name or 'empty'}: set it back to {order['fusion_lago_id']}" in why
