"""Orders before and after a migrated one: Lago's own chain is none to tell, a stranger in it is told by its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mappings.contracts import running_contract
from mappings.period import Window
from mappings.records import Snapshot, Subscription
from mappings.target import xid
from migrate.odoo.door import Door
from reconcile.causes.neighbours import of_neighbours
from reconcile.causes.observed import NONE, Suspect
from reconcile.causes.terms import terms_of
from reconcile.rating.rules import LATEST
from reconcile.rerate.history import History
from reconcile.rerate.supposed import World
from reconcile.rerate.supposed_history import Supposed, all_windows
from reconcile.rerate.suppositions import BilledBefore, FollowedBy, GoesOnFrom
from reconcile.sides.held_terms import Held, HeldOrder
from reconcile.sides.odoo_terms import read
from tests.faults import STARTER, UPGRADES, Company, typed_order
from tests.reconciling import planted
from tests.reconciling.planted import Base

LINK, NAME = "fusion_previous_order_id", "fusion_external_id"


@pytest.fixture
def company(base: Base, tmp_path: Path) -> Any:
    with planted.copied(base, tmp_path / "planted") as copy:
        yield copy


def chain_of(snapshot: Snapshot, customer: str) -> list[Subscription]:
    """The customer's subscriptions, oldest first."""
    own = [s for s in snapshot.subscriptions if s.external_customer_id == customer and s.started_at]
    return sorted(own, key=lambda s: str(s.started_at))


def held(company: Company, *subscriptions: Subscription) -> Held:
    return read(Door(company.odoo), [s.lago_id for s in subscriptions])


def suspects(company: Company, subscription: Subscription) -> list[Suspect]:
    history = History(company.snapshot)
    billed = history.billed[subscription.lago_id][0]
    order: HeldOrder = held(company, subscription).orders[subscription.lago_id]
    return list(of_neighbours(terms_of(billed, history), order, history))


def number_of(company: Company, subscription: Subscription) -> dict[str, Any]:
    return company.rows("sale.order", [["fusion_lago_id", "=", subscription.lago_id]])[0]


def link(company: Company, subscription: Subscription, number: int | bool) -> None:
    company.write("sale.order", [["fusion_lago_id", "=", subscription.lago_id]], fusion_previous_order_id=number)


def told(found: list[Suspect]) -> list[tuple[str, object, object, object]]:
    return [(s.place.record, s.place.field, s.lago, s.odoo) for s in found]


def test_lagos_own_chain_has_nothing_to_tell(company: Company) -> None:
    for subscription in (*chain_of(company.snapshot, UPGRADES), *chain_of(company.snapshot, STARTER)):
        assert suspects(company, subscription) == []


def test_a_stranger_before_is_told_from_both_sides_and_with_what_lago_has_there(company: Company) -> None:
    first, second, _ = chain_of(company.snapshot, UPGRADES)
    order = number_of(company, second)
    values = {NAME: "typed", "fusion_started_at": "2025-01-01 05:00:00", "fusion_ended_at": "2026-02-01 12:00:00"}
    number = typed_order(company, order, name="TYPED", **values)
    link(company, second, number)
    expected = [(order["name"], LINK, xid("subscription", first.lago_id), "TYPED")]
    before, after = suspects(company, second), suspects(company, first)
    assert told(before) == told(after) == expected
    (went_on, followed) = (before[0].suppose, after[0].suppose)
    assert isinstance(went_on, GoesOnFrom)
    assert went_on.replaced is not None
    assert (went_on.replaced.lago_id, went_on.since) == ("TYPED", datetime(2025, 1, 1, 5, tzinfo=UTC))
    assert followed == FollowedBy(subscription=first.lago_id, following=None)


def test_a_stranger_further_back_is_told_on_the_order_that_replaces_it(company: Company) -> None:
    first, second, third = chain_of(company.snapshot, UPGRADES)
    order = number_of(company, first)
    number = typed_order(company, order, name="TYPED", fusion_started_at="2025-01-01 05:00:00", **{NAME: "typed"})
    link(company, first, number)
    for subscription in (first, second, third):
        assert told(suspects(company, subscription)) == [(order["name"], LINK, NONE, "TYPED")]


