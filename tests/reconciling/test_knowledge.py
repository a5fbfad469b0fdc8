"""Knowledge of NexaSystems: faults planted in Odoo's answers are named by what really lies behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Charge, ChargeFilter, Plan, Snapshot
from migrate.odoo.door import Door
from reconcile import dual_run as run
from reconcile.billed import BilledInvoice, LineKey, Refusal
from reconcile.causes.changes import DropLine, SetLine, SetTaxes
from reconcile.causes.knowledge import Knowledge
from reconcile.compare.positions import compare_invoice
from reconcile.knowledge_base import KnowledgeBase
from reconcile.rerate import invoices as rerate
from reconcile.sides.held_terms import Held, HeldOrder
from reconcile.sides.lago import lago_invoices
from reconcile.sides.odoo_answers import SETTLED_ELSEWHERE
from reports.data import ReportData
from reports.verdict import judge
from tests.reconciling.build import invoice, line, terms_by_invoice, under
from tests.reconciling.fake_odoo import FakeOdoo
from tests.reconciling.test_run import settings

Side = Mapping[str, BilledInvoice]


@pytest.fixture(scope="module")
def july(nexasystems: tuple[Snapshot, Path]) -> tuple[tuple[BilledInvoice, ...], Side, Callable[..., Side]]:
    """Lago's invoices, their re-rate, and the re-rate with late events (computed once)."""
    snapshot, events = nexasystems
    lago = lago_invoices(snapshot, "2026-07")
    late = rerate.rerate(snapshot, events, late=True)(lago)
    return lago, rerate.rerate(snapshot, events)(lago), lambda invoices: late


def reconciled(
    snapshot: Snapshot, july: Any, fault: Callable[[BilledInvoice], BilledInvoice], monkeypatch: Any, **more: Any
) -> ReportData:
    """July with an Odoo that bills what the re-rate says, but for the fault."""
    _, again, late = july
    odoo = {i.lago_id: replace(fault(i), unstated=SETTLED_ELSEWHERE) for i in again.values()}
    monkeypatch.setattr(run, "odoo_invoices", lambda *given, **options: odoo)

    def rerate(invoices: Sequence[BilledInvoice]) -> Side:
        return again

    return run.dual_run(snapshot, settings(), odoo=Door(FakeOdoo((), {})), rerate=rerate, late=late, **more)


def causes(data: ReportData) -> set[str]:
    return {f.cause for _, p in data.rows() for f in p.findings}


