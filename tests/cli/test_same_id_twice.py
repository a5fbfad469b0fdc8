"""An id that stands twice in an answer: repeated word for word it is one record, else nobody knows which is meant."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.broken import Broken, inside, opened
from tests.cli.conftest import WAIVED

PLAN = "nexacloud_payg_usd"


@pytest.fixture
def broken(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as company:
        yield company


def same(charge: Any) -> None:
    """Word for word."""


def dearer(charge: Any) -> None:
    charge["min_amount_cents"] = 500


def charge_twice(change: Callable[[Any], None]) -> Callable[[Any], None]:
    def do(body: Any) -> None:
        for plan in (found for found in inside(body) if found.get("code") == PLAN and found.get("charges")):
            again = copy.deepcopy(plan["charges"][0])
            change(again)
            plan["charges"].append(again)

    return do


def test_a_charge_that_is_repeated_word_for_word_is_one(broken: Broken) -> None:
    broken.change(charge_twice(same))
    assert broken.project.run("extract").code == 0
    applied = broken.project.run("apply")
    assert applied.code == 0, applied.err
    assert "nothing to do" in broken.project.run("apply").out


def test_two_charges_of_one_id_cost_their_plan_by_name(broken: Broken) -> None:
    broken.change(charge_twice(dearer))
    extracted = broken.project.run("extract")
    assert (extracted.code, "'id_not_unique'" in extracted.err) == (1, True)
    assert f"plans {PLAN} " in extracted.out
    assert "is that of two records" in extracted.out
    broken.waive(*WAIVED, "id_not_unique")
    applied = broken.project.run("apply")
    assert applied.code == 0, applied.err
    partners = broken.door().search("res.partner", [["ref", "!=", False]])
    assert len(partners) == 7, "the customer is there, and waits for its plan"
    assert "nothing to do" in broken.project.run("apply").out


def test_a_line_of_an_order_that_would_be_another_one_costs_the_order(broken: Broken) -> None:
    """The ledger and Odoo know each external id once: no database has to refuse it."""

    def do(body: Any) -> None:
        for plan in (found for found in inside(body) if found.get("code") == PLAN and found.get("charges")):
            plan["charges"][1]["lago_id"] = "base"  # what the line of the base fee is called

    broken.change(do)
    broken.project.run("extract")
    refused = broken.project.run("apply")
    assert (refused.code, "'id_not_unique'" in refused.err) == (1, True), refused.err
    broken.waive(*WAIVED, "id_not_unique", "reference_missing")
    applied = broken.project.run("apply")
    assert applied.code == 0, applied.err
    assert "nothing to do" in broken.project.run("apply").out
