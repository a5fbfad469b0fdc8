"""Which months open a gate: the last pack of each that holds the cohort, with everything compared and nothing open."""

from __future__ import annotations

from datetime import date

import pytest

from reports.evidence.chain import Link
from reports.evidence.project_chain import IntactPack
from reports.evidence.report_facts import Fact
from reports.evidence.signed_months import months_before, signed_months

CLEAN: dict[str, Fact] = {
    "cohort": "pilot",
    "unexplained": 0,
    "not_compared": 0,
    "lapses": 0,
    "accepted_open": None,
    "state": "equal",
}


def pack(number: int, period: str = "2026-07", **facts: Fact) -> IntactPack:
    link = Link(number=number, period=period, pack=f"{period}-{number:03}.zip", seal=f"seal{number}")
    return IntactPack(link, {**CLEAN, **facts})


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({}, ""),
        ({"state": "waived"}, ""),
        ({"state": "immaterial"}, ""),
        ({"state": "to_act"}, "is to act on"),
        ({"not_compared": 2}, "2 not compared"),
        ({"lapses": 1, "unexplained": 3}, "1 billed twice or never, 3 unexplained"),
        ({"accepted_open": "next month"}, "was signed with open differences (next month)"),
    ],
)
def test_what_was_open_closes_the_month(facts: dict[str, Fact], problem: str) -> None:
    assert signed_months([pack(1, **facts)], "pilot")["2026-07"].problem == problem


def test_an_older_pack_that_does_not_say_its_state_opens_nothing() -> None:
    silent = pack(1)
    facts = {name: fact for name, fact in silent.facts.items() if name != "state"}
    assert signed_months([IntactPack(silent.link, facts)], "pilot")["2026-07"].problem == "is to act on"


def test_the_last_pack_of_the_cohort_or_of_everybody_counts() -> None:
    chain = [pack(1, lapses=1), pack(2, cohort=None), pack(3, cohort="others", lapses=9), pack(4, "2026-06")]
    signed = signed_months(chain, "pilot")
    assert {month: (each.pack, each.problem) for month, each in signed.items()} == {
        "2026-07": ("2026-07-002.zip", ""),
        "2026-06": ("2026-06-004.zip", ""),
    }


def test_the_months_before_a_day() -> None:
    assert months_before(date(2026, 3, 31), 3) == ("2026-02", "2026-01", "2025-12")
    assert months_before(date(2026, 3, 1), 1) == ("2026-02",)
