"""What a remedy names is all that has to be set, and nothing that is right is blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from migrate.odoo.door import Door
from reconcile.sides.odoo_terms import read
from reports.data import Evidence, Finding
from reports.texts import Texts
from tests.faults import (
    FAULTS,
    PERCENT,
    PRO,
    STARTER,
    TEAM,
    WALLET,
    Company,
    Fault,
    Plant,
    add_order_line,
    charge_tax,
    custom_charge,
    discount,
    lines_tax,
    on_charge,
    on_order,
    swap_product,
    together,
)
from tests.odoo.matrix.remedy import BY_MACHINE
from tests.reconciling import planted
from tests.reconciling.planted import Base


@pytest.fixture
def company(base: Base, tmp_path: Path) -> Iterator[Company]:
    with planted.copied(base, tmp_path / "company") as copy:
        yield copy


def findings(
    company: Company, customer: str = STARTER, *, without: str = "", month: str = "2026-07"
) -> tuple[Finding, ...]:
    """What the month says of one customer, without Odoo's rounding of each tax; finance's table may lack a code."""
    fault = Fault(name="", side="", causes=frozenset(), customers=(customer,), plant=lambda company: None, month=month)
    codes = planted.codes_of(company.odoo, company.snapshot)
    data = planted.reconciled(company, fault, {name: code for name, code in codes.items() if code != without})
    return tuple(f for _, p in data.rows() for f in p.findings if f.cause != "tax_rounding")


def remedies(found: tuple[Finding, ...]) -> set[str]:
    return {finding.remedy.name for finding in found if finding.remedy}


def base_line(company: Company) -> dict[str, Any]:
    lines = company.rows("sale.order.line", [["order_id", "=", company.order(STARTER)["id"]]])
    return min(lines, key=lambda row: (row["sequence"], row["id"]))


def test_a_product_comes_back_with_its_taxes(company: Company) -> None:
    """As a real Odoo does: with another product the line has other taxes, here none."""
    line = base_line(company)
    swap_product(company)
    company.write("sale.order.line", [["id", "=", line["id"]]], tax_ids=[[6, 0, []]])
    found = findings(company)
    assert all(finding.proven for finding in found)
    assert {f.cause for f in found} == {"base_product_swapped", "tax_missing"}
    (remedy,) = {str(f.remedy.values): f.remedy for f in found if f.remedy and f.cause != "tax_missing"}.values()
    assert (remedy.name, remedy.values["tax"]) == ("mend_product", "hst_on 13 %")
    said = Texts().evidence("remedy", remedy, "CAD")
    assert all(text in said for text in ("product_id", "nexacloud_starter", "tax_ids to hst_on 13 %"))

    company.write("sale.order.line", [["id", "=", line["id"]]], product_id=line["product_id"][0], tax_ids=[[6, 0, []]])
    found = findings(company)
    assert {(f.cause, f.proven) for f in found} == {("tax_missing", True)}
    assert remedies(found) == {"mend_line_taxes"}
    taxes = [[6, 0, line["tax_ids"]]]
    company.write("sale.order.line", [["id", "=", line["id"]]], tax_ids=taxes)
    assert findings(company) == ()


def of_team(company: Company, text: str) -> dict[str, Any]:
    """A line of the order whose plan has fixed charges."""
    lines = company.rows("sale.order.line", [["order_id", "=", company.order(TEAM)["id"]]])
    return next(line for line in lines if text in line["name"])


def sell(company: Company, line: dict[str, Any], code: str) -> None:
    """Another product on a line; its price, its text and its taxes are left alone."""
    (product,) = company.rows("product.product", [["product_tmpl_id.default_code", "=", code]], "id")
    kept = {"name": line["name"], "price_unit": line["price_unit"], "tax_ids": [[6, 0, line["tax_ids"]]]}
    company.write("sale.order.line", [["id", "=", line["id"]]], product_id=product["id"], **kept)


def test_lines_that_the_migration_made_were_added_by_nobody(company: Company) -> None:
    """Odoo bills those of fixed charges by itself as soon as no charge of the order's plan has their product."""
    sell(company, of_team(company, "Team"), "nexacloud_pro")
    found = findings(company, TEAM)
    assert {(f.cause, f.proven) for f in found} == {("base_product_swapped", True)}
    assert remedies(found) == {"mend_product"}


