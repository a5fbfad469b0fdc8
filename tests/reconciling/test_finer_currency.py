"""A currency that somebody made finer in Odoo than Lago counts it: named with its setting, not the end of the run."""

from __future__ import annotations

from pathlib import Path

from reports.verdict import State, judge
from tests.faults import STARTER, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base


def test_its_invoices_are_refused_by_name(base: Base, tmp_path: Path) -> None:
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda company: None)
    with planted.copied(base, tmp_path / "finer") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        before = planted.reconciled(company, fault, codes)
        company.write("res.currency", [["name", "=", "CAD"]], rounding=0.001)
        data = planted.reconciled(company, fault, codes)
    assert not [i for i in before.invoices if i.refusals]
    refused = {(i.currency, r.reason, r.side) for i in data.invoices for r in i.refusals}
    assert refused == {("CAD", "currency_finer", "odoo")}
    told = [str(r.detail) for i in data.invoices for r in i.refusals]
    assert all("Rounding Factor of CAD" in detail and "back to 0.01" in detail for detail in told)
    assert [i.number for i in data.invoices if not i.refusals] == [
        i.number for i in before.invoices if i.currency != "CAD"
    ]
    assert judge(data).state is State.TO_ACT
