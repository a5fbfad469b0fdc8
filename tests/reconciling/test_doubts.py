"""What Lago and Odoo bill alike and the re-rate does not: a finding of its own, which no run passes over."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile.billed import BilledInvoice, Refusal
from reconcile.compare.positions import compare_invoice
from reconcile.compare.views import view
from reports.data import InvoiceView, ReportData
from reports.tallies import check_ties, total_doubts
from reports.verdict import State, judge
from tests.faults import STARTER, Fault, billed_at
from tests.reconciling import planted
from tests.reconciling.build import invoice, line
from tests.reconciling.planted import Base
from tests.reporting.sample import RUN


def shown(lago: BilledInvoice, odoo: BilledInvoice, rerate: BilledInvoice, tolerance: int = 0) -> InvoiceView:
    compared = compare_invoice({"lago": lago, "odoo": odoo, "rerate": rerate}, tolerance_cents=tolerance)
    return view(compared, {}, {}, tolerance)


def doubts(of: InvoiceView | ReportData) -> dict[str, int]:
    """Kind of position -> what the re-rate says beyond both sides."""
    positions = of.positions if isinstance(of, InvoiceView) else tuple(p for _, p in of.rows())
    return {p.kind: p.doubt.delta_cents for p in positions if p.doubt}


def test_a_shared_fee_is_doubted_with_its_taxes_and_no_side_of_the_pair_is_blamed() -> None:
    same = invoice(line(1000))
    found = shown(same, same, invoice(line(900)))
    assert doubts(found) == {"charge": -100, "tax": -13}
    assert {(f.side, f.proven, p.delta_cents) for p in found.positions for f in p.findings} == {("rerate", False, 0)}
    assert judge(ReportData(run=RUN, invoices=(found,))).state is State.TO_ACT


@pytest.mark.parametrize(
    ("ours", "rerate"),
    [([line(5)], []), ([], [line(5)])],
    ids=["billed by both and not by the re-rate", "forgotten by both"],
)
def test_a_whole_line_that_both_share_or_lack_is_doubted(ours: list, rerate: list) -> None:  # type: ignore[type-arg]
    same = invoice(line(1000, "c0"), *ours)
    found = shown(same, same, invoice(line(1000, "c0"), *rerate))
    assert abs(doubts(found)["charge"]) == 5


def test_where_the_rerate_refused_there_is_no_doubt() -> None:
    same = invoice(line(1000))
    refused = invoice(refusals=(Refusal(reason="unknown_fee_type", detail=""),), silent=True)
    found = shown(same, same, refused)
    assert (doubts(found), {p.verdict for p in found.positions}) == ({}, {"agreed"})


def test_within_the_tolerance_the_rerate_doubts_nothing_and_beyond_it_also_what_is_tolerated() -> None:
    ours, theirs = invoice(line(1000)), invoice(line(1001))
    assert doubts(shown(ours, theirs, invoice(line(1002)), tolerance=1)) == {}
    assert doubts(shown(ours, theirs, invoice(line(1004)), tolerance=1)) == {"charge": 4}


SHARED = Fault(name="shared", side="", causes=frozenset(), customers=(STARTER,), plant=lambda company: None)


def test_a_wrong_fee_that_lago_and_odoo_share_is_no_equality(base: Base, tmp_path: Path) -> None:
    """29.00 by the plan: Lago billed 39.00, and somebody gave Odoo's order that price too."""
    with planted.copied(base, tmp_path / "shared") as company:
        company.write("sale.order", [["id", "=", company.order(STARTER)["id"]]], fusion_plan_amount="39.00")
        codes = planted.codes_of(company.odoo, company.snapshot)
        data = planted.reconciled(billed_at(company, 3900), SHARED, codes)
    check_ties(data)
    assert {p.delta_cents for _, p in data.rows()} == {0}
    assert doubts(data) == {"subscription": -1000, "tax": -130}
    assert [(d.currency, d.positions, d.gross_cents) for d in total_doubts(data)] == [("CAD", 2, 1130)]
    assert (judge(data).state, judge(data).exit_code, judge(data).settled) == (State.TO_ACT, 2, False)


def test_without_the_shared_fee_nothing_is_doubted(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "clean") as company:
        data = planted.reconciled(company, SHARED, planted.codes_of(company.odoo, company.snapshot))
    assert (doubts(data), judge(data).exit_code) == ({}, 0)