def test_the_line_of_a_charge_that_was_removed(company: Company) -> None:
    product = of_team(company, "support_block")["product_id"][0]
    company.unlink("fusion.billing.charge", [["code", "=", "fx_support_block"], ["product_id", "=", product]])
    found = findings(company, TEAM)
    assert {(f.cause, f.proven) for f in found} == {("missing_line", True)}
    assert {f.delta_cents for f in found} == {-2000, 2000}


def by_machine(company: Company, base: Base, told: Evidence) -> str:
    """What the matrix on a real Odoo does with a remedy, done here."""
    copy: Any = SimpleNamespace(company=company, of=SimpleNamespace(base=base))
    return BY_MACHINE[told.name](copy, told)


def lines_of(company: Company, customer: str, *fields: str) -> list[dict[str, Any]]:
    order = company.order(customer)["id"]
    rows = company.rows("sale.order.line", [["order_id", "=", order]], *fields)
    return [{name: row[name] for name in ("id", *fields)} for row in sorted(rows, key=lambda row: row["id"])]


@pytest.mark.parametrize(
    ("plant", "cause", "field"),
    [
        (lambda customer: discount(10.0, customer), "discount", "discount"),
        (lambda customer: add_order_line(12.0, customer=customer), "order_line_added", "product_uom_qty"),
    ],
    ids=["discount", "line added"],
)
def test_what_somebody_agreed_is_ended_on_the_line_that_is_named_and_no_other(
    company: Company, base: Base, plant: Callable[[str], Plant], cause: str, field: str
) -> None:
    for customer in (STARTER, PRO):
        plant(customer)(company)
    others, own = lines_of(company, PRO, field), lines_of(company, STARTER, field)
    found = findings(company)
    assert {f.cause for f in found} == {cause}
    (told,) = {str(f.remedy): f.remedy for f in found if f.remedy}.values()
    assert Texts("en_CA").evidence("remedy", told, "CAD").count(str(told.values["where"])) == 1
    assert by_machine(company, base, told) == ""
    assert findings(company) == ()
    assert lines_of(company, PRO, field) == others
    changed = [row["id"] for row, before in zip(lines_of(company, STARTER, field), own, strict=True) if row != before]
    assert told.values["where"] == f"sale.order.line {company.order(STARTER)['name']} ({changed[0]})"
    assert len(changed) == 1


def test_taxes_are_set_on_what_is_named_and_nothing_else(company: Company, base: Base) -> None:
    for customer in (STARTER, PRO):
        lines_tax(customer, "hst_sale_tax_15")(company)
    others = lines_of(company, PRO, "tax_ids")
    (told,) = {str(f.remedy): f.remedy for f in findings(company) if f.remedy}.values()
    assert by_machine(company, base, told) == ""
    assert findings(company) == ()
    assert lines_of(company, PRO, "tax_ids") == others


def test_the_migrations_line_with_another_product_is_set_back(company: Company, base: Base) -> None:
    line = of_team(company, "support_block")
    sell(company, line, "egress_gb")
    found = findings(company, TEAM)
    assert {(f.cause, f.proven) for f in found} == {("extra_line", True)}
    (told,) = {str(f.remedy): f.remedy for f in found if f.remedy and f.remedy.name == "mend_own_line"}.values()
    assert told.values["where"] == f"sale.order.line {company.order(TEAM)['name']} ({line['id']})"
    assert by_machine(company, base, told) == ""
    assert findings(company, TEAM) == ()


