"""Lago's own numbers, area by area: ``LAGO_VECTORS=DIR pytest tests/test_vectors.py`` runs another directory.

A refused vector is not an equal one, and an area nobody computes fails by name. The table is printed at the end
(``tests/conftest.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconcile.rating.refusal import RerateRefused
from tests.vectors_support import calendar, charges, headers, terminations, timeline
from tests.vectors_support.compare import differences
from tests.vectors_support.load import Case, area_files, cases, directories

Adapter = Callable[[Case], Mapping[str, Any]]
AREAS: dict[str, Adapter] = {**calendar.AREAS, **headers.AREAS, **timeline.AREAS, **terminations.AREAS, **charges.AREAS}
GIVEN = os.environ.get("LAGO_VECTORS")
FILES = [area_files(directory) for directory in directories()]
FOUND = {area: [files[area] for files in FILES if area in files] for files in FILES for area in files}
KNOWN = {  # cases that cannot be given, by what is missing; one that becomes equal is to be taken off
    "termination_credit_notes-rnd-0353": "a cent between refund and credit, of 126 terminations",
    "wallet_credits-rnd-0021": "two coupons given in one moment: nothing tells in which order Lago took them",
}


@dataclass
class Tally:
    cases: int = 0
    equal: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, case: Case, what: str) -> None:
        self.failures.append(f"{case['id']}: {what}")


def run(adapter: Adapter, case: Case, tally: Tally) -> None:
    """One case: equal, refused or different. Where Lago itself fails, only that we refuse too is compared."""
    tally.cases += 1
    lago_fails = "error" in case["expected"]
    try:
        got = adapter(case)
    except RerateRefused as refused:
        if lago_fails:
            tally.equal += 1
            return
        tally.refused += 1
        tally.fail(case, f"refused: {refused.reason}: {refused}")
        return
    wrong = ["Lago fails here, we do not"] if lago_fails else list(differences(got, case["expected"]))
    if wrong:
        tally.fail(case, "; ".join(wrong[:3]))
    else:
        tally.equal += 1


@pytest.mark.parametrize("area", sorted(FOUND))
def test_area(area: str, record_property: Callable[[str, object], None]) -> None:
    assert area in AREAS, f"nobody computes area {area!r} ({FOUND[area]}): add an adapter in tests/vectors_support"
    tally = Tally()
    asked = [case for file in FOUND[area] for case in cases(file)]
    for case in asked:
        run(AREAS[area], case, tally)
    record_property("vectors", [area, tally.cases, tally.equal, tally.refused])
    known = set() if GIVEN else KNOWN.keys() & {case["id"] for case in asked}
    wrong = {failure.split(":")[0] for failure in tally.failures}
    assert known <= wrong, f"equal now, take them off the list: {sorted(known - wrong)}"
    tally.failures = [failure for failure in tally.failures if failure.split(":")[0] not in known]
    assert not tally.failures, f"{len(tally.failures)} of {tally.cases} differ\n" + "\n".join(tally.failures[:20])
