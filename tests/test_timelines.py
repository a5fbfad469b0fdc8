"""Whole lives of subscriptions, as a running Lago billed them: the control run over each.

``LAGO_TIMELINES=DIR pytest tests/test_timelines.py`` runs another directory. The table is printed at the end
(``tests/conftest.py``). A refused invoice is not an equal one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mappings.records import BillingPeriod, Invoice, Plan, Snapshot
from reconcile.rerate.coverage import lapses_of
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.lapses import BILLED_TWICE, PERIOD_NEVER, PERIOD_TWICE, USAGE_LATE, USAGE_NEVER, Lapse
from reconcile.rerate.noise_floor import InvoiceCheck, control
from tests.timelines.documents import with_documents
from tests.timelines.known import KNOWN
from tests.timelines.life import Life
from tests.vectors_support.load import Case, area_files, cases

OWN = Path(__file__).parent / "data" / "timelines"
GIVEN = os.environ.get("LAGO_TIMELINES")
FILES = area_files(Path(GIVEN or OWN))


def checks(case: Case) -> tuple[InvoiceCheck, ...]:
    life = Life(case)
    with EventSource.from_events(life.events) as source:
        return control(with_documents(life), source)


def outcome(check: InvoiceCheck) -> str:
    if check.is_equal:
        return "equal"
    differs = any(fee.outcome == "differs" for fee in check.fees)
    return "refused" if check.refusals and not differs else "differs"


def unequal(case: Case, tally: Counter[str]) -> Iterator[str]:
    for check in checks(case):
        result = outcome(check)
        tally[result] += 1
        if result != "equal":
            yield f"{case['id']} {check.lago_id}"


@pytest.mark.parametrize("area", FILES)
def test_lives(area: str, record_property: Callable[[str, object], None]) -> None:
    """Every invoice is equal, but for those whose rule is known to be missing: they are listed by what is missing."""
    tally: Counter[str] = Counter()
    found = {name for case in cases(FILES[area]) for name in unequal(case, tally)}
    record_property("timelines", [area, sum(tally.values()), tally["equal"], tally["refused"]])
    known = set() if GIVEN else {name for names in KNOWN.values() for name in names if name.startswith(f"{area}-")}
    assert not found - known, f"differ: {sorted(found - known)[:20]}"
    assert not known - found, f"equal now, take them off the list: {sorted(known - found)}"


Lapses = dict[str, tuple[Snapshot, tuple[Lapse, ...]]]


@pytest.fixture(scope="module")
def lapses() -> Lapses:
    """Of each life that has any."""
    found: Lapses = {}
    for case in (case for area in FILES if not GIVEN for case in cases(FILES[area])):
        life = Life(case)
        whole = with_documents(life)
        with EventSource.from_events(life.events) as source:
            if of_life := lapses_of(whole, source):
                found[case["id"]] = whole, of_life
    return found


def test_no_life_has_days_that_were_billed_twice(lapses: Lapses) -> None:
    """Ends, plan changes, trials, commitments and fixed charges, as Lago bills them: nothing of it is a lapse."""
    assert [name for name, (_, of_life) in lapses.items() if any(x.kind == PERIOD_TWICE for x in of_life)] == []


def test_usage_is_billed_twice_by_invoices_that_bill_usage(lapses: Lapses) -> None:
    """What the end of a trial bills is the base fee; it stores the window of usage of the invoice before."""
    without = [
        (name, number)
        for name, (whole, of_life) in lapses.items()
        for number in {number for lapse in of_life if lapse.kind == BILLED_TWICE for number in lapse.invoices}
        for invoice in whole.invoices
        if invoice.number == number and not any(fee.item.type == "charge" for fee in invoice.fees)
    ]
    assert without == []
    assert sum(lapse.kind == BILLED_TWICE for _, of_life in lapses.values() for lapse in of_life) >= 5


# Lago's own faults when subscriptions end or are made again (docs/facts): life -> what is told, cents
FAULTS = {
    "cutover-mid-0033": {BILLED_TWICE: 300, USAGE_NEVER: 400},  # L1: the month before again, the open one never
    "cutover-mid-0046": {BILLED_TWICE: 300, USAGE_NEVER: 400},  # in advance
    "cutover-mid-0065": {BILLED_TWICE: 300, USAGE_NEVER: 400},  # semiannual
    "cutover-ending_at-0036": {PERIOD_NEVER: 4900, USAGE_LATE: 100},  # L2: one day of fifty
    "cutover-ending_at-0058": {PERIOD_NEVER: 4900, USAGE_LATE: 100},
    "mixed-yearly-y0022": {PERIOD_NEVER: 7459, USAGE_LATE: 70},  # before a downgrade: 273 days of 366, of 100.00
    "cutover-undo_late-0136": {PERIOD_NEVER: 2800},  # L5: made again after the month began
    "fixed_charges_midperiod-plan-0008": {
        PERIOD_NEVER: 3100
    },  # started in the last hours before the month, UTC's next day
}


@pytest.mark.skipif(bool(GIVEN), reason="of our own lives")
@pytest.mark.parametrize("name", FAULTS)
def test_what_lago_loses_at_an_end_or_at_a_new_start_is_named_with_its_amount(lapses: Lapses, name: str) -> None:
    _, of_life = lapses[name]
    assert {lapse.kind: lapse.cents for lapse in of_life} == FAULTS[name]


def test_usage_on_the_day_on_which_a_subscription_was_to_end() -> None:
    """Lago ends it at the first run of that day and bills nothing of its hours (L3)."""
    case = next(case for case in cases(FILES["cutover"]) if case["id"] == "cutover-ending_at_hour-0026")
    life = Life(case)
    whole = with_documents(life)
    (subscription,) = whole.subscriptions
    assert subscription.terminated_at and subscription.ending_at
    moments = (subscription.ending_at - timedelta(hours=1), subscription.ending_at + timedelta(hours=1))
    late = [replace(life.events[0], transaction_id=f"late-{at:%H}", timestamp=at) for at in moments]
    with EventSource.from_events((*life.events, *late)) as source:
        (never,) = (lapse for lapse in lapses_of(whole, source) if lapse.kind != USAGE_LATE)
    assert (never.kind, never.cents, never.events) == (USAGE_NEVER, 100, 1)
    assert never.window.end == subscription.ending_at


LATE = timedelta(days=2)  # so long a run may take


def base_fees(snapshot: Snapshot) -> Iterator[tuple[Invoice, BillingPeriod, Plan, int]]:
    """Invoices with the base fee of a subscription that nothing else could still bill, and its cents."""
    subscriptions = {s.lago_id: s for s in snapshot.subscriptions}
    plans = {p.code: p for p in snapshot.plans}
    for invoice in snapshot.invoices:
        for period in invoice.billing_periods:
            of_it = [f for f in invoice.fees if f.lago_subscription_id == period.lago_subscription_id]
            cents = sum(fee.amount_cents for fee in of_it if fee.item.type == "subscription")
            sub = subscriptions[period.lago_subscription_id]
            periodic = period.invoicing_reason == "subscription_periodic"
            soon = periodic and invoice.created_at - sub.created_at < timedelta(days=1)
            ended = periodic and sub.terminated_at and sub.terminated_at - invoice.created_at < LATE
            if cents and not soon and not ended and snapshot.taken_at - invoice.created_at >= LATE:
                yield invoice, period, sub.plan or plans[sub.plan_code], cents


def test_a_base_fee_that_no_invoice_bills_is_named_with_its_amount() -> None:
    """At the start, in a period, at the end of a trial, at the end; in advance and in arrears, in parts or not.

    Later invoices store the window of the base fee and do not bill it: those of parts that are billed monthly, and that
    of the end of what was paid in advance.
    """
    tried: Counter[tuple[object, ...]] = Counter()
    missed = []
    for case in (case for area in FILES if not GIVEN for case in cases(FILES[area])):
        life = Life(case)
        whole = with_documents(life)
        for invoice, period, plan, cents in base_fees(whole):
            parts = bool(plan.bill_charges_monthly or plan.bill_fixed_charges_monthly)
            kind = (period.invoicing_reason, plan.interval, parts, plan.pay_in_advance, bool(plan.trial_period))
            tried[kind] += 1
            if tried[kind] <= 3:
                others = tuple(i for i in whole.invoices if i is not invoice)
                fees = tuple(f for f in whole.fees if f.lago_invoice_id != invoice.lago_id)
                with EventSource.from_events(life.events) as source:
                    lapses = lapses_of(replace(whole, invoices=others, fees=fees), source)
                told = [lapse.cents for lapse in lapses if lapse.kind == PERIOD_NEVER]
                if not any(worth is None or worth >= cents for worth in told):
                    missed.append((case["id"], invoice.number, kind, cents, told))
    assert missed == []
    split = {kind for kind in tried if kind[2]}
    assert {("subscription_starting", True), ("subscription_terminating", False)} <= {(k[0], k[3]) for k in split}
