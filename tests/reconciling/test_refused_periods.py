"""A period that is not Lago's on orders that bill the same whatever it is: refused, with the record that gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Snapshot
from reports.data import ODOO, InvoiceView
from tests.faults import Fault, on_order
from tests.reconciling import planted
from tests.reconciling.planted import Base

QUARTERLY, IN_ADVANCE, SEMIANNUAL = "NX-1045", "NX-1049", "NX-1017"


@pytest.fixture(scope="module")
def long_plans(nexasystems: tuple[Snapshot, Path], tmp_path_factory: pytest.TempPathFactory) -> Base:
    customers = (QUARTERLY, IN_ADVANCE, SEMIANNUAL)
    return planted.migrated(*nexasystems, tmp_path_factory.mktemp("long_plans"), customers)


def reconciled(base: Base, folder: Path, customer: str, values: Mapping[str, Any]) -> InvoiceView:
    """The customer's invoice of July, with these values on its order."""
    plant = on_order(customer, **values)
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(customer,), plant=plant)
    with planted.copied(base, folder / "planted") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        plant(company)
        (invoice,) = planted.reconciled(company, fault, codes).invoices
    return invoice


@pytest.mark.parametrize(
    ("customer", "values", "cause"),
    [
        (QUARTERLY, {"fusion_timezone": "Europe/Paris"}, "time_zone"),
        (IN_ADVANCE, {"fusion_timezone": "Asia/Tokyo"}, "time_zone"),
        (IN_ADVANCE, {"fusion_billing_time": "anniversary"}, "period_boundary"),
        (SEMIANNUAL, {"fusion_timezone": "Asia/Tokyo"}, "time_zone"),
    ],
    ids=["zone", "zone, in advance", "anniversary", "zone, semiannual"],
)
def test_the_record_that_gives_the_period_is_told_beside_the_refusal(
    long_plans: Base, tmp_path: Path, customer: str, values: dict[str, Any], cause: str
) -> None:
    invoice = reconciled(long_plans, tmp_path, customer, values)
    assert {(r.side, r.reason) for r in invoice.refusals} == {(ODOO, "other_period")}
    (finding,) = [finding for position in invoice.positions for finding in position.findings]
    assert (finding.cause, finding.side, finding.delta_cents, finding.proven) == (cause, ODOO, 0, True)
    assert finding.remedy is not None
    assert {str(finding.remedy.values["what"])} == values.keys()


def test_without_a_fault_there_is_none(long_plans: Base, tmp_path: Path) -> None:
    invoice = reconciled(long_plans, tmp_path, QUARTERLY, {"fusion_timezone": "America/Los_Angeles"})
    assert invoice.refusals == ()
    assert [finding for position in invoice.positions for finding in position.findings] == []
