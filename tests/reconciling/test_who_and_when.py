"""Equal is who pays, which period and when next: not amounts alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Snapshot
from reports.data import ReportData
from reports.register_cells import receivable_line
from reports.texts import LOCALES, Texts
from reports.verdict import State, judge
from tests.applying.test_withheld import Ruled
from tests.faults import CUSTOMERS, FAULTS, PRO, STARTER, TWO_PLANS, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

Plant = Callable[[Company], object]


def on_order(customer: str = STARTER, **values: object) -> Plant:
    return lambda c: c.write("sale.order", [["id", "=", c.order(customer)["id"]]], **values)


def next_day(days: int) -> Plant:
    def plant(company: Company) -> None:
        year, month, day = map(int, company.order(STARTER)["next_invoice_date"].split("-"))
        on_order(next_invoice_date=f"{year + days // 365}-{month:02}-{day + days % 365:02}")(company)

    return plant


def merged(company: Company) -> None:
    """As Odoo's merge leaves it: the external id of the one that goes leads to the one that stays."""
    stays = company.order(PRO)["partner_id"][0]
    own = company.order(STARTER)["partner_id"][0]
    on_order(partner_id=stays, partner_invoice_id=stays)(company)
    domain = [["model", "=", "res.partner"], ["res_id", "=", own], ["module", "=", "lago"]]
    company.write("ir.model.data", domain, res_id=stays)


def invoices_to(company: Company) -> None:
    on_order(partner_invoice_id=company.order(PRO)["partner_id"][0])(company)


def contact_of(customer: str = "") -> Plant:
    """The customer's partner becomes a contact of another customer, or of a company that is none: that one owes."""

    def plant(company: Company) -> None:
        own = company.order(STARTER)["partner_id"][0]
        holding = [{"name": "Holding", "is_company": True}]
        above = company.order(customer)["partner_id"][0] if customer else None
        above = above or company.odoo.call("res.partner", "create", vals_list=holding)[0]
        company.write("res.partner", [["id", "=", own]], is_company=False, parent_id=above, type="invoice")

    return plant


def debtor(company: Company) -> None:
    """The open balance of an invoice is given to another customer."""
    name = f"invoice_{open_invoice(company)}"
    move = company.rows("ir.model.data", [["module", "=", "lago"], ["name", "=", name]], "res_id")[0]["res_id"]
    company.write("account.move", [["id", "=", move]], partner_id=company.order(PRO)["partner_id"][0])


def other_money(company: Company) -> None:
    """The open balance of an invoice is moved to another currency: its numbers are none of Lago's any more."""
    name = f"invoice_{open_invoice(company)}"
    move = company.rows("ir.model.data", [["module", "=", "lago"], ["name", "=", name]], "res_id")[0]["res_id"]
    usd = company.rows("res.currency", [["name", "=", "USD"]], "id")[0]["id"]
    company.write("account.move", [["id", "=", move]], currency_id=usd)


def posted_in_other_money(company: Company) -> None:
    other_money(company)
    name = f"invoice_{open_invoice(company)}"
    move = company.rows("ir.model.data", [["module", "=", "lago"], ["name", "=", name]], "res_id")[0]["res_id"]
    company.odoo.call("account.move", "action_post", [move])


def open_invoice(company: Company) -> str:
    invoices = (i for i in company.snapshot.invoices if i.customer and i.customer.external_id == STARTER)
    return next(i.lago_id for i in invoices if i.status == "finalized" and i.total_due_amount_cents)


def told(
    base: Base, folder: Path, plant: Plant, month: str = "2026-07", customer: str = STARTER
) -> tuple[ReportData, set[str]]:
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(customer,), plant=plant, month=month)
    with planted.copied(base, folder) as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        plant(company)
        data = planted.reconciled(company, fault, codes)
    return data, {refusal.reason for invoice in data.invoices for refusal in invoice.refusals}


@pytest.mark.parametrize("plant", [other_money, posted_in_other_money])
def test_an_open_balance_in_another_currency_is_no_number_of_the_invoice(
    base: Base, tmp_path: Path, plant: Plant
) -> None:
    data, reasons = told(base, tmp_path / "copy", plant, month="all")
    assert reasons == {"balance_currency"}
    assert not [f.cause for _, p in data.rows() for f in p.findings if f.cause.startswith("balance")]
    (refused,) = [r for invoice in data.invoices for r in invoice.refusals]
    assert "USD" in str(refused.detail)
    assert "CAD" in str(refused.detail)
    assert ("reset it to draft" in str(refused.detail)) is (plant is posted_in_other_money)
    assert judge(data).exit_code
    astray = {view.currency: view.astray_cents for view in data.receivables if not view.ties}
    if plant is other_money:
        assert not astray, "the accounts hold no drafts"
    else:
        assert astray.keys() == {"CAD", "USD"}, "one's balance is in the other's account"
        assert astray["CAD"] == -astray["USD"] > 0
        lines = [receivable_line(view, Texts("en_CA")) for view in data.receivables if view.astray_cents]
        assert [line.count("another currency") for line in lines] == [1, 1]


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (lambda company: None, ""),
        (next_day(1), "next_invoice"),
        (next_day(5), "next_invoice"),
        (next_day(365), "next_invoice"),
        (on_order(next_invoice_date=False), "next_invoice"),
        (merged, "other_customer"),
        (invoices_to, "other_customer"),
        (debtor, "other_customer"),
        (contact_of(PRO), "other_customer"),
        (contact_of(), "other_customer"),
    ],
    ids=[
        *("nothing", "a day", "five days", "a year", "never"),
        *("merged", "invoice address", "open balance", "contact of a customer", "contact of another company"),
    ],
)
def test_who_pays_and_when_next(base: Base, tmp_path: Path, plant: Plant, reason: str) -> None:
    data, reasons = told(base, tmp_path / "copy", plant, month="all")
    assert reasons == ({reason} if reason else set())
    assert (judge(data).state is State.TO_ACT) == bool(reason)


