"""The whole second line, from a snapshot and an Odoo to report data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mappings.records import Snapshot
from migrate.odoo.door import Door
from reconcile import dual_run as run
from reconcile.billed import BilledInvoice, Refusal, Totals
from reconcile.compare.waivers import Waiver
from reconcile.sides.lago import lago_invoices
from reconcile.sides.odoo_rerun import Shadow
from reports.data import Finding, ReportData
from reports.tallies import TieOutBroken, check_ties, tie_levels
from reports.verdict import judge
from tests.reconciling.fake_odoo import Answer, FakeOdoo, rerates
from tests.reconciling.test_facts import TAX_CODES, TAX_NAMES

ZERO = Totals(fees_cents=0, coupons_cents=0, net_cents=0, tax_cents=0, gross_cents=0)
NOW = datetime(2026, 8, 21, tzinfo=UTC)


def settings(**more: Any) -> run.Settings:
    values = {"period": "2026-07", "compared_at": NOW, "tool_version": "0", "tax_codes": TAX_CODES, **more}
    return run.Settings(**values)


def reconciled(snapshot: Snapshot, distort: Any = lambda answer: answer, **more: Any) -> ReportData:
    lago = lago_invoices(snapshot, "2026-07")
    odoo = FakeOdoo(lago, TAX_NAMES, distort=distort)
    return run.dual_run(snapshot, settings(**more), odoo=Door(odoo), rerate=rerates)


def without_tax(answer: Answer) -> Answer:
    return {**answer, "tax": "0.00", "total": answer["untaxed"], "taxes": {}}


def test_equal(snapshot: Snapshot) -> None:
    data = reconciled(snapshot)
    assert judge(data).exit_code == 0
    assert len(data.invoices) == 84
    assert {p.verdict for _, p in data.rows() if p.status == "equal"} == {"match"}


def test_every_level_ties_out_by_currency(snapshot: Snapshot) -> None:
    data = reconciled(snapshot, without_tax)
    assert judge(data).exit_code == 2
    found = tie_levels(data)
    assert {t.level for t in found} == {"line", "invoice", "customer", "service", "month", "all"}
    cad = [t.sum for t in found if t.sum.currency == "CAD"]
    assert len(set(cad)) == 1
    assert cad[0].delta_cents == cad[0].explained_cents < 0


def test_missing_taxes_are_named_and_amounts_alone_prove_nothing(snapshot: Snapshot) -> None:
    """On invoices with one tax it is the tax; with two (QC, BC) both are gone at once: a pair of causes."""
    data = reconciled(snapshot, without_tax)
    findings = [f for _, p in data.rows() for f in p.findings]
    assert {(f.cause, f.side) for f in findings} == {("tax_missing", "odoo")}
    assert not any(f.proven for f in findings)
    assert {e.name for f in findings for e in f.evidence} == {"no_tax", "amounts_only", "near_tie"}


def test_services_have_finances_names(snapshot: Snapshot) -> None:
    data = reconciled(snapshot, services={"nexacloud_pro": "NexaCloud"})
    assert "NexaCloud" in {p.service for _, p in data.rows()}
    assert "nexacloud_pro" not in {p.service for _, p in data.rows()}


def test_ids_are_unique_and_stable(snapshot: Snapshot) -> None:
    first, second = ([p.id for _, p in reconciled(snapshot).rows()] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_waivers_change_the_exit_code(snapshot: Snapshot) -> None:
    waiver = Waiver(rule="tax_missing", reason="r", author="a", approver="b", expires=date(2026, 9, 1))
    assert judge(reconciled(snapshot, without_tax, waivers=(waiver,))).exit_code == 3
    expired = replace(waiver, expires=date(2026, 8, 20))
    assert judge(reconciled(snapshot, without_tax, waivers=(expired,))).exit_code == 2


def test_control_run_compares_lago_with_the_re_rate(snapshot: Snapshot) -> None:
    def off(lago: Sequence[BilledInvoice]) -> dict[str, BilledInvoice]:
        return {
            i.lago_id: replace(i, totals=None, refusals=(Refusal(reason="provider-tax", detail="d"),)) for i in lago
        }

    good = run.dual_run(snapshot, settings(period="all"), odoo=None, rerate=rerates)
    assert (judge(good).exit_code, good.run.pair, len(good.invoices)) == (0, ("lago", "rerate"), 479)
    refused = run.dual_run(snapshot, settings(), odoo=None, rerate=off)
    assert judge(refused).exit_code == 2
    assert {r.side for i in refused.invoices for r in i.refusals} == {"rerate"}


def test_without_a_third_vote_two_sides_can_still_agree(snapshot: Snapshot) -> None:
    lago = lago_invoices(snapshot, "2026-07")
    data = run.dual_run(snapshot, settings(), odoo=Door(FakeOdoo(lago, TAX_NAMES)), rerate=lambda invoices: {})
    assert judge(data).exit_code == 0
    assert {p.verdict for _, p in data.rows()} == {"agreed", "unknown"}


def test_notes_for_people(snapshot: Snapshot) -> None:
    lago = lago_invoices(snapshot, "2026-02")
    odoo = FakeOdoo(lago, TAX_NAMES, distort=lambda a: {**a, "taxes": {"Mystery": a["tax"]}})
    shadow = settings(period="2026-02", shadow=Shadow(journal_id=1))
    data = run.dual_run(snapshot, shadow, odoo=Door(odoo), rerate=rerates)
    assert {name for i in data.invoices for name in i.notes} == {"outside_odoo", "unnamed_taxes_odoo", "drafts_odoo"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: replace(p, findings=()), "causes add up to 0, not"),
        (lambda p: replace(p, delta_cents=p.delta_cents + 1), "delta is not the difference"),
        (
            lambda p: replace(p, findings=(*p.findings, Finding(cause="x", side="odoo", delta_cents=1, proven=True))),
            "causes add",
        ),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(snapshot: Snapshot, change: Any, message: str) -> None:
    data = reconciled(snapshot, without_tax)
    at, invoice = next((n, i) for n, i in enumerate(data.invoices) if i.delta_cents)
    broken = replace(invoice, positions=tuple(change(p) if p.delta_cents else p for p in invoice.positions))
    with pytest.raises(TieOutBroken, match=message):
        check_ties(replace(data, invoices=(*data.invoices[:at], broken, *data.invoices[at + 1 :])))


def test_the_name_of_the_cohort_reaches_the_report(snapshot: Snapshot) -> None:
    assert run.run_view(snapshot, settings(cohort="pilot"), is_control=False).cohort == "pilot"
    assert run.run_view(snapshot, settings(), is_control=True).cohort == ""
