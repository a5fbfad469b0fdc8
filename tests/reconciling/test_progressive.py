"""Progressive invoices, and what the next invoice of the period credits of them (facts §7.2).

The lives themselves, as a running Lago billed them, are in ``tests/test_timelines.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mappings.decode import decode
from mappings.records import CreditNote, CreditNoteItem, Invoice, Snapshot
from reconcile.billed import BilledInvoice, LineKey
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.header import reproduces
from reconcile.rating.progressive import ProgressiveCredit, progressive_credit, together
from reconcile.rerate.coverage import lapses_of
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.header_terms import header_terms
from reconcile.rerate.history import History
from reconcile.rerate.invoices import rerate
from reconcile.sides.lago import lago_invoices
from tests.timelines.documents import with_documents
from tests.timelines.life import Life
from tests.vectors_support.load import Case, area_files, cases

LIVES = area_files(Path(__file__).parent.parent / "data" / "timelines")["progressive_billing"]
PROGRESSIVE, PERIODIC = "invoice-0", "invoice-1"  # of the life below: 380.73 with half off, then the month


@pytest.fixture(scope="module")
def life() -> Life:
    case: Case = next(case for case in cases(LIVES) if case["id"] == "progressive_billing-rnd-0004")
    return Life(case)


def charge(cents: int, item: str = "calls", group: str = "") -> FeeLine:
    return FeeLine(
        key=LineKey("sub", "charge", item, group=(("region", group),) if group else ()),
        plan_code="plan",
        metric_code=item,
        amount_cents=cents,
        precise_cents=Decimal(cents),
    )


def test_usage_that_was_billed_before_comes_off_as_lagos_own_example_has_it() -> None:
    """2 x 1,000,000 units at 0.0002 and a base of 31.00; 200.00 were billed in mid-month."""
    base = FeeLine(
        key=LineKey("sub", "subscription", ""), plan_code="p", amount_cents=3100, precise_cents=Decimal(3100)
    )
    lines = [base, charge(40_000)]
    made = bill(lines, "CAD", progressive=progressive_credit(lines, [charge(20_000)], 20_000))
    assert (made.fees_cents, made.progressive_cents, made.total_cents) == (43_100, 20_000, 23_100)
    assert [fee.coupons_cents for fee in made.fees] == [0, 20_000]


def test_no_more_comes_off_than_the_same_charges_cost_now() -> None:
    """Usage was taken back since: what is too much is a credit note of Lago's; other charges bear none of it."""
    credit = progressive_credit([charge(300), charge(5000, "storage")], [charge(800)], 800)
    assert credit == ProgressiveCredit(cents=300, shares={charge(0).key: 300})
    assert progressive_credit([charge(300)], [charge(800)], -5).cents == 0


def test_each_group_bears_what_was_billed_of_it() -> None:
    billed_before = [charge(100, group="eu"), charge(50, group="us")]
    credit = progressive_credit([charge(90, group="eu"), charge(70, group="us"), charge(9)], billed_before, 150)
    assert credit.cents == 150
    assert credit.shares == {charge(0, group="eu").key: 90, charge(0, group="us").key: 50}


def test_an_invoice_of_two_subscriptions_credits_both() -> None:
    first, second = charge(0, "a").key, charge(0, "b").key
    credits = [ProgressiveCredit(cents=5, shares={first: 5}), ProgressiveCredit(cents=7, shares={second: 8})]
    assert together(credits) == ProgressiveCredit(cents=12, shares={first: 5, second: 8})


def billed_again(life: Life, snapshot: Snapshot) -> dict[str, BilledInvoice]:
    with EventSource.from_events(life.events) as source:
        return dict(rerate(snapshot, source)(lago_invoices(snapshot, "all")))


def changed(life: Life, lago_id: str, change: Callable[[Invoice], Invoice]) -> Snapshot:
    snapshot = with_documents(life)
    invoices = tuple(change(each) if each.lago_id == lago_id else each for each in snapshot.invoices)
    return replace(snapshot, invoices=invoices)


def net_of(life: Life, snapshot: Snapshot) -> int | None:
    totals = billed_again(life, snapshot)[PERIODIC].totals
    return totals.net_cents if totals else None


def test_a_voided_progressive_invoice_is_not_credited(life: Life) -> None:
    """Fees of 1,070.08, half off: 535.04; with the credit of 190.36 before the coupon it is 439.86."""
    assert net_of(life, with_documents(life)) == 43_986
    assert net_of(life, changed(life, PROGRESSIVE, lambda each: replace(each, status="failed"))) == 43_986
    assert net_of(life, voided_on(life, datetime(2026, 2, 20, tzinfo=UTC))) == 53_504
    assert net_of(life, voided_on(life, datetime(2026, 3, 20, tzinfo=UTC))) == 43_986


def voided_on(life: Life, day: datetime) -> Snapshot:
    """The progressive invoice voided; the next one shows no credit then."""
    voided = changed(life, PROGRESSIVE, lambda each: replace(each, status="voided", voided_at=day))
    return replace(voided, invoices=tuple(uncredited(each) for each in voided.invoices))


def uncredited(invoice: Invoice) -> Invoice:
    return replace(invoice, progressive_billing_credit_amount_cents=0)


def test_what_another_invoice_credited_is_not_credited_again(life: Life) -> None:
    """The month billed a second time, as when a subscription ends: nothing of the progressive invoice is left."""
    snapshot = with_documents(life)
    month = next(each for each in snapshot.invoices if each.lago_id == PERIODIC)
    again = replace(month, lago_id="again", number="N-0001a", created_at=month.created_at + timedelta(hours=1))
    billed = billed_again(life, replace(snapshot, invoices=(*snapshot.invoices, again)))
    assert (month.progressive_billing_credit_amount_cents, month.fees_amount_cents) == (19_036, 107_008)
    assert [credit_in(billed[lago_id]) for lago_id in (PERIODIC, "again")] == [19_036, 0]


