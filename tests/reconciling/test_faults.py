"""Faults planted in a migrated company: the right cause is named, and none wrongly with confidence."""

from __future__ import annotations

import json
import lzma
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path

import pytest

from reconcile.causes.remedies import LAGOS_REMEDIES
from reconcile.causes.rules import CAUSES
from reports.tallies import check_ties
from tests.faults import FAULTS, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base, Named

DOCS = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = "| planted | in | right | named (× positions) | side | right? |"

Run = Callable[[Fault], Named]


@pytest.fixture(scope="module")
def run(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Plant a fault and reconcile; every result is kept, for the matrix."""
    folder, known = tmp_path_factory.mktemp("faults"), dict[str, Named]()
    background: dict[tuple[tuple[str, ...], str], frozenset[str]] = {}
    with planted.copied(base, folder / "clean") as clean:
        codes = planted.codes_of(clean.odoo, clean.snapshot)

        def causes_without(fault: Fault) -> frozenset[str]:
            key = (fault.customers, fault.month)
            if key not in background:
                data = planted.reconciled(clean, fault, codes)
                background[key] = frozenset(f.cause for _, p in data.rows() for f in p.findings)
            return background[key]

        def one(fault: Fault) -> Named:
            if fault.name not in known:
                ledger = fault.name.startswith("table")
                with planted.copied(base, folder / "planted", ledger=ledger) as company:
                    changed = fault.plant(company) or company
                    data = planted.reconciled(changed, fault, codes)
                    check_ties(data)
                known[fault.name] = planted.named(data, fault, causes_without(fault))
            return known[fault.name]

        yield one


def test_there_are_faults_of_all_sides() -> None:
    assert len(FAULTS) >= 30
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {fault.side for fault in FAULTS} == {"odoo", "lago"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_named_wrongly_with_confidence(run: Run, fault: Fault) -> None:
    assert run(fault).wrong == frozenset()


def test_nearly_all_are_named_right(run: Run) -> None:
    missed = [fault.name for fault in FAULTS if not run(fault).right]
    assert len(missed) <= len(FAULTS) * 0.05, missed


def test_without_a_fault_nothing_but_odoos_rounding_differs(base: Base, tmp_path: Path) -> None:
    everybody = Fault(name="none", side="", causes=frozenset(), customers=planted.CUSTOMERS, plant=lambda company: None)
    with planted.copied(base, tmp_path / "clean") as company:
        data = planted.reconciled(company, everybody, planted.codes_of(company.odoo, company.snapshot))
    assert {f.cause for _, p in data.rows() for f in p.findings} <= {"tax_rounding"}
    assert {abs(p.delta_cents) for _, p in data.rows()} <= {0, 1}


def test_the_record_is_to_be_mended_and_not_the_period_that_follows_from_it(run: Run) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "anniversary instead of calendar, two charges")
    remedies = [finding.remedy for finding in run(fault).findings if finding.proven]
    assert {(str(r.values["where"]).split()[0], r.values["what"]) for r in remedies if r} == {
        ("sale.order", "fusion_billing_time")
    }


def test_usage_that_is_written_to_another_goes_back_to_whose_it_is(run: Run) -> None:
    """Seen from both: nobody is told to delete what Lago has of another subscription."""
    fault = next(fault for fault in FAULTS if fault.name == "usage written to another subscription")
    remedies = [f.remedy for f in run(fault).findings if f.proven and f.cause in fault.causes]
    told = {(r.name, str(r.values["where"]), str(r.values["what"]), str(r.values["lago"])) for r in remedies if r}
    where = "fusion.billing.usage of sub.NX1057.60"
    assert told == {("return_usage", where, "external_subscription_id", "sub_059")}


@lru_cache
def fields_of(model: str) -> frozenset[str]:
    """As a real Odoo with the addon answers."""
    data = resources.files("lago2odoo.sandbox.odoo") / "data" / "enterprise.json.xz"
    return frozenset(json.loads(lzma.decompress(data.read_bytes()))["models"][model]["fields"])


def test_where_lago_is_wrong_the_remedy_is_lagos(run: Run) -> None:
    told = {(f.cause, f.remedy.name) for fault in FAULTS for f in run(fault).findings if f.side == "lago" and f.remedy}
    assert {each for each in told if each[1] not in LAGOS_REMEDIES} == set()


def test_no_remedy_sets_a_field_that_is_not_there(run: Run) -> None:
    """A field of the addon or of Odoo, on the record that is named; of a part of one, the field that holds it."""
    sets = {"mend_field", "mend_units", "mend_product", "mend_line_order", "return_line"}
    remedies = [f.remedy for fault in FAULTS for f in run(fault).findings if f.proven and f.remedy]
    named = {(str(r.values["where"]).split()[0], str(r.values["what"])) for r in remedies if r.name in sets}
    assert len({what for _, what in named}) > 20
    for model, what in named:
        for field in re.split(", | and ", what.partition(": ")[0]):
            assert field.split()[0] in fields_of(model), f"{model} has no field {field}"


def test_every_cause_is_explained_and_nearly_every_one_is_planted() -> None:
    page = (DOCS.parent / "reconciling.md").read_text(encoding="utf-8")
    names = {cause.name for cause in CAUSES}
    assert [name for name in names if f"`{name}`" not in page] == []
    planted_ones = {name for fault in FAULTS for name in fault.causes}
    assert planted_ones <= names
    no_threshold = {"progressive_credit"}  # the bundled company has none: see test_header_chain and test_header_rules
    assert names - planted_ones <= {"line_rounding", "tax_included", "early_discount"} | no_threshold


@pytest.mark.skipif("LAGO2ODOO_FAULT" not in os.environ, reason="prints the row of the fault that is named there")
def test_the_row_of_one_fault(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """For who plants one: its row of docs/faults.md, without all the others."""
    name = os.environ["LAGO2ODOO_FAULT"]
    fault = next((fault for fault in FAULTS if fault.name == name), None)
    assert fault is not None, f"tests/faults.py has no fault named {name!r}"
    row = run(fault).row()
    with capsys.disabled():
        sys.stdout.write(f"\n{row}\n")
    assert row in DOCS.read_text(encoding="utf-8").splitlines(), "docs/faults.md does not hold it yet"


def test_the_page_shows_this_very_matrix(run: Run) -> None:
    """What differs is shown, and belongs into the page."""
    matrix = "\n".join([HEAD, "|---|---|---|---|---|---|", *(run(fault).row() for fault in FAULTS)])
    assert matrix in DOCS.read_text(encoding="utf-8"), f"docs/faults.md should hold:\n{matrix}"
