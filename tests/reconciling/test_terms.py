"""The recorded company, migrated: what Odoo holds of it reads back as Lago's own records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from mappings import read_back
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from reconcile.causes.coupons import held_coupons
from reconcile.causes.differences import differences, same_exactly
from reconcile.causes.terms import of_metrics, of_order, terms_of
from reconcile.rerate.history import History
from reconcile.rerate.hypothesis import worlds_of
from reconcile.rerate.supposed import events_of
from reconcile.sides.held_terms import Held
from reconcile.sides.odoo_terms import read as read_terms
from tests.faults import Company
from tests.reconciling import planted
from tests.reconciling.planted import Base


@pytest.fixture(scope="module")
def company(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with planted.copied(base, tmp_path_factory.mktemp("read")) as company:
        yield company


@pytest.fixture(scope="module")
def held(company: Company) -> Held:
    return read_terms(Door(company.odoo), [s.lago_id for s in company.snapshot.subscriptions])


def test_orders_and_charges(company: Company, held: Held) -> None:
    history = History(company.snapshot)
    billings = [billed[-1] for billed in history.billed.values()]
    assert len(billings) > 10
    for billed in billings:
        lago, order = terms_of(billed, history), held.orders[billed.subscription.lago_id]
        assert len(order.charges) == len(lago.plan.charges) + len(lago.plan.fixed_charges)
        assert list(of_order(lago, order, {})) == []


LATER = frozenset(
    {"fusion_trial_days", "fusion_previous_order_id", "min_amount", "prorated", "recurring", "unit_changes"}
)


@dataclass
class OlderAddon:
    """The same Odoo, under an addon that does not have some of the fields yet: Odoo refuses to read them."""

    odoo: Odoo
    server_version: str = "19.0"

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **arguments: Any) -> Any:
        assert not LATER & set(arguments.get("fields") or ()), f"ValueError: Invalid field on model {model!r}"
        answer = self.odoo.call(model, method, ids, **arguments)
        if method == "fields_get":
            return {name: told for name, told in answer.items() if name not in LATER}
        return answer


def test_what_an_older_addon_has_no_field_for_is_no_difference(company: Company) -> None:
    history = History(company.snapshot)
    older: Any = OlderAddon(company.odoo)
    held = read_terms(Door(older), [s.lago_id for s in company.snapshot.subscriptions])
    assert not LATER & set(next(iter(held.orders.values())).row)
    for billed in history.billed.values():
        lago = terms_of(billed[-1], history)
        assert list(of_order(lago, held.orders[billed[-1].subscription.lago_id], {})) == []
    assert list(of_metrics(company.snapshot.billable_metrics, held.metrics)) == []


def test_metrics(company: Company, held: Held) -> None:
    assert set(held.metrics) == {metric.lago_id for metric in company.snapshot.billable_metrics}
    assert list(of_metrics(company.snapshot.billable_metrics, held.metrics)) == []


def test_usage(company: Company, held: Held) -> None:
    worlds = worlds_of(company.snapshot, company.events, [c.lago_id for c in company.snapshot.customers])
    codes, read = {metric.code for metric in company.snapshot.billable_metrics}, 0
    for one in company.snapshot.subscriptions:
        events = events_of(worlds.of(one.lago_customer_id), one.external_id)
        lago = {event.transaction_id: event for event in events if event.code in codes}
        odoo = read_back.usage(lago, held.orders[one.lago_id].usage)
        assert list(differences(lago, odoo, (), same_exactly)) == []
        read += len(odoo)
    assert read > 1000


def test_coupons(company: Company, held: Held) -> None:
    """Those on orders; one that ended before the oldest usage is on none."""
    history, read = History(company.snapshot), 0
    for customer in company.snapshot.customers:
        own = [s.lago_id for s in company.snapshot.subscriptions if s.lago_customer_id == customer.lago_id]
        entries = [e for s in own for e in read_back.coupon_entries(held.orders[s].row["fusion_coupons"])]
        lago = held_coupons(customer.lago_id, history)
        odoo = read_back.coupons(lago, customer.lago_id, entries)
        assert list(differences({name: lago[name] for name in odoo}, odoo)) == []
        read += len(odoo)
    assert read >= 3
