"""An order that bills in another currency: Odoo's bill stands in the register of its own, and the cause is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Snapshot
from reconcile.billed import BilledInvoice, ForeignSum, Refusal
from reconcile.sides.extras import as_invoices, foreign_bills
from reconcile.sides.lago import lago_invoices
from reconcile.sides.odoo_answers import odoo_invoice
from reports.data import Evidence, ReportData
from reports.registers import by_month
from reports.verdict import State, judge
from tests.faults import STARTER, TWO_PLANS, Company, Fault, other_currency
from tests.reconciling import planted
from tests.reconciling.planted import Base

Edit = Callable[[Company], None]
OPEN = "2026-03"  # a month of which an invoice is open in Odoo
MARCH = Fault(name="", side="lago", causes=frozenset(), customers=(STARTER,), plant=lambda company: None, month=OPEN)


def metric(company: Company) -> None:
    company.write("fusion.billing.metric", [["code", "=", "egress_gb"]], aggregation="count_agg", field_name=False)


def plan_and_charge(company: Company) -> None:
    order = company.order(STARTER)
    company.write("sale.order", [["id", "=", order["id"]]], fusion_plan_amount="1.00")
    charge = company.charge("egress_gb", "nexacloud_starter")
    company.write("fusion.billing.charge", [["id", "=", charge["id"]]], min_amount="99.00")


def july(base: Base, folder: Path, edit: Edit) -> ReportData:
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda company: None)
    with planted.copied(base, folder) as company:
        other_currency(company)
        edit(company)
        return planted.reconciled(company, fault, planted.codes_of(company.odoo, company.snapshot))


@pytest.mark.parametrize(
    "edit", [lambda company: None, metric, plan_and_charge], ids=["alone", "a metric too", "a plan and a charge too"]
)
def test_it_is_named_and_in_the_register(base: Base, tmp_path: Path, edit: Edit) -> None:
    data = july(base, tmp_path / "copy", edit)
    assert {(f.cause, f.side, f.proven) for _, p in data.rows() for f in p.findings} == {("currency", "odoo", True)}
    assert judge(data).state is State.TO_ACT
    cad, usd = by_month(data)
    (foreign,) = [i for i in data.invoices if i.currency == "USD"]
    told = next(e.values["amount"] for p in foreign.positions for f in p.findings for e in f.evidence)
    assert f"{usd.right.gross_cents / 100:.2f} USD" == told
    assert (usd.right.alone, usd.right.alone_cents, usd.left.gross_cents) == (1, usd.right.gross_cents, 0)
    assert (cad.left.alone, cad.left.alone_cents, cad.right.gross_cents) == (1, cad.left.gross_cents, 0)


def one_of_two(base: Base, folder: Path) -> tuple[ReportData, str]:
    """July of a customer whose two subscriptions Lago bills together, one of them in another currency in Odoo."""
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(TWO_PLANS,), plant=lambda company: None)
    with planted.copied(base, folder) as company:
        other_currency(company, TWO_PLANS, "nexadesk_team")
        name = str(company.order(TWO_PLANS, "nexadesk_team")["name"])
        return planted.reconciled(company, fault, planted.codes_of(company.odoo, company.snapshot)), name


def test_of_several_subscriptions_the_others_are_compared(base: Base, tmp_path: Path) -> None:
    """Only the lines of the one that is in another currency differ, proven, and its order is named."""
    data, order = one_of_two(base, tmp_path / "copy")
    lagos, foreign = sorted(data.invoices, key=lambda invoice: invoice.currency)
    assert (lagos.refusals, foreign.currency) == ((), "USD")
    findings = [f for p in lagos.positions for f in p.findings]
    assert {(f.cause, f.side, f.proven) for f in findings} == {("currency", "odoo", True)}
    assert {p.status for p in lagos.positions if not p.findings} == {"equal"}
    assert sum(not p.findings for p in lagos.positions) == 6, "all lines of the other subscription"
    where = {"where": f"sale.order {order}", "what": "pricelist_id", "lago": "lago.pricelist_CAD", "currency": "CAD"}
    remedies = [f.remedy for invoice in data.invoices for p in invoice.positions for f in p.findings]
    assert all(remedy == Evidence(name="mend_pricelist", values=where) for remedy in remedies)
    cad, usd = by_month(data)
    assert cad.left.gross_cents - cad.right.gross_cents == -sum(f.delta_cents for f in findings)
    assert usd.right.gross_cents == usd.right.alone_cents > 0


def edited(company: Company) -> Company:
    """The invoice alone: its plan and its fees say what they said."""
    return company.with_invoice(replace(company.invoice(STARTER, OPEN), currency="GBP"))


def all_edited(company: Company) -> Company:
    """The fees with it: the plan says what it said."""
    billed = company.invoice(STARTER, OPEN)
    fees = tuple(replace(fee, amount_currency="GBP") for fee in billed.fees)
    listed = [replace(fee, amount_currency="GBP") for fee in company.fees(billed)]
    return company.with_invoice(replace(billed, currency="GBP", fees=fees), listed)


@pytest.mark.parametrize("edit", [edited, all_edited])
def test_where_lago_contradicts_itself_nobody_in_odoo_is_blamed(
    base: Base, tmp_path: Path, edit: Callable[[Company], Company]
) -> None:
    """Its open balance is one in Odoo as well: neither that, nor the order, is to be set to what Lago contradicts."""
    with planted.copied(base, tmp_path / "copy") as copy:
        owed = copy.invoice(STARTER, OPEN)
        rows = copy.rows("ir.model.data", [["module", "=", "lago"], ["name", "=", f"invoice_{owed.lago_id}"]])
        assert len(rows) == 1, "its balance is open in Odoo"
        data = planted.reconciled(edit(copy), MARCH, planted.codes_of(copy.odoo, copy.snapshot))
    assert [f for _, p in data.rows() for f in p.findings] == []
    (invoice,) = data.invoices
    assert {(r.side, r.reason) for r in invoice.refusals} == {("lago", "currency_contradicted")}
    assert f"Odoo bills {owed.sub_total_including_taxes_amount_cents / 100:.2f} CAD of it" in {
        str(r.detail) for r in invoice.refusals
    }
    assert judge(data).exit_code == 2


def answered(lago: BilledInvoice, **values: Any) -> BilledInvoice:
    empty = {"partner_id": 7, "invoice_partner_id": 8, "lines": [], "taxes": {}, "untaxed": "10.00", "tax": "1.30"}
    return odoo_invoice(lago, [{**empty, "currency": "USD", "total": "11.30", **values}], {})


def test_what_was_refused_in_another_currency_stays_refused(snapshot: Snapshot) -> None:
    lago = next(invoice for invoice in lago_invoices(snapshot, "2026-07") if invoice.currency == "CAD")
    billed = answered(lago)
    assert billed.foreign == (ForeignSum(amount=Decimal("11.30"), tax=Decimal("1.30"), currency="USD"),)
    assert (billed.payers, billed.refusals) == ((7, 8), ())
    refused = answered(lago, refusals=[{"reason": "invoice_refused", "detail": "No journal"}])
    assert (refused.foreign, refused.totals) == ((), None)
    assert refused.refusals == (Refusal(reason="invoice_refused", detail="No journal"),)


def test_what_is_refused_of_one_subscription_leaves_the_others_their_header(snapshot: Snapshot) -> None:
    """Odoo's invoice of the rest is whole. What it refuses stands by itself, in its own currency, with its sentence."""
    lago = next(i for i in lago_invoices(snapshot, "2026-07") if i.currency == "CAD" and len(i.billings) == 2)
    away = lago.billings[0].subscription
    refusal = {"reason": "invoice_refused", "detail": "its currency USD is not active"}
    empty = {"partner_id": 7, "invoice_partner_id": 7, "lines": [], "taxes": {}, "untaxed": "0", "tax": "0"}
    usual = {**empty, "untaxed": "10.00", "total": "10.00", "currency": "CAD"}
    refused = {**empty, "total": "0", "currency": "USD", "refusals": [refusal]}
    billed = odoo_invoice(lago, [usual, refused], {}, {"USD": {away: "S1"}})
    assert (billed.refusals, billed.totals and billed.totals.gross_cents) == ((), 1000)
    (foreign,) = billed.foreign
    assert (foreign.orders, [str(r.detail) for r in foreign.refusals]) == ({away: "S1"}, [refusal["detail"]])
    (extra,) = foreign_bills({lago.lago_id: lago}, {lago.lago_id: billed})
    (alone,) = as_invoices([extra], lago.issued_on).values()
    assert (alone.currency, alone.totals, alone.lines) == ("USD", None, ())
    assert [(r.reason, str(r.detail)) for r in alone.refusals] == [("invoice_refused", refusal["detail"])]
    whole = odoo_invoice(lago, [refused], {}, {"USD": {b.subscription: "S1" for b in lago.billings}})
    assert (whole.foreign, [r.reason for r in whole.refusals]) == ((), ["invoice_refused"]), "nothing is left of it"