def test_of_an_open_balance_what_was_added_is_taken_out(company: Company, base: Base) -> None:
    invoice = company.invoice(WALLET, "2026-03")
    (named,) = company.rows("ir.model.data", [["name", "=", f"invoice_{invoice.lago_id}_open"]])
    (line,) = company.rows("account.move.line", [["id", "=", named["res_id"]]])
    added = {"name": "more", "quantity": 1.0, "price_unit": 5.0, "account_id": line["account_id"][0]}
    company.write("account.move", [["id", "=", line["move_id"][0]]], invoice_line_ids=[[0, 0, added]])
    found = findings(company, WALLET, month="2026-03")
    (told,) = {str(f.remedy): f.remedy for f in found if f.cause == "balance_wrong" and f.remedy}.values()
    assert told.name == "mend_balance"
    assert by_machine(company, base, told) == ""
    assert findings(company, WALLET, month="2026-03") == ()


@pytest.mark.parametrize(
    ("values", "what", "lago"),
    [
        ({"discount": 10.0}, "discount", "0"),
        ({"quantity": 2.0}, "quantity", "1"),
        ({"price_unit": 7.0, "discount": 5.0}, "price_unit, discount", "DUE, 0"),
    ],
)
def test_of_an_open_balance_what_differs_is_set_back(
    company: Company, values: dict[str, float], what: str, lago: str
) -> None:
    invoice = company.invoice(WALLET, "2026-03")
    (named,) = company.rows("ir.model.data", [["name", "=", f"invoice_{invoice.lago_id}_open"]])
    (line,) = company.rows("account.move.line", [["id", "=", named["res_id"]]])
    company.write("account.move.line", [["id", "=", line["id"]]], **values)
    found = findings(company, WALLET, month="2026-03")
    (told,) = {str(f.remedy): f.remedy for f in found if f.cause == "balance_wrong" and f.remedy}.values()
    assert told.values["where"] == f"account.move.line lago.invoice_{invoice.lago_id}_open"
    assert (told.values["what"], told.values["lago"]) == (what, lago.replace("DUE", f"{line['price_unit']:.2f}"))


@pytest.mark.parametrize(
    ("tax", "position", "remedy"),
    [
        (None, None, "mend_line_taxes"),
        ("hst_sale_tax_15", None, "mend_line_taxes"),
        ("hst_sale_tax_15", "New Brunswick", "mend_position"),
    ],
)
def test_lines_whose_mapping_is_right(company: Company, tax: str | None, position: str | None, remedy: str) -> None:
    lines_tax(STARTER, tax, position)(company)
    found = findings(company)
    assert found
    assert all(finding.proven for finding in found)
    assert remedies(found) == {remedy}
    told = next(f.remedy.values for f in found if f.remedy)
    assert (told["where"], told["tax"]) == (f"sale.order {company.order(STARTER)['name']}", "hst_on 13 %")


def test_the_record_that_decides_is_the_one_to_mend(company: Company) -> None:
    """A charge's own taxes come before its order's; a charge of another model has its prices with it."""
    charge = company.charge("egress_gb", "nexacloud_starter")
    charge_tax("egress_gb", "nexacloud_starter", "hst_sale_tax_15")(company)
    (told,) = {str(f.remedy): f.remedy for f in findings(company) if f.remedy}.values()
    assert told.values["where"] == f"fusion.billing.charge {charge['code']} ({charge['id']})"
    company.write("fusion.billing.charge", [["id", "=", charge["id"]]], tax_ids=[[6, 0, []]])
    assert findings(company) == ()

    other = {"charge_model": "standard", "properties": '{"amount": "0.07"}'}
    company.write("fusion.billing.charge", [["id", "=", charge["id"]]], **other)
    (told,) = {str(f.remedy): f.remedy for f in findings(company) if f.remedy}.values()
    assert str(told.values["what"]) == "charge_model and properties"
    assert str(told.values["lago"]).startswith('["package",{')


def test_charges_that_an_order_has_of_its_own_are_the_record_and_not_those_they_replace(company: Company) -> None:
    row, order = company.charge("storage_gb", "nexacloud_starter"), company.order(STARTER)
    values = {name: row[name] for name in ("name", "code", "charge_model", "properties", "kind", "fusion_lago_id")}
    more = {"metric_id": row["metric_id"][0], "order_id": order["id"]}
    (number,) = company.odoo.call("fusion.billing.charge", "create", vals_list=[{**values, **more}])
    (told,) = {str(f.remedy): f.remedy for f in findings(company) if f.remedy}.values()
    assert (told.name, told.values["where"]) == ("remove_charge", f"fusion.billing.charge {row['code']} ({number})")
    company.unlink("fusion.billing.charge", [["id", "=", number]])
    assert findings(company) == ()