def credit_in(invoice: BilledInvoice) -> int:
    assert invoice.totals is not None
    return invoice.totals.fees_cents - invoice.totals.coupons_cents - invoice.totals.net_cents


@pytest.mark.parametrize(("status", "net"), [("available", 44_486), ("consumed", 44_486), ("voided", 43_986)])
def test_what_credit_notes_gave_back_is_not_credited_again(life: Life, status: str, net: int) -> None:
    snapshot = with_documents(life)
    noted = replace(snapshot, credit_notes=(note(snapshot, status),))
    assert net_of(life, noted) == net


def note(snapshot: Snapshot, status: str) -> CreditNote:
    progressive = next(each for each in snapshot.invoices if each.lago_id == PROGRESSIVE)
    return decode(
        CreditNote,
        {
            "lago_id": "note",
            "number": "CN-1",
            "lago_invoice_id": PROGRESSIVE,
            "currency": "CAD",
            "issuing_date": "2026-02-20",
            "total_amount_cents": 1130,
            "taxes_amount_cents": 130,
            "credit_amount_cents": 1000,
            "refund_amount_cents": 0,
            "balance_amount_cents": 1000,
            "created_at": (progressive.created_at + timedelta(days=5)).isoformat(),
            "credit_status": status,
        },
        "credit_notes",
    )


def test_a_credit_whose_progressive_invoice_is_not_there_is_refused(life: Life) -> None:
    snapshot = with_documents(life)
    without = replace(snapshot, invoices=tuple(each for each in snapshot.invoices if each.lago_id != PROGRESSIVE))
    mine = billed_again(life, without)[PERIODIC]
    assert mine.totals is None
    assert [refusal.reason for refusal in mine.refusals] == ["progressive_credit"]


def test_a_progressive_invoice_bills_usage_alone(life: Life) -> None:
    """What else Lago put on it would be a line that the re-rate has not."""
    mine = billed_again(life, with_documents(life))[PROGRESSIVE]
    assert {line.key.kind for line in mine.lines} == {"charge"}


def test_the_header_follows_from_its_terms_with_the_credit(life: Life) -> None:
    snapshot = with_documents(life)
    history, mine = History(snapshot), billed_again(life, snapshot)
    for invoice in snapshot.invoices:
        assert reproduces(header_terms(history, invoice), mine[invoice.lago_id]), invoice.lago_id


def lapses_in(life: Life, snapshot: Snapshot) -> list[tuple[str, int | None, tuple[str, ...]]]:
    with EventSource.from_events(life.events) as source:
        return [(lapse.kind, lapse.cents, lapse.invoices) for lapse in lapses_of(snapshot, source)]


def test_what_the_month_did_not_credit_was_billed_twice(life: Life) -> None:
    """Odoo bills the whole month, and is equal to it: only the register can tell."""
    assert lapses_in(life, with_documents(life)) == []
    forgot = changed(life, PERIODIC, lambda each: replace(uncredited(each), credits=()))
    assert lapses_in(life, forgot) == [("usage_billed_twice", 19_036, ("N-0000", "N-0001"))]
    part = changed(life, PERIODIC, lambda each: replace(each, progressive_billing_credit_amount_cents=19_000))
    assert lapses_in(life, part) == [("usage_billed_twice", 36, ("N-0000", "N-0001"))]


@pytest.mark.parametrize("status", ["voided", "failed"])
def test_a_progressive_invoice_that_is_no_claim_bills_nothing_twice(life: Life, status: str) -> None:
    forgot = changed(life, PERIODIC, lambda each: replace(uncredited(each), credits=()))
    invoices = (replace(i, status=status) if i.lago_id == PROGRESSIVE else i for i in forgot.invoices)
    assert lapses_in(life, replace(forgot, invoices=tuple(invoices))) == []


def test_a_threshold_that_made_two_invoices_bills_twice(life: Life) -> None:
    snapshot = with_documents(life)
    first = next(each for each in snapshot.invoices if each.lago_id == PROGRESSIVE)
    fees = tuple(replace(fee, lago_id=f"{fee.lago_id}-again", lago_invoice_id="again") for fee in first.fees)
    later = first.created_at + timedelta(minutes=1)
    again = replace(first, lago_id="again", number="N-0000a", created_at=later, fees=fees)
    twice = replace(snapshot, invoices=(*snapshot.invoices, again), fees=(*snapshot.fees, *fees))
    assert lapses_in(life, twice) == [("usage_billed_twice", 19_036, ("N-0000", "N-0000a"))]


def test_what_people_gave_back_since_is_not_billed_twice(life: Life) -> None:
    forgot = changed(life, PERIODIC, lambda each: replace(uncredited(each), credits=()))
    month = next(each for each in forgot.invoices if each.lago_id == PERIODIC)
    charged = max((fee for fee in month.fees if fee.item.type == "charge"), key=lambda fee: fee.amount_cents)
    made = replace(note(forgot, "available"), lago_invoice_id=PERIODIC, created_at=month.created_at + timedelta(days=5))
    item = CreditNoteItem(lago_id="item", amount_cents=19_036, amount_currency="CAD", fee=charged)
    assert lapses_in(life, replace(forgot, credit_notes=(replace(made, items=(item,)),))) == []


def test_only_progressive_billings_are_looked_through(life: Life) -> None:
    """Charges in advance make an invoice an event: nobody walks through those for a credit."""
    history = History(with_documents(life))
    for billed in (billed for billings in history.billed.values() for billed in billings):
        before = tuple(other for other in history.all_earlier(billed) if other.is_progressive)
        assert history.earlier_progressive(billed) == before
