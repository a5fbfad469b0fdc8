"""What Lago billed twice, or never: planted in its own register, where no comparison of invoices can see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mappings.records import BillingPeriod, Invoice, Snapshot
from reconcile import dual_run
from reconcile.compare.waivers import Waiver
from reconcile.rerate.coverage import lapses_of
from reconcile.rerate.invoices import rerate
from reconcile.rerate.lapses import Lapse
from reports import json as report_json
from reports import junit, markdown, stored, text
from reports.data import ReportData
from reports.verdict import RunOutcome, judge

Change = Callable[[Invoice], Invoice | None]


def having(snapshot: Snapshot, invoice: Invoice, change: Change) -> Snapshot:
    """The snapshot in which one invoice is another one, or (None) was never made."""
    changed = [change(i) if i.lago_id == invoice.lago_id else i for i in snapshot.invoices]
    kept = tuple(i for i in changed if i is not None)
    ids = {i.lago_id for i in kept}
    fees = tuple(f for f in snapshot.fees if f.lago_invoice_id != invoice.lago_id or invoice.lago_id in ids)
    return replace(snapshot, invoices=kept, fees=fees)


def on_period(change: Callable[[BillingPeriod], BillingPeriod]) -> Change:
    return lambda invoice: replace(invoice, billing_periods=tuple(map(change, invoice.billing_periods)))


def usage_cents(invoice: Invoice) -> int:
    return sum(f.amount_cents for f in invoice.fees if f.item.type == "charge")


@pytest.fixture(scope="module")
def periodic(snapshot: Snapshot) -> Invoice:
    """A month's invoice of one subscription in arrears, with usage, in the middle of its life."""
    last_plan = {p.lago_id: p for p in snapshot.plans}
    carried = {m.lago_id for m in snapshot.billable_metrics if m.aggregation_type == "weighted_sum_agg" and m.recurring}
    return next(
        i
        for i in sorted(snapshot.invoices, key=lambda i: i.number)
        if i.issuing_date == date(2026, 5, 1)
        and len(i.billing_periods) == 1
        and i.billing_periods[0].invoicing_reason == "subscription_periodic"
        and usage_cents(i)
        and (plan := last_plan.get(i.billing_periods[0].lago_plan_id or "")) is not None
        and not plan.pay_in_advance
        and plan.interval == "monthly"
        and not any(c.pay_in_advance or c.lago_billable_metric_id in carried for c in plan.charges)
        and len(
            [
                j
                for j in snapshot.invoices
                for p in j.billing_periods
                if p.lago_subscription_id == i.billing_periods[0].lago_subscription_id
            ]
        )
        > 3
    )


def test_a_company_that_was_billed_right_has_no_lapse(nexasystems: tuple[Snapshot, Path]) -> None:
    assert lapses_of(*nexasystems) == ()


