"""On OCA the subscription beside an order says whether it is billed: what rests there is not equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mappings.records import Snapshot
from reports.data import InvoiceView
from tests.faults import STARTER, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

Plant = Callable[[Company], None]


@pytest.fixture(scope="module")
def on_oca(nexasystems: tuple[Snapshot, Path], tmp_path_factory: pytest.TempPathFactory) -> Base:
    return planted.migrated(*nexasystems, tmp_path_factory.mktemp("oca"), (STARTER,), "oca")


def on_native(**values: object) -> Plant:
    return lambda c: c.write("sale.subscription", [["sale_order_id", "=", c.order(STARTER)["id"]]], **values)


def close(company: Company) -> None:
    """By its button: the stage of closed ones, and no more in progress."""
    (stage, *_) = company.rows("sale.subscription.stage", [["type", "=", "post"]], "id")
    on_native(stage_id=stage["id"], in_progress=False)(company)


def archive(company: Company) -> None:
    on_native(in_progress=False, active=False)(company)


def copy_that_runs(company: Company) -> None:
    """Another subscription of the same order, which is not paused."""
    native = company.rows("sale.subscription", [["sale_order_id", "=", company.order(STARTER)["id"]]])[0]
    values = {"sale_order_id": native["sale_order_id"][0], "in_progress": True, "partner_id": native["partner_id"][0]}
    more = {"template_id": native["template_id"][0], "pricelist_id": native["pricelist_id"][0]}
    company.odoo.call("sale.subscription", "create", vals_list=[{**values, **more}])
    company.write("sale.subscription", [["id", "=", native["id"]]], is_paused=True)


def reconciled(base: Base, folder: Path, plant: Plant) -> InvoiceView:
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda company: None)
    with planted.copied(base, folder / "planted") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        plant(company)
        found = planted.reconciled(company, fault, codes).invoices
    return next(invoice for invoice in found if invoice.type == "subscription")


def cancel(company: Company) -> None:
    company.write("sale.order", [["id", "=", company.order(STARTER)["id"]]], state="cancel")


@pytest.mark.parametrize("plant", [close, on_native(is_paused=True), cancel], ids=["closed", "paused", "cancelled"])
def test_an_order_that_rests_is_not_equal(on_oca: Base, tmp_path: Path, plant: Plant) -> None:
    found = [f for position in reconciled(on_oca, tmp_path, plant).positions for f in position.findings]
    assert {(f.cause, f.side, f.proven) for f in found} == {("subscription_state", "odoo", True)}
    assert sum(f.delta_cents for f in found) < 0


@pytest.mark.parametrize(
    "plant", [lambda company: None, archive, copy_that_runs], ids=["running", "no subscription", "another that runs"]
)
def test_an_order_that_the_addon_bills_does_not_rest(on_oca: Base, tmp_path: Path, plant: Plant) -> None:
    invoice = reconciled(on_oca, tmp_path, plant)
    assert [f.cause for position in invoice.positions for f in position.findings] == []