@pytest.mark.parametrize(
    ("plant", "mended"),
    [(merged, "its own contact again"), (invoices_to, "partner_invoice_id"), (contact_of(PRO), "(parent_id)")],
    ids=["merged", "invoice address", "contact of a customer"],
)
def test_what_to_set_back_is_named_with_its_record(base: Base, tmp_path: Path, plant: Plant, mended: str) -> None:
    data, _ = told(base, tmp_path / "copy", plant)
    for locale in LOCALES:
        said = {Texts(locale).said(r.detail) for invoice in data.invoices for r in invoice.refusals}
        assert said
        assert all(re.search(r"res\.partner \d+", text) for text in said)
        assert any(word in text for text in said for word in (mended, "son propre contact"))


@pytest.mark.parametrize("plan", ["nexadesk_team", "nexacloud_starter"])
@pytest.mark.parametrize("other", [STARTER, PRO])
def test_orders_that_exchange_their_customers(base: Base, tmp_path: Path, plan: str, other: str) -> None:
    """An invoice of two orders goes to two customers then: both are told, and no state of an order is blamed."""

    def plant(company: Company) -> None:
        orders = company.order(TWO_PLANS, plan), company.order(other)
        for order, takes in (orders, orders[::-1]):
            moved = {name: takes[name][0] for name in ("partner_id", "partner_invoice_id")}
            company.write("sale.order", [["id", "=", order["id"]]], **moved)

    both = (TWO_PLANS, other)
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=both, plant=plant, month="2026-07")
    with planted.copied(base, tmp_path / "copy") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        plant(company)
        data = planted.reconciled(company, fault, codes)
    told_of = {(i.customer, r.reason) for i in data.invoices for r in i.refusals}
    assert told_of == {(customer, "other_customer") for customer in both}
    assert {f.cause for _, p in data.rows() for f in p.findings} <= {"tax_rounding"}


def test_who_has_another_customer_as_its_contact_owes_its_own(base: Base, tmp_path: Path) -> None:
    data, reasons = told(base, tmp_path / "copy", contact_of(PRO), customer=PRO)
    assert reasons == set()
    assert data.invoices


def test_a_date_that_moved_with_a_bill_is_as_it_must_be(base: Base, tmp_path: Path) -> None:
    def plant(company: Company) -> None:
        next_day(5)(company)
        period = {"order_id": company.order(STARTER)["id"], "at": "2026-08-01 04:00:00", "reason": "x"}
        company.odoo.call("fusion.billing.period", "create", vals_list=[period])

    assert told(base, tmp_path / "copy", plant)[1] == set()


def test_another_period_of_the_same_amount(base: Base, tmp_path: Path) -> None:
    """Paid in advance instead of in arrears, or the other way round: the same fee, for another month."""

    def plant(company: Company) -> None:
        advance = not company.order(STARTER)["fusion_pay_in_advance"]
        on_order(fusion_pay_in_advance=advance)(company)

    data, reasons = told(base, tmp_path / "copy", plant)
    assert reasons == {"other_period"}
    assert {p.delta_cents for _, p in data.rows()} == {0}


@pytest.mark.parametrize("dearer", ["0", "0.20"], ids=["a rounding cent", "a price too"])
def test_another_period_behind_another_difference(base: Base, tmp_path: Path, dearer: str) -> None:
    """A proven cause of the amounts says nothing of the period: what it names stays, and the period is refused."""

    def plant(company: Company) -> None:
        order = company.order(PRO)
        amount = Decimal(order["fusion_plan_amount"]) + Decimal(dearer)
        advance = not order["fusion_pay_in_advance"]
        on_order(PRO, fusion_pay_in_advance=advance, fusion_plan_amount=str(amount))(company)

    clean, none = told(base, tmp_path / "clean", lambda company: None, customer=PRO)
    assert ([p.delta_cents for _, p in clean.rows() if p.delta_cents], none) == ([1], set())
    data, reasons = told(base, tmp_path / "copy", plant, customer=PRO)
    assert reasons == {"other_period"}
    assert judge(data).state is State.TO_ACT
    named = {f.cause: f.delta_cents for _, p in data.rows() for f in p.findings}
    assert named.pop("period_boundary") == 0, "the record that gives the period is told beside the refusal"
    assert named.keys() == ({"price"} if Decimal(dearer) else set())


