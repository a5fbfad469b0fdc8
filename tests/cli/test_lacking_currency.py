"""A currency that Odoo lacks costs those who pay in it, by name; once that is accepted all others are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.broken import Broken, each, inside, opened
from tests.cli.conftest import WAIVED

LACKING = "XTS"  # ISO 4217 keeps it for tests: nobody's Odoo has it
CUSTOMER, PLAN = "NX-1053", "nexacloud_payg_usd"


@pytest.fixture
def broken(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as company:
        company.change(pays_in_another)
        yield company


def pays_in_another(body: Any) -> None:
    """One customer with its plan, its subscription and all that was billed."""
    theirs = [found for found in inside(body) if belongs(found)]
    for record in [*theirs, *(plan for root in ("plan", "plans") for plan in each(body, root) if plan["code"] == PLAN)]:
        for found in inside(record):
            found.update({name: LACKING for name, value in found.items() if name.endswith("currency") and value})


def belongs(record: dict[str, Any]) -> bool:
    owner = record.get("customer")
    named = owner.get("external_id") if isinstance(owner, dict) else None
    return CUSTOMER in (named, record.get("external_customer_id"), record.get("external_id"))


def test_it_costs_its_customers_and_its_waiver_accepts_that(broken: Broken) -> None:
    project = broken.project
    assert project.run("extract").code == 0
    shown = project.run("preview")
    assert (shown.code, "currency_unknown" in shown.out) == (1, True), "the others can be looked at"
    refused = project.run("apply")
    assert refused.code == 1
    assert "[waive] skipped = ['currency_unknown']" in refused.err
    broken.waive(*WAIVED, "currency_unknown")
    applied = project.run("apply")
    assert applied.code == 0, applied.err
    partners = {row["ref"] for row in broken.door().search_read("res.partner", [["ref", "!=", False]], ["ref"])}
    assert len(partners) == 6
    assert CUSTOMER not in partners
    assert not broken.door().search("product.pricelist", [["name", "ilike", LACKING]])
    assert "nothing to do" in project.run("apply").out
    assert project.run("doctor").code == 0
    assert project.run("reconcile", "--period", "2026-08").code == 2, "what only Lago billed is a difference"
