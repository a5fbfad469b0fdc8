"""What is wrong in Lago's own records: said of Lago, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mappings.records import Fee, Invoice, Snapshot
from reconcile.rerate.coverage import lapses_of
from reports.data import Finding, ReportData
from tests.faults import STARTER, TWO_PLANS, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

OPEN = "2026-03"  # a month of which an invoice of STARTER is open in Odoo
COPY = "99999999-0000-4000-8000-{:012d}"


def of(company: Company, customer: str, month: str, base: Base | None = None) -> ReportData:
    """``base``: with what Lago billed twice, or never."""
    fault = Fault(
        name="", side="lago", causes=frozenset(), customers=(customer,), plant=lambda company: None, month=month
    )
    lapses = lapses_of(company.snapshot, base.events, period=month, customers=frozenset({customer})) if base else ()
    return planted.reconciled(company, fault, planted.codes_of(company.odoo, company.snapshot), lapses)


def findings(data: ReportData) -> list[Finding]:
    return [f for _, position in data.rows() for f in position.findings]


def copied_invoice(company: Company) -> Company:
    """The same again under another number."""
    billed = company.invoice(STARTER, OPEN)
    ids = {fee.lago_id: COPY.format(n) for n, fee in enumerate(billed.fees, 1)}
    new = COPY.format(0)
    fees = tuple(replace(fee, lago_id=ids[fee.lago_id], lago_invoice_id=new) for fee in billed.fees)
    listed = tuple(replace(f, lago_id=ids[f.lago_id], lago_invoice_id=new) for f in company.fees(billed))
    again = replace(billed, lago_id=new, number=f"{billed.number}-B", fees=fees)
    snapshot = company.snapshot
    twice = replace(snapshot, invoices=(*snapshot.invoices, again), fees=(*snapshot.fees, *listed))
    return replace(company, snapshot=twice)


def test_a_claim_that_lago_made_twice_is_settled_in_lago_first(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "copy") as copy:
        number = copy.invoice(STARTER, OPEN).number
        data = of(copied_invoice(copy), STARTER, OPEN, base)
    assert {(lapse.kind, lapse.invoices) for lapse in data.lapses} == {("period_billed_twice", (number, f"{number}-B"))}
    (found,) = [finding for finding in findings(data) if finding.side != "rerate"]
    # Odoo bills the copy as well; its usage goes on from where that of the first did
    assert {p.kind for _, p, _ in data.doubted()} == {"subscription", "tax"}
    assert (found.cause, found.side) == ("balance_missing", "lago")  # Odoo, which does not hold it, is right
    assert found.remedy is not None
    assert (found.remedy.name, found.remedy.values) == ("settle_in_lago", {"invoices": f"{number}, {number}-B"})


def twice_billed(*, taxed: bool) -> Callable[[Company], Company]:
    def plant(company: Company) -> Company:
        billed = company.invoice(STARTER)
        fee = next(f for f in billed.fees if f.item.type == "charge" and f.amount_cents)
        listed = next(f for f in company.fees(billed) if f.lago_id == fee.lago_id)
        again = replace(listed if taxed else fee, lago_id=COPY.format(1))
        return company.with_invoice(replace(billed, fees=(*billed.fees, again)), [*company.fees(billed), again])

    return plant


@pytest.mark.parametrize("taxed", [True, False])
def test_a_fee_that_is_there_twice_misses_no_tax(base: Base, tmp_path: Path, taxed: bool) -> None:
    """The header was not changed: its taxes are all there, whether or not the copy has any of its own."""
    with planted.copied(base, tmp_path / "copy") as copy:
        found = findings(of(twice_billed(taxed=taxed)(copy), STARTER, "2026-07"))
    assert {(f.cause, f.side) for f in found} <= {("duplicate_line", "lago"), ("edited_header", "lago")}
    assert "duplicate_line" in {f.cause for f in found}
    assert all(f.proven for f in found)


def swapped_usage(company: Company) -> Company:
    """The usage fees of two subscriptions of one invoice, each on the other."""
    billed = company.invoice(TWO_PLANS)
    one, two = (period.lago_subscription_id for period in billed.billing_periods)
    other = {one: two, two: one}

    def swap(fee: Fee) -> Fee:
        own = fee.lago_subscription_id or ""
        return replace(fee, lago_subscription_id=other[own]) if fee.item.type == "charge" else fee

    fees = tuple(swap(fee) for fee in billed.fees)
    return company.with_invoice(replace(billed, fees=fees), [swap(fee) for fee in company.fees(billed)])


def test_usage_billed_under_another_subscription_is_lagos(base: Base, tmp_path: Path) -> None:
    """Its charge was not deleted: it is in the plan of the other, where the re-rate and Odoo have it."""
    with planted.copied(base, tmp_path / "copy") as copy:
        data = of(swapped_usage(copy), TWO_PLANS, "2026-07")
    assert [r for i in data.invoices for r in i.refusals] == []
    found = findings(data)
    assert {(f.cause, f.side) for f in found} == {("missing_line", "lago"), ("extra_line", "lago")}
    assert all(f.proven for f in found if f.cause == "missing_line")


def with_coupons(snapshot: Snapshot) -> Invoice:
    return next(
        i
        for i in snapshot.invoices
        if i.coupons_amount_cents and i.status == "finalized" and i.invoice_type == "subscription"
    )


def test_coupons_of_a_header_that_do_not_follow_are_an_edit(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "copy") as copy:
        billed = with_coupons(copy.snapshot)
        assert billed.customer
        changed = replace(billed, coupons_amount_cents=2 * billed.coupons_amount_cents)
        month = billed.issuing_date.strftime("%Y-%m")
        data = of(copy.with_invoice(changed), billed.customer.external_id, month)
    (told,) = [i for i in data.invoices if i.id == billed.lago_id]
    found = [f for position in told.positions if position.kind != "tax_rounding" for f in position.findings]
    assert {(f.cause, f.side, f.proven) for f in found} == {("edited_header", "lago", True)}
    cents = billed.coupons_amount_cents
    assert sorted(f.delta_cents for f in found) == [-cents, cents]
    assert found[0].evidence[0].values == {"cents": cents}