def test_the_re_rate_votes_with_lago(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = reconciled(snapshot, july, lambda i: i, monkeypatch)
    assert judge(data).exit_code == 0
    assert {p.verdict for _, p in data.rows() if p.status == "equal"} == {"match"}


def test_late_events_with_their_charge_minimum(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    late = july[2](())
    data = reconciled(snapshot, july, lambda i: late[i.lago_id], monkeypatch)
    assert causes(data) == {"late_events"}
    affected = [i for i in data.invoices if i.delta_cents or any(p.delta_cents for p in i.positions)]
    assert {i.number for i in affected} == {"NEX-015-004", "NEX-044-006", "NEX-061-004", "NEX-031-005"}
    assert {p.kind for i in affected for p in i.positions if p.delta_cents} >= {"charge", "true_up"}


def test_late_events_are_counted_for_what_differs_alone(
    snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All invoices of a month would be rated a second time for one that differs."""
    lago, again, late = july
    asked: list[str] = []

    def noted(invoices: Sequence[BilledInvoice]) -> Side:
        asked.extend(invoice.lago_id for invoice in invoices)
        return late(invoices)

    def fault(mine: BilledInvoice) -> BilledInvoice:
        return late(())[mine.lago_id]

    reconciled(snapshot, (lago, again, noted), lambda invoice: invoice, monkeypatch)
    assert asked == []
    reconciled(snapshot, (lago, again, noted), fault, monkeypatch)
    assert len(asked) == 4
    assert asked == [i.lago_id for i in lago if amounts(late(())[i.lago_id]) != amounts(again[i.lago_id])]


def amounts(billed: BilledInvoice) -> list[tuple[LineKey, int]]:
    return [(line.key, line.amount_cents) for line in billed.lines if line.amount_cents]


def test_usage_that_is_not_in_odoo(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the units of every line is missing, wherever units alone make the price."""
    known = KnowledgeBase(snapshot)
    terms = terms_by_invoice(snapshot)
    planted = set()

    def fault(mine: BilledInvoice) -> BilledInvoice:
        for one in mine.lines:
            charge = known.charges.get(one.key.item)
            minimum = any(other.key.kind == "true_up" and other.key.item == one.key.item for other in mine.lines)
            if charge is None or one.key.kind != "charge" or one.key.event or not one.units or minimum:
                continue
            fewer = (one.units * 2 / 3).quantize(Decimal(1))
            cents = known.amount(charge, one.key, fewer, mine.currency)
            right = known.amount(charge, one.key, one.units, mine.currency) == one.amount_cents
            if cents and right and cents != one.amount_cents:
                planted.add((mine.number, one.key))
                changed = under(terms[mine.lago_id], mine, [SetLine(one.key, cents)])
                lines = tuple(replace(x, units=fewer) if x.key == one.key else x for x in changed.lines)
                return replace(changed, lines=lines)
        return mine

    data = reconciled(snapshot, july, fault, monkeypatch)
    assert len(planted) > 20
    assert causes(data) == {"missing_usage"}
    named = {(i.number, p.key["item"]) for i, p in data.rows() if p.findings and not p.header}
    assert named == {(number, key.item) for number, key in planted}


def test_a_fee_prorated_for_other_days(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every base fee of July loses three days."""
    known = KnowledgeBase(snapshot)
    terms = terms_by_invoice(snapshot)
    planted = 0

    def fault(mine: BilledInvoice) -> BilledInvoice:
        nonlocal planted
        for one in mine.lines:
            days = known._other_days(one.key, mine.lago_id) if one.key.kind == "subscription" else {}
            now = [n for n, cents in enumerate(days.values(), 1) if cents == one.amount_cents]
            if now and now[0] > 3 and one.amount_cents > 100:
                planted += 1
                cents = list(days.values())[now[0] - 4]
                changes = [SetLine(one.key, cents)]
                return under(terms[mine.lago_id], mine, changes)
        return mine

    data = reconciled(snapshot, july, fault, monkeypatch)
    assert planted > 50
    named = [f.cause for _, p in data.rows() if p.kind == "subscription" for f in p.findings]
    assert named == ["plan_change_date"] * planted


def test_taxes_of_another_province(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnowledgeBase(snapshot)
    assert {"hst_on 13.0%", "gst 5.0% + qst 9.975%"} <= set(known.tax_sets)
    terms = terms_by_invoice(snapshot)
    wrong = known.tax_sets["hst_nb 15.0%"]

    def fault(mine: BilledInvoice) -> BilledInvoice:
        return under(terms[mine.lago_id], mine, [SetTaxes(wrong)])

    data = reconciled(snapshot, july, fault, monkeypatch)
    assert causes(data) == {"tax_wrong"}


def test_what_the_migration_left_out(snapshot: Snapshot, july: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    item = next(one.key.item for i in july[0] for one in i.lines if one.key.kind == "charge" and one.amount_cents)
    terms = terms_by_invoice(snapshot)

    def fault(mine: BilledInvoice) -> BilledInvoice:
        gone = [DropLine(one.key) for one in mine.lines if one.key.item == item]
        return under(terms[mine.lago_id], mine, gone)

    data = reconciled(snapshot, july, fault, monkeypatch, unmapped={item: "charge_model"})
    assert causes(data) == {"mapping_gap"}


@pytest.mark.parametrize(("stands", "reason"), [(False, "custom_aggregation"), (True, "")])
def test_an_order_that_stands_in_odoo_was_not_left_out(snapshot: Snapshot, stands: bool, reason: str) -> None:
    """It waits for a charge, and is there as it was: what else it lacks somebody took out."""
    shown = next(i for i in lago_invoices(snapshot, "2026-07") if any(one.amount_cents for one in i.lines))
    gone = next(one for one in shown.lines if one.amount_cents)
    odoo = replace(shown, lines=tuple(one for one in shown.lines if one is not gone))
    compared = compare_invoice({"lago": shown, "odoo": odoo, "rerate": shown}, tolerance_cents=0)
    held: Any = Held(orders={gone.key.subscription: HeldOrder(row={}, charges=(), usage=())} if stands else {})
    known = KnowledgeBase(snapshot, unmapped={gone.key.subscription: "custom_aggregation"}, held=held).of(compared)
    assert known.of_line(gone.key).unmapped == reason


# --- prices --------------------------------------------------------------------------------------------------------


def charge(lago_id: str, amount: str, **more: Any) -> Charge:
    values = {"charge_model": "standard", "properties": {"amount": amount}, **more}
    return Charge(lago_id=lago_id, lago_billable_metric_id="m", billable_metric_code="calls", **values)


def plan(lago_id: str, *charges: Charge, cents: int = 1000, **more: Any) -> Plan:
    values = {"code": "pro", "name": "Pro", "interval": "monthly", "amount_currency": "CAD", **more}
    return Plan(lago_id=lago_id, amount_cents=cents, charges=charges, **values)


@pytest.fixture
def overridden(snapshot: Snapshot) -> Snapshot:
    """One subscription whose plan overrides the catalog's: calls at 0.03 instead of 0.05, base 1500 instead of 1000."""
    child = plan("p2", charge("c2", "0.03", lago_parent_id="c1"), cents=1500, parent_id="p1")
    subscription = replace(snapshot.subscriptions[0], lago_id="s1", plan_code="pro", plan=child)
    base = next(f for f in snapshot.fees if f.item.type == "subscription")
    fee = replace(base, lago_subscription_id="s1", amount_cents=1500, amount_details={"plan_amount_cents": 1500})
    plans = (plan("p1", charge("c1", "0.05")),)
    return replace(snapshot, plans=plans, subscriptions=(subscription,), fees=(fee,))


class Walked(tuple[Any, ...]):
    """Records that count how often they are walked through."""

    walks = 0

    def __iter__(self) -> Iterator[Any]:
        type(self).walks += 1
        return super().__iter__()


@pytest.mark.parametrize("records", ["fees", "subscriptions", "plans", "invoices"])
def test_however_many_lines_are_asked_for_records_are_walked_through_once(overridden: Snapshot, records: str) -> None:
    """Every line of a large month would walk through all fees of all months otherwise."""

    class Own(Walked):
        pass

    base = KnowledgeBase(replace(overridden, **{records: Own(getattr(overridden, records))}))
    lago, odoo = invoice(line(1500, "", kind="subscription")), invoice(line(1000, "", kind="subscription"))
    key = LineKey("s1", "subscription", "")
    assert known_of(base, lago, odoo).of_line(key).prices == {"pro": 1000}
    walks = Own.walks
    for _ in range(3):
        assert known_of(base, lago, odoo).of_line(key).prices == {"pro": 1000}
    assert Own.walks == walks


def known_of(base: KnowledgeBase, lago: BilledInvoice, odoo: BilledInvoice) -> Knowledge:
    return base.of(compare_invoice({"lago": lago, "odoo": odoo}))


def test_prices_of_the_plan_and_of_its_override(overridden: Snapshot) -> None:
    lago = invoice(line(300, "c2", units="100"), line(1500, "", kind="subscription"))
    odoo = invoice(line(500, "c2", units="100"), line(1000, "", kind="subscription"))
    known = known_of(KnowledgeBase(overridden), lago, odoo)
    usage = known.of_line(LineKey("s1", "charge", "c2"))
    assert usage.prices == {"pro": 500}
    assert usage.reprice is not None
    assert usage.reprice(Decimal(50)) == 150
    assert known.of_line(LineKey("s1", "subscription", "")).prices == {"pro": 1000}


def test_a_period_in_part_has_no_other_price(overridden: Snapshot) -> None:
    lago, odoo = invoice(line(700, "", kind="subscription")), invoice(line(500, "", kind="subscription"))
    assert known_of(KnowledgeBase(overridden), lago, odoo).of_line(LineKey("s1", "subscription", "")).prices == {}


def test_an_unknown_subscription_has_no_price(overridden: Snapshot) -> None:
    stranger = replace(overridden, subscriptions=())
    lago, odoo = invoice(line(1500, "", kind="subscription")), invoice(line(5, "", kind="subscription"))
    assert known_of(KnowledgeBase(stranger), lago, odoo).of_line(LineKey("s1", "subscription", "")).prices == {}


def test_lines_without_units_or_in_groups_have_no_other_price(overridden: Snapshot) -> None:
    key = LineKey("s1", "charge", "c2")
    assert (
        known_of(KnowledgeBase(overridden), invoice(line(300, "c2")), invoice(line(1, "c2"))).of_line(key).prices == {}
    )


@pytest.mark.parametrize(
    ("more", "cents"),
    [
        ({}, 50),
        ({"charge_model": "percentage", "properties": {"rate": "1"}}, None),
        ({"prorated": True}, None),
        ({"pay_in_advance": True}, None),
        ({"charge_model": "graduated", "properties": {"graduated_ranges": []}}, None),
    ],
)
def test_only_units_that_make_the_price_are_priced(
    overridden: Snapshot, more: dict[str, Any], cents: int | None
) -> None:
    one = charge("c1", "0.05", **more)
    assert KnowledgeBase(overridden).amount(one, LineKey("s1", "charge", "c1"), Decimal(10), "CAD") == cents


def test_filters_have_their_own_price(overridden: Snapshot) -> None:
    own = ChargeFilter(lago_id="f1", properties={"amount": "2"}, values={"zone": ("a",)})
    parent = charge("c1", "0.05", filters=(replace(own, lago_id="f0", properties={"amount": "3"}),))
    known = KnowledgeBase(replace(overridden, plans=(plan("p1", parent, charge("c3", "1", filters=(own,))),)))
    key = LineKey("s1", "charge", "c3", filter="f1")
    assert known.amount(known.charges["c3"], key, Decimal(2), "CAD") == 400
    assert known.amount(parent, key, Decimal(2), "CAD") == 600
    assert known.amount(charge("c9", "1"), key, Decimal(2), "CAD") is None


def test_a_late_re_rate_that_refuses_says_nothing(overridden: Snapshot) -> None:
    refusing = invoice(silent=True, refusals=[Refusal(reason="r", detail="d")])
    known = KnowledgeBase(overridden, late={"i1": refusing})
    found = known_of(known, invoice(line(300, "c2", units="1")), invoice(line(1, "c2")))
    assert set(found.lines) == {LineKey("s1", "charge", "c2")}
    assert found.of_line(LineKey("s1", "charge", "c2")).late is None
    assert found.orders is None
