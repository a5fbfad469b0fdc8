"""What Lago billed twice, or never: planted in its own register, where no comparison of invoices can see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.details import price_cents
from mappings.records import BillingPeriod, CreditNoteItem, Fee, Invoice, Plan, Snapshot, Subscription
from reconcile import dual_run
from reconcile.compare.waivers import Waiver
from reconcile.rating.demand import ChargeWindow
from reconcile.rerate import coverage
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.rerate.lapses import Lapse
from reports import json as report_json
from reports import junit, markdown, stored, text
from reports.data import ReportData
from reports.verdict import RunOutcome, judge

Change = Callable[[Invoice], Invoice | None]
CAME_LATE = {  # the company's own: usage that came after its invoice, and moves its amount
    "NEX-066-007": 33,
    "NEX-043-002": 16,
    "NEX-012-004": 800,
    "NEX-025-003": 33,
    "NEX-044-006": -244,
    "NEX-031-005": 800,
}


def lapses_of(snapshot: Snapshot, events: Path, **asked: Any) -> tuple[Lapse, ...]:
    """All but the company's own late usage."""
    return tuple(
        lapse
        for lapse in coverage.lapses_of(snapshot, events, **asked)
        if (lapse.kind, lapse.cents) not in {("usage_came_late", CAME_LATE.get(number)) for number in lapse.invoices}
    )


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


def test_a_company_that_was_billed_right_has_no_lapse_but_usage_that_came_late(
    nexasystems: tuple[Snapshot, Path],
) -> None:
    """Some of its services report late, and no customer has a grace period: what that moves is told with its amount."""
    lapses = coverage.lapses_of(*nexasystems)
    assert {lapse.kind for lapse in lapses} == {"usage_came_late"}
    assert {lapse.invoices: (lapse.cents, lapse.events) for lapse in lapses} == {
        (number,): (cents, 1) for number, cents in CAME_LATE.items()
    }


