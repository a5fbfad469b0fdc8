"""One snapshot, one total: status, Lago's invoices and a run's registers; and what a refusing Odoo states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mappings.records import Snapshot
from migrate.lago.control_totals import invoice_sums, unclaimed_sums
from migrate.odoo.door import Door
from reconcile import dual_run as run
from reconcile.sides.lago import lago_invoices
from reports import json, text
from reports.data import ReportData
from reports.registers import Register, by_currency, by_month
from reports.texts import Texts
from reports.verdict import State, judge
from tests.faults import FAULTS
from tests.reconciling import planted
from tests.reconciling.fake_odoo import Answer, FakeOdoo, rerates
from tests.reconciling.planted import Base
from tests.reconciling.test_facts import TAX_NAMES
from tests.reconciling.test_run import settings

SENTENCE = "S00012: No journal could be found in company NexaSystems for any of those types: sale"


def reconciled(snapshot: Snapshot, distort: Any = lambda answer: answer, **more: Any) -> ReportData:
    odoo = FakeOdoo(lago_invoices(snapshot, more.get("period", "2026-07")), TAX_NAMES, distort=distort)
    return run.dual_run(snapshot, settings(**more), odoo=Door(odoo), rerate=rerates)


def refusing(answer: Answer) -> Answer:
    """What the addon answers where Odoo lets nobody make the invoice."""
    nothing = {"lines": [], "untaxed": "0.00", "tax": "0.00", "total": "0.00", "taxes": {}}
    return {**answer, **nothing, "refusals": [{"reason": "invoice_refused", "detail": SENTENCE}]}


def sums(register: Register) -> tuple[int, int, int, int]:
    left = register.left
    return left.invoices, left.net_cents, left.tax_cents, left.gross_cents


def july(data: ReportData) -> Register:
    return next(r for r in by_month(data) if (r.month, r.currency) == ("2026-07", "CAD"))


def test_the_totals_are_those_of_status_and_of_lagos_invoices(snapshot: Snapshot) -> None:
    """Every month, of every currency, in a run and in a control run; voided and draft invoices are in none of them."""
    names = ("invoices", "sub_total_excluding_taxes_amount_cents", "taxes_amount_cents")
    told = {
        (r["month"], r["currency"]): (*(r[n] for n in names), r["sub_total_including_taxes_amount_cents"])
        for r in invoice_sums(snapshot.invoices)
    }
    control = run.dual_run(snapshot, settings(period="all"), odoo=None, rerate=rerates)
    for data in (reconciled(snapshot, period="all"), control):
        assert {(r.month, r.currency): sums(r) for r in by_month(data) if r.left.invoices} == told
    finalized = [i for i in snapshot.invoices if i.status == "finalized" and i.currency == "CAD"]
    assert told["2026-07", "CAD"][3] == 10_181_34
    (cad,) = [r for r in by_currency(control) if r.currency == "CAD"]
    assert cad.left.gross_cents == sum(i.sub_total_including_taxes_amount_cents for i in finalized)
    assert (cad.settled.total_cents, july(control).settled.total_cents) == (
        sum(i.total_amount_cents for i in finalized),
        10_056_51,
    )
    assert cad.settled.paid_cents == sum(i.total_paid_amount_cents for i in finalized)


def test_what_is_no_claim_is_the_same_in_status(snapshot: Snapshot) -> None:
    control = run.dual_run(snapshot, settings(period="all"), odoo=None, rerate=rerates)
    told = unclaimed_sums(snapshot.invoices)
    assert {row["state"] for row in told} >= {"voided"}
    for register in by_currency(control):
        own = [row for row in told if row["currency"] == register.currency]
        assert register.unclaimed == sum(row["invoices"] for row in own)
        assert register.unclaimed_cents == sum(row["billed_cents"] for row in own)


def test_the_money_that_was_compared_is_on_the_first_screen(snapshot: Snapshot) -> None:
    data = reconciled(snapshot)
    first = text.render(data).split("\n\n")[1]
    assert Texts().money(10_181_34, "CAD").replace("\xa0", " ") in first
    cad = next(t for t in json.document(data)["totals"] if t["currency"] == "CAD")
    assert (cad["left"]["gross_cents"], cad["right"]["gross_cents"], cad["delta_cents"]) == (10_181_34, 10_181_34, 0)


def test_an_odoo_that_refuses_has_no_header_and_no_cause(snapshot: Snapshot) -> None:
    """Archived journals, a company without country: Odoo's own sentence, and not one tax or coupon to blame."""
    data = reconciled(snapshot, refusing)
    asked = [i for i in data.invoices if i.refusals]
    assert len(asked) > 50
    assert {(r.side, r.reason, r.detail) for i in asked for r in i.refusals} == {("odoo", "invoice_refused", SENTENCE)}
    positions = [p for i in asked for p in i.positions]
    assert {p.status for p in positions if p.kind not in ("prepaid", "credit_notes")} == {"refused"}
    assert not [f for p in positions for f in p.findings]
    assert not [i for i in asked if "odoo" in i.registers]
    assert judge(data).state is State.TO_ACT
    shown = text.render(data)
    assert "Odoo refuses to make this invoice (invoice_refused)" in shown
    assert f"Odoo refuses to make this invoice (Odoo): {SENTENCE}" in shown
    assert "Every difference" not in shown