def test_a_month_that_was_never_billed(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """Its job got stuck: nothing is there to compare, and it is worth what the invoice was."""
    snapshot, events = nexasystems
    (lapse,) = lapses_of(having(snapshot, periodic, lambda invoice: None), events)
    assert (lapse.kind, lapse.cents) == ("period_never_billed", periodic.fees_amount_cents)
    assert lapse.day == periodic.issuing_date
    assert lapse.subscription == periodic.billing_periods[0].external_subscription_id


def test_usage_that_is_billed_twice_and_then_never(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """Lago bills the window of the month before again, and the one of this month is lost (its fault L1)."""
    snapshot, events = nexasystems
    subscription = periodic.billing_periods[0].lago_subscription_id
    before = max(
        (i for i in snapshot.invoices for p in i.billing_periods if p.lago_subscription_id == subscription
         and i.created_at < periodic.created_at),
        key=lambda i: i.created_at,
    )  # fmt: skip
    window = before.billing_periods[0]

    def again(period: BillingPeriod) -> BillingPeriod:
        return replace(
            period,
            charges_from_datetime=window.charges_from_datetime,
            charges_to_datetime=window.charges_to_datetime,
        )

    lapses = lapses_of(having(snapshot, periodic, on_period(again)), events)
    worth = {lapse.kind: lapse.cents for lapse in lapses}
    assert worth == {"usage_billed_twice": usage_cents(before), "usage_never_billed": usage_cents(periodic)}
    twice = next(lapse for lapse in lapses if lapse.kind == "usage_billed_twice")
    assert twice.invoices == (before.number, periodic.number)
    assert twice.events > 0


def test_a_window_that_leaves_a_gap(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    snapshot, events = nexasystems

    def shorter(period: BillingPeriod) -> BillingPeriod:
        assert period.charges_to_datetime
        return replace(period, charges_to_datetime=period.charges_to_datetime - timedelta(days=20))

    lapses = lapses_of(having(snapshot, periodic, on_period(shorter)), events)
    assert {lapse.kind for lapse in lapses} == {"usage_never_billed"}
    assert all(0 < (lapse.cents or 0) <= usage_cents(periodic) for lapse in lapses)


def test_an_event_paid_in_advance_without_its_fee_or_with_two(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    fee = next(
        f for f in snapshot.fees if f.pay_in_advance and f.event_transaction_id and f.amount_cents and f.lago_charge_id
    )
    without = tuple(f for f in snapshot.fees if f.lago_id != fee.lago_id)
    (never,) = lapses_of(replace(snapshot, fees=without), events)
    assert (never.kind, never.cents, never.events) == ("usage_never_billed", fee.amount_cents, 1)
    again = replace(fee, lago_id="another")
    (twice,) = lapses_of(replace(snapshot, fees=(*snapshot.fees, again)), events)
    assert (twice.kind, twice.cents, twice.events) == ("usage_billed_twice", fee.amount_cents, 1)


def test_a_voided_invoice_was_billed_once(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    snapshot, events = nexasystems
    assert lapses_of(having(snapshot, periodic, lambda i: replace(i, status="voided")), events) == ()


def report(snapshot: Snapshot, events: Path, lapses: tuple[Lapse, ...], *waived: Waiver) -> ReportData:
    settings = dual_run.Settings(
        period="2026-05", compared_at=datetime(2026, 8, 21, tzinfo=UTC), tool_version="0", waivers=waived
    )
    return dual_run.dual_run(snapshot, settings, odoo=None, rerate=rerate(snapshot, events), lapses=lapses)


def test_a_lapse_moves_the_exit_code_and_is_told_everywhere(
    nexasystems: tuple[Snapshot, Path], periodic: Invoice, tmp_path: Path
) -> None:
    snapshot, events = nexasystems
    stuck = having(snapshot, periodic, lambda invoice: None)
    lapses = lapses_of(stuck, events, period="2026-05")
    assert lapses_of(stuck, events, period="2026-06") == ()
    assert judge(report(stuck, events, ())).outcome is RunOutcome.EQUAL
    data = report(stuck, events, lapses)
    assert (judge(data).outcome, judge(data).exit_code) == (RunOutcome.DIFFERENT, 2)
    for shown in (text.render(data), markdown.render(data), junit.render(data).decode()):
        assert "Period never billed" in shown
        assert lapses[0].subscription.replace("_", "") in shown.replace("\\", "").replace("_", "")
    report_json.write(data, tmp_path / "report.json")
    assert stored.read(tmp_path / "report.json").lapses == data.lapses
    assert report_json.document(data)["lapses"][0]["cents"] == periodic.fees_amount_cents


def test_a_waiver_covers_a_lapse(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    snapshot, events = nexasystems
    stuck = having(snapshot, periodic, lambda invoice: None)
    lapses = lapses_of(stuck, events, period="2026-05")
    known = Waiver(rule="period_never_billed", reason="r", author="a", approver="b", expires=date(2026, 9, 1))
    assert judge(report(stuck, events, lapses, known)).outcome is RunOutcome.WAIVED
    assert judge(report(stuck, events, lapses, replace(known, max_cents=1))).outcome is RunOutcome.DIFFERENT