@pytest.mark.parametrize(
    ("values", "is_told"),
    [({}, True), ({"fusion_ended_at": False}, False), ({"fusion_plan_code": "other"}, False), ({NAME: "own"}, False)],
    ids=["ended", "not ended", "another plan", "another external id"],
)
def test_one_of_its_external_id_counts_as_odoo_counts_it(
    company: Company, values: Mapping[str, Any], is_told: bool
) -> None:
    (subscription,) = chain_of(company.snapshot, STARTER)
    dates = {"fusion_started_at": "2025-12-01 05:00:00", "fusion_ended_at": "2026-01-15 12:00:00"}
    more = {**dates, **values, "state": "draft" if values.get("fusion_ended_at") is False else "sale"}
    typed_order(company, number_of(company, subscription), name="TYPED", **more)
    found = suspects(company, subscription)
    assert told(found) == ([("TYPED", NAME, NONE, subscription.external_id)] if is_told else [])
    for suspect in found:
        assert suspect.remedy is not None
        assert suspect.remedy.name == "mend_field"
        assert isinstance(suspect.suppose, BilledBefore)
        assert [str(window.start)[:10] for window in suspect.suppose.windows] == ["2025-12-01", "2026-01-01"]


def test_orders_that_replace_each_other_are_read_to_an_end(company: Company) -> None:
    first, second, third = chain_of(company.snapshot, UPGRADES)
    link(company, first, number_of(company, third)["id"])
    order = held(company, second).orders[second.lago_id]
    assert [other.subscription for other in order.chain] == [first.lago_id, third.lago_id]
    assert [other.subscription for other in order.followers] == [third.lago_id]


def test_an_order_that_lost_its_external_id_is_still_lagos(company: Company) -> None:
    first, second, _ = chain_of(company.snapshot, UPGRADES)
    domain = [["model", "=", "sale.order"], ["module", "=", "lago"]]
    company.unlink("ir.model.data", [*domain, ["res_id", "=", number_of(company, first)["id"]]])
    assert suspects(company, second) == []


# --- in a world where it is so ------------------------------------------------------------------------------------


def supposed(snapshot: Snapshot, **values: Any) -> Supposed:
    return Supposed(snapshot, World(snapshot=snapshot, events=pa.table({}), rules=LATEST, premium=True, **values))


def test_what_goes_on_from_another_begins_with_that_one(base: Base) -> None:
    first, second, third = chain_of(base.snapshot, UPGRADES)
    since, typed = datetime(2025, 1, 1, tzinfo=UTC), replace(first, lago_id="typed")
    on = GoesOnFrom(subscription=second.lago_id, replaced=typed, since=since)
    history = supposed(base.snapshot, goes_on={second.lago_id: on})
    assert (history.previous(second), history.initial_started_at(second)) == (typed, since)
    assert history.following(typed) == second
    assert history.previous(third) == second
    gone = FollowedBy(subscription=first.lago_id, following=None)
    assert supposed(base.snapshot, followed={first.lago_id: gone}).following(first) is None
    assert History(base.snapshot).following(first) == second


def test_what_others_billed_comes_before_all_that_is_carried(base: Base) -> None:
    (subscription,) = chain_of(base.snapshot, STARTER)
    plan, day = subscription.plan, datetime(2025, 12, 1, 5, tzinfo=UTC)
    assert plan is not None
    contract = running_contract(replace(subscription, started_at=day), plan, "America/New_York")
    windows = tuple(all_windows(contract, day, datetime(2026, 1, 15, 12, tzinfo=UTC)))
    assert [window.end.replace(microsecond=0) for window in windows] == [
        datetime(2026, 1, 1, 4, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 15, 12, tzinfo=UTC),
    ]
    before = BilledBefore(subscription=subscription.lago_id, windows=windows)
    billed = History(base.snapshot).billed[subscription.lago_id][-1]
    charge = billed.plan.charges[0]
    own, carried = (
        History(base.snapshot).carry(billed, charge),
        supposed(base.snapshot, before=(before,)).carry(billed, charge),
    )
    assert own is not None
    assert carried is not None
    spans = [Window(part.since, part.until) for part in carried.chain() if part.since]
    assert spans == [*windows, *(Window(part.since, part.until) for part in own.chain() if part.since)]