def test_a_line_that_is_refused_takes_the_header_with_it(snapshot: Snapshot) -> None:
    """Odoo's taxes and coupons lack what it refused: they are not held against Lago's."""

    def partly(answer: Answer) -> Answer:
        if len(answer["lines"]) < 2:
            return answer
        left = {**answer, "lines": answer["lines"][1:], "total": "1.00", "untaxed": "1.00", "tax": "0.00", "taxes": {}}
        return {**left, "refusals": [{"reason": "metric_missing", "detail": "charge c: no metric"}]}

    refused = [i for i in reconciled(snapshot, partly).invoices if i.refusals]
    assert refused
    assert not [p for i in refused for p in i.positions if p.header and "odoo" in p.sides]
    assert not [f for i in refused for p in i.positions for f in p.findings if f.cause.startswith(("tax", "coupon"))]


def test_lago_keeps_its_own_total_where_it_cannot_be_compared(snapshot: Snapshot) -> None:
    """An invoice without its periods is not compared, and counts in money."""
    other = tuple(replace(i, billing_periods=()) for i in snapshot.invoices)
    data = reconciled(replace(snapshot, invoices=other))
    (cad,) = [r for r in by_currency(data) if r.currency == "CAD"]
    assert (cad.left.gross_cents, cad.right.gross_cents) == (10_181_34, 0)
    assert cad.left.not_compared_cents == 10_181_34 - cad.left.outside_cents
    assert "0 % of" in text.render(data).replace("\xa0", " ")


def test_the_embedded_odoo_refuses_and_nothing_else_is_blamed(base: Base, tmp_path: Path) -> None:
    """A total below nothing is what native invoicing refuses: its header, which it answers too, is not held up."""
    fault = next(f for f in FAULTS if f.name == "base price raised")
    with planted.copied(base, tmp_path / "refusing") as company:
        order = company.order(fault.customers[0])
        company.write("sale.order", [["id", "=", order["id"]]], fusion_plan_amount="-5000.00")
        codes = planted.codes_of(company.odoo, company.snapshot)
        data = planted.reconciled(company, fault, codes)
    refused = [i for i in data.invoices if any(r.reason == "invoice_refused" for r in i.refusals)]
    assert refused
    positions = [p for i in refused for p in i.positions]
    assert any(p.header for p in positions)
    assert not [p for p in positions if "odoo" in p.sides or p.findings]
    assert not [i for i in refused if "odoo" in i.registers]
    assert judge(data).state is State.TO_ACT
    for register in by_currency(data):
        assert register.left.gross_cents == sum(
            (register.left.compared_cents, register.left.not_compared_cents, register.left.outside_cents)
        )