def test_the_second_order_of_a_customer_on_an_invoice_of_its_own(
    nexasystems: tuple[Snapshot, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One is billed monthly, one weekly. Of one the amounts prove the time zone; of the other its record says it."""
    customer, months, weeks = "038bdedc-2f02-0b31-dd69-abd7f67b2198", "sub.038bdedc.57", "sub_056"
    alone = planted.migrated(*nexasystems, tmp_path_factory.mktemp("alone"), (customer,))

    def plant(company: Company) -> None:
        for external_id in (months, weeks):
            domain = [["fusion_external_id", "=", external_id]]
            company.write("sale.order", domain, fusion_timezone="Pacific/Auckland")

    data, reasons = told(alone, tmp_path_factory.mktemp("copy"), plant, customer=customer)
    assert reasons == {"other_period"}
    refused = [invoice for invoice in data.invoices if invoice.refusals]
    assert len(refused) == 3, "two weeks of five are proven by amounts"
    for invoice in refused:
        (finding,) = [f for p in invoice.positions for f in p.findings]
        assert (finding.cause, finding.side, finding.proven, finding.delta_cents) == ("time_zone", "odoo", True, 0)
        assert finding.remedy
        assert finding.remedy.values["what"] == "fusion_timezone"
        assert finding.remedy.values["lago"] == "America/New_York"
    assert judge(data).state is State.TO_ACT


def test_nothing_is_refused_of_what_was_migrated_as_it_is(base: Base, tmp_path: Path) -> None:
    """All months of all customers, those that differ by a cent or by a price of then among them."""
    everybody = Fault(name="", side="odoo", causes=frozenset(), customers=CUSTOMERS, plant=lambda c: None, month="all")
    with planted.copied(base, tmp_path / "copy") as company:
        data = planted.reconciled(company, everybody, planted.codes_of(company.odoo, company.snapshot))
    assert [(i.number, r.reason, str(r.detail)) for i in data.invoices for r in i.refusals] == []
    assert any(i.differs for i in data.invoices)


def test_a_period_that_a_proven_cause_explains_is_not_refused(base: Base, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "anniversary instead of calendar, two charges")
    data, reasons = told(base, tmp_path / "copy", fault.plant, fault.month, fault.customers[0])
    assert reasons == set()
    assert {f.cause for _, p in data.rows() for f in p.findings if f.proven} >= {"period_boundary"}


def both_zones(company: Company) -> None:
    """The time zone of both orders of one customer, whom Lago bills on one invoice."""
    names = [s.lago_id for s in company.snapshot.subscriptions if s.external_customer_id == TWO_PLANS]
    company.write("sale.order", [["fusion_lago_id", "in", names]], fusion_timezone="America/Vancouver")


def test_a_period_is_explained_by_its_own_order_where_no_amount_says_so(base: Base, tmp_path: Path) -> None:
    """The amounts of the first prove its time zone; of the second only its record says it, and gives the period."""
    data, reasons = told(base, tmp_path / "copy", both_zones, "2026-05", TWO_PLANS)
    assert reasons == set()
    assert judge(data).state is State.TO_ACT
    remedies = [f.remedy for _, p in data.rows() for f in p.findings if f.proven and f.cause == "time_zone"]
    assert {(r.name, r.values["where"], r.values["what"], r.values["lago"]) for r in remedies if r} == {
        ("mend_field", f"sale.order LAGO/{name}", "fusion_timezone", "America/New_York")
        for name in ("sub_037", "sub_038")
    }


def test_all_that_a_period_takes_is_named(base: Base, tmp_path: Path) -> None:
    """The same time zones, but one order bills another month besides: each record has its name."""

    def also_in_advance(company: Company) -> None:
        both_zones(company)
        order = company.order(TWO_PLANS, "nexadesk_team")
        advance = not order["fusion_pay_in_advance"]
        company.write("sale.order", [["id", "=", order["id"]]], fusion_pay_in_advance=advance)

    data, reasons = told(base, tmp_path / "copy", also_in_advance, "2026-05", TWO_PLANS)
    assert reasons == set()
    fields = {str(f.remedy.values["what"]) for _, p in data.rows() for f in p.findings if f.proven and f.remedy}
    assert fields == {"fusion_timezone", "fusion_pay_in_advance"}


def test_an_invoice_whose_customer_odoo_does_not_show_is_refused(base: Base, tmp_path: Path) -> None:
    """Who gets it was not held against anything: the month was equal."""
    with planted.copied(base, tmp_path / "copy") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        partner = company.order(STARTER)["partner_id"][0]
        hiding: Any = Ruled(company.odoo, {"res.partner": {partner}})
        asked = Fault(
            name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda _: None, month="2026-07"
        )
        data = planted.reconciled(replace(company, odoo=hiding), asked, codes)
    refused = [refusal for invoice in data.invoices for refusal in invoice.refusals]
    assert {refusal.reason for refusal in refused} == {"partner_withheld"}
    assert f"Odoo does not show partner {partner}" in str(refused[0].detail)