@pytest.mark.parametrize("name", ["another", False])
def test_a_charge_under_another_id_is_never_to_be_deleted(company: Company, name: str | bool) -> None:
    row = company.charge("egress_gb", "nexacloud_starter")
    company.write("fusion.billing.charge", [["id", "=", row["id"]]], fusion_lago_id=name)
    found = findings(company)
    told = {(f.remedy.name, f.remedy.values.get("what"), f.remedy.values.get("lago")) for f in found if f.remedy}
    assert ("mend_field", "fusion_lago_id", row["fusion_lago_id"]) in told
    assert "remove_charge" not in remedies(found)
    assert {(f.cause, f.proven) for f in found} == {("missing_line", True)}, "what Odoo bills instead is its work too"


@pytest.mark.parametrize(
    ("customer", "plan", "metrics"),
    [
        (STARTER, "nexacloud_starter", ("egress_gb", "storage_gb")),
        (PRO, "nexacloud_pro", ("compute_hours", "storage_gb")),
    ],
)
def test_charges_that_bear_each_others_ids_get_them_back(
    company: Company, base: Base, customer: str, plan: str, metrics: tuple[str, str]
) -> None:
    """Neither's metric nor price is wrong: what the amounts differ by is whose id a charge bears."""
    rows = [company.charge(metric, plan) for metric in metrics]
    for row, other in zip(rows, reversed(rows), strict=True):
        company.write("fusion.billing.charge", [["id", "=", row["id"]]], fusion_lago_id=other["fusion_lago_id"])
    found = findings(company, customer)
    assert {(f.cause, f.proven) for f in found} == {("missing_line", True)}
    told = {str(f.remedy): f.remedy for f in found if f.remedy}.values()
    set_back = {(r.name, r.values["where"], r.values["what"], r.values["lago"]) for r in told}
    assert set_back == {
        ("mend_field", f"fusion.billing.charge {row['code']} ({row['id']})", "fusion_lago_id", row["fusion_lago_id"])
        for row in rows
    }
    assert [by_machine(company, base, remedy) for remedy in told] == ["", ""]
    assert findings(company, customer) == ()
    for row in rows:
        (after,) = company.rows("fusion.billing.charge", [["id", "=", row["id"]]])
        assert {name for name in row if row[name] != after[name]} <= {"write_date"}


def test_a_charge_that_took_the_id_of_another_gets_its_own_back(company: Company) -> None:
    taker, other = (company.charge(metric, "nexacloud_starter") for metric in ("egress_gb", "storage_gb"))
    company.write("fusion.billing.charge", [["id", "=", other["id"]]], fusion_lago_id="typed")
    company.write("fusion.billing.charge", [["id", "=", taker["id"]]], fusion_lago_id=other["fusion_lago_id"])
    found = findings(company)
    assert {f.cause for f in found} == {"missing_line"}
    told = {(f.remedy.name, f.remedy.values["what"], f.remedy.values["lago"]) for f in found if f.remedy}
    assert told == {("mend_field", "fusion_lago_id", row["fusion_lago_id"]) for row in (taker, other)}


def test_a_discount_explains_no_price(company: Company) -> None:
    """Each is credited with what it moves, and the remedy of one leaves the other's."""
    together(discount(10.0), on_order(STARTER, fusion_plan_amount="31.50"))(company)
    assert {(f.cause, f.proven) for f in findings(company)} == {("discount", True), ("price", True)}
    company.write("sale.order.line", [["discount", "!=", 0]], discount=0.0)
    assert {(f.cause, f.proven) for f in findings(company)} == {("price", True)}


