"""Lago's own numbers, area by area: ``LAGO_VECTORS=DIR pytest tests/test_vectors.py`` runs another directory.

A refused vector is not an equal one, and an area nobody computes fails by name. The table is printed at the end
(``tests/conftest.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconcile.rating.refusal import RerateRefused
from tests.vectors_support import calendar, charges, headers, terminations, timeline
from tests.vectors_support.compare import differences
from tests.vectors_support.load import Case, area_files, cases, directory

Adapter = Callable[[Case], Mapping[str, Any]]
AREAS: dict[str, Adapter] = {**calendar.AREAS, **headers.AREAS, **timeline.AREAS, **terminations.AREAS, **charges.AREAS}
FILES = area_files(directory())


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


@pytest.mark.parametrize("area", FILES)
def test_area(area: str, record_property: Callable[[str, object], None]) -> None:
    assert area in AREAS, f"nobody computes area {area!r} ({FILES[area]}): add an adapter in tests/vectors_support"
    tally = Tally()
    for case in cases(FILES[area]):
        run(AREAS[area], case, tally)
    record_property("vectors", [area, tally.cases, tally.equal, tally.refused])
    assert not tally.failures, f"{len(tally.failures)} of {tally.cases} differ\n" + "\n".join(tally.failures[:20])