def test_a_month_asks_only_for_what_it_needs_and_tells_the_same(
    nexasystems: tuple[Snapshot, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each subscription that the month bills, what was billed until then: late usage may carry over."""
    asked: list[int] = []
    came_later = EventSource.came_later

    def noted(source: EventSource, windows: Sequence[ChargeWindow]) -> dict[int, frozenset[str]]:
        asked.append(len(windows))
        return came_later(source, windows)

    monkeypatch.setattr(EventSource, "came_later", noted)
    whole = coverage.lapses_of(*nexasystems)
    months = {f"{lapse.day:%Y-%m}" for lapse in whole}
    assert len(months) > 1
    for month in months:
        of_month = tuple(lapse for lapse in whole if f"{lapse.day:%Y-%m}" == month)
        assert coverage.lapses_of(*nexasystems, period=month) == of_month
    assert all(number < asked[0] for number in asked[1:])


def arriving(snapshot: Snapshot, events: Path, invoice: Invoice, came: datetime | None) -> tuple[Lapse, ...]:
    """The lapses where all usage of an invoice's subscription came at a moment; with None Lago does not say when."""
    (period,) = invoice.billing_periods
    when = "null" if came is None else f"timestamp '{came:%Y-%m-%d %H:%M:%S}'"
    with EventSource.from_parquet(events) as source:
        source._replace(
            f"select * replace (case when external_subscription_id = '{period.external_subscription_id}'"
            f" then {when} else created_at end as created_at) from before"
        )
        return coverage.lapses_of(
            snapshot, source, customers=frozenset({invoice.customer.external_id if invoice.customer else ""})
        )


def test_usage_that_came_after_its_invoice_is_told_with_its_amount(
    nexasystems: tuple[Snapshot, Path], periodic: Invoice
) -> None:
    """Neither side bills it, and so does the re-rate: an invoice without it is equal on all three."""
    snapshot, events = nexasystems
    came = periodic.created_at + timedelta(seconds=1)
    unbilled = having(
        snapshot,
        periodic,
        lambda invoice: replace(invoice, fees=tuple(f for f in invoice.fees if f.item.type != "charge")),
    )
    assert periodic.created_at
    told = {lapse.invoices: lapse for lapse in arriving(unbilled, events, periodic, came)}
    lapse = told[periodic.number,]
    assert (lapse.kind, lapse.cents, lapse.day) == ("usage_came_late", usage_cents(periodic), periodic.issuing_date)
    assert lapse.events > 0
    assert lapse.subscription == periodic.billing_periods[0].external_subscription_id


def test_what_an_invoice_holds_was_counted_whenever_it_came(
    nexasystems: tuple[Snapshot, Path], periodic: Invoice
) -> None:
    """A store that keeps the newest copy of an event shows when that came; and no moment at all says nothing."""
    snapshot, events = nexasystems
    came = periodic.created_at + timedelta(seconds=1)
    assert [x for x in arriving(snapshot, events, periodic, came) if periodic.number in x.invoices] == []
    unbilled = having(snapshot, periodic, lambda invoice: replace(invoice, fees=()))
    assert [x for x in arriving(unbilled, events, periodic, None) if x.kind == "usage_came_late"] == []


def test_late_usage_of_what_is_no_claim_or_no_end_yet(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """A draft takes it in, and of a voided invoice nothing is owed."""
    snapshot, events = nexasystems
    came = periodic.created_at + timedelta(seconds=1)

    def without_usage(**changes: Any) -> Snapshot:
        return having(snapshot, periodic, lambda invoice: replace(invoice, fees=(), **changes))

    def told(changed: Snapshot) -> bool:
        return any(periodic.number in lapse.invoices for lapse in arriving(changed, events, periodic, came))

    graced = tuple(
        replace(c, billing_configuration=replace(c.billing_configuration, invoice_grace_period=3))
        for c in snapshot.customers
    )
    assert told(without_usage())
    assert not told(without_usage(status="voided"))
    assert not told(replace(without_usage(status="draft"), customers=graced))


def test_a_month_that_was_never_billed(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """Its job got stuck: nothing is there to compare, and it is worth what the invoice was."""
    snapshot, events = nexasystems
    (lapse,) = lapses_of(having(snapshot, periodic, lambda invoice: None), events)
    assert (lapse.kind, lapse.cents) == ("period_never_billed", periodic.fees_amount_cents)
    assert lapse.day == periodic.issuing_date
    assert lapse.subscription == periodic.billing_periods[0].external_subscription_id


@pytest.mark.parametrize("reason", ["subscription_starting", "subscription_periodic"])
def test_a_period_paid_in_advance_that_was_never_billed(nexasystems: tuple[Snapshot, Path], reason: str) -> None:
    """The invoice of the start, as any later one."""
    snapshot, events = nexasystems
    plans = {p.lago_id: p for p in snapshot.plans}
    invoice = next(
        i
        for i in sorted(snapshot.invoices, key=lambda i: i.number)
        if len(i.billing_periods) == 1
        and i.billing_periods[0].invoicing_reason == reason
        and (plan := plans.get(i.billing_periods[0].lago_plan_id or "")) is not None
        and plan.pay_in_advance
        and not plan.trial_period
        and any(f.item.type == "subscription" and f.amount_cents for f in i.fees)
        and {
            price_cents(f)
            for f in snapshot.fees
            if f.item.type == "subscription" and f.lago_subscription_id == i.billing_periods[0].lago_subscription_id
        }
        == {plan.amount_cents}
    )
    (lapse,) = lapses_of(having(snapshot, invoice, lambda invoice: None), events)
    assert (lapse.kind, lapse.cents) == ("period_never_billed", invoice.fees_amount_cents)


def test_a_yearly_fee_that_was_never_billed_is_one_lapse_and_no_matter_of_the_months(
    nexasystems: tuple[Snapshot, Path],
) -> None:
    """The invoices of each month's usage store the year's window, bill no base fee, and lack none."""
    snapshot, events = nexasystems
    yearly = {p.lago_id for p in snapshot.plans if p.interval == "yearly" and p.pay_in_advance}
    split = {p.lago_id for p in snapshot.plans if p.bill_charges_monthly} & yearly
    first = next(
        i
        for i in sorted(snapshot.invoices, key=lambda i: i.number)
        if [(p.invoicing_reason, p.lago_plan_id in split) for p in i.billing_periods]
        == [("subscription_starting", True)]
    )
    without = having(snapshot, first, lambda invoice: None)
    (lapse,) = lapses_of(without, events)
    assert (lapse.kind, lapse.cents, lapse.day) == ("period_never_billed", first.fees_amount_cents, first.issuing_date)
    settings = dual_run.Settings(period="2026-05", compared_at=datetime(2026, 8, 21, tzinfo=UTC), tool_version="0")
    data = dual_run.dual_run(without, settings, odoo=None, rerate=rerate(without, events))
    assert [finding for _, position in data.rows() for finding in position.findings] == []


def endings(snapshot: Snapshot) -> list[tuple[Invoice, Subscription]]:
    """Last invoices of subscriptions: ended in the middle of a period, upgraded, downgraded on a boundary."""
    ended = {s.lago_id: s for s in snapshot.subscriptions if s.terminated_at is not None}
    return [
        (i, ended[p.lago_subscription_id])
        for i in sorted(snapshot.invoices, key=lambda i: i.number)
        for p in i.billing_periods
        if p.invoicing_reason == "subscription_terminating" and p.lago_subscription_id in ended
    ]


def test_the_invoice_of_an_end_that_was_never_made(nexasystems: tuple[Snapshot, Path]) -> None:
    """Whatever the end: it is worth to the cent what Lago would have billed, on the day on which it would have."""
    snapshot, events = nexasystems
    found = endings(snapshot)
    assert len(found) >= 10
    worth = []
    for invoice, subscription in found:
        without = having(snapshot, invoice, lambda invoice: None)
        lapses = lapses_of(without, events, customers=frozenset({subscription.external_customer_id}))
        assert {lapse.kind for lapse in lapses} <= {"period_never_billed"}
        fees = sum(f.amount_cents for f in invoice.fees if f.lago_subscription_id == subscription.lago_id)
        worth.append((fees, [(lapse.cents, lapse.day) for lapse in lapses if lapse.cents == fees]))
        assert worth[-1][1] == ([(fees, invoice.issuing_date)] if fees else [])
        if not fees:
            assert not lapses
    assert sum(fees > 0 for fees, _ in worth) >= 9


def test_an_end_that_nobody_billed_on_purpose_or_that_is_not_due_yet(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    invoice, subscription = next(
        pair for pair in endings(snapshot) if len(pair[0].billing_periods) == 1 and pair[0].fees_amount_cents
    )
    without = having(snapshot, invoice, lambda invoice: None)
    skipped = replace(subscription, on_termination_invoice="skip")
    others = tuple(s for s in snapshot.subscriptions if s is not subscription)
    assert subscription.terminated_at
    assert lapses_of(replace(without, subscriptions=(*others, skipped)), events) == ()
    assert lapses_of(replace(without, taken_at=subscription.terminated_at + timedelta(hours=30)), events) == ()
    draft = having(snapshot, invoice, lambda invoice: replace(invoice, status="draft"))
    assert lapses_of(draft, events) == (), "in its grace it is a draft, which is billed"


def test_usage_that_the_end_did_not_bill_belongs_to_the_month_of_the_end(nexasystems: tuple[Snapshot, Path]) -> None:
    """Not to that of the snapshot: also where an older Lago's calendar does not tell what the end had to bill."""
    snapshot, events = nexasystems
    invoice, subscription = next(
        (i, s) for i, s in endings(snapshot) if usage_cents(i) and len(i.billing_periods) == 1 and s.plan_code
    )
    plans = tuple(replace(p, interval="quarterly") if p.code == subscription.plan_code else p for p in snapshot.plans)
    late = datetime(2025, 12, 31, 12, tzinfo=UTC)  # its quarters overlapped once
    others = tuple(s for s in snapshot.subscriptions if s is not subscription)
    plan = replace(subscription.plan, interval="quarterly") if subscription.plan else None
    ended = replace(subscription, billing_time="anniversary", subscription_at=late, plan=plan)
    old = replace(snapshot, lago_version="v1.30.0", plans=plans, subscriptions=(*others, ended))
    lapses = lapses_of(
        having(old, invoice, lambda invoice: None), events, customers=frozenset({subscription.external_customer_id})
    )
    end = subscription.ending_at  # later on that day: until then it was used
    assert [(x.kind, x.day) for x in lapses if x.window.end == end] == [("usage_never_billed", invoice.issuing_date)]


def with_usage_of(invoice: Invoice) -> Callable[[BillingPeriod], BillingPeriod]:
    """A period with the stretch of usage that another invoice has billed already."""
    billed = invoice.billing_periods[0]
    return lambda period: replace(
        period, charges_from_datetime=billed.charges_from_datetime, charges_to_datetime=billed.charges_to_datetime
    )


def test_usage_that_is_billed_twice_and_then_never(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """Lago bills the window of the month before again, and the one of this month is lost (its fault L1)."""
    snapshot, events = nexasystems
    subscription = periodic.billing_periods[0].lago_subscription_id
    before = max(
        (i for i in snapshot.invoices for p in i.billing_periods if p.lago_subscription_id == subscription
         and i.created_at < periodic.created_at),
        key=lambda i: i.created_at,
    )  # fmt: skip
    again = with_usage_of(before)
    lapses = lapses_of(having(snapshot, periodic, on_period(again)), events)
    worth = {lapse.kind: lapse.cents for lapse in lapses}
    assert worth == {"usage_billed_twice": usage_cents(before), "usage_never_billed": usage_cents(periodic)}
    twice = next(lapse for lapse in lapses if lapse.kind == "usage_billed_twice")
    assert twice.invoices == (before.number, periodic.number)
    assert twice.events > 0


def test_usage_that_is_billed_again_by_the_last_run(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """What the run should have billed is lost in that month already: the next one bills the next period."""
    snapshot, events = nexasystems
    subscription = periodic.billing_periods[0].lago_subscription_id
    its_own = [i for i in snapshot.invoices for p in i.billing_periods if p.lago_subscription_id == subscription]
    before, last = sorted(its_own, key=lambda i: i.created_at)[-2:]
    again = with_usage_of(before)
    lapses = lapses_of(having(snapshot, last, on_period(again)), events, period=f"{last.issuing_date:%Y-%m}")
    worth = {lapse.kind: lapse.cents for lapse in lapses}
    assert worth == {"usage_billed_twice": usage_cents(before), "usage_never_billed": usage_cents(last)}


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
    invoice = next(i for i in snapshot.invoices if i.lago_id == fee.lago_invoice_id)
    (never,) = lapses_of(having(snapshot, invoice, lambda invoice: None), events)
    assert (never.kind, never.cents, never.events) == ("usage_never_billed", fee.amount_cents, 1)
    again = replace(fee, lago_id="another")
    (twice,) = lapses_of(replace(snapshot, fees=(*snapshot.fees, again)), events)
    assert (twice.kind, twice.cents, twice.events) == ("usage_billed_twice", fee.amount_cents, 1)


@pytest.fixture(scope="module")
def at_once(snapshot: Snapshot) -> Fee:
    """The fee of one event, on an invoice of its own."""
    fees = (f for f in snapshot.fees if f.event_transaction_id and f.lago_charge_id and f.amount_cents > 10)
    return min(fees, key=lambda fee: fee.lago_id)


def charged_again(snapshot: Snapshot, fee: Fee, **changes: Any) -> tuple[Snapshot, Fee]:
    """The snapshot in which Lago made a second fee for an event, five minutes later, and that fee."""
    later = {"lago_id": "again", "lago_invoice_id": None, "created_at": fee.created_at + timedelta(minutes=5)}
    again = replace(fee, **{**later, **changes})
    return replace(snapshot, fees=(*snapshot.fees, again)), again


def twice_in(snapshot: Snapshot, events: Path) -> list[tuple[int | None, int, tuple[str, ...]]]:
    lapses = lapses_of(snapshot, events)
    assert {lapse.kind for lapse in lapses} <= {"usage_billed_twice"}
    return [(lapse.cents, lapse.events, lapse.invoices) for lapse in lapses]


def test_an_event_is_billed_twice_for_what_its_second_fee_says(
    nexasystems: tuple[Snapshot, Path], at_once: Fee
) -> None:
    """The same event adds other units the second time: free ones are used up, a maximum is reached."""
    snapshot, events = nexasystems
    number = next(i.number for i in snapshot.invoices if i.lago_id == at_once.lago_invoice_id)
    more, _ = charged_again(snapshot, at_once, amount_cents=at_once.amount_cents + 7)
    assert twice_in(more, events) == [(at_once.amount_cents + 7, 1, (number,))]
    nothing, _ = charged_again(snapshot, at_once, amount_cents=0)
    assert twice_in(nothing, events) == []
    first = tuple(replace(f, amount_cents=0) if f.lago_id == at_once.lago_id else f for f in snapshot.fees)
    assert twice_in(replace(charged_again(snapshot, at_once)[0], fees=first), events) == []


def test_an_event_is_billed_twice_on_two_invoices_and_on_one(nexasystems: tuple[Snapshot, Path], at_once: Fee) -> None:
    snapshot, events = nexasystems
    invoice = next(i for i in snapshot.invoices if i.lago_id == at_once.lago_invoice_id)
    made = made_again(snapshot, invoice, timedelta(minutes=5))
    assert twice_in(made, events) == [(at_once.amount_cents, 1, (invoice.number, f"{invoice.number}-2"))]
    _, again = charged_again(snapshot, at_once, lago_invoice_id=invoice.lago_id)
    on_one = having(snapshot, invoice, lambda i: replace(i, fees=(*i.fees, again)))
    assert twice_in(on_one, events) == [(at_once.amount_cents, 1, (invoice.number,))], "its own page alone shows it"


def test_a_second_fee_that_was_voided_paid_back_or_credited_bills_nothing_twice(
    nexasystems: tuple[Snapshot, Path], at_once: Fee
) -> None:
    snapshot, events = nexasystems
    invoice = next(i for i in snapshot.invoices if i.lago_id == at_once.lago_invoice_id)
    doubled = made_again(snapshot, invoice, timedelta(minutes=5))
    for number in ("again", invoice.lago_id):
        voided = tuple(replace(i, status="voided") if i.lago_id == number else i for i in doubled.invoices)
        assert twice_in(replace(doubled, invoices=voided), events) == []
    assert twice_in(charged_again(snapshot, at_once, payment_status="refunded")[0], events) == []
    more, again = charged_again(snapshot, at_once)
    for credited, left in ((again.amount_cents, []), (4, [(again.amount_cents - 4, 1, (invoice.number,))])):
        item = CreditNoteItem(lago_id="n", amount_cents=credited, amount_currency=again.amount_currency, fee=again)
        note = replace(snapshot.credit_notes[0], lago_id="n", reason="duplicated_charge", items=(item,))
        assert twice_in(replace(more, credit_notes=(*snapshot.credit_notes, note)), events) == left


def test_an_event_is_billed_twice_although_its_charge_is_gone_or_its_usage_cannot_be_rated(
    nexasystems: tuple[Snapshot, Path], at_once: Fee
) -> None:
    """The two fees say it by themselves."""
    snapshot, events = nexasystems
    doubled, again = charged_again(snapshot, at_once)
    for gone in (True, False):
        plans = tuple(without_charge(p, str(again.lago_charge_id), gone) for p in doubled.plans)
        subs = tuple(
            replace(s, plan=without_charge(s.plan, str(again.lago_charge_id), gone)) if s.plan else s
            for s in doubled.subscriptions
        )
        told = twice_in(replace(doubled, plans=plans, subscriptions=subs), events)
        assert [(cents, number) for cents, number, _ in told] == [(again.amount_cents, 1)]


def without_charge(plan: Plan, lago_id: str, gone: bool) -> Plan:
    """The plan without a charge, or with one that cannot be rated."""
    wrong = (replace(c, charge_model="unheard") if c.lago_id == lago_id else c for c in plan.charges)
    return replace(plan, charges=tuple(c for c in wrong if not gone or c.lago_id != lago_id))


def test_a_voided_invoice_was_billed_once(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    snapshot, events = nexasystems
    assert lapses_of(having(snapshot, periodic, lambda i: replace(i, status="voided")), events) == ()


def made_again(snapshot: Snapshot, invoice: Invoice, later: timedelta) -> Snapshot:
    """The snapshot in which Lago made an invoice once more, some time later."""
    fees = {f.lago_id: replace(f, lago_id=f"{f.lago_id}-2", lago_invoice_id="again") for f in snapshot.fees}
    twin = replace(
        invoice,
        lago_id="again",
        number=f"{invoice.number}-2",
        created_at=invoice.created_at + later,
        issuing_date=invoice.issuing_date + timedelta(days=later.days),
        fees=tuple(replace(f, lago_id=f"{f.lago_id}-2", lago_invoice_id="again") for f in invoice.fees),
    )
    listed = (fees[f.lago_id] for f in invoice.fees if f.lago_id in fees)
    return replace(snapshot, invoices=(*snapshot.invoices, twin), fees=(*snapshot.fees, *listed))


@pytest.mark.parametrize("later", [timedelta(hours=5), timedelta(days=3), timedelta(days=12)])
def test_an_invoice_that_is_made_twice(nexasystems: tuple[Snapshot, Path], periodic: Invoice, later: timedelta) -> None:
    """Each is right by itself; together the base fee is billed twice for the same days, and the usage with it."""
    snapshot, events = nexasystems
    (lapse,) = lapses_of(made_again(snapshot, periodic, later), events, period="2026-05")
    assert (lapse.kind, lapse.cents) == ("period_billed_twice", periodic.fees_amount_cents)
    assert lapse.invoices == (periodic.number, f"{periodic.number}-2")
    assert lapse.subscription == periodic.billing_periods[0].external_subscription_id


def test_a_base_fee_that_is_made_twice(nexasystems: tuple[Snapshot, Path]) -> None:
    """In advance as in arrears, on every kind of invoice that has one, of plans without usage too."""
    snapshot, events = nexasystems
    source = [i for i in snapshot.invoices if i.invoice_type == "subscription" and len(i.billing_periods) == 1]
    tried: set[tuple[str, bool, str]] = set()
    for invoice in sorted(source, key=lambda i: i.number):
        base = tuple(f for f in invoice.fees if f.item.type in ("subscription", "fixed_charge", "commitment"))
        kinds = {
            (f.item.type, f.pay_in_advance, str(invoice.billing_periods[0].invoicing_reason))
            for f in base
            if f.amount_cents > 0
        }
        if invoice.status == "voided" or not kinds - tried or "in_advance_charge" in {kind[2] for kind in kinds}:
            continue
        tried |= kinds
        period = replace(invoice.billing_periods[0], charges_from_datetime=None, charges_to_datetime=None)
        without_usage = replace(invoice, fees=base, billing_periods=(period,))
        lapses = lapses_of(made_again(snapshot, without_usage, timedelta(hours=5)), events)
        assert [(lapse.kind, lapse.cents) for lapse in lapses] == [
            ("period_billed_twice", sum(f.amount_cents for f in base))
        ], (invoice.number, kinds)
    assert {"subscription"} <= {kind[0] for kind in tried}
    assert {kind[1] for kind in tried} == {False, True}


def test_a_base_fee_alone_that_is_made_twice(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    """The second invoice has the window of the usage, and no line for it."""
    snapshot, events = nexasystems
    doubled = made_again(snapshot, periodic, timedelta(days=1))
    *others, twin = doubled.invoices
    alone = replace(twin, fees=tuple(f for f in twin.fees if f.item.type == "subscription"))
    (lapse,) = lapses_of(replace(doubled, invoices=(*others, alone)), events)
    assert (lapse.kind, lapse.cents) == ("period_billed_twice", sum(f.amount_cents for f in alone.fees))


def test_what_was_voided_or_credited_is_not_billed_twice(nexasystems: tuple[Snapshot, Path], periodic: Invoice) -> None:
    snapshot, events = nexasystems
    doubled = made_again(snapshot, periodic, timedelta(hours=5))
    voided = tuple(replace(i, status="voided") if i.lago_id == "again" else i for i in doubled.invoices)
    assert lapses_of(replace(doubled, invoices=voided), events) == ()
    items = tuple(
        CreditNoteItem(lago_id=f.lago_id, amount_cents=f.amount_cents, amount_currency=f.amount_currency, fee=f)
        for f in doubled.invoices[-1].fees
    )
    note = replace(
        snapshot.credit_notes[0], lago_id="n", lago_invoice_id="again", reason="duplicated_charge", items=items
    )
    assert lapses_of(replace(doubled, credit_notes=(*snapshot.credit_notes, note)), events) == ()


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
