"""What the snapshot lost is named and Lago's own: what Odoo has of it is no extra, and nobody is told to close it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mappings.lost_records import lost_records, with_lost
from mappings.records import Snapshot
from migrate.odoo.door import Door
from reconcile.sides.lago import lago_invoices
from reconcile.sides.migrated import balances_of
from reconcile.sides.odoo_extras import extras
from reconcile.sides.unread import set_apart
from reports.data import ReportData
from reports.texts import Texts
from reports.verdict import judge
from tests.faults import PRO, STARTER, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base


def without_subscriptions(snapshot: Snapshot) -> Snapshot:
    return replace(
        snapshot, subscriptions=tuple(s for s in snapshot.subscriptions if s.external_customer_id != STARTER)
    )


def without_customer(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, customers=tuple(c for c in snapshot.customers if c.external_id != STARTER))


def deleted_customer(snapshot: Snapshot) -> Snapshot:
    """As a list without it makes it: known from its invoices."""
    marked = (replace(c, deleted=c.external_id == STARTER) for c in snapshot.customers)
    return replace(snapshot, customers=tuple(marked))


def without_plan(snapshot: Snapshot) -> Snapshot:
    (own,) = [s for s in snapshot.subscriptions if s.external_customer_id == STARTER and s.status == "active"]
    plans = tuple(plan for plan in snapshot.plans if plan.code != own.plan_code)
    shown = tuple(replace(s, plan=None) if s.plan_code == own.plan_code else s for s in snapshot.subscriptions)
    return replace(snapshot, plans=plans, subscriptions=shown)


def reconciled(base: Base, folder: Path, lose: Callable[[Snapshot], Snapshot], customer: str = STARTER) -> ReportData:
    fault = Fault(name="", side="lago", causes=frozenset(), customers=(customer, PRO), plant=lambda company: None)
    with planted.copied(base, folder) as copy:
        company = replace(copy, snapshot=lose(copy.snapshot))
        return planted.reconciled(company, fault, planted.codes_of(copy.odoo, copy.snapshot))


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (without_subscriptions, "subscription_lost"),
        (without_customer, "customer_lost"),
        (deleted_customer, "customer_lost"),
        (without_plan, "plan_lost"),
    ],
)
def test_what_is_lost_is_refused_with_its_money_and_blames_nobody(
    base: Base, tmp_path: Path, lose: Callable[[Snapshot], Snapshot], reason: str
) -> None:
    data = reconciled(base, tmp_path / "lost", lose)
    own = [i for i in data.invoices if i.customer == STARTER]
    assert own
    for invoice in own:
        assert [(r.side, r.reason) for r in invoice.refusals] == [("lago", reason)]
        assert invoice.registers["lago"].gross_cents > 0
        assert not [f for position in invoice.positions for f in position.findings]
    assert not [i for i in data.invoices if i.type == "only_odoo"]
    assert not [i for i in data.invoices if i.customer == PRO and i.refusals], "nobody else is stopped"
    assert judge(data).exit_code == 2


def test_the_order_of_a_lost_subscription_is_no_extra(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "extras") as copy:
        door = Door(copy.odoo)
        lost = with_lost(without_subscriptions(copy.snapshot))
        assert extras(door, lost, (), balances_of(door), period="2026-07") == ()


def test_a_lost_coupon_is_no_extra_of_odoos(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "coupon") as copy:
        held = {a.external_customer_id for a in copy.snapshot.applied_coupons if a.status == "active"}
        assert held
        bare = replace(copy.snapshot, applied_coupons=())
        lost = {q.customer for q in lost_records(bare)}
        assert {q.reason for q in lost_records(bare)} == {"coupon_lost"}
        door = Door(copy.odoo)
        found = extras(door, with_lost(bare), (), balances_of(door), period="2026-07")
        assert not [e for e in found if e.customer in lost]


def test_the_whole_snapshot_lost_nothing(snapshot: Snapshot) -> None:
    assert list(lost_records(snapshot)) == []
    assert with_lost(snapshot) is snapshot


def test_who_ended_is_not_lost_with_the_customer(snapshot: Snapshot) -> None:
    """A customer who was deleted: Lago ended all subscriptions first."""
    ended = tuple(
        replace(s, status="terminated") if s.external_customer_id == STARTER else s for s in snapshot.subscriptions
    )
    assert list(lost_records(deleted_customer(replace(snapshot, subscriptions=ended)))) == []


def test_what_is_in_quarantine_is_named_once(snapshot: Snapshot) -> None:
    lost = with_lost(without_subscriptions(snapshot))
    assert {q.reason for q in lost.quarantined} == {"subscription_lost"}
    assert with_lost(lost) is lost
    (named,) = lost.quarantined
    (customer,) = [c for c in snapshot.customers if c.external_id == STARTER]
    assert (named.customer, named.customer_id) == (STARTER, customer.lago_id)
    assert "fees" in str(named.problem)
    assert "invoices" in str(named.problem)


def test_what_is_wrong_is_said_in_the_language_of_the_report(snapshot: Snapshot) -> None:
    lost = with_lost(without_subscriptions(snapshot))
    _, apart = set_apart(lost, lago_invoices(lost), "all", None)
    details = [refusal.detail for invoice in apart for refusal in invoice.refusals]
    french = [Texts("fr_CA").said(detail) for detail in details]
    assert any("est en quarantaine : champ lago_id est cité par " in told for told in french)
    assert not any("is named by" in told for told in french)
    assert any("field lago_id is named by " in str(detail) for detail in details)


def test_what_was_made_while_the_lists_were_read_is_not_lost(snapshot: Snapshot) -> None:
    """A list that was read before it cannot hold it: the next extract has both."""
    begin = min(invoice.created_at for invoice in snapshot.invoices)
    raced = replace(snapshot, subscriptions=(), plans=(), applied_coupons=(), customers=(), taken_at=begin)
    assert len(list(lost_records(replace(raced, taken_at=snapshot.taken_at)))) > 10
    of_then = {invoice.lago_id for invoice in snapshot.invoices if invoice.created_at <= begin}
    named = {p.lago_subscription_id for i in snapshot.invoices if i.lago_id in of_then for p in i.billing_periods}
    assert {record.id for record in lost_records(raced) if record.resource == "subscriptions"} <= named