def test_what_a_group_of_taxes_is_made_of_is_mended_in_its_record(company: Company, base: Base) -> None:
    """The mapping leads to the right group, which has lost a part."""
    (line, *_) = company.rows("sale.order.line", [["order_id", "=", company.order(PERCENT)["id"]]])
    (group,) = company.rows("account.tax", [["id", "in", line["tax_ids"]]])
    parts = company.rows("account.tax", [["id", "in", group["children_tax_ids"]]], "name")
    gst = [part["id"] for part in parts if "GST" in part["name"]]
    company.write("account.tax", [["id", "=", group["id"]]], children_tax_ids=[[6, 0, gst]])
    found = findings(company, PERCENT)
    assert {(f.cause, f.proven) for f in found} == {("tax_missing", True)}
    (told,) = {str(f.remedy): f.remedy for f in found if f.remedy}.values()
    assert told.name == "mend_group"
    assert told.values["where"] == f"account.tax {group['name']} ({group['id']})"
    assert (told.values["tax"], told.values["odoo"]) == ("gst 5 % + pst_bc 7 %", "gst 5 %")
    assert by_machine(company, base, told) == ""
    assert findings(company, PERCENT) == ()


def test_lines_of_a_tax_that_cancel_out_are_read(company: Company) -> None:
    (number,) = base_line(company)["tax_ids"]
    values = {"tax_id": number, "document_type": "invoice", "repartition_type": "tax", "factor_percent": -100.0}
    company.odoo.call("account.tax.repartition.line", "create", vals_list=[values])
    taxes = read(Door(company.odoo), []).taxes
    assert (taxes[number].rate, taxes[number].share, taxes[number].charged) == (13, 0, 0)
    assert {tax.share for other, tax in taxes.items() if other != number} == {100}


def test_a_table_that_leads_to_no_such_tax_is_to_be_corrected(company: Company) -> None:
    lines_tax(STARTER, None)(company)
    assert remedies(findings(company, without="hst_on")) == {"mend_tax"}


def test_lagos_own_taxes_are_no_matter_of_the_mapping(company: Company) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "invoice with another province's tax")
    changed = fault.plant(company)
    assert changed is not None
    found = findings(changed, fault.customers[0])
    assert {(f.cause, f.side, f.proven) for f in found} == {("tax_wrong", "lago", True)}
    assert remedies(found) == {"check_lagos_taxes"}


def test_what_else_an_order_lacks_that_waits_for_a_charge_is_not_left_out(company: Company) -> None:
    """It stands in Odoo as it was: the migration says nothing of the charge that somebody took out."""
    waiting = custom_charge(company)
    order = str(waiting.order(STARTER)["fusion_lago_id"])
    assert (waiting.unmapped or {}).get(order) == "custom_aggregation"
    assert {(f.cause, f.proven) for f in findings(waiting)} == {("mapping_gap", True)}
    other = waiting.charge("compute_hours", "nexacloud_starter")
    waiting.unlink("fusion.billing.charge", [["id", "=", other["id"]]])
    items = {(f.cause, str(f.evidence[0].values)) for f in findings(waiting)}
    assert {cause for cause, _ in items} == {"mapping_gap", "missing_line"}


def test_what_differs_of_an_order_that_has_ended_is_told_with_its_end(company: Company, base: Base) -> None:
    """It moves nothing as long as the order bills nothing, and would need a second round."""
    minimum = on_charge("storage_gb", "nexacloud_starter", min_amount="50.00")
    together(minimum, on_order(STARTER, fusion_ended_at="2026-06-20 10:00:00"))(company)
    found = findings(company)
    assert {(f.cause, f.proven) for f in found} == {("plan_change_date", True)}
    (told,) = {str(e): e for f in found for e in f.evidence if e.name == "covered"}.values()
    number = company.charge("storage_gb", "nexacloud_starter")["id"]
    charge = f"fusion.billing.charge storage_gb_standard ({number})"
    assert (told.values["where"], told.values["what"]) == (charge, "min_amount")
    assert "set it as well" in Texts().evidence("evidence", told, "CAD")
    (ended,) = {str(f.remedy): f.remedy for f in found if f.remedy}.values()
    for remedy in (ended, Evidence(name="mend_field", values=told.values)):
        assert by_machine(company, base, remedy) == ""
    assert findings(company) == ()
